"""Placing markups by clicks: where the point is in the world, and what each key and button does on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import trimesh
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtTest import QTest

from app.viewports.markup_tools import Snapping
from core.data import Markup, Mesh
from tests.app.viewports.conftest import axis_orders, head
from tests.app.viewports.markup_host import CTRL, RIGHT, Host, at, click, drag, move, press, release, send

SLICES = ("axial", "coronal", "sagittal")


@pytest.fixture
def host(grid: Any) -> Iterator[Host]:
    made = Host(grid)
    made.open(head(), render="off")
    assert grid.wait(30)
    yield made


def sphere(fineness: int, radius: float) -> Mesh:
    made = trimesh.creation.icosphere(fineness, radius=radius)
    return Mesh(np.asarray(made.vertices), np.asarray(made.faces))


def in_slice(view: Any, x: float, y: float) -> np.ndarray:
    return np.array(view.frame.state.to_world(x, y))


@pytest.mark.parametrize("convention", ["radiological", "neurological"])
def test_a_click_gives_the_point_under_it_whatever_the_axes_of_the_volume(grid: Any, convention: str) -> None:
    host = Host(grid)
    grid.set_convention(convention)
    grid.set_nose_left(convention == "neurological")
    wanted = {"axial": (11.5, -7.25, 0.0), "coronal": (-13.0, 0.0, 4.5), "sagittal": (0.0, 21.0, -6.0)}
    # Half of the 48 in either convention, all in both together.
    for name, volume in axis_orders(head())[convention == "neurological" :: 2]:
        for id in [i.id for i in host.document]:
            host.document.remove(id)
        host.open(volume, render="off")
        grid.set_cursor((0.0, 0.0, 0.0))
        assert grid.wait(30)
        for kind, point in wanted.items():
            view = grid.views[kind]
            host.place("points")
            click(view, at(view, point))
            found = host.markup().points[0]
            # In the plane exactly; across it, on the slice that is shown.
            flat = view.frame.state.to_screen(np.array([found, point]))
            np.testing.assert_allclose(flat[0, :2], flat[1, :2], atol=1e-7, err_msg=f"{name} {kind}")
            assert abs(flat[0, 2]) < 1e-9, (name, kind)
            host.document.remove(host.selected or "")


def test_a_curve_grows_point_by_point_and_each_is_one_step_back(host: Host) -> None:
    view = host.grid.views["axial"]
    host.place("curve")
    places = [QPointF(100, 100), QPointF(140, 90), QPointF(150, 130)]
    for place in places:
        click(view, place)
    wanted = np.array([in_slice(view, p.x(), p.y()) for p in places])
    np.testing.assert_allclose(host.markup().points, wanted)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert host.tool is None
    assert host.markup().measurements["length"] == pytest.approx(
        np.linalg.norm(np.diff(wanted, axis=0), axis=1).sum()
    )
    id = host.selected or ""
    for left in (2, 1):
        host.document.undo()
        assert len(host.markup(id).points) == left
    host.document.undo()
    assert id not in host.document
    for count in (1, 2, 3):
        host.document.redo()
        assert len(host.markup(id).points) == count


def test_the_line_follows_the_pointer_in_all_views_before_the_second_click(host: Host) -> None:
    view = host.grid.views["axial"]
    host.place("line")
    click(view, QPointF(100, 100))
    move(view, QPointF(160, 120), buttons=Qt.MouseButton.NoButton)
    assert len(host.markup().points) == 1
    for other in host.grid.views.values():
        shown = next(i for i in other.items if i.id == host.selected)
        np.testing.assert_allclose(shown.data.points[1], in_slice(view, 160, 120))
    view.leaveEvent(None)
    shown = next(i for i in view.items if i.id == host.selected)
    assert len(shown.data.points) == 1
    click(view, QPointF(160, 120))
    assert host.tool is None and len(host.markup().points) == 2


def test_backspace_takes_points_back_and_escape_ends(host: Host) -> None:
    view = host.grid.views["coronal"]
    tool = host.place("closed_curve", many=True)
    for k in range(3):
        click(view, QPointF(80 + 30 * k, 80 + 10 * k * k))
    id = host.selected or ""
    QTest.keyClick(view, Qt.Key.Key_Backspace)
    assert len(host.markup().points) == 2
    QTest.keyClick(view, Qt.Key.Key_Backspace)
    QTest.keyClick(view, Qt.Key.Key_Backspace)
    assert id not in host.document and host.tool is tool
    click(view, QPointF(100, 100))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    # One point is no closed curve: nothing of it stays.
    assert host.tool is None and len(host.document) == 1


def test_a_right_click_and_a_double_click_finish(host: Host) -> None:
    view = host.grid.views["axial"]
    asked: list[Any] = []
    host.grid.menuWanted.connect(lambda *a: asked.append(a))
    host.place("curve")
    for x in (90, 130, 150):
        click(view, QPointF(x, 100))
    click(view, QPointF(200, 150), button=RIGHT)
    assert host.tool is None and len(host.markup().points) == 3 and not asked
    before = host.grid.layout_name
    host.place("curve")
    click(view, QPointF(90, 140))
    click(view, QPointF(130, 150))
    send(
        view,
        QEvent.Type.MouseButtonDblClick,
        QPointF(130, 150),
        Qt.MouseButton.LeftButton,
        Qt.MouseButton.LeftButton,
    )
    release(view, QPointF(130, 150))
    assert host.tool is None and len(host.markup().points) == 2
    assert host.grid.layout_name == before
    click(view, QPointF(200, 150), button=RIGHT)
    assert len(asked) == 1


def test_the_first_point_closes_a_ring(host: Host) -> None:
    view = host.grid.views["axial"]
    host.place("closed_curve")
    for place in ((90, 90), (150, 90), (120, 140)):
        click(view, QPointF(*place))
    click(view, QPointF(92, 91))
    assert host.tool is None and len(host.markup().points) == 3


def test_several_places_one_after_the_other_until_escape(host: Host) -> None:
    view = host.grid.views["axial"]
    host.place("line", many=True)
    for k in range(4):
        click(view, QPointF(90 + 20 * k, 100 + 5 * k))
    lines = [i for i in host.document if isinstance(i.data, Markup)]
    assert len(lines) == 2 and all(len(i.data.points) == 2 for i in lines)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert host.tool is None


def test_a_plane_stands_on_the_line_of_two_clicks(host: Host) -> None:
    view = host.grid.views["axial"]
    host.place("plane")
    click(view, QPointF(120, 60))
    assert len(host.document) == 1  # nothing is open yet
    click(view, QPointF(130, 180))
    plane = host.markup()
    a, b = in_slice(view, 120, 60), in_slice(view, 130, 180)
    np.testing.assert_allclose(plane.points[0], (a + b) / 2)
    assert abs(plane.axes[:, 2] @ (b - a)) < 1e-9 and abs(plane.axes[2, 2]) < 1e-12
    host.document.undo()
    assert len(host.document) == 1


def test_a_box_has_the_clicked_corners(host: Host) -> None:
    view = host.grid.views["coronal"]
    host.place("box")
    click(view, QPointF(80, 80))
    click(view, QPointF(140, 110))
    box = host.markup()
    scale = view.frame.state.scale
    assert sorted(np.round(box.size / scale, 6)) == [30, 30, 60]
    for corner in ((80, 80), (140, 110)):
        local = (in_slice(view, *corner) - box.points[0]) @ box.axes
        inside = np.abs(local) - box.size / 2
        assert np.sort(np.abs(inside))[:2] == pytest.approx(0, abs=1e-9)  # an edge of the box


def test_wheel_zoom_and_steps_go_on_while_a_tool_is_active(host: Host) -> None:
    view = host.grid.views["axial"]
    host.place("points", many=True)
    before = host.grid.cursor_position
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert host.grid.cursor_position != before
    press(view, QPointF(100, 100), Qt.KeyboardModifier.ShiftModifier)
    release(view, QPointF(100, 100), Qt.KeyboardModifier.ShiftModifier)
    assert len(host.document) == 1  # Shift is the crosshair's


def test_tilted_slices_place_on_the_tilted_plane(host: Host) -> None:
    from app.viewports.planes import turn

    view = host.grid.views["axial"]
    host.grid.set_tilt(turn(np.array([0.3, 1.0, 0.2]) / np.linalg.norm([0.3, 1.0, 0.2]), 25.0))
    assert host.grid.wait(30)
    state = view.frame.state
    assert state.oblique
    host.place("points")
    click(view, QPointF(111.5, 93.25))
    np.testing.assert_allclose(host.markup().points[0], state.to_world(111.5, 93.25))
    assert abs(state.to_screen(host.markup().points)[0, 2]) < 1e-9


# -- snapping --------------------------------------------------------------------------------------------------


def test_points_are_drawn_to_voxel_centres_and_with_ctrl_not(host: Host) -> None:
    view = host.grid.views["axial"]
    host.snapping = Snapping(voxels=True, objects=False)
    affine = head().affine
    place = at(view, (8.7, 5.9, 0.0))
    host.place("points")
    click(view, place)
    voxel = np.linalg.solve(affine, [*host.markup().points[0], 1.0])[:3]
    np.testing.assert_allclose(voxel, np.round(voxel), atol=1e-9)
    assert np.linalg.norm(host.markup().points[0] - (8.7, 5.9, 0)) < 2
    host.place("points")
    click(view, place, CTRL)
    np.testing.assert_allclose(host.markup().points[0], (8.7, 5.9, 0.0), atol=1e-9)


def test_points_are_drawn_to_points_of_other_markups_and_to_cut_lines(host: Host) -> None:
    view = host.grid.views["axial"]
    other = host.open(Markup("points", [[5.0, 5.0, 0.4]]))
    host.open(sphere(3, 25.0))
    assert host.grid.wait(30)
    host.snapping = Snapping(voxels=True, objects=True)
    host.place("points")
    click(view, at(view, (5, 5, 0)) + QPointF(4, -3))
    np.testing.assert_allclose(host.markup().points[0], host.markup(other).points[0])
    host.place("points")
    click(view, at(view, (25, 0, 0)) + QPointF(3, 1))
    found = host.markup().points[0]
    assert np.linalg.norm(found) == pytest.approx(25, rel=0.01) and abs(found[2]) < 1e-9


# -- 3-D -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ball(grid: Any) -> Iterator[Host]:
    from app.viewports import search

    made = Host(grid)
    grid.set_layout("3d")
    mesh = sphere(4, 20.0)
    made.open(mesh)
    search.face_tree(mesh, True)
    assert grid.wait(30)
    yield made


def test_a_click_in_3d_lies_on_the_surface_under_it(ball: Host) -> None:
    view = ball.grid.views["3d"]
    ball.place("points")
    middle = QPointF(view.width() / 2 + 21, view.height() / 2 - 34)
    click(view, middle)
    found = ball.markup().points[0]
    assert np.linalg.norm(found) == pytest.approx(20, rel=0.005)
    assert (at(view, found) - middle).manhattanLength() < 1e-6
    assert found @ np.array(view.frame.state.camera.frame()[2]) > 0  # on the side that is seen


def test_a_drag_in_3d_turns_and_a_click_beside_everything_says_why_not(ball: Host) -> None:
    view = ball.grid.views["3d"]
    ball.place("line")
    before = view.resolved().camera
    drag(view, QPointF(200, 200), QPointF(260, 220))
    assert view.resolved().camera != before and len(ball.document) == 1
    assert ball.grid.wait(30)
    click(view, QPointF(5, 5))
    assert len(ball.document) == 1 and "nothing under the pointer" in ball.words[-1]


def test_three_clicks_in_3d_make_a_plane_through_them(ball: Host) -> None:
    from core.markups import plane_equation

    view = ball.grid.views["3d"]
    ball.place("plane")
    middle = QPointF(view.width() / 2, view.height() / 2)
    for off in (QPointF(40, 0), QPointF(-40, 5), QPointF(0, -50)):
        click(view, middle + off)
    normal, offset = plane_equation(ball.markup())
    assert len(ball.document) == 2 and abs(offset) < 20 and np.linalg.norm(normal) == pytest.approx(1)


def test_in_3d_a_corner_of_the_surface_draws_the_point_to_itself(ball: Host) -> None:
    view = ball.grid.views["3d"]
    ball.snapping = Snapping(objects=True)
    mesh = next(iter(ball.document)).data
    toward = np.array(view.frame.state.camera.frame()[2])
    corner = mesh.points[int(np.argmax(mesh.points @ toward))]
    ball.place("points")
    click(view, at(view, corner) + QPointF(2, 2))
    distances = np.linalg.norm(mesh.points - ball.markup().points[0], axis=1)
    assert distances.min() < 1e-5
