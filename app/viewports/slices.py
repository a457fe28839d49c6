"""The scene of a slice view: one textured quad a volume, cut lines of meshes, markups where they meet the slice.

Volumes whose voxel planes lie in the slice are shown voxel for voxel; others are resampled onto it. Values become
colours here, in NumPy: a slice is small, any number type works, and what is not a number is transparent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkImageProperty,
    vtkImageSlice,
    vtkImageSliceMapper,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
)

from app.viewports import arrays
from app.viewports.colors import category, colorize, rgba_of
from app.viewports.cuts import Drawing, draw_markup, draw_mesh
from app.viewports.dots import draw_trajectory
from app.viewports.identity import serial
from app.viewports.mixed_scene import MixedLayer
from app.viewports.notes import Notes, guarded, legend_wanted, volume_legend
from app.viewports.outlines import bands, edges_of
from app.viewports.sampling import Sampler, aligned, coarse, grid_of, plane_axis
from app.viewports.shared_colors import tell_linked, with_linked_colors
from app.viewports.state import Resolved, ResolvedSlice, SceneItem
from app.viewports.stats import volume_stats, window_of
from core.data import Markup, Mesh, Trajectory, Volume

Array = NDArray[Any]

_DRAWERS = {Mesh: draw_mesh, Markup: draw_markup, Trajectory: draw_trajectory}


@dataclass
class _Layer:
    """The VTK side of one volume, and what it shows at the moment."""

    prop: vtkImageSlice
    of: int
    """Of which volume."""
    picture: Any = None
    pixels: Any = None
    placement: Any = None
    key: tuple[Any, ...] = ()
    look: tuple[Any, ...] = ()
    sampler: Sampler = field(default_factory=Sampler)
    edges: Any = None
    outline: Any = None
    outline_key: tuple[Any, ...] = ()


def without_overlay(state: Resolved) -> Resolved:
    """What of a slice VTK has a part in: another view's step moves the crosshair here, a markup is moved, points pass
    by, and no pixel below them changes."""
    if not isinstance(state, ResolvedSlice):
        return state
    hurried = state.interactive and state.oblique  # a tilted plane that moves is drawn coarsely
    return replace(
        state,
        items=tuple(i for i in state.items if isinstance(i.data, Volume)),
        cursor=(0.0, 0.0, 0.0),
        crosshair=False,
        lines=(),
        interactive=hurried,
        progressive=False,
    )


def compile_shaders(window: vtkRenderWindow) -> None:
    """Draw a picture of one pixel, so that the first slice need not wait for the GL driver's compiler."""
    renderer, prop, mapper = vtkRenderer(), vtkImageSlice(), vtkImageSliceMapper()
    mapper.SetInputData(arrays.image2d(np.zeros((2, 2, 4), dtype=np.uint8)))
    mapper.BorderOn()
    prop.SetMapper(mapper)
    renderer.AddViewProp(prop)
    renderer.GetActiveCamera().ParallelProjectionOn()
    window.AddRenderer(renderer)
    window.Render()
    renderer.RemoveViewProp(prop)
    window.RemoveRenderer(renderer)


class SliceScene:
    """Owns a renderer; `apply` brings it to a state. Used by one thread only."""

    def __init__(self, window: vtkRenderWindow) -> None:
        self._window = window
        self._renderer = vtkRenderer()
        self._renderer.SetBackground(0, 0, 0)
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        window.AddRenderer(self._renderer)
        self._layers: dict[str, _Layer] = {}
        self._mixed = MixedLayer(self._renderer)
        self._drawings: dict[str, tuple[tuple[Any, ...], tuple[Drawing, ...]]] = {}

    def apply(self, state: ResolvedSlice) -> Notes:
        """Show `state`; what else is worth knowing about the picture comes back."""
        notes = Notes()
        state = with_linked_colors(state)
        mixed = self._mixed.show(state, notes)
        volumes = [i for i in state.items if isinstance(i.data, Volume) and i.id not in mixed]
        if mixed:  # a third scan over the two would hide what one compares
            volumes = [i for i in volumes if _is_overlay(i)]
        # The reference lies at the bottom, whatever its place in the tree: an overlay must not be hidden by it.
        # Labels lie on top even if they are the reference: a scan would hide them.
        volumes.sort(key=lambda i: (_is_label(i), i.id != state.reference))
        for gone in self._layers.keys() - {i.id for i in volumes}:
            self._drop(self._layers.pop(gone))
        for rank, item in enumerate(volumes, start=int(bool(mixed))):
            with guarded(notes, item):
                self._show(state, item, rank, notes)
        self._stack([self._layers[i.id] for i in volumes if i.id in self._layers])
        self._cut(state, notes)
        self._aim(state)
        tell_linked(state, notes)
        return notes

    def _stack(self, layers: list[_Layer]) -> None:
        """Draw the layers in their order, whenever each was made: VTK blends them in the order of the renderer's list.

        A layer that came before the one below it would be blended with the background, and hide that one.
        """
        props = self._renderer.GetViewProps()
        places = [props.IsItemPresent(layer.prop) for layer in layers]
        mixed = self._mixed.place(props)
        if places != sorted(places) or any(place < mixed for place in places):
            for layer in layers:
                self._renderer.RemoveViewProp(layer.prop)
                self._renderer.AddViewProp(layer.prop)

    def drawn_anew(self, state: ResolvedSlice, notes: Notes) -> Notes:
        """The notes of the last picture for a state that differs from its one only in what is painted over it; see
        `without_overlay`."""
        made = replace(notes, drawings=[d for d in notes.drawings if not d.item], problems=[])
        self._cut(state, made)
        return made

    def release(self) -> None:
        """Let go of every VTK object."""
        for layer in self._layers.values():
            self._drop(layer)
        self._layers.clear()
        self._mixed.release()
        self._drawings.clear()
        self._window.RemoveRenderer(self._renderer)
        del self._renderer, self._window, self._mixed

    def _show(self, state: ResolvedSlice, item: SceneItem, rank: int, notes: Notes) -> None:
        volume, display = item.data, item.display
        low, high = window_of(volume, display)
        notes.windows[item.id] = (high - low, (high + low) / 2)
        layer = self._layers.get(item.id)
        if layer is not None and layer.of != serial(volume):
            layer.sampler, layer.of = Sampler(), serial(volume)  # the old one holds the values of before
        if layer is None:
            layer = self._layers[item.id] = _Layer(vtkImageSlice(), serial(volume))
            mapper = vtkImageSliceMapper()
            mapper.SetOrientationToZ()
            mapper.BorderOn()
            layer.prop.SetMapper(mapper)
            layer.prop.SetProperty(vtkImageProperty())
            self._renderer.AddViewProp(layer.prop)
        axis = plane_axis(state, item)
        label = _is_label(item)
        smooth = display.interpolate and not label
        if legend_wanted(item, label):
            notes.legends.append(volume_legend(item, low, high))
        affine = item.affine
        # A class is no amount: there is no largest or mean one. Of colours, only the mean is a colour.
        slab = None if label or (volume.rgb and state.slab and state.slab.mode != "mean") else state.slab
        first = index = last = 0
        if axis is not None:
            voxel = np.linalg.solve(affine, [*state.origin, 1.0])
            index = int(np.floor(voxel[axis] + 0.5))
            apart = abs(float(affine[:3, axis] @ np.asarray(state.toward)))
            reach = 0 if slab is None else slab.planes(apart)
            first, last = max(index - reach, 0), min(index + reach, volume.array.shape[axis] - 1)
            where: tuple[Any, ...] = (axis, first, last)
        else:
            where = ("oblique", smooth, coarse(state), *grid_of(state, item)[1])
        # Slices of volumes with another spacing: the nearest slice is only shown if the plane lies within it.
        inside = first <= last
        outlined = label and display.outline > 0
        layer.prop.SetVisibility(inside and not outlined)
        key = (serial(volume), affine.tobytes(), display.index, slab, *where)
        if inside and (key != layer.key or layer.pixels is None):
            done = True
            if axis is not None:
                layer.pixels, layer.placement = aligned(item, axis, (first, index, last), slab)
            else:
                sampled = layer.sampler.sample(key, state, item, smooth, slab)
                layer.pixels, layer.placement, done = sampled
            layer.key, layer.look, layer.edges = key if done else (), (), None
            notes.unfinished = notes.unfinished or not done
        if inside and not outlined:
            self._color(layer, item, (low, high), label, rank)
        if inside:
            # Each a hair nearer than the one below, wherever the middles of their voxels lie.
            lift = _reach(state) * 1e-4 * rank
            placement = _at_height(layer.placement, state, lift)
            layer.prop.SetUserMatrix(arrays.matrix(placement))
        look = layer.prop.GetProperty()
        look.SetColorWindow(255)
        look.SetColorLevel(127.5)
        look.SetOpacity(min(max(display.opacity, 0.0), 1.0))
        look.SetLayerNumber(rank)
        if smooth:
            look.SetInterpolationTypeToLinear()
        else:
            look.SetInterpolationTypeToNearest()
        if inside and outlined:
            self._outline(layer, item, state, placement)
        elif layer.outline is not None:
            layer.outline.SetVisibility(False)

    def _color(
        self, layer: _Layer, item: SceneItem, window: tuple[float, float], label: bool, rank: int
    ) -> None:
        display = item.display
        look = (*window, display.colormap, label, rank > 0, display.hide, display.floor)
        if look == layer.look:
            return
        rows = np.swapaxes(layer.pixels, 0, 1)
        if item.data.rgb:
            rgba = rgba_of(rows, *window)
        else:
            rgba = colorize(
                rows,
                *window,
                display.colormap,
                label=label,
                over=rank > 0,
                hide=display.hide,
                floor=display.floor,
            )
        layer.picture = arrays.image2d(rgba)
        layer.prop.GetMapper().SetInputData(layer.picture)
        layer.look = look

    def _outline(self, layer: _Layer, item: SceneItem, state: ResolvedSlice, placement: Array) -> None:
        """The labels' edges as bands of so many pixels, whatever the zoom."""
        if layer.edges is None:
            layer.edges = edges_of(layer.pixels)
            layer.outline_key = ()
        width = item.display.outline * state.scale
        key = (width,)
        if layer.outline is None:
            layer.outline = vtkActor()
            layer.outline.SetMapper(vtkPolyDataMapper())
            layer.outline.GetProperty().LightingOff()
            self._renderer.AddViewProp(layer.outline)
        if key != layer.outline_key:
            sizes = np.linalg.norm(placement[:3, :2], axis=0)
            corners = bands(layer.edges, (width / sizes[0], width / sizes[1]))
            poly = vtkPolyData()
            flat = np.concatenate([corners.reshape(-1, 2), np.zeros((corners.shape[0] * 4, 1))], axis=1)
            poly.SetPoints(arrays.points(flat))
            poly.SetPolys(arrays.cells(np.arange(len(flat), dtype=np.int32).reshape(-1, 4)))
            poly.GetCellData().SetScalars(arrays.data_array(category(layer.edges.label)))
            mapper = layer.outline.GetMapper()
            mapper.SetInputData(poly)
            mapper.SetColorModeToDirectScalars()
            layer.outline_key = key
        layer.outline.SetUserMatrix(arrays.matrix(placement))
        layer.outline.GetProperty().SetOpacity(min(max(item.display.opacity, 0.0), 1.0))
        layer.outline.SetVisibility(True)

    def _drop(self, layer: _Layer) -> None:
        self._renderer.RemoveViewProp(layer.prop)
        if layer.outline is not None:
            self._renderer.RemoveViewProp(layer.outline)

    def _cut(self, state: ResolvedSlice, notes: Notes) -> None:
        plane = (state.origin, state.toward)
        height = round(float(np.dot(state.origin, state.toward)), 9)
        kept = {}
        for item in state.items:
            if not isinstance(item.data, (Mesh, Markup, Trajectory)):
                continue
            key = (
                serial(item.data),
                item.transform.tobytes(),
                item.display,
                height,
                state.toward,
                state.slab,
            )
            known = self._drawings.get(item.id)
            if known is None or known[0] != key:
                made: tuple[Drawing, ...] = ()
                with guarded(notes, item):
                    draw = _DRAWERS[type(item.data)]
                    made = draw(item, plane, state.reach)
                known = (key, made)
            kept[item.id] = known
            notes.drawings.extend(known[1])
        self._drawings = kept

    def _aim(self, state: ResolvedSlice) -> None:
        camera = self._renderer.GetActiveCamera()
        reach = _reach(state)
        origin, toward = np.asarray(state.origin), np.asarray(state.toward)
        camera.SetFocalPoint(*origin)
        camera.SetPosition(*(origin + toward * reach))
        camera.SetViewUp(*state.up)
        camera.SetParallelScale(state.height * state.scale / 2)
        camera.SetClippingRange(reach * 0.5, reach * 1.5)


def _reach(state: ResolvedSlice) -> float:
    """From the camera to the slice."""
    return max(state.width, state.height) * state.scale * 4 + 1e-6


def _at_height(placement: Array, state: ResolvedSlice, lift: float) -> Array:
    """A picture moved along the line of sight to `lift` above the slice."""
    toward = np.asarray(state.toward)
    moved: Array = placement.copy()
    moved[:3, 3] += (float(toward @ (np.asarray(state.origin) - placement[:3, 3])) + lift) * toward
    return moved


def _is_overlay(item: SceneItem) -> bool:
    """Whether what lies below is seen past it: labels, what hides a part of its values, what is transparent."""
    return _is_label(item) or bool(item.display.hide) or item.display.opacity < 1.0  # type: ignore[attr-defined]


def _is_label(item: SceneItem) -> bool:
    return volume_stats(item.data, item.display.index).label or item.display.colormap == "labels"
