"""The menu of a right click in a view."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QInputDialog

from app.viewports.planes import Slab
from tests.app.viewports.test_grid import mouse


def entry(menu: Any, words: str) -> QAction:
    """An entry by its words, also in submenus."""
    for action in menu.actions():
        if action.text().replace("&", "") == words:
            return action
        if action.menu() is not None:
            try:
                return entry(action.menu(), words)
            except LookupError:
                pass
    raise LookupError(words)


def opened(window: Any, helper: Any, files: dict[str, Path]) -> Any:
    helper.open(window, files["volume"])
    return window.centre.grid


def test_the_menu_flips_one_view_and_the_menu_bar_tells_what_all_are(
    window: Any, files: dict[str, Path], helper: Any
) -> None:
    grid = opened(window, helper, files)
    view = grid.views["axial"]
    menu = window.menus.view_menu(view, QPointF(5, 5))
    assert entry(menu, "Radiological (right on the left)").isChecked()
    entry(menu, "Neurological (left on the left)").trigger()
    assert view.intent.convention == "neurological"
    assert grid.views["coronal"].intent.convention == "radiological"
    assert not window.commands["view.radiological"].isChecked()
    assert not window.commands["view.neurological"].isChecked()
    window.commands["view.radiological"].trigger()
    assert window.commands["view.radiological"].isChecked() and view.intent.convention == "radiological"
    menu.deleteLater()


def test_the_menu_maximises_and_restores(window: Any, files: dict[str, Path], helper: Any) -> None:
    grid = opened(window, helper, files)
    view = grid.views["coronal"]
    entry(window.menus.view_menu(view, QPointF(5, 5)), "Maximise").trigger()
    assert grid.layout_name == "coronal"
    entry(window.menus.view_menu(view, QPointF(5, 5)), "Back to the views before").trigger()
    assert grid.layout_name == "four"


def test_other_parts_add_entries(window: Any, files: dict[str, Path], helper: Any) -> None:
    grid = opened(window, helper, files)
    seen = []
    window.menus.on_view_menu.append(
        lambda menu, view, place: menu.addAction("Mine", lambda: seen.append((view, place.x())))
    )
    entry(window.menus.view_menu(grid.views["3d"], QPointF(7, 5)), "Mine").trigger()
    assert seen == [(grid.views["3d"], 7.0)]


def test_this_view_is_the_one_with_the_keyboard(window: Any, files: dict[str, Path], helper: Any) -> None:
    grid = opened(window, helper, files)
    grid.views["3d"].focused.emit()
    window.commands.refresh()
    assert not window.commands["view.flip"].isEnabled()
    grid.views["sagittal"].focused.emit()
    window.commands.refresh()
    window.commands["view.flip"].trigger()
    assert not grid.nose_left and not window.commands["view.nose-left"].isChecked()


def test_a_slab_from_the_menu_in_one_view_and_in_all(
    window: Any, files: dict[str, Path], helper: Any
) -> None:
    grid = opened(window, helper, files)
    window.workbench.settings.set("slab-thickness", "thick")  # somebody has edited the file
    view = grid.views["coronal"]
    menu = window.menus.view_menu(view, QPointF(5, 5))
    assert entry(menu, "Off (single slices)").isChecked()
    entry(menu, "Maximum intensity (MIP)").trigger()
    assert view.intent.slab.mode == "max" and grid.views["axial"].intent.slab is None
    window.commands.refresh()
    assert not any(window.commands[f"view.slab-{m}"].isChecked() for m in ("off", "max", "min", "mean"))
    entry(window.menus.view_menu(view, QPointF(5, 5)), "20 mm").trigger()
    assert view.intent.slab.thickness == 20 and view.intent.slab.mode == "max"
    window.commands["view.slab-mean"].trigger()
    assert {v.intent.slab.mode for k, v in grid.views.items() if k != "3d"} == {"mean"}
    assert {v.intent.slab.thickness for k, v in grid.views.items() if k != "3d"} == {20.0}
    window.commands.refresh()
    assert window.commands["view.slab-mean"].isChecked()
    window.commands["view.slab-off"].trigger()
    assert view.intent.slab is None


def test_thickness_and_degrees_can_be_typed(window: Any, files: dict[str, Path], helper: Any) -> None:
    grid = opened(window, helper, files)
    grid.views["sagittal"].focused.emit()

    def answer(command: str, number: float, accept: bool = True) -> None:
        window.commands[command].trigger()
        dialog = window.findChildren(QInputDialog)[-1]
        dialog.setDoubleValue(number)
        if accept:
            dialog.accept()
        else:
            dialog.reject()

    answer("view.slab-thickness", 7.5)
    assert grid.views["axial"].intent.slab.thickness == 7.5
    answer("view.turn-by", 30.0, accept=False)
    assert grid.tilt is None
    answer("view.turn-by", 30.0)
    assert "oblique 30.0°" in grid.views["axial"].resolved().title
    assert not grid.views["sagittal"].resolved().oblique
    window.commands.refresh()
    assert window.commands["view.straighten"].isEnabled()
    window.commands["view.straighten"].trigger()
    window.commands.refresh()
    assert grid.tilt is None and not window.commands["view.straighten"].isEnabled()


def test_another_session_begins_straight_and_thin(window: Any, files: dict[str, Path], helper: Any) -> None:
    grid = opened(window, helper, files)
    grid.turn_planes(grid.views["axial"], 20)
    window.commands["view.slab-max"].trigger()
    window.workbench.new_session()
    helper.open(window, files["volume"])
    assert grid.tilt is None and grid.views["coronal"].intent.slab is None


def test_the_item_is_closed_in_the_middle_of_a_turn(window: Any, files: dict[str, Path], helper: Any) -> None:
    grid = opened(window, helper, files)
    assert grid.wait(20)
    view = grid.views["axial"]
    mouse(view, QEvent.Type.MouseMove, 70, 60, Qt.MouseButton.NoButton)
    end = view.overlay.line_ends(view.frame.state)[0][1]
    mouse(view, QEvent.Type.MouseButtonPress, end.x(), end.y())
    mouse(view, QEvent.Type.MouseMove, end.x() + 25, end.y() + 10)
    window.workbench.document.remove(window.workbench.selected)
    mouse(view, QEvent.Type.MouseMove, end.x() + 35, end.y() + 10)
    mouse(view, QEvent.Type.MouseButtonRelease, end.x() + 35, end.y() + 10)
    assert grid.wait(20) and not window.cards.cards


def test_slab_tilt_sides_and_looks_come_back_with_a_session_and_older_sessions_open(
    window: Any, make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    grid = opened(window, helper, files)
    id = window.workbench.selected
    look = replace(
        window.workbench.document[id].display, hide="below", floor=2.0, outline=3.0, colormap="hot_r"
    )
    window.workbench.document.set_display(id, look)
    grid.turn_planes(grid.views["axial"], 20)
    grid.set_slab(Slab("mean", 6.0), grid.views["sagittal"])
    grid.views["coronal"].flip()
    window.workbench.save_session(tmp_path / "work", window.layout_state())
    helper.idle(window)
    folder = tmp_path / "work.equiscope"
    other = make_window()
    helper.open(other, folder)
    assert other.workbench.document[id].display == look and not other.cards.cards
    back = other.centre.grid
    assert back.tilt == pytest.approx(grid.tilt)
    assert {k: v.intent.slab for k, v in back.views.items()} == {
        k: v.intent.slab for k, v in grid.views.items()
    }
    assert back.views["coronal"].intent.convention == "neurological"
    assert back.views["axial"].intent.convention == "radiological"
    # As an older program would have written it: without what it did not know.
    text = (folder / "session.json").read_text()
    plain = json.loads(text)
    for key in ("hide", "floor", "outline"):
        assert f'"{key}"' in text
    (folder / "session.json").write_text(
        json.dumps(without(plain, {"hide", "floor", "outline", "tilt", "slab"}))
    )
    third = make_window()
    helper.open(third, folder)
    assert not third.cards.cards
    assert third.workbench.document[id].display == replace(look, hide="", floor=0.0, outline=0.0)
    assert third.centre.grid.tilt is None


def without(plain: Any, keys: set[str]) -> Any:
    """The same JSON without some keys, at any depth."""
    if isinstance(plain, dict):
        return {k: without(v, keys) for k, v in plain.items() if k not in keys}
    return [without(v, keys) for v in plain] if isinstance(plain, list) else plain
