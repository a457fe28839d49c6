"""How values are distributed, for a range slider: counts over a comfortable range. NumPy only; made in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.viewports.stats import subsample
from core.data import Volume

Array = NDArray[Any]

BINS = 160
"""About so many."""
_known: WeakKeyDictionary[Any, dict[Any, Distribution]] = WeakKeyDictionary()
_lock = Lock()


@dataclass(frozen=True, eq=False)
class Distribution:
    """`counts` (n,) of a sample of the values in bins between `low` and `high`; `minimum` and `maximum` of the sample."""

    counts: Array
    low: float
    high: float
    minimum: float
    maximum: float


def distribution_of(values: Array) -> Distribution:
    """Of any array; what is not finite does not count. A few far outliers do not squeeze the rest: ends are left out
    where they hold less than one value in two thousand and would take more than half of the room."""
    sample = subsample(np.asarray(values))
    if not sample.size:
        return Distribution(np.zeros(BINS), 0.0, 1.0, 0.0, 1.0)
    minimum, maximum = float(sample.min()), float(sample.max())
    low, high = (float(p) for p in np.percentile(sample, (0.05, 99.95)))
    room = high - low
    low = minimum if low - minimum <= room else low - 0.25 * room
    high = maximum if maximum - high <= room else high + 0.25 * room
    bins = BINS
    if not high > low:
        low, high = minimum - 0.5, maximum + 0.5
    elif not (sample != np.round(sample)).any():
        # Whole numbers: each bin has as many of them as the next, or the histogram would look like a comb.
        width = max(1, round((high - low) / BINS))
        low = np.floor(low) - 0.5
        bins = int(np.ceil((high + 0.5 - low) / width))
        high = low + bins * width
    counts, _ = np.histogram(sample, bins=bins, range=(low, high))
    return Distribution(counts.astype(float), low, high, minimum, maximum)


def known_distribution(owner: Any, key: Any, values: Callable[[], Array]) -> Distribution:
    """The distribution of what `values` returns, kept for as long as `owner` lives. Thread-safe; not for the window's
    thread."""
    with _lock:
        found = _known.setdefault(owner, {}).get(key)
    if found is None:
        found = distribution_of(values())
        with _lock:
            _known[owner][key] = found
    return found


def frame_for_window(volume: Volume, index: int) -> tuple[int, Array]:
    """(which, values) of the frame whose values the window is about; times share the first's, as their window does."""
    from app.viewports.stats import frame_of

    index = 0 if volume.last_axis == "time" else index
    return index, frame_of(volume, index)
