"""Scans and models of real things: what a person would call their mirror planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from core.data import Mesh, PointCloud
from tests.plugins.symmetry.shapes import exact, run

pytestmark = pytest.mark.shared


def turned(path: Path, seed: int = 4) -> tuple[Mesh, np.ndarray]:
    rotation = Rotation.random(random_state=seed).as_matrix()
    loaded = trimesh.load(path, force="mesh", process=False, skip_materials=True)
    return Mesh(np.asarray(loaded.vertices) @ rotation.T, np.asarray(loaded.faces), unit="m"), rotation


@pytest.mark.parametrize("name", ["002_master_chef_can", "005_tomato_soup_can", "007_tuna_fish_can"])
def test_scanned_cans_are_round(shared_data: Path, name: str) -> None:
    values = run(turned(shared_data / f"meshes/ycb/{name}.ply")[0]).values
    assert [c["kind"] for c in values["continuous"]] == ["axial"]
    assert len(values["planes"]) == 1  # across the axis
    assert values["planes"][0]["score"] > 0.9


@pytest.mark.parametrize(
    "name", ["004_sugar_box", "008_pudding_box", "009_gelatin_box", "010_potted_meat_can"]
)
def test_scanned_boxes_have_three_planes(shared_data: Path, name: str) -> None:
    planes = run(turned(shared_data / f"meshes/ycb/{name}.ply")[0]).values["planes"]
    assert len(planes) == 3 and planes[-1]["score"] > 0.9
    normals = np.array([p["normal"] for p in planes])
    assert np.abs(normals @ normals.T - np.eye(3)).max() < 0.05


def test_scanned_drill_has_one_plane_also_as_a_cloud(shared_data: Path) -> None:
    mesh, _ = turned(shared_data / "meshes/ycb/035_power_drill.ply")
    (plane,) = run(mesh).values["planes"]
    assert plane["score"] > 0.98
    (same,) = run(PointCloud(mesh.points)).values["planes"]
    assert np.linalg.norm(np.cross(plane["normal"], same["normal"])) < 0.01


@pytest.mark.parametrize(
    "name",
    ["meshes/spot.obj", "articulated/mesh2motion/model-horse.glb", "articulated/mesh2motion/model-human.glb"],
)
def test_modelled_animals_have_their_midplane(shared_data: Path, name: str) -> None:
    mesh, rotation = turned(shared_data / name)
    result = run(mesh)
    assert len(exact(result)) == 1
    assert np.linalg.norm(np.cross(result.values["planes"][0]["normal"], rotation[:, 0])) < 1e-3
