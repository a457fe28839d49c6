"""Handles of a markup in a view, and what dragging them does. Pure geometry: no Qt, no VTK.

In slices a plane is held by its cut line: the line itself moves it along its normal, the line's ends turn it about
the line's middle, in the slice. A box has its four faces and turns by its corners. In 3-D a plane has its corners,
its middle and the tip of its normal; a box its faces and corners. Points, lines and curves have their control points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.viewports.camera import project, ray
from app.viewports.cuts import shape_cut, shape_edges
from app.viewports.state import Resolved, Resolved3D, ResolvedSlice, SceneItem
from core import markups
from core.data import Markup, MarkupKind

Array = NDArray[Any]
Role = Literal["point", "end", "corner", "face", "centre", "tip", "body"]
_EDGE = 26.0
"""Pixels from the edge of a view at which the line of a large plane is held."""
TITLES: dict[str, str] = {
    "point": "Move point",
    "end": "Turn",
    "corner": "Resize",
    "face": "Resize",
    "centre": "Move",
    "tip": "Turn",
    "body": "Move",
}


@dataclass(frozen=True, eq=False)
class Handle:
    """One grip. `position` (3,) world; `index` of the control point, or which of its role; `axis`, `side`: of a face."""

    role: Role
    index: int
    position: Array
    axis: int = 0
    side: int = 1

    @property
    def key(self) -> tuple[str, int]:
        """The same grip before and after a change."""
        return self.role, self.index


def on_screen(state: Resolved, points: Array) -> Array:
    """(n, 3) world points as (n, 3): x, y in logical pixels, and how far above the slice or before the camera."""
    if isinstance(state, ResolvedSlice):
        return state.to_screen(points)
    return project(state.camera, points, state.width, state.height)


def view_frame(state: Resolved) -> Array:
    """(3, 3) rows: right, up, towards the viewer."""
    return state.frame() if isinstance(state, ResolvedSlice) else state.camera.frame()


def in_view(state: Resolved, x: float, y: float, depth_of: Array) -> Array:
    """The world point under (x, y), on the slice or, in 3-D, as far away as `depth_of` is."""
    if isinstance(state, ResolvedSlice):
        return np.asarray(state.to_world(x, y))
    start, direction = ray(state.camera, x, y, state.width, state.height)
    back = state.camera.frame()[2]
    along = float((np.asarray(depth_of) - start) @ back) / float(direction @ back)
    point: Array = start + along * direction
    return point


def half_slice(state: ResolvedSlice) -> float:
    """Half the distance of neighbouring slices, or of a slab: what lies nearer counts as in the slice."""
    return state.reach / 2 * 1.001


def handles_of(item: SceneItem, state: Resolved) -> list[Handle]:
    """The grips of a markup that this view offers."""
    markup: Markup = item.data
    if markup.kind in markups.POINTED:
        points = markups.world_points(markup, item.transform)
        if isinstance(state, ResolvedSlice):
            near: Array = np.abs(state.to_screen(points)[:, 2]) <= half_slice(state)
        else:
            near = np.ones(len(points), dtype=bool)
        return [Handle("point", k, points[k]) for k in np.flatnonzero(near).tolist()]
    if isinstance(state, ResolvedSlice):
        return _shape_in_slice(item, state)
    return _shape_in_space(item)


def body_of(item: SceneItem, state: Resolved) -> Array:
    """(m, 2, 3) world segments by which a markup is taken hold of as a whole."""
    markup: Markup = item.data
    if markup.kind in markups.POINTED:
        line = _world(item, markups.path(markup))
        if len(line) < 2:
            return np.zeros((0, 2, 3))
        return np.stack([line[:-1], line[1:]], axis=1)
    if isinstance(state, ResolvedSlice):
        return shape_cut(markup, item.transform, (state.origin, state.toward), 2 * half_slice(state))
    corners, edges = shape_edges(markup)
    return _world(item, corners)[edges]


def dragged(item: SceneItem, handle: Handle, start: Array, now: Array, state: Resolved) -> Markup:
    """The markup after `handle` was dragged from world point `start` to `now`."""
    markup: Markup = item.data
    linear = np.asarray(item.transform, dtype=np.float64)[:3, :3]
    inverse = np.linalg.inv(linear)
    by = inverse @ (np.asarray(now, dtype=float) - start)
    if handle.role == "point":
        return markups.with_point(markup, handle.index, markup.points[handle.index] + by, item.transform)
    if handle.role == "centre" or (handle.role == "body" and markup.kind is not MarkupKind.PLANE):
        return markups.shifted(markup, by, item.transform)
    if handle.role == "body":
        normal = markup.axes[:, 2]
        return markups.shifted(markup, normal * (normal @ by), item.transform)
    across = inverse @ view_frame(state)[2]
    across = across / np.linalg.norm(across)
    if handle.role == "face":
        axis = markup.axes[:, handle.axis] * handle.side
        seen = axis - (axis @ across) * across  # what the view shows of the axis follows the pointer
        length = float(seen @ seen)
        return markups.resized(
            markup, handle.axis, handle.side, float(by @ seen) / max(length, 1e-3), item.transform
        )
    if handle.role == "corner" and markup.kind is MarkupKind.PLANE:
        for axis_number, side in ((0, handle.axis), (1, handle.side)):
            step = float(by @ markup.axes[:, axis_number]) * side
            markup = markups.resized(markup, axis_number, side, step, item.transform)
        return markup
    origin = np.asarray(item.transform)[:3, 3]
    first, last = inverse @ (np.asarray(start) - origin), inverse @ (np.asarray(now) - origin)
    if handle.role == "tip":
        centre = markup.points[0]
        if not np.linalg.norm(last - centre) or not np.linalg.norm(first - centre):
            return markup
        rotation = markups.rotation_between(first - centre, last - centre)
        return markups.turned(markup, rotation, centre, item.transform)
    about = markup.points[0]
    if handle.role == "end":
        segments = body_of(item, state)
        if len(segments) == 1:
            about = inverse @ (segments[0].mean(axis=0) - origin)
    u, v = first - about, last - about
    u, v = u - (u @ across) * across, v - (v @ across) * across
    if np.linalg.norm(u) < 1e-9 or np.linalg.norm(v) < 1e-9:
        return markup
    radians = float(np.arctan2(across @ np.cross(u, v), u @ v))
    return markups.turned(markup, markups.rotation_about(across, radians), about, item.transform)


def _shape_in_slice(item: SceneItem, state: ResolvedSlice) -> list[Handle]:
    markup: Markup = item.data
    segments = body_of(item, state)
    if not len(segments):
        return []
    if markup.kind is MarkupKind.PLANE:
        if len(segments) == 1:
            return [Handle("end", k, p) for k, p in enumerate(_seen_ends(segments[0], state))]
        return _corners(item)
    linear = np.asarray(item.transform)[:3, :3]
    world_axes = linear @ markup.axes
    lengths = np.linalg.norm(world_axes, axis=0)
    toward = np.asarray(state.toward)
    through = int(np.argmax(np.abs(toward @ world_axes) / lengths))
    centre = _world(item, markup.points)[0]
    # The middle of the box as this slice shows it.
    lift = float((np.asarray(state.origin) - centre) @ toward) / float(world_axes[:, through] @ toward)
    centre = centre + lift * world_axes[:, through]
    out = []
    for axis in range(3):
        if axis == through:
            continue
        for side in (1, -1):
            place = centre + side * world_axes[:, axis] * markup.size[axis] / 2
            height = float((place - np.asarray(state.origin)) @ toward)
            place = place - height / float(world_axes[:, through] @ toward) * world_axes[:, through]
            out.append(Handle("face", 2 * axis + (side < 0), place, axis, side))
    a, b = (axis for axis in range(3) if axis != through)
    for k, (i, j) in enumerate(((1, 1), (1, -1), (-1, -1), (-1, 1))):
        place = centre + i * world_axes[:, a] * markup.size[a] / 2 + j * world_axes[:, b] * markup.size[b] / 2
        height = float((place - np.asarray(state.origin)) @ toward)
        place = place - height / float(world_axes[:, through] @ toward) * world_axes[:, through]
        out.append(Handle("corner", k, place))
    return out


def _seen_ends(segment: Array, state: ResolvedSlice) -> Array:
    """(2, 3) where a cut line can be taken hold of: its ends, or a little before it leaves the view."""
    flat = state.to_screen(segment)[:, :2]
    edge = min(_EDGE, state.width / 4, state.height / 4)
    low, high = 0.0, 1.0
    for axis, length in ((0, state.width), (1, state.height)):
        way = float(flat[1, axis] - flat[0, axis])
        if abs(way) < 1e-9:
            if not edge <= flat[0, axis] <= length - edge:
                return segment
            continue
        a, b = ((edge - flat[0, axis]) / way, (length - edge - flat[0, axis]) / way)
        low, high = max(low, min(a, b)), min(high, max(a, b))
    if not low < high:
        return segment
    return np.stack([segment[0] + t * (segment[1] - segment[0]) for t in (low, high)])


def _shape_in_space(item: SceneItem) -> list[Handle]:
    markup: Markup = item.data
    out = _corners(item)
    centre = _world(item, markup.points)[0]
    if markup.kind is MarkupKind.PLANE:
        reach = markup.axes[:, 2] * max(float(markup.size[:2].max()), 1e-9) / 4
        out.append(Handle("tip", 0, _world(item, (markup.points[0] + reach)[None])[0]))
    else:
        for axis in range(3):
            for side in (1, -1):
                place = markup.points[0] + side * markup.axes[:, axis] * markup.size[axis] / 2
                out.append(Handle("face", 2 * axis + (side < 0), _world(item, place[None])[0], axis, side))
    out.append(Handle("centre", 0, centre))
    return out


def _corners(item: SceneItem) -> list[Handle]:
    markup: Markup = item.data
    corners, _edges = shape_edges(markup)
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    world = _world(item, corners)
    return [Handle("corner", k, world[k], *signs[k % 4]) for k in range(len(world))]


def _world(item: SceneItem, points: Array) -> Array:
    matrix = np.asarray(item.transform, dtype=np.float64)
    moved: Array = np.asarray(points, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def nearest_handle(
    handles: list[Handle], state: Resolved, x: float, y: float, radius: float
) -> Handle | None:
    """The grip under the pointer; of several the nearest."""
    if not handles:
        return None
    flat = on_screen(state, np.array([h.position for h in handles]))
    off = np.hypot(flat[:, 0] - x, flat[:, 1] - y)
    if isinstance(state, Resolved3D) and not state.camera.parallel:
        off = np.where(flat[:, 2] > 0, off, np.inf)
    best = int(np.argmin(off))
    return handles[best] if off[best] <= radius else None


def nearest_segment(
    segments: Array, state: Resolved, x: float, y: float, radius: float, reach: float | None = None
) -> tuple[int, Array] | None:
    """(number, world point on it) of the segment under the pointer; in slices only where it runs within `reach`."""
    if not len(segments):
        return None
    flat = on_screen(state, segments.reshape(-1, 3)).reshape(-1, 2, 3)
    a, d = flat[:, 0, :2], flat[:, 1, :2] - flat[:, 0, :2]
    place = np.array([x, y])
    t = np.clip(((place - a) * d).sum(axis=1) / np.maximum((d * d).sum(axis=1), 1e-12), 0, 1)
    off = np.linalg.norm(a + t[:, None] * d - place, axis=1)
    if isinstance(state, ResolvedSlice):
        heights = flat[:, 0, 2] + t * (flat[:, 1, 2] - flat[:, 0, 2])
        off = np.where(np.abs(heights) <= (half_slice(state) if reach is None else reach), off, np.inf)
    elif not state.camera.parallel:
        off = np.where((flat[:, :, 2] > 0).all(axis=1), off, np.inf)
    best = int(np.argmin(off))
    if not off[best] <= radius:
        return None
    return best, segments[best, 0] + t[best] * (segments[best, 1] - segments[best, 0])
