"""What a session is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.data import register
from core.document import Item
from core.errors import UserError, printable

FORMAT = 2
"""Of `session.json`. A new one needs a migration from the last (`core.session._migrations`) and a golden session."""
SUFFIX = ".equiscope"


@register
@dataclass(frozen=True, eq=False)
class Session:
    """An opened session.

    Attributes
    ----------
    items : parents first; those whose file could not be had say so (`Item.missing`).
    layout : what the window remembers, plain JSON.
    problems : what is not as it was, a sentence each.
    changed : of items whose file is not the one that was saved, by id, the hash of what it held.
    left_out : how many entries could not be read at all.
    stamp : of the `session.json` that was read, see `stamp`; of what was recovered after a crash, of the session that
        it belongs to, "" where that was saved by another window since.
    """

    items: tuple[Item, ...]
    layout: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    changed: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    stamp: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        object.__setattr__(self, "layout", MappingProxyType(dict(self.layout)))
        object.__setattr__(self, "problems", tuple(self.problems))
        object.__setattr__(self, "changed", MappingProxyType(dict(self.changed)))


class SessionChanged(UserError):
    """What is on the disk is not what was opened or saved here: somebody else has saved it meanwhile."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{printable(folder.name)} was saved by somebody else since it was opened here; "
            "save under another name, or overwrite it."
        )
        self.folder = folder

    def __reduce__(self) -> tuple[type, tuple[Path]]:
        return type(self), (self.folder,)


def stamp(folder: Path) -> str:
    """What tells one save of a session from the next: the hash of its `session.json`; "" if there is none."""
    try:
        return hashlib.sha256((folder / "session.json").read_bytes()).hexdigest()
    except OSError:
        return ""


def token_of(folder: Path) -> str:
    """The name that the save of a session was given, "" if it has none or cannot be read."""
    try:
        tree = json.loads((folder / "session.json").read_bytes())
        return str(tree["save"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
