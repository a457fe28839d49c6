"""Closest points of a surface, tabulated once over a cube: what makes thousands of trial mirrors cheap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates
from scipy.spatial import cKDTree

from plugins.symmetry._algebra import Array
from plugins.symmetry._shape import CAP

RESOLUTION = 48
NEAR = 2.0
"""Nodes within so many cells of the surface hold exact closest points; the rest those of their nearest such cell."""


class DistanceField:
    """The vector to the closest point of a surface at the nodes of a cube around the origin.

    Between nodes it is trilinear. Where the closest points lie in one plane that is exact, and goes through zero
    on the surface with its sign; elsewhere it is off by a part of a cell (1 to 3 % of the size).

    Attributes
    ----------
    cell : edge of a cell.
    feet : (RESOLUTION³, 3) closest points of the nodes.
    """

    def __init__(self, tree: cKDTree, points: Array, closest: Callable[[Array, Array], Array]) -> None:
        """`tree` covers the surface; `closest` (m, 3) queries, (m,) nearest entries of the tree -> (m, 3)."""
        # The farthest half percent may lie outside: stray points must not coarsen the grid.
        self._radius = 1.05 * float(np.quantile(np.linalg.norm(points, axis=1), 0.995)) + 1e-9
        self._cells = (RESOLUTION - 1) / (2.0 * self._radius)
        self.cell = 1.0 / self._cells
        cover = np.asarray(tree.data)
        cells = np.rint((cover + self._radius) * self._cells).astype(np.int64)
        inside = np.flatnonzero(((cells >= 0) & (cells < RESOLUTION)).all(axis=1))
        flat = cells[inside] @ _STRIDES
        empty = np.ones(RESOLUTION**3, dtype=bool)
        empty[flat] = False
        of_cell = np.zeros(RESOLUTION**3, dtype=np.int64)
        of_cell[flat[::-1]] = inside[::-1]  # one entry of the tree a cell: the first
        steps, nearest = distance_transform_edt(empty.reshape((RESOLUTION,) * 3), return_indices=True)
        owner = of_cell[np.tensordot(_STRIDES, nearest, axes=1).reshape(-1)]
        nodes = np.indices((RESOLUTION,) * 3).reshape(3, -1).T * self.cell - self._radius
        self.feet = cover[owner]
        near = np.flatnonzero(steps.reshape(-1) <= NEAR)
        self.feet[near] = closest(nodes[near], tree.query(nodes[near])[1])
        self._vectors = (self.feet - nodes).astype(np.float32)
        distance = np.linalg.norm(self._vectors, axis=1)
        self._table = distance.reshape((RESOLUTION,) * 3)

    def distance(self, points: Array) -> Array:
        """(…,) rough distances of `points` (…, 3)."""
        index = (points.reshape(-1, 3).T + self._radius) * self._cells
        found = map_coordinates(self._table, index, order=1, mode="nearest", output=np.float32)
        return np.asarray(found.reshape(points.shape[:-1]))

    def vectors(self, points: Array) -> tuple[Array, Array]:
        """(m, 3) vectors from `points` (m, 3) to about their closest points, and (m, 3, 3) their derivatives."""
        first, part = self._cell_of(points)
        corners = self._vectors[first[:, None] + _CORNERS]
        # A factor an axis and corner: 1 - t or t; the derivative has -1 or +1 there.
        factor = np.where(_BITS, part[:, None], 1.0 - part[:, None])
        weight = factor.prod(axis=2)
        sign = np.where(_BITS, self._cells, -self._cells)
        slope = sign * np.stack(
            [
                factor[..., 1] * factor[..., 2],
                factor[..., 0] * factor[..., 2],
                factor[..., 0] * factor[..., 1],
            ],
            axis=2,
        )
        value = np.matmul(weight[:, None], corners)[:, 0]
        return value, np.matmul(corners.transpose(0, 2, 1), slope)

    def linearise(self, mirrored: Array) -> tuple[Array, Array, Array]:
        """`Shape.rough` of a surface: (k,) objectives, (k, m, 3) residuals, (k, m, 3, 3) gradients."""
        value, slope = self.vectors(mirrored.reshape(-1, 3))
        square = np.einsum("mi,mi->m", value, value)
        kept = square < CAP**2
        cost = np.minimum(square, CAP**2).reshape(mirrored.shape[:-1]).mean(axis=1)
        value, slope = value * kept[:, None], slope * kept[:, None, None]
        return cost, value.reshape(mirrored.shape), slope.reshape(*mirrored.shape, 3)

    def foot(self, points: Array) -> Array:
        """(m, 3) the best closest point that a corner of the cell of each of `points` (m, 3) knows."""
        first, _ = self._cell_of(points)
        feet = self.feet[first[:, None] + _CORNERS]
        step = feet - points[:, None]
        best = np.einsum("mci,mci->mc", step, step).argmin(axis=1)
        out: Array = feet[np.arange(len(points)), best]
        return out

    def _cell_of(self, points: Array) -> tuple[Array, Array]:
        """(m,) number of the lowest corner of the cell that holds each point, and (m, 3) where in the cell."""
        index = np.clip((points + self._radius) * self._cells, 0.0, RESOLUTION - 1.000001)
        low = index.astype(np.int64)
        return low @ _STRIDES, index - low


_STRIDES = np.array((RESOLUTION**2, RESOLUTION, 1))
_BITS = np.array([(i >> 2 & 1, i >> 1 & 1, i & 1) for i in range(8)], dtype=bool)
_CORNERS = _BITS @ _STRIDES
