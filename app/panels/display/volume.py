"""What the display panel offers for volumes and images."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from app.forms.widgets import button, label
from app.panels.display.fields import DisplayFields, map_choices
from core.data import Volume
from core.document import Item

RENDERS = {"auto": "Automatic", "volume": "Volume", "surface": "Surface", "off": "Off"}


def build(fields: DisplayFields, item: Item) -> None:
    """Window, colours, the fourth axis, how it looks in 3-D."""
    data = item.data
    unit = getattr(data, "value_unit", "")
    if not getattr(data, "rgb", False):
        fields.add_number("window", "Window", unit=unit, optional=True, minimum=0)
        fields.add_number("level", "Level", unit=unit, optional=True)
        auto = button("Automatic window", lambda: fields.apply(window=None, level=None), "link")
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addStretch(1)
        line.addWidget(auto)
        fields.add_wide(row)
        fields.fields["automatic"] = auto
        fields.add_choice("colormap", "Colour map", map_choices())
    if isinstance(data, Volume):
        if data.array.ndim == 4 and not data.rgb and data.array.shape[3] > 1:
            add_index(fields, data)
        fields.add_choice("render", "In 3-D", RENDERS)
    fields.add_check("interpolate", "Smooth pixels")


def add_index(fields: DisplayFields, data: Volume) -> None:
    """A slider over time points or channels."""
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, data.array.shape[3] - 1)
    slider.setPageStep(1)
    number = label("", "small")
    number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    number.setMinimumWidth(number.fontMetrics().horizontalAdvance("0000 of 0000"))
    slider.valueChanged.connect(lambda value: fields.apply("index", index=value))
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
