"""Data of closed items that their files still hold: let go of, and read again when undo or redo needs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.data import register
from core.document._edits import AddItems, Edit, RemoveItems, Several
from core.document._item import Item, data_bytes

_SAMPLE = "sample:"
"""As in `core.opening`, which stands above this module."""
Direction = Literal["undo", "redo"]


@register
@dataclass(frozen=True, eq=False)
class Parked:
    """Stands in the history for the data of a closed item, `bytes` of them, that its source holds."""

    bytes: int


def brought(edit: Edit, direction: Direction) -> tuple[Item, ...]:
    """The items that come into the document when `edit` is undone or done again."""
    if isinstance(edit, Several):
        return tuple(item for part in edit.edits for item in brought(part, direction))
    if isinstance(edit, AddItems) and direction == "redo":
        return edit.added
    if isinstance(edit, RemoveItems) and direction == "undo":
        return edit.removed
    return ()


def with_items(edit: Edit, change: Callable[[Item], Item]) -> Edit:
    """`edit` with every item that it adds or removes replaced by `change` of it; itself where none differs."""
    if isinstance(edit, Several):
        parts = tuple(with_items(part, change) for part in edit.edits)
        return edit if _same(parts, edit.edits) else replace(edit, edits=parts)
    if isinstance(edit, AddItems):
        items = tuple(map(change, edit.added))
        return edit if _same(items, edit.added) else replace(edit, added=items)
    if isinstance(edit, RemoveItems):
        items = tuple(map(change, edit.removed))
        return edit if _same(items, edit.removed) else replace(edit, removed=items)
    return edit


class Parking:
    """Chooses what is kept: the data that are open, and of closed ones the first `keeps` bytes that it is asked for."""

    def __init__(self, open_items: Iterable[Item], keeps: int) -> None:
        self._open = {id(item.data) for item in open_items}
        self._room = keeps
        self._known: dict[int, Any] = {}

    def __call__(self, item: Item) -> Item:
        """The item as the history keeps it."""
        data = item.data
        if data is None or isinstance(data, Parked) or id(data) in self._open:
            return item
        if id(data) not in self._known:
            self._known[id(data)] = self._kept(item)
        kept = self._known[id(data)]
        return item if kept is data else replace(item, data=kept)

    def _kept(self, item: Item) -> Any:
        if item.source is None or item.edited:
            return item.data
        size = data_bytes(item.data)
        if size <= self._room:
            self._room -= size
            return item.data
        # Last, because it asks the disk: this is done for all that was ever closed whenever anything comes or goes.
        return Parked(size) if can_be_read_again(item) else item.data


def can_be_read_again(item: Item) -> bool:
    """Whether its source gives the same data once more, as far as a look at the file can tell."""
    source = item.source
    if source is None or item.edited:
        return False
    if source.path.startswith(_SAMPLE):
        return True
    try:
        found = os.stat(source.path)
    except OSError:
        return False
    return not source.size or (found.st_size, found.st_mtime) == (source.size, source.mtime)


def _same(new: tuple[Any, ...], old: tuple[Any, ...]) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))
