"""What the display panel offers for volumes and images."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from app.forms.range_slider import RangeSlider
from app.forms.widgets import button, label
from app.panels.display.fields import DisplayFields
from app.panels.display.ranges import Found, Ranged, add_colormap
from app.panels.display.volume3d import add_3d
from app.theme import Metrics
from core.data import Transforms, Volume
from core.document import Item

HIDES = {
    "": "Nothing",
    "below": "Below the window",
    "above": "Above the window",
    "outside": "Outside the window",
}
OUTLINE = 2.0
"""Pixels, when outlines are first chosen."""


def build(fields: DisplayFields, item: Item) -> None:
    """Window, colours, what is hidden, the fourth axis, how it looks in 3-D."""
    data = item.data
    if not getattr(data, "rgb", False):
        add_window(fields, getattr(data, "value_unit", ""))
        add_colormap(fields)
    if isinstance(data, Volume):
        if not data.rgb:
            add_hiding(fields, data)
            add_outline(fields)
        if data.array.ndim == 4 and not data.rgb and data.array.shape[3] > 1:
            add_index(fields, data)
        add_3d(fields, item)
    fields.add_check("interpolate", "Smooth pixels")


def add_window(fields: DisplayFields, unit: str) -> None:
    """Window and level: on the histogram, as numbers, automatic."""
    slider = RangeSlider("Window on the histogram of the values")
    slider.setToolTip("Drag the ends of the window or all of it; double-click for the automatic one")
    fields.add_wide(slider)
    fields.fields["window_slider"] = slider
    fields.add_number("window", "Window", unit=unit, optional=True, minimum=0)
    fields.add_number("level", "Level", unit=unit, optional=True)

    def automatic() -> None:
        fields.apply(window=None, level=None)

    auto = button("Automatic window", automatic, "link")
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.addStretch(1)
    line.addWidget(auto)
    row.setMinimumHeight(Metrics.of(row.font()).px(20))  # a low panel would squeeze it to nothing
    fields.add_wide(row)
    fields.fields["automatic"], fields.fields["automatic_row"] = auto, row

    def moved(low: float, high: float, gesture: str) -> None:
        from app.viewports.stats import rounded_window

        window, level = rounded_window(high - low, (low + high) / 2)
        fields.apply(gesture, window=window, level=level)

    slider.moved.connect(moved)
    slider.automatic.connect(automatic)
    fields.fillers.append(Ranged(fields, slider, _values_of, _window_of).fill)


def _values_of(item: Item) -> tuple[Any, Any] | None:
    from app.viewports.distributions import known_distribution, volume_distribution
    from app.viewports.stats import finite_range, subsample, volume_stats

    data, index = item.data, getattr(item.display, "index", 0)
    if not isinstance(data, Volume):

        def of_image() -> Found:
            found = known_distribution(data, 0, lambda: data.array)
            if data.array.dtype.itemsize == 1:
                return found, (0.0, 1.0 if data.array.dtype.kind == "b" else 255.0)
            return found, finite_range(subsample(data.array))

        return (id(data), 0), of_image
    if data.transforms is Transforms.LABEL or item.display.colormap == "labels":  # type: ignore[attr-defined]
        return None
    which = 0 if data.last_axis == "time" else index

    def of_volume() -> Found:
        stats = volume_stats(data, index)
        found = volume_distribution(data, index)
        return found, (stats.low, stats.high)

    return (id(data), which), of_volume


def _window_of(item: Item, automatic: tuple[float, float]) -> tuple[float, float]:
    display: Any = item.display
    if isinstance(item.data, Volume):
        from app.viewports.stats import window_of

        return window_of(item.data, display)  # its figures are known by now
    width = automatic[1] - automatic[0] if display.window is None else display.window
    level = sum(automatic) / 2 if display.level is None else display.level
    return level - width / 2, level + width / 2


def add_hiding(fields: DisplayFields, data: Volume) -> None:
    """Which values of an overlay are not shown."""
    fields.add_choice("hide", "Hide", HIDES).setToolTip(
        "In slices: what is hidden lets the scan below show through"
    )
    fields.add_number("floor", "Hide near zero", unit=data.value_unit, minimum=0).setToolTip(
        "In slices: values nearer to zero than this are not shown, as for the threshold of a statistical map"
    )

    def fill(item: Item) -> None:
        for name in ("window_slider", "window", "level", "automatic", "inverted", "hide", "floor"):
            fields.show_row(name, not _is_label(item))
        fields.fields["automatic_row"].setVisible(not _is_label(item))

    fields.fillers.append(fill)


def add_outline(fields: DisplayFields) -> None:
    """Labels filled, or as outlines of a width."""
    box = fields.add_choice("labels_as", "Labels", {"": "Filled", "outline": "Outlines"})
    fields.add_number("outline", "Outline width", unit="px", minimum=0, maximum=20, step=0.5)
    box.activated.disconnect()
    box.activated.connect(lambda _index: fields.apply(outline=OUTLINE if box.currentData() else 0.0))

    def fill(item: Item) -> None:
        outline = getattr(item.display, "outline", 0.0)
        box.setCurrentIndex(1 if outline > 0 else 0)
        fields.show_row("labels_as", _is_label(item))
        fields.show_row("outline", _is_label(item) and outline > 0)

    fields.fillers.append(fill)


def _is_label(item: Item) -> bool:
    data = item.data
    return (
        data.transforms is Transforms.LABEL  # type: ignore[union-attr]
        or data.array.dtype.kind == "b"  # type: ignore[union-attr]
        or getattr(item.display, "colormap", "") == "labels"
    )


def add_index(fields: DisplayFields, data: Volume) -> None:
    """A slider over time points or channels."""
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, data.array.shape[3] - 1)
    slider.setPageStep(1)
    number = label("", "small")
    number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    number.setMinimumWidth(number.fontMetrics().horizontalAdvance("0000 of 0000"))
    fields.follow(slider, lambda value, gesture: fields.apply(gesture, index=value))
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.addWidget(slider, 1)
    line.addWidget(number)
    fields.fields["index"], fields.fields["index_words"] = slider, number
    name = "Time point" if data.last_axis == "time" else "Channel"
    slider.setAccessibleName(name)
    fields.grid.add(name, row)

    def fill(item: Item) -> None:
        number.setText(f"{item.display.index + 1} of {item.data.array.shape[3]}")  # type: ignore[attr-defined]

    fields.fillers.append(fill)
