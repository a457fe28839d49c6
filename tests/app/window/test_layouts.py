"""Arrangements of the docks: built in, the user's own, hidden, on screens that have gone; parts by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication

from app.window.layouts import BUILT_IN, SHOWN, moved_on_screen
from core.settings import Settings


def shown(window: Any) -> set[str]:
    return {name for name, dock in window.docks.items() if not dock.isHidden()}


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_arrangement_shows_its_docks(window: Any, name: str) -> None:
    window.commands[f"window.layout-{name.lower()}"].trigger()
    assert shown(window) == set(SHOWN[name])
    for panel in window.docks:
        assert window.commands[f"panel.{panel}"].isChecked() == (panel in SHOWN[name])
    window.commands["view.reset-layout"].trigger()
    assert shown(window) == set(SHOWN["Standard"])


def test_an_own_layout_is_kept_and_comes_back(window: Any, make_window: Any) -> None:
    window.layouts.use("Reading")
    window.docks["log"].show()
    window.layouts._named("  Mine & yours ")
    window.layouts.use("Standard")
    menu = window.menus.menus["Window"]
    layouts = next(a.menu() for a in menu.actions() if a.text() == "Layout")
    layouts.aboutToShow.emit()
    entry = next(a for a in layouts.actions() if a.text() == "Mine && yours")
    entry.trigger()
    assert shown(window) == {"data", "display", "log"}
    other = make_window()
    assert other.layouts.use("Mine & yours") and shown(other) == {"data", "display", "log"}
    other.layouts.remove("Mine & yours")
    assert not other.layouts.use("Mine & yours")


def test_a_built_in_name_is_not_replaced_and_damage_is_ignored(window: Any) -> None:
    window.layouts._named("Reading")
    assert window.layouts.saved == {}
    Settings().set("layouts", {"a": 5, "b": "@@@", "Standard": "x"})
    window.workbench.settings.update("layouts", lambda there: there)
    assert list(window.layouts.saved) == ["b"]
    assert not window.layouts.use("b")
    assert shown(window) == set(SHOWN["Standard"])
    for damaged in (None, 3, "", "no base64 at all", {}):
        window.layouts.restore(damaged)
    assert shown(window) == set(SHOWN["Standard"])


def test_hiding_all_panels_and_back(window: Any, make_window: Any) -> None:
    before = shown(window)
    window.commands["window.focus"].trigger()
    assert shown(window) == set() and window.commands["window.focus"].isChecked()
    window.workbench.settings.set("window-layout", window.layouts.state())
    assert shown(make_window()) == before, "the next start has the panels again"
    window.commands["window.focus"].trigger()
    assert shown(window) == before and not window.commands["window.focus"].isChecked()


def test_full_screen_and_back(window: Any) -> None:
    window.commands["window.full-screen"].trigger()
    assert window.isFullScreen() and window.commands["window.full-screen"].isChecked()
    window.commands["window.full-screen"].trigger()
    assert not window.isFullScreen()


def test_a_window_whose_screen_has_gone_comes_back() -> None:
    screens = [QRect(0, 0, 1600, 1000)]
    assert moved_on_screen(QRect(100, 100, 800, 600), screens) is None
    assert moved_on_screen(QRect(-700, 100, 800, 600), screens) is None, "enough of its title is there"
    assert moved_on_screen(QRect(2000, 1200, 800, 600), screens) == QPoint(800, 400)
    assert moved_on_screen(QRect(-3000, -2000, 800, 600), screens) == QPoint(0, 0)
    assert moved_on_screen(QRect(100, -300, 800, 600), screens) == QPoint(100, 0), "its title is above"
    assert moved_on_screen(QRect(2000, 1200, 3000, 2000), screens) == QPoint(0, 0)
    assert moved_on_screen(QRect(0, 0, 1, 1), []) is None


def test_a_floating_dock_comes_back_too(window: Any) -> None:
    dock = window.docks["log"]
    dock.show()
    dock.setFloating(True)
    dock.move(9000, 9000)
    window.layouts.back_on_screen()
    area = QApplication.primaryScreen().availableGeometry()
    assert area.contains(dock.frameGeometry().topLeft())


def test_f6_goes_through_all_parts(window: Any, qtbot: Any) -> None:
    window.activateWindow()
    seen = []
    for _ in range(len(window.layouts.parts()) + 1):
        qtbot.keyClick(window, Qt.Key.Key_F6)
        focus = window.focusWidget()
        part = next(p for p in window.layouts.parts() if p is focus or p.isAncestorOf(focus))
        seen.append(part.objectName() or type(part).__name__)
    assert "Centre" in seen and "command-search" in seen
    assert seen[0] == seen[-1] or len(set(seen)) >= 2
    qtbot.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    focus = window.focusWidget()
    assert focus is not None


def test_log_and_console_share_the_width_and_tabs_have_a_name(window: Any, qtbot: Any) -> None:
    from PySide6.QtWidgets import QTabBar

    window.commands["panel.log"].trigger()
    window.commands["panel.console"].trigger()
    log, console = window.docks["log"], window.docks["console"]
    qtbot.waitUntil(lambda: abs(log.width() - console.width()) < 0.35 * window.width())
    assert console.width() > 200
    window.tabifyDockWidget(log, console)
    window._name_tabs()
    (bar,) = [b for b in window.findChildren(QTabBar) if b.count() == 2]
    assert bar.accessibleName() == "Panels in one place"


def test_docks_follow_the_size_of_the_text_and_the_menus_keep_their_room(window: Any, qtbot: Any) -> None:
    window.resize(1600, 1000)
    window.reset_layout()
    QApplication.processEvents()
    sides = [window.docks["data"], window.docks["analysis"]]
    first = [dock.width() for dock in sides]
    window.view.set_text_scale(2.0)
    qtbot.waitUntil(lambda: sides[0].width() > 1.3 * first[0])
    assert sum(dock.width() for dock in sides) < 0.6 * window.width()
    bar = window.menuBar()

    def all_shown() -> bool:
        right = window.session_label.parentWidget().geometry().left()
        return all(0 < bar.actionGeometry(a).right() <= right for a in bar.actions() if a.isVisible())

    qtbot.waitUntil(all_shown)
    window.view.set_text_scale(1.0)
    qtbot.waitUntil(lambda: all(abs(d.width() - f) < 0.15 * f for d, f in zip(sides, first, strict=True)))


def test_a_layout_leaves_the_keyboard_where_it_was(window: Any) -> None:
    window.analysis.setFocus()
    window.layouts.arrange()
    assert window.focusWidget() is window.analysis


def test_no_message_stands_over_the_position_when_text_changes_its_size(window: Any) -> None:
    status = window.status
    status.show_position("RAS 1, 2, 3 mm")
    status.showMessage("Click to place points")
    window.view.set_text_scale(1.5)
    QApplication.processEvents()
    assert not (status.currentMessage() and status.position.isVisible())
    window.view.set_text_scale(1.0)


def test_a_form_gets_the_room_that_empty_results_do_not_need(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    window.resize(900, 640)
    helper.open(window, files["volume"])
    QApplication.processEvents()
    before = window.docks["analysis"].height()
    window.choose_analysis(window.menus.analyses["symmetry.reflections"])
    QApplication.processEvents()
    assert window.docks["analysis"].height() > before
    assert window.docks["results"].height() > 40
    window.workbench.adopted.emit("")
    QApplication.processEvents()
    assert abs(window.docks["analysis"].height() - before) < 4, "what is found gets its room back"
