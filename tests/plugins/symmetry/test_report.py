"""What the analysis hands out: values, layers, table, picture; and how it behaves as a job."""

from __future__ import annotations

import json
import threading
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import trimesh

from core.data import Image, MarkupKind, Mesh, Volume, encode
from core.errors import Cancelled, Refused
from core.jobs import Job
from core.results import Layer, Number, ResultTable, Scatter, Text
from plugins.symmetry._patience import patiently
from plugins.symmetry.reflections import reflections
from tests.plugins.symmetry.shapes import Pose, as_cloud, as_mesh, as_volume, box, prism, run, three_arms

MANIFEST = Path(__file__).resolve().parents[3] / "plugins/symmetry/plugin.toml"


def test_manifest_names_the_function() -> None:
    (entry,) = tomllib.loads(MANIFEST.read_text())["analyses"]
    module, name = entry["function"].split(":")
    assert entry["id"] == "symmetry.reflections"
    assert getattr(import_module(module), name) is reflections


def test_values_are_plain_json_and_the_formula_holds() -> None:
    result = run(as_mesh(three_arms(), Pose(41)))
    values = json.loads(json.dumps(dict(result.values), allow_nan=False))
    assert set(values) >= {"planes", "continuous", "size", "unit"}
    assert values["unit"] == "mm"
    for plane in values["planes"]:
        assert set(plane) == {"point", "normal", "score", "error"}
        assert plane["score"] == pytest.approx(np.exp(-((20 * plane["error"] / values["size"]) ** 2)))
        assert np.linalg.norm(plane["normal"]) == pytest.approx(1)
        assert plane["normal"][0] >= 0


def test_layers_are_rectangles_that_cover_the_object() -> None:
    pose = Pose(42)
    result = run(as_mesh(box(1, 1.5, 2.3), pose))
    layers = [o for o in result.outputs if isinstance(o, Layer)]
    assert [layer.name for layer in layers] == ["Mirror plane 1", "Mirror plane 2", "Mirror plane 3"]
    for layer, plane in zip(layers, result.values["planes"], strict=True):
        markup = layer.data
        assert markup.kind is MarkupKind.PLANE and markup.unit == "mm"
        assert np.allclose(markup.axes[:, 2], plane["normal"])
        assert np.linalg.det(markup.axes) == pytest.approx(1)
        assert markup.measurements["score"] == plane["score"]
        assert abs(np.dot(plane["normal"], markup.points[0] - np.array(plane["point"]))) < 1e-9 * pose.scale
        assert abs(markup.axes[2, 0]) < 1e-12 or abs(plane["normal"][2]) > 0.9, "upright: an edge is level"
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1.5, 1.5) for z in (-2.3, 2.3)]) / 2
        shadow = (corners @ pose.rotation.T * pose.scale + pose.shift - markup.points[0]) @ markup.axes[:, :2]
        assert (np.abs(shadow).max(axis=0) <= markup.size[:2] / 2).all(), "the whole object's shadow"
        assert (np.abs(shadow).max(axis=0) >= markup.size[:2] / 2 / 1.3).all(), "and not much more"


def test_axis_is_a_line_through_the_object() -> None:
    pose = Pose(43)
    result = run(as_mesh(prism(64, 2.0), pose))
    (line,) = [o.data for o in result.outputs if isinstance(o, Layer) and o.data.kind is MarkupKind.LINE]
    along = (line.points - pose.shift) @ pose.rotation[:, 2] / pose.scale
    assert sorted(along) == pytest.approx([-1.1, 1.1], abs=0.03)


def test_table_picture_numbers_and_text() -> None:
    result = run(as_mesh(box(1, 1.5, 2.3), Pose(44)))
    (table,) = [o.table for o in result.outputs if isinstance(o, ResultTable)]
    assert list(table.columns["plane"]) == [1, 2, 3] and table.units["error"] == "mm"
    (picture,) = [o for o in result.outputs if isinstance(o, Scatter)]
    assert np.hypot(picture.x, picture.y).max() <= 1 + 1e-6
    assert picture.color is not None and 0 <= picture.color.min() and picture.color.max() <= 1
    numbers = {o.name: o.value for o in result.outputs if isinstance(o, Number)}
    assert numbers["Mirror planes with a score above 0.99"] == 3
    texts = {o.name: o.text for o in result.outputs if isinstance(o, Text)}
    assert "3 mirror planes" in texts["Summary"] and "exp" in texts["Score"]
    encode(result)  # can be carried between processes


def test_sides_of_the_body_are_named() -> None:
    inside = np.zeros((30, 40, 50), dtype=np.float32)
    inside[8:-8, 8:-8, 8:-8] = 1
    result = run(Volume(inside, np.eye(4)))
    (table,) = [o.table for o in result.outputs if isinstance(o, ResultTable)]
    assert sorted(table.columns["normal towards"]) == ["A", "R", "S"]


def test_limits_on_what_is_listed() -> None:
    cube = as_mesh(box(1, 1, 1), Pose(45))
    few = run(cube, max_planes=4)
    assert len(few.values["planes"]) == 4
    assert few.warnings == ("5 more planes reach the minimum score; raise “max planes” to list them.",)
    arms = as_mesh(three_arms(), Pose(45))
    assert len(run(arms, minimum_score=0.3).values["planes"]) >= len(run(arms).values["planes"]) == 1


def test_same_seed_same_result_and_another_seed_the_same_planes() -> None:
    mesh = as_mesh(three_arms(), Pose(46))
    first, again, other = run(mesh, seed=1), run(mesh, seed=1), run(mesh, seed=2)
    assert first.values == again.values
    a, b = first.values["planes"][0], other.values["planes"][0]
    assert a["error"] == pytest.approx(b["error"], rel=0.03)
    assert np.linalg.norm(np.cross(a["normal"], b["normal"])) < 0.01


@pytest.mark.parametrize("solid", [prism(6), trimesh.creation.icosphere(3)], ids=["prism", "sphere"])
@pytest.mark.parametrize("kind", ["mesh", "cloud"])
def test_the_number_of_threads_does_not_count(solid: trimesh.Trimesh, kind: str) -> None:
    data = as_mesh(solid, Pose(48)) if kind == "mesh" else as_cloud(solid, Pose(48), 6000)
    one, two = (reflections(data, samples=5000, job=Job(seed=3, threads=n)).values for n in (1, 2))
    assert json.dumps(one["planes"]) == json.dumps(two["planes"])
    assert json.dumps(one["continuous"]) == json.dumps(two["continuous"])


def test_cancel_while_the_object_is_prepared() -> None:
    release, asked = threading.Event(), []

    def check() -> None:
        asked.append(1)
        if len(asked) > 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        patiently(lambda: release.wait(20), check, interval=0.01)
    release.set()
    assert patiently(lambda: 7, lambda: None) == 7
    with pytest.raises(Refused, match="no area"):
        run(Mesh(np.zeros((3, 3)), [(0, 1, 2)]))


@pytest.mark.parametrize("kind", ["mesh", "volume"])
def test_cancel_and_progress(kind: str) -> None:
    pose = Pose(47, scale=20.0)
    solid = trimesh.creation.icosahedron()
    data = (
        as_mesh(solid, pose)
        if kind == "mesh"
        else as_volume(lambda x: (np.abs(x) < 0.7).all(axis=1), pose, np.eye(3))
    )
    flag, seen = threading.Event(), []

    def send(message: dict) -> None:
        seen.append(message["fraction"])
        if message["fraction"] > 0.3:
            flag.set()

    with pytest.raises(Cancelled):
        reflections(data, job=Job(send=send, cancelled=flag))
    assert seen == sorted(seen) and 0.3 < seen[-1] < 0.6


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Mesh(np.zeros((3, 3)), [(0, 1, 2)]), "no area"),
        (Mesh(np.full((3, 3), np.nan), [(0, 1, 2)]), "finite corners"),
        (Mesh(np.zeros((0, 3)), np.zeros((0, 3))), "at least 4 points"),
        (Image(np.zeros((4, 4))), "only"),
    ],
    ids=["no area", "nan", "empty", "image"],
)
def test_refusals(data: object, message: str) -> None:
    with pytest.raises(Refused, match=message):
        run(data)
