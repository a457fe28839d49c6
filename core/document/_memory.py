"""What undo costs: the arrays that edits hold and nothing that is open does, each counted once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from core.data import Checkpoint
from core.document._edits import Edit

Footprint = dict[tuple[int, int], int]
"""Bytes by (address, bytes) of the memory that arrays take."""
_data: WeakKeyDictionary[Any, Footprint] = WeakKeyDictionary()
_edits: WeakKeyDictionary[Edit, tuple[Footprint, int]] = WeakKeyDictionary()


def footprint(data: Any) -> Footprint:
    """The memory of the arrays in a data object; remembered with it, since data never change."""
    if data is None or isinstance(data, Checkpoint):  # but an index, of perhaps a million names
        return {}
    found = _data.get(data)
    if found is None:
        found = {}
        _collect(data, found)
        _data[data] = found
    return found


def _collect(value: Any, into: Footprint) -> None:
    if isinstance(value, np.ndarray):
        into[(value.__array_interface__["data"][0], value.nbytes)] = value.nbytes
    elif is_dataclass(value):
        for field in fields(value):
            _collect(getattr(value, field.name), into)
    elif isinstance(value, Mapping):
        for part in value.values():
            _collect(part, into)
    elif isinstance(value, (list, tuple)) and not (value and isinstance(value[0], (str, int, float))):
        for part in value:
            _collect(part, into)


def _held(edit: Edit) -> tuple[Footprint, int]:
    """The memory that an edit holds, and how much that is if nothing else holds it."""
    found = _edits.get(edit)
    if found is None:
        memory: Footprint = {}
        for data in edit.held:
            memory.update(footprint(data))
        found = memory, sum(memory.values())
        _edits[edit] = found
    return found


def _open(items: Iterable[Any]) -> set[tuple[int, int]]:
    return {key for data in items for key in footprint(data)}


def kept_from(steps: Sequence[Edit], always: Sequence[Edit], open_data: Iterable[Any], budget: int) -> int:
    """How many of `steps`, the newest first, may stay, so that all hold at most `budget` bytes beside what is open.

    `always` are held anyway (what can be redone), and count. The newest step always stays; where it alone holds more
    than the budget, those before it stay that add nothing.
    """
    if sum(_held(edit)[1] for edit in (*steps, *always)) <= budget:
        return len(steps)
    counted = _open(open_data)
    total = 0

    def add(edit: Edit) -> None:
        nonlocal total
        for key, size in _held(edit)[0].items():
            if key not in counted:
                counted.add(key)
                total += size

    for edit in always:
        add(edit)
    for kept, edit in enumerate(steps):
        add(edit)
        if kept == 0:
            budget = max(budget, total)
        elif total > budget:
            return kept
    return len(steps)


def held_bytes(edits: Iterable[Edit], open_data: Iterable[Any]) -> int:
    """Bytes that edits hold and nothing that is open does."""
    free = _open(open_data)
    held: Footprint = {}
    for edit in edits:
        held.update(_held(edit)[0])
    return sum(size for key, size in held.items() if key not in free)


def default_budget() -> int:
    """A quarter of this machine's memory, at most 8 GB."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        whole = 0
    return min(whole // 4, 8 * 2**30) if whole > 0 else 2**31
