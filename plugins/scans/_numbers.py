"""Numbers out of text, fast: whole blocks at once, never a Python loop over values."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def numbers(text: bytes) -> Array:
    """All white-space separated numbers of `text` as float64 ("nan" and "inf" included).

    Raises
    ------
    ValueError : something in it is not a number.
    """
    text = text.strip()
    if not text:
        return np.zeros(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        values: Array = np.fromstring(text, sep=" ")
    return values


def line_widths(text: bytes) -> Array:
    """(k,) how many words each line of `text` has that is not blank."""
    octets = np.frombuffer(text + b"\n", np.uint8)
    blank = octets <= 32
    begins = ~blank
    begins[1:] &= blank[:-1]
    ends = np.flatnonzero(octets == 10)
    starts = np.concatenate([[0], ends[:-1] + 1])
    widths: Array = np.add.reduceat(begins, starts, dtype=np.int32)
    return widths[widths > 0]


def whole(values: Array, what: str = "index") -> Array:
    """`values` as int64. Raises `ValueError` where one is not a whole number or beyond 2^53."""
    if not len(values):
        return np.zeros(values.shape, np.int64)
    if not np.isfinite(values).all() or (abs(values) > 2.0**53).any() or (values != np.floor(values)).any():
        raise ValueError(f"{what} is not a whole number")
    return values.astype(np.int64)
