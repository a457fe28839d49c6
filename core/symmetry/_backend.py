"""NumPy or torch: chosen by the type of what comes in, never imported to find out."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

Array = Any
"""A NumPy array or a torch tensor; results are of the library, dtype and device of the inputs."""


def is_torch(value: Any) -> bool:
    """Whether `value` is a torch tensor; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def namespace(*values: Any) -> Any:
    """The module `torch` if any of `values` is a tensor, else `numpy`."""
    return sys.modules["torch"] if any(is_torch(v) for v in values) else np


def is_floating(value: Array) -> bool:
    """Whether an array holds real floating-point numbers."""
    if is_torch(value):
        return bool(value.dtype.is_floating_point)
    return bool(np.asarray(value).dtype.kind == "f")


def floating(value: Any) -> Array:
    """`value` as an array of floating-point numbers; integers and lists become float64."""
    if is_torch(value):
        return value if is_floating(value) else value.to(sys.modules["torch"].float64)
    array = np.asarray(value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def convert(value: Any, like: Any = None) -> Array:
    """Floating-point `value` in the library, dtype and device of `like` (None: NumPy float64).

    `like` is an array, a tensor or a NumPy dtype. Tensor to tensor stays differentiable.
    """
    if is_torch(like):
        torch = sys.modules["torch"]
        dtype = like.dtype if is_floating(like) else torch.float64
        if is_torch(value):
            return value.to(dtype=dtype, device=like.device)
        return torch.tensor(np.asarray(value), dtype=dtype, device=like.device)
    if like is None:
        wanted = np.dtype(np.float64)
    elif isinstance(like, (str, type, np.dtype)):
        wanted = np.dtype(like)
    else:
        wanted = np.asarray(like).dtype
    return to_numpy(value).astype(wanted if wanted.kind == "f" else np.float64, copy=False)


def to_numpy(value: Any) -> Any:
    """`value` as a NumPy array (tensors are detached and brought to the CPU)."""
    return value.detach().cpu().numpy() if is_torch(value) else np.asarray(value)


def eps(value: Array) -> float:
    """The rounding unit of an array's dtype."""
    return float(namespace(value).finfo(value.dtype).eps)


def concat(arrays: list[Array], axis: int) -> Array:
    """Join along an existing axis."""
    return namespace(*arrays).concatenate(arrays, axis)


def stack(arrays: list[Array], axis: int = -1) -> Array:
    """Join along a new axis."""
    return namespace(*arrays).stack(arrays, axis)


def transposed(matrix: Array) -> Array:
    """The last two axes exchanged."""
    return namespace(matrix).swapaxes(matrix, -1, -2)


def broadcast(value: Array, shape: tuple[int, ...]) -> Array:
    """`value` repeated to `shape` without copying."""
    return namespace(value).broadcast_to(value, shape)


def along(value: Array, index: Array, axis: int) -> Array:
    """Entries of `value` picked by `index` along `axis` (shapes broadcast elsewhere)."""
    if is_torch(value):
        return sys.modules["torch"].take_along_dim(value, index, axis)
    return np.take_along_axis(value, index, axis)


def argsort(value: Array) -> Array:
    """Stable ascending order along the last axis."""
    if is_torch(value):
        return sys.modules["torch"].argsort(value, dim=-1, stable=True)
    return np.argsort(value, axis=-1, kind="stable")


def norm(value: Array) -> Array:
    """Euclidean length along the last axis."""
    return namespace(value).linalg.norm(value, None, -1)


def generator(rng: np.random.Generator | int) -> np.random.Generator:
    """`rng` itself, or a generator with that seed."""
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)


def as_shape(size: int | tuple[int, ...]) -> tuple[int, ...]:
    """A batch shape from a count or a shape."""
    return (int(size),) if isinstance(size, (int, np.integer)) else tuple(int(s) for s in size)
