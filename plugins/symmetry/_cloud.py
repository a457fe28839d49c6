"""A point cloud as a sample of a surface, or, where it is sparse, as nothing but its points."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from core.data import Mesh, PointCloud
from core.errors import Refused
from plugins.symmetry._algebra import Array
from plugins.symmetry._distance import DistanceField
from plugins.symmetry._shape import BLOCK, CAP, Shape

SPARSE = 0.08
"""A cloud whose points lie farther apart than this (in sizes) is no sample of a surface."""

NEIGHBOURS = 12
LARGEST = 200_000


class CloudShape(Shape):
    """A cloud; of a large one a random part.

    Points drawn at random from a symmetric surface have no mirror partners, only neighbours: the distance from a
    mirrored point to the cloud is about its spacing. The same holds for a point and the rest of its own cloud, so
    that own distance is subtracted: error² = ⟨d(σx, X)²⟩ - ⟨d(x, X without x)²⟩, along and across the local normal
    apart, neither below zero. By Pythagoras what is left is the distance between the surfaces. A sparse cloud (a
    molecule, the corners of a polyhedron) is compared point by point, without subtraction.
    """

    def __init__(
        self, cloud: PointCloud | Mesh, samples: int, rng: np.random.Generator, workers: int = 1
    ) -> None:
        points = np.asarray(cloud.points, dtype=np.float64)
        finite = np.isfinite(points).all(axis=1)
        dropped = int((~finite).sum())
        points = points[finite]
        if len(points) < 4:
            raise Refused(
                f"Mirror planes need at least 4 points with finite coordinates; there {'is' if len(points) == 1 else 'are'} {len(points)}."
            )
        points = points[rng.permutation(len(points))[:LARGEST]]
        shift = points[0].copy()
        points = points - shift
        centroid = points.mean(axis=0)
        points = points - centroid
        covariance = points.T @ points / len(points)
        size = 2.0 * float(np.sqrt(np.trace(covariance)))
        if not size > 1e-12 * float(np.abs(centroid + shift).max(initial=0.0)) or size == 0.0:
            raise Refused("All points of the cloud lie in one place, so every plane through it is a mirror.")
        points = points / size
        self._all = points
        self._workers = workers
        self._tree = cKDTree(points)
        sources = points[:samples]
        own, _ = self._tree.query(sources, k=min(4, len(points)), workers=workers)
        spacing = float(np.sqrt(np.mean(np.minimum(own[:, 1], CAP) ** 2)))
        self.sparse = spacing > SPARSE or len(points) < 4 * NEIGHBOURS
        super().__init__(
            centroid + shift, size, sources, covariance / size**2, 0.0 if self.sparse else spacing
        )
        if dropped:
            self.warnings.append(f"{dropped} points with coordinates that are not finite were left out.")
        if not self.sparse:
            self._normals, self._flatness = self._local_planes()
            self._own = self._parts(sources, own=True)
        self._field = DistanceField(self._tree, points, self._foot)

    def _local_planes(self) -> tuple[Array, Array]:
        """(n, 3) normals of the neighbourhoods and (n,) how flat these are: 1 a plane, 0 a ball."""
        normals, flatness = np.empty_like(self._all), np.empty(len(self._all))
        for start in range(0, len(self._all), 20_000):
            block = slice(start, start + 20_000)
            _, near = self._tree.query(self._all[block], k=NEIGHBOURS, workers=self._workers)
            local = self._all[near]
            local = local - local.mean(axis=1, keepdims=True)
            values, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", local, local))
            normals[block] = vectors[:, :, 0]
            flatness[block] = 1.0 - values[:, 0] / np.maximum(values[:, 1], 1e-300)
        return normals, np.clip(flatness, 0.0, 1.0)

    def _nearest(self, queries: Array, own: bool = False) -> tuple[Array, Array]:
        if own:
            distance, near = self._tree.query(queries, k=2, workers=self._workers)
            return distance[:, 1], near[:, 1]
        distance, near = self._tree.query(queries, k=1, workers=self._workers if len(queries) > 2000 else 1)
        return distance, near

    def _parts(self, queries: Array, own: bool = False) -> Array:
        """(m, 2) squared distances to the nearest point of the cloud, along and across its normal."""
        distance, near = self._nearest(queries, own)
        along = np.einsum("ni,ni->n", queries - self._all[near], self._normals[near]) ** 2
        shrink = np.minimum(1.0, CAP**2 / np.maximum(distance**2, 1e-300))
        return np.stack([along, np.maximum(distance**2 - along, 0.0)], axis=1) * shrink[:, None]

    def squared(self, mirrored: Array) -> Array:
        return np.minimum(self._field.distance(mirrored), CAP) ** 2

    def rough(self, mirrored: Array) -> tuple[Array, Array, Array]:
        return self._field.linearise(mirrored)

    def _foot(self, queries: Array, near: Array) -> Array:
        """Closest points of the surface that the cloud samples: up to the spacing beside the nearest point."""
        found = self._all[near]
        if self.sparse:
            return found
        step = found - queries
        normal = self._normals[near]
        across = step - np.einsum("ni,ni->n", step, normal)[:, None] * normal
        length = np.linalg.norm(across, axis=1, keepdims=True)
        out: Array = found - across * np.minimum(1.0, 2.0 * self.noise / np.maximum(length, 1e-300))
        return out

    def linearise(self, mirrored: Array) -> tuple[float, Array, Array]:
        distance, near = self._nearest(mirrored)
        kept = distance < CAP
        step = (mirrored - self._all[near]) * kept[:, None]
        if self.sparse:
            metric = kept[:, None, None] * np.eye(3)
            residual = step
        else:
            # Sliding along the surface costs nothing: the metric is nnᵀ + (1 - flatness) (1 - nnᵀ).
            normal = self._normals[near]
            slack = np.sqrt(1.0 - self._flatness[near])[:, None, None]
            outer = normal[:, :, None] * normal[:, None, :]
            metric = kept[:, None, None] * (outer + slack * (np.eye(3) - outer))
            residual = np.einsum("nij,nj->ni", metric, step)
        cost = (float((residual**2).sum()) + CAP**2 * float((~kept).sum())) / len(mirrored)
        return cost, residual, metric

    def error(self, normal: Array, offset: float, count: int) -> float:
        queries = self.reflected(normal, offset, count)
        total = np.zeros(2)
        for start in range(0, len(queries), BLOCK):
            self.check()
            block = queries[start : start + BLOCK]
            if self.sparse:
                distance, _ = self._nearest(block)
                total += (float((np.minimum(distance, CAP) ** 2).sum()), 0.0)
            else:
                total += self._parts(block).sum(axis=0) - self._own[start : start + len(block)].sum(axis=0)
        return float(np.sqrt(np.maximum(total / len(queries), 0.0).sum()))
