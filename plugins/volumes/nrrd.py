"""NRRD volumes, attached (`.nrrd`) and detached (`.nhdr`). Header by pynrrd, values read here.

Reference: "Definition of NRRD File Format", teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.data import Loaded, Transforms
from core.errors import ReadError
from core.geometry import LPS_TO_RAS
from core.jobs import Job
from plugins.volumes._build import Array, LastAxis, make_volume
from plugins.volumes._files import brief, claim, explained, opened, regular, stem
from plugins.volumes._rawdata import beside, read_values

_SPACES = {
    "right-anterior-superior": np.eye(4),
    "ras": np.eye(4),
    "left-anterior-superior": np.diag([-1.0, 1.0, 1.0, 1.0]),
    "las": np.diag([-1.0, 1.0, 1.0, 1.0]),
    "left-posterior-superior": LPS_TO_RAS,
    "lps": LPS_TO_RAS,
}
_MILLIMETRES = {
    "mm": 1.0,
    "millimeter": 1.0,
    "millimetre": 1.0,
    "um": 1e-3,
    "µm": 1e-3,
    "microns": 1e-3,
    "cm": 10.0,
    "m": 1e3,
}
_COLOURS = {"rgb-color", "rgba-color", "3-color", "4-color"}
_VECTORS = {"vector", "covariant-vector", "normal", "3-vector", "3-gradient", "3-normal", "2-vector"}
_MOST_LINES = 100_000
_SPATIAL = {"domain", "space"}


def sniff(path: Path, head: bytes) -> int:
    """100 for the magic "NRRD000", 0 otherwise."""
    return 100 if head[:7] == b"NRRD000" else 0


def read(path: Path, *, job: Job) -> list[Loaded]:
    """Read one NRRD volume of two to four axes; the axis that is not space becomes the last."""
    path = Path(path)
    with explained(path, "NRRD file"), opened(path) as (stream, _):
        if stream.read(7) != b"NRRD000":
            raise ReadError(path, "has no NRRD header", "open the original file, or rename it to what it is")
        stream.seek(0)
        header = _header(path, stream)
        sizes = [int(n) for n in header["sizes"]]
        if len(sizes) != int(header["dimension"]) or not 1 <= len(sizes) <= 5 or min(sizes) < 1:
            text = " × ".join(map(str, sizes))
            raise ReadError(path, f"claims a grid of {text}", "copy or export it again")
        flat = _values(path, stream, header, sizes, job)
        array = flat.reshape(sizes, order="F")
        return [_loaded(path, header, array)]


def _header(path: Path, stream: BinaryIO) -> dict[str, Any]:
    import warnings

    import nrrd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = dict(nrrd.read_header(_header_lines(path, stream)))
        except nrrd.NRRDError as error:
            raise ReadError(
                path, f"has a damaged header ({brief(error)})", "copy or export it again"
            ) from error
    for key in ("type", "dimension", "encoding", "sizes"):
        if key not in header:
            raise ReadError(path, f"has a header without {key!r}", "copy or export it again")
    return header


def _header_lines(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """Lines up to the blank one behind which values begin, or up to a list of data files, which pynrrd cannot parse."""
    for _ in range(_MOST_LINES):
        line = stream.readline(1 << 20)
        yield line
        if not line.strip():
            return
        if line.replace(b" ", b"").lower().startswith((b"datafile:list", b"datafile=list")):
            return
    raise ReadError(path, "has a header without end", "copy or export it again")


def _values(path: Path, stream: BinaryIO, header: dict[str, Any], sizes: list[int], job: Job) -> Array:
    import nrrd.reader

    if header["type"] == "block":
        raise ReadError(path, "has values of opaque blocks", "export it with plain numbers")
    dtype = np.dtype(nrrd.reader._determine_datatype(header))
    count = 1
    for n in sizes:
        count *= n
    files = _data_files(path, header)
    if files is None:
        return _one_file(path, stream, header, dtype, count, job)
    if count % len(files):
        raise ReadError(path, f"spreads its values over {len(files)} files unevenly", "export it again")
    parts = []
    for name in files:
        data_path = beside(path, name)
        with explained(data_path, "NRRD data file"), data_path.open("rb") as other:
            parts.append(_one_file(data_path, other, header, dtype, count // len(files), job))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _data_files(path: Path, header: dict[str, Any]) -> list[str] | None:
    """The names of detached values in order; None where the values follow the header."""
    name = header.get("data file", header.get("datafile"))
    if name is None:
        return None
    if isinstance(name, (list, tuple)):
        return [str(n) for n in name]
    words = str(name).split()
    if words and words[0] == "LIST":
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        at = next(
            (i for i, line in enumerate(lines) if line.replace(" ", "").lower().startswith("datafile:")), -1
        )
        return [line.strip() for line in lines[at + 1 :] if line.strip()]
    if len(words) in (4, 5) and "%" in words[0]:
        first, last, step = (int(w) for w in words[1:4])
        if step == 0 or abs(last - first) // abs(step) > 1_000_000:
            raise ReadError(path, "names its values by a pattern without end", "export it again")
        numbers = range(first, last + (1 if step > 0 else -1), step)
        return [words[0] % n for n in numbers]
    return [str(name)]


def _one_file(
    path: Path, stream: BinaryIO, header: dict[str, Any], dtype: np.dtype[Any], count: int, job: Job
) -> Array:
    encoding = str(header["encoding"]).lower()
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    for _ in range(min(lines, 1_000_000)):
        if not stream.readline(1 << 20):
            break
    jump = int(header.get("byte skip", header.get("byteskip", 0)))
    if jump == -1 and encoding == "raw":
        stream.seek(max(0, regular(path) - count * dtype.itemsize))
    elif jump > 0 and encoding == "raw":
        stream.seek(jump, 1)
    if encoding in ("raw", "gzip", "gz", "bzip2", "bz2"):
        compression = {"raw": "", "gzip": "deflate", "gz": "deflate"}.get(encoding, "bzip2")
        if compression and jump > 0:
            raise ReadError(path, "skips bytes inside compressed values", "export it again")
        return read_values(stream, path, dtype, count, compression=compression, job=job)
    if encoding in ("ascii", "text", "txt"):
        # The shortest number and its space take two bytes.
        claim(path, count, regular(path))
        values = np.array(stream.read().split(), dtype=dtype.newbyteorder("="))
        if values.size != count:
            raise ReadError(path, f"holds {values.size} of its {count} values", "copy the file again")
        return values
    if encoding == "hex":
        claim(path, 2 * count * dtype.itemsize, regular(path))
        text = b"".join(stream.read().split())
        return np.frombuffer(bytes.fromhex(text.decode("ascii")), dtype=dtype)[:count]
    raise ReadError(path, f"has values in an unknown encoding ({encoding})", "save it as raw or gzip")


def _loaded(path: Path, header: dict[str, Any], array: Array) -> Loaded:
    warnings: list[str] = []
    kinds = [str(k).lower() for k in header.get("kinds", [])] or ["???"] * array.ndim
    directions = header.get("space directions")
    rows = (
        [None if r is None else np.asarray(r, dtype=float) for r in directions]
        if directions is not None
        else None
    )
    if rows is not None:
        # A time axis is "none", or in four-dimensional spaces a vector along the fourth direction only.
        rows = [None if r is None or not np.isfinite(r).all() or not np.any(r[:3]) else r for r in rows]
        spatial = [i for i in range(array.ndim) if i < len(rows) and rows[i] is not None]
    else:
        spatial = [i for i, k in enumerate(kinds) if k in _SPATIAL or k == "???"][:3]
    other = [i for i in range(array.ndim) if i not in spatial]
    if not 1 <= len(spatial) <= 3 or len(other) > 1:
        text = " × ".join(map(str, array.shape))
        raise ReadError(path, f"has a grid of {text} that is no volume", "save one volume at a time")
    array = np.transpose(array, (*spatial, *other))
    if other:
        array = array.reshape((*array.shape[:-1], *(1,) * (3 - len(spatial)), array.shape[-1]))
    kind = kinds[other[0]] if other else ""
    affine, space, notes = _affine(header, rows, spatial, array.shape)
    warnings += notes
    last_axis: LastAxis = "" if not other else "time" if kind == "time" or _timed(header) else "channel"
    segments = any(str(k).startswith("Segment0_") for k in header)
    rgb = last_axis == "channel" and kind in _COLOURS and array.shape[-1] in (3, 4)
    transforms = Transforms.SCALAR
    if segments:
        transforms = Transforms.LABEL
    elif kind in _VECTORS or "matrix" in kind or "tensor" in kind:
        transforms = Transforms.UNKNOWN
    step = _time_step(header, other[0]) if last_axis == "time" else 0.0
    volume, more = make_volume(
        path, array, affine, last_axis=last_axis, step=step, space=space, rgb=rgb, transforms=transforms
    )
    metadata: dict[str, Any] = {"format": "NRRD", "space": str(header.get("space", ""))}
    if segments:
        names = [
            str(v) for k, v in header.items() if str(k).startswith("Segment") and str(k).endswith("_Name")
        ]
        metadata["segments"] = names
    return Loaded(stem(path), volume, tuple(warnings + more), metadata)


def _affine(
    header: dict[str, Any], rows: list[Array | None] | None, spatial: list[int], shape: tuple[int, ...]
) -> tuple[Array, str, list[str]]:
    """Matrix to RAS mm, "RAS" where the space is anatomical, and warnings."""
    notes: list[str] = []
    space = str(header.get("space", "")).strip().lower().removesuffix("-time").removesuffix("t")
    to_ras = _SPACES.get(space)
    affine = np.eye(4)
    if rows is not None:
        for column, axis in enumerate(spatial):
            row = rows[axis]
            assert row is not None
            affine[: min(3, len(row)), column] = row[:3]
        if len(spatial) == 2:
            normal = np.cross(affine[:3, 0], affine[:3, 1])
            length = np.linalg.norm(normal)
            affine[:3, 2] = normal / length if length > 0 else normal
    else:
        spacings = np.asarray(header.get("spacings", [np.nan] * 8), dtype=float)
        for column, axis in enumerate(spatial):
            size = float(spacings[axis]) if axis < len(spacings) else np.nan
            if not np.isfinite(size) or size == 0.0:
                size = 1.0
                notes = ["The header gives no voxel size for every axis; 1 is used where it is missing."]
            affine[column, column] = abs(size)
    origin = header.get("space origin")
    if origin is not None:
        values = np.asarray(origin, dtype=float)[:3]
        affine[: len(values), 3] = np.where(np.isfinite(values), values, 0.0)
    else:
        affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[:3]) - 1) / 2.0)
    units = [str(u).strip().strip('"').lower() for u in header.get("space units", [])]
    scale = _MILLIMETRES.get(units[0], 1.0) if units else 1.0
    affine = np.diag([scale, scale, scale, 1.0]) @ affine
    if to_ras is None or rows is None:
        notes.append("The header names no anatomical space: left and right are not known.")
        return affine, "", notes
    return to_ras @ affine, "RAS", notes


def _timed(header: dict[str, Any]) -> bool:
    space = str(header.get("space", "")).strip().lower()
    return space.endswith("-time") or space in ("rast", "lpst", "last")


def _time_step(header: dict[str, Any], axis: int) -> float:
    spacings = header.get("spacings")
    units = [str(u).strip().strip('"').lower() for u in header.get("units", [])]
    unit = units[axis] if axis < len(units) else ""
    value = float(spacings[axis]) if spacings is not None and axis < len(spacings) else 0.0
    return value * {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "": 1.0}.get(unit, 0.0)
