"""Affines and anatomical axes: the one place that knows which way an array points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RAS = np.eye(4)
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM, ITK and Slicer files speak LPS; we speak RAS. The matrix is its own inverse."""


def voxel_sizes(affine: Array) -> Array:
    """(3,) lengths of the three voxel edges in world units."""
    sizes: Array = np.sqrt((np.asarray(affine)[:3, :3] ** 2).sum(axis=0))
    return sizes


def closest_axes(affine: Array) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """For each world axis x, y, z: the array axis that runs along it best, and its sign (+1 or -1).

    A one-to-one assignment that maximises the summed |cosine|, so it stays a permutation for any oblique
    or sheared affine (nibabel's `io_orientation` may drop an axis there).
    """
    from itertools import permutations

    cosines = np.asarray(affine)[:3, :3] / voxel_sizes(affine)
    best = max(permutations(range(3)), key=lambda p: sum(abs(cosines[w, p[w]]) for w in range(3)))
    signs = tuple(1 if cosines[w, best[w]] >= 0 else -1 for w in range(3))
    return (best[0], best[1], best[2]), (signs[0], signs[1], signs[2])


def axis_codes(affine: Array) -> tuple[str, str, str]:
    """One letter an array axis, the anatomical side it points to: ("R", "A", "S") for the identity."""
    axes, signs = closest_axes(affine)
    codes = ["", "", ""]
    for world, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        codes[axis] = ("RAS" if sign > 0 else "LPI")[world]
    return codes[0], codes[1], codes[2]


def direction_letters(direction: Array, threshold: float = 0.17) -> str:
    """The side(s) of the body that a world direction points to, strongest first.

    One letter where it runs along an axis; two (three) where further components exceed `threshold`
    (0.17 ≈ sin 10°) of the length, as for oblique slices: "RA".
    """
    d = np.asarray(direction, dtype=float)
    d = d / np.linalg.norm(d)
    order = np.argsort(-abs(d), kind="stable")
    letters = [("RAS" if d[i] > 0 else "LPI")[i] for i in order if abs(d[i]) > threshold]
    return "".join(letters[:2])


def obliquity(affine: Array) -> float:
    """Largest angle, in degrees, between an array axis and the world axis closest to it."""
    cosines = np.asarray(affine)[:3, :3] / voxel_sizes(affine)
    axes, _ = closest_axes(affine)
    worst = min(abs(float(cosines[w, axes[w]])) for w in range(3))
    return float(np.degrees(np.arccos(min(1.0, worst))))
