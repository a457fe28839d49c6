"""The gl backend's widget: a QOpenGLWidget that lends its context to a vtkGenericOpenGLRenderWindow.

VTK draws into a framebuffer of its own and is then copied into the widget's. There is no VTK interactor: mouse and
keys are the viewport's business, so VTK never renders behind Qt's back, not even while a window closes.
"""

from __future__ import annotations

import time
import weakref
from typing import Any

import vtkmodules.vtkRenderingOpenGL2
import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401  registers the factories
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QOpenGLContext
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget
from vtkmodules.vtkRenderingOpenGL2 import vtkGenericOpenGLRenderWindow

from app.viewports.device import UNKNOWN, Device, device_of
from app.viewports.notes import Notes
from app.viewports.offscreen import device_size
from app.viewports.scene3d import Scene3D
from app.viewports.service import Frame
from app.viewports.slices import SliceScene
from app.viewports.state import Resolved, ResolvedSlice


class GLCanvas(QOpenGLWidget):
    """Draws on the screen. `failed` says why it cannot, and the viewport then changes to pictures."""

    arrived = Signal(object)
    failed = Signal(str)

    name = "gl"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setUpdateBehavior(QOpenGLWidget.UpdateBehavior.NoPartialUpdate)
        self._window: vtkGenericOpenGLRenderWindow | None = vtkGenericOpenGLRenderWindow()
        self._window.SetMultiSamples(0)
        self._window.SetFrameBlitModeToNoBlit()
        self._observers: list[int] = []
        self._scene: SliceScene | Scene3D | None = None
        self._state: Resolved | None = None
        self._dirty = False
        self._notes = Notes()
        self._context: QOpenGLContext | None = None
        self.device: Device = UNKNOWN
        # VTK holds observers strongly; a bound method would keep this widget alive for good.
        me = weakref.ref(self)

        def make_current(*_: Any) -> None:
            widget = me()
            if widget is not None:
                widget._make_current()

        def is_current(caller: Any, *_: Any) -> None:
            widget = me()
            if widget is not None and widget._window is not None:
                widget._window.SetIsCurrent(widget._is_current())

        for event, call in (("WindowMakeCurrentEvent", make_current), ("WindowIsCurrentEvent", is_current)):
            self._observers.append(self._window.AddObserver(event, call))
        # A widget that never gets a context paints nothing at all; then somebody has to notice.
        self._watch = QTimer(self)
        self._watch.setSingleShot(True)
        self._watch.timeout.connect(self._check)

    def show_state(self, state: Resolved) -> None:
        """Draw `state` with the next repaint."""
        self._state, self._dirty = state, True
        self.update()
        if self.isVisible() and self._context is None and not self._watch.isActive():
            self._watch.start(3000)

    def shutdown(self) -> None:
        """Give VTK's GL objects back while the context still lives, then every other VTK object."""
        self._watch.stop()
        window, self._window = self._window, None
        if window is None:
            return
        context, self._context = self._context, None
        if context is not None:
            context.aboutToBeDestroyed.disconnect(self._context_goes)
        for tag in self._observers:
            window.RemoveObserver(tag)
        # The events are no longer answered: say once that the context is ours.
        if context is not None and self.isValid():
            self.makeCurrent()
            window.SetIsCurrent(True)
        if self._scene is not None:
            self._scene.release()
            self._scene = None
        window.SetReadyForRendering(False)
        window.Finalize()
        if context is not None and self.isValid():
            self.doneCurrent()

    def initializeGL(self) -> None:
        """Qt's context is there: hand it to VTK. Comes again after the widget moved to another window."""
        if self._window is None:
            return
        context = self.context()
        if context is None or not context.isValid():
            self.failed.emit("the window got no OpenGL context")
            return
        if self._context is not None:
            self._forget_gl()
        self._context = context
        context.aboutToBeDestroyed.connect(self._context_goes, Qt.ConnectionType.DirectConnection)
        self._window.SetReadyForRendering(True)
        self._window.OpenGLInit()
        self.device = device_of(self._window.ReportCapabilities())
        if not self.device.software:
            self._window.SetMultiSamples(4)
        self._dirty = True

    def paintGL(self) -> None:
        """Bring VTK to the wanted state and copy its picture into the widget."""
        window, state = self._window, self._state
        if window is None or state is None or self._context is None:
            return
        started = time.perf_counter()
        if self._scene is None:
            if isinstance(state, ResolvedSlice):
                self._scene = SliceScene(window)
            else:
                self._scene = Scene3D(window, self.device)
        width, height = device_size(state)
        if window.GetSize() != (width, height):
            window.SetSize(width, height)
        changed, self._dirty = self._dirty, False
        if changed:
            window.OpenGLInitState()
            window.GetState().Reset()
            self._notes = self._scene.apply(state)  # type: ignore[arg-type]
            window.Render()
        self._context.functions().glBindFramebuffer(0x8D40, self.defaultFramebufferObject())
        window.GetState().ResetFramebufferBindings()
        window.BlitDisplayFramebuffersToCurrent() if hasattr(
            window, "BlitDisplayFramebuffersToCurrent"
        ) else self._blit()
        if changed:
            seconds = time.perf_counter() - started
            if isinstance(self._scene, Scene3D):
                self._scene.measured(seconds, state)  # type: ignore[arg-type]
            self.arrived.emit(Frame(state, self._notes, None, seconds, self.device))

    def _blit(self) -> None:
        raise NotImplementedError

    def _make_current(self) -> None:
        # Not QOpenGLWidget.makeCurrent(): that would bind the widget's framebuffer in the middle of VTK's work.
        context = self._context
        if context is not None and context.surface() is not None:
            context.makeCurrent(context.surface())

    def _is_current(self) -> bool:
        return self._context is not None and QOpenGLContext.currentContext() is self._context

    def _context_goes(self) -> None:
        self._forget_gl()

    def _forget_gl(self) -> None:
        """The context is about to go (the widget moves between windows, or closes): VTK drops its GL objects."""
        if self._window is not None and self._context is not None:
            self.makeCurrent()
            self._window.ReleaseGraphicsResources(self._window) if hasattr(
                self._window, "ReleaseGraphicsResources"
            ) else None
            self._window.SetReadyForRendering(False)
            self.doneCurrent()
        self._context = None
        self._dirty = True

    def _check(self) -> None:
        if self._window is not None and self._context is None and self.isVisible():
            self.failed.emit("the window got no OpenGL context")
