"""A user's settings: one readable JSON file, written atomically. Never anything of a patient or a document."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import platformdirs

RECENT = 12


class Settings:
    """Named plain values that outlive the program.

    Parameters
    ----------
    path : the file; None = `settings.json` in the user's configuration folder (EQUISCOPE_CONFIG overrides the
        folder). A broken file is put aside as `settings.json.broken` and defaults are used.
    """

    def __init__(self, path: Path | None = None) -> None:
        folder = os.environ.get("EQUISCOPE_CONFIG") or platformdirs.user_config_dir("equiscope", False)
        self.path = path or Path(folder) / "settings.json"
        self._values: dict[str, Any] = {}
        try:
            loaded = json.loads(self.path.read_text(encoding="utf-8", errors="surrogateescape"))
            if isinstance(loaded, dict):
                self._values = loaded
        except FileNotFoundError:
            pass
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                os.replace(self.path, self.path.with_suffix(".json.broken"))

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, or `default`."""
        return self._values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Remember a plain JSON value. A disk that refuses does not stop the program."""
        if self._values.get(key) == value and key in self._values:
            return
        self._values[key] = value
        with contextlib.suppress(OSError, UnicodeEncodeError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            text = json.dumps(self._values, indent=2, ensure_ascii=False)
            # Recent paths may be no Unicode.
            draft.write_text(text, encoding="utf-8", errors="surrogateescape")
            os.replace(draft, self.path)

    @property
    def recent(self) -> list[str]:
        """Paths opened last, newest first."""
        stored = self.get("recent", [])
        return [p for p in stored if isinstance(p, str)] if isinstance(stored, list) else []

    def add_recent(self, path: str) -> None:
        """Put a path at the head of the recent list."""
        self.set("recent", [path, *(p for p in self.recent if p != path)][:RECENT])

    def clear_recent(self) -> None:
        """Forget the recent list."""
        self.set("recent", [])
