"""Values of a form kept under a name, for each analysis; stored in the settings, exchanged as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.files import ordinary, replacing
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

    def _mine(self) -> dict[str, Any]:
        return _dict(_dict(self._settings.get(KEY)).get(self.analysis))

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change those that the file holds by now: another window may have saved some meanwhile."""

        def changed(there: Any) -> dict[str, Any]:
            stored = _dict(there)
            mine = _dict(stored.pop(self.analysis, None))
            change(mine)
            return {**stored, self.analysis: mine} if mine else stored

        self._settings.update(KEY, changed)

    @property
    def names(self) -> list[str]:
        """In the order of the alphabet."""
        return sorted(self._mine(), key=str.casefold)

    def get(self, name: str) -> Preset:
        """The preset of that name; an empty one if there is none or the settings were damaged."""
        return _preset(self._mine().get(name))

    def save(self, name: str, preset: Preset) -> None:
        """Keep under a name; replaces what had it."""
        plain = {"values": dict(preset.values), "seed": preset.seed}
        self._change(lambda mine: mine.update({name: plain}))

    def rename(self, old: str, new: str) -> None:
        """Another name; replaces what had it."""

        def change(mine: dict[str, Any]) -> None:
            if old in mine:
                mine[new] = mine.pop(old)

        self._change(change)

    def delete(self, name: str) -> None:
        """Forget one."""
        self._change(lambda mine: mine.pop(name, None))

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
            plain = json.loads(ordinary(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{path.name} cannot be read ({error.strerror}); choose another file.") from None
        except (ValueError, RecursionError):
            plain = None
        if not isinstance(plain, dict) or plain.get("format") != FORMAT:
            raise UserError(f"{path.name} holds no presets; choose a file that was exported here.")
        if plain.get("analysis") != self.analysis:
            raise UserError(
                f"The presets in {path.name} are for {str(plain.get('analysis'))[:80]}; choose that analysis first."
            )
        found = {n: p for n, p in _dict(plain.get("presets")).items() if isinstance(p, dict)}
        for name, preset in found.items():
            self.save(name, _preset(preset))
        return list(found)


def _dict(stored: Any) -> dict[str, Any]:
    return dict(stored) if isinstance(stored, dict) else {}


def _preset(stored: Any) -> Preset:
    kept, seed = _dict(_dict(stored).get("values")), _dict(stored).get("seed")
    if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**31:
        return Preset(kept, seed)
    return Preset(kept)
