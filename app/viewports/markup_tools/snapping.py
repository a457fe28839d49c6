"""Where a placed or dragged point goes: under the pointer, or to something near it. No Qt, no VTK."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports.cuts import Drawing
from app.viewports.markup_tools import shapes
from app.viewports.markup_tools.host import Snapping
from app.viewports.picking import Pick, pick
from app.viewports.state import Resolved, Resolved3D, ResolvedSlice, SceneItem
from core import markups
from core.data import Markup, Mesh, Volume

Array = NDArray[Any]
NEAR = 10.0
"""Pixels within which something draws a point to itself."""


@dataclass(frozen=True, eq=False)
class Place:
    """A point of the world; `to` says what it was drawn to: "point", "surface", "voxel" or ""."""

    position: Array
    to: str = ""


def place_at(
    state: Resolved,
    items: Iterable[SceneItem],
    x: float,
    y: float,
    snapping: Snapping,
    *,
    drawings: Iterable[Drawing] = (),
    without: str = "",
    depth_of: Array | None = None,
    lift: float = 0.0,
    near: float = NEAR,
) -> Place | None:
    """The point that is meant at (x, y) of a view; None in 3-D where nothing is hit.

    Parameters
    ----------
    items : what the view shows now.
    drawings : cut lines of the slice that is shown (`Notes.drawings`).
    without : id of the item that is being placed or moved: it is no aim for itself.
    depth_of : in 3-D, where nothing is hit: as far away as this point.
    lift : height above the slice that a point keeps which is moved in it.
    """
    shown = tuple(items)
    if snapping.objects:
        found = _point_near(state, shown, x, y, without, near)
        if found is not None:
            return Place(found, "point")
    if isinstance(state, ResolvedSlice):
        return _in_slice(state, shown, x, y, snapping, drawings, lift, near)
    return _in_space(state, shown, x, y, snapping, without, depth_of, near)


def _in_slice(
    state: ResolvedSlice,
    shown: tuple[SceneItem, ...],
    x: float,
    y: float,
    snapping: Snapping,
    drawings: Iterable[Drawing],
    lift: float,
    near: float,
) -> Place:
    point = np.asarray(state.to_world(x, y)) + lift * np.asarray(state.toward)
    if snapping.objects:
        meshes = {i.id for i in shown if isinstance(i.data, Mesh)}
        lines = [d.segments for d in drawings if d.item in meshes and len(d.segments)]
        hit = shapes.nearest_segment(np.concatenate(lines), state, x, y, near) if lines else None
        if hit is not None:
            return Place(hit[1], "surface")
    reference = state.item(state.reference)
    if snapping.voxels and reference is not None and isinstance(reference.data, Volume):
        shape = np.array(reference.data.array.shape[:3])
        voxel = np.linalg.solve(reference.affine, [*point, 1.0])[:3]
        index = np.clip(np.floor(voxel + 0.5), 0, shape - 1)
        return Place((reference.affine @ [*index, 1.0])[:3], "voxel")
    return Place(point)


def _in_space(
    state: Resolved3D,
    shown: tuple[SceneItem, ...],
    x: float,
    y: float,
    snapping: Snapping,
    without: str,
    depth_of: Array | None,
    near: float,
) -> Place | None:
    solid = tuple(i for i in shown if i.id != without and not isinstance(i.data, Markup))
    # A point that is moved stays on surfaces while it snaps to them; one that is placed needs one anyway.
    wanted = depth_of is None or snapping.objects or snapping.voxels
    hit = (
        pick(solid, state.camera, x, y, (state.width, state.height), clip=state.clip, wait=False)
        if wanted
        else None
    )
    if hit is None:
        if depth_of is None and not solid:
            depth_of = np.asarray(state.camera.focal)
        return None if depth_of is None else Place(shapes.in_view(state, x, y, depth_of))
    if snapping.voxels and hit.kind == "voxel":
        return Place((hit.item.affine @ [*hit.index, 1.0])[:3], "voxel")  # type: ignore[misc]
    if snapping.objects and hit.kind == "face":
        corner = _corner_near(hit, state, x, y, near)
        if corner is not None:
            return Place(corner, "point")
    return Place(np.array(hit.position), "surface")


def _corner_near(hit: Pick, state: Resolved3D, x: float, y: float, near: float) -> Array | None:
    mesh: Mesh = hit.item.data
    corners = np.asarray(mesh.points[mesh.faces[hit.index]], dtype=np.float64)
    corners = corners @ hit.item.transform[:3, :3].T + hit.item.transform[:3, 3]
    flat = shapes.on_screen(state, corners)
    off = np.hypot(flat[:, 0] - x, flat[:, 1] - y)
    best = int(np.argmin(off))
    return corners[best] if off[best] <= near else None


def _point_near(
    state: Resolved,
    shown: tuple[SceneItem, ...],
    x: float,
    y: float,
    without: str,
    near: float,
) -> Array | None:
    """The control point of a markup that is nearest to the pointer."""
    best, closest = None, near
    for item in shown:
        if item.id == without or not isinstance(item.data, Markup) or item.data.kind not in markups.POINTED:
            continue
        points = markups.world_points(item.data, item.transform)
        flat = shapes.on_screen(state, points)
        off = np.hypot(flat[:, 0] - x, flat[:, 1] - y)
        if isinstance(state, ResolvedSlice):
            off = np.where(np.abs(flat[:, 2]) <= shapes.half_slice(state), off, np.inf)
        elif not state.camera.parallel:
            off = np.where(flat[:, 2] > 0, off, np.inf)
        k = int(np.argmin(off)) if len(off) else -1
        if k >= 0 and off[k] <= closest:
            best, closest = points[k], float(off[k])
    return best
