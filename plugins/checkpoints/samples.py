"""Two small CNNs whose weights are drawn here: nothing is downloaded, the bytes are the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints import write_safetensors
from core.data import Loaded
from core.jobs import Job
from plugins.checkpoints.readers import read

LAYERS = {
    "conv1": (8, 1, 3, 3),
    "conv2": (16, 8, 3, 3),
    "conv3": (16, 16, 3, 3),
    "head": (10, 16),
}


def cnn_pair(*, job: Job) -> list[Loaded]:
    """A CNN of 3 738 parameters, and the same after a small seeded change of its later layers.

    The first convolution is left alone, so a comparison finds tensors of every sort.
    """
    from platformdirs import user_cache_path

    folder = user_cache_path("equiscope") / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20240501)
    one: dict[str, Any] = {}
    for name, shape in LAYERS.items():
        fan_in = int(np.prod(shape[1:]))
        one[f"{name}.weight"] = (rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)
        one[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    two = {
        name: values
        if name.startswith("conv1")
        else (values + 0.02 * rng.standard_normal(values.shape)).astype(np.float32)
        for name, values in one.items()
    }
    loaded: list[Loaded] = []
    for title, tensors in (("small CNN", one), ("small CNN, changed", two)):
        path: Path = folder / f"{title.replace(', ', ' ').replace(' ', '-')}.safetensors"
        about = {
            "made_by": "Equiscope, seed 20240501",
            "architecture": {k: list(v) for k, v in LAYERS.items()},
        }
        write_safetensors(path, tensors, about)
        (item,) = read(path, job=job)
        loaded.append(Loaded(title, item.data, item.warnings, item.metadata, display=item.display))
    return loaded


def cnn(*, job: Job) -> list[Loaded]:
    """The first of the two: an input of its own on the command line."""
    return cnn_pair(job=job)[:1]


def cnn_changed(*, job: Job) -> list[Loaded]:
    """The second of the two."""
    return cnn_pair(job=job)[1:]
