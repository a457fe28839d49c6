"""PLY: the Stanford polygon format, ASCII and binary, surfaces and point clouds.

Own parser: trimesh and VTK drop extra properties or change vertex order, and neither tells a vector from
three scalars. Files of this project carry `comment equiscope` lines that say how each attribute transforms.

Source of the format: G. Turk, "The PLY Polygon File Format", 1994 (the header grammar).
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, mesh, placed, strips, triangulate
from plugins.scans._columns import GROUPS, attributes_of, together
from plugins.scans._errors import AGAIN, guarded, size_of
from plugins.scans._numbers import numbers, whole

Array = NDArray[Any]

_TYPES = {
    **{"char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2"},
    **{"ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4"},
    **{"float": "f4", "float32": "f4", "double": "f8", "float64": "f8", "int64": "i8", "uint64": "u8"},
}
_ORDER = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_HEADER_LIMIT = 1 << 20
_ROWS = 1 << 16
"""Rows that are read at a time, where there are so many."""


@dataclass
class _Property:
    name: str
    type: str
    count_type: str = ""
    """Of the length of a list; "" for a plain property."""


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)


@dataclass
class _Columns:
    """What one element holds: plain columns (n,), and lists as (flat values, counts)."""

    plain: dict[str, Array] = field(default_factory=dict)
    lists: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    blocks: list[Array] = field(default_factory=list)
    """(n, k) arrays whose columns stand in `plain`."""


def sniff(path: Path, head: bytes) -> int:
    """100 for the magic word."""
    return 100 if head[:3] == b"ply" and head[3:4] in (b"\n", b"\r", b" ") else 0


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """A PLY file as a mesh or, without faces, as a point cloud.

    Polygons become triangle fans. Raises `ReadError` for anything that is not a complete PLY file.
    """
    with guarded(path, "a PLY file"):
        size_of(path)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            order, elements, comments, body = _header(path, view[:_HEADER_LIMIT])
            job.progress(0.05, "Reading PLY")
            columns = (
                _read_ascii(path, view[body:], elements, job)
                if order == "="
                else _read_binary(path, file, view, body, elements, order, job)
            )
        return [_loaded(path, columns, comments, space)]


def _header(path: Path, head: bytes) -> tuple[str, list[_Element], list[str], int]:
    """Byte order, elements, comments and where the data begin."""
    if head[:3] != b"ply":
        raise ReadError(
            path, "is not a PLY file (it does not begin with 'ply')", "check what kind of file it is"
        )
    end = head.find(b"end_header")
    if end < 0:
        raise ReadError(path, "has no end_header line", AGAIN)
    body = end + len(b"end_header")
    while head[body : body + 1] in (b" ", b"\t"):
        body += 1
    body += 2 if head[body : body + 2] == b"\r\n" else 1
    order, elements, comments = "", [], []
    for line in head[3:end].decode("latin-1").replace("\r", "\n").split("\n"):
        words = line.split()
        if not words:
            continue
        if words[0] == "format" and len(words) >= 2:
            if words[1] not in _ORDER:
                raise ReadError(path, f"has the unknown PLY format {words[1]!r}", "save it as binary PLY")
            order = _ORDER[words[1]]
        elif words[0] in ("comment", "obj_info"):
            comments.append(line.split(None, 1)[1] if len(words) > 1 else "")
        elif words[0] == "element" and len(words) == 3:
            count = int(words[2])
            if count < 0:
                raise ReadError(path, f"claims {count} {words[1]} elements", AGAIN)
            elements.append(_Element(words[1], count))
        elif words[0] == "property" and elements and len(words) == 3:
            elements[-1].properties.append(_Property(words[2], _type(path, words[1])))
        elif words[0] == "property" and elements and len(words) == 5 and words[1] == "list":
            elements[-1].properties.append(_Property(words[4], _type(path, words[3]), _type(path, words[2])))
        else:
            raise ReadError(path, f"has a header line that PLY does not know ({line.strip()[:60]!r})", AGAIN)
    if not order:
        raise ReadError(path, "does not say its PLY format", AGAIN)
    return order, elements, comments, body


def _type(path: Path, word: str) -> str:
    if word not in _TYPES:
        raise ReadError(path, f"uses the unknown PLY type {word!r}", "save it with plain PLY types")
    return _TYPES[word]


def _read_binary(
    path: Path, file: BinaryIO, view: mmap.mmap, body: int, elements: list[_Element], order: str, job: Job
) -> dict[str, _Columns]:
    out: dict[str, _Columns] = {}
    offset = body
    for index, element in enumerate(elements):
        left = len(view) - offset
        smallest = sum(np.dtype(p.count_type or p.type).itemsize for p in element.properties)
        if element.count and (smallest == 0 or element.count * smallest > left):
            raise ReadError(
                path,
                f"ends early: its header claims {element.count:,} {element.name} elements, "
                f"but only {max(0, left):,} bytes are left for them",
                AGAIN,
            )
        share = 0.1 + 0.7 * index / len(elements), 0.7 / len(elements)
        if element.count >= _ROWS and not any(p.count_type for p in element.properties):
            columns, used = _many_rows(path, file, offset, element, order, job, share)
        else:
            columns, used = _binary_rows(path, np.frombuffer(view[offset:], np.uint8), element, order)
        out.setdefault(element.name, columns)
        offset += used
        job.progress(sum(share), "Reading PLY")
    return out


def _many_rows(
    path: Path,
    file: BinaryIO,
    offset: int,
    element: _Element,
    order: str,
    job: Job,
    share: tuple[float, float],
) -> tuple[_Columns, int]:
    """Rows without lists, some thousands at a time, into the arrays that the window will get."""
    out = _Columns()
    n, names = element.count, [p.name for p in element.properties]
    row = np.dtype([(f"v{i}", order + p.type) for i, p in enumerate(element.properties)])
    targets: list[Array] = []
    while len(targets) < len(names):
        first = len(targets)
        kind = element.properties[first].type
        group = next(
            (
                g
                for g in GROUPS
                if tuple(names[first : first + len(g)]) == g
                and all(p.type == kind for p in element.properties[first : first + len(g)])
            ),
            (),
        )
        if group:
            block = job.empty((n, len(group)), kind)
            out.blocks.append(block)
            targets += [block[:, i] for i in range(len(group))]
        else:
            targets.append(job.empty(n, kind))
    out.plain = dict(zip(names, targets, strict=True))
    file.seek(offset)
    for start in range(0, n, _ROWS):
        job.progress(share[0] + share[1] * start / n, "Reading PLY")
        rows = np.fromfile(file, row, min(_ROWS, n - start))
        if len(rows) < min(_ROWS, n - start):
            raise ReadError(
                path, f"ends after {start + len(rows):,} of its {n:,} {element.name} elements", AGAIN
            )
        for i, target in enumerate(targets):
            target[start : start + len(rows)] = rows[f"v{i}"]
    return out, n * row.itemsize


def _binary_rows(path: Path, data: Array, element: _Element, order: str) -> tuple[_Columns, int]:
    out = _Columns()
    n = element.count
    if n == 0:
        for p in element.properties:
            if p.count_type:
                out.lists[p.name] = (np.zeros(0, p.type), np.zeros(0, np.int64))
            else:
                out.plain[p.name] = np.zeros(0, p.type)
        return out, 0
    # If every row has lists of the same lengths as the first (nearly all files), the rows are one structure.
    lengths, at = [], 0
    for p in element.properties:
        if p.count_type:
            counter = np.dtype(order + p.count_type)
            at_end = at + counter.itemsize
            if at_end > len(data):
                raise ReadError(path, f"ends within its first {element.name}", AGAIN)
            count = int(data[at:at_end].view(counter)[0])
            if count < 0 or count * np.dtype(p.type).itemsize > len(data):
                raise ReadError(path, f"has a {element.name} list of impossible length {count}", AGAIN)
            lengths.append(count)
            at = at_end + count * np.dtype(p.type).itemsize
        else:
            lengths.append(-1)
            at += np.dtype(p.type).itemsize
    fields: list[Any] = []
    for i, (p, length) in enumerate(zip(element.properties, lengths, strict=True)):
        if length >= 0:
            fields.append((f"c{i}", order + p.count_type))
            fields.append((f"v{i}", order + p.type, (length,)))
        else:
            fields.append((f"v{i}", order + p.type))
    row = np.dtype(fields)
    if n * row.itemsize <= len(data):
        rows = data[: n * row.itemsize].view(row)
        if all((rows[f"c{i}"] == length).all() for i, length in enumerate(lengths) if length >= 0):
            for i, (p, length) in enumerate(zip(element.properties, lengths, strict=True)):
                values = np.ascontiguousarray(rows[f"v{i}"]).astype(p.type, copy=False)
                if length >= 0:
                    out.lists[p.name] = (values.reshape(-1), np.full(n, length, np.int64))
                else:
                    out.plain[p.name] = values
            return out, n * row.itemsize
    return _ragged_rows(path, data, element, order)


def _ragged_rows(path: Path, data: Array, element: _Element, order: str) -> tuple[_Columns, int]:
    """Rows whose lists differ in length: one pass finds where everything is, then whole columns are gathered."""
    raw = data.tobytes()
    byteorder: Any = "little" if order == "<" else "big"
    starts: list[list[int]] = [[] for _ in element.properties]
    counts: list[list[int]] = [[] for _ in element.properties]
    plan = [
        (i, np.dtype(p.count_type).itemsize if p.count_type else 0, np.dtype(p.type).itemsize)
        for i, p in enumerate(element.properties)
    ]
    position, end = 0, len(raw)
    for number in range(element.count):
        for i, counter, item in plan:
            if counter:
                count = int.from_bytes(raw[position : position + counter], byteorder)
                position += counter
                counts[i].append(count)
                starts[i].append(position)
                position += count * item
            else:
                starts[i].append(position)
                position += item
        if position > end:
            raise ReadError(
                path, f"ends after {number:,} of its {element.count:,} {element.name} elements", AGAIN
            )
    out = _Columns()
    for i, p in enumerate(element.properties):
        kind = np.dtype(order + p.type)
        begin = np.array(starts[i], np.int64)
        n = np.array(counts[i], np.int64) if p.count_type else np.ones(len(begin), np.int64)
        first = np.repeat(begin, n) + kind.itemsize * (np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n))
        octets = data[first[:, None] + np.arange(kind.itemsize)]
        values = np.ascontiguousarray(octets).view(kind).reshape(-1).astype(p.type, copy=False)
        if p.count_type:
            out.lists[p.name] = (values, n)
        else:
            out.plain[p.name] = values
    return out, position


def _read_ascii(path: Path, body: bytes, elements: list[_Element], job: Job) -> dict[str, _Columns]:
    for element in elements:
        if element.count * 2 * max(1, len(element.properties)) > len(body) + 1:
            raise ReadError(
                path,
                f"ends early: its header claims {element.count:,} {element.name} elements in {len(body):,} bytes",
                AGAIN,
            )
    values = numbers(body)
    job.progress(0.5, "Reading PLY")
    out: dict[str, _Columns] = {}
    offset = 0
    for element in elements:
        columns, used = _ascii_rows(path, values[offset:], element)
        out.setdefault(element.name, columns)
        offset += used
    return out


def _ascii_rows(path: Path, values: Array, element: _Element) -> tuple[_Columns, int]:
    out = _Columns()
    n = element.count
    lengths, at = [], 0
    for p in element.properties:
        if p.count_type and n:
            if at >= len(values):
                raise ReadError(path, f"ends within its first {element.name}", AGAIN)
            count = int(whole(values[at : at + 1], "list length")[0])
            if not 0 <= count <= len(values):
                raise ReadError(path, f"has a {element.name} list of impossible length {count}", AGAIN)
            lengths.append(count)
            at += 1 + count
        else:
            lengths.append(0 if p.count_type else -1)
            at += 1
    width = sum(1 if length < 0 else 1 + length for length in lengths)
    uniform = n * width <= len(values)
    if uniform:
        table = values[: n * width].reshape(n, width) if n else np.zeros((0, width))
        column = 0
        for p, length in zip(element.properties, lengths, strict=True):
            if length < 0:
                out.plain[p.name] = _cast(table[:, column], p.type)
                column += 1
            else:
                if n and not (table[:, column] == length).all():
                    uniform = False
                    break
                flat = table[:, column + 1 : column + 1 + length].reshape(-1)
                out.lists[p.name] = (_cast(flat, p.type), np.full(n, length, np.int64))
                column += 1 + length
    if uniform:
        return out, n * width
    if not any(p.count_type for p in element.properties):
        raise ReadError(
            path, f"ends after {len(values) // max(1, width):,} of its {n:,} {element.name} elements", AGAIN
        )
    return _ascii_ragged(path, values, element)


def _ascii_ragged(path: Path, values: Array, element: _Element) -> tuple[_Columns, int]:
    listed = values.tolist()
    picks: list[list[int]] = [[] for _ in element.properties]
    counts: list[list[int]] = [[] for _ in element.properties]
    position, end = 0, len(listed)
    for number in range(element.count):
        for i, p in enumerate(element.properties):
            if p.count_type:
                count = int(listed[position]) if position < end and listed[position] >= 0 else end + 1
                picks[i].append(position + 1)
                counts[i].append(count)
                position += 1 + count
            else:
                picks[i].append(position)
                position += 1
        if position > end:
            raise ReadError(
                path, f"ends after {number:,} of its {element.count:,} {element.name} elements", AGAIN
            )
    out = _Columns()
    for i, p in enumerate(element.properties):
        begin = np.array(picks[i], np.int64)
        if not p.count_type:
            out.plain[p.name] = _cast(values[begin], p.type)
            continue
        n = np.array(counts[i], np.int64)
        index = np.repeat(begin, n) + np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        out.lists[p.name] = (_cast(values[index], p.type), n)
    return out, position


def _cast(values: Array, kind: str) -> Array:
    if kind[0] in "iu":
        exact = whole(values, "value")
        limits = np.iinfo(kind)
        if exact.size and (int(exact.min()) < limits.min or int(exact.max()) > limits.max):
            raise ValueError(f"a whole number is outside the range of its type {np.dtype(kind).name}")
        return exact.astype(kind)
    return np.ascontiguousarray(values).astype(kind)


def _loaded(path: Path, columns: dict[str, _Columns], comments: list[str], space: Space) -> Loaded:
    vertex = columns.get("vertex") or columns.get("vertices") or columns.get("point")
    if vertex is None or not {"x", "y", "z"} <= set(vertex.plain):
        raise ReadError(path, "has no vertex element with x, y and z", "open a PLY file with points")
    plain = dict(vertex.plain)
    xyz = [plain.pop(axis) for axis in "xyz"]
    points = together(xyz, vertex.blocks)
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float64)
    stated = _stated(comments)
    point_attributes = _restored(attributes_of(plain, blocks=vertex.blocks), stated, Domain.POINT)
    notes: list[str] = []
    faces, face_attributes, face_notes = _faces(path, columns, stated)
    notes += face_notes
    space_comment = next((c.split("=", 1)[1] for c in comments if c.startswith("equiscope space=")), "")
    unit = next((c.split("=", 1)[1] for c in comments if c.startswith("equiscope unit=")), "")
    both = {**point_attributes, **{_face_name(k, point_attributes): a for k, a in face_attributes.items()}}
    points, both, where, said = placed(points, both, space, space_comment if space_comment == "RAS" else "")
    plain_comments = [c for c in comments if not c.startswith("equiscope ")]
    return mesh(
        path,
        points,
        faces,
        both,
        unit=unit or ("mm" if where == "RAS" else ""),
        space=where,
        warnings=notes + said,
        metadata={"comments": plain_comments} if plain_comments else {},
    )


def _faces(
    path: Path, columns: dict[str, _Columns], stated: dict[str, tuple[str, bool]]
) -> tuple[Array, dict[str, Attribute], list[str]]:
    """Triangles, attributes on them, and warnings, from `face` or `tristrips`."""
    face = columns.get("face") or columns.get("faces")
    notes: list[str] = []
    if face is not None:
        corners = face.lists.get("vertex_indices", face.lists.get("vertex_index"))
        if corners is None and face.plain.keys() >= {"vertex1", "vertex2", "vertex3"}:
            return np.stack([face.plain[f"vertex{i}"] for i in (1, 2, 3)], axis=1), {}, notes
        if corners is not None and len(corners[1]):
            triangles, source, thin = triangulate(*corners)
            if thin:
                notes.append(f"{thin:,} faces with fewer than three corners were left out.")
            attributes = _restored(attributes_of(face.plain, Domain.FACE), stated, Domain.FACE)
            if len(source) != len(corners[1]) or not np.array_equal(source, np.arange(len(source))):
                attributes = {
                    k: Attribute(a.values[source], a.transforms, a.domain, direction=a.direction)
                    for k, a in attributes.items()
                }
            return triangles, attributes, notes
    strip = columns.get("tristrips")
    if strip is not None and strip.lists:
        flat, _ = next(iter(strip.lists.values()))
        breaks = np.flatnonzero(flat == -1)
        counts = np.diff(np.concatenate([[-1], breaks, [len(flat)]])) - 1
        triangles, _ = strips(flat[flat != -1], counts)
        proper = (triangles[:, 0] != triangles[:, 1]) & (triangles[:, 1] != triangles[:, 2])
        proper &= triangles[:, 0] != triangles[:, 2]
        return triangles[proper], {}, notes
    return np.zeros((0, 3), np.int32), {}, notes


def _face_name(name: str, taken: dict[str, Attribute]) -> str:
    return f"face_{name}" if name in taken else name


def _stated(comments: list[str]) -> dict[str, tuple[str, bool]]:
    """`comment equiscope attribute DOMAIN NAME TRANSFORMS [direction]`, written by `write`."""
    out: dict[str, tuple[str, bool]] = {}
    for comment in comments:
        words = comment.split()
        if words[:2] == ["equiscope", "attribute"] and len(words) >= 5 and words[4] in set(Transforms):
            out[f"{words[2]}:{words[3]}"] = (words[4], "direction" in words[5:])
    return out


def _restored(
    attributes: dict[str, Attribute], stated: dict[str, tuple[str, bool]], domain: Domain
) -> dict[str, Attribute]:
    out = {}
    for name, a in attributes.items():
        kind, direction = stated.get(f"{domain}:{name}", (a.transforms, a.direction))
        fits = kind not in (Transforms.VECTOR, Transforms.AXIAL_VECTOR) or a.values.shape[1:] == (3,)
        allowed = kind not in (Transforms.SPHERICAL_HARMONICS, Transforms.TENSOR)
        out[name] = (
            Attribute(a.values, Transforms(kind), domain, direction=direction) if fits and allowed else a
        )
    return out
