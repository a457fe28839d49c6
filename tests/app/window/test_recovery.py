"""The window's journal, and the dialog that offers what crashed windows left."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.window.recovery.dialog import when_words
from core.data import Markup, Mesh
from core.display import default_display
from core.document import Item, new_id
from core.journal import crashed, recovery_folder
from core.journal._folders import is_skipped


@pytest.fixture
def crash(make_window: Any, qtbot: Any) -> Any:
    """Ends a window's journal as a crash would: everything put is on disk, the lock is free, nothing is tidied."""

    def crash(window: Any) -> None:
        journal, window.recovery.journal = window.recovery.journal, None
        window.recovery._timer.stop()
        assert journal.settle()
        assert journal.close(remove=False, timeout=10)

    return crash


def edited(window: Any, helper: Any, *paths: Path) -> list[str]:
    """Open, draw, compute, rename and hide; returns what the data tree shows."""
    window.recovery.start()
    helper.open(window, *paths)
    document = window.workbench.document
    line = Markup("line", [[0, 0, 0], [1, 2, 3]])
    document.add(Item(new_id(), "midline", line, display=default_display(line)))
    points = np.random.default_rng(0).normal(size=(30_000, 3)).astype(np.float32)
    mesh = Mesh(points, np.array([[0, 1, 2]], np.int32))
    document.add(Item(new_id(), "result", mesh, display=default_display(mesh)))
    document.rename(window.workbench.selected, "my own")
    window.data.toggle(window.workbench.selected)
    return helper.names(window)


def offered(window: Any, qtbot: Any) -> Any:
    """The dialog that a start shows."""
    window.recovery.look()
    qtbot.waitUntil(lambda: window.recovery.dialog is not None)
    return window.recovery.dialog


def test_after_a_crash_everything_comes_back_unsaved(
    make_window: Any, helper: Any, qtbot: Any, files: dict[str, Path], crash: Any
) -> None:
    first = make_window()
    names = edited(first, helper, files["mesh"], files["volume"])
    first.centre.choose_layout("axial")
    first.recovery._look_at_layout()
    crash(first)
    second = make_window()
    second.recovery.start()
    dialog = offered(second, qtbot)
    (entry,) = dialog.entries
    assert entry.title == f"{', '.join(names[:3])} and 1 more"
    assert "never saved" in entry.accessibleName() and "Open saved" not in entry.buttons
    assert dialog.focusWidget() is entry.buttons["Recover"] and not dialog.isModal()
    qtbot.keyClick(entry.buttons["Recover"], Qt.Key.Key_Return)
    helper.idle(second)
    assert helper.names(second) == names
    assert not second.cards.cards
    before = {i.name: i for i in first.workbench.document}
    for item in second.workbench.document:
        assert item.display == before[item.name].display and item.id == before[item.name].id
    result = next(i for i in second.workbench.document if i.name == "result")
    np.testing.assert_array_equal(result.data.points, before["result"].data.points)
    assert not second.workbench.document.is_clean and second.windowTitle().startswith("* untitled")
    assert second.centre.ensure_grid().layout_name == "axial"
    # Once it is in the new journal, the old one goes.
    qtbot.waitUntil(lambda: not dialog_paths(second) and len(list(recovery_folder().glob("2*"))) == 1)


def dialog_paths(window: Any) -> list[Path]:
    return [home.path for home, _, _ in window.recovery._taken]


def test_a_crash_in_the_middle_of_a_recovery_loses_nothing(
    make_window: Any, helper: Any, qtbot: Any, files: dict[str, Path], crash: Any
) -> None:
    first = make_window()
    names = edited(first, helper, files["mesh"])
    crash(first)
    second = make_window()
    (found,) = crashed(recovery_folder())
    second.recovery.recover(found)  # this window's journal has nothing on disk yet
    helper.idle(second)
    second.recovery.journal.close(remove=False)
    for home, _, _ in second.recovery._taken:
        home.release()
    second.recovery._taken.clear()
    assert len(list(recovery_folder().glob("2*"))) == 2 and crashed(recovery_folder()) == [found]
    third = make_window()
    third.recovery.recover(crashed(recovery_folder())[0])
    helper.idle(third)
    assert helper.names(third) == names


def test_saved_and_crashed_it_can_be_opened_as_saved(
    make_window: Any, helper: Any, qtbot: Any, files: dict[str, Path], crash: Any, tmp_path: Path
) -> None:
    first = make_window()
    names = edited(first, helper, files["mesh"])
    first.workbench.save_session(tmp_path / "work", first.layout_state())
    helper.idle(first)
    assert first.recovery.journal.settle()
    assert not crashed(recovery_folder())
    result = next(i for i in first.workbench.document if i.name == "result")
    assert not list(first.recovery.journal.folder.glob("blobs/*")), "the saved session holds it"
    first.workbench.document.rename(result.id, "after saving")
    crash(first)
    (found,) = crashed(recovery_folder())
    assert found.unsaved == 1 and found.session == str(tmp_path / "work.equiscope")
    second = make_window()
    entry = offered(second, qtbot).entries[0]
    assert entry.title == "work" and names[0] in entry.accessibleName()
    assert "1 edit since it was saved" in entry.accessibleName()
    second.recovery.recover(found)
    helper.idle(second)
    back = next(i for i in second.workbench.document if i.name == "after saving")
    np.testing.assert_array_equal(back.data.points, result.data.points)
    assert second.workbench.folder == tmp_path / "work.equiscope" and not second.workbench.document.is_clean
    assert not second.cards.cards

    qtbot.waitUntil(lambda: not second.recovery._taken and not found.path.exists())
    second.recovery.close()
    assert not crashed(recovery_folder())
    third = make_window()
    fourth = make_window()
    fourth.recovery.start()
    helper.open(fourth, tmp_path / "work.equiscope")
    fourth.workbench.document.rename(fourth.workbench.selected, "again")
    crash(fourth)
    dialog = offered(third, qtbot)
    qtbot.mouseClick(dialog.entries[0].buttons["Open saved"], Qt.MouseButton.LeftButton)
    helper.idle(third)
    assert helper.names(third) == names and third.workbench.document.is_clean


def test_what_was_saved_after_the_crash_is_not_overwritten_in_silence(
    make_window: Any,
    helper: Any,
    files: dict[str, Path],
    crash: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = make_window()
    first.recovery.start()
    helper.open(first, files["mesh"])
    folder = tmp_path / "work.equiscope"
    first.workbench.save_session(folder, first.layout_state())
    helper.idle(first)
    first.workbench.document.rename(first.workbench.selected, "before the crash")
    crash(first)
    second = make_window()  # skips it, and goes on with what was saved
    helper.open(second, folder)
    second.workbench.document.rename(second.workbench.selected, "since then")
    second.files.save()
    helper.idle(second)
    third = make_window()
    asked: list[str] = []
    monkeypatch.setattr(
        "app.window.dialogs.ask_about_conflict", lambda name, _p: asked.append(name) or "cancel"
    )
    third.recovery.recover(crashed(recovery_folder())[0])
    helper.idle(third)
    assert third.workbench.folder == folder
    third.files.save()
    helper.idle(third)
    assert asked == ["work.equiscope"] and "since then" in (folder / "session.json").read_text()
    assert not third.workbench.document.is_clean


def test_skip_is_remembered_and_delete_is_for_good(
    make_window: Any,
    helper: Any,
    qtbot: Any,
    files: dict[str, Path],
    crash: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = make_window()
    edited(first, helper, files["mesh"])
    crash(first)
    window = make_window()
    dialog = offered(window, qtbot)
    qtbot.mouseClick(dialog.entries[0].buttons["Skip"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.recovery.dialog is None)
    window.recovery._found.emit(crashed(recovery_folder()), False)
    assert window.recovery.dialog is None, "it was skipped"
    window.commands["file.recover"].trigger()
    qtbot.waitUntil(lambda: window.recovery.dialog is not None)
    dialog = window.recovery.dialog
    assert "skipped" in dialog.entries[0].accessibleName() and "Skip" not in dialog.entries[0].buttons
    monkeypatch.setattr("app.window.recovery.dialog.ask_to_delete", lambda *_: False)
    dialog.delete(dialog.entries[0])
    assert len(dialog.entries) == 1 and crashed(recovery_folder())
    monkeypatch.setattr("app.window.recovery.dialog.ask_to_delete", lambda *_: True)
    dialog.delete(dialog.entries[0])
    assert not dialog.entries and not crashed(recovery_folder())
    assert "nothing to recover" in dialog.heading.text()
    dialog.close()


def test_a_window_that_lives_is_not_offered_and_a_closed_one_leaves_nothing(
    make_window: Any, helper: Any, files: dict[str, Path]
) -> None:
    first, second = make_window(), make_window()
    edited(first, helper, files["mesh"])
    second.recovery.start()
    helper.open(second, files["table"])
    assert first.recovery.journal.settle() and second.recovery.journal.settle()
    assert len(list(recovery_folder().glob("2*"))) == 2
    assert not crashed(recovery_folder())
    first._closing = second._closing = True
    first.close()
    second.close()
    assert not [p for p in recovery_folder().iterdir() if p.is_dir()]


def test_one_session_in_two_windows_is_said(
    make_window: Any, helper: Any, qtbot: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    first, second = make_window(), make_window()
    for window in (first, second):
        window.recovery.start()
    helper.open(first, files["mesh"])
    first.workbench.save_session(tmp_path / "work", {})
    helper.idle(first)
    assert first.recovery.journal.settle()
    helper.open(second, tmp_path / "work.equiscope")
    qtbot.waitUntil(lambda: bool(second.cards.cards))
    assert "work is open in another window as well" in second.cards.cards[0].problem.text
    assert not first.cards.cards


def test_a_new_session_is_followed(make_window: Any, helper: Any, files: dict[str, Path]) -> None:
    window = make_window()
    edited(window, helper, files["mesh"])
    window.workbench.new_session()
    assert window.recovery.journal.settle()
    from core.journal import replay

    assert not replay(window.recovery.journal.folder).entries
    helper.open(window, files["table"])
    assert window.recovery.journal.settle()
    found = replay(window.recovery.journal.folder)
    assert [e["tree"]["name"] for e in found.entries_in_order] == ["numbers"]
    assert not found.last["clean"] and found.last["unsaved"] == 1


def test_a_missing_source_is_looked_for_and_the_rest_comes_back(
    make_window: Any, helper: Any, files: dict[str, Path], crash: Any, qtbot: Any
) -> None:
    first = make_window()
    names = edited(first, helper, files["mesh"], files["table"])
    crash(first)
    files["table"].unlink()
    second = make_window()
    (found,) = crashed(recovery_folder())
    second.recovery.start()
    asked: list[bool] = []
    second.workbench.sessions.incomplete.connect(lambda: asked.append(True))
    second.recovery.recover(found)
    helper.idle(second)
    assert helper.names(second) == names and asked == [True] and not second.cards.cards
    assert [i.source.path for i in second.workbench.sessions.missing] == [str(files["table"])]
    qtbot.waitUntil(lambda: not found.path.exists())  # the new journal knows as much


def test_what_does_not_come_back_whole_is_kept(
    make_window: Any, helper: Any, files: dict[str, Path], crash: Any, qtbot: Any
) -> None:
    first = make_window()
    edited(first, helper, files["mesh"])
    folder = first.recovery.journal.folder
    crash(first)
    (blob,) = folder.glob("blobs/*")
    blob.unlink()
    second = make_window()
    second.recovery.start()
    second.recovery.recover(crashed(recovery_folder())[0])
    helper.idle(second)
    assert [c.problem.text.partition(":")[0] for c in second.cards.cards] == ["result is left out"]
    assert "midline" in helper.names(second)
    qtbot.waitUntil(lambda: not second.recovery._taken)
    (kept,) = crashed(recovery_folder())
    assert kept.path == folder and kept.skipped


def test_trouble_is_one_card_that_goes_when_it_is_over(
    make_window: Any,
    helper: Any,
    qtbot: Any,
    files: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.journal._writer.RETRY", 0.1)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "recovery").write_text("no folder")
    window = make_window()
    window.recovery.start()
    helper.open(window, files["mesh"])
    qtbot.waitUntil(lambda: bool(window.cards.cards))
    window.workbench.document.rename(window.workbench.selected, "twice")
    window.workbench.new_session()  # takes the cards away
    qtbot.waitUntil(lambda: bool(window.cards.cards))
    assert len(window.cards.cards) == 1
    text = window.cards.cards[0].problem.text
    assert text.startswith("Edits are not kept for a recovery: ") and "Save the session" in text
    helper.open(window, files["table"])
    (tmp_path / "state" / "recovery").unlink()
    qtbot.waitUntil(lambda: not window.cards.cards)
    assert window.recovery.journal.settle()
    from core.journal import replay

    (entry,) = replay(window.recovery.journal.folder).entries_in_order
    assert entry["tree"]["name"] == "numbers"


def test_a_drag_is_a_few_records_and_one_edit(make_window: Any, helper: Any, files: dict[str, Path]) -> None:
    from dataclasses import replace

    window = make_window()
    window.recovery.start()
    helper.open(window, files["volume"])
    id, document = window.workbench.selected, window.workbench.document
    for n in range(200):
        document.set_display(id, replace(document[id].display, level=float(n)), "level#1")
    assert window.recovery.journal.settle()
    from core.journal import replay
    from core.journal._frames import read_frames

    found = replay(window.recovery.journal.folder)
    assert found.last["unsaved"] == 2 and found.last["label"] == "Level"
    assert found.entries[id]["tree"]["display"]["level"] == 199.0
    (path,) = window.recovery.journal.folder.glob("journal-*.log")
    assert len(read_frames(path)[0]) < 150


def test_moments_in_words() -> None:
    assert when_words(1000.0, 1010.0) == "a moment ago"
    assert when_words(1000.0, 1000.0 + 60) == "a minute ago"
    assert when_words(1000.0, 1000.0 + 600) == "10 minutes ago"
    assert when_words(0.0, 86400.0 * 400) != when_words(86400.0, 86400.0 * 400)


def test_later_asks_again_at_the_next_start(
    make_window: Any, helper: Any, qtbot: Any, files: dict[str, Path], crash: Any
) -> None:
    first = make_window()
    edited(first, helper, files["mesh"])
    crash(first)
    for _ in range(2):
        window = make_window()
        window.recovery.start()
        dialog = offered(window, qtbot)
        assert len(dialog.entries) == 1
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda window=window: window.recovery.dialog is None)  # type: ignore[misc]
        assert not len(window.workbench.document)


def test_what_the_user_discards_is_not_offered_though_the_disk_stands_still(
    window: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.recovery.start()
    journal = window.recovery.journal
    assert journal.settle()
    writing, go_on = threading.Event(), threading.Event()

    def flush(_handle: int) -> None:
        writing.set()
        go_on.wait(20)

    monkeypatch.setattr("core.journal._writer.flush", flush)
    monkeypatch.setattr("app.window.recovery.recovery.CLOSING_SECONDS", 0.05)
    window.workbench.document.add(Item(new_id(), "not wanted"))
    assert writing.wait(20)
    folder = journal.folder
    window.recovery.close()
    try:
        assert is_skipped(folder)
    finally:
        go_on.set()
    qtbot.waitUntil(lambda: not folder.exists())


def test_cancelled_or_asked_in_vain_it_is_still_there(
    make_window: Any,
    helper: Any,
    qtbot: Any,
    files: dict[str, Path],
    crash: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = make_window()
    edited(first, helper, files["mesh"])
    crash(first)
    window = make_window()
    window.recovery.start()
    (found,) = crashed(recovery_folder())
    helper.open(window, files["table"])
    window._ask = True
    monkeypatch.setattr("app.window.dialogs.ask_to_save", lambda *_: "cancel")
    window.recovery.recover(found)
    helper.idle(window)
    assert helper.names(window) == ["numbers"] and crashed(recovery_folder()) == [found]
    window.recovery.open_saved(found)
    assert crashed(recovery_folder()) == [found], "not skipped: she did not go there"
    # A job that fails lets it go, too.
    monkeypatch.setattr("app.window.dialogs.ask_to_save", lambda *_: "discard")
    log = next(found.path.glob("journal-*.log"))
    content = log.read_bytes()
    log.write_bytes(b"nothing")
    window.recovery.recover(found)
    helper.idle(window)
    assert helper.names(window) == ["numbers"] and "can be read" in window.cards.cards[0].problem.text
    log.write_bytes(content)
    window.recovery.recover(found)
    helper.idle(window)
    assert "midline" in helper.names(window)


def test_a_little_picture_is_taken_and_shown(
    make_window: Any, helper: Any, qtbot: Any, files: dict[str, Path], crash: Any
) -> None:
    first = make_window()
    edited(first, helper, files["volume"])
    qtbot.waitUntil(lambda: first.centre.shown_grid is not None)
    first.centre.grid.wait(20)
    folder = first.recovery.journal.folder

    def taken() -> bool:
        first.recovery._look_at_layout()
        return (folder / "picture.png").exists()

    qtbot.waitUntil(taken)
    crash(first)
    second = make_window()
    entry = offered(second, qtbot).entries[0]
    shown = entry.picture.pixmap().toImage()
    pixels = {shown.pixel(x, y) for x in range(0, shown.width(), 3) for y in range(0, shown.height(), 3)}
    assert len(pixels) > 20, "the brain is to be seen"
    second.recovery.dialog.close()
