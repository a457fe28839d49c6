"""Files of a session that are missing: told in the tree, listed in a dialog, found again, never lost by saving."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from app.window.locate_dialog import LocateDialog
from core.data import Markup
from core.display import MarkupDisplay
from core.document import Item


@pytest.fixture
def moved(make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path) -> Path:
    """A session with a volume (and a markup below it), a mesh and a table, whose files have been moved away."""
    window = make_window()
    here = tmp_path / "data"
    here.mkdir()
    paths = [Path(shutil.copy(files[k], here)) for k in ("volume", "mesh", "table")]
    helper.open(window, *paths)
    head = next(i for i in window.workbench.document if i.name == "head")
    window.workbench.document.add(
        Item("mark", "mark", Markup("points", [[1, 2, 3]]), head.id, display=MarkupDisplay())
    )
    window.centre.grid.set_cursor((4.0, 5.0, 6.0))
    window.workbench.save_session(tmp_path / "work", window.layout_state())
    helper.idle(window)
    (tmp_path / "new place").mkdir()
    shutil.move(here, tmp_path / "new place" / "data")
    return tmp_path / "work.equiscope"


def dialog_of(window: Any) -> LocateDialog:
    (dialog,) = [d for d in window.findChildren(LocateDialog) if d.isVisible()]
    return dialog


def rows(dialog: LocateDialog) -> list[tuple[str, ...]]:
    tree = dialog.tree
    return [
        tuple(tree.topLevelItem(n).text(c) for c in range(3))  # type: ignore[union-attr]
        for n in range(tree.topLevelItemCount())
    ]


def test_missing_items_are_listed_told_and_kept(moved: Path, make_window: Any, helper: Any) -> None:
    window = make_window()
    before = json.loads((moved / "session.json").read_text())
    helper.open(window, moved)
    dialog = dialog_of(window)
    assert [r[:2] for r in rows(dialog)] == [
        ("head", "head.nii.gz"),
        ("tetra", "tetra.ply"),
        ("numbers", "numbers.csv"),
    ]
    assert all(r[2] == f"no longer in {moved.parent / 'data'}" for r in rows(dialog))
    assert dialog.done_button.text() == "Open without them" and not window.cards.cards
    head = next(i for i in window.workbench.document if i.name == "head")
    row = window.data.tree.row_of(head.id)
    said = row.data(0, Qt.ItemDataRole.AccessibleTextRole)
    assert "missing" in said and "volume" in said and "is not where it was" in row.toolTip(0)
    assert window.workbench.document["mark"].parent == head.id
    window.workbench.select(head.id)
    assert "its file is missing" in window.commands["file.export"].toolTip().lower()
    dialog.done_button.click()
    helper.qtbot.waitUntil(lambda: not window.findChildren(LocateDialog))
    window.workbench.document.rename(head.id, "brain")
    window.workbench.save_session(moved, window.layout_state())
    helper.idle(window)
    after = json.loads((moved / "session.json").read_text())
    assert [e.get("source") for e in after["items"]] == [e.get("source") for e in before["items"]]
    assert after["layout"]["viewports"] == before["layout"]["viewports"], "views of what cannot be drawn now"
    assert after["items"][0]["name"] == "brain"
    window.commands["data.locate"].trigger()
    assert len(rows(dialog_of(window))) == 3


def test_showing_one_file_finds_all_as_one_edit(
    moved: Path, make_window: Any, helper: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = make_window()
    helper.open(window, moved)
    dialog = dialog_of(window)
    place = tmp_path / "new place" / "data" / "head.nii.gz"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a, **_k: (str(place), ""))
    helper.qtbot.mouseClick(dialog.one, Qt.MouseButton.LeftButton)
    helper.idle(window)
    helper.qtbot.waitUntil(lambda: not window.findChildren(LocateDialog))
    document = window.workbench.document
    assert all(i.missing is None for i in document) and document.undo_label == "Locate 3 files"
    assert window.centre.grid.cursor_position == (4.0, 5.0, 6.0)
    assert window.commands["data.locate"].isEnabled() is False
    document.undo()
    assert len(window.workbench.sessions.missing) == 3 and document.is_clean
    document.redo()
    window.workbench.save_session(moved, window.layout_state())
    helper.idle(window)
    again = make_window()
    helper.open(again, moved)
    assert not again.findChildren(LocateDialog) and not again.cards.cards


def test_a_folder_finds_them_and_cancelling_finds_nothing(
    moved: Path, make_window: Any, helper: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = make_window()
    helper.open(window, moved)
    dialog = dialog_of(window)
    answers = ["", str(tmp_path / "config"), str(tmp_path / "new place")]
    Path(answers[1]).mkdir(exist_ok=True)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: answers.pop(0))
    for left in (3, 3, 0):
        helper.qtbot.mouseClick(dialog.folder, Qt.MouseButton.LeftButton)
        helper.idle(window)
        assert len(window.workbench.sessions.missing) == left
        if len(answers) == 1:
            assert dialog.note.text() == "None of them is there." and dialog.one.isEnabled()


def test_another_file_is_used_only_if_she_says_so(
    moved: Path, make_window: Any, helper: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = make_window()
    helper.open(window, moved)
    dialog = dialog_of(window)
    data = tmp_path / "new place" / "data"
    (data / "numbers.csv").write_text("name,x,y\nb,1,2.5\n")
    dialog.look(data / "head.nii.gz", dialog.chosen)
    helper.idle(window)
    ((name, _file, words),) = rows(dialog)
    assert name == "numbers" and words == "numbers.csv is another file than the one that was saved"
    (item,) = window.workbench.sessions.missing
    assert dialog.use.isVisible() and dialog.use.isEnabled()
    helper.qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    table = window.workbench.document[item.id].data
    assert len(table.columns["x"]) == 1 and not window.workbench.sessions.missing


def test_a_changed_file_is_told_and_its_original_may_be_shown(
    make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    window = make_window()
    helper.open(window, files["table"])
    id = window.workbench.selected
    window.workbench.save_session(tmp_path / "work", window.layout_state())
    helper.idle(window)
    shutil.move(files["table"], tmp_path / "original.csv")
    files["table"].write_text("name,x,y\nz,9,9\n")
    window = make_window()
    helper.open(window, tmp_path / "work.equiscope")
    (card,) = window.cards.cards
    assert card.problem.text.startswith("numbers has changed: numbers.csv is not the file")
    ((words, locate),) = card.problem.choices
    assert words == "Locate…"
    locate()
    dialog = dialog_of(window)
    assert "changed since the session was saved" in rows(dialog)[0][2]
    dialog.look(tmp_path / "original.csv", id)
    helper.idle(window)
    assert len(window.workbench.document[id].data.columns["x"]) == 3
    helper.qtbot.waitUntil(lambda: not window.findChildren(LocateDialog))


def test_another_session_takes_the_dialog_with_it(moved: Path, make_window: Any, helper: Any) -> None:
    window = make_window()
    helper.open(window, moved)
    dialog_of(window)
    window.workbench.new_session()
    helper.qtbot.waitUntil(lambda: not window.findChildren(LocateDialog))
    assert not window.workbench.sessions.missing


def test_the_list_is_made_anew_only_for_what_it_lists(moved: Path, make_window: Any, helper: Any) -> None:
    window = make_window()
    helper.open(window, moved)
    dialog, document = dialog_of(window), window.workbench.document
    row = dialog.tree.topLevelItem(0)
    document.rename("mark", "another")
    assert dialog.tree.topLevelItem(0) is row
    document.rename(dialog.chosen, "brain")
    assert rows(dialog)[0][0] == "brain"
    document.remove(dialog.chosen)
    assert [r[0] for r in rows(dialog)] == ["tetra", "numbers"]
    document.undo()
    assert [r[0] for r in rows(dialog)] == ["brain", "tetra", "numbers"]
