"""The document: what is open, changed only by edits."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from psygnal import Signal

from core.data._arrays import Array
from core.display import Display
from core.document._edits import (
    AddItems,
    Edit,
    Items,
    MoveItem,
    RemoveItems,
    RenameItem,
    SetData,
    SetDisplay,
    SetTransform,
)
from core.document._item import Item, Missing
from core.document._memory import default_budget, held_bytes, kept_from
from core.document._parking import Direction, Parked, Parking, brought, with_items

MERGE_SECONDS = 1.0
"""Edits of one gesture that follow each other as quickly as that are one to undo."""
ONE_DRAG = "#"
"""A gesture whose name holds this, followed by a number of its own, is one drag from the press to the release: however
long the hand rests in it, it stays one edit."""
_NEVER = Edit()
"""Stands for a saved state that undo cannot lead back to."""


@dataclass(frozen=True)
class Change:
    """What an edit did: the edit, which way it went, and the ids whose items were added, removed or updated."""

    edit: Edit
    direction: Literal["apply", "undo", "redo"]
    added: frozenset[str]
    removed: frozenset[str]
    updated: frozenset[str]


class Document:
    """Items in order, with undo and redo.

    `changed` is emitted with a `Change` after every edit, undo and redo. The window, the journal and sessions
    listen to that one stream; there is no other way to change what is open.
    """

    changed = Signal(Change)
    clean_changed = Signal(bool)

    def __init__(
        self, items: Iterable[Item] = (), *, undo_limit: int = 200, undo_memory: int | None = None
    ) -> None:
        """`items` are there from the start (a session that was opened): nothing to undo, nothing unsaved.

        `undo_memory`: bytes that undo may hold beside what is open; None asks `default_budget`.
        """
        self._items: Items = {item.id: item for item in items}
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        self._undo_limit = undo_limit
        self._undo_memory = default_budget() if undo_memory is None else undo_memory
        self._clean_edit: Edit | None = None
        self._last_time = 0.0
        self.undo_keeps: int | None = None
        """Bytes of closed data that stay in memory for undo although their files hold them; None: all of them.

        What goes beyond is told by `wanting`, and has to be given (`give`) before undo or redo."""

    @property
    def undo_limit(self) -> int:
        """How many edits can be taken back; a smaller limit takes effect with the next edit."""
        return self._undo_limit

    @undo_limit.setter
    def undo_limit(self, limit: int) -> None:
        self._undo_limit = max(1, limit)

    @property
    def undo_memory(self) -> int:
        """Bytes that undo may hold beside what is open; a smaller budget takes effect at once."""
        return self._undo_memory

    @undo_memory.setter
    def undo_memory(self, budget: int) -> None:
        self._undo_memory = max(0, budget)
        self._forget_oldest()

    @property
    def undo_bytes(self) -> int:
        """Bytes of data that are no longer open, and are kept for undo and redo."""
        return held_bytes((*self._done, *self._undone), (item.data for item in self._items.values()))

    # -- reading ---------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Item]:
        return iter(list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, id: str) -> bool:
        return id in self._items

    def __getitem__(self, id: str) -> Item:
        return self._items[id]

    def get(self, id: str) -> Item | None:
        """The item, or None if it is not open (any more)."""
        return self._items.get(id)

    def children(self, parent: str | None) -> list[Item]:
        """The items directly below `parent` (None = top level), in order."""
        return [item for item in self._items.values() if item.parent == parent]

    # -- editing ---------------------------------------------------------------------------------------------

    def apply(self, edit: Edit) -> None:
        """Carry out `edit` and remember it. A failed edit leaves the document as it was."""
        change = self._run(edit, "apply")
        now = time.monotonic()
        last = self._done[-1] if self._done else None
        merges = (
            last is not None
            and bool(edit.merge_key)
            and edit.merge_key == last.merge_key
            and last is not self._clean_edit
            and (now - self._last_time < MERGE_SECONDS or ONE_DRAG in edit.merge_key)
        )
        if merges and last is not None:
            self._done[-1] = last.merged(edit)
        else:
            self._done.append(edit)
        self._last_time = now
        self._undone.clear()
        self._park(change)
        self._forget_oldest()
        self.changed.emit(change)
        self.clean_changed.emit(self.is_clean)

    def undo(self) -> None:
        """Take the last edit back; does nothing if there is none. `LookupError` while it is `wanting` data."""
        if self._done:
            edit = self._done[-1]
            self._check_at_hand("undo")
            change = self._run(edit, "undo")
            self._undone.append(self._done.pop())
            self._park(change)
            self.changed.emit(change)
            self.clean_changed.emit(self.is_clean)

    def redo(self) -> None:
        """Do the edit again that was undone last; does nothing if there is none. Raises as `undo`."""
        if self._undone:
            edit = self._undone[-1]
            self._check_at_hand("redo")
            change = self._run(edit, "redo")
            self._done.append(self._undone.pop())
            self._park(change)
            self.changed.emit(change)
            self.clean_changed.emit(self.is_clean)

    def wanting(self, direction: Direction) -> tuple[Item, ...]:
        """The items that the next undo or redo brings back, and whose data have to be read again for it."""
        history = self._done if direction == "undo" else self._undone
        items = brought(history[-1], direction) if history else ()
        return tuple(item for item in items if isinstance(item.data, Parked))

    def give(self, direction: Direction, data: Mapping[str, Any]) -> None:
        """Data for the items that are `wanting` them, by their ids."""
        history = self._done if direction == "undo" else self._undone
        if history:
            lacking = {item.id for item in self.wanting(direction)}
            self._keep(
                history,
                len(history) - 1,
                lambda i: replace(i, data=data[i.id]) if i.id in lacking and i.id in data else i,
            )

    def give_up(self, direction: Direction, ids: Container[str], reason: str) -> None:
        """Let those items of `ids` that are `wanting` data come without: their files are missing, and to be located."""
        history = self._done if direction == "undo" else self._undone
        if history:
            lost = {i.id for i in self.wanting(direction) if i.id in ids}

            def without(item: Item) -> Item:
                if item.id not in lost or item.source is None:
                    return item
                saved = {"relative": "", "content": "", "sha256": item.source.sha256}
                return replace(item, data=None, missing=Missing(reason, "", saved))

            self._keep(history, len(history) - 1, without)

    @property
    def undo_label(self) -> str:
        """What `undo` would take back, "" if nothing."""
        return self._done[-1].label if self._done else ""

    @property
    def redo_label(self) -> str:
        """What `redo` would do again, "" if nothing."""
        return self._undone[-1].label if self._undone else ""

    @property
    def is_clean(self) -> bool:
        """Whether the document is as it was when last saved or new."""
        return (self._done[-1] if self._done else None) is self._clean_edit

    def mark_clean(self) -> None:
        """Say that what is open has just been saved."""
        self._clean_edit = self._done[-1] if self._done else None
        self.clean_changed.emit(True)

    def mark_unsaved(self) -> None:
        """Say that what is open is nowhere as it is (recovered after a crash); no undo leads to what is saved."""
        self._clean_edit = _NEVER
        self.clean_changed.emit(False)

    # -- the usual edits, as one call ------------------------------------------------------------------------

    def add(self, *items: Item, title: str = "") -> None:
        """Apply `AddItems`."""
        self.apply(AddItems(items, title))

    def remove(self, *ids: str) -> None:
        """Apply `RemoveItems` for `ids` and their descendants."""
        self.apply(RemoveItems.of(self._items, set(ids)))

    def rename(self, id: str, name: str) -> None:
        """Apply `RenameItem` unless the name stays the same."""
        if name != self._items[id].name:
            self.apply(RenameItem(id, self._items[id].name, name))

    def set_display(self, id: str, display: Display, gesture: str = "") -> None:
        """Apply `SetDisplay` unless nothing changes."""
        if display != self._items[id].display:
            self.apply(SetDisplay(id, self._items[id].display, display, gesture))

    def set_transform(self, id: str, transform: Array, gesture: str = "") -> None:
        """Apply `SetTransform`."""
        self.apply(SetTransform(id, self._items[id].transform, transform, gesture))

    def set_data(self, id: str, data: Any, gesture: str = "", title: str = "") -> None:
        """Apply `SetData`: the item is something else from now on (a markup was moved, say); `title` names the edit."""
        item = self._items[id]
        self.apply(SetData(id, item.data, data, gesture, item.edited, title))

    def move(self, id: str, parent: str | None, place: int) -> None:
        """Apply `MoveItem`."""
        self.apply(MoveItem.of(self._items, id, parent, place))

    def _forget_oldest(self) -> None:
        """Let the oldest edits go that are more, or hold more, than may be kept; the newest always stays."""
        steps = self._done[-self._undo_limit :][::-1]
        kept = kept_from(steps, self._undone, (i.data for i in self._items.values()), self._undo_memory)
        forgotten = len(self._done) - kept
        if forgotten:
            gone = self._done[:forgotten]
            del self._done[:forgotten]
            # What was clean before the edits that are forgotten now cannot be reached by undo any more.
            if self._clean_edit is None or self._clean_edit in gone[:-1]:
                self._clean_edit = _NEVER
            elif self._clean_edit is gone[-1]:
                self._clean_edit = None  # where undo now ends

    # -- inside ----------------------------------------------------------------------------------------------

    def _check_at_hand(self, direction: Direction) -> None:
        lacking = self.wanting(direction)
        if lacking:
            raise LookupError(f"{lacking[0].name} has to be read again first")

    def _park(self, change: Change) -> None:
        """Let go of closed data that can be read again; what was closed last stays longest."""
        if self.undo_keeps is None or not (change.added or change.removed):
            return
        parking = Parking(self._items.values(), self.undo_keeps)
        for history in (self._done, self._undone):
            for place in reversed(range(len(history))):
                self._keep(history, place, parking)

    def _keep(self, history: list[Edit], place: int, how: Callable[[Item], Item]) -> None:
        old = history[place]
        new = with_items(old, how)
        history[place] = new
        if self._clean_edit is old:
            self._clean_edit = new

    def _run(self, edit: Edit, direction: Literal["apply", "undo", "redo"]) -> Change:
        before = dict(self._items)
        try:
            touched = edit.revert(self._items) if direction == "undo" else edit.apply(self._items)
        except Exception:
            self._items.clear()
            self._items.update(before)
            raise
        added = frozenset(i for i in touched if i in self._items and i not in before)
        removed = frozenset(i for i in touched if i in before and i not in self._items)
        updated = frozenset(i for i in touched if i in before and i in self._items)
        return Change(edit, direction, added, removed, updated)
