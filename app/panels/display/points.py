"""What the display panel offers for point clouds and trajectories."""

from __future__ import annotations

from app.panels.display.attributes import add_attributes
from app.panels.display.fields import DisplayFields
from core.document import Item


def build(fields: DisplayFields, item: Item) -> None:
    """Colours and size."""
    add_attributes(fields, item)
    fields.add_number("size", "Point size", unit="px", minimum=0.5, maximum=30, step=0.5)
