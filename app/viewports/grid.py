"""The grid of linked views that the window's centre is made of."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QRect, QSize, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from app.theme import Theme, current_theme
from app.viewports import layouts, view_state
from app.viewports.backends import choose_backend, prepare_surface_format
from app.viewports.boxes import box_of_all
from app.viewports.camera import DIRECTIONS, DIRECTIONS_Y_UP, Vec, look
from app.viewports.clip import ClipPlane
from app.viewports.clip_handle import ClipHandle
from app.viewports.curtain import CurtainTool
from app.viewports.handles import Handles
from app.viewports.known import forget
from app.viewports.layouts import KINDS, LAYOUTS, Line, kind_of, slots_of
from app.viewports.linking import Links
from app.viewports.mixing import Mix
from app.viewports.moments import moved, sight_at_moment
from app.viewports.planes import (
    Slab,
    Tilt,
    matrix_of,
    tilt_of,
    turn,
)
from app.viewports.readout import readout
from app.viewports.scene_tool import SceneTool
from app.viewports.service import Frame
from app.viewports.state import (
    ResolvedSlice,
    SceneItem,
    ViewIntent,
    box_of,
    center_of,
    panned,
    sight_of,
    upright,
)
from app.viewports.stats import rounded_window
from app.viewports.titles import TitleTool
from app.viewports.tools import Tool
from app.viewports.viewport import Viewport
from core.data import Volume

__all__ = ["KINDS", "LAYOUTS", "ViewportGrid"]

_FOLLOW_MS = 30
"""How long the other views wait for what is dragged in one, so that they do not hold it up."""
SIDED = ("axial", "coronal")
"""Kinds of views whose left and right the convention decides."""


class ViewportGrid(QWidget):
    """Linked views and their layouts. See `app.viewports` for the whole interface.

    `views` holds what has been made, by slot: the first of each kind always, further ones while a layout shows them.
    """

    cursorMoved = Signal(object, str)
    hovered = Signal(object, str)
    displayChanged = Signal(str, object, str)
    layoutChanged = Signal(str)
    viewMade = Signal(object)
    """A `Viewport` that a layout needed: connect what every view has."""
    linksChanged = Signal()
    mixChanged = Signal(object)
    """A `mixing.Mix`, or None."""
    picked = Signal(object)
    """A click in a 3-D view hit something: an `app.viewports.picking.Pick`."""
    onlyChanged = Signal(str)
    """The slot of a view that shows other items now."""
    statusChanged = Signal(str)
    problem = Signal(str)
    menuWanted = Signal(object, object)
    """The view and where in it (`QPointF`): a right click, or the menu key."""
    viewChanged = Signal()
    """A view shows things in another way: a convention, a slab, a tilt."""

    def __init__(
        self, parent: QWidget | None = None, *, backend: str = "auto", theme: Theme | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme or current_theme()
        self.backend, self.why = choose_backend(backend)
        if self.backend == "gl":
            prepare_surface_format()
        self.items: tuple[SceneItem, ...] = ()
        """What is shown: what was given, at the moment that is shown."""
        self.given: tuple[SceneItem, ...] = ()
        self._moment: dict[str, int] = {}
        self._previews: dict[str, Any] = {}
        self._follow = QTimer(self)
        self._follow.setSingleShot(True)
        self._follow.setInterval(_FOLLOW_MS)
        self._follow.timeout.connect(self._follow_preview)
        self._pointer: Vec | None = None
        self._active: str | None = None
        self._cursor: Vec | None = None
        self._layout_name, self._before = "four", "four"
        self._closed = False
        self._status = ""
        self._problems: set[str] = set()
        self._current: Viewport | None = None
        self.views: dict[str, Viewport] = {}
        self._intents: dict[str, ViewIntent] = {}
        """Of further views that no layout shows at the moment."""
        self._shares: dict[str, dict[str, tuple[float, ...]]] = {}
        self.links = Links(self)
        self._curtain = CurtainTool(self._drag_curtain)
        self.family: Callable[[str], frozenset[str]] = lambda id: frozenset((id,))
        """The ids that "show this item" means; a window that knows groups replaces it."""
        self.tools: list[Tool] = []
        self._handles = Handles(self)
        self._handles.dragged.connect(self._drag_line)
        self._handles.equalised.connect(self._equalise_line)
        self.scene = SceneTool(self)
        self.clip_handle = ClipHandle()
        self.tools += [self.clip_handle, self.scene]
        for kind in KINDS:
            self.view(kind)
        self.add_tool(TitleTool())
        self._arrange()
        if self.backend == "image":
            self.views["axial"].canvas.warm()

    def view(self, slot: str) -> Viewport:
        """The view of a slot, made on first use. Raises `ValueError` for what is no slot."""
        if slot in self.views:
            return self.views[slot]
        kind = kind_of(slot)
        view = Viewport(kind, self._theme, self.backend, self, slot=slot)
        view.hide()
        view.tools = self.tools
        view.cursorWanted.connect(self._move_cursor)
        view.hovered.connect(self._hover)
        view.windowWanted.connect(self._window)
        view.maximizeWanted.connect(self._maximize)
        view.resetWanted.connect(self.reset_views)
        view.menuWanted.connect(self._ask_menu)
        view.changed.connect(self.viewChanged)
        view.tiltWanted.connect(self.set_tilt)
        view.turnWanted.connect(self._turn)
        view.focused.connect(self._focus)
        view.framed.connect(self._framed)
        view.backendFailed.connect(self._fell_back)
        view.itemDropped.connect(self._dropped)
        view.aimed.connect(self._aimed)
        if kind in self.views:
            view.intent = self._intents.pop(slot, replace(self.views[kind].intent, only=None))
            view.items = self.items
        if self.tools:
            self._point(view)
        self.views[slot] = view
        if kind == "3d":
            self.scene.watch(view)
        self.viewMade.emit(view)
        return view

    @property
    def shown_slots(self) -> tuple[str, ...]:
        """The views of the present layout, in reading order."""
        return slots_of(layouts.layout(self._layout_name))

    # -- what is shown ----------------------------------------------------------------------------------------

    def set_items(self, items: tuple[SceneItem, ...]) -> None:
        """Show these, drawn in this order. The first items ever put the crosshair in their middle."""
        before = self.items
        fresh = not any(i.spatial for i in before) or self._starts_elsewhere(tuple(items))
        shown = {id(i.data) for i in items}
        forget(i.data for i in self.given if id(i.data) not in shown and i.data is not None)
        self.given = tuple(items)
        self._moment = {i.id: self._moment[i.id] for i in self.given if i.id in self._moment}
        self._previews = {i.id: self._previews[i.id] for i in self.given if i.id in self._previews}
        self.items = self._at_moment()
        if fresh and any(i.spatial for i in self.items):
            self._cursor = center_of(self.items, self._active)
        for view in self.views.values():
            view.items = self.items
        if fresh:
            self._link(cursor=self._cursor)
        self.links.changed(before, self.items)
        self._relink()
        self._link()
        if fresh and self._cursor is not None:
            self.cursorMoved.emit(self._cursor, self.readout(self._cursor))

    def _starts_elsewhere(self, items: tuple[SceneItem, ...]) -> bool:
        """Whether the first volume comes, and the crosshair, put among surfaces, is not in it: it would show its rim."""
        if self._cursor is None or any(isinstance(i.data, Volume) for i in self.items):
            return False
        box = box_of_all(tuple(i for i in items if isinstance(i.data, Volume)))
        cursor = np.asarray(self._cursor)
        return box is not None and not bool(((cursor >= box[:, 0]) & (cursor <= box[:, 1])).all())

    @property
    def moment(self) -> dict[str, int]:
        """Frames that are shown instead of those that the displays say, by item."""
        return dict(self._moment)

    def set_moment(self, indices: dict[str, int], *, moving: bool = False) -> None:
        """Show these frames of objects with a time axis, whatever their displays say; {} ends that.

        Nothing is remembered of it: whoever moves in time makes an edit of it in the end. `moving`: the next frame
        follows soon, speed before quality.
        """
        known = {i.id for i in self.given}
        self._moment = {id: int(k) for id, k in indices.items() if id in known}
        items = self._at_moment()
        if items == self.items:
            return
        self.items = items
        for view in self.views.values():
            view.items = items
            if moving and view.intent.kind == "3d":
                view.set_moving()
            else:
                view.refresh()
        if self._pointer is not None:
            self.hovered.emit(self._pointer, self.readout(self._pointer))
        elif self._cursor is not None and any(isinstance(i.data, Volume) for i in items):
            self.cursorMoved.emit(self._cursor, self.readout(self._cursor))

    def set_preview(self, item_id: str, data: Any | None, view: Viewport | None = None) -> None:
        """Show an object as `data` for now, in all views; None: as it is. Nothing is remembered of it.

        What is painted over the pictures (lines, words, handles) shows it: at once in the view that it is dragged in,
        a moment later in the others. Pictures of slices need not be drawn for that; 3-D views follow as soon as they
        can. So a drag follows the pointer however long a picture takes.
        """
        if data is None:
            if self._previews.pop(item_id, None) is None:
                return
        elif any(i.id == item_id for i in self.given):
            self._previews[item_id] = data
        else:
            return
        self.items = self._at_moment()
        for other in self.views.values():
            other.items = self.items
        if view is not None:
            view.update_cover()
        if data is None:
            self._follow.stop()
            self._follow_preview()
        elif not self._follow.isActive():
            self._follow.start()

    def _follow_preview(self) -> None:
        for view in self.views.values():
            view.update_cover()
            if self._previews and view.intent.kind != "3d":
                continue
            if self._previews:
                view.hurry()
            view.refresh()

    def _at_moment(self) -> tuple[SceneItem, ...]:
        items = (moved(i, self._moment[i.id]) if i.id in self._moment else i for i in self.given)
        return tuple(replace(i, data=self._previews[i.id]) if i.id in self._previews else i for i in items)

    def set_active(self, item_id: str | None) -> None:
        """The volume whose voxel axes the slices follow, and whose window a right-drag changes."""
        if item_id is not None and not any(
            i.id == item_id and isinstance(i.data, Volume) for i in self.items
        ):
            return
        self._active = item_id
        self._link(active=item_id)

    def set_only(self, slot: str, ids: frozenset[str] | None) -> None:
        """Show in one view only these of the items; None: all of them."""
        wanted = None if ids is None else frozenset(ids)
        if self.only(slot) != wanted or slot not in self.views:
            self._set_own(slot, only=wanted)
            self._relink()
            if slot in self.views:
                self.views[slot].refresh()
            self.onlyChanged.emit(slot)

    def only(self, slot: str) -> frozenset[str] | None:
        """The items that one view shows; None: all of them."""
        known = self.views[slot].intent if slot in self.views else self._intents.get(slot)
        return None if known is None else known.only

    def show_everything(self) -> None:
        """Every view shows every item again, straight and thin, and no comparison: another session has begun."""
        self._intents.clear()
        self.set_mix(None)
        for slot in list(self.views):
            self.set_only(slot, None)
        self._link(slab=None, tilt=None)
        self.viewChanged.emit()
        if self._layout_name not in LAYOUTS:
            self.set_layout("four")
        self._before = self._layout_name
        self._tidy()
        self._intents.clear()

    @property
    def mix(self) -> Mix | None:
        """What the slices make of two volumes."""
        return self.views["axial"].intent.mix

    def set_mix(self, mix: Mix | None) -> None:
        """Blend two volumes, or show their difference; None: one over the other, as their displays say."""
        if mix == self.mix:
            return
        self._link(mix=mix)
        wanted = mix is not None and mix.mode == "curtain"
        if wanted and self._curtain not in self.tools:
            self.add_tool(self._curtain)
        elif not wanted:
            self.remove_tool(self._curtain)
        self.mixChanged.emit(mix)

    def _drag_curtain(self, amount: float) -> None:
        if self.mix is not None:
            self.set_mix(self.mix.changed(amount=round(amount, 4)))

    @property
    def cursor_position(self) -> Vec:
        """The linked crosshair, world coordinates."""
        return self._cursor if self._cursor is not None else center_of(self.items, self._active)

    def set_cursor(self, point: Vec) -> None:
        """Move the linked crosshair."""
        x, y, z = (float(c) for c in point)
        if not all(math.isfinite(c) for c in (x, y, z)):
            return
        self._cursor = (x, y, z)
        self._link(cursor=self._cursor)
        self.cursorMoved.emit(self._cursor, self.readout(self._cursor))

    def readout(self, point: Vec) -> str:
        """Position, voxel and values there, as one line."""
        return readout(self.items, point, self._active)

    def set_crosshair(self, shown: bool) -> None:
        """Show or hide the crosshair lines."""
        self._link(crosshair=bool(shown))

    @property
    def convention(self) -> str:
        """ "radiological" or "neurological", or "" where the views differ."""
        found = {self.views[k].intent.convention for k in SIDED}
        return found.pop() if len(found) == 1 else ""

    @property
    def nose_left(self) -> bool:
        """Which way sagittal views look."""
        return self.views["sagittal"].intent.nose_left

    def set_convention(self, convention: str) -> None:
        """Which side of the screen the patient's right is on; never touches data."""
        if convention not in ("radiological", "neurological"):
            raise ValueError(f"{convention!r} is neither radiological nor neurological")
        self._link(convention=convention)
        self.viewChanged.emit()

    def set_nose_left(self, left: bool) -> None:
        """Which way sagittal views look."""
        self._link(nose_left=bool(left))
        self.viewChanged.emit()

    def set_slab(self, slab: Slab | None, view: Viewport | None = None) -> None:
        """Project over a slab about the slices, or stop doing so: in one view, or in all slice views."""
        if view is None:
            self._link(slab=slab)
        else:
            view.set_intent(slab=slab)
        self.viewChanged.emit()

    @property
    def tilt(self) -> Tilt | None:
        """The rotation of the slice planes, None while they are straight."""
        return self.views["axial"].intent.tilt

    def set_tilt(self, matrix: Any) -> None:
        """Rotate the slice planes (3, 3; None: straight); the crosshair stays where it is, in space and on the screen.

        Raises
        ------
        ValueError : the matrix is no rotation.
        """
        tilt = None if matrix is None else tilt_of(matrix)
        if tilt == self.tilt:
            return
        for slot, intent in self._intents.items():
            self._intents[slot] = replace(intent, tilt=tilt)
        for view in self.views.values():
            before = view.resolved()
            if isinstance(before, ResolvedSlice):
                view.hurry()
            view.intent = replace(view.intent, tilt=tilt)
            after = view.resolved()
            if isinstance(before, ResolvedSlice) and isinstance(after, ResolvedSlice):
                cursor = np.array(before.cursor)
                x, y, _ = (before.to_screen(cursor) - after.to_screen(cursor))[0]
                view.intent = panned(view.intent, x * after.scale, -y * after.scale)
            view.refresh()
        self.viewChanged.emit()

    def turn_planes(self, view: Viewport, degrees: float) -> None:
        """Turn the planes of the other views, to the left as seen in this slice view."""
        state = view.resolved()
        if isinstance(state, ResolvedSlice):
            self.set_tilt(turn(state.toward, degrees) @ matrix_of(self.tilt))

    @property
    def current_view(self) -> Viewport:
        """The view that had the keyboard last; commands on "this view" mean it."""
        shown = [self.views[slot] for slot in self.shown_slots]
        return self._current if self._current is not None and self._current in shown else shown[0]

    def add_tool(self, tool: Tool, *, first: bool = False) -> None:
        """Offer the events of all views to a tool, before (`first`) or after the others."""
        if tool not in self.tools:
            self.tools.insert(0 if first else len(self.tools), tool)
        self.tools_changed()

    def remove_tool(self, tool: Tool) -> None:
        """The inverse; a drag that it had taken is cancelled."""
        if tool in self.tools:
            for view in self.views.values():
                view.give_up(tool)
            self.tools.remove(tool)
        self.tools_changed()

    def tools_changed(self) -> None:
        """Paint what the tools paint again, and show the pointer that the first of them wants."""
        for view in self.views.values():
            self._point(view)
            view.update_cover()

    def _point(self, view: Viewport) -> None:
        shape = next((t.cursor for t in self.tools if t.cursor is not None), None)
        if shape is None:
            view.unsetCursor()
        else:
            view.setCursor(shape)

    def set_theme(self, theme: Theme) -> None:
        """Colours of words, lines and 3-D backgrounds."""
        self._theme = theme
        for view in self.views.values():
            view.set_theme(theme)
        for slot, intent in self._intents.items():
            self._intents[slot] = replace(intent, background=(theme.view_top, theme.view_bottom))
        self.update()

    # -- where from -------------------------------------------------------------------------------------------

    def reset_views(self) -> None:
        """Everything in view, the crosshair in the middle."""
        for view in self.views.values():
            view.intent = replace(view.intent, zoom=1.0, pan=(0.0, 0.0), camera=None, tilt=None)
        for slot, intent in self._intents.items():
            self._intents[slot] = replace(intent, tilt=None)
        self.set_cursor(center_of(self.items, self._active))
        self.viewChanged.emit()

    def fit(self, item_id: str) -> None:
        """One object in view: slices through its middle, the camera on it."""
        item = next((i for i in self.items if i.id == item_id and i.spatial), None)
        if item is None:
            return
        here = sight_at_moment(item)
        box = box_of(item) if here is None else here
        grown = sight_of((item,)) if here is None else here
        for view in self.views.values():
            view.intent = replace(view.intent, zoom=1.0, pan=(0.0, 0.0))
            if view.intent.kind != "3d" or not view.wants(item_id):
                continue
            back = view._pose().frame()
            aspect = max(1, view.width()) / max(1, view.height())
            direction, up = back[2], back[1]
            view.intent = replace(
                view.intent,
                camera=look(grown, tuple(direction), tuple(up), aspect, parallel=view.intent.parallel),
            )
        if isinstance(item.data, Volume):
            self._active = item_id
            self._link(active=item_id)
            self.set_cursor(center_of((item,)))
        else:
            self.set_cursor(tuple(box.mean(axis=1)))

    def box_of(self, item_id: str) -> Any:
        """(3, 2) world box of an object, good enough for a camera and never slow; None for what has no place."""
        item = next((i for i in self.items if i.id == item_id and i.spatial), None)
        return None if item is None else box_of(item)

    def look_from(self, side: str) -> None:
        """The 3-D cameras from A, P, L, R, S or I; anything else: the first sight."""
        for view in self.views.values():
            if view.intent.kind != "3d":
                continue
            shown = view.shown_items()
            if side not in DIRECTIONS:
                view.set_intent(camera=None)
                continue
            direction, up = (DIRECTIONS_Y_UP if upright(shown) == "y" else DIRECTIONS)[side]
            aspect = max(1, view.width()) / max(1, view.height())
            parallel = view.intent.parallel
            view.set_intent(camera=look(sight_of(shown), direction, up, aspect, parallel=parallel))

    def set_parallel(self, on: bool, view: Viewport | None = None) -> None:
        """Draw one 3-D view, or all, without perspective."""
        for one in [view] if view is not None else [v for v in self.views.values() if v.intent.kind == "3d"]:
            one.set_intent(parallel=bool(on))
            one.aimed.emit()
        self.viewChanged.emit()

    def set_clip(self, plane: ClipPlane | None, view: Viewport | None = None) -> None:
        """Cut one 3-D view, or all, by a plane; None = show everything."""
        for one in [view] if view is not None else [v for v in self.views.values() if v.intent.kind == "3d"]:
            one.set_clip(plane)

    def view_state(self) -> dict[str, Any]:
        """Layout, crosshair, zooms, cameras and conventions, as plain JSON for a session."""
        return view_state.remembered(self)

    def set_view_state(self, state: Any) -> None:
        """The inverse of `view_state`; what is missing or damaged keeps its present value."""
        view_state.restore(self, state)

    def _set_own(self, slot: str, **values: Any) -> None:
        """Change the intent of a view that may not be made yet."""
        view = self.views.get(slot)
        if view is not None:
            view.intent = replace(view.intent, **values)
            return
        try:
            kind = kind_of(slot)
        except ValueError:
            return
        known = self._intents.get(slot) or replace(
            self.views[kind].intent, only=None, zoom=1.0, pan=(0.0, 0.0), camera=None
        )
        self._intents[slot] = replace(known, **values)

    # -- layout -----------------------------------------------------------------------------------------------

    @property
    def layout_name(self) -> str:
        """The present layout."""
        return self._layout_name

    @property
    def layout_before(self) -> str:
        """The one that a maximised view gives its room back to."""
        return self._before

    def set_layout(self, name: str) -> None:
        """One of `LAYOUTS`, a view alone, or a comparison. Raises `ValueError` for another name."""
        layouts.layout(name)
        if name != self._layout_name:
            self._before, self._layout_name = self._layout_name, name
            self._arrange()
            self.layoutChanged.emit(name)

    def equalise(self) -> None:
        """The present layout as it is at first: nobody has dragged the lines between its views."""
        self._shares.pop(self._layout_name, None)
        self._place()

    def sizeHint(self) -> QSize:
        """A comfortable start."""
        return QSize(900, 800)

    def minimumSizeHint(self) -> QSize:
        """Room for every view of the layout."""
        return layouts.least_size(layouts.layout(self._layout_name), QSize(80, 80))

    def resizeEvent(self, event: Any) -> None:
        """The views share the room."""
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, event: Any) -> None:
        """The lines between the views."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.view_line))
        painter.end()

    # -- pictures and endings ---------------------------------------------------------------------------------

    def grab_image(self, size: QSize | None = None, scale: float = 1.0) -> QImage:
        """All views of the layout with their words, `size` logical pixels at `scale`; complete when it returns."""
        size = size if size is not None and size.isValid() else self.size()
        out = QImage(round(size.width() * scale), round(size.height() * scale), QImage.Format.Format_RGB32)
        out.fill(QColor(self._theme.view_line))
        out.setDevicePixelRatio(scale)
        painter = QPainter(out)
        for slot, rect in self._rects(size)[0].items():
            painter.drawImage(rect.topLeft(), self.views[slot].grab_picture(rect.size(), scale))
        painter.end()
        return out

    def rects(self, size: QSize) -> dict[str, QRect]:
        """Where each view of the present layout would stand if the grid had this size."""
        return self._rects(size)[0]

    @property
    def theme(self) -> Theme:
        """The colours of words and lines."""
        return self._theme

    def wait(self, seconds: float = 30.0) -> bool:
        """Run the event loop until every visible view shows its latest state; False if that took longer."""
        end = time.monotonic() + seconds
        QApplication.processEvents()
        while self._follow.isActive() or not all(v.settled for v in self.views.values()):
            if time.monotonic() > end:
                return False
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)
            time.sleep(0.002)
        return True

    def shutdown(self) -> None:
        """Free every VTK object. Harmless when called twice."""
        if not self._closed:
            self._closed = True
            for view in self.views.values():
                view.shutdown()
            self.items = self.given = ()
            self._previews = {}
            self._follow.stop()

    def closeEvent(self, event: Any) -> None:
        """Closing ends the drawing."""
        self.shutdown()
        super().closeEvent(event)

    def event(self, event: QEvent) -> bool:
        """Also when the window is deleted without having been closed."""
        if event.type() == QEvent.Type.DeferredDelete:
            self.shutdown()
        return super().event(event)

    # -- inside -----------------------------------------------------------------------------------------------

    def _link(self, **changes: Any) -> None:
        for view in self.views.values():
            view.set_intent(**changes)
        for slot, intent in self._intents.items():
            self._intents[slot] = replace(intent, **changes)

    def _rects(self, size: QSize) -> tuple[dict[str, Any], list[Line]]:
        node = layouts.layout(self._layout_name)
        return layouts.places(node, size, self._shares.get(self._layout_name, {}))

    def _arrange(self) -> None:
        shown = self.shown_slots
        for slot in shown:
            self.view(slot)
        self._tidy()
        self._place()
        for slot, view in self.views.items():
            if slot not in shown:
                view.hide()
        for slot in shown:
            self.views[slot].show()
        for before, after in pairwise(shown):
            self.setTabOrder(self.views[before], self.views[after])
        self._relink()
        self._handles.raise_all()
        self.updateGeometry()

    def _tidy(self) -> None:
        """Let go of further views that no layout is about to show.

        One that fills the centre for a moment is about to give its room back: what was there before stays made.
        """
        kept = {*KINDS, *self.shown_slots, *slots_of(layouts.layout(self._before))}
        for slot in [s for s in self.views if s not in kept]:
            self._drop(slot)

    def _place(self) -> None:
        rects, lines = self._rects(self.size())
        for slot, rect in rects.items():
            self.views[slot].setGeometry(rect)
        self._handles.place(lines)
        self.update()

    def _drop(self, slot: str) -> None:
        """A further view that is not shown any more: everything of it goes but what the user asked of it."""
        view = self.views.pop(slot)
        if self._current is view:
            self._current = None
        self._intents[slot] = replace(view.intent, interactive=False)
        view.hide()
        view.shutdown()
        view.deleteLater()

    def _drag_line(self, line: Line, position: float) -> None:
        node = layouts.layout(self._layout_name)
        known = self._shares.get(self._layout_name, {})
        self._shares[self._layout_name] = layouts.dragged(node, line, position, known)
        self._place()

    def _equalise_line(self, line: Line) -> None:
        self._shares.get(self._layout_name, {}).pop(line.path, None)
        self._place()

    def _dropped(self, id: str) -> None:
        view = self.sender()
        if isinstance(view, Viewport):
            self.set_only(view.slot, self.family(id))

    def _ask_menu(self, place: Any) -> None:
        self.menuWanted.emit(self.sender(), place)

    def _turn(self, degrees: float) -> None:
        view = self.sender()
        if isinstance(view, Viewport):
            self.turn_planes(view, degrees)

    def _focus(self) -> None:
        view = self.sender()
        if isinstance(view, Viewport):
            self._current = view

    def _relink(self) -> None:
        """What linked views share depends on what they show, and which there are."""
        if not self._closed:
            self.links.relink()

    def _aimed(self) -> None:
        view = self.sender()
        if isinstance(view, Viewport):
            self.links.aimed(view)

    def _move_cursor(self, point: Vec) -> None:
        sender = self.sender()
        for view in self.views.values():
            if view.intent.tilt is not None and view.intent.kind != "3d":
                view.hurry()
        if isinstance(sender, Viewport) and self.links.moved(sender, point):
            self._cursor = point
            self.cursorMoved.emit(point, self.readout(point))
        else:
            self.set_cursor(point)

    def _hover(self, point: Vec | None) -> None:
        self._pointer = point
        if point is None:
            self.hovered.emit(None, "")
        else:
            self.hovered.emit(point, self.readout(point))

    def _window(self, item_id: str, window: float, level: float, key: str) -> None:
        view = self.sender()
        if isinstance(view, Viewport) and view.intent.lead is not None:
            item_id = view.intent.lead  # whose window all linked views show
        item = next((i for i in self.given if i.id == item_id), None)
        if item is not None:
            window, level = rounded_window(window, level)
            self.displayChanged.emit(item_id, replace(item.display, window=window, level=level), key)

    def _maximize(self) -> None:
        view = self.sender()
        if isinstance(view, Viewport):
            self.maximize(view)

    def maximize(self, view: Viewport) -> None:
        """Fill the grid with a view, or go back to the layout before."""
        self.set_layout(view.slot if self._layout_name != view.slot else self._before)

    def _framed(self, frame: Frame) -> None:
        view = self.sender()
        backend = view.canvas.name if isinstance(view, Viewport) else self.backend
        # Slices need no renderer, and may come before there is one.
        unknown = "no renderer" if frame.state.kind == "3d" or backend == "gl" else "Qt"
        status = f"{backend} · {frame.device.name or unknown}"
        if status != self._status:
            self._status = status
            self.statusChanged.emit(status)
        for text in frame.notes.problems:
            if text not in self._problems:
                self._problems.add(text)
                self.problem.emit(text)

    def _fell_back(self, why: str) -> None:
        self.backend = "image"
        # One view without a context means all of them: change the others before they paint nothing.
        self.why = why
        QTimer.singleShot(0, self, self._fall_back_all)
        self.statusChanged.emit(f"image · {why}")

    def _fall_back_all(self) -> None:
        for view in self.views.values():
            view._fall_back(self.why)
