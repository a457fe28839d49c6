"""Distances between surfaces and clouds, where the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import trimesh

from core.data import Mesh, PointCloud
from core.errors import Refused
from core.jobs import Job
from core.results import Layer
from plugins.scans.distance import distance


def as_mesh(solid: Any, unit: str = "mm") -> Mesh:
    return Mesh(np.asarray(solid.vertices), np.asarray(solid.faces, dtype=np.int32), unit=unit)


def box(side: float) -> Mesh:
    return as_mesh(trimesh.creation.box((side, side, side)))


def run(*inputs: Any, **parameters: Any) -> Any:
    return distance(*inputs, **parameters, job=Job(seed=0))


def layer(result: Any) -> Mesh:
    data = next(o for o in result.outputs if isinstance(o, Layer)).data
    assert isinstance(data, Mesh)
    return data


def test_spheres_about_one_centre_are_as_far_apart_as_their_radii() -> None:
    inner = as_mesh(trimesh.creation.icosphere(subdivisions=4, radius=10))
    outer = as_mesh(trimesh.creation.icosphere(subdivisions=4, radius=13))
    found = run(outer, inner, signed=True).values
    # The vertices of both lie on the same rays, and a vertex is the closest place of a convex body to one above it.
    for key in ("mean", "rms", "percentile_95", "largest", "hausdorff"):
        assert found[key] == pytest.approx(3.0, rel=1e-9), key
    result = run(inner, outer, signed=True)
    assert result.values["mean"] < -2.9  # inside: negative
    values = layer(result).attributes["distance"].values
    assert (values < 0).all() and result.values["unit"] == "mm"


def test_a_plane_over_a_plane_and_a_point_cloud_of_it() -> None:
    square = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    rng = np.random.default_rng(1)
    above = PointCloud(np.column_stack([rng.uniform(0, 10, (200, 2)), np.full(200, 2.5)]))
    found = run(above, Mesh(square, faces), signed=True).values
    assert found["mean"] == pytest.approx(2.5) and found["largest"] == pytest.approx(2.5)
    assert run(above, Mesh(square, faces[:, ::-1]), signed=True).values["mean"] == pytest.approx(-2.5)
    assert run(above, Mesh(square, faces)).values["mean_absolute"] == pytest.approx(2.5)
    cloud = PointCloud(np.array([[0.0, 0, 0], [3, 4, 0]]))
    assert run(PointCloud(np.array([[0.0, 0, 12], [3, 4, 1]])), cloud).values["rms"] == pytest.approx(
        np.sqrt((144 + 1) / 2)
    )


def test_edges_and_corners_of_a_box_have_the_right_side_and_distance() -> None:
    queries = np.array(
        [[2.0, 0, 0], [2, 2, 0], [2, 2, 2], [0, 0, 0], [0.9, 0.9, 0.9], [1, 0.2, 0.3], [1, 1, 1]]
    )
    want = np.array([1, np.sqrt(2), np.sqrt(3), -1, -0.1, 0, 0])
    queries = np.concatenate([queries, queries + 0])  # a cloud needs no shape
    result = run(PointCloud(queries), box(2.0), signed=True)
    values = next(o for o in result.outputs if isinstance(o, Layer)).data.attributes["distance"].values
    assert values == pytest.approx(np.concatenate([want, want]), abs=1e-12)


def test_the_hausdorff_distance_looks_both_ways_and_a_limit_leaves_out() -> None:
    small = PointCloud(np.array([[0.0, 0, 0], [1, 0, 0]]))
    large = PointCloud(np.array([[0.0, 0, 0], [1, 0, 0], [0, 7, 0]]))
    assert run(small, large).values["hausdorff"] == pytest.approx(7)
    assert run(small, large).values["largest"] == 0
    found = run(large, small, limit=2.0)
    assert found.values["rms"] == 0 and found.values["left_out"] == 1
    with pytest.raises(Refused, match="within"):
        run(PointCloud(np.array([[0.0, 9, 0]])), small, limit=2.0)


def test_what_makes_no_sense_is_refused_and_holes_in_data_are_told() -> None:
    with pytest.raises(Refused, match="surface"):
        run(box(1), PointCloud(np.zeros((3, 3))), signed=True)
    with pytest.raises(Refused, match="finite"):
        run(PointCloud(np.full((2, 3), np.nan)), box(1))
    holed = PointCloud(np.array([[0.0, 0, 3], [np.nan, 0, 0]]))
    result = run(holed, box(2.0))
    assert result.values["rms"] == pytest.approx(2) and "1 point was left out" in result.warnings[0]
    mixed = run(as_mesh(trimesh.creation.box((1, 1, 1)), "m"), box(1.0))
    assert "units differ" in mixed.warnings[0]
    flat = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2], [0, 1, 3]]))
    assert run(PointCloud(np.array([[0.2, 0.2, 5.0]])), flat).values["rms"] == pytest.approx(5)
