"""napari doing what `bench_napari` measures; runs in napari's own environment. Arguments: what to do, its file.

A picture counts once it is drawn: vispy's canvas has had a draw event after the change, Qt has painted (the canvas is
a QOpenGLWidget, so its draw event comes inside paintGL), and `glFinish` has waited for the rasteriser.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.meter import Meter

STEPS, FRAMES = 30, 5
CANVAS = (750, 600)


def main(what: str, file: str) -> None:
    """Do one of "volume", "file", "points" and print the figures."""
    meter = Meter()
    import napari
    from qtpy import API_NAME, QtCore
    from qtpy.QtWidgets import QApplication

    viewer: Any = napari.Viewer()
    app: Any = QApplication.instance()
    canvas = viewer.window._qt_viewer.canvas
    drawn = [0]
    canvas._scene_canvas.events.draw.connect(lambda _: drawn.__setitem__(0, drawn[0] + 1))

    def show(change: Callable[[], object]) -> None:
        before = drawn[0]
        change()
        while drawn[0] == before:
            app.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, 5)
        app.processEvents()
        canvas.native.makeCurrent()
        _finish()

    show(lambda: canvas.native.update())
    meter.since_start("painted window")
    meter.since_start("everything loaded")
    for _ in range(3):  # the size asked for is the canvas's, whatever the docks take
        size, window = canvas.native.size(), viewer.window._qt_window
        window.resize(window.width() + CANVAS[0] - size.width(), window.height() + CANVAS[1] - size.height())
        _spin(app, 0.3)
    meter.facts = {
        "napari": napari.__version__,
        "Qt": f"{API_NAME} {QtCore.__version__}",
        "GL": _renderer(),
        "canvas": f"{canvas.native.width()}×{canvas.native.height()}",
    }
    import numpy as np

    if what == "volume":
        array = np.load(file)
        _spin(app, 0.5)
        with meter.stage("add volume, first slice"):
            show(lambda: viewer.add_image(array))
        meter.figures["add volume, all views"] = meter.figures["add volume, first slice"]
        _spin(app, 0.5)
        first = array.shape[0] // 2
        show(lambda: viewer.dims.set_current_step(0, first))
        with meter.stage("slice step", STEPS):
            for k in range(STEPS):
                show(lambda: viewer.dims.set_current_step(0, first + 1 + k))  # noqa: B023  called at once
    elif what == "file":
        _spin(app, 0.5)
        with meter.stage("open file, first slice"):
            show(lambda: viewer.open(file, plugin="napari"))
    else:
        millions = what.removeprefix("points")
        points = np.load(file)
        viewer.dims.ndisplay = 3
        _spin(app, 0.5)
        with meter.stage(f"{millions} M points, first show"):
            show(
                lambda: viewer.add_points(
                    points, size=0.02, border_width=0, face_color="white", shading="none"
                )
            )
        _spin(app, 0.5)
        frames = FRAMES if millions == "1" else 2
        with meter.stage(f"{millions} M points, frame while turning", frames):
            for k in range(frames):
                show(lambda: setattr(viewer.scene.camera, "angles", (5.0 * k + 3, 3.0 * k, 90.0)))  # noqa: B023
        meter.figures[f"{millions} M points, settled"] = meter.figures[f"{millions} M points, first show"]
        meter.figures[f"{millions} M points, all drawn"] = meter.figures[
            f"{millions} M points, frame while turning"
        ]
    meter.memory("peak memory")
    meter.told()
    sys.stdout.flush()
    import os

    os._exit(0)  # its clean-up is not what is measured


def _finish() -> None:
    from vispy import gloo

    gloo.gl.glFinish()


def _renderer() -> str:
    from vispy import gloo

    return str(gloo.gl.glGetParameter(gloo.gl.GL_RENDERER))


def _spin(app: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    main(*sys.argv[1:])
