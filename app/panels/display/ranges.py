"""A range slider whose histogram is made in the background; colour maps with what they look like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox

from app.forms.range_slider import RangeSlider
from app.panels.display.fields import DisplayFields, map_names
from app.theme import Metrics
from core.document import Item

_POLL_MS = 25
TITLES = {"gray": "Grey", "phase": "Phase (cyclic)", "diverging": "Blue to red", "activation": "Activation"}

Found = tuple[Any, tuple[float, float]]
"""A `Distribution` and the automatic range."""


class Ranged:
    """Feeds a slider. `find(item)` returns a function for the background that gives a `Found`, and under what name its
    answer is kept; None where there is nothing to choose. `shown(item, automatic)` says where the handles are."""

    def __init__(
        self,
        fields: DisplayFields,
        slider: RangeSlider,
        find: Callable[[Item], tuple[Any, Callable[[], Found]] | None],
        shown: Callable[[Item, tuple[float, float]], tuple[float, float]],
    ) -> None:
        self._fields, self._slider, self._find, self._shown = fields, slider, find, shown
        self._key: Any = None
        self._found: Found | None = None
        self._waiting: Any = None
        self._timer = QTimer(slider)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._look)

    def fill(self, item: Item) -> None:
        """Bring the slider up to date; the histogram comes when it is ready."""
        asked = self._find(item)
        if asked is None:
            self._key = self._found = None
            self._timer.stop()
            self._slider.clear()
            return
        key, work = asked
        if key != self._key:
            from app.viewports import background

            self._key, self._found = key, None
            self._slider.clear()
            self._waiting = background.submit(work)
            self._timer.start()
        self._show(item)

    def _look(self) -> None:
        if not self._waiting.done():
            return
        self._timer.stop()
        done, self._waiting = self._waiting, None
        item = self._fields.item
        if done.exception() is None and item is not None:
            self._found = done.result()
            self._show(item)

    def _show(self, item: Item) -> None:
        if self._found is None:
            return
        found, automatic = self._found
        self._slider.set_distribution(found.counts, found.low, found.high)
        self._slider.set_range(*self._shown(item, automatic))
        name = getattr(item.display, "colormap", "")
        if name:
            from app.viewports.colors import table

            self._slider.set_colors(None if name == "labels" else table(name))


def add_colormap(fields: DisplayFields) -> QComboBox:
    """The choice of a colour map, each with its colours, and whether it is turned round."""
    names = map_names()
    box = fields.add_choice("colormap_name", "Colour map", {n: TITLES.get(n, n.capitalize()) for n in names})
    m = Metrics.of(box.font())
    size = QSize(m.px(28), m.px(12))
    box.setIconSize(size)
    for row, name in enumerate(names):
        box.setItemIcon(row, swatch(name, size, box.devicePixelRatioF()))
    turned = QCheckBox()
    fields.fields["colormap"] = fields.fields.pop("colormap_name")
    fields.fields["inverted"] = turned
    fields.grid.add("Inverted", turned)
    box.activated.disconnect()

    def commit() -> None:
        name = box.currentData()
        fields.apply(colormap=name + ("_r" if turned.isChecked() and name != "labels" else ""))

    box.activated.connect(lambda _index: commit())
    turned.clicked.connect(lambda _on: commit())

    def fill(item: Item) -> None:
        from app.viewports.colors import split

        name, round_ = split(getattr(item.display, "colormap", "gray"))
        box.setCurrentIndex(max(0, box.findData(name)))
        turned.setChecked(round_)
        turned.setEnabled(box.isEnabled() and name != "labels")

    fields.fillers.append(fill)
    return box


_swatches: dict[tuple[str, int, int, float], QIcon] = {}


def swatch(name: str, size: QSize, ratio: float = 1.0) -> QIcon:
    """The colours of a map from left to right; labels as blocks."""
    key = (name, size.width(), size.height(), ratio)
    if key not in _swatches:
        if len(_swatches) > 200:
            _swatches.clear()
        _swatches[key] = _swatch(name, size, ratio)
    return _swatches[key]


def _swatch(name: str, size: QSize, ratio: float) -> QIcon:
    import numpy as np

    from app.viewports.colors import category, table

    colors = category(np.arange(1, 9)) if name == "labels" else table(name)
    wide, high = round(size.width() * ratio), round(size.height() * ratio)
    row = colors[np.arange(wide) * len(colors) // wide]
    pixels = np.ascontiguousarray(np.broadcast_to(row, (high, wide, 3)))
    image = QImage(pixels.data, wide, high, 3 * wide, QImage.Format.Format_RGB888)
    pixmap = QPixmap.fromImage(image.copy())
    pixmap.setDevicePixelRatio(ratio)
    painter = QPainter(pixmap)
    painter.setPen(QColor(128, 128, 128))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(0, 0, size.width() - 1, size.height() - 1)
    painter.end()
    return QIcon(pixmap)
