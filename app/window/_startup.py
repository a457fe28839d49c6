"""Milestones of the start, in milliseconds since the process began."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TextIO


class Milestones:
    """Named moments; `report` prints each as it is reached, with the CPU seconds and peak memory so far.

    `pids` gives the worker processes, whose CPU time is counted too.
    """

    ORDER = ("imports done", "window constructed", "window painted", "viewports ready", "worker ready")

    SLICE = "first slice"
    """Only where files were given: a slice view shows one of them."""

    def __init__(
        self,
        report: bool = False,
        stream: TextIO | None = None,
        pids: Callable[[], list[int]] = lambda: [],
    ) -> None:
        self._pids = pids
        self._begin = process_start()
        self._report = report
        self._stream = stream
        self.reached: dict[str, float] = {}

    def mark(self, name: str) -> None:
        """Remember (once) that `name` has happened now."""
        if name in self.reached:
            return
        self.reached[name] = (time.time() - self._begin) * 1000
        if self._report:
            stream = self._stream or sys.stdout
            cpu = sum(os.times()[:2]) + sum(map(cpu_seconds, self._pids()))
            line = (
                f"{name}: {self.reached[name]:.0f} ms (CPU {cpu:.2f} s, peak memory {peak_memory():.0f} MB)"
            )
            print(line, file=stream, flush=True)

    @property
    def complete(self) -> bool:
        """Whether all milestones have been reached."""
        return all(name in self.reached for name in self.ORDER)


def cpu_seconds(pid: int) -> float:
    """CPU time of another process so far; 0 where the system does not say."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def peak_memory() -> float:
    """This process's peak resident memory in MB; 0 where the system does not say."""
    try:
        with open("/proc/self/status", "rb") as file:
            return next(int(line.split()[1]) / 1000 for line in file if line.startswith(b"VmHWM"))
    except (OSError, ValueError, StopIteration):
        return 0.0


def process_start() -> float:
    """Seconds since the epoch at which this process began; now, where the system does not say."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        with open("/proc/uptime", "rb") as file:
            uptime = float(file.read().split()[0])
        return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.time() - time.perf_counter() if sys.platform == "win32" else time.time()
