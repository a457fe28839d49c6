"""What a measured program carries: CPU time of itself and its workers, wall time, memory, by name. Standard library
only, for it also runs in the peer's environment."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Meter:
    """Figures by name: `stage` times a block, `told` prints everything as one line of JSON.

    `pids` gives the worker processes, whose CPU time and own memory are counted too.
    """

    def __init__(self, pids: Callable[[], Iterable[int]] = tuple) -> None:
        self._pids = pids
        self.figures: dict[str, dict[str, float]] = {}
        self.facts: dict[str, str] = {}

    def cpu(self) -> float:
        """User and system seconds of this process and its workers so far."""
        return time.process_time() + sum(map(_cpu_of, self._pids()))

    def since_start(self, name: str) -> None:
        """Everything since this process began."""
        self.figures[name] = {"cpu": self.cpu(), "wall": time.time() - _process_start()}

    @contextmanager
    def stage(self, name: str, repeats: int = 1) -> Iterator[None]:
        """Time a block that does its work `repeats` times; the figures are for one."""
        cpu, wall = self.cpu(), time.perf_counter()
        yield
        self.figures[name] = {
            "cpu": (self.cpu() - cpu) / repeats,
            "wall": (time.perf_counter() - wall) / repeats,
        }

    def memory(self, name: str) -> None:
        """Peak resident memory of this process and, added, what its workers hold for themselves now (MB)."""
        peak = _status("self", "VmHWM")
        self.figures[name] = {"memory": peak + sum(_status(str(p), "RssAnon") for p in self._pids())}

    def told(self) -> None:
        """Print what was measured; the last line of the program's output."""
        print(json.dumps({"figures": self.figures, "facts": self.facts}), flush=True)


def _cpu_of(pid: int) -> float:
    """CPU seconds of another process by its own clock (Linux numbers it from the process id); 0 once it has ended."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _status(pid: str, field: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith(field)), 0.0)


def _process_start() -> float:
    """Seconds since the epoch at which this process began."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
