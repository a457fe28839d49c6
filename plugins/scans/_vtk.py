"""Between VTK's data sets and arrays, and VTK's complaints as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Transforms
from plugins.scans._build import colors, normals, strips, triangulate
from plugins.scans._columns import attributes_of

Array = NDArray[Any]
Named = tuple[str, str, Array]
"""Name, VTK's mark ("normals", "vectors", "tensors", "uv" or "") and values (n,) or (n, c)."""


class Complaints(list[str]):
    """What VTK said while it was listened to."""

    @property
    def error(self) -> str:
        """The first error as one short line, "" where there was none."""
        # Each message reads "ERROR: In file, line n\nvtkClass (0x…): what happened"; warnings likewise.
        for text in self:
            for message in re.split(
                r"^(?=(?:ERROR|Warning|Generic Warning|Debug): In )", text, flags=re.MULTILINE
            ):
                if message.startswith("ERROR"):
                    return " ".join(message.split("): ", 1)[-1].split())[:120].rstrip(" .")
        return ""


@contextmanager
def listening() -> Iterator[Complaints]:
    """VTK's messages go into the list instead of to the terminal.

    The output window is the one place that also hears the helpers that readers create for themselves (an
    XML parser, for one), which an observer on the reader does not.
    """
    from vtkmodules.vtkCommonCore import vtkLogger, vtkOutputWindow, vtkStringOutputWindow

    loudness = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    before = vtkOutputWindow.GetInstance()
    window = vtkStringOutputWindow()
    complaints = Complaints()
    vtkOutputWindow.SetInstance(window)
    try:
        yield complaints
    finally:
        vtkOutputWindow.SetInstance(before)
        vtkLogger.SetStderrVerbosity(loudness)
        text = window.GetOutput()
        if text.strip():
            complaints.append(text)


def cells(array: Any) -> tuple[Array, Array]:
    """A vtkCellArray as (flat point numbers, number of corners of each cell)."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkIdTypeArray

    if array is None or array.GetNumberOfCells() == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    legacy = vtkIdTypeArray()  # n, p1 … pn, n, …: the one form that every version and storage gives
    array.ExportLegacyFormat(legacy)
    mixed = vtk_to_numpy(legacy).astype(np.int64)
    n = array.GetNumberOfCells()
    sizes = (
        np.array([array.GetCellSize(i) for i in range(n)], np.int64) if n < 64 else _sizes(array, mixed, n)
    )
    starts = np.cumsum(sizes + 1) - sizes - 1
    if (sizes < 0).any() or int((sizes + 1).sum()) != len(mixed) or not np.array_equal(mixed[starts], sizes):
        raise ValueError("its cells do not fit together")
    keep = np.ones(len(mixed), bool)
    keep[starts] = False
    return mixed[keep], sizes


def _sizes(array: Any, mixed: Array, n: int) -> Array:
    if len(mixed) % n == 0 and (mixed.reshape(n, -1)[:, 0] == len(mixed) // n - 1).all():
        return np.full(n, len(mixed) // n - 1, np.int64)
    listed = mixed.tolist()
    sizes, position = [], 0
    while position < len(listed):
        sizes.append(listed[position])
        position += 1 + max(0, listed[position])
    return np.array(sizes, np.int64)


def surface_arrays(
    points: Array,
    cells_of: dict[str, tuple[Array, Array]],
    point_data: list[Named],
    cell_data: list[Named],
    grid: bool = False,
) -> tuple[Array, Array, dict[str, Attribute], list[str]]:
    """Points, triangles, attributes and warnings of polygon data (`grid`: the surface of a grid of cells).

    Parameters
    ----------
    cells_of : VERTICES, LINES, POLYGONS, TRIANGLE_STRIPS as (flat corners, corners of each); cell arrays follow
        that order.

    Every index is checked here: VTK's own filters trust a file's point numbers and read beyond their memory.
    """
    notes: list[str] = []
    none = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float64)
    n = len(points)
    polygons, polygon_counts = cells_of.get("POLYGONS", none)
    bands, band_counts = cells_of.get("TRIANGLE_STRIPS", none)
    for flat in (polygons, bands):
        if flat.size and (int(flat.min()) < 0 or int(flat.max()) >= n):
            wrong = int(flat.min()) if int(flat.min()) < 0 else int(flat.max())
            raise ValueError(f"a face refers to point {wrong} of {n}")
    n_polygons = len(polygon_counts)
    keep = _outside(polygons, polygon_counts) if grid else np.ones(n_polygons, bool)
    polygons, polygon_counts = polygons[np.repeat(keep, polygon_counts)], polygon_counts[keep]
    triangles, source, thin = triangulate(polygons, polygon_counts)
    source = np.flatnonzero(keep)[source]
    band_triangles, band_source = strips(bands, band_counts)
    if thin:
        notes.append(f"{thin:,} faces with fewer than three corners were left out.")
    n_lines = len(cells_of.get("LINES", none)[1])
    before = len(cells_of.get("VERTICES", none)[1]) + n_lines
    if n_lines:
        notes.append(f"{n_lines:,} lines were left out.")
    faces = np.concatenate([triangles, band_triangles]).astype(np.int64)
    cell_of = np.concatenate([source + before, band_source + before + n_polygons]).astype(np.int64)
    attributes = field_arrays(point_data, Domain.POINT, n, None)
    total = before + n_polygons + len(band_counts)
    for name, attribute in field_arrays(cell_data, Domain.FACE, total, cell_of).items():
        attributes[f"face_{name}" if name in attributes else name] = attribute
    if not keep.all():
        used = np.zeros(n, bool)
        used[faces] = True
        faces = (np.cumsum(used) - 1)[faces]
        points = points[used]
        attributes = {
            name: Attribute(a.values[used], a.transforms, a.domain, direction=a.direction)
            if a.domain is Domain.POINT
            else a
            for name, a in attributes.items()
        }
    return points, faces, attributes, notes


def polydata_arrays(
    data: Any,
) -> tuple[Array, dict[str, tuple[Array, Array]], list[Named], list[Named]]:
    """Points, cells by keyword, point arrays and cell arrays of a vtkPolyData."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    if data.GetPoints() is None or data.GetNumberOfPoints() == 0:
        return np.zeros((0, 3)), {}, [], []
    points = np.array(vtk_to_numpy(data.GetPoints().GetData()))
    found = {
        "VERTICES": cells(data.GetVerts()),
        "LINES": cells(data.GetLines()),
        "POLYGONS": cells(data.GetPolys()),
        "TRIANGLE_STRIPS": cells(data.GetStrips()),
    }
    return points, found, named(data.GetPointData()), named(data.GetCellData())


def named(data: Any) -> list[Named]:
    """The numeric arrays of point or cell data, with VTK's marks."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    marked = {
        "normals": data.GetNormals(),
        "vectors": data.GetVectors(),
        "tensors": data.GetTensors(),
        "uv": data.GetTCoords(),
    }
    marks = {array.GetName(): mark for mark, array in marked.items() if array is not None}
    out: list[Named] = []
    for i in range(data.GetNumberOfArrays()):
        array = data.GetArray(i)  # None for text
        if array is not None:
            name = array.GetName() or f"array {i + 1}"
            out.append((name, marks.get(array.GetName(), ""), np.array(vtk_to_numpy(array))))
    return out


def field_arrays(arrays: list[Named], domain: Domain, n: int, pick: Array | None) -> dict[str, Attribute]:
    """Arrays as attributes: by VTK's own marks (normals, vectors, tensors), else by name and type.

    Arrays of another length than `n` are no attributes and are left out; `pick` chooses and repeats values.
    """
    out: dict[str, Attribute] = {}
    plain: dict[str, Array] = {}
    for name, mark, values in arrays:
        if len(values) != n:
            continue
        if pick is not None:
            values = values[pick]
        width = values.shape[1] if values.ndim == 2 else 1
        if (
            width == 3
            and (mark == "normals" or name.lower() in ("normals", "normal"))
            and "normals" not in out
        ):
            out["normals"] = normals(values, domain)
        elif width == 3 and mark == "vectors":
            out[name] = Attribute(values, Transforms.VECTOR, domain)
        elif width == 9 and mark == "tensors":
            out[name] = Attribute(values.reshape(-1, 3, 3), Transforms.TENSOR, domain)
        elif width in (3, 4) and values.dtype == np.uint8 and "rgb" not in out:
            out["rgb"] = colors(values, domain)
        elif mark == "uv":
            out[name] = Attribute(values, Transforms.SCALAR, domain)
        else:
            plain[name] = values
    for name, attribute in attributes_of(plain, domain).items():
        out[name if name not in out else f"{name}_2"] = attribute
    return out


def _outside(flat: Array, counts: Array) -> Array:
    """(m,) False for inner faces that VTK's surface filter leaves standing.

    It does not see that two cells share a face in which a corner is repeated (prisms whose base shrinks to
    a point); such faces come in pairs with the same corners.
    """
    keep = np.ones(len(counts), bool)
    starts = np.cumsum(counts) - counts
    seen: dict[tuple[int, ...], list[int]] = {}
    for width in np.unique(counts[counts >= 2]):
        rows = np.flatnonzero(counts == width)
        corners = flat[starts[rows][:, None] + np.arange(width)]
        repeated = (corners == np.roll(corners, 1, axis=1)).any(axis=1)
        for row, ids in zip(rows[repeated].tolist(), corners[repeated].tolist(), strict=True):
            seen.setdefault(tuple(sorted(set(ids))), []).append(row)
    for rows_of in seen.values():
        if len(rows_of) % 2 == 0:
            keep[rows_of] = False
    return keep
