"""The scene of a slice view: one textured quad a volume, cut lines of meshes, markups where they meet the slice.

Volumes whose voxel planes lie in the slice are shown voxel for voxel; others are resampled onto it. Values become
colours here, in NumPy: a slice is small, any number type works, and what is not a number is transparent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkImagingCore import vtkImageReslice
from vtkmodules.vtkRenderingCore import (
    vtkImageProperty,
    vtkImageSlice,
    vtkImageSliceMapper,
    vtkRenderer,
    vtkRenderWindow,
)

from app.viewports import arrays
from app.viewports.colors import colorize, rgba_of
from app.viewports.cuts import Drawing, draw_markup, draw_mesh
from app.viewports.dots import draw_trajectory
from app.viewports.notes import Legend, Notes, guarded, legend_wanted
from app.viewports.planes import Slab
from app.viewports.projections import Projection, projected
from app.viewports.shared_colors import tell_linked, with_linked_colors
from app.viewports.state import ResolvedSlice, SceneItem
from app.viewports.stats import frame_of, volume_stats, window_of
from core.data import Markup, Mesh, Trajectory, Volume

Array = NDArray[Any]

_AT_ONCE = 16
"""Planes of an oblique slab in memory at a time."""


_DRAWERS = {Mesh: draw_mesh, Markup: draw_markup, Trajectory: draw_trajectory}


@dataclass
class _Layer:
    """The VTK side of one volume, and what it shows at the moment."""

    prop: vtkImageSlice
    picture: Any = None
    pixels: Array | None = None
    key: tuple[Any, ...] = ()
    look: tuple[Any, ...] = ()
    source: Any = None
    keep: list[Any] = field(default_factory=list)


class SliceScene:
    """Owns a renderer; `apply` brings it to a state. Used by one thread only."""

    def __init__(self, window: vtkRenderWindow) -> None:
        self._window = window
        self._renderer = vtkRenderer()
        self._renderer.SetBackground(0, 0, 0)
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        window.AddRenderer(self._renderer)
        self._layers: dict[str, _Layer] = {}
        self._drawings: dict[str, tuple[tuple[Any, ...], tuple[Drawing, ...]]] = {}

    def apply(self, state: ResolvedSlice) -> Notes:
        """Show `state`; what else is worth knowing about the picture comes back."""
        notes = Notes()
        state = with_linked_colors(state)
        volumes = [i for i in state.items if isinstance(i.data, Volume)]
        # The reference lies at the bottom, whatever its place in the tree: an overlay must not be hidden by it.
        # Labels lie on top even if they are the reference: a scan would hide them.
        volumes.sort(key=lambda i: (_is_label(i), i.id != state.reference))
        for gone in self._layers.keys() - {i.id for i in volumes}:
            self._renderer.RemoveViewProp(self._layers.pop(gone).prop)
        for rank, item in enumerate(volumes):
            with guarded(notes, item):
                self._show(state, item, rank, notes)
        self._cut(state, notes)
        self._aim(state)
        tell_linked(state, notes)
        return notes

    def release(self) -> None:
        """Let go of every VTK object."""
        for layer in self._layers.values():
            self._renderer.RemoveViewProp(layer.prop)
        self._layers.clear()
        self._drawings.clear()
        self._window.RemoveRenderer(self._renderer)
        del self._renderer, self._window

    def _show(self, state: ResolvedSlice, item: SceneItem, rank: int, notes: Notes) -> None:
        volume, display = item.data, item.display
        low, high = window_of(volume, display)
        notes.windows[item.id] = (high - low, (high + low) / 2)
        layer = self._layers.get(item.id)
        if layer is None:
            layer = self._layers[item.id] = _Layer(vtkImageSlice())
            mapper = vtkImageSliceMapper()
            mapper.SetOrientationToZ()
            mapper.BorderOn()
            layer.prop.SetMapper(mapper)
            layer.prop.SetProperty(vtkImageProperty())
            self._renderer.AddViewProp(layer.prop)
        axis = _plane_axis(state, item)
        label = _is_label(item)
        smooth = display.interpolate and not label
        if legend_wanted(item, label):
            notes.legends.append(Legend(item.name, volume.value_unit, display.colormap, low, high))
        affine = item.affine
        # A class is no amount: there is no largest or mean one. Of colours, only the mean is a colour.
        slab = None if label or (volume.rgb and state.slab and state.slab.mode != "mean") else state.slab
        if axis is not None:
            voxel = np.linalg.solve(affine, [*state.origin, 1.0])
            index = int(np.floor(voxel[axis] + 0.5))
            reach = (
                0 if slab is None else slab.planes(abs(float(affine[:3, axis] @ np.asarray(state.toward))))
            )
            first, last = max(index - reach, 0), min(index + reach, volume.array.shape[axis] - 1)
            inside = first <= last
            # Slices of volumes with another spacing: the nearest slice is only shown if the plane lies within it.
            layer.prop.SetVisibility(inside)
            where: tuple[Any, ...] = (axis, first, last)
        else:
            inside = True
            layer.prop.SetVisibility(True)
            where = ("oblique", smooth, *_grid(state, item)[1])
        key = (id(volume), affine.tobytes(), display.index, slab, *where)
        look = (low, high, display.colormap, label, rank > 0, display.hide, display.floor)
        if inside and (key, look) != (layer.key, layer.look):
            if key != layer.key or layer.pixels is None:
                if axis is not None:
                    layer.pixels, placement = _aligned(item, axis, (first, index, last), slab)
                else:
                    layer.pixels, placement = _resliced(layer, state, item, smooth, slab)
                layer.prop.SetUserMatrix(arrays.matrix(placement))
            rows = np.swapaxes(layer.pixels, 0, 1)
            if volume.rgb:
                rgba = rgba_of(rows, low, high)
            else:
                rgba = colorize(
                    rows,
                    low,
                    high,
                    display.colormap,
                    label=label,
                    over=rank > 0,
                    hide=display.hide,
                    floor=display.floor,
                )
            layer.picture = arrays.image2d(rgba)
            layer.prop.GetMapper().SetInputData(layer.picture)
            layer.key, layer.look = key, look
        look_property = layer.prop.GetProperty()
        look_property.SetColorWindow(255)
        look_property.SetColorLevel(127.5)
        look_property.SetOpacity(min(max(display.opacity, 0.0), 1.0))
        look_property.SetLayerNumber(rank)
        if smooth:
            look_property.SetInterpolationTypeToLinear()
        else:
            look_property.SetInterpolationTypeToNearest()

    def _cut(self, state: ResolvedSlice, notes: Notes) -> None:
        plane = (state.origin, state.toward)
        height = round(float(np.dot(state.origin, state.toward)), 9)
        kept = {}
        for item in state.items:
            if not isinstance(item.data, (Mesh, Markup, Trajectory)):
                continue
            key = (id(item.data), item.transform.tobytes(), item.display, height, state.toward, state.slab)
            known = self._drawings.get(item.id)
            if known is None or known[0] != key:
                made: tuple[Drawing, ...] = ()
                with guarded(notes, item):
                    draw = _DRAWERS[type(item.data)]
                    made = draw(item, plane, _thickness(state))
                known = (key, made)
            kept[item.id] = known
            notes.drawings.extend(known[1])
        self._drawings = kept

    def _aim(self, state: ResolvedSlice) -> None:
        camera = self._renderer.GetActiveCamera()
        reach = max(state.width, state.height) * state.scale * 4 + 1e-6
        origin, toward = np.asarray(state.origin), np.asarray(state.toward)
        camera.SetFocalPoint(*origin)
        camera.SetPosition(*(origin + toward * reach))
        camera.SetViewUp(*state.up)
        camera.SetParallelScale(state.height * state.scale / 2)
        camera.SetClippingRange(reach * 0.5, reach * 1.5)


def _is_label(item: SceneItem) -> bool:
    return volume_stats(item.data, item.display.index).label or item.display.colormap == "labels"


def _plane_axis(state: ResolvedSlice, item: SceneItem) -> int | None:
    """The array axis of `item` whose voxel planes lie in the slice, None where they are tilted against it."""
    affine = item.affine
    for axis in range(3):
        others = [affine[:3, a] / np.linalg.norm(affine[:3, a]) for a in range(3) if a != axis]
        extents = [item.data.array.shape[a] for a in range(3) if a != axis]
        # Off the plane by less than a tenth of a voxel over the whole field of view.
        if all(abs(o @ np.asarray(state.toward)) * n < 0.1 for o, n in zip(others, extents, strict=True)):
            return axis
    return None


def _aligned(
    item: SceneItem, axis: int, planes: tuple[int, int, int], slab: Slab | None
) -> tuple[Array, Array]:
    """((nu, nv[, c]) values of a voxel plane, (4, 4) picture coordinates -> world).

    `planes`: the first and last of a slab about the one in the middle, whose place the picture has.
    """
    first, index, last = planes
    frame = frame_of(item.data, item.display.index)
    if slab is None:
        # A view: np.take would first copy a whole volume whose first axis runs fastest.
        pixels = frame[tuple(index if a == axis else slice(None) for a in range(3))]
    else:
        pixels = projected(
            frame[tuple(slice(first, last + 1) if a == axis else slice(None) for a in range(3))],
            axis,
            slab.mode,
        )
    u, v = (a for a in range(3) if a != axis)
    affine = item.affine
    placement = np.eye(4)
    placement[:3, 0], placement[:3, 1] = affine[:3, u], affine[:3, v]
    normal = np.cross(affine[:3, u], affine[:3, v])
    placement[:3, 2] = normal / np.linalg.norm(normal)
    placement[:3, 3] = affine[:3, 3] + index * affine[:3, axis]
    return pixels, placement


def _grid(state: ResolvedSlice, item: SceneItem) -> tuple[Array, tuple[Any, ...]]:
    """Pixel grid on the slice that covers the volume: (4, 4) grid -> world, and (nu, nv, rounded height, …)."""
    shape = np.array(item.data.array.shape[:3])
    affine = item.affine
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in shape], indexing="ij")).reshape(3, -1)
    local = state.frame() @ (affine[:3, :3] @ corners + affine[:3, 3:])
    spacing = float(np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).min())
    low, high = local[:2].min(axis=1), local[:2].max(axis=1)
    spacing = max(spacing, float((high - low).max()) / 1024)
    if coarse(state):
        spacing *= 2
    nu, nv = (max(1, int(np.ceil(e / spacing)) + 1) for e in high - low)
    height = float(np.dot(state.origin, state.toward))
    frame = state.frame()
    placement = np.eye(4)
    placement[:3, 0], placement[:3, 1], placement[:3, 2] = frame[0] * spacing, frame[1] * spacing, frame[2]
    placement[:3, 3] = frame.T @ [low[0], low[1], height]
    return placement, (nu, nv, round(height, 6), state.right, state.up)


def coarse(state: ResolvedSlice) -> bool:
    """Whether speed counts before quality: tilted planes that are being moved."""
    return state.interactive and state.oblique


def _resliced(
    layer: _Layer, state: ResolvedSlice, item: SceneItem, smooth: bool, slab: Slab | None
) -> tuple[Array, Array]:
    """Like `_aligned` for a volume that is tilted against the slice; outside is NaN."""
    placement, (nu, nv, *_) = _grid(state, item)
    frame = frame_of(item.data, item.display.index)
    colors = frame.shape[3] if frame.ndim == 4 else 0
    sources = [frame[..., c] for c in range(colors)] if colors else [frame]
    if layer.source is None or layer.source[0] != (id(item.data), item.display.index):
        layer.source = ((id(item.data), item.display.index), [arrays.image3d(s) for s in sources])
    first, last, apart = _stack(slab, float(np.linalg.norm(placement[:3, 0])), coarse(state))
    planes = []
    for image, order in layer.source[1]:
        to_index = np.linalg.inv(item.affine) @ placement
        reslice = vtkImageReslice()
        reslice.SetInputData(image)
        reslice.SetResliceAxes(arrays.matrix(to_index[[*order, 3]]))
        reslice.SetOutputSpacing(1, 1, apart)
        reslice.SetOutputOrigin(0, 0, 0)
        reslice.SetOutputScalarType(10)  # VTK_FLOAT: only floats can say "not a number"
        reslice.SetBackgroundLevel(float("nan"))
        if smooth and not coarse(state):
            reslice.SetInterpolationModeToLinear()
        else:
            reslice.SetInterpolationModeToNearestNeighbor()
        projection = Projection(slab.mode if slab is not None else "max")
        for start in range(first, last + 1, _AT_ONCE):  # a thick slab at once would need gigabytes
            end = min(start + _AT_ONCE - 1, last)
            reslice.SetOutputExtent(0, nu - 1, 0, nv - 1, start, end)
            reslice.Update()
            scalars = vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars())
            for plane in scalars.reshape(end - start + 1, nv, nu):
                projection.add(plane)
        planes.append(projection.result().T)
    return (np.stack(planes, axis=-1) if colors else planes[0]), placement


def _stack(slab: Slab | None, spacing: float, quick: bool) -> tuple[int, int, float]:
    """(first, last, distance) of the planes of an oblique slab: a voxel apart, or as many as there is time for."""
    if slab is None:
        return 0, 0, 1.0
    reach, most = slab.planes(spacing), 6 if quick else 32
    if reach <= most:
        return -reach, reach, spacing
    return -most, most, spacing * reach / most


def _thickness(state: ResolvedSlice) -> float:
    """Distance between neighbouring slices, or the slab's thickness where that is more."""
    apart = float(abs(np.dot(state.step, state.toward))) or 1.0
    return max(apart, state.slab.thickness) if state.slab is not None else apart
