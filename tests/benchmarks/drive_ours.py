"""The whole program doing what `bench_napari` measures: docks, menus, plugins, worker. Arguments as `drive_napari`.

A picture counts once every visible view shows its latest state at full quality (`ViewportGrid.wait`; while something
moves: once the picture of that movement has come) and Qt has painted it. The pictures of the gl backend are drawn
inside paintGL and read back by Qt's composition, those of the image backend are read back by VTK: no rasteriser is
still busy when the time is taken.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.meter import Meter

STEPS, FRAMES = 30, 10
CANVAS = (750, 600)


def main(what: str, file: str) -> None:
    """Do one of "volume", "file", "points1", "points10" and print the figures."""
    try:
        driven = Driven()
        getattr(driven, "_points" if what.startswith("points") else f"_{what}")(Path(file))
        driven.meter.memory("peak memory")
        driven.meter.told()
        driven.close()
    except Exception:  # the program's own hook would put it on a card
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


class Driven:
    """A window as `python -m app` makes it, and what is done with it."""

    def __init__(self, canvas: tuple[int, int] | None = CANVAS) -> None:
        from PySide6.QtCore import qVersion

        from app.window._run import start

        program = self.program = start([], ask=False)
        self.app, self.workbench, self.window = program.qt, program.workbench, program.window
        meter = self.meter = Meter(program.runner.pids)
        seen: list[int] = []
        self.window.painted.connect(lambda: seen.append(1))
        described: list[int] = []
        self.workbench.descriptions_changed.connect(lambda: described.append(1))
        self.until(lambda: bool(seen))
        meter.since_start("painted window")
        self.until(lambda: bool(described))
        self.spin(0.3)
        meter.since_start("everything loaded")
        self.grid = self.window.centre.ensure_grid()
        centre = self.window.centre.stack
        for _ in range(3 if canvas else 0):  # all views together, or one alone, get as much room as napari's
            assert canvas is not None
            width, height = canvas[0] - centre.width(), canvas[1] - centre.height()
            self.window.resize(self.window.width() + width, self.window.height() + height)
            self.spin(0.2)
        meter.facts = {"Qt": f"PySide6 {qVersion()}", "backend": self.grid.backend}

    def until(self, done: Callable[[], bool], seconds: float = 120.0) -> None:
        from PySide6.QtCore import QEventLoop, QTimer

        end = time.monotonic() + seconds
        clock = QTimer()  # wakes the loop, which otherwise sleeps: waiting must cost no CPU time
        clock.start(5)
        while not done():
            assert time.monotonic() < end, "nothing was drawn"
            self.app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def settled(self) -> None:
        """Every visible view shows its latest state at full quality, painted."""
        self.until(lambda: all(v.settled for v in self.grid.views.values()))
        self.app.processEvents()

    def arrived(self, view: Any) -> None:
        """The picture of the state that was last asked for has come, painted."""
        self.until(lambda: view.frame is not None and view.frame.state == view.state)
        self.app.processEvents()

    def close(self) -> None:
        self.window.close()
        self.program.close()
        sys.stdout.flush()
        os._exit(0)

    def alone(self, kind: str) -> Any:
        """One view, as large as napari's canvas."""
        self.window.centre.choose_layout(kind)
        self.spin(0.2)
        self.settled()
        view = self.grid.views[kind]
        self.meter.facts["canvas"] = f"{view.width()}×{view.height()}"
        return view

    # -- what is measured -------------------------------------------------------------------------------------

    def shown(self, data: Any, name: str, stages: tuple[str, str], kind: str) -> None:
        """An object in memory into the document, by the edit that opening a file makes."""
        from core.display import default_display
        from core.document import AddItems, Item

        view = self.grid.views[kind]
        item = Item("measured", name, data, display=default_display(data))
        with self.meter.stage(stages[1]):
            with self.meter.stage(stages[0]):
                self.workbench.document.apply(AddItems((item,)))
                self.workbench.opened.emit([item.id])
                self.workbench.select(item.id)
                self.until(
                    lambda: view.isVisible() and view.frame is not None and bool(view.frame.state.items)
                )
                self.arrived(view)
            self.settled()

    def _volume(self, file: Path) -> None:
        import numpy as np

        from core.data import Volume

        array = np.load(file)
        volume = Volume(array, np.diag([1.0, 0.5, 0.5, 1.0]))
        self.spin(0.5)
        self.shown(volume, "volume", ("add volume, first slice", "add volume, all views"), "axial")
        self.meter.facts["GL"] = self.grid.views["axial"].frame.device.name
        view = self.alone("axial")
        with self.meter.stage("slice step", STEPS):
            for _ in range(STEPS):
                self.wheel(view)
                self.settled()

    def _file(self, file: Path) -> None:
        view = self.grid.views["axial"]
        self.spin(0.5)
        with self.meter.stage("open file, all views"):
            with self.meter.stage("open file, first slice"):
                self.workbench.open_paths([str(file)])
                self.until(lambda: view.frame is not None and bool(view.frame.state.items))
                self.arrived(view)
            self.until(lambda: not self.workbench.busy)
            self.settled()

    def _points(self, file: Path) -> None:
        import numpy as np

        from core.data import PointCloud

        points = np.load(file)
        millions = f"{len(points) // 1_000_000} M points"
        self.spin(0.5)
        self.shown(PointCloud(points), "cloud", (f"{millions}, first show", f"{millions}, settled"), "3d")
        view = self.alone("3d")
        self.spin(0.5)
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        middle, left, none = view.rect().center(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mousePress(view, left, none, middle)
        for k in range(4):  # until the number of points has adapted itself to the machine
            QTest.mouseMove(view, middle + QPoint(5 * k, k))
            self.arrived(view)
        with self.meter.stage(f"{millions}, frame while turning", FRAMES):
            for k in range(FRAMES):
                QTest.mouseMove(view, middle + QPoint(20 + 5 * k, 3 * k))
                self.arrived(view)
        QTest.mouseRelease(view, left, none, middle)
        self.settled()
        frames = 3
        with self.meter.stage(f"{millions}, all drawn", frames):
            for k in range(frames):
                self.grid.look_from("APL"[k])
                self.settled()
        self.meter.facts["points at rest"] = "; ".join(view.frame.notes.infos)

    def wheel(self, view: Any) -> None:
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QWheelEvent

        place = QPointF(view.width() / 2, view.height() / 2)
        button, key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        phase = Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(
            place, view.mapToGlobal(place), QPoint(), QPoint(0, 120), button, key, phase, False
        )
        self.app.sendEvent(view, event)


if __name__ == "__main__":
    main(*sys.argv[1:])
