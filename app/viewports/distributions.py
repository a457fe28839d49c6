"""How values are distributed, for a range slider: counts over a comfortable range. NumPy only; made in the background."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.viewports.stats import frame_of, quantile, sample_of, sorted_sample
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
    return distribution_of_sorted(sorted_sample(np.asarray(values)))


def distribution_of_sorted(sample: Array) -> Distribution:
    """The same of a sorted sample of finite values."""
    if not sample.size:
        return Distribution(np.zeros(BINS), 0.0, 1.0, 0.0, 1.0)
    minimum, maximum = float(sample[0]), float(sample[-1])
    low, high = quantile(sample, 0.05), quantile(sample, 99.95)
    room = high - low
    low = minimum if low - minimum <= room else low - 0.25 * room
    high = maximum if maximum - high <= room else high + 0.25 * room
    bins = BINS
    if not high > low:
        low, high = minimum - 0.5, maximum + 0.5
    elif sample.dtype.kind in "iu" or not (sample != np.round(sample)).any():
        # Whole numbers: each bin has as many of them as the next, or the histogram would look like a comb.
        width = max(1, round((high - low) / BINS))
        low = math.floor(low) - 0.5
        bins = math.ceil((high + 0.5 - low) / width)
        high = low + bins * width
    edges = np.linspace(low, high, bins + 1)
    # Like NumPy's histogram: the last bin has its upper end.
    places = np.searchsorted(sample, edges[:-1], "left").tolist()
    counts = np.diff([*places, int(np.searchsorted(sample, edges[-1], "right"))])
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


def volume_distribution(volume: Volume, index: int) -> Distribution:
    """`known_distribution` of the values that a volume's window is about; times share the first's, as their window
    does."""
    which = 0 if volume.last_axis == "time" else index
    with _lock:
        found = _known.setdefault(volume, {}).get(which)
    if found is None:
        timed = volume.last_axis == "time"
        found = (
            distribution_of(frame_of(volume, 0))
            if timed
            else distribution_of_sorted(sample_of(volume, index))
        )
        with _lock:
            _known[volume][which] = found
    return found
