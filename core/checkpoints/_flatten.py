"""From the nested dicts and lists of a pickle to tensors with dotted names, and metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from core.checkpoints._index import Index, elements, plain_metadata, size_text
from core.checkpoints._pickle import Global, NumpyArray, NumpyType, Opaque, PickleFault, Tensor

MAX_NODES = 1_000_000
MAX_DEPTH = 200


def flatten(root: Any) -> tuple[list[tuple[str, Tensor | NumpyArray]], Any]:
    """(tensors with names like "optimizer.state.0.exp_avg", the other values in their own nesting).

    A value that contains itself, or shared values that would unfold into more than MAX_NODES, raise
    `PickleFault`.
    """
    tensors: list[tuple[str, Tensor | NumpyArray]] = []
    count = 0
    path: set[int] = set()

    def children(value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            return ((_key(k), v) for k, v in value.items())
        return ((str(i), v) for i, v in enumerate(value))

    def walk(value: Any, name: str, depth: int) -> Any:
        nonlocal count
        count += 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise PickleFault("nests or repeats its values beyond what this reader accepts")
        if isinstance(value, Tensor) or (isinstance(value, NumpyArray) and value.items is None):
            tensors.append((name or "tensor", value))
            return _ABSENT
        if isinstance(value, NumpyArray):
            value = value.items or []
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            if id(value) in path:
                raise PickleFault("holds a value that contains itself")
            path.add(id(value))
            plain = [(k, walk(v, f"{name}.{k}" if name else k, depth + 1)) for k, v in children(value)]
            path.discard(id(value))
            kept = [(k, v) for k, v in plain if v is not _ABSENT]
            if len(kept) < len(plain) or isinstance(value, dict):
                return dict(kept) if kept or not plain else _ABSENT
            return [v for _, v in kept]
        if isinstance(value, Global):
            return value.name
        if isinstance(value, NumpyType):
            return value.code
        if isinstance(value, Opaque):
            return f"<{value.name}>"
        return value

    plain = walk(root, "", 0)
    return tensors, {} if plain is _ABSENT else plain


_ABSENT = object()


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, (bytes, bytearray)):
        return key.decode("utf-8", "replace")
    if isinstance(key, Global):
        return key.name
    if isinstance(key, (int, float, bool, type(None), np.generic)):
        return str(key)
    if isinstance(key, tuple):
        return "(" + ", ".join(_key(k) for k in key) + ")"
    return type(key).__name__


def numpy_values(array: NumpyArray) -> np.ndarray[Any, Any]:
    """The values of a pickled ndarray, over the bytes of the pickle."""
    if array.dtype is None:
        raise PickleFault("holds a NumPy array that was never filled")
    if elements(array.shape) * array.dtype.itemsize != len(array.data):
        raise PickleFault(
            f"holds a NumPy array of shape {array.shape} with only {size_text(len(array.data))} of values"
        )
    values: np.ndarray[Any, Any] = np.frombuffer(array.data, array.dtype)
    return values.reshape(array.shape, order="F" if array.fortran else "C")


def add_metadata(out: Index, plain: Any) -> None:
    """Put the plain part of a file into `out.metadata`, under its own names or "value"."""
    bounded = plain_metadata(plain)
    if isinstance(bounded, dict):
        out.metadata.update(bounded)
    elif bounded not in (None, []):
        out.metadata["value"] = bounded
