"""Opening files: by menu, drop, folder, recent list; what is wrong is one sentence on one card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication

from app.window.kinds import centre_of


def drop(window: Any, *paths: Path) -> QDropEvent:
    """What Qt sends when files are dragged onto a window and let go."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(p)) for p in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    place = QPointF(300, 300)
    enter = QDragEnterEvent(place.toPoint(), Qt.DropAction.CopyAction, mime, buttons, keys)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    event = QDropEvent(place, Qt.DropAction.CopyAction, mime, buttons, keys)
    window.dropEvent(event)
    return event


def test_an_empty_window_shows_the_start_page(window: Any) -> None:
    assert window.centre.stack.currentWidget() is window.start
    assert window.centre.grid is None
    assert window.windowTitle() == "untitled — Equiscope"
    assert not window.commands["file.save"].isEnabled()


@pytest.mark.parametrize(
    ("key", "view", "name"),
    [
        ("volume", "ViewportGrid", "head"),
        ("mesh", "ViewportGrid", "tetra"),
        ("table", "TableView", "numbers"),
        ("checkpoint", "CheckpointView", "weights"),
    ],
)
def test_a_file_opens_in_the_view_of_its_kind(
    window: Any, files: dict[str, Path], helper: Any, key: str, view: str, name: str
) -> None:
    helper.open(window, files[key])
    assert helper.names(window)[0] == name
    assert type(window.centre.stack.currentWidget()).__name__ == view
    assert window.workbench.current.name == name
    assert window.workbench.settings.recent == [str(files[key])]
    assert window.windowTitle().startswith("* untitled")
    assert not window.cards.cards


def test_several_files_dropped_open_one_by_one(window: Any, files: dict[str, Path], helper: Any) -> None:
    drop(window, files["volume"], files["mesh"], files["table"])
    helper.idle(window)
    assert sorted(helper.names(window)) == ["head", "numbers", "tetra"]
    assert len(window.workbench.document._done) == 3


def test_a_dropped_folder_opens_what_is_in_it(
    window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    for key in ("mesh", "table"):
        files[key].rename(folder / files[key].name)
    (folder / "notes.unknown").write_text("nothing to see")
    drop(window, folder)
    helper.idle(window)
    assert sorted(helper.names(window)) == ["numbers", "tetra"]


def test_a_layout_fits_what_was_opened_first(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["mesh"])
    assert window.centre.grid.layout_name == "3d"
    helper.open(window, files["volume"])
    assert window.centre.grid.layout_name == "four"
    assert window.commands["view.layout-four"].isChecked()


def test_what_lies_elsewhere_comes_into_view(
    window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    helper.open(window, files["volume"])
    near = tuple(window.centre.grid.cursor_position)
    helper.open(window, files["mesh"])
    assert tuple(window.centre.grid.cursor_position) != near, (
        "the small mesh does not hold the volume's middle"
    )
    window.centre.grid.set_cursor(near)
    far = tmp_path / "far.ply"
    points = "5000 0 0\n5001 0 0\n5000 1 0\n5000 0 1\n"
    far.write_text(files["mesh"].read_text().replace("0 0 0\n1 0 0\n0 1 0\n0 0 1\n", points))
    helper.open(window, far)
    assert window.centre.grid.cursor_position[0] > 1000
    here = tuple(window.centre.grid.cursor_position)
    helper.open(window, far)
    assert tuple(window.centre.grid.cursor_position) == here, "what is in view already moves nothing"


def test_the_users_layout_stays(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["mesh"])
    window.view.set_layout("axial")
    helper.open(window, files["volume"])
    assert window.centre.grid.layout_name == "axial"


def test_a_broken_file_is_one_card_however_often(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["broken"])
    helper.open(window, files["broken"])
    (card,) = window.cards.cards
    assert "broken.nii.gz" in card.problem.text
    assert card.problem.text.endswith(".")
    assert "\n" not in card.problem.text and "Traceback" not in card.problem.text
    assert card.count == 2 and card.number.text() == "2 ×"
    assert not len(window.workbench.document)
    card.copy_button.click()
    assert card.problem.text in QGuiApplication.clipboard().text()
    window.cards.remove(card)
    assert not window.cards.cards and not window.cards.isVisible()


def test_a_missing_file_says_so(window: Any, helper: Any, tmp_path: Path) -> None:
    helper.open(window, tmp_path / "gone.ply")
    assert "gone.ply does not exist" in window.cards.cards[0].problem.text


def test_only_the_newest_cards_stay(
    window: Any, helper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.window.cards.SECONDS", 0.0)  # none of them counts as having come at once
    helper.open(window, *(tmp_path / f"gone{n}.ply" for n in range(6)))
    assert [c.problem.text.split()[0] for c in window.cards.cards] == [f"gone{n}.ply" for n in (2, 3, 4, 5)]


def test_a_tie_asks_which_reader(fake_plugin: Path, make_window: Any, helper: Any, tmp_path: Path) -> None:
    window = make_window()
    path = tmp_path / "some.twice"
    path.write_text("x")
    helper.open(window, path)
    (card,) = window.cards.cards
    assert [words for words, _ in card.problem.choices] == ["First reading", "Second reading"]
    card.problem.choices[1][1]()
    helper.idle(window)
    assert helper.names(window) == ["second"]


def test_open_as_takes_the_reader_it_names(
    fake_plugin: Path, make_window: Any, helper: Any, files: dict[str, Path]
) -> None:
    window = make_window()
    window.open_paths([str(files["table"])], "fake.first")
    helper.idle(window)
    assert helper.names(window) == ["first"]
    assert "open-as.fake.first" in window.commands


def test_recent_files_are_a_menu_and_commands(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["mesh"])
    helper.open(window, files["table"])
    window.menus.refresh_recent()
    texts = [a.text() for a in window.menus.recent.actions()]
    assert texts[:2] == ["numbers.csv", "tetra.ply"]
    window.commands["recent.1"].trigger()
    helper.idle(window)
    assert helper.names(window) == ["tetra", "numbers", "tetra"]
    window.files.clear_recent()
    window.menus.refresh_recent()
    assert not window.menus.recent.isEnabled()


def test_samples_that_lack_something_say_what(fake_plugin: Path, make_window: Any) -> None:
    window = make_window()
    action = window.commands["sample.fake.lacking-sample"]
    assert not action.isEnabled()
    assert "pip install equiscope[more]" in action.toolTip()


def test_a_sample_opens_and_is_not_listed_as_a_file(window: Any, helper: Any) -> None:
    sample = next(s for s in window.workbench.host.samples if s.id == "scans.ring")
    window.workbench.open_sample(sample)
    helper.idle(window)
    assert window.workbench.current.source.path == "sample:scans.ring"
    assert window.workbench.settings.recent == []
    assert centre_of(window.workbench.current) == "viewports"


def test_what_is_open_shows_where_the_pointer_is(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["volume"])
    window.centre.grid.set_cursor((4.0, 4.0, 4.0))
    helper.qtbot.waitUntil(lambda: "voxel 2, 2, 2" in window.status.position.text())
    assert "value" in window.status.position.text()


def test_views_of_closed_items_go(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["table"])
    window.items.close_item()
    assert window.centre.stack.currentWidget() is window.start
    window.items.undo()
    assert type(window.centre.stack.currentWidget()).__name__ == "TableView"


def test_a_folder_opens_in_the_order_of_its_names(worker_window: Any, tmp_path: Path, helper: Any) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(12):
        rows = "1,2\n" * (40_000 if n == 0 else 1)  # the first takes longest
        (folder / f"t{n:02d}.csv").write_text("a,b\n" + rows)
    helper.open(worker_window, folder)
    helper.idle(worker_window)
    assert helper.names(worker_window) == [f"t{n:02d}" for n in range(12)]


def test_a_file_that_cannot_be_read_holds_up_none(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["broken"], files["mesh"], files["broken"], files["table"])
    assert helper.names(window) == ["tetra", "numbers"]


def test_a_long_name_does_not_widen_the_window(
    window: Any, files: dict[str, Path], tmp_path: Path, helper: Any
) -> None:
    long = tmp_path / f"{'a_long_name_' * 18}.ply"
    long.write_bytes(files["mesh"].read_bytes())
    helper.open(window, long)
    assert window.status.minimumSizeHint().width() < 700
    assert len(window.status.undo.text()) < 70
    assert len(window.commands["edit.undo"].text()) < 70


def test_the_recent_menu_can_be_opened_once_there_is_something(
    window: Any, files: dict[str, Path], helper: Any
) -> None:
    assert not window.menus.recent.isEnabled()
    helper.open(window, files["mesh"])
    assert window.menus.recent.isEnabled()
    assert "tetra.ply" in [a.text() for a in window.menus.recent.actions()]
    assert "recent.0" in window.commands


def test_a_new_session_begins_afresh(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["mesh"], files["broken"])
    assert window.cards.cards
    window.workbench.new_session()
    assert not window.cards.cards
    assert window.analysis.form is None


def test_the_job_of_a_sample_bears_its_title(window: Any) -> None:
    sample = window.workbench.host.samples[0]
    assert window.workbench._name_of(f"sample:{sample.id}") == sample.title
    assert window.workbench._name_of("/data/head.nii.gz") == "head.nii.gz"


def test_files_of_one_name_are_told_apart_by_their_folders(
    window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    import shutil

    twins = [tmp_path / folder / "head.nii.gz" for folder in ("one", "two")]
    for twin in twins:
        twin.parent.mkdir()
        shutil.copy(files["volume"], twin)
        helper.open(window, twin)
    helper.open(window, twins[0])  # the same file again has nothing to be told apart by
    assert helper.names(window) == ["head", "head — two", "head"]


def test_the_keyboard_stays_with_what_the_centre_shows(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    window.activateWindow()
    helper.open(window, files["volume"])
    for _ in range(2):
        window.new_session()
        QApplication.processEvents()
        assert window.start.isAncestorOf(window.focusWidget())
        helper.open(window, files["mesh"])
        QApplication.processEvents()
        assert window.focusWidget() is window.centre.grid.current_view


def test_a_window_that_is_shown_with_a_file_has_the_keyboard_in_its_view(
    window: Any, helper: Any, files: dict[str, Path]
) -> None:
    window.hide()
    helper.open(window, files["volume"])
    window.status.device.setFocus()
    window.show()
    assert window.focusWidget() is window.centre.grid.current_view
