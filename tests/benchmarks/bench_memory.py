"""Memory: what opening, viewing and closing large files takes at most, what closing gives back, what 200 times leave.

Each case is the whole program in a process of its own, 1400×900, driven by events; its parent looks at the memory of
the window and all its workers every 30 ms from outside (`footprint`). "base" is the empty window after a
small file of the same kind was open: everything is loaded. "views" is what it took more while that small file was
open, less its data: buffers of the views, whose size does not depend on the file (on software OpenGL a cloud is
drawn with two million points at most, so that many are in the small one). The data are what is open afterwards: an int16 file with a scale is float32 once read, an index of a
checkpoint is no data. The rule: (peak - base - views) / data at most 1.5, for a checkpoint a few megabytes.

"closed" is after closing the file, which can still be undone; "new session" after File ▸ New session.

The cycles open, look, close and forget nothing by themselves: undo, the history of jobs and the log fill up as they
do for a user and are full after 50 cycles; growth is the slope of what the processes hold over the rest.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.bench_napari import virtual_screen
from tests.benchmarks.footprint import Footprint, Watcher
from tests.benchmarks.measure import ROOT, machine_line, table

MB = 1e6
LIMIT = 1.5
INDEX_LIMIT_MB = 10.0
CYCLES = 200
WARM = 50
"""Cycles after which histories are full, and growth is measured."""
GRID = (512, 1024, 512)
POINTS = 10_000_000
CASES = {
    "float32 .nii": ("float32.nii", ("image", "gl")),
    "float32 .nii.gz": ("float32.nii.gz", ("image",)),
    "int16 with scale .nii": ("int16.nii", ("image",)),
    "int16 with scale .nii.gz": ("int16.nii.gz", ("image",)),
    "safetensors, 1 GB": ("large.safetensors", ("image",)),
    "cloud, 10 M points": ("cloud.ply", ("image", "gl")),
}
PHASES = ("open", "rest", "use", "close", "undo", "close again", "new session")
CYCLE_CASES: dict[str, tuple[str, ...]] = {
    "brain": ("sample:volumes.mni152",),
    "mesh": ("sample:scans.fsaverage5",),
    "cloud": ("small-few-cloud.ply",),
    "checkpoint": ("small-large.safetensors",),
    "result": ("sample:volumes.mni152",),
}


def main(names: list[str] | None = None) -> dict[str, Any]:
    """Peaks, then cycles; the tables and all figures. `names`: of cases ("float32 .nii") or cycles ("brain")."""
    peaks = {c: b for c, (_, b) in CASES.items() if not names or c in names}
    cycles = [c for c in CYCLE_CASES if not names or c in names]
    out: dict[str, Any] = {}
    with virtual_screen() as screen:
        rows = []
        for case, backends in peaks.items():
            with tempfile.TemporaryDirectory() as folder:
                data = write(CASES[case][0], Path(folder))
                small = write(f"small-{CASES[case][0]}", Path(folder))
                for backend in backends:
                    seen = _peaks(case, folder, backend, screen)
                    out[f"{case}, {backend}"] = {p: [s.total / MB for s in v] for p, v in seen.items()}
                    rows.append(_row(case, backend, data, small, seen))
        if rows:
            print(machine_line())
            header = [
                "file",
                "backend",
                "data (MB)",
                "base (MB)",
                "peak",
                "peak in worker",
                "standing",
                "in use",
            ]
            header[4:4] = ["views"]
            header += ["closed", "undone, peak", "new session", "(peak - views) / data", f"≤ {LIMIT}"]
            table(rows, header)
            print('\nFrom "peak" on: MB above the base.\n', flush=True)
        rows = []
        for name in cycles:
            with tempfile.TemporaryDirectory() as folder:
                found = cycle(name, Path(folder), CYCLES)
            out[f"cycles, {name}"] = found
            rows.append(_cycle_row(name, found))
        if rows:
            table(
                rows,
                ["200 times open, look, close", "first (MB)", "after 50", "after 200", "kB a cycle", "left"],
            )
    return out


def _row(case: str, backend: str, data: int, small: int, seen: dict[str, list[Footprint]]) -> list[str]:
    base = seen["base"][1].total
    fixed = max(0, seen["small"][1].total - small - base)

    def above(phase: str, which: int) -> float:
        return (seen[phase][which].total - base) / MB

    peak = max(above(p, 0) for p in ("open", "rest", "use"))
    ratio = (peak * MB - fixed) / data if data else peak
    worker = max((seen[p][0].workers for p in ("open", "rest", "use")), default=0) - seen["base"][1].workers
    figures = [
        fixed / MB,
        peak,
        worker / MB,
        above("rest", 1),
        above("use", 0),
        above("close", 1),
        above("undo", 0),
    ]
    good = ratio <= (LIMIT if data else INDEX_LIMIT_MB)
    verdict = f"{ratio:.2f}" if data else f"{peak:.0f} MB"
    texts = [f"{f:.0f}" for f in (*figures, above("new session", 1))]
    return [case, backend, f"{data / MB:.0f}", f"{base / MB:.0f}", *texts, verdict, "yes" if good else "no"]


def _cycle_row(name: str, found: dict[str, Any]) -> list[str]:
    held = found["memory"]
    last = found["counts"][-1]
    grown = {k: last[k] - found["counts"][WARM][k] for k in last if k != "python objects"}
    left = ", ".join(f"{v:+d} {k}" for k, v in grown.items() if v > 0) or "nothing"
    figures = [held[0], held[min(WARM, len(held) - 1)], held[-1]]
    return [name, *(f"{f / MB:.0f}" for f in figures), f"{found['slope'] / 1e3:.0f}", left]


# -- the parent: the program and its memory ---------------------------------------------------------------------


@contextlib.contextmanager
def _program(arguments: list[str], environment: dict[str, str]) -> Iterator[tuple[Any, Callable[[], str]]]:
    """The driven program; it prints a line before and after each phase and waits for one on its input."""
    with tempfile.TemporaryDirectory() as settings:
        inherited = {k: v for k, v in os.environ.items() if k != "WAYLAND_DISPLAY"}
        own = {"EQUISCOPE_CONFIG": settings, "EQUISCOPE_STATE": settings, "TMPDIR": settings}
        with subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.bench_memory", *arguments],
            cwd=ROOT,
            env={**inherited, **own, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None

            def said() -> str:
                """The next line that is for us."""
                for line in process.stdout:  # type: ignore[union-attr]
                    if line.startswith("@"):
                        return line[1:].strip()
                raise RuntimeError(f"the program ended: {process.wait()}")

            try:
                yield process, said
            finally:
                process.kill()


def _go_on(process: Any) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def _peaks(case: str, folder: str, backend: str, screen: dict[str, str]) -> dict[str, list[Footprint]]:
    """Peak and last figure of each phase."""
    print(f"{backend}: {case}", file=sys.stderr, flush=True)
    environment = {"EQUISCOPE_VIEWPORT": backend, **(screen if backend == "gl" else _OFFSCREEN)}
    out: dict[str, list[Footprint]] = {}
    with _program(["--peaks", case, folder], environment) as (process, said):
        watcher = Watcher(process.pid)
        for phase in ("small", "base", *PHASES):
            line = said()
            assert line == phase, line
            out[phase] = list(watcher.end())
            print(f"  {phase}: {[round(f.total / MB) for f in out[phase]]}", file=sys.stderr, flush=True)
            watcher.begin()
            _go_on(process)
        watcher.stop()
    return out


_OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}


def cycle(name: str, folder: Path, count: int) -> dict[str, Any]:
    """`count` times open and close: bytes after each, counted objects after each, and the slope of the bytes."""
    print(f"cycles: {name}", file=sys.stderr, flush=True)
    for path in CYCLE_CASES[name]:
        if not path.startswith("sample:"):
            write(path, folder)
    memory, counts = [], []
    environment = {"EQUISCOPE_VIEWPORT": "image", **_OFFSCREEN}
    with _program(["--cycles", name, str(folder), str(count)], environment) as (process, said):
        watcher = Watcher(process.pid, 0.5)
        for _ in range(count):
            counts.append(json.loads(said()))
            memory.append(watcher.end()[1].total)
            _go_on(process)
        watcher.stop()
    tail = memory[WARM if count > 2 * WARM else count // 4 :]
    slope = float(np.polyfit(np.arange(len(tail)), tail, 1)[0])
    return {"memory": memory, "counts": counts, "slope": slope}


# -- the program that is driven ---------------------------------------------------------------------------------


def _tell(text: str) -> None:
    print(f"@{text}", flush=True)
    sys.stdin.readline()


def drive_peaks(case: str, folder: Path) -> None:
    """Open, look, close, undo, close, new session; one line after each."""
    from tests.benchmarks.bench_stalls import _Steps
    from tests.benchmarks.drive_ours import Driven

    driven = Driven(canvas=None)
    driven.window.resize(1400, 900)
    driven.spin(2.0)
    workbench = driven.workbench

    def use(steps: Any) -> None:
        if driven.grid.isVisible():
            steps.scroll()
            steps.turn()

    # A small file of the kind has been looked at: whatever that loads is there, and belongs to the base.
    small = _Steps(driven, str(folder / f"small-{CASES[case][0]}"))
    small.open()
    use(small)
    _tell("small")
    small.close()
    workbench.new_session()
    driven.spin(7.0)
    _tell("base")
    steps = _Steps(driven, str(folder / CASES[case][0]))
    steps.open()
    _tell("open")
    driven.spin(3.0)
    _tell("rest")
    use(steps)
    _tell("use")
    steps.close()
    driven.spin(7.0)
    _tell("close")
    driven.window.items.undo()
    driven.until(lambda: len(workbench.document) > 0 and not workbench.busy, 300)
    driven.settled()
    _tell("undo")
    steps.close()
    driven.spin(7.0)
    _tell("close again")
    workbench.new_session()
    driven.spin(7.0)
    _tell("new session")


def drive_cycles(name: str, folder: Path, count: int) -> None:
    """Open and close `count` times; the counts after each."""
    from PySide6.QtCore import QCoreApplication, QEvent

    from tests.benchmarks.drive_ours import Driven

    driven = Driven(canvas=None)
    driven.window.resize(1400, 900)
    driven.spin(1.0)
    workbench = driven.workbench
    paths = [p if p.startswith("sample:") else str(folder / p) for p in CYCLE_CASES[name]]
    for _ in range(count):
        workbench.open_paths(paths)
        driven.until(lambda: not workbench.busy)
        driven.settled()
        if name == "result":
            _run_analysis(driven)
        workbench.document.remove(*[i.id for i in workbench.document if i.parent is None])
        driven.settled()
        driven.spin(0.3)
        # A running event loop deletes what was told to go; the driver's own loop is none in Qt's eyes.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        _tell(json.dumps(counted(workbench)))


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


# -- the files --------------------------------------------------------------------------------------------------


def write(name: str, folder: Path) -> int:
    """One file, a small one where its name begins with "small"; the bytes that it is once open (0: an index)."""
    path, small = folder / name, name.startswith("small-")
    if name.endswith((".nii", ".nii.gz")):
        return _write_volume(
            path, np.dtype(np.int16 if "int16" in name else np.float32), (64, 80, 64) if small else GRID
        )
    if name.endswith(".ply"):
        return _write_cloud(path, POINTS // (20 if name.startswith("small-few") else 5) if small else POINTS)
    from safetensors.numpy import save_file

    block = np.random.default_rng(0).normal(size=(1024, 1024)).astype(np.float32)
    count = 4 if small else 256
    save_file({f"blocks.{k // 4}.{'qkvo'[k % 4]}.weight": block for k in range(count)}, path)
    return 0


def _write_volume(path: Path, dtype: np.dtype[Any], grid: tuple[int, int, int]) -> int:
    import nibabel

    header = nibabel.Nifti1Header()  # type: ignore[attr-defined]
    header.set_data_dtype(dtype)
    header.set_data_shape(grid)
    header.set_sform(np.diag([0.4, 0.4, 0.4, 1.0]), 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    if dtype.kind == "i":
        header.set_slope_inter(0.5, -3.0)
    rng = np.random.default_rng(0)
    i, j = np.ogrid[: grid[0], : grid[1]]
    noise = rng.integers(0, 40, grid[:2])
    opened: Any = gzip.open(path, "wb", 1) if path.suffix == ".gz" else open(path, "wb")
    with opened as file:
        file.write(header.binaryblock + b"\0\0\0\0")
        for k in range(grid[2]):
            places = zip((i, j, k), grid, strict=True)
            r = np.sqrt(sum((2.5 * (at / n - 0.5)) ** 2 for at, n in places))
            plane = np.round(3000 / (1 + np.exp(np.minimum(20 * (r - 1), 50)))) + noise
            file.write(plane.astype(dtype).tobytes(order="F"))
    return int(np.prod(grid)) * 4


def _write_cloud(path: Path, count: int) -> int:
    rows = np.empty(count, dtype=[("xyz", "<f4", 3), ("rgb", "u1", 3)])
    rng = np.random.default_rng(0)
    rows["xyz"] = rng.normal(size=(count, 3)) * (1, 1, 0.2)
    rows["rgb"] = rng.integers(0, 256, (count, 3))
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n"
    header += "".join(f"property float {a}\n" for a in "xyz")
    header += "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    path.write_bytes(f"{header}end_header\n".encode() + rows.tobytes())
    return count * 15


if __name__ == "__main__":
    if sys.argv[1:2] in (["--peaks"], ["--cycles"]):
        try:
            if sys.argv[1] == "--peaks":
                drive_peaks(sys.argv[2], Path(sys.argv[3]))
            else:
                drive_cycles(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
            os._exit(0)
        except Exception:  # the program's own hook would put it on a card
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    main(sys.argv[1:] or None)
