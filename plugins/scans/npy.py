"""NPY and NPZ arrays as point clouds and meshes. Pickled objects are never loaded."""

from __future__ import annotations

import io
import tokenize
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, cloud, colors, mesh, normals, placed
from plugins.scans._errors import AGAIN, guarded, size_of

Array = NDArray[Any]

_NPY_SHAPES = "save an array of shape (n, 3), (n, 4), (n, 6) or wider: x, y, z and further columns"
_NPZ_KEYS = "save an array 'points' of shape (n, 3), and perhaps 'faces' (m, 3), 'normals', 'rgb'"
_POINTS = ("points", "vertices", "verts", "xyz", "pos", "positions")
_FACES = ("faces", "triangles")


def sniff(path: Path, head: bytes) -> int:
    """60 for (n, 3) or (n, 6) floats in an NPY file, or an NPZ file with such points; else 0."""
    try:
        if head[:6] == b"\x93NUMPY":
            return 60 if _fits(*_header(io.BytesIO(head))) else 0
        if head[:4] == b"PK\x03\x04" and path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                members = {n[:-4]: n for n in archive.namelist() if n.endswith(".npy")}
                key = next((k for k in _POINTS if k in members), None)
                if key is None:
                    return 0
                with archive.open(members[key]) as member:
                    shape, dtype = _header(member)  # type: ignore[arg-type]
                return 60 if _fits(shape, dtype) and shape[1] == 3 else 0
    except Exception:  # zipfile and NumPy's headers fail in a dozen ways on damaged bytes
        return 0
    return 0


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """An NPY array (n, ≥3) as a point cloud, or an NPZ file with `points` (and `faces`) as cloud or mesh.

    NPY columns four to six are normals where they have unit length, colours where they are whole numbers up
    to 255, otherwise of unknown behaviour; a single fourth column is a scalar.
    """
    with guarded(path, "a NumPy file"):
        size = size_of(path)
        with path.open("rb") as file:
            magic = file.read(6)
            file.seek(0)
            if magic == b"\x93NUMPY":
                array = _array(path, file, size, "The array")
                job.progress(0.7, "Reading array")
                return [_from_table(path, array, space)]
        if magic[:4] == b"PK\x03\x04":
            return [_from_archive(path, size, space, job)]
        raise ReadError(path, "is neither an NPY nor an NPZ file", "check what kind of file it is")


def _header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    shape, _, dtype = _parsed(file)
    return shape, dtype


def _parsed(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, Fortran order, dtype). NumPy's parser speaks of syntax trees where a header is damaged."""
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            return np.lib.format.read_array_header_1_0(file)
        return np.lib.format.read_array_header_2_0(file)
    except (SyntaxError, ValueError, TypeError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise ValueError("the header of an array is damaged") from error


def _fits(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    return len(shape) == 2 and shape[0] >= 3 and shape[1] in (3, 6) and dtype.kind == "f"


def _array(path: Path, file: BinaryIO, size: int, what: str) -> Array:
    """One NPY stream of at most `size` bytes; the claimed shape is checked before memory is taken."""
    shape, fortran, dtype = _parsed(file)
    if dtype.hasobject or dtype.kind not in "biuf":
        raise ReadError(path, f"holds {dtype} values, not plain numbers", "save plain numbers")
    count = 1
    for length in shape:
        count *= int(length)
    if min(shape, default=0) < 0 or count * dtype.itemsize > size:
        raise ReadError(
            path, f"ends early: shape {shape} of {dtype} needs {count * dtype.itemsize:,} bytes", AGAIN
        )
    raw = file.read(count * dtype.itemsize)
    if len(raw) != count * dtype.itemsize:
        raise ReadError(
            path, f"ends after {len(raw):,} of its {count * dtype.itemsize:,} bytes of numbers", AGAIN
        )
    flat = np.frombuffer(raw, dtype)
    array = flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _from_table(path: Path, array: Array, space: Space) -> Loaded:
    if array.ndim != 2 or array.shape[1] < 3:
        raise ReadError(
            path, f"holds an array of shape {array.shape}, which is no list of points", _NPY_SHAPES
        )
    if array.dtype.kind not in "iuf":
        raise ReadError(path, f"holds {array.dtype} values, which are no coordinates", _NPY_SHAPES)
    points, rest = np.ascontiguousarray(array[:, :3]), array[:, 3:]
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float32 if points.dtype == np.float16 else np.float64)
    attributes: dict[str, Attribute] = {}
    notes: list[str] = []
    if rest.shape[1] == 3:
        low, high = np.nanmin(rest, initial=0), np.nanmax(rest, initial=0)
        lengths = np.linalg.norm(rest.astype(np.float64), axis=1)
        if np.isfinite(lengths).all() and (abs(lengths - 1) < 0.02).mean() > 0.99:
            attributes["normals"] = normals(rest)
        elif 1 < high <= 255 and low >= 0 and (rest == np.rint(rest)).all():
            attributes["rgb"] = colors(rest.astype(np.uint8))
    if rest.shape[1] == 1:
        attributes["column_4"] = Attribute(rest[:, 0].copy(), Transforms.SCALAR)
    elif rest.shape[1] and not attributes:
        attributes[f"columns_4_{3 + rest.shape[1]}"] = Attribute(rest.copy(), Transforms.UNKNOWN)
        notes.append(f"Nothing says what columns 4 to {3 + rest.shape[1]} are.")
    points, attributes, where, said = placed(points, attributes, space)
    return cloud(path, points, attributes, space=where, unit="mm" if where else "", warnings=notes + said)


def _from_archive(path: Path, size: int, space: Space, job: Job) -> Loaded:
    arrays: dict[str, Array] = {}
    texts: dict[str, str] = {}
    with zipfile.ZipFile(path) as archive:
        members = {i.filename[:-4]: i for i in archive.infolist() if i.filename.endswith(".npy")}
        if not any(k in members for k in (*_POINTS,)):
            listed = ", ".join(sorted(members)[:8]) or "nothing"
            raise ReadError(path, f"has no array of points (it holds {listed})", _NPZ_KEYS)
        for name, member in members.items():
            # Deflate packs at most 1032 : 1, so a larger claim is a lie.
            if member.file_size > 1032 * max(1, member.compress_size) + 1024 or member.compress_size > size:
                raise ReadError(path, f"claims an impossible size for its array {name!r}", AGAIN)
            with archive.open(member) as file:
                if name == "equiscope":
                    texts = _texts(file.read(1 << 20))
                elif _is_plain(path, member):
                    arrays[name] = _array(path, file, member.file_size, name)  # type: ignore[arg-type]
            job.progress(0.1 + 0.8 * len(arrays) / len(members), f"Reading {name}")
    key = next((k for k in _POINTS if k in arrays), "")
    points = arrays.pop(key, np.zeros((0, 0)))
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "iuf":
        raise ReadError(path, f"has points of shape {points.shape} and type {points.dtype}", _NPZ_KEYS)
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float64)
    points = np.ascontiguousarray(points)
    face_key = next((k for k in _FACES if k in arrays), "")
    faces = arrays.pop(face_key, np.zeros((0, 3), np.int32))
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise ReadError(path, f"has faces of shape {faces.shape} and type {faces.dtype}", _NPZ_KEYS)
    attributes, skipped = _attributes(arrays, len(points), len(faces), texts)
    notes = [f"Array {name!r} was left out: it has no value for each point or face." for name in skipped]
    stated = "RAS" if texts.get("space") == "RAS" else ""
    points, attributes, where, said = placed(points, attributes, space, stated)
    unit = texts.get("unit", "") or ("mm" if where else "")
    return mesh(path, points, faces, attributes, unit=unit, space=where, warnings=notes + said)


def _is_plain(path: Path, member: zipfile.ZipInfo) -> bool:
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        _, dtype = _header(file)  # type: ignore[arg-type]
    return not dtype.hasobject and dtype.kind in "biuf"


def _texts(raw: bytes) -> dict[str, str]:
    """The JSON text that `write` stores as an array of bytes: unit, space and what each attribute is."""
    import json

    stream = io.BytesIO(raw)
    _header(stream)
    parsed = json.loads(stream.read().decode())
    return {str(k): str(v) for k, v in parsed.items()} if isinstance(parsed, dict) else {}


def _attributes(
    arrays: dict[str, Array], n: int, m: int, texts: dict[str, str]
) -> tuple[dict[str, Attribute], list[str]]:
    out: dict[str, Attribute] = {}
    skipped: list[str] = []
    for name, values in arrays.items():
        domain, kind, degree, direction = _stated(texts.get(f"attribute {name}", ""))
        if domain is None:
            length = len(values) if values.ndim else -1
            if length not in (n, m) or length == 0:
                skipped.append(name)
                continue
            domain = Domain.POINT if length == n else Domain.FACE
            if name in ("normals", "normal") and values.shape[1:] == (3,):
                out["normals"] = normals(values, domain)
                continue
            if name in ("rgb", "colors", "colours", "color") and values.shape[1:] in ((3,), (4,)):
                out["rgb"] = colors(values, domain)
                continue
            if (
                name in ("labels", "label", "classification")
                and values.ndim == 1
                and values.dtype.kind in "iu"
            ):
                kind = Transforms.LABEL
            else:
                kind = Transforms.SCALAR if values.ndim == 1 else Transforms.UNKNOWN
        if domain is not Domain.OBJECT and (
            not values.ndim or len(values) != (n if domain is Domain.POINT else m)
        ):
            skipped.append(name)
            continue
        out[name] = Attribute(values, kind, domain, degree, direction=direction)
    return out, skipped


def _stated(text: str) -> tuple[Domain | None, Transforms, int | None, bool]:
    words = text.split()
    if len(words) < 4 or words[0] not in set(Domain) or words[1] not in set(Transforms):
        return None, Transforms.UNKNOWN, None, False
    degree = int(words[2]) if words[2].isdigit() else None
    return Domain(words[0]), Transforms(words[1]), degree, words[3] == "direction"
