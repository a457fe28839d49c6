"""A regular grid of samples in space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.data._arrays import Array, frozen, require
from core.data._attribute import Transforms


@dataclass(frozen=True, eq=False)
class Volume:
    """A grid of voxels with its place in the world.

    Attributes
    ----------
    array : (i, j, k) or (i, j, k, m); voxel order as in the file, never reoriented.
    affine : (4, 4) float64, voxel **centre** index -> world. Medical data: RAS+ millimetres.
    last_axis : what m is: "time", "channel", or "" for a 3-D array.
    transforms : how a group acts on one voxel's value (`VECTOR` needs channels, `LABEL` is never interpolated).
    unit, value_unit : of the world coordinates and of the values.
    space : "RAS" where the axes are anatomical (left/right is known), "" otherwise.
    step : seconds between the entries of a time axis, 0 if unknown.
    rgb : the channels are red, green, blue (and alpha).
    """

    array: Array
    affine: Array
    last_axis: Literal["", "time", "channel"] = ""
    transforms: Transforms = Transforms.SCALAR
    unit: str = "mm"
    value_unit: str = ""
    space: str = "RAS"
    step: float = 0.0
    rgb: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", frozen(self.array))
        object.__setattr__(self, "affine", frozen(np.array(self.affine, dtype=np.float64)))
        object.__setattr__(self, "transforms", Transforms(self.transforms))
        require(self.array.ndim in (3, 4), "a volume's array has 3 or 4 axes")
        require(min(self.array.shape) > 0, "a volume's array must not be empty")
        require(
            (self.array.ndim == 4) == bool(self.last_axis), "a fourth axis needs its meaning, and only it"
        )
        require(self.affine.shape == (4, 4), "an affine is 4×4")
        require(bool(np.isfinite(self.affine).all()), "the affine has values that are not finite")
        require(abs(np.linalg.det(self.affine[:3, :3])) > 0, "the affine is singular: voxels without volume")
