"""Around the data: command search, themes, menus, faults, the jobs bridge."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.theme import DARK, LIGHT, current_theme
from app.window._safety import Faults
from app.window.commands import score
from app.window.jobs_bridge import JobsBridge
from app.window.tasks import in_words
from core.jobs import Handle, Metric, Progress, State, StateChanged


def test_the_search_finds_and_runs(window: Any, qtbot: Any) -> None:
    window.commands["edit.search"].trigger()
    palette = window.palette_panel
    assert palette.isVisible()
    qtbot.keyClicks(palette.edit, "light")
    assert palette.titles()[0] == "Light theme"
    qtbot.keyClick(palette.edit, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert current_theme() is LIGHT
    window.view.set_theme("dark")
    assert current_theme() is DARK


def test_the_search_does_not_run_what_is_grey(window: Any, qtbot: Any) -> None:
    palette = window.palette_panel
    palette.open()
    qtbot.keyClicks(palette.edit, "rename")
    assert palette.titles()[0] == "Rename"
    qtbot.keyClick(palette.edit, Qt.Key.Key_Return)
    assert palette.isVisible()
    qtbot.keyClick(palette.edit, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_the_search_moves_with_the_arrows(window: Any, qtbot: Any) -> None:
    palette = window.palette_panel
    qtbot.mouseClick(window.search, Qt.MouseButton.LeftButton)
    qtbot.keyClick(palette.edit, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 1
    qtbot.keyClick(palette.edit, Qt.Key.Key_Up)
    qtbot.keyClick(palette.edit, Qt.Key.Key_Up)
    assert palette.list.currentRow() == 0


def test_a_query_is_answered_by_all_of_its_words() -> None:
    assert score("save ses", "Save session", "") > score("save ses", "Save session as…", "") > 0
    assert score("save nothing", "Save session", "") == 0
    assert score("camera", "Front", "look from camera") > 0
    assert score("", "Anything", "") > 0


def test_every_entry_of_the_menus_is_found(window: Any) -> None:
    window.palette_panel.open()
    titles = {window.commands.title(a) for a in window.commands}
    for expected in ("Open files…", "Save session", "Screenshot…", "Undo", "Four views", "About Equiscope"):
        assert expected in titles
    window.palette_panel.close_palette()


def test_no_two_commands_share_a_shortcut(window: Any) -> None:
    keys = [s.toString() for a in window.commands for s in a.shortcuts()]
    assert len(keys) == len(set(keys)), sorted(k for k in keys if keys.count(k) > 1)


def test_both_themes_and_larger_text_at_run_time(
    window: Any, files: dict[str, Path], helper: Any, qapp: QApplication, qtbot: Any
) -> None:
    helper.open(window, files["volume"], files["table"], files["checkpoint"])
    window.view.set_theme("light")
    assert not window.updatesEnabled(), "nobody sees it without a style"
    qtbot.waitUntil(window.updatesEnabled)
    assert LIGHT.window in qapp.styleSheet()
    assert window.commands["view.light"].isChecked() and not window.commands["view.dark"].isChecked()
    before = qapp.font().pixelSize()
    window.view.zoom_text(1)
    assert qapp.font().pixelSize() > before
    window.view.zoom_text(0)
    assert qapp.font().pixelSize() == before
    window.view.set_theme("dark")  # before the last change has come to its end
    assert DARK.window not in qapp.styleSheet()
    window.close()
    assert DARK.window in qapp.styleSheet(), "nothing is left undone"


def test_the_dialogs_open_and_close(window: Any, qapp: QApplication) -> None:
    window.show_about()
    window.show_plugins()
    dialogs = [w for w in qapp.topLevelWidgets() if w.isVisible() and w is not window]
    assert {d.windowTitle() for d in dialogs} == {"About Equiscope", "Plugins"}
    for dialog in dialogs:
        dialog.close()


def test_everything_that_takes_the_keyboard_has_a_name(
    window: Any, files: dict[str, Path], helper: Any
) -> None:
    from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider

    helper.open(window, files["volume"])
    for kind in (QAbstractButton, QComboBox, QLineEdit, QSlider):
        for widget in window.findChildren(kind):
            if not widget.isVisible() or widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
                continue
            words = widget.accessibleName() or getattr(widget, "text", str)() or widget.toolTip()
            assert words, f"{type(widget).__name__} without a name in {widget.parent()}"


def test_a_fault_in_a_thread_becomes_a_card(window: Any, qtbot: Any) -> None:
    faults = Faults()
    faults.fault.connect(window.show_fault)
    restore = faults.install()
    try:
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: bool(window.cards.cards))
    finally:
        restore()
    (card,) = window.cards.cards
    assert "ZeroDivisionError" in card.problem.text and "Traceback" in card.problem.details


def test_the_bridge_thins_progress_and_keeps_the_rest(qtbot: Any) -> None:
    bridge = JobsBridge()
    got: list[Any] = []
    bridge.events.connect(got.extend)
    handle = Handle("1", "work", "run")

    def work() -> None:
        for n in range(500):
            bridge.listener(handle, Progress(n / 500))
            if n % 100 == 0:
                bridge.listener(handle, Metric("Loss", float(n)))
        bridge.listener(handle, StateChanged(State.DONE))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: any(isinstance(e, StateChanged) for _, e in got))
    events = [e for _, e in got]
    assert [e.value for e in events if isinstance(e, Metric)] == [0.0, 100.0, 200.0, 300.0, 400.0]
    assert sum(isinstance(e, Progress) for e in events) < 50
    assert isinstance(events[-1], StateChanged)
    bridge.close()
    bridge.listener(handle, Progress(1.0))
    assert not bridge._queue


def test_durations_are_told_in_words() -> None:
    assert [in_words(s) for s in (0.2, 45, 300, 7500)] == ["1 s", "45 s", "5 min", "2 h 5 min"]


def test_all_menus_stay_in_sight_in_a_narrow_window(window: Any, files: Any, helper: Any, qtbot: Any) -> None:
    bar = window.menuBar()
    window.resize(1000, 600)
    QApplication.processEvents()
    helper.open(window, files["table"])  # the session's name grows: "untitled — not saved"

    def in_sight() -> bool:
        edge = window.search.mapTo(window, window.search.rect().topLeft()).x()
        places = [bar.actionGeometry(a) for a in bar.actions()]
        right = window.search.mapTo(window, window.search.rect().topRight()).x()
        return window.width() // 3 < edge < right < window.width() and all(
            p.width() > 0 and p.right() <= edge for p in places
        )

    for width in (1000, 1300, 900, 760):
        window.resize(width, 600)
        qtbot.waitUntil(in_sight, timeout=3000)
    assert window.width() == 760


def test_kinds_read_as_a_sentence() -> None:
    from app.window.kinds import any_of, shortened

    assert any_of(("mesh", "pointcloud", "volume")) == "mesh, point cloud or volume"
    assert any_of(("volume",)) == "volume"
    assert shortened("short") == "short"
    assert len(shortened("x" * 300)) == 48


def test_other_events_get_their_turn_while_the_look_changes(
    window: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of a change are long; each in a turn of its own, and what else has come is handled in between."""
    told: list[str] = []
    clock = QTimer(window)
    clock.timeout.connect(lambda: told.append("tick"))
    real = window.view._dress

    def dress(*how: Any) -> None:
        told.append("dress")
        real(*how)

    monkeypatch.setattr(window.view, "_dress", dress)
    thaw = window.view._thaw
    monkeypatch.setattr(window.view, "_thaw", lambda: (told.append("thaw"), thaw()))
    qtbot.wait(30)
    clock.start(0)
    told.clear()
    window.view.set_theme("light" if current_theme().dark else "dark")
    told.append("begun")
    qtbot.waitUntil(lambda: "thaw" in told, timeout=10_000)
    clock.stop()
    steps = [what for what in told if what != "tick"]
    assert steps == ["begun", "dress", "thaw"]
    first, second, third = (told.index(step) for step in steps)
    assert "tick" in told[first:second] and "tick" in told[second:third]
