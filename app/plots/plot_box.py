"""The part of a plot that takes the mouse: pan, zoom, a click, and a drag with Shift that selects."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPolygonF, QWheelEvent
from PySide6.QtWidgets import QGraphicsPolygonItem

from app.plots.drawing import Canvas, tinted


class PlotBox(pg.ViewBox):
    """Left-drag pans, right-drag scales, the wheel zooms, Shift+drag selects a rectangle, Ctrl+Shift+drag a lasso."""

    clicked = Signal(object, object)
    """Where (a point of the plot), and with which modifiers."""
    doubled = Signal()
    menu_wanted = Signal(object)
    selected = Signal(object)
    """The area as a polygon in the plot's coordinates."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self._area: QGraphicsPolygonItem | None = None
        self._points: list[QPointF] = []
        self.canvas: Canvas | None = None

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        left = event.button() == Qt.MouseButton.LeftButton
        if axis is not None or not left or not (shift or self._area is not None):
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        here = self.mapToView(event.pos())
        if event.isStart() or self._area is None:
            self._begin(self.mapToView(event.buttonDownPos()))
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._points.append(here)
        else:
            self._points = _corners(self._points[0], here)
        area = QPolygonF(self._points)
        if self._area is not None:
            self._area.setPolygon(area)
        if event.isFinish():
            self.cancel_area()
            self.selected.emit(area)

    def _begin(self, start: QPointF) -> None:
        self.cancel_area()
        self._points = [start]
        self._area = QGraphicsPolygonItem()
        if self.canvas is not None:
            accent = self.canvas.theme.accent
            self._area.setPen(pg.mkPen(accent, width=1))
            self._area.setBrush(pg.mkBrush(tinted(accent, 0.15)))
        self._area.setZValue(40)
        self.addItem(self._area, ignoreBounds=True)

    def cancel_area(self) -> None:
        """Take the area that is being drawn away."""
        if self._area is not None:
            self.removeItem(self._area)
            self._area = None

    def mouseClickEvent(self, event: Any) -> None:
        event.accept()
        if event.button() == Qt.MouseButton.RightButton:
            self.menu_wanted.emit(event.screenPos())
        elif event.button() == Qt.MouseButton.LeftButton:
            if event.double():
                self.doubled.emit()
            else:
                self.clicked.emit(self.mapToView(event.pos()), event.modifiers())


class PlotWidget(pg.GraphicsLayoutWidget):
    """The widget of a plot. A small one leaves the wheel to the panel that it stands in, unless Ctrl is held."""

    left = Signal()

    def __init__(self, compact: bool) -> None:
        super().__init__()
        self._compact = compact
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setFrameShape(self.Shape.NoFrame)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._compact and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
            return
        super().wheelEvent(event)

    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self.left.emit()


def _corners(a: QPointF, b: QPointF) -> list[QPointF]:
    box = QRectF(a, b).normalized()
    return [a, QPointF(b.x(), a.y()), b, QPointF(a.x(), b.y())] if not box.isNull() else [a]
