"""Two handles on a histogram: a range of values, by mouse or by keys."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from app.forms.gestures import drag, steps
from app.forms.histogram_field import HistogramField
from app.theme import Metrics, current_theme

_STEP, _FAR = 0.01, 0.1
"""Of the width, for a key and for a key with Shift or a page."""


class RangeSlider(HistogramField):
    """A low and a high value over the histogram of what they are chosen from; the counts on a log scale.

    Drag a handle, or what lies between to move both; a double click asks for the automatic range. By keys: Left and
    Right move what is chosen, Page Up and Page Down further, Up and Down choose the low end, both or the high end.
    """

    moved = Signal(float, float, str)
    """Low, high and a key that all moves of one drag share."""
    automatic = Signal()
    gesture_name = "slider"

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.low, self.high = 0.0, 1.0
        self._chosen = 0
        """-1 the low end, 1 the high one, 0 both."""
        self._drag: tuple[int, float, float, float, tuple[float, float]] | None = None

    # -- what is shown ---------------------------------------------------------------------------------------

    def set_range(self, low: float, high: float) -> None:
        """Where the handles are."""
        self.ready = True
        if (low, high) != (self.low, self.high):
            self.low, self.high = float(low), float(high)
        self.setAccessibleDescription(f"from {self.low:.4g} to {self.high:.4g}")
        self.update()

    def clear(self) -> None:
        """Nothing to choose from."""
        self.ready, self._counts = False, np.zeros(0)
        self.update()

    def sizeHint(self) -> QSize:
        m = Metrics.of(self.font())
        return QSize(m.px(120), m.px(64))

    @property
    def ends(self) -> tuple[float, float]:
        """The values at the left and right end: all of the data, and the handles wherever they are; still in a drag."""
        if self._drag is not None:
            return self._drag[4]
        low, high = self._data
        if self.ready:
            low, high = min(low, self.low), max(high, self.high)
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    # -- places ----------------------------------------------------------------------------------------------

    def _area(self) -> QRectF:
        m = Metrics.of(self.font())
        return QRectF(self.rect()).adjusted(m.px(7), m.px(3), -m.px(7), -m.px(14))

    def _under(self, x: float) -> int | None:
        """-1 or 1 for a handle, 0 for what lies between, None for nothing."""
        reach = Metrics.of(self.font()).px(8)
        left, right = self.x_of(self.low), self.x_of(self.high)
        if min(abs(x - left), abs(x - right)) <= reach:
            return -1 if abs(x - left) < abs(x - right) or (left == right and x < left) else 1
        return 0 if left < x < right else None

    # -- mouse and keys --------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self.ready or self._drag is not None:
            event.ignore()
            return
        x = event.position().x()
        part = self._under(x)
        if part is None:
            part = -1 if x < self.x_of(self.low) else 1
        self._chosen = part
        self._gesture = drag("slider")
        self._drag = (part, x, self.low, self.high, self.ends)
        if self._under(x) is None:
            self._drag_to(x, jump=True)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._drag is not None:
            self._drag_to(x)
            return
        hovered = self._under(x) if self.ready else None
        if hovered != self._hovered:
            self._hovered = hovered
            shapes = {0: Qt.CursorShape.OpenHandCursor, None: Qt.CursorShape.ArrowCursor}
            self.setCursor(shapes.get(hovered, Qt.CursorShape.SizeHorCursor))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self._gesture = steps("slider")
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        if self.ready:
            self.automatic.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        if event.key() == keys.Key_Escape and self._drag is not None:
            _, _, low, high, _ = self._drag
            self._drag = None
            self._move(low, high)
        elif event.key() in (keys.Key_Up, keys.Key_Down):
            self._chosen = min(max(self._chosen + (1 if event.key() == keys.Key_Up else -1), -1), 1)
            self.update()
        elif event.key() in (keys.Key_Left, keys.Key_Right, keys.Key_PageUp, keys.Key_PageDown):
            far = event.key() in (keys.Key_PageUp, keys.Key_PageDown)
            far = far or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            sign = 1 if event.key() in (keys.Key_Right, keys.Key_PageUp) else -1
            low, high = self.ends
            self._shift(sign * (_FAR if far else _STEP) * (high - low))
        else:
            super().keyPressEvent(event)

    def _shift(self, by: float) -> None:
        if self.ready:
            self._move(*self._moved(self._chosen, self.low, self.high, by))

    def _drag_to(self, x: float, *, jump: bool = False) -> None:
        assert self._drag is not None
        part, start, low, high, _ = self._drag
        if jump:
            value = self.value_at(x)
            low, high = (value, high) if part < 0 else (low, value)
            self._drag = (part, x, low, high, self._drag[4])
            self._move(low, high)
            return
        by = self.value_at(x) - self.value_at(start)
        self._move(*self._moved(part, low, high, by))

    def _moved(self, part: int, low: float, high: float, by: float) -> tuple[float, float]:
        """A range with an end, or both, moved: inside the ends, and never empty."""
        first, last = self.ends
        least = (last - first) * 1e-3
        if part == 0:
            by = min(max(by, first - low), last - high)
            return low + by, high + by
        if part < 0:
            return min(max(low + by, first), high - least), high
        return low, max(min(high + by, last), low + least)

    def _move(self, low: float, high: float) -> None:
        if (low, high) != (self.low, self.high):
            self.set_range(low, high)
            self.moved.emit(low, high, self._gesture)

    # -- paint -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        area = self._area()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        try:
            self._paint_field(painter)
            self._paint_counts(painter, area)
            if self.ready and self.isEnabled():
                self._paint_handles(painter, area)
        finally:
            painter.end()

    def _paint_counts(self, painter: QPainter, area: QRectF) -> None:
        shape = self._shape()
        if shape is None:
            return
        theme = current_theme()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.line if self.ready and self.isEnabled() else theme.hover))
        painter.drawPolygon(shape)
        if self.ready and self.isEnabled():
            left, right = self.x_of(self.low), self.x_of(self.high)
            painter.save()
            painter.setClipRect(QRectF(left, area.top(), max(right - left, 1.0), area.height()))
            painter.setBrush(QColor(theme.muted))
            painter.drawPolygon(shape)
            painter.restore()

    def _paint_handles(self, painter: QPainter, area: QRectF) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        left, right = self.x_of(self.low), self.x_of(self.high)
        strip = QRectF(left, area.bottom() + m.px(4), max(right - left, 1.0), m.px(6))
        painter.setPen(Qt.PenStyle.NoPen)
        colors = self._gradient(strip.left(), strip.right())
        painter.setBrush(QColor(theme.accent) if colors is None else colors)
        painter.drawRect(strip)
        focused = self.hasFocus()
        for part, x in ((-1, left), (1, right)):
            active = focused and self._chosen in (part, 0)
            warm = (
                active
                or self._hovered in (part, 0)
                or (self._drag is not None and self._drag[0] in (part, 0))
            )
            color = QColor(theme.accent if warm else theme.text)
            painter.setPen(QPen(color, 1.4))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, strip.bottom()))
            grip = QRectF(x - m.px(3), area.bottom() + m.px(2), m.px(6), m.px(10))
            painter.setPen(QPen(QColor(theme.field), 1))
            painter.setBrush(color)
            painter.drawRoundedRect(grip, m.px(2), m.px(2))
