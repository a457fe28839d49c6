"""Meshes and graphs in 3-D."""

from __future__ import annotations

from collections.abc import Callable
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
from app.viewports.identity import serial
from app.viewports.known import Known
from app.viewports.notes import Legend, Notes
from app.viewports.presenter import SMALL, Presenter
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.stats import attribute_range, plain_values
from core.data import Domain, Mesh, Transforms
from core.display import are_colors, attribute_of

Array = NDArray[Any]

_normals: Known[Mesh, Array] = Known()
_named: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_NAMES = 12
"""Classes that a legend names."""
_BACK = (0.80, 0.25, 0.20)
"""Of the inner side where it is marked: normals that point the wrong way catch the eye."""


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
    if are_colors(name, values):
        return rgba_of(values, *color_scale(values))[:, :3]
    if attribute.transforms is Transforms.LABEL or values.dtype.kind in "bUS":
        numbers, classes = _classes(attribute)
        notes.legends.append(Legend(name, "", "labels", 0.0, 0.0, classes=classes))
        return category(numbers if chosen is None else numbers[chosen])
    numbers = plain_values(values)
    low, high = item.display.range or attribute_range(attribute)
    length = values.ndim > 1 and values[0].size > 1
    name = name.removeprefix("@").replace("@", " ")
    notes.legends.append(
        Legend(f"|{name}|" if length else name, attribute.unit, item.display.colormap, low, high)
    )
    rgba = colorize(numbers, low, high, item.display.colormap)
    missing = rgba[:, 3] == 0
    rgba[missing, :3] = 120  # no value: neutral, never the colour of the smallest
    return rgba[:, :3]


def _classes(attribute: Any) -> tuple[Array, tuple[tuple[str, tuple[int, int, int]], ...]]:
    """((n,) class numbers, their names and colours): names as they are, numbers by number; of many the first."""
    known = _named.get(attribute)
    if known is None:
        values = attribute.values.reshape(len(attribute.values), -1)[:, 0]
        unique, inverse = np.unique(values, return_inverse=True)
        if values.dtype.kind in "US":
            numbers, words = inverse.reshape(-1) + 1, [str(v) for v in unique]
            codes = np.arange(len(unique)) + 1
        else:
            numbers, codes = values, unique
            words = ["yes" if v else "no" for v in unique] if values.dtype.kind == "b" else _numerals(unique)
        colors = category(codes).tolist()
        most = _NAMES if len(words) <= _NAMES else _NAMES - 1
        classes = [(w, (c[0], c[1], c[2])) for w, c in zip(words[:most], colors[:most], strict=True)]
        if len(words) > most:
            classes.append((f"and {len(words) - most} more", (128, 128, 128)))
        known = _named[attribute] = numbers, tuple(classes)
    return known


def _numerals(values: Array) -> list[str]:
    return [f"{v:g}".replace("-", "−") for v in values.tolist()]


class MeshPresenter(Presenter):
    """A triangle mesh with smooth normals."""

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Only other data means other geometry."""
        return (serial(item.data),)

    def prepare(self, item: SceneItem) -> Callable[[], Any] | None:
        """Normals of large meshes."""
        mesh: Mesh = item.data
        if mesh in _normals or len(mesh.faces) < SMALL // 4:
            return None
        return lambda: _vertex_normals(mesh, _shape_of(mesh)[0])

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Points, faces, normals."""
        mesh: Mesh = item.data
        self._poly, self._offset = _shape_of(mesh)
        if len(mesh.faces):
            self._poly.GetPointData().SetNormals(arrays.data_array(_vertex_normals(mesh, self._poly)))
        self._mapper = vtkPolyDataMapper()
        self._mapper.SetInputData(self._poly)
        self.prop = vtkActor()
        self.prop.SetMapper(self._mapper)
        inner = vtkPolyDataMapper()
        inner.SetInputData(self._poly)
        inner.ScalarVisibilityOff()
        back = vtkActor()
        back.SetMapper(inner)
        back.VisibilityOff()
        self.extra = [back]

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
        if display.shading == "flat":
            look.SetInterpolationToFlat()
        else:
            look.SetInterpolationToGouraud()
        # A mirrored object turns its faces round, but not what is its outside.
        mirrored = float(np.linalg.det(item.transform[:3, :3])) < 0
        look.SetBackfaceCulling(display.backs == "hidden" and not mirrored)
        look.SetFrontfaceCulling(display.backs == "hidden" and mirrored)
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
        self._mark_backs(display, mirrored, state, item)

    def _mark_backs(self, display: Any, mirrored: bool, state: Resolved3D, item: SceneItem) -> None:
        """A second actor draws the inner sides alone: with colours on the faces, a back property would show those."""
        back = self.extra[0]
        marked = display.backs == "marked" and display.representation in ("surface", "edges")
        back.SetVisibility(marked)
        if not marked:
            return
        front, look = self.prop.GetProperty(), back.GetProperty()
        look.DeepCopy(front)
        look.SetColor(*_BACK)
        look.EdgeVisibilityOff()
        for prop, inner in ((front, False), (look, True)):
            prop.SetBackfaceCulling(inner is mirrored)
            prop.SetFrontfaceCulling(inner is not mirrored)
        back.SetUserMatrix(placed(item, state, self._offset))


class GraphPresenter(Presenter):
    """Nodes with positions as points, edges as lines."""

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Only other data means other geometry."""
        return (serial(item.data),)

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
        line_mapper.SetColorModeToDirectScalars()
        line_mapper.SetScalarModeToUseCellData()
        self._lines, self._line_mapper = lines, line_mapper
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
        shades = attribute_colors(item, len(item.data.edges), Domain.EDGE, notes)
        self._lines.GetCellData().SetScalars(None if shades is None else arrays.data_array(shades))
        self._line_mapper.SetScalarVisibility(shades is not None)
        lines.SetLineWidth((2.4 if shades is not None else 1.2) * state.dpr)
        for actor in (self.prop, nodes):
            actor.GetProperty().SetOpacity(min(max(display.opacity, 0.0), 1.0))
            actor.SetUserMatrix(placed(item, state, self._offset))


def _shape_of(mesh: Mesh) -> tuple[vtkPolyData, Array]:
    """(the mesh in local float32 coordinates, what was taken off)."""
    coordinates, offset = local_points(mesh.points)
    poly = vtkPolyData()
    poly.SetPoints(arrays.points(coordinates))
    if len(mesh.faces):
        poly.SetPolys(arrays.cells(mesh.faces))
    else:
        poly.SetVerts(arrays.cells(np.arange(len(mesh.points), dtype=np.int32)[:, None]))
    return poly, offset


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
