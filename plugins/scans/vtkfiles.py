"""VTK's surfaces: legacy .vtk, .vtp and .vtu, read with VTK after their claims have been checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from core.data import Loaded
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, mesh, placed
from plugins.scans._errors import AGAIN, guarded, read_bytes

_LEGACY = b"# vtk DataFile"
_SIZES = re.compile(
    rb"^\s*(POINTS|VERTICES|LINES|POLYGONS|TRIANGLE_STRIPS|CELLS|CELL_TYPES|POINT_DATA|CELL_DATA|OFFSETS|CONNECTIVITY|"
    rb"FIELD|LOOKUP_TABLE)\s+(?:[A-Za-z_]\S*\s+)?(-?\d+)(?:\s+(-?\d+))?",
    re.MULTILINE | re.IGNORECASE,
)
_FIELD_ARRAY = re.compile(
    rb"^\S+\s+(-?\d+)\s+(-?\d+)\s+(?:bit|char|unsigned_char|short|unsigned_short|int|unsigned_int|long|unsigned_long|"
    rb"float|double|vtkIdType|vtktypeint64|vtktypeuint64|string|variant)\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_XML_SIZES = re.compile(rb"\bNumberOf(?:Points|Cells|Verts|Lines|Strips|Polys|Tuples)=\"([^\"]*)\"")
_XML_WIDTHS = re.compile(rb"\bNumberOfComponents=\"([^\"]*)\"")
_GRIDS = {b"STRUCTURED_POINTS", b"STRUCTURED_GRID", b"RECTILINEAR_GRID"}
_XML_TYPES = {b"PolyData", b"UnstructuredGrid"}


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
        if data.startswith(_LEGACY):
            kind = _legacy_kind(data)
            _check_legacy(path, data)
            found, notes = _read_legacy(path, kind, job)
            first = data.split(b"\n", 2)
            stated = _space_of(first[1] if len(first) > 1 else b"")
        elif b"<VTKFile" in data[:4096]:
            kind = _xml_kind(data)
            _check_xml(path, data)
            found, notes = _read_xml(path, kind, job)
            stated = _space_array(found)
        else:
            raise ReadError(path, "is not a VTK file", "check what kind of file it is")
        from plugins.scans._vtk import polydata_arrays

        job.progress(0.7, "Making triangles")
        points, faces, attributes, more = polydata_arrays(
            found, grid=kind in (b"UNSTRUCTURED_GRID", b"UnstructuredGrid")
        )
        if len(points) and not len(faces) and found.GetNumberOfLines():
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


def _space_array(data: Any) -> str:
    array = data.GetFieldData().GetAbstractArray("SPACE")
    if array is None or array.GetNumberOfValues() < 1 or array.GetDataTypeAsString() != "string":
        return ""
    value = str(array.GetValue(0))
    return value if value in ("RAS", "LPS") else ""


def _check_legacy(path: Path, data: bytes) -> None:
    """No count may exceed the bytes that are there: VTK takes memory for counts first and looks afterwards."""
    size = len(data)
    for match in _SIZES.finditer(data):
        for text in match.groups()[1:]:
            if text is not None and not 0 <= int(text) <= size:
                word = match.group(1).decode().upper()
                raise ReadError(path, f"claims {int(text):,} for {word} in {size:,} bytes", AGAIN)
    for match in _FIELD_ARRAY.finditer(data):
        width, count = int(match.group(1)), int(match.group(2))
        if width < 0 or count < 0 or width * count > size:
            raise ReadError(path, f"claims an array of {width:,} × {count:,} values in {size:,} bytes", AGAIN)


def _check_xml(path: Path, data: bytes) -> None:
    most = 1032 * len(data)  # zlib packs at most 1032 : 1
    for pattern in (_XML_SIZES, _XML_WIDTHS):
        for match in pattern.finditer(data):
            if not match.group(1).isdigit() or int(match.group(1)) > most:
                claim = match.group(1).decode("latin-1")[:40]
                raise ReadError(path, f"claims an impossible number of values ({claim!r})", AGAIN)


def _refuse_kind(path: Path, kind: bytes) -> None:
    name = kind.decode("latin-1") or "unknown"
    raise ReadError(
        path,
        f"holds a VTK data set of type {name}, not a surface",
        "save images as NIfTI or NRRD, and surfaces as VTP or STL",
    )


def _read_legacy(path: Path, kind: bytes, job: Job) -> tuple[Any, list[str]]:
    from vtkmodules.vtkIOLegacy import vtkPolyDataReader, vtkUnstructuredGridReader

    if kind not in (b"POLYDATA", b"UNSTRUCTURED_GRID"):
        _refuse_kind(path, kind)
    reader = vtkPolyDataReader() if kind == b"POLYDATA" else vtkUnstructuredGridReader()
    for name in ("Scalars", "Vectors", "Normals", "Tensors", "ColorScalars", "TCoords", "Fields"):
        getattr(reader, f"ReadAll{name}On")()
    return _run(path, reader, kind == b"UNSTRUCTURED_GRID", job)


def _read_xml(path: Path, kind: bytes, job: Job) -> tuple[Any, list[str]]:
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader, vtkXMLUnstructuredGridReader

    if kind not in _XML_TYPES:
        _refuse_kind(path, kind)
    reader = vtkXMLPolyDataReader() if kind == b"PolyData" else vtkXMLUnstructuredGridReader()
    return _run(path, reader, kind == b"UnstructuredGrid", job)


def _run(path: Path, reader: Any, grid: bool, job: Job) -> tuple[Any, list[str]]:
    from plugins.scans._vtk import listening

    job.progress(0.2, "Reading VTK")
    with listening() as complaints:
        reader.SetFileName(str(path))
        reader.Update()
        found = reader.GetOutput()
    if complaints.error:
        raise ReadError(path, f"is damaged ({complaints.error})", AGAIN)
    if found is None or found.GetNumberOfPoints() == 0:
        raise ReadError(path, "has no points", "open a file with at least one point")
    if not grid:
        return found, []
    return _outer_surface(path, found)


def _outer_surface(path: Path, grid: Any) -> tuple[Any, list[str]]:
    from vtkmodules.vtkFiltersGeometry import vtkDataSetSurfaceFilter

    from plugins.scans._vtk import cells, listening

    if grid.GetNumberOfCells() == 0:
        raise ReadError(path, "has points but no cells", "open a file with cells or polygons")
    flat, counts = cells(grid.GetCells())
    n = grid.GetNumberOfPoints()
    if flat.size and (int(flat.min()) < 0 or int(flat.max()) >= n):
        raise ReadError(path, f"has a cell that refers to point {int(flat.max())} of its {n} points", AGAIN)
    fixed = {1: 1, 3: 2, 5: 3, 8: 4, 9: 4, 10: 4, 11: 8, 12: 8, 13: 6, 14: 5, 15: 10, 16: 12}
    for i, count in enumerate(counts.tolist()):
        kind = grid.GetCellType(i)
        if kind not in range(1, 82) or fixed.get(kind, count) != count:
            raise ReadError(path, f"has a cell of type {kind} with {count} points, which does not fit", AGAIN)
    with listening() as complaints:
        surface = vtkDataSetSurfaceFilter()
        surface.SetInputData(grid)
        surface.Update()
        out = surface.GetOutput()
    if complaints.error:
        raise ReadError(path, f"has cells whose surface cannot be found ({complaints.error})", AGAIN)
    out.SetFieldData(grid.GetFieldData())
    return out, [f"A grid of {grid.GetNumberOfCells():,} cells: its outer surface is shown."]
