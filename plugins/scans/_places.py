"""Points of a surface or cloud, and the closest points of one: what alignment and distances are measured with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Mesh, PointCloud
from core.errors import Refused

Array = NDArray[Any]
NEIGHBOURS = 12
"""Points that a cloud's normal is estimated from."""
FEWEST = 6
"""Points of a cloud: a rotation and a shift have as many unknowns, and each point on a plane decides one."""
COVER = 20_000
"""Points that stand for the whole while a start is looked for."""
_BLOCK = 4000
_IRRATIONAL = (0.7548776662466927, 0.5698402909980532)
"""Of the plastic number: multiples modulo 1 are spread evenly over a square (Roberts 2018)."""


def finite_points(data: Mesh | PointCloud) -> Array:
    """(n, 3) float64; those that are not finite are left out."""
    points = np.asarray(data.points, dtype=np.float64)
    out: Array = points[np.isfinite(points).all(axis=1)]
    return out


def corners_of(mesh: Mesh) -> Array:
    """(m, 3, 3) corners of the triangles that have finite corners and an area."""
    corners = np.asarray(mesh.points, dtype=np.float64)[np.asarray(mesh.faces)]
    corners = corners[np.isfinite(corners).all(axis=(1, 2))]
    area = areas(corners)
    out: Array = corners[area > 1e-14 * max(float(area.max(initial=0.0)), 1e-300)]
    return out


def areas(corners: Array) -> Array:
    """(m,) of triangles (m, 3, 3)."""
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    out: Array = 0.5 * np.linalg.norm(cross, axis=1)
    return out


def enough(points: Array) -> Array:
    """The points, if they can decide a motion. Raises `Refused` for fewer than `FEWEST`."""
    if len(points) < FEWEST:
        raise Refused(
            f"At least {FEWEST} points with finite coordinates are needed; there are {len(points)}."
        )
    return points


def sampled(data: Mesh | PointCloud, count: int, rng: np.random.Generator) -> Array:
    """(≤ count, 3) points spread by area over a surface, or drawn from a cloud. Raises `Refused` for nothing."""
    if isinstance(data, Mesh) and len(data.faces):
        corners = corners_of(data)
        if len(corners):
            ends = np.cumsum(areas(corners))
            # One point in each of `count` equal parts of the area.
            share = (np.arange(count) + rng.random(count)) / count
            owner = np.minimum(np.searchsorted(ends, share * ends[-1]), len(corners) - 1)
            u, v = np.sqrt(rng.random(count)), rng.random(count)
            bary = np.stack([1 - u, u * (1 - v), u * v], axis=1)
            made: Array = np.einsum("nc,nci->ni", bary, corners[owner])
            return rng.permutation(made)
    points = enough(finite_points(data))
    return points[rng.permutation(len(points))[:count]]


class Target:
    """A surface or cloud of which closest points and normals are asked."""

    def __init__(self, data: Mesh | PointCloud, check: Callable[[], None]) -> None:
        from scipy.spatial import cKDTree

        self.check = check
        self.is_surface = isinstance(data, Mesh) and len(data.faces) > 0
        if self.is_surface:
            assert isinstance(data, Mesh)
            corners = corners_of(data)
            if not len(corners):
                raise Refused("The mesh has no area: all its triangles are points or lines.")
            self._locate(corners)
            cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            self._normals = cross / np.linalg.norm(cross, axis=1, keepdims=True)
            weight = areas(corners)
            self.centre = weight @ corners.mean(axis=1) / weight.sum()
            ends = np.cumsum(weight)
            share = (np.arange(COVER) + 0.5) / COVER
            owner = np.minimum(np.searchsorted(ends, share * ends[-1]), len(corners) - 1)
            u, v = (np.sqrt((np.arange(COVER) * g + 0.5) % 1.0) for g in _IRRATIONAL)
            bary = np.stack([1 - u, u * (1 - v**2), u * v**2], axis=1)
            self.cover = np.einsum("nc,nci->ni", bary, corners[owner])
            self._cover_normals = self._normals[owner]
        else:
            points = enough(finite_points(data))
            self._points = points
            self.centre = points.mean(axis=0)
            self._tree = cKDTree(points)
            self._normals = self._estimate()
            some = np.random.default_rng(0).permutation(len(points))[:COVER]
            self.cover, self._cover_normals = points[some], self._normals[some]
        self.cover_tree = cKDTree(self.cover)
        self.size = float(np.sqrt(((self.cover - self.centre) ** 2).sum(axis=1).mean())) or 1.0

    def near(self, queries: Array) -> tuple[Array, Array]:
        """The same as `closest`, from points spread over it: quick, and right to the distance between these."""
        _, near = self.cover_tree.query(queries)
        return self.cover[near], self._cover_normals[near]

    def closest(self, queries: Array) -> tuple[Array, Array]:
        """(m, 3) closest points and (m, 3) unit normals there; exact."""
        if not self.is_surface:
            _, near = self._tree.query(queries)
            return self._points[near], self._normals[near]
        from vtkmodules.vtkCommonCore import mutable
        from vtkmodules.vtkCommonDataModel import vtkGenericCell

        found, cells = np.empty_like(queries), np.empty(len(queries), dtype=np.int64)
        place, cell, number = [0.0, 0.0, 0.0], vtkGenericCell(), mutable(0)
        sub, squared = mutable(0), mutable(0.0)
        ask: Any = self._locator.FindClosestPoint
        for start in range(0, len(queries), _BLOCK):
            self.check()
            for k, query in enumerate(queries[start : start + _BLOCK].tolist(), start):
                ask(query, place, cell, number, sub, squared)
                found[k], cells[k] = place, int(number)
        return found, self._normals[cells]

    def _locate(self, corners: Array) -> None:
        from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData, vtkStaticCellLocator

        points = vtkPoints()
        points.SetData(numpy_to_vtk(np.ascontiguousarray(corners.reshape(-1, 3)), deep=True))
        cells = vtkCellArray()
        offsets = np.arange(0, 3 * len(corners) + 1, 3, dtype=np.int64)
        cells.SetData(
            numpy_to_vtkIdTypeArray(offsets, deep=True),
            numpy_to_vtkIdTypeArray(np.arange(3 * len(corners), dtype=np.int64), deep=True),
        )
        mesh = vtkPolyData()
        mesh.SetPoints(points)
        mesh.SetPolys(cells)
        self._locator = vtkStaticCellLocator()
        self._locator.SetDataSet(mesh)
        self._locator.BuildLocator()
        self._mesh = mesh

    def _estimate(self) -> Array:
        """(n, 3) normals of a cloud: the direction in which each neighbourhood is thinnest."""
        out = np.empty_like(self._points)
        k = min(NEIGHBOURS, len(self._points))
        for start in range(0, len(self._points), 20_000):
            self.check()
            block = slice(start, start + 20_000)
            _, near = self._tree.query(self._points[block], k=k)
            local = self._points[near]
            local = local - local.mean(axis=1, keepdims=True)
            _, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", local, local))
            out[block] = vectors[:, :, 0]
        return out
