"""The clip plane of a 3-D view: what lies before it is cut away. A value, no VTK."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports.camera import Vec
from core.geometry import closest_axes

Array = NDArray[Any]

FOLLOWS = ("", "axial", "coronal", "sagittal")
"""Kinds of slice that a clip plane can follow; "" = it stays where it was put."""
_ACROSS = {"axial": 2, "coronal": 1, "sagittal": 0}


@dataclass(frozen=True)
class ClipPlane:
    """Keeps the half-space behind it: points with (x - origin) · normal <= 0 are shown.

    `normal` (unit, world) points to what is cut away. `follow` names the slice whose plane it takes over from the
    crosshair; `flipped` cuts the other side of that.
    """

    origin: Vec = (0.0, 0.0, 0.0)
    normal: Vec = (0.0, 0.0, 1.0)
    follow: str = ""
    flipped: bool = False

    def height(self, points: Array) -> Array:
        """(n,) signed distances of (n, 3) points; what is above 0 is cut away."""
        heights: Array = (np.atleast_2d(points) - np.asarray(self.origin)) @ np.asarray(self.normal)
        return heights

    def turned_over(self) -> ClipPlane:
        """The other side is cut away."""
        x, y, z = self.normal
        return replace(self, normal=(-x + 0.0, -y + 0.0, -z + 0.0), flipped=not self.flipped)

    def moved(self, distance: float) -> ClipPlane:
        """Along its normal; it no longer follows a slice."""
        place = np.asarray(self.origin) + distance * np.asarray(self.normal)
        return replace(self, origin=vec(place), follow="")

    def span(self, start: Array, direction: Array) -> tuple[float, float]:
        """(from, to): the part of the ray start + t direction that is shown; from > to where nothing is."""
        above = float((np.asarray(start) - np.asarray(self.origin)) @ np.asarray(self.normal))
        rise = float(np.asarray(direction) @ np.asarray(self.normal))
        if abs(rise) < 1e-12:
            return (-np.inf, np.inf) if above <= 0 else (np.inf, -np.inf)
        crossing = -above / rise
        return (crossing, np.inf) if rise < 0 else (-np.inf, crossing)


def followed(
    plane: ClipPlane | None, cursor: Vec | None, reference: Any = None, tilt: Array | None = None
) -> ClipPlane | None:
    """The plane that is in force: one that follows a slice lies in it, through the crosshair.

    `reference` : the scene item of the volume whose voxel axes the slices follow; None = the world's axes.
    `tilt` : (3, 3) rotation of the slices about the crosshair.
    Of the two sides the one towards the usual viewer is cut away (S, A, L), unless `flipped`.
    """
    if plane is None or plane.follow not in _ACROSS or cursor is None:
        return plane
    world = _ACROSS[plane.follow]
    normal = np.eye(3)[world]
    if reference is not None:
        affine = reference.affine
        axes, signs = closest_axes(affine)
        # Across the two other axes of the slice: the same plane, also in a sheared stack.
        a, b = (affine[:3, axes[w]] for w in range(3) if w != world)
        normal = np.cross(a, b)
        normal = normal / max(float(np.linalg.norm(normal)), 1e-300)
        normal = normal if normal @ (affine[:3, axes[world]] * signs[world]) > 0 else -normal
    if tilt is not None:
        normal = np.asarray(tilt) @ normal
    if (world == 0) != plane.flipped:
        normal = -normal
    return replace(plane, origin=vec(np.asarray(cursor)), normal=vec(normal + 0.0))


def clip_to_plain(plane: ClipPlane | None) -> dict[str, Any] | None:
    """For a session file."""
    if plane is None:
        return None
    return {
        "origin": list(plane.origin),
        "normal": list(plane.normal),
        "follow": plane.follow,
        "flipped": plane.flipped,
    }


def clip_from_plain(value: Any) -> ClipPlane | None:
    """The inverse; None for anything that is no usable plane (an old or damaged session)."""
    try:
        origin, normal = (np.array([float(c) for c in value[key]]) for key in ("origin", "normal"))
        follow = value.get("follow", "")
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        return None
    if origin.shape != (3,) or normal.shape != (3,) or not np.isfinite([*origin, *normal]).all():
        return None
    length = float(np.linalg.norm(normal))
    if length < 1e-9:
        return None
    known = follow if follow in FOLLOWS else ""
    return ClipPlane(vec(origin), vec(normal / length), known, value.get("flipped") is True)


def outline(plane: ClipPlane, box: Array) -> Array:
    """(k, 3) corners, in order, of where the plane cuts a (3, 2) box; (0, 3) where it does not."""
    corners = np.array(np.meshgrid(*box, indexing="ij")).reshape(3, -1).T
    a, b = (np.array(ends) for ends in zip(*_EDGES, strict=True))
    height = plane.height(corners)
    crossing = (height[a] <= 0) != (height[b] <= 0)
    a, b = a[crossing], b[crossing]
    if len(a) < 3:
        return np.zeros((0, 3))
    t = height[a] / (height[a] - height[b])
    points = corners[a] + t[:, None] * (corners[b] - corners[a])
    first, second = across(plane)
    off = points - points.mean(axis=0)
    ordered: Array = points[np.argsort(np.arctan2(off @ second, off @ first))]
    return ordered


def across(plane: ClipPlane) -> tuple[Array, Array]:
    """Two unit vectors in the plane."""
    normal = np.asarray(plane.normal)
    first = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    first = first / np.linalg.norm(first)
    return first, np.cross(normal, first)


_EDGES = [(i, i | bit) for i in range(8) for bit in (1, 2, 4) if not i & bit]
"""Of a box whose corners are numbered in three bits."""


def vec(v: Array) -> Vec:
    """A plain tuple of three floats."""
    return float(v[0]), float(v[1]), float(v[2])
