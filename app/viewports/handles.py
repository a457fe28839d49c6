"""The lines between views, to be dragged."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from app.viewports.layouts import Line

GRIP = 7
"""Pixels across a line that take the mouse."""


class _Handle(QWidget):
    """Invisible, over one line."""

    dragged = Signal(object, float)
    equalised = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.line: Line | None = None
        self._offset: float | None = None
        self.setAccessibleName("Line between views")
        self.setToolTip("Drag to share the room; double-click for equal parts")

    def put(self, line: Line) -> None:
        """Over this line; the one that is being dragged keeps the mouse."""
        self.line = line
        grown = (GRIP - (line.rect.width() if line.across else line.rect.height())) // 2
        margins = (grown, 0, grown, 0) if line.across else (0, grown, 0, grown)
        self.setGeometry(
            line.rect.adjusted(-margins[0], -margins[1], margins[2], margins[3])
            if line.rect.isValid()
            else QRect()
        )
        self.setCursor(Qt.CursorShape.SplitHCursor if line.across else Qt.CursorShape.SplitVCursor)
        self.show()
        self.raise_()

    def _at(self, event: QMouseEvent) -> float:
        place = self.mapToParent(event.position().toPoint())
        assert self.line is not None
        return float(place.x() if self.line.across else place.y())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin; where in the grip it was taken stays under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton and self.line is not None:
            edge: QPoint = self.line.rect.topLeft()
            self._offset = self._at(event) - (edge.x() if self.line.across else edge.y())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Share the room anew."""
        if self._offset is not None and self.line is not None:
            self.dragged.emit(self.line, self._at(event) - self._offset)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Done."""
        self._offset = None
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Equal parts."""
        self._offset = None
        if self.line is not None:
            self.equalised.emit(self.line)
        event.accept()


class Handles(QObject):
    """One handle a line of the present layout."""

    dragged = Signal(object, float)
    """A `Line`, and where it is wanted: pixels in the grid."""
    equalised = Signal(object)

    def __init__(self, grid: QWidget) -> None:
        super().__init__(grid)
        self._parent = grid
        self.handles: list[_Handle] = []

    def place(self, lines: list[Line]) -> None:
        """One over each line; spare ones are hidden."""
        while len(self.handles) < len(lines):
            handle = _Handle(self._parent)
            handle.dragged.connect(self.dragged)
            handle.equalised.connect(self.equalised)
            self.handles.append(handle)
        for handle, line in zip(self.handles, lines, strict=False):
            handle.put(line)
        for handle in self.handles[len(lines) :]:
            handle.hide()

    def raise_all(self) -> None:
        """Over views that were made since."""
        for handle in self.handles:
            handle.raise_()

    def of(self, path: str, index: int = 0) -> Any:
        """The handle of a line, None if the layout has no such line."""
        return next(
            (
                h
                for h in self.handles
                if not h.isHidden() and h.line is not None and (h.line.path, h.line.index) == (path, index)
            ),
            None,
        )
