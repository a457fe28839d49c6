"""What the display panel offers for markups."""

from __future__ import annotations

from app.panels.display.fields import DisplayFields
from core.document import Item


def build(fields: DisplayFields, item: Item) -> None:
    """Handles and labels."""
    fields.add_number("size", "Handle size", unit="px", minimum=1, maximum=60, step=1)
    fields.add_check("labels", "Labels")
