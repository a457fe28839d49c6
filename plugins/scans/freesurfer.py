"""FreeSurfer's binary surfaces and what lies on them: curv files (old and new) and annotations.

Own parsers: nibabel takes memory for counts before it looks at the file's size, and leaves surfaces in
their own coordinates. Source of the formats: FreeSurfer's file format page and mri_surf2surf --tkrasout;
the volume geometry that follows the faces gives the way from surface RAS to scanner RAS.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, mesh, placed
from plugins.scans._errors import AGAIN, guarded, read_bytes
from plugins.scans._overlay import SurfaceFile, on_surface

Array = NDArray[Any]

_TRIANGLES, _QUADS, _NEW_QUADS = b"\xff\xff\xfe", b"\xff\xff\xff", b"\xff\xff\xfd"


def sniff(path: Path, head: bytes) -> int:
    """100 for the magic numbers of surfaces and curv files, 50 for annotations and old curv files that fit."""
    try:
        size = path.stat().st_size
    except OSError:
        return 0
    if head[:3] == _TRIANGLES:
        return 100 if b"\n" in head[3:1024] else 0
    if head[:3] == _QUADS and len(head) >= 15:
        return 100 if _is_new_curv(head, size) or _is_quad(head, size, 2) else 0
    if head[:3] == _NEW_QUADS:
        return 100 if _is_quad(head, size, 4) else 0
    if path.suffix.lower() == ".annot" and len(head) >= 4:
        return 50 if 4 + 8 * int.from_bytes(head[:4], "big", signed=True) <= size else 0
    if len(head) >= 6 and size == 6 + 2 * int.from_bytes(head[:3], "big"):
        return 50
    return 0


def read(path: Path, *, surface: SurfaceFile = None, space: Space = "auto", job: Job) -> list[Loaded]:
    """A surface in scanner RAS millimetres; an overlay together with the surface it lies on.

    Surfaces are stored in "surface RAS", whose origin is the middle of the volume they come from. Where the
    file says which volume that was, points are moved to scanner RAS; otherwise they stay, with a warning.
    For an overlay (curvature, thickness, annotation), `surface` names its surface; left empty, a surface of
    the same hemisphere with as many points is looked for in the same folder.
    """
    with guarded(path, "a FreeSurfer file"):
        data = read_bytes(path)
        job.progress(0.2, "Reading surface")
        if _is_surface_data(data):
            return [_surface(path, data, space)]
        values, metadata = _overlay(path, data)
        count = len(next(iter(values.values())).values)
        job.progress(0.5, "Looking for the surface")
        found = on_surface(
            path,
            values,
            count,
            surface,
            lambda file: _read_any_surface(file, space),
            lambda file: _is_surface_data(_head(file)) or file.name.lower().endswith((".gii", ".gii.gz")),
        )
        return [
            Loaded(
                found.name,
                found.data,
                found.warnings,
                {**found.metadata, **metadata},
                display=dict(found.display),
            )
        ]


def _read_any_surface(path: Path, space: Space) -> Loaded:
    data = read_bytes(path)
    if _is_surface_data(data):
        return _surface(path, data, space)
    if path.name.lower().endswith((".gii", ".gii.gz")):
        from plugins.scans.gifti import read_surface

        return read_surface(path, space)
    raise ReadError(path, "is no surface", "choose a FreeSurfer or GIFTI surface")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            start = file.read(64)
        # Sizes matter to tell quad surfaces from curv files: pad to the true length without reading it.
        return start if start[:3] == _TRIANGLES else path.read_bytes()
    except OSError:
        return b""


def _is_surface_data(data: bytes) -> bool:
    if data[:3] == _TRIANGLES:
        return True
    if data[:3] == _QUADS:
        return not _is_new_curv(data, len(data)) and _is_quad(data, len(data), 2)
    return data[:3] == _NEW_QUADS and _is_quad(data, len(data), 4)


def _is_new_curv(head: bytes, size: int) -> bool:
    if len(head) < 15:
        return False
    n, _, per = (int(v) for v in np.frombuffer(head, ">i4", 3, 3))
    return n > 0 and per > 0 and size >= 15 + 4 * n * per and size <= 15 + 4 * n * per + 4096


def _is_quad(head: bytes, size: int, width: int) -> bool:
    if len(head) < 9:
        return False
    n, m = int.from_bytes(head[3:6], "big"), int.from_bytes(head[6:9], "big")
    return n > 0 and size >= 9 + 3 * width * n + 12 * m


def _surface(path: Path, data: bytes, space: Space) -> Loaded:
    if data[:3] == _TRIANGLES:
        points, faces, end = _triangles(path, data)
    else:
        points, faces, end = _quads(data)
    tail = data[end:]
    matrix, volume, said = _to_scanner(tail)
    if matrix is not None:
        points = (points.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
        if np.linalg.det(matrix[:3, :3]) < 0:
            faces = faces[:, ::-1]
    stated = "RAS"
    points, _, where, more = placed(points, {}, space, "", stated)
    metadata: dict[str, Any] = {"coordinates": "scanner RAS" if not said else "surface RAS"}
    if volume:
        metadata["volume"] = volume
    return mesh(
        path, points, faces, name=path.name, unit="mm", space=where, warnings=said + more, metadata=metadata
    )


def _triangles(path: Path, data: bytes) -> tuple[Array, Array, int]:
    end = data.find(b"\n", 3, 4096)
    if end < 0:
        raise ReadError(path, "ends within its first line", AGAIN)
    position = end + 1
    if data[position : position + 1] == b"\n":  # the comment is followed by a second, empty line
        position += 1
    if len(data) < position + 8:
        raise ReadError(path, "ends before its first point", AGAIN)
    n, m = (int(v) for v in np.frombuffer(data, ">i4", 2, position))
    position += 8
    if n < 0 or m < 0 or 12 * (n + m) > len(data) - position:
        raise ReadError(
            path, f"ends early: {n:,} points and {m:,} faces are claimed in {len(data):,} bytes", AGAIN
        )
    points = np.frombuffer(data, ">f4", 3 * n, position).reshape(n, 3).astype(np.float32)
    faces = np.frombuffer(data, ">i4", 3 * m, position + 12 * n).reshape(m, 3).astype(np.int32)
    return points, faces, position + 12 * (n + m)


def _quads(data: bytes) -> tuple[Array, Array, int]:
    """The oldest surfaces: pairs of triangles stored as quads, split the way FreeSurfer splits them."""
    width = 2 if data[:3] == _QUADS else 4
    points: Array
    n, m = int.from_bytes(data[3:6], "big"), int.from_bytes(data[6:9], "big")
    if width == 2:
        points = np.frombuffer(data, ">i2", 3 * n, 9).reshape(n, 3).astype(np.float32) / 100
    else:
        points = np.frombuffer(data, ">f4", 3 * n, 9).reshape(n, 3).astype(np.float32)
    begin = 9 + 3 * width * n
    octets = np.frombuffer(data, np.uint8, 12 * m, begin).reshape(-1, 3).astype(np.int64)
    quads = (octets[:, 0] * 65536 + octets[:, 1] * 256 + octets[:, 2]).reshape(m, 4)
    even = quads[:, :1] % 2 == 0
    first = np.where(even, quads[:, [0, 1, 3]], quads[:, [0, 1, 2]])
    second = np.where(even, quads[:, [2, 3, 1]], quads[:, [0, 2, 3]])
    return points, np.stack([first, second], axis=1).reshape(-1, 3), begin + 12 * m


def _to_scanner(tail: bytes) -> tuple[Array | None, str, list[str]]:
    """The matrix surface RAS -> scanner RAS from the geometry behind the faces, the volume's name, warnings."""
    unknown = ["The file does not say which volume it belongs to: coordinates are FreeSurfer's surface RAS."]
    if tail[:4] == b"\0\0\0\2" and tail[4:8] == b"\0\0\0\1":  # TAG_USEREALRAS
        return np.eye(4), "", []
    text = tail.decode("latin-1")
    fields = {k: v.strip() for k, v in re.findall(r"^\W*(\w+)\s*=\s*([^\n#]*)", text, re.MULTILINE)}
    if not fields.get("valid", "").startswith("1") or "cras" not in fields:
        return None, "", unknown
    try:
        axes = np.array([[float(v) for v in fields[k].split()] for k in ("xras", "yras", "zras")]).T
        center = np.array([float(v) for v in fields["cras"].split()])
        spacing = np.array([float(v) for v in fields["voxelsize"].split()])
        shape = np.array([float(v) for v in fields["volume"].split()])
    except (KeyError, ValueError):
        return None, "", unknown
    usable = axes.shape == (3, 3) and center.shape == spacing.shape == shape.shape == (3,)
    if not usable or not np.isfinite(np.concatenate([axes.ravel(), center, spacing, shape])).all():
        return None, "", unknown
    if abs(np.linalg.det(axes * spacing)) < 1e-9:
        return None, "", unknown
    scanner = np.eye(4)
    scanner[:3, :3] = axes * spacing
    scanner[:3, 3] = center - scanner[:3, :3] @ (shape / 2)
    surface = np.eye(4)
    surface[:3, :3] = np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0]]) * spacing
    surface[:3, 3] = -surface[:3, :3] @ (shape / 2)
    matrix: Array = scanner @ np.linalg.inv(surface)
    return matrix, Path(fields.get("filename", "")).name, []


def _overlay(path: Path, data: bytes) -> tuple[dict[str, Attribute], dict[str, Any]]:
    if data[:3] == _QUADS and _is_new_curv(data, len(data)):
        n, _, per = (int(v) for v in np.frombuffer(data, ">i4", 3, 3))
        values: Array = np.frombuffer(data, ">f4", n * per, 15).astype(np.float32)
        shaped = values if per == 1 else values.reshape(n, per)
        kind = Transforms.SCALAR if per == 1 else Transforms.UNKNOWN
        return {_overlay_name(path): Attribute(shaped, kind)}, {}
    n = int.from_bytes(data[:3], "big")
    if len(data) >= 6 and len(data) == 6 + 2 * n and n and path.suffix.lower() != ".annot":
        values = np.frombuffer(data, ">i2", n, 6).astype(np.float32) / 100
        return {_overlay_name(path): Attribute(values, Transforms.SCALAR)}, {}
    if path.suffix.lower() == ".annot":
        return _annotation(path, data)
    raise ReadError(
        path,
        "is neither a complete FreeSurfer surface nor an overlay",
        "copy the file again or check its kind",
    )


def _overlay_name(path: Path) -> str:
    """lh.thickness -> thickness."""
    name = path.name
    return name[3:] if name[:3].lower() in ("lh.", "rh.") and len(name) > 3 else name


def _annotation(path: Path, data: bytes) -> tuple[dict[str, Attribute], dict[str, Any]]:
    n = int.from_bytes(data[:4], "big", signed=True)
    if n <= 0 or 4 + 8 * n > len(data):
        raise ReadError(path, f"ends early: {n:,} labels are claimed in {len(data):,} bytes", AGAIN)
    pairs = np.frombuffer(data, ">i4", 2 * n, 4).reshape(n, 2).astype(np.int64)
    if (pairs[:, 0] < 0).any() or (pairs[:, 0] >= n).any():
        raise ReadError(path, "labels a point that does not exist", AGAIN)
    codes = np.zeros(n, np.int64)
    codes[pairs[:, 0]] = pairs[:, 1]
    names, colors = _color_table(path, data, 4 + 8 * n)
    keys = np.array([r + (g << 8) + (b << 16) for r, g, b in colors], np.int64)
    labels = np.full(n, -1, np.int32)
    if len(keys):
        order = np.argsort(keys, kind="stable")
        at = np.clip(np.searchsorted(keys[order], codes), 0, len(keys) - 1)
        hit = keys[order][at] == codes
        labels[hit] = order[at][hit]
        kind = Attribute(labels, Transforms.LABEL)
    else:
        kind = Attribute(codes.astype(np.int32), Transforms.LABEL)
    name = re.sub(r"\.annot$", "", _overlay_name(path), flags=re.IGNORECASE)
    octets = np.stack([codes & 255, (codes >> 8) & 255, (codes >> 16) & 255], axis=1).astype(np.uint8)
    out = {name: kind, "rgb": Attribute(octets, Transforms.SCALAR)}
    return out, {"labels": names, "label_colors": [list(c) for c in colors]}


def _color_table(path: Path, data: bytes, position: int) -> tuple[list[str], list[tuple[int, int, int]]]:
    """Names and colours; empty where the file has no table."""

    def integer() -> int:
        nonlocal position
        if position + 4 > len(data):
            raise ReadError(path, "ends within its table of labels", AGAIN)
        value = int.from_bytes(data[position : position + 4], "big", signed=True)
        position += 4
        return value

    def text() -> str:
        nonlocal position
        length = integer()
        if not 0 <= length <= len(data) - position:
            raise ReadError(path, "ends within its table of labels", AGAIN)
        raw = data[position : position + length]
        position += length
        return raw.split(b"\0")[0].decode("utf-8", "replace")

    if position + 8 > len(data) or integer() != 1:
        return [], []
    first = integer()
    numbered = first < 0
    if numbered:
        size = integer()  # room for entries; how many follow comes after the name of the original table
        text()
        entries = integer()
    else:
        size = entries = first
        text()
    if not 0 <= entries <= (len(data) - position) // 20 + 1 or not 0 <= size <= 1 << 20:
        raise ReadError(path, f"claims {entries:,} labels, more than fit into the file", AGAIN)
    names = [""] * size
    colors = [(0, 0, 0)] * size
    for i in range(entries):
        index = integer() if numbered else i
        if not 0 <= index < size:
            raise ReadError(path, f"has a label with the impossible number {index}", AGAIN)
        names[index] = text()
        r, g, b, _ = (integer() & 255 for _ in range(4))
        colors[index] = (r, g, b)
    return names, colors
