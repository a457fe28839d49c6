"""VTK's XML files (.vtp, .vtu) as arrays.

Own parser: VTK's reader takes memory for whatever counts and offsets a damaged file states, and ends the process when
it gets none. Source of the format: "VTK XML Formats", docs.vtk.org, and vtkXMLDataReader.
"""

from __future__ import annotations

import base64
import lzma
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadError
from core.xml_check import check_xml
from plugins.scans._errors import AGAIN
from plugins.scans._numbers import numbers, whole
from plugins.scans._vtk import Named

Array = NDArray[Any]
_TYPES = {
    **{"Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2", "Int32": "i4", "UInt32": "u4"},
    **{"Int64": "i8", "UInt64": "u8", "Float32": "f4", "Float64": "f8"},
}
_RAW = re.compile(rb"<AppendedData\b[^>]*\bencoding\s*=\s*[\"']raw[\"'][^>]*>\s*_")
_SEGMENT = re.compile(rb"[^=]+=*")
_RATIOS = {"vtkZLibDataCompressor": 1032, "vtkLZ4DataCompressor": 260, "vtkLZMADataCompressor": 8000}
"""Bytes that one packed byte can at most become."""
_CELLS = {"Verts": "VERTICES", "Lines": "LINES", "Polys": "POLYGONS", "Strips": "TRIANGLE_STRIPS"}
_MARKS = {"Normals": "normals", "Vectors": "vectors", "Tensors": "tensors", "TCoords": "uv"}
_MOST_COMPONENTS = 10_000


@dataclass
class XmlPiece:
    """One piece: points, cells by keyword as (flat corners, corners of each), arrays."""

    points: Array = field(default_factory=lambda: np.zeros((0, 3)))
    cells: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    cell_types: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    point_data: list[Named] = field(default_factory=list)
    cell_data: list[Named] = field(default_factory=list)


@dataclass
class XmlFile:
    """What a file holds: its pieces joined; `space` as 3D Slicer states it, "" otherwise."""

    kind: str
    space: str
    piece: XmlPiece


def parse(path: Path, data: bytes) -> XmlFile:
    """A file of polygons or of an unstructured grid. Raises `ReadError` for damage; other kinds come without a piece."""
    raw = _RAW.search(data)
    text = data[: raw.end()] + b"</AppendedData></VTKFile>" if raw else data
    check_xml(path, text)
    root = ElementTree.fromstring(text)
    kind = root.get("type", "")
    if root.tag != "VTKFile":
        raise ReadError(path, "is not a VTK file", "check what kind of file it is")
    body = root.find(kind) if kind in ("PolyData", "UnstructuredGrid") else None
    if body is None:
        return XmlFile(kind, "", XmlPiece())
    arrays = _Arrays(path, root, data[raw.end() :] if raw else None)
    pieces = [_piece(path, arrays, element, kind) for element in body.findall("Piece")]
    return XmlFile(kind, _space(arrays, body), _joined(path, pieces))


class _Arrays:
    """The values of data arrays, wherever and however they are stored."""

    def __init__(self, path: Path, root: ElementTree.Element, raw: bytes | None) -> None:
        self.path = path
        order = {"LittleEndian": "<", "BigEndian": ">"}.get(root.get("byte_order", "LittleEndian"))
        header = {"UInt32": "u4", "UInt64": "u8"}.get(root.get("header_type", "UInt32"))
        self.compressor = root.get("compressor", "")
        if order is None or header is None or (self.compressor and self.compressor not in _RATIOS):
            raise ReadError(path, "states a byte order or compression that VTK does not have", AGAIN)
        self.order = order
        self.header = np.dtype(order + header)
        self._raw = raw
        appended = root.find("AppendedData")
        text = (appended.text or "") if appended is not None and raw is None else ""
        self._text = text.partition("_")[2].encode("ascii", "replace")
        offsets = {self._offset(a) for a in root.iter("DataArray") if a.get("format") == "appended"}
        self._ends = sorted(
            offsets | {self._offset(a) for a in root.iter("Array") if a.get("format") == "appended"}
        )

    def _offset(self, element: ElementTree.Element) -> int:
        offset = int(element.get("offset", "0"))
        if not 0 <= offset <= len(self._raw if self._raw is not None else self._text):
            raise ReadError(
                self.path, f"refers to byte {offset} of its values, which is beyond its end", AGAIN
            )
        return offset

    def numbers(self, element: ElementTree.Element, count: int | None, what: str) -> Array:
        """(count, components) values, or (count,) of one component; `count` None takes what is there."""
        kind = element.get("type", "")
        width = int(element.get("NumberOfComponents", "1") or 1)
        if kind not in (*_TYPES, "Bit") or not 1 <= width <= _MOST_COMPONENTS:
            raise ReadError(self.path, f"has {what} of the unknown type {kind!r} × {width}", AGAIN)
        if element.get("format", "ascii") == "ascii":
            found = numbers((element.text or "").encode("ascii", "replace"))
            values = found.astype(_TYPES[kind]) if kind.startswith("Float") else whole(found, "value")
            if not kind.startswith("Float"):
                dtype = np.dtype(_TYPES.get(kind, "u1"))
                limits = np.iinfo(dtype)
                if values.size and not limits.min <= int(values.min()) <= int(values.max()) <= limits.max:
                    raise ReadError(self.path, f"has {what} that do not fit into {kind}", AGAIN)
                values = values.astype(dtype)
        else:
            wanted = (
                None if count is None or kind == "Bit" else count * width * np.dtype(_TYPES[kind]).itemsize
            )
            stored = self.octets(element, wanted, what)
            if kind == "Bit":
                values = np.unpackbits(np.frombuffer(stored, np.uint8))
                values = values[: (count or 0) * width] if count is not None else values
            else:
                dtype = np.dtype(self.order + _TYPES[kind])
                if len(stored) % dtype.itemsize:
                    raise ReadError(self.path, f"has {what} that end within a value", AGAIN)
                values = np.frombuffer(stored, dtype).astype(dtype.newbyteorder("="))
        if count is None:
            count = len(values) // width
        if len(values) != count * width:
            raise ReadError(self.path, f"has {len(values):,} of {count * width:,} {what}", AGAIN)
        return values if width == 1 else values.reshape(count, width)

    def octets(self, element: ElementTree.Element, wanted: int | None = None, what: str = "values") -> bytes:
        """The unpacked bytes of an array that is not written as text; `wanted` so many, if that is known."""
        stored = self._stored(element)
        size = self.header.itemsize
        if len(stored) < size:
            if not stored.strip():
                return b""  # an empty array may have no header
            raise ReadError(self.path, "has an array that ends within its header", AGAIN)
        if not self.compressor:
            length = int(np.frombuffer(stored, self.header, 1)[0])
            if length > len(stored) - size:
                raise ReadError(
                    self.path, f"has {len(stored) - size:,} of the {length:,} bytes of an array", AGAIN
                )
            return stored[size : size + length]
        blocks = int(np.frombuffer(stored, self.header, 1)[0])
        if blocks == 0:
            return b""
        if blocks > len(stored) // size - 3:
            raise ReadError(self.path, f"claims {blocks:,} packed blocks in {len(stored):,} bytes", AGAIN)
        whole_size, last, *packed = (int(v) for v in np.frombuffer(stored, self.header, blocks + 3)[1:])
        at = (blocks + 3) * size
        total = (blocks - 1) * whole_size + (last or whole_size)
        if sum(packed) > len(stored) - at or total > _RATIOS[self.compressor] * sum(packed):
            raise ReadError(self.path, f"claims that {sum(packed):,} packed bytes become {total:,}", AGAIN)
        if wanted is not None and total != wanted:
            raise ReadError(self.path, f"has {total:,} of the {wanted:,} bytes of its {what}", AGAIN)
        out = bytearray()
        for n, length in enumerate(packed):
            wanted = (last or whole_size) if n == blocks - 1 else whole_size
            out += self._unpacked(stored[at : at + length], wanted)
            at += length
        return bytes(out)

    def _stored(self, element: ElementTree.Element) -> bytes:
        if element.get("format") == "binary":
            return self._decoded("".join((element.text or "").split()).encode("ascii", "replace"))
        if element.get("format") != "appended":
            raise ReadError(self.path, f"stores values in an unknown way ({element.get('format')!r})", AGAIN)
        offset = self._offset(element)
        if self._raw is not None:
            return self._raw[offset:][: self._room(offset, len(self._raw))]
        text = self._text[offset : offset + self._room(offset, len(self._text))]
        return self._decoded(b"".join(text.split()))

    def _room(self, offset: int, end: int) -> int:
        """Bytes up to where another array begins."""
        later = self._ends[np.searchsorted(self._ends, offset, side="right") :]
        return (later[0] if len(later) else end) - offset

    def _decoded(self, text: bytes) -> bytes:
        """Base64; the header and the values may each end with their own padding."""
        try:
            return b"".join(base64.b64decode(part, validate=True) for part in _SEGMENT.findall(text))
        except ValueError as error:
            raise ReadError(self.path, f"has values that are no base64 ({error})", AGAIN) from None

    def _unpacked(self, packed: bytes, wanted: int) -> bytes:
        try:
            out = _UNPACKERS[self.compressor](packed, wanted)
        except (zlib.error, lzma.LZMAError, EOFError, ValueError, MemoryError) as error:
            raise ReadError(self.path, f"has packed values that are damaged ({error})", AGAIN) from None
        if len(out) != wanted:
            raise ReadError(self.path, f"has a block of {len(out):,} bytes that claims {wanted:,}", AGAIN)
        return out


def _lz4(packed: bytes, wanted: int) -> bytes:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOCore import vtkLZ4DataCompressor

    from plugins.scans._vtk import listening

    with listening():
        out = vtkLZ4DataCompressor().Uncompress(packed, len(packed), wanted)
    return b"" if out is None else bytes(vtk_to_numpy(out))


_UNPACKERS: dict[str, Callable[[bytes, int], bytes]] = {
    "vtkZLibDataCompressor": lambda packed, wanted: zlib.decompressobj().decompress(packed, wanted or 1),
    "vtkLZMADataCompressor": lambda packed, wanted: lzma.LZMADecompressor(memlimit=1 << 28).decompress(
        packed, wanted
    ),
    "vtkLZ4DataCompressor": _lz4,
}


def _piece(path: Path, arrays: _Arrays, element: ElementTree.Element, kind: str) -> XmlPiece:
    out = XmlPiece()
    n = _count(path, element, "NumberOfPoints")
    points = element.find("Points/DataArray")
    if points is not None and n:
        out.points = arrays.numbers(points, n, "coordinates")
        if out.points.ndim != 2 or out.points.shape[1] != 3:
            raise ReadError(path, "has points that are not three coordinates each", AGAIN)
    elif n:
        raise ReadError(path, f"claims {n:,} points and holds none", AGAIN)
    if kind == "UnstructuredGrid":
        cells = _count(path, element, "NumberOfCells")
        found = element.find("Cells")
        if found is not None and cells:
            out.cells["CELLS"] = _cells(path, arrays, found, cells)
            types = next((a for a in found.findall("DataArray") if a.get("Name") == "types"), None)
            if types is None:
                raise ReadError(path, "has cells without types", AGAIN)
            out.cell_types = arrays.numbers(types, cells, "cell types").astype(np.int64)
    else:
        cells = 0
        for tag, key in _CELLS.items():
            count = _count(path, element, f"NumberOf{tag}")
            cells += count
            found = element.find(tag)
            if found is not None and count:
                out.cells[key] = _cells(path, arrays, found, count)
            elif count:
                raise ReadError(path, f"claims {count:,} cells and holds none", AGAIN)
    out.point_data = _named(path, arrays, element.find("PointData"), n)
    out.cell_data = _named(path, arrays, element.find("CellData"), cells)
    return out


def _count(path: Path, element: ElementTree.Element, name: str) -> int:
    text = element.get(name, "0").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise ReadError(path, f"claims an impossible number ({name} is {text[:40]!r})", AGAIN)
    return int(text)


def _cells(path: Path, arrays: _Arrays, element: ElementTree.Element, count: int) -> tuple[Array, Array]:
    by_name = {a.get("Name"): a for a in element.findall("DataArray")}
    if "connectivity" not in by_name or "offsets" not in by_name:
        raise ReadError(path, "has cells without corners", AGAIN)
    flat = arrays.numbers(by_name["connectivity"], None, "cell corners").reshape(-1).astype(np.int64)
    ends = arrays.numbers(by_name["offsets"], None, "cell offsets").reshape(-1).astype(np.int64)
    if len(ends) == count + 1 and ends[0] == 0:  # as the cells of other files begin
        ends = ends[1:]
    if len(ends) != count:
        raise ReadError(path, f"has {len(ends):,} of {count:,} cell offsets", AGAIN)
    counts = np.diff(ends, prepend=0)
    if (counts < 0).any() or int(ends[-1]) > len(flat):
        raise ReadError(path, "has cells that do not fit together", AGAIN)
    return flat[: int(ends[-1])], counts


def _named(path: Path, arrays: _Arrays, element: ElementTree.Element | None, count: int) -> list[Named]:
    """The arrays of numbers of point or cell data, with VTK's marks."""
    if element is None or not count:
        return []
    marks = {element.get(key): mark for key, mark in _MARKS.items() if element.get(key)}
    out: list[Named] = []
    for n, array in enumerate(element.findall("DataArray")):
        if array.get("type") == "String":
            continue
        name = array.get("Name") or f"array {n + 1}"
        out.append(
            (name, marks.get(array.get("Name"), ""), arrays.numbers(array, count, f"values of {name[:80]!r}"))
        )
    return out


def _joined(path: Path, pieces: list[XmlPiece]) -> XmlPiece:
    """The pieces as one: points one after the other, cells of one kind together, arrays that all pieces have."""
    if len(pieces) == 1:
        return pieces[0]
    if not pieces:
        return XmlPiece()
    out = XmlPiece()
    starts = np.cumsum([0] + [len(p.points) for p in pieces[:-1]])
    out.points = np.concatenate([p.points for p in pieces])
    keys = ["CELLS"] if any("CELLS" in p.cells for p in pieces) else list(_CELLS.values())
    for key in keys:
        there = [(p.cells[key], start) for p, start in zip(pieces, starts, strict=True) if key in p.cells]
        if there:
            flat = np.concatenate([f + start for (f, _), start in there])
            out.cells[key] = flat, np.concatenate([c for (_, c), _ in there])
    out.cell_types = np.concatenate([p.cell_types for p in pieces])
    filled = [p for p in pieces if len(p.points)]
    out.point_data = _stacked([p.point_data for p in filled])
    # Cell values follow the kinds of cells: those of one kind of all pieces, then those of the next.
    split: list[list[Named]] = []
    for key in keys:
        for piece in pieces:
            before = 0
            for other in keys[: keys.index(key)]:
                before += len(piece.cells[other][1]) if other in piece.cells else 0
            length = len(piece.cells[key][1]) if key in piece.cells else 0
            if length:
                split.append([(n, m, v[before : before + length]) for n, m, v in piece.cell_data])
    out.cell_data = _stacked(split)
    return out


def _stacked(parts: list[list[Named]]) -> list[Named]:
    if not parts:
        return []
    out: list[Named] = []
    for name, mark, values in parts[0]:
        same = [
            next((v for n, _, v in part if n == name and v.shape[1:] == values.shape[1:]), None)
            for part in parts
        ]
        if all(v is not None for v in same):
            out.append((name, mark, np.concatenate(same)))  # type: ignore[arg-type]
    return out


def _space(arrays: _Arrays, body: ElementTree.Element) -> str:
    """RAS or LPS where the field data say it, as 3D Slicer writes it."""
    for array in body.iterfind("FieldData/Array"):
        if array.get("Name") != "SPACE" or array.get("type") != "String":
            continue
        if array.get("format", "ascii") == "ascii":
            codes = [int(w) for w in (array.text or "").split()[:16]]
            text = bytes(c for c in codes if 0 < c < 128)
        else:
            text = arrays.octets(array)[:16].split(b"\0")[0]
        return text.decode("ascii", "replace") if text in (b"RAS", b"LPS") else ""
    return ""
