"""Values beside or behind a text header (NRRD, MetaImage): offsets, compression and byte order in one place."""

from __future__ import annotations

import bz2
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadError
from core.jobs import Job
from plugins.volumes._files import BZIP2, CHUNK, DEFLATE, claim, native, read_block, regular


def read_values(
    stream: BinaryIO,
    path: Path,
    dtype: np.dtype[Any],
    count: int,
    *,
    compression: str,
    job: Job,
) -> NDArray[Any]:
    """`count` values of `dtype` from where `stream` stands, as a flat array in native byte order.

    Parameters
    ----------
    compression : "" (raw), "deflate" (zlib or gzip, told by content) or "bzip2".
    """
    at = stream.tell()
    left = regular(path) - at
    n_bytes = count * dtype.itemsize
    if compression:
        claim(path, n_bytes, max(0, left) * (DEFLATE if compression == "deflate" else BZIP2))
        block = _unpacked(stream, path, n_bytes, compression, job)
    else:
        claim(path, n_bytes, left)
        block = read_block(stream, path, n_bytes, job, 0.8)
    return native(block.view(dtype))


def _unpacked(stream: BinaryIO, path: Path, n_bytes: int, compression: str, job: Job) -> NDArray[np.uint8]:
    block = job.empty(n_bytes, np.uint8, reserve=False)
    view = block.data
    engine: Any = bz2.BZ2Decompressor() if compression == "bzip2" else zlib.decompressobj(wbits=47)
    done = 0
    pending = b""
    while done < n_bytes:
        job.progress(0.8 * done / n_bytes, "Unpacking")
        if compression == "bzip2":
            if engine.eof:
                engine, pending = bz2.BZ2Decompressor(), engine.unused_data
            if not pending and engine.needs_input:
                pending = stream.read(CHUNK)
            starved = not pending and engine.needs_input
            piece = b"" if starved else engine.decompress(pending, min(CHUNK, n_bytes - done))
            pending = b""
        else:
            pending = pending or stream.read(CHUNK)
            starved = not pending
            piece = engine.decompress(pending, min(CHUNK, n_bytes - done))
            pending = engine.unconsumed_tail
            if engine.eof:
                # gzip files may be several members one after the other
                pending, engine = engine.unused_data, zlib.decompressobj(wbits=47)
        if starved and not piece:
            raise ReadError(path, "is cut off inside its compressed values", "copy the file again")
        job.reserve(block, done + len(piece))
        view[done : done + len(piece)] = piece
        done += len(piece)
    return block


def beside(header: Path, name: str) -> Path:
    """The data file that a header names, looked for in the header's folder; absolute names are taken there too.

    A header from somebody else must not make us read just any file of this machine, so parts of the name that
    lead out of the header's folder are refused.
    """
    given = Path(name.strip().replace("\\", "/"))
    relative = Path(given.name) if given.is_absolute() else given
    if ".." in relative.parts:
        raise ReadError(header, f"names values outside its folder ({name})", "put both files into one folder")
    path = header.parent / relative
    if not path.is_file():
        raise ReadError(
            header, f"names the values {given.name}, which are not there", "copy that file beside it"
        )
    return path
