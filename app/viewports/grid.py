"""The grid of linked views that the window's centre is made of."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QEventLoop, QRect, QSize, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from app.theme import Theme, current_theme
from app.viewports.backends import choose_backend, prepare_surface_format
from app.viewports.camera import DIRECTIONS, DIRECTIONS_Y_UP, Vec, look, pose_from_plain, pose_to_plain
from app.viewports.readout import readout
from app.viewports.service import Frame
from app.viewports.state import SceneItem, box_of, center_of, sight_of, upright
from app.viewports.tools import Tool
from app.viewports.viewport import Viewport
from core.data import Volume

LAYOUTS: dict[str, tuple[str, ...]] = {
    "four": ("axial", "3d", "coronal", "sagittal"),
    "axial": ("axial",),
    "coronal": ("coronal",),
    "sagittal": ("sagittal",),
    "3d": ("3d",),
}
KINDS = ("axial", "coronal", "sagittal", "3d")
SIDED = ("axial", "coronal")
"""Views whose left and right the convention decides."""


class ViewportGrid(QWidget):
    """Four linked views and their layouts. See `app.viewports` for the whole interface."""

    cursorMoved = Signal(object, str)
    hovered = Signal(object, str)
    displayChanged = Signal(str, object, str)
    layoutChanged = Signal(str)
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
        self.backend, self._why = choose_backend(backend)
        if self.backend == "gl":
            prepare_surface_format()
        self.items: tuple[SceneItem, ...] = ()
        self._active: str | None = None
        self._cursor: Vec | None = None
        self._layout_name, self._before = "four", "four"
        self._closed = False
        self._status = ""
        self._problems: set[str] = set()
        self._current: Viewport | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        self.views: dict[str, Viewport] = {}
        self.tools: list[Tool] = []
        for kind in KINDS:
            view = Viewport(kind, self._theme, self.backend, self)
            view.tools = self.tools
            view.cursorWanted.connect(self._move_cursor)
            view.hovered.connect(self._hover)
            view.windowWanted.connect(self._window)
            view.maximizeWanted.connect(self._maximize)
            view.resetWanted.connect(self.reset_views)
            view.menuWanted.connect(self._ask_menu)
            view.changed.connect(self.viewChanged)
            view.focused.connect(self._focus)
            view.framed.connect(self._framed)
            view.backendFailed.connect(self._fell_back)
            self.views[kind] = view
        self._arrange()
        if self.backend == "image":
            self.views["axial"].canvas.warm()

    # -- what is shown ----------------------------------------------------------------------------------------

    def set_items(self, items: tuple[SceneItem, ...]) -> None:
        """Show these, drawn in this order. The first items ever put the crosshair in their middle."""
        fresh = not any(i.spatial for i in self.items)
        self.items = tuple(items)
        if fresh and any(i.spatial for i in self.items):
            self._cursor = center_of(self.items, self._active)
        for view in self.views.values():
            view.items = self.items
        self._link(cursor=self._cursor)
        if fresh and self._cursor is not None:
            self.cursorMoved.emit(self._cursor, self.readout(self._cursor))

    def set_active(self, item_id: str | None) -> None:
        """The volume whose voxel axes the slices follow, and whose window a right-drag changes."""
        if item_id is not None and not any(
            i.id == item_id and isinstance(i.data, Volume) for i in self.items
        ):
            return
        self._active = item_id
        self._link(active=item_id)

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

    @property
    def current_view(self) -> Viewport:
        """The view that had the keyboard last; commands on "this view" mean it."""
        shown = [v for k, v in self.views.items() if k in LAYOUTS[self._layout_name]]
        return self._current if self._current in shown else shown[0]  # type: ignore[return-value]

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
        shape = next((t.cursor for t in self.tools if t.cursor is not None), None)
        for view in self.views.values():
            if shape is None:
                view.unsetCursor()
            else:
                view.setCursor(shape)
            view.update_cover()

    def set_theme(self, theme: Theme) -> None:
        """Colours of words, lines and 3-D backgrounds."""
        self._theme = theme
        for view in self.views.values():
            view.set_theme(theme)
        self.update()

    # -- where from -------------------------------------------------------------------------------------------

    def reset_views(self) -> None:
        """Everything in view, the crosshair in the middle."""
        for view in self.views.values():
            view.intent = replace(view.intent, zoom=1.0, pan=(0.0, 0.0), camera=None)
        self.set_cursor(center_of(self.items, self._active))

    def fit(self, item_id: str) -> None:
        """One object in view: slices through its middle, the camera on it."""
        item = next((i for i in self.items if i.id == item_id and i.spatial), None)
        if item is None:
            return
        box = box_of(item)
        for view in self.views.values():
            view.intent = replace(view.intent, zoom=1.0, pan=(0.0, 0.0))
        view = self.views["3d"]
        back = view._pose().frame()
        grown = sight_of((item,))
        aspect = max(1, view.width()) / max(1, view.height())
        direction, up = back[2], back[1]
        view.intent = replace(view.intent, camera=look(grown, tuple(direction), tuple(up), aspect))
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
        """The 3-D camera from A, P, L, R, S or I; anything else: the first sight."""
        view = self.views["3d"]
        shown = tuple(i for i in self.items if i.display.visible and i.spatial)
        if side not in DIRECTIONS:
            view.set_intent(camera=None)
            return
        direction, up = (DIRECTIONS_Y_UP if upright(shown) == "y" else DIRECTIONS)[side]
        aspect = max(1, view.width()) / max(1, view.height())
        view.set_intent(camera=look(sight_of(shown), direction, up, aspect))

    def view_state(self) -> dict[str, Any]:
        """Layout, crosshair, zooms, camera and conventions, as plain JSON for a session."""
        slices = {
            kind: {
                "zoom": v.intent.zoom,
                "pan": list(v.intent.pan),
                "convention": v.intent.convention,
                "nose_left": v.intent.nose_left,
            }
            for kind, v in self.views.items()
            if kind != "3d"
        }
        camera = self.views["3d"].intent.camera
        first = self.views["axial"].intent
        return {
            "layout": self._layout_name,
            "cursor": None if self._cursor is None else list(self._cursor),
            "active": self._active,
            "convention": self.convention or first.convention,
            "nose_left": self.nose_left,
            "crosshair": first.crosshair,
            "slices": slices,
            "camera": None if camera is None else pose_to_plain(camera),
        }

    def set_view_state(self, state: dict[str, Any]) -> None:
        """The inverse of `view_state`; what is missing or damaged keeps its present value."""
        if state.get("convention") in ("radiological", "neurological"):
            self._link(convention=state["convention"])
        for key in ("nose_left", "crosshair"):
            if isinstance(state.get(key), bool):
                self._link(**{key: state[key]})
        slices = state.get("slices")
        for kind, values in slices.items() if isinstance(slices, dict) else ():
            view = self.views.get(kind)
            numbers = (
                _numbers([values.get("zoom"), *(values.get("pan") or ())])
                if isinstance(values, dict)
                else None
            )
            if view is not None and numbers is not None and len(numbers) == 3 and numbers[0] > 0:
                view.intent = replace(view.intent, zoom=numbers[0], pan=(numbers[1], numbers[2]))
            if view is not None and isinstance(values, dict):
                if values.get("convention") in ("radiological", "neurological"):
                    view.intent = replace(view.intent, convention=values["convention"])
                if isinstance(values.get("nose_left"), bool):
                    view.intent = replace(view.intent, nose_left=values["nose_left"])
        self.views["3d"].intent = replace(
            self.views["3d"].intent, camera=pose_from_plain(state.get("camera"))
        )
        if state.get("active") is None or isinstance(state.get("active"), str):
            self.set_active(state.get("active"))
        cursor = _numbers(state.get("cursor"))
        if cursor is not None and len(cursor) == 3:
            self.set_cursor((cursor[0], cursor[1], cursor[2]))
        if state.get("layout") in LAYOUTS:
            self.set_layout(state["layout"])
        self._link()
        self.viewChanged.emit()

    # -- layout -----------------------------------------------------------------------------------------------

    @property
    def layout_name(self) -> str:
        """The present layout."""
        return self._layout_name

    def set_layout(self, name: str) -> None:
        """One of `LAYOUTS`. Raises `ValueError` for another name."""
        if name not in LAYOUTS:
            raise ValueError(f"{name!r} is not a layout; choose one of {', '.join(LAYOUTS)}")
        if name != self._layout_name:
            self._before, self._layout_name = self._layout_name, name
            self._arrange()
            self.layoutChanged.emit(name)

    def sizeHint(self) -> QSize:
        """A comfortable start."""
        return QSize(900, 800)

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
        for kind, rect in _places(self._layout_name, size).items():
            painter.drawImage(rect.topLeft(), self.views[kind].grab_picture(rect.size(), scale))
        painter.end()
        return out

    def wait(self, seconds: float = 30.0) -> bool:
        """Run the event loop until every visible view shows its latest state; False if that took longer."""
        end = time.monotonic() + seconds
        QApplication.processEvents()
        while not all(v.settled for v in self.views.values()):
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
            self.items = ()

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

    def _arrange(self) -> None:
        shown = LAYOUTS[self._layout_name]
        for view in self.views.values():
            self._grid.removeWidget(view)
        for row in range(2):
            self._grid.setRowStretch(row, 1 if len(shown) == 4 or row == 0 else 0)
            self._grid.setColumnStretch(row, 1 if len(shown) == 4 or row == 0 else 0)
        for k, kind in enumerate(shown):
            self._grid.addWidget(self.views[kind], k // 2, k % 2)
        for kind, view in self.views.items():
            view.setVisible(kind in shown)
        self._grid.activate()

    def _ask_menu(self, place: Any) -> None:
        self.menuWanted.emit(self.sender(), place)

    def _focus(self) -> None:
        view = self.sender()
        if isinstance(view, Viewport):
            self._current = view

    def _move_cursor(self, point: Vec) -> None:
        self.set_cursor(point)

    def _hover(self, point: Vec | None) -> None:
        if point is None:
            self.hovered.emit(None, "")
        else:
            self.hovered.emit(point, self.readout(point))

    def _window(self, item_id: str, window: float, level: float, key: str) -> None:
        item = next((i for i in self.items if i.id == item_id), None)
        if item is not None:
            # Four digits are more than an eye can tell and fewer than a field cannot hold.
            window, level = float(f"{window:.4g}"), float(f"{level:.4g}")
            self.displayChanged.emit(item_id, replace(item.display, window=window, level=level), key)

    def _maximize(self) -> None:
        view = self.sender()
        if isinstance(view, Viewport):
            self.maximize(view)

    def maximize(self, view: Viewport) -> None:
        """Fill the grid with a view, or go back to the layout before."""
        kind = next((k for k, v in self.views.items() if v is view), "")
        if kind:
            self.set_layout(kind if self._layout_name != kind else self._before)

    def _framed(self, frame: Frame) -> None:
        view = self.sender()
        backend = view.canvas.name if isinstance(view, Viewport) else self.backend
        status = f"{backend} · {frame.device.name or 'no renderer'}"
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
        self._why = why
        QTimer.singleShot(0, self, self._fall_back_all)
        self.statusChanged.emit(f"image · {why}")

    def _fall_back_all(self) -> None:
        for view in self.views.values():
            view._fall_back(self._why)


def _places(layout: str, size: QSize) -> dict[str, QRect]:
    shown = LAYOUTS[layout]
    if len(shown) == 1:
        return {shown[0]: QRect(0, 0, size.width(), size.height())}
    w, h = (size.width() - 1) // 2, (size.height() - 1) // 2
    rest_w, rest_h = size.width() - 1 - w, size.height() - 1 - h
    rects = [
        QRect(0, 0, w, h),
        QRect(w + 1, 0, rest_w, h),
        QRect(0, h + 1, w, rest_h),
        QRect(w + 1, h + 1, rest_w, rest_h),
    ]
    return dict(zip(shown, rects, strict=True))


def _numbers(value: Any) -> list[float] | None:
    """Finite floats from a list in a session file, None for anything else."""
    try:
        numbers = [float(v) for v in value]
    except (TypeError, ValueError):
        return None
    return numbers if numbers and all(math.isfinite(n) for n in numbers) else None
