"""Batches: cases a second with one and two workers, beside a plain loop, single `run`s, and a plain map on dask.

Every side runs mirror planes on the same small clouds with one thread a case. The loop is one process that calls the
same task for one case after the other: no start-up, no manifest, no fsync, no isolation, so its ratio is what these
cost. `equiscope run` is a process a case, as a shell loop has it. Both dask sides share a scheduler with two
worker processes of one thread; the plain one maps the task itself. "Under way" counts from the first case that is done
to the last, without the start of the program; "whole" is the command from beginning to end; CPU is that of
all its processes, but for a cluster's, which is not its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.drive_batch import ANALYSIS
from tests.benchmarks.measure import ROOT, Usage, interleaved, median, run, table

CASES = 24
ROUNDS = 3
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main() -> dict[str, Any]:
    """Run all sides in turn and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _clouds(folder / "in")
        cluster = _Cluster(folder)
        try:
            return _compare(folder, cluster.address)
        finally:
            cluster.close()


def _compare(folder: Path, address: str) -> dict[str, Any]:
    pace: dict[str, list[float]] = {}
    number = 0

    def fresh() -> str:
        nonlocal number
        number += 1
        return str(folder / f"out{number}")

    def script(side: str, kind: str, *more: str) -> Usage:
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.drive_batch",
            kind,
            str(folder / "in"),
            fresh(),
            *more,
        ]
        usage = run(command, ENVIRONMENT)
        pace.setdefault(side, []).append(float(usage.output.rpartition(":")[2]))
        return usage

    def batch(side: str, *where: str) -> Usage:
        out = fresh()
        words = ["batch", ANALYSIS, str(folder / "in"), "--out", out, "--threads", "1", *where]
        usage = run([sys.executable, "-m", "app", *words], ENVIRONMENT)
        pace.setdefault(side, []).append(_pace(Path(out)))
        return usage

    def single(side: str) -> Usage:
        some = sorted((folder / "in").iterdir())[:4]
        usages = [
            run(
                [sys.executable, "-m", "app", "run", ANALYSIS, str(p), "--out", fresh(), "--threads", "1"],
                ENVIRONMENT,
            )
            for p in some
        ]
        scale = CASES / len(some)  # four stand for all
        wall, cpu = (scale * sum(getattr(u, w) for u in usages) for w in ("wall", "cpu"))
        pace.setdefault(side, []).append(CASES / wall)
        return Usage(wall, cpu, max(u.memory for u in usages), "")

    loop = "loop in one process"
    sides = {
        loop: lambda: script(loop, "loop"),
        "equiscope run, a process a case": lambda: single("equiscope run, a process a case"),
        "batch, 1 worker": lambda: batch("batch, 1 worker", "--workers", "1"),
        "batch, 2 workers": lambda: batch("batch, 2 workers", "--workers", "2"),
        "batch, dask with 2 workers": lambda: batch("batch, dask with 2 workers", "--dask", address),
        "plain map, dask with 2 workers": lambda: script("plain map, dask with 2 workers", "dask", address),
    }
    found = interleaved(sides, ROUNDS)
    rows, out = [], {}
    base = statistics.median(pace[loop][1:])
    base_wall = median(found[loop], "wall")
    for side, runs in found.items():
        under_way, wall = statistics.median(pace[side][1:]), median(runs, "wall")
        out[side] = {"cases a second": under_way, "ratio": under_way / base, "wall": wall}
        rows.append(
            [
                side,
                f"{under_way:.2f}",
                f"{under_way / base:.2f}",
                f"{wall:.1f} s",
                f"{base_wall / wall:.2f}",
                "–" if "dask" in side else f"{median(runs, 'cpu') / CASES:.2f} s",
            ]
        )
    table(
        rows,
        [
            f"{CASES} clouds of 400 points",
            "cases a second, under way",
            "/ loop",
            "whole",
            "loop / whole",
            "CPU a case",
        ],
    )
    return out


def _pace(out: Path) -> float:
    lines = [json.loads(line) for line in (out / "done.jsonl").read_text().splitlines()]
    ends = [line["time"] for line in lines if line.get("state") == "done"]
    assert len(ends) == CASES
    return (len(ends) - 1) / (max(ends) - min(ends))


def _clouds(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for n in range(CASES):
        points = rng.normal(size=(400, 3))
        points[200:] = points[:200] * [-1, 1, 1]
        np.savetxt(folder / f"cloud{n:02d}.xyz", points, fmt="%.5f")


class _Cluster:
    """A scheduler with two workers of one thread on this machine."""

    def __init__(self, folder: Path) -> None:
        file = folder / "scheduler.json"
        environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)}
        common = ["--no-dashboard", "--scheduler-file", str(file)]
        scheduler = ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common]
        worker = ["dask_worker", "--nworkers", "1", "--nthreads", "1", "--no-nanny", *common]
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{words[0]}", *words[1:]],
                env=environment,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for words in (scheduler, worker, worker)
        ]
        while True:
            try:
                self.address = str(json.loads(file.read_text())["address"])
                break
            except (OSError, ValueError):
                time.sleep(0.1)
        time.sleep(3)  # until both workers are there

    def close(self) -> None:
        for process in self._processes:  # a worker without a scheduler would wait for one
            process.kill()
        for process in self._processes:
            process.wait()
