"""One off-screen VTK window that turns states into pixels. No Qt; used by one thread only."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np
import vtkmodules.vtkRenderingOpenGL2
import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401  registers the factories
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from app.viewports.device import Device, device_of
from app.viewports.notes import Notes
from app.viewports.scene3d import Scene3D
from app.viewports.slice_layers import without_overlay
from app.viewports.slices import SliceScene
from app.viewports.state import Resolved, ResolvedSlice

Array = NDArray[Any]


class OffscreenView:
    """A window of its own and the scene in it."""

    def __init__(self) -> None:
        if sys.platform.startswith("linux"):
            # VTK would try X first, and complain where there is none.
            os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
        self._window = vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        # Nobody looks at the window itself: the picture is read where it was drawn.
        self._window.SwapBuffersOff()
        self._window.SetFrameBlitModeToNoBlit()  # type: ignore[attr-defined]
        self._window.SetSize(16, 16)
        self._window.Render()
        self.device: Device = device_of(self._window.ReportCapabilities())
        if not self.device.software:
            self._window.SetMultiSamples(4)
        self._scene: SliceScene | Scene3D | None = None
        self._last: tuple[Resolved, Array, Notes] | None = None

    def render(self, state: Resolved) -> tuple[Array, Notes, float]:
        """((height, width, 4) uint8 device pixels, notes, seconds)."""
        started = time.perf_counter()
        bare = without_overlay(state)
        scene = self._scene
        if self._last is not None and bare == self._last[0]:
            if isinstance(scene, SliceScene):
                notes = scene.drawn_anew(state, self._last[2])  # type: ignore[arg-type]
                return self._last[1], notes, time.perf_counter() - started
            if isinstance(scene, Scene3D) and scene.idle(state):  # type: ignore[arg-type]
                return self._last[1], self._last[2], time.perf_counter() - started
        self._last = None
        if self._scene is None:
            if isinstance(state, ResolvedSlice):
                self._scene = SliceScene(self._window)
            else:
                self._scene = Scene3D(self._window, self.device)
        width, height = device_size(state)
        if self._window.GetSize() != (width, height):
            self._window.SetSize(width, height)
        notes = self._scene.apply(state)  # type: ignore[arg-type]
        self._window.Render()
        pixels: Any = vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels)
        picture = np.ascontiguousarray(vtk_to_numpy(pixels).reshape(height, width, 4)[::-1])
        seconds = time.perf_counter() - started
        if isinstance(self._scene, Scene3D):
            self._scene.measured(seconds, state)  # type: ignore[arg-type]
            if notes.unfinished:  # it will be asked for again
                self._last = (bare, picture, notes)
        elif not notes.problems and not notes.unfinished:
            self._last = (bare, picture, notes)
        return picture, notes, seconds

    def release(self) -> None:
        """Give the window and everything in it back; in the thread that made it."""
        if self._scene is not None:
            self._scene.release()
            self._scene = None
        self._last = None
        self._window.Finalize()
        del self._window


def device_size(state: Resolved) -> tuple[int, int]:
    """(width, height) in device pixels."""
    return max(1, round(state.width * state.dpr)), max(1, round(state.height * state.dpr))
