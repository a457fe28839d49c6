"""A triangle mesh as a surface: area-weighted samples and exact point-to-triangle distances."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from core.data import Mesh
from core.errors import Refused
from plugins.symmetry._algebra import Array
from plugins.symmetry._distance import DistanceField
from plugins.symmetry._shape import BLOCK, CAP, Shape

CANDIDATES = 8
"""Triangles tried a query: those of the nearest samples of the surface."""

COVER = 80_000
"""Samples of the surface that stand for their triangles in the tree, at least."""

FAR = 0.02
"""From this distance on (in sizes) the tree is asked for the surroundings of a roughly known closest point."""

FINE, NEGLIGIBLE = 1e-3, 1e-7
"""Below the first error (in sizes) the largest distances are measured a second time, with more candidates, unless it is below the second."""


class MeshShape(Shape):
    """The surface of a mesh; how it is cut into triangles has no influence."""

    def __init__(self, mesh: Mesh, samples: int, rng: np.random.Generator, workers: int = 1) -> None:
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
        points = _sample(self._corners, weight, samples, rng)
        super().__init__(centroid + shift, size, points, covariance / size**2)
        if dropped:
            self.warnings.append(f"{dropped} triangles with corners that are not finite were left out.")
        self._workers = workers
        self._spacing = float(np.sqrt(area.sum() / COVER)) / size
        cover, owner = _cover(self._corners, area / size**2, COVER)
        self._owner = owner
        self._triangles = Triangles(self._corners)
        self._tree = cKDTree(cover)
        self._field = DistanceField(
            self._tree, points, lambda q, near: self._triangles.closest(q, owner[near])
        )

    def squared(self, mirrored: Array) -> Array:
        return np.minimum(self._field.distance(mirrored), CAP) ** 2

    def rough(self, mirrored: Array) -> tuple[Array, Array, Array]:
        return self._field.linearise(mirrored)

    def closest(self, queries: Array, candidates: int, *, exact: bool) -> tuple[Array, Array]:
        """(m, 3) closest points of the surface and (m, 3) unit normals of their triangles.

        A tree is slow for points far from what it holds: too many of its boxes are nearly as near. For these it is
        asked for the surroundings of a closest point known roughly, unless `exact`: an error of
        a hundredth of their distance, and no better gradient.
        """
        places = queries
        if exact:
            return self._closest_around(queries, queries, candidates)
        far = np.flatnonzero(self._field.distance(queries) > FAR)
        if len(far):
            places = queries.copy()
            places[far] = self._field.foot(queries[far])
        return self._closest_around(places, queries, candidates)

    def _closest_around(self, places: Array, queries: Array, candidates: int) -> tuple[Array, Array]:
        """The same over the triangles of the `candidates` samples nearest to `places`."""
        k = min(candidates, self._tree.n)
        _, near = self._tree.query(places, k=k, workers=self._workers if len(places) > 2000 else 1)
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
        closest, normal = self.closest(mirrored, CANDIDATES // 2, exact=False)
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
        squares = self._squares(points, CANDIDATES)
        if NEGLIGIBLE**2 < squares.mean() < FINE**2:
            # Nearly exact: what is left may be a triangle that had no sample among the nearest.
            doubtful = np.argpartition(squares, -(len(squares) // 10) - 1)[-(len(squares) // 10) - 1 :]
            squares[doubtful] = np.minimum(squares[doubtful], self._squares(points[doubtful], 8 * CANDIDATES))
        return float(np.sqrt(np.minimum(squares, CAP**2).mean()))

    def _squares(self, points: Array, candidates: int) -> Array:
        out = np.empty(len(points))
        block = BLOCK * CANDIDATES // candidates
        for start in range(0, len(points), block):
            self.check()
            part = points[start : start + block]
            step = part - self.closest(part, candidates, exact=True)[0]
            out[start : start + len(part)] = np.einsum("ij,ij->i", step, step)
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


def _sample(corners: Array, weight: Array, count: int, rng: np.random.Generator) -> Array:
    """(count, 3) points drawn by area; the first m are spread nearly evenly too, for every m.

    Multiples of the golden ratio, modulo 1, are; they are read as shares of the area along a space-filling curve.
    """
    order = _along_curve(corners.mean(axis=1))
    ends = np.cumsum(weight[order])
    share = (rng.random() + np.arange(count) * 0.6180339887498949) % 1.0
    owner = order[np.minimum(np.searchsorted(ends, share * ends[-1]), len(weight) - 1)]
    u, v = np.sqrt(rng.random(count)), rng.random(count)
    bary = np.stack([1 - u, u * (1 - v), u * v], axis=1)
    out: Array = np.einsum("nc,nci->ni", bary, corners[owner])
    return out


def _along_curve(points: Array) -> Array:
    """The order of points along a Morton curve through 64³ cells."""
    low, high = points.min(axis=0), points.max(axis=0)
    cell = ((points - low) / max(float((high - low).max()), 1e-300) * 63.0).astype(np.int64)
    code = np.zeros(len(points), dtype=np.int64)
    for bit in range(6):
        for axis in range(3):
            code |= (cell[:, axis] >> bit & 1) << (3 * bit + axis)
    return np.argsort(code, kind="stable")


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
