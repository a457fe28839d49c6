"""PNG with 8 and 16 bits a sample: written here, and 16-bit colour read here.

Pillow keeps only 8 of the 16 bits of colour pictures, so those are decoded by this module.
Source: W3C, Portable Network Graphics (PNG) Specification, second edition, 2003.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Image
from core.errors import ReadError, WriteError
from core.files import replacing
from core.jobs import Job

Array = NDArray[Any]
SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DAMAGED = "copy or download the file again"
# Adam7: first column, first row, column step, row step of each pass
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def header(path: Path, head: bytes) -> tuple[int, int, int, int]:
    """(width, height, bits a sample, colour type) of a PNG. Raises `ReadError` for an impossible one."""
    if len(head) < 29 or head[12:16] != b"IHDR":
        raise ReadError(path, "is a PNG file without a header", DAMAGED)
    width, height, bits, color, _, _, interlace = struct.unpack(">IIBBBBB", head[16:29])
    if not width or not height or bits not in (1, 2, 4, 8, 16) or color not in SAMPLES or interlace > 1:
        raise ReadError(path, "is a PNG file with an impossible header", DAMAGED)
    return width, height, bits, color


def read_16bit(path: Path) -> Array:
    """(rows, columns, channels) uint16 of a 16-bit PNG whose claims were checked against the file's size.

    Grey with alpha comes with two channels. Raises `ReadError`.
    """
    content = path.read_bytes()
    width, height, bits, color = header(path, content[:64])
    channels = SAMPLES[color]
    if bits != 16:
        raise ReadError(path, f"has {bits} bits a sample, not 16", "open it as a picture")
    packed = b"".join(data for kind, data in _chunks(path, content) if kind == b"IDAT")
    passes = _ADAM7 if content[28] else ((0, 0, 1, 1),)
    sizes = [((height - y + dy - 1) // dy, (width - x + dx - 1) // dx) for x, y, dx, dy in passes]
    needed = sum(rows * (1 + columns * channels * 2) for rows, columns in sizes if rows > 0 and columns > 0)
    try:
        raw = zlib.decompressobj().decompress(packed, needed)
    except zlib.error as error:
        raise ReadError(path, f"is damaged ({error})", DAMAGED) from None
    if len(raw) < needed:
        raise ReadError(path, "ends before its last row", DAMAGED)
    out = np.zeros((height, width, channels), np.uint16)
    at = 0
    for (x, y, dx, dy), (rows, columns) in zip(passes, sizes, strict=True):
        if rows <= 0 or columns <= 0:
            continue
        length = rows * (1 + columns * channels * 2)
        lines = np.frombuffer(raw, np.uint8, length, at).reshape(rows, -1)
        at += length
        plain = _unfilter(path, lines, channels * 2)
        out[y::dy, x::dx] = np.ascontiguousarray(plain).view(">u2").reshape(rows, columns, channels)
    return out


def _unfilter(path: Path, lines: Array, step: int) -> Array:
    """Undo the five row filters (section 9.2); `step` bytes make a pixel."""
    out = np.zeros((len(lines), lines.shape[1] - 1), np.uint8)
    above = np.zeros(lines.shape[1] - 1, np.uint8)
    for n, line in enumerate(lines):
        kind, row = int(line[0]), line[1:]
        if kind == 0:
            done = row
        elif kind == 1:
            # a running sum along each byte of a pixel, modulo 256
            done = np.cumsum(row.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
        elif kind == 2:
            done = row + above
        elif kind in (3, 4):
            done = _predicted(row.tolist(), above.tolist(), step, kind)
        else:
            raise ReadError(path, "uses a row filter that PNG does not have", DAMAGED)
        out[n] = above = done
    return out


def _predicted(row: list[int], above: list[int], step: int, kind: int) -> Array:
    done = [0] * len(row)
    for i, value in enumerate(row):
        a = done[i - step] if i >= step else 0
        b = above[i]
        if kind == 3:
            done[i] = (value + (a + b) // 2) & 255
            continue
        c = above[i - step] if i >= step else 0
        p = a + b - c
        pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
        best = a if pa <= pb and pa <= pc else b if pb <= pc else c
        done[i] = (value + best) & 255
    return np.array(done, np.uint8)


def _chunks(path: Path, content: bytes) -> list[tuple[bytes, bytes]]:
    out, at = [], 8
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        kind = content[at + 4 : at + 8]
        data = content[at + 8 : at + 8 + length]
        if len(data) < length:
            raise ReadError(path, f"ends within its {kind.decode('latin-1')!r} part", DAMAGED)
        out.append((kind, data))
        if kind == b"IEND":
            break
        at += 12 + length
    return out


def write(data: Image, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """Write a picture as PNG without loss where PNG can hold it.

    uint8, uint16 and booleans are kept exactly. Other numbers are scaled from their finite minimum and
    maximum to 0…65535 (NaN: 0); both ends are written into the file as the text "Equiscope range".
    """
    array = np.asarray(data.array)
    if array.ndim == 2:
        array = array[:, :, None]
    color = {1: 0, 2: 4, 3: 2, 4: 6}.get(array.shape[2])
    if color is None:
        raise WriteError(
            path, f"cannot hold {array.shape[2]} channels", "write TIFF, NPY or single channels instead"
        )
    texts = b""
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    elif array.dtype not in (np.uint8, np.uint16):
        if array.dtype.kind == "c":
            raise WriteError(path, "cannot hold complex values", "write NPY instead")
        array, low, high = _scaled(array)
        texts = _chunk(b"tEXt", f"Equiscope range\0{low!r} {high!r}".encode("latin-1"))
        job.log(f"values from {low:g} to {high:g} were scaled to 0…65535")
    bits = 8 * array.dtype.itemsize
    rows = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder(">"))
    lines = rows.reshape(len(rows), -1).view(np.uint8).reshape(len(rows), -1)
    # Filter 2 (the difference to the row above) packs pictures well and is one subtraction.
    filtered = lines.copy()
    filtered[1:] -= lines[:-1]
    body = np.concatenate([np.full((len(rows), 1), 2, np.uint8), filtered], axis=1)
    job.progress(0.5, "Packing")
    head = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], bits, color, 0, 0, 0)
    parts = [SIGNATURE, _chunk(b"IHDR", head), _resolution(data), texts]
    parts += [_chunk(b"IDAT", zlib.compress(body.tobytes(), 6)), _chunk(b"IEND", b"")]
    with replacing(path) as file:
        file.writelines(parts)
    job.progress(1.0)


def _scaled(array: Array) -> tuple[Array, float, float]:
    values = array.astype(np.float64)
    finite = np.isfinite(values)
    low = float(values[finite].min()) if finite.any() else 0.0
    high = float(values[finite].max()) if finite.any() else 1.0
    # halved first, so that the span of float64 extremes does not overflow
    span = (high / 2 - low / 2) or 0.5
    with np.errstate(invalid="ignore", over="ignore"):
        share = (values / 2 - low / 2) / span
    return np.rint(np.clip(np.nan_to_num(share, nan=0.0), 0, 1) * 65535).astype(np.uint16), low, high


def _resolution(data: Image) -> bytes:
    """Pixels a metre, where the pixel size is known in millimetres."""
    if data.unit != "mm" or min(data.pixel_size) <= 0:
        return b""
    y, x = (round(1000.0 / size) for size in data.pixel_size)
    return _chunk(b"pHYs", struct.pack(">IIB", x, y, 1)) if 0 < x < 2**31 and 0 < y < 2**31 else b""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
