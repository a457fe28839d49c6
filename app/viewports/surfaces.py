"""Meshes and graphs in 3-D."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.viewports import arrays
from app.viewports.colors import category, color_scale, colorize, rgba_of
from app.viewports.notes import Legend, Notes
from app.viewports.presenter import Presenter
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.stats import attribute_range, plain_values
from core.data import Domain, Mesh, Transforms
from core.display import attribute_of

Array = NDArray[Any]

_normals: WeakKeyDictionary[Mesh, Array] = WeakKeyDictionary()


def local_points(points: Array) -> tuple[Array, Array]:
    """((n, 3) float32, (3,) offset): far from the origin the middle is taken off before the digits are."""
    if points.dtype == np.float32 and np.isfinite(points[: 1 << 16]).all():
        sample = points[:: max(1, len(points) // 1000)]
    else:
        sample = np.asarray(points[:: max(1, len(points) // 1000)], dtype=np.float64)
    sample = sample[np.isfinite(sample).all(axis=1)]
    far = float(np.abs(sample).max()) if len(sample) else 0.0
    if points.dtype != np.float64 or far < 1e4:
        return np.ascontiguousarray(points, dtype=np.float32), np.zeros(3)
    offset = np.round(sample.mean(axis=0))
    return (points - offset).astype(np.float32), offset


def placed(item: SceneItem, state: Resolved3D, offset: Array) -> Any:
    """The matrix from local float32 coordinates to the scene's, composed in double precision."""
    placement = np.array(item.transform, dtype=np.float64)
    placement[:3, 3] += placement[:3, :3] @ offset - np.asarray(state.origin)
    return arrays.matrix(placement)


def attribute_colors(
    item: SceneItem, n: int, domain: Domain, notes: Notes, chosen: Array | None = None
) -> Array | None:
    """(n, 3) uint8 colours by the attribute that the display names, with its legend; None = one colour for all.

    `chosen` (indices): only these are coloured; the legend's range is that of all.
    """
    name = item.display.color_by
    attribute = attribute_of(item.data, name) if name else None
    if attribute is None or attribute.domain is not domain or len(attribute.values) != n:
        return None
    values = attribute.values if chosen is None else attribute.values[chosen]
    if name.lower() in ("rgb", "rgba", "color", "colors") and values.ndim == 2 and values.shape[1] in (3, 4):
        return rgba_of(values, *color_scale(values))[:, :3]
    if attribute.transforms is Transforms.LABEL or values.dtype.kind == "b":
        numbers = values.reshape(len(values), -1)[:, 0]
        return category(
            np.unique(numbers, return_inverse=True)[1].reshape(-1) + 1
            if numbers.dtype.kind in "US"
            else numbers
        )
    numbers = plain_values(values)
    low, high = item.display.range or attribute_range(attribute)
    length = values.ndim > 1 and values[0].size > 1
    name = name.removeprefix("@")
    notes.legends.append(
        Legend(f"|{name}|" if length else name, attribute.unit, item.display.colormap, low, high)
    )
    rgba = colorize(numbers, low, high, item.display.colormap)
    missing = rgba[:, 3] == 0
    rgba[missing, :3] = 120  # no value: neutral, never the colour of the smallest
    return rgba[:, :3]


class MeshPresenter(Presenter):
    """A triangle mesh with smooth normals."""

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Only other data means other geometry."""
        return (id(item.data),)

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Points, faces, normals."""
        mesh: Mesh = item.data
        coordinates, self._offset = local_points(mesh.points)
        self._poly = vtkPolyData()
        self._poly.SetPoints(arrays.points(coordinates))
        if len(mesh.faces):
            self._poly.SetPolys(arrays.cells(mesh.faces))
            self._poly.GetPointData().SetNormals(arrays.data_array(_vertex_normals(mesh, self._poly)))
        else:
            self._poly.SetVerts(arrays.cells(np.arange(len(mesh.points), dtype=np.int32)[:, None]))
        self._mapper = vtkPolyDataMapper()
        self._mapper.SetInputData(self._poly)
        self.prop = vtkActor()
        self.prop.SetMapper(self._mapper)

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Colours, representation, opacity, placement."""
        mesh, display = item.data, item.display
        look = self.prop.GetProperty()
        look.SetColor(*display.color)
        look.SetOpacity(min(max(display.opacity, 0.0), 1.0))
        look.SetAmbient(0.06)
        look.SetDiffuse(0.94)
        look.SetSpecular(0.12)
        look.SetSpecularPower(24)
        look.SetEdgeVisibility(display.representation == "edges")
        look.SetEdgeColor(*(0.35 * c for c in display.color))
        look.SetLineWidth(max(1.0, state.dpr))
        look.SetPointSize(2.0 * state.dpr)
        if display.representation == "wireframe":
            look.SetRepresentationToWireframe()
        elif display.representation == "points":
            look.SetRepresentationToPoints()
        else:
            look.SetRepresentationToSurface()
        data: Any = self._poly.GetPointData()
        domain = Domain.POINT
        colors = attribute_colors(item, len(mesh.points), Domain.POINT, notes)
        if colors is None:
            colors = attribute_colors(item, len(mesh.faces), Domain.FACE, notes)
            data, domain = self._poly.GetCellData(), Domain.FACE
        self._poly.GetPointData().SetScalars(None)
        self._poly.GetCellData().SetScalars(None)
        if colors is not None:
            data.SetScalars(arrays.data_array(colors))
            self._mapper.SetColorModeToDirectScalars()
            if domain is Domain.POINT:
                self._mapper.SetScalarModeToUsePointData()
            else:
                self._mapper.SetScalarModeToUseCellData()
        self._mapper.SetScalarVisibility(colors is not None)
        self.prop.SetUserMatrix(placed(item, state, self._offset))


class GraphPresenter(Presenter):
    """Nodes with positions as points, edges as lines."""

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Only other data means other geometry."""
        return (id(item.data),)

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Lines in `prop`, nodes in `extra`."""
        graph = item.data
        coordinates, self._offset = local_points(graph.positions)
        shared = arrays.points(coordinates)
        self._nodes = vtkPolyData()
        self._nodes.SetPoints(shared)
        self._nodes.SetVerts(arrays.cells(np.arange(graph.n_nodes, dtype=np.int32)[:, None]))
        lines = vtkPolyData()
        lines.SetPoints(shared)
        if len(graph.edges):
            lines.SetLines(arrays.cells(graph.edges))
        line_mapper = vtkPolyDataMapper()
        line_mapper.SetInputData(lines)
        self.prop = vtkActor()
        self.prop.SetMapper(line_mapper)
        self._mapper = vtkPolyDataMapper()
        self._mapper.SetInputData(self._nodes)
        nodes = vtkActor()
        nodes.SetMapper(self._mapper)
        nodes.GetProperty().RenderPointsAsSpheresOn()
        self.extra = [nodes]

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Colours by a node attribute, sizes, placement."""
        display, nodes = item.display, self.extra[0]
        lines = self.prop.GetProperty()
        lines.SetColor(*(0.6 * c for c in display.color))
        lines.SetLineWidth(1.2 * state.dpr)
        lines.LightingOff()
        nodes.GetProperty().SetColor(*display.color)
        nodes.GetProperty().SetPointSize((8.0 if item.data.n_nodes < 2000 else 4.0) * state.dpr)
        colors = attribute_colors(item, item.data.n_nodes, Domain.POINT, notes)
        self._nodes.GetPointData().SetScalars(None if colors is None else arrays.data_array(colors))
        self._mapper.SetColorModeToDirectScalars()
        self._mapper.SetScalarVisibility(colors is not None)
        for actor in (self.prop, nodes):
            actor.GetProperty().SetOpacity(min(max(display.opacity, 0.0), 1.0))
            actor.SetUserMatrix(placed(item, state, self._offset))


def _vertex_normals(mesh: Mesh, poly: vtkPolyData) -> Array:
    """(n, 3) float32, made once a mesh: mean of the face normals around each point."""
    known = _normals.get(mesh)
    if known is None:
        normals = vtkPolyDataNormals()
        normals.SetInputData(poly)
        normals.SplittingOff()
        normals.ConsistencyOff()
        normals.Update()
        known = vtk_to_numpy(normals.GetOutput().GetPointData().GetNormals()).copy()
        _normals[mesh] = known
    return known
