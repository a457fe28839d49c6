"""LAS, LAZ and COPC: airborne and terrestrial laser scans, read with laspy (LAZ through lazrs)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, cloud, colors, placed
from plugins.scans._errors import AGAIN, guarded, size_of

Array = NDArray[Any]

_CHUNK = 1_000_000
_LABELS = ("classification", "point_source_id", "return_number", "number_of_returns", "scanner_channel")
_SCALARS = ("intensity", "gps_time", "scan_angle", "scan_angle_rank", "user_data", "nir")
# Layers of an item of LAZ's layered compression by its type (LASzip's laszip.hpp and lasreaditemcompressed_v3.cpp).
_LAYERS = {10: 9, 11: 1, 12: 2, 13: 1}
_BYTE14 = 14
"""Extra bytes: a layer a byte."""
_USELESS_IF_ZERO = ("intensity", "point_source_id", "user_data", "scanner_channel", "gps_time", "nir")


def sniff(path: Path, head: bytes) -> int:
    """100 for the LASF signature."""
    return 100 if head[:4] == b"LASF" else 0


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """A LAS, LAZ or COPC file as a point cloud with float64 coordinates.

    Points are taken in pieces, so memory follows the points that are really there. 16-bit colours become
    8-bit ones; classes and return numbers are labels; extra bytes keep their names.
    """
    import laspy

    with guarded(path, "a LAS file"):
        size = size_of(path)
        with path.open("rb") as file:
            start = file.read(375)
        _check_start(path, start, size)
        with laspy.open(str(path)) as reader:
            header = reader.header
            n = header.point_count
            per_point = header.point_format.size
            compressed = header.are_points_compressed
            if not compressed and header.offset_to_point_data + n * per_point > size:
                there = max(0, size - header.offset_to_point_data) // per_point
                raise ReadError(path, f"ends after {there:,} of its {n:,} points", AGAIN)
            if not (np.isfinite(header.scales).all() and np.isfinite(header.offsets).all()):
                raise ReadError(path, "has a scale or offset that is not a number", AGAIN)
            if not np.asarray(header.scales).all():
                raise ReadError(path, "has a coordinate scale of zero", AGAIN)
            if compressed:
                _check_laz(path, header, size)
            parts: dict[str, list[Array]] = {}
            done = 0
            for chunk in reader.chunk_iterator(min(_CHUNK, max(1, n))):
                for name, values in _columns(chunk).items():
                    parts.setdefault(name, []).append(values)
                done += len(chunk)
                job.progress(0.9 * done / max(1, n), "Reading points")
            if done != n:
                raise ReadError(path, f"ends after {done:,} of its {n:,} points", AGAIN)
        if not parts:
            raise ReadError(path, "has no points", "open a file with at least one point")
        columns = {name: np.concatenate(values) for name, values in parts.items()}
        points = columns.pop("xyz")
        attributes = _attributes(columns)
        points, attributes, where, said = placed(points, attributes, space)
        metadata = {
            "version": str(header.version),
            "point_format": header.point_format.id,
            "scales": [float(s) for s in header.scales],
            "offsets": [float(o) for o in header.offsets],
        }
        varied = next((n for n in ("rgb", "classification", "intensity") if _varies(attributes, n)), "")
        return [
            cloud(
                path,
                points,
                attributes,
                space=where,
                unit="mm" if where else "",
                warnings=said,
                metadata=metadata,
                display={"color_by": varied} if varied else {},
            )
        ]


def _check_start(path: Path, start: bytes, size: int) -> None:
    """Refuse headers that lie about their own size before a library trusts them."""
    if start[:4] != b"LASF":
        raise ReadError(path, "is not a LAS file (no LASF signature)", "check what kind of file it is")
    if len(start) < 227:
        raise ReadError(path, "ends within its header", AGAIN)
    header_size = int.from_bytes(start[94:96], "little")
    offset = int.from_bytes(start[96:100], "little")
    records = int.from_bytes(start[100:104], "little")
    if offset > size or header_size > offset:
        raise ReadError(path, "ends before its first point", AGAIN)
    if records * 54 > size:
        raise ReadError(path, f"claims {records:,} header records, more than fit into the file", AGAIN)
    if len(start) >= 247 and start[25] >= 4:
        first = int.from_bytes(start[235:243], "little")
        extended = int.from_bytes(start[243:247], "little")
        if extended and (first > size or extended * 60 > size - first):
            raise ReadError(path, f"claims {extended:,} extended records, more than fit into the file", AGAIN)


def _check_laz(path: Path, header: Any, size: int) -> None:
    """Check what LAZ says about its pieces: lazrs takes memory for it unseen and ends the process if it fails.

    Source: M. Isenburg, "LASzip", and the LAZ specification: the record 22204 holds the piece size (bytes 12 to
    16) and the items of a point (from byte 32); the points begin with the place of the table of pieces.
    """
    damaged = "has a damaged LAZ record"
    records = [
        v for v in header.vlrs if getattr(v, "user_id", "") == "laszip encoded" and v.record_id == 22204
    ]
    raw = bytes(records[0].record_data) if records else b""
    items = int.from_bytes(raw[32:34], "little")
    if len(raw) < 34 or len(raw) < 34 + 6 * items or not items:
        raise ReadError(path, damaged, AGAIN)
    sizes = [int.from_bytes(raw[36 + 6 * i : 38 + 6 * i], "little") for i in range(items)]
    if sum(sizes) != header.point_format.size:
        raise ReadError(path, damaged, AGAIN)
    start = header.offset_to_point_data
    with path.open("rb") as file:
        file.seek(start)
        table = int.from_bytes(file.read(8), "little", signed=True)
        if table == -1:  # written in one pass: the place stands at the end
            file.seek(size - 8)
            table = int.from_bytes(file.read(8), "little", signed=True)
        if not start + 8 <= table <= size - 8:
            raise ReadError(path, "ends before its table of compressed pieces", AGAIN)
        file.seek(table)
        pieces = int.from_bytes(file.read(8)[4:], "little")
    _check_layers(path, raw, sizes, pieces, start, table, size)
    per_piece = int.from_bytes(raw[12:16], "little")
    fixed = per_piece not in (0, 0xFFFFFFFF)
    if pieces > table - start or (fixed and pieces != -(-header.point_count // per_piece)):
        raise ReadError(path, f"claims {pieces:,} compressed pieces for {header.point_count:,} points", AGAIN)


def _check_layers(
    path: Path, raw: bytes, sizes: list[int], pieces: int, start: int, table: int, size: int
) -> None:
    """Layered pieces (point formats 6 to 10) say how long each layer is: no more than the piece itself.

    A piece begins with its first point as it is, the number of its points, and one length a layer.
    """
    import lazrs

    kinds = [int.from_bytes(raw[34 + 6 * i : 36 + 6 * i], "little") for i in range(len(sizes))]
    if not any(kind in _LAYERS or kind == _BYTE14 for kind in kinds) or pieces > size:
        return
    layers = sum(
        width if kind == _BYTE14 else _LAYERS.get(kind, 0) for kind, width in zip(kinds, sizes, strict=True)
    )
    with path.open("rb") as file:
        file.seek(start)
        lengths = [int(length) for _, length in lazrs.read_chunk_table(file, lazrs.LazVlr(raw))]
        at = start + 8
        for length in lengths:
            file.seek(at + sum(sizes) + 4)
            head = file.read(4 * layers)
            claimed = sum(np.frombuffer(head[: len(head) // 4 * 4], "<u4").tolist())
            if length < 0 or at + length > table or sum(sizes) + 4 + 4 * layers + claimed > length:
                raise ReadError(path, "has compressed pieces that claim more bytes than they have", AGAIN)
            at += length


def _columns(chunk: Any) -> dict[str, Array]:
    out = {"xyz": np.stack([np.asarray(getattr(chunk, axis), np.float64) for axis in "xyz"], axis=1)}
    names = set(chunk.point_format.dimension_names)
    for name in (*_LABELS, *_SCALARS):
        if name in names:
            out[name] = np.array(chunk[name])
    if {"red", "green", "blue"} <= names:
        out["rgb"] = np.stack([np.asarray(chunk[c]) for c in ("red", "green", "blue")], axis=1)
    for name in chunk.point_format.extra_dimension_names:
        out["extra " + name] = np.array(chunk[name])
    return out


def _attributes(columns: dict[str, Array]) -> dict[str, Attribute]:
    out: dict[str, Attribute] = {}
    for name, values in columns.items():
        if name == "rgb":
            if values.any():
                out["rgb"] = colors(values)
        elif name.startswith("extra "):
            kind = Transforms.SCALAR if values.ndim == 1 else Transforms.UNKNOWN
            out[name[6:] if name[6:] not in out else name] = Attribute(values, kind)
        elif values.any() or name not in _USELESS_IF_ZERO:
            out[name] = Attribute(values, Transforms.LABEL if name in _LABELS else Transforms.SCALAR)
    return out


def _varies(attributes: dict[str, Attribute], name: str) -> bool:
    if name not in attributes:
        return False
    values = attributes[name].values
    return bool((values != values[0]).any())
