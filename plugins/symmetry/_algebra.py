"""Planes as (unit normal n, offset d): {x : n·x = d}, and the mirror x -> x - 2 (n·x - d) n."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.symmetry import mirrored

Array = NDArray[Any]


def mirror(points: Array, normal: Array, offset: float) -> Array:
    """(n, 3) `points` mirrored in the plane {x : normal·x = offset}."""
    out: Array = mirrored(points, offset * normal, normal)
    return out


def mirror_many(points: Array, normals: Array, offsets: Array) -> Array:
    """(k, n, 3): `points` (n, 3) mirrored in k planes."""
    along = normals @ points.T - offsets[:, None]
    out: Array = points[None] - 2.0 * along[:, :, None] * normals[:, None]
    return out


def tangents(normal: Array) -> Array:
    """(2, 3) unit vectors that complete `normal` to a right-handed frame (t0, t1, normal)."""
    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    first = np.cross(helper, normal)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first)])


def canonical(normal: Array) -> Array:
    """±`normal`, whichever points to +x (right); where x vanishes +y, then +z.

    `core.symmetry.mirror_plane` has another rule: its largest entry is positive.
    """
    unit = np.asarray(normal, dtype=np.float64) / np.linalg.norm(normal)
    for component in unit:
        if abs(component) > 1e-9:
            return unit if component > 0 else -unit
    return unit


def hemisphere(count: int) -> Array:
    """(count, 3) nearly even unit vectors with x >= 0 (Fibonacci lattice); one of each pair ±n."""
    i = np.arange(count) + 0.5
    x = 1.0 - i / count
    radius = np.sqrt(1.0 - x**2)
    angle = np.pi * (1.0 + np.sqrt(5.0)) * i
    return np.stack([x, radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def circle(axis: Array, count: int) -> Array:
    """(count, 3) normals of `count` planes that contain `axis`, at equal steps of π / count."""
    first, second = tangents(axis)
    angle = np.pi * np.arange(count) / count
    return np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second
