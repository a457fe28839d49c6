"""NPZ: a zip archive of NPY members, of which only the headers are read."""

from __future__ import annotations

import lzma
import struct
import tokenize
import warnings
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.checkpoints._dtypes import Array
from core.checkpoints._index import DAMAGED, Index, elements, file_size, size_text
from core.checkpoints._pickle import global_names
from core.errors import ReadError, printable

BAD_ZIP = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    struct.error,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    IndexError,  # zipfile's own, for a member without a name
)
_TEXT_BYTES = 64_000
_UNPACKED = 256_000_000


def read_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, Fortran order, dtype) of an NPY stream. `ValueError` for a malformed one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header by Python 2 is no reason to bother anybody
            version = np.lib.format.read_magic(stream)
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
            elif version in ((2, 0), (3, 0)):
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
            else:
                raise ValueError(f"NPY version {version}")
    except (
        ValueError,
        TypeError,
        SyntaxError,
        EOFError,
        tokenize.TokenError,
        RecursionError,
        MemoryError,
    ) as error:
        raise ValueError(f"no NPY header: {error}") from None
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 64:
        raise ValueError("an impossible shape")
    return shape, bool(fortran), dtype


def index(path: Path) -> Index:
    """The index of an NPZ file. Members of Python objects are left out with a warning and never unpickled."""
    size = file_size(path)
    out = Index("npz")
    objects: list[str] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.filename.endswith("/")]
            for member in members:
                if member.filename.endswith(".npy"):
                    _add(path, archive, member, size, out, objects)
                else:
                    out.warnings.append(f"{printable(member.filename)} is no array and was left out")
    except BAD_ZIP as error:
        raise ReadError(path, f"is an NPZ file that is cut short or damaged ({error})", DAMAGED) from None
    if not out.entries and not out.metadata:
        if objects:
            raise ReadError(
                path,
                f"holds only pickled Python objects ({'; '.join(objects)})",
                "save plain arrays of numbers instead",
            )
        raise ReadError(path, "is a zip archive without arrays", "unpack it and open what it holds")
    out.warnings += [f"{text} was left out: it holds pickled Python objects" for text in objects]
    return out


def _add(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int, out: Index, objects: list[str]
) -> None:
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as stream:
        try:
            shape, fortran, dtype = read_header(stream)  # type: ignore[arg-type]
        except ValueError:
            out.warnings.append(f"{printable(member.filename)} is no array and was left out")
            return
        start = stream.tell()
        if dtype.hasobject:
            # The first part is enough to say what it names; nothing is run.
            names = global_names(stream.read(min(1_000_000, max(0, member.file_size - start))))
            foreign = [n for n in names if not n.startswith("numpy.")]
            objects.append(printable(name) + (f" (names {', '.join(foreign[:3])})" if foreign else ""))
            return
    claimed = elements(shape) * dtype.itemsize
    # deflate cannot do better than 1 : 1032
    possible = min(member.file_size, 1040 * max(1, min(member.compress_size, size)))
    if start + claimed > possible:
        raise ReadError(
            path,
            f"claims {size_text(claimed)} for array {printable(name)!r} and holds {size_text(max(0, possible - start))}",
            DAMAGED,
        )
    if dtype.kind in "US":
        if claimed <= _TEXT_BYTES:
            values = _load(path, member.filename, shape, fortran, dtype)
            out.metadata[name] = (
                np.char.decode(values, "latin-1").tolist() if dtype.kind == "S" else values.tolist()
            )
        else:
            out.warnings.append(f"{printable(name)} holds {elements(shape)} texts and was left out")
        return
    if dtype.kind not in "biufc":
        out.warnings.append(f"{printable(name)} holds values of type {str(dtype)[:60]} and was left out")
        return
    out.add(name, shape, dtype.name, partial(_load, path, member.filename, shape, fortran, dtype))


def _load(path: Path, member: str, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any]) -> Array:
    count = elements(shape) * dtype.itemsize
    try:
        with zipfile.ZipFile(path) as archive:
            packed = archive.getinfo(member).compress_size
            if count > _UNPACKED and count > 200 * packed:
                raise ReadError(
                    path,
                    f"unpacks {size_text(packed)} to {size_text(count)} for array {printable(member)!r}",
                    "do not trust this file",
                )
            with archive.open(member) as stream:
                read_header(stream)  # type: ignore[arg-type]
                data = stream.read(count)
    except (KeyError, *BAD_ZIP) as error:
        raise ReadError(path, f"is damaged within {printable(member)!r} ({error})", DAMAGED) from None
    if len(data) != count:
        raise ReadError(path, f"is cut short within {printable(member)!r}", DAMAGED)
    values: Array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return values
