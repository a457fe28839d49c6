"""The image backend's widget: paints finished pictures. Needs no OpenGL in the window's process."""

from __future__ import annotations

from itertools import count

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.viewports import service
from app.viewports.service import Frame
from app.viewports.state import Resolved

_numbers = count(1)


class ImageCanvas(QWidget):
    """Asks the render thread for pictures and paints the latest. `arrived` comes on the main thread."""

    arrived = Signal(object)
    name = "image"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.number = next(_numbers)
        self._held = [service.acquire()]
        self._frame: Frame | None = None
        self._wanted: Resolved | None = None
        # When a parent is deleted without having been closed, only this signal comes, and `self` is gone by then.
        number, held = self.number, self._held
        self.destroyed.connect(lambda: _let_go(number, held))

    def show_state(self, state: Resolved) -> None:
        """Ask for a picture of `state`."""
        self._wanted = state
        for known in self._held:
            known.request(self.number, state, self._accept)

    def warm(self) -> None:
        """Get ready to draw, elsewhere, while there is nothing to draw yet."""
        for known in self._held:
            known.warm()

    def draw(self, state: Resolved) -> Frame:
        """A picture of any size, now; what is on the screen stays."""
        if not self._held:
            raise RuntimeError("the viewport is closed")
        return self._held[0].draw(self.number, state)

    def forget(self) -> None:
        """Let go of the objects drawn last: a hidden view must not keep closed files in memory."""
        self._frame = self._wanted = None
        for known in self._held:
            known.forget(self.number)

    def shutdown(self) -> None:
        """Give back every VTK object of this view."""
        _let_go(self.number, self._held)
        self._frame = None

    def paintEvent(self, event: QPaintEvent) -> None:
        """The latest picture; while a resize is under way, scaled about the middle."""
        painter = QPainter(self)
        frame = self._frame
        image = frame.image if frame else None
        if frame is None or image is None or image.isNull():
            painter.fillRect(self.rect(), QColor(0, 0, 0))
        elif (frame.state.width, frame.state.height) == (self.width(), self.height()):
            painter.drawImage(0, 0, image)
        else:
            painter.fillRect(self.rect(), QColor(0, 0, 0))
            scale = max(self.width() / frame.state.width, self.height() / frame.state.height)
            w, h = frame.state.width * scale, frame.state.height * scale
            painter.drawImage(QRectF((self.width() - w) / 2, (self.height() - h) / 2, w, h), image)
        painter.end()

    def _accept(self, frame: Frame) -> None:
        if not self._held or self._wanted is None:  # it was being drawn when it was forgotten
            return
        self._frame = frame
        self.update()
        self.arrived.emit(frame)


def _let_go(number: int, held: list[service.RenderService]) -> None:
    while held:
        held.pop().leave(number)
        service.give_back()
