"""A colour of a display."""

from __future__ import annotations

from app.forms.color_button import ColorButton
from app.panels.display.fields import DisplayFields
from core.document import Item


def add_color(fields: DisplayFields, name: str, text: str) -> ColorButton:
    """A swatch; what is tried out in one dialog is one edit."""
    made = ColorButton(text)
    fields.fields[name] = made
    fields.grid.add(text, made)
    made.chosen.connect(lambda color, key: fields.apply(key, **{name: color}))

    def fill(item: Item) -> None:
        made.set_color(getattr(item.display, name))

    fields.fillers.append(fill)
    return made
