"""Handles dragged by the mouse and moved by keys: exact places, one edit a gesture, and ways out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import trimesh
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.viewports.cuts import draw_markup
from app.viewports.markup_tools import Snapping
from app.viewports.markup_tools.hidden import hidden
from app.viewports.markup_tools.shapes import handles_of
from app.viewports.markup_words import Word, figure, settled, words_of
from app.viewports.planes import turn
from app.viewports.state import SceneItem
from core import markups
from core.data import Markup, Mesh
from tests.app.viewports.conftest import head, make_item
from tests.app.viewports.markup_host import CTRL, LEFT, Host, at, click, drag, move, press, release

KEYS = Qt.Key
MOVED = np.array([[0.0, -1.5, 0.0, 4.0], [1.0, 0.0, 0.2, -3.0], [0.0, 0.0, 1.0, 2.0], [0, 0, 0, 1]])
"""Turned, stretched, sheared and shifted."""


@pytest.fixture
def host(grid: Any) -> Iterator[Host]:
    made = Host(grid)
    made.open(head(), render="off")
    grid.set_cursor((0.0, 0.0, 0.0))
    assert grid.wait(30)
    yield made


def shown(host: Host, markup: Markup, transform: Any = None) -> str:
    id = host.open(markup, transform)
    assert host.grid.wait(30)
    return id


def handle(host: Host, view: Any, role: str, index: int = 0) -> np.ndarray:
    item = next(i for i in view.shown_items() if i.id == host.selected)
    return next(h.position for h in handles_of(item, view.frame.state) if h.key == (role, index))


def edits(host: Host) -> int:
    return len(host.document._done)


# -- points ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("moved", [False, True])
def test_a_dragged_point_goes_where_the_pointer_goes_in_the_slice(
    host: Host, kind: str, tilted: bool, moved: bool
) -> None:
    if tilted:
        host.grid.set_tilt(turn(np.array([1.0, 2.0, 1.0]) / np.sqrt(6), 20.0))
        assert host.grid.wait(30)
    matrix = MOVED if moved else np.eye(4)
    state = host.grid.views[kind].frame.state
    world = np.array(state.to_world(state.width / 2 - 20, state.height / 2 - 10)) + 0.2 * np.array(
        state.toward
    )
    local = np.linalg.solve(matrix, [*world, 1.0])[:3]
    other = np.linalg.solve(matrix, [30.0, 30.0, 20.0, 1.0])[:3]
    id = shown(host, Markup("points", [other, local], labels=("a", "b")), matrix)
    view = host.grid.views[kind]
    before, count = host.markup(id), edits(host)
    start = at(view, world)
    # Taken hold of a little beside its middle: it must not jump.
    drag(view, start + QPointF(2, -1), start + QPointF(42, 24))
    found = markups.world_points(host.markup(id), matrix)
    wanted = world + 40 * state.scale * np.array(state.right) - 25 * state.scale * np.array(state.up)
    np.testing.assert_allclose(found[1], wanted, atol=1e-9)
    np.testing.assert_allclose(host.markup(id).points[0], other)
    assert edits(host) == count + 1 and host.document.undo_label == "Move point"
    host.document.undo()
    assert host.markup(id) is before
    host.document.redo()
    np.testing.assert_allclose(markups.world_points(host.markup(id), matrix)[1], wanted, atol=1e-9)


def test_other_views_follow_while_the_document_waits(host: Host) -> None:
    id = shown(host, Markup("line", [[0.0, 0, 0], [20, 0, 0]]))
    view, count = host.grid.views["axial"], edits(host)
    press(view, at(view, (20, 0, 0)))
    move(view, at(view, (20, 15, 0)))
    for other in host.grid.views.values():
        item = next(i for i in other.items if i.id == id)
        np.testing.assert_allclose(item.data.points[1], (20, 15, 0), atol=1e-9)
        assert other.live[id].data is item.data
    assert edits(host) == count and host.markup(id).points[1, 1] == 0
    assert host.grid.wait(30)
    picture = host.grid.views["3d"].frame.state
    assert next(i for i in picture.items if i.id == id).data.points[1, 1] == pytest.approx(15)
    release(view, at(view, (20, 15, 0)))
    assert edits(host) == count + 1 and host.markup(id).measurements["length"] == pytest.approx(25)
    # The picture is of before: until the next one is there the line must not jump back.
    assert view.live[id].data is host.markup(id)
    assert host.grid.wait(30) and not view.live


def test_escape_in_a_drag_puts_everything_back(host: Host) -> None:
    id = shown(host, Markup("points", [[0.0, 0, 0]]))
    view, before, count = host.grid.views["axial"], host.markup(), edits(host)
    view.setFocus()
    press(view, at(view, (0, 0, 0)))
    move(view, at(view, (12, 5, 0)))
    assert next(i for i in host.grid.items if i.id == id).data is not before
    QTest.keyClick(view, KEYS.Key_Escape)
    assert next(i for i in host.grid.items if i.id == id).data is before
    move(view, at(view, (30, 5, 0)))
    release(view, at(view, (30, 5, 0)))
    assert host.markup() is before and edits(host) == count


@pytest.mark.parametrize("how", ["closed", "undone", "all gone", "tool removed"])
def test_what_goes_away_in_mid_drag_does_no_harm(host: Host, how: str) -> None:
    first = shown(host, Markup("points", [[0.0, 0, 0]]))
    host.document.set_data(first, Markup("points", [[3.0, 0, 0]]))
    assert host.grid.wait(30)
    view = host.grid.views["axial"]
    press(view, at(view, (3, 0, 0)))
    move(view, at(view, (12, 5, 0)))
    if how == "closed":
        host.document.remove(first)
    elif how == "undone":
        host.document.undo()
    elif how == "all gone":
        host.document.remove(*[i.id for i in host.document])
    else:
        host.grid.remove_tool(host.edit)
    count = edits(host)
    move(view, QPointF(140, 90))
    release(view, QPointF(140, 90))
    assert edits(host) == count and not host.grid._previews
    if how == "undone":
        np.testing.assert_allclose(host.markup(first).points, [[0, 0, 0]])
        assert next(i for i in host.grid.items if i.id == first).data is host.markup(first)
    assert host.grid.wait(30)


def test_a_click_without_a_move_only_selects(host: Host) -> None:
    a = shown(host, Markup("points", [[0.0, 0, 0]]))
    b = shown(host, Markup("points", [[15.0, 0, 0]]))
    view, count = host.grid.views["axial"], edits(host)
    assert host.selected == b
    click(view, at(view, (0, 0, 0)) + QPointF(1, 1))
    assert host.selected == a and edits(host) == count and host.edit.active == (a, 0)
    cursor = host.grid.cursor_position
    click(view, at(view, (-20, 15, 0)))
    assert (
        host.grid.cursor_position != cursor and host.edit.active is None
    )  # beside everything: the crosshair


@pytest.mark.parametrize("how", ["locked", "hidden"])
def test_locked_and_hidden_markups_leave_the_mouse_to_the_view(host: Host, how: str) -> None:
    id = shown(host, Markup("points", [[10.0, 5, 0]]))
    display = host.document[id].display
    changed = replace(display, locked=True) if how == "locked" else replace(display, visible=False)
    host.document.set_display(id, changed)
    assert host.grid.wait(30)
    view, count = host.grid.views["axial"], edits(host)
    drag(view, at(view, (10, 5, 0)), at(view, (20, 5, 0)))
    assert edits(host) == count
    np.testing.assert_allclose(host.grid.cursor_position[:2], (20, 5), atol=1e-6)


def test_points_of_other_slices_are_out_of_reach(host: Host) -> None:
    shown(host, Markup("points", [[0.0, 0, 9]]))
    view = host.grid.views["axial"]
    assert host.edit.find(view, at(view, (0, 0, 0)).x(), at(view, (0, 0, 0)).y()) is None
    assert host.edit.find(host.grid.views["coronal"], *_xy(host.grid.views["coronal"], (0, 0, 9))) is not None


def _xy(view: Any, point: Any) -> tuple[float, float]:
    place = at(view, point)
    return place.x(), place.y()


def test_the_reach_of_a_handle_is_the_same_at_every_zoom(host: Host) -> None:
    shown(host, Markup("points", [[0.0, 0, 0]]))
    view = host.grid.views["axial"]
    for zoom in (0.5, 1.0, 6.0):
        view.set_intent(zoom=zoom)
        assert host.grid.wait(30)
        x, y = _xy(view, (0, 0, 0))
        assert host.edit.find(view, x + 8, y) is not None and host.edit.find(view, x + 12, y) is None


def test_the_pointer_says_what_it_would_take_hold_of(host: Host) -> None:
    shown(host, Markup("points", [[10.0, 10, 0]]))
    view = host.grid.views["axial"]
    move(view, at(view, (10, 10, 0)), buttons=Qt.MouseButton.NoButton)
    assert view.cursor().shape() is Qt.CursorShape.OpenHandCursor and host.edit.hovered is not None
    move(view, at(view, (-20, 10, 0)), buttons=Qt.MouseButton.NoButton)
    assert view.cursor().shape() is Qt.CursorShape.ArrowCursor and host.edit.hovered is None


# -- curves ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smooth", [False, True])
def test_ctrl_and_click_on_a_curve_inserts_a_point_there(host: Host, smooth: bool) -> None:
    curve = Markup("curve", [[-20.0, 0, 0], [0, 12, 0], [20, 0, 0]], labels=("a", "b", "c"), smooth=smooth)
    shown(host, curve)
    view, count = host.grid.views["axial"], edits(host)
    on = markups.path(curve)[-9] if smooth else np.array([10.0, 6, 0])
    drag(view, at(view, on), at(view, on) + QPointF(0, -20), CTRL)
    made = host.markup()
    assert made.labels == ("a", "b", "P1", "c") and edits(host) == count + 1
    assert host.document.undo_label == "Insert point"
    up = np.array(view.frame.state.up)
    np.testing.assert_allclose(made.points[2], on + 20 * view.frame.state.scale * up, atol=1e-6)


def test_a_dragged_line_moves_the_whole_curve(host: Host) -> None:
    curve = Markup("closed_curve", [[-20.0, 0, 0], [0, 20, 0], [20, 0, 0]])
    shown(host, curve, MOVED)
    view = host.grid.views["axial"]
    world = markups.world_points(curve, MOVED)
    middle = (world[0] + world[1]) / 2
    host.grid.set_cursor(tuple(middle))
    assert host.grid.wait(30)
    start = at(view, middle)
    drag(view, start, start + QPointF(15, 10))
    state = view.frame.state
    by = 15 * state.scale * np.array(state.right) - 10 * state.scale * np.array(state.up)
    np.testing.assert_allclose(markups.world_points(host.markup(), MOVED), world + by, atol=1e-8)
    assert host.document.undo_label == "Move"


def test_a_curve_of_two_hundred_points_is_dragged_in_one_edit(host: Host) -> None:
    t = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    points = np.stack([25 * np.cos(t), 30 * np.sin(t), 0 * t], axis=1)
    shown(host, Markup("closed_curve", points, smooth=True))
    view, count = host.grid.views["axial"], edits(host)
    drag(view, at(view, points[0]), at(view, points[0] + [6, 3, 0]), steps=60)
    assert edits(host) == count + 1
    np.testing.assert_allclose(host.markup().points[0], points[0] + [6, 3, 0], atol=1e-9)
    np.testing.assert_allclose(host.markup().points[1:], points[1:])
    assert host.grid.wait(30)


# -- keyboard --------------------------------------------------------------------------------------------------


def test_keys_go_from_point_to_point_and_move_them(host: Host) -> None:
    curve = Markup("curve", [[-20.0, 0, 0], [0, 12, 0], [20, 0, 0]])
    id = shown(host, curve)
    view = host.grid.views["axial"]
    view.setFocus()
    slice_before = host.grid.cursor_position
    QTest.keyClick(view, KEYS.Key_Return)
    assert host.edit.active == (id, 0)
    QTest.keyClick(view, KEYS.Key_Tab)
    QTest.keyClick(view, KEYS.Key_Tab)
    QTest.keyClick(view, KEYS.Key_Backtab)
    assert host.edit.active == (id, 1) and view.hasFocus()
    state, count = view.frame.state, edits(host)
    for _ in range(3):
        QTest.keyClick(view, KEYS.Key_Right)
    QTest.keyClick(view, KEYS.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    wanted = np.array([0, 12, 0]) + state.scale * (3 * np.array(state.right) + 10 * np.array(state.up))
    np.testing.assert_allclose(host.markup().points[1], wanted, atol=1e-9)
    assert edits(host) == count + 1  # nudges in a row are one
    QTest.keyClick(view, KEYS.Key_Left, CTRL)
    np.testing.assert_allclose(host.markup().points[1], wanted - 0.1 * np.array(state.right), atol=1e-9)
    assert host.grid.cursor_position == slice_before
    QTest.keyClick(view, KEYS.Key_Insert)
    assert len(host.markup().points) == 4 and host.edit.active == (id, 2)
    QTest.keyClick(view, KEYS.Key_Delete)
    assert len(host.markup().points) == 3
    QTest.keyClick(view, KEYS.Key_Escape)
    assert host.edit.active is None
    QTest.keyClick(view, KEYS.Key_Up)
    assert host.grid.cursor_position != slice_before  # the arrows are the view's again


def test_a_nudge_is_a_voxel_while_points_snap_to_voxels(host: Host) -> None:
    shown(host, Markup("points", [[0.0, 0, 0]]))
    host.snapping = Snapping(voxels=True)
    view = host.grid.views["axial"]
    view.setFocus()
    QTest.keyClick(view, KEYS.Key_Return)
    QTest.keyClick(view, KEYS.Key_Up)
    np.testing.assert_allclose(host.markup().points[0], (0, 2.5, 0))


def test_tab_leaves_the_view_when_no_point_is_held_and_after_the_last(host: Host) -> None:
    host.grid.activateWindow()
    id = shown(host, Markup("line", [[0.0, 0, 0], [10, 0, 0]]))
    view = host.grid.views["axial"]
    assert not host.edit.tab(view, True)
    host.edit.active = (id, 0)
    assert host.edit.tab(view, True) and host.edit.active == (id, 1)
    assert not host.edit.tab(view, True) and host.edit.active is None


def test_the_last_point_takes_its_markup_along(host: Host) -> None:
    id = shown(host, Markup("points", [[0.0, 0, 0]]))
    view = host.grid.views["axial"]
    view.setFocus()
    QTest.keyClick(view, KEYS.Key_Return)
    QTest.keyClick(view, KEYS.Key_Delete)
    assert id not in host.document
    host.document.undo()
    assert id in host.document


# -- planes and boxes ------------------------------------------------------------------------------------------

UPRIGHT = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
"""A plane that cuts left from right: its normal is x."""


def test_a_plane_is_moved_along_its_normal_by_its_line(host: Host) -> None:
    plane = Markup("plane", [[3.0, 0, 0]], axes=UPRIGHT, size=[60, 60, 0])
    shown(host, plane)
    view = host.grid.views["axial"]
    drag(view, at(view, (3, 8, 0)), at(view, (9, 14, 0)))
    np.testing.assert_allclose(host.markup().points[0], (9, 0, 0), atol=1e-9)
    np.testing.assert_allclose(host.markup().axes, plane.axes)


def test_a_plane_turns_about_the_middle_of_its_line_by_its_end(host: Host) -> None:
    plane = Markup("plane", [[0.0, 0, 0]], axes=UPRIGHT, size=[30, 30, 0])
    shown(host, plane)
    view = host.grid.views["axial"]
    end = handle(host, view, "end", 0)
    assert abs(end[0]) < 1e-9 and abs(abs(end[1]) - 15) < 1e-9
    turned = markups.rotation_about([0, 0, 1], np.radians(30)) @ end
    drag(view, at(view, end), at(view, turned))
    normal = host.markup().axes[:, 2]
    assert np.degrees(np.arccos(abs(normal[0]))) == pytest.approx(30, abs=1e-6)
    assert abs(normal[2]) < 1e-12 and host.document.undo_label == "Turn"
    np.testing.assert_allclose(host.markup().points[0], (0, 0, 0), atol=1e-9)
    normal_world, offset = markups.plane_equation(host.markup())
    assert normal_world @ turned == pytest.approx(offset, abs=1e-9)


def test_the_ends_of_a_plane_larger_than_the_view_can_be_reached(host: Host) -> None:
    shown(host, Markup("plane", [[0.0, 0, 0]], axes=UPRIGHT, size=[900, 900, 0]))
    for kind in ("axial", "coronal"):
        view = host.grid.views[kind]
        for k in (0, 1):
            x, y = _xy(view, handle(host, view, "end", k))
            assert 20 < x < view.width() - 20 and 20 < y < view.height() - 20


def test_a_face_of_a_box_is_drawn_out_and_the_others_stay(host: Host) -> None:
    box = Markup("box", [[2.0, 3, 1]], axes=markups.rotation_about([0, 0, 1], 0.3), size=[20, 16, 12])
    shown(host, box)
    view = host.grid.views["axial"]
    # Faces are numbered by axis, the far side first.
    place = handle(host, view, "face", 0)
    out = place + 5 * box.axes[:, 0]
    drag(view, at(view, place), at(view, out))
    made = host.markup()
    np.testing.assert_allclose(made.size, [25, 16, 12], atol=1e-9)
    far = box.points[0] - box.axes[:, 0] * 10
    np.testing.assert_allclose(made.points[0] - made.axes[:, 0] * 12.5, far, atol=1e-9)
    assert made.measurements["volume"] == pytest.approx(25 * 16 * 12)


def test_a_box_is_moved_by_its_edge_and_turned_by_its_corner(host: Host) -> None:
    box = Markup("box", [[0.0, 0, 0]], size=[24, 20, 12])
    shown(host, box)
    view = host.grid.views["axial"]
    drag(view, at(view, (6, 10, 0)), at(view, (9, 4, 0)))
    np.testing.assert_allclose(host.markup().points[0], (3, -6, 0), atol=1e-9)
    host.document.undo()
    assert host.grid.wait(30)
    corner = handle(host, view, "corner", 0)
    drag(view, at(view, corner), at(view, markups.rotation_about([0, 0, 1], 0.4) @ corner))
    np.testing.assert_allclose(host.markup().axes, markups.rotation_about([0, 0, 1], 0.4), atol=1e-6)
    np.testing.assert_allclose(host.markup().size, box.size)


# -- 3-D -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ball(grid: Any) -> Iterator[Host]:
    from app.viewports import search

    made = Host(grid)
    grid.set_layout("3d")
    sphere = trimesh.creation.icosphere(4, radius=20.0)
    mesh = Mesh(np.asarray(sphere.vertices), np.asarray(sphere.faces))
    made.open(mesh)
    search.face_tree(mesh, True)
    assert grid.wait(30)
    yield made


def test_in_3d_a_point_keeps_its_depth_or_stays_on_the_surface(ball: Host) -> None:
    view = ball.grid.views["3d"]
    start = np.array(view.frame.state.camera.frame()[2]) * 20.0
    shown(ball, Markup("points", [start], space=""))
    back = np.array(view.frame.state.camera.frame()[2])
    place = at(view, start)
    drag(view, place, place + QPointF(30, -20))
    moved = ball.markup().points[0]
    assert (
        moved @ back == pytest.approx(20.0)
        and (at(view, moved) - place - QPointF(30, -20)).manhattanLength() < 1e-6
    )
    ball.document.undo()
    assert ball.grid.wait(30)
    ball.snapping = Snapping(objects=True)
    drag(view, place, place + QPointF(30, -20))
    assert np.linalg.norm(ball.markup().points[0]) == pytest.approx(20, rel=0.005)


def test_in_3d_a_plane_is_resized_turned_and_moved_by_its_handles(ball: Host) -> None:
    plane = Markup("plane", [[0.0, 0, 0]], size=[60, 50, 0])
    shown(ball, plane)
    view = ball.grid.views["3d"]
    centre = handle(ball, view, "centre")
    drag(view, at(view, centre), at(view, centre) + QPointF(12, 7))
    assert (at(view, ball.markup().points[0]) - at(view, centre) - QPointF(12, 7)).manhattanLength() < 1e-6
    ball.document.undo()
    assert ball.grid.wait(30)
    corner = handle(ball, view, "corner", 2)
    drag(view, at(view, corner), at(view, corner) + QPointF(10, -10))
    assert ball.markup().size[0] != 60 and ball.document.undo_label == "Resize"
    fixed = ball.markup().points[0] - ball.markup().axes @ (ball.markup().size / 2)
    np.testing.assert_allclose(fixed, [-30, -25, 0], atol=1e-9)
    ball.document.undo()
    assert ball.grid.wait(30)
    tip = handle(ball, view, "tip")
    drag(view, at(view, tip), at(view, tip) + QPointF(25, 0))
    assert ball.document.undo_label == "Turn"
    assert 1 < np.degrees(np.arccos(ball.markup().axes[2, 2])) < 80
    np.testing.assert_allclose(ball.markup().points[0], (0, 0, 0), atol=1e-9)


def test_a_left_drag_beside_handles_still_turns_the_camera(ball: Host) -> None:
    shown(ball, Markup("points", [[0.0, 0, 30]]))
    view = ball.grid.views["3d"]
    before = view.resolved().camera
    drag(view, QPointF(30, 30), QPointF(80, 60))
    assert view.resolved().camera != before


def test_points_behind_a_surface_are_dimmed(ball: Host) -> None:
    view = ball.grid.views["3d"]
    back = np.array(view.frame.state.camera.frame()[2])
    found = hidden(view.frame.state, [back * 20.0, -back * 20.0, back * 40.0])
    assert found.tolist() == [False, True, False]


# -- what is painted -------------------------------------------------------------------------------------------


def test_words_beside_markups_never_cover_each_other_and_stay_in_the_view() -> None:
    crowd = [Word(f"P{k}", 100 + 3 * k, 100 + (k % 3), 6) for k in range(12)]
    placed = settled(crowd, lambda text: (30.0, 14.0), (220.0, 200.0))
    assert len(placed) >= 8
    boxes = [box for _, box in placed]
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0 and y >= 0 and x + w <= 220 and y + h <= 200
        for a, b, c, d in boxes[:i]:
            assert x >= a + c or a >= x + w or y >= b + d or b >= y + h


def test_a_slice_names_only_the_points_in_it_and_measures_what_it_shows(host: Host) -> None:
    view = host.grid.views["axial"]
    state = view.frame.state
    points = make_item(Markup("points", [[0.0, 0, 0], [5, 5, 20]], labels=("here", "there")))
    assert [w.text for w in words_of(points, state)] == ["here"]
    line = make_item(Markup("line", [[0.0, 0, 0], [30, 40, 0]]))
    assert [w.text for w in words_of(line, state)] == ["50.0 mm"]
    ring = make_item(Markup("closed_curve", [[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]]))
    assert [w.text for w in words_of(ring, state)] == ["40.0 mm · 100.0 mm²"]
    corner = make_item(Markup("angle", [[10.0, 0, 0], [0, 0, 0], [0, 10, 0]]))
    assert [w.text for w in words_of(corner, state)] == ["90.0°"]
    off = make_item(Markup("line", [[0.0, 0, 25], [30, 40, 25]]))
    assert words_of(off, state) == []
    silent = SceneItem("s", "s", line.data, line.transform, replace(line.display, measurements=False))
    assert words_of(silent, state) == []


def test_figures_show_four_digits_that_matter() -> None:
    assert [figure(v, "mm") for v in (1234.56, 123.456, 1.2345, 0.0123)] == [
        "1235 mm",
        "123.5 mm",
        "1.23 mm",
        "0.0123 mm",
    ]
    assert figure(90.0, "°") == "90.0°" and figure(-3.0, "") == "−3.00"


def test_a_smooth_curve_is_drawn_smooth_in_slices_and_in_3d(host: Host, view: Any) -> None:
    curve = Markup("closed_curve", [[-20.0, -20, 0], [20, -20, 0], [20, 20, 0], [-20, 20, 0]], smooth=True)
    item = make_item(curve)
    drawing = draw_markup(item, ((0, 0, 0), (0, 0, 1)), 2.0)[0]
    assert len(drawing.segments) == len(markups.path(curve)) - 1
    assert np.linalg.norm(drawing.segments.reshape(-1, 3), axis=1).max() >= 20 * np.sqrt(2) - 1e-9


def test_handles_are_painted_over_the_picture(host: Host) -> None:
    shown(host, Markup("points", [[0.0, 20, 0]]))
    view = host.grid.views["axial"]

    def accented() -> int:
        image = view.grab().toImage()
        x, y = _xy(view, (0, 20, 0))
        accent = view.theme.accent
        return sum(
            image.pixelColor(round(x) + i, round(y) + j).name() == accent
            for i in range(-9, 10)
            for j in range(-9, 10)
        )

    view.grab()
    before = accented()
    press(view, at(view, (0, 20, 0)))
    assert accented() > before
    release(view, at(view, (0, 20, 0)), button=LEFT)
