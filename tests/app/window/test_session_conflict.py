"""Two windows on one session: neither overwrites the other in silence; backups and copies to share."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QFileDialog

from app.window import dialogs


@pytest.fixture
def two(make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path) -> tuple[Any, Any, Path]:
    """Two windows on the same session, of which the second has saved it since."""
    first, second = make_window(), make_window()
    helper.open(first, files["mesh"])
    first.workbench.save_session(tmp_path / "work", first.layout_state())
    helper.idle(first)
    folder = tmp_path / "work.equiscope"
    helper.open(second, folder)
    second.workbench.document.rename(second.workbench.selected, "hers")
    second.files.save()
    helper.idle(second)
    first.workbench.document.rename(first.workbench.selected, "mine")
    return first, second, folder


def name_in(folder: Path) -> str:
    return str(json.loads((folder / "session.json").read_text())["items"][0]["name"])


@pytest.mark.parametrize("answer", ["cancel", "overwrite", "save-as"])
def test_what_another_window_saved_is_asked_about(
    two: tuple[Any, Any, Path], helper: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str
) -> None:
    first, _second, folder = two
    asked: list[str] = []
    monkeypatch.setattr(dialogs, "ask_about_conflict", lambda name, _parent: asked.append(name) or answer)
    other = tmp_path / "other.equiscope"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(other), ""))
    first.files.save()
    helper.idle(first)
    assert asked == ["work.equiscope"] and not first.cards.cards
    assert name_in(folder) == ("mine" if answer == "overwrite" else "hers")
    assert other.exists() is (answer == "save-as")
    assert first.workbench.document.is_clean is (answer != "cancel")
    if answer == "overwrite":
        first.workbench.document.rename(first.workbench.selected, "mine again")
        first.files.save()
        helper.idle(first)
        assert asked == ["work.equiscope"] and name_in(folder) == "mine again", "asked once"
        assert name_in(folder.with_name("work.equiscope.bak")) == "mine"


def test_closing_with_save_stays_open_when_the_conflict_is_cancelled(
    two: tuple[Any, Any, Path], helper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, folder = two
    monkeypatch.setattr(dialogs, "ask_about_conflict", lambda *_all: "cancel")
    monkeypatch.setattr(dialogs, "ask_to_save", lambda *_all: "save")
    first._ask = True
    first.close()
    helper.idle(first)
    assert first.isVisible() and not first.workbench.document.is_clean and name_in(folder) == "hers"
    first._ask = False


@pytest.mark.parametrize("answer", ["overwrite", "save-as"])
def test_closing_with_save_closes_when_the_conflict_is_settled(
    two: tuple[Any, Any, Path],
    helper: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    answer: str,
) -> None:
    first, _, folder = two

    def ask(*_all: Any) -> str:
        qtbot.wait(20)  # as a dialog does, which runs a loop of its own
        return answer

    other = tmp_path / "other.equiscope"
    monkeypatch.setattr(dialogs, "ask_about_conflict", ask)
    monkeypatch.setattr(dialogs, "ask_to_save", lambda *_all: "save")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(other), ""))
    first._ask = True
    first.close()
    qtbot.waitUntil(lambda: not first.isVisible(), timeout=10_000)
    assert name_in(folder if answer == "overwrite" else other) == "mine"


def test_a_session_deleted_meanwhile_is_saved_anew(two: tuple[Any, Any, Path], helper: Any) -> None:
    first, _, folder = two
    shutil.rmtree(folder)
    first.files.save()
    helper.idle(first)
    assert name_in(folder) == "mine"


def test_the_one_before_is_offered_when_the_session_is_damaged(
    two: tuple[Any, Any, Path], make_window: Any, helper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, folder = two
    (folder / "session.json").write_text("{")
    window = make_window()
    helper.open(window, folder)
    (card,) = window.cards.cards
    ((words, run),) = card.problem.choices
    assert words == "Open the one before"
    run()
    helper.idle(window)
    assert helper.names(window) == ["tetra"] and window.workbench.folder == folder
    asked: list[str] = []
    monkeypatch.setattr(dialogs, "ask_about_conflict", lambda name, _parent: asked.append(name) or "cancel")
    window.workbench.document.rename(window.workbench.selected, "x")
    window.files.save()
    helper.idle(window)
    assert asked, "what is in the session's place is not what was opened"


def test_a_copy_to_share_opens_without_its_files(
    window: Any,
    make_window: Any,
    files: dict[str, Path],
    helper: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helper.open(window, files["volume"], files["mesh"])
    place = tmp_path / "shared"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(place), ""))
    window.commands["file.share"].trigger()
    helper.idle(window)
    copy = tmp_path / "shared.equiscope"
    assert str(tmp_path) not in (copy / "session.json").read_text()
    assert window.workbench.folder is None and not window.workbench.document.is_clean
    for key in ("volume", "mesh"):
        files[key].unlink()
    other = make_window()
    helper.open(other, copy)
    assert helper.names(other) == ["head", "tetra"] and not other.cards.cards
    assert all(i.data is not None for i in other.workbench.document)
    window.workbench.folder = copy
    window.commands["file.share"].trigger()
    assert "is the session that is open" in window.cards.cards[-1].problem.text
