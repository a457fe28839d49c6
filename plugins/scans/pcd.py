"""PCD: the Point Cloud Library's format (ascii, binary, binary_compressed).

Own parser: no library of the project reads it. Source of the format: PCL documentation, "The PCD (Point
Cloud Data) file format", version 0.7; compressed data are stored field after field.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, cloud, placed
from plugins.scans._columns import attributes_of
from plugins.scans._errors import AGAIN, guarded, read_bytes
from plugins.scans._lzf import decompress
from plugins.scans._numbers import numbers, whole

Array = NDArray[Any]

_KEYS = (
    "VERSION",
    "FIELDS",
    "COLUMNS",
    "SIZE",
    "TYPE",
    "COUNT",
    "WIDTH",
    "HEIGHT",
    "VIEWPOINT",
    "POINTS",
    "DATA",
)
_TYPES = {
    **{("F", 4): "<f4", ("F", 8): "<f8", ("I", 1): "<i1", ("I", 2): "<i2", ("I", 4): "<i4", ("I", 8): "<i8"},
    **{("U", 1): "<u1", ("U", 2): "<u2", ("U", 4): "<u4", ("U", 8): "<u8"},
}


def sniff(path: Path, head: bytes) -> int:
    """100 for the comment or first key of a PCD header."""
    if b".PCD v" in head[:64]:
        return 100
    return 100 if head[:8] == b"VERSION " and b"\nFIELDS " in head[:512] else 0


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """A PCD file as a point cloud.

    Points without finite coordinates (the gaps of an organised scan) are left out and counted. Packed
    colours become `rgb`. The viewpoint is kept in the metadata and not applied.
    """
    with guarded(path, "a PCD file"):
        data = read_bytes(path)
        header, body = _header(path, data)
        names, kinds, counts, n = _layout(path, header)
        mode = header["DATA"][0].lower()
        job.progress(0.1, "Reading PCD")
        if mode == "ascii":
            columns = _ascii(path, data[body:], kinds, counts, n)
        elif mode == "binary":
            columns = _binary(path, data, body, kinds, counts, n)
        elif mode == "binary_compressed":
            columns = _compressed(path, data, body, kinds, counts, n)
        else:
            raise ReadError(
                path, f"stores its data as {mode!r}, which PCD does not know", "save it as binary PCD"
            )
        job.progress(0.8, "Reading PCD")
        return [_loaded(path, header, names, columns, space)]


def _header(path: Path, data: bytes) -> tuple[dict[str, list[str]], int]:
    header: dict[str, list[str]] = {}
    position = 0
    while "DATA" not in header:
        end = data.find(b"\n", position, position + 65536)
        if end < 0:
            raise ReadError(path, "has no DATA line", AGAIN)
        words = data[position:end].decode("latin-1").split()
        position = end + 1
        if not words or words[0].startswith("#"):
            continue
        key = words[0].upper()
        if key not in _KEYS:
            raise ReadError(path, f"has a header line that PCD does not know ({words[0][:40]!r})", AGAIN)
        header["FIELDS" if key == "COLUMNS" else key] = words[1:]
    for key in ("FIELDS", "SIZE", "TYPE", "WIDTH", "DATA"):
        if not header.get(key):
            raise ReadError(path, f"has no {key} in its header", AGAIN)
    return header, position


def _layout(path: Path, header: dict[str, list[str]]) -> tuple[list[str], list[Any], list[int], int]:
    names = header["FIELDS"]
    sizes = [int(s) for s in header["SIZE"]]
    counts = [int(c) for c in header.get("COUNT", ["1"] * len(names))]
    if not len(names) == len(sizes) == len(header["TYPE"]) == len(counts) or min(counts) < 0:
        raise ReadError(path, "names fields without giving each a size, type and count", AGAIN)
    kinds = []
    for name, letter, size in zip(names, header["TYPE"], sizes, strict=True):
        if (letter.upper(), size) not in _TYPES:
            raise ReadError(path, f"gives field {name!r} the impossible type {letter}{size}", AGAIN)
        kinds.append(np.dtype(_TYPES[letter.upper(), size]))
    size = int(header["WIDTH"][0]) * int(header.get("HEIGHT", ["1"])[0])
    n = int(header.get("POINTS", [str(size)])[0])
    if n < 0 or n != size:
        raise ReadError(path, f"claims {n:,} points but a grid of {size:,}", AGAIN)
    if not {"x", "y", "z"} <= set(names):
        raise ReadError(path, "has no fields x, y and z", "open a PCD file with coordinates")
    return names, kinds, counts, n


def _ascii(path: Path, text: bytes, kinds: list[Any], counts: list[int], n: int) -> list[Array]:
    width = sum(counts)
    if n * width * 2 > len(text) + 1:
        raise ReadError(path, f"ends early: {n:,} points are claimed in {len(text):,} bytes", AGAIN)
    values = numbers(text)
    if len(values) < n * width:
        raise ReadError(path, f"ends after {len(values) // width:,} of its {n:,} points", AGAIN)
    if len(values) != n * width:
        raise ReadError(path, f"has more numbers than its {n:,} points need", AGAIN)
    table = values.reshape(n, width)
    out, column = [], 0
    for kind, count in zip(kinds, counts, strict=True):
        part = table[:, column : column + count]
        out.append(whole(part, "value").astype(kind) if kind.kind in "iu" else part.astype(kind))
        column += count
    return out


def _binary(path: Path, data: bytes, body: int, kinds: list[Any], counts: list[int], n: int) -> list[Array]:
    row = np.dtype(
        [(f"f{i}", kind, (count,)) for i, (kind, count) in enumerate(zip(kinds, counts, strict=True))]
    )
    if n * row.itemsize > len(data) - body:
        raise ReadError(path, f"ends after {(len(data) - body) // row.itemsize:,} of its {n:,} points", AGAIN)
    rows = np.frombuffer(data, row, n, body)
    return [np.ascontiguousarray(rows[f"f{i}"]) for i in range(len(kinds))]


def _compressed(
    path: Path, data: bytes, body: int, kinds: list[Any], counts: list[int], n: int
) -> list[Array]:
    if len(data) < body + 8:
        raise ReadError(path, "ends before its compressed data", AGAIN)
    packed, size = (int(v) for v in np.frombuffer(data, "<u4", 2, body))
    expected = n * sum(kind.itemsize * count for kind, count in zip(kinds, counts, strict=True))
    if packed > len(data) - body - 8:
        raise ReadError(
            path, f"ends after {len(data) - body - 8:,} of its {packed:,} compressed bytes", AGAIN
        )
    if size != expected:
        raise ReadError(
            path, f"announces {size:,} bytes of data where its {n:,} points need {expected:,}", AGAIN
        )
    raw = decompress(data[body + 8 : body + 8 + packed], size)
    out, position = [], 0
    for kind, count in zip(kinds, counts, strict=True):
        out.append(np.frombuffer(raw, kind, n * count, position).reshape(n, count))
        position += n * count * kind.itemsize
    return out


def _loaded(
    path: Path, header: dict[str, list[str]], names: list[str], columns: list[Array], space: Space
) -> Loaded:
    fields: dict[str, Array] = {}
    attributes: dict[str, Attribute] = {}
    for name, values in zip(names, columns, strict=True):
        if name == "_" or values.shape[1] == 0:
            continue
        flat = values[:, 0] if values.shape[1] == 1 else values
        if name.lower() in ("rgb", "rgba") and flat.ndim == 1 and flat.dtype.itemsize == 4:
            attributes["rgb"] = Attribute(_unpacked(flat, name.lower() == "rgba"), Transforms.SCALAR)
        else:
            fields[name] = flat
    points = np.stack([fields.pop(axis) for axis in "xyz"], axis=1)
    if points.ndim != 2:
        raise ReadError(path, "has more than one x, y or z in a point", AGAIN)
    attributes.update(attributes_of(fields))
    points, attributes, where, said = placed(points, attributes, space)
    metadata: dict[str, Any] = {"version": " ".join(header.get("VERSION", []))}
    height = int(header.get("HEIGHT", ["1"])[0])
    if height > 1:
        metadata["grid"] = [int(header["WIDTH"][0]), height]
    if header.get("VIEWPOINT"):
        viewpoint = [float(v) for v in header["VIEWPOINT"]]
        metadata["viewpoint"] = viewpoint if all(map(math.isfinite, viewpoint)) else None
    return cloud(
        path, points, attributes, space=where, unit="mm" if where else "", warnings=said, metadata=metadata
    )


def _unpacked(values: Array, alpha: bool) -> Array:
    """(n, 3) colours from 0xAARRGGBB words (also stored as the bits of a float32); alpha only if it varies."""
    words = np.ascontiguousarray(values).view("<u4")
    octets = words.astype("<u4").view(np.uint8).reshape(-1, 4)
    varies = alpha and len(octets) and int(octets[:, 3].min()) != int(octets[:, 3].max())
    return np.ascontiguousarray(octets[:, [2, 1, 0, 3]] if varies else octets[:, [2, 1, 0]])
