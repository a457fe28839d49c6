"""What every format yields: tensors by name, each with a way to its bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints._dtypes import RAW, Array, itemsize
from core.data import TensorInfo
from core.errors import ReadError

DAMAGED = "copy or download the file again"


@dataclass(frozen=True)
class Entry:
    """One tensor: its line of the index, and `load`, which gives the stored bits in the tensor's shape.

    `load` may return a view of the mapped file; nothing is read before it is called.
    """

    info: TensorInfo
    load: Callable[[], Array]


@dataclass
class Index:
    """All that a file says without its values being read."""

    format: str
    entries: dict[str, Entry] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    close: Callable[[], None] = lambda: None
    release: Callable[[], None] = lambda: None
    """Give back the memory of mapped pages that were looked at; they are read again when needed."""

    def add(self, name: str, shape: tuple[int, ...], dtype: str, load: Callable[[], Array]) -> None:
        """One more tensor. A name that is taken gets " (2)", " (3)", … and a warning."""
        unique, n = name, 1
        while unique in self.entries:
            n += 1
            unique = f"{name} ({n})"
        if n > 1:
            self.warnings.append(f"two tensors are called {name!r}; one is listed as {unique!r}")
        info = TensorInfo(unique, shape, dtype, elements(shape) * _size(dtype))
        self.entries[unique] = Entry(info, load)


def elements(shape: tuple[int, ...]) -> int:
    """Number of elements, as a Python integer (headers may claim more than 64 bits hold)."""
    return math.prod(shape)


def read_bits(buffer: Any, offset: int, shape: tuple[int, ...], dtype: str) -> Array:
    """A view of `buffer` from byte `offset` as the stored bits of `dtype`, C order."""
    if dtype == "complex32":
        shape = (*shape[:-1], shape[-1] * 2) if shape else (2,)
    raw: Array = np.frombuffer(buffer, dtype=RAW[dtype], count=elements(shape), offset=offset)
    return raw.reshape(shape)


def map_file(path: Path) -> Any:
    """The file as a read-only memory map. It lives as long as an array looks at it."""
    import mmap

    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def release_pages(mapped: Any) -> None:
    """Let go of a map's pages, so that streaming through a large file does not fill the memory with it."""
    import mmap

    if hasattr(mapped, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def file_size(path: Path) -> int:
    """Bytes of a regular, readable, non-empty file; anything else is a `ReadError`."""
    try:
        if path.is_dir():
            raise ReadError(path, "is a folder", "choose a file in it")
        with open(path, "rb"):
            size = path.stat().st_size
    except FileNotFoundError:
        raise ReadError(path, "does not exist", "check the name") from None
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror})", "check its permissions") from None
    if size == 0:
        raise ReadError(path, "is empty", DAMAGED)
    return size


def size_text(n: int) -> str:
    """A byte count for people: "3.2 MB"."""
    if n >= 10**24:
        return "more bytes than any disk has"
    value, unit = float(n), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB", "EB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{n} bytes" if unit == "bytes" else f"{value:.3g} {unit}"


# What metadata may hold altogether; the rest is left out and marked.
_LEAVES, _CHARACTERS, _DEPTH = 100_000, 4_000_000, 40


def plain_metadata(value: Any) -> Any:
    """`value` as plain JSON values of bounded size; what is no plain value becomes a short text."""
    budget = {"leaves": _LEAVES, "characters": _CHARACTERS}

    def text(s: str) -> str:
        allowed = max(0, min(len(s), budget["characters"]))
        budget["characters"] -= allowed
        return s if allowed == len(s) else s[:allowed] + "…"

    def walk(v: Any, depth: int) -> Any:
        budget["leaves"] -= 1
        if budget["leaves"] < 0 or depth > _DEPTH:
            return "…"
        if v is None or isinstance(v, (bool, float)):
            return v
        if isinstance(v, int):
            return v if abs(v) < 2**63 else text(hex(v))
        if isinstance(v, str):
            return text(v)
        if isinstance(v, np.generic):
            return walk(v.item(), depth)
        if isinstance(v, (bytes, bytearray)):
            return f"<{size_text(len(v))}>"
        if isinstance(v, Mapping):
            out = {}
            for k, x in v.items():
                if budget["leaves"] < 0:
                    out["…"] = "…"
                    break
                out[text(str(k))] = walk(x, depth + 1)
            return out
        if isinstance(v, (list, tuple)):
            items = []
            for x in v:
                if budget["leaves"] < 0:
                    items.append("…")
                    break
                items.append(walk(x, depth + 1))
            return items
        return text(str(v))

    return walk(value, 0)


def _size(dtype: str) -> int:
    return itemsize(dtype) if dtype in RAW else np.dtype(dtype).itemsize
