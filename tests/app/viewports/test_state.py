from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from app.viewports.boxes import box_of, box_of_all
from app.viewports.camera import (
    DIRECTIONS,
    DIRECTIONS_Y_UP,
    CameraPose,
    look,
    moved,
    pose_from_plain,
    pose_to_plain,
    project,
    turned,
    zoomed,
)
from app.viewports.readout import readout
from app.viewports.state import SceneItem, ViewIntent, panned, resolve, sight_of, upright, zoomed_at
from core.data import Image, Markup, Mesh, PointCloud, Signal, Transforms, Volume
from core.display import SurfaceDisplay, VolumeDisplay
from core.document import Item
from tests.app.viewports.conftest import HEAD, MARKER, axis_orders, head, make_item


def tilted(degrees):
    """HEAD turned about the left-right axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(4)
    turn[1:3, 1:3] = [[c, -s], [s, c]]
    return turn @ HEAD


def test_equal_wishes_resolve_to_equal_states_and_others_do_not():
    volume = head()
    a = resolve(ViewIntent("axial"), (make_item(volume),), (200, 100))
    assert a == resolve(ViewIntent("axial"), (make_item(volume),), (200, 100))
    assert a != resolve(ViewIntent("axial"), (make_item(head()),), (200, 100))
    assert a != resolve(ViewIntent("axial", zoom=2), (make_item(volume),), (200, 100))
    assert a != resolve(ViewIntent("axial"), (make_item(volume, opacity=0.5),), (200, 100))


@pytest.mark.parametrize("kind", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("affine", [HEAD, tilted(19)], ids=["straight", "oblique"])
def test_screen_and_world_are_inverse_and_millimetres_are_square(kind, affine):
    state = resolve(
        ViewIntent(kind, tuple(MARKER), zoom=1.7, pan=(3, -4)), (make_item(head(affine)),), (320, 200)
    )
    for x, y in ((0, 0), (10.5, 190), (300, 100)):
        assert np.allclose(state.to_screen(np.array(state.to_world(x, y)))[0], (x, y, 0), atol=1e-6)
    across = np.subtract(state.to_world(110, 50), state.to_world(10, 50))
    down = np.subtract(state.to_world(10, 150), state.to_world(10, 50))
    assert np.linalg.norm(across) == pytest.approx(np.linalg.norm(down))
    assert np.allclose(np.cross(state.right, state.up), state.toward)


def test_letters_get_two_parts_when_the_slices_are_tilted():
    straight = resolve(ViewIntent("axial"), (make_item(head()),), (100, 100))
    oblique = resolve(ViewIntent("axial"), (make_item(head(tilted(19))),), (100, 100))
    assert straight.letters == ("R", "L", "A", "P")
    assert oblique.letters == ("R", "L", "AS", "PI")


def test_titles_count_towards_superior_in_every_order_and_steps_stay_inside():
    for name, volume in axis_orders(head()):
        item = make_item(volume)
        state = resolve(ViewIntent("axial", tuple(MARKER)), (item,), (100, 100))
        assert state.title == "Axial · 8 of 21", name
        up = state.stepped(1)
        assert np.allclose(np.subtract(up, MARKER), (0, 0, 3)), name
        assert resolve(ViewIntent("axial", up), (item,), (100, 100)).position == 9
        top = resolve(ViewIntent("axial", state.stepped(1000)), (item,), (100, 100))
        assert top.position == 21 and top.stepped(1) == pytest.approx(top.cursor)


def test_a_slice_holds_half_a_voxel_to_either_side_of_its_centre():
    item = make_item(head())
    for z, position in ((-10.4, 8), (-7.6, 8), (-7.4, 9), (-10.6, 7)):
        assert resolve(ViewIntent("axial", (0, 0, z)), (item,), (100, 100)).position == position


def test_convention_says_in_words_what_the_letters_show():
    item = make_item(head())
    r = resolve(ViewIntent("coronal"), (item,), (100, 100))
    n = resolve(ViewIntent("coronal", convention="neurological"), (item,), (100, 100))
    assert r.convention == ("radiological", "R on the left") and r.letters[0] == "R"
    assert n.convention == ("neurological", "L on the left") and n.letters[0] == "L"


def test_without_anatomy_there_are_axes_but_no_sides():
    volume = Volume(np.zeros((4, 5, 6)), np.eye(4), space="", unit="")
    state = resolve(ViewIntent("axial"), (make_item(volume),), (100, 100))
    assert state.letters == ("−x", "+x", "+y", "−y")
    assert state.convention == () and state.title == "XY · 3 of 6"


def test_zooming_keeps_the_point_under_the_pointer_and_panning_follows_it():
    items = (make_item(head()),)
    intent = ViewIntent("sagittal", tuple(MARKER))
    before = resolve(intent, items, (300, 200))
    after = resolve(zoomed_at(intent, before, 1.8, 40, 170), items, (300, 200))
    assert after.scale == pytest.approx(before.scale / 1.8)
    assert after.to_world(40, 170) == pytest.approx(before.to_world(40, 170))
    panned_state = resolve(panned(intent, 10 * before.scale, 0), items, (300, 200))
    assert panned_state.to_world(110, 50) == pytest.approx(before.to_world(100, 50))


def test_hidden_and_placeless_objects_are_left_out():
    items = (
        make_item(head(), "hidden", visible=False),
        make_item(Signal(np.zeros((5, 1))), "signal"),
        make_item(Image(np.zeros((4, 4))), "image"),
        make_item(Mesh(np.zeros((0, 3)), np.zeros((0, 3), int)), "empty"),
    )
    for kind in ("axial", "3d"):
        assert resolve(ViewIntent(kind), items, (50, 50)).items == ()


def test_the_active_volume_gives_the_axes():
    a, b = make_item(head(), "a"), make_item(head(tilted(19)), "b")
    assert resolve(ViewIntent("axial"), (a, b), (50, 50)).reference == "a"
    state = resolve(ViewIntent("axial", active="b"), (a, b), (50, 50))
    assert state.reference == "b" and state.letters[2] == "AS"


def test_far_coordinates_get_a_local_origin_and_near_ones_do_not():
    near = PointCloud(np.random.default_rng(0).random((50, 3)))
    far = PointCloud(near.points + np.array([4.5e5, 5.2e6, 100]))
    assert resolve(ViewIntent("3d"), (make_item(near),), (50, 50)).origin == (0, 0, 0)
    origin = resolve(ViewIntent("3d"), (make_item(far),), (50, 50)).origin
    assert np.abs(np.subtract(origin, far.points.mean(axis=0))).max() < 1


def test_the_camera_holds_the_whole_box_from_every_side():
    box = np.array([[-60.0, 60], [-90, 80], [-10, 30]])
    corners = np.array(np.meshgrid(*box, indexing="ij")).reshape(3, -1).T
    for direction, up in [*DIRECTIONS.values(), ((-0.6, 0.7, 0.5), (0, 0, 1))]:
        for width, height in ((400, 300), (200, 500)):
            places = project(look(box, direction, up, width / height), corners, width, height)
            assert (places[:, 2] > 0).all()
            assert (places[:, 0] > 0).all() and (places[:, 0] < width).all()
            assert (places[:, 1] > 0).all() and (places[:, 1] < height).all()


def test_turning_keeps_the_distance_and_moving_follows_the_pointer():
    pose = look(np.array([[-1.0, 1]] * 3), (0, -1, 0), (0, 0, 1))
    spun = turned(turned(pose, 0.3, 0.2), 0.9, -0.7)
    assert spun.distance == pytest.approx(pose.distance)
    assert np.allclose(spun.frame() @ spun.frame().T, np.eye(3))
    assert turned(pose, 0.1, 0).frame()[2] @ np.array([1, 0, 0]) < 0  # dragging right turns the object right
    at = project(pose, np.array(pose.focal), 400, 300)[0]
    there = project(moved(pose, 30 / 300, 15 / 300), np.array(pose.focal), 400, 300)[0]
    assert there[:2] - at[:2] == pytest.approx([30, 15])
    assert zoomed(pose, 2).distance == pytest.approx(pose.distance / 2)


def test_poses_survive_a_session_and_nonsense_does_not():
    pose = CameraPose((1, 2, 3), (0, 0, 0), (0, 0, 1))
    assert pose_from_plain(pose_to_plain(pose)) == pose
    for bad in (None, {}, {"position": [1]}, {"position": "abc", "focal": [0, 0, 0], "up": [0, 0, 1]}, 3):
        assert pose_from_plain(bad) is None


def test_the_readout_names_position_voxel_and_value():
    items = (make_item(head()), SceneItem("m", "mask", head(), np.eye(4), make_item(head()).display))
    text = readout(items, (24.0, 10.0, -9.0))
    assert text == "RAS 24.0, 10.0, −9.0 mm   voxel 30, 22, 7   value 255   mask 255"
    assert "outside" in readout(items, (500.0, 0, 0))
    colored = Volume(
        np.arange(24).reshape(2, 2, 2, 3), np.eye(4), last_axis="channel", transforms=Transforms.VECTOR
    )
    assert "value 0, 1, 2" in readout((make_item(colored),), (0.0, 0, 0))
    time = Volume(np.arange(16.0).reshape(2, 2, 2, 2), np.eye(4), last_axis="time", value_unit="au")
    assert "value 1 au" in readout((make_item(time, index=1),), (0.0, 0, 0))
    line = make_item(Markup("line", [[0, 0, 0], [1, 1, 1]]))
    assert readout((line,), (0.5, 0.5, 0.5)) == "RAS 0.5000, 0.5000, 0.5000 mm"


def test_an_automatic_volume_gives_way_to_surfaces_and_clouds_in_3d() -> None:
    volume = SceneItem("v", "v", Volume(np.ones((4, 4, 4)), np.eye(4)), np.eye(4), VolumeDisplay())
    mesh = SceneItem("m", "m", Mesh(np.eye(3), np.array([[0, 1, 2]])), np.eye(4), SurfaceDisplay())

    def drawn(*items: SceneItem) -> list[tuple[str, str]]:
        state = resolve(ViewIntent(kind="3d"), items, (100, 100), 1.0)
        return [(i.id, getattr(i.display, "render", "")) for i in state.items]

    assert drawn(volume) == [("v", "volume")]
    assert drawn(volume, mesh) == [("m", "")]
    asked = SceneItem("v", "v", volume.data, np.eye(4), VolumeDisplay(render="volume"))
    assert drawn(asked, mesh) == [("v", "volume"), ("m", "")]


@pytest.mark.parametrize("dtype", [np.uint16, np.float64])
def test_the_first_sight_of_a_large_volume_looks_at_few_values_and_imports_nothing(dtype):
    looked = []

    class Counting(np.ndarray):
        def __array_finalize__(self, source):
            looked.append(self.size)

    array = np.zeros((128, 256, 192), dtype)
    array[40:90, 64:200, 30:150] = 1000
    if dtype is np.float64:
        array[60, 100, 100] = np.nan
    volume = Volume(array, np.diag([1.0, 0.5, 2.0, 1.0]))
    object.__setattr__(volume, "array", array.view(Counting))
    items = (make_item(volume, render="volume"),)
    looked.clear()
    known = set(sys.modules)
    box = sight_of(items)
    assert max(n for n in looked if n < array.size) <= 33**3
    assert not set(sys.modules) - known
    assert np.allclose(box, [[40, 90], [32, 100], [60, 300]], atol=14)
    looked.clear()
    assert np.array_equal(sight_of(items), box)
    assert not looked, "kept for as long as the volume lives"


def test_what_is_up_follows_the_format_and_in_ras_it_is_always_s():
    points = np.random.default_rng(0).normal(size=(30, 3))
    faces = np.arange(30).reshape(-1, 3)

    def home(*items):
        return resolve(ViewIntent("3d"), items, (300, 300)).camera

    plain = make_item(Mesh(points, faces))
    tall = make_item(Mesh(points, faces), "b", up="y")
    cloud = make_item(PointCloud(points), "c", up="y")
    head_item = make_item(head(), "d")
    result = make_item(Mesh(points, faces), "e")
    assert home(plain).frame()[1] @ [0, 0, 1] > 0.8
    for scene in ((tall,), (cloud,), (tall, result), (result, tall)):
        pose = home(*scene)
        assert pose.frame()[1] @ [0, 1, 0] > 0.8
        assert pose.frame()[0] @ [1, 0, 0] > 0.7, "x to the right"
        assert pose.frame()[2] @ [0, 0, 1] > 0.5, "and its front towards the viewer"
    brain = make_item(Mesh(points, faces, space="RAS"), "f", up="y")
    assert home(brain).frame()[1] @ [0, 0, 1] > 0.8
    assert upright((tall, head_item)) == ("z" if head_item.data.space == "RAS" else "y")


def test_the_six_sides_are_right_handed_and_upright_for_y_too():
    for name, (direction, up) in DIRECTIONS_Y_UP.items():
        frame = look(np.array([[-1.0, 1]] * 3), direction, up).frame()
        assert np.linalg.det(frame) == pytest.approx(1)
        assert np.allclose(frame[2], direction)
        if name in "APRL":
            assert np.allclose(frame[1], [0, 1, 0])
    assert np.allclose(DIRECTIONS_Y_UP["A"][0], [0, 0, 1])


def test_a_box_follows_what_moves_and_is_nobody_elses_to_change():
    mesh = Mesh(np.array([[0, 0, 0], [1, 2, 3]], np.float32), np.array([[0, 1, 1]], np.int32))
    display = SurfaceDisplay()
    there = np.eye(4)
    there[:3, 3] = [10, 0, 0]
    a = Item("a", "a", mesh, transform=np.eye(4), display=display)
    b = Item("b", "b", mesh, transform=there, display=display)  # the same data at another place
    for _ in range(2):
        for item, first in ((a, 0), (b, 10), (replace(a, transform=2 * np.eye(4)), 0)):
            box = box_of(SceneItem(item.id, item.name, item.data, item.transform, item.display))
            assert box[0, 0] == first and box[2, 1] in (3, 6)
            with pytest.raises(ValueError, match="read-only"):
                box[0, 0] = 5
    loose = np.eye(4)  # somebody's own: it may change
    item = SceneItem("c", "c", mesh, loose, display)
    assert box_of(item)[0, 0] == 0
    loose[0, 3] = 7
    assert box_of(item)[0, 0] == 7
    assert box_of_all(()) is None
