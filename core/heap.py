"""The C heap: what has been freed goes back to the system only where somebody asks for it."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


@cache
def _trimmer() -> Any:
    """glibc's `malloc_trim`; None elsewhere, where free pages return by themselves or not at all."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_int
    return found


def trim() -> None:
    """Give the free pages of all arenas back. Takes milliseconds and Python's lock is not held meanwhile."""
    found = _trimmer()
    if found is not None:
        found(0)
