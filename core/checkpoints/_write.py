"""Writing safetensors and NPZ: first beside the target, then moved over it in one step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints._dtypes import RAW, Array, itemsize
from core.checkpoints._index import elements
from core.checkpoints._safetensors import DTYPES
from core.errors import WriteError
from core.files import replacing

_CODES = {dtype: code for code, dtype in DTYPES.items()}


def write_safetensors(
    path: str | Path, tensors: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write arrays (NumPy, or torch tensors of any type and device) as safetensors.

    Parameters
    ----------
    metadata : texts are kept as they are; anything else (configuration, training record, measured figures)
        is written as JSON, which `open_checkpoint` decodes again if it is an object or a list.

    Raises
    ------
    WriteError : the folder cannot be written, or a type has no place in the format.
    """
    path = Path(path)

    def part(value: Any) -> tuple[str, tuple[int, ...], Callable[[], Array]]:
        if isinstance(value, np.ndarray) or not hasattr(value, "detach"):
            array = np.asarray(value)
            return array.dtype.name, array.shape, lambda: array
        held = value.detach().cpu().contiguous()
        name = str(held.dtype).removeprefix("torch.")
        return name, tuple(held.shape), lambda: _torch_bits(held, name)

    parts = [(name, *part(value)) for name, value in tensors.items()]
    write_parts(path, parts, metadata or {})


def write_parts(
    path: Path,
    parts: Iterable[tuple[str, str, tuple[int, ...], Callable[[], Array]]],
    metadata: Mapping[str, Any],
    progress: Callable[[float], None] = lambda fraction: None,
) -> None:
    """As `write_safetensors`, from (name, type, shape, function that gives the stored bits); one at a time in memory."""
    parts = sorted(parts, key=lambda p: p[0])
    header: dict[str, Any] = {}
    texts = {
        str(k): v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in metadata.items()
    }
    if texts:
        header["__metadata__"] = texts
    at = 0
    for name, dtype, shape, _ in parts:
        if dtype not in _CODES:
            raise WriteError(path, f"cannot hold tensor {name!r} of type {dtype}", "write NPZ instead")
        size = elements(shape) * itemsize(dtype)
        header[name] = {"dtype": _CODES[dtype], "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # values start at a multiple of eight bytes
    with replacing(path) as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for n, (_, dtype, _, load) in enumerate(parts):
            raw = np.ascontiguousarray(load(), dtype=RAW[dtype])
            file.write(raw.reshape(-1).view(np.uint8).data)
            progress((n + 1) / len(parts))


def _torch_bits(tensor: Any, dtype: str) -> Array:
    if dtype == "bfloat16" or dtype.startswith("float8"):
        import torch

        signed: Array = tensor.view(torch.int16 if dtype == "bfloat16" else torch.int8).numpy()
        return signed.view(RAW[dtype])
    array: Array = tensor.numpy()
    return array
