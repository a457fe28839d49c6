"""safetensors: eight bytes of header length, a JSON header, the values; and folders of such shards.

The header is read here rather than by the library because every claim in it is checked against the
file's real size first, and because reading it needs neither torch nor a copy of any value.
Source: the format description in the safetensors README (version 0.8).
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from core.checkpoints._dtypes import Array, itemsize
from core.checkpoints._index import (
    DAMAGED,
    Index,
    elements,
    file_size,
    map_file,
    plain_metadata,
    read_bits,
    release_pages,
)
from core.data import TensorInfo
from core.errors import ReadError

DTYPES = {
    **{f"F{n}": f"float{n}" for n in (16, 32, 64)},
    **{f"I{n}": f"int{n}" for n in (8, 16, 32, 64)},
    **{f"U{n}": f"uint{n}" for n in (8, 16, 32, 64)},
    "BF16": "bfloat16",
    "BOOL": "bool",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}
LONGEST_HEADER = 100_000_000


def looks_like(head: bytes) -> bool:
    """Whether a file that starts with `head` can be safetensors."""
    return len(head) >= 10 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= LONGEST_HEADER


def index(path: Path) -> Index:
    """The index of one safetensors file; the values are mapped, not read."""
    size = file_size(path)
    header, start = _header(path, size)
    out = Index("safetensors")
    out.metadata = _metadata(path, header.pop("__metadata__", None))
    mapped: list[Any] = []

    def load(offset: int, shape: tuple[int, ...], dtype: str) -> Array:
        if not mapped:
            mapped.append(map_file(path))
        return read_bits(mapped[0], offset, shape, dtype)

    def release() -> None:
        for m in mapped:
            release_pages(m)

    out.release = release
    spans = []
    for name, entry in header.items():
        dtype, shape, begin, end = _entry(path, name, entry, size - start)
        spans.append((begin, end, name))
        out.add(name, shape, dtype, partial(load, start + begin, shape, dtype))
    reached = 0
    for begin, end, name in sorted(spans):
        if begin != reached:
            what = "overlaps another tensor" if begin < reached else "leaves a gap before it"
            raise ReadError(path, f"has a header in which tensor {name!r} {what}", DAMAGED)
        reached = end
    if reached != size - start:
        raise ReadError(
            path, f"has {size - start} bytes of values where its header describes {reached}", DAMAGED
        )
    beside = _whole(path)
    if beside:
        out.warnings.append(f"this is one shard of a larger model: open {beside} for all of it")
    return out


def index_sharded(path: Path) -> Index:
    """The index of a model in several files, from its `*.safetensors.index.json`."""
    size = file_size(path)
    if size > LONGEST_HEADER:
        raise ReadError(path, "is too large for an index of shards", "open the shards one by one")
    try:
        content = json.loads(path.read_bytes())
        weight_map = content["weight_map"]
        if not isinstance(weight_map, dict) or not all(isinstance(v, str) for v in weight_map.values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ReadError(
            path, "is not an index of shards (no weight_map)", "open the shards one by one"
        ) from None
    names = sorted(set(weight_map.values()))
    for name in names:
        pure = PurePosixPath(name)
        if (
            pure.is_absolute()
            or ".." in pure.parts
            or "\\" in name
            or ":" in name
            or "\0" in name
            or not name
        ):
            raise ReadError(path, f"names a shard outside its folder ({name!r})", "do not trust this file")
    missing = [name for name in names if not _is_file(path.parent / name)]
    if missing:
        few = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise ReadError(
            path,
            f"lists {len(names)} shards of which {len(missing)} are missing ({few})",
            "put all shards in its folder",
        )
    shards = {name: index(path.parent / name) for name in names}
    out = Index("safetensors (sharded)")

    def release() -> None:
        for shard in shards.values():
            shard.release()

    out.release = release
    about = content.get("metadata")
    out.metadata = plain_metadata(about if isinstance(about, dict) else {})
    for shard in shards.values():
        for key, value in shard.metadata.items():
            out.metadata.setdefault(key, value)
    for tensor, name in weight_map.items():
        entry = shards[name].entries.get(tensor)
        if entry is None:
            raise ReadError(
                path, f"says that {name} holds tensor {tensor!r}, which it does not", "use matching files"
            )
        info = entry.info
        out.entries[tensor] = type(entry)(
            TensorInfo(tensor, info.shape, info.dtype, info.nbytes, name), entry.load
        )
    return out


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than names can be
        return False


def _header(path: Path, size: int) -> tuple[dict[str, Any], int]:
    if size < 8:
        raise ReadError(path, f"ends after {size} bytes, within its header", DAMAGED)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, LONGEST_HEADER):
            raise ReadError(path, f"claims a header of {length} bytes and has {size - 8} in all", DAMAGED)
        text = file.read(length)
    try:
        header = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ReadError(path, "has a header that is not JSON", DAMAGED) from None
    if not isinstance(header, dict):
        raise ReadError(path, "has a header that is not a list of tensors", DAMAGED)
    return header, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name stands twice")
    return out


def _entry(path: Path, name: str, entry: Any, available: int) -> tuple[str, tuple[int, ...], int, int]:
    try:
        stored, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, begin, end]
        # bool is an int to Python; in a header it is a fault
        if not all(type(n) is int and n >= 0 for n in numbers) or not isinstance(stored, str):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise ReadError(path, f"describes tensor {name!r} in a way that cannot be read", DAMAGED) from None
    if stored not in DTYPES:
        raise ReadError(
            path, f"holds tensor {name!r} in the type {stored!r}, which is not supported", "convert it first"
        )
    dtype = DTYPES[stored]
    claimed = elements(tuple(shape)) * itemsize(dtype)
    if end > available or begin > end:
        raise ReadError(
            path,
            f"claims that tensor {name!r} ends at byte {end} of values and has {available} (it is cut short)",
            DAMAGED,
        )
    if claimed != end - begin:
        raise ReadError(
            path, f"gives tensor {name!r} {end - begin} bytes where its shape needs {claimed}", DAMAGED
        )
    return dtype, tuple(shape), begin, end


def _metadata(path: Path, stored: Any) -> dict[str, Any]:
    """The file's own texts; those that are JSON objects or lists are decoded (we write ours that way)."""
    if stored is None:
        return {}
    if not isinstance(stored, dict):
        raise ReadError(path, "has metadata that are not a list of texts", DAMAGED)
    out: dict[str, Any] = {}
    for key, value in stored.items():
        out[key] = value
        if isinstance(value, str) and value[:1] in ("{", "[") and len(value) < 4_000_000:
            try:
                out[key] = json.loads(value)
            except (ValueError, RecursionError):
                out[key] = value
    plain: dict[str, Any] = plain_metadata(out)
    return plain


def _whole(path: Path) -> str:
    """The name of the index of shards beside `path`, if `path` is one of them."""
    match = re.fullmatch(r"(.+)-\d{5}-of-\d{5}\.safetensors", path.name)
    if match and (path.parent / f"{match[1]}.safetensors.index.json").is_file():
        return f"{match[1]}.safetensors.index.json"
    return ""
