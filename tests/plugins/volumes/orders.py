"""One synthetic head in all 48 ways in which its three axes can be stored, each with the matrix that undoes it.

`orders()` yields (codes, array, affine): the same world every time, with `RIGHT` brightest in the right hemisphere.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

SHAPE = (30, 36, 32)
SPACING = (2.0, 2.5, 3.0)
RIGHT = (20.0, -12.5, 15.0)
"""RAS mm of the brightest voxel."""
MARK, ANTERIOR = 1000, 700


def head() -> tuple[np.ndarray, np.ndarray]:
    """(i, j, k) int16 in RAS order and its affine: an ellipsoid, the mark on its right, a fainter one in front."""
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = [-30.0, -45.0, -45.0]
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    world = grid * np.array(SPACING) + affine[:3, 3]
    array = np.where(((world / [24.0, 36.0, 38.0]) ** 2).sum(axis=-1) <= 1.0, 300, 0).astype(np.int16)
    array[tuple(np.rint((np.array(RIGHT) - affine[:3, 3]) / SPACING).astype(int))] = MARK
    array[tuple(np.rint((np.array([0.0, 30.0, 0.0]) - affine[:3, 3]) / SPACING).astype(int))] = ANTERIOR
    return array, affine


def orders() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """All 48: codes such as "LSA" (what each array axis points to), the array so stored, its affine."""
    array, affine = head()
    for permutation in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            # stored index -> RAS index
            matrix = np.zeros((4, 4))
            matrix[3, 3] = 1.0
            stored = array.transpose(permutation)
            codes = ""
            for axis, (world, flip) in enumerate(zip(permutation, flips, strict=True)):
                matrix[world, axis] = -1.0 if flip else 1.0
                matrix[world, 3] = SHAPE[world] - 1.0 if flip else 0.0
                codes += "LPI"[world] if flip else "RAS"[world]
                if flip:
                    stored = np.flip(stored, axis)
            yield codes, np.ascontiguousarray(stored), affine @ matrix
