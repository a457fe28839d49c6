"""How views share the centre: layouts, lines to drag, further views made on demand and given back."""

from __future__ import annotations

import gc
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QMimeData, QPointF, QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.theme import DARK, LIGHT
from app.viewports import ViewportGrid, layouts
from app.viewports.viewport import ITEM_MIME
from core.data import Volume
from tests.app.viewports.conftest import HEAD, head, make_item, vtk_objects
from tests.app.viewports.test_grid import drag, mouse, pixels

NAMES = (
    *layouts.LAYOUTS,
    "axial-2",
    *(layouts.compare_name(w, n) for w in layouts.COMPARED for n in (2, 3, 4)),
)
FULL = {"window": 255.0, "level": 127.5}


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(NAMES), st.integers(300, 1500), st.integers(300, 1200), st.data())
def test_views_and_lines_tile_the_centre_whatever_is_dragged(name, width, height, data):
    node, shares = layouts.layout(name), {}
    for _ in range(data.draw(st.integers(0, 3))):
        _, lines = layouts.places(node, QSize(width, height), shares)
        if lines:
            line = data.draw(st.sampled_from(lines))
            shares = layouts.dragged(node, line, data.draw(st.floats(-200, 2000)), shares)
    rects, lines = layouts.places(node, QSize(width, height), shares)
    covered = np.zeros((height, width), dtype=int)
    for rect in [*rects.values(), *(line.rect for line in lines)]:
        assert rect.width() >= 0 and rect.height() >= 0
        covered[rect.top() : rect.top() + rect.height(), rect.left() : rect.left() + rect.width()] += 1
    assert (covered == 1).all()
    assert tuple(rects) == layouts.slots_of(node) and len(set(rects)) == len(rects)


def test_names_that_are_no_layout_are_refused():
    for name in ("compare-axial-5", "compare-axial-1", "axial-5", "axial-1x", "compare--2", "", "big"):
        with pytest.raises(ValueError, match="not a layout"):
            layouts.layout(name)


def test_lines_of_four_views_stay_in_line_and_a_double_click_makes_them_equal(grid: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    start = {s: v.geometry() for s, v in grid.views.items()}
    # The upper and the lower part of the vertical line are one line in two pieces.
    handle = next(h for h in grid._handles.handles if h.line.across)
    x, y = handle.width() / 2, handle.height() / 2
    drag(handle, Qt.MouseButton.LeftButton, (x, y), (x + 60, y))
    views = grid.views
    assert views["axial"].width() == start["axial"].width() + 60 == views["coronal"].width()
    assert views["3d"].x() == start["3d"].x() + 60
    saved = json.loads(json.dumps(grid.view_state()))
    mouse(handle, QEvent.Type.MouseButtonDblClick, x, y)
    assert {s: v.geometry() for s, v in grid.views.items()} == start
    grid.set_view_state(saved)
    assert views["axial"].width() == start["axial"].width() + 60
    picture = grid.grab_image()
    assert picture.pixelColor(views["3d"].x() - 1, 20).name() == DARK.view_line
    grid.equalise()
    assert {s: v.geometry() for s, v in grid.views.items()} == start


def test_further_views_are_made_when_a_layout_needs_them_and_given_back_after(grid: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    assert grid.wait(20) and set(grid.views) == set(layouts.KINDS)
    before = vtk_objects()
    made = []
    grid.viewMade.connect(made.append)
    grid.set_layout("compare-axial-4")
    assert [v.slot for v in made] == ["axial-2", "axial-3", "axial-4"]
    assert grid.wait(20)
    assert [s for s, v in grid.views.items() if v.isVisible()] == list(grid.shown_slots)
    picture = pixels(grid.grab_image())
    half = picture.shape[1] // 2
    assert np.abs(picture[60:200, 60 : half - 60] - picture[60:200, half + 61 : 2 * half + 1 - 60]).mean() < 1
    grid.links.set(frozenset())
    grid.views["axial-3"].set_intent(zoom=2.0)
    mouse(grid.views["axial-3"], QEvent.Type.MouseButtonDblClick, 50, 50)
    assert grid.layout_name == "axial-3" and set(grid.views) >= {"axial-2", "axial-4"}
    mouse(grid.views["axial-3"], QEvent.Type.MouseButtonDblClick, 50, 50)
    assert grid.layout_name == "compare-axial-4" and grid.wait(20)
    grid.set_layout("four")
    grid.set_layout("axial")
    del made[:]
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert set(grid.views) == set(layouts.KINDS) and grid.wait(20)
    gc.collect()
    assert vtk_objects() <= before
    grid.set_layout("compare-axial-3")
    assert grid.views["axial-3"].intent.zoom == 2.0  # what was asked of it is not forgotten
    assert grid.wait(20)


def test_a_view_that_is_long_hidden_holds_no_vtk_objects(grid: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    assert grid.wait(20)
    before = vtk_objects()
    grid.set_layout("axial")
    hidden = grid.views["sagittal"]
    assert hidden._idle.isActive() and not grid.views["axial"]._idle.isActive()
    for slot in ("sagittal", "coronal", "3d"):
        grid.views[slot]._idle.setInterval(0)
        grid.views[slot]._idle.start()
    QTest.qWait(30)
    grid.grab_image(QSize(50, 50))  # the render thread has worked off everything before
    assert vtk_objects() < before and hidden.frame is None
    grid.set_layout("four")
    assert grid.wait(20) and hidden.frame.image is not None


def test_each_view_shows_only_what_it_was_told_and_says_which(grid: Any) -> None:
    other = Volume(np.full((20, 20, 20), 255, dtype=np.uint8), np.diag([3.0, 3, 3, 1]))
    grid.set_items((make_item(head(), "a", **FULL), make_item(other, "b", **FULL)))
    grid.set_layout("compare-axial-2")
    told = []
    grid.onlyChanged.connect(told.append)
    grid.set_only("axial", frozenset({"a"}))
    grid.set_only("axial-2", frozenset({"b"}))
    grid.set_only("axial-2", frozenset({"b"}))
    assert told == ["axial", "axial-2"] and grid.wait(20)
    assert [v.frame.state.reference for v in (grid.views["axial"], grid.views["axial-2"])] == ["a", "b"]
    assert grid.views["axial"].frame.state.title.endswith(" · a")
    saved = json.loads(json.dumps(grid.view_state()))
    grid.show_everything()
    assert grid.layout_name == "four" and grid.only("axial") is None and grid.only("axial-2") is None
    grid.set_view_state(saved)
    assert grid.layout_name == "compare-axial-2" and grid.only("axial-2") == {"b"}
    assert grid.view_state() == saved


def test_an_item_dropped_on_a_view_is_shown_there_and_files_are_not_taken(grid: Any) -> None:
    grid.set_items((make_item(head(), "a"), make_item(head(), "b")))
    view = grid.views["coronal"]
    data = QMimeData()
    data.setData(ITEM_MIME, b"b")
    both = (Qt.DropAction.CopyAction | Qt.DropAction.MoveAction, data)
    enter = QDragEnterEvent(
        QPointF(9, 9).toPoint(), *both, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(9, 9), *both, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, drop)
    assert grid.only("coronal") == {"b"} and drop.dropAction() is Qt.DropAction.CopyAction
    files = QMimeData()
    files.setUrls([])
    other = QDragEnterEvent(
        QPointF(9, 9).toPoint(),
        Qt.DropAction.CopyAction,
        files,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    view.dragEnterEvent(other)
    assert not other.isAccepted()


def test_tab_walks_through_the_views_in_reading_order(grid: Any) -> None:
    grid.set_items((make_item(head()),))
    grid.set_layout("compare-axial-3")
    grid.activateWindow()
    grid.views["axial"].setFocus()
    walked = []
    for _ in range(3):
        walked.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert walked == [grid.views[s] for s in ("axial", "axial-2", "axial-3")]


def test_a_theme_and_a_tool_reach_views_that_are_made_later(grid: Any) -> None:
    from app.viewports.tools import Tool

    class Cross(Tool):
        cursor = Qt.CursorShape.CrossCursor

    grid.set_theme(LIGHT)
    grid.set_convention("neurological")
    grid.add_tool(Cross())
    grid.set_layout("compare-all-2")
    late = grid.views["axial-2"]
    assert late.overlay.theme is LIGHT and late.intent.convention == "neurological"
    assert late.cursor().shape() is Qt.CursorShape.CrossCursor
    assert grid.views["3d-2"].intent.background == (LIGHT.view_top, LIGHT.view_bottom)


def test_damaged_states_of_layouts_are_survived(qtbot: Any) -> None:
    made = ViewportGrid(backend="image", theme=DARK)
    qtbot.addWidget(made)
    made.set_items((make_item(Volume(np.zeros((3, 4, 5)), HEAD)),))
    for broken in (
        {
            "layout": 7,
            "only": 3,
            "shares": {"four": {"": [1, "x"], "9": [1, 1]}, "zz": {}, "axial": {"": [1]}},
        },
        {
            "layout": ["four"],
            "cameras": {"3d-2": 4, "up": {}, "axial": {}},
            "only": {"axial": [1], "no": ["a"]},
        },
        {"slices": {"axial-2": {"zoom": 3, "pan": [1, 2]}, "q": {"zoom": 1, "pan": [0, 0]}}, "shares": []},
    ):
        made.set_view_state(broken)
        assert made.layout_name == "four" and made.only("axial") is None
    made.links.set(frozenset())
    made.set_layout("compare-axial-2")
    assert made.views["axial-2"].intent.zoom == 3
    made.shutdown()
