"""HDF5: every data set of numbers, by its path in the file. Links out of the file are not followed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.checkpoints._dtypes import Array
from core.checkpoints._index import DAMAGED, Index, elements, file_size, plain_metadata, size_text
from core.errors import ReadError, printable

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FAULTS = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, UnicodeError)
_DEPTH, _OBJECTS = 100, 200_000
_UNPACKED, _RATIO = 256_000_000, 1100


def index(path: Path) -> Index:
    """The index of an HDF5 file (Keras weights among them). Values are read by `Entry.load`."""
    import h5py

    file_size(path)
    out = Index("hdf5")
    try:
        file = h5py.File(path, "r", locking=False)
    except _FAULTS as error:
        raise ReadError(path, f"cannot be opened as HDF5 ({_first_line(error)})", DAMAGED) from None
    out.close = file.close
    seen: set[Any] = set()
    try:
        _walk(path, file, "", out, seen, 0)
        _attributes(file, "", out)
    except _FAULTS as error:
        file.close()
        raise ReadError(path, f"is damaged ({_first_line(error)})", DAMAGED) from None
    if not out.entries:
        out.warnings.append("it holds no arrays of numbers")
    return out


def _walk(path: Path, group: h5py.Group, prefix: str, out: Index, seen: set[Any], depth: int) -> None:
    import h5py

    if depth > _DEPTH or len(seen) > _OBJECTS:
        raise ValueError("nested too deeply")
    for key in group:
        name = f"{prefix}{key}"
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            out.warnings.append(f"{printable(name)} points to another file and was not followed")
            continue
        if isinstance(link, h5py.SoftLink):
            continue  # what it points to is listed where it is
        try:
            item = group[key]
        except _FAULTS as error:
            out.warnings.append(f"{printable(name)} cannot be read ({_first_line(error)})")
            continue
        if isinstance(item, h5py.Dataset):
            _dataset(path, item, name, out)
            continue
        if not isinstance(item, h5py.Group):
            continue
        # Hard links may lead back to a group that holds this one.
        place = h5py.h5o.get_info(item.id)
        if (place.fileno, place.addr) in seen:
            continue
        seen.add((place.fileno, place.addr))
        _attributes(item, name, out)
        _walk(path, item, f"{name}/", out, seen, depth + 1)


def _dataset(path: Path, item: h5py.Dataset, name: str, out: Index) -> None:
    dtype, shape = item.dtype, item.shape
    if item.is_virtual or item.external:
        out.warnings.append(f"{printable(name)} lies in another file and was not followed")
    elif shape is None:
        return  # declared empty
    elif dtype.kind in "biufc":
        out.add(name, tuple(int(n) for n in shape), dtype.name, partial(_load, path, item, name))
        if _unwritten(item):
            claimed = out.entries[name].info.nbytes
            out.warnings.append(f"{printable(name)} claims {size_text(claimed)} and stores none of it")
    elif dtype.kind in "OSU" and elements(shape) <= 1000 and item.id.get_storage_size() < 64_000:
        values = item.asstr(errors="replace")[()] if dtype.kind in "OS" and _is_text(item) else None
        if values is not None:
            out.metadata[name] = plain_metadata(values.tolist() if isinstance(values, np.ndarray) else values)
    else:
        out.warnings.append(f"{printable(name)} holds values of type {str(dtype)[:60]} and was left out")


def _is_text(item: h5py.Dataset) -> bool:
    import h5py

    return h5py.check_string_dtype(item.dtype) is not None


def _unwritten(item: h5py.Dataset) -> bool:
    return bool(item.size) and item.id.get_storage_size() == 0 and item.size * item.dtype.itemsize > 1_000_000


def _load(path: Path, item: h5py.Dataset, name: str) -> Array:
    claimed = item.size * item.dtype.itemsize
    stored = int(item.id.get_storage_size())
    bearable = _UNPACKED if item.chunks is not None and stored else 1_000_000
    if claimed > max(bearable, stored if item.chunks is None else stored * _RATIO):
        raise ReadError(
            path,
            f"claims {size_text(claimed)} for {printable(name)!r} and stores {size_text(stored)}",
            "do not trust this file",
        )
    if item.chunks is None and stored > path.stat().st_size:
        raise ReadError(path, f"is cut short within {printable(name)!r}", DAMAGED)
    try:
        values: Array = np.asarray(item[()])
    except _FAULTS as error:
        raise ReadError(
            path, f"cannot be read at {printable(name)!r} ({_first_line(error)})", DAMAGED
        ) from None
    return values


def _attributes(group: h5py.Group, name: str, out: Index) -> None:
    """What Keras and others write beside the arrays: texts, numbers, short lists; JSON is decoded."""
    import h5py

    found: dict[str, Any] = {}
    for key in list(group.attrs)[:1000]:
        kind = group.attrs.get_id(key)
        if kind.get_storage_size() > 4_000_000:
            continue
        text = h5py.check_string_dtype(kind.dtype) is not None
        if not text and kind.dtype.kind not in "biufcSU":
            continue
        value = group.attrs[key]
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, np.ndarray):
            value = [
                v.decode("utf-8", "replace") if isinstance(v, bytes) else v
                for v in value.reshape(-1).tolist()
            ]
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                pass
        found[key] = value
    if found:
        plain = plain_metadata(found)
        if name:
            out.metadata[name] = plain
        else:
            out.metadata.update(plain)


def _first_line(error: BaseException) -> str:
    return printable(str(error).strip("'\"").split("\n", 1)[0])[:160]
