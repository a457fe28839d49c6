"""Where surfaces and markups meet a slice: line segments and dots in world coordinates. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports.state import SceneItem
from core.data import MarkupKind, Mesh
from core.markups import path

Array = NDArray[Any]
Plane = tuple[Any, Any]
"""A point of the plane and its unit normal."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """Lines `segments` (n, 2, 3) and `dots` (m, 3), in the world."""

    segments: Array
    dots: Array
    color: tuple[float, float, float]
    opacity: float = 1.0
    width: float = 1.6
    size: float = 8.0
    name: str = ""
    item: str = ""
    """Id of the item that it shows."""


_NO_LINES = np.zeros((0, 2, 3))
_NO_DOTS = np.zeros((0, 3))


def draw_mesh(item: SceneItem, plane: Plane, thickness: float) -> tuple[Drawing, ...]:
    """The cut line of a mesh, () where its display says no."""
    if not getattr(item.display, "cut", True) or not len(item.data.faces):
        return ()
    segments = mesh_cut(item.data, item.transform, plane)
    display = item.display
    return (
        (Drawing(segments, _NO_DOTS, _color(display), display.opacity, name=item.name, item=item.id),)
        if len(segments)
        else ()
    )


def draw_markup(item: SceneItem, plane: Plane, thickness: float) -> tuple[Drawing, ...]:
    """Points within half a slice as dots; lines and curves where they run in it; a plane or box as its cut."""
    markup, display = item.data, item.display
    points = _moved(item.transform, markup.points)
    point, normal = (np.asarray(v, dtype=float) for v in plane)
    segments, dots = _NO_LINES, _NO_DOTS
    if markup.kind in (MarkupKind.PLANE, MarkupKind.BOX):
        segments = shape_cut(markup, item.transform, plane, thickness)
    else:
        near = np.abs((points - point) @ normal) <= thickness / 2 * 1.001
        dots = points[near]
        line = _moved(item.transform, path(markup))
        if len(line) > 1:
            pairs = np.stack([line[:-1], line[1:]], axis=1)
            segments = clipped(pairs, plane, thickness / 2 * 1.001)
    if not len(segments) and not len(dots):
        return ()
    return (
        Drawing(
            segments,
            dots,
            _color(display),
            display.opacity,
            size=display.size,
            name=item.name,
            item=item.id,
        ),
    )


def mesh_cut(mesh: Mesh, transform: Array, plane: Plane) -> Array:
    """(n, 2, 3) world segments in which the plane meets the triangles.

    A vertex exactly on the plane counts as above it, so every crossed triangle gives one segment and none twice.
    """
    point, normal = (np.asarray(v, dtype=float) for v in plane)
    # The plane is taken to the mesh instead of the mesh to the plane: points are touched once.
    local_normal = transform[:3, :3].T @ normal
    offset = float(normal @ (transform[:3, 3] - point))
    height = mesh.points @ local_normal.astype(mesh.points.dtype) + np.asarray(
        offset, dtype=mesh.points.dtype
    )
    above = (height >= 0)[mesh.faces]
    crossed = np.flatnonzero(above.any(axis=1) & ~above.all(axis=1))
    if not crossed.size:
        return _NO_LINES
    faces, above = mesh.faces[crossed], above[crossed]
    # The vertex that is alone on its side: the two edges that leave it are the crossed ones.
    alone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), above.argmin(axis=1))
    rows = np.arange(len(faces))
    apex, left, right = (faces[rows, (alone + k) % 3] for k in range(3))
    corners = [_moved(transform, mesh.points[v]) for v in (apex, left, right)]
    heights = [height[v].astype(np.float64) for v in (apex, left, right)]
    ends = []
    for k in (1, 2):
        t = heights[0] / (heights[0] - heights[k])
        ends.append(corners[0] + t[:, None] * (corners[k] - corners[0]))
    return np.stack(ends, axis=1)


def clipped(pairs: Array, plane: Plane, reach: float) -> Array:
    """(n, 2, 3) segments cut down to the part within `reach` of the plane."""
    point, normal = (np.asarray(v, dtype=float) for v in plane)
    h = (pairs - point) @ normal
    dh = h[:, 1] - h[:, 0]
    flat = np.abs(dh) < 1e-12
    safe = np.where(flat, 1.0, dh)
    t0, t1 = (-reach - h[:, 0]) / safe, (reach - h[:, 0]) / safe
    low = np.where(flat, 0.0, np.clip(np.minimum(t0, t1), 0, 1))
    high = np.where(flat, np.where(np.abs(h[:, 0]) <= reach, 1.0, -1.0), np.clip(np.maximum(t0, t1), 0, 1))
    keep = high > low
    start, along = pairs[keep, 0], pairs[keep, 1] - pairs[keep, 0]
    return np.stack([start + low[keep, None] * along, start + high[keep, None] * along], axis=1)


def thinned(flat: Array, least: float = 1.5) -> Array:
    """(m, 4) lines on the screen in place of (n, 4): runs of joined ones, each shorter than a pixel or so, become one.

    A smooth curve has many more parts than a screen can show, and painting them is what costs.
    """
    if len(flat) < 32:
        return flat
    apart = np.ones(len(flat), dtype=bool)
    apart[1:] = (np.abs(flat[1:, :2] - flat[:-1, 2:]) > 1e-6).any(axis=1)
    way = np.floor(np.cumsum(np.hypot(flat[:, 2] - flat[:, 0], flat[:, 3] - flat[:, 1])) / least)
    apart[1:] |= way[1:] != way[:-1]
    first = np.flatnonzero(apart)
    last = np.append(first[1:] - 1, len(flat) - 1)
    return np.concatenate([flat[first, :2], flat[last, 2:]], axis=1)


def shape_edges(markup: Any) -> tuple[Array, Array]:
    """((n, 3) corners, (m, 2) edges) of a plane's rectangle or a box, in the markup's own coordinates."""
    flat = markup.kind is MarkupKind.PLANE
    signs = np.array(
        [(a, b, c) for c in ((0,) if flat else (-1, 1)) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    )
    corners = markup.points[0] + (signs * markup.size / 2) @ markup.axes.T
    ring = np.array([(0, 1), (1, 2), (2, 3), (3, 0)])
    edges = ring if flat else np.concatenate([ring, ring + 4, [(k, k + 4) for k in range(4)]])
    return corners, edges


def shape_cut(markup: Any, transform: Array, plane: Plane, thickness: float) -> Array:
    """(n, 2, 3) world segments in which a plane's rectangle or a box meets a slice."""
    corners, _edges = shape_edges(markup)
    corners = _moved(transform, corners)
    if markup.kind is MarkupKind.BOX:
        faces = [(0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    else:
        faces = [(0, 1, 2, 3)]
    point, normal = (np.asarray(v, dtype=float) for v in plane)
    segments = []
    for face in faces:
        ring = corners[list(face)]
        h = (ring - point) @ normal
        # A face that nowhere leaves the slice is shown by its outline: where its tilt of a hair's breadth crosses
        # the middle of the slice means nothing, and a line there would look like a finding.
        if np.abs(h).max() <= thickness / 2 * 1.001:
            segments += [np.stack([ring[k], ring[(k + 1) % 4]]) for k in range(4)]
            continue
        crossings = []
        for k in range(4):
            a, b = h[k], h[(k + 1) % 4]
            if (a >= 0) != (b >= 0):
                crossings.append(ring[k] + a / (a - b) * (ring[(k + 1) % 4] - ring[k]))
        if len(crossings) == 2:
            segments.append(np.stack(crossings))
    return np.array(segments) if segments else _NO_LINES


def _color(display: Any) -> tuple[float, float, float]:
    """Checked here, where a bad one is reported, rather than in the middle of a repaint."""
    r, g, b = (min(max(float(c), 0.0), 1.0) for c in display.color)
    return r, g, b


def _moved(transform: Array, points: Array) -> Array:
    moved: Array = np.asarray(points, dtype=np.float64) @ transform[:3, :3].T + transform[:3, 3]
    return moved
