"""Memory of a running program seen from outside: its processes and what they pass each other on the RAM disk.

Linux only (`/proc`). A figure is the sum over the program and all that it started of what each holds for itself and
of the files that each has mapped (whole, whoever else maps them: a share would change with what other programs do),
plus shared memory, which counts once: the larger of what lies in the files of `/dev/shm/equiscope-*` and what is
mapped of it (Pss of `smaps_rollup`; a file that has lost its name is still mapped).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHM = Path("/dev/shm")


@dataclass(frozen=True)
class Footprint:
    """Bytes: `own` of the processes, `shared` memory, the part of both in the `workers`."""

    own: int = 0
    shared: int = 0
    workers: int = 0

    @property
    def total(self) -> int:
        """All together."""
        return self.own + self.shared


def footprint(pid: int) -> Footprint:
    """Of a process and its descendants, now."""
    family = list(descendants(pid))
    rolled = {p: _rollup(p) for p in (pid, *family)}
    held = {p: r.get("Pss_Anon", 0) + (_files(p) if r else 0) for p, r in rolled.items()}
    own = sum(held.values())
    mapped = sum(r.get("Pss_Shmem", 0) for r in rolled.values())
    workers = sum(held[p] for p in family)
    return Footprint(own, max(mapped, segments(pid)[1]), workers)


def segments(pid: int) -> tuple[int, int]:
    """Files in the segment folders of a process, and the bytes that they take."""
    count = size = 0
    for folder in SHM.glob(f"equiscope-{pid}-run-*"):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    count += 1
    return count, size


def descendants(pid: int) -> Iterator[int]:
    """Every process that this one started, directly or not, and that still lives."""
    with contextlib.suppress(OSError):
        for task in list(Path(f"/proc/{pid}/task").iterdir()):
            with contextlib.suppress(OSError):
                for child in map(int, (task / "children").read_text().split()):
                    yield child
                    yield from descendants(child)


def _rollup(pid: int) -> dict[str, int]:
    """The figures of `smaps_rollup` in bytes; empty once the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return {}
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}


def _files(pid: int) -> int:
    """Bytes of mapped files that are in memory."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssFile:"):
                return int(line.split()[1]) * 1024
    return 0


class Watcher:
    """Looks at a program all the time; keeps the peak since `begin`."""

    def __init__(self, pid: int, interval: float = 0.03) -> None:
        self._pid, self._interval = pid, interval
        self._lock = threading.Lock()
        self._peak = self.last = Footprint()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="footprint")
        self._thread.start()

    def begin(self) -> None:
        """Forget the peak so far."""
        with self._lock:
            self._peak = Footprint()

    def end(self) -> tuple[Footprint, Footprint]:
        """(peak since `begin`, now)."""
        self._look()
        with self._lock:
            return self._peak, self.last

    def stop(self) -> None:
        """No more."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self._look()

    def _look(self) -> None:
        seen = footprint(self._pid)
        with self._lock:
            self.last = seen
            if seen.total > self._peak.total:
                self._peak = seen


def settle(watcher: Watcher, seconds: float = 1.0) -> None:
    """Time for what is freed in the background."""
    time.sleep(seconds)
    watcher.begin()
