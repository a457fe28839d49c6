"""Markups in the window: menu, row of tools, panel, right click, sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QLabel

from app.panels.display.markup import TIPS, figures
from app.window.keys import key_rows
from app.window.markup_strip import MarkupStrip
from core.data import Markup
from core.display import default_display
from core.document import Item
from tests.app.viewports.markup_host import at, click, drag, move, press, release
from tests.app.window.test_view_menu import entry

CORNER = QPointF(5, 5)


def opened(window: Any, helper: Any, files: dict[str, Path]) -> Any:
    helper.open(window, files["volume"])
    grid = window.centre.grid
    assert grid.wait(30)
    return grid


def current(window: Any) -> Markup:
    data = window.workbench.current.data
    assert isinstance(data, Markup)
    return data


def shown(id: str, name: str, markup: Markup) -> Item:
    return Item(id, name, markup, display=default_display(markup))


def place(window: Any, name: str, *points: tuple[float, float]) -> str:
    """Start a tool and click at pixels of the axial view; Escape leaves it."""
    window.commands[f"markups.{name}"].trigger()
    view = window.centre.grid.views["axial"]
    for x, y in points:
        click(view, QPointF(x, y))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert window.centre.grid.wait(30)
    return str(window.workbench.selected)


def test_every_tool_waits_for_something_to_place_on(window: Any) -> None:
    assert not window.commands["markups.points"].isEnabled()
    assert window.commands["markups.points"].toolTip()


@pytest.mark.parametrize(
    "name, clicks, kind, called",
    [
        ("points", 1, "points", "Points 1"),
        ("line", 2, "line", "Line 1"),
        ("curve", 3, "curve", "Curve 1"),
        ("closed_curve", 3, "closed_curve", "Closed curve 1"),
        ("plane", 2, "plane", "Plane 1"),
        ("box", 2, "box", "Box 1"),
        ("distance", 2, "line", "Distance 1"),
        ("angle", 3, "angle", "Angle 1"),
    ],
)
def test_each_tool_makes_a_named_selected_item_and_undo_takes_it_away(
    window: Any, helper: Any, files: dict[str, Path], name: str, clicks: int, kind: str, called: str
) -> None:
    opened(window, helper, files)
    place(window, name, *[(100 + 40 * k, 100 + 30 * (k % 2) + 5 * k) for k in range(clicks)])
    item = window.workbench.current
    assert (item.name, item.data.kind, item.data.unit, item.data.space) == (called, kind, "mm", "RAS")
    assert window.markups.tool is None and item.parent is None
    while len(window.workbench.document) > 1:
        window.commands["edit.undo"].trigger()
    assert item.id not in window.workbench.document
    while window.workbench.document.redo_label:
        window.commands["edit.redo"].trigger()
    assert window.workbench.document[item.id].data.kind == kind


def test_the_keys_collide_with_nothing_and_the_sheet_lists_them(window: Any) -> None:
    keys = [k.toString() for action in window.commands for k in action.shortcuts()]
    assert len(keys) == len(set(keys))
    places = {row.where for row in key_rows()}
    assert "Markups in views" in places


def test_the_row_of_tools_shows_what_is_active(window: Any, helper: Any, files: dict[str, Path]) -> None:
    grid = opened(window, helper, files)
    assert window.findChild(MarkupStrip) is None
    window.commands["markups.curve"].trigger()
    strip = window.findChild(MarkupStrip)
    assert strip.isVisible() and strip.tools["curve"].isChecked() and strip.done.isVisible()
    strip.tools["line"].click()
    assert window.markups.name == "line" and window.commands["markups.line"].isChecked()
    assert not strip.tools["curve"].isChecked()
    before = window.markups.snaps("voxels")
    strip.snaps["voxels"].click()
    assert window.markups.snaps("voxels") is not before
    assert window.commands["markups.snap-voxels"].isChecked() is not before
    strip.done.click()
    assert window.markups.tool is None and not strip.isVisible()
    click(grid.views["axial"], QPointF(100, 100))
    assert len(window.workbench.document) == 1


def test_several_in_a_row_and_the_switch_is_remembered(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    opened(window, helper, files)
    window.commands["markups.many"].trigger()
    assert window.workbench.settings.get("markups-many") is True
    place(window, "points", (100, 100), (140, 120), (120, 150))
    assert current(window).labels == ("P1", "P2", "P3")
    place(window, "distance", (90, 100), (140, 100), (90, 130), (140, 130))
    names = [i.name for i in window.workbench.document if isinstance(i.data, Markup)]
    assert names == ["Points 1", "Distance 1", "Distance 2"]


@pytest.mark.parametrize("phase", ["placing", "dragging"])
def test_a_new_session_in_the_middle_is_harmless(
    window: Any, helper: Any, files: dict[str, Path], phase: str
) -> None:
    grid = opened(window, helper, files)
    view = grid.views["axial"]
    if phase == "placing":
        window.commands["markups.curve"].trigger()
        click(view, QPointF(100, 100))
        move(view, QPointF(140, 120), buttons=Qt.MouseButton.NoButton)
    else:
        place(window, "points", (100, 100))
        press(view, QPointF(100, 100))
        move(view, QPointF(140, 120))
    window.workbench.new_session()
    move(view, QPointF(150, 120))
    release(view, QPointF(150, 120))
    assert len(window.workbench.document) == 0 and window.markups.tool is None
    opened(window, helper, files)
    assert len(window.workbench.document) == 1 and not grid._previews and not view.live


def test_closing_the_window_while_a_point_is_dragged(
    make_window: Any, helper: Any, files: dict[str, Path]
) -> None:
    window = make_window()
    grid = opened(window, helper, files)
    place(window, "points", (100, 100))
    press(grid.views["axial"], QPointF(100, 100))
    move(grid.views["axial"], QPointF(140, 120))
    window._closing = True
    window.close()


def test_undo_while_placing_takes_the_last_point_and_goes_on(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    grid = opened(window, helper, files)
    view = grid.views["axial"]
    window.commands["markups.curve"].trigger()
    for x in (90, 120, 150):
        click(view, QPointF(x, 100))
    window.commands["edit.undo"].trigger()
    assert len(current(window).points) == 2
    click(view, QPointF(150, 150))
    assert len(current(window).points) == 3
    for _ in range(3):
        window.commands["edit.undo"].trigger()
    assert len(window.workbench.document) == 1
    click(view, QPointF(110, 110))
    assert len(current(window).points) == 1  # a new one begins
    QTest.keyClick(view, Qt.Key.Key_Escape)


def test_the_panel_shows_figures_and_points_that_can_be_typed(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    opened(window, helper, files)
    id = place(window, "distance", (100, 100), (140, 130))
    table = window.display.field("points")
    model = table.model()
    assert model.rowCount() == 2
    count = len(window.workbench.document._done)
    for column, text in ((1, "3"), (2, "4,5"), (3, "-1")):
        assert model.setData(model.index(1, column), text)
    np.testing.assert_allclose(current(window).points[1], (3, 4.5, -1))
    assert len(window.workbench.document._done) == count + 3
    assert not model.setData(model.index(1, 1), "wide")
    assert model.setData(model.index(0, 0), "apex") and current(window).labels == ("apex", "")
    length = np.linalg.norm(np.diff(current(window).points, axis=0))
    assert current(window).measurements["length"] == pytest.approx(length)
    window.display.field("locked").click()
    assert window.workbench.document[id].display.locked
    assert not model.flags(model.index(0, 1)) & Qt.ItemFlag.ItemIsEditable
    QGuiApplication.clipboard().setText(model.text())
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == ["Name", "R", "A", "S"] and len(lines) == 3
    assert [float(v) for v in lines[2].split("\t")[1:]] == [3.0, 4.5, -1.0]


def test_the_panel_lists_distances_between_points_and_says_what_an_area_is(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    opened(window, helper, files)
    document = window.workbench.document
    document.add(
        shown("p", "Marks", Markup("points", [[0, 0, 0], [3, 4, 0], [3, 4, 2]], labels=("a", "", "c")))
    )
    window.workbench.select("p")
    assert figures(window.workbench.current) == {"a to 2": "5 mm", "2 to c": "2 mm"}
    document.add(shown("r", "Ring", Markup("closed_curve", [[0, 0, 0], [10, 0, 0], [10, 4, 0], [0, 4, 0]])))
    window.workbench.select("r")
    assert figures(window.workbench.current)["Area"] == "40 mm²"
    assert window.display.fields.fields  # they would come a moment later by themselves
    tips = {w.toolTip() for w in window.display.findChildren(QLabel)}
    assert TIPS["Area"] in tips


def test_nothing_lights_up_while_a_click_would_place(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    grid = opened(window, helper, files)
    item = place(window, "points", (100, 100))
    view = grid.views["axial"]

    def there() -> QPointF:
        """Where the point is now: the row of tools gives and takes room."""
        window.workbench.select(item)
        x, y, _ = view.resolved().to_screen(window.workbench.document[item].data.points)[0].tolist()
        return QPointF(x, y)

    move(view, there(), buttons=Qt.MouseButton.NoButton)
    assert window.markups.edit.hovered is not None
    window.commands["markups.line"].trigger()
    assert grid.wait(30)
    move(view, there(), buttons=Qt.MouseButton.NoButton)
    assert window.markups.edit.hovered is None and view.cursor().shape() is Qt.CursorShape.CrossCursor
    window.markups.stop()


def test_a_row_of_the_table_leads_the_crosshair_to_its_point(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    grid = opened(window, helper, files)
    id = place(window, "line", (100, 100), (140, 130))
    window.display.field("points").selectRow(1)
    np.testing.assert_allclose(grid.cursor_position, current(window).points[1])
    assert window.markups.edit.active == (id, 1)
    window.commands["markups.next"].trigger()
    np.testing.assert_allclose(grid.cursor_position, current(window).points[0])


def test_the_panel_smooths_curves_and_compares_directions(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    opened(window, helper, files)
    document = window.workbench.document
    document.add(shown("l", "Slope", Markup("line", [[0, 0, 0], [1, 1, 0]])))
    document.add(shown("p", "Floor", Markup("plane", [[0, 0, 0]], size=[5, 5, 0])))
    document.add(shown("k", "Arc", Markup("curve", [[0, 0, 0], [5, 5, 0], [10, 0, 0]])))
    window.workbench.select("k")
    straight = current(window)
    window.display.field("smooth").click()
    assert current(window).smooth and current(window).measurements["length"] > 2 * np.sqrt(50) + 0.1
    document.undo()
    assert current(window) is straight and not window.display.field("smooth").isChecked()
    document.add(shown("w", "Way", Markup("line", [[0, 0, 0], [1, 0, 0]])))
    window.workbench.select("w")
    box = window.display.field("angle_to")
    assert [box.itemText(k) for k in range(box.count())] == ["Nothing", "Slope", "Floor"]
    for text, words in (("Slope", "45.00°"), ("Floor", "0.00°"), ("Nothing", "")):
        box.setCurrentText(text)
        box.activated.emit(box.currentIndex())
        assert window.display.field("angle_words").text() == words


def test_a_right_click_on_a_point_offers_what_can_be_done_with_it(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    grid = opened(window, helper, files)
    window.commands["markups.many"].trigger()
    id = place(window, "points", (100, 100), (150, 120))
    view = grid.views["axial"]
    menu = window.menus.view_menu(view, at(view, current(window).points[1]))
    entry(menu, "Rename point P2…").trigger()
    dialog = window.findChild(QInputDialog)
    dialog.setTextValue("nasion")
    dialog.accept()
    assert current(window).labels == ("P1", "nasion")
    menu = window.menus.view_menu(view, at(view, current(window).points[0]))
    entry(menu, "Delete point P1").trigger()
    assert current(window).labels == ("nasion",)
    entry(window.menus.view_menu(view, at(view, current(window).points[0])), "Close Points 1").trigger()
    assert id not in window.workbench.document
    menu = window.menus.view_menu(view, CORNER)
    entry(menu, "Box").trigger()
    assert window.markups.name == "box"
    window.markups.stop()


def test_what_an_analysis_found_is_locked() -> None:
    from app.window.adopt import result_items
    from core.results import Layer, Result

    class Finished:
        result = Result({}, (Layer("Plane", Markup("plane", [[0, 0, 0]], size=[1, 1, 0])),))
        record: dict[str, Any] = {}

    items = result_items("Found", Finished(), ())  # type: ignore[arg-type]
    assert items[1].display.locked  # type: ignore[attr-defined]


def test_moving_a_markup_is_saved_and_comes_back(
    window: Any, helper: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    grid = opened(window, helper, files)
    id = place(window, "curve", (90, 100), (120, 90), (150, 110))
    view = grid.views["axial"]
    drag(view, at(view, current(window).points[1]), QPointF(125, 60))
    moved = current(window)
    window.workbench.save_session(tmp_path / "s.equiscope", {})
    helper.idle(window)
    window.workbench.new_session()
    window.open_paths([str(tmp_path / "s.equiscope")])
    helper.idle(window)
    back = window.workbench.document[id].data
    np.testing.assert_array_equal(back.points, moved.points)
    assert back.smooth == moved.smooth and dict(back.measurements) == dict(moved.measurements)


def test_a_strip_closes_up_before_it_takes_another_row(qtbot: Any) -> None:
    from PySide6.QtWidgets import QPushButton

    from app.window.compare_strip import Strip

    strip = Strip("Some")
    qtbot.addWidget(strip)
    buttons = [QPushButton("Words") for _ in range(6)]
    for each in buttons[:-1]:
        strip.add(each)
    strip.end_with(buttons[-1])
    strip.resize(2000, 30)
    strip.arrange()
    one, pitch = strip.height(), buttons[1].x() - buttons[0].x()
    width = 2000
    while buttons[1].x() - buttons[0].x() == pitch and strip.height() == one:
        width -= 2
        strip.resize(width, 30)
        strip.arrange()
    assert strip.height() == one and buttons[1].x() - buttons[0].x() < pitch
    assert buttons[-2].geometry().right() < buttons[-1].x()
    strip.resize(width // 2, 30)
    strip.arrange()
    assert strip.height() > one, "there is no room for all of them"


def test_a_line_is_placed_by_the_keyboard_alone(window: Any, helper: Any, files: dict[str, Path]) -> None:
    grid = opened(window, helper, files)
    view = grid.views["axial"]
    window.commands["markups.distance"].trigger()
    ends = []
    for kind in ("coronal", "sagittal"):
        ends.append(grid.cursor_position)
        view.setFocus()
        QTest.keyClick(view, Qt.Key.Key_Insert)
        other = grid.views[kind]
        other.setFocus()
        QTest.keyClick(other, Qt.Key.Key_Up)
        QTest.keyClick(other, Qt.Key.Key_Up)
    assert np.allclose(current(window).points, ends) and ends[0] != ends[1]
    assert current(window).measurements["length"] == pytest.approx(4.0)  # two voxels of 2 mm
    assert window.markups.name == ""
