"""Comparing objects in the window: the dialog, the row above the views, links, the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.theme import LIGHT, apply_theme
from app.viewports.viewport import ITEM_MIME
from app.window.compare_dialog import CompareDialog
from core.data import Mesh, Volume
from core.display import default_display
from core.document import Item
from tests.app.viewports.conftest import head
from tests.app.viewports.test_grid import mouse
from tests.app.window.test_view_menu import entry


def item(name: str, data: Any, id: str = "", **more: Any) -> Item:
    return Item(name=name, data=data, id=id or name, display=default_display(data), **more)


@pytest.fixture
def heads(window: Any) -> Any:
    """A window with two heads, a surface and a group of two."""
    mesh = Mesh(np.array([[0.0, 0, 0], [30, 0, 0], [0, 30, 0]]), np.array([[0, 1, 2]]))
    other = Volume(head().array * 2, head().affine)
    window.workbench.document.add(item("first", head()), item("second", other), item("sheet", mesh))
    assert window.centre.grid.wait(20)
    return window


def dialog_of(window: Any) -> CompareDialog:
    window.commands["data.compare"].trigger()
    dialog = next(d for d in window.findChildren(CompareDialog) if d.isVisible())
    return dialog


def test_two_objects_are_compared_by_the_dialog_and_the_way_back(heads: Any) -> None:
    window, grid = heads, heads.centre.grid
    window.workbench.select("second")
    dialog = dialog_of(window)
    assert sorted(dialog.ticked()) == ["first", "second"]  # of the same kind
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert grid.layout_name == "compare-axial-2" and grid.wait(20)
    assert [grid.only(s) for s in ("axial", "axial-2")] == [{"first"}, {"second"}]
    strip = window.comparing.strip
    assert strip.isVisible() and strip.what.currentData() == "axial"
    strip.what.setCurrentIndex(strip.what.findData("slices"))
    strip.what.activated.emit(strip.what.currentIndex())
    assert grid.layout_name == "compare-slices-2" and grid.only("sagittal-2") == {"second"}
    mouse(grid.views["sagittal-2"], QEvent.Type.MouseButtonDblClick, 60, 60)
    assert grid.layout_name == "sagittal-2" and strip.isVisible()
    mouse(grid.views["sagittal-2"], QEvent.Type.MouseButtonDblClick, 60, 60)
    strip.end.click()
    assert grid.layout_name == "four" and grid.only("axial") is None and not strip.isVisible()
    assert grid.wait(20) and "axial-2" not in grid.views
    assert not window.workbench.document.undo_label.startswith("Show")


def test_the_dialog_says_why_and_cancel_changes_nothing(heads: Any) -> None:
    dialog = dialog_of(heads)
    for n in range(dialog.list.count()):
        dialog.list.item(n).setCheckState(Qt.CheckState.Unchecked)
    assert not dialog.accept_button.isEnabled() and dialog.reason.text().startswith("0 chosen")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert heads.centre.grid.layout_name == "four"
    with pytest.raises(ValueError, match="two to 4"):
        heads.comparing.start(["first"])
    heads.workbench.document.remove("second", "sheet")
    assert not heads.commands["data.compare"].isEnabled()
    assert "two objects" in heads.commands["data.compare"].toolTip()


def test_links_are_switches_in_the_row_and_in_the_menu(heads: Any) -> None:
    window, grid = heads, heads.centre.grid
    window.comparing.start(["first", "second"])
    strip = window.comparing.strip
    assert all(s.isChecked() for s in strip.switches.values())
    QTest.mouseClick(strip.switches["zoom"], Qt.MouseButton.LeftButton)
    assert not grid.links.linked("zoom") and not window.commands["view.link-zoom"].isChecked()
    window.commands["view.link-zoom"].trigger()
    assert strip.switches["zoom"].isChecked()
    strip.switches["slice"].setFocus()
    QTest.keyClick(strip.switches["slice"], Qt.Key.Key_Space)
    assert not grid.links.linked("slice")


def test_windows_that_differ_much_are_not_linked_at_first(heads: Any) -> None:
    from dataclasses import replace

    document = heads.workbench.document
    document.set_display("second", replace(document["second"].display, window=9000.0, level=4000.0))
    heads.comparing.start(["first", "second"])
    assert not heads.centre.grid.links.linked("colour") and heads.centre.grid.links.linked("zoom")


def test_what_is_hidden_is_shown_for_a_comparison_and_closing_one_ends_it(heads: Any) -> None:
    window, document = heads, heads.workbench.document
    window.data.toggle("second")
    window.comparing.start(["first", "second", "sheet"], "3d")
    assert document["second"].display.visible and window.centre.grid.layout_name == "compare-3d-3"
    document.undo()
    assert not document["second"].display.visible
    document.remove("second")
    assert window.centre.grid.layout_name == "compare-3d-3"  # two are left
    document.remove("sheet")
    assert window.centre.grid.layout_name == "four"
    document.undo()
    assert window.comparing.shown is None


def test_another_layout_or_session_ends_a_comparison(heads: Any, tmp_path: Path) -> None:
    window, grid = heads, heads.centre.grid
    window.comparing.start(["first", "second"])
    window.commands["view.layout-four"].trigger()
    assert grid.only("axial") is None and not window.comparing.strip.isVisible()
    window.comparing.start(["first", "second"])
    assert window.comparing.strip.isVisible()
    window.workbench.new_session()
    assert grid.layout_name == "four" and grid.only("axial") is None
    assert not window.comparing.strip.isVisible()


def test_a_comparison_is_part_of_a_session(heads: Any, tmp_path: Path, helper: Any) -> None:
    window, grid = heads, heads.centre.grid
    window.comparing.start(["first", "second"], "coronal")
    grid.links.set(frozenset({"slice"}))
    window.workbench.save_session(tmp_path / "two.equiscope", window.layout_state())
    helper.idle(window)
    window.comparing.end()
    window.workbench.open_session(tmp_path / "two.equiscope")
    helper.idle(window)
    assert grid.layout_name == "compare-coronal-2" and grid.only("coronal-2") == {"second"}
    assert window.comparing.strip.isVisible() and grid.links.on == {"slice"}
    window.comparing.end()
    assert grid.layout_name == "four"


def test_a_view_shows_what_its_menu_or_a_drag_says(heads: Any) -> None:
    window, grid = heads, heads.centre.grid
    view = grid.views["coronal"]
    menu = window.menus.view_menu(view, QPointF(5, 5))
    assert entry(menu, "Everything").isChecked()
    entry(menu, "second").trigger()
    assert grid.only("coronal") == {"second"}
    entry(window.menus.view_menu(view, QPointF(5, 5)), "sheet").trigger()
    assert grid.only("coronal") == {"second", "sheet"}
    entry(window.menus.view_menu(view, QPointF(5, 5)), "second").trigger()
    assert grid.only("coronal") == {"sheet"}
    entry(window.menus.view_menu(view, QPointF(5, 5)), "Everything").trigger()
    assert grid.only("coronal") is None
    row = window.data.tree.row_of("first")
    assert bytes(window.data.tree.mimeData([row]).data(ITEM_MIME).data()) == b"first"


def test_the_title_opens_the_menu(heads: Any) -> None:
    grid = heads.centre.grid
    view = grid.views["axial"]
    asked = []
    grid.menuWanted.disconnect()
    grid.menuWanted.connect(lambda v, place: asked.append((v, place.y())))
    before = grid.cursor_position
    QTest.mouseMove(view, QPoint(60, 16))
    mouse(view, QEvent.Type.MouseMove, 60, 16, Qt.MouseButton.NoButton)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(60, 16))
    assert len(asked) == 1 and asked[0][0] is view and grid.cursor_position == before
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(60, 90))
    assert len(asked) == 1 and grid.cursor_position != before


def test_groups_are_compared_as_one_and_a_theme_reaches_the_row(window: Any, qapp: QApplication) -> None:
    mesh = Mesh(np.array([[0.0, 0, 0], [30, 0, 0], [0, 30, 0]]), np.array([[0, 1, 2]]))
    group = item("pair", None, "pair")
    window.workbench.document.add(
        group,
        item("left", mesh, parent="pair"),
        item("right", mesh, parent="pair"),
        item("lone", mesh),
    )
    assert [i.id for i in window.comparing.candidates()] == ["pair", "left", "right", "lone"]
    window.comparing.start(["pair", "lone"])
    grid = window.centre.grid
    assert grid.layout_name == "compare-3d-2" and grid.only("3d") == {"pair", "left", "right"}
    assert grid.wait(20)
    before = window.comparing.strip.grab().toImage().pixelColor(2, 2)
    window.view.set_theme("light")
    window.view.settle()
    window.comparing.changed.emit()
    after = window.comparing.strip.grab().toImage().pixelColor(2, 2)
    assert after.lightness() > before.lightness() + 60
    apply_theme(qapp, LIGHT)


def test_the_row_takes_more_rows_where_it_is_narrow(heads: Any) -> None:
    heads.comparing.start(["first", "second"])
    strip = heads.comparing.strip
    heads.resize(1500, 800)
    QApplication.processEvents()
    strip.setMaximumWidth(700)
    wide = strip.height()
    strip.setFixedWidth(230)
    QApplication.processEvents()
    assert strip.height() > wide
    shown = list(strip.switches.values())
    for made in (*shown, strip.what, strip.end):
        assert (
            strip.rect().contains(made.geometry())
            and made.width() >= made.fontMetrics().averageCharWidth() * 4
        )
    places = [m.geometry() for m in (*shown, strip.what, strip.end)]
    assert not any(a.intersects(b) for n, a in enumerate(places) for b in places[n + 1 :])
