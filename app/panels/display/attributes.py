"""Colour by an attribute: which one, its colour map, its range."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.forms.widgets import NumberEdit
from app.panels.display.fields import DisplayFields, map_choices
from app.theme import Metrics
from core.data import Domain
from core.display import COORDINATES, attribute_of
from core.document import Item


def add_attributes(fields: DisplayFields, item: Item) -> None:
    """The choice and what belongs to it; nothing where there is no attribute."""
    attributes = getattr(item.data, "attributes", {})
    names = {n: n for n, a in attributes.items() if a.domain in (Domain.POINT, Domain.FACE)}
    names.update({key: key.removeprefix("@") for key in COORDINATES if attribute_of(item.data, key)})
    if not names:
        return
    fields.add_choice("color_by", "Colour by", {"": "One colour", **names})
    fields.add_choice("colormap", "Colour map", map_choices())
    add_range(fields, attribute_ends)


def add_range(fields: DisplayFields, ends_of: Callable[[Item], tuple[float, float]]) -> None:
    """The two ends of the colours; `ends_of` says those that an empty field stands for."""
    low = NumberEdit(optional=True, empty="low")
    high = NumberEdit(optional=True, empty="high")
    fields.fields["range_low"], fields.fields["range_high"] = low, high
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(Metrics.of(row.font()).px(4))
    line.addWidget(low)
    line.addWidget(high)
    low.setAccessibleName("Lowest value of the colours")
    high.setAccessibleName("Highest value of the colours")
    fields.grid.add("Range", row)

    def commit() -> None:
        current = fields.item
        if current is None:
            return
        try:
            a, b = low.value(), high.value()
        except ValueError:
            return
        before = getattr(current.display, "range", None)
        if a is None and b is None:
            if before is not None:
                fields.apply(range=None)
            return
        found = ends_of(current)
        first, last = float(found[0] if a is None else a), float(found[1] if b is None else b)
        wrong = not first < last
        low.set_invalid(wrong)
        high.set_invalid(wrong)
        if not wrong and before != (first, last):
            fields.apply(range=(first, last))

    def fill(current: Item) -> None:
        ends = getattr(current.display, "range", None)
        colored = bool(getattr(current.display, "color_by", ""))
        for end, edit in enumerate((low, high)):
            if not edit.hasFocus():
                edit.set_value(None if ends is None else ends[end])
                edit.set_invalid(False)
            edit.setEnabled(colored)
        fields.fields["colormap"].setEnabled(colored)

    low.committed.connect(commit)
    high.committed.connect(commit)
    fields.fillers.append(fill)


def attribute_ends(item: Item) -> tuple[float, float]:
    """The finite range of what the item is coloured by."""
    from app.viewports.stats import attribute_values, finite_range

    attribute = attribute_of(item.data, getattr(item.display, "color_by", ""))
    return (0.0, 1.0) if attribute is None else finite_range(attribute_values(attribute))
