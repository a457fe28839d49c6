"""Items as entries of a record, and back. Large arrays go into files of their own, once each."""

from __future__ import annotations

import contextlib
import hashlib
import os
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from core.data import decode, encode
from core.data._arrays import Array
from core.document import Item, Source
from core.journal._frames import flush, flush_folder
from core.journal._state import Base
from core.opening import is_as_read

INLINE = 32 << 10
"""Bytes up to which an array stands in the record."""
SLICE = 8 << 20
"""Bytes of a large array that are written and flushed between two looks at the mailbox."""

Entry = dict[str, Any]


class Blobs:
    """The arrays of a window's folder. An array is written once, for as long as it lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[int, tuple[weakref.ref[Array], dict[str, Any]]] = {}
        self._next = 1
        self._unnamed = False

    def reference(self, array: Array) -> dict[str, Any] | None:
        """What a record says of an array that has been written; None if it has not."""
        known = self._names.get(id(array))
        return known[1] if known is not None and known[0]() is array else None

    def write(self, array: Array) -> Iterator[None]:
        """Write an array in slices, each flushed; afterwards `reference` knows it. Raises OSError."""
        name = f"{self._next:06d}.npy"
        self._next += 1
        try:
            with open(self._folder / name, "wb") as file:
                crc = _write_header(file, array)
                for chunk in _slices(array):
                    crc = zlib.crc32(chunk, crc)
                    file.write(chunk)
                    file.flush()
                    flush(file.fileno())
                    yield
        except BaseException:  # half of an array is nobody's, and the room may be wanted
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()
            raise
        self._unnamed = True
        self._names[id(array)] = (weakref.ref(array), {"blob": name, "crc": crc})

    def name(self) -> None:
        """Have the names of new files on the disk, before a record tells them."""
        if self._unnamed:
            flush_folder(self._folder)
            self._unnamed = False

    def tidy(self, used: set[str]) -> None:
        """Remove the files that no record names any more."""
        self._names = {
            i: (ref, known)
            for i, (ref, known) in self._names.items()
            if known["blob"] in used and ref() is not None
        }
        for path in self._folder.glob("*.npy"):
            if path.name not in used:
                path.unlink(missing_ok=True)


def large_arrays(data: Any) -> list[Array]:
    """The arrays in a data object that do not fit into a record."""
    return [a for a in encode(data)[1] if a.nbytes > INLINE]


def entry_of(item: Item, blobs: Blobs, base: Base | None, before: tuple[Item, Entry] | None) -> Entry:
    """How an item stands in a record.

    `before`: the item's last entry, whose part about the data still holds if the data are the same.

    Raises
    ------
    Unwritten : a large array has to be written first. TypeError : it holds what cannot be saved.
    """
    tree, arrays = encode(replace(item, data=None))
    entry = {"tree": tree, "arrays": [_stored(a, blobs) for a in arrays]}
    if before is not None and before[0].data is item.data and before[0].source is item.source:
        if before[0].edited == item.edited:
            return {**entry, "data": before[1]["data"]}
    return {**entry, "data": _data_part(item, blobs, base)}


def _data_part(item: Item, blobs: Blobs, base: Base | None) -> dict[str, Any] | None:
    if item.data is None:
        return None
    if not item.edited and still_there(item.source):
        return {"source": True}
    tree, arrays = encode(item.data)
    if any(a.nbytes > INLINE for a in arrays) and base is not None and base.id and base.holds(item):
        return {"base": item.id}
    return {"tree": tree, "arrays": [_stored(a, blobs) for a in arrays]}


def _stored(array: Array, blobs: Blobs) -> dict[str, Any]:
    if array.nbytes <= INLINE:
        return {"dtype": array.dtype.str, "shape": list(array.shape), "bytes": array.tobytes()}
    reference = blobs.reference(array)
    if reference is None:
        raise Unwritten(array)
    return reference


class Unwritten(LookupError):
    """An array has to be written before a record can name it."""

    def __init__(self, array: Array) -> None:
        super().__init__("an array is not written yet")
        self.array = array


def blobs_of(entry: Entry) -> set[str]:
    """The names of the files that an entry needs."""
    parts = [*entry["arrays"], *((entry["data"] or {}).get("arrays") or ())]
    return {part["blob"] for part in parts if "blob" in part}


def item_of(entry: Entry, folder: Path) -> Item:
    """The item of an entry, without its data.

    Raises
    ------
    ValueError, KeyError, TypeError, OSError : the entry or a file of its is damaged.
    """
    item = decode(entry["tree"], [_array(part, folder) for part in entry["arrays"]])
    if not isinstance(item, Item) or not isinstance(item.name, str):
        raise ValueError("not an item")
    return item


def data_of(part: dict[str, Any], folder: Path) -> Any:
    """The data that an entry holds itself. Raises as `item_of`."""
    return decode(part["tree"], [_array(a, folder) for a in part["arrays"]])


def _array(part: dict[str, Any], folder: Path) -> Array:
    if "blob" not in part:
        shape = tuple(int(n) for n in part["shape"])
        return np.frombuffer(part["bytes"], dtype=np.dtype(part["dtype"])).reshape(shape)
    name = str(part["blob"])
    if Path(name).name != name:
        raise ValueError("names a file outside its folder")
    path = folder / "blobs" / name
    crc = 0
    with open(path, "rb") as file:
        while chunk := file.read(SLICE):
            crc = zlib.crc32(chunk, crc)
    if crc != part["crc"]:
        raise ValueError(f"{name} is damaged")
    loaded: Array = np.load(path, allow_pickle=False)
    return loaded


def _slices(array: Array) -> Iterator[bytes | memoryview]:
    """The bytes of an array in the order in which an .npy file holds them.

    Those of an array in one piece are not copied: nothing here then holds Python's lock while it is written.
    """
    if array.flags.c_contiguous or array.flags.f_contiguous:
        content = array.ravel(order="K").view(np.uint8).data
        for start in range(0, len(content), SLICE):
            yield content[start : start + SLICE]
        return
    parts: Any = np.nditer(
        array,
        flags=["external_loop", "buffered", "zerosize_ok"],
        buffersize=max(1, SLICE // max(1, array.itemsize)),
        order="C",
    )
    for part in parts:
        yield part.tobytes()


def _write_header(file: IO[bytes], array: Array) -> int:
    from io import BytesIO

    from numpy.lib import format

    head = BytesIO()
    format.write_array_header_2_0(head, format.header_data_from_array_1_0(array))
    file.write(head.getvalue())
    return zlib.crc32(head.getvalue())


def still_there(source: Source | None) -> bool:
    """Whether a source holds what was read from it, so that its data need not be written."""
    return source is not None and is_as_read(source)


def session_id(folder: Path) -> str:
    """What names the contents of a saved session; "" if there is none. Moving the folder keeps it, saving does not."""
    digest = hashlib.sha256()
    try:
        digest.update((folder / "session.json").read_bytes())
        for root, _, names in sorted(os.walk(folder / "data")):
            for name in sorted(names):
                stat = (Path(root) / name).stat()
                digest.update(os.fsencode(name) + f"\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    except OSError:
        return ""
    return digest.hexdigest()
