"""VTK's XML files by our own parser: the same arrays as VTK's own reader gives, whatever way they were written."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkBitArray, vtkIdList, vtkPoints, vtkStringArray
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData, vtkUnstructuredGrid
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader, vtkXMLPolyDataWriter, vtkXMLUnstructuredGridWriter

from core.errors import ReadError
from core.jobs import Job
from plugins.scans import vtkfiles
from plugins.scans._vtk import polydata_arrays
from plugins.scans._vtk_xml import parse

COMPRESSIONS = ("NONE", "ZLIB", "LZ4", "LZMA")


def polydata(space: str = "", strips: bool = True) -> vtkPolyData:
    """Everything a polygon file can hold: all four kinds of cells, marked arrays, several widths and types."""
    rng = np.random.default_rng(3)
    data = vtkPolyData()
    points = vtkPoints()
    points.SetData(numpy_to_vtk(rng.normal(size=(2000, 3)).astype(np.float32), deep=True))
    data.SetPoints(points)
    made = {
        "SetVerts": [[0], [5, 6]],
        "SetLines": [[1, 2, 3]],
        "SetPolys": [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10, 11], *[[i, i + 1, i + 2] for i in range(1500)]],
        "SetStrips": [[0, 1, 2, 3], [10, 11, 12]],
    }
    for set_name, lists in made.items():
        if set_name == "SetStrips" and not strips:
            continue
        cells = vtkCellArray()
        for corners in lists:
            ids = vtkIdList()
            for corner in corners:
                ids.InsertNextId(corner)
            cells.InsertNextCell(ids)
        getattr(data, set_name)(cells)
    n, m = data.GetNumberOfPoints(), data.GetNumberOfCells()
    for where, count in ((data.GetPointData(), n), (data.GetCellData(), m)):
        for name, values in {
            "normals": rng.normal(size=(count, 3)),
            "flow": rng.normal(size=(count, 3)).astype(np.float32),
            "part": np.arange(count, dtype=np.int16),
            "big": np.arange(count, dtype=np.uint64) * 1000,
            "nine": rng.normal(size=(count, 9)),
        }.items():
            array = numpy_to_vtk(values, deep=True)
            array.SetName(name)
            where.AddArray(array)
        where.SetActiveNormals("normals")
        where.SetActiveVectors("flow")
        where.SetActiveTensors("nine")
    bits = vtkBitArray()
    bits.SetName("bits")
    for i in range(n):
        bits.InsertNextValue(i % 3 == 0)
    data.GetPointData().AddArray(bits)
    if space:
        text = vtkStringArray()
        text.SetName("SPACE")
        text.InsertNextValue(space)
        data.GetFieldData().AddArray(text)
    return data


def write(writer, path, mode, compression, header, encode=True, big=False) -> None:
    writer.SetFileName(str(path))
    {
        "ascii": writer.SetDataModeToAscii,
        "binary": writer.SetDataModeToBinary,
        "appended": writer.SetDataModeToAppended,
    }[mode]()
    getattr(
        writer,
        {"NONE": "SetCompressorTypeToNone", "ZLIB": "SetCompressorTypeToZLib"}.get(
            compression, f"SetCompressorTypeTo{compression}"
        ),
    )()
    (writer.SetHeaderTypeToUInt64 if header == 64 else writer.SetHeaderTypeToUInt32)()
    writer.SetEncodeAppendedData(encode)
    if big:
        writer.SetByteOrderToBigEndian()
    assert writer.Write() == 1


def same(ours, theirs) -> None:
    assert ours[1].keys() >= {k for k, v in theirs[1].items() if len(v[1])}
    np.testing.assert_array_equal(ours[0], theirs[0])
    for key, (flat, counts) in theirs[1].items():
        if len(counts):
            np.testing.assert_array_equal(ours[1][key][0], flat)
            np.testing.assert_array_equal(ours[1][key][1], counts)
    for n in (2, 3):
        found = {name: (mark, values) for name, mark, values in ours[n] if name != "bits"}
        expected = {name: (mark, values) for name, mark, values in theirs[n] if name != "bits"}
        assert found.keys() == expected.keys()
        for name, (mark, values) in expected.items():
            assert found[name][0] == mark, name
            np.testing.assert_array_equal(found[name][1], values)
            assert found[name][1].dtype == values.dtype


@pytest.mark.parametrize(
    ("mode", "compression", "header", "encode", "big"),
    [
        ("ascii", "NONE", 32, True, False),
        *[("binary", c, h, True, False) for c, h in itertools.product(COMPRESSIONS, (32, 64))],
        *[("appended", c, 64, e, False) for c, e in itertools.product(COMPRESSIONS, (True, False))],
        ("appended", "NONE", 32, True, True),
        ("binary", "ZLIB", 32, True, True),
    ],
)
def test_the_same_as_vtk(tmp_path, mode, compression, header, encode, big) -> None:
    path = tmp_path / "a.vtp"
    writer = vtkXMLPolyDataWriter()
    writer.SetInputData(polydata("LPS"))
    if mode != "ascii":
        writer.SetBlockSize(4096)  # several blocks an array
    write(writer, path, mode, compression, header, encode, big)
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    theirs = reader.GetOutput()
    found = parse(path, path.read_bytes())
    piece = found.piece
    assert (found.kind, found.space) == ("PolyData", "LPS")
    same((piece.points, piece.cells, piece.point_data, piece.cell_data), polydata_arrays(theirs))
    bits = next(v for n, _, v in piece.point_data if n == "bits")
    assert bits.tolist() == [int(i % 3 == 0) for i in range(len(piece.points))]


def test_pieces_are_joined_as_vtk_joins_them(tmp_path) -> None:
    # Without strips: VTK reads the values of strips before those of polygons where there are several pieces only.
    path = tmp_path / "a.vtp"
    writer = vtkXMLPolyDataWriter()
    writer.SetInputData(polydata(strips=False))
    write(writer, path, "ascii", "NONE", 32)
    text = path.read_text()
    start, end = text.index("<Piece"), text.index("</Piece>") + len("</Piece>")
    path.write_text(text[:end] + text[start:end] + text[end:])
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    piece = parse(path, path.read_bytes()).piece
    assert len(piece.points) == 4000
    same((piece.points, piece.cells, piece.point_data, piece.cell_data), polydata_arrays(reader.GetOutput()))


def test_a_grid_of_cells(tmp_path) -> None:
    grid = vtkUnstructuredGrid()
    points = vtkPoints()
    for p in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)):
        points.InsertNextPoint(p)
    grid.SetPoints(points)
    for corners in ((0, 1, 2, 3), (1, 2, 3, 4)):
        grid.InsertNextCell(10, 4, corners)
    path = tmp_path / "a.vtu"
    writer = vtkXMLUnstructuredGridWriter()
    writer.SetInputData(grid)
    write(writer, path, "appended", "ZLIB", 64, encode=False)
    (loaded,) = vtkfiles.read(path, job=Job())
    assert len(loaded.data.faces) == 6 and "outer surface" in loaded.warnings[0]
    assert vtk_to_numpy(points.GetData()).shape == (5, 3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'NumberOfPoints="2000"', b"NumberOfPoints='99999999999999'"),
        (b'NumberOfPoints="2000"', b'NumberOfPoints="-1"'),
        (b'NumberOfComponents="3"', b'NumberOfComponents="999999999"'),
        (b'type="Float32"', b'type="Float99"'),
        (b"vtkZLibDataCompressor", b"vtkEvilCompressor"),
        (b'offset="0"', b'offset="999999999999"'),
        (b'offset="0"', b'offset="-5"'),
        (b'encoding="base64"', b'encoding="raw"'),
        (b'<?xml version="1.0"?>', b"<!DOCTYPE a [<!ENTITY x 'y'>]>"),
    ],
)
def test_lies_are_refused(tmp_path, old, new) -> None:
    path = tmp_path / "a.vtp"
    writer = vtkXMLPolyDataWriter()
    writer.SetInputData(polydata())
    write(writer, path, "appended", "ZLIB", 32)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(ReadError) as caught:
        vtkfiles.read(path, job=Job())
    assert "a.vtp" in str(caught.value)
