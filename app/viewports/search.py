"""Search structures for picking: which points lie near a ray, which face it meets first. Made once an object."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports import background
from app.viewports.known import Known
from core.data import Mesh, Trajectory

Array = NDArray[Any]

_SMALL = 100_000
"""Points that are looked at one by one: quicker than any structure."""
_CELLS = 96
"""Along the longest side of a cloud."""
_MOST_CELLS = 2_000_000
_PART = 1 << 18
"""Points that are sorted at a time."""
_MOST_POINTS = 300_000
"""That are looked at one by one; of more, which lie on few pixels then, every n-th."""
_known: Known[Any, Any] = Known()
_FAILED = object()
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PointCells:
    """Points sorted into cubic cells: `order` (n,) numbers of points, `starts` (cells + 1,) into it."""

    low: Array
    size: float
    shape: tuple[int, int, int]
    order: Array
    starts: Array

    @classmethod
    def of(cls, points: Array) -> PointCells:
        """Sort (n, 3) points; those that are not finite are left out. In parts: of ten million points, whole columns
        of intermediate values would take several times what the points do."""
        low, high = _extent(points)
        if not np.isfinite(low).all():
            return cls(np.zeros(3), 1.0, (1, 1, 1), np.zeros(0, np.int64), np.zeros(2, np.int64))
        size = max(float((high - low).max()) / _CELLS, 1e-300)
        nx, ny, nz = (int(n) for n in np.floor((high - low) / size).astype(int) + 1)
        shape = nx, ny, nz
        total = nx * ny * nz
        counts = np.zeros(total, dtype=np.int64)
        for _, part, _ in _parts(points):
            counts += np.bincount(_cells_of(part, low, size, shape), minlength=total)
        starts = np.concatenate([[0], np.cumsum(counts)])
        order = np.empty(starts[-1], dtype=np.int32 if len(points) < 2**31 else np.int64)
        free = starts[:-1].copy()  # where the next point of each cell goes
        for begin, part, numbers in _parts(points):
            cells = _cells_of(part, low, size, shape)
            within = np.argsort(cells, kind="stable")
            cells = cells[within]
            runs = np.concatenate([[0], np.flatnonzero(np.diff(cells)) + 1])
            lengths = np.diff(np.concatenate([runs, [len(cells)]]))
            # Each run of one cell goes to where that cell's next point belongs.
            place = np.arange(len(cells)) + np.repeat(free[cells[runs]] - runs, lengths)
            order[place] = begin + (within if numbers is None else numbers[within])
            free[cells[runs]] += lengths
        return cls(low, size, shape, order, starts)

    def near(self, start: Array, end: Array, radius: float) -> Array:
        """Numbers of the points that may lie within `radius` of the segment; some lie a little further away."""
        a, b = (np.asarray(v, dtype=np.float64) - self.low for v in (start, end))
        reach = np.array(self.shape) * self.size
        span = box_span(a, b - a, -radius * np.ones(3), reach + radius)
        if span is None:
            return np.zeros(0, dtype=np.int64)
        first, last = a + span[0] * (b - a), a + span[1] * (b - a)
        # Beads on the segment, half a cell apart; each takes the cells within `radius` of it.
        n = int(np.ceil(np.linalg.norm(last - first) / (0.5 * self.size))) + 1
        beads = first + np.linspace(0, 1, n)[:, None] * (last - first)
        grow = int(np.ceil((radius + 0.5 * self.size) / self.size))
        if n * (2 * grow + 1) ** 3 > _MOST_CELLS:
            # Seen from so far away that the ray is as thick as the cloud: every cell by its distance from it.
            return self._thinned(np.flatnonzero(self._cells_near(first, last, radius)))
        shifts = np.stack(np.meshgrid(*[np.arange(-grow, grow + 1)] * 3, indexing="ij"), axis=-1)
        cells = (np.floor(beads / self.size).astype(np.int64)[:, None] + shifts.reshape(1, -1, 3)).reshape(
            -1, 3
        )
        cells = cells[((cells >= 0) & (cells < self.shape)).all(axis=1)]
        flat = np.unique((cells[:, 0] * self.shape[1] + cells[:, 1]) * self.shape[2] + cells[:, 2])
        return self._thinned(flat)

    def _cells_near(self, first: Array, last: Array, radius: float) -> Array:
        """(cells,) bool: the middle lies within `radius` and half a cell's diagonal of the segment."""
        ticks = [(np.arange(n) + 0.5) * self.size for n in self.shape]
        middles = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 3)
        way = last - first
        along = np.clip((middles - first) @ way / max(float(way @ way), 1e-300), 0.0, 1.0)
        off = ((first + along[:, None] * way - middles) ** 2).sum(axis=1)
        near: Array = off <= (radius + 0.87 * self.size) ** 2
        return near

    def _thinned(self, cells: Array) -> Array:
        """Numbers of the points in these cells; of very many every n-th."""
        counts = self.starts[cells + 1] - self.starts[cells]
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        if not total:
            return np.zeros(0, dtype=np.int64)
        places = np.arange(0, total, -(-total // _MOST_POINTS))
        cell = np.searchsorted(ends, places, side="right")
        return self.order[self.starts[cells[cell]] + places - (ends - counts)[cell]]


def _parts(points: Array) -> Iterator[tuple[int, Array, Array | None]]:
    """Where a part begins, its finite points, and their numbers within it (None: all of them)."""
    for begin in range(0, len(points), _PART):
        part = points[begin : begin + _PART]
        finite = np.isfinite(part).all(axis=1)
        if finite.all():
            yield begin, part, None
        elif finite.any():
            yield begin, part[finite], np.flatnonzero(finite)


def _extent(points: Array) -> tuple[Array, Array]:
    """Smallest and largest coordinates (3,) of the finite points; infinite where there are none."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for _, part, _ in _parts(points):
        low, high = np.minimum(low, part.min(axis=0)), np.maximum(high, part.max(axis=0))
    return low, high


def _cells_of(points: Array, low: Array, size: float, shape: tuple[int, int, int]) -> Array:
    """(n,) the number of the cell that each point lies in."""
    cells = np.zeros(len(points), dtype=np.int32)
    for axis in range(3):
        place = ((points[:, axis] - low[axis]) / size).astype(np.int32)
        cells = cells * shape[axis] + np.minimum(place, shape[axis] - 1)
    return cells


class FaceTree:
    """Where a segment meets a mesh. Coordinates are taken about their middle, so that float32 does not hurt."""

    def __init__(self, mesh: Mesh) -> None:
        from vtkmodules.vtkCommonDataModel import vtkPolyData, vtkStaticCellLocator

        from app.viewports import arrays

        points = np.asarray(mesh.points, dtype=np.float64)
        finite = points[np.isfinite(points).all(axis=1)]
        self._offset = finite.mean(axis=0) if len(finite) else np.zeros(3)
        poly = vtkPolyData()
        poly.SetPoints(arrays.points(np.nan_to_num(points - self._offset, nan=0.0, posinf=0.0, neginf=0.0)))
        poly.SetPolys(arrays.cells(mesh.faces))
        # Without it a ray through an edge that two faces share may slip between them.
        self._tolerance = 1e-6 * float(np.linalg.norm(np.ptp(finite, axis=0))) if len(finite) else 0.0
        self._tree = vtkStaticCellLocator()
        self._tree.SetDataSet(poly)
        self._tree.BuildLocator()

    def first(self, start: Array, end: Array) -> int | None:
        """The face that the segment meets first."""
        from vtkmodules.vtkCommonCore import reference

        t: Any = reference(0.0)
        sub: Any = reference(0)
        cell: Any = reference(-1)
        where, inside = [0.0] * 3, [0.0] * 3
        a, b = (np.asarray(v) - self._offset for v in (start, end))
        met = self._tree.IntersectWithLine(
            a.tolist(), b.tolist(), self._tolerance, t, where, inside, sub, cell
        )
        return int(cell) if met and int(cell) >= 0 else None


def points_near(
    data: Any, points: Array, start: Array, end: Array, radius: float, wait: bool
) -> Array | None:
    """Numbers of the points that may lie within `radius` of the segment; None while the structure is being made."""
    if len(points) <= _SMALL or isinstance(data, Trajectory):
        return np.arange(len(points))
    cells = made(data, lambda: PointCells.of(points), wait)
    return None if cells is None else cells.near(start, end, radius)


def face_tree(mesh: Mesh, wait: bool, *, begin: bool = False) -> FaceTree | None:
    """The tree of a mesh; None while it is being made. Of a small one that is quick, unless it is only to `begin`."""
    small = not begin and len(mesh.faces) < _SMALL // 5
    tree: FaceTree | None = made(mesh, lambda: FaceTree(mesh), wait or small)
    return tree


def made(data: Any, build: Callable[[], Any], wait: bool) -> Any:
    """What `build` gives for an object, built once in the background; None while that goes on, unless `wait`, and
    where it failed."""
    found = _known.get(data)
    if found is None:
        found = _known[data] = background.submit(build)
    if isinstance(found, Future):
        if not wait and not found.done():
            return None
        try:
            found = found.result()
        except Exception:
            log.exception("making what picking needs")  # once: every move of the mouse asks
            found = _FAILED
        _known[data] = found
    return None if found is _FAILED else found


def box_span(start: Array, direction: Array, low: Array, high: Array) -> tuple[float, float] | None:
    """Where start + t direction, t in 0..1, lies in a box."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (low - start) / direction, (high - start) / direction
    still = np.abs(direction) < 1e-300
    if (still & ((start < low) | (start > high))).any():
        return None
    first = np.where(still, -np.inf, np.fmin(one, other)).max()
    last = np.where(still, np.inf, np.fmax(one, other)).min()
    first, last = max(float(first), 0.0), min(float(last), 1.0)
    return (first, last) if first <= last else None
