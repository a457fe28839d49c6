"""The samples, and the manifest against its code."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from core.analyses import describe
from core.data import Mesh, PointCloud
from core.jobs import Job
from plugins.scans import samples
from tests.plugins.scans.helpers import MANIFEST, function, volume


def test_fsaverage5():
    pytest.importorskip("nilearn")
    left, right = samples.fsaverage5(job=Job())
    for side, sign in ((left, -1), (right, 1)):
        data = side.data
        assert (len(data.points), len(data.faces), data.unit, data.space) == (10242, 20480, "mm", "RAS")
        assert sign * data.points[:, 0].mean() > 20  # left is at negative x
        assert len(data.points) - len(data.faces) * 3 // 2 + len(data.faces) == 2  # a sphere
        assert volume(data) > 100_000  # mm³, faces turned outwards
        assert set(data.attributes) == {"sulc", "curv", "thickness"}
        # Where the cortex is thick and thin is known: about 2.5 mm on the average.
        assert 2 < np.median(data.attributes["thickness"].values) < 3
        assert side.display["color_by"] == "sulc"


def test_ring_has_its_symmetries():
    surface, cloud = samples.ring(job=Job(seed=4))
    assert isinstance(surface.data, Mesh) and isinstance(cloud.data, PointCloud)
    assert volume(surface.data) > 0
    points = surface.data.points
    a = 2 * np.pi / 5
    turned = points @ np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]).T
    for image in (turned, points * [1, -1, 1], points * [1, 1, -1]):
        assert np.allclose(np.sort(image.round(6), axis=0), np.sort(points.round(6), axis=0), atol=2e-6)
    # The implicit equation holds for the scattered points: tube radius 0.35 (1 + 0.3 cos 5u).
    x, y, z = cloud.data.points.T
    u = np.arctan2(y, x)
    assert np.allclose(np.hypot(np.hypot(x, y) - 1, z), 0.35 * (1 + 0.3 * np.cos(5 * u)))
    again = samples.ring(job=Job(seed=4))[1]
    assert np.array_equal(again.data.points, cloud.data.points)


def test_manifest_names_what_exists():
    ids = [
        *(r.id for r in MANIFEST.readers),
        *(w.id for w in MANIFEST.writers),
        *(s.id for s in MANIFEST.samples),
    ]
    assert len(set(ids)) == len(ids)
    for reader in MANIFEST.readers:
        parameters = inspect.signature(function(reader.read)).parameters
        assert "job" in parameters and "space" in parameters
        for option in describe(function(reader.read), id=reader.id, title=reader.title).parameters:
            assert option.help, f"{reader.id}: {option.name} has no help"
        assert list(inspect.signature(function(str(reader.sniff))).parameters) == ["path", "head"]
    for writer in MANIFEST.writers:
        assert list(inspect.signature(function(writer.write)).parameters) == [
            "data",
            "path",
            "job",
            "metadata",
        ]
    for sample in MANIFEST.samples:
        assert list(inspect.signature(function(sample.function)).parameters) == ["job"]
