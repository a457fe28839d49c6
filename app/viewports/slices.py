"""The scene of a slice view in VTK: one textured quad a layer, outlines of labels as bands.

The gl backend draws slices with it, the image backend what `painted` leaves to it.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from app.viewports.colors import category
from app.viewports.notes import Notes
from app.viewports.outlines import bands
from app.viewports.slice_layers import Layer, SliceLayers
from app.viewports.state import ResolvedSlice

Array = NDArray[Any]


@dataclass
class _Quad:
    """The VTK side of one layer, and what it shows at the moment."""

    prop: vtkImageSlice
    made: int = 0
    picture: Any = None
    outline: Any = None
    outline_of: tuple[Any, ...] = ()


class SliceScene:
    """Owns a renderer; `apply` brings it to a state. Used by one thread only."""

    def __init__(self, window: vtkRenderWindow) -> None:
        self._window = window
        self._renderer = vtkRenderer()
        self._renderer.SetBackground(0, 0, 0)
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        window.AddRenderer(self._renderer)
        self._made = SliceLayers()
        self._quads: dict[str, _Quad] = {}

    def apply(self, state: ResolvedSlice) -> Notes:
        """Show `state`; what else is worth knowing about the picture comes back."""
        layers, notes = self._made.apply(state)
        for gone in self._quads.keys() - {layer.name for layer in layers}:
            self._drop(self._quads.pop(gone))
        for layer in layers:
            if layer.name not in self._quads:
                self._quads[layer.name] = self._quad()
            self._show(self._quads[layer.name], layer, state)
        self._stack([self._quads[layer.name] for layer in layers])
        self._aim(state)
        return notes

    def _stack(self, quads: list[_Quad]) -> None:
        """Draw the layers in their order, whenever each was made: VTK blends them in the order of the renderer's list.

        A layer that came before the one below it would be blended with the background, and hide that one.
        """
        props = self._renderer.GetViewProps()
        places = [props.IsItemPresent(quad.prop) for quad in quads]
        if places != sorted(places):
            for quad in quads:
                self._renderer.RemoveViewProp(quad.prop)
                self._renderer.AddViewProp(quad.prop)

    def drawn_anew(self, state: ResolvedSlice, notes: Notes) -> Notes:
        """See `SliceLayers.drawn_anew`."""
        return self._made.drawn_anew(state, notes)

    def release(self) -> None:
        """Let go of every VTK object."""
        for quad in self._quads.values():
            self._drop(quad)
        self._quads.clear()
        self._made.forget()
        self._window.RemoveRenderer(self._renderer)
        del self._renderer, self._window, self._made

    def _quad(self) -> _Quad:
        quad = _Quad(vtkImageSlice())
        mapper = vtkImageSliceMapper()
        mapper.SetOrientationToZ()
        mapper.BorderOn()
        quad.prop.SetMapper(mapper)
        look = vtkImageProperty()
        look.SetColorWindow(255)
        look.SetColorLevel(127.5)
        quad.prop.SetProperty(look)
        self._renderer.AddViewProp(quad.prop)
        return quad

    def _show(self, quad: _Quad, layer: Layer, state: ResolvedSlice) -> None:
        rgba = None if layer.outlined or not layer.shown else layer.rgba
        outlined = layer.shown and layer.outlined
        quad.prop.SetVisibility(rgba is not None)
        if quad.outline is not None:
            quad.outline.SetVisibility(outlined)
        if not layer.shown:
            return
        # Each a hair nearer than the one below, wherever the middles of their voxels lie.
        placement = _at_height(layer.placement, state, _reach(state) * 1e-4 * layer.rank)
        if outlined:
            self._outline(quad, layer, state, placement)
        if rgba is None:
            return
        if quad.made != layer.made:
            quad.picture, quad.made = arrays.image2d(rgba), layer.made
            quad.prop.GetMapper().SetInputData(quad.picture)
        quad.prop.SetUserMatrix(arrays.matrix(placement))
        look = quad.prop.GetProperty()
        look.SetOpacity(layer.opacity)
        look.SetLayerNumber(layer.rank)
        if layer.smooth:
            look.SetInterpolationTypeToLinear()
        else:
            look.SetInterpolationTypeToNearest()

    def _outline(self, quad: _Quad, layer: Layer, state: ResolvedSlice, placement: Array) -> None:
        """The labels' edges as bands of so many pixels, whatever the zoom."""
        width = layer.outline * state.scale
        if quad.outline is None:
            quad.outline = vtkActor()
            quad.outline.SetMapper(vtkPolyDataMapper())
            quad.outline.GetProperty().LightingOff()
            self._renderer.AddViewProp(quad.outline)
        if quad.outline_of[:1] != (width,) or quad.outline_of[1] is not layer.edges:
            sizes = np.linalg.norm(placement[:3, :2], axis=0)
            corners = bands(layer.edges, (width / sizes[0], width / sizes[1]))
            poly = vtkPolyData()
            flat = np.concatenate([corners.reshape(-1, 2), np.zeros((corners.shape[0] * 4, 1))], axis=1)
            poly.SetPoints(arrays.points(flat))
            poly.SetPolys(arrays.cells(np.arange(len(flat), dtype=np.int32).reshape(-1, 4)))
            poly.GetCellData().SetScalars(arrays.data_array(category(layer.edges.label)))
            mapper = quad.outline.GetMapper()
            mapper.SetInputData(poly)
            mapper.SetColorModeToDirectScalars()
            quad.outline_of = (width, layer.edges)
        quad.outline.SetUserMatrix(arrays.matrix(placement))
        quad.outline.GetProperty().SetOpacity(layer.opacity)

    def _drop(self, quad: _Quad) -> None:
        self._renderer.RemoveViewProp(quad.prop)
        if quad.outline is not None:
            self._renderer.RemoveViewProp(quad.outline)

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
