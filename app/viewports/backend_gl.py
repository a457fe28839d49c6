"""The gl backend's widget: a QOpenGLWidget that lends its context to a vtkGenericOpenGLRenderWindow.

VTK draws into a framebuffer of its own, which is then copied into the widget's. There is no VTK interactor: mouse
and keys are the viewport's business, so VTK never renders behind Qt's back, not even while a window closes.
"""

from __future__ import annotations

import ctypes
import logging
import sys
import time
from typing import Any

import vtkmodules.vtkRenderingOpenGL2
import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401  registers the factories
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QOpenGLContext
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget
from vtkmodules.vtkRenderingOpenGL2 import vtkGenericOpenGLRenderWindow

from app.viewports.device import UNKNOWN, Device, device_of
from app.viewports.notes import Notes
from app.viewports.offscreen import device_size
from app.viewports.scene3d import Scene3D
from app.viewports.service import Frame
from app.viewports.slice_layers import without_overlay
from app.viewports.slices import SliceScene
from app.viewports.state import Resolved, ResolvedSlice

log = logging.getLogger(__name__)

_FRAMEBUFFER, _COLOR_BIT, _DEPTH_TEST, _LEQUAL, _NEAREST = 0x8D40, 0x4000, 0x0B71, 0x0203, 0x2600
_SCISSOR_TEST = 0x0C11


class GLCanvas(QOpenGLWidget):
    """Draws on the screen. `failed` says why it cannot, and the viewport then changes to pictures."""

    arrived = Signal(object)
    failed = Signal(str)

    name = "gl"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setUpdateBehavior(QOpenGLWidget.UpdateBehavior.NoPartialUpdate)
        self.device: Device = UNKNOWN
        self._window: Any = vtkGenericOpenGLRenderWindow()
        self._window.SetReadyForRendering(False)
        self._window.SetFrameBlitModeToNoBlit()
        self._window.SetMultiSamples(0)
        self._scene: SliceScene | Scene3D | None = None
        self._state: Resolved | None = None
        self._dirty = False
        self._notes = Notes()
        self._bare: Resolved | None = None
        """What of a slice is in VTK's picture and would not change it: see `without_overlay`."""
        self._context: QOpenGLContext | None = None
        self._surface: Any = None
        self._frame: Frame | None = None
        # A widget deleted without `shutdown` gets no more calls of its methods, neither from its context nor from
        # itself; functions without the widget are called, so everything that must happen then is one.
        inner = self.__dict__
        self._observers = _serve(self._window, inner)
        self._goes = lambda: _forget_gl(inner)
        self.destroyed.connect(lambda: _let_go(inner))
        # A widget that never gets a context paints nothing at all; then somebody has to notice.
        self._watch = QTimer(self)
        self._watch.setSingleShot(True)
        self._watch.timeout.connect(self._check)

    def show_state(self, state: Resolved) -> None:
        """Draw `state` with the next repaint."""
        self._state, self._dirty = state, True
        self.update()
        if self._context is None and not self._watch.isActive():
            self._watch.start(3000)

    def forget(self) -> None:
        """Let go of the objects drawn last: a hidden view must not keep closed files in memory."""
        if self._scene is not None and self._context is not None:
            self._context.makeCurrent(self._surface)
            self._scene.release()
            self._context.doneCurrent()
            self._scene = self._state = self._bare = None
            self._notes = Notes()

    def shutdown(self) -> None:
        """Give VTK's GL objects back while the context still lives, then every other VTK object."""
        self._watch.stop()
        if self._window is None:
            return
        if self._context is not None:
            self._context.aboutToBeDestroyed.disconnect(self._goes)
        _forget_gl(self.__dict__)
        _let_go(self.__dict__)

    # -- Qt's three calls -------------------------------------------------------------------------------------

    def initializeGL(self) -> None:
        """Qt's context is there: hand it to VTK. Comes again when the widget has moved to another window."""
        if self._window is None:
            return
        # Not `self.context()`: PySide counts that among the widget's children, and its signal would not come any
        # more when the widget is deleted.
        context = QOpenGLContext.currentContext()
        if context is None or not context.isValid():
            self.failed.emit("the window got no OpenGL context")
            return
        self._context, self._surface = context, context.surface()
        context.aboutToBeDestroyed.connect(self._goes, Qt.ConnectionType.DirectConnection)
        window = self._window
        _set_symbol_loader(window)
        window.SetOwnContext(False)
        window.OpenGLInitContext()
        window.OpenGLInit()
        window.SetReadyForRendering(True)
        name = str(context.functions().glGetString(0x1F01) or "")
        self.device = device_of(f"OpenGL renderer string: {name}")
        window.SetMultiSamples(0 if self.device.software else 4)
        self._dirty = True

    def paintGL(self) -> None:
        """Bring VTK to the wanted state and copy its picture into the widget."""
        window, state, context = self._window, self._state, self._context
        if window is None or state is None or context is None or not window.GetReadyForRendering():
            return
        started = time.perf_counter()
        changed, self._dirty = self._dirty, False
        gl_state = window.GetState()
        gl_state.Reset()  # Qt has used GL since VTK did: what VTK remembers of it is out of date
        gl_state.Push()
        gl_state.vtkglEnable(_DEPTH_TEST)
        gl_state.vtkglDepthFunc(_LEQUAL)
        if self._scene is None:
            if isinstance(state, ResolvedSlice):
                self._scene = SliceScene(window)
            else:
                self._scene = Scene3D(window, self.device)
        width, height = device_size(state)
        idle = changed and isinstance(self._scene, Scene3D) and self._scene.idle(state)  # type: ignore[arg-type]
        bare = without_overlay(state) if isinstance(state, ResolvedSlice) else None
        if changed and bare is not None and bare == self._bare and isinstance(self._scene, SliceScene):
            self._notes = self._scene.drawn_anew(state, self._notes)  # type: ignore[arg-type]
        elif changed and not idle:
            window.SetSize(width, height)
            window.SetDPI(round(72 * state.dpr))
            self._bare = None
            self._notes = self._scene.apply(state)  # type: ignore[arg-type]
            window.Render()
            if not self._notes.problems and not self._notes.unfinished:
                self._bare = bare
        # VTK may have left another context or framebuffer bound.
        self.makeCurrent()
        self._copy(window, width, height)
        gl_state.Pop()
        if changed:
            seconds = time.perf_counter() - started
            if isinstance(self._scene, Scene3D) and not idle:
                self._scene.measured(seconds, state)  # type: ignore[arg-type]
            self._frame = Frame(state, self._notes, None, seconds, self.device)
            # After Qt has finished this repaint: the receiver repaints the overlay. A method, for a function that
            # waits when the widget is deleted would never be freed.
            QTimer.singleShot(0, self, self._tell)

    # -- inside -----------------------------------------------------------------------------------------------

    def _copy(self, window: Any, width: int, height: int) -> None:
        assert self._context is not None
        functions = self._context.functions()
        functions.glBindFramebuffer(_FRAMEBUFFER, self.defaultFramebufferObject())
        functions.glDisable(_SCISSOR_TEST)
        ratio = self.devicePixelRatioF()
        w, h = max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))
        window.BlitDisplayFramebuffer(0, 0, 0, width, height, 0, 0, w, h, _COLOR_BIT, _NEAREST)
        # Alpha below one would let compositors show what lies behind the window.
        functions.glBindFramebuffer(_FRAMEBUFFER, self.defaultFramebufferObject())
        functions.glViewport(0, 0, w, h)
        functions.glColorMask(False, False, False, True)
        functions.glClearColor(0.0, 0.0, 0.0, 1.0)
        functions.glClear(_COLOR_BIT)
        functions.glColorMask(True, True, True, True)

    def _tell(self) -> None:
        frame, self._frame = self._frame, None
        if frame is not None:
            self.arrived.emit(frame)

    def _check(self) -> None:
        if self._window is not None and self._context is None and self.isVisible():
            self.failed.emit("the window got no OpenGL context")


def _forget_gl(inner: dict[str, Any]) -> None:
    """A canvas's context is about to go (it changes windows, or closes): VTK gives its GL objects back."""
    context, window = inner["_context"], inner["_window"]
    if context is not None and window is not None:
        context.makeCurrent(inner["_surface"])
        window.Finalize()
        window.SetReadyForRendering(False)
        context.doneCurrent()
    inner["_context"] = inner["_surface"] = inner["_bare"] = None
    inner["_dirty"] = True


def _let_go(inner: dict[str, Any]) -> None:
    """Free every VTK object of a canvas, whose attributes these are; its widget may be gone."""
    window, scene = inner["_window"], inner["_scene"]
    if scene is not None:
        scene.release()
    if window is not None:
        for tag in inner["_observers"]:
            window.RemoveObserver(tag)
    inner["_window"] = inner["_scene"] = inner["_state"] = inner["_frame"] = inner["_bare"] = None
    inner["_notes"] = Notes()


def _serve(window: Any, inner: dict[str, Any]) -> list[int]:
    """Answer VTK's questions about the context of a canvas. VTK holds its observers until `_let_go`."""

    def make_current(*_: Any) -> None:
        if inner["_context"] is not None:
            # Not QOpenGLWidget.makeCurrent(): that binds the widget's framebuffer in the middle of VTK's work.
            inner["_context"].makeCurrent(inner["_surface"])

    def is_current(caller: Any, *_: Any) -> None:
        context = inner["_context"]
        caller.SetIsCurrent(context is not None and QOpenGLContext.currentContext() is context)

    return [
        window.AddObserver("WindowMakeCurrentEvent", make_current),
        window.AddObserver("WindowIsCurrentEvent", is_current),
    ]


def _set_symbol_loader(window: Any) -> None:
    """On Linux, tell VTK which library answers for the context that Qt has made: EGL under Wayland, GLX under X."""
    if not sys.platform.startswith("linux") or not hasattr(window, "SetOpenGLSymbolLoader2"):
        return
    wayland = QGuiApplication.platformName().startswith("wayland")
    library, symbol = (
        ("libEGL.so.1", "eglGetProcAddress") if wayland else ("libGL.so.1", "glXGetProcAddressARB")
    )
    try:
        function = getattr(ctypes.CDLL(library), symbol)
    except (OSError, AttributeError):
        log.warning("%s is not here; VTK looks for OpenGL by itself", library)
        return
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address:
        window.SetOpenGLSymbolLoader2(address, 0)
