"""From stored values and a matrix to a `Volume`: the checks and warnings that every format shares."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.data import Transforms, Volume
from core.errors import ReadError
from core.geometry import voxel_sizes

Array = NDArray[Any]
LastAxis = Literal["", "time", "channel"]


def make_volume(
    path: Path,
    array: Array,
    affine: Array,
    *,
    last_axis: LastAxis = "",
    step: float = 0.0,
    space: str = "RAS",
    rgb: bool = False,
    unit: str = "mm",
    transforms: Transforms = Transforms.SCALAR,
) -> tuple[Volume, list[str]]:
    """A volume and what the user should know about it. Complex values become their magnitude.

    Raises
    ------
    ReadError : the array is empty, of a kind without numbers, or the matrix places no voxel.
    """
    warnings: list[str] = []
    array, notes = plain_numbers(path, array)
    warnings += notes
    while array.ndim > 3 and array.shape[-1] == 1:
        array, last_axis, rgb = array[..., 0], "", False
    while array.ndim < 3:
        array = array[..., None]
    affine = np.asarray(affine, dtype=np.float64)
    if not usable(affine):
        raise ReadError(
            path, "has a matrix that places no voxel in space", "repair its header or export it again"
        )
    if array.size == 0:
        raise ReadError(path, "has a grid without voxels", "export it again")
    warnings += shear_warning(affine) + value_warnings(array)
    volume = Volume(
        array,
        affine,
        last_axis=last_axis if array.ndim == 4 else "",
        transforms=transforms,
        unit=unit,
        space=space,
        step=float(step) if last_axis == "time" and np.isfinite(step) and step > 0 else 0.0,
        rgb=rgb,
    )
    return volume, warnings


def plain_numbers(path: Path, array: Array) -> tuple[Array, list[str]]:
    """`array` as native bool, integers, float16/32/64; complex as magnitude, long double as double, both with a warning."""
    if array.dtype.kind == "c":
        kind = np.float32 if array.dtype.itemsize == 8 else np.float64
        return np.abs(array).astype(kind), ["The values are complex; their magnitude is shown."]
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        return array.astype(np.float64), [
            "The values are stored with more than double precision; they are read as double."
        ]
    if array.dtype.kind not in "biuf":
        raise ReadError(
            path, f"has values of a kind that is no number ({array.dtype})", "export it with plain numbers"
        )
    return array, []


def usable(affine: Array) -> bool:
    """Whether a matrix is finite and gives every voxel a volume that floating point can tell from none."""
    if not np.isfinite(affine).all():
        return False
    sizes = voxel_sizes(affine)
    if not (sizes > 1e-9).all() or not (sizes < 1e9).all() or np.abs(affine).max() > 1e9:
        return False
    return bool(abs(np.linalg.det(affine[:3, :3] / sizes)) > 1e-4)


def shear_warning(affine: Array) -> list[str]:
    """One sentence where the voxel axes are more than half a degree off right angles."""
    axes = affine[:3, :3] / voxel_sizes(affine)
    cosines = np.abs((axes.T @ axes)[np.triu_indices(3, 1)])
    angle = float(np.degrees(np.arcsin(min(1.0, cosines.max()))))
    if angle <= 0.5:
        return []
    return [
        f"The voxel axes are sheared: up to {angle:.1f}° off right angles. The grid is kept as it is stored."
    ]


def value_warnings(array: Array) -> list[str]:
    """Sentences about values that show nothing: NaN, infinite, or all the same."""
    if array.dtype.kind == "f":
        low, high = float(np.min(array)), float(np.max(array))
        if not (np.isfinite(low) and np.isfinite(high)):
            bad = int(array.size - np.count_nonzero(np.isfinite(array)))
            if bad == array.size:
                return ["No voxel has a number (all NaN or infinite)."]
            share = 100.0 * bad / array.size
            return [f"{bad} voxels ({share:.2g} %) are not numbers (NaN or infinite)."]
        if low == high:
            return [f"Every voxel has the value {low:g}."]
        return []
    first = array.flat[0]
    if array.size > 1 and array.min() == first == array.max():
        return [f"Every voxel has the value {first}."]
    return []


def scaled_type(stored: np.dtype[Any]) -> np.dtype[Any]:
    """float32; float64 where the stored values need it (64-bit floats, wide integers)."""
    wide = stored.itemsize > 4 or (stored.kind in "iu" and stored.itemsize == 4)
    return np.dtype(np.float64 if wide else np.float32)


def scaled(array: Array, slope: float, intercept: float) -> Array:
    """slope · array + intercept, of `scaled_type`."""
    out = np.empty_like(array, dtype=scaled_type(array.dtype))
    source, target = array.ravel(order="K"), out.ravel(order="K")
    if not np.shares_memory(target, out):
        return (array * np.float64(slope) + intercept).astype(out.dtype)
    # In double precision, piece by piece: float32 arithmetic loses digits where the intercept is large.
    for start in range(0, source.size, 1 << 20):
        piece = slice(start, start + (1 << 20))
        target[piece] = source[piece] * np.float64(slope) + intercept
    return out


_ENTITY = re.compile(r"(?:^|_)([a-z]+)-([A-Za-z0-9]+)")


def entities(name: str) -> dict[str, str]:
    """The key-value pairs of a BIDS file name ("sub-01_ses-2_T2w"), with "suffix"; {} for other names."""
    if not name.startswith("sub-"):
        return {}
    found = dict(_ENTITY.findall(name))
    suffix = name.rpartition("_")[2]
    return {**found, "suffix": suffix} if "-" not in suffix else found
