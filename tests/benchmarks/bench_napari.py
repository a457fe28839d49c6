"""Equiscope beside napari 0.9 and bare PySide6 + VTK: start, volume, slice steps, points, memory.

How it is measured. Four programs take turns, each in a fresh process per job, on one virtual X server with Mesa's
software GL: Equiscope (whole program; on its `image` backend, which it chooses on software GL, and on `gl`), napari
in an environment of its own, and `drive_bare.py`, the shortest script that shows the same. The 750×600 canvas is the
same for all. CPU time is that of the process and its workers, user and system, without the X server's; wall time is
printed beside it, but says little on a busy machine. A job counts as done when its picture is drawn and painted;
how each program is asked is written in its `drive_*.py`. Figures are medians over the rounds.

How to read it. "ours" is the image backend; a ratio below one means that ours takes less. The goals are of CPU time:
0.4 of napari's start, a tenth of its volume, a third of its slice step, a tenth of its points, and at most 1.2 of
bare PySide6 + VTK. Where the work is not the same:

- "painted window": ours has its docks and menus, but VTK is loaded only after that; "everything loaded" has it, the
  worker process and the descriptions of all analyses. napari's and the bare window have all they will have when they
  paint first.
- "add volume": an array in memory. napari shows one slice, the bare script three and ours three; "all views" adds
  the ray-cast 3-D view, which napari does not draw (its figure stays that of its slice). "open file" is the same
  volume from an uncompressed file: ours reads NIfTI in a worker process, napari and the bare script a `.npy`.
- "first show" is the first picture, which in ours may hold a sample of the points; "settled" is from the same start
  until all that will be drawn stands there. The others have only one picture.
- "frame while turning": ours draws as many points as keep it fluid and all when the hand rests ("all drawn"; on
  software GL at most two million, which is said on the picture); napari and the bare script draw all of them always.
  napari's points are set to its cheapest look: small, flat, no border.
- Memory is the peak of the window's process plus what its workers hold for themselves. NumPy arrays of the job
  (134 MB of volume, 12 or 120 MB of points) are in all of them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import ROOT, run, table

PEER = Path("out") / "peer-napari"
PACKAGES = ("napari>=0.9,<0.10", "PySide6>=6.8,<6.12")
ROUNDS = 3
SIDES = ("ours", "gl", "napari", "bare")
JOBS = ("volume", "file", "points1", "points10")
ONCE = {("napari", "points10")}
"""Takes minutes on software GL: done in the first round only."""
MEMORY = "peak memory"
GOALS = {
    "painted window": 0.4,
    "add volume, first slice": 0.1,
    "slice step": 1 / 3,
    "1 M points, first show": 0.1,
    "1 M points, frame while turning": 0.1,
    "10 M points, first show": 0.1,
    "10 M points, frame while turning": 0.1,
}
BARE_GOAL = 1.2
NOT_THE_SAME = ("everything loaded",)
"""No goal beside the bare window, which has nothing of it."""
ROWS = (
    "painted window",
    "everything loaded",
    "add volume, first slice",
    "add volume, all views",
    "open file, first slice",
    "slice step",
    "1 M points, first show",
    "1 M points, settled",
    "1 M points, frame while turning",
    "1 M points, all drawn",
    "10 M points, first show",
    "10 M points, settled",
    "10 M points, frame while turning",
    "10 M points, all drawn",
    "peak memory, volume",
    "peak memory, 1 M points",
    "peak memory, 10 M points",
)
_DATA = """
import sys, numpy as np, nibabel
folder = sys.argv[1]
# A ball with a soft edge and noise: neither constant nor pure noise.
i, j, k = np.ogrid[:256, :512, :512]
r = np.sqrt(((i - 128) / 100.0) ** 2 + ((j - 256) / 200.0) ** 2 + ((k - 256) / 200.0) ** 2)
rng = np.random.default_rng(0)
a = np.clip(3000 / (1 + np.exp(20 * (r - 1))) + rng.normal(0, 40, r.shape), 0, 4095).astype(np.uint16)
np.save(folder + "/volume.npy", a)
nibabel.save(nibabel.Nifti1Image(a, np.diag([1.0, 0.5, 0.5, 1.0])), folder + "/volume.nii")
for millions in (1, 10):
    points = rng.normal(size=(millions * 1_000_000, 3)).astype("f4")
    points[:, 2] *= 0.2
    np.save(f"{folder}/points{millions}.npy", points)
"""


def main() -> dict[str, Any]:
    """Run all rounds and print the table; without napari, the same table without it."""
    sides = list(SIDES)
    why = _prepare_peer()
    if why:
        print(f"napari is left out: {why}")
        sides.remove("napari")
    found: dict[str, dict[str, list[dict[str, float]]]] = {side: {} for side in sides}
    facts: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder, virtual_screen() as screen:
        # In a process of its own: peak memory is inherited by what this one starts.
        subprocess.run([sys.executable, "-c", _DATA, folder], check=True)
        for turn in range(ROUNDS):
            for job in JOBS:
                for side in sides:
                    if turn and (side, job) in ONCE:
                        continue
                    print(f"round {turn + 1} of {ROUNDS}: {side}, {job}", file=sys.stderr, flush=True)
                    told = _measure(side, job, folder, screen)
                    facts.setdefault(side, {}).update({k: v for k, v in told["facts"].items() if v})
                    for name, figure in told["figures"].items():
                        if name == MEMORY and job == "file":
                            continue
                        found[side].setdefault(_row(name, job), []).append(figure)
    _report(sides, found, facts)
    return {"figures": found, "facts": facts}


def _row(name: str, job: str) -> str:
    if name != MEMORY:
        return name
    return f"{MEMORY}, volume" if job == "volume" else f"{MEMORY}, {job.removeprefix('points')} M points"


def _measure(side: str, job: str, folder: str, screen: dict[str, str]) -> dict[str, Any]:
    program = {"napari": "drive_napari", "bare": "drive_bare"}.get(side, "drive_ours")
    python = str(_python()) if side == "napari" else sys.executable
    file = f"{folder}/{job}.npy"
    if job in ("volume", "file"):
        file = f"{folder}/volume.{'nii' if job == 'file' and side in ('ours', 'gl') else 'npy'}"
    environment = {
        **screen,
        "EQUISCOPE_VIEWPORT": "gl" if side == "gl" else "image",
        "EQUISCOPE_CONFIG": folder,
        "EQUISCOPE_STATE": folder,
        "NAPARI_CONFIG": f"{folder}/napari.yaml",
        "PYTHONWARNINGS": "ignore",
    }
    command = [python, "-m", f"tests.benchmarks.{program}", job, file]
    # PyOpenGL, which napari uses, would look for GL at Wayland where this is as much as set.
    output = run(command, environment, without=["WAYLAND_DISPLAY"] if screen else ()).output
    line = next(m for m in reversed(output.strip().splitlines()) if m.startswith('{"figures"'))
    told: dict[str, Any] = json.loads(line)
    return told


def _report(sides: list[str], found: dict[str, Any], facts: dict[str, dict[str, str]]) -> None:
    cells = []
    for name in ROWS:
        memory = name.startswith(MEMORY)
        what = "memory" if memory else "cpu"
        middle = {
            side: statistics.median(f[what] for f in found[side][name])
            for side in sides
            if name in found[side]
        }
        walls = "" if memory else _seconds(statistics.median(f["wall"] for f in found["ours"][name]))
        row = [name]
        for side in SIDES:
            value = middle.get(side)
            row.append("–" if value is None else f"{value:.0f} MB" if memory else _seconds(value))
        goals = {"napari": GOALS.get(name), "bare": None if memory or name in NOT_THE_SAME else BARE_GOAL}
        row += [_ratio(middle, other, goals[other]) for other in ("napari", "bare")]
        cells.append([*row, walls])
    print()
    for side in sides:
        print(f"- {side}: " + ", ".join(f"{k} {v}" for k, v in sorted(facts[side].items())))
    print()
    table(
        cells,
        [
            "CPU time",
            "ours (image)",
            "ours (gl)",
            "napari",
            "bare PySide6 + VTK",
            "ours / napari (goal)",
            "ours / bare (goal)",
            "ours, wall",
        ],
    )


def _ratio(middle: dict[str, float], other: str, goal: float | None) -> str:
    if other not in middle:
        return "–"
    ratio = middle["ours"] / middle[other]
    if goal is None:
        return f"{ratio:.2g}"
    return f"{ratio:.2g} ({goal:.2g}{'' if ratio <= goal else ', missed'})"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.1f} ms"


def _python() -> Path:
    return ROOT / PEER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _prepare_peer() -> str:
    """Make napari's environment if it is not there; "" or why it cannot be."""
    python = _python()
    if not python.exists():
        print(f"Making napari's environment in {PEER} (once; about 1 GB)", flush=True)
        steps = (
            [sys.executable, "-m", "venv", str(ROOT / PEER)],
            [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES],
        )
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True)
            if done.returncode:
                shutil.rmtree(ROOT / PEER, ignore_errors=True)
                lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
                return f"its environment could not be made ({lines[-1]})."
    done = subprocess.run(
        [str(python), "-c", "import napari; print(napari.__version__)"], capture_output=True, text=True
    )
    if not re.match(r"0\.9\.", done.stdout):
        return f"{PEER} holds no napari 0.9; delete that folder to have it made anew."
    return ""


@contextmanager
def virtual_screen() -> Iterator[dict[str, str]]:
    """A virtual X server for all programs alike; the desktop's own where there is no Xvfb."""
    if shutil.which("Xvfb") is None:
        yield {}
        return
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        try:
            yield {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
