"""Opening a file of tensors: the format by its contents, the index at once, the values on demand."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints import _hdf5, _npz, _safetensors, _torch
from core.checkpoints._dtypes import Array, decode, numpy_name
from core.checkpoints._index import DAMAGED, Index, elements, file_size, size_text
from core.data import Checkpoint
from core.errors import ReadError


def sniff(path: Path, head: bytes) -> str:
    """The format that a file's first bytes (and, for zip, its list of members) tell, or "".

    One of "safetensors", "safetensors-index", "torch", "npz", "hdf5", "pickle".
    """
    if path.name.lower().endswith(".safetensors.index.json"):
        return "safetensors-index"
    if head.startswith(_hdf5.SIGNATURE):
        return "hdf5"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (*_npz.BAD_ZIP,):
            return "npz" if path.suffix.lower() == ".npz" else "torch"
        return "npz" if names and any(n.endswith(".npy") for n in names) and not _is_torch(names) else "torch"
    if _safetensors.looks_like(head):
        return "safetensors"
    if head[:1] == b"\x80" and head[1:2] in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    if path.suffix.lower() == ".safetensors":
        return "safetensors"
    # Protocols 0 and 1 have no mark of their own: a MARK, a dict, a list or a global begins them.
    if path.suffix.lower() in PICKLE_SUFFIXES and head[:1] in b"(}]c" and head:
        return "pickle"
    return ""


PICKLE_SUFFIXES = (".pt", ".pth", ".ckpt", ".th", ".pkl", ".pickle", ".bin")


def open_checkpoint(path: str | Path, *, check: Callable[[], None] = lambda: None) -> Checkpoint:
    """The index of a file of tensors: names, shapes, types, sizes. No value is read and nothing in it runs.

    Parameters
    ----------
    path : safetensors (also the `.safetensors.index.json` of a model in shards), torch (zip and older),
        pickle of plain values and arrays, NPZ or HDF5. The contents decide, not the extension.
    check : called now and then; may raise `core.errors.Cancelled`.

    Returns
    -------
    Checkpoint : `metadata` holds the file's plain values in their own nesting and, where there is something
        to say, a list of sentences under "warnings".

    Raises
    ------
    ReadError : the file is damaged, claims more than it holds, or names code (which is listed, not run).
    """
    path = Path(path)
    index = _index(path, check)
    try:
        metadata = dict(index.metadata)
        if index.warnings:
            metadata["warnings"] = _few(index.warnings)
        tensors = tuple(entry.info for entry in index.entries.values())
        # Written out, so that one file has one name (and one hash); links are kept, since shards lie beside a link.
        return Checkpoint(os.path.abspath(path), index.format, tensors, metadata)
    finally:
        index.close()


class Tensors:
    """The values of an open checkpoint, one tensor at a time. Made by `open_tensors`."""

    def __init__(self, path: Path, index: Index, checkpoint: Checkpoint) -> None:
        self._path = path
        self._index = index
        self._listed = {t.name: t for t in checkpoint.tensors}

    def stored_dtype(self, name: str) -> str:
        """The type in the file, e.g. "bfloat16"."""
        dtype: str = self._entry(name).info.dtype
        return dtype

    def view(self, name: str) -> Array:
        """The values, read-only; a window on the mapped file where the format allows it.

        bfloat16 and float8 become float32 (exactly). For streaming through large tensors.
        """
        entry = self._entry(name)
        values = decode(entry.load(), entry.info.dtype)
        if values.shape != entry.info.shape:
            values = values.reshape(entry.info.shape)
        values = values.view()
        values.flags.writeable = False
        return values

    def release(self) -> None:
        """Give back the memory of the mapped pages that `view` has looked at. Views stay valid."""
        self._index.release()

    def bits(self, name: str) -> Array:
        """The stored bits in the tensor's shape: bfloat16 as uint16, float8 as uint8, else the values."""
        entry = self._entry(name)
        self._bearable(entry.info.name, entry.info.nbytes)
        bits: Array = entry.load()
        return bits

    def read(self, name: str) -> Array:
        """The values in memory of their own, writable, C order."""
        entry = self._entry(name)
        self._bearable(entry.info.name, entry.info.nbytes)
        return np.array(self.view(name), dtype=numpy_name(entry.info.dtype), order="C")

    def read_torch(self, name: str) -> Any:
        """The values as a torch tensor of the stored type."""
        import torch

        entry = self._entry(name)
        info = entry.info
        self._bearable(info.name, info.nbytes)
        if info.dtype == "bfloat16" or info.dtype.startswith("float8"):
            bits = np.array(entry.load(), order="C")
            # torch before 2.3 has no uint16: the bits travel as signed integers
            signed = bits.view(np.int16 if bits.itemsize == 2 else np.int8)
            return torch.from_numpy(signed).view(getattr(torch, info.dtype))
        return torch.from_numpy(self.read(name))

    def _bearable(self, name: str, nbytes: int) -> None:
        # A broadcast tensor may claim any shape over one stored value.
        if self._index.format not in ("npz", "hdf5") and nbytes > max(
            64_000_000, 4 * self._path.stat().st_size
        ):
            if not self._index.format.startswith("safetensors ("):
                raise ReadError(
                    self._path,
                    f"claims {size_text(nbytes)} for tensor {name!r}, more than it holds",
                    "check its source",
                )

    def _entry(self, name: str) -> Any:
        listed = self._listed.get(name)
        if listed is None:
            raise ReadError(self._path, f"has no tensor {name!r}", "choose one of those listed")
        entry = self._index.entries.get(name)
        if entry is None or (entry.info.shape, entry.info.dtype) != (tuple(listed.shape), listed.dtype):
            raise ReadError(self._path, f"has changed since it was opened (tensor {name!r})", "open it again")
        return entry


@contextmanager
def open_tensors(checkpoint: Checkpoint, *, check: Callable[[], None] = lambda: None) -> Iterator[Tensors]:
    """The values of `checkpoint`, for reading several tensors in turn. Raises `ReadError`."""
    path = Path(checkpoint.path)
    index = _index(path, check)
    try:
        yield Tensors(path, index, checkpoint)
    finally:
        index.close()


def read_tensors(
    checkpoint: Checkpoint, names: Iterable[str] | None = None, *, as_numpy: bool = True
) -> dict[str, Any]:
    """Values of the named tensors (all of them: None), read now.

    Returns
    -------
    dict : name -> array of the listed shape. NumPy: bfloat16 and float8 come as float32, exactly (the stored
        type stays in the index), the rest in its own type. `as_numpy=False`: torch tensors of the stored type.

    Raises
    ------
    ReadError : a name is not in the index, the file has changed or is damaged.
    """
    wanted = [t.name for t in checkpoint.tensors] if names is None else list(names)
    with open_tensors(checkpoint) as tensors:
        return {name: tensors.read(name) if as_numpy else tensors.read_torch(name) for name in wanted}


def parameter_count(checkpoint: Checkpoint) -> int:
    """Number of values in all tensors."""
    return sum(elements(t.shape) for t in checkpoint.tensors)


def _index(path: Path, check: Callable[[], None]) -> Index:
    size = file_size(path)
    with open(path, "rb") as file:
        head = file.read(512)
    kind = sniff(path, head)
    try:
        if kind == "safetensors-index":
            return _safetensors.index_sharded(path)
        if kind == "safetensors":
            return _named(_safetensors.index(path), path, (".safetensors",))
        if kind == "hdf5":
            return _named(_hdf5.index(path), path, (".h5", ".hdf5", ".hdf", ".he5"))
        if kind == "npz":
            return _named(_npz.index(path), path, (".npz",))
        if kind == "torch":
            return _named(_torch.index_zip(path, check), path, PICKLE_SUFFIXES)
        if kind == "pickle":
            return _named(_torch.index_pickle(path, check), path, PICKLE_SUFFIXES)
    except MemoryError:
        raise ReadError(
            path, f"needs more memory than there is (the file has {size_text(size)})", DAMAGED
        ) from None
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise ReadError(path, f"is {what}, not a file of tensors", "open it as what it is, or convert it")
    raise ReadError(
        path,
        "is no file of tensors that this program knows (safetensors, torch, NPZ, HDF5)",
        "check that it is the right file and complete",
    )


_OTHERS = (
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a single NumPy array"),
    (b"GGUF", "a GGUF model"),
    (b"\x89PNG", "a picture"),
    (b"<", "a text or web page"),
    (b"{", "a JSON text"),
    (b"version https://git-lfs", "a pointer to a file that was never downloaded (git lfs)"),
)


def _named(index: Index, path: Path, suffixes: tuple[str, ...]) -> Index:
    if path.suffix.lower() not in suffixes and path.suffix:
        index.warnings.append(f"despite its name it is {index.format}")
    return index


def _few(sentences: list[str]) -> list[str]:
    return (
        sentences if len(sentences) <= 20 else [*sentences[:20], f"and {len(sentences) - 20} more like these"]
    )


def _is_torch(names: list[str]) -> bool:
    return any(n.endswith("/data.pkl") for n in names)
