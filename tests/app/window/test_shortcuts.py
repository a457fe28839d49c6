"""Keys of the commands: the editor, the settings, conflicts, the sheet."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.window.commands import Commands
from app.window.keys import key_rows
from app.window.keys_sheet import KeysSheet
from app.window.shortcuts import SETTING, Shortcuts
from app.window.shortcuts_dialog import ShortcutsDialog
from core.settings import Settings


@pytest.fixture
def editor(window: Any) -> ShortcutsDialog:
    window.show_shortcuts()
    (dialog,) = window.findChildren(ShortcutsDialog)
    return dialog


def press(qtbot: Any, recorder: Any, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    qtbot.mouseClick(recorder, Qt.MouseButton.LeftButton)
    assert recorder.recording
    together = Qt.KeyboardModifier.NoModifier
    for modifier in modifiers:
        together |= modifier
    qtbot.keyClick(recorder, key, together)
    assert not recorder.recording


CTRL = Qt.KeyboardModifier.ControlModifier


def test_a_recorded_key_runs_the_command_now_and_at_the_next_start(
    window: Any, editor: ShortcutsDialog, make_window: Any, qtbot: Any
) -> None:
    editor.choose("view.light")
    press(qtbot, editor.replace_button, Qt.Key.Key_L, CTRL)
    assert window.commands["view.light"].shortcut().toString() == "Ctrl+L"
    assert editor.rows["view.light"].text(1) == "Ctrl+L" and editor.rows["view.light"].text(2) == "changed"
    assert not editor.conflict.isVisible()
    other = make_window()
    assert other.commands["view.light"].shortcut().toString() == "Ctrl+L"
    press(qtbot, editor.add_button, Qt.Key.Key_F9)
    assert window.shortcuts.keys("view.light") == ("Ctrl+L", "F9")
    qtbot.mouseClick(editor.reset_button, Qt.MouseButton.LeftButton)
    assert window.shortcuts.keys("view.light") == ()
    assert window.workbench.settings.get("shortcuts") is None


def test_a_key_that_another_command_has_is_asked_about(
    window: Any, editor: ShortcutsDialog, qtbot: Any
) -> None:
    editor.choose("data.only")
    press(qtbot, editor.replace_button, Qt.Key.Key_H, CTRL)
    assert editor.conflict.isVisible() and "Show or hide (Data)" in editor.conflict_words.text()
    assert window.shortcuts.keys("data.only") == ()
    qtbot.mouseClick(editor.keep_button, Qt.MouseButton.LeftButton)
    assert window.shortcuts.keys("data.toggle") == ("Ctrl+H",) and not editor.conflict.isVisible()
    press(qtbot, editor.replace_button, Qt.Key.Key_H, CTRL)
    qtbot.mouseClick(editor.take_button, Qt.MouseButton.LeftButton)
    assert window.shortcuts.keys("data.only") == ("Ctrl+H",)
    assert window.shortcuts.keys("data.toggle") == ()
    keys = [s.toString() for a in window.commands for s in a.shortcuts()]
    assert len(keys) == len(set(keys))


def test_a_key_of_the_views_is_asked_about(window: Any, editor: ShortcutsDialog, qtbot: Any) -> None:
    editor.choose("data.only")
    press(qtbot, editor.replace_button, Qt.Key.Key_R)
    assert editor.conflict.isVisible() and "reset the views" in editor.conflict_words.text()
    assert window.shortcuts.keys("data.only") == ()


def test_escape_and_leaving_end_the_wait(window: Any, editor: ShortcutsDialog, qtbot: Any) -> None:
    editor.choose("view.light")
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_Tab):
        press(qtbot, editor.replace_button, key)
    assert editor.isVisible() and window.shortcuts.keys("view.light") == ()
    editor.replace_button.click()
    editor.search.setFocus()
    editor.replace_button.end()
    assert editor.replace_button.text() == "Change…"


def test_reset_all_brings_back_every_default(window: Any, editor: ShortcutsDialog) -> None:
    before = {a.objectName(): window.shortcuts.keys(a.objectName()) for a in window.commands}
    window.shortcuts.set_keys("data.only", ["Ctrl+H", "Ctrl+K"])
    window.shortcuts.set_keys("edit.undo", [])
    assert window.shortcuts.keys("edit.search") == ()
    editor._reset_all()
    assert {a.objectName(): window.shortcuts.keys(a.objectName()) for a in window.commands} == before


def test_the_search_finds_by_name_and_by_key(window: Any, editor: ShortcutsDialog, qtbot: Any) -> None:
    qtbot.keyClicks(editor.search, "ctrl+k")
    seen = [id for id, row in editor.rows.items() if not row.isHidden()]
    assert seen == ["edit.search"]
    editor.search.clear()
    qtbot.keyClicks(editor.search, "crosshair")
    assert "view.crosshair" in [id for id, row in editor.rows.items() if not row.isHidden()]
    assert editor.rows["edit.search"].isHidden()


def test_the_empty_data_panel_names_the_key_as_it_is(window: Any) -> None:
    assert window.data.hint.text().endswith("or press Ctrl+O.")
    window.shortcuts.set_keys("file.open", ["Ctrl+Alt+O"])
    assert window.data.hint.text().endswith("or press Ctrl+Alt+O.")
    window.shortcuts.set_keys("file.open", [])
    assert window.data.hint.text() == "Nothing is open. Drop files here."
    window.shortcuts.reset("file.open")


def test_two_windows_keep_each_other_s_keys(window: Any) -> None:
    other = Shortcuts(
        Commands(window), Settings()
    )  # a window with commands of its own, which read the file before
    other._commands.add("a.first", "First", lambda: None, group="A", shortcut="Ctrl+Alt+Q")
    other._commands.add("a.second", "Second", lambda: None, group="A")
    window.shortcuts.set_keys("time.play", ["Ctrl+Alt+P"])
    window.shortcuts.set_keys("time.first", ["Ctrl+Alt+F"])
    other.set_keys("a.second", ["Ctrl+Alt+F"])
    kept = Settings().get(SETTING)
    assert kept == {"a.second": ["Ctrl+Alt+F"], "time.first": [], "time.play": ["Ctrl+Alt+P"]}
    other.reset("a.second")
    window.shortcuts.reset("time.first")
    window.shortcuts.reset("time.play")
    assert Settings().get(SETTING) is None


def test_broken_settings_are_left_out(make_window: Any, tmp_path: Any) -> None:
    from core.settings import Settings

    Settings().set(
        "shortcuts", {"view.light": ["Nonsense+Q"], "edit.undo": 7, "view.dark": ["F9"], "gone": ["F8"]}
    )
    window = make_window()
    assert window.shortcuts.keys("view.light") == ()
    assert window.shortcuts.keys("edit.undo")
    assert window.shortcuts.keys("view.dark") == ("F9",)


def test_a_command_that_comes_later_gets_its_chosen_key(window: Any) -> None:
    window.shortcuts._chosen["late.one"] = ("F9",)
    window.commands.add("late.one", "Late", lambda: None, group="Late", shortcut="F8")
    assert window.shortcuts.keys("late.one") == ("F9",) and window.shortcuts.defaults("late.one") == ("F8",)
    window.shortcuts.set_keys("edit.undo", ["F7"])
    window.commands.add("late.two", "Late", lambda: None, group="Late", shortcut="F7")
    assert window.shortcuts.keys("late.two") == (), "the user's key stands"


def test_the_sheet_lists_the_commands_and_the_table(window: Any, qtbot: Any) -> None:
    window.commands["help.keys"].trigger()
    (sheet,) = window.findChildren(KeysSheet)
    listed = {
        (group.text(0), group.child(n).text(0)): group.child(n).text(1)
        for group in sheet._groups.values()
        for n in range(group.childCount())
    }
    for row in key_rows():
        assert (row.where, row.does) in listed
    assert listed["Commands: Edit", "Search commands"] == "Ctrl+K"
    qtbot.keyClicks(sheet.search, "window level")
    seen = [
        g.child(n).text(1)
        for g in sheet._groups.values()
        for n in range(g.childCount())
        if not g.child(n).isHidden()
    ]
    assert seen == ["Right-drag"]
    titles = {
        Commands.title(window.commands[id]) for id in window.shortcuts.listed() if window.shortcuts.keys(id)
    }
    assert titles <= {what for _, what in listed}
    assert QApplication.activeWindow() is not None
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()
