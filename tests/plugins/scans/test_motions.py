"""The sample that moves obeys the laws it is said to obey."""

from __future__ import annotations

import numpy as np

from core.data import Trajectory, Transforms
from core.jobs import Job
from plugins.scans.motions import PERIOD, figure_eight


def test_three_bodies_dance_on_one_eight():
    (loaded,) = figure_eight(job=Job())
    data = loaded.data
    assert isinstance(data, Trajectory) and data.positions.shape == (361, 3, 3)
    x, v = data.positions, data.attributes["velocity"].values.transpose(1, 0, 2)
    assert data.attributes["velocity"].transforms is Transforms.VECTOR
    # One period is 120 steps; a third of it later each body is where another was.
    assert data.times[120] == np.float64(PERIOD) and np.allclose(x[120], x[0], atol=1e-5)
    assert np.allclose(x[80, 0], x[0, 1], atol=1e-5) or np.allclose(x[40, 0], x[0, 1], atol=1e-5)
    assert np.allclose(x.sum(axis=1), 0, atol=1e-8) and np.allclose(v.sum(axis=1), 0, atol=1e-8)
    apart = np.linalg.norm(x[:, [0, 1, 2]] - x[:, [1, 2, 0]], axis=2)
    energy = (v**2).sum(axis=(1, 2)) / 2 - (1 / apart).sum(axis=1)
    assert np.ptp(energy) < 1e-9
    momentum = np.cross(x, v).sum(axis=1)
    assert np.abs(momentum).max() < 1e-8
    steps = (x[2:] - x[:-2]) / (data.times[2:] - data.times[:-2])[:, None, None]
    assert np.allclose(steps, v[1:-1], atol=6e-3), "velocities belong to the positions"
