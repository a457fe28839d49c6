"""Glyphs: exact geometry, and that turning an object and turning its data give the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.viewports.camera import look
from app.viewports.glyphs import arrows, ball, glyph_names, kind_of_glyph, make_glyphs, tensors, unpacked
from core.data import Attribute, Domain, Mesh, PointCloud, Trajectory, Transforms, Volume
from core.display import VALUES
from core.symmetry import O, act, as_element
from tests.app.viewports.conftest import make_item
from tests.app.viewports.test_scenes import draw, shown, sphere

RNG = np.random.default_rng(5)


def turn(seed: int = 3, proper: bool = True) -> Any:
    """A rotation with a shift, or with a mirror, as a 4×4 matrix."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = q if (np.linalg.det(q) > 0) is proper else -q
    matrix[:3, 3] = (0.5, -1.0, 2.0)
    return matrix


def cloud(n: int = 60) -> PointCloud:
    points = RNG.uniform(-1, 1, (n, 3))
    t = RNG.normal(size=(n, 3, 3))
    grid = RNG.normal(size=(24, 3))
    return PointCloud(
        points,
        {
            "v": Attribute(RNG.normal(size=(n, 3)), Transforms.VECTOR, unit="m/s"),
            "spin": Attribute(RNG.normal(size=(n, 3)), Transforms.AXIAL_VECTOR),
            "T": Attribute(t @ np.swapaxes(t, 1, 2), Transforms.TENSOR),
            "S": Attribute(t + np.swapaxes(t, 1, 2), Transforms.TENSOR),
            "c2": Attribute(RNG.normal(size=(n, 5)), Transforms.SPHERICAL_HARMONICS, degree=2),
            "f": Attribute(RNG.uniform(size=(n, 24)), Transforms.SCALAR),
            "orientations": Attribute(
                grid / np.linalg.norm(grid, axis=1, keepdims=True), Transforms.VECTOR, Domain.OBJECT
            ),
            "q": Attribute(RNG.normal(size=n), Transforms.SCALAR),
        },
    )


def test_what_can_be_drawn_is_offered_and_nothing_else() -> None:
    assert glyph_names(cloud()) == {
        "v": "v (arrows)",
        "spin": "spin (arrows)",
        "T": "T (tensors)",
        "S": "S (tensors)",
        "c2": "c2 (harmonics)",
        "f": "f (fibres)",
    }
    assert (
        kind_of_glyph(Volume(np.zeros((2, 2, 2, 6)), np.eye(4), "channel", Transforms.TENSOR), VALUES)
        == "tensor"
    )
    assert not glyph_names(Volume(np.zeros((2, 2, 2, 6)), np.eye(4), "channel"))


def test_an_arrow_reaches_from_its_point_to_the_tip_of_its_vector() -> None:
    places, vectors = RNG.normal(size=(2, 5, 3))
    points, faces, normals = arrows(places, vectors)
    each = len(points) // 5
    for k in range(5):
        along = (points[k * each : (k + 1) * each] - places[k]) @ vectors[k] / np.linalg.norm(vectors[k]) ** 2
        assert along.min() == pytest.approx(0) and along.max() == pytest.approx(1)
        tip = points[k * each : (k + 1) * each][np.argmax(along)]
        assert tip == pytest.approx(places[k] + vectors[k])
    across = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    solid = np.linalg.norm(across, axis=1) > 1e-12
    assert (np.einsum("ij,ij->i", across, normals[faces].sum(axis=1))[solid] > 0).all()


def test_an_ellipsoid_has_the_eigenvalues_as_axes_and_a_negative_one_is_told() -> None:
    values = np.diag([3.0, 2.0, 1.0])[None]
    points, faces, _, signs = tensors(np.zeros((1, 3)), values)
    assert np.abs(points).max(axis=0) == pytest.approx([3, 2, 1], rel=0.12) and signs is None
    assert ((points / [3, 2, 1]) ** 2).sum(axis=1) == pytest.approx(1)
    volume = (
        np.einsum("ij,ij->i", points[faces[:, 0]], np.cross(points[faces[:, 1]], points[faces[:, 2]])).sum()
        / 6
    )
    assert volume == pytest.approx(4 / 3 * np.pi * 6, rel=0.1)  # and so its faces look outwards
    points, _, _, signs = tensors(np.zeros((1, 3)), np.diag([1.0, 1.0, -2.0])[None])
    assert signs is not None
    unit = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.abs(unit**2 @ [1, 1, -2]), abs=1e-9)
    assert ((unit**2 @ [1, 1, -2] < -1e-9) == (signs < 0))[np.abs(unit**2 @ [1, 1, -2]) > 1e-6].all()
    item = make_item(
        PointCloud(np.zeros((1, 3)), {"S": Attribute(np.diag([1.0, 1, -2])[None], "tensor")}), glyph="S"
    )
    assert any("negative eigenvalues" in w for w in make_glyphs(item).words)


def test_superquadrics_tell_lines_from_planes() -> None:
    long, _, _, _ = tensors(np.zeros((1, 3)), np.diag([0.1, 0.1, 1.0])[None], "superquadric")
    flat, _, _, _ = tensors(np.zeros((1, 3)), np.diag([0.1, 1.0, 1.0])[None], "superquadric")
    round_, _, _, _ = tensors(np.zeros((1, 3)), np.eye(3)[None], "superquadric")
    assert np.linalg.norm(round_, axis=1) == pytest.approx(1)
    # a rod is nearly as wide three quarters out as in the middle, where an ellipsoid is not
    out = long[np.argsort(np.abs(np.abs(long[:, 2]) - 0.75))[:30]]
    assert np.hypot(out[:, 0], out[:, 1]).max() > 0.08 > 0.1 * np.sqrt(1 - 0.75**2)
    out = flat[np.argsort(np.abs(np.hypot(flat[:, 1], flat[:, 2]) - 0.75))[:30]]
    assert np.abs(out[:, 0]).max() > 0.08


@pytest.mark.parametrize("name", ["v", "spin", "T", "S", "c2", "f"])
@pytest.mark.parametrize("proper", [True, False])
def test_turning_the_object_and_turning_its_data_are_one(name: str, proper: bool) -> None:
    data, matrix = cloud(), turn(proper=proper)
    by_item = make_glyphs(make_item(data, transform=matrix, glyph=name))
    by_data = make_glyphs(make_item(act(as_element(matrix), data), glyph=name))
    assert by_item is not None and by_data is not None
    first, second = by_item.points + by_item.center, by_data.points + by_data.center
    assert first == pytest.approx(second, abs=2e-5)
    assert (np.abs(by_item.colors.astype(int) - by_data.colors) <= 2).all()
    assert np.array_equal(by_item.chosen, by_data.chosen)


def test_a_mirror_turns_spins_round_but_not_velocities() -> None:
    data = PointCloud(
        np.zeros((1, 3)),
        {
            "v": Attribute(np.array([[0.0, 0, 1]]), Transforms.VECTOR),
            "spin": Attribute(np.array([[0.0, 0, 1]]), Transforms.AXIAL_VECTOR),
        },
    )
    mirror = np.diag([-1.0, 1, 1, 1])  # x -> -x: vectors along z stay, spins about z turn round
    ends = {}
    for name in ("v", "spin"):
        made = make_glyphs(make_item(data, transform=mirror, glyph=name))
        far = np.linalg.norm(made.points + made.center, axis=1)
        ends[name] = (made.points + made.center)[np.argmax(far), 2]
    assert ends["v"] > 0 > ends["spin"]
    assert O(3) is not None


def test_the_pictures_agree_too(view: Any) -> None:
    data, matrix = cloud(30), turn()
    pose = look(np.array([[-2.5, 3.5], [-3.5, 2], [0, 4.0]]), (0.4, -0.8, 0.4), (0, 0, 1), 160 / 140)
    window = view()
    for name in ("v", "T", "c2"):
        first, notes, _ = draw(
            window, [make_item(data, transform=matrix, glyph=name, color_by="")], camera=pose
        )
        moved = make_item(act(as_element(matrix), data), glyph=name, color_by="")
        second, _, _ = draw(window, [moved], camera=pose)
        assert not notes.problems and np.abs(first - second).max(axis=-1).mean() < 1.0
        bare, _, _ = draw(window, [make_item(data, transform=matrix, color_by="")], camera=pose)
        assert (np.abs(first - bare).max(axis=-1) > 30).sum() > 50


def test_of_many_a_stable_part_is_drawn_and_said() -> None:
    n = 5000
    mesh = Mesh(
        RNG.normal(size=(n, 3)),
        np.array([[0, 1, 2], [3, 4, 5]]),
        {
            "n": Attribute(RNG.normal(size=(n, 3)), "vector"),
            "g": Attribute(np.ones((2, 3)), "vector", Domain.FACE),
        },
    )
    few = make_glyphs(make_item(mesh, glyph="n", glyph_limit=300))
    more = make_glyphs(make_item(mesh, glyph="n", glyph_limit=900))
    assert len(few.chosen) == 300 and set(few.chosen) < set(more.chosen)
    assert few.words[0].startswith("300 of 5\u202f000 arrows, 1 drawn as ")
    faces = make_glyphs(make_item(mesh, glyph="g"))
    each = len(faces.points) // 2
    starts = (faces.points + faces.center).reshape(2, each, 3)[:, :8].mean(axis=1)
    assert starts == pytest.approx(mesh.points[mesh.faces].mean(axis=1), abs=0.2)


def test_a_volume_of_vectors_and_of_tensors(view: Any) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(12.0)] * 3, indexing="ij"), axis=-1) - 5.5
    affine = np.diag([2.0, 2, 3, 1])
    vectors = make_item(Volume(grid, affine, "channel", Transforms.VECTOR), glyph=VALUES, glyph_limit=200)
    made = make_glyphs(vectors)
    assert 20 < len(made.chosen) <= 200 and made.total == 12**3
    voxel = np.stack(np.unravel_index(made.chosen, (12, 12, 12)), axis=1)
    each = len(made.points) // len(made.chosen)
    tips = (made.points + made.center).reshape(-1, each, 3)
    base = voxel * [2, 2, 3]
    along = np.einsum("kvi,ki->kv", tips - base[:, None], grid[tuple(voxel.T)])
    assert (along.max(axis=1) > 0).all() and (
        np.abs(along.min(axis=1)) < 1e-3 * along.max(axis=1) + 1e-3
    ).all()
    empty, _, _ = draw(view(), [replace(vectors, display=replace(vectors.display, glyph="", render="off"))])
    picture, notes, _ = draw(view(), [vectors])
    assert shown(picture).sum() > 200 and any("arrows" in t for t in notes.infos), (empty.max(), notes)
    assert unpacked(np.arange(6.0)[None])[0] == pytest.approx(np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]]))


def test_velocities_of_a_trajectory_are_arrows_at_the_moment_shown() -> None:
    t = np.linspace(0, 1, 9)
    positions = np.stack([np.stack([np.cos(t), np.sin(t), 0 * t], axis=1)], axis=1)
    data = Trajectory(positions, t)
    assert "@velocity" in glyph_names(data)
    made = make_glyphs(make_item(data, glyph="@velocity", index=4))
    far = made.points + made.center
    tip = far[np.argmax(np.linalg.norm(far - positions[4, 0], axis=1))] - positions[4, 0]
    expected = np.array([-np.sin(0.5), np.cos(0.5), 0])
    assert tip / np.linalg.norm(tip) == pytest.approx(expected, abs=0.02)


def test_nothing_to_draw_is_said_and_a_wrong_transform_named(view: Any) -> None:
    data = PointCloud(np.eye(3), {"v": Attribute(np.zeros((3, 3)), "vector")})
    _, notes, _ = draw(view(), [make_item(data, glyph="v")])
    assert any("zero or missing" in t for t in notes.infos)
    sheared = np.eye(4)
    sheared[0, 1] = 1
    harmonics = PointCloud(np.eye(3), {"c": Attribute(np.ones((3, 5)), "spherical_harmonics", degree=2)})
    window = view()
    right, _, _ = draw(window, [make_item(harmonics, glyph="c")])
    wrong, notes, _ = draw(window, [make_item(harmonics, glyph="c", transform=sheared)])
    assert any("rotations" in t for t in notes.problems)
    _, notes, _ = draw(window, [make_item(harmonics, glyph="c", transform=sheared)], parallel=True)
    assert any("rotations" in t for t in notes.problems), "it is not right because the camera moved"
    background, _, _ = draw(view(), [])
    assert np.abs(right - background).max() > 60, "they were there"
    bare, _, _ = draw(view(), [make_item(harmonics, transform=sheared)])
    assert np.abs(wrong - bare).max() < 40, "the ones of before are gone"


def test_balls_are_round_and_closed() -> None:
    for level, count in ((0, 12), (1, 42), (2, 162)):
        points, faces = ball(level)
        assert len(points) == count and len(faces) == 20 * 4**level
        assert np.linalg.norm(points, axis=1) == pytest.approx(1)
        assert (
            np.einsum(
                "ij,ij->i",
                np.cross(
                    points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]]
                ),
                points[faces[:, 0]],
            )
            > 0
        ).all()
    assert len(sphere()) == 2
