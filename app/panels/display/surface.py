"""What the display panel offers for meshes and graphs with positions."""

from __future__ import annotations

from typing import Any

from app.panels.display.attributes import add_attributes
from app.panels.display.colors import add_color
from app.panels.display.fields import DisplayFields
from app.panels.display.glyphs import add_glyphs
from core.data import Mesh
from core.document import Item

REPRESENTATIONS = {
    "surface": "Surface",
    "edges": "Surface with edges",
    "wireframe": "Wireframe",
    "points": "Points",
}
SHADINGS = {"smooth": "Smooth", "flat": "Flat"}
BACKS = {"same": "Like the front", "marked": "Marked in red", "hidden": "Hidden"}


def build(fields: DisplayFields, item: Item) -> None:
    """Colours, representation, the cut in slices."""
    add_attributes(fields, item)
    add_color(fields, "color", "Colour")
    if isinstance(item.data, Mesh):
        fields.add_choice("representation", "Shown as", REPRESENTATIONS)
        fields.add_choice("shading", "Shading", SHADINGS)
        fields.add_choice("backs", "Backs of faces", BACKS).setToolTip(
            "The side that the faces' corners go round clockwise; marked, normals that point inwards catch the eye"
        )
        fields.add_check("cut", "Cut in slices")
    add_glyphs(fields, item)

    def fill(current: Item) -> None:
        display: Any = current.display
        # Graphs draw their edges in it whatever colours their nodes.
        fields.show_row("color", not display.color_by or not isinstance(current.data, Mesh))

    fields.fillers.append(fill)
