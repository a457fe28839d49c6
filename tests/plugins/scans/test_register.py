"""Alignment of surfaces and clouds by motions that are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from core import running
from core.data import Attribute, Mesh, PointCloud, Transform, Transforms
from core.errors import Refused
from core.jobs import Job
from core.plugins import PluginHost
from core.results import Layer, Number
from plugins.scans._places import Target, sampled
from plugins.scans.register import register

QUICK = {"samples": 800}


def blob(subdivisions: int = 3) -> Mesh:
    """A lop-sided potato of about 90 mm, off the origin."""
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions)
    directions = np.random.default_rng(0).normal(size=(8, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radius = 1 + sum(0.35 * np.exp(-8 * (1 - sphere.vertices @ d)) for d in directions)
    points = sphere.vertices * radius[:, None] * 40 + [5, 6, 7]
    return Mesh(points, sphere.faces.astype(np.int32), unit="mm")


def motion(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return Rotation.from_quat(rng.normal(size=4)).as_matrix(), rng.normal(size=3) * 200


def away(points: Any, seed: int) -> np.ndarray:
    """Points that `motion(seed)` takes to where `points` are."""
    turn, shift = motion(seed)
    out: np.ndarray = (np.asarray(points) - shift) @ turn
    return out


def run(fixed: Any, moving: Any, **parameters: Any) -> Any:
    return register(fixed, moving, **{**QUICK, **parameters}, job=Job(seed=0))


def off(result: Any, seed: int) -> float:
    """Degrees between what was found and the truth."""
    turn, _ = motion(seed)
    found = np.array(result.values["rotation"])
    return float(np.degrees(np.linalg.norm(Rotation.from_matrix(found @ turn.T).as_rotvec())))


@pytest.mark.parametrize("seed", [1, 3])
def test_a_known_motion_of_a_surface_is_found_exactly_whatever_the_pose(seed: int) -> None:
    base, (turn, shift) = blob(), motion(seed)
    result = run(base, replace(base, points=away(base.points, seed)))
    matrix = np.array(result.values["matrix"])
    assert np.abs(matrix[:3, :3] - turn).max() < 1e-9 and np.abs(matrix[:3, 3] - shift).max() < 1e-6
    assert result.values["rms"] < 1e-9 and result.values["overlap"] == 1 and not result.warnings
    layers = {o.name: o.data for o in result.outputs if isinstance(o, Layer)}
    assert np.abs(layers["Moved"].points - base.points).max() < 1e-6
    assert isinstance(layers["Transform"], Transform) and np.array_equal(layers["Transform"].matrix, matrix)
    numbers = {o.name: o.value for o in result.outputs if isinstance(o, Number)}
    assert numbers["Rotation"] == pytest.approx(
        np.degrees(np.linalg.norm(Rotation.from_matrix(turn).as_rotvec()))
    )


def test_another_triangulation_and_a_cloud_of_the_same_points() -> None:
    base = blob()
    finer = trimesh.Trimesh(base.points, base.faces, process=False).subdivide()
    result = run(base, Mesh(away(finer.vertices, 4), finer.faces.astype(np.int32)))
    assert off(result, 4) < 1e-6 and result.values["rms"] < 1e-9
    cloud = PointCloud(base.points)
    result = run(cloud, PointCloud(away(base.points, 5)))
    assert off(result, 5) < 1e-6 and result.values["rms"] < 1e-6


def test_noise_and_a_missing_part_are_tolerated() -> None:
    rng, base = np.random.default_rng(3), blob()
    points = sampled(base, 12_000, rng)
    part = points[points[:, 0] < np.quantile(points[:, 0], 0.75)]
    noisy = part + rng.normal(size=part.shape) * 0.1
    result = run(base, PointCloud(away(noisy, 6)), samples=5000)
    assert off(result, 6) < 0.05 and 0.05 < result.values["rms"] < 0.15
    # The other way round: the moving one has more than the fixed one.
    result = run(PointCloud(part), PointCloud(away(sampled(base, 6000, rng), 7)), samples=2000)
    assert off(result, 7) < 0.05 and 0.7 < result.values["overlap"] < 0.85


def test_small_corrections_from_where_it_lies() -> None:
    base = blob()
    turn = Rotation.from_euler("xyz", (3, -2, 4), degrees=True).as_matrix()
    result = run(base, replace(base, points=base.points @ turn + [1, 2, -1]), start="as placed")
    assert result.values["rms"] < 1e-9 and result.values["angle"] < 7


def test_a_mirrored_copy_is_told_of_and_mirrored_only_if_that_is_allowed() -> None:
    base = blob()
    mirrored = Mesh(away(base.points * [-1, 1, 1], 8), base.faces[:, ::-1], unit="mm")
    result = run(base, mirrored)
    assert np.linalg.det(np.array(result.values["rotation"])) == pytest.approx(1)
    assert any("mirror image" in w for w in result.warnings)
    result = run(base, mirrored, mirror=True)
    assert result.values["mirrored"] and result.values["rms"] < 1e-9
    layer = next(o.data for o in result.outputs if isinstance(o, Layer))
    assert trimesh.Trimesh(layer.points, layer.faces).volume > 0  # its outside is outside


def test_a_change_of_size_is_found_if_wanted() -> None:
    base = blob()
    small = replace(base, points=away(base.points, 9) * 0.4)
    result = run(base, small, scaling=True)
    assert result.values["scale"] == pytest.approx(2.5, rel=1e-9) and result.values["rms"] < 1e-8


def test_symmetric_and_shapeless_things_are_told_of() -> None:
    solid = trimesh.creation.box((10, 10, 14))
    box = Mesh(np.asarray(solid.vertices), np.asarray(solid.faces, np.int32))
    turn = Rotation.from_euler("z", 8, degrees=True).as_matrix()
    result = run(box, replace(box, points=box.points @ turn))
    assert result.values["rms"] < 1e-9 and result.values["angle"] == pytest.approx(8)
    # A square block has 8 proper turns; how many of them were met is a lower bound and said as one.
    assert any("At least" in w and "poses fit equally well" in w for w in result.warnings)
    ball = trimesh.creation.icosphere(subdivisions=4, radius=10)
    sphere = Mesh(np.asarray(ball.vertices), np.asarray(ball.faces, np.int32))
    result = run(sphere, replace(sphere, points=sphere.points + np.array([3.0, 1, 2])))
    assert any("slides along itself" in w for w in result.warnings) and result.values["undecided"] == 3
    matrix = np.array(result.values["matrix"])
    assert matrix[:3, :3] @ [3, 1, 2] + matrix[:3, 3] == pytest.approx([0, 0, 0], abs=0.1)
    assert result.values["angle"] < 20


def test_attributes_move_as_they_must_and_unknown_ones_stay_behind() -> None:
    base, n = blob(), len(blob().points)
    normals = np.array(trimesh.Trimesh(base.points, base.faces, process=False).vertex_normals)
    attributes = {
        "depth": Attribute(np.arange(n, dtype=float), Transforms.SCALAR),
        "normal": Attribute(normals @ motion(2)[0], Transforms.VECTOR),
        "odd": Attribute(np.ones(n), Transforms.UNKNOWN),
    }
    moving = replace(base, points=away(base.points, 2), attributes=attributes)
    result = run(base, moving)
    layer = next(o.data for o in result.outputs if isinstance(o, Layer))
    assert set(layer.attributes) == {"depth", "normal"} and any("odd" in w for w in result.warnings)
    assert np.abs(layer.attributes["normal"].values - normals).max() < 1e-6


def test_what_cannot_be_aligned_is_refused() -> None:
    base = blob()
    few = np.random.default_rng(0).normal(size=(5, 3))
    for pair in ((base, PointCloud(few)), (PointCloud(few), base)):
        with pytest.raises(Refused, match=r"6 points.*there are 5"):
            run(*pair)
    six = np.vstack([few, [1.0, 2, 3]])
    assert run(PointCloud(six), PointCloud(six + 0.1)).values["rms"] < 1e-6
    with pytest.raises(Refused, match="one place"):
        run(base, PointCloud(np.ones((9, 3))))
    with pytest.raises(Refused, match="no area"):
        run(Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.array([[0, 1, 2]])), base)


def test_closest_points_are_exact() -> None:
    base = blob()
    target = Target(base, lambda: None)
    rng = np.random.default_rng(4)
    queries = rng.normal(size=(60, 3)) * 60
    found, normal = target.closest(queries)
    _, distance, _ = trimesh.proximity.closest_point_naive(
        trimesh.Trimesh(base.points, base.faces, process=False), queries
    )
    assert np.abs(np.linalg.norm(found - queries, axis=1) - distance).max() < 1e-9
    assert np.abs(np.linalg.norm(normal, axis=1) - 1).max() < 1e-12


def test_a_record_replays_with_equal_hashes() -> None:
    base = blob(2)
    host = PluginHost()
    inputs = [
        running.InputRef("fixed", base),
        running.InputRef("moving", replace(base, points=away(base.points, 1))),
    ]
    hashes = []
    for _ in range(2):
        done = running.execute("scans.register", inputs, {"samples": 400}, job=Job(seed=5), host=host)
        hashes.append((dict(done.record["outputs"]), done.record["values"]))
    assert hashes[0] == hashes[1] and hashes[0][0]
