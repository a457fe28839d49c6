"""Every surface and point cloud of the shared data, against numbers that were found without our readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data import info
from core.errors import ReadError
from tests.plugins.scans.helpers import chosen, opened
from tests.plugins.scans.table import EXPECTED, NO_READER, REFUSED

pytestmark = pytest.mark.shared


@pytest.mark.parametrize(
    ("name", "kind", "n_points", "n_faces", "bounds"), EXPECTED, ids=[e[0] for e in EXPECTED]
)
def test_file_is_read_as_expected(shared_data, name, kind, n_points, n_faces, bounds):
    (loaded,) = opened(shared_data / name)
    said = info(loaded.data, loaded.name, loaded.warnings)
    assert (said["kind"], said["n_points"], said["n_faces"]) == (kind, n_points, n_faces)
    size = max(bounds[1] - bounds[0], bounds[3] - bounds[2], bounds[5] - bounds[4])
    assert np.allclose(said["bounds"], bounds, rtol=1e-9, atol=1e-6 * size)


@pytest.mark.parametrize(("name", "reason"), REFUSED.items(), ids=list(REFUSED))
def test_file_is_refused_with_its_reason(shared_data, name, reason):
    with pytest.raises(ReadError, match=reason):
        opened(shared_data / name)


@pytest.mark.parametrize("name", NO_READER)
def test_no_reader_claims_other_files(shared_data, name):
    assert (shared_data / name).is_file()
    assert chosen(shared_data / name) is None


def test_the_table_is_complete(shared_data):
    listed = {e[0] for e in EXPECTED} | set(REFUSED) | set(NO_READER)
    there = {
        str(f.relative_to(shared_data))
        for pattern in ("meshes/**/*", "pointclouds/**/*", "mri/**/*.vtk", "articulated/mesh2motion/*.glb")
        for f in shared_data.glob(pattern)
        if f.is_file()
    }
    assert there == listed


def test_slicer_files_state_their_space(shared_data):
    formats = shared_data / "meshes" / "formats"
    for name in ("slicer_sphere.vtk", "slicer_sphere.vtp"):
        (loaded,) = opened(formats / name)
        assert (loaded.data.space, loaded.data.unit) == ("RAS", "mm")
        # The normals of a sphere about the origin point along its points.
        unit = loaded.data.points / np.linalg.norm(loaded.data.points, axis=1, keepdims=True)
        assert np.allclose(unit, loaded.data.attributes["normals"].values, atol=2e-3)
    lps = opened(formats / "slicer_sphere.vtk", space="LPS")[0]
    ras = opened(formats / "slicer_sphere.vtk")[0]
    assert np.array_equal(lps.data.points, ras.data.points * np.float32([-1, -1, 1]))
    assert any("LPS, as asked" in w for w in lps.warnings)


def test_surfaces_without_a_space_keep_none(shared_data):
    (loaded,) = opened(next(Path(shared_data).glob("mri/*/GA25_operated_pial.vtk")))
    assert (loaded.data.space, loaded.data.unit) == ("", "")


def test_skinned_meshes_say_so_and_keep_their_joints(shared_data):
    (loaded,) = opened(shared_data / "articulated/mesh2motion/horse-animations.glb")
    assert any("bind pose" in w for w in loaded.warnings)
    data = loaded.data
    assert data.unit == "m"
    weights = data.attributes["weights"].values
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-4)
    assert int(data.attributes["joints"].values.max()) < len(loaded.metadata["joints"])
    assert len(loaded.metadata["animations"]) == 14


def test_scene_parts_can_be_separate(shared_data):
    path = shared_data / "meshes/formats/CesiumMilkTruck.glb"
    whole = opened(path)[0].data
    pieces = opened(path, parts=True)
    assert len(pieces) == 5
    assert sum(len(p.data.points) for p in pieces) == len(whole.points)
    assert np.array_equal(np.bincount(whole.attributes["part"].values), [len(p.data.faces) for p in pieces])


def test_colours_of_a_scan_are_those_of_its_packed_words(shared_data):
    (loaded,) = opened(shared_data / "pointclouds/pcl/milk.pcd")
    rgb = loaded.data.attributes["rgb"].values
    assert rgb.dtype == np.uint8 and rgb.shape == (12575, 3)
    assert loaded.display["color_by"] == "rgb"
    assert rgb.std() > 10


def test_las_attributes(shared_data):
    data = opened(shared_data / "pointclouds/las/extrabytes.las")[0].data
    assert data.points.dtype == np.float64
    assert str(data.attributes["classification"].transforms) == "label"
    assert str(data.attributes["Colors"].transforms) == "unknown"
    assert set(np.unique(data.attributes["classification"].values)) <= {1, 2}
