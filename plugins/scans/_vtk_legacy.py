"""VTK's legacy files as arrays.

Own parser: VTK's reader runs out of its memory on damaged files and takes the process with it. Source of the
format: "VTK File Formats", VTK User's Guide, legacy section; version 5 stores cells as offsets and corners.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadError
from plugins.scans._errors import AGAIN
from plugins.scans._numbers import numbers, whole
from plugins.scans._vtk import Named

Array = NDArray[Any]
_TYPES = {
    **{"char": "i1", "signed_char": "i1", "unsigned_char": "u1", "short": "i2", "unsigned_short": "u2"},
    **{"int": "i4", "unsigned_int": "u4", "long": "i8", "unsigned_long": "u8", "long_long": "i8"},
    **{"float": "f4", "double": "f8", "vtkidtype": "i4", "vtktypeint64": "i8", "vtktypeuint64": "u8"},
}
_KEYWORD = re.compile(rb"^[ \t]*(?!(?:nan|inf|infinity)\b)[A-Za-z_]", re.MULTILINE | re.IGNORECASE)
_CELLS = ("VERTICES", "LINES", "POLYGONS", "TRIANGLE_STRIPS", "CELLS")
_MARKS = {
    "VECTORS": ("vectors", 3),
    "NORMALS": ("normals", 3),
    "TENSORS": ("tensors", 9),
    "TENSORS6": ("", 6),
}


@dataclass
class Legacy:
    """What a legacy file holds; `cells` by keyword as (flat corners, corners of each)."""

    kind: str = ""
    title: bytes = b""
    points: Array = field(default_factory=lambda: np.zeros((0, 3)))
    cells: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    cell_types: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    point_data: list[Named] = field(default_factory=list)
    cell_data: list[Named] = field(default_factory=list)


class _Cursor:
    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data, self.at, self.binary = path, data, 0, False

    def line(self) -> bytes | None:
        """The next line that is not empty."""
        while self.at < len(self.data):
            end = self.data.find(b"\n", self.at)
            end = len(self.data) if end < 0 else end
            found = self.data[self.at : end].strip()
            self.at = end + 1
            if found:
                return found
        return None

    def values(self, kind: str, count: int, *, what: str) -> Array:
        """`count` numbers of one VTK type, native byte order."""
        kind = kind.lower()
        if kind not in (*_TYPES, "bit"):
            raise ReadError(self.path, f"has {what} of the unknown type {kind!r}", "save it anew")
        left = len(self.data) - self.at
        if not 0 <= count <= 8 * left + 8:
            raise ReadError(self.path, f"claims {count:,} {what} in {left:,} bytes", AGAIN)
        if not self.binary:
            match = _KEYWORD.search(self.data, self.at)
            end = match.start() if match else len(self.data)
            found = numbers(self.data[self.at : end])
            self.at = end
            if len(found) != count:
                raise ReadError(self.path, f"has {len(found):,} of {count:,} {what}", AGAIN)
            if kind in ("float", "double"):
                return found.astype(_TYPES[kind])
            return whole(found, "value").astype(_TYPES.get(kind, "u1"))
        dtype = np.dtype(">" + _TYPES.get(kind, "u1"))
        size = (count + 7) // 8 if kind == "bit" else count * dtype.itemsize
        if size > left:
            raise ReadError(self.path, f"ends after {left // dtype.itemsize:,} of {count:,} {what}", AGAIN)
        raw = np.frombuffer(self.data, np.uint8, size, self.at)
        self.at += size
        if kind == "bit":
            return np.unpackbits(raw)[:count]
        return raw.view(dtype).astype(dtype.newbyteorder("="))

    def skip_metadata(self) -> None:
        """To the empty line that ends a METADATA block."""
        end = self.data.find(b"\n\n", self.at - 1)
        self.at = len(self.data) if end < 0 else end + 2


def parse(path: Path, data: bytes) -> Legacy:
    """A legacy file of polygons or of an unstructured grid. Raises `ReadError` for damage and other kinds."""
    cursor = _Cursor(path, data.replace(b"\r\n", b"\n") if b"BINARY" not in data[:512] else data)
    out = Legacy()
    cursor.line()
    end = cursor.data.find(b"\n", cursor.at)
    out.title = cursor.data[cursor.at : max(end, cursor.at)]  # may be empty
    cursor.at = end + 1 if end >= 0 else len(cursor.data)
    mode, dataset = (cursor.line() or b"").upper(), (cursor.line() or b"").split()
    if mode not in (b"ASCII", b"BINARY") or len(dataset) != 2 or dataset[0].upper() != b"DATASET":
        raise ReadError(path, "has a damaged VTK header", AGAIN)
    cursor.binary = mode == b"BINARY"
    out.kind = dataset[1].decode("latin-1").upper()
    if out.kind not in ("POLYDATA", "UNSTRUCTURED_GRID"):
        return out
    into: list[Named] = []
    n = 0
    while (line := cursor.line()) is not None:
        words = line.decode("latin-1").split()
        key = words[0].upper()
        if key == "METADATA":
            cursor.skip_metadata()
        elif key == "POINTS":
            out.points = cursor.values(words[2], 3 * int(words[1]), what="coordinates").reshape(-1, 3)
        elif key in _CELLS:
            out.cells[key] = _cells(cursor, int(words[1]), int(words[2]))
        elif key == "CELL_TYPES":
            out.cell_types = cursor.values("int", int(words[1]), what="cell types").astype(np.int64)
        elif key in ("POINT_DATA", "CELL_DATA"):
            into = out.point_data if key == "POINT_DATA" else out.cell_data
            n = int(words[1])
        else:
            into.extend(_arrays(cursor, key, words, n))
    return out


def _cells(cursor: _Cursor, first: int, second: int) -> tuple[Array, Array]:
    before = cursor.at
    following = (cursor.line() or b"").decode("latin-1").split()
    if following[:1] and following[0].upper() == "OFFSETS":
        offsets = cursor.values(following[1], first, what="cell offsets").astype(np.int64)
        after = (cursor.line() or b"").decode("latin-1").split()
        if len(after) < 2 or after[0].upper() != "CONNECTIVITY":
            raise ReadError(cursor.path, "has cells without corners", AGAIN)
        flat = cursor.values(after[1], second, what="cell corners").astype(np.int64)
        counts = np.diff(offsets)
        if len(offsets) and (offsets[0] != 0 or offsets[-1] != len(flat) or (counts < 0).any()):
            raise ReadError(cursor.path, "has cells that do not fit together", AGAIN)
        return flat, counts
    cursor.at = before
    mixed = cursor.values("int", second, what="cell corners").astype(np.int64)
    if first < 0 or first > second:
        raise ReadError(cursor.path, f"claims {first:,} cells with {second:,} numbers", AGAIN)
    if first and second % first == 0 and (mixed.reshape(first, -1)[:, 0] == second // first - 1).all():
        return mixed.reshape(first, -1)[:, 1:].reshape(-1), np.full(first, second // first - 1, np.int64)
    listed = mixed.tolist()
    starts, position = [], 0
    while position < second and listed[position] >= 0:
        starts.append(position)
        position += 1 + listed[position]
    if position != second or len(starts) != first:
        raise ReadError(cursor.path, "has cells that do not fit together", AGAIN)
    keep = np.ones(second, bool)
    keep[starts] = False
    return mixed[keep], mixed[starts]


def _arrays(cursor: _Cursor, key: str, words: list[str], n: int) -> list[Named]:
    name = unquote(words[1]) if len(words) > 1 else ""
    if key == "SCALARS":
        width = int(words[3]) if len(words) > 3 else 1
        before = cursor.at
        if not (cursor.line() or b"").upper().startswith(b"LOOKUP_TABLE"):
            cursor.at = before
        return [(name, "", _shaped(cursor.values(words[2], n * width, what=f"values of {name!r}"), width))]
    if key == "COLOR_SCALARS":
        width = int(words[2])
        values = cursor.values("unsigned_char" if cursor.binary else "float", n * width, what="colours")
        colors = (
            values if cursor.binary else np.rint(np.clip(np.nan_to_num(values), 0, 1) * 255).astype(np.uint8)
        )
        return [(name, "", _shaped(colors, width))]
    if key == "LOOKUP_TABLE":
        cursor.values(
            "unsigned_char" if cursor.binary else "float", 4 * int(words[2]), what="colours of a table"
        )
        return []
    if key in _MARKS:
        mark, width = _MARKS[key]
        return [(name, mark, _shaped(cursor.values(words[2], n * width, what=f"values of {name!r}"), width))]
    if key == "TEXTURE_COORDINATES":
        width = int(words[2])
        return [(name, "uv", _shaped(cursor.values(words[3], n * width, what="texture coordinates"), width))]
    if key in ("GLOBAL_IDS", "PEDIGREE_IDS", "EDGE_FLAGS"):
        return [(name, "", cursor.values(words[2], n, what=key.lower()))]
    if key == "FIELD":
        return _field(cursor, int(words[2]))
    raise ReadError(cursor.path, f"has a section that is not understood ({words[0][:40]!r})", AGAIN)


def _field(cursor: _Cursor, count: int) -> list[Named]:
    out: list[Named] = []
    while count > 0:
        words = (cursor.line() or b"").decode("latin-1").split()
        if words[:1] == ["METADATA"]:
            cursor.skip_metadata()
            continue
        if len(words) != 4:
            raise ReadError(cursor.path, "has a damaged list of arrays", AGAIN)
        name, width, n = unquote(words[0]), int(words[1]), int(words[2])
        if words[3].lower() == "string":
            for _ in range(min(width * n, len(cursor.data))):
                cursor.line()
        else:
            out.append(
                (name, "", _shaped(cursor.values(words[3], width * n, what=f"values of {name!r}"), width))
            )
        count -= 1
    return out


def _shaped(values: Array, width: int) -> Array:
    return values if width == 1 else values.reshape(-1, width)
