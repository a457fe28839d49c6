"""The watchdog: how long the window's thread is kept from answering while something opens, turns, scrolls or runs.

Each case is the whole program (docks, menus, plugins, worker process) in a process of its own, 1400×900. A timer of
one millisecond runs in the window's thread; the largest gap between two of its calls is the stall that a hand on the
mouse would feel. Before each case the window stands idle for a while, as it does before anybody has found a file.
The rule: nothing above 50 ms.

"gap" is by the clock. "own" is the gap less the time in which the thread was ready to run and the system gave the
processor to somebody else (`/proc/self/task/…/schedstat`): on a machine with few cores, where the render thread,
the workers and other programs take their share, that is not the window's doing. What the thread waits for Python's
lock, or for anything else in its own process, stays in "own". The verdict is by "own".

Both backends: `image` off screen, which is what the window chooses on software GL, and `gl` in a real window on a
virtual X server. There software GL draws in the window's thread, so each picture of a volume or of millions of
points is a stall; on a GPU such a picture takes a few milliseconds.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.bench_napari import virtual_screen
from tests.benchmarks.measure import machine_line, run, table

LIMIT_MS = 50.0
ROUNDS = {"image": 3, "gl": 1}
GIGABYTE = 2**30
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "MNI brain": (
        "sample:volumes.mni152",
        ("open", "scroll", "turn", "run, adopt", "theme", "text size", "close"),
    ),
    "job that reports 1000 times a second": (
        "sample:volumes.mni152",
        ("open", "job", "job, scroll", "job, turn", "job ends"),
    ),
    "volume, 256×512×512": ("volume.nii", ("open", "scroll", "turn", "theme", "text size")),
    "volume, 1 GB": ("large.nii", ("open", "scroll", "turn")),
    "safetensors, 1 GB": ("large.safetensors", ("open", "theme")),
    "cloud, 1 M points": ("cloud1.ply", ("open", "turn", "theme")),
    "cloud, 10 M points": ("cloud10.ply", ("open", "turn", "theme", "text size")),
}


def main(cases: list[str] | None = None, backends: tuple[str, ...] = ("image", "gl")) -> dict[str, Any]:
    """Run every case, print the table of the worst gaps (median and worst of the rounds), return all of them."""
    out: dict[str, Any] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder, virtual_screen() as screen:
        _write(Path(folder))
        for backend in backends:
            for case in cases or CASES:
                rounds = [_round(case, folder, backend, screen) for _ in range(ROUNDS[backend])]
                for phase in CASES[case][1]:
                    gaps = [r[phase]["gap"] for r in rounds]
                    own = [r[phase]["own"] for r in rounds]
                    out[f"{backend}: {case}, {phase}"] = {"gap": gaps, "own": own}
                    middle = statistics.median(own)
                    figures = [f"{f:.0f}" for f in (statistics.median(gaps), middle, max(own))]
                    rows.append([backend, case, phase, *figures, "yes" if middle <= LIMIT_MS else "no"])
    print(machine_line())
    header = ["backend", "what is open", "doing", "gap (ms)", "own (ms)", "largest own (ms)"]
    table(rows, [*header, f"≤ {LIMIT_MS:.0f} ms"])
    return out


def _round(case: str, folder: str, backend: str, screen: dict[str, str]) -> dict[str, dict[str, float]]:
    print(f"{backend}: {case}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as settings:
        environment = {
            "EQUISCOPE_VIEWPORT": backend,
            "EQUISCOPE_CONFIG": settings,
            "EQUISCOPE_STATE": settings,
            **(screen if backend == "gl" else {"QT_QPA_PLATFORM": "offscreen"}),
        }
        command = [sys.executable, "-m", "tests.benchmarks.bench_stalls", "--measure", case, folder]
        output = run(command, environment, without=["WAYLAND_DISPLAY"]).output
    line = next(m for m in reversed(output.strip().splitlines()) if m.startswith('{"open"'))
    found: dict[str, dict[str, float]] = json.loads(line)
    return found


def measure(case: str, folder: Path) -> dict[str, dict[str, float]]:
    """One case in this process: the worst gap of each phase in milliseconds."""
    from tests.benchmarks.drive_ours import Driven

    driven = Driven(canvas=None)
    driven.window.resize(1400, 900)
    driven.spin(2.0)
    watch = _Watch()
    out: dict[str, dict[str, float]] = {}
    file, phases = CASES[case]
    steps = _Steps(driven, file if file.startswith("sample:") else str(folder / file))
    for phase in phases:
        watch.begin()
        getattr(steps, phase.replace(", ", "_").replace(" ", "_"))()
        driven.spin(0.3)
        out[phase] = watch.end()
    watch.stop()
    return out


class _Steps:
    """What a hand does; one method a phase."""

    def __init__(self, driven: Any, path: str) -> None:
        self._driven, self._path = driven, path
        self._workbench, self._window, self._grid = driven.workbench, driven.window, driven.grid
        self._job: Any = None

    def open(self) -> None:
        self._workbench.open_paths([self._path])
        self._driven.until(lambda: not self._workbench.busy, 300)
        assert len(self._workbench.document), "nothing was opened"
        self._driven.settled()

    def scroll(self) -> None:
        view = self._grid.views["axial"]
        for _ in range(30):
            self._driven.wheel(view)
            self._driven.spin(0.02)
        self._driven.settled()

    def turn(self) -> None:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        view = self._grid.views["3d"]
        middle = view.rect().center()
        button, key = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mousePress(view, button, key, middle)
        for k in range(40):
            QTest.mouseMove(view, middle + QPoint(3 * k, k))
            self._driven.spin(0.02)
        QTest.mouseRelease(view, button, key, middle)
        self._driven.settled()

    def run_adopt(self) -> None:
        descriptions = self._workbench.descriptions
        self._driven.until(lambda: "symmetry.reflections" in descriptions)
        item = next(i for i in self._workbench.document if i.parent is None)
        self._workbench.run(descriptions["symmetry.reflections"], [item.id], {})
        self._driven.until(lambda: not self._workbench.busy, 300)
        self._driven.settled()

    def job(self) -> None:
        self._job = self._workbench.submit(
            "tests.benchmarks.stall_jobs:churn", {"seconds": 20.0}, title="Churn", on_done=lambda _: None
        )
        self._driven.spin(2.5)

    def job_scroll(self) -> None:
        assert self._workbench.busy
        self.scroll()

    def job_turn(self) -> None:
        assert self._workbench.busy
        self.turn()

    def job_ends(self) -> None:
        self._driven.until(lambda: not self._workbench.busy)
        assert len(self._job.curves["loss"].values) > 500, "it did not report"

    def theme(self) -> None:
        self._window.view.set_theme("light")

    def text_size(self) -> None:
        self._window.view.zoom_text(1)

    def close(self) -> None:
        self._workbench.document.remove(*[i.id for i in self._workbench.document if i.parent is None])
        self._driven.settled()


class _Watch:
    """The timer whose gaps are the stalls."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._schedule = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self.begin()
        self._timer.start(1)

    def begin(self) -> None:
        self._gap = self._own = self._cpu = 0.0
        self._last, self._waited, self._used = time.perf_counter(), self._ready(), time.thread_time()

    def end(self) -> dict[str, float]:
        self._tick()
        return {"gap": self._gap, "own": self._own, "cpu": self._cpu}

    def stop(self) -> None:
        self._timer.stop()

    def _ready(self) -> float:
        """Seconds that this thread has waited for a processor so far; 0 where the system does not say."""
        try:
            with open(self._schedule, "rb") as file:
                return int(file.read().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return 0.0

    def _tick(self) -> None:
        now, waited, used = time.perf_counter(), self._ready(), time.thread_time()
        gap = 1000 * (now - self._last)
        self._gap = max(self._gap, gap)
        self._own = max(self._own, gap - 1000 * (waited - self._waited))
        self._cpu = max(self._cpu, 1000 * (used - self._used))
        self._last, self._waited, self._used = now, waited, used


def _write(folder: Path) -> None:
    """The files of the cases."""
    import nibabel
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    small = (rng.random((256, 512, 512), dtype=np.float32) * 4000).astype(np.uint16)
    nibabel.save(nibabel.Nifti1Image(small, np.diag([1.0, 0.5, 0.5, 1.0])), folder / "volume.nii")
    large = np.tile(small, (2, 2, 2))  # 512×1024×1024
    nibabel.save(nibabel.Nifti1Image(large, np.diag([0.5, 0.25, 0.25, 1.0])), folder / "large.nii")
    del large
    block = rng.normal(size=(1024, 1024)).astype(np.float32)
    tensors = {f"blocks.{k // 4}.{'qkvo'[k % 4]}.weight": block for k in range(GIGABYTE // block.nbytes)}
    save_file(tensors, folder / "large.safetensors")
    for millions in (1, 10):
        points = rng.normal(size=(millions * 1_000_000, 3)).astype("<f4")
        points[:, 2] *= 0.2
        header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
        header += "property float x\nproperty float y\nproperty float z\nend_header\n"
        (folder / f"cloud{millions}.ply").write_bytes(header.encode() + points.tobytes())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        try:
            print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))), flush=True)
            os._exit(0)
        except Exception:  # the program's own hook would put it on a card
            traceback.print_exc()
            os._exit(1)
    main(sys.argv[1:] or None)
