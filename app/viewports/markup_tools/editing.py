"""The tool that is always there: handles of markups under the pointer and the keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from app.viewports.markup_tools import shapes
from app.viewports.markup_tools.host import MarkupHost, Snapping
from app.viewports.markup_tools.painting import Look, paint_handles
from app.viewports.markup_tools.shapes import Handle
from app.viewports.markup_tools.snapping import place_at
from app.viewports.state import Resolved, ResolvedSlice, SceneItem
from app.viewports.tools import Tool
from core import markups
from core.data import Markup, MarkupKind

if TYPE_CHECKING:
    from app.viewports.viewport import Viewport

Array = NDArray[Any]
REACH = 9.0
"""Pixels at 100 % around a handle in which it is meant, whatever the zoom."""
LINE_REACH = 6.0
STILL = 3
"""Pixels that a hand may shake in a click."""
FINE = 0.1
"""World units of a nudge with Ctrl."""
CURVES = (MarkupKind.CURVE, MarkupKind.CLOSED_CURVE)


@dataclass(frozen=True, eq=False)
class Hit:
    """What is under the pointer: a markup and one of its handles, or its `body`; `segment` of the body's line."""

    item: SceneItem
    handle: Handle
    segment: int = -1


@dataclass(eq=False)
class _Drag:
    slot: str
    item: SceneItem
    """As it was when the drag began."""
    base: Markup
    """What is dragged: the same, or with the point that the press has inserted."""
    handle: Handle
    pressed: QPointF
    grip: QPointF
    """From the pointer to the handle, on the screen."""
    start: Array
    title: str
    moved: bool = False
    result: Markup | None = None


def shown_state(view: Viewport) -> Resolved:
    """What the picture shows that the user points at; where there is none yet, what it will show."""
    frame = view.frame
    if frame is not None and (frame.state.width, frame.state.height) == (view.width(), view.height()):
        return frame.state
    return view.resolved()


def drawings_of(view: Viewport) -> list[Any]:
    """The cut lines in the picture that is shown."""
    return view.frame.notes.drawings if view.frame is not None else []


def editable(item: SceneItem) -> bool:
    """A markup that is shown and not locked."""
    return (
        isinstance(item.data, Markup) and item.display.visible and not getattr(item.display, "locked", False)
    )


class EditTool(Tool):
    """Moves control points, whole markups, faces, corners and ends; one drag is one edit."""

    def __init__(self, host: MarkupHost) -> None:
        self._host = host
        self.cursor = None
        self.hovered: tuple[str, Hit] | None = None
        """The view's slot, and what is under the pointer there."""
        self.active: tuple[str, int] | None = None
        """The control point that the keyboard moves: id of the markup, number."""
        self._drag: _Drag | None = None

    # -- what is there ------------------------------------------------------------------------------------------

    def find(self, view: Viewport, x: float, y: float) -> Hit | None:
        """What is under a position: handles of the selected markup, then points of others, then lines."""
        state, shown = shown_state(view), view.shown_items()
        reach, line_reach = view.overlay.metrics.px(REACH), view.overlay.metrics.px(LINE_REACH)
        selected = self._host.selected
        ours = sorted((i for i in reversed(shown) if editable(i)), key=lambda i: i.id != selected)
        for item in ours:
            if item.id == selected or item.data.kind in markups.POINTED:
                room = max(reach, item.display.size / 2 + 2)
                handle = shapes.nearest_handle(shapes.handles_of(item, state), state, x, y, room)
                if handle is not None:
                    return Hit(item, handle)
        for item in ours:
            hit = shapes.nearest_segment(shapes.body_of(item, state), state, x, y, line_reach)
            if hit is not None:
                return Hit(item, Handle("body", 0, hit[1]), hit[0])
        return None

    def selected_in(self, view: Viewport) -> SceneItem | None:
        """The current markup, if this view shows it and it can be edited."""
        selected = self._host.selected
        return next((i for i in view.shown_items() if i.id == selected and editable(i)), None)

    # -- mouse --------------------------------------------------------------------------------------------------

    def press(self, view: Viewport, event: QMouseEvent) -> bool:
        """Take hold of what is under the pointer; what is not selected is selected first."""
        keys = event.modifiers()
        if event.button() is not Qt.MouseButton.LeftButton or keys & Qt.KeyboardModifier.ShiftModifier:
            return False
        if view.space_held:
            return False
        position = event.position()
        hit = self.find(view, position.x(), position.y())
        if hit is None:
            self._activate(view, None)
            return False
        self._host.select(hit.item.id)
        state = shown_state(view)
        item, handle = hit.item, hit.handle
        base, title = item.data, shapes.TITLES[handle.role]
        control = bool(keys & Qt.KeyboardModifier.ControlModifier)
        drag = _Drag(view.slot, item, base, handle, position, QPointF(), handle.position, title)
        if handle.role == "body":
            if control and item.data.kind in CURVES:
                self._insert(item, hit, drag)
            if drag.handle.role == "body":
                drag.start = shapes.in_view(state, position.x(), position.y(), handle.position)
        if drag.handle.role != "body":
            flat = shapes.on_screen(state, drag.handle.position)[0]
            drag.grip = QPointF(float(flat[0]), float(flat[1])) - position
        if drag.handle.role == "point":
            self._activate(view, (item.id, drag.handle.index))
        self._drag = drag
        self._shape(view, Qt.CursorShape.ClosedHandCursor)
        view.update_cover()
        return True

    def _insert(self, item: SceneItem, hit: Hit, drag: _Drag) -> None:
        """Ctrl+click on a curve: a new control point there, which the drag goes on to move."""
        after = markups.piece_of(item.data, hit.segment)
        local = _local(item, hit.handle.position)
        drag.base = markups.inserted(
            item.data,
            after + 1,
            local,
            markups.free_label(item.data) if item.data.labels else "",
            item.transform,
        )
        drag.handle = Handle("point", after + 1, hit.handle.position)
        drag.start, drag.title = hit.handle.position, "Insert point"
        drag.result, drag.moved = drag.base, True
        self._host.preview(item.id, drag.base)

    def move(self, view: Viewport, event: QMouseEvent) -> bool:
        """Go on with a drag; without one, light up what could be dragged."""
        position = event.position()
        if self._drag is None:
            if not event.buttons():
                self._hover(view, self.find(view, position.x(), position.y()))
            return False
        drag = self._drag
        if not drag.moved and (position - drag.pressed).manhattanLength() < STILL:
            return True
        now = self._host.item(drag.item.id)
        if now is None or now.data is not drag.item.data:
            self._drop(view)  # closed or undone meanwhile
            return True
        drag.moved = True
        state = shown_state(view)
        snapping = self._host.snapping
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and drag.title != "Insert point":
            snapping = snapping.inverted()
        target = self._target(view, state, drag, position + drag.grip, snapping)
        if target is not None:
            held = _with(drag.item, drag.base)
            drag.result = shapes.dragged(held, drag.handle, drag.start, target, state)
            self._host.preview(drag.item.id, drag.result, view)
        return True

    def _target(
        self, view: Viewport, state: Resolved, drag: _Drag, place: QPointF, snapping: Snapping
    ) -> Array | None:
        x, y = place.x(), place.y()
        lift = 0.0
        if isinstance(state, ResolvedSlice):
            lift = float((drag.start - np.asarray(state.origin)) @ np.asarray(state.toward))
        if drag.handle.role == "point":
            found = place_at(
                state,
                view.shown_items(),
                x,
                y,
                snapping,
                drawings=drawings_of(view),
                without=drag.item.id,
                depth_of=drag.start,
                lift=lift,
            )
            return None if found is None else found.position
        point = shapes.in_view(state, x, y, drag.start)
        if isinstance(state, ResolvedSlice):
            point = point + lift * np.asarray(state.toward)
        return point

    def release(self, view: Viewport, event: QMouseEvent) -> None:
        """One edit of what was dragged."""
        drag, self._drag = self._drag, None
        if drag is not None:
            if drag.moved and drag.result is not None:
                self._host.commit(drag.item.id, drag.item.data, drag.result, drag.title)
            self._host.preview(drag.item.id, None)
        self._hover(view, self.find(view, event.position().x(), event.position().y()))
        view.update_cover()

    def cancel(self, view: Viewport) -> None:
        """As if the drag had not begun."""
        self._drop(view)

    def _drop(self, view: Viewport) -> None:
        drag, self._drag = self._drag, None
        if drag is not None:
            self._host.preview(drag.item.id, None)
        self._hover(view, None)

    def double_click(self, view: Viewport, event: QMouseEvent) -> bool:
        """On a handle it must not maximise the view."""
        return self.find(view, event.position().x(), event.position().y()) is not None

    def leave(self, view: Viewport) -> None:
        """Go out."""
        if self._drag is None:
            self._hover(view, None)

    def _hover(self, view: Viewport, hit: Hit | None) -> None:
        before = self.hovered
        self.hovered = None if hit is None else (view.slot, hit)
        shape = None
        if hit is not None:
            turns = hit.handle.role in ("end", "tip") or (
                hit.handle.role == "corner" and hit.item.data.kind is MarkupKind.BOX
            )
            sizes = hit.handle.role in ("face", "corner")
            shape = Qt.CursorShape.OpenHandCursor
            if turns:
                shape = Qt.CursorShape.CrossCursor
            elif sizes:
                shape = Qt.CursorShape.SizeAllCursor
        self._shape(view, shape)
        if _key(before) != _key(self.hovered):
            view.update_cover()

    def _shape(self, view: Viewport, shape: Qt.CursorShape | None) -> None:
        if shape is self.cursor:
            return
        self.cursor = shape
        wanted = next((t.cursor for t in view.tools if t.cursor is not None), None)
        if wanted is None:
            view.unsetCursor()
        else:
            view.setCursor(wanted)

    # -- keyboard -----------------------------------------------------------------------------------------------

    def key(self, view: Viewport, event: QKeyEvent) -> bool:
        """Return takes the first point; arrows move it, Insert and Delete add and remove; Escape lets go."""
        item = self.selected_in(view)
        keys, key = Qt.Key, event.key()
        if item is None or item.data.kind not in markups.POINTED or not len(item.data.points):
            return False
        number = self._active_in(item)
        if key in (keys.Key_Return, keys.Key_Enter):
            self._activate(view, (item.id, 0 if number is None else number))
            return True
        if number is None:
            return False
        arrows = {
            keys.Key_Left: (-1, 0),
            keys.Key_Right: (1, 0),
            keys.Key_Up: (0, 1),
            keys.Key_Down: (0, -1),
        }
        if key == keys.Key_Escape:
            self._activate(view, None)
        elif key in arrows and not event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self._nudge(view, item, number, arrows[Qt.Key(key)], event.modifiers())
        elif key == keys.Key_Delete:
            self.delete_point(item.id, number)
        elif key == keys.Key_Insert and item.data.kind in CURVES:
            self._insert_after(item, number)
        else:
            return False
        return True

    def tab(self, view: Viewport, forward: bool) -> bool:
        """From one control point to the next, once one is held; past the last, on to what comes after the view."""
        item = self.selected_in(view)
        number = None if item is None else self._active_in(item)
        if item is None or number is None:
            return False
        number += 1 if forward else -1
        if not 0 <= number < len(item.data.points):
            self._activate(view, None)
            return False
        self._activate(view, (item.id, number))
        return True

    def _active_in(self, item: SceneItem) -> int | None:
        if self.active is None or self.active[0] != item.id or self.active[1] >= len(item.data.points):
            return None
        return self.active[1]

    def _activate(self, view: Viewport, point: tuple[str, int] | None) -> None:
        if point == self.active:
            return
        self.active = point
        view.update_cover()
        if point is not None:
            item = next((i for i in view.shown_items() if i.id == point[0]), None)
            if item is not None:
                label = item.data.labels[point[1]] if item.data.labels else ""
                words = label or f"Point {point[1] + 1}"
                x, y, z = markups.world_points(item.data, item.transform)[point[1]]
                self._host.say(f"{words} of {item.name}: {x:.1f}, {y:.1f}, {z:.1f}".replace("-", "−"))

    def _nudge(
        self,
        view: Viewport,
        item: SceneItem,
        number: int,
        way: tuple[int, int],
        keys: Qt.KeyboardModifier,
    ) -> None:
        """One pixel; with Ctrl 0.1 of the unit; a voxel while points snap to them; with Shift ten times as much."""
        state = shown_state(view)
        frame = shapes.view_frame(state)
        direction = way[0] * frame[0] + way[1] * frame[1]
        point = markups.world_points(item.data, item.transform)[number]
        step = state.scale
        if not isinstance(state, ResolvedSlice) and not state.camera.parallel:
            flat = shapes.on_screen(state, point)[0]
            step = state.scale * float(flat[2]) / state.camera.distance
        reference = state.item(state.reference) if isinstance(state, ResolvedSlice) else None
        if keys & Qt.KeyboardModifier.ControlModifier:
            step = FINE
        elif self._host.snapping.voxels and reference is not None:
            step = 1 / float(np.linalg.norm(np.linalg.solve(reference.affine[:3, :3], direction)))
        if keys & Qt.KeyboardModifier.ShiftModifier:
            step *= 10
        moved = markups.with_point(item.data, number, _local(item, point + step * direction), item.transform)
        self._host.commit(item.id, item.data, moved, "Move point", gesture=f"nudge-{number}")

    def _insert_after(self, item: SceneItem, number: int) -> None:
        points = item.data.points
        ring = item.data.kind is MarkupKind.CLOSED_CURVE
        if len(points) < 2 or (number == len(points) - 1 and not ring):
            return
        middle = (points[number] + points[(number + 1) % len(points)]) / 2
        label = markups.free_label(item.data) if item.data.labels else ""
        made = markups.inserted(item.data, number + 1, middle, label, item.transform)
        if self._host.commit(item.id, item.data, made, "Insert point"):
            self.active = (item.id, number + 1)

    def delete_point(self, id: str, number: int) -> None:
        """Remove a control point; with its last one a markup is closed."""
        item = self._host.item(id)
        if item is None or number >= len(item.data.points):
            return
        if len(item.data.points) == 1:
            self._host.remove(id)
            self.active = None
            return
        made = markups.without_point(item.data, number, item.transform)
        if self._host.commit(id, item.data, made, "Delete point"):
            self.active = (id, min(number, len(made.points) - 1)) if self.active is not None else None

    # -- picture ------------------------------------------------------------------------------------------------

    def paint(self, view: Viewport, painter: QPainter, state: Resolved) -> None:
        """Handles of the selected markup, and what is under the pointer."""
        hit = self.hovered[1] if self.hovered is not None and self.hovered[0] == view.slot else None
        drag = self._drag
        lit = drag.handle.key if drag is not None else hit.handle.key if hit is not None else None
        lit_id = drag.item.id if drag is not None else hit.item.id if hit is not None else ""
        selected = self._host.selected
        for item in view.shown_items():
            if not editable(item) or item.id not in (selected, lit_id):
                continue
            active = self._active_in(item) if item.id == selected else None
            look = Look(
                item.id == selected, lit if item.id == lit_id else None, active if view.hasFocus() else None
            )
            paint_handles(painter, view.overlay, state, item, look)


def _key(hovered: tuple[str, Hit] | None) -> tuple[Any, ...]:
    return () if hovered is None else (hovered[0], hovered[1].item.id, hovered[1].handle.key)


def _with(item: SceneItem, markup: Markup) -> SceneItem:
    return SceneItem(item.id, item.name, markup, item.transform, item.display)


def _local(item: SceneItem, point: Array) -> Array:
    """A world point in the markup's own coordinates."""
    local: Array = np.linalg.solve(np.asarray(item.transform, dtype=np.float64), [*point, 1.0])[:3]
    return local
