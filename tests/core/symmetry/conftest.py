"""Backends and sample objects for the symmetry tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def array_like(name: str) -> Any:
    """An empty array of the named library and dtype, e.g. "torch-float32" or "cuda-float32"."""
    library, dtype = name.split("-")
    if library == "numpy":
        return np.zeros(0, dtype=dtype)
    torch = pytest.importorskip("torch")
    if library == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    return torch.zeros(0, dtype=getattr(torch, dtype), device="cuda" if library == "cuda" else "cpu")


LIKES = [
    "numpy-float64",
    "numpy-float32",
    "torch-float64",
    "torch-float32",
    pytest.param("cuda-float64", marks=pytest.mark.gpu),
    pytest.param("cuda-float32", marks=pytest.mark.gpu),
]


@pytest.fixture(params=LIKES)
def like(request: pytest.FixtureRequest) -> Any:
    """Every library and dtype in turn."""
    return array_like(request.param)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240611)
