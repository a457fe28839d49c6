"""IDX, the format of MNIST: a four-byte type, the sizes, the values; often inside gzip.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (file formats section).
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Annotated

import numpy as np

from core.analyses import Help, Range
from core.data import Loaded, Table, Volume
from core.errors import ReadError
from core.jobs import Job
from plugins.images.picture import DAMAGED, head_and_size

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def sniff(path: Path, head: bytes) -> int:
    """90 for the type and sizes of IDX (also inside gzip), 0 otherwise."""
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(31).decompress(head, 64)
        except zlib.error:
            return 0
    return 90 if len(head) >= 8 and head[:2] == b"\0\0" and head[2] in TYPES and 1 <= head[3] <= 3 else 0


def read(
    path: Path, *, most: Annotated[int, Range(1), Help("Pictures to read at most.")] = 60_000, job: Job
) -> list[Loaded]:
    """A stack of pictures as a `Volume` (columns, rows, pictures), labels as a `Table`. Raises `ReadError`.

    Row 0 of each picture is at the top: the volume's second axis points down.
    """
    path = Path(path)
    head, size = head_and_size(path)
    packed = head.startswith(b"\x1f\x8b")
    job.progress(0.0, "Reading")
    try:
        with gzip.open(path, "rb") if packed else open(path, "rb") as file:
            start = file.read(4)
            if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES or not 1 <= start[3] <= 3:
                raise ReadError(path, "is no IDX file of one to three axes", "open it as what it is")
            shape = tuple(
                int(n) for n in np.frombuffer(_exactly(path, file.read(4 * start[3]), 4 * start[3]), ">u4")
            )
            dtype = np.dtype(TYPES[start[2]])
            item = int(np.prod(shape[1:], dtype=object)) * dtype.itemsize
            if shape[0] * item > (1040 if packed else 1) * size or not item or not shape[0]:
                raise ReadError(
                    path,
                    f"claims {' × '.join(map(str, shape))} values, which {size} bytes cannot hold",
                    DAMAGED,
                )
            taken = min(shape[0], most) if len(shape) == 3 else shape[0]
            data = _exactly(path, file.read(taken * item), taken * item)
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError(path, f"is damaged ({error})", DAMAGED) from None
    values = np.frombuffer(data, dtype).reshape(taken, *shape[1:]).astype(dtype.newbyteorder("="))
    job.progress(1.0)
    name = path.name.removesuffix(".gz")
    notes = (f"Only the first {taken} of {shape[0]} pictures were read.",) if taken < shape[0] else ()
    if values.ndim == 3:
        affine = np.diag([1.0, -1.0, 1.0, 1.0])
        return [Loaded(name, Volume(values.transpose(2, 1, 0), affine, unit="px", space=""), notes)]
    if values.ndim == 1:
        return [Loaded(name, Table({"label": values}))]
    return [Loaded(name, Table({f"column {i + 1}": values[:, i] for i in range(min(values.shape[1], 4096))}))]


def _exactly(path: Path, data: bytes, n: int) -> bytes:
    if len(data) < n:
        raise ReadError(path, f"ends after {len(data)} of {n} bytes", DAMAGED)
    return data
