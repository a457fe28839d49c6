"""Slice planes beyond the aligned one: their rotation about the crosshair, and slabs. Pure values, no Qt, no VTK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Tilt = tuple[float, ...]
"""A rotation of the world, (3, 3) row by row."""

MODES = {"max": "MIP", "min": "MinIP", "mean": "Mean"}
"""Projections over a slab, and what the title of a view calls them."""
THICKEST = 1000.0
"""World units: more than any body."""
_UNTILTED = 1e-6
_ROWS = np.arange(3)[:, None]
_CORNERS = np.array([[k >> 2 & 1, k >> 1 & 1, k & 1] for k in range(8)]).T


@dataclass(frozen=True)
class Slab:
    """A projection over `thickness` world units about the slice: "max", "min" or "mean".

    It takes the values of every voxel whose centre lies no further than half of it from the slice.
    """

    mode: str
    thickness: float

    def words(self, unit: str = "") -> str:
        """ "MIP 10 mm"."""
        return f"{MODES[self.mode]} {self.thickness:.4g}{' ' + unit if unit else ''}"

    def planes(self, spacing: float) -> int:
        """How many planes at `spacing` lie to either side of the middle one."""
        return int(self.thickness / 2 / max(spacing, 1e-9) + 1e-6)


def slab_from_plain(value: Any) -> Slab | None:
    """From a session; None for none and for anything damaged."""
    if not isinstance(value, Mapping) or value.get("mode") not in tuple(MODES):
        return None
    thickness = value.get("thickness")
    if isinstance(thickness, bool) or not isinstance(thickness, (int, float)):
        return None
    return Slab(value["mode"], float(thickness)) if 0 < thickness <= THICKEST else None


def slab_to_plain(slab: Slab | None) -> dict[str, Any] | None:
    """For a session."""
    return None if slab is None else {"mode": slab.mode, "thickness": slab.thickness}


def turn(axis: Any, degrees: float) -> Array:
    """(3, 3) rotation about a world axis, right-handed (Rodrigues' formula)."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def tilt_of(matrix: Any) -> Tilt | None:
    """A rotation as it is kept: the closest one to a matrix that may have drifted; None for the identity.

    Raises
    ------
    ValueError : a mirroring, or nothing like a rotation.
    """
    found = np.asarray(matrix, dtype=float).reshape(3, 3)
    if not (np.abs(found) < 2).all() or np.abs(found @ found.T - np.eye(3)).max() > 1e-3:
        raise ValueError("this matrix is no rotation")
    if np.linalg.det(found) < 0:
        raise ValueError("this matrix mirrors")
    u, _, v = np.linalg.svd(found)
    closest = u @ v
    if np.abs(closest - np.eye(3)).max() < _UNTILTED:
        return None
    return tuple(float(c) for c in closest.reshape(-1))


def tilt_from_plain(value: Any) -> Tilt | None:
    """From a session; None for none and for anything damaged."""
    try:
        return tilt_of([float(v) for v in value])
    except (TypeError, ValueError, OverflowError):
        return None


def matrix_of(tilt: Tilt | None) -> Array:
    """(3, 3)."""
    return np.eye(3) if tilt is None else np.array(tilt).reshape(3, 3)


def least_turn(start: Array, end: Array, fallback: Array) -> Array:
    """(3, 3) rotation that takes one unit vector to another on the shortest way; `fallback` where they are opposite.

    A view turned so keeps its picture upright as well as its plane allows, and does not turn at all about its own
    normal.
    """
    cosine = float(start @ end)
    if cosine < -1 + 1e-9:
        return fallback
    about = cross(start, end)
    k = np.array([[0, -about[2], about[1]], [about[2], 0, -about[0]], [-about[1], about[0], 0]])
    made: Array = np.eye(3) + k + k @ k / (1 + cosine)
    return made


def angle_between(a: Array, b: Array) -> float:
    """Degrees between two unit vectors; exact near 0 too."""
    return float(np.degrees(np.arctan2(np.linalg.norm(cross(a, b)), a @ b)))


def cross(a: Array, b: Array) -> Array:
    """Of two vectors; a twentieth of the time of NumPy's, which four views spend several times for each step."""
    return np.array(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], dtype=float
    )


def box_corners(box: Any) -> Array:
    """(3, 8) corners of a (3, 2) box."""
    made: Array = np.asarray(box, dtype=float)[_ROWS, _CORNERS]
    return made


def aligned_axis(affine: Array, normal: Array) -> int | None:
    """The array axis whose voxel planes a normal stands on, None where it stands on none."""
    for axis in range(3):
        u, v = (affine[:3, a] for a in range(3) if a != axis)
        own = cross(u, v)
        if np.linalg.norm(cross(own / np.linalg.norm(own), normal)) < _UNTILTED:
            return axis
    return None
