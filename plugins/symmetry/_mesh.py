"""A triangle mesh as a surface: area-weighted samples and exact point-to-triangle distances."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from core.data import Mesh
from core.errors import Refused
from plugins.symmetry._algebra import Array
from plugins.symmetry._distance import DistanceGrid
from plugins.symmetry._shape import CAP, Shape

CANDIDATES = 8
"""Triangles tried a query: those of the nearest samples of the surface."""

FINE = 1e-3
"""Below this error (in sizes) distances are measured a second time, with more candidates."""


class MeshShape(Shape):
    """The surface of a mesh; how it is cut into triangles has no influence."""

    def __init__(self, mesh: Mesh, samples: int, rng: np.random.Generator) -> None:
        corners = np.asarray(mesh.points, dtype=np.float64)[mesh.faces]
        finite = np.isfinite(corners).all(axis=(1, 2))
        dropped = int((~finite).sum())
        corners = corners[finite]
        if not len(corners):
            raise Refused(
                "The mesh has no triangle with finite corners, so no surface whose mirror could be sought."
            )
        shift = corners.reshape(-1, 3).mean(axis=0)
        corners = corners - shift
        area = _areas(corners)
        # Slivers without area carry no surface; the bound is far below single precision of the coordinates.
        kept = area > 1e-14 * max(float(area.max()), 1e-300)
        corners, area = corners[kept], area[kept]
        if not area.sum() > 0:
            raise Refused("The mesh has no area: all its triangles are points or lines.")
        weight = area / area.sum()
        centroid = weight @ corners.mean(axis=1)
        corners = corners - centroid
        covariance = _second_moment(corners, weight)
        size = 2.0 * float(np.sqrt(np.trace(covariance)))
        self._corners = corners / size
        points, _ = _sample(self._corners, weight, samples, rng)
        super().__init__(centroid + shift, size, points, covariance / size**2)
        if dropped:
            self.warnings.append(f"{dropped} triangles with corners that are not finite were left out.")
        cover, owner = _cover(self._corners, area / size**2, 80_000)
        self._owner = owner
        self._triangles = Triangles(self._corners)
        self._tree = cKDTree(cover)
        self._grid = DistanceGrid(self._tree, points)

    def squared(self, mirrored: Array) -> Array:
        return np.minimum(self._grid(mirrored), CAP) ** 2

    def closest(self, queries: Array, candidates: int = CANDIDATES) -> tuple[Array, Array]:
        """(m, 3) closest points of the surface and (m, 3) unit normals of their triangles."""
        k = min(candidates, self._tree.n)
        _, near = self._tree.query(queries, k=k)
        triangles = np.sort(self._owner[near.reshape(len(queries), k)], axis=1)
        fresh = np.ones(triangles.shape, dtype=bool)  # each triangle once a query
        fresh[:, 1:] = triangles[:, 1:] != triangles[:, :-1]
        rows, flat = np.nonzero(fresh)[0], triangles[fresh]
        closest = self._triangles.closest(queries[rows], flat)
        distance = np.einsum("ij,ij->i", closest - queries[rows], closest - queries[rows])
        least = np.minimum.reduceat(distance, np.searchsorted(rows, np.arange(len(queries))))
        winners = np.flatnonzero(distance == least[rows])
        best = np.empty(len(queries), dtype=np.int64)
        best[rows[winners]] = winners
        return closest[best], self._triangles.normal[flat[best]]

    def linearise(self, mirrored: Array) -> tuple[float, Array, Array]:
        closest, normal = self.closest(mirrored)
        step = mirrored - closest
        distance = np.linalg.norm(step, axis=1)
        # The gradient of the distance; on the surface itself, where it has none, the triangle's normal.
        away = distance > 1e-9
        direction = np.where(away[:, None], step / np.where(away, distance, 1.0)[:, None], normal)
        cost = float((np.minimum(distance, CAP) ** 2).mean())
        kept = distance < CAP
        return cost, (distance * kept)[:, None], (direction * kept[:, None])[:, None]

    def error(self, normal: Array, offset: float, count: int) -> float:
        points = self.reflected(normal, offset, count)
        squares = np.concatenate(
            [self._squares(points[i : i + 5000], CANDIDATES) for i in range(0, len(points), 5000)]
        )
        if 0 < squares.mean() < FINE**2:
            # Nearly exact: what is left may be a triangle that had no sample among the nearest.
            doubtful = np.flatnonzero(squares > 1e-20)
            if len(doubtful) < 0.2 * count:
                again = self._squares(points[doubtful], 8 * CANDIDATES)
                squares[doubtful] = np.minimum(squares[doubtful], again)
        return float(np.sqrt(np.minimum(squares, CAP**2).mean()))

    def _squares(self, points: Array, candidates: int) -> Array:
        step = points - self.closest(points, candidates)[0]
        out: Array = np.einsum("ij,ij->i", step, step)
        return out


class Triangles:
    """Corner, edges and normal of every triangle, so that a closest point costs a few products."""

    def __init__(self, corners: Array) -> None:
        self.origin = corners[:, 0]
        self.edges = corners[:, 1:] - corners[:, :1]
        cross = np.cross(self.edges[:, 0], self.edges[:, 1])
        length = np.linalg.norm(cross, axis=1)
        self.normal = cross / length[:, None]
        self._gram = np.einsum("tai,tbi->tab", self.edges, self.edges)
        self._scale = 1.0 / length**2

    def closest(self, points: Array, which: Array) -> Array:
        """(m, 3) closest point of the triangles `which` (m,) to `points` (m, 3)."""
        edges, gram = self.edges[which], self._gram[which]
        step = points - self.origin[which]
        dots = np.einsum("mai,mi->ma", edges, step)
        v = (gram[:, 1, 1] * dots[:, 0] - gram[:, 0, 1] * dots[:, 1]) * self._scale[which]
        w = (gram[:, 0, 0] * dots[:, 1] - gram[:, 0, 1] * dots[:, 0]) * self._scale[which]
        out: Array = v[:, None] * edges[:, 0] + w[:, None] * edges[:, 1]
        beside = np.flatnonzero((v < 0) | (w < 0) | (v + w > 1))
        out[beside] = _closest_on_border(step[beside], edges[beside])
        return out + self.origin[which]


def _closest_on_border(step: Array, edges: Array) -> Array:
    """(m, 3) closest point of the three sides of triangles with one corner at the origin."""
    zero = np.zeros_like(step)
    starts = np.stack([zero, zero, edges[:, 0]], axis=1)
    sides = np.stack([edges[:, 0], edges[:, 1], edges[:, 1] - edges[:, 0]], axis=1)
    t = np.einsum("mki,mki->mk", step[:, None] - starts, sides) / np.einsum("mki,mki->mk", sides, sides)
    found = starts + np.clip(t, 0.0, 1.0)[:, :, None] * sides
    best = ((found - step[:, None]) ** 2).sum(axis=2).argmin(axis=1)
    out: Array = found[np.arange(len(step)), best]
    return out


def _areas(corners: Array) -> Array:
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    out: Array = 0.5 * np.linalg.norm(cross, axis=1)
    return out


def _second_moment(corners: Array, weight: Array) -> Array:
    """(3, 3) ∫ x xᵀ over the surface: (aaᵀ + bbᵀ + ccᵀ + (a+b+c)(a+b+c)ᵀ) / 12 for each triangle."""
    total = corners.sum(axis=1)
    out: Array = np.einsum("t,tci,tcj->ij", weight, corners, corners)
    out = (out + np.einsum("t,ti,tj->ij", weight, total, total)) / 12.0
    return out


def _sample(corners: Array, weight: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """(count, 3) points drawn evenly by area, in random order, and their triangles."""
    ends = np.cumsum(weight)
    # One draw in each of `count` equal shares of the area: less spread than independent draws.
    share = (rng.permutation(count) + rng.random(count)) / count
    owner = np.minimum(np.searchsorted(ends, share * ends[-1]), len(weight) - 1)
    u, v = np.sqrt(rng.random(count)), rng.random(count)
    bary = np.stack([1 - u, u * (1 - v), u * v], axis=1)
    return np.einsum("nc,nci->ni", bary, corners[owner]), owner


def _cover(corners: Array, area: Array, budget: int) -> tuple[Array, Array]:
    """Points that leave no part of a triangle far from one of its own points, and their triangles.

    Each triangle gets its share by area, but at least enough for its longest edge: a sliver is found too.
    """
    spacing = np.sqrt(area.sum() / budget)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    if len(corners) > 4 * budget:
        count = np.ones(len(corners), dtype=np.int64)
    else:
        count = np.ceil(np.maximum(area / spacing**2, longest / spacing)).astype(np.int64)
        if count.sum() > 4 * budget:
            count = np.maximum(1, count * (4 * budget) // count.sum())
    owner = np.repeat(np.arange(len(corners)), count)
    first = np.cumsum(count) - count
    i = np.arange(len(owner)) - first[owner]
    u = np.sqrt((i + 0.5) / count[owner])
    v = ((i + 0.5) * 0.6180339887498949) % 1.0
    single = count[owner] == 1
    u, v = np.where(single, 2 / 3, u), np.where(single, 0.5, v)
    bary = np.stack([1 - u, u * (1 - v), u * v], axis=1)
    return np.einsum("nc,nci->ni", bary, corners[owner]), owner
