"""Mirror planes of point clouds: samples of surfaces, noisy, partial and sparse ones."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from core.data import PointCloud
from core.errors import Refused
from tests.plugins.symmetry.shapes import (
    LOPSIDED_TETRAHEDRON,
    Pose,
    as_cloud,
    as_mesh,
    box,
    exact,
    hull,
    prism,
    run,
    three_arms,
    worst_misfit,
)


@pytest.mark.parametrize(
    ("solid", "points", "count"),
    [
        (box(1, 1, 1), 2000, 9),
        (box(1, 1, 1), 20000, 9),
        (box(1, 1.5, 2.3), 1000, 3),
        (trimesh.creation.icosahedron(), 20000, 15),
        (prism(6), 20000, 7),
        (prism(12), 50000, 13),
    ],
    ids=["cube 2000", "cube 20000", "brick 1000", "icosahedron", "prism 6", "prism 12"],
)
def test_random_samples_of_symmetric_surfaces(solid: trimesh.Trimesh, points: int, count: int) -> None:
    """Their points have no mirror partners; the score is that of the surface all the same."""
    result = run(as_cloud(solid, Pose(21), points))
    assert len(exact(result)) == count
    assert result.values["continuous"] == []


def test_planes_of_a_sampled_brick() -> None:
    pose = Pose(22)
    result = run(as_cloud(box(1, 1.5, 2.3), pose, 20000))
    angle, offset = worst_misfit(result, pose.rotation.T, pose.shift)
    assert len(exact(result)) == 3
    assert angle < 2e-3 and offset < 1e-3


def test_noise_of_one_percent_costs_little() -> None:
    result = run(as_cloud(box(1, 1.5, 2.3), Pose(23), 20000, noise=0.01))
    assert len(exact(result)) == 3


@pytest.mark.parametrize("points", [1000, 20000])
@pytest.mark.parametrize("solid", [hull(LOPSIDED_TETRAHEDRON), three_arms()], ids=["tetrahedron", "arms"])
def test_asymmetric_samples_have_no_mirror(solid: trimesh.Trimesh, points: int) -> None:
    assert exact(run(as_cloud(solid, Pose(24), points))) == []


def test_the_error_is_that_of_the_mesh() -> None:
    solid = hull(LOPSIDED_TETRAHEDRON)
    mesh, cloud = run(as_mesh(solid, Pose(25))), run(as_cloud(solid, Pose(25), 20000))
    assert cloud.values["planes"][0]["error"] == pytest.approx(mesh.values["planes"][0]["error"], rel=0.1)
    assert cloud.values["size"] == pytest.approx(mesh.values["size"], rel=0.02)


@pytest.mark.parametrize(
    ("solid", "kind", "planes"),
    [
        (prism(64, 2.0), "axial", 1),
        (trimesh.creation.torus(1.0, 0.3, major_sections=64, minor_sections=32), "axial", 1),
        (trimesh.creation.icosphere(4), "sphere", 0),
    ],
    ids=["cylinder", "torus", "sphere"],
)
def test_round_samples(solid: trimesh.Trimesh, kind: str, planes: int) -> None:
    values = run(as_cloud(solid, Pose(26), 20000)).values
    assert [c["kind"] for c in values["continuous"]] == [kind]
    assert len(values["planes"]) == planes


@pytest.mark.parametrize(
    ("points", "count"),
    [
        (box(1, 1, 1).vertices, 9),
        (trimesh.creation.icosahedron().vertices, 15),
        (box(1, 1.5, 2.3).vertices, 3),
    ],
    ids=["cube", "icosahedron", "brick"],
)
def test_corners_alone_are_compared_point_by_point(points: np.ndarray, count: int) -> None:
    result = run(PointCloud(Pose(27)(points)))
    assert len(exact(result)) == count
    assert min(p["score"] for p in exact(result)) > 1 - 1e-9


def test_four_points_in_general_position() -> None:
    assert exact(run(PointCloud(Pose(28)(np.array(LOPSIDED_TETRAHEDRON))))) == []


def test_points_on_a_line_are_round_about_it() -> None:
    values = run(PointCloud(np.outer(np.linspace(0, 1, 50), (1.0, 2.0, 3.0)))).values
    (axis,) = values["continuous"]
    assert abs(np.dot(axis["direction"], np.array((1, 2, 3)) / np.sqrt(14))) > 1 - 1e-9
    assert len(values["planes"]) == 1


def test_coordinates_far_from_the_origin() -> None:
    pose = Pose(29, scale=10.0)
    cloud = as_cloud(box(2, 1, 0.5), pose, 5000)
    result = run(PointCloud(cloud.points + np.array((512_000.0, 5_400_000.0, 300.0))))
    assert len(exact(result)) == 3


def test_points_that_are_not_finite_are_left_out() -> None:
    points = np.array(as_cloud(box(1, 1.5, 2.3), Pose(30), 4000).points)
    points[::10] = np.nan
    result = run(PointCloud(points))
    assert len(exact(result)) == 3
    assert result.warnings == ("400 points with coordinates that are not finite were left out.",)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.eye(3), "at least 4 points"),
        (np.full((10, 3), np.nan), "at least 4 points"),
        (np.ones((10, 3)), "lie in one place"),
    ],
    ids=["three", "nan", "one place"],
)
def test_refusals(points: np.ndarray, message: str) -> None:
    with pytest.raises(Refused, match=message):
        run(PointCloud(points))
