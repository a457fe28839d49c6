"""Reduced 8-bit copies of volumes, for what draws them in 3-D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData

from app.viewports import arrays
from app.viewports.known import Known
from app.viewports.stats import frame_of, volume_stats
from core.data import Volume
from core.geometry import closest_axes

Array = NDArray[Any]

DRAG_VOXELS = 112**3
LABEL_VOXELS = 160**3
_KEPT_BYTES = 200_000_000
"""Of the reduced frames of one volume."""
_prepared: Known[Volume, dict[tuple[Any, ...], Reduced]] = Known()


@dataclass(frozen=True, eq=False)
class Reduced:
    """An 8-bit copy with its axes along R, A, S as nearly as possible, and how its numbers relate to the values.

    `array` (x fastest in memory), `spacing` (3,), `placement` (4, 4): index * spacing -> the volume's own space.
    """

    array: Array
    spacing: Array
    placement: Array
    low: float
    high: float

    def code(self, value: float) -> float:
        """Where a value lies on 0..255."""
        return (value - self.low) / (self.high - self.low) * 255.0

    def image(self) -> vtkImageData:
        """As VTK sees it, without a copy."""
        made = vtkImageData()
        made.SetDimensions(*self.array.shape)
        made.SetSpacing(*self.spacing)
        made.GetPointData().SetScalars(arrays.data_array(self.array.reshape(-1, order="F")))
        return made


def reduced(volume: Volume, index: int, limit: int, *, label: bool = False, exact: bool = False) -> Reduced:
    """The copy that is ray-cast: at most about `limit` voxels, range of the finite values on 0..255; cached.

    Axes are turned and flipped into the closest R, A, S order, so that the mapper never meets a mirroring
    matrix (which would turn its normals inside out), whatever order the file has. `exact`: float32 values instead
    of bytes, whose `code` is the value itself; what is not finite lies below all others.
    """
    known = _prepared.setdefault(volume, {})
    key = (index, limit, label, exact)
    if key in known:
        return known[key]
    array = frame_of(volume, index)
    if array.ndim == 4:
        array = np.asarray(array[..., :3], dtype=np.float32).mean(axis=3)
    if np.iscomplexobj(array):
        array = np.abs(array)
    axes, signs = closest_axes(volume.affine)
    turned = array.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
    affine = np.eye(4)
    origin = np.zeros(3)
    for world, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[:3, world] = volume.affine[:3, axis] * sign
        if sign < 0:
            origin[axis] = volume.array.shape[axis] - 1
    affine[:3, 3] = volume.affine[:3, :3] @ origin + volume.affine[:3, 3]
    step = max(1, int(np.ceil((turned.size / limit) ** (1 / 3))))
    steps = np.array([step if n >= 4 * step else 1 for n in turned.shape])
    small = _thinned(turned, steps, mean=not label)
    shift = (steps - 1) / 2 if not label else np.zeros(3)
    affine[:3, 3] += affine[:3, :3] @ shift
    affine[:3, :3] *= steps
    if label:
        finite = np.nan_to_num(np.asarray(small, dtype=np.float32))
        codes = np.where(finite == 0, 0, (np.round(finite).astype(np.int64) - 1) % 255 + 1)
        low, high = 0.0, 255.0
    elif exact:
        codes = np.asarray(small, dtype=np.float32)
        finite = np.isfinite(codes)
        if not finite.all():
            codes = np.where(finite, codes, codes[finite].min() if finite.any() else np.float32(0))
        low, high = 0.0, 255.0
    else:
        stats = volume_stats(volume, index)
        low = min(stats.minimum, stats.low)
        high = max(min(stats.maximum, stats.high + (stats.high - stats.low)), low + 1e-12)
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = np.subtract(small, np.float32(low), dtype=np.float32)
            scaled *= np.float32(255.0 / (high - low))
            # Clipping keeps what is not a number, which is turned into nothing; infinities go to the ends.
            codes = np.clip(scaled, 0, 255, out=scaled)
            if small.dtype.kind == "f":
                np.nan_to_num(codes, copy=False)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    placement = affine.copy()
    placement[:3, :3] /= spacing
    made = Reduced(
        np.asfortranarray(codes if exact else codes.astype(np.uint8)), spacing, placement, low, high
    )
    # A film goes round: its frames are kept as far as memory allows.
    frame, allowed = made.array.nbytes, _KEPT_BYTES
    for old, copy in list(known.items()):  # other threads may be at it
        if old[0] != index:
            allowed -= copy.array.nbytes
            if allowed < frame:
                known.pop(old, None)
    known[key] = made
    return made


def _thinned(array: Array, steps: Array, *, mean: bool) -> Array:
    """Every n-th voxel, or the mean of each block: thin structures fade instead of flickering."""
    if (steps == 1).all():
        return array
    if not mean:
        return array[tuple(slice(None, None, int(s)) for s in steps)]
    # Slab by slab along the slowest axis, so that what is added stays in the processor's cache.
    order = np.argsort([-abs(s) for s in array.strides], kind="stable")
    source = array.transpose(order)
    s0, s1, s2 = (int(s) for s in np.asarray(steps)[order])
    shape = source.shape[0] // s0, source.shape[1] // s1, source.shape[2] // s2
    out = np.empty(shape, dtype=np.float32)
    for i in range(shape[0]):
        slab = source[i * s0 : (i + 1) * s0, : shape[1] * s1, : shape[2] * s2].sum(axis=0, dtype=np.float32)
        rows = slab.reshape(shape[1], s1, shape[2] * s2).sum(axis=1)
        out[i] = rows[:, ::s2]
        for k in range(1, s2):
            out[i] += rows[:, k::s2]
    out /= np.float32(s0 * s1 * s2)
    return out.transpose(np.argsort(order))


def is_reduced(volume: Volume, index: int, limit: int, *, label: bool = False, exact: bool = False) -> bool:
    """Whether `reduced` has the copy at hand."""
    return (index, limit, label, exact) in _prepared.get(volume, {})
