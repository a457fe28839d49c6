"""Colour by an attribute: which one, its colour map, its range."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.forms.range_slider import RangeSlider
from app.forms.widgets import NumberEdit
from app.panels.display.fields import DisplayFields
from app.panels.display.ranges import Found, Ranged, add_colormap
from app.theme import Metrics
from core.data import Domain, Transforms
from core.display import COORDINATES, are_colors, attribute_of, parts_of
from core.document import Item


def add_attributes(fields: DisplayFields, item: Item) -> None:
    """The choice and what belongs to it; nothing where there is no attribute."""
    attributes = getattr(item.data, "attributes", {})
    names: dict[str, str] = {}
    for name, attribute in attributes.items():
        if attribute.domain is Domain.OBJECT or (
            attribute.domain is Domain.EDGE and not hasattr(item.data, "edges")
        ):
            continue
        parts = parts_of(attribute)
        names[name] = f"{name} (length)" if "x" in parts else name
        names.update({f"{name}@{part}": f"{name} {part}" for part in parts})
    names.update({key: key.removeprefix("@") for key in COORDINATES if attribute_of(item.data, key)})
    if not names:
        return
    fields.add_choice("color_by", "Colour by", {"": "One colour", **names})
    add_colormap(fields)
    range_row = add_range(fields, attribute_ends, attribute_shown)

    def fill(current: Item) -> None:
        shown = attribute_shown(current) is not None
        for row in ("colormap", "inverted", range_row):
            fields.show_row(row, shown)

    fields.fillers.append(fill)


def add_range(
    fields: DisplayFields,
    ends_of: Callable[[Item], tuple[float, float]],
    values_of: Callable[[Item], tuple[Any, Callable[[], Any]] | None] | None = None,
) -> QWidget:
    """The two ends of the colours, as one field, which is returned; `ends_of` says those that an empty field stands for.

    `values_of(item)`: what the colours are of, as an object that lives as long as the values, and a function that
    returns them, called in the background; None where there is one colour. With it there is a slider on a histogram.
    """
    if values_of is not None:
        _add_slider(fields, values_of)
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
    return row


def _add_slider(
    fields: DisplayFields, values_of: Callable[[Item], tuple[Any, Callable[[], Any]] | None]
) -> None:
    slider = RangeSlider("Range of the colours on the histogram of the values")
    slider.setToolTip("Drag the ends of the range or all of it; double-click for the automatic one")
    fields.add_wide(slider)
    fields.fields["range_slider"] = slider

    def moved(low: float, high: float, gesture: str) -> None:
        digits = 4 - math.floor(math.log10(max(high - low, 1e-300)))
        fields.apply(gesture, range=(round(low, digits), round(high, digits)))

    def find(item: Item) -> tuple[Any, Callable[[], Found]] | None:
        asked = values_of(item)
        if asked is None:
            return None
        owner, values = asked

        def work() -> Found:
            from app.viewports.distributions import known_distribution

            found = known_distribution(owner, "range", values)
            return found, (found.minimum, found.maximum)

        return id(owner), work

    def shown(item: Item, automatic: tuple[float, float]) -> tuple[float, float]:
        return getattr(item.display, "range", None) or automatic

    slider.moved.connect(moved)
    slider.automatic.connect(lambda: fields.apply(range=None))
    ranged = Ranged(fields, slider, find, shown)

    def fill(item: Item) -> None:
        slider.setVisible(values_of(item) is not None)
        ranged.fill(item)

    fields.fillers.append(fill)


def attribute_shown(item: Item) -> tuple[Any, Callable[[], Any]] | None:
    """The attribute that an item is coloured by, and a sample of its values; None for one colour, labels and colours themselves."""
    attribute = attribute_of(item.data, getattr(item.display, "color_by", ""))
    if attribute is None or attribute.transforms is Transforms.LABEL:
        return None
    if are_colors(item.display.color_by, attribute.values):  # type: ignore[attr-defined]
        return None
    if attribute.values.dtype.kind not in "biufc":
        return None

    def values() -> Any:
        from app.viewports.stats import plain_values, thinned

        return plain_values(thinned(attribute.values))

    return attribute, values


def attribute_ends(item: Item) -> tuple[float, float]:
    """The finite range of what the item is coloured by."""
    from app.viewports.stats import attribute_range

    attribute = attribute_of(item.data, getattr(item.display, "color_by", ""))
    return (0.0, 1.0) if attribute is None else attribute_range(attribute)
