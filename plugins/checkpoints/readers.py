"""Readers of tensor files. The work is in `core.checkpoints`; values are read when something asks for them."""

from __future__ import annotations

from pathlib import Path

from core.checkpoints import PICKLE_SUFFIXES, open_checkpoint, sniff
from core.data import Loaded
from core.jobs import Job


def read(path: Path, *, job: Job) -> list[Loaded]:
    """The index of any file of tensors as one `Checkpoint`. Raises `core.errors.ReadError`."""
    job.progress(0.0, "Reading the index")
    checkpoint = open_checkpoint(path, check=job.check)
    metadata = dict(checkpoint.metadata)
    warnings = tuple(str(w) for w in metadata.pop("warnings", ()))
    job.progress(1.0)
    return [Loaded(_name(Path(path)), checkpoint, warnings, metadata)]


def sniff_safetensors(path: Path, head: bytes) -> int:
    """80 for a header that can be one, 10 for the name alone."""
    kind = sniff(path, head)
    if kind == "safetensors-index":
        return 80
    if kind == "safetensors" and head[8:9] == b"{":
        return 80
    return 10


def sniff_torch(path: Path, head: bytes) -> int:
    """80 for torch's zip and pickles with a mark, 50 for old pickles; a foreign file under such a name: 10.

    A safetensors or HDF5 file that is called `.bin` or `.pt` is read too.
    """
    kind = sniff(path, head)
    if kind == "pickle":
        return 80 if head[:1] == b"\x80" else 50
    if kind in ("torch", "safetensors", "hdf5", "npz"):
        return 80
    return 0 if Path(path).suffix.lower() == ".bin" else 10


def sniff_npz(path: Path, head: bytes) -> int:
    """50: any archive of arrays; a reader that knows what they mean says more."""
    return 50 if head.startswith(b"PK") else 10


def sniff_hdf5(path: Path, head: bytes) -> int:
    """50: any HDF5; a reader that knows what it means says more."""
    return 50 if sniff(path, head) == "hdf5" else 10


def _name(path: Path) -> str:
    for suffix in (".safetensors.index.json", *PICKLE_SUFFIXES, ".safetensors", ".npz", ".h5", ".hdf5"):
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return path.name[: -len(suffix)]
    return path.name
