"""What memory the machine has left, and who of the workers takes it: a reader must not take the machine down.

There is no fixed ceiling: a large file may need all that is there. But where the kernel would begin to swap or to
kill whatever it likes, the worker that takes most is ended, and its job says so.
"""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUPS = (
    # what the group may use, what it uses, and how much of that are files that can be dropped
    (
        Path("/sys/fs/cgroup/memory.max"),
        Path("/sys/fs/cgroup/memory.current"),
        Path("/sys/fs/cgroup/memory.stat"),
    ),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.stat"),
    ),
)
LEAST, SHARE, MOST = 256 << 20, 0.04, 2 << 30
"""Of what is kept free: at least so many bytes, so much of the machine, at most so many bytes."""


def left() -> int | None:
    """Bytes that can be taken without harm, by this container's limit too; None where nothing tells."""
    found = [n for n in (_available("MemAvailable"), *(_group_left(*g) for g in _GROUPS)) if n is not None]
    return min(found) if found else None


@functools.cache
def reserve() -> int:
    """Bytes that have to stay free."""
    total = _available("MemTotal") or 0
    return int(min(MOST, max(LEAST, SHARE * total)))


def resident(pid: int) -> int:
    """Bytes of its own that a process holds; 0 where nothing tells. Memory that it shares with others does not count."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        import resource

        words = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        return (int(words[1]) - int(words[2])) * resource.getpagesize()
    return 0


def _available(key: str) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return None


def _group_left(limit: Path, used: Path, stat: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        most, now = int(limit.read_text()), int(used.read_text())  # "max" is no number: no limit
        if most >= 1 << 60:
            return None
        for line in stat.read_text().splitlines():
            if line.startswith("inactive_file "):
                now -= int(line.split()[1])
        return max(0, most - now)
    return None
