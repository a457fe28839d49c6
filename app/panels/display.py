"""How the selected item is shown. Every change is a `SetDisplay` edit; one drag is one edit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QSlider, QWidget

from app.forms.widgets import ColumnWidget, FieldGrid, NumberEdit, button, label, scrolled
from app.panels.dock import Panel
from app.theme import Metrics
from app.window.kinds import KIND_WORDS, is_spatial, kind_of_item
from app.window.workbench import Workbench
from core.data import Domain, Volume
from core.display import (
    COORDINATES,
    Display,
    MarkupDisplay,
    PointsDisplay,
    SurfaceDisplay,
    VolumeDisplay,
    attribute_of,
)
from core.document import Item

GRAYS = ("gray", "bone")
MAPS = ("viridis", "cividis", "magma", "inferno", "plasma", "gray", "bone", "coolwarm")
REPRESENTATIONS = {
    "surface": "Surface",
    "edges": "Surface with edges",
    "wireframe": "Wireframe",
    "points": "Points",
}
RENDERS = {"auto": "Automatic", "volume": "Volume", "surface": "Surface", "off": "Off"}


def map_names() -> tuple[str, ...]:
    """The colour maps that viewports know."""
    try:
        from app.viewports.colors import COLORMAPS
    except ImportError:
        return MAPS
    return tuple(COLORMAPS)


class DisplayPanel(Panel):
    """The dock "Display"."""

    name = "display"
    title = "Display"

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self._body = ColumnWidget()
        self.column.addWidget(scrolled(self._body))
        self._shown: tuple[str, type, Any] | None = None
        self._fields: dict[str, QWidget] = {}
        workbench.changed.connect(lambda _change: self.refresh())
        workbench.selection_changed.connect(lambda _id: self.refresh())
        self.refresh()

    def field(self, name: str) -> QWidget:
        """The field of a property of the display; for tests and for filling."""
        return self._fields[name]

    def _item(self) -> Item | None:
        return self._workbench.current

    def refresh(self) -> None:
        """Show the current item; fields are made anew only for another item."""
        item = self._item()
        key = (item.id, type(item.display), item.data) if item else None
        same = (
            key is not None
            and self._shown is not None
            and key[:2] == self._shown[:2]
            and key[2] is self._shown[2]
        )
        if not same:
            self._shown = key
            self._build(item)
        self.header.set_note(item.name if item else "")
        if item is not None:
            self._fill(item)

    def _apply(self, gesture: str = "", **fields: Any) -> None:
        item = self._item()
        if item is not None:
            self._workbench.document.set_display(item.id, replace(item.display, **fields), gesture)

    # -- building --------------------------------------------------------------------------------------------

    def _build(self, item: Item | None) -> None:
        self._body.clear()
        self._fields = {}
        if item is None:
            self._body.column.addWidget(label("Select an item to see how it is shown.", "muted", wrap=True))
            self._body.column.addStretch(1)
            return
        for text in item.warnings:
            self._body.column.addWidget(label(text, "warn", wrap=True))
        grid = FieldGrid(share=(5, 6))
        kind = kind_of_item(item)
        display = item.display
        spatial = is_spatial(item) or kind == "image"
        if isinstance(display, VolumeDisplay) and kind in ("volume", "image"):
            self._build_volume(grid, item)
        elif isinstance(display, SurfaceDisplay) and spatial:
            self._build_surface(grid, item)
        elif isinstance(display, PointsDisplay):
            self._build_points(grid, item)
        elif isinstance(display, MarkupDisplay):
            self._add_number(grid, "size", "Handle size", unit="px", minimum=1, maximum=60, step=1)
            self._add_check(grid, "labels", "Labels")
        if spatial:
            self._add_opacity(grid)
        if kind in ("group", "result") or (spatial and kind != "image"):
            self._add_check(grid, "visible", "Visible")
        if self._fields:
            self._body.column.addWidget(grid)
        else:
            words = f"A {KIND_WORDS.get(kind, kind)} has nothing to set here."
            self._body.column.addWidget(label(words, "muted", wrap=True))
        self._body.column.addStretch(1)

    def _build_volume(self, grid: FieldGrid, item: Item) -> None:
        data = item.data
        unit = getattr(data, "value_unit", "")
        if not getattr(data, "rgb", False):
            self._add_number(grid, "window", "Window", unit=unit, optional=True, minimum=0)
            self._add_number(grid, "level", "Level", unit=unit, optional=True)
            auto = button("Automatic window", lambda: self._apply(window=None, level=None), "link")
            row = QWidget()
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.addStretch(1)
            line.addWidget(auto)
            grid.add_wide(row)
            self._fields["automatic"] = auto
            self._add_choice(grid, "colormap", "Colour map", {n: n.capitalize() for n in map_names()})
        if isinstance(data, Volume):
            if data.array.ndim == 4 and not data.rgb and data.array.shape[3] > 1:
                self._add_index(grid, data)
            self._add_choice(grid, "render", "In 3-D", RENDERS)
        self._add_check(grid, "interpolate", "Smooth pixels")

    def _build_surface(self, grid: FieldGrid, item: Item) -> None:
        self._add_attributes(grid, item)
        self._add_choice(grid, "representation", "Shown as", REPRESENTATIONS)
        self._add_check(grid, "cut", "Cut in slices")

    def _build_points(self, grid: FieldGrid, item: Item) -> None:
        self._add_attributes(grid, item)
        self._add_number(grid, "size", "Point size", unit="px", minimum=0.5, maximum=30, step=0.5)

    def _add_attributes(self, grid: FieldGrid, item: Item) -> None:
        attributes = getattr(item.data, "attributes", {})
        names = {n: n for n, a in attributes.items() if a.domain in (Domain.POINT, Domain.FACE)}
        names.update({key: key.removeprefix("@") for key in COORDINATES if attribute_of(item.data, key)})
        if not names:
            return
        self._add_choice(grid, "color_by", "Colour by", {"": "One colour", **names})
        self._add_choice(grid, "colormap", "Colour map", {n: n.capitalize() for n in map_names()})
        low = NumberEdit(optional=True, empty="low")
        high = NumberEdit(optional=True, empty="high")
        low.committed.connect(self._set_range)
        high.committed.connect(self._set_range)
        self._fields["range_low"], self._fields["range_high"] = low, high
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(Metrics.of(self.font()).px(4))
        line.addWidget(low)
        line.addWidget(high)
        low.setAccessibleName("Lowest value of the colours")
        high.setAccessibleName("Highest value of the colours")
        grid.add("Range", row)

    def _add_number(self, grid: FieldGrid, name: str, text: str, **options: Any) -> None:
        edit = NumberEdit(**options)

        def commit() -> None:
            try:
                value = edit.value()
            except ValueError:
                edit.set_invalid(True)
                return
            outside = value is not None and (
                (edit.minimum is not None and value < edit.minimum)
                or (edit.maximum is not None and value > edit.maximum)
            )
            edit.set_invalid(outside)
            item = self._item()
            if item is None or outside:
                return
            # What is shown is rounded; writing it back untouched must not change anything.
            before = getattr(item.display, name)
            if value is None and before is None:
                return
            if value is not None and before is not None and f"{float(value):.7g}" == f"{float(before):.7g}":
                return
            self._apply(gesture=f"{name}-field", **{name: None if value is None else float(value)})

        edit.committed.connect(commit)
        self._fields[name] = edit
        grid.add(text, edit)

    def _add_choice(self, grid: FieldGrid, name: str, text: str, choices: dict[str, str]) -> None:
        box = QComboBox()
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(6)
        for value, words in choices.items():
            box.addItem(words, value)
        box.activated.connect(lambda _index: self._apply(**{name: box.currentData()}))
        self._fields[name] = box
        grid.add(text, box)

    def _add_check(self, grid: FieldGrid, name: str, text: str) -> None:
        box = QCheckBox()
        box.clicked.connect(lambda on: self._apply("", **{name: bool(on)}))
        self._fields[name] = box
        grid.add(text, box)

    def _add_opacity(self, grid: FieldGrid) -> None:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.valueChanged.connect(lambda value: self._apply("opacity", opacity=value / 100))
        self._fields["opacity"] = slider
        grid.add("Opacity", slider)

    def _add_index(self, grid: FieldGrid, data: Volume) -> None:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, data.array.shape[3] - 1)
        slider.setPageStep(1)
        number = label("", "small")
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        number.setMinimumWidth(number.fontMetrics().horizontalAdvance("0000 of 0000"))
        slider.valueChanged.connect(lambda value: self._apply("index", index=value))
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(slider, 1)
        line.addWidget(number)
        self._fields["index"], self._fields["index_words"] = slider, number
        slider.setAccessibleName("Time point" if data.last_axis == "time" else "Channel")
        grid.add("Time point" if data.last_axis == "time" else "Channel", row)

    def _set_range(self) -> None:
        item = self._item()
        low, high = self._fields["range_low"], self._fields["range_high"]
        if item is None or not isinstance(low, NumberEdit) or not isinstance(high, NumberEdit):
            return
        try:
            a, b = low.value(), high.value()
        except ValueError:
            return
        before = getattr(item.display, "range", None)
        if a is None and b is None:
            if before is not None:
                self._apply(range=None)
            return
        found = self._attribute_range(item)
        first, last = float(found[0] if a is None else a), float(found[1] if b is None else b)
        wrong = not first < last
        low.set_invalid(wrong)
        high.set_invalid(wrong)
        if not wrong and before != (first, last):
            self._apply(range=(first, last))

    @staticmethod
    def _attribute_range(item: Item) -> tuple[float, float]:
        from app.viewports.stats import attribute_values, finite_range

        attribute = attribute_of(item.data, getattr(item.display, "color_by", ""))
        return (0.0, 1.0) if attribute is None else finite_range(attribute_values(attribute))

    # -- filling ---------------------------------------------------------------------------------------------

    def _fill(self, item: Item) -> None:
        display: Display = item.display
        for name, field in self._fields.items():
            field.blockSignals(True)
            if isinstance(field, QSlider):
                value = getattr(display, name)
                field.setValue(round(value * 100) if name == "opacity" else int(value))
            elif isinstance(field, QCheckBox):
                field.setChecked(bool(getattr(display, name)))
            elif isinstance(field, QComboBox):
                index = field.findData(getattr(display, name))
                field.setCurrentIndex(max(0, index))
            elif isinstance(field, NumberEdit) and not field.hasFocus():
                if name.startswith("range_"):
                    ends = getattr(display, "range", None)
                    field.set_value(None if ends is None else ends[name == "range_high"])
                else:
                    field.set_value(getattr(display, name))
                field.set_invalid(False)
            field.blockSignals(False)
        words = self._fields.get("index_words")
        if words is not None and isinstance(display, VolumeDisplay):
            words.setText(f"{display.index + 1} of {item.data.array.shape[3]}")  # type: ignore[attr-defined]
        colored = bool(getattr(display, "color_by", ""))
        for name in ("range_low", "range_high"):
            if name in self._fields:
                self._fields[name].setEnabled(colored)
        if "color_by" in self._fields:
            self._fields["colormap"].setEnabled(colored)
