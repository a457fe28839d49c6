"""The largest, smallest or mean value along an axis, without what is not a number. NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Projection:
    """Takes planes one by one, so that no copy of the slab is made; "max", "min" or "mean" of what is a number.

    Whole numbers stay whole for "max" and "min"; a mean is float32. NaN where no plane has a number.
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._out: Array | None = None
        self._count: Any = 0

    def add(self, plane: Array) -> None:
        """One more plane, of the same shape as the others."""
        plane = np.abs(plane) if np.iscomplexobj(plane) else plane
        if self._out is None:
            kind = np.float32 if self.mode == "mean" else plane.dtype
            self._out = np.zeros_like(plane, dtype=kind) if self.mode == "mean" else plane.copy(order="K")
            if self.mode != "mean":
                return
        out = self._out
        if self.mode != "mean":
            _combine(self.mode, plane.dtype)(out, plane, out=out)
        elif plane.dtype.kind == "f":
            known = ~np.isnan(plane)
            np.add(out, plane, out=out, where=known, casting="same_kind")
            self._count = self._count + known
        else:
            out += plane
            self._count = self._count + 1

    def result(self) -> Array:
        """The projection of all planes so far; `add` must have been called."""
        assert self._out is not None
        if self.mode != "mean":
            return self._out
        with np.errstate(invalid="ignore", divide="ignore"):
            made: Array = self._out / np.asarray(self._count, dtype=np.float32)
        return made


def projected(values: Array, axis: int, mode: str) -> Array:
    """`values` without `axis`; see `Projection`."""
    values = np.abs(values) if np.iscomplexobj(values) else values
    nearest = abs(values.strides[axis]) == min(abs(s) for s in values.strides)
    if mode != "mean" and nearest and values.shape[axis] > 1:
        # Neighbours in memory: one pass over each line beats a pass over everything for each plane.
        made: Array = _combine(mode, values.dtype).reduce(values, axis=axis)
        return made
    projection = Projection(mode)
    for k in range(values.shape[axis]):
        projection.add(values[(slice(None),) * axis + (k,)])
    return projection.result()


def _combine(mode: str, dtype: Any) -> Any:
    if dtype.kind == "f":
        return np.fmax if mode == "max" else np.fmin  # these leave out what is not a number
    return np.maximum if mode == "max" else np.minimum
