"""Dragging the edge of a curtain between two volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent

from app.viewports.mixing import Mix
from app.viewports.tools import Tool

if TYPE_CHECKING:
    from app.viewports.viewport import Viewport

REACH = 6
"""Pixels beside the edge at which it can be taken hold of."""


class CurtainTool(Tool):
    """Takes a left drag that begins on the edge; everything else is the view's own."""

    def __init__(self, wanted: Callable[[float], None]) -> None:
        self._wanted = wanted
        self._start = 0.5
        self._held = False
        self._shaped: Viewport | None = None

    def press(self, view: Viewport, event: QMouseEvent) -> bool:
        """Take hold of the edge."""
        mix = self._near(view, event.position())
        if mix is None or event.button() is not Qt.MouseButton.LeftButton:
            return False
        self._start, self._held = mix.amount, True
        return True

    def move(self, view: Viewport, event: QMouseEvent) -> bool:
        """Move the edge; over it, show that it can be."""
        if self._held:
            self._wanted(_part(view, event.position()))
            return True
        mix = None if event.buttons() else self._near(view, event.position())
        if mix is not None:
            view.setCursor(Qt.CursorShape.SplitHCursor if mix.upright else Qt.CursorShape.SplitVCursor)
            self._shaped = view
        else:
            self.leave(view)
        return False

    def release(self, view: Viewport, event: QMouseEvent) -> None:
        """Let go."""
        self._held = False

    def leave(self, view: Viewport) -> None:
        """The pointer is as it was."""
        shaped, self._shaped = self._shaped, None
        if shaped is not None:
            shaped.unsetCursor()

    def cancel(self, view: Viewport) -> None:
        """Back to where the drag began."""
        if self._held:
            self._wanted(self._start)
        self._held = False

    @staticmethod
    def _near(view: Viewport, position: QPointF) -> Mix | None:
        """The curtain under a position."""
        mix = getattr(view.state, "mix", None)
        if mix is None or mix.mode != "curtain":
            return None
        length = view.width() if mix.upright else view.height()
        place = position.x() if mix.upright else position.y()
        return mix if abs(place - mix.amount * length) <= REACH else None


def _part(view: Viewport, position: QPointF) -> float:
    mix = getattr(view.state, "mix", None)
    upright = mix is None or mix.upright
    return position.x() / max(1, view.width()) if upright else position.y() / max(1, view.height())
