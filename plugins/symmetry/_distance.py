"""Distances to a set of points, tabulated once: what makes thousands of trial mirrors cheap."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates
from scipy.spatial import cKDTree

from plugins.symmetry._algebra import Array

RESOLUTION = 48


class DistanceGrid:
    """Distance to the points of a tree over a cube around the origin, trilinear between nodes.

    Exact at nodes near the points, where it decides; elsewhere the distance to the nearest occupied node, which
    is off by less than a cell.
    """

    def __init__(self, tree: cKDTree, points: Array) -> None:
        # The farthest half percent may lie outside: stray points must not coarsen the grid.
        self._radius = 1.05 * float(np.quantile(np.linalg.norm(points, axis=1), 0.995)) + 1e-9
        self._cells = (RESOLUTION - 1) / (2.0 * self._radius)
        cells = np.rint((np.asarray(tree.data) + self._radius) * self._cells).astype(np.int64)
        cells = cells[((cells >= 0) & (cells < RESOLUTION)).all(axis=1)]
        empty = np.ones((RESOLUTION,) * 3, dtype=bool)
        empty[tuple(cells.T)] = False
        steps = distance_transform_edt(empty)
        table = (steps / self._cells).astype(np.float32)
        near = np.argwhere(steps <= 2.0)
        table[tuple(near.T)] = tree.query(near / self._cells - self._radius, k=1)[0]
        self._table = table

    def __call__(self, points: Array) -> Array:
        """(…,) rough distances of `points` (…, 3)."""
        index = (points.reshape(-1, 3).T + self._radius) * self._cells
        found = map_coordinates(self._table, index, order=1, mode="nearest", output=np.float32)
        return np.asarray(found.reshape(points.shape[:-1]))
