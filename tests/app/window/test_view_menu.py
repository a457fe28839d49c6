"""The menu of a right click in a view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QPointF
from PySide6.QtGui import QAction


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
