"""Pictures that get better: points that are added, contours that arrive; and clip plane, parallel projection, backs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.viewports.background import Latest
from app.viewports.camera import look, project
from app.viewports.clip import ClipPlane
from app.viewports.state import ViewIntent, resolve
from core.data import Attribute, Graph, Markup, Mesh, PointCloud, Transforms, Volume
from tests.app.viewports.conftest import head, make_item
from tests.app.viewports.test_scenes import SIZE, draw, shown, sphere

BOX = np.array([[-12.0, 12]] * 3)
POSE = look(BOX, (0, -1, 0), (0, 0, 1), SIZE[0] / SIZE[1])


def on_screen(window: Any, items: Any, **wish: Any) -> Any:
    """One picture as a view on the screen asks for it: (pixels, notes)."""
    state = resolve(ViewIntent("3d", progressive=True, **wish), tuple(items), SIZE)
    picture, notes, _ = window.render(state)
    return picture[..., :3].astype(int), notes


def until_done(window: Any, items: Any, **wish: Any) -> Any:
    """(pixels, number of pictures) once nothing better is on its way."""
    for k in range(4000):
        picture, notes = on_screen(window, items, **wish)
        if not notes.unfinished:
            return picture, k + 1
    raise AssertionError("never finished")


def test_points_are_added_to_the_picture_that_is_there(view: Any) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(150_000, 3)).astype(np.float32)
    points *= 8 / np.linalg.norm(points, axis=1, keepdims=True)
    cloud = make_item(PointCloud(points, {"q": Attribute(points[:, 1], Transforms.SCALAR)}), color_by="q")
    ball = Mesh(sphere(5.0, (0, -8, 0))[0], sphere(5.0, (0, -8, 0))[1])
    items = [cloud, make_item(ball, "ball")]
    window = view()
    whole, _, _ = draw(window, items, camera=POSE)
    window._scene._presenters["a"].budget = 4_000
    first, notes = on_screen(window, items, camera=POSE)
    for _ in range(50):  # shuffling goes on in the background only where nobody has done it yet
        if window._scene._more:
            break
        first, notes = on_screen(window, items, camera=POSE)
    assert notes.unfinished and window._scene._presenters["a"].shown_to < 150_000
    last, pictures = until_done(window, items, camera=POSE)
    assert pictures >= 2
    # depth decides between what was there and what was added, and the ball still hides what is behind it
    assert (np.abs(last - whole).max(axis=-1) > 8).mean() < 0.002
    assert (np.abs(first - whole).max(axis=-1) > 8).mean() > 0.01
    # another camera begins anew, from an empty picture
    other, _, _ = draw(window, items, camera=look(BOX, (1, 0, 0), (0, 0, 1), 8 / 7))
    again, _ = until_done(window, items, camera=look(BOX, (1, 0, 0), (0, 0, 1), 8 / 7))
    assert (np.abs(other - again).max(axis=-1) > 8).mean() < 0.002


def test_points_among_translucent_things_come_in_whole_pictures(view: Any) -> None:
    points = np.random.default_rng(1).uniform(-8, 8, (120_000, 3)).astype(np.float32)
    items = [make_item(PointCloud(points)), make_item(Mesh(*sphere(9.0)), "b", opacity=0.3)]
    window = view()
    whole, _, _ = draw(window, items, camera=POSE)
    last, pictures = until_done(window, items, camera=POSE)
    assert pictures > 1 and (np.abs(last - whole).max(axis=-1) > 8).mean() < 0.002


def test_a_contour_arrives_and_follows_its_level(view: Any) -> None:
    grid = np.linalg.norm(np.stack(np.meshgrid(*[np.arange(80.0) - 39.5] * 3, indexing="ij"), -1), axis=-1)
    volume = Volume((60 - grid).astype(np.float32), np.diag([0.25, 0.25, 0.25, 1]))
    box = np.array([[0.0, 20]] * 3)
    pose = look(box, (0, -1, 0), (0, 0, 1), SIZE[0] / SIZE[1])
    window = view()
    empty, _, _ = draw(window, [], camera=pose)
    areas = []
    for level in (30.0, 40.0, 50.0):  # radii 30, 20, 10 voxels
        item = make_item(volume, render="surface", surface_level=level, surface_color=(1.0, 0.2, 0.2))
        picture, _ = until_done(window, [item], camera=pose)
        assert np.abs(picture - draw(window, [item], camera=pose)[0]).max() <= 2
        mask = shown(picture, empty)
        areas.append(mask.sum())
        assert picture[mask][:, 0].mean() > 2 * picture[mask][:, 1].mean()
    assert np.sqrt(np.array(areas) / areas[0]) == pytest.approx([1, 2 / 3, 1 / 3], rel=0.06)
    automatic = make_item(volume, render="surface")
    assert shown(draw(window, [automatic], camera=pose)[0], empty).sum() > 0


def test_the_latest_wish_is_the_one_that_counts() -> None:
    latest = Latest()
    latest.want("a", lambda: 1)
    latest.want("b", lambda: 2)
    latest.want("b", lambda: 3)
    assert latest.take(wait=True) == 2 and latest.take(wait=True) is None and not latest.pending
    latest.want("c", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        latest.take(wait=True)
    with pytest.raises(RuntimeError, match="division by zero"):
        latest.take()  # it has not become right meanwhile
    latest.want("d", lambda: 4)
    assert latest.take(wait=True) == 4


def test_a_clip_plane_cuts_meshes_points_volumes_and_glyphs_but_no_markups(view: Any) -> None:
    points = np.random.default_rng(1).normal(size=(30_000, 3)).astype(np.float32)
    points *= 8 / np.linalg.norm(points, axis=1, keepdims=True)
    shifted = np.eye(4)
    shifted[:3, 3] = -9.5
    box = Volume(
        np.pad(np.full((16, 16, 16), 200, np.uint8), 2),
        shifted,
    )
    things = {
        "mesh": make_item(Mesh(*sphere(8.0))),
        "cloud": make_item(PointCloud(points)),
        "splats": make_item(PointCloud(points), splat=0.4, round=True),
        "volume": make_item(box, render="volume"),
        "surface": make_item(box, render="surface"),
        "glyphs": make_item(
            PointCloud(points[:400], {"v": Attribute(points[:400], "vector")}), glyph="v", glyph_scale=4.0
        ),
    }
    plane = ClipPlane((0, 0, 0), (1, 0, 0))
    window = view()
    empty, _, _ = draw(window, [], camera=POSE)
    for name, item in things.items():
        whole = shown(draw(window, [item], camera=POSE)[0], empty)
        cut = shown(draw(window, [item], camera=POSE, clip=plane)[0], empty)
        other = shown(draw(window, [item], camera=POSE, clip=plane.turned_over())[0], empty)
        half = SIZE[0] // 2
        assert whole[:, half + 3 :].sum() > 100 and whole[:, : half - 3].sum() > 100, name
        assert (
            cut[:, half + 3 :].sum() <= 2 and cut[:, : half - 3].sum() > 0.9 * whole[:, : half - 3].sum()
        ), name
        assert other[:, : half - 3].sum() <= 2 and other[:, half + 3 :].sum() > 100, name
    landmark = make_item(Markup("points", [[6.0, 0, 0]]), size=12.0)
    assert shown(draw(window, [landmark], camera=POSE, clip=plane)[0], empty).sum() > 20


def test_a_clip_plane_follows_a_slice() -> None:
    item = make_item(head())
    wish = ViewIntent("3d", cursor=(3.0, -4.0, 5.0), clip=ClipPlane(follow="axial"))
    state = resolve(wish, (item,), SIZE)
    assert state.clip.origin == (3.0, -4.0, 5.0) and state.clip.normal == (0.0, 0.0, 1.0)
    state = resolve(replace(wish, clip=ClipPlane(follow="sagittal", flipped=True)), (item,), SIZE)
    assert state.clip.normal == (1.0, 0.0, 0.0)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    state = resolve(wish, (replace(item, transform=tilt),), SIZE)
    assert state.clip.normal == pytest.approx((0, -np.sin(0.3), np.cos(0.3)))


def test_without_perspective_size_does_not_depend_on_depth(view: Any) -> None:
    near, far = (
        make_item(Mesh(*sphere(2.0, c, n=16)), n) for c, n in (((-6, -10, 0), "n"), ((6, 10, 0), "f"))
    )
    pose = look(BOX * 1.2, (0, -1, 0), (0, 0, 1), SIZE[0] / SIZE[1])
    window = view()
    empty, _, _ = draw(window, [], camera=pose)
    for parallel in (False, True):
        picture, _, state = draw(window, [near, far], camera=pose, parallel=parallel)
        assert state.camera.parallel is parallel
        mask = shown(picture, empty)
        left, right = mask[:, :80].sum(), mask[:, 80:].sum()
        assert (abs(left / right - 1) < 0.05) == parallel
        # the picture is where the projection says
        columns = np.nonzero(mask.any(axis=0))[0]
        expected = project(state.camera, np.array([[-6.0, -10, 0]]), *SIZE)[0, 0]
        assert columns[columns < 80].mean() == pytest.approx(expected, abs=1.5)
        if parallel:
            assert left == pytest.approx(np.pi * (2 / state.scale) ** 2, rel=0.1)
    inside = replace(pose, position=tuple(np.add(pose.focal, (0, -1.0, 0))), parallel=True)
    assert (
        shown(draw(window, [near, far], camera=inside, parallel=True)[0], empty).sum() >= 0
    )  # nothing behind it
    close = draw(window, [make_item(Mesh(*sphere(2.0)))], camera=inside, parallel=True)[0]
    assert shown(close, empty).mean() > 0.9


def test_the_inner_side_of_faces_is_marked_or_hidden(view: Any) -> None:
    points, faces = sphere(8.0)
    window = view()
    empty, _, _ = draw(window, [], camera=POSE)

    def looks(faces: Any, transform: Any = None, **display: Any) -> Any:
        q = {"q": Attribute(points[:, 2], Transforms.SCALAR)}
        item = make_item(Mesh(points, faces, q), transform=transform, color_by="q", **display)
        picture = draw(window, [item], camera=POSE)[0]
        return picture, shown(picture, empty)

    right, mask = looks(faces, backs="marked")
    wrong, _ = looks(faces[:, ::-1], backs="marked")

    def red(picture: Any) -> Any:
        return ((picture[..., 0] > 1.6 * picture[..., 1]) & (picture[..., 0] > 1.6 * picture[..., 2]))[
            mask
        ].mean()

    assert red(right) < 0.02 and red(wrong) > 0.95
    assert red(looks(faces, np.diag([-1.0, 1, 1, 1]), backs="marked")[0]) < 0.02  # a mirror keeps the outside
    assert looks(faces, backs="hidden")[1].sum() == mask.sum()
    # of the inside-out sphere one sees the far inside
    hidden, seen = looks(faces[:, ::-1], backs="hidden")
    assert seen.sum() == pytest.approx(mask.sum(), rel=0.05) and np.abs(hidden - right)[mask].mean() > 5


def test_flat_shading_shows_the_faces(view: Any) -> None:
    points, faces = sphere(8.0, n=7)
    window = view()
    pictures = {
        s: draw(window, [make_item(Mesh(points, faces), shading=s)], camera=POSE)[0]
        for s in ("flat", "smooth")
    }
    row = {s: p[70, 50:110].sum(axis=-1) for s, p in pictures.items()}
    assert (np.abs(np.diff(row["flat"])) <= 3).mean() > 0.6 > (np.abs(np.diff(row["smooth"])) <= 3).mean()


def test_colour_by_a_component_the_trace_and_an_edge_attribute(view: Any) -> None:
    points, faces = sphere(8.0)
    eye = np.eye(3)[None] * points[:, :1, None]
    mesh = Mesh(points, faces, {"v": Attribute(points, "vector"), "T": Attribute(eye, "tensor")})
    window = view()
    for name, title in (("v@x", "v x"), ("T@trace", "T trace")):
        picture, notes, _ = draw(window, [make_item(mesh, color_by=name)], camera=POSE)
        assert notes.legends[0].title == title and notes.legends[0].low < 0 < notes.legends[0].high
        assert (
            picture[70, 45, 2] > picture[70, 45, 1] and picture[70, 115, 1] > picture[70, 115, 2]
        )  # viridis
    positions = np.array([[-8.0, 0, 0], [0, 0, 0], [8, 0, 0]])
    graph = Graph(
        3, [[0, 1], [1, 2]], positions=positions, attributes={"w": Attribute([0.0, 1.0], domain="edge")}
    )
    picture, notes, _ = draw(window, [make_item(graph, color_by="w")], camera=POSE)
    assert notes.legends[0].title == "w"
    left, right = picture[66:75, 55:65].max(axis=(0, 1)), picture[66:75, 96:106].max(axis=(0, 1))
    assert left[2] > left[1] and right[0] > 1.5 * right[2]


def test_splats_have_a_size_in_space(view: Any) -> None:
    cloud = PointCloud(np.array([[0.0, 0, 0], [0, 0, 0.001]]))
    window = view()
    empty, _, _ = draw(window, [], camera=POSE)
    areas = {}
    for name, display in {"round": {"round": True}, "square": {}}.items():
        item = make_item(cloud, splat=8.0, color_by="", **display)
        areas[name] = shown(draw(window, [item], camera=POSE)[0], empty).sum()
    per_unit = 1 / (POSE.height / SIZE[1])
    assert areas["round"] == pytest.approx(np.pi * (4 * per_unit) ** 2, rel=0.1)
    assert areas["square"] == pytest.approx((8 * per_unit) ** 2, rel=0.1)


def test_a_cut_volume_shows_its_values_on_the_cut(view: Any) -> None:
    array = np.zeros((40, 40, 40), np.float32)
    array[4:36, 4:36, 4:36] = 100
    array[4:36, 18:22, 24:32] = 200  # a bright bar along x, seen on a cut across x only as a square
    affine = np.diag([0.5, 0.5, 0.5, 1])
    affine[:3, 3] = -9.75
    item = make_item(Volume(array, affine), render="volume", window=200.0, level=100.0)
    pose = look(BOX, (1, 0, 0), (0, 0, 1), SIZE[0] / SIZE[1])
    window = view()
    for render in ("volume", "surface"):
        shown_as = replace(item, display=replace(item.display, render=render, surface_level=50.0))
        picture, _, state = draw(window, [shown_as], camera=pose, clip=ClipPlane((1.0, 0, 0), (1, 0, 0)))
        for y, z, gray in ((0.0, 4.0, 255), (0.0, -4.0, 128), (-6.0, 4.0, 128)):
            x, row, _ = project(state.camera, np.array([[1.0, y, z]]), *SIZE)[0]
            assert np.abs(picture[round(row), round(x)] - gray).max() < 14, (render, y, z)
        empty, _, _ = draw(window, [], camera=pose)
        x, row, _ = project(state.camera, np.array([[1.0, 9.5, 9.5]]), *SIZE)[0]
        assert np.abs(picture[round(row), round(x)] - empty[round(row), round(x)]).max() < 3
