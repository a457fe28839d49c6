"""Data objects as a plain tree plus a list of arrays: the one form for pipes, shared memory, NPZ and hashes."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
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

    Non-finite floats are written as {"$float": "nan"}; JSON has no spelling for them.

    Raises
    ------
    TypeError : `value` holds something that is neither plain, an array nor a registered dataclass.
    """
    arrays: list[Array] = []

    def walk(v: Any) -> Any:
        if v is None or (isinstance(v, (bool, str)) and not isinstance(v, Enum)):
            return v
        if isinstance(v, Enum):
            return v.value
        if isinstance(v, (int, np.integer)):
            return int(v)
        if isinstance(v, (float, np.floating)):
            number = float(v)
            return number if np.isfinite(number) else {"$float": repr(number)}
        if isinstance(v, np.bool_):
            return bool(v)
        if isinstance(v, np.ndarray):
            if v.dtype.kind == "O":
                raise TypeError("arrays of Python objects are not data")
            arrays.append(v)
            return {"$array": len(arrays) - 1}
        if isinstance(v, Path):
            return str(v)
        if isinstance(v, Mapping):
            return {"$map": [[str(k), walk(x)] for k, x in v.items()]} if _special(v) else _plain(v, walk)
        if isinstance(v, (list, tuple)):
            return [walk(x) for x in v]
        if is_dataclass(v) and type(v).__name__ in _CLASSES:
            return {"$type": type(v).__name__, **{f.name: walk(getattr(v, f.name)) for f in fields(v)}}
        raise TypeError(f"{type(v).__name__} cannot be carried between processes or saved")

    return walk(value), arrays


def decode(tree: Any, arrays: list[Array]) -> Any:
    """The inverse of `encode`. Sequences come back as tuples inside registered classes, as lists elsewhere.

    Fields that a class does not know (from a newer version) are dropped.
    """

    def walk(v: Any) -> Any:
        if isinstance(v, list):
            return [walk(x) for x in v]
        if not isinstance(v, dict):
            return v
        if "$array" in v:
            return arrays[v["$array"]]
        if "$float" in v:
            return float(v["$float"])
        if "$map" in v:
            return {k: walk(x) for k, x in v["$map"]}
        if "$type" in v:
            cls = _class_named(v["$type"])
            known = {f.name for f in fields(cls)}
            values = {k: walk(x) for k, x in v.items() if k in known}
            return cls(**{k: tuple(x) if isinstance(x, list) else x for k, x in values.items()})
        return {k: walk(x) for k, x in v.items()}

    return walk(tree)


def content_hash(value: Any) -> str:
    """SHA-256 (hex) of everything in `value`: structure, dtypes, shapes and bytes; independent of memory order."""
    tree, arrays = encode(value)
    digest = hashlib.sha256(json.dumps(tree, sort_keys=True, ensure_ascii=False).encode())
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()


def _class_named(name: str) -> type:
    if name not in _CLASSES:
        for module in _HOMES:
            importlib.import_module(module)
    try:
        return _CLASSES[name]
    except KeyError:
        raise ValueError(f"{name} is no type that this version knows") from None


def _special(mapping: Mapping[Any, Any]) -> bool:
    return any(str(k).startswith("$") for k in mapping)


def _plain(mapping: Mapping[Any, Any], walk: Any) -> dict[str, Any]:
    return {str(k): walk(x) for k, x in mapping.items()}
