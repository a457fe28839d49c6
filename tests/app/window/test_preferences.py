"""Preferences: applied at once, in step with the menus, checked, reset, kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from app.theme import DARK, LIGHT, current_theme
from app.window.preferences import RESTART, PreferencesDialog
from app.window.preferences_values import wanted_backend
from core.settings import Settings


@pytest.fixture
def dialog(window: Any) -> PreferencesDialog:
    window.commands["edit.preferences"].trigger()
    (made,) = window.findChildren(PreferencesDialog)
    return made


def pick(dialog: PreferencesDialog, key: str, value: Any) -> None:
    combo: Any = dialog.widgets[key]
    index = combo.findData(value)
    assert index >= 0
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def test_theme_and_text_change_at_once_and_follow_the_menu(window: Any, dialog: PreferencesDialog) -> None:
    before = QApplication.font().pixelSize()
    pick(dialog, "theme", "light")
    window.view.settle()
    assert current_theme() is LIGHT and window.commands["view.light"].isChecked()
    window.commands["view.dark"].trigger()
    window.view.settle()
    assert current_theme() is DARK and dialog.widgets["theme"].currentData() == "dark"
    pick(dialog, "text-scale", 1.5)
    window.view.settle()
    assert QApplication.font().pixelSize() == round(before * 1.5)
    window.commands["view.normal"].trigger()
    assert dialog.widgets["text-scale"].currentData() == 1.0
    pick(dialog, "theme", "system")
    window.view.settle()
    assert window.commands["view.system"].isChecked() and not window.commands["view.dark"].isChecked()
    dialog.reset_page()
    window.view.settle()
    assert window.commands["view.dark"].isChecked() and Settings().get("theme") is None


def test_conventions_follow_the_menu_and_the_views(
    window: Any, files: dict[str, Path], helper: Any, dialog: PreferencesDialog, qtbot: Any
) -> None:
    helper.open(window, files["volume"])
    pick(dialog, "convention", "neurological")
    assert window.centre.grid.convention == "neurological"
    assert window.commands["view.neurological"].isChecked()
    window.commands["view.radiological"].trigger()
    assert dialog.widgets["convention"].currentData() == "radiological"
    dialog.list.setCurrentRow(1)
    box: Any = dialog.widgets["nose-left"]
    box.click()
    assert not window.commands["view.nose-left"].isChecked()
    assert not window.centre.grid.views["sagittal"].intent.nose_left
    window.commands["view.nose-left"].trigger()
    assert box.isChecked()


def test_what_is_opened_comes_in_the_chosen_colours(
    window: Any, files: dict[str, Path], helper: Any, dialog: PreferencesDialog
) -> None:
    pick(dialog, "volume-map", "viridis")
    dialog.set("interpolate", False)
    helper.open(window, files["volume"])
    shown = window.workbench.current.display
    assert shown.colormap == "viridis" and not shown.interpolate


def test_a_wrong_number_says_why_and_is_not_kept(window: Any, dialog: PreferencesDialog, qtbot: Any) -> None:
    dialog.list.setCurrentRow(2)
    edit: Any = dialog.widgets["workers"]
    edit.clear()
    qtbot.keyClicks(edit, "99")
    assert window.workbench.settings.get("workers") in (None, 9)
    assert "from 1 to 64" in dialog.fields["workers"].note.text()
    edit.clear()
    qtbot.keyClicks(edit, "3")
    assert window.workbench.settings.get("workers") == 3
    assert RESTART in dialog.fields["workers"].note.text()
    edit.clear()
    qtbot.keyClicks(edit, "2")
    assert not dialog.fields["workers"].note.isVisible(), "as it was at the start"


def test_the_undo_limit_and_the_recent_list(
    window: Any, files: dict[str, Path], helper: Any, dialog: PreferencesDialog
) -> None:
    helper.open(window, files["mesh"], files["table"], files["volume"])
    dialog.set("recent-length", 1)
    assert window.workbench.settings.recent == [str(files["volume"])]
    assert dialog.clear_button.isEnabled()
    dialog.clear_button.click()
    assert window.workbench.settings.recent == [] and not dialog.clear_button.isEnabled()
    dialog.set("undo-limit", 10)
    id = window.workbench.selected
    for n in range(15):
        window.workbench.document.rename(id, f"name {n}")
    undone = 0
    while window.workbench.document.undo_label:
        window.items.undo()
        undone += 1
    assert undone == 10
    window.workbench.new_session()
    assert window.workbench.document.undo_limit == 10


def test_a_folder_that_is_none_is_refused(
    window: Any, dialog: PreferencesDialog, tmp_path: Path, qtbot: Any
) -> None:
    edit: Any = dialog.widgets["open-folder"]
    edit.setText(str(tmp_path / "nowhere"))
    edit.editingFinished.emit()
    assert "is no folder" in dialog.fields["open-folder"].note.text()
    assert window.workbench.settings.get("open-folder") is None
    edit.setText(str(tmp_path))
    edit.editingFinished.emit()
    assert window.workbench.settings.get("open-folder") == str(tmp_path)


def test_the_backend_of_the_settings_stands_below_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(tmp_path / "s.json")
    settings.set("viewport", "gl")
    assert wanted_backend(settings) == "auto", "EQUISCOPE_VIEWPORT is set in tests"
    monkeypatch.delenv("EQUISCOPE_VIEWPORT")
    assert wanted_backend(settings) == "gl"
    settings.set("viewport", "nonsense")
    assert wanted_backend(settings) == "auto"


def test_the_dialog_says_what_auto_chose(window: Any) -> None:
    window.centre.ensure_grid()
    window.show_preferences()
    (dialog,) = window.findChildren(PreferencesDialog)
    assert dialog.fields["viewport"].note.text() == "Now: image (EQUISCOPE_VIEWPORT)."
    window.show_preferences()
    assert len(window.findChildren(PreferencesDialog)) == 1, "one that is open comes to the front"
    dialog.close()
    window.commands["view.light"].trigger()  # nobody listens any more
    window.commands["view.dark"].trigger()
