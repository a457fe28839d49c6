"""The clip plane's handle in a 3-D view: a disc to move the plane, a tip to tilt it, arrow keys for both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF

from app.viewports.camera import project
from app.viewports.clip import ClipPlane, outline, vec
from app.viewports.planes import turn
from app.viewports.state import Resolved, Resolved3D, box_of_all
from app.viewports.tools import Tool

if TYPE_CHECKING:
    from app.viewports.viewport import Viewport

_REACH = 9
"""Pixels around a handle in which it is hit."""
_ARM = 46
"""Length of the arrow on the screen, pixels at 100 %."""


class ClipHandle(Tool):
    """Seen where a view has a clip plane. After a click on it the arrow keys move it: Up and Down along its normal,
    Left and Right (and with Shift, Up and Down) tilt it; Escape gives them back to the camera."""

    def __init__(self) -> None:
        self._part = ""
        self._start: ClipPlane | None = None
        self._from = QPointF()
        self.held: Viewport | None = None
        """The view whose plane the arrow keys move."""
        self._over: tuple[Viewport, str] | None = None

    # -- mouse ------------------------------------------------------------------------------------------------

    def press(self, view: Viewport, event: QMouseEvent) -> bool:
        """On the handle: take it. Elsewhere: give the keys back."""
        part = self._hit(view, event.position()) if event.button() == Qt.MouseButton.LeftButton else ""
        self._hold(view if part else None)
        if not part:
            return False
        state = view.resolved()
        assert isinstance(state, Resolved3D)
        self._part, self._start, self._from = part, state.clip, event.position()
        return True

    def move(self, view: Viewport, event: QMouseEvent) -> bool:
        """Drag: along the normal, or turn the normal as the camera would be turned."""
        if self._start is None:
            part = self._hit(view, event.position()) if not event.buttons() else ""
            over = (view, part) if part else None
            if over != self._over:
                before, self._over = self._over, over
                for one in (before, over):
                    if one is not None:
                        one[0].update_cover()
            return False
        state = view.resolved()
        if not isinstance(state, Resolved3D):
            return True
        step = event.position() - self._from
        if self._part == "tip":
            right, up, _ = state.camera.frame()
            side = max(1, min(view.width(), view.height()))
            turned = turn(up, 180 * step.x() / side) @ turn(right, 180 * step.y() / side) @ self._start.normal
            plane = replace(self._start, normal=vec(turned / np.linalg.norm(turned)), follow="")
        else:
            place = _anchor(state, self._start)
            flat = project(
                state.camera, np.stack([place, place + np.asarray(self._start.normal)]), *_size(state)
            )
            way = flat[1, :2] - flat[0, :2]
            pixel = state.camera.height / state.height
            length = float(np.hypot(*way))
            if length * pixel < 0.2:  # it points at the viewer: upwards is towards what is cut away
                distance = -step.y() * pixel
            else:
                distance = float((step.x() * way[0] + step.y() * way[1]) / length**2)
            plane = self._start.moved(distance)
        view.set_clip(plane, moving=True)
        return True

    def release(self, view: Viewport, event: QMouseEvent) -> None:
        """Let go; the keys stay with the handle."""
        self._start, self._part = None, ""
        view.update_cover()

    def cancel(self, view: Viewport) -> None:
        """Back to where it was."""
        if self._start is not None:
            view.set_clip(self._start)
        self._start, self._part = None, ""

    def leave(self, view: Viewport) -> None:
        """Nothing is pointed at."""
        if self._over is not None:
            self._over = None
            view.update_cover()

    def key(self, view: Viewport, event: QKeyEvent) -> bool:
        """Arrows and Page Up/Down while the handle is held, with Ctrl always."""
        state = view.resolved() if view.intent.kind == "3d" and view.intent.clip is not None else None
        if not isinstance(state, Resolved3D) or state.clip is None:
            return False
        key, keys = event.key(), Qt.Key
        if key == keys.Key_Escape and self.held is view:
            self._hold(None)
            return True
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if self.held is not view and not control:
            return False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        along = {keys.Key_Up: 1, keys.Key_Down: -1, keys.Key_PageUp: 10, keys.Key_PageDown: -10}.get(
            keys(key), 0
        )
        aside = (key == keys.Key_Right) - (key == keys.Key_Left)
        if along and not shift:
            view.set_clip(state.clip.moved(along * state.size / 200), moving=True)
        elif along or aside:
            right, up, _ = state.camera.frame()
            spun = (
                turn(right, -5.0 * np.sign(along)) if along else turn(up, 5.0 * aside)
            ) @ state.clip.normal
            view.set_clip(
                replace(state.clip, normal=vec(spun / np.linalg.norm(spun)), follow=""), moving=True
            )
        else:
            return False
        return True

    # -- picture ----------------------------------------------------------------------------------------------

    def paint(self, view: Viewport, painter: QPainter, state: Resolved) -> None:
        """The outline of the cut, and the arrow towards what is cut away."""
        if not isinstance(state, Resolved3D) or state.clip is None or not state.items:
            return
        box = box_of_all(state.items)
        assert box is not None
        m = view.overlay.metrics
        active = self.held is view or (self._over is not None and self._over[0] is view)
        color = QColor(view.theme.accent)
        corners = outline(state.clip, box)
        if len(corners):
            flat = project(state.camera, corners, *_size(state))
            if (flat[:, 2] > 0).all() or state.camera.parallel:
                shape = QPolygonF([QPointF(x, y) for x, y, _ in flat.tolist()])
                faint = QColor(color)
                faint.setAlphaF(0.9 if active else 0.45)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(faint, 1.2))
                painter.drawPolygon(shape)
        base, tip = self._places(view, state)
        for edge, width in ((QColor(0, 0, 0, 160), 4.0), (color, 2.0)):
            painter.setPen(QPen(edge, width))
            painter.drawLine(base, tip)
        painter.setPen(QPen(QColor(0, 0, 0, 170), 1.2))
        painter.setBrush(color)
        part = self._over[1] if self._over is not None and self._over[0] is view else self._part
        painter.drawEllipse(base, *[m.px(7 if part == "disc" or self.held is view else 6)] * 2)
        painter.setBrush(color.lighter(140))
        painter.drawEllipse(tip, *[m.px(6 if part == "tip" else 4.5)] * 2)

    # -- inside -----------------------------------------------------------------------------------------------

    def _hold(self, view: Viewport | None) -> None:
        if view is not self.held:
            before, self.held = self.held, view
            for one in (before, view):
                if one is not None:
                    one.update_cover()

    def _hit(self, view: Viewport, position: QPointF) -> str:
        if view.intent.clip is None or view.intent.kind != "3d":
            return ""
        state = view.frame.state if view.frame is not None else None
        if not isinstance(state, Resolved3D) or state.clip is None or not state.items:
            return ""
        reach = view.overlay.metrics.px(_REACH)
        for name, place in zip(("disc", "tip"), self._places(view, state), strict=True):
            off = position - place
            if np.hypot(off.x(), off.y()) <= reach:
                return name
        return ""

    @staticmethod
    def _places(view: Viewport, state: Resolved3D) -> tuple[QPointF, QPointF]:
        """Where disc and tip are on the screen. The tip keeps its distance, unless it points at the viewer."""
        assert state.clip is not None
        place = _anchor(state, state.clip)
        pixel = state.camera.height / state.height
        arm = view.overlay.metrics.px(_ARM) * pixel
        ends = np.stack([place, place + arm * np.asarray(state.clip.normal)])
        flat = project(state.camera, ends, *_size(state))
        m = view.overlay.metrics.px(16)
        base = QPointF(
            float(np.clip(flat[0, 0], m, state.width - m)), float(np.clip(flat[0, 1], m, state.height - m))
        )
        return base, base + QPointF(*(flat[1, :2] - flat[0, :2]).tolist())


def _anchor(state: Resolved3D, plane: ClipPlane) -> np.ndarray:
    """The middle of the cut; where it cuts nothing, the point of the plane nearest to the middle of everything."""
    box = box_of_all(state.items)
    assert box is not None
    corners = outline(plane, box)
    if len(corners):
        return np.asarray(corners.mean(axis=0))
    middle = box.mean(axis=1)
    return np.asarray(middle - plane.height(middle)[0] * np.asarray(plane.normal))


def _size(state: Resolved3D) -> tuple[int, int]:
    return state.width, state.height
