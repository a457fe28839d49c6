"""To a painted window, and to the first slice of a 256×512×512 volume, against bare PySide6 + VTK.

Both sides draw off screen (`QT_QPA_PLATFORM=offscreen`, VTK on EGL) at 1600×1000 and are run in turn. Ours is the
whole program: docks, menus, plugins, a worker process that reads the NIfTI; the peer (`peer_window.py`) is a main
window with four render windows that loads the array itself. CPU counts all processes. Peak memory is the window
process's own; the worker's is given beside it by the kernel only as the larger of the two.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.measure import Usage, interleaved, median, run, table

ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen", "EQUISCOPE_VIEWPORT": "image"}


def main() -> dict[str, Any]:
    """Run both cases and print the table of medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        array = (np.random.default_rng(0).random((256, 512, 512)) * 4000).astype(np.uint16)
        np.save(Path(folder) / "volume.npy", array)
        import nibabel

        affine = np.diag([1.0, 0.5, 0.5, 1.0])
        nibabel.save(nibabel.Nifti1Image(array, affine), Path(folder) / "volume.nii")
        environment = {**ENVIRONMENT, "EQUISCOPE_CONFIG": folder}
        app = [sys.executable, "-m", "app", "--quit-after-start"]
        peer = [sys.executable, "tests/benchmarks/peer_window.py"]

        def ours(*files: str) -> Usage:
            return run([*app, *files], environment)

        def theirs(*files: str) -> Usage:
            return run([*peer, *files], environment)

        cases = {
            "painted window": ((), ("window",)),
            "first slice, 256×512×512": (
                (str(Path(folder) / "volume.nii"),),
                (str(Path(folder) / "volume.npy"),),
            ),
        }
        out: dict[str, Any] = {}
        rows = []
        for case, (own, other) in cases.items():
            runs = interleaved(
                {"ours": lambda own=own: ours(*own), "peer": lambda other=other: theirs(*other)}
            )  # type: ignore[misc]
            for what, unit in (("cpu", "s"), ("wall", "s"), ("memory", "MiB")):
                a, b = median(runs["ours"], what), median(runs["peer"], what)
                out[f"{case}, {what}"] = {"ours": a, "peer": b, "ratio": a / b}
                rows.append([case, f"{what} ({unit})", f"{a:.2f}", f"{b:.2f}", f"{a / b:.2f}"])
        table(rows, ["case", "figure", "Equiscope", "bare PySide6 + VTK", "ratio"])
    return out
