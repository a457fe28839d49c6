"""The sample volume that changes with time."""

from __future__ import annotations

import numpy as np

from core.jobs import Job
from plugins.volumes.samples import BEAT, PHASES, beating


def test_the_heart_phantom_ejects_what_it_says():
    (loaded,) = beating(job=Job())
    data = loaded.data
    assert data.last_axis == "time" and data.array.shape[3] == PHASES
    assert data.step * PHASES == BEAT
    cavity = (data.array > 160).sum(axis=(0, 1, 2)).astype(float)
    assert cavity.argmax() == 0
    fraction = 1 - cavity.min() / cavity.max()
    assert abs(fraction - loaded.metadata["ejection_fraction"]) < 0.06
    wall = ((data.array > 95) & (data.array < 130)).sum(axis=(0, 1, 2)).astype(float)
    assert np.ptp(wall) / wall.mean() < 0.12, "the wall keeps its volume"
    assert np.abs(np.diff(cavity)).max() < 0.3 * cavity.max(), "no jumps"
