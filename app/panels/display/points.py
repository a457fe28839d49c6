"""What the display panel offers for point clouds and trajectories."""

from __future__ import annotations

from typing import Any

from app.panels.display.attributes import add_attributes
from app.panels.display.colors import add_color
from app.panels.display.fields import DisplayFields
from app.panels.display.glyphs import add_glyphs
from core.document import Item


def build(fields: DisplayFields, item: Item) -> None:
    """Colours, size and shape."""
    add_attributes(fields, item)
    add_color(fields, "color", "Colour")
    size = fields.add_number("size", "Point size", unit="px", minimum=0.5, maximum=30, step=0.5)
    splat = fields.add_number(
        "splat",
        "Size in space",
        unit=item.data.unit,
        optional=True,
        empty="off",
        minimum=0,  # type: ignore[union-attr]
    )
    splat.setToolTip("Diameter of each point in the cloud's own unit; empty: as many pixels as above")
    fields.add_check("round", "Round points")
    add_glyphs(fields, item)

    def fill(current: Item) -> None:
        display: Any = current.display
        size.setEnabled(display.splat is None)
        fields.show_row("color", not display.color_by)

    fields.fillers.append(fill)
