"""Volumes in 3-D: ray casting or an isosurface of a reduced 8-bit copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPiecewiseFunction
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkPolyDataNormals, vtkWindowedSincPolyDataFilter
from vtkmodules.vtkFiltersGeneral import vtkDiscreteFlyingEdges3D
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkColorTransferFunction,
    vtkPolyDataMapper,
    vtkVolume,
    vtkVolumeProperty,
)
from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper
from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkSmartVolumeMapper

from app.viewports import arrays
from app.viewports.colors import category, is_diverging, table
from app.viewports.notes import Legend, Notes, legend_wanted
from app.viewports.presenter import Presenter
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.stats import VolumeStats, frame_of, volume_stats, window_of
from core.data import Volume
from core.geometry import closest_axes

Array = NDArray[Any]

_DRAG_VOXELS = 112**3
_LABEL_VOXELS = 160**3
_KEPT_BYTES = 200_000_000
"""Of the reduced frames of one volume."""
_prepared: WeakKeyDictionary[Volume, dict[tuple[Any, ...], Reduced]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Reduced:
    """An 8-bit copy with its axes along R, A, S as nearly as possible, and how its numbers relate to the values.

    `array` (x fastest in memory), `spacing` (3,), `placement` (4, 4): index * spacing -> the volume's own space.
    """

    array: Array
    spacing: Array
    placement: Array
    low: float
    high: float

    def code(self, value: float) -> float:
        """Where a value lies on 0..255."""
        return (value - self.low) / (self.high - self.low) * 255.0

    def image(self) -> vtkImageData:
        """As VTK sees it, without a copy."""
        made = vtkImageData()
        made.SetDimensions(*self.array.shape)
        made.SetSpacing(*self.spacing)
        made.GetPointData().SetScalars(arrays.data_array(self.array.reshape(-1, order="F")))
        return made


def reduced(volume: Volume, index: int, limit: int, *, label: bool = False) -> Reduced:
    """The copy that is ray-cast: at most about `limit` voxels, range of the finite values on 0..255; cached.

    Axes are turned and flipped into the closest R, A, S order, so that the mapper never meets a mirroring
    matrix (which would turn its normals inside out), whatever order the file has.
    """
    known = _prepared.setdefault(volume, {})
    key = (index, limit, label)
    if key in known:
        return known[key]
    array = frame_of(volume, index)
    if array.ndim == 4:
        array = np.asarray(array[..., :3], dtype=np.float32).mean(axis=3)
    if np.iscomplexobj(array):
        array = np.abs(array)
    axes, signs = closest_axes(volume.affine)
    turned = array.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
    affine = np.eye(4)
    origin = np.zeros(3)
    for world, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[:3, world] = volume.affine[:3, axis] * sign
        if sign < 0:
            origin[axis] = volume.array.shape[axis] - 1
    affine[:3, 3] = volume.affine[:3, :3] @ origin + volume.affine[:3, 3]
    step = max(1, int(np.ceil((turned.size / limit) ** (1 / 3))))
    steps = np.array([step if n >= 4 * step else 1 for n in turned.shape])
    small = _thinned(turned, steps, mean=not label)
    shift = (steps - 1) / 2 if not label else np.zeros(3)
    affine[:3, 3] += affine[:3, :3] @ shift
    affine[:3, :3] *= steps
    if label:
        finite = np.nan_to_num(np.asarray(small, dtype=np.float32))
        codes = np.where(finite == 0, 0, (np.round(finite).astype(np.int64) - 1) % 255 + 1)
        low, high = 0.0, 255.0
    else:
        stats = volume_stats(volume, index)
        low = min(stats.minimum, stats.low)
        high = max(min(stats.maximum, stats.high + (stats.high - stats.low)), low + 1e-12)
        with np.errstate(invalid="ignore", over="ignore"):
            codes = np.clip(
                np.nan_to_num((np.asarray(small, dtype=np.float32) - low) * (255.0 / (high - low))), 0, 255
            )
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    placement = affine.copy()
    placement[:3, :3] /= spacing
    made = Reduced(np.asfortranarray(codes.astype(np.uint8)), spacing, placement, low, high)
    # A film goes round: its frames are kept as far as memory allows.
    frame, allowed = made.array.nbytes, _KEPT_BYTES
    for old in [k for k in known if k[0] != index]:
        allowed -= known[old].array.nbytes
        if allowed < frame:
            del known[old]
    known[key] = made
    return made


def opacity_points(stats: VolumeStats, window: tuple[float, float], preset: str) -> list[tuple[float, float]]:
    """(value, opacity) corners of the opacity curve.

    "auto": nothing below the threshold that parts object and background, then quickly solid, so that the first
    thing one sees is the object's surface with its folds; the window then changes colours only, so that
    looking for contrast in a slice never dissolves the object. "soft": rises over the whole window. "bright": only
    the top third.
    """
    low, high = window
    width = high - low
    if preset == "soft":
        return [(low + 0.15 * width, 0.0), (high, 0.35)]
    if preset == "bright":
        return [(low + 0.62 * width, 0.0), (low + 0.8 * width, 0.7), (high, 0.95)]
    start, width = stats.threshold, stats.high - stats.low
    return [(start - 0.12 * width, 0.0), (start, 0.12), (start + 0.14 * width, 0.85), (start + width, 0.95)]


class VolumePresenter(Presenter):
    """Keeps one volume's prop in step with its display."""

    _dragging = False
    _coarse: Any = None
    _label = False
    _index = 0

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Create what fits the render mode; see `Presenter`."""
        self._dragging, self._index = False, item.display.index
        stats = volume_stats(item.data, item.display.index)
        self._label = stats.label or item.display.colormap == "labels"
        if self._label:
            self._classes(item)
        elif item.display.render == "surface":
            self._surface(item)
        else:
            self._cast(item)

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """A new mapper is needed when one of these changes."""
        d = item.display
        # Another time of a ray-cast volume is other data for the same mapper.
        ray_cast = d.render == "volume" and item.data.last_axis == "time"
        return id(item.data), -1 if ray_cast else d.index, d.render, d.colormap == "labels"

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Transfer functions, opacity, placement."""
        if item.display.index != self._index:
            self._turn_to(item)
        placement = item.transform @ self._reduced.placement
        placement[:3, 3] -= state.origin
        self.prop.SetUserMatrix(arrays.matrix(placement))
        if isinstance(self.prop, vtkActor):
            self.prop.GetProperty().SetOpacity(item.display.opacity)
            return
        window = window_of(item.data, item.display)
        stats = volume_stats(item.data, item.display.index)
        scale = min(max(item.display.opacity, 0.0), 1.0)
        color, opacity = vtkColorTransferFunction(), vtkPiecewiseFunction()
        lut = table(item.display.colormap)
        for k in range(0, 256, 5):
            value = window[0] + (window[1] - window[0]) * k / 255
            r, g, b = _lifted(lut[k], item.display.colormap)
            color.AddRGBPoint(self._reduced.code(value), r, g, b)
        if is_diverging(item.display.colormap):
            middle, half = sum(window) / 2, (window[1] - window[0]) / 2
            corners = [(-1.0, 0.8), (-0.35, 0.0), (0.35, 0.0), (1.0, 0.8)]
            curve = [(middle + half * t, a) for t, a in corners]
        else:
            curve = opacity_points(stats, window, item.display.preset)
        for value, alpha in curve:
            opacity.AddPoint(self._reduced.code(value), alpha * scale)
        if legend_wanted(item, False):
            notes.legends.append(Legend(item.name, item.data.value_unit, item.display.colormap, *window))
        look = self.prop.GetProperty()
        look.SetColor(color)
        look.SetScalarOpacity(opacity)
        look.SetScalarOpacityUnitDistance(float(self._reduced.spacing.min()))

    def drag(self, interactive: bool) -> None:
        """A coarse copy while the camera moves; on a GPU the full one is quick enough."""
        if self._coarse is not None and interactive != self._dragging:
            self._dragging = interactive
            self.prop.SetMapper(self._coarse if interactive else self._mapper)

    def over(self, item: SceneItem) -> bool:
        """Labels lie over ray-cast volumes: a lesion inside a head should be seen."""
        return self._label or (isinstance(self.prop, vtkActor) and super().over(item))

    def _classes(self, item: SceneItem) -> None:
        """One smooth surface a label, in the colour that the slices use."""
        self._coarse = None
        self._reduced = reduced(item.data, item.display.index, _LABEL_VOXELS, label=True)
        edges = vtkDiscreteFlyingEdges3D()
        # A margin of nothing closes the surfaces of labels that touch the border.
        padded = Reduced(
            np.asfortranarray(np.pad(self._reduced.array, 1)), self._reduced.spacing, np.eye(4), 0.0, 255.0
        )
        image = padded.image()
        image.SetOrigin(*(-self._reduced.spacing))
        edges.SetInputData(image)
        edges.ComputeNormalsOff()
        for k, code in enumerate(np.unique(self._reduced.array[self._reduced.array > 0]).tolist()):
            edges.SetValue(k, code)
        poly = _smoothed(edges, iterations=10, pass_band=0.05)
        codes = poly.GetPointData().GetScalars()
        if codes is not None and codes.GetNumberOfTuples():
            colors = category(vtk_to_numpy(codes))
            poly.GetPointData().SetScalars(arrays.data_array(colors))
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(poly)
        mapper.SetColorModeToDirectScalars()
        self.prop = vtkActor()
        self.prop.SetMapper(mapper)

    def _cast(self, item: SceneItem) -> None:
        self._reduced = reduced(item.data, item.display.index, self.device.voxels)
        self._mapper = self._make_mapper(self._reduced)
        self._coarse = None
        if self.device.software and self._reduced.array.size > 2 * _DRAG_VOXELS:
            rough = reduced(item.data, item.display.index, _DRAG_VOXELS)
            # Both copies share one placement: the coarse one is shifted by its own image origin.
            mapper = self._make_mapper(rough, self._reduced)
            self._coarse = mapper
        self.prop = vtkVolume()
        self.prop.SetMapper(self._mapper)
        look = vtkVolumeProperty()
        look.ShadeOn()
        look.SetAmbient(0.12)
        look.SetDiffuse(0.95)
        look.SetSpecular(0.18)
        look.SetSpecularPower(18)
        look.SetInterpolationTypeToLinear()
        self.prop.SetProperty(look)

    def _turn_to(self, item: SceneItem) -> None:
        """Another frame in the mappers that are there."""
        self._index = item.display.index
        if self._label:
            return
        self._reduced = reduced(item.data, self._index, self.device.voxels)
        self._mapper.SetInputData(self._reduced.image())
        if self._coarse is not None:
            rough = reduced(item.data, self._index, _DRAG_VOXELS)
            self._coarse.SetInputData(self._shifted(rough, self._reduced))

    def _make_mapper(self, copy: Reduced, like: Reduced | None = None) -> Any:
        image = copy.image() if like is None else self._shifted(copy, like)
        if self.device.software:
            mapper: Any = vtkFixedPointVolumeRayCastMapper()
            spacing = float(copy.spacing.min())
            mapper.SetAutoAdjustSampleDistances(like is not None)
            mapper.SetImageSampleDistance(1.0)
            mapper.SetMinimumImageSampleDistance(1.0)
            mapper.SetMaximumImageSampleDistance(3.0)
            mapper.SetSampleDistance(spacing * 0.5)
            mapper.SetInteractiveSampleDistance(spacing)
        else:
            mapper = vtkSmartVolumeMapper()
            mapper.SetRequestedRenderModeToDefault()
            mapper.SetAutoAdjustSampleDistances(True)
        mapper.SetInputData(image)
        return mapper

    @staticmethod
    def _shifted(copy: Reduced, like: Reduced) -> vtkImageData:
        """The image of one copy in the placement of another."""
        image = copy.image()
        image.SetOrigin(*np.linalg.solve(like.placement, copy.placement)[:3, 3])
        return image

    def _surface(self, item: SceneItem) -> None:
        self._coarse = None
        self._reduced = reduced(item.data, item.display.index, self.device.voxels)
        stats = volume_stats(item.data, item.display.index)
        edges = vtkFlyingEdges3D()
        edges.SetInputData(self._reduced.image())
        edges.ComputeNormalsOff()
        edges.SetValue(0, min(max(self._reduced.code(stats.threshold), 0.5), 254.5))
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(_smoothed(edges, iterations=12, pass_band=0.08))
        mapper.ScalarVisibilityOff()
        self.prop = vtkActor()
        self.prop.SetMapper(mapper)
        look = self.prop.GetProperty()
        look.SetColor(0.83, 0.81, 0.79)
        look.SetSpecular(0.15)
        look.SetSpecularPower(20)


def _thinned(array: Array, steps: Array, *, mean: bool) -> Array:
    """Every n-th voxel, or the mean of each block: thin structures fade instead of flickering."""
    if (steps == 1).all():
        return array
    if not mean:
        return array[tuple(slice(None, None, int(s)) for s in steps)]
    shape = [n // int(s) for n, s in zip(array.shape, steps, strict=True)]
    total = np.zeros(shape, dtype=np.float32)
    count = 0
    for i in range(int(steps[0])):
        for j in range(int(steps[1])):
            for k in range(int(steps[2])):
                part = array[i :: steps[0], j :: steps[1], k :: steps[2]]
                total += part[: shape[0], : shape[1], : shape[2]]
                count += 1
    return total / count


def _lifted(rgb: Array, colormap: str) -> tuple[float, float, float]:
    """Gray is lifted off black: darkness in a lit surface should come from its shape."""
    r, g, b = (float(c) / 255 for c in rgb)
    if colormap.lower() in ("gray", "grey"):
        r = g = b = 0.30 + 0.66 * r
    return r, g, b


def _smoothed(edges: Any, *, iterations: int, pass_band: float) -> Any:
    """The surface that a contour filter gives, freed of its voxel steps, with normals."""
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(edges.GetOutputPort())
    smooth.SetNumberOfIterations(iterations)
    smooth.SetPassBand(pass_band)
    smooth.NormalizeCoordinatesOn()
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(smooth.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.Update()
    return normals.GetOutput()
