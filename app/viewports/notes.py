"""What a scene tells about the picture it made, beside the picture."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)
_logged: set[tuple[str, int, str]] = set()


@dataclass(frozen=True)
class Legend:
    """A colour bar: "curvature (1/mm)", its map and its ends."""

    title: str
    unit: str
    colormap: str
    low: float
    high: float
    hide: str = ""
    floor: float = 0.0
    """What of it is not shown; see `core.display.VolumeDisplay`."""
    classes: tuple[tuple[str, tuple[int, int, int]], ...] = ()
    """Names and colours instead of a bar."""


@dataclass
class Notes:
    """Beside one picture: automatic windows (width, level) by item, legends, lines to paint, sentences on failures."""

    windows: dict[str, tuple[float, float]] = field(default_factory=dict)
    legends: list[Legend] = field(default_factory=list)
    drawings: list[Any] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    """What the viewer should know about the picture, e.g. that a cloud is thinned."""
    unfinished: bool = False
    """A better picture of the same state is on its way: ask again."""


@contextmanager
def guarded(notes: Notes, item: Any) -> Iterator[None]:
    """One object that cannot be drawn is named and logged; the others are drawn."""
    try:
        yield
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        key = (item.id, id(item.data), reason)
        if key not in _logged:  # once, not with every frame
            if len(_logged) > 500:
                _logged.clear()
            _logged.add(key)
            log.exception("drawing %s", item.id)
        notes.problems.append(f"{item.name} could not be drawn: {reason}")


def volume_legend(item: Any, low: float, high: float, *, whole: bool = False) -> Legend:
    """That of a volume whose colours go from `low` to `high`; `whole`: where nothing of it is hidden."""
    display, unit = item.display, item.data.value_unit
    hide, floor = ("", 0.0) if whole else (display.hide, display.floor)
    return Legend(item.name, unit, display.colormap, low, high, hide, floor)


def legend_wanted(item: Any, label: bool) -> bool:
    """A volume's colours need a legend unless they are grays, classes or colours themselves."""
    return not label and not item.data.rgb and item.display.colormap.lower() not in ("gray", "grey")
