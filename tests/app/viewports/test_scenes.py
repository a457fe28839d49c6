"""Real pictures, drawn off screen, judged by masks and means."""

from __future__ import annotations

import numpy as np
import pytest

from app.viewports.camera import look
from app.viewports.scene3d import with_shared_ranges
from app.viewports.state import ViewIntent, box_of_all, resolve
from core.data import Attribute, Graph, Markup, Mesh, PointCloud, Trajectory, Transforms, Volume
from tests.app.viewports.conftest import HEAD, head, make_item

SIZE = (160, 140)
FULL = {"window": 255.0, "level": 127.5}


def sphere(radius=1.0, center=(0, 0, 0), n=24):
    """A latitude-longitude sphere, outward faces."""
    u, v = np.meshgrid(
        np.linspace(0, np.pi, n), np.linspace(0, 2 * np.pi, 2 * n, endpoint=False), indexing="ij"
    )
    points = np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)], axis=-1).reshape(-1, 3)
    k = np.arange(n * 2 * n).reshape(n, 2 * n)
    a, b, c, d = k[:-1], np.roll(k, -1, 1)[:-1], k[1:], np.roll(k, -1, 1)[1:]
    faces = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return points * radius + center, faces


def draw(view, items, kind="3d", size=SIZE, **wish):
    """(pixels as int, notes, state) of one picture."""
    state = resolve(ViewIntent(kind, **wish), tuple(items), size)
    picture, notes, _ = view.render(state)
    return picture[..., :3].astype(int), notes, state


def shown(picture, background=0):
    """Mask of what is not background."""
    return np.abs(picture - background).max(axis=-1) > 40


def test_a_window_maps_values_to_grays(view):
    picture, notes, _state = draw(
        view(), [make_item(head(), window=200.0, level=100.0)], "axial", cursor=(0, 0, 15)
    )
    middle = picture[SIZE[1] // 2, SIZE[0] // 2]
    assert np.abs(middle - 127).max() <= 2
    assert picture[2, 2].max() == 0
    assert notes.windows["a"] == (200.0, 100.0)


def test_anisotropic_voxels_keep_their_shape(view):
    array = np.zeros((41, 41, 11), dtype=np.uint8)
    affine = np.diag([1.0, 1, 4, 1])
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in array.shape], indexing="ij"), -1) * [1, 1, 4] - [
        20,
        20,
        20,
    ]
    array[np.linalg.norm(grid, axis=-1) < 15] = 200
    picture, _, _ = draw(view(), [make_item(Volume(array, affine), **FULL)], "coronal", cursor=(20, 20, 20))
    rows, columns = np.nonzero(shown(picture))
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.2)


def test_stepping_redraws_and_leaving_the_volume_hides_an_overlay(view):
    window = view()
    first, _, _state = draw(window, [make_item(head(), **FULL)], "axial", cursor=(0, 0, 0))
    second, _, _ = draw(window, [make_item(head(), **FULL)], "axial", cursor=(0, 0, 24))
    assert shown(first).sum() > shown(second).sum() > 0
    patch = Volume(
        np.full((5, 5, 3), 9, np.uint8), np.array(HEAD @ np.diag([1, 1, 1, 1.0])), transforms="label"
    )
    items = [make_item(head(), **FULL), make_item(patch, "p")]
    colored = [np.ptp(draw(window, items, "axial", cursor=(0, 0, z))[0], axis=-1).max() for z in (-27.0, 0.0)]
    assert colored[0] > 50 and colored[1] == 0


def test_a_tilted_overlay_lands_where_its_affine_says(view):
    c, s = np.cos(0.3), np.sin(0.3)
    turn = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    spot = np.zeros((30, 30, 30), dtype=np.int16)
    spot[20:23, 8:11, 14:17] = 3
    affine = turn @ np.array([[2.0, 0, 0, -30], [0, 2, 0, -30], [0, 0, 2, -30], [0, 0, 0, 1]])
    world = (affine @ [21, 9, 15, 1])[:3]
    for order in ("C", "F"):
        overlay = Volume(np.array(spot, order=order), affine, transforms="label")
        items = [make_item(head(), **FULL), make_item(overlay, "o")]
        picture, notes, state = draw(view(), items, "axial", cursor=tuple(world))
        assert not notes.problems
        rows, columns = np.nonzero(np.ptp(picture, axis=-1) > 60)
        found = state.to_world(columns.mean() + 0.5, rows.mean() + 0.5)
        assert np.abs(np.subtract(found, world)).max() < 1.0


def test_time_axes_colours_and_not_a_number(view):
    array = np.stack([np.full((6, 6, 6), 50.0), np.full((6, 6, 6), 200.0)], axis=-1)
    array[:3, :, :, 1] = np.nan
    volume = Volume(array, np.diag([2.0, 2, 2, 1]), last_axis="time")
    window = view()
    a, _, _ = draw(window, [make_item(volume, **FULL)], "axial")
    b, _, _ = draw(window, [make_item(volume, index=1, **FULL)], "axial")
    assert np.abs(a[70, 80] - 50).max() <= 1
    # Radiological: low x is on the right; there are no numbers, so it stays black.
    assert np.abs(b[70, 50] - 200).max() <= 1 and b[70, 110].max() == 0
    rgb = Volume(
        np.tile(np.array([250, 20, 90], np.uint8), (6, 6, 6, 1)), np.eye(4), last_axis="channel", rgb=True
    )
    c, notes, _ = draw(view(), [make_item(rgb)], "coronal")
    assert np.abs(c[70, 80] - [250, 20, 90]).max() <= 2 and not notes.problems


@pytest.mark.parametrize("array", [np.zeros((4, 4, 4)), np.full((4, 4, 1), 3.0), np.full((3, 3, 3), np.nan)])
def test_dull_volumes_draw_without_complaint(view, array):
    for kind in ("axial", "sagittal", "3d"):
        assert not draw(view(), [make_item(Volume(array, np.eye(4)))], kind)[1].problems


def test_volume_rendering_shows_the_object_and_little_else(view):
    window = view()
    empty, _, _ = draw(window, [], "3d")
    picture, notes, _ = draw(window, [make_item(head())], "3d")
    part = shown(picture, empty).mean()
    assert not notes.problems and 0.15 < part < 0.7
    surface, notes, _ = draw(window, [make_item(head(), render="surface")], "3d")
    assert not notes.problems and shown(surface, empty).mean() == pytest.approx(part, rel=0.2)
    hidden, _, _ = draw(window, [make_item(head(), render="off")], "3d")
    assert not shown(hidden, empty).any()


def test_a_mesh_is_lit_coloured_and_cut(view):
    points, faces = sphere(10.0)
    height = Attribute(points[:, 2], Transforms.SCALAR, unit="mm")
    mesh = Mesh(points, faces, {"height": height}, unit="mm", space="RAS")
    window = view()
    plain, _, _ = draw(window, [make_item(mesh, color=(0.8, 0.8, 0.8))])
    assert plain[70, 80].min() > 100
    picture, notes, _ = draw(window, [make_item(mesh, color_by="height", colormap="diverging")])
    top, bottom = picture[40, 80], picture[100, 80]
    assert top[0] > top[2] and bottom[2] > bottom[0]  # red above, blue below
    (legend,) = notes.legends
    assert (legend.title, legend.unit, legend.low, legend.high) == ("height", "mm", -10, 10)
    _, notes, _state = draw(view(), [make_item(mesh)], "axial", cursor=(0, 0, 6.0))
    (drawing,) = notes.drawings
    assert np.allclose(np.linalg.norm(drawing.segments[..., :2], axis=-1), 8, atol=0.2)
    assert draw(view(), [make_item(mesh, cut=False)], "axial")[1].drawings == []


def test_representations_opacity_and_face_colours(view):
    points, faces = sphere(10.0)
    mesh = Mesh(points, faces, {"part": Attribute(np.arange(len(faces)) % 5, Transforms.LABEL, "face")})
    window = view()
    empty, _, _ = draw(window, [])
    solid = shown(draw(window, [make_item(mesh)])[0], empty).sum()
    for representation in ("wireframe", "points"):
        thin = shown(draw(window, [make_item(mesh, representation=representation)])[0], empty).sum()
        assert 0 < thin < solid
    assert shown(draw(window, [make_item(mesh, representation="edges")])[0], empty).sum() >= 0.9 * solid
    faint = draw(window, [make_item(mesh, opacity=0.2)])[0]
    assert faint[70, 80].max() < draw(window, [make_item(mesh)])[0][70, 80].max()
    picture, notes, _ = draw(window, [make_item(mesh, color_by="part")])
    assert [n for n, _ in notes.legends[0].classes] == list("01234")
    assert np.ptp(picture[60:80, 70:90], axis=-1).max() > 60


def test_two_objects_of_one_quantity_share_range_and_legend(view):
    items = []
    for k, top in enumerate((3.0, 9.0)):
        points, faces = sphere(5.0, (12 * k, 0, 0))
        values = Attribute(np.linspace(0, top, len(points)), Transforms.SCALAR)
        items.append(make_item(Mesh(points, faces, {"depth": values}), f"m{k}", color_by="depth"))
    assert [i.display.range for i in with_shared_ranges(tuple(items))] == [(0, 9), (0, 9)]
    assert [(x.low, x.high) for x in draw(view(), items)[1].legends] == [(0, 9)]


def test_points_keep_their_colours_and_their_millimetres_far_from_the_origin(view):
    rng = np.random.default_rng(0)
    near = rng.uniform(-1, 1, (4000, 3))
    rgb = Attribute(np.tile(np.array([255, 0, 0], np.uint8), (4000, 1)), Transforms.SCALAR)
    window = view()
    empty, _, _ = draw(window, [])
    cloud = PointCloud(near, {"rgb": rgb})
    picture, _, _ = draw(window, [make_item(cloud, color_by="rgb")])
    mask = shown(picture, empty)
    assert (
        mask.mean() > 0.05 and (picture[mask][:, 0] > 150).mean() > 0.95 and picture[mask][:, 1].mean() < 60
    )
    offset = np.array([4.5e5, 5.2e6, 300.0])
    far = draw(window, [make_item(PointCloud(near + offset, {"rgb": rgb}), color_by="rgb")])[0]
    assert (shown(far, empty) != mask).mean() < 0.03


def test_dragging_draws_a_prefix_and_rest_draws_all(view):
    from app.viewports.points import PointsPresenter

    points = np.random.default_rng(0).uniform(-1, 1, (200_000, 3)).astype(np.float32)
    item = make_item(PointCloud(points))
    window = view()
    full, _, _ = draw(window, [item])
    presenter = window._scene._presenters["a"]
    assert isinstance(presenter, PointsPresenter) and presenter.shown_to == 200_000
    presenter.budget = 30_000
    quick, _, _ = draw(window, [item], interactive=True)
    assert presenter.shown_to == 30_000
    prefix = presenter._points[:30_000]
    assert np.abs(prefix.mean(axis=0)).max() < 0.02 and shown(quick).sum() < shown(full).sum() * 1.01
    presenter.budget = 30_000
    presenter.measured(0.3)
    assert presenter.budget == 20_000
    again, _, _ = draw(window, [item])
    assert np.abs(again - full).max() == 0


def test_graphs_trajectories_and_markups_appear(view):
    positions = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10.0]])
    box = np.array([[-6.0, 16]] * 3)
    pose = look(box, (0.5, -0.7, 0.5), (0, 0, 1))
    window = view()
    empty, _, _ = draw(window, [], camera=pose)
    items = [
        make_item(Graph(4, np.array([[0, 1], [0, 2], [0, 3]]), positions=positions)),
        make_item(Trajectory(positions[None].repeat(3, 0), np.arange(3.0)), size=6.0),
        make_item(Markup("points", positions)),
        make_item(Markup("closed_curve", positions)),
        make_item(Markup("plane", [[5, 5, 5]], size=[12, 12, 0])),
        make_item(Markup("box", [[5, 5, 5]], size=[12, 10, 8])),
    ]
    for item in items:
        picture, notes, _ = draw(window, [item], camera=pose)
        assert not notes.problems
        assert (np.abs(picture - empty).max(axis=-1) > 20).sum() > 30, item.data


def test_a_plane_is_seen_over_a_rendered_volume_and_hidden_by_a_mesh_in_front(view):
    box = box_of_all((make_item(head()),))
    pose = look(box, (0, 1, 0), (0, 0, 1))
    window = view()
    sheet = Markup("plane", [[0, 0, 0]], axes=[[1, 0, 0], [0, 0, 1], [0, 1, 0]], size=[30, 30, 0])
    alone, _, _ = draw(window, [make_item(head())], camera=pose)
    both, _, _ = draw(window, [make_item(head()), make_item(sheet, "p", color=(0.0, 0.0, 1.0))], camera=pose)
    tint = (both - alone)[60:80, 70:90]
    assert tint[..., 2].mean() > tint[..., 0].mean() + 15
    points, faces = sphere(25.0, (0, 30, 0))
    ball = make_item(Mesh(points, faces), "m", color=(0.8, 0.8, 0.8))
    front, _, _ = draw(window, [ball], camera=pose)
    hidden, _, _ = draw(window, [ball, make_item(sheet, "p", color=(0.0, 0.0, 1.0))], camera=pose)
    assert np.abs(front - hidden)[65:75, 75:85].mean() < 6


def test_what_cannot_be_drawn_is_named_and_the_rest_is_drawn(view, caplog):
    points, faces = sphere(10.0)
    good = make_item(Mesh(points, faces), "good")
    bad = make_item(Mesh(points, faces), "bad", color=("red", 0, 0))
    picture, notes, _ = draw(view(), [bad, good])
    assert len(notes.problems) == 1 and notes.problems[0].startswith("bad could not be drawn")
    assert picture[70, 80].min() > 100 and "drawing bad" in caplog.text


def test_releasing_a_view_frees_its_vtk_objects():
    from app.viewports.offscreen import OffscreenView
    from tests.app.viewports.conftest import vtk_objects

    before = vtk_objects()
    points, faces = sphere(10.0)
    for kind in ("axial", "3d"):
        one = OffscreenView()
        draw(one, [make_item(head()), make_item(Mesh(points, faces), "m", opacity=0.5)], kind)
        assert vtk_objects() > before
        one.release()
        del one
    assert vtk_objects() == before


def test_a_thinned_cloud_says_so_and_keeps_the_range_of_all_points(view, monkeypatch):
    from app.viewports.device import Device

    monkeypatch.setattr(Device, "rest_points", property(lambda self: 10_000))
    points = np.random.default_rng(0).uniform(-1, 1, (60_000, 3))
    points[59_999] = 0.5
    values = np.zeros(60_000)
    values[59_999] = 7.0
    cloud = PointCloud(points, {"v": Attribute(values, Transforms.SCALAR)})
    _, notes, _ = draw(view(), [make_item(cloud, color_by="v")])
    assert notes.infos == ["a: 10\u202f000 of 60\u202f000 points drawn"]
    assert (notes.legends[0].low, notes.legends[0].high) == (0, 7)


def test_labels_inside_a_rendered_head_are_seen_in_their_slice_colour(view):
    from app.viewports.colors import category

    numbers = np.zeros((37, 37, 21), dtype=np.uint8)
    numbers[14:22, 14:22, 6:14] = 4
    label = make_item(Volume(numbers, HEAD, transforms="label"), "l")
    window = view()
    alone, _, _ = draw(window, [make_item(head())])
    both, notes, _ = draw(window, [make_item(head()), label])
    assert not notes.problems
    changed = np.abs(both - alone).max(axis=-1) > 60
    assert 0.01 < changed.mean() < 0.3
    want = category(np.array(4)).astype(float)
    found = both[changed].mean(axis=0)
    assert np.corrcoef(want - want.mean(), found - found.mean())[0, 1] > 0.9
    nothing = make_item(Volume(np.zeros((5, 5, 5), np.uint8), np.eye(4), transforms="label"))
    assert not draw(view(), [nothing])[1].problems


def test_a_plane_that_lies_in_the_slice_is_its_outline_and_not_a_chance_line() -> None:
    from app.viewports.cuts import draw_markup

    c, s = np.cos(1e-4), np.sin(1e-4)
    axes = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    item = make_item(Markup("plane", [[0, 0, 0]], axes=axes, size=np.array([100.0, 80.0, 0.0])))
    (outline,) = draw_markup(item, (np.zeros(3), np.array([0, 0, 1.0])), 1.0)
    assert len(outline.segments) == 4
    (crossing,) = draw_markup(item, (np.zeros(3), np.array([1.0, 0, 0])), 1.0)
    assert len(crossing.segments) == 1
    assert draw_markup(item, (np.array([0, 0, 3.0]), np.array([0, 0, 1.0])), 1.0) == ()


def test_a_slice_whose_crosshair_alone_moves_is_not_drawn_again(view, monkeypatch):
    from app.viewports.slices import SliceScene

    applied = []
    apply = SliceScene.apply
    monkeypatch.setattr(SliceScene, "apply", lambda self, state: applied.append(state) or apply(self, state))
    drawer = view()
    item = make_item(head(), window=255.0, level=127.5)

    def render(cursor, thing=item, **intent):
        state = resolve(ViewIntent("coronal", cursor=cursor, **intent), (thing,), (120, 100))
        return drawer.render(state)[0]

    first = render((0.0, 0.0, 0.0))
    assert np.array_equal(render((0.0, 0.0, 9.0)), first) and len(applied) == 1
    assert not np.array_equal(render((0.0, 10.0, 9.0)), first) and len(applied) == 2
    assert np.array_equal(render((0.0, 0.0, 9.0)), first) and len(applied) == 3
    assert not np.array_equal(render((0.0, 0.0, 9.0), zoom=2.0), first) and len(applied) == 4
    dim = make_item(item.data, window=2000.0, level=1000.0)
    assert not np.array_equal(render((0.0, 0.0, 9.0), dim), first) and len(applied) == 5


@pytest.mark.parametrize("reference", ["scan", "mask"])
def test_labels_lie_over_the_scan_whichever_was_opened_first(view, reference):
    scan = make_item(head(), "scan", **FULL)
    mask = np.zeros(scan.data.array.shape, np.uint8)
    mask[15:22, 15:22, 8:13] = 2
    label = make_item(Volume(mask, scan.data.affine), "mask")
    intent = ViewIntent("axial", cursor=(0.0, 0.0, 0.0), active=reference, crosshair=False)
    picture, _, _ = view().render(resolve(intent, (scan, label), SIZE))
    middle = picture[SIZE[1] // 2, SIZE[0] // 2, :3].astype(int)
    assert np.ptp(middle) > 40, "the label's colour"
    gray = picture[SIZE[1] // 2 - 35, SIZE[0] // 2, :3].astype(int)
    assert np.ptp(gray) < 5 and gray[0] > 60, "the scan around it"
