"""Moments: which entry of each object with a time axis is shown. NumPy only.

Objects are linked by real time where their units can be compared (seconds, milliseconds, days, or the same other
word): each then shows the frame nearest to the moment, and its first or last one before and after its own times. What
has no such unit (a volume without a step, simulation steps beside seconds) follows by the fraction of its length, which
for two objects of equal length is the same as by number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports.state import SceneItem, extent_of
from core.data import Trajectory, Volume

Array = NDArray[Any]

SECONDS = {
    **{"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9},
    **{"ps": 1e-12, "fs": 1e-15, "min": 60.0, "h": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0},
    **{"a": 31557600.0, "yr": 31557600.0, "year": 31557600.0, "years": 31557600.0},
}
"""Units of time in seconds; a year is the Julian one."""
_MOST = 20_000
"""Moments of a time line at most; of longer ones every n-th."""


@dataclass(frozen=True, eq=False)
class Track:
    """The times of one object: `times` (t,) in `unit` ("" where nobody says which), or numbers of frames (None)."""

    id: str
    times: Array
    unit: str | None

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.times)

    def nearest(self, time: float) -> int:
        """The frame nearest to a time of the track's own unit; the earlier one of two."""
        return int(np.argmin(np.abs(self.times - time)))


def track_of(item: SceneItem) -> Track | None:
    """The times of an object, None for what does not change."""
    data = item.data
    if isinstance(data, Trajectory) and len(data.times) > 1 and data.positions.size:
        times = np.where(np.isfinite(data.times), data.times, np.arange(len(data.times)))
        return Track(item.id, times, data.time_unit)
    if isinstance(data, Volume) and data.last_axis == "time" and data.array.shape[3] > 1 and not data.rgb:
        numbers = np.arange(data.array.shape[3], dtype=np.float64)
        return Track(item.id, numbers * data.step, "s") if data.step > 0 else Track(item.id, numbers, None)
    return None


@dataclass(frozen=True, eq=False)
class Timeline:
    """The moments that can be shown: `moments` (m,) increasing, in `unit` (None = numbers of frames)."""

    moments: Array
    unit: str | None
    exact: tuple[Track, ...]
    """Linked by real time."""
    loose: tuple[Track, ...]
    """Linked by fraction."""

    @classmethod
    def of(cls, items: Iterable[SceneItem]) -> Timeline | None:
        """Of the visible objects that change in time; None where there is none.

        The unit is that of the object with most frames; all moments of the objects that it can be compared with count.
        """
        tracks = [t for i in items if i.display.visible and (t := track_of(i)) is not None]
        if not tracks:
            return None
        lead = max(tracks, key=lambda t: t.count)
        if lead.unit is None:
            return cls(np.arange(lead.count, dtype=np.float64), None, (), tuple(tracks))
        exact = tuple(t for t in tracks if _factor(t.unit, lead.unit) is not None)
        every = np.unique(np.concatenate([t.times * (_factor(t.unit, lead.unit) or 1.0) for t in exact]))
        least = 1e-6 * (every[-1] - every[0])
        every = every[np.concatenate([[True], np.diff(every) > least])]
        if len(every) > _MOST:
            every = every[:: -(-len(every) // _MOST)]
        loose = tuple(t for t in tracks if t not in exact)
        return cls(every, lead.unit, exact, loose)

    @property
    def ids(self) -> frozenset[str]:
        """What changes."""
        return frozenset(t.id for t in (*self.exact, *self.loose))

    @property
    def count(self) -> int:
        """How many moments there are."""
        return len(self.moments)

    @property
    def rate(self) -> float:
        """Units of the moments that pass in a second of playing at speed 1.

        Real time where the whole then takes between half a second and two minutes and moves; else about ten frames a
        second, but never less than 3 s or more than 20 s for the whole.
        """
        duration = self.duration
        second = SECONDS.get(self.unit or "", 0.0)
        if 0.5 <= duration * second <= 120 and self.count >= 2 * duration * second:
            return 1.0 / second
        return max(duration, 1e-300) / min(max(self.count / 10, 3.0), 20.0)

    @property
    def is_real_time(self) -> bool:
        """Whether a second of playing is a second."""
        return math.isclose(self.rate * SECONDS.get(self.unit or "", 0.0), 1.0)

    @property
    def duration(self) -> float:
        """From the first to the last moment."""
        return float(self.moments[-1] - self.moments[0])

    def at(self, moment: float) -> int:
        """The number of the last moment that is not after this one."""
        place = int(np.searchsorted(self.moments, moment, "right")) - 1
        return min(max(place, 0), self.count - 1)

    def indices(self, number: int) -> dict[str, int]:
        """Which frame each object shows at moment `number`."""
        number = min(max(number, 0), self.count - 1)
        moment = float(self.moments[number])
        fraction = number / max(self.count - 1, 1)
        out = {t.id: t.nearest(moment * (_factor(self.unit, t.unit) or 1.0)) for t in self.exact}
        out.update({t.id: math.floor(fraction * (t.count - 1) + 0.5) for t in self.loose})
        return out

    def number_of(self, indices: dict[str, int]) -> int:
        """The moment that shows what `indices` say; where they disagree, that of the first object with most frames."""
        tracks = self.exact or self.loose
        lead = max(tracks, key=lambda t: t.count)
        index = min(max(indices.get(lead.id, 0), 0), lead.count - 1)
        if self.exact:
            moment = float(lead.times[index]) * (_factor(lead.unit, self.unit) or 1.0)
            return int(np.argmin(np.abs(self.moments - moment)))
        return math.floor(index / max(lead.count - 1, 1) * (self.count - 1) + 0.5)

    def words(self, number: int) -> str:
        """ "12.40 s · 31 of 120"; "31 of 120" where there are no times."""
        place = f"{number + 1} of {self.count}"
        return f"{self.time_words(number)} · {place}" if self.unit is not None else place

    def time_words(self, number: int) -> str:
        """ "12.40 s", with the digits that the steps need; "t 12.40" without a unit; "" where there are no times."""
        if self.unit is None:
            return ""
        step = self.duration / max(self.count - 1, 1)
        digits = 0 if step <= 0 else min(max(math.ceil(-math.log10(step) - 1e-9), 0), 6)
        value = round(float(self.moments[number]), digits) + 0.0
        text = f"{value:.{digits}f}".replace("-", "−")
        return f"{text} {self.unit}" if self.unit else f"t {text}"


def moved(item: SceneItem, index: int) -> SceneItem:
    """The object at another frame; its display must have an `index`."""
    if getattr(item.display, "index", index) == index:
        return item
    return replace(item, display=replace(item.display, index=index))


def sight_at_moment(item: SceneItem) -> Array | None:
    """(3, 2) world box of moving points at the moment that is shown, with some room; None where all of their motion
    makes as good a picture, as it does unless they drift away."""
    data = item.data
    if not isinstance(data, Trajectory):
        return None
    index = min(max(getattr(item.display, "index", 0), 0), len(data.times) - 1)
    places = np.asarray(data.positions[index], dtype=np.float64)
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return None
    matrix = np.asarray(item.transform)
    places = places @ matrix[:3, :3].T + matrix[:3, 3]
    low, high = places.min(axis=0), places.max(axis=0)
    size = float(np.linalg.norm(high - low))
    if not 0 < size < 0.2 * extent_of(item):
        return None
    return np.stack([low - 0.25 * size, high + 0.25 * size], axis=1)


def _factor(unit: str | None, other: str | None) -> float | None:
    """What times of `unit` are multiplied by to be in `other`; None where they cannot be compared."""
    if unit is None or other is None:
        return None
    if unit == other:
        return 1.0
    if unit in SECONDS and other in SECONDS:
        return SECONDS[unit] / SECONDS[other]
    return None
