"""The widget: what gestures mean, what is linked, what is left behind."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.theme import DARK, LIGHT
from app.viewports import ImageView, ViewportGrid, choose_backend
from app.viewports.image_view import image_pixels
from app.viewports.service import RenderService
from core.data import Image, Mesh, Volume
from tests.app.viewports.conftest import MARKER, head, make_item, vtk_objects

FULL = {"window": 255.0, "level": 127.5}


def pixels(image):
    """(height, width, 3) int array of a QImage or QPixmap."""
    image = image.toImage() if hasattr(image, "toImage") else image
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def mouse(view, kind, x, y, button=Qt.MouseButton.LeftButton, keys=Qt.KeyboardModifier.NoModifier):
    """Send one mouse event, with the position as given: no window manager has a say."""
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    place = QPointF(x, y)
    QApplication.sendEvent(view, QMouseEvent(kind, place, view.mapToGlobal(place), button, held, keys))


def drag(view, button, start, *stops, keys=Qt.KeyboardModifier.NoModifier):
    """Press, move through `stops`, release."""
    mouse(view, QEvent.Type.MouseButtonPress, *start, button, keys)
    for stop in stops:
        mouse(view, QEvent.Type.MouseMove, *stop, button, keys)
    mouse(view, QEvent.Type.MouseButtonRelease, *(stops or (start,))[-1], button, keys)


def wheel(view, turns, keys=Qt.KeyboardModifier.NoModifier, at=(60.0, 50.0)):
    """Turn the wheel by `turns` notches."""
    place = QPointF(*at)
    event = QWheelEvent(
        place,
        view.mapToGlobal(place),
        QPoint(0, 0),
        QPoint(0, round(120 * turns)),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_four_views_show_one_brain_and_a_linked_crosshair(grid):
    moved = []
    grid.cursorMoved.connect(lambda point, text: moved.append((point, text)))
    grid.set_items((make_item(head(), **FULL),))
    assert grid.wait(20) and moved[0][0] == (0.0, 0.0, 0.0)
    grid.set_cursor(tuple(MARKER))
    assert grid.wait(20)
    assert moved[-1][1].startswith("RAS 24.0, 10.0, −9.0 mm   voxel 30, 22, 7   value 255")
    titles = [grid.views[k].frame.state.title for k in ("axial", "coronal", "sagittal")]
    assert titles == ["Axial · 8 of 21", "Coronal · 23 of 37", "Sagittal · 31 of 37"]
    picture = pixels(grid.grab())
    for kind in ("axial", "coronal", "sagittal"):
        view = grid.views[kind]
        x, y, _ = view.state.to_screen(MARKER)[0]
        at = view.mapTo(grid, QPoint(round(x), round(y)))
        assert picture[at.y() - 2 : at.y() + 3, at.x() - 2 : at.x() + 3].mean() > 200, kind


def test_a_click_puts_the_crosshair_where_the_pointer_is(grid):
    grid.set_items((make_item(head(), **FULL),))
    grid.wait(20)
    view = grid.views["coronal"]
    want = view.world_at(QPointF(90, 70))
    mouse(view, QEvent.Type.MouseButtonPress, 90, 70)
    mouse(view, QEvent.Type.MouseButtonRelease, 90, 70)
    assert grid.cursor_position == pytest.approx(want)
    drag(view, Qt.MouseButton.LeftButton, (90, 70), (100, 75), (120, 80))
    assert grid.cursor_position == pytest.approx(view.world_at(QPointF(120, 80)))
    shift = Qt.KeyboardModifier.ShiftModifier
    mouse(view, QEvent.Type.MouseMove, 60, 90, Qt.MouseButton.NoButton, shift)
    assert grid.cursor_position == pytest.approx(view.world_at(QPointF(60, 90)))


def test_wheel_and_keys_step_and_ctrl_wheel_zooms_at_the_pointer(grid, qtbot):
    grid.set_items((make_item(head(), **FULL),))
    view = grid.views["axial"]
    start = view.resolved().position
    wheel(view, 2)
    assert view.resolved().position == start + 2
    wheel(view, 0.5)
    assert view.resolved().position == start + 2
    wheel(view, 0.5)
    assert view.resolved().position == start + 3
    for key, change in (
        (Qt.Key.Key_Down, -1),
        (Qt.Key.Key_PageDown, -10),
        (Qt.Key.Key_Up, 1),
        (Qt.Key.Key_PageUp, 10),
    ):
        before = view.resolved().position
        qtbot.keyClick(view, key)
        assert view.resolved().position == min(max(before + change, 1), 21)
    under = view.world_at(QPointF(60, 50))
    wheel(view, 3, Qt.KeyboardModifier.ControlModifier)
    assert view.intent.zoom > 1.4 and view.world_at(QPointF(60, 50)) == pytest.approx(under)
    qtbot.keyClick(view, Qt.Key.Key_R)
    assert view.intent.zoom == 1 and grid.cursor_position == (0, 0, 0)


def test_panning_by_middle_button_and_by_space(grid, qtbot):
    grid.set_items((make_item(head()),))
    view = grid.views["sagittal"]
    at = view.world_at(QPointF(100, 100))
    drag(view, Qt.MouseButton.MiddleButton, (100, 100), (130, 90))
    assert view.world_at(QPointF(130, 90)) == pytest.approx(at)
    cursor = grid.cursor_position
    qtbot.keyPress(view, Qt.Key.Key_Space)
    drag(view, Qt.MouseButton.LeftButton, (130, 90), (100, 100))
    qtbot.keyRelease(view, Qt.Key.Key_Space)
    assert view.world_at(QPointF(100, 100)) == pytest.approx(at) and grid.cursor_position == cursor


def test_a_right_drag_asks_for_window_and_level_under_one_merge_key(grid):
    item = make_item(head(), **FULL)
    grid.set_items((item,))
    grid.wait(20)
    asked = []
    grid.displayChanged.connect(lambda *a: asked.append(a))
    view = grid.views["axial"]
    drag(view, Qt.MouseButton.RightButton, (100, 100), (130, 100), (130, 70))
    assert [a[0] for a in asked] == ["a", "a"] and len({a[2] for a in asked}) == 1
    assert asked[0][1].window > 255 and asked[0][1].level == pytest.approx(127.5)
    assert asked[1][1].level > 127.5 and grid.items == (item,)  # the grid itself changes nothing
    drag(view, Qt.MouseButton.RightButton, (100, 100), (90, 100))
    assert asked[2][1].window < 255 and asked[2][2] != asked[0][2]


def test_double_click_maximises_and_comes_back(grid):
    grid.set_items((make_item(head()),))
    names = []
    grid.layoutChanged.connect(names.append)
    for _ in range(2):
        mouse(grid.views["sagittal"], QEvent.Type.MouseButtonDblClick, 50, 50)
    assert names == ["sagittal", "four"]
    grid.set_layout("3d")
    assert [k for k, v in grid.views.items() if v.isVisible()] == ["3d"]
    with pytest.raises(ValueError, match="not a layout"):
        grid.set_layout("seven")


def test_turning_in_3d_is_quick_first_and_good_at_rest(grid):
    grid.set_items((make_item(head()),))
    grid.set_layout("3d")
    grid.wait(20)
    view = grid.views["3d"]
    home = view.state.camera
    drag(view, Qt.MouseButton.LeftButton, (100, 100), (160, 120))
    assert view.intent.interactive and view.intent.camera != home
    assert grid.wait(20) and not view.frame.state.interactive
    assert view.frame.state.camera == view.intent.camera
    grid.look_from("A")
    assert np.allclose(view.resolved().camera.frame()[2], (0, 1, 0))
    grid.reset_views()
    assert view.resolved().camera == home


def test_conventions_theme_and_crosshair_reach_the_picture(grid):
    grid.set_items((make_item(head(), **FULL),))
    grid.set_convention("neurological")
    grid.set_nose_left(False)
    grid.set_crosshair(False)
    assert grid.wait(20)
    state = grid.views["axial"].frame.state
    assert state.letters[0] == "L" and state.convention[0] == "neurological" and not state.crosshair
    assert grid.views["sagittal"].frame.state.letters[0] == "P"
    with pytest.raises(ValueError, match="neither"):
        grid.set_convention("sideways")
    grid.set_theme(LIGHT)
    assert grid.views["axial"].overlay.theme is LIGHT


def test_a_grabbed_picture_is_complete_at_any_size_and_scale(grid):
    grid.set_items((make_item(head(), **FULL),))
    one = grid.grab_image(QSize(600, 500))
    two = grid.grab_image(QSize(600, 500), 2.0)
    assert (one.width(), one.height()) == (600, 500) and (two.width(), two.height()) == (1200, 1000)
    small = pixels(
        two.scaled(600, 500, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    )
    assert np.abs(small - pixels(one)).mean() < 6
    assert (pixels(one)[:250, :300].max(axis=-1) > 80).mean() > 0.2
    grid.set_layout("coronal")
    assert pixels(grid.grab_image(QSize(200, 150))).shape == (150, 200, 3)


def test_view_state_goes_through_json_and_damage_is_ignored(grid, qtbot):
    grid.set_items((make_item(head()),))
    grid.set_cursor((3, 4, 5))
    wheel(grid.views["axial"], 2, Qt.KeyboardModifier.ControlModifier)
    drag(grid.views["3d"], Qt.MouseButton.LeftButton, (50, 50), (80, 60))
    grid.set_convention("neurological")
    grid.set_layout("axial")
    saved = json.loads(json.dumps(grid.view_state()))
    other = ViewportGrid(backend="image", theme=DARK)
    qtbot.addWidget(other)
    other.set_items((make_item(head()),))
    other.set_view_state(saved)
    assert other.view_state() == grid.view_state()
    other.set_view_state(
        {"layout": "x", "cursor": ["a"], "slices": {"axial": 3, "y": {}}, "camera": [], "active": 4}
    )
    assert other.layout_name == "axial" and other.cursor_position == (3, 4, 5)
    other.shutdown()


def test_fit_goes_to_the_object(grid):
    small = Mesh(np.array([[60, 0, 0], [62, 0, 0], [60, 2, 0.0]]), np.array([[0, 1, 2]]))
    grid.set_items((make_item(head()), make_item(small, "tri")))
    grid.fit("tri")
    assert grid.cursor_position == pytest.approx((61, 1, 0))
    assert np.linalg.norm(np.subtract(grid.views["3d"].resolved().camera.focal, (61, 1, 0))) < 0.1
    grid.fit("no such")
    grid.fit("a")
    assert grid.cursor_position == pytest.approx((0, 0, 0))


def test_only_the_latest_of_many_states_is_drawn_and_words_match_pictures(grid):
    frames = []
    grid.set_items((make_item(head(), **FULL),))
    grid.wait(20)
    view = grid.views["axial"]
    view.framed.connect(frames.append)
    for _ in range(40):
        view.step(1)
        view.step(-1)
    view.step(3)
    assert grid.wait(20)
    assert frames[-1].state.position == 14 and len(frames) < 81
    assert view._cover.frame is frames[-1] and view.canvas._frame is frames[-1]


def test_problems_are_told_once_and_the_status_names_the_renderer(grid):
    told, status = [], []
    grid.problem.connect(told.append)
    grid.statusChanged.connect(status.append)
    bad = Mesh(np.eye(3), np.array([[0, 1, 2]]))
    grid.set_items((make_item(head()), make_item(bad, "bad", color=("x", 0, 0), cut=False)))
    grid.wait(20)
    assert len(told) == 1 and "bad could not be drawn" in told[0]
    assert status and status[0].startswith("image · ")


def test_an_empty_grid_and_placeless_objects_say_so_instead_of_failing(grid):
    assert grid.wait(20)
    grid.set_items((make_item(Image(np.zeros((3, 3))), "i"),))
    assert grid.wait(20) and grid.readout((0, 0, 0)).startswith("position")
    grid.reset_views()
    wheel(grid.views["axial"], 1)
    drag(grid.views["3d"], Qt.MouseButton.LeftButton, (50, 50), (60, 60))
    assert not pixels(grid.grab_image(QSize(300, 300))).max() == 0


def test_nothing_is_left_behind(qtbot):
    def run(close):
        before = set(QApplication.topLevelWidgets())
        holder = QWidget()
        made = ViewportGrid(holder, backend="image", theme=DARK)
        holder.resize(300, 300)
        made.resize(300, 300)
        holder.show()
        made.set_items((make_item(head()),))
        assert made.wait(20)
        made.grab_image(QSize(200, 200))
        if close:
            made.shutdown()
            made.shutdown()
        holder.close()
        holder.deleteLater()
        del made
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
        assert set(QApplication.topLevelWidgets()) - {holder} <= before

    start = vtk_objects()
    for close in (True, False, True):
        run(close)
    assert vtk_objects() == start
    assert not [t for t in threading.enumerate() if t.name == "viewport-render"]


def test_shutting_down_in_the_middle_of_work_is_quiet(qtbot):
    made = ViewportGrid(backend="image", theme=DARK)
    qtbot.addWidget(made)
    made.resize(400, 400)
    made.show()
    made.set_items((make_item(head()),))
    for k in range(5):
        made.set_cursor((k, 0, 0))
    made.shutdown()
    QApplication.processEvents()
    made.set_cursor((1, 1, 1))
    made.close()


def test_synchronous_mode_needs_no_thread(qtbot, monkeypatch):
    monkeypatch.setenv("EQUISCOPE_VIEWPORT_SYNC", "1")
    made = ViewportGrid(backend="image", theme=DARK)
    qtbot.addWidget(made)
    made.resize(300, 300)
    made.show()
    made.set_items((make_item(head()),))
    assert all(v.settled for v in made.views.values())
    assert not [t for t in threading.enumerate() if t.name == "viewport-render"]
    made.shutdown()


def test_the_backend_follows_request_then_variable_then_platform(qapp, monkeypatch):
    monkeypatch.delenv("EQUISCOPE_VIEWPORT", raising=False)
    assert choose_backend("gl")[0] == "gl"
    if qapp.platformName() == "offscreen":
        assert choose_backend()[0] == "image"
    monkeypatch.setenv("EQUISCOPE_VIEWPORT", "gl")
    assert choose_backend() == ("gl", "EQUISCOPE_VIEWPORT") and choose_backend("image")[0] == "image"
    monkeypatch.setenv("EQUISCOPE_VIEWPORT", "vulkan")
    with pytest.raises(ValueError, match="not a viewport backend"):
        choose_backend()


def test_pictures_keep_their_aspect_and_say_what_is_under_the_pointer(qtbot):
    array = np.zeros((20, 40), dtype=np.float32)
    array[:, 20:] = 0.5
    view = ImageView(theme=DARK)
    qtbot.addWidget(view)
    view.resize(200, 200)
    view.set_image(Image(array, pixel_size=(2.0, 1.0)))
    assert (view.target().width(), view.target().height()) == (200, 200)
    assert (
        view.text_at(QPointF(150, 15)) == "row 1, column 30   value 0.50"
        and view.text_at(QPointF(-5, 0)) == ""
    )
    wheel(view, 3, at=(150, 50))
    assert view.text_at(QPointF(150, 50)).startswith("row 5, column 30")
    drag(view, Qt.MouseButton.LeftButton, (150, 50), (100, 50))
    assert view.text_at(QPointF(100, 50)).startswith("row 5, column 30")
    picture = pixels(view.grab())
    assert picture.max() == 255 and picture.min() == 0
    wide, thin = image_pixels(Image(np.zeros((10, 20000, 3), dtype=np.uint8)))
    assert thin == 3 and wide.width() == 6667
    view.set_image(None)
    assert view.text_at(QPointF(10, 10)) == ""


def test_large_steps_of_a_volume_axis_with_one_slice_do_nothing(grid):
    flat = Volume(np.random.default_rng(0).random((12, 14, 1)).astype(np.float32), np.eye(4))
    grid.set_items((make_item(flat),))
    wheel(grid.views["axial"], 4)
    assert grid.wait(20) and grid.views["axial"].frame.state.title == "Axial · 1 of 1"


def test_hidden_views_let_go_of_closed_objects(grid):
    import gc
    import weakref

    volume = head()
    alive = weakref.ref(volume.array.base if volume.array.base is not None else volume.array)
    gone = weakref.ref(volume)
    grid.set_items((make_item(volume, **FULL),))
    assert grid.wait(20)
    grid.set_layout("axial")
    grid.set_items(())
    del volume
    assert grid.wait(20)
    grid.grab_image(QSize(50, 50))  # the render thread has worked off everything before
    QApplication.processEvents()
    gc.collect()
    assert gone() is None and alive() is None
    grid.set_items((make_item(head(), **FULL),))
    grid.set_layout("four")
    assert grid.wait(20) and grid.views["coronal"].frame.image is not None


def test_states_that_one_event_replaces_are_never_drawn(grid):
    assert grid.wait(30)
    drawn = []
    for view in grid.views.values():
        view.framed.connect(lambda frame: drawn.append(frame.state))
    for index in range(12):
        grid.set_items((make_item(head(), **FULL),))
        grid.set_cursor((0.0, 0.0, float(index)))
    assert grid.wait(30)
    assert sorted(state.kind for state in drawn) == ["3d", "axial", "coronal", "sagittal"]
    assert all(s.cursor[2] == 11 for s in drawn if s.kind != "3d")


def test_a_service_that_was_only_warmed_draws_and_ends_and_stays_ended(qapp):
    service = RenderService(sync=False)
    service.warm()
    QApplication.processEvents()
    assert service._thread is not None
    service.close()
    assert service._thread is None
    service.warm()
    service.close()
    QApplication.processEvents()
    assert service._thread is None, "what was asked for before the end must not start it again"


def test_where_an_object_lies_takes_its_transform_into_account(grid):
    moved = np.eye(4)
    moved[:3, 3] = [100, 0, 0]
    grid.set_items((make_item(head(), transform=moved),))
    assert np.allclose(grid.box_of("a")[0], [63, 137])
    assert grid.box_of("b") is None


def test_looking_from_above_looks_down_the_axis_that_is_up(grid):
    points = np.random.default_rng(0).normal(size=(30, 3))
    mesh = Mesh(points, np.arange(30).reshape(-1, 3))
    for up, axis in (("z", 2), ("y", 1)):
        grid.set_items((make_item(mesh, up=up),))
        grid.look_from("S")
        pose = grid.views["3d"].intent.camera
        assert np.allclose(pose.frame()[2], np.eye(3)[axis])


def test_the_first_volume_beside_surfaces_is_shown_in_its_middle(grid):
    """Where the crosshair was put among surfaces that lie elsewhere, the volume would be shown at its rim."""
    far = Mesh(np.array([[900.0, 0, 0], [930, 0, 0], [900, 30, 0]]), np.array([[0, 1, 2]]))
    near = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    volume = make_item(head(), "v")
    middle = volume.affine @ [*((n - 1) // 2 for n in head().array.shape), 1.0]
    grid.set_items((make_item(far, "far"),))
    grid.set_items((make_item(far, "far"), volume))
    assert grid.cursor_position == pytest.approx(tuple(middle[:3]))
    grid.set_items(())
    grid.set_items((make_item(near, "near"),))
    inside = tuple(middle[:3] + 1.0)
    grid.set_cursor(inside)  # chosen in it: it stays
    grid.set_items((make_item(near, "near"), volume))
    assert grid.cursor_position == pytest.approx(inside)
