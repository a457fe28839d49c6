"""Surfaces made of volumes: an isosurface, or one smooth surface a label. Contoured in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkPolyDataNormals, vtkWindowedSincPolyDataFilter
from vtkmodules.vtkFiltersGeneral import vtkDiscreteFlyingEdges3D
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.viewports import arrays
from app.viewports.background import Latest
from app.viewports.colors import category
from app.viewports.device import Device
from app.viewports.identity import serial
from app.viewports.notes import Notes
from app.viewports.presenter import SMALL, Presenter
from app.viewports.reduced import DRAG_VOXELS, LABEL_VOXELS, Reduced, is_reduced, reduced
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.stats import volume_stats
from core.data import Volume

_ROUGH_FACES = 150_000
"""With more, software GL turns a coarse surface while the camera moves."""


def level_of(item: SceneItem) -> float:
    """The value of the isosurface: the one asked for, else Otsu's threshold."""
    level = item.display.surface_level
    return float(volume_stats(item.data, item.display.index).threshold if level is None else level)


class IsosurfacePresenter(Presenter):
    """The surface of one value. While it is being contoured, the last one (or a coarse one) is shown."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._rough, self._fine = Latest(), Latest()
        self._rough_poly = self._fine_poly = None
        self._dragging = False

    def prepare(self, item: SceneItem) -> Callable[[], Any] | None:
        """The copies to contour."""
        volume, index = item.data, item.display.index
        if volume.array.size < SMALL or is_reduced(volume, index, self.device.voxels, exact=True):
            return None

        def work() -> None:
            volume_stats(volume, index)
            reduced(volume, index, DRAG_VOXELS, exact=True)
            reduced(volume, index, self.device.voxels, exact=True)

        return work

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Other values."""
        return serial(item.data), item.display.index

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """An actor without a surface as yet."""
        self._reduced = reduced(item.data, item.display.index, self.device.voxels, exact=True)
        self._coarse = reduced(item.data, item.display.index, DRAG_VOXELS, exact=True)
        self._rough_poly = self._fine_poly = None
        self._mapper = vtkPolyDataMapper()
        self._mapper.SetInputData(vtkPolyData())
        self._mapper.ScalarVisibilityOff()
        self.prop = vtkActor()
        self.prop.SetMapper(self._mapper)
        look = self.prop.GetProperty()
        look.SetSpecular(0.15)
        look.SetSpecularPower(20)

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Level, colour, opacity, placement."""
        display = item.display
        look = self.prop.GetProperty()
        look.SetColor(*display.surface_color)
        look.SetOpacity(min(max(display.opacity, 0.0), 1.0))
        placement = np.array(item.transform, dtype=np.float64)
        placement[:3, 3] -= state.origin
        self.prop.SetUserMatrix(arrays.matrix(placement))
        level = level_of(item)
        key = (serial(item.data), display.index, level)
        rough, fine = self._coarse, self._reduced
        same = rough.array.shape == fine.array.shape
        # The coarse one first: it follows the hand.
        if not same:
            self._rough.want(key, lambda: contour(rough, level, smooth=False))
        self._fine.want(key, lambda: contour(fine, level))
        if not state.progressive:
            self.advance(wait=True)

    def advance(self, wait: bool = False) -> bool:
        """Take over what is finished."""
        rough, fine = self._rough.take(wait), self._fine.take(wait)
        if rough is not None:
            self._rough_poly = rough
            if self._fine.pending:
                self._fine_poly = None
        if fine is not None:
            self._fine_poly = fine
            if not self._rough.pending and rough is None and self._rough_poly is None:
                self._rough_poly = fine
        if rough is not None or fine is not None:
            self._show()
            return True
        return False

    @property
    def pending(self) -> bool:
        """Whether a better surface is on its way."""
        return super().pending or self._rough.pending or self._fine.pending

    @property
    def ready(self) -> bool:
        """Whether one has arrived."""
        return super().ready or self._rough.ready or self._fine.ready

    def drag(self, interactive: bool) -> None:
        """Software GL turns the coarse surface."""
        if interactive != self._dragging:
            self._dragging = interactive
            self._show()

    def release(self) -> None:
        """Also what is still on its way."""
        self._rough.forget()
        self._fine.forget()
        self._rough_poly = self._fine_poly = None
        super().release()

    def _show(self) -> None:
        fine, rough = self._fine_poly, self._rough_poly
        heavy = self.device.software and fine is not None and fine.GetNumberOfCells() > _ROUGH_FACES
        poly = rough if fine is None or (self._dragging and heavy and rough is not None) else fine
        if poly is not None:
            self._mapper.SetInputData(poly)


class LabelsPresenter(Presenter):
    """One smooth surface a label, in the colour that the slices use."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._made: dict[tuple[Any, ...], vtkPolyData] = {}

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Other values."""
        return serial(item.data), item.display.index

    def prepare(self, item: SceneItem) -> Callable[[], Any] | None:
        """All of it: the surfaces."""
        key, volume, index = self.structure(item), item.data, item.display.index
        if volume.array.size < SMALL or key in self._made:
            return None

        def work() -> None:
            self._made[key] = label_surfaces(volume, index)

        return work

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Put the surfaces into an actor."""
        poly = self._made.pop(self.structure(item), None)
        self._made.clear()  # what was asked for before and came too late
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(label_surfaces(item.data, item.display.index) if poly is None else poly)
        mapper.SetColorModeToDirectScalars()
        self.prop = vtkActor()
        self.prop.SetMapper(mapper)

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Opacity, placement."""
        self.prop.GetProperty().SetOpacity(min(max(item.display.opacity, 0.0), 1.0))
        placement = np.array(item.transform, dtype=np.float64)
        placement[:3, 3] -= state.origin
        self.prop.SetUserMatrix(arrays.matrix(placement))

    def over(self, item: SceneItem) -> bool:
        """Labels lie over ray-cast volumes: a lesion inside a head should be seen."""
        return True


def contour(copy: Reduced, level: float, *, smooth: bool = True) -> vtkPolyData:
    """The surface of one value, in the volume's own space, with normals; smoothed unless it is to be quick."""
    edges = vtkFlyingEdges3D()
    edges.SetInputData(copy.image())
    edges.ComputeNormalsOff()
    edges.ComputeScalarsOff()
    edges.SetValue(0, copy.code(level))
    return _finished(edges, copy, iterations=12 if smooth else 0, pass_band=0.08)


def label_surfaces(volume: Volume, index: int) -> vtkPolyData:
    """The surfaces of all labels, in the volume's own space, with colours."""
    copy = reduced(volume, index, LABEL_VOXELS, label=True)
    edges = vtkDiscreteFlyingEdges3D()
    # A margin of nothing closes the surfaces of labels that touch the border.
    padded = Reduced(np.asfortranarray(np.pad(copy.array, 1)), copy.spacing, np.eye(4), 0.0, 255.0)
    image = padded.image()
    image.SetOrigin(*(-copy.spacing))
    edges.SetInputData(image)
    edges.ComputeNormalsOff()
    for k, code in enumerate(np.unique(copy.array[copy.array > 0]).tolist()):
        edges.SetValue(k, code)
    poly = _finished(edges, copy, iterations=10, pass_band=0.05)
    codes = poly.GetPointData().GetScalars()
    if codes is not None and codes.GetNumberOfTuples():
        poly.GetPointData().SetScalars(arrays.data_array(category(vtk_to_numpy(codes))))
    return poly


def _finished(edges: Any, copy: Reduced, *, iterations: int, pass_band: float) -> vtkPolyData:
    """The surface that a contour filter gives, freed of its voxel steps, placed, with normals."""
    last = edges
    if iterations:
        last = vtkWindowedSincPolyDataFilter()
        last.SetInputConnection(edges.GetOutputPort())
        last.SetNumberOfIterations(iterations)
        last.SetPassBand(pass_band)
        last.NormalizeCoordinatesOn()
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(last.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.Update()
    poly = normals.GetOutput()
    if poly.GetNumberOfPoints():
        _place(poly, copy.placement)
    return poly


def _place(poly: vtkPolyData, placement: Any) -> None:
    """Into the volume's own space; a mirror keeps normals outside."""
    linear = placement[:3, :3]
    data = poly.GetPointData()
    points = vtk_to_numpy(poly.GetPoints().GetData()).astype(np.float64) @ linear.T + placement[:3, 3]
    poly.SetPoints(arrays.points(points))
    found = data.GetNormals()
    if found is not None:
        turned = vtk_to_numpy(found).astype(np.float64) @ np.linalg.inv(linear)
        length = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-30)
        data.SetNormals(arrays.data_array((turned / length).astype(np.float32)))
