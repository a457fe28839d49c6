"""One view: its canvas, the overlay over it, and what mouse and keys mean in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.theme import Theme
from app.viewports import camera as cameras
from app.viewports.backend_image import ImageCanvas
from app.viewports.camera import CameraPose, Vec
from app.viewports.clip import ClipPlane
from app.viewports.overlay import Overlay, painted
from app.viewports.planes import Tilt, matrix_of, turn
from app.viewports.service import Frame
from app.viewports.state import (
    Resolved,
    Resolved3D,
    ResolvedSlice,
    SceneItem,
    ViewIntent,
    home_pose,
    panned,
    resolve,
    zoomed_at,
)
from app.viewports.tools import Tool
from core.data import Markup

ITEM_MIME = "application/x-equiscope-item"
"""What a drag from the data tree carries: an item's id."""
_REST_MS = 180
_FURTHER_MS = 10
"""Between pictures of one state that get better."""
_ZOOM = 1.15
_STILL = 5
"""Pixels within which a right button that goes up again was a click."""
_IDLE_MS = 15_000
"""A view hidden for so long gives its VTK objects back; one that is hidden for a moment comes back at once."""


class _Cover(QWidget):
    """Transparent, over the canvas: paints the words of the frame that is shown."""

    def __init__(self, view: Viewport) -> None:
        super().__init__(view)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.frame: Frame | None = None
        self.focused = False

    def paintEvent(self, event: QPaintEvent) -> None:
        """The overlay; a thin accent line marks the view that has the keyboard."""
        view = self.parentWidget()
        assert isinstance(view, Viewport)
        painter = QPainter(self)
        try:
            frame = self.frame
            if frame is not None and (frame.state.width, frame.state.height) == (self.width(), self.height()):
                view.overlay.paint(painter, frame.state, frame.notes, view.live)
                for tool in view.tools:
                    tool.paint(view, painter, frame.state)
                painter.setClipping(False)
            if self.focused and view.show_focus:
                painter.setPen(QColor(view.theme.accent))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        finally:
            painter.end()  # a painter left open by an error takes the process down


class Viewport(QWidget):
    """A slice or 3-D view. It changes its own zoom, pan and camera; for anything else it emits a wish."""

    cursorWanted = Signal(object)
    """Crosshair here: world xyz."""
    hovered = Signal(object)
    """Pointer over this point: world xyz, or None after leaving."""
    windowWanted = Signal(str, float, float, str)
    """Item id, window, level, merge key of the drag."""
    maximizeWanted = Signal()
    menuWanted = Signal(object)
    """A right click that was no drag, or the menu key: where in the view, as a `QPointF`."""
    changed = Signal()
    """The user has changed how this view shows things (its convention), by the mouse in it."""
    focused = Signal()
    tiltWanted = Signal(object)
    """The rotation (3, 3) that the slice planes should have."""
    turnWanted = Signal(float)
    """The planes of the other views turned further by degrees, as seen in this view."""
    resetWanted = Signal()
    framed = Signal(object)
    """A `Frame` has arrived."""
    clicked = Signal(object, object)
    """The left button went down and up at one place of a 3-D view, a `QPointF`, with these keyboard modifiers."""
    aimed = Signal()
    """The user has zoomed, panned or turned this view."""
    itemDropped = Signal(str)
    """An item of the data tree was dropped on this view: its id."""
    backendFailed = Signal(str)

    def __init__(
        self,
        kind: str,
        theme: Theme,
        backend: str = "image",
        parent: QWidget | None = None,
        *,
        slot: str = "",
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.slot = slot or kind
        """Its name in the grid: the kind, with a number for further views of a kind."""
        self.show_focus = True
        self.overlay = Overlay(theme, self.font())
        background = (theme.view_top, theme.view_bottom)
        self.intent = ViewIntent(kind, background=background, progressive=True)  # type: ignore[arg-type]
        self.items: tuple[SceneItem, ...] = ()
        self.state: Resolved | None = None
        self.frame: Frame | None = None
        self._awaited = False
        self.tools: list[Tool] = []
        """Asked first for every event, in order; shared by all views of a grid."""
        self._taken: Tool | None = None
        self._drag: tuple[str, QPointF] | None = None
        self._drag_start: tuple[float, float] = (0.0, 0.0)
        self._drag_key = 0
        self._tilt_from: tuple[Tilt | None, Any, QPointF] = (None, None, QPointF())
        self._click: QPointF | None = None
        """Where the right button went down, until the pointer leaves that spot."""
        self._pressed: QPointF | None = None
        """Where the left button went down in 3-D, until the pointer leaves that spot."""
        self._space = False
        self._wheel = 0.0
        self._closed = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._come_to_rest)
        self._further = QTimer(self)
        self._further.setSingleShot(True)
        self._further.timeout.connect(self._go_on)
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(_IDLE_MS)
        self._idle.timeout.connect(self._let_idle_go)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(QSize(80, 80))
        self.setAccessibleName(f"{self.slot.replace('-', ' ')} view")
        self.setAcceptDrops(True)
        self.canvas: Any = None
        self._cover = _Cover(self)
        self._set_canvas(backend)

    # -- what is shown ----------------------------------------------------------------------------------------

    def set_items(self, items: tuple[SceneItem, ...]) -> None:
        """Other objects, or other displays of them."""
        self.items = items
        self.refresh()

    def set_intent(self, **changes: Any) -> None:
        """Change what is asked of this view."""
        self.intent = replace(self.intent, **changes)
        self.refresh()

    def set_clip(self, plane: ClipPlane | None, *, moving: bool = False) -> None:
        """Cut a 3-D view by a plane; None = show it whole."""
        if moving:
            self._moving(clip=plane)
        else:
            self.set_intent(clip=plane)
            self.aimed.emit()
        self.changed.emit()

    def set_theme(self, theme: Theme) -> None:
        """Colours of words, lines and the 3-D background."""
        self.theme = theme
        self._renew_overlay()
        self.set_intent(background=(theme.view_top, theme.view_bottom))

    def reset(self) -> None:
        """Everything in view again: zoom, pan, camera."""
        self.set_intent(zoom=1.0, pan=(0.0, 0.0), camera=None)

    def resolved(self, size: QSize | None = None, dpr: float | None = None) -> Resolved:
        """What this view shows, or would show at another size."""
        size = size or self.size()
        ratio = self.devicePixelRatioF() if dpr is None else dpr
        return resolve(self.intent, self.items, (size.width(), size.height()), ratio)

    def wants(self, item_id: str) -> bool:
        """Whether the user wants an item in this view."""
        return self.intent.only is None or item_id in self.intent.only

    def shown_items(self) -> tuple[SceneItem, ...]:
        """The visible items that this view is to show."""
        return tuple(i for i in self.items if i.display.visible and i.spatial and self.wants(i.id))

    @property
    def live(self) -> dict[str, SceneItem]:
        """Markups of the picture on the screen that are otherwise now: dragged, just moved, undone. They are painted
        as they are; a picture that is on its way must not let them jump back."""
        shown = {} if self.frame is None else {i.id: i for i in self.frame.state.items}
        return {
            i.id: i
            for i in self.items
            if isinstance(i.data, Markup) and i.display.visible and i.id in shown and i != shown[i.id]
        }

    def refresh(self) -> None:
        """Resolve, and draw if that differs from what is being shown. Hidden views wait until they are seen."""
        if self._closed:
            return
        if not self.isVisible():
            self._forget_closed()
            return
        state = self.resolved()
        if state != self.state:
            self.state = state
            self._awaited = True
            self.canvas.show_state(state)

    @property
    def settled(self) -> bool:
        """Whether the picture on the screen is the latest one, at full quality."""
        return not self.isVisible() or (not self._awaited and not self._rest.isActive())

    def grab_picture(self, size: QSize, scale: float) -> QImage:
        """This view with its overlay at another size; waits for it."""
        intent = self.intent
        self.intent = replace(intent, interactive=False, progressive=False)
        try:
            state = self.resolved(size, scale)
        finally:
            self.intent = intent
        drawer = self.canvas if hasattr(self.canvas, "draw") else self._offscreen()
        frame = drawer.draw(state)
        if drawer is self._spare or not self.isVisible():
            drawer.forget()  # nothing that is closed later may stay in memory for it
        image = frame.image
        if image is None:
            image = QImage(
                round(size.width() * scale), round(size.height() * scale), QImage.Format.Format_RGB32
            )
            image.fill(QColor(self.theme.view))
        return painted(state, frame.notes, image, self.overlay)

    def shutdown(self) -> None:
        """Free every VTK object; the widget stays black afterwards."""
        if self._closed:
            return
        self._closed = True
        self._leave_drag()
        self.tools = []
        self._rest.stop()
        self._further.stop()
        self._idle.stop()
        self.canvas.shutdown()
        if self._spare is not None:
            self._spare.shutdown()
        self.items, self.state, self.frame, self._cover.frame = (), None, None, None

    # -- canvas -----------------------------------------------------------------------------------------------

    def _set_canvas(self, backend: str) -> None:
        self._spare: ImageCanvas | None = None
        if backend == "gl":
            from app.viewports.backend_gl import GLCanvas

            self.canvas = GLCanvas(self)
            self.canvas.failed.connect(self._fall_back)
        else:
            self.canvas = ImageCanvas(self)
        self.canvas.arrived.connect(self._accept)
        self.canvas.setGeometry(self.rect())
        self.canvas.lower()
        self.canvas.show()
        self._cover.raise_()

    def _fall_back(self, why: str) -> None:
        if self._closed or self.canvas.name == "image":
            return
        old = self.canvas
        old.hide()
        old.shutdown()
        old.deleteLater()
        self._set_canvas("image")
        self.state = None
        self.backendFailed.emit(why)
        self.refresh()

    def _offscreen(self) -> ImageCanvas:
        if self._spare is None:
            self._spare = ImageCanvas(self)
            self._spare.hide()
        return self._spare

    def _forget_closed(self) -> None:
        """A hidden view draws nothing, but must not hold on to what is no longer open."""
        if self.state is not None:
            still = {id(i.data) for i in self.items}
            if any(id(i.data) not in still for i in self.state.items):
                self._forget()

    def _forget(self) -> None:
        self.state = self.frame = self._cover.frame = None
        self._awaited = False
        self.canvas.forget()

    def _let_idle_go(self) -> None:
        if not self._closed and not self.isVisible():
            self._forget()

    def _accept(self, frame: Frame) -> None:
        if self._closed or self.state is None:
            return
        self.frame = self._cover.frame = frame
        if frame.state is self.state or frame.state == self.state:
            self._awaited = frame.notes.unfinished
            if self._awaited:
                # One thing after the other: what the hand does comes before a better picture.
                self._further.start(_FURTHER_MS)
        self._cover.update()
        self.framed.emit(frame)

    def _go_on(self) -> None:
        """Ask for a better picture of the same state."""
        if not self._closed and self.state is not None and self.isVisible() and self._awaited:
            self.canvas.show_state(self.state)

    def _come_to_rest(self) -> None:
        if self.intent.interactive:
            self.set_intent(interactive=False)

    def set_moving(self) -> None:
        """What is shown moves: quick now, good once it rests."""
        self._moving()

    def hurry(self) -> None:
        """What comes next is one of many: quick now, good once it rests."""
        if self.isVisible():
            self._rest.start()
            self.intent = replace(self.intent, interactive=True)

    def _moving(self, **changes: Any) -> None:
        """A change while something is dragged: quick now, good once it rests."""
        self._rest.start()
        self.set_intent(interactive=True, **changes)
        if changes:
            self.aimed.emit()

    def follow(self, **changes: Any) -> None:
        """What a view that this one is linked to does."""
        if changes.get("interactive"):
            self._rest.start()
        if any(getattr(self.intent, name) != value for name, value in changes.items()):
            self.set_intent(**changes)

    # -- events -----------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Canvas and overlay fill the view."""
        self.canvas.setGeometry(self.rect())
        self._cover.setGeometry(self.rect())
        self.refresh()

    def showEvent(self, event: Any) -> None:
        """Draw what was put off while hidden."""
        super().showEvent(event)
        self._idle.stop()
        self.state = None
        self.refresh()

    def hideEvent(self, event: Any) -> None:
        """What is not looked at for a while costs nothing."""
        super().hideEvent(event)
        if not self._closed and self.state is not None:
            self._idle.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Items of the data tree are welcome; files are the window's."""
        if event.mimeData().hasFormat(ITEM_MIME):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show the item here."""
        if event.mimeData().hasFormat(ITEM_MIME):
            # Copy: the tree must not believe that the row has moved away.
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.itemDropped.emit(bytes(event.mimeData().data(ITEM_MIME).data()).decode("utf-8", "replace"))
        else:
            event.ignore()

    def changeEvent(self, event: QEvent) -> None:
        """Sizes of words follow the font."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and not self._closed:
            self._renew_overlay()
        super().changeEvent(event)

    def event(self, event: QEvent) -> bool:
        """A move to a screen with another pixel ratio draws anew."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.refresh()
        return super().event(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab: a tool may go from one thing in the view to the next before the next widget has its turn."""
        if any(tool.tab(self, forward) for tool in self.tools):
            return True
        return super().focusNextPrevChild(forward)

    def focusInEvent(self, event: Any) -> None:
        """Show where keys go."""
        self._cover.focused = True
        self._cover.update()
        self.focused.emit()

    def focusOutEvent(self, event: Any) -> None:
        """The keys go elsewhere."""
        self._cover.focused, self._space = False, False
        self._cover.update()

    def leaveEvent(self, event: Any) -> None:
        """The pointer is over nothing."""
        for tool in self.tools:
            tool.leave(self)
        self._warm_words(False)
        self._show_handles(None)
        self.hovered.emit(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag, or put the crosshair."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self._drag is not None:
            return
        if event.button() == Qt.MouseButton.LeftButton and self._over_words(event.position()):
            self.flip()
            event.accept()
            return
        for tool in self.tools:
            if tool.press(self, event):
                self._drag, self._taken = ("tool", event.position()), tool
                event.accept()
                return
        position, button = event.position(), event.button()
        flat = self.intent.kind != "3d"
        mode = ""
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and self._space):
            mode = "pan"
        elif button == Qt.MouseButton.LeftButton:
            mode = "cursor" if flat else "turn"
            self._pressed = None if flat else position
            if flat and self._line_end(position) is not None:
                mode = "tilt"
                self._tilt_from = (self.intent.tilt, self._about_cursor(position), position)
            if not flat and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                mode = "pan"
        elif button == Qt.MouseButton.RightButton:
            self._click = position
            mode = "window" if flat else "zoom"
            if flat and not self._start_window():
                mode = ""
        if mode:
            self._drag = (mode, position)
            if mode == "cursor":
                self._put_cursor(position)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with a drag; Shift alone moves the linked crosshair."""
        position = event.position()
        if self._click is not None:
            if (position - self._click).manhattanLength() < _STILL:
                return  # a hand is not that steady: this may still become a click
            self._click = None
        if self._pressed is not None:
            if (position - self._pressed).manhattanLength() < _STILL:
                return
            self._pressed = None
        if self._drag is None:
            self._warm_words(self._over_words(position))
            self._show_handles(position)
            self._hover(position)
            if any(tool.move(self, event) for tool in self.tools):
                return
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self.intent.kind != "3d":
                self._put_cursor(position)
            return
        mode, last = self._drag
        if mode == "tool":
            if self._taken is not None:
                self._taken.move(self, event)
            return
        step = position - last
        if mode == "cursor":
            self._put_cursor(position)
            self._hover(position)
        elif mode == "window":
            self._drag_window(position)
            return  # measured from where the drag began
        elif mode == "tilt":
            self._drag_tilt(position, event.modifiers())
        elif mode == "pan":
            self._pan(step.x(), step.y())
        elif mode == "turn":
            self.turn_by(step.x(), step.y())
        elif mode == "zoom":
            self._moving(camera=cameras.zoomed(self._pose(), 1.01 ** (-step.y())))
        self._drag = (mode, position)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; a right button that did not move asks for the menu."""
        taken, self._taken, drag, self._drag = self._taken, None, self._drag, None
        click, self._click = self._click, None
        pressed, self._pressed = self._pressed, None
        if drag is not None and drag[0] == "tilt" and self.intent.tilt == self._tilt_from[0]:
            self._put_cursor(event.position())  # a click that happened to hit the end of a line
        if taken is not None:
            taken.release(self, event)
        elif pressed is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(event.position(), event.modifiers())
        elif click is not None and event.button() == Qt.MouseButton.RightButton:
            self._ask_menu(event.position())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu key. That of the mouse comes with the press on some systems: a drag may follow, so it waits."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self._ask_menu(QPointF(self.width() / 2, self.height() / 2))
        event.accept()

    def _ask_menu(self, place: QPointF) -> None:
        if not any(tool.menu(self, place) for tool in self.tools):
            self.menuWanted.emit(place)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fill the grid with this view, or go back."""
        if any(tool.double_click(self, event) for tool in self.tools):
            return
        if event.button() == Qt.MouseButton.LeftButton:
            self.maximizeWanted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Slices; with Ctrl, zoom at the pointer. In 3-D, zoom."""
        turn = event.angleDelta().y() or event.angleDelta().x()
        self._wheel += turn / 120.0
        position = event.position()
        if self.intent.kind == "3d":
            self._moving(camera=cameras.zoomed(self._pose(), _ZOOM**self._wheel))
            self._wheel = 0.0
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom_at(_ZOOM**self._wheel, position)
            self._wheel = 0.0
        else:
            steps = int(self._wheel)  # touch pads turn in small parts: whole slices only
            self._wheel -= steps
            if steps:
                self.step(steps)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step, reset; Space turns a left drag into a pan; Escape leaves a drag."""
        key = event.key()
        flat = self.intent.kind != "3d"
        keys = Qt.Key
        if key == keys.Key_Escape and self._drag is not None:
            self._leave_drag()
            event.accept()
            return
        if any(tool.key(self, event) for tool in self.tools):
            event.accept()
            return
        if key == keys.Key_Space:
            self._space = True
        elif key == keys.Key_R:
            self.resetWanted.emit()
        elif (
            flat
            and event.modifiers() & Qt.KeyboardModifier.AltModifier
            and key in (keys.Key_Left, keys.Key_Right)
        ):
            far = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self.turnWanted.emit(far if key == keys.Key_Left else -far)
        elif flat and key in (keys.Key_Up, keys.Key_Right):
            self.step(1)
        elif flat and key in (keys.Key_Down, keys.Key_Left):
            self.step(-1)
        elif flat and key in (keys.Key_PageUp, keys.Key_PageDown):
            self.step(10 if key == keys.Key_PageUp else -10)
        elif not flat and key in (keys.Key_Up, keys.Key_Down, keys.Key_Left, keys.Key_Right):
            dx = (key == keys.Key_Right) - (key == keys.Key_Left)
            dy = (key == keys.Key_Down) - (key == keys.Key_Up)
            self._moving(camera=cameras.turned(self._pose(), dx / 24, dy / 24))
        elif key in (keys.Key_Plus, keys.Key_Equal, keys.Key_Minus):
            factor = 1 / _ZOOM if key == keys.Key_Minus else _ZOOM
            if flat:
                self._zoom_at(factor, QPointF(self.width() / 2, self.height() / 2))
            else:
                self._moving(camera=cameras.zoomed(self._pose(), factor))
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
        super().keyReleaseEvent(event)

    def _renew_overlay(self) -> None:
        self.overlay = Overlay(self.theme, self.font())
        self._cover.update()

    def update_cover(self) -> None:
        """Paint words and tools again over the same picture."""
        self._cover.update()

    def give_up(self, tool: Tool) -> None:
        """Cancel the drag that a tool has taken."""
        if self._taken is tool:
            self._leave_drag()

    def _leave_drag(self) -> None:
        if self._drag is not None and self._drag[0] == "tilt":
            self.tiltWanted.emit(matrix_of(self._tilt_from[0]))
        taken, self._taken, self._drag = self._taken, None, None
        self._click = self._pressed = None
        if taken is not None:
            taken.cancel(self)

    @property
    def space_held(self) -> bool:
        """Space is down: a left drag pans, whatever tool is active."""
        return self._space

    def turn_by(self, dx: float, dy: float) -> None:
        """Turn a 3-D view as a drag by so many pixels does."""
        side = max(1, min(self.width(), self.height()))
        self._moving(camera=cameras.turned(self._pose(), dx / side, dy / side))

    # -- what gestures do -------------------------------------------------------------------------------------

    def flip(self) -> None:
        """The other convention, or in a sagittal view the nose the other way; in this view only."""
        if self.intent.kind == "sagittal":
            self.set_intent(nose_left=not self.intent.nose_left)
        else:
            other = "neurological" if self.intent.convention == "radiological" else "radiological"
            self.set_intent(convention=other)
        self.changed.emit()

    def _line_end(self, position: QPointF) -> QPointF | None:
        """The end of a crosshair line under the pointer; only where it shows."""
        state = self.frame.state if self.frame is not None else None
        if not isinstance(state, ResolvedSlice) or not state.crosshair or not self.overlay.handles:
            return None
        reach = self.overlay.metrics.px(9)
        ends = [place for _, place in self.overlay.line_ends(state)]
        return next((p for p in ends if (p - position).manhattanLength() <= reach), None)

    def _show_handles(self, position: QPointF | None) -> None:
        overlay = self.overlay
        before = (overlay.handles, overlay.held)
        flat = self.intent.kind != "3d"
        overlay.handles = position is not None and flat and not any(t.cursor is not None for t in self.tools)
        overlay.held = None if position is None else self._line_end(position)
        if before != (overlay.handles, overlay.held):
            self._cover.update()

    def _about_cursor(self, position: QPointF) -> Any:
        """From the crosshair to the pointer, in the plane of the slice; None in 3-D."""
        state = self.resolved()
        if not isinstance(state, ResolvedSlice):
            return None
        x, y, _ = state.to_screen(np.array(state.cursor))[0]
        return np.subtract(state.to_world(position.x(), position.y()), state.to_world(x, y))

    def _drag_tilt(self, position: QPointF, keys: Qt.KeyboardModifier) -> None:
        """The planes follow the end of the line; with Ctrl by whole fives of degrees."""
        state = self.resolved()
        start, now = self._tilt_from[1], self._about_cursor(position)
        if not isinstance(state, ResolvedSlice) or start is None:
            return
        still = (position - self._tilt_from[2]).manhattanLength() < _STILL
        if still and self.intent.tilt == self._tilt_from[0]:
            return
        toward = np.asarray(state.toward)
        degrees = float(np.degrees(np.arctan2(np.cross(start, now) @ toward, start @ now)))
        if keys & Qt.KeyboardModifier.ControlModifier:
            degrees = 5.0 * round(degrees / 5.0)
        self.tiltWanted.emit(turn(toward, degrees) @ matrix_of(self._tilt_from[0]))

    def _over_words(self, position: QPointF) -> bool:
        state = self.frame.state if self.frame is not None else None
        return isinstance(state, ResolvedSlice) and self.overlay.words_box(state).contains(position)

    def _warm_words(self, warm: bool) -> None:
        if warm != self.overlay.warm:
            self.overlay.warm = warm
            self._cover.update()

    def step(self, n: int) -> None:
        """The crosshair `n` slices towards R, A or S."""
        state = self.resolved()
        if isinstance(state, ResolvedSlice) and state.items:
            self.cursorWanted.emit(state.stepped(n))

    def world_at(self, position: QPointF) -> Vec | None:
        """The point of the slice under a position; None in 3-D and in an empty view."""
        state = self.resolved()
        if not isinstance(state, ResolvedSlice) or not state.items:
            return None
        return state.to_world(position.x(), position.y())

    def _put_cursor(self, position: QPointF) -> None:
        point = self.world_at(position)
        if point is not None:
            self.cursorWanted.emit(point)

    def _hover(self, position: QPointF) -> None:
        point = self.world_at(position)
        if point is not None:
            self.hovered.emit(point)

    def _zoom_at(self, factor: float, position: QPointF) -> None:
        state = self.resolved()
        if isinstance(state, ResolvedSlice):
            self.intent = zoomed_at(self.intent, state, factor, position.x(), position.y())
            self.refresh()
            self.aimed.emit()

    def _pan(self, dx: float, dy: float) -> None:
        state = self.resolved()
        if isinstance(state, ResolvedSlice):
            self.intent = panned(self.intent, dx * state.scale, -dy * state.scale)
            self.refresh()
            self.aimed.emit()
        else:
            height = max(1, self.height())
            self._moving(camera=cameras.moved(self._pose(), dx / height, dy / height))

    def _pose(self) -> CameraPose:
        state = self.resolved()
        return state.camera if isinstance(state, Resolved3D) else home_pose((), 1.0)

    def _start_window(self) -> bool:
        """Remember the window that a right-drag starts from; False where there is no volume."""
        frame = self.frame
        state = self.resolved()
        if frame is None or not isinstance(state, ResolvedSlice):
            return False
        found = frame.notes.windows.get(state.reference)
        if found is None:
            return False
        self._drag_start = found
        self._drag_key += 1
        return True

    def _drag_window(self, position: QPointF) -> None:
        assert self._drag is not None
        begin = self._drag[1]
        state = self.resolved()
        if not isinstance(state, ResolvedSlice):
            return
        width, level = self._drag_start
        # A drag across 300 px doubles the window or moves the level by one window.
        dx, dy = (position.x() - begin.x()) / 300, (position.y() - begin.y()) / 300
        new_width = max(width * 2.0 ** (1.5 * dx), abs(width) * 1e-4)
        new_level = level - dy * width
        key = f"window:{state.reference}:{id(self)}#{self._drag_key}"
        self.windowWanted.emit(state.reference, float(new_width), float(new_level), key)
