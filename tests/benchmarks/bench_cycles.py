"""200 times open, look and close: what the program holds after each, and what there is more of at the end.

Each case is the whole program (image backend) in a process of its own; memory is that of the window and all workers
(`footprint`), looked at after what the window does by itself a second after something was closed. Nothing else is
cleared: undo (200 steps; its memory is set to 64 MB here, so that results, which only undo holds, fill it), the list
of jobs and the log fill up as they do for a user, and are full after 100 cycles of two steps each. Growth is
the slope of memory over the rest.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.bench_memory import MB, OFFSCREEN, driven, go_on, program, tell, write
from tests.benchmarks.footprint import Watcher
from tests.benchmarks.measure import machine_line, table

CYCLES = 200
WARM = 100
"""Cycles after which histories are full, and growth is measured."""
UNDO_BYTES = 64_000_000
CASES: dict[str, tuple[str, ...]] = {
    "brain": ("sample:volumes.mni152",),
    "mesh": ("sample:scans.fsaverage5",),
    "cloud": ("small-few-cloud.ply",),
    "checkpoint": ("small-large.safetensors",),
    "result": ("sample:volumes.mni152",),
}


def main(names: list[str] | None = None) -> dict[str, Any]:
    """Every case, or those of `names`; the table and all figures."""
    out: dict[str, Any] = {}
    rows = []
    for name in names or CASES:
        with tempfile.TemporaryDirectory() as folder:
            found = out[name] = cycle(name, Path(folder), CYCLES)
        rows.append(_row(found))
        rows[-1].insert(0, name)
    print(machine_line())
    header = [
        f"{CYCLES} times",
        "first (MB)",
        f"after {WARM}",
        f"after {CYCLES}",
        "MB per 100 cycles",
        "more of",
    ]
    table(rows, header)
    return out


def _row(found: dict[str, Any]) -> list[str]:
    held = found["memory"]
    last = found["counts"][-1]
    grown = {k: last[k] - found["counts"][WARM][k] for k in last if k != "python objects"}
    left = ", ".join(f"{v:+d} {k}" for k, v in grown.items() if v > 0) or "nothing"
    figures = [held[0], held[min(WARM, len(held) - 1)], held[-1]]
    return [*(f"{f / MB:.0f}" for f in figures), f"{found['slope'] * 100 / MB:+.1f}", left]


def cycle(name: str, folder: Path, count: int) -> dict[str, Any]:
    """`count` times open and close: bytes after each, counted objects after each, and the slope of the bytes."""
    print(f"cycles: {name}", file=sys.stderr, flush=True)
    for path in CASES[name]:
        if not path.startswith("sample:"):
            write(path, folder)
    memory, counts = [], []
    environment = {"EQUISCOPE_VIEWPORT": "image", **OFFSCREEN}
    with program(
        ["tests.benchmarks.bench_cycles", "--cycles", name, str(folder), str(count)], environment
    ) as (process, said):
        watcher = Watcher(process.pid, 0.5)
        for _ in range(count):
            counts.append(json.loads(said()))
            memory.append(watcher.end()[1].total)
            go_on(process)
        watcher.stop()
    tail = memory[min(WARM, count // 2) :]
    slope = float(np.polyfit(np.arange(len(tail)), tail, 1)[0])
    return {"memory": memory, "counts": counts, "slope": slope}


def drive_cycles(name: str, folder: Path, count: int) -> None:
    """Open and close `count` times; the counts after each."""
    from PySide6.QtCore import QCoreApplication, QEvent

    from app.window.workbench import _tidy
    from tests.benchmarks.drive_ours import Driven

    driven = Driven(canvas=None)
    driven.window.resize(1400, 900)
    driven.spin(1.0)
    workbench = driven.workbench
    workbench.document.undo_memory = UNDO_BYTES
    paths = [p if p.startswith("sample:") else str(folder / p) for p in CASES[name]]
    for _ in range(count):
        workbench.open_paths(paths)
        driven.until(lambda: not workbench.busy)
        driven.settled()
        if name == "result":
            _run_analysis(driven)
        workbench.document.remove(*[i.id for i in workbench.document if i.parent is None])
        driven.settled()
        driven.spin(0.1)
        _tidy()  # which the window does by itself once nothing was closed for a second
        # A running event loop deletes what was told to go; the driver's own loop is none in Qt's eyes.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        driven.until(lambda: not any(t.name == "trim" for t in threading.enumerate()))
        tell(json.dumps(counted(workbench)))


def _run_analysis(driven: Any) -> None:
    workbench = driven.workbench
    driven.until(lambda: "volumes.isosurface" in workbench.descriptions)
    workbench.run(workbench.descriptions["volumes.isosurface"], [next(i.id for i in workbench.document)], {})
    driven.until(lambda: not workbench.busy)
    driven.settled()


def counted(workbench: Any) -> dict[str, int]:
    """What there is in this process that should not become more: objects, threads, files, segments."""
    import gc
    import threading

    from PySide6.QtWidgets import QApplication
    from vtkmodules.vtkCommonCore import vtkObjectBase

    gc.collect()
    objects = gc.get_objects()
    shm = getattr(workbench.runner, "folder", None)
    return {
        "widgets": len(QApplication.allWidgets()),
        "VTK objects": sum(issubclass(type(o), vtkObjectBase) for o in objects),
        "threads": threading.active_count(),
        "open files": len(os.listdir("/proc/self/fd")),
        "segments": len(os.listdir(shm)) if shm else 0,
        "temporary files": len(os.listdir(tempfile.gettempdir())),
        "python objects": len(objects),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cycles"]:
        driven(lambda: drive_cycles(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
    main(sys.argv[1:] or None)
