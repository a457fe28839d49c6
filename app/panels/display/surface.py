"""What the display panel offers for meshes and graphs with positions."""

from __future__ import annotations

from app.panels.display.attributes import add_attributes
from app.panels.display.fields import DisplayFields
from core.document import Item

REPRESENTATIONS = {
    "surface": "Surface",
    "edges": "Surface with edges",
    "wireframe": "Wireframe",
    "points": "Points",
}


def build(fields: DisplayFields, item: Item) -> None:
    """Colours, representation, the cut in slices."""
    add_attributes(fields, item)
    fields.add_choice("representation", "Shown as", REPRESENTATIONS)
    fields.add_check("cut", "Cut in slices")
