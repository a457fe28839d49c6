"""MetaImage volumes: `.mha` (one file) and `.mhd` with `.raw` or `.zraw`.

Reference: "MetaIO: documentation", itk.org/Wiki/MetaIO. Coordinates are LPS, as ITK reads and writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.data import Loaded
from core.errors import ReadError
from core.geometry import LPS_TO_RAS
from core.jobs import Job
from plugins.volumes._build import Array, LastAxis, make_volume
from plugins.volumes._files import claim, explained, opened, regular, sibling, stem
from plugins.volumes._rawdata import beside, read_values

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_MILLIMETRES = {"mm": 1.0, "um": 1e-3, "cm": 10.0, "m": 1e3}
_HEADERS = {".raw": (".mhd",), ".zraw": (".mhd",)}
_MOST_LINES = 500


def sniff(path: Path, head: bytes) -> int:
    """100 for a MetaImage header, 50 for raw values with such a header beside them, 0 otherwise."""
    start = head[:2048]
    if (
        b"ElementDataFile" in start
        or (b"ObjectType" in start and b"Image" in start)
        or b"ElementType" in start
    ):
        return 100
    return 50 if sibling(path, _HEADERS) is not None else 0


def read(path: Path, *, job: Job) -> list[Loaded]:
    """Read one MetaImage of two to four axes; of an `.mhd` and `.raw` pair, either name opens both."""
    path = Path(path)
    asked = path
    if path.suffix.lower() in _HEADERS:
        found = sibling(path, _HEADERS)
        if found is None:
            raise ReadError(path, "has no header (.mhd) beside it", "copy the .mhd file into the same folder")
        path = found
    with explained(path, "MetaImage"), opened(path) as (stream, _):
        fields = _fields(path, stream)
        sizes = _numbers(path, fields, ("DimSize",), int)
        if sizes is None or not 2 <= len(sizes) <= 4 or min(sizes) < 1:
            text = " × ".join(str(int(n)) for n in (sizes if sizes is not None else ()))
            raise ReadError(path, f"claims a grid of {text or 'unknown size'}", "copy or export it again")
        dims = [int(n) for n in sizes]
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        if not 1 <= channels <= 4096:
            raise ReadError(path, f"claims {channels} channels", "copy or export it again")
        kind = fields.get("ElementType", "").upper().removesuffix("_ARRAY")
        if kind not in _TYPES:
            raise ReadError(
                path, f"has values of an unknown type ({kind or 'none'})", "copy or export it again"
            )
        big = _true(fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False")))
        dtype = np.dtype((">" if big else "<") + _TYPES[kind])
        flat = _values(path, stream, fields, dtype, dims, channels, job)
    with explained(path, "MetaImage"):
        loaded = _loaded(path, fields, flat, dims, channels)
    source = "" if asked == path else str(path)
    return [Loaded(loaded.name, loaded.data, loaded.warnings, loaded.metadata, source=source)]


def _fields(path: Path, stream: BinaryIO) -> dict[str, str]:
    """The header's "key = value" lines up to ElementDataFile, behind which local values begin."""
    fields: dict[str, str] = {}
    for _ in range(_MOST_LINES):
        line = stream.readline(1 << 16)
        key, equals, value = line.decode("utf-8", "replace").partition("=")
        if not equals:
            if line.strip():
                break
            if not line:
                break
            continue
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            return fields
    raise ReadError(
        path, "has no complete MetaImage header", "open the original file, or rename it to what it is"
    )


def _numbers(path: Path, fields: dict[str, str], keys: tuple[str, ...], kind: type = float) -> Array | None:
    for key in keys:
        if key in fields:
            try:
                return np.array([kind(word) for word in fields[key].split()])
            except ValueError:
                raise ReadError(
                    path, f"has a damaged {key} in its header", "copy or export it again"
                ) from None
    return None


def _true(text: str) -> bool:
    return text.strip().lower() in ("true", "1", "yes")


def _values(
    path: Path,
    stream: BinaryIO,
    fields: dict[str, str],
    dtype: np.dtype,
    dims: list[int],
    channels: int,
    job: Job,
) -> Array:
    count = channels
    for n in dims:
        count *= n
    where = fields["ElementDataFile"]
    if where.upper() == "LOCAL":
        return _one(path, stream, fields, dtype, count, job)
    if where.upper().startswith("LIST"):
        names = [line.decode("utf-8", "replace").strip() for line in stream.readlines()[:1_000_000]]
        names = [n for n in names if n]
    elif "%" in where:
        pattern, *numbers = where.split()
        low, high, step = ([int(n) for n in numbers] + [1, dims[-1], 1][len(numbers) :])[:3]
        if step < 1 or (high - low) // step > 1_000_000:
            raise ReadError(path, "names its values by a pattern without end", "export it again")
        names = [pattern % n for n in range(low, high + 1, step)]
    else:
        names = [where]
    if not names or count % len(names):
        raise ReadError(path, f"spreads its values over {len(names)} files unevenly", "export it again")
    parts = []
    for name in names:
        data_path = beside(path, name)
        regular(data_path)
        with explained(data_path, "MetaImage data file"), data_path.open("rb") as other:
            parts.append(_one(data_path, other, fields, dtype, count // len(names), job))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _one(
    path: Path, stream: BinaryIO, fields: dict[str, str], dtype: np.dtype, count: int, job: Job
) -> Array:
    header_size = int(fields.get("HeaderSize", "0"))
    if header_size == -1:
        stream.seek(max(0, regular(path) - count * dtype.itemsize))
    elif header_size > 0:
        stream.seek(header_size)
    if not _true(fields.get("BinaryData", "True")):
        claim(path, count, regular(path))
        values = np.array(stream.read().split(), dtype=dtype.newbyteorder("="))
        if values.size != count:
            raise ReadError(path, f"holds {values.size} of its {count} values", "copy the file again")
        return values
    compression = "deflate" if _true(fields.get("CompressedData", "False")) else ""
    return read_values(stream, path, dtype, count, compression=compression, job=job)


def _loaded(path: Path, fields: dict[str, str], flat: Array, dims: list[int], channels: int) -> Loaded:
    n = len(dims)
    # Channels are interleaved: they run fastest in the file.
    array = flat.reshape(([channels] if channels > 1 else []) + dims, order="F")
    if channels > 1:
        array = np.moveaxis(array, 0, -1)
        if n == 4:
            raise ReadError(path, "is a film of several channels", "save one time point at a time")
        if n == 2:
            array = array[:, :, None, :]
    spacing = _numbers(path, fields, ("ElementSpacing", "ElementSize"))
    notes = []
    if spacing is None:
        spacing = np.ones(n)
        notes.append("The header gives no voxel size; 1 mm is used.")
    matrix = _numbers(path, fields, ("TransformMatrix", "Rotation", "Orientation"))
    origin = _numbers(path, fields, ("Offset", "Position", "Origin"))
    matrix = np.eye(n) if matrix is None else matrix
    origin = np.zeros(n) if origin is None else origin
    if len(spacing) != n or matrix.size != n * n or len(origin) != n:
        raise ReadError(
            path, "gives its place in space in the wrong number of values", "copy or export it again"
        )
    # Row i of the written matrix is the direction of axis i (ITK writes its direction matrix transposed).
    directions = matrix.reshape(n, n).T
    affine = np.eye(4)
    m = min(n, 3)
    affine[:m, :m] = directions[:m, :m] * np.abs(spacing[:m])
    affine[:m, 3] = origin[:m]
    scale = _MILLIMETRES.get(fields.get("DistanceUnits", "mm").lower(), 1.0)
    affine = LPS_TO_RAS @ np.diag([scale, scale, scale, 1.0]) @ affine
    last_axis: LastAxis = "channel" if channels > 1 else "time" if n == 4 else ""
    rgb = channels in (3, 4) and array.dtype == np.uint8
    volume, more = make_volume(path, array, affine, last_axis=last_axis, rgb=rgb)
    return Loaded(stem(path), volume, tuple(notes + more), {"format": "MetaImage"})
