"""What moving points are coloured by, and how fast they are. NumPy only.

An attribute of a trajectory varies in time if its values are (n, t, …) with t the number of times; "@x", "@y", "@z" and
"@speed" are derived from the positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.viewports.colors import category, color_scale, colorize, rgba_of
from app.viewports.stats import finite_range, plain_values
from core.data import Attribute, Domain, Trajectory, Transforms

Array = NDArray[Any]

DERIVED = {"@speed": "speed", "@x": "x", "@y": "y", "@z": "z"}
"""Name -> word of what every trajectory can be coloured by."""
_SAMPLED_TIMES = 64
_VALUES = {Transforms.VECTOR: 1, Transforms.AXIAL_VECTOR: 1, Transforms.TENSOR: 2}
"""Axes of one value; one more for harmonics, none for the others."""
_ranges: WeakKeyDictionary[Trajectory, dict[str, tuple[float, float]]] = WeakKeyDictionary()


def velocities(data: Trajectory, index: int) -> Array:
    """(n, 3) in units of length a unit of time: central differences, one-sided at the ends; NaN where times repeat.

    Uneven steps are weighted to second order (Fornberg 1988, three points), as `numpy.gradient` does.
    """
    t, x = data.times, data.positions
    index = min(max(index, 0), len(t) - 1)
    if len(t) < 2:
        return np.zeros(x.shape[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        if index in (0, len(t) - 1):
            a, b = (0, 1) if index == 0 else (len(t) - 2, len(t) - 1)
            ends = (np.asarray(x[b], dtype=np.float64) - x[a]) / (t[b] - t[a])
            return np.asarray(np.where(np.isfinite(ends), ends, np.nan))
        before, after = t[index] - t[index - 1], t[index + 1] - t[index]
        here = np.asarray(x[index], dtype=np.float64)
        left, right = (here - x[index - 1]) / before, (x[index + 1] - here) / after
        middle = (left * after + right * before) / (before + after)
    return np.asarray(np.where(np.isfinite(middle), middle, np.nan))


def varies(data: Trajectory, attribute: Attribute) -> bool:
    """Whether the attribute has a value for each time."""
    own = (
        1 if attribute.transforms is Transforms.SPHERICAL_HARMONICS else _VALUES.get(attribute.transforms, 0)
    )
    shape = attribute.values.shape
    return attribute.domain is Domain.POINT and len(shape) == 2 + own and shape[1] == len(data.times) > 1


def names(data: Trajectory) -> dict[str, str]:
    """What the points can be coloured by: name -> word."""
    own = {n: n for n, a in data.attributes.items() if a.domain is Domain.POINT}
    return {**own, **DERIVED}


@dataclass(frozen=True, eq=False)
class Shades:
    """How one quantity colours the points: `title`, `unit`, `low`, `high` for a legend (none for colours and classes)."""

    data: Trajectory
    name: str
    colormap: str
    low: float
    high: float
    legend: bool
    changing: bool
    """Whether the colours of a point change with time."""

    @property
    def title(self) -> str:
        """For the legend."""
        attribute = self.data.attributes.get(self.name)
        word = DERIVED.get(self.name, self.name) if attribute is None else self.name
        long = attribute is not None and attribute.transforms in _VALUES
        return f"|{word}|" if long else word

    @property
    def unit(self) -> str:
        """Of the values."""
        attribute = self.data.attributes.get(self.name)
        if attribute is not None:
            return attribute.unit
        length, time = self.data.unit, self.data.time_unit
        return f"{length}/{time}" if self.name == "@speed" and length and time else length

    def colors(self, index: int, chosen: Array | None = None) -> Array:
        """(n, 3) uint8 at one time, of all or the `chosen` points."""
        values = _values(self.data, self.name, index)
        assert values is not None
        values = values if chosen is None else values[chosen]
        if not self.legend:
            if _is_rgb(self.name, values):
                return rgba_of(values, *color_scale(values))[:, :3]
            numbers = values.reshape(len(values), -1)[:, 0]
            if numbers.dtype.kind in "US":
                every = np.unique(np.asarray(_values(self.data, self.name, index)).reshape(-1))
                numbers = np.searchsorted(every, numbers) + 1
            return category(numbers)
        rgba = colorize(plain_values(values), self.low, self.high, self.colormap)
        rgba[rgba[:, 3] == 0, :3] = 120  # no value: neutral, never the colour of the smallest
        return rgba[:, :3]


def shades(data: Trajectory, display: Any) -> Shades | None:
    """What the display asks for; None = one colour for all."""
    name = display.color_by
    values = _values(data, name, 0) if name else None
    if values is None:
        return None
    attribute = data.attributes.get(name)
    changing = attribute is None or varies(data, attribute)
    plain = _is_rgb(name, values) or (
        attribute is not None and (attribute.transforms is Transforms.LABEL or values.dtype.kind in "bUS")
    )
    low, high = (0.0, 1.0) if plain else display.range or value_range(data, name)
    return Shades(data, name, display.colormap, low, high, not plain, changing)


def value_range(data: Trajectory, name: str) -> tuple[float, float]:
    """Finite smallest and largest value over all points, and over all or 64 times; cached."""
    known = _ranges.setdefault(data, {})
    if name not in known:
        attribute = data.attributes.get(name)
        changing = attribute is None or varies(data, attribute)
        last = len(data.times) - 1
        times = np.unique(np.linspace(0, last, _SAMPLED_TIMES).astype(int)) if changing else [0]
        values = [_values(data, name, int(k)) for k in times]
        numbers = [plain_values(v) for v in values if v is not None and v.dtype.kind in "biufc"]
        known[name] = finite_range(np.concatenate(numbers)) if numbers else (0.0, 1.0)
    return known[name]


def _values(data: Trajectory, name: str, index: int) -> Array | None:
    """(n, …) at one time; None where there is no such quantity."""
    attribute = data.attributes.get(name)
    if attribute is None:
        if name == "@speed":
            speed: Array = np.linalg.norm(velocities(data, index), axis=1)
            return speed
        return data.positions[index][:, "xyz".index(name[1])] if name in DERIVED else None
    if attribute.domain is not Domain.POINT:
        return None
    return attribute.values[:, index] if varies(data, attribute) else attribute.values


def _is_rgb(name: str, values: Array) -> bool:
    return (
        name.lower() in ("rgb", "rgba", "color", "colors") and values.ndim == 2 and values.shape[1] in (3, 4)
    )
