"""Mouse and keys in 3-D views: read-out, picking, clip plane, camera history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.viewports.camera import project
from app.viewports.clip import ClipPlane
from app.viewports.state import Resolved3D
from core.data import Attribute, Domain, Mesh, PointCloud, Transforms
from tests.app.viewports.conftest import head, make_item
from tests.app.viewports.test_scenes import sphere

LEFT, NONE, SHIFT = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def ball(grid: Any) -> Any:
    """A grid that shows a ball with attributes in one 3-D view, drawn: (grid, view)."""
    points, faces = sphere(10.0)
    attributes = {
        "height": Attribute(points[:, 2], Transforms.SCALAR, unit="mm"),
        "side": Attribute(np.where(points[:, 0] > 0, "right", "left"), Transforms.LABEL),
        "part": Attribute(np.arange(len(faces)) % 3, Transforms.LABEL, Domain.FACE),
    }
    grid.set_layout("3d")
    grid.set_items((make_item(Mesh(points, faces, attributes), "ball", color_by="height"),))
    assert grid.wait(20)
    return grid, grid.views["3d"]


def at(view: Any, point: Any) -> QPoint:
    state = view.resolved()
    x, y, _ = project(state.camera, np.asarray(point, dtype=float), state.width, state.height)[0]
    return QPoint(round(x), round(y))


def front(view: Any) -> np.ndarray:
    """The point of the ball that faces the camera."""
    return 10 * view.resolved().camera.frame()[2]


def test_the_pointer_reads_out_what_it_is_over(ball: Any, qtbot: Any) -> None:
    grid, view = ball
    told: list[Any] = []
    grid.hovered.connect(lambda xyz, text: told.append((xyz, text)))
    QTest.mouseMove(view, at(view, front(view)) + QPoint(3, 3))
    qtbot.waitUntil(lambda: bool(told) and told[-1][0] is not None, timeout=5000)
    xyz, text = told[-1]
    assert np.linalg.norm(np.subtract(xyz, front(view))) < 0.8
    assert (
        "ball face " in text
        and "height " in text
        and " mm" in text
        and "side right" in text
        and "part " in text
    )
    shown = float(text.split("height ")[1].split()[0].replace("−", "-"))
    assert shown == pytest.approx(xyz[2], abs=0.1)
    QTest.mouseMove(view, QPoint(4, 4))
    qtbot.waitUntil(lambda: told[-1] == (None, ""), timeout=5000)


def test_a_click_picks_and_with_shift_moves_the_crosshair_but_a_drag_does_neither(ball: Any) -> None:
    grid, view = ball
    hits: list[Any] = []
    grid.picked.connect(hits.append)
    place, before = at(view, front(view)), grid.cursor_position
    QTest.mouseClick(view, LEFT, NONE, place)
    assert [h.item.id for h in hits] == ["ball"] and grid.cursor_position == before
    QTest.mouseClick(view, LEFT, SHIFT, place)
    assert len(hits) == 2 and np.linalg.norm(np.subtract(grid.cursor_position, front(view))) < 0.8
    QTest.mouseClick(view, LEFT, NONE, QPoint(4, 4))
    QTest.mousePress(view, LEFT, NONE, place)
    QTest.mouseMove(view, place + QPoint(60, 10))
    QTest.mouseRelease(view, LEFT, NONE, place + QPoint(60, 10))
    assert len(hits) == 2
    assert view.intent.camera is not None


def test_voxels_and_points_are_read_out_too(grid: Any, qtbot: Any) -> None:
    grid.set_layout("3d")
    view = grid.views["3d"]
    told: list[Any] = []
    grid.hovered.connect(lambda xyz, text: told.append(text))
    grid.set_items((make_item(head(), "head", render="volume"),))
    assert grid.wait(20)
    QTest.mouseMove(view, QPoint(view.width() // 2, view.height() // 2))
    qtbot.waitUntil(lambda: bool(told) and "head voxel" in told[-1], timeout=5000)
    assert "value 100" in told[-1] or "value 255" in told[-1]
    cloud = PointCloud(
        np.array([[0.0, 0, 0], [4, 0, 0], [0, 0, 5]]), {"q": Attribute([1.5, 2.5, 3.5], "scalar")}
    )
    grid.set_items((make_item(cloud, "cloud"),))
    view.reset()
    assert grid.wait(20)
    QTest.mouseMove(view, at(view, (4, 0, 0)))
    qtbot.waitUntil(lambda: "cloud point 1" in told[-1], timeout=5000)
    assert "q 2.5" in told[-1]


def test_the_clip_handle_is_dragged_along_its_normal_and_tilted(ball: Any) -> None:
    grid, view = ball
    camera = view.resolved().camera
    right, _, _ = camera.frame()
    grid.set_clip(ClipPlane((0, 0, 0), tuple(right)), view)
    assert grid.wait(20)
    base = at(view, (0, 0, 0))
    QTest.mousePress(view, LEFT, NONE, base)
    QTest.mouseMove(view, base + QPoint(40, 0))
    QTest.mouseRelease(view, LEFT, NONE, base + QPoint(40, 0))
    assert grid.wait(20)
    moved = view.intent.clip
    distance = float(np.dot(moved.origin, right))
    assert distance == pytest.approx(40 * view.resolved().scale, rel=0.05) and moved.normal == tuple(right)
    assert view.resolved().camera == camera  # the camera did not turn
    # the arrow keys belong to the handle now, until Escape
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert np.dot(view.intent.clip.origin, right) > distance and view.intent.camera is None
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert np.dot(view.intent.clip.normal, right) == pytest.approx(np.cos(np.radians(5)))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.intent.camera is not None
    before = view.intent.clip
    QTest.keyClick(view, Qt.Key.Key_Down, CONTROL)
    assert view.intent.clip != before
    # the tip tilts
    grid.set_clip(ClipPlane((0, 0, 0), tuple(view.resolved().camera.frame()[0])), view)
    assert grid.wait(20)
    handle = grid.clip_handle
    base, tip = (p.toPoint() for p in handle._places(view, view.resolved()))
    QTest.mousePress(view, LEFT, NONE, tip)
    QTest.mouseMove(view, tip + QPoint(-20, 30))
    QTest.keyClick(view, Qt.Key.Key_Escape)  # and Escape in the middle of it undoes it
    assert view.intent.clip.normal == pytest.approx(tuple(view.resolved().camera.frame()[0]))
    QTest.mouseRelease(view, LEFT, NONE, tip)
    QTest.mousePress(view, LEFT, NONE, tip)
    QTest.mouseMove(view, tip + QPoint(-20, 30))
    QTest.mouseRelease(view, LEFT, NONE, tip + QPoint(-20, 30))
    assert np.linalg.norm(view.intent.clip.normal) == pytest.approx(1)
    assert np.dot(view.intent.clip.normal, view.resolved().camera.frame()[0]) < 0.995


def test_the_crosshair_takes_a_following_plane_with_it(grid: Any) -> None:
    grid.set_items((make_item(head(), render="volume"),))
    grid.set_clip(ClipPlane(follow="coronal"))
    grid.set_cursor((1.0, 7.0, 3.0))
    state = grid.views["3d"].resolved()
    assert isinstance(state, Resolved3D) and state.clip is not None and state.clip.origin[1] == 7.0
    assert grid.wait(20)


def test_the_camera_goes_back_and_forward(ball: Any) -> None:
    grid, view = ball
    scene = grid.scene
    assert not scene.can_go(view, -1)
    grid.look_from("A")
    assert grid.wait(20)
    first = view.intent.camera
    grid.look_from("L")
    assert grid.wait(20)
    second = view.intent.camera
    scene.go(view, -1)
    assert view.intent.camera == first and grid.wait(20)
    scene.go(view, -1)
    assert view.intent.camera is None and grid.wait(20) and not scene.can_go(view, -1)
    scene.go(view, 1)
    scene.go(view, 1)
    assert view.intent.camera == second and not scene.can_go(view, 1)
    assert grid.wait(20)
    scene.go(view, -1)
    assert grid.wait(20)
    grid.look_from("S")  # something new: what lay ahead is gone
    assert grid.wait(20) and not scene.can_go(view, 1)


def test_projection_and_clip_plane_are_remembered_and_damage_is_survived(grid: Any) -> None:
    grid.set_items((make_item(head()),))
    view = grid.views["3d"]
    grid.set_parallel(True)
    grid.set_clip(ClipPlane((1, 2, 3), (0, 1, 0), "", True))
    saved = grid.view_state()
    grid.set_parallel(False)
    grid.set_clip(None)
    grid.set_view_state(saved)
    assert view.intent.parallel and view.intent.clip == ClipPlane((1, 2, 3), (0, 1, 0), "", True)
    for wrong in (
        7,
        {"3d": [1]},
        {"3d": {"origin": [0, 0, float("nan")], "normal": [0, 0, 1]}},
        {"3d": {"origin": "x"}},
    ):
        grid.set_view_state({**saved, "clip": wrong, "parallel": {"3d": "yes"}})
        assert view.intent.clip is None and view.intent.parallel
    grid.set_view_state({k: v for k, v in saved.items() if k not in ("clip", "parallel")})
    assert grid.wait(20)


def test_home_and_sides_fit_without_perspective(ball: Any) -> None:
    grid, view = ball
    grid.set_parallel(True)
    for side in ("home", "A", "S"):
        grid.look_from(side)
        state = view.resolved()
        flat = project(state.camera, view.items[0].data.points, state.width, state.height)
        span = np.ptp(flat[:, 1])
        assert state.camera.parallel and 0.6 * state.height < span < state.height
    assert grid.wait(20)
