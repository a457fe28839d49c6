"""Data objects as a plain tree plus a list of arrays: the one form for pipes, shared memory, NPZ and hashes."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.data._arrays import Array
from core.data._attribute import Attribute
from core.data._geometry import Markup, Transform
from core.data._loaded import Loaded
from core.data._models import Checkpoint, NeuralField, TensorInfo
from core.data._sampled import Image, Signal, Table
from core.data._surfaces import Graph, Mesh, PointCloud, Trajectory
from core.data._volume import Volume

_CLASSES: dict[str, type] = {}
_HOMES = ("core.results", "core.display", "core.document", "core.opening", "core.running", "core.session")
"""Modules that register further classes; imported when a name is met that is not known yet."""
T = TypeVar("T", bound=type)


def register(cls: T) -> T:
    """Let `encode` and `decode` carry instances of a frozen dataclass; usable as a decorator."""
    _CLASSES[cls.__name__] = cls
    return cls


for _class in (
    *(Attribute, Markup, Transform, Loaded, Checkpoint, NeuralField, TensorInfo),
    *(Image, Signal, Table, Graph, Mesh, PointCloud, Trajectory, Volume),
):
    register(_class)


def encode(value: Any) -> tuple[Any, list[Array]]:
    """`value` as (tree of JSON-compatible values, arrays that the tree refers to by number).

    Non-finite floats are written as {"$float": "nan"}, since JSON has no spelling for them; integers beyond 64 bits
    as {"$int": …} and text that is no Unicode (undecodable file names) as {"$text": …}, since MessagePack has none.

    Raises
    ------
    TypeError : `value` holds something that is neither plain, an array nor a registered dataclass.
    """
    arrays: list[Array] = []
    return _to_tree(value, arrays), arrays


def decode(tree: Any, arrays: list[Array]) -> Any:
    """The inverse of `encode`. Sequences come back as tuples inside registered classes, as lists elsewhere.

    Fields that a class does not know (from a newer version) are dropped.
    """

    return _from_tree(tree, arrays)


def content_hash(value: Any) -> str:
    """SHA-256 (hex) of everything in `value`: structure, dtypes, shapes and bytes; independent of memory order."""
    tree, arrays = encode(value)
    digest = hashlib.sha256(json.dumps(tree, sort_keys=True, ensure_ascii=False).encode())
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        # A view of bytes, because a memoryview knows neither dates nor other byte orders.
        flat = np.ascontiguousarray(array).reshape(-1)
        digest.update(flat.view(np.uint8).data if flat.size else b"")
    return digest.hexdigest()


# Functions of the module rather than closures: a closure that calls itself is a cycle, which would keep the arrays
# alive until the garbage collector comes by.
def _to_tree(v: Any, arrays: list[Array]) -> Any:
    if isinstance(v, Enum):
        return v.value
    if v is None or isinstance(v, bool):
        return v
    if isinstance(v, str):
        return v if _is_unicode(v) else {"$text": v.encode("utf-8", "surrogatepass").hex()}
    if isinstance(v, (int, np.integer)):
        return int(v) if -(2**63) <= v < 2**63 else {"$int": str(v)}
    if isinstance(v, (float, np.floating)):
        number = float(v)
        return number if math.isfinite(number) else {"$float": repr(number)}
    if isinstance(v, np.bool_):
        return bool(v)
    if isinstance(v, np.ndarray):
        if v.dtype.kind == "O":
            raise TypeError("arrays of Python objects are not data")
        if v.dtype.names is not None:
            raise TypeError("arrays with named fields are not data")
        arrays.append(v)
        return {"$array": len(arrays) - 1}
    if isinstance(v, Path):
        return _to_tree(str(v), arrays)
    if isinstance(v, Mapping):
        pairs = [(str(k), _to_tree(x, arrays)) for k, x in v.items()]
        if any(k.startswith("$") or not _is_unicode(k) for k, _ in pairs):
            return {"$map": [[_to_tree(k, arrays), x] for k, x in pairs]}
        return dict(pairs)
    if isinstance(v, (list, tuple)):
        return [_to_tree(x, arrays) for x in v]
    if is_dataclass(v) and type(v).__name__ in _CLASSES:
        values = {f.name: _to_tree(getattr(v, f.name), arrays) for f in fields(v) if not _omitted(v, f)}
        return {"$type": type(v).__name__, **values}
    raise TypeError(f"{type(v).__name__} cannot be carried between processes or saved")


def _omitted(v: Any, field: Field[Any]) -> bool:
    """Whether a field that came later (`metadata={"omit": True}`) is empty: the tree is then as it was before."""
    if not field.metadata.get("omit"):
        return False
    value = getattr(v, field.name)
    if value is None or isinstance(value, (bool, int, float, str)):
        return bool(value == field.default)
    return isinstance(value, (Mapping, list, tuple)) and len(value) == 0


def _from_tree(v: Any, arrays: list[Array]) -> Any:
    if isinstance(v, list):
        return [_from_tree(x, arrays) for x in v]
    if not isinstance(v, dict):
        return v
    if "$array" in v:
        return arrays[v["$array"]]
    if "$float" in v:
        return float(v["$float"])
    if "$int" in v:
        return int(v["$int"])
    if "$text" in v:
        return bytes.fromhex(v["$text"]).decode("utf-8", "surrogatepass")
    if "$map" in v:
        return {_from_tree(k, arrays): _from_tree(x, arrays) for k, x in v["$map"]}
    if "$type" in v:
        cls = _class_named(v["$type"])
        known = {f.name for f in fields(cls)}
        values = {k: _from_tree(x, arrays) for k, x in v.items() if k in known}
        return cls(**{k: tuple(x) if isinstance(x, list) else x for k, x in values.items()})
    return {k: _from_tree(x, arrays) for k, x in v.items()}


def _class_named(name: str) -> type:
    if name not in _CLASSES:
        for module in _HOMES:
            importlib.import_module(module)
    try:
        return _CLASSES[name]
    except KeyError:
        raise ValueError(f"{name} is no type that this version knows") from None


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
