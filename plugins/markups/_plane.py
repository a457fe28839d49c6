"""Where a Slicer plane lies: from its matrices, its orientation, its normal, or its control points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def plane_axes(markup: Any, points: Array, flip: Array, scale: float) -> tuple[Array, Array]:
    """Centre (3,) and axes (3, 3; columns, third = normal) in RAS mm.

    Parameters
    ----------
    points : control points, already RAS mm.
    flip : (3,) signs that turn the file's coordinates to RAS.

    In LPS files Slicer negates the first two rows of `objectToBase` and of `baseToNode`; undone here, object
    coordinates go to world ones by baseToNode @ objectToBase. Files without matrices fall back on `orientation`
    and `center`, `normal`, and last on the points: the plane through three (3Points) or the best fit (Fit).

    Raises
    ------
    ValueError : nothing of this is there, or it states no plane.
    """
    rows = np.array([*flip, 1.0])
    if markup.get("baseToNode") is not None:
        base = _matrix(markup["baseToNode"]) * rows[:, None]
        within = (
            _matrix(markup["objectToBase"]) * rows[:, None]
            if markup.get("objectToBase") is not None
            else np.eye(4)
        )
        world = base @ within
        if abs(np.linalg.det(world[:3, :3])) > 1e-6:
            return world[:3, 3] * scale, _orthonormal(world[:3, :3])
    centre = _centre(markup, points, flip, scale)
    if markup.get("orientation") is not None:
        axes = np.array([float(v) for v in markup["orientation"]]).reshape(3, 3) * flip[:, None]
        return centre, _orthonormal(axes)
    if markup.get("normal") is not None:
        normal = np.array([float(v) for v in markup["normal"]]) * flip
        return centre, frame(normal)
    if len(points) == 3:
        return centre, frame(np.cross(points[1] - points[0], points[2] - points[0]), points[1] - points[0])
    if len(points) > 3:
        _, sizes, vt = np.linalg.svd(points - points.mean(axis=0))
        if sizes[1] <= 1e-9 * sizes[0]:
            raise ValueError("the points of a plane lie on one line")
        return points.mean(axis=0), frame(vt[2], vt[0])
    raise ValueError("a plane with neither matrix, normal nor three points")


def frame(normal: Array, along: Array | None = None) -> Array:
    """Right-handed orthonormal axes (columns) with `normal` third and the first as near to `along` as can be."""
    length = float(np.linalg.norm(normal))
    if not np.isfinite(length) or length < 1e-12:
        raise ValueError("a plane without a normal")
    z = normal / length
    if along is None:
        along = np.eye(3)[int(np.argmin(np.abs(z)))]
    x = along - (along @ z) * z
    x = x / np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _centre(markup: Any, points: Array, flip: Array, scale: float) -> Array:
    if markup.get("center") is not None:
        centre = np.array([float(v) for v in markup["center"]])
        if centre.shape != (3,) or not np.isfinite(centre).all():
            raise ValueError("the centre of a plane is not three numbers")
        return centre * flip * scale
    if not len(points):
        raise ValueError("a plane without a centre")
    if str(markup.get("planeType", "")) == "PointNormal":
        return np.asarray(points[0])
    return np.asarray(points.mean(axis=0))


def _matrix(values: Any) -> Array:
    matrix = np.array([float(v) for v in values])
    if matrix.size != 16 or not np.isfinite(matrix).all():
        raise ValueError("a plane's matrix has not sixteen numbers")
    return matrix.reshape(4, 4)


def _orthonormal(axes: Array) -> Array:
    """The nearest orthonormal axes with the same normal; refuses matrices far from it (a scaled one is fine)."""
    lengths = np.linalg.norm(axes, axis=0)
    if not np.isfinite(axes).all() or lengths.min() < 1e-9:
        raise ValueError("the axes of a plane are damaged")
    unit = axes / lengths
    if not np.allclose(unit.T @ unit, np.eye(3), atol=1e-2):
        raise ValueError("the axes of a plane are not at right angles")
    u, _, vt = np.linalg.svd(unit)
    return np.asarray(u @ vt)
