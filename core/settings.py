"""A user's settings: one readable JSON file, written atomically. Never anything of a patient or a document."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import platformdirs
from psygnal import Signal

from core.errors import UserError
from core.files import replacing

RECENT = 12
"""Length of the recent list where the user chose none (setting "recent-length")."""
MOST_RECENT = 50


def settings_folder() -> Path:
    """Where settings are kept: the user's configuration folder, or what EQUISCOPE_CONFIG says."""
    return Path(os.environ.get("EQUISCOPE_CONFIG") or platformdirs.user_config_dir("equiscope", False))


class Settings:
    """Named plain values that outlive the program.

    Several windows may run at once: a write takes the file as it is by then and changes the one value, so that no
    window puts back what another has changed. What this window has read stays as it was read.

    Parameters
    ----------
    path : the file; None = `settings.json` in the user's configuration folder (EQUISCOPE_CONFIG overrides the
        folder). A broken file is put aside as `settings.json.broken` and defaults are used.
    """

    changed = Signal(str)
    """The name of a value that this window has changed."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or settings_folder() / "settings.json"
        self._values: dict[str, Any] = {}
        try:
            self._values = self._read() or {}
        except (OSError, ValueError, RecursionError):
            with contextlib.suppress(OSError):
                os.replace(self.path, self.path.with_suffix(".json.broken"))

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, or `default`."""
        return self._values.get(key, default)

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """A number between two bounds; the default for whatever else somebody wrote into the file."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            return default
        return value

    def choice(self, key: str, among: tuple[str, ...]) -> str:
        """One of some words; the first of them for whatever else somebody wrote into the file."""
        value = self.get(key)
        return value if value in among else among[0]

    def flag(self, key: str, default: bool) -> bool:
        """Yes or no; the default for whatever else somebody wrote into the file."""
        value = self.get(key, default)
        return value if isinstance(value, bool) else default

    def folder(self, *keys: str) -> Path:
        """Where a dialog starts: the first of these that names a folder, or the user's home."""
        chosen = next((v for v in map(self.get, keys) if isinstance(v, str) and v), None)
        return Path(chosen) if chosen is not None else Path.home()

    def set(self, key: str, value: Any) -> None:
        """Remember a plain JSON value. A disk that refuses does not stop the program."""
        if key in self._values and self._values[key] == value:
            return
        self.update(key, lambda _there: value)

    def update(self, key: str, change: Callable[[Any], Any]) -> None:
        """Replace the value of `key` by `change` of what the file holds now (None where it holds none)."""
        with self._locked():
            try:
                there = self._read()
            except (OSError, ValueError, RecursionError):
                there = None
            stored = dict(self._values if there is None else there)
            value = change(stored.get(key))
            stored[key] = self._values[key] = value
            self._write(stored)
        self.changed.emit(key)

    def forget(self, key: str) -> None:
        """Back to the default."""
        self._values.pop(key, None)
        with self._locked(), contextlib.suppress(OSError, ValueError, RecursionError):
            there = self._read()
            if there is not None and key in there:
                del there[key]
                self._write(there)
        self.changed.emit(key)

    # -- the file --------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, Any] | None:
        """What the file holds; None where there is none or it holds something else."""
        try:
            loaded = json.loads(self.path.read_text(encoding="utf-8", errors="surrogateescape"))
        except FileNotFoundError:
            return None
        return loaded if isinstance(loaded, dict) else None

    def _write(self, values: dict[str, Any]) -> None:
        with contextlib.suppress(OSError, UserError, UnicodeEncodeError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(values, indent=2, ensure_ascii=False)
            # Recent paths may be no Unicode.
            with replacing(self.path) as file:
                file.write(text.encode("utf-8", "surrogateescape"))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone with the file among all windows, if that is to be had within a few milliseconds."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(ImportError, OSError):
                import fcntl

                self.path.parent.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context(open(self.path.with_name(f".{self.path.name}.lock"), "w"))
                for _ in range(10):
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except OSError:
                        time.sleep(0.002)
            yield

    # -- the recent list -------------------------------------------------------------------------------------

    @property
    def recent_length(self) -> int:
        """How many paths the recent list keeps."""
        return int(self.number("recent-length", RECENT, 0, MOST_RECENT))

    @property
    def recent(self) -> list[str]:
        """Paths opened last, newest first."""
        return _paths(self.get("recent"))[: self.recent_length]

    def add_recent(self, path: str) -> None:
        """Put a path at the head of the recent list."""
        length = self.recent_length
        self.update("recent", lambda there: [path, *(p for p in _paths(there) if p != path)][:length])

    def clear_recent(self) -> None:
        """Forget the recent list."""
        self.update("recent", lambda _there: [])


def _paths(stored: Any) -> list[str]:
    return [p for p in stored if isinstance(p, str)] if isinstance(stored, list) else []
