"""Tools: what the mouse and the keys mean in a view beyond what every view does by itself.

A grid holds a list of tools; each event is offered to them in order, and the first that returns True has it. What no
tool takes is the view's own: wheel, zoom, pan, window, linked crosshair and steps go on working while a tool is
active. A tool never changes the document; it tells whoever made it what was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

if TYPE_CHECKING:
    from app.viewports.state import Resolved
    from app.viewports.viewport import Viewport


class Tool:
    """Does nothing. Positions of events are logical pixels of the view; `view.resolved()` says what it shows."""

    cursor: Qt.CursorShape | None = None
    """The pointer's shape over views while the tool is the first in the list that names one."""

    def press(self, view: Viewport, event: QMouseEvent) -> bool:
        """A button goes down; a tool that takes it gets the moves until the release."""
        return False

    def move(self, view: Viewport, event: QMouseEvent) -> bool:
        """The pointer moves: in a drag that this tool took, or over the view with no button down."""
        return False

    def release(self, view: Viewport, event: QMouseEvent) -> None:
        """The button of a drag that this tool took goes up."""

    def double_click(self, view: Viewport, event: QMouseEvent) -> bool:
        """A double click; the view's own would maximise it."""
        return False

    def key(self, view: Viewport, event: QKeyEvent) -> bool:
        """A key goes down in a view that has the keyboard."""
        return False

    def tab(self, view: Viewport, forward: bool) -> bool:
        """Tab or Shift+Tab in a view that has the keyboard; what no tool takes moves on to the next widget."""
        return False

    def menu(self, view: Viewport, position: QPointF) -> bool:
        """A right click that was no drag, or the menu key; what no tool takes opens the view's menu."""
        return False

    def leave(self, view: Viewport) -> None:
        """The pointer has left the view."""

    def cancel(self, view: Viewport) -> None:
        """Escape was pressed, or the view went, in a drag that this tool took: as if it had not begun."""

    def paint(self, view: Viewport, painter: QPainter, state: Resolved) -> None:
        """Paint over the picture and its words; `state` is what the picture shows."""
