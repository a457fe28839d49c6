"""Writers: every tensor of a checkpoint, copied one at a time into an open format."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints import open_tensors, write_parts
from core.data import Checkpoint
from core.errors import WriteError
from core.files import replacing
from core.jobs import Job


def write_as_safetensors(data: Checkpoint, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """Copy bit by bit, types kept (bfloat16 stays bfloat16); what the file says of itself goes along as JSON."""
    texts = {**dict(data.metadata), **dict(metadata)}
    texts.pop("warnings", None)
    _not_itself(data, path)
    with open_tensors(data, check=job.check) as tensors:
        parts = [(t.name, t.dtype, tuple(t.shape), partial(tensors.bits, t.name)) for t in data.tensors]
        write_parts(Path(path), parts, texts, job.progress)


def write_as_npz(data: Checkpoint, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """Compressed NPZ. NumPy has no bfloat16 or float8: those become float32, exactly; metadata are left out."""
    path = Path(path)
    _not_itself(data, path)
    with (
        open_tensors(data, check=job.check) as tensors,
        replacing(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive,
    ):
        for n, tensor in enumerate(data.tensors):
            # A fixed date: the same tensors give the same bytes.
            member = zipfile.ZipInfo(f"{tensor.name}.npy", (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(tensors.read(tensor.name)), allow_pickle=False)
            job.progress((n + 1) / len(data.tensors))


def _not_itself(data: Checkpoint, path: Path) -> None:
    # The original is still mapped while its copy is written.
    if Path(path).exists() and Path(data.path).exists() and Path(path).samefile(data.path):
        raise WriteError(path, "is the file that the tensors are read from", "choose another name")
