"""The C heap: what has been freed goes back to the system only where somebody asks for it."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of `mallopt` (malloc.h of the GNU C library)."""
_ALONE = 12 << 20
"""Bytes from which a block is a mapping of its own. glibc would raise this to 32 MB by itself, and blocks of 20 MB (a
volume's copy, two million points) would leave holes in the heap that are never given back."""
_KEPT = 64 << 20


@cache
def _library() -> Any:
    """The GNU C library; None elsewhere, where free pages return by themselves or not at all."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        found = ctypes.CDLL(None)
        found.malloc_trim.argtypes = [ctypes.c_size_t]
        found.mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    except (OSError, AttributeError):
        return None
    return found


def tune() -> None:
    """Let large blocks return to the system as soon as they are freed. Once, at the start of a process."""
    library = _library()
    if library is not None:
        library.mallopt(_M_MMAP_THRESHOLD, _ALONE)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def trim() -> None:
    """Give the free pages of all arenas back. Takes milliseconds, in which Python's lock is free."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)
