"""OBJ: Wavefront's text format, its polygonal part.

Own parser: trimesh splits points at texture seams and drops groups, so counts and indices would not be
those of the file. Materials are not read; colours are, where they stand beside the coordinates.
Source of the format: Wavefront, "Advanced Visualizer Manual", appendix B1.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, colors, mesh, normals, placed, triangulate
from plugins.scans._errors import AGAIN, guarded, read_bytes
from plugins.scans._numbers import numbers, whole

Array = NDArray[Any]

_IGNORED = {b"l": "lines", b"p": "point elements", b"curv": "curves", b"surf": "free-form surfaces"}


def sniff(path: Path, head: bytes) -> int:
    """50 for a file called .obj that has a `v x y z` line in sight; 10 for the name with other OBJ words."""
    if path.suffix.lower() != ".obj" or b"\0" in head:
        return 0
    if re.search(rb"^[ \t]*v[ \t]+[-+.\d]", head, re.MULTILINE):
        return 50
    return 10 if re.search(rb"^[ \t]*(o|g|vn|vt|f|mtllib|usemtl)[ \t]", head, re.MULTILINE) else 0


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """An OBJ file as one mesh; without faces, a point cloud.

    Negative indices count back from the line they stand on. Polygons become triangle fans. Groups (or
    objects, where there are no groups) become the face label `group`, named in the metadata. Normals and
    texture coordinates are kept where each point has one; where a seam or hard edge gives a point several,
    they are left out.
    """
    with guarded(path, "an OBJ file"):
        data = read_bytes(path)
        if b"\0" in data:
            raise ReadError(path, "is not text, as an OBJ file has to be", "check what kind of file it is")
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\\\n" in data:
            data = data.replace(b"\\\n", b" ")
        if b"#" in data:
            data = re.sub(rb"#[^\n]*", b"", data)
        lines: dict[bytes, tuple[list[int], list[bytes]]] = {}
        for number, line in enumerate(data.split(b"\n")):
            parts = line.split(None, 1)
            if not parts:
                continue
            numbers_of, bodies = lines.setdefault(parts[0], ([], []))
            numbers_of.append(number)
            bodies.append(parts[1] if len(parts) > 1 else b"")
        job.progress(0.3, "Reading points")
        points, attributes = _vertices(path, *lines.get(b"v", ([], [])))
        faces, more, notes, metadata = _faces(path, lines, len(points), job)
        notes += [f"{label.capitalize()} were left out." for word, label in _IGNORED.items() if word in lines]
        both = {**attributes, **more}
        points, both, where, said = placed(points, both, space)
        return [
            mesh(
                path,
                points,
                faces,
                both,
                space=where,
                unit="mm" if where else "",
                warnings=notes + said,
                metadata=metadata,
                # The format says nothing; nearly every program that writes it means y.
                display={"up": "y"},
            )
        ]


def _table(path: Path, bodies: list[bytes], what: str, least: int) -> Array:
    """(n, c) numbers, c the width of the narrowest line (a fourth weight may stand on some lines only)."""
    values = numbers(b" ".join(bodies))
    n = len(bodies)
    if n and len(values) % n == 0 and len(values) // n >= least:
        width = len(bodies[0].split())
        if width * n == len(values) and (width == least or all(len(b.split()) == width for b in bodies)):
            return values.reshape(n, width)
    widths = np.array([len(b.split()) for b in bodies], np.int64)
    if n and widths.min() < least:
        bad = int(np.argmin(widths))
        raise ReadError(path, f"has a {what} (number {bad + 1}) with fewer than {least} numbers", AGAIN)
    starts = np.cumsum(widths) - widths
    width = int(widths.min()) if n else least
    return values[starts[:, None] + np.arange(width)] if n else np.zeros((0, least))


def _vertices(path: Path, _lines: list[int], bodies: list[bytes]) -> tuple[Array, dict[str, Attribute]]:
    if not bodies:
        raise ReadError(path, "has no points (no lines that begin with v)", "check what kind of file it is")
    table = _table(path, bodies, "point", 3)
    attributes = {}
    if table.shape[1] >= 6:
        attributes["rgb"] = colors(table[:, 3:6])
    return table[:, :3].copy(), attributes


def _faces(
    path: Path, lines: dict[bytes, tuple[list[int], list[bytes]]], n_points: int, job: Job
) -> tuple[Array, dict[str, Attribute], list[str], dict[str, Any]]:
    attributes: dict[str, Attribute] = {}
    notes: list[str] = []
    metadata: dict[str, Any] = {}
    at, bodies = lines.get(b"f", lines.get(b"fo", ([], [])))
    vn = _table(path, lines[b"vn"][1], "normal", 3)[:, :3] if b"vn" in lines else np.zeros((0, 3))
    vt = _table(path, lines[b"vt"][1], "texture coordinate", 1) if b"vt" in lines else np.zeros((0, 2))
    if not bodies:
        if len(vn) == n_points:
            attributes["normals"] = normals(vn)
        return np.zeros((0, 3), np.int64), attributes, notes, metadata
    words = [body.split() for body in bodies]
    counts = np.array([len(w) for w in words], np.int64)
    corners = _corners(path, [c for w in words for c in w])
    job.progress(0.6, "Reading faces")
    face_lines = np.repeat(np.array(at, np.int64), counts)
    for column, word in enumerate((b"v", b"vt", b"vn")):
        negative = corners[:, column] < 0
        if negative.any():
            so_far = np.searchsorted(np.array(lines.get(word, ([], []))[0], np.int64), face_lines[negative])
            corners[negative, column] += so_far + 1
            if (corners[negative, column] < 1).any():
                raise ReadError(path, "has a face that counts back beyond the first point", AGAIN)
    if (corners[:, 0] == 0).any():
        raise ReadError(path, "has a face that refers to point 0; OBJ counts from 1", AGAIN)
    v = corners[:, 0] - 1
    if int(v.max()) >= n_points:
        raise ReadError(
            path, f"has a face that refers to point {int(v.max()) + 1} of its {n_points} points", AGAIN
        )
    triangles, source, thin = triangulate(v, counts)
    if thin:
        notes.append(f"{thin:,} faces with fewer than three corners were left out.")
    lost = []
    if len(vn):
        values = _per_point(v, corners[:, 2] - 1, vn, n_points)
        if values is not None:
            attributes["normals"] = normals(values)
        else:
            lost.append("normals")
    if len(vt) and vt.shape[1] >= 2:
        values = _per_point(v, corners[:, 1] - 1, vt[:, :2], n_points)
        if values is not None:
            attributes["uv"] = Attribute(values, Transforms.SCALAR)
        else:
            lost.append("texture coordinates")
    if lost:
        metadata["left_out"] = [f"{name} (several at one point)" for name in lost]
    names, labels = _groups(lines, np.array(at, np.int64))
    if len(names) > 1:
        attributes["group"] = Attribute(labels[source], Transforms.LABEL, Domain.FACE)
        metadata["groups"] = names
    return triangles, attributes, notes, metadata


def _corners(path: Path, words: list[bytes]) -> Array:
    """(k, 3) point, texture and normal index of each corner as written; 0 where there is none."""
    text = b" ".join(words)
    k = len(words)
    slashes = text.count(b"/")
    doubles = text.count(b"//")
    if slashes == 0:
        flat = whole(numbers(text))
        if len(flat) == k:
            return np.stack([flat, np.zeros_like(flat), np.zeros_like(flat)], axis=1)
    elif doubles == k and slashes == 2 * k and all(w.count(b"//") == 1 for w in words[:8]):
        flat = whole(numbers(text.replace(b"//", b" ")))
        if len(flat) == 2 * k and all(w.count(b"//") == 1 for w in words):
            pairs = flat.reshape(k, 2)
            return np.stack([pairs[:, 0], np.zeros(k, np.int64), pairs[:, 1]], axis=1)
    elif doubles == 0 and slashes in (k, 2 * k):
        per = slashes // k
        if all(w.count(b"/") == per and w[-1:] != b"/" and w[:1] != b"/" for w in words):
            flat = whole(numbers(text.replace(b"/", b" "))).reshape(k, per + 1)
            return flat if per == 2 else np.concatenate([flat, np.zeros((k, 1), np.int64)], axis=1)
    out = np.zeros((k, 3), np.int64)
    for row, word in enumerate(words):
        for column, part in enumerate(word.split(b"/")[:3]):
            if part:
                out[row, column] = int(part)
            elif column == 0:
                raise ReadError(path, "has a face corner without a point", AGAIN)
    return out


def _per_point(v: Array, index: Array, values: Array, n: int) -> Array | None:
    """`values` by point where every point has exactly one, else None."""
    if (index < 0).all():
        return values.copy() if len(values) == n else None
    if (index < 0).any() or int(index.max()) >= len(values):
        return None
    out = np.zeros((n, values.shape[1]))
    out[v] = values[index]
    seen = np.zeros(n, bool)
    seen[v] = True
    return out if seen.all() and np.array_equal(out[v], values[index]) else None


def _groups(lines: dict[bytes, tuple[list[int], list[bytes]]], face_lines: Array) -> tuple[list[str], Array]:
    """Names, and for each face the number of its group (or object)."""
    at, bodies = lines.get(b"g", ([], []))
    if len({b.strip() for b in bodies}) < 2 and b"o" in lines:
        at, bodies = lines[b"o"]
    names = [""] + [b.decode("utf-8", "replace").strip() for b in bodies]
    which = np.searchsorted(np.array(at, np.int64), face_lines, side="right")
    used: dict[str, int] = {}
    table = np.array([used.setdefault(name, len(used)) for name in names], np.int32)
    labels = table[which]
    present, compact = np.unique(labels, return_inverse=True)
    ordered = list(used)
    return [ordered[i] for i in present], compact.astype(np.int32)
