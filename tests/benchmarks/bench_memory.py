"""Memory: what opening, viewing and closing large files takes at most, and what closing gives back.

Each case is the whole program in a process of its own, 1400×900, driven by events; its parent looks at the memory of
the window and all its workers every 30 ms from outside (`footprint`). "base" is the window with
a small file of the same kind open (less its data): everything is loaded, and the views have their buffers, whose size
does not depend on the file. On software OpenGL a cloud is drawn with two million points at most, so the small cloud
has two million. "empty" is the window after that small file was closed. The data are what is open afterwards: an int16 file with a scale is float32 once read, an index of a
checkpoint is no data. The rule: (peak - base) / data at most 1.5, for a checkpoint a few megabytes.

"closed" is after closing the file, which can still be undone; "new session" after File ▸ New session.
"""

from __future__ import annotations

import contextlib
import gzip
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


def main(names: list[str] | None = None) -> dict[str, Any]:
    """Every case, or those of `names` ("float32 .nii"); the table and all figures."""
    out: dict[str, Any] = {}
    rows = []
    with virtual_screen() as screen:
        for case, (file, backends) in CASES.items():
            if names and case not in names:
                continue
            with tempfile.TemporaryDirectory() as folder:
                data = write(file, Path(folder))
                small = write(f"small-{file}", Path(folder))
                for backend in backends:
                    seen = _peaks(case, folder, backend, screen)
                    out[f"{case}, {backend}"] = {p: [s.total / MB for s in v] for p, v in seen.items()}
                    rows.append(_row(case, backend, data, small, seen))
    print(machine_line())
    above = ["peak", "peak in worker", "standing", "closed", "undone, peak", "new session"]
    table(rows, ["file", "backend", "data (MB)", "empty", "base", *above, "peak / data", f"≤ {LIMIT}"])
    print('\nMB; from "peak" on above the base, from "closed" on above the empty window.\n', flush=True)
    return out


def _row(case: str, backend: str, data: int, small: int, seen: dict[str, list[Footprint]]) -> list[str]:
    empty = seen["base"][1].total
    base = max(empty, seen["small"][1].total - small)

    def above(floor: int, phase: str, which: int) -> float:
        return (seen[phase][which].total - floor) / MB

    peak = max(above(base, p, 0) for p in ("open", "rest", "use"))
    worker = max(seen[p][0].workers for p in ("open", "rest", "use")) - seen["base"][1].workers
    figures = [data / MB, empty / MB, base / MB, peak, worker / MB, above(base, "rest", 1)]
    figures += [above(empty, "close", 1), above(empty, "undo", 0), above(empty, "new session", 1)]
    good = peak * MB <= LIMIT * data if data else peak <= INDEX_LIMIT_MB
    verdict = f"{peak * MB / data:.2f}" if data else f"{peak:.0f} MB"
    return [case, backend, *(f"{f:.0f}" for f in figures), verdict, "yes" if good else "no"]


# -- the parent: the program and its memory ---------------------------------------------------------------------


@contextlib.contextmanager
def program(arguments: list[str], environment: dict[str, str]) -> Iterator[tuple[Any, Callable[[], str]]]:
    """The driven program; it prints a line before and after each phase and waits for one on its input."""
    with tempfile.TemporaryDirectory() as settings:
        inherited = {k: v for k, v in os.environ.items() if k != "WAYLAND_DISPLAY"}
        own = {"EQUISCOPE_CONFIG": settings, "EQUISCOPE_STATE": settings, "TMPDIR": settings}
        with subprocess.Popen(
            [sys.executable, "-m", *arguments],
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


def go_on(process: Any) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def _peaks(case: str, folder: str, backend: str, screen: dict[str, str]) -> dict[str, list[Footprint]]:
    """Peak and last figure of each phase."""
    print(f"{backend}: {case}", file=sys.stderr, flush=True)
    environment = {"EQUISCOPE_VIEWPORT": backend, **(screen if backend == "gl" else OFFSCREEN)}
    out: dict[str, list[Footprint]] = {}
    with program(["tests.benchmarks.bench_memory", "--peaks", case, folder], environment) as (process, said):
        watcher = Watcher(process.pid)
        for phase in ("small", "base", *PHASES):
            line = said()
            assert line == phase, line
            out[phase] = list(watcher.end())
            print(f"  {phase}: {[round(f.total / MB) for f in out[phase]]}", file=sys.stderr, flush=True)
            watcher.begin()
            go_on(process)
        watcher.stop()
    return out


OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}


# -- the program that is driven ---------------------------------------------------------------------------------


def tell(text: str) -> None:
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
    tell("small")
    small.close()
    workbench.new_session()
    driven.spin(7.0)
    tell("base")
    steps = _Steps(driven, str(folder / CASES[case][0]))
    steps.open()
    tell("open")
    driven.spin(3.0)
    tell("rest")
    use(steps)
    tell("use")
    steps.close()
    driven.spin(7.0)
    tell("close")
    driven.window.items.undo()
    driven.until(lambda: len(workbench.document) > 0 and not workbench.busy, 300)
    driven.settled()
    tell("undo")
    steps.close()
    driven.spin(7.0)
    tell("close again")
    workbench.new_session()
    driven.spin(7.0)
    tell("new session")


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


def driven(drive: Callable[[], None]) -> None:
    """Run `drive` and end the process at once; a fault is printed (the program's own hook would put it on a card)."""
    try:
        drive()
        os._exit(0)
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peaks"]:
        driven(lambda: drive_peaks(sys.argv[2], Path(sys.argv[3])))
    main(sys.argv[1:] or None)
