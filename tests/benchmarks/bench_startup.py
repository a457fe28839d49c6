"""To a painted window, and to the first slice of a 256×512×512 volume, against bare PySide6 + VTK.

Both sides draw off screen (`QT_QPA_PLATFORM=offscreen`, VTK on EGL) at 1600×1000 and are run in turn; each prints
its own milestone (time since the process began, CPU seconds, peak memory). Ours is the whole program: docks, menus,
plugins, and a worker process that reads an uncompressed NIfTI and whose CPU time is counted; the peer
(`peer_window.py`) is a main window with four render windows that loads a NumPy file itself. Our first paint comes
before VTK is loaded (that follows at once), the peer's after its views are drawn: that is the design, and the reason
for the first ratio; the second has VTK on both sides. Peak memory is that of the
process that owns the window: the volume lies in shared memory on our side, in a file's pages on the peer's.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from tests.benchmarks.measure import run, table

ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen", "EQUISCOPE_VIEWPORT": "image"}
ROUNDS = 7
FIGURES = {"cpu": "CPU (s)", "wall": "wall (s)", "memory": "memory (MB)"}
_LINE = re.compile(
    r"^(?P<name>[a-z ]+): (?P<wall>\d+) ms \(CPU (?P<cpu>[\d.]+) s, peak memory (?P<memory>\d+) MB\)", re.M
)
_VOLUME = """
import sys, numpy as np, nibabel
# A ball with a soft edge and noise: neither constant nor pure noise.
i, j, k = np.ogrid[:256, :512, :512]
r = np.sqrt(((i - 128) / 100.0) ** 2 + ((j - 256) / 200.0) ** 2 + ((k - 256) / 200.0) ** 2)
noise = np.random.default_rng(0).normal(0, 40, r.shape)
a = np.clip(3000 / (1 + np.exp(20 * (r - 1))) + noise, 0, 4095).astype(np.uint16)
np.save(sys.argv[1] + "/volume.npy", a)
nibabel.save(nibabel.Nifti1Image(a, np.diag([1.0, 0.5, 0.5, 1.0])), sys.argv[1] + "/volume.nii")
"""


def main() -> dict[str, Any]:
    """Run both cases and print the table of medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: peak memory is inherited by what this one starts.
        subprocess.run([sys.executable, "-c", _VOLUME, folder], check=True)
        environment = {**ENVIRONMENT, "EQUISCOPE_CONFIG": folder, "EQUISCOPE_STATE": folder}
        app = [sys.executable, "-m", "app", "--report-startup", "--quit-after-start"]
        peer = [sys.executable, "tests/benchmarks/peer_window.py"]
        cases = {
            "window painted": ([*app], [*peer, "window"]),
            "first slice": ([*app, f"{folder}/volume.nii"], [*peer, f"{folder}/volume.npy"]),
        }
        out: dict[str, Any] = {}
        rows = []
        for case, commands in cases.items():
            found: dict[int, list[dict[str, float]]] = {0: [], 1: []}
            for turn in range(ROUNDS + 1):
                for side, command in enumerate(commands):
                    milestone = _milestone(run(command, environment).output, case)
                    if turn:  # the first round only warms the caches
                        found[side].append(milestone)
            for figure, label in FIGURES.items():
                a, b = (statistics.median(m[figure] for m in found[side]) for side in (0, 1))
                out[f"{case}, {figure}"] = {"ours": a, "peer": b, "ratio": a / b}
                rows.append([case, label, f"{a:.2f}", f"{b:.2f}", f"{a / b:.2f}"])
        table(rows, ["case", "figure", "Equiscope", "bare PySide6 + VTK", "ratio"])
    return out


def _milestone(output: str, name: str) -> dict[str, float]:
    found = next(m for m in _LINE.finditer(output) if m["name"] == name)
    return {"wall": float(found["wall"]) / 1000, "cpu": float(found["cpu"]), "memory": float(found["memory"])}
