"""VTK's surfaces: legacy .vtk, .vtp and .vtu with our own parsers; VTK finds the outer surface of a grid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Loaded
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, mesh, placed
from plugins.scans._errors import AGAIN, guarded, read_bytes
from plugins.scans._vtk import Named, listening, polydata_arrays, surface_arrays
from plugins.scans._vtk_legacy import parse
from plugins.scans._vtk_xml import parse as parse_xml

Array = NDArray[Any]

_LEGACY = b"# vtk DataFile"
_GRIDS = {b"STRUCTURED_POINTS", b"STRUCTURED_GRID", b"RECTILINEAR_GRID"}
_XML_TYPES = {b"PolyData", b"UnstructuredGrid"}
_MANY = 1 << 30
# Linear cells and the common quadratic ones: VTK's number -> fewest and most points.
_CORNERS = {
    **{
        1: (1, 1),
        2: (1, _MANY),
        3: (2, 2),
        4: (2, _MANY),
        5: (3, 3),
        6: (3, _MANY),
        7: (3, _MANY),
        8: (4, 4),
    },
    **{9: (4, 4), 10: (4, 4), 11: (8, 8), 12: (8, 8), 13: (6, 6), 14: (5, 5), 15: (10, 10), 16: (12, 12)},
    **{22: (6, 6), 23: (8, 8), 24: (10, 10), 25: (20, 20), 26: (15, 15), 27: (13, 13)},
}
Surface = tuple[Array, dict[str, tuple[Array, Array]], list[Named], list[Named]]


def sniff(path: Path, head: bytes) -> int:
    """100 for surfaces and cell grids, 50 for other VTK data sets (whose refusal says why)."""
    if head.startswith(_LEGACY):
        kind = _legacy_kind(head)
        return 50 if kind in _GRIDS else 100
    if b"<VTKFile" in head[:1024]:
        return 100 if _xml_kind(head) in _XML_TYPES else 50
    return 0


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """A VTK polygon file as a mesh (or point cloud); of a grid of cells, its outer surface.

    Polygons and strips become triangles. `SPACE=LPS` or `RAS`, which 3D Slicer writes, is honoured; other
    files have no stated space unless `space` says so.
    """
    with guarded(path, "a VTK file"):
        data = read_bytes(path)
        notes: list[str] = []
        if data.startswith(_LEGACY):
            legacy = parse(path, data)
            if legacy.kind not in ("POLYDATA", "UNSTRUCTURED_GRID"):
                _refuse_kind(path, legacy.kind)
            stated = _space_of(legacy.title)
            grid = legacy.kind == "UNSTRUCTURED_GRID"
            found = (legacy.points, legacy.cells, legacy.point_data, legacy.cell_data)
            if grid:
                flat, counts = legacy.cells.get("CELLS", (np.zeros(0, np.int64), np.zeros(0, np.int64)))
                found, notes = _outer_surface(
                    path, legacy.points, flat, counts, legacy.cell_types, *found[2:]
                )
        elif b"<VTKFile" in data[:4096]:
            xml = parse_xml(path, data)
            if xml.kind.encode() not in _XML_TYPES:
                _refuse_kind(path, xml.kind)
            stated, grid, piece = xml.space, xml.kind == "UnstructuredGrid", xml.piece
            if not len(piece.points):
                raise ReadError(path, "has no points", "open a file with at least one point")
            found = (piece.points, piece.cells, piece.point_data, piece.cell_data)
            if grid:
                flat, counts = piece.cells.get("CELLS", (np.zeros(0, np.int64), np.zeros(0, np.int64)))
                found, notes = _outer_surface(path, piece.points, flat, counts, piece.cell_types, *found[2:])
        else:
            raise ReadError(path, "is not a VTK file", "check what kind of file it is")
        job.progress(0.7, "Making triangles")
        if not len(found[0]):
            raise ReadError(path, "has no points", "open a file with at least one point")
        points, faces, attributes, more = surface_arrays(*found, grid=grid)
        if not len(faces) and "LINES" in found[1] and len(found[1]["LINES"][1]):
            raise ReadError(path, "holds lines only, no surface", "open a file with polygons or points")
        points, attributes, where, said = placed(points, attributes, space, stated)
        return [
            mesh(
                path,
                points,
                faces,
                attributes,
                space=where,
                unit="mm" if where else "",
                warnings=[*notes, *more, *said],
            )
        ]


def _legacy_kind(data: bytes) -> bytes:
    match = re.search(rb"^\s*DATASET\s+(\w+)", data[:4096], re.MULTILINE | re.IGNORECASE)
    return match.group(1).upper() if match else b""


def _xml_kind(data: bytes) -> bytes:
    match = re.search(rb"<VTKFile[^>]*\btype=\"(\w+)\"", data[:8192])
    return match.group(1) if match else b""


def _space_of(line: bytes) -> str:
    match = re.search(rb"SPACE=(RAS|LPS)", line)
    return match.group(1).decode() if match else ""


def _refuse_kind(path: Path, kind: str) -> None:
    raise ReadError(
        path,
        f"holds a VTK data set of type {kind or 'unknown'}, not a surface",
        "save images as NIfTI or NRRD, and surfaces as VTP or STL",
    )


def _outer_surface(
    path: Path,
    points: Array,
    flat: Array,
    counts: Array,
    types: Array,
    point_data: list[Named],
    cell_data: list[Named],
) -> tuple[Surface, list[str]]:
    """The polygons that only one cell has, found by VTK after every number has been checked."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkUnstructuredGrid
    from vtkmodules.vtkFiltersGeometry import vtkDataSetSurfaceFilter

    if not len(counts):
        raise ReadError(path, "has points but no cells", "open a file with cells or polygons")
    if len(types) != len(counts):
        raise ReadError(path, f"has {len(counts):,} cells but {len(types):,} cell types", AGAIN)
    if flat.size and (int(flat.min()) < 0 or int(flat.max()) >= len(points)):
        raise ReadError(
            path, f"has a cell that refers to point {int(flat.max())} of its {len(points)}", AGAIN
        )
    for kind in np.unique(types).tolist():
        if kind not in _CORNERS:
            raise ReadError(
                path, f"has cells of VTK type {kind}, which are not supported", "save its surface as VTP"
            )
        least, most = _CORNERS[kind]
        sizes = counts[types == kind]
        if int(sizes.min()) < least or int(sizes.max()) > most:
            raise ReadError(path, f"has cells of VTK type {kind} with a wrong number of points", AGAIN)
    grid = vtkUnstructuredGrid()
    place = vtkPoints()
    place.SetData(numpy_to_vtk(np.ascontiguousarray(points, np.float64), deep=True))
    grid.SetPoints(place)
    made = vtkCellArray()
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    made.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=True),
        numpy_to_vtkIdTypeArray(np.ascontiguousarray(flat, np.int64), deep=True),
    )
    grid.SetCells(numpy_to_vtk(types.astype(np.uint8), deep=True), made)
    with listening() as complaints:
        surface = vtkDataSetSurfaceFilter()
        surface.SetInputData(grid)
        surface.PassThroughPointIdsOn()
        surface.PassThroughCellIdsOn()
        surface.Update()
        out = surface.GetOutput()
    if complaints.error or out.GetNumberOfPoints() == 0:
        raise ReadError(path, "has cells whose surface cannot be found", "save its surface as VTP")
    point_ids = vtk_to_numpy(out.GetPointData().GetArray("vtkOriginalPointIds"))
    cell_ids = vtk_to_numpy(out.GetCellData().GetArray("vtkOriginalCellIds"))
    _, found, _, _ = polydata_arrays(out)
    picked_points = [(k, m, v[point_ids]) for k, m, v in point_data if len(v) == len(points)]
    picked_cells = [(k, m, v[cell_ids]) for k, m, v in cell_data if len(v) == len(counts)]
    note = f"A grid of {len(counts):,} cells: its outer surface is shown."
    return (points[point_ids], found, picked_points, picked_cells), [note]
