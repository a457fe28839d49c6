"""Opening untrusted files: faults become one sentence, and a header's claims are checked before memory is taken."""

from __future__ import annotations

import bz2
import gzip
import logging
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from core.errors import Cancelled, ReadError, UserError, printable
from core.jobs import Job

log = logging.getLogger("equiscope.volumes")

CHUNK = 4 << 20
DEFLATE = 1032
"""Deflate cannot pack more than this many bytes into one (zlib technical details)."""
BZIP2 = 50_000
"""A generous bound for bzip2: 900 kB of one byte become some 40 bytes."""


@contextmanager
def explained(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read into a `ReadError`; `what` is e.g. "NIfTI file".

    Libraries that parse damaged files raise nearly anything; the user reads one sentence all the same.
    """
    try:
        yield
    except (UserError, Cancelled):
        raise
    except FileNotFoundError as error:
        raise ReadError(path, "is not there", "check whether it was moved or renamed") from error
    except PermissionError as error:
        raise ReadError(path, "may not be read by you", "change its permissions or copy it") from error
    except IsADirectoryError as error:
        raise ReadError(path, "is a folder", "open a file in it") from error
    except MemoryError as error:
        raise ReadError(
            path, "does not fit into memory", "close other programs or open a smaller file"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ReadError(
            path, "is cut off or damaged inside its compressed part", "copy the file again"
        ) from error
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({brief(error.strerror or error)})", "copy the file again"
        ) from error
    except Exception as error:
        log.debug("reading a %s failed", what, exc_info=True)
        raise ReadError(path, f"is no readable {what} ({brief(error)})", "copy or export it again") from error


def brief(error: Any) -> str:
    """The first line of an error's text, printable and at most 120 characters."""
    text = printable(str(error).strip().partition("\n")[0]) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "…"


def regular(path: Path) -> int:
    """The size in bytes of an ordinary, non-empty file; anything else is a `ReadError`."""
    with explained(path, "file"):
        if path.is_dir():
            raise IsADirectoryError
        size = path.stat().st_size
        if not path.is_file():
            raise ReadError(path, "is not an ordinary file", "open a file")
    if size == 0:
        raise ReadError(path, "is empty", "copy the file again")
    return size


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The uncompressed bytes of `path` and the most bytes they can be (exact where it is not compressed).

    Compression is told by content, not by name.
    """
    size = regular(path)
    with path.open("rb") as raw:
        magic = raw.read(3)
        raw.seek(0)
        if magic[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast("BinaryIO", stream), size * DEFLATE
        elif magic == b"BZh":
            with bz2.BZ2File(raw) as stream:
                yield cast("BinaryIO", stream), size * BZIP2
        else:
            yield raw, size


def claim(path: Path, n_bytes: int, available: int, what: str = "") -> None:
    """Refuse a header that claims `n_bytes` of values where the file can hold at most `available`."""
    if n_bytes > available:
        raise ReadError(
            path,
            f"holds at most {size_text(max(0, available))} of values but its header claims {size_text(n_bytes)}{what}",
            "copy the file again, it is cut off or its header is wrong",
        )
    free = free_memory()
    if n_bytes > free:
        raise ReadError(
            path,
            f"needs {size_text(n_bytes)} of memory and {size_text(free)} are free",
            "close other programs",
        )


def read_block(stream: BinaryIO, path: Path, n_bytes: int, job: Job, share: float = 1.0) -> NDArray[np.uint8]:
    """The next `n_bytes` of `stream`. Memory is touched only as far as bytes arrive."""
    block = job.empty(n_bytes, np.uint8, reserve=False)
    view = block.data
    for start in range(0, n_bytes, CHUNK):
        job.progress(share * start / n_bytes, "Reading")
        job.reserve(block, start + CHUNK)
        _fill(stream, path, view[start : start + CHUNK], start, n_bytes)
    return block


def read_converted(
    stream: BinaryIO,
    path: Path,
    dtype: np.dtype[Any],
    out: NDArray[Any],
    convert: Callable[[NDArray[Any]], NDArray[Any]],
    job: Job,
    share: float = 1.0,
) -> None:
    """Fill `out`, flat and made by `job.empty`, with what `convert` makes of the stored values, piece by piece: they
    are never in memory all at once."""
    n_bytes = out.size * dtype.itemsize
    step = CHUNK // dtype.itemsize
    piece = np.empty(min(step, out.size), dtype)
    octets = piece.view(np.uint8).data
    for start in range(0, out.size, step):
        n = min(step, out.size - start)
        job.progress(share * start / out.size, "Reading")
        _fill(stream, path, octets[: n * dtype.itemsize], start * dtype.itemsize, n_bytes)
        job.reserve(out, (start + n) * out.dtype.itemsize)
        out[start : start + n] = convert(piece[:n])


def _fill(stream: BinaryIO, path: Path, view: memoryview, before: int, n_bytes: int) -> None:
    """All of `view` from `stream`, of whose `n_bytes` so many have been read `before`."""
    done = 0
    while done < len(view):
        try:
            got = cast("Any", stream).readinto(view[done:])
        except EOFError:  # of a compressed file, which does not tell how much of it came
            raise ReadError(
                path,
                f"ends before the {size_text(n_bytes)} of values that its header claims are complete",
                "copy the file again",
            ) from None
        if not got:
            raise ReadError(
                path,
                f"ends after {size_text(before + done)} of the {size_text(n_bytes)} of values that its header claims",
                "copy the file again",
            )
        done += got


def skip(stream: BinaryIO, path: Path, n_bytes: int) -> None:
    """Move `n_bytes` on, also where the stream cannot seek."""
    while n_bytes > 0:
        got = len(stream.read(min(n_bytes, CHUNK)))
        if not got:
            raise ReadError(path, "ends before its values begin", "copy the file again")
        n_bytes -= got


def native(array: NDArray[Any]) -> NDArray[Any]:
    """`array` in this machine's byte order, swapped in place where possible."""
    if array.dtype.isnative:
        return array
    if array.flags.writeable:
        return array.byteswap(inplace=True).view(array.dtype.newbyteorder("="))
    return array.astype(array.dtype.newbyteorder("="))


def looks_like(head: bytes) -> str:
    """What the first bytes of a file suggest it is, as a short noun, or ""."""
    known = (
        (b"\x89PNG", "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "a gzip file"),
        (b"\x89HDF", "an HDF5 file"),
        (b"%PDF", "a PDF document"),
        (b"NRRD", "an NRRD volume"),
        (b"ObjectType", "a MetaImage"),
        (b"version https://git-lfs", "a Git LFS pointer without its file"),
    )
    for magic, name in known:
        if head.startswith(magic):
            return name
    if head[128:132] == b"DICM":
        return "a DICOM file"
    if head and all(b in b"\t\n\r\x0c" or 32 <= b < 127 for b in head[:256]):
        return "text"
    return ""


def free_memory() -> int:
    """Bytes that can be taken now without swapping; a large number where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 1 << 62


def size_text(n_bytes: float) -> str:
    """A number of bytes for people: "3.2 MB"."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if n_bytes < 1000 or unit == "TB":
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    raise AssertionError("unreachable")


def stem(path: Path) -> str:
    """The file's name without the extensions of volume formats (".nii.gz" goes as one)."""
    name = path.name
    lower = name.lower()
    for ending in (
        ".nii.gz",
        ".hdr.gz",
        ".img.gz",
        ".head.gz",
        ".brik.gz",
        ".brik.bz2",
        ".mgh.gz",
        ".seg.nrrd",
    ):
        if lower.endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return path.stem or name


def sibling(path: Path, endings: Mapping[str, tuple[str, ...]]) -> Path | None:
    """The first existing file that `path` becomes with its ending replaced by one of `endings[ending]`.

    Longer endings are tried first; the case of the partner's ending does not matter.
    """
    lower = path.name.lower()
    for ending in sorted(endings, key=len, reverse=True):
        if not lower.endswith(ending):
            continue
        base = path.name[: len(path.name) - len(ending)]
        try:
            here = {
                p.name.lower(): p for p in path.parent.iterdir() if p.name.lower().startswith(base.lower())
            }
        except OSError:
            here = {}
        for other in endings[ending]:
            exact = path.with_name(base + other)
            if exact.is_file():
                return exact
            if (base + other).lower() in here:
                return here[(base + other).lower()]
        return None
    return None
