"""The gl backend in a real window; needs a display: `xvfb-run -a pytest -m gl` with QT_QPA_PLATFORM=xcb."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QEvent, QPoint, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow

from app.theme import DARK
from app.viewports import ViewportGrid, prepare_surface_format
from core.data import Markup
from tests.app.viewports.conftest import MARKER, head, make_item, vtk_objects
from tests.app.viewports.test_grid import pixels, wheel

pytestmark = [
    pytest.mark.gl,
    pytest.mark.skipif(
        sys.platform.startswith("linux")
        and not (
            (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
            and os.environ.get("QT_QPA_PLATFORM", "xcb") not in ("offscreen", "minimal")
        ),
        reason="needs a display and QT_QPA_PLATFORM=xcb (xvfb-run)",
    ),
]
FULL = {"window": 255.0, "level": 127.5}


@pytest.fixture
def window(qtbot):
    """A main window with a gl grid in it."""
    prepare_surface_format()
    made = QMainWindow()
    grid = ViewportGrid(backend="gl", theme=DARK)
    made.setCentralWidget(grid)
    made.resize(520, 480)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made, grid
    grid.shutdown()


def test_gl_and_image_backends_draw_the_same(window):
    _, grid = window
    assert QGuiApplication.platformName() != "offscreen"
    grid.set_items((make_item(head(), **FULL),))
    grid.set_cursor(tuple(MARKER))
    assert grid.wait(30) and grid.backend == "gl"
    shown = pixels(grid.grab())
    drawn = pixels(grid.grab_image(QSize(grid.width(), grid.height())))
    assert np.abs(shown - drawn).mean() < 3
    for kind in ("axial", "coronal", "sagittal"):
        view = grid.views[kind]
        x, y, _ = view.state.to_screen(MARKER)[0]
        at = view.mapTo(grid, QPoint(round(x), round(y)))
        assert shown[at.y() - 2 : at.y() + 3, at.x() - 2 : at.x() + 3].mean() > 200, kind


def test_stepping_changes_the_screen(window):
    _, grid = window
    grid.set_items((make_item(head(), **FULL),))
    grid.wait(30)
    before = pixels(grid.views["axial"].grab())
    wheel(grid.views["axial"], 6)
    assert grid.wait(30)
    after = pixels(grid.views["axial"].grab())
    assert (after > 60).sum() < (before > 60).sum()
    assert grid.views["axial"].frame.state.position == 17


def test_layouts_and_moves_between_windows_survive(window, qtbot):
    made, grid = window
    grid.set_items((make_item(head(), **FULL),))
    for name in ("3d", "axial", "four"):
        grid.set_layout(name)
        assert grid.wait(30)
        assert (pixels(grid.grab()) > 60).mean() > 0.05
    other = QMainWindow()
    qtbot.addWidget(other)
    made.takeCentralWidget()
    other.setCentralWidget(grid)
    other.resize(520, 480)
    other.show()
    qtbot.waitExposed(other)
    grid.set_cursor((0, 0, 3))
    assert grid.wait(30)
    assert (pixels(grid.grab()) > 60).mean() > 0.05
    grid.shutdown()


def test_a_widget_without_context_falls_back_to_pictures(window):
    _, grid = window
    grid.set_items((make_item(head(), **FULL),))
    grid.wait(30)
    told = []
    grid.statusChanged.connect(told.append)
    grid.views["axial"].canvas.failed.emit("the window got no OpenGL context")
    assert grid.wait(30)
    QApplication.processEvents()
    assert grid.wait(30)
    assert {v.canvas.name for v in grid.views.values()} == {"image"} and "no OpenGL" in told[0]
    assert (pixels(grid.grab()) > 60).mean() > 0.05


def test_windows_come_and_go_without_leaks(qtbot):
    prepare_surface_format()
    start = vtk_objects()
    for close in (True, False, True):
        made = QMainWindow()
        grid = ViewportGrid(backend="gl", theme=DARK)
        made.setCentralWidget(grid)
        made.resize(300, 300)
        made.show()
        qtbot.waitExposed(made)
        grid.set_items((make_item(head()),))
        assert grid.wait(30)
        if close:
            grid.shutdown()
        made.close()
        made.deleteLater()
        del grid
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
        del made
    assert vtk_objects() == start


@pytest.mark.parametrize("how", ["deleted", "fallen back", "in pieces"])
def test_a_window_deleted_without_a_word_leaves_nothing_even_where_somebody_holds_its_widgets(
    qtbot, capfd, how
):
    prepare_surface_format()
    start = vtk_objects()
    made = QMainWindow()
    grid = ViewportGrid(backend="gl", theme=DARK)
    made.setCentralWidget(grid)
    made.resize(300, 300)
    made.show()
    qtbot.waitExposed(made)
    grid.set_items((make_item(head(), render="volume"),))
    assert grid.wait(30)
    assert vtk_objects() > start
    held = [grid, *(v.canvas for v in grid.views.values())]
    if how == "fallen back":
        grid.views["axial"].canvas.failed.emit("the window got no OpenGL context")
    elif how == "in pieces":
        shiboken6.delete(grid.views["3d"].canvas)
    shiboken6.delete(made)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    assert vtk_objects() == start
    assert len(held) == 5 and "Error" not in capfd.readouterr().err


def test_time_moves_the_points_on_the_screen(window):
    """And the moment of the screen is what an off-screen picture shows, at any scale."""
    from app.viewports.photographer import Look, Photographer
    from core.data import Trajectory

    _, grid = window
    positions = np.zeros((9, 2, 3))
    positions[:, 0, 0] = np.linspace(-10, 10, 9)
    positions[:, 1] = (0, 0, -4)
    item = make_item(Trajectory(positions, np.arange(9.0)), color=(1.0, 0.1, 0.1), size=14.0, trails=False)
    grid.set_layout("3d")
    grid.set_items((item,))
    grid.wait(30)
    places = []
    for index in (0, 8):
        grid.set_moment({item.id: index}, moving=True)
        assert grid.wait(30)
        shown = pixels(grid.views["3d"].grab())
        red = shown[..., 0].astype(int) - shown[..., 2] > 60
        places.append(np.nonzero(red)[1].mean())
    assert places[1] - places[0] > 40
    got = []
    photographer = Photographer(grid, Look(2.0))
    photographer.take(photographer.plan("3d"), got.append)
    for _ in range(2000):
        QApplication.processEvents()
        if got:
            break
        QTest.qWait(5)
    photographer.close()
    assert (got[0].width(), got[0].height()) == (2 * grid.width(), 2 * grid.height())
    drawn = pixels(got[0].scaled(grid.size()))
    red = drawn[..., 0].astype(int) - drawn[..., 2] > 60
    assert abs(np.nonzero(red)[1].mean() - places[1]) < 4
    assert np.abs(drawn.astype(int) - shown).mean() < 4


def test_tilted_slabs_and_outlines_in_gl_look_as_off_screen(window):
    from app.viewports.planes import Slab
    from core.data import Transforms, Volume

    _, grid = window
    labels = (head().array > 50).astype(np.uint8)
    mask = Volume(labels, head().affine, transforms=Transforms.LABEL)
    grid.set_items((make_item(head(), **FULL), make_item(mask, "b", outline=3.0)))
    grid.turn_planes(grid.views["sagittal"], 25)
    grid.set_slab(Slab("max", 12.0), grid.views["coronal"])
    assert grid.wait(30) and grid.backend == "gl"
    shown = pixels(grid.grab())
    drawn = pixels(grid.grab_image(QSize(grid.width(), grid.height())))
    assert np.abs(shown - drawn).mean() < 3
    assert (np.ptp(shown, axis=2) > 80).sum() > 200, "the outlines have a colour"


def test_compared_views_come_turn_together_and_go_without_leaks(window, qtbot):
    from PySide6.QtCore import Qt

    from app.viewports.mixing import Mix
    from tests.app.viewports.test_grid import drag

    _, grid = window
    grid.set_items((make_item(head(), "a", **FULL), make_item(head(), "b", **FULL)))
    assert grid.wait(30)
    before = vtk_objects()
    grid.set_layout("compare-3d-2")
    grid.set_only("3d", frozenset({"a"}))
    grid.set_only("3d-2", frozenset({"b"}))
    assert grid.wait(30)
    first, second = grid.views["3d"], grid.views["3d-2"]
    assert second.canvas.name == "gl" and (pixels(second.grab()) > 60).mean() > 0.02
    drag(first, Qt.MouseButton.LeftButton, (60, 60), (110, 80))
    assert second.intent.camera == first.intent.camera and grid.wait(30)
    assert second.frame.state.camera == first.frame.state.camera
    grid.set_layout("compare-axial-2")
    grid.show_everything()
    grid.set_mix(Mix("a", "b", "difference"))
    assert grid.wait(30) and not grid.views["axial"].frame.notes.problems
    grid.set_mix(None)
    del first, second
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert grid.wait(30) and "3d-2" not in grid.views
    assert vtk_objects() <= before


def test_what_is_painted_over_a_slice_does_not_make_vtk_draw(window):
    _made, grid = window
    volume = make_item(head())
    grid.set_items(
        (volume, make_item(Markup("points", [[0.0, 0, 0]]), "m", color=(1.0, 0.0, 0.0), size=16.0))
    )
    assert grid.wait(30)
    view, drawn = grid.views["axial"], []
    tag = view.canvas._window.AddObserver("StartEvent", lambda *_: drawn.append(1))
    moved = make_item(Markup("points", [[20.0, 0, 0]]), "m", color=(1.0, 0.0, 0.0), size=16.0)
    grid.set_items((volume, moved))
    assert grid.wait(30)
    x, y, _ = view.frame.state.to_screen(np.array([[20.0, 0, 0], [0, 0, 0]]))[0]
    assert len(view.frame.notes.drawings) == 1 and not view.live
    picture = pixels(view.grab())
    assert picture[round(y), round(x), 0] > 180 > 60 > picture[round(y), round(x), 1]
    assert not drawn
    dark = make_item(head(), window=5000.0, level=2500.0)
    grid.set_items((dark, moved))
    assert grid.wait(30)
    assert drawn and pixels(view.grab()).mean() < picture.mean()
    view.canvas._window.RemoveObserver(tag)
