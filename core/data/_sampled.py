"""Images, signals and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from core.data._arrays import Array, frozen, require


@dataclass(frozen=True, eq=False)
class Image:
    """A picture: `array` (rows, columns) or (rows, columns, channels), row 0 at the top.

    `pixel_size` is (height, width) of a pixel in `unit`, (1, 1) in "px" where the file does not say.
    """

    array: Array
    pixel_size: tuple[float, float] = (1.0, 1.0)
    unit: str = "px"

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", frozen(self.array))
        require(self.array.ndim in (2, 3) and min(self.array.shape) > 0, "an image has 2 or 3 non-empty axes")
        object.__setattr__(self, "pixel_size", tuple(float(s) for s in self.pixel_size))


@dataclass(frozen=True, eq=False)
class Signal:
    """Samples along time.

    Attributes
    ----------
    values : (t, c).
    times : (t,) in seconds, or None if evenly sampled at `rate` from 0.
    rate : samples a second; 1 with `time_unit` "sample" where the file does not say.
    channels : c names.
    """

    values: Array
    rate: float = 1.0
    times: Array | None = None
    channels: tuple[str, ...] = ()
    unit: str = ""
    time_unit: str = "s"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values))
        require(self.values.ndim == 2, "a signal's values are (t, c)")
        names = tuple(self.channels) or tuple(f"channel {i + 1}" for i in range(self.values.shape[1]))
        require(len(names) == self.values.shape[1], "channel names and columns differ in number")
        object.__setattr__(self, "channels", names)
        if self.times is not None:
            object.__setattr__(self, "times", frozen(self.times, dtype=np.float64))
            require(self.times.shape == (len(self.values),), "times and values differ in length")


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length: numbers, booleans or text (NumPy `U` arrays); `units` by column name."""

    columns: Mapping[str, Array]
    units: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = {str(name): frozen(values) for name, values in self.columns.items()}
        lengths = {values.shape for values in columns.values()}
        require(len(lengths) <= 1 and all(len(s) == 1 for s in lengths), "columns differ in length")
        for name, values in columns.items():
            require(values.dtype.kind in "biufcUM", f"column {name!r} has a type that no table can hold")
        object.__setattr__(self, "columns", MappingProxyType(columns))
        object.__setattr__(self, "units", MappingProxyType(dict(self.units)))
