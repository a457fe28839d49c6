"""A small sound file of every format of tensors."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from core.checkpoints import write_safetensors


def samples(folder: Path) -> list[Path]:
    """One small good file of each format."""
    torch = pytest.importorskip("torch")
    h5py = pytest.importorskip("h5py")
    tensors = {"a.weight": torch.arange(12.0).reshape(3, 4), "b": torch.ones(5)}
    for name, zipped in (("zip.pt", True), ("old.pth", False)):
        torch.save({"state_dict": tensors, "epoch": 3}, folder / name, _use_new_zipfile_serialization=zipped)
    (folder / "bare.pkl").write_bytes(pickle.dumps({"a": np.arange(4.0), "b": [1, 2.5]}))
    write_safetensors(folder / "s.safetensors", tensors, {"config": {"a": 1}})
    np.savez_compressed(folder / "n.npz", a=np.arange(20.0), b=np.ones((2, 3)))
    with h5py.File(folder / "h.h5", "w") as file:
        file["g/a"] = np.arange(20.0)
    return sorted(folder.iterdir())
