"""Blocks of a volume become their means, whatever way the array lies in memory."""

from __future__ import annotations

import numpy as np
import pytest

from app.viewports.reduced import _thinned


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("steps", [(2, 3, 4), (1, 2, 1), (5, 1, 1)])
def test_each_voxel_is_the_mean_of_its_block(axes: tuple[int, ...], steps: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 4000, (13, 17, 11), dtype=np.uint16)
    array = array.transpose(axes)[::-1, :, ::-1]  # as a file in another orientation comes
    made = _thinned(array, np.array(steps), mean=True)
    n = [s // k for s, k in zip(array.shape, steps, strict=True)]
    cut = array[tuple(slice(0, m * k) for m, k in zip(n, steps, strict=True))].astype(float)
    blocks = cut.reshape(n[0], steps[0], n[1], steps[1], n[2], steps[2])
    assert made.shape == tuple(n)
    assert np.allclose(made, blocks.mean(axis=(1, 3, 5)), rtol=1e-6)
