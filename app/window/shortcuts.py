"""Which keys run which command: the defaults, and what the user has changed, kept in the settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence

from app.window.commands import Commands
from app.window.keys import taken_by_views
from core.settings import Settings

SETTING = "shortcuts"
UNLISTED = ("Recent",)
"""Groups whose commands come and go; a key of theirs would run something else tomorrow."""
_PORTABLE = QKeySequence.SequenceFormat.PortableText
_NATIVE = QKeySequence.SequenceFormat.NativeText


@dataclass(frozen=True)
class Conflict:
    """Who has a key already: `id` of a command, or "" for a key of the views; `title` in words."""

    id: str
    title: str


class Shortcuts(QObject):
    """The keys of all commands. Make it once the menus are built; commands that come later are followed.

    A key runs one command: where a user's key is another command's default, the user's stands.
    """

    changed = Signal()

    def __init__(self, commands: Commands, settings: Settings) -> None:
        super().__init__(commands)
        self._commands = commands
        self._settings = settings
        self._defaults: dict[str, tuple[str, ...]] = {}
        self._chosen = _read(settings.get(SETTING))
        for action in commands:
            self._learn(action.objectName())
        commands.added.connect(self._on_added)
        commands.removed.connect(self._on_removed)
        if self._chosen:
            self._apply()

    # -- reading ---------------------------------------------------------------------------------------------

    def keys(self, id: str) -> tuple[str, ...]:
        """The keys of a command as they are now, in Qt's portable spelling; menus show the first."""
        action = self._commands.get(id)
        return _spelled(action.shortcuts()) if action is not None else ()

    def first(self, id: str) -> str:
        """The key that menus show, as this system writes it; "" without one."""
        keys = self.keys(id)
        return native(keys[0]) if keys else ""

    def defaults(self, id: str) -> tuple[str, ...]:
        """The keys a command has if nobody changes them."""
        return self._defaults.get(id, ())

    def is_changed(self, id: str) -> bool:
        """Whether the keys differ from the defaults."""
        return self.keys(id) != self.defaults(id)

    def listed(self) -> list[str]:
        """The ids of the commands whose keys can be chosen, in the order of the menus."""
        return [a.objectName() for a in self._commands if Commands.group(a) not in UNLISTED]

    def conflict(self, key: str, id: str) -> Conflict | None:
        """Who has `key` already, if command `id` is to get it."""
        for other in self._commands:
            name = other.objectName()
            if name != id and key in _spelled(other.shortcuts()):
                return Conflict(name, f"{Commands.title(other)} ({Commands.group(other)})")
        row = taken_by_views(key)
        return Conflict("", f"{row.where}: {row.does[:1].lower()}{row.does[1:]}") if row is not None else None

    # -- changing --------------------------------------------------------------------------------------------

    def set_keys(self, id: str, keys: Iterable[str]) -> None:
        """Give a command these keys and no others; whoever had one of them loses it."""
        wanted = tuple(dict.fromkeys(k for k in map(_portable, keys) if k))
        touched = {id}
        for action in self._commands:
            other = action.objectName()
            left = tuple(k for k in self.keys(other) if k not in wanted)
            if other != id and left != self.keys(other):
                self._choose(other, left)
                touched.add(other)
        self._choose(id, wanted)
        self._store(touched)

    def reset(self, id: str | None = None) -> None:
        """The defaults again, of one command or of all; a command that was given one of its keys loses it."""
        if id is None:
            self._chosen.clear()
            self._settings.forget(SETTING)
            self._tell()
        else:
            self.set_keys(id, self.defaults(id))

    def _choose(self, id: str, keys: tuple[str, ...]) -> None:
        if keys == self.defaults(id):
            self._chosen.pop(id, None)
        else:
            self._chosen[id] = keys
        action = self._commands.get(id)
        if action is not None:
            action.setShortcuts([QKeySequence.fromString(k, _PORTABLE) for k in keys])

    def _store(self, touched: set[str]) -> None:
        """Keep what these commands have; what another window has chosen for others meanwhile stays."""
        mine = {id: keys for id, keys in self._chosen.items() if id in touched}
        taken = {key for keys in mine.values() for key in keys}

        def merged(there: Any) -> dict[str, list[str]]:
            others = {id: keys for id, keys in _read(there).items() if id not in touched}
            kept = {id: tuple(k for k in keys if k not in taken) for id, keys in others.items()}
            return {id: list(keys) for id, keys in sorted((kept | mine).items())}

        self._settings.update(SETTING, merged)
        if not self._settings.get(SETTING):
            self._settings.forget(SETTING)
        self._tell()

    def _tell(self) -> None:
        self._apply()
        self.changed.emit()

    # -- keeping up ------------------------------------------------------------------------------------------

    def _learn(self, id: str) -> None:
        action = self._commands[id]
        if Commands.group(action) not in UNLISTED:
            self._defaults[id] = _spelled(action.shortcuts())

    def _on_added(self, id: str) -> None:
        self._learn(id)
        if self._defaults.get(id) or id in self._chosen:
            self._apply()

    def _on_removed(self, id: str) -> None:
        self._defaults.pop(id, None)

    def _apply(self) -> None:
        claimed = {key for id, keys in self._chosen.items() if id in self._commands for key in keys}
        for id, defaults in self._defaults.items():
            keys = self._chosen.get(id)
            if keys is None:
                keys = tuple(k for k in defaults if k not in claimed)
            if keys != self.keys(id):
                self._commands[id].setShortcuts([QKeySequence.fromString(k, _PORTABLE) for k in keys])


def native(key: str) -> str:
    """A key as this system writes it: "Ctrl+K", "⌘K"."""
    return QKeySequence.fromString(key, _PORTABLE).toString(_NATIVE)


def _portable(key: str) -> str:
    return QKeySequence.fromString(key, _PORTABLE).toString(_PORTABLE)  # "" for what is no key


def _spelled(sequences: Iterable[QKeySequence]) -> tuple[str, ...]:
    return tuple(s.toString(_PORTABLE) for s in sequences if not s.isEmpty())


def _read(stored: Any) -> dict[str, tuple[str, ...]]:
    """What the settings say; whatever is no list of keys is left out, and a key has one command."""
    out: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for id, keys in stored.items() if isinstance(stored, dict) else ():
        if isinstance(keys, list) and all(isinstance(k, str) for k in keys):
            made = [_portable(k) for k in keys]
            if all(made):
                out[id] = tuple(k for k in made if k not in seen)
                seen.update(made)
    return out
