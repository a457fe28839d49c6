"""Values of a form kept under a name, for each analysis; stored in the settings, exchanged as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.files import replacing
from core.settings import Settings

KEY = "presets"
FORMAT = "equiscope-presets"


@dataclass(frozen=True)
class Preset:
    """Plain values by parameter, and the seed."""

    values: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


class Presets:
    """The presets of one analysis."""

    def __init__(self, settings: Settings, analysis: str) -> None:
        self._settings = settings
        self.analysis = analysis

    def _all(self) -> dict[str, Any]:
        stored = self._settings.get(KEY, {})
        return dict(stored) if isinstance(stored, dict) else {}

    def _mine(self) -> dict[str, Any]:
        mine = self._all().get(self.analysis, {})
        return dict(mine) if isinstance(mine, dict) else {}

    def _put(self, mine: dict[str, Any]) -> None:
        stored = self._all()
        stored[self.analysis] = mine
        if not mine:
            del stored[self.analysis]
        self._settings.set(KEY, stored)

    @property
    def names(self) -> list[str]:
        """In the order of the alphabet."""
        return sorted(self._mine(), key=str.casefold)

    def get(self, name: str) -> Preset:
        """The preset of that name; an empty one if there is none or the settings were damaged."""
        return _preset(self._mine().get(name))

    def save(self, name: str, preset: Preset) -> None:
        """Keep under a name; replaces what had it."""
        self._put({**self._mine(), name: {"values": dict(preset.values), "seed": preset.seed}})

    def rename(self, old: str, new: str) -> None:
        """Another name; replaces what had it."""
        mine = self._mine()
        if old in mine and new != old:
            mine[new] = mine.pop(old)
            self._put(mine)

    def delete(self, name: str) -> None:
        """Forget one."""
        mine = self._mine()
        mine.pop(name, None)
        self._put(mine)

    def write(self, path: Path) -> None:
        """All of them as JSON. Raises `WriteError`."""
        plain = {"format": FORMAT, "analysis": self.analysis, "presets": self._mine()}
        with replacing(path) as file:
            file.write((json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode())

    def read(self, path: Path) -> list[str]:
        """Take those of a file; the names that came.

        Raises
        ------
        UserError : it cannot be read, holds no presets, or those of another analysis.
        """
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{path.name} cannot be read ({error.strerror}); choose another file.") from None
        except (ValueError, RecursionError):
            plain = None
        if not isinstance(plain, dict) or plain.get("format") != FORMAT:
            raise UserError(f"{path.name} holds no presets; choose a file that was exported here.")
        if plain.get("analysis") != self.analysis:
            raise UserError(
                f"The presets in {path.name} are for {plain.get('analysis')}; choose that analysis first."
            )
        found = plain.get("presets")
        found = (
            {str(n): p for n, p in found.items() if isinstance(p, dict)} if isinstance(found, dict) else {}
        )
        for name, preset in found.items():
            self.save(name, _preset(preset))
        return list(found)


def _preset(stored: Any) -> Preset:
    if not isinstance(stored, dict):
        return Preset()
    values, seed = stored.get("values"), stored.get("seed")
    kept = dict(values) if isinstance(values, dict) else {}
    if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**31:
        return Preset(kept, seed)
    return Preset(kept)
