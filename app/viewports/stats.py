"""Figures of a volume or attribute that drawing needs, computed once and off the window's thread. NumPy only."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.viewports.colors import is_diverging
from core.data import Transforms, Volume

Array = NDArray[Any]

_SAMPLES = 400_000
_cache: WeakKeyDictionary[Any, dict[int, VolumeStats]] = WeakKeyDictionary()
_ranges: WeakKeyDictionary[Any, tuple[float, float]] = WeakKeyDictionary()
_lock = Lock()
_computing = Lock()
_last: list[tuple[weakref.ref[Volume], int, Array]] = []
"""The volume last looked at: which, and the sample. Its histogram wants the same values next."""


@dataclass(frozen=True)
class VolumeStats:
    """`low`..`high`: automatic window; `minimum`/`maximum`: of the finite samples; `threshold`: Otsu's."""

    low: float
    high: float
    minimum: float
    maximum: float
    threshold: float
    label: bool


def frame_of(volume: Volume, index: int = 0, part: tuple[int | slice, ...] = ()) -> Array:
    """The 3-D array that is shown: entry `index` of a time axis, the length of vector channels, RGB as it is.

    `part`: only this part of the three axes of space; lengths are computed of nothing else.
    """
    array = volume.array[part] if part else volume.array
    if volume.array.ndim == 3 or volume.rgb:
        return array
    if volume.last_axis == "channel" and volume.transforms in (Transforms.VECTOR, Transforms.AXIAL_VECTOR):
        length: Array = np.sqrt((np.asarray(array, dtype=np.float32) ** 2).sum(axis=-1))
        return length
    return array[..., min(max(index, 0), array.shape[-1] - 1)]


def subsample(array: Array, limit: int = _SAMPLES) -> Array:
    """Finite values, float64, of a strided sub-grid with about `limit` entries at most; booleans become 0 and 1."""
    values = _thin(array, limit)
    values = np.abs(values) if np.iscomplexobj(values) else values
    values = np.asarray(values, dtype=np.float64).reshape(-1)
    return values[np.isfinite(values)]


def sorted_sample(array: Array, limit: int = _SAMPLES) -> Array:
    """The values of `subsample`, sorted, in a type of their own size: much quicker than as float64."""
    values = _thin(array, limit)
    values = np.abs(values) if np.iscomplexobj(values) else values
    if values.dtype.kind == "b":
        values = values.view(np.uint8)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    values = np.sort(values, axis=None)
    return values[np.isfinite(values)] if values.dtype.kind == "f" else values


def quantile(ordered: Array, percent: float, skip: tuple[int, int] = (0, 0)) -> float:
    """A percentile of sorted values, as NumPy's; those at `skip[0]` up to `skip[1]` do not count."""
    gap = skip[1] - skip[0]
    place = percent / 100 * (ordered.size - gap - 1)
    low = math.floor(place)
    a, b = (
        float(ordered[k if k < skip[0] else k + gap]) for k in (low, min(low + 1, ordered.size - gap - 1))
    )
    return a + (b - a) * (place - low)


def _thin(array: Array, limit: int) -> Array:
    """A strided sub-grid with about `limit` entries at most."""
    step = max(1, int(np.ceil((array.size / limit) ** (1 / max(array.ndim, 1)))))
    return array[
        tuple(slice(n % step // 2, None, step) if n > 2 * step else slice(None) for n in array.shape)
    ]


def volume_stats(volume: Volume, index: int = 0) -> VolumeStats:
    """Figures of one shown channel, or of all times together; cached for as long as the volume lives. Thread-safe.

    A window that changed with time would hide what changes, and flicker.
    """
    if volume.last_axis == "time":
        index = 0
    with _lock:
        known = _cache.setdefault(volume, {})
        if index in known:
            return known[index]
    with _computing:  # two threads that ask first must not both look
        with _lock:
            if index in known:
                return known[index]
        stats = _compute(volume, index)
        with _lock:
            known[index] = stats
    return stats


def sample_of(volume: Volume, index: int) -> Array:
    """`sorted_sample` of one shown channel, or of all times together; that of the last volume is kept."""
    index = 0 if volume.last_axis == "time" else index
    for known, which, sample in _last:
        if known() is volume and which == index:
            return sample
    sample = sorted_sample(volume.array if volume.last_axis == "time" else frame_of(volume, index))
    _last[:] = [(weakref.ref(volume), index, sample)]
    return sample


def has_stats(volume: Volume, index: int = 0) -> bool:
    """Whether `volume_stats` has looked at this channel of the volume before, and so answers at once."""
    with _lock:
        return (0 if volume.last_axis == "time" else index) in _cache.get(volume, {})


def window_of(volume: Volume, display: Any) -> tuple[float, float]:
    """(low, high) that a display asks for; automatic where it says None."""
    stats = volume_stats(volume, display.index)
    if is_diverging(display.colormap) and display.window is None and display.level is None:
        # Its neutral colour means zero.
        most = max(abs(stats.low), abs(stats.high), 1e-12)
        return -most, most
    width = stats.high - stats.low if display.window is None else display.window
    level = (stats.high + stats.low) / 2 if display.level is None else display.level
    width = max(float(width), 1e-12)
    return level - width / 2, level + width / 2


def rounded_window(window: float, level: float) -> tuple[float, float]:
    """Both as fine as a ten-thousandth of the window: more than an eye can tell, and what a field can hold."""
    if not (math.isfinite(window) and math.isfinite(level)) or window <= 0:
        return window, level
    digits = 3 - math.floor(math.log10(window))
    return round(window, digits), round(level, digits)


def thinned(values: Array, limit: int = _SAMPLES) -> Array:
    """Every n-th entry along the first axis, `limit` at most, as `subsample` chooses them."""
    step = -(-len(values) // limit)
    return values[len(values) % step // 2 :: step] if step > 1 else values


def plain_values(values: Array) -> Array:
    """(n,) float64 values to colour by: vectors and tensors by their length, NaN where not finite."""
    values = np.abs(values) if np.iscomplexobj(values) else values
    values = values.astype(np.float64).reshape(len(values), -1)
    flat = values[:, 0] if values.shape[1] == 1 else np.sqrt((values**2).sum(axis=1))
    return np.where(np.isfinite(flat), flat, np.nan)


def finite_range(values: Array) -> tuple[float, float]:
    """Smallest and largest finite value; (0, 1) where there is none, widened where they are equal."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def attribute_range(attribute: Any) -> tuple[float, float]:
    """`finite_range` of an attribute's values; cached for as long as it lives."""
    known = _ranges.get(attribute)
    if known is None:
        known = _ranges[attribute] = _range_of(np.asarray(attribute.values))
    return known


def _range_of(values: Array) -> tuple[float, float]:
    """`finite_range` of `plain_values`, part by part: of ten million colours they are half a gigabyte."""
    ends = []
    for start in range(0, len(values), _SAMPLES):
        part = plain_values(values[start : start + _SAMPLES])
        part = part[np.isfinite(part)]
        if part.size:
            ends += [part.min(), part.max()]
    return finite_range(np.array(ends))


def otsu(values: Array, bins: int = 256) -> float:
    """Otsu's threshold (IEEE Trans. SMC 9, 1979, eq. 18: largest between-class variance) of finite values."""
    if not values.size:
        return 0.0
    ordered = np.sort(values, axis=None)
    return otsu_sorted(ordered, float(ordered[0]), float(ordered[-1]), bins)


def otsu_sorted(ordered: Array, low: float, high: float, bins: int = 256) -> float:
    """The same of sorted values, clipped at `low` and `high`."""
    low, high = max(low, float(ordered[0])), min(high, float(ordered[-1]))
    if not low < high:
        return low
    edges = np.linspace(low, high, bins + 1)
    counts = np.diff(np.searchsorted(ordered, edges[1:-1], "left"), prepend=0, append=ordered.size)
    centers = (edges[:-1] + edges[1:]) / 2
    weight = np.cumsum(counts)
    mean = np.cumsum(counts * centers)
    rest = weight[-1] - weight
    with np.errstate(divide="ignore", invalid="ignore"):
        between = weight * rest * (mean / weight - (mean[-1] - mean) / rest) ** 2
    # Between two separate heaps every threshold is as good: the middle one.
    best = np.flatnonzero(between[:-1] >= np.nanmax(between[:-1]) * (1 - 1e-9))
    return float(edges[1 + best].mean())


def is_label(volume: Volume) -> bool:
    """Whether its values are classes."""
    return volume.transforms is Transforms.LABEL or volume.array.dtype.kind == "b"


def _compute(volume: Volume, index: int) -> VolumeStats:
    values = sample_of(volume, index)
    label = is_label(volume)
    if not values.size:
        return VolumeStats(0.0, 1.0, 0.0, 1.0, 0.5, label)
    minimum, maximum = float(values[0]), float(values[-1])
    zeros = int(np.searchsorted(values, 0, "left")), int(np.searchsorted(values, 0, "right"))
    if volume.rgb:
        low, high = 0.0, 255.0 if volume.array.dtype == np.uint8 else max(maximum, 1e-12)
    elif zeros[1] - zeros[0] < values.size:
        low, high = (quantile(values, p, zeros) for p in (2.0, 99.5))
    else:
        low, high = 0.0, 1.0
    if not high > low:
        low, high = (0.0, high) if high > 0 else (low - 0.5, low + 0.5)
    # Not clipped at `low`: the threshold parts object and background, and zero is background.
    least, most = quantile(values, 0.1), max(high, quantile(values, 0.2))
    return VolumeStats(low, high, minimum, maximum, otsu_sorted(values, least, most), label)
