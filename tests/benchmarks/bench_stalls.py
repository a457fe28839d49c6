"""How long the window's thread is kept from answering while something opens, turns, scrolls or changes its colours.

Each case is the whole program (docks, menus, plugins, worker process) in a process of its own, 1400×900, off screen
(`QT_QPA_PLATFORM=offscreen`, image backend). A timer of one millisecond runs in the window's thread; the largest gap
between two of its calls is the stall that a hand on the mouse would feel. Before each case the window stands idle
for two seconds, as it does before anybody has found a file. The rule: nothing above 50 ms.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.measure import machine_line, run, table

ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen", "EQUISCOPE_VIEWPORT": "image", "EQUISCOPE_TEST": "1"}
LIMIT_MS = 50.0
ROUNDS = 3
FILES = {
    "MNI brain": "sample:volumes.mni152",
    "256×512×512 uint16": "volume.nii",
    "cloud, 1 M points": "cloud1.ply",
    "cloud, 10 M points": "cloud10.ply",
}
PHASES = ("open", "scroll", "turn", "theme", "text size")


def main() -> dict[str, Any]:
    """Run every case, print the table of the worst gaps (median and worst of the rounds), return all of them."""
    out: dict[str, Any] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        for case in FILES:
            rounds: list[dict[str, float]] = []
            for _ in range(ROUNDS):
                used = run(
                    [sys.executable, "-m", "tests.benchmarks.bench_stalls", "--measure", case, folder],
                    {**ENVIRONMENT, "EQUISCOPE_CONFIG": folder, "EQUISCOPE_STATE": folder},
                )
                rounds.append(json.loads(used.output.strip().splitlines()[-1]))
            for phase in PHASES:
                worst = [r[phase] for r in rounds]
                out[f"{case}, {phase}"] = worst
                middle = statistics.median(worst)
                rows.append([case, phase, f"{middle:.0f}", f"{max(worst):.0f}", _verdict(middle)])
    print(machine_line())
    table(rows, ["what is open", "doing", "worst gap (ms, median)", "largest (ms)", f"≤ {LIMIT_MS:.0f} ms"])
    return out


def measure(case: str, folder: Path) -> dict[str, float]:
    """One case in this process: the worst gap of each phase in milliseconds."""
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from app.theme import DARK, apply_theme
    from app.viewports.collector import MainThreadCollector
    from app.window._render import wait_until_idle
    from app.window._run import _Starter, application
    from app.window._startup import Milestones
    from app.window.main_window import MainWindow
    from app.window.workbench import Workbench
    from core.jobs import WorkerRunner
    from core.plugins import PluginHost
    from core.settings import Settings

    qt = application()
    apply_theme(qt, DARK)
    collector = MainThreadCollector()
    collector.start()
    workbench = Workbench(WorkerRunner(), PluginHost(), Settings())
    window = MainWindow(workbench, ask=False)
    window.resize(1400, 900)
    starter = _Starter(window, workbench, Milestones(), [], False, False)
    window.painted.connect(starter.painted)
    window.show()
    _spin(2.0)
    watch = _Watch()
    out: dict[str, float] = {}

    def phase(name: str, action: Callable[[], None]) -> None:
        watch.begin()
        action()
        _spin(0.3)
        out[name] = watch.end()

    def opened() -> None:
        path = FILES[case]
        workbench.open_paths([path if path.startswith("sample:") else str(folder / path)])
        wait_until_idle(workbench)
        assert window.centre.grid is not None
        window.centre.grid.wait(120)

    phase("open", opened)
    grid = window.centre.grid
    assert grid is not None

    def wheel(view: Any, turns: int) -> None:
        place = QPointF(view.width() / 2, view.height() / 2)
        for _ in range(turns):
            event = QWheelEvent(
                place,
                view.mapToGlobal(place),
                QPoint(),
                QPoint(0, 120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(view, event)
            _spin(0.02)

    def scroll() -> None:
        flat = grid.views["axial"]
        wheel(flat if flat.isVisible() else grid.views["3d"], 30)
        grid.wait(60)

    def turn() -> None:
        view = grid.views["3d"]
        middle = view.rect().center()
        QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
        for k in range(40):
            QTest.mouseMove(view, middle + QPoint(3 * k, k))
            _spin(0.02)
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
        grid.wait(60)

    phase("scroll", scroll)
    phase("turn", turn)
    phase("theme", lambda: window.view.set_theme("light"))
    phase("text size", lambda: window.view.zoom_text(1))
    watch.stop()
    window.close()
    collector.stop()
    return out


class _Watch:
    """The timer whose gaps are the stalls."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._worst, self._last = 0.0, time.perf_counter()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(1)

    def begin(self) -> None:
        self._worst, self._last = 0.0, time.perf_counter()

    def end(self) -> float:
        self._tick()
        return self._worst * 1000

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self._worst, self._last = max(self._worst, now - self._last), now


def _spin(seconds: float) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


def _write(folder: Path) -> None:
    """The files of the cases."""
    import nibabel

    rng = np.random.default_rng(0)
    array = (rng.random((256, 512, 512), dtype=np.float32) * 4000).astype(np.uint16)
    nibabel.save(nibabel.Nifti1Image(array, np.diag([1.0, 0.5, 0.5, 1.0])), folder / "volume.nii")
    for millions in (1, 10):
        points = rng.normal(size=(millions * 1_000_000, 3)).astype("<f4")
        points[:, 2] *= 0.2
        header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
        header += "property float x\nproperty float y\nproperty float z\nend_header\n"
        (folder / f"cloud{millions}.ply").write_bytes(header.encode() + points.tobytes())


def _verdict(worst: float) -> str:
    return "yes" if worst <= LIMIT_MS else "no"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main()
