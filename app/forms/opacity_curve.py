"""An opacity curve over the histogram of the values: corners that are put, dragged and taken away."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from app.forms.gestures import drag, steps
from app.forms.histogram_field import HistogramField
from app.theme import Metrics, current_theme

Curve = tuple[tuple[float, float], ...]
_STEP, _FAR = 0.01, 0.05
"""Of the width and height, for a key and for a key with Shift."""


class OpacityCurve(HistogramField):
    """Corners (value, opacity 0..1) with rising values; beyond the first and the last the curve is level.

    Click on an empty place: a new corner. Drag a corner. Delete, Backspace or a right click: take it away; the last
    two stay. By keys: Page Up and Page Down choose a corner, the arrows move it (Shift: further), Insert puts one half
    way to the next.
    """

    moved = Signal(object, str)
    """The curve, and a key that all moves of one drag share."""
    gesture_name = "opacity-curve"

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.setToolTip(
            "Click to add a point, drag to move it, right-click or Delete to remove it\n"
            "Page Up/Down choose a point, arrows move it"
        )
        self.curve: Curve = ()
        self.chosen = 0
        self._window = (0.0, 1.0)
        self._drag: tuple[Curve, tuple[float, float]] | None = None

    # -- what is shown ---------------------------------------------------------------------------------------

    def set_range(self, low: float, high: float) -> None:
        """Where the colours begin and end."""
        self._window = (float(low), float(high))
        self.update()

    def set_curve(self, curve: Curve) -> None:
        """Show these corners; emits nothing."""
        self.ready = len(curve) >= 2
        if curve != self.curve:
            self.curve = tuple(curve)
            self.chosen = min(self.chosen, max(len(curve) - 1, 0))
        self._describe()
        self.update()

    def clear(self) -> None:
        """Nothing to edit."""
        self.ready, self.curve, self._counts = False, (), np.zeros(0)
        self.update()

    def sizeHint(self) -> QSize:
        m = Metrics.of(self.font())
        return QSize(m.px(120), m.px(112))

    # -- places ----------------------------------------------------------------------------------------------

    @property
    def ends(self) -> tuple[float, float]:
        """The values at the left and right end: the data's, and all corners; still in a drag."""
        if self._drag is not None:
            return self._drag[1]
        values = [*self._data, *(v for v, _ in self.curve)]
        low, high = min(values), max(values)
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def place_of(self, corner: tuple[float, float]) -> QPointF:
        """Where a corner is."""
        area = self._area()
        return QPointF(self.x_of(corner[0]), area.bottom() - corner[1] * area.height())

    def _area(self) -> QRectF:
        m = Metrics.of(self.font())
        return QRectF(self.rect()).adjusted(m.px(9), m.px(9), -m.px(9), -m.px(14))

    def _corner_at(self, place: QPointF) -> tuple[float, float]:
        area, (low, high) = self._area(), self.ends
        value = self.value_at(place.x())
        opacity = (area.bottom() - place.y()) / max(area.height(), 1.0)
        return min(max(value, low), high), min(max(opacity, 0.0), 1.0)

    def _under(self, place: QPointF) -> int | None:
        reach = Metrics.of(self.font()).px(9)
        off = [
            float(np.hypot(p.x() - place.x(), p.y() - place.y()))
            for p in (self.place_of(c) for c in self.curve)
        ]
        if not off or min(off) > reach:
            return None
        return int(np.argmin(off))

    # -- mouse and keys --------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.ready or self._drag is not None:
            return
        under = self._under(event.position())
        if event.button() == Qt.MouseButton.RightButton:
            if under is not None:
                self._gesture = steps("opacity-curve")
                self._remove(under)
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._gesture = drag("opacity-curve")
        before, ends = self.curve, self.ends
        if under is None:
            corner = self._corner_at(event.position())
            under = int(np.searchsorted([v for v, _ in self.curve], corner[0]))
            self._drag = (before, ends)
            self.chosen = under
            self._put((*before[:under], corner, *before[under:]))
        else:
            self.chosen = under
            self._drag = (before, ends)
            self._describe()
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            self._move_to(self.chosen, self._corner_at(event.position()))
            return
        hovered = self._under(event.position()) if self.ready else None
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.CrossCursor if hovered is None else Qt.CursorShape.SizeAllCursor)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self._gesture = steps("opacity-curve")
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()  # a right click takes a corner away

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys, key = Qt.Key, event.key()
        if not self.ready:
            super().keyPressEvent(event)
            return
        step = _FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
        low, high = self.ends
        moves = {
            keys.Key_Left: (-step * (high - low), 0.0),
            keys.Key_Right: (step * (high - low), 0.0),
            keys.Key_Up: (0.0, step),
            keys.Key_Down: (0.0, -step),
        }
        if key == keys.Key_Escape and self._drag is not None:
            before, _ = self._drag
            self._drag = None
            self._put(before)
        elif key in (keys.Key_PageUp, keys.Key_PageDown, keys.Key_Home, keys.Key_End):
            last = len(self.curve) - 1
            to = {keys.Key_Home: 0, keys.Key_End: last}.get(keys(key))
            self.chosen = (
                min(max(self.chosen + (1 if key == keys.Key_PageUp else -1), 0), last) if to is None else to
            )
            self._describe()
            self.update()
        elif key in moves:
            dv, da = moves[keys(key)]
            value, opacity = self.curve[self.chosen]
            self._move_to(self.chosen, (value + dv, min(max(opacity + da, 0.0), 1.0)))
        elif key in (keys.Key_Delete, keys.Key_Backspace):
            self._remove(self.chosen)
        elif key == keys.Key_Insert:
            k = min(self.chosen, len(self.curve) - 2)
            (v0, a0), (v1, a1) = self.curve[k : k + 2]
            self.chosen = k + 1
            self._put((*self.curve[: k + 1], ((v0 + v1) / 2, (a0 + a1) / 2), *self.curve[k + 1 :]))
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    # -- changes ---------------------------------------------------------------------------------------------

    def _move_to(self, k: int, corner: tuple[float, float]) -> None:
        """Corners keep their order: one is stopped by its neighbours."""
        low, high = self.ends
        value = min(max(corner[0], self.curve[k - 1][0] if k else low), high)
        if k + 1 < len(self.curve):
            value = min(value, self.curve[k + 1][0])
        self._put((*self.curve[:k], (value, corner[1]), *self.curve[k + 1 :]))

    def _remove(self, k: int) -> None:
        if len(self.curve) > 2:
            self.chosen = max(0, min(k, len(self.curve) - 2))
            self._put((*self.curve[:k], *self.curve[k + 1 :]))

    def _put(self, curve: Curve) -> None:
        # Five digits of a value and three of an opacity are more than an eye can tell.
        rounded = tuple((float(f"{v:.5g}"), round(a, 3)) for v, a in curve)
        if rounded != self.curve:
            self.curve = rounded
            self._describe()
            self.update()
            self.moved.emit(rounded, self._gesture)

    def _describe(self) -> None:
        if self.curve:
            value, opacity = self.curve[self.chosen]
            self.setAccessibleDescription(
                f"point {self.chosen + 1} of {len(self.curve)}: value {value:.4g}, opacity {opacity:.0%}"
            )

    # -- paint -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        area = self._area()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        try:
            focused = self.hasFocus()
            self._paint_field(painter)
            shape = self._shape()
            if shape is not None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(current_theme().line))
                painter.drawPolygon(shape)
            if self.ready and self.isEnabled():
                self._paint_colors(painter, area)
                self._paint_curve(painter, area, focused)
        finally:
            painter.end()

    def _paint_colors(self, painter: QPainter, area: QRectF) -> None:
        left, right = (self.x_of(v) for v in self._window)
        gradient = self._gradient(left, right)
        if gradient is None:
            return
        m = Metrics.of(self.font())
        strip = QRectF(area.left(), area.bottom() + m.px(5), area.width(), m.px(5))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRect(strip)

    def _paint_curve(self, painter: QPainter, area: QRectF, focused: bool) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        places = [self.place_of(c) for c in self.curve]
        line = [QPointF(area.left(), places[0].y()), *places, QPointF(area.right(), places[-1].y())]
        fill = QColor(theme.accent)
        fill.setAlphaF(0.14)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(
            QPolygonF([QPointF(area.left(), area.bottom()), *line, QPointF(area.right(), area.bottom())])
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.accent), 1.6))
        painter.drawPolyline(QPolygonF(line))
        for k, place in enumerate(places):
            chosen = focused and k == self.chosen
            radius = m.px(5 if chosen or k == self._hovered else 4)
            painter.setPen(QPen(QColor(theme.accent), 1.6))
            painter.setBrush(QColor(theme.accent if chosen else theme.panel))
            painter.drawEllipse(place, radius, radius)
