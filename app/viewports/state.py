"""From what the user asked for to what a view has to show: frozen values, no Qt, no VTK.

A slice follows the voxel axes of its reference volume (acquisition-aligned), whatever their order and signs in
the file: which array axis is "axial" and which way is right come from `core.geometry` alone. All lengths are in
world units; screen coordinates are logical pixels, x to the right, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.viewports.boxes import around, box_of, box_of_all, content_box, diagonal, extent_of, moved_box, thick
from app.viewports.camera import HOME_ANATOMICAL, HOME_GENERIC, HOME_Y_UP, CameraPose, Vec, look
from app.viewports.clip import ClipPlane, followed
from app.viewports.items import SceneItem
from app.viewports.mixing import Mix, why_no_mix
from app.viewports.planes import (
    Slab,
    Tilt,
    aligned_axis,
    angle_between,
    box_corners,
    cross,
    least_turn,
    matrix_of,
)
from core.data import Markup, Mesh, PointCloud, Trajectory, Transforms, Volume
from core.display import VolumeDisplay
from core.geometry import closest_axes, direction_letters

__all__ = [
    "CLEAR",
    "CROSSING",
    "SLICES",
    "ZOOMS",
    "Convention",
    "Kind",
    "Resolved",
    "Resolved3D",
    "ResolvedSlice",
    "SceneItem",
    "ViewIntent",
    "box_of",
    "box_of_all",
    "center_of",
    "extent_of",
    "home_pose",
    "in_3d",
    "panned",
    "reference_of",
    "resolve",
    "sight_of",
    "upright",
    "way_up",
    "zoomed_at",
]

Array = NDArray[Any]
Kind = Literal["axial", "sagittal", "coronal", "3d"]
Convention = Literal["radiological", "neurological"]

SLICES: tuple[Kind, ...] = ("axial", "coronal", "sagittal")
# world axis across the slice, world axis to the right, world axis upwards
_WORLD: dict[str, tuple[int, int, int]] = {"axial": (2, 0, 1), "coronal": (1, 0, 2), "sagittal": (0, 1, 2)}
CROSSING = {
    "axial": ("sagittal", "coronal"),
    "coronal": ("sagittal", "axial"),
    "sagittal": ("coronal", "axial"),
}
"""The views whose planes are the vertical and the horizontal line of a crosshair."""
_PLANES = {"axial": "XY", "coronal": "XZ", "sagittal": "YZ"}
CLEAR = ("clear", "clear")
"""The background of a picture that is to be laid over something else."""
_FIT = 0.86
"""Part of the view that the reference fills at zoom 1: letters and header stand outside it."""
ZOOMS = (0.1, 200.0)
"""The least and the most that a slice can be zoomed."""


@dataclass(frozen=True)
class ViewIntent:
    """What the user asked of one view.

    `zoom` is relative to the whole reference in view; `pan` (to the right, up) in world units from its centre;
    `camera` None = the home pose; `interactive` = something is being dragged, speed before quality.
    """

    kind: Kind
    cursor: Vec | None = None
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)
    convention: Convention = "radiological"
    nose_left: bool = True
    crosshair: bool = True
    camera: CameraPose | None = None
    active: str | None = None
    interactive: bool = False
    background: tuple[str, str] = ("", "")
    """Top and bottom colour of a 3-D view, or `CLEAR`."""
    parallel: bool = False
    """A 3-D view without perspective."""
    clip: ClipPlane | None = None
    """What a 3-D view cuts away."""
    progressive: bool = False
    """A picture on the screen: quick at first, better with every further one of the same state. Others are complete
    at once, however long that takes."""
    only: frozenset[str] | None = None
    """Ids of the items that this view shows; None: all."""
    field: tuple[Vec, Vec] | None = None
    """Opposite corners of the world box to hold at zoom 1, in place of what is shown: linked views agree on one."""
    home: str = ""
    """Which way is up at first sight: "RAS", "y" or "z", in place of what the items say; "" = what they say."""
    lead: str | None = None
    """The volume whose window counts for the one that this view is about; None: its own."""
    peers: tuple[str, ...] = ()
    """Items of all views whose colours are linked with this one's."""
    mix: Mix | None = None
    """What slices make of two volumes that both are shown."""
    slab: Slab | None = None
    tilt: Tilt | None = None
    """Rotation of the slice planes about the crosshair; all slice views have the same."""
    frame: tuple[Vec, Vec, Vec] | None = None
    """Unit world directions that the planes follow in place of the axes of the volume that is shown: linked slices of
    two volumes are one plane in space, however each was acquired."""


@dataclass(frozen=True)
class ResolvedSlice:
    """One slice view, complete: the picture and the words over it follow from this alone.

    `origin` lies on the slice in the middle of the view; `right`, `up`, `toward` are unit vectors of the screen in
    the world; `scale` is world units a logical pixel. `index` counts along array axis `axis` of the reference as
    stored; `position` of `count` counts from one towards R, A or S. Without a volume, and where the slice lies oblique
    in it, `count` is 0 and the slice goes through the crosshair exactly. `step` leads to the next slice.
    """

    kind: Kind
    width: int
    height: int
    dpr: float
    items: tuple[SceneItem, ...]
    reference: str
    axis: int
    index: int
    position: int
    count: int
    step: Vec
    origin: Vec
    right: Vec
    up: Vec
    toward: Vec
    scale: float
    letters: tuple[str, str, str, str]
    title: str
    convention: tuple[str, ...]
    unit: str
    cursor: Vec
    crosshair: bool
    interactive: bool
    lead: SceneItem | None = None
    peers: tuple[SceneItem, ...] = ()
    mix: Mix | None = None
    slab: Slab | None = None
    lines: tuple[tuple[str, float, float], ...] = ()
    """The planes of the other two views in this one: kind, and the line's direction on the screen (x right, y down)."""
    oblique: bool = False
    """Not the plane that the view is named after."""
    progressive: bool = False
    """On the screen: what takes long may come in parts."""
    limits: tuple[float, float] = (-math.inf, math.inf)
    """How far the crosshair can step to either side: the heights of the volume's outermost faces above the slice."""

    def to_screen(self, points: Array) -> Array:
        """(n, 3) world points as (n, 3): x, y in logical pixels, and the height above the slice in world units."""
        local = (np.atleast_2d(points) - np.asarray(self.origin)) @ self.frame().T
        local[:, 0] = self.width / 2 + local[:, 0] / self.scale
        local[:, 1] = self.height / 2 - local[:, 1] / self.scale
        return local

    def to_world(self, x: float, y: float) -> Vec:
        """The point of the slice under a screen position."""
        dx, dy = (x - self.width / 2) * self.scale, (self.height / 2 - y) * self.scale
        point = np.asarray(self.origin) + dx * np.asarray(self.right) + dy * np.asarray(self.up)
        return _vec(point)

    @property
    def reach(self) -> float:
        """Distance between neighbouring slices, or the slab's thickness where that is more: what counts as in the
        slice lies within half of it."""
        apart = float(abs(np.dot(self.step, self.toward))) or 1.0
        return max(apart, self.slab.thickness) if self.slab is not None else apart

    def frame(self) -> Array:
        """(3, 3) rows: right, up, toward."""
        return np.array([self.right, self.up, self.toward])

    def item(self, item_id: str) -> SceneItem | None:
        """By id, None if it is not shown."""
        return next((i for i in self.items if i.id == item_id), None)

    def stepped(self, n: int) -> Vec:
        """The cursor `n` slices further towards R, A or S, never off the volume."""
        item = self.item(self.reference)
        if item is None or not self.count:
            way, normal = np.asarray(self.step), np.asarray(self.toward)
            rise = float(way @ normal)
            far = sorted((self.limits[0] / rise, self.limits[1] / rise)) if rise else (0.0, 0.0)
            return _vec(
                np.asarray(self.cursor) + min(max(float(n), min(far[0], 0.0)), max(far[1], 0.0)) * way
            )
        sign = 1 if float(np.dot(self.step, item.affine[:3, self.axis])) > 0 else -1
        voxel = np.linalg.solve(item.affine, [*self.cursor, 1.0])
        voxel[self.axis] = min(max(self.index + sign * n, 0), self.count - 1)
        return _vec((item.affine @ voxel)[:3])


@dataclass(frozen=True)
class Resolved3D:
    """One 3-D view, complete."""

    kind: Kind
    width: int
    height: int
    dpr: float
    items: tuple[SceneItem, ...]
    camera: CameraPose
    anatomical: bool
    origin: Vec
    """Subtracted before float32, so that map coordinates of 10⁶ m keep their millimetres."""
    size: float
    """Diagonal of everything shown."""
    title: str
    unit: str
    background: tuple[str, str]
    interactive: bool
    clip: ClipPlane | None = None
    progressive: bool = False
    lead: SceneItem | None = None
    peers: tuple[SceneItem, ...] = ()

    @property
    def scale(self) -> float:
        """World units a logical pixel at the camera's focal point; without perspective, everywhere."""
        return self.camera.height / self.height


Resolved = ResolvedSlice | Resolved3D


def resolve(
    intent: ViewIntent, items: tuple[SceneItem, ...], size: tuple[int, int], dpr: float = 1.0
) -> Resolved:
    """What a view of `size` logical pixels at device pixel ratio `dpr` has to show."""
    shown = tuple(
        i for i in items if i.display.visible and i.spatial and (intent.only is None or i.id in intent.only)
    )
    width, height = max(int(size[0]), 1), max(int(size[1]), 1)
    made: Resolved
    if intent.kind == "3d":
        made = _resolve_3d(intent, shown, width, height, dpr)
    else:
        made = _resolve_slice(intent, shown, width, height, dpr)
    if intent.lead is None and not intent.peers:
        return made
    by_id = {i.id: i for i in items}
    peers = tuple(by_id[i] for i in intent.peers if i in by_id)
    return replace(made, lead=by_id.get(intent.lead or ""), peers=peers)


def reference_of(items: tuple[SceneItem, ...], active: str | None = None) -> SceneItem | None:
    """The volume whose axes the slices follow: the active one, else the first visible, else the first."""
    volumes = [i for i in items if isinstance(i.data, Volume)]
    visible = [i for i in volumes if i.display.visible]
    return next((i for i in volumes if i.id == active), None) or next(iter(visible or volumes), None)


def frame_of_slices(item: SceneItem) -> tuple[Vec, Vec, Vec]:
    """Unit world directions of a volume's axes that run closest to x, y and z, with their signs."""
    affine = item.affine
    axes, signs = closest_axes(affine)
    steps = affine[:3, list(axes)] * signs
    x, y, z = (steps / np.linalg.norm(steps, axis=0)).T
    return _vec(x), _vec(y), _vec(z)


def center_of(items: tuple[SceneItem, ...], active: str | None = None) -> Vec:
    """Where the crosshair starts: the middle voxel of the reference, else the middle of everything."""
    reference = reference_of(items, active)
    if reference is not None:
        middle = [(n - 1) // 2 for n in reference.data.array.shape[:3]]
        return _vec((reference.affine @ [*middle, 1.0])[:3])
    box = box_of_all(tuple(i for i in items if i.spatial))
    return (0.0, 0.0, 0.0) if box is None else _vec(box.mean(axis=1))


def _resolve_slice(
    intent: ViewIntent, shown: tuple[SceneItem, ...], width: int, height: int, dpr: float
) -> ResolvedSlice:
    across, horizontal, vertical = _WORLD[intent.kind]
    reference = reference_of(shown, intent.active)
    cursor = np.asarray(
        center_of(shown, intent.active) if intent.cursor is None else intent.cursor, dtype=float
    )
    anatomical = any(getattr(i.data, "space", "") == "RAS" for i in ([reference] if reference else shown))
    axis = index = position = count = 0
    if reference is not None:
        affine = reference.affine
        axes, signs = closest_axes(affine)
        steps = affine[:3, list(axes)] * signs
        shape = reference.data.array.shape[:3]
        corners = box_corners([(-0.5, n - 0.5) for n in shape])
        faces = (affine[:3, :3] @ corners + affine[:3, 3:]).T
        unit = reference.data.unit
    else:
        box = box_of_all(shown)
        box = np.array([[-1.0, 1.0]] * 3) if box is None else box
        steps = np.diag((box[:, 1] - box[:, 0]) / 200)
        outline = faces = box_corners(box).T
        unit = next((getattr(i.data, "unit", "") for i in shown), "")
    straight = steps
    own: int | None = across
    if intent.frame is not None and reference is not None:
        steps = np.array(intent.frame).T * np.linalg.norm(steps, axis=0)
        found = aligned_axis(affine, _normal(steps, across))
        own = None if found is None else axes.index(found)
    h, v, step = steps[:, horizontal], steps[:, vertical], steps[:, across]
    on_slice, bend, degrees = cursor, np.eye(3), 0.0
    if intent.tilt is not None:
        rotation = matrix_of(intent.tilt)
        flat = _normal(steps, across)
        normal = rotation @ flat
        degrees = angle_between(flat, normal)
        if degrees > 0.01:
            bend = least_turn(flat, normal, rotation)
            found = aligned_axis(affine, normal) if reference is not None else None
            own = None if found is None or reference is None else axes.index(found)
    if reference is not None:
        if own is not None:
            axis, sign = axes[own], signs[own]
            count = shape[axis]
            voxel = np.linalg.solve(affine, [*cursor, 1.0])
            index = int(min(max(np.floor(voxel[axis] + 0.5), 0), count - 1))
            position = index + 1 if sign > 0 else count - index
            voxel[axis] = index
            on_slice, step = (affine @ voxel)[:3], straight[:, own]
        if own == across:
            corners[axis] = index  # this slice only: a sheared stack must not shrink the fit
            outline = (affine[:3, :3] @ corners + affine[:3, 3:]).T
        else:
            outline = faces
    if intent.field is not None:
        outline = box_corners(np.array(intent.field).T).T
    if own is None:
        # As far as takes one voxel to the next, and exactly that where the plane lies in the grid.
        step = bend @ _normal(steps, across)
        if reference is not None:
            step = step / np.linalg.norm(np.linalg.solve(affine[:3, :3], step))
        else:
            step = step * np.linalg.norm(steps[:, across])
    flip = anatomical and (
        intent.nose_left if intent.kind == "sagittal" else intent.convention == "radiological"
    )
    right = (-h if flip else h) / np.linalg.norm(h)
    up = v - (v @ right) * right
    up = up / np.linalg.norm(up)
    # The scale is that of the plane without its tilt: a picture that is turned must not shrink and grow meanwhile.
    flat = outline @ np.stack([right, up]).T
    low, high = flat.min(axis=0), flat.max(axis=0)
    right, up = bend @ right, bend @ up
    toward = cross(right, up)
    middle = (low + high) / 2 + intent.pan
    if degrees > 0.01:
        center = (faces if intent.field is None else outline).mean(axis=0)
        middle = np.array([center @ right, center @ up]) + intent.pan
    heights = faces @ toward - on_slice @ toward
    origin = middle[0] * right + middle[1] * up + (on_slice @ toward) * toward
    extent = np.maximum(high - low, 1e-9)
    scale = float(max(extent[0] / width, extent[1] / height) / _FIT / max(intent.zoom, 1e-6))
    if anatomical:
        letters = tuple(direction_letters(d) for d in (-right, right, up, -up))
        name = intent.kind.capitalize()
        words: tuple[str, ...] = (
            ("nose left" if intent.nose_left else "nose right",)
            if intent.kind == "sagittal"
            else (
                intent.convention,
                "R on the left" if intent.convention == "radiological" else "L on the left",
            )
        )
    else:
        letters = tuple(_signed_axes(d) for d in (-right, right, up, -up))
        name, words = _PLANES[intent.kind], ()
    if degrees > 0.01:
        name += f" · oblique {degrees:.1f}°"
    if count:
        title = f"{name} · {position} of {count}"
    elif own is None:
        title = name
    else:
        title = f"{name} · {'xyz'[across]} = {_number(float(cursor[across]))}{' ' + unit if unit else ''}"
    mix = _mix_of(intent, shown)
    # A mix compares single slices, and surfaces have no values to project.
    slab = intent.slab if mix is None and reference is not None else None
    if slab is not None:
        title += f" · {slab.words(unit)}"
    title += _whose(intent, shown)
    return ResolvedSlice(
        kind=intent.kind,
        width=width,
        height=height,
        dpr=float(dpr),
        items=shown,
        reference=reference.id if reference else "",
        axis=axis,
        index=index,
        position=position,
        count=count,
        step=_vec(step),
        origin=_vec(origin),
        right=_vec(right),
        up=_vec(up),
        toward=_vec(toward),
        scale=scale,
        letters=letters,  # type: ignore[arg-type]
        title=title,
        convention=words,
        unit=unit,
        cursor=_vec(cursor),
        crosshair=intent.crosshair and bool(shown),
        interactive=intent.interactive,
        slab=slab,
        mix=mix,
        lines=_lines(intent, steps, right, up, toward),
        oblique=degrees > 0.01,
        progressive=intent.progressive,
        limits=(float(heights.min()), float(heights.max())),
    )


def _normal(steps: Array, across: int) -> Array:
    """The unit normal of the untilted plane, towards R, A or S; `steps` (3, 3) has the ways along R, A, S as columns."""
    normal = cross(steps[:, (across + 1) % 3], steps[:, (across + 2) % 3])
    normal = normal / np.linalg.norm(normal)
    made: Array = normal if normal @ steps[:, across] > 0 else -normal
    return made


def _lines(
    intent: ViewIntent, steps: Array, right: Array, up: Array, toward: Array
) -> tuple[tuple[str, float, float], ...]:
    """Where the planes of the other two views cross this one."""
    vertical, horizontal = CROSSING[intent.kind]
    if intent.tilt is None:
        return ((vertical, 0.0, 1.0), (horizontal, 1.0, 0.0))
    rotation = matrix_of(intent.tilt)
    found = []
    for kind in (vertical, horizontal):
        way = cross(rotation @ _normal(steps, _WORLD[kind][0]), toward)
        x, y = float(way @ right), -float(way @ up)
        length = float(np.hypot(x, y))
        if length > 1e-6:
            found.append((kind, x / length, y / length))
    return tuple(found)


def _resolve_3d(
    intent: ViewIntent, shown: tuple[SceneItem, ...], width: int, height: int, dpr: float
) -> Resolved3D:
    solid = in_3d(shown)
    box = box_of_all(solid)
    anatomical = any(getattr(i.data, "space", "") == "RAS" for i in solid)
    if box is None:
        box = np.array([[-1.0, 1.0]] * 3)
    camera = intent.camera or home_pose(
        shown, width / height, intent.field, parallel=intent.parallel, home=intent.home
    )
    if camera.parallel != intent.parallel:
        camera = replace(camera, parallel=intent.parallel)
    far = float(np.abs(box).max())
    origin = np.round(box.mean(axis=1)) if far > 2e4 * diagonal(box) or far > 1e5 else np.zeros(3)
    return Resolved3D(
        kind="3d",
        width=width,
        height=height,
        dpr=float(dpr),
        items=solid,
        camera=camera,
        anatomical=anatomical,
        origin=_vec(origin),
        size=diagonal(box),
        title="3-D" + _whose(intent, solid),
        unit=next((getattr(i.data, "unit", "") for i in solid), ""),
        background=intent.background,
        interactive=intent.interactive,
        clip=followed(
            intent.clip,
            intent.cursor,
            reference_of(shown, intent.active),
            None if intent.tilt is None else matrix_of(intent.tilt),
        ),
        progressive=intent.progressive,
    )


def _mix_of(intent: ViewIntent, shown: tuple[SceneItem, ...]) -> Mix | None:
    """The mix that is wanted, if both of its volumes are there for it."""
    mix = intent.mix
    if mix is None:
        return None
    by_id = {i.id: i.data for i in shown}
    return None if why_no_mix(by_id.get(mix.first), by_id.get(mix.second), mix.mode) else mix


def _whose(intent: ViewIntent, shown: tuple[SceneItem, ...]) -> str:
    """The end of the title of a view that does not show everything."""
    if intent.only is None:
        return ""
    names = [i.name if len(i.name) <= 32 else f"{i.name[:20]}…{i.name[-10:]}" for i in shown]
    return " · " + (
        f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names) or "nothing"
    )


def in_3d(items: tuple[SceneItem, ...]) -> tuple[SceneItem, ...]:
    """What a 3-D view draws of the visible items.

    A volume whose display says "auto" is ray-cast unless a surface, a cloud or a trajectory is shown, which it
    would hide, or its own glyphs; label volumes, drawn as surfaces, hide nothing.
    """
    others = any(isinstance(i.data, (Mesh, PointCloud, Trajectory)) for i in items)
    out = []
    for item in items:
        if isinstance(item.data, Volume) and isinstance(item.display, VolumeDisplay):
            render, glyphs = item.display.render, bool(item.display.glyph)
            if render == "auto":
                hidden = glyphs or (others and item.data.transforms is not Transforms.LABEL)
                render = "off" if hidden else "volume"
            if render == "off" and not glyphs:
                continue
            item = replace(item, display=replace(item.display, render=render))
        out.append(item)
    return tuple(out)


def home_pose(
    items: tuple[SceneItem, ...],
    aspect: float,
    field: tuple[Vec, Vec] | None = None,
    *,
    parallel: bool = False,
    home: str = "",
) -> CameraPose:
    """The first sight of a scene: heads from the front, left and above; other things with their own axis up."""
    box = sight_of(items) if field is None else np.array(field).T
    generic = HOME_Y_UP if (home or way_up(items)) == "y" else HOME_GENERIC
    direction, up = HOME_ANATOMICAL if (home or way_up(items)) == "RAS" else generic
    return look(box, direction, up, aspect, parallel=parallel)


def way_up(items: tuple[SceneItem, ...]) -> str:
    """ "RAS" where left and right are known, else the axis that is up: "z" or "y"."""
    anatomical = any(getattr(i.data, "space", "") == "RAS" for i in items)
    return "RAS" if anatomical else upright(items)


def upright(items: tuple[SceneItem, ...]) -> str:
    """Which axis of a scene is up, "z" or "y". One object that says y is enough: what is computed from it says
    nothing."""
    if any(getattr(i.data, "space", "") == "RAS" for i in items):
        return "z"
    return "y" if any(getattr(i.display, "up", "z") == "y" for i in items) else "z"


def sight_of(items: tuple[SceneItem, ...]) -> Array:
    """(3, 2) box that a camera should hold: what there is of a volume without its empty margins, no markups."""
    solid = in_3d(items)
    matter = tuple(i for i in solid if not isinstance(i.data, Markup)) or solid
    boxes = [
        moved_box(i.transform, content_box(i.data)) if isinstance(i.data, Volume) else box_of(i)
        for i in matter
    ]
    if not boxes:
        return np.array([[-1.0, 1.0]] * 3)
    return thick(around(boxes))


def panned(intent: ViewIntent, dx: float, dy: float) -> ViewIntent:
    """A slice view moved by world lengths to the right and up (the picture follows the pointer)."""
    return replace(intent, pan=(intent.pan[0] - dx, intent.pan[1] - dy))


def zoomed_at(intent: ViewIntent, state: ResolvedSlice, factor: float, x: float, y: float) -> ViewIntent:
    """A slice view zoomed by `factor` with the point under (x, y) staying where it is."""
    zoom = float(min(max(intent.zoom * factor, ZOOMS[0]), ZOOMS[1]))
    change = 1 - intent.zoom / zoom
    offset = ((x - state.width / 2) * state.scale, (state.height / 2 - y) * state.scale)
    return replace(
        intent, zoom=zoom, pan=(intent.pan[0] + offset[0] * change, intent.pan[1] + offset[1] * change)
    )


def _signed_axes(direction: Array) -> str:
    i = int(np.argmax(np.abs(direction)))
    return ("+" if direction[i] > 0 else "−") + "xyz"[i]


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _vec(v: Array) -> Vec:
    return float(v[0]), float(v[1]), float(v[2])
