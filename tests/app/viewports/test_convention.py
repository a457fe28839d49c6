"""Left and right are each view's own: by a click on the words, and through a session."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication

from tests.app.viewports.conftest import MARKER, head, make_item
from tests.app.viewports.test_grid import FULL, drag, mouse

RIGHT = Qt.MouseButton.RightButton


def words_at(view: Any) -> tuple[float, float]:
    place = view.overlay.words_box(view.frame.state).center()
    return place.x(), place.y()


def test_a_click_on_the_words_flips_that_view_alone(grid: Any) -> None:
    item = make_item(head(), **FULL)
    grid.set_items((item,))
    grid.set_cursor(tuple(MARKER))
    assert grid.wait(20)
    cursor = grid.cursor_position
    view = grid.views["coronal"]
    before = view.resolved().to_screen(MARKER)[0]
    mouse(view, QEvent.Type.MouseButtonPress, *words_at(view))
    mouse(view, QEvent.Type.MouseButtonRelease, *words_at(view))
    after = view.resolved().to_screen(MARKER)[0]
    assert after[0] == pytest.approx(view.width() - before[0]) and after[1] == pytest.approx(before[1])
    assert view.resolved().letters[0] == "L" and view.resolved().convention[0] == "neurological"
    assert grid.views["axial"].intent.convention == "radiological" and grid.convention == ""
    assert grid.cursor_position == cursor, "the click was on the words, not in the picture"
    side = grid.views["sagittal"]
    mouse(side, QEvent.Type.MouseButtonPress, *words_at(side))
    mouse(side, QEvent.Type.MouseButtonRelease, *words_at(side))
    assert side.resolved().letters[0] == "P" and view.intent.nose_left != side.intent.nose_left
    state = grid.view_state()
    grid.set_convention("radiological")
    grid.set_nose_left(True)
    assert view.resolved().letters[0] == "R"
    grid.set_view_state(state)
    assert view.resolved().letters[0] == "L" and side.resolved().letters[0] == "P"
    assert grid.views["axial"].resolved().letters[0] == "R"


def test_damaged_and_older_states_are_taken_as_far_as_they_go(grid: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    for bad in (
        {"slices": []},
        {"slices": {"axial": {"convention": "upside down", "nose_left": 3, "zoom": "x"}}},
        {"slices": {"nowhere": {"convention": "neurological"}}},
    ):
        grid.set_view_state(bad)
        assert grid.convention == "radiological" and grid.nose_left
    grid.set_view_state({"convention": "neurological", "nose_left": False})
    assert grid.convention == "neurological" and not grid.nose_left


def test_a_right_click_asks_for_the_menu_and_a_right_drag_does_not(grid: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    assert grid.wait(20)
    asked, windows = [], []
    grid.menuWanted.connect(lambda view, place: asked.append((view, place.x(), place.y())))
    grid.displayChanged.connect(lambda *a: windows.append(a))
    for kind in ("axial", "3d"):
        view = grid.views[kind]
        before = len(windows)
        drag(view, RIGHT, (60, 50), (62, 51))
        assert asked.pop() == (view, 62.0, 51.0) and len(windows) == before
        drag(view, RIGHT, (60, 50), (80, 50), (100, 40))
        assert not asked
    assert len(windows) == 2, "the drag in the slice view was a window"
    view = grid.views["sagittal"]
    where = QPoint(3, 3)
    QApplication.sendEvent(
        view, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, where, view.mapToGlobal(where))
    )
    assert asked[0][0] is view
