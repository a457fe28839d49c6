"""Sessions: saving, reopening, and what happens to changes that are not saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest


def test_saved_and_reopened_it_is_the_same(
    window: Any, make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    helper.open(window, files["volume"], files["mesh"], files["table"])
    mesh = next(i for i in window.workbench.document if i.name == "tetra")
    window.workbench.document.rename(mesh.id, "my shape")
    window.data.toggle(mesh.id)
    window.view.set_layout("axial")
    assert window.windowTitle() == "* untitled — Equiscope"
    window.workbench.save_session(tmp_path / "work", window.layout_state())
    helper.idle(window)
    folder = tmp_path / "work.equiscope"
    assert (folder / "session.json").is_file()
    json.loads((folder / "session.json").read_text())
    assert window.windowTitle() == "work — Equiscope"
    assert window.workbench.settings.recent[0] == str(folder)

    other = make_window()
    helper.open(other, folder)
    assert not other.cards.cards
    assert helper.names(other) == ["head", "my shape", "numbers"]
    assert [i.id for i in other.workbench.document] == [i.id for i in window.workbench.document]
    assert other.workbench.document[mesh.id].display.visible is False
    assert other.centre.grid.layout_name == "axial"
    assert other.workbench.document.is_clean and not other.workbench.document.undo_label
    assert other.windowTitle() == "work — Equiscope"


def test_results_are_saved_too(
    fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    window = make_window()
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    description = window.workbench.descriptions["fake.everything"]
    window.workbench.run(description, [window.workbench.selected], {})
    helper.idle(window)
    window.workbench.save_session(tmp_path / "run.equiscope", window.layout_state())
    helper.idle(window)
    names = helper.names(window)
    record = dict(window.workbench.current.record)
    other = make_window()
    helper.open(other, tmp_path / "run.equiscope")
    assert helper.names(other) == names
    group = next(i for i in other.workbench.document if i.name == "Everything of tetra")
    assert json.dumps(dict(group.record), sort_keys=True) == json.dumps(record, sort_keys=True)
    other.workbench.select(group.id)
    assert other.results.group == group.id
    helper.idle(other)
    assert len(other.results._figures) == 5


def test_an_edit_while_saving_leaves_the_document_unsaved(
    window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    helper.open(window, files["mesh"])
    window.workbench.save_session(tmp_path / "work", {})
    # The job is done, its answer still waits in the queue.
    window.workbench.document.rename(window.workbench.selected, "later")
    helper.idle(window)
    assert not window.workbench.document.is_clean


def test_a_session_that_is_none_is_a_card(window: Any, helper: Any, tmp_path: Path) -> None:
    folder = tmp_path / "no.equiscope"
    folder.mkdir()
    helper.open(window, folder)
    (card,) = window.cards.cards
    assert "no.equiscope" in card.problem.text or "session" in card.problem.text.lower()
    assert "Traceback" not in card.problem.text


@pytest.mark.parametrize(("answer", "closed"), [("discard", True), ("cancel", False), ("save", True)])
def test_closing_with_changes_asks(
    window: Any,
    files: dict[str, Path],
    helper: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    closed: bool,
) -> None:
    from app.window import dialogs

    helper.open(window, files["mesh"])
    window.workbench.folder = tmp_path / "kept.equiscope"
    window._ask = True
    asked = []
    monkeypatch.setattr(dialogs, "ask_to_save", lambda name, *_more: asked.append(name) or answer)
    window.close()
    helper.qtbot.waitUntil(lambda: window.isVisible() is not closed)
    assert asked == ["kept"]
    assert (tmp_path / "kept.equiscope").is_dir() is (answer == "save")


def test_saving_waits_for_no_analysis(
    fake_plugin: Path, worker_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    window = worker_window
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    slow = window.workbench.run(
        window.workbench.descriptions["fake.slow"], [window.workbench.selected], {"seconds": 60.0}
    )
    helper.qtbot.waitUntil(lambda: bool(slow.curves), timeout=20_000)
    save = window.workbench.save_session(tmp_path / "work", {})
    helper.qtbot.waitUntil(lambda: save.over, timeout=30_000)
    assert (tmp_path / "work.equiscope" / "session.json").is_file() and not slow.over
    slow.cancel()
    helper.idle(window)


def test_unsaved_changes_and_jobs_are_one_question(
    fake_plugin: Path,
    worker_window: Any,
    files: dict[str, Path],
    helper: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from PySide6.QtWidgets import QMessageBox

    window = worker_window
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    window.workbench.run(window.workbench.descriptions["fake.slow"], [window.workbench.selected], {})
    window._ask = True
    asked: list[str] = []

    def answer(box: QMessageBox) -> int:
        asked.append(box.informativeText())
        return int(QMessageBox.StandardButton.Cancel)

    monkeypatch.setattr(QMessageBox, "exec", answer)
    window.close()
    assert len(asked) == 1 and asked[0].endswith("A job is still at work and will be cancelled.")
    assert window.isVisible() and not window.workbench.tasks[-1].over


def test_closing_without_changes_does_not_ask(window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.window import dialogs

    window._ask = True
    monkeypatch.setattr(dialogs, "ask_to_save", lambda *_all: pytest.fail("asked"))
    window.close()
    assert not window.isVisible()


def test_a_new_session_closes_everything(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["volume"], files["table"])
    window.commands["file.new"].trigger()
    assert not len(window.workbench.document)
    assert window.centre.stack.currentWidget() is window.start
    assert window.centre.grid.items == ()
    assert window.workbench.document.is_clean


def test_the_window_remembers_how_it_was(window: Any, make_window: Any) -> None:
    window.docks["log"].show()
    window.docks["jobs"].hide()
    window.close()
    again = make_window()
    assert not again.docks["log"].isHidden()
    assert again.docks["jobs"].isHidden()
    again.reset_layout()
    assert again.docks["log"].isHidden() and not again.docks["jobs"].isHidden()


def test_a_new_session_looks_anew(window: Any, helper: Any, files: dict[str, Path]) -> None:
    helper.open(window, files["volume"])
    grid = window.centre.grid
    view = grid.views["3d"]
    view.set_intent(camera=replace(view.resolved().camera, position=(9e5, 0.0, 0.0)))
    grid.views["axial"].set_intent(zoom=5.0)
    window.workbench.new_session()
    helper.open(window, files["mesh"])
    assert view.intent.camera is None and grid.views["axial"].intent.zoom == 1.0
