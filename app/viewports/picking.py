"""What lies under a position of a 3-D view: item, face, point or voxel, and the place in the world.

`pick` is geometry alone: no picture is drawn for it and no VTK object of a scene is touched, so it may be called with
every move of the mouse, in the window's thread. It looks along the line of sight through each visible object that
the view shows (`Resolved3D.items`) and gives the nearest hit::

    hit = pick(state.items, state.camera, x, y, (state.width, state.height), clip=state.clip)
    if hit is not None:
        hit.position          # world
        hit.item.name, hit.kind, hit.index

Search structures of large objects are made once, in the background (`app.viewports.search`). With `wait=False` an
object whose structure is still being made is passed over; with `wait=True`, the default, it is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.viewports import search
from app.viewports.camera import CameraPose, Vec, project, ray
from app.viewports.clip import ClipPlane, vec
from app.viewports.cuts import shape_edges
from app.viewports.opacity import curve_of, evaluate
from app.viewports.state import SceneItem, box_of_all
from app.viewports.stats import has_stats, volume_stats
from core.data import Graph, Markup, MarkupKind, Mesh, PointCloud, Trajectory, Transforms, Volume
from core.geometry import voxel_sizes
from core.markups import path

Array = NDArray[Any]
Kind = Literal["face", "point", "edge", "voxel"]

RADIUS = 5.0
"""Pixels around the pointer in which points and lines count as hit."""
_SOLID = 0.5
"""Part of the light that a ray-cast volume must hold back to count as hit."""
_FAINT = 0.08
"""Held back by all of a ray, less than this is nothing that one sees."""
_MOST_SAMPLES = 3000


@dataclass(frozen=True, eq=False)
class Pick:
    """One hit. `distance` along the line of sight, in world units from its start."""

    item: SceneItem
    kind: Kind
    index: int | tuple[int, int, int]
    """Number of the face, point or edge; index of the voxel in the file's own order."""
    position: Vec
    """World coordinates: on the face, at the point, on the edge, where the volume turns solid."""
    distance: float
    normal: Vec | None = None
    """Unit, world: of the face, as its corners go round."""
    weights: Vec | None = None
    """Barycentric coordinates on the face."""


def pick(
    items: Iterable[SceneItem],
    pose: CameraPose,
    x: float,
    y: float,
    size: tuple[int, int],
    *,
    clip: ClipPlane | None = None,
    radius: float = RADIUS,
    wait: bool = True,
) -> Pick | None:
    """The nearest hit at (x, y) of a view of `size` logical pixels; None where there is nothing.

    Parameters
    ----------
    items : objects as the view shows them; hidden ones and those without a place in space are passed over.
    clip : what it cuts away cannot be hit; it does not cut markups.
    radius : pixels within which points, nodes and lines count as hit.
    wait : see the module.
    """
    shown = tuple(i for i in items if i.display.visible and i.spatial)
    box = box_of_all(shown)
    if box is None:
        return None
    start, direction = ray(pose, x, y, *size)
    reach = float(np.linalg.norm(np.abs(box - start[:, None]).max(axis=1))) * 1.01 + 1e-9
    first = -reach if pose.parallel else 1e-9 * reach
    last = reach
    whole = _Line(start, direction, first, last, pose, (float(x), float(y)), size, radius, wait, None)
    line = whole
    if clip is not None:
        low, high = clip.span(start, direction)
        line = replace(whole, first=max(first, low), last=min(last, high), clip=clip)
    best: Pick | None = None
    for item in shown:
        finder = _FINDERS.get(type(item.data))
        # No plane cuts markups.
        sight = whole if isinstance(item.data, Markup) else line
        if finder is None or sight.first > sight.last:
            continue
        found = finder(item, sight)
        if found is not None and (best is None or found.distance - _favour(found, line) < best.distance):
            best = found
    return best


def prepare(items: Iterable[SceneItem]) -> None:
    """Begin to make the search structures of these objects, in the background."""
    for item in items:
        if isinstance(item.data, Mesh) and len(item.data.faces):
            search.face_tree(item.data, wait=False, begin=True)
        elif isinstance(item.data, PointCloud):
            zero = np.zeros(3)
            search.points_near(item.data, item.data.points, zero, zero, 0.0, wait=False)


@dataclass(frozen=True, eq=False)
class _Line:
    """The line of sight and how far along it things count."""

    start: Array
    direction: Array
    first: float
    last: float
    pose: CameraPose
    place: tuple[float, float]
    size: tuple[int, int]
    radius: float
    wait: bool
    clip: ClipPlane | None

    def at(self, t: float) -> Array:
        return self.start + t * self.direction

    def local(self, matrix: Array) -> tuple[Array, Array]:
        """Its ends in the coordinates of an object; parts of its length stay what they are."""
        inverse = np.linalg.inv(np.asarray(matrix, dtype=np.float64))
        a, b = (inverse[:3, :3] @ self.at(t) + inverse[:3, 3] for t in (self.first, self.last))
        return a, b

    def pixel(self, t: float) -> float:
        """World length of a pixel at a distance."""
        depth = self.pose.distance if self.pose.parallel else max(t, 1e-12)
        return self.pose.height / self.size[1] * depth / max(self.pose.distance, 1e-300)

    def shown(self, points: Array) -> Array:
        return np.ones(len(points), bool) if self.clip is None else self.clip.height(points) <= 0


def _favour(found: Pick, line: _Line) -> float:
    """A handle or a line on a surface is meant rather than the surface, whose hit lies a little nearer."""
    small = isinstance(found.item.data, Markup) or found.kind in ("point", "edge")
    return 2 * line.radius * line.pixel(found.distance) if small else 0.0


def _moved(item: SceneItem, points: Array) -> Array:
    matrix = np.asarray(item.transform, dtype=np.float64)
    moved: Array = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def _on_mesh(item: SceneItem, line: _Line) -> Pick | None:
    mesh: Mesh = item.data
    if not len(mesh.faces):
        return _near_points(item, mesh.points, line)
    tree = search.face_tree(mesh, line.wait)
    if tree is None or abs(np.linalg.det(item.transform[:3, :3])) < 1e-300:
        return None
    a, b = line.local(item.transform)
    culled = getattr(item.display, "backs", "same") == "hidden"
    begin = 0.0
    for _ in range(64):
        face = tree.first(a + begin * (b - a), b)
        if face is None:
            return None
        corners = np.asarray(mesh.points[mesh.faces[face]], dtype=np.float64)
        t, weights = _meet(a, b - a, corners)
        world = _moved(item, corners)
        normal = np.cross(world[1] - world[0], world[2] - world[0])
        if np.linalg.det(item.transform[:3, :3]) < 0:
            normal = -normal  # the mirrored mesh is drawn with its outside still outside
        if culled and normal @ line.direction > 0:
            begin = max(t, begin) + 1e-7
            continue
        distance = line.first + t * (line.last - line.first)
        length = float(np.linalg.norm(normal))
        return Pick(
            item,
            "face",
            face,
            vec(line.at(distance)),
            distance,
            vec(normal / length) if length > 0 else None,
            vec(weights),
        )
    return None


def _meet(start: Array, direction: Array, corners: Array) -> tuple[float, Array]:
    """Where a line meets the plane of a triangle, and the barycentric coordinates there (Möller, Trumbore 1997)."""
    e1, e2 = corners[1] - corners[0], corners[2] - corners[0]
    p = np.cross(direction, e2)
    det = float(e1 @ p)
    if abs(det) < 1e-300:
        return 0.0, np.full(3, 1 / 3)
    s = start - corners[0]
    q = np.cross(s, e1)
    u, v = float(s @ p) / det, float(direction @ q) / det
    return float(e2 @ q) / det, np.array([1 - u - v, u, v])


def _on_cloud(item: SceneItem, line: _Line) -> Pick | None:
    return _near_points(item, item.data.points, line)


def _on_trajectory(item: SceneItem, line: _Line) -> Pick | None:
    positions = item.data.positions
    index = min(max(int(getattr(item.display, "index", 0)), 0), len(positions) - 1)
    return _near_points(item, positions[index], line)


def _on_graph(item: SceneItem, line: _Line) -> Pick | None:
    graph: Graph = item.data
    found = _near_points(item, graph.positions, line)
    if found is None and len(graph.edges) and graph.positions is not None:
        found = _near_segments(item, _moved(item, np.asarray(graph.positions))[graph.edges], line)
    return found


def _on_markup(item: SceneItem, line: _Line) -> Pick | None:
    markup: Markup = item.data
    if markup.kind in (MarkupKind.PLANE, MarkupKind.BOX):
        corners, edges = shape_edges(markup)
        return _near_segments(item, _moved(item, corners)[edges], line)
    found = _near_points(item, markup.points, line, max(line.radius, item.display.size / 2 + 2))
    if found is None:
        points = _moved(item, path(markup))
        if len(points) > 1:
            found = _near_segments(item, np.stack([points[:-1], points[1:]], axis=1), line)
    return found


def _near_points(item: SceneItem, points: Any, line: _Line, radius: float | None = None) -> Pick | None:
    """The nearest point whose disc on the screen holds the pointer; of those about as near, the most central."""
    if points is None or not len(points):
        return None
    pixels = line.radius if radius is None else radius
    stretch = np.linalg.svd(np.asarray(item.transform[:3, :3], dtype=np.float64), compute_uv=False)
    if stretch.min() < 1e-300:
        return None
    a, b = line.local(item.transform)
    widest = pixels * max(line.pixel(line.last), line.pixel(max(line.first, 0.0))) / stretch.min()
    chosen = search.points_near(item.data, points, a, b, widest, line.wait)
    if chosen is None or not len(chosen):
        return None
    world = _moved(item, np.asarray(points[chosen], dtype=np.float64))
    flat = project(line.pose, world, *line.size)
    off = np.hypot(flat[:, 0] - line.place[0], flat[:, 1] - line.place[1])
    near = (off <= pixels) & (flat[:, 2] > 0 if not line.pose.parallel else True) & line.shown(world)
    hits = np.flatnonzero(near & np.isfinite(off))
    if not len(hits):
        return None
    depth = (world[hits] - line.start) @ line.direction
    # A disc of the radius in depth: among the points of one surface the one under the pointer is meant.
    score = depth + off[hits] * line.pixel(float(depth.min()))
    best = hits[int(np.argmin(score))]
    distance = float((world[best] - line.start) @ line.direction)
    return Pick(item, "point", int(chosen[best]), vec(world[best]), distance)


def _near_segments(item: SceneItem, pairs: Array, line: _Line) -> Pick | None:
    """(n, 2, 3) world segments: the nearest that runs within the radius on the screen."""
    a, d = pairs[:, 0], pairs[:, 1] - pairs[:, 0]
    u = line.direction
    # Closest points of each segment and the line (Eberly, Robust computation of distance between line segments).
    dd, du = (d * d).sum(axis=1), d @ u
    w = a - line.start
    dw, uw = (d * w).sum(axis=1), w @ u
    bottom = np.maximum(dd - du * du, 1e-12 * np.maximum(dd, 1e-300))
    s = np.clip((du * uw - dw) / bottom, 0, 1)
    points = a + s[:, None] * d
    flat = project(line.pose, points, *line.size)
    off = np.hypot(flat[:, 0] - line.place[0], flat[:, 1] - line.place[1])
    depth = (points - line.start) @ u
    good = (off <= line.radius) & (depth >= line.first) & (depth <= line.last) & line.shown(points)
    if not good.any():
        return None
    best = int(np.argmin(np.where(good, depth, np.inf)))
    return Pick(item, "edge", best, vec(points[best]), float(depth[best]))


def _in_volume(item: SceneItem, line: _Line) -> Pick | None:
    """The first voxel that is solid to the eye: of a class, above the level, or where half the light is gone."""
    volume: Volume = item.data
    display = item.display
    if getattr(display, "render", "volume") == "off":
        return None
    affine = item.affine
    index = getattr(display, "index", 0)
    if abs(np.linalg.det(affine[:3, :3])) < 1e-300 or not (line.wait or has_stats(volume, index)):
        return None
    a, b = line.local(affine)
    shape = np.array(volume.array.shape[:3])
    span = search.box_span(a, b - a, np.full(3, -0.5), shape - 0.5)
    if span is None:
        return None
    cells = float(np.abs((b - a) * (span[1] - span[0])).max())
    n = int(min(max(np.ceil(2 * cells), 2), _MOST_SAMPLES))
    ts = span[0] + (span[1] - span[0]) * (np.arange(n) + 0.5) / n
    voxels = np.clip(np.floor(a + ts[:, None] * (b - a) + 0.5).astype(int), 0, shape - 1)
    values = frame_values(volume, voxels, index)
    stats = volume_stats(volume, index)
    if stats.label or volume.transforms is Transforms.LABEL or display.colormap == "labels":
        hits = np.flatnonzero(np.nan_to_num(values) != 0)
    elif getattr(display, "render", "") == "surface":
        level = display.surface_level
        hits = np.flatnonzero(values >= (stats.threshold if level is None else level))
    else:
        hits = _solid(volume, display, values, affine, line, ts)
    if not len(hits):
        return None
    k = int(hits[0])
    distance = line.first + float(ts[k]) * (line.last - line.first)
    i, j, m = (int(c) for c in voxels[k])
    return Pick(item, "voxel", (i, j, m), vec(line.at(distance)), distance)


def _solid(volume: Any, display: Any, values: Array, affine: Array, line: _Line, ts: Array) -> Array:
    alpha = evaluate(curve_of(volume, display), values) * min(max(display.opacity, 0.0), 1.0)
    if display.preset == "mip":
        best = int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))
        return np.array([best]) if alpha[best] > 0 else np.zeros(0, dtype=int)
    step = float(ts[1] - ts[0]) * (line.last - line.first) / float(voxel_sizes(affine).min())
    clear = np.cumprod((1 - np.clip(alpha, 0, 0.9999)) ** step)
    hits = np.flatnonzero(clear <= 1 - _SOLID)
    if not len(hits) and 1 - clear[-1] > _FAINT:
        hits = np.flatnonzero(clear <= (1 + clear[-1]) / 2)
    return hits


def frame_values(volume: Volume, voxels: Array, index: int) -> Array:
    """(n,) float64: what is shown of (n, 3) voxels; see `stats.frame_of`."""
    values = volume.array[tuple(voxels.T)]
    if values.ndim == 2:
        if volume.rgb:
            values = values[:, :3].astype(np.float64).mean(axis=1)
        elif volume.last_axis == "channel" and volume.transforms in (
            Transforms.VECTOR,
            Transforms.AXIAL_VECTOR,
        ):
            values = np.linalg.norm(values.astype(np.float64), axis=1)
        else:
            values = values[:, min(max(index, 0), values.shape[1] - 1)]
    values = np.abs(values) if np.iscomplexobj(values) else values
    return np.asarray(values, dtype=np.float64)


_FINDERS: dict[type, Any] = {
    Mesh: _on_mesh,
    PointCloud: _on_cloud,
    Trajectory: _on_trajectory,
    Graph: _on_graph,
    Markup: _on_markup,
    Volume: _in_volume,
}
