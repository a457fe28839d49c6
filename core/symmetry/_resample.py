"""A volume moved on its own grid, for models that read arrays, with what the interpolation costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.data import Transforms, Volume
from core.symmetry._action import act
from core.symmetry._group import Elements
from core.symmetry._values import NoActionError


@dataclass(frozen=True, eq=False)
class Resampled:
    """A resampled volume and its error floor.

    Attributes
    ----------
    volume : g·volume on the grid of the original (same affine and shape).
    floor : RMS difference between the original and its round trip (g, then g⁻¹), over the voxels that stay
        inside both ways, relative to the standard deviation of the original's values there; for labels the
        fraction of voxels that change. NaN where no voxel stays inside or the values do not vary.
    inside : fraction of voxels that stay inside both ways.
    """

    volume: Volume
    floor: float
    inside: float


def resample(volume: Volume, g: Elements, *, order: int = 1, fill: float = 0.0, **kinds: Any) -> Resampled:
    """`act(g, volume)` interpolated back to the grid of `volume`.

    Parameters
    ----------
    g : a single element of a 3-D spatial group.
    order : of the spline, 0 to 5 (`scipy.ndimage`); labels always use 0.
    fill : value outside the original grid.
    kinds : `unknown` and `transforms`, as for `act`.

    Raises
    ------
    NoActionError : as for `act`; also for complex values.
    """
    moved = _once(volume, g, order, fill, kinds)
    back = _once(moved, g.inverse(), order, fill, kinds)
    stays = _restored(volume, g, order)
    inside = float(stays.mean())
    before, after = volume.array[stays], back.array[stays]
    if not before.size:
        return Resampled(moved, float("nan"), inside)
    if moved.transforms is Transforms.LABEL:
        return Resampled(moved, float((before != after).mean()), inside)
    before, after = before.astype(np.float64), after.astype(np.float64)
    spread = float(np.sqrt(((before - before.mean(axis=0)) ** 2).mean()))
    gap = float(np.sqrt(((before - after) ** 2).mean()))
    return Resampled(moved, gap / spread if spread > 0 else float("nan"), inside)


def on_grid(order: int = 1, fill: float = 0.0, **kinds: Any) -> Callable[[Elements, Volume], Volume]:
    """The resampled action as a function (g, volume) -> volume, for `equivariance_error(act_input=…)`."""
    return lambda g, volume: _once(volume, g, order, fill, kinds)


def _once(volume: Volume, g: Elements, order: int, fill: float, kinds: dict[str, Any]) -> Volume:
    from scipy.ndimage import affine_transform

    if volume.array.dtype.kind == "c":
        raise NoActionError("Complex volumes are not resampled; take magnitude or parts first.")
    moved = act(g, volume, **kinds)
    order = 0 if moved.transforms is Transforms.LABEL else order
    # output voxel -> world (original affine) -> voxel of the moved grid
    index = np.linalg.inv(moved.affine) @ volume.affine
    array = moved.array if order == 0 or moved.array.dtype.kind == "f" else moved.array.astype(np.float32)
    stack = array[..., None] if array.ndim == 3 else array
    out = np.empty(stack.shape, dtype=array.dtype)
    for m in range(stack.shape[3]):
        affine_transform(
            stack[..., m],
            index[:3, :3],
            index[:3, 3],
            output=out[..., m],
            order=order,
            mode="grid-constant",
            cval=fill,
        )
    return replace(moved, array=out.reshape(array.shape), affine=volume.affine)


def _voxel_map(volume: Volume, g: Elements) -> Any:
    """(3, 4) map of voxel coordinates to those that the same point of the object has after g."""
    return (np.linalg.inv(volume.affine) @ g.like(np.float64).homogeneous @ volume.affine)[:3]


def _restored(volume: Volume, g: Elements, order: int) -> Any:
    """(i, j, k) booleans: the voxel goes to a place on the grid whose neighbours came from the grid.

    Plane by plane, so that the coordinates of a large volume never stand in memory at once.
    """
    from scipy.ndimage import binary_erosion

    shape = volume.array.shape[:3]
    last = np.array(shape) - 1
    plane = np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[2]), indexing="ij"), axis=-1)
    there, origin = _voxel_map(volume, g), _voxel_map(volume, g.inverse())

    def reach(matrix: Any, i: int) -> Any:
        return plane @ matrix[:, 1:3].T + (matrix[:, 0] * i + matrix[:, 3])

    def on_the_grid(x: Any) -> Any:
        # a voxel on the border may land outside by rounding
        return ((x >= -1e-6) & (x <= last + 1e-6)).all(-1)

    known = np.stack([on_the_grid(reach(origin, i)) for i in range(shape[0])])
    known = binary_erosion(known, np.ones((3, 3, 3)), iterations=max(1, order), border_value=1)
    stays = np.empty(shape, dtype=bool)
    for i in range(shape[0]):
        x = reach(there, i)
        a, b, c = np.moveaxis(np.clip(np.rint(x).astype(int), 0, last), -1, 0)
        stays[i] = on_the_grid(x) & known[a, b, c]
    return stays
