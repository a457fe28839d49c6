"""What undo costs: the arrays that edits hold and nothing that is open does, each counted once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from core.data import encode

Footprint = dict[tuple[int, int], int]
"""Bytes by (address, bytes) of the memory that arrays take."""
_known: WeakKeyDictionary[Any, Footprint] = WeakKeyDictionary()


def footprint(data: Any) -> Footprint:
    """The memory of the arrays in a data object; remembered with it, since data never change."""
    if data is None:
        return {}
    try:
        found = _known.get(data)
        if found is None:
            found = {}
            for array in encode(data)[1]:
                found[(array.__array_interface__["data"][0], array.nbytes)] = array.nbytes
            _known[data] = found
    except TypeError:  # nothing that could be written either, and no more is known of it
        return {}
    return found


def kept_from(
    steps: Iterable[list[Any]], open_data: Iterable[Any], always: Iterable[Any], budget: int
) -> int:
    """How many steps may stay, the newest first, so that all together they hold at most `budget` bytes.

    Parameters
    ----------
    steps : of each step, the newest first, the data that it holds.
    open_data : what is open: it costs nothing to hold it, too.
    always : what is held anyway (steps that can be redone); it counts.

    The newest step always stays; where it alone holds more than the budget, those before it stay that add nothing.
    """
    free: set[tuple[int, int]] = set()
    for data in open_data:
        free.update(footprint(data))
    counted: set[tuple[int, int]] = set()
    total = 0

    def add(several: Iterable[Any]) -> None:
        nonlocal total
        for data in several:
            for key, size in footprint(data).items():
                if key not in free and key not in counted:
                    counted.add(key)
                    total += size

    add(always)
    kept = 0
    for step in steps:
        add(step)
        if kept == 0:
            budget = max(budget, total)
        elif total > budget:
            break
        kept += 1
    return kept


def held_bytes(steps: Iterable[list[Any]], open_data: Iterable[Any]) -> int:
    """Bytes that steps hold and nothing that is open does."""
    free: set[tuple[int, int]] = set()
    for data in open_data:
        free.update(footprint(data))
    held: Footprint = {}
    for step in steps:
        for data in step:
            held.update(footprint(data))
    return sum(size for key, size in held.items() if key not in free)


def default_budget() -> int:
    """A quarter of this machine's memory, at most 8 GB."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        whole = 0
    return min(whole // 4, 8 * 2**30) if whole > 0 else 2**31
