"""Mirror planes of solids given as triangle meshes, in unknown poses."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from core.data import Mesh
from plugins.symmetry._mesh import MeshShape
from plugins.symmetry._search import rough_errors
from tests.plugins.symmetry.shapes import (
    LOPSIDED_TETRAHEDRON,
    TETRAHEDRON,
    Pose,
    as_mesh,
    box,
    exact,
    gear,
    hull,
    prism,
    run,
    three_arms,
    worst_misfit,
)

CUBE_NORMALS = np.array(
    [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, -1, 0), (1, 0, 1), (1, 0, -1), (0, 1, 1), (0, 1, -1)],
    dtype=float,
)
CUBE_NORMALS /= np.linalg.norm(CUBE_NORMALS, axis=1, keepdims=True)

SOLIDS = {
    "cube": (box(1, 1, 1), 9),
    "brick": (box(1, 1.5, 2.3), 3),
    "square prism": (box(1, 1, 2), 5),
    "tetrahedron": (hull(TETRAHEDRON), 6),
    "icosahedron": (trimesh.creation.icosahedron(), 15),
    "prism 3": (prism(3), 4),
    "prism 5": (prism(5), 6),
    "prism 6": (prism(6), 7),
    "prism 12": (prism(12), 13),
    "prism 24": (prism(24), 25),
    "gear 10": (gear(10), 11),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_number_of_planes(name: str) -> None:
    solid, count = SOLIDS[name]
    result = run(as_mesh(solid, Pose(11)))
    scores = [p["score"] for p in result.values["planes"]]
    assert len(exact(result)) == count
    assert min(p["score"] for p in exact(result)) > 1 - 1e-5
    assert scores == sorted(scores, reverse=True)
    assert result.values["continuous"] == []


@pytest.mark.parametrize("seed", [1, 3])
def test_planes_of_a_cube_are_exact_in_any_pose_and_scale(seed: int) -> None:
    pose = Pose(seed, scale=10.0 ** (3 * seed - 7))
    result = run(as_mesh(box(1, 1, 1), pose), seed=seed)
    assert len(result.values["planes"]) == 9
    angle, offset = worst_misfit(result, CUBE_NORMALS @ pose.rotation.T, pose.shift)
    assert angle < 1e-6 and offset < 1e-6
    assert all(p["error"] < 1e-6 * result.values["size"] for p in result.values["planes"])


def test_scores_do_not_depend_on_the_unit() -> None:
    points = np.random.default_rng(3).normal(size=(12, 3))
    large, small = (run(as_mesh(hull(points), Pose(5, scale=s))).values for s in (1000.0, 1.0))
    assert large["planes"][0]["score"] == pytest.approx(small["planes"][0]["score"], abs=1e-6)
    assert large["planes"][0]["error"] == pytest.approx(1000 * small["planes"][0]["error"], rel=1e-4)


def test_how_a_surface_is_cut_into_triangles_does_not_count() -> None:
    brick = box(1, 1.5, 2.3)
    fine = brick.subdivide(face_index=[0, 1, 2])
    for _ in range(5):
        fine = fine.subdivide(face_index=np.arange(len(fine.faces) // 3))
    result = run(as_mesh(fine, Pose(6)))
    assert len(fine.faces) > 60
    assert [p["score"] > 1 - 1e-6 for p in result.values["planes"]] == [True] * 3


@pytest.mark.parametrize(
    "solid", [hull(LOPSIDED_TETRAHEDRON), three_arms(), hull(np.random.default_rng(3).normal(size=(12, 3)))]
)
def test_asymmetric_solids_have_no_mirror(solid: trimesh.Trimesh) -> None:
    result = run(as_mesh(solid, Pose(7)))
    assert len(result.values["planes"]) >= 1, "the best plane is always listed"
    assert exact(result) == []
    assert result.values["continuous"] == []


def test_a_bump_is_measured() -> None:
    """A cube with a bump on one face keeps the planes through it and loses the others."""
    bump = trimesh.creation.box(bounds=[(-0.15, -0.15, 0.5), (0.15, 0.15, 0.8)])
    result = run(as_mesh(trimesh.util.concatenate([box(1, 1, 1), bump]), Pose(8)))
    assert len(exact(result)) == 4


@pytest.mark.parametrize(
    ("solid", "perpendicular"),
    [
        (prism(64, 2.0), 1),
        (prism(32, 1.2), 1),
        (trimesh.creation.cone(1.0, 2.0, sections=64), 0),
        (trimesh.creation.torus(1.0, 0.3, major_sections=64, minor_sections=32), 1),
        (trimesh.creation.capsule(height=1.5, radius=0.6, count=[48, 48]), 1),
    ],
    ids=["cylinder 64", "cylinder 32", "cone", "torus", "capsule"],
)
def test_bodies_of_revolution(solid: trimesh.Trimesh, perpendicular: int) -> None:
    pose = Pose(9)
    values = run(as_mesh(solid, pose)).values
    (axis,) = values["continuous"]
    assert axis["kind"] == "axial"
    assert np.linalg.norm(np.cross(axis["direction"], pose.rotation[:, 2])) < 1e-3
    gap = np.cross(np.asarray(axis["point"]) - pose.shift, pose.rotation[:, 2])
    assert np.linalg.norm(gap) < 1e-3 * values["size"]
    assert len(values["planes"]) == perpendicular
    for plane in values["planes"]:
        assert np.linalg.norm(np.cross(plane["normal"], pose.rotation[:, 2])) < 1e-3


@pytest.mark.parametrize(
    "solid",
    [trimesh.creation.icosphere(3), trimesh.creation.uv_sphere(count=[32, 32])],
    ids=["icosphere", "uv"],
)
def test_spheres(solid: trimesh.Trimesh) -> None:
    pose = Pose(10)
    values = run(as_mesh(solid, pose)).values
    (sphere,) = values["continuous"]
    assert sphere["kind"] == "sphere" and sphere["direction"] is None
    assert np.linalg.norm(np.asarray(sphere["point"]) - pose.shift) < 1e-3 * values["size"]
    assert values["size"] == pytest.approx(2 * pose.scale, rel=0.01)
    assert values["planes"] == []


def test_a_flat_sheet_mirrors_itself_in_its_own_plane() -> None:
    pose = Pose(12)
    sheet = Mesh(pose(np.array([(0, 0, 0), (2, 0, 0), (2, 1, 0), (0, 1, 0.0)])), [(0, 1, 2), (0, 2, 3)])
    result = run(sheet)
    assert len(exact(result)) == 3
    assert any(abs(np.dot(p["normal"], pose.rotation[:, 2])) > 1 - 1e-9 for p in exact(result))


@pytest.mark.parametrize("solid", [box(1, 1, 1), gear(18), three_arms()], ids=["cube", "gear", "arms"])
def test_tabulated_distances_are_near_the_exact_ones(solid: trimesh.Trimesh) -> None:
    shape = MeshShape(as_mesh(solid, Pose(13)), 3000, np.random.default_rng(1))
    for normal in np.eye(3):
        exact = shape.error(normal, 0.02, 3000)
        rough = rough_errors(shape, normal[None], np.array([0.02]), 3000, lambda: None)[0]
        fast = np.sqrt(shape.linearise(shape.reflected(normal, 0.02, 3000))[0])
        assert rough == pytest.approx(exact, rel=0.05, abs=0.004)
        assert fast == pytest.approx(exact, rel=0.01, abs=1e-6)
