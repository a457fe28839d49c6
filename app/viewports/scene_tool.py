"""What 3-D views do beyond turning: reading out what is under the pointer, picking by a click, the camera's history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent

from app.viewports.camera import CameraPose
from app.viewports.picking import Pick, pick, prepare
from app.viewports.readout3d import describe
from app.viewports.service import Frame
from app.viewports.state import Resolved3D
from app.viewports.tools import Tool

if TYPE_CHECKING:
    from app.viewports.grid import ViewportGrid
    from app.viewports.viewport import Viewport

_PAUSE_MS = 25
"""Between two looks at what is under a moving pointer."""
_READY_MS = 600
"""From a picture until what picking needs is made; who points at something earlier begins it."""
_KEPT = 60


class SceneTool(Tool):
    """Belongs to a grid; takes no event away from anybody.

    A click on an object picks it (`grid.picked`), with Shift it puts the linked crosshair there as well; Shift and
    moving does that all the way, as in slices.
    """

    def __init__(self, grid: ViewportGrid) -> None:
        self._grid = grid
        self._timer = QTimer(grid)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._look)
        self._ready = QTimer(grid)
        self._ready.setSingleShot(True)
        self._ready.setInterval(_READY_MS)
        self._ready.timeout.connect(self._prepare)
        self._pointer: tuple[Viewport, QPointF, bool] | None = None
        self._shown = False
        self._past: dict[str, list[CameraPose | None]] = {}
        self._place: dict[str, int] = {}

    def watch(self, view: Viewport) -> None:
        """A 3-D view of the grid was made."""
        view.clicked.connect(lambda position, modifiers: self._click(view, position, modifiers))
        view.framed.connect(lambda frame: self._framed(view, frame))

    # -- picking ----------------------------------------------------------------------------------------------

    def move(self, view: Viewport, event: QMouseEvent) -> bool:
        """Look soon at what is there; while something is dragged, at nothing."""
        if view.intent.kind == "3d" and not event.buttons():
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._pointer = (view, event.position(), shift)
            if not self._timer.isActive():
                self._timer.start()
        return False

    def leave(self, view: Viewport) -> None:
        """Nothing is there any more."""
        self._pointer = None
        self._timer.stop()
        self._shown = False

    def pick_at(self, view: Viewport, position: QPointF, *, wait: bool = True) -> Pick | None:
        """What lies under a position of a 3-D view."""
        state = view.resolved()
        if not isinstance(state, Resolved3D):
            return None
        size = (state.width, state.height)
        return pick(state.items, state.camera, position.x(), position.y(), size, clip=state.clip, wait=wait)

    def _look(self) -> None:
        if self._pointer is None:
            return
        view, position, shift = self._pointer
        if view not in self._grid.views.values():
            return
        hit = self.pick_at(view, position, wait=False)
        if hit is not None:
            self._shown = True
            if shift:
                view.cursorWanted.emit(hit.position)
            self._grid.hovered.emit(hit.position, describe(hit))
        elif self._shown:
            self._shown = False
            self._grid.hovered.emit(None, "")

    def _click(self, view: Viewport, position: QPointF, modifiers: Any) -> None:
        hit = self.pick_at(view, position, wait=False)
        if hit is None:
            return
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            view.cursorWanted.emit(hit.position)
        self._grid.picked.emit(hit)
        self._grid.hovered.emit(hit.position, describe(hit))

    # -- where the camera was ---------------------------------------------------------------------------------

    def _framed(self, view: Viewport, frame: Frame) -> None:
        state = frame.state
        if not isinstance(state, Resolved3D) or state.interactive or not state.items:
            return
        if not self._ready.isActive():
            self._ready.start()
        camera = view.intent.camera
        past = self._past.setdefault(view.slot, [])
        place = self._place.get(view.slot, -1)
        if past and past[place] == camera:
            return
        del past[place + 1 :]
        past.append(camera)
        del past[:-_KEPT]
        self._place[view.slot] = len(past) - 1

    def _prepare(self) -> None:
        """Make what picking needs before anybody points at something; the picture itself comes first."""
        views = [v for v in self._grid.views.values() if v.isVisible() and v.intent.kind == "3d"]
        if any(not v.settled for v in views):
            self._ready.start()
            return
        for view in views:
            if view.frame is not None:
                prepare(view.frame.state.items)

    def can_go(self, view: Viewport, step: int) -> bool:
        """Whether there is an earlier (-1) or a later (1) camera of this view."""
        place = self._place.get(view.slot, -1) + step
        return 0 <= place < len(self._past.get(view.slot, []))

    def go(self, view: Viewport, step: int) -> None:
        """The camera as it was before (-1), or after (1) that."""
        if self.can_go(view, step):
            self._place[view.slot] += step
            view.set_intent(camera=self._past[view.slot][self._place[view.slot]])
            view.aimed.emit()

    def forget(self) -> None:
        """Another session: no camera of the last one is wanted."""
        self._past.clear()
        self._place.clear()
        self._pointer = None
