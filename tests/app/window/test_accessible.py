"""All by keyboard: Tab reaches every field of every panel and dialog, each has a name, and the focus can be seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QAbstractSpinBox, QApplication, QLabel, QScrollBar, QWidget

from app.window.start_tiles import Tile
from app.window.trust_dialog import TrustDialog


def takes_keyboard(root: QWidget) -> list[QWidget]:
    """What Tab is to reach: all that is in sight, can be used and does not pass the keyboard on."""
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        inner = isinstance(widget.parentWidget(), QAbstractSpinBox) or widget.focusProxy() is not None
        if (
            widget.isVisible()
            and widget.isEnabled()
            and widget.window() is root.window()
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and not inner
            and not isinstance(widget, QScrollBar)
        ):
            found.append(widget)
    return found


def name_of(widget: QWidget) -> str:
    """What a screen reader says of it."""
    text = getattr(widget, "text", None)
    return widget.accessibleName() or (text() if callable(text) else "") or ""


def walk(root: QWidget) -> set[int]:
    """The widgets that Tab comes by."""
    root.activateWindow()
    QApplication.processEvents()
    wanted = takes_keyboard(root)
    assert wanted
    wanted[0].setFocus(Qt.FocusReason.TabFocusReason)
    seen: set[int] = set()
    for _ in range(3 * len(wanted) + 20):
        focus = root.window().focusWidget()
        assert focus is not None
        if id(focus) in seen and len(seen) >= len(wanted) and focus is wanted[0]:
            break
        seen.add(id(focus))
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    return seen


def check(root: QWidget) -> None:
    wanted = takes_keyboard(root)
    seen = walk(root)
    missed = [f"{type(w).__name__} {name_of(w)!r}" for w in takes_keyboard(root) if id(w) not in seen]
    assert not missed, f"Tab does not reach {missed}"
    nameless = [f"{type(w).__name__} in {type(w.parent()).__name__}" for w in wanted if not name_of(w)]
    assert not nameless, f"no name: {nameless}"


def prepare(window: Any, files: dict[str, Path], helper: Any) -> None:
    window.workbench.load_descriptions()
    helper.open(window, files["volume"], files["mesh"])
    helper.idle(window)


def test_tab_reaches_everything_in_the_window(
    fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    window = make_window()
    window.resize(1500, 1000)
    prepare(window, files, helper)
    window.commands["analyse.fake.everything"].trigger()
    window.analysis.form.run_button.click()
    helper.idle(window)
    for dock in window.docks.values():
        dock.show()
    window.show_problem(
        __import__("app.window.workbench", fromlist=["Problem"]).Problem("It broke.", "details")
    )
    QApplication.processEvents()
    check(window)


@pytest.mark.parametrize("kind", ["table", "checkpoint"])
def test_tab_reaches_everything_in_other_centres(
    window: Any, files: dict[str, Path], helper: Any, kind: str
) -> None:
    helper.open(window, files[kind])
    check(window)


def test_tab_reaches_every_tile_of_the_start_page(window: Any) -> None:
    seen = walk(window)
    for tile in window.start.findChildren(Tile):
        assert id(tile) in seen or not tile.isEnabled()
    check(window)


DIALOGS: dict[str, Callable[[Any], object]] = {
    "preferences": lambda w: w.show_preferences(),
    "shortcuts": lambda w: (w.show_shortcuts(), _choose_shortcut(w)),
    "keys": lambda w: w.show_keys(),
    "plugins": lambda w: w.show_plugins(),
    "analyses": lambda w: w.show_analyses(),
    "about": lambda w: w.show_about(),
    "memory": lambda w: w.show_memory(),
    "properties": lambda w: w.items.show_info(),
    "layout name": lambda w: w.layouts.ask_save(),
    "trust": lambda w: _ask_for_trust(w),
}


def _ask_for_trust(window: Any) -> None:
    from app.window.workbench import Question

    version = {"hash": "a" * 64, "title": "net.py:f", "place": "/home/her/net", "files": {"net.py": "b" * 64}}
    window.trust.ask(Question({"version": version, "before": None}, lambda _hashes: None))
    window.findChild(TrustDialog).files_button.click()


def _choose_shortcut(window: Any) -> None:
    from app.window.shortcuts_dialog import ShortcutsDialog

    window.findChild(ShortcutsDialog).choose("edit.undo")


@pytest.mark.parametrize("name", DIALOGS)
def test_tab_reaches_everything_in_every_dialog(
    window: Any, files: dict[str, Path], helper: Any, qapp: QApplication, name: str
) -> None:
    prepare(window, files, helper)
    before = list(qapp.topLevelWidgets())
    DIALOGS[name](window)
    (dialog,) = [w for w in qapp.topLevelWidgets() if w not in before and w.isVisible()]
    if name == "preferences":
        for row in range(dialog.list.count()):
            dialog.list.setCurrentRow(row)
            check(dialog)
    else:
        check(dialog)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible(), "Escape closes it"


def test_the_focus_can_be_seen_on_every_kind_of_field(
    window: Any, files: dict[str, Path], helper: Any
) -> None:
    prepare(window, files, helper)
    window.docks["log"].show()
    window.activateWindow()
    kinds: dict[str, QWidget] = {}
    for widget in takes_keyboard(window):
        if not isinstance(widget, QLabel) and "Viewport" not in type(widget).__name__:
            kinds.setdefault(f"{type(widget).__name__}/{widget.property('role')}", widget)
    assert len(kinds) >= 7
    unseen = []
    for name, widget in kinds.items():
        other = window.search if widget is not window.search else window.data.tree
        other.setFocus()
        QApplication.processEvents()
        before = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if isinstance(widget, QAbstractItemView):
            QApplication.processEvents()
        if widget.grab().toImage() == before:
            unseen.append(name)
    assert not unseen


def test_rows_of_the_tree_say_whether_they_are_shown(
    window: Any, files: dict[str, Path], helper: Any
) -> None:
    helper.open(window, files["mesh"])
    row = window.data.tree.row_of(window.workbench.selected)
    role = Qt.ItemDataRole.AccessibleTextRole
    assert row.data(0, role) == "tetra, mesh, 4 points, shown"
    window.commands["data.toggle"].trigger()
    row = window.data.tree.row_of(window.workbench.selected)
    assert row.data(0, role) == "tetra, mesh, 4 points, hidden"


def test_every_command_has_words_and_every_menu_can_be_opened(window: Any, qtbot: Any) -> None:
    window.activateWindow()
    for action in window.commands:
        assert isinstance(action, QAction) and action.text().strip("&… ")
    window.commands["window.menus"].trigger()
    assert window.menuBar().activeAction() is window.menuBar().actions()[0]
    popup = QApplication.activePopupWidget()
    assert popup is not None
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    QTest.keyClick(window.menuBar(), Qt.Key.Key_Escape)
