"""What the window hands to the journal: what is open, at one moment."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.document import Item


class Base:
    """The saved session that a window's document belongs to, and which of its data lie there.

    Holds no data alive. `items` are those that were saved or loaded.
    """

    def __init__(self, folder: Path, items: Iterable[Item] = ()) -> None:
        self.folder = folder
        self.id = ""
        """Of the folder's contents, see `core.journal._entries.session_id`; the journal's thread looks."""
        self._data: dict[str, Any] = {}
        for item in items:
            # What its own file holds is named as that; the session has everything else.
            if item.data is not None and (item.edited or item.source is None):
                try:
                    self._data[item.id] = weakref.ref(item.data)
                except TypeError:
                    continue

    def holds(self, item: Item) -> bool:
        """Whether the session's folder holds the data of this item as they are now."""
        known = self._data.get(item.id)
        return known is not None and known() is item.data


@dataclass(frozen=True, eq=False)
class State:
    """Everything that comes back after a crash.

    `number` counts the changes of this window; `unsaved` those that the user would call edits since the last save;
    `label` names the last one. `origin` is the name of a crashed window's folder while all that is open came from it.
    """

    items: tuple[Item, ...] = ()
    number: int = 0
    unsaved: int = 0
    clean: bool = True
    label: str = ""
    base: Base | None = None
    layout: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
