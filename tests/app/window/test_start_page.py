"""The start page: three ways to begin, each live; tiles by mouse and keyboard, narrow and large; recent files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.window.start_page import kind_of_path
from app.window.start_tiles import Tile, thumbnail
from core.plugins import Sample
from core.results import Curve
from core.settings import Settings


def test_annotate_is_live(window: Any, helper: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tools: list[str] = []
    if "markups.line" not in window.commands:
        window.commands.add("markups.line", "Line", lambda: tools.append("line"), group="Markups")
    # The phantom: what annotating begins with where nilearn is not installed.
    monkeypatch.setattr(
        window.workbench.host, "missing", lambda c: "needs nilearn" if c.id == "volumes.mni152" else ""
    )
    qtbot.mouseClick(window.start.annotate_tile, Qt.MouseButton.LeftButton)
    helper.idle(window)
    qtbot.waitUntil(lambda: bool(window.cards.cards))
    assert helper.names(window) == ["Head phantom"] and window.centre.shown_grid is not None
    assert window.centre.grid.layout_name == "four"
    assert tools == ["line"] or window.commands["markups.line"].isChecked()
    assert "midline" in window.cards.cards[0].problem.text
    window.new_session()
    assert not window.cards.cards


def test_annotate_says_how_to_look_where_no_tool_is(window: Any, helper: Any, qtbot: Any) -> None:
    for id in ("markups.line", "markups.plane"):
        if id in window.commands:
            window.commands.remove(id)
    window.begin.annotate()
    helper.idle(window)
    qtbot.waitUntil(lambda: bool(window.cards.cards))
    card = window.cards.cards[0]
    assert "Four linked views" in card.problem.text
    assert [words for words, _ in card.problem.choices] == ["Keys and mouse"]


def test_compare_a_model_is_live(window: Any, helper: Any, qtbot: Any) -> None:
    window.start.compare_tile.setFocus()
    qtbot.keyClick(window.start.compare_tile, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: any(i.record for i in window.workbench.document), timeout=60_000)
    assert window.workbench.current.record["analysis"] == "checkpoints.compare"
    assert any(isinstance(i.data, Curve) for i in window.workbench.document)
    assert window.analysis.form is not None and len(window.analysis.form.chosen()) == 2
    assert "tensor by tensor" in window.cards.cards[0].problem.text
    window.items.undo()
    assert helper.names(window) == ["small CNN", "small CNN, changed"]


def test_another_file_or_session_meanwhile_does_not_confuse(
    window: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    helper.open(window, files["table"])
    window.begin._next = window.begin._annotate
    # Another file arrives while the sample is being made.
    window.workbench.opened.emit([next(iter(window.workbench.document)).id])
    assert window.begin._next is not None and not window.cards.cards
    window.new_session()
    assert window.begin._next is None
    window.begin._waiting = ("gone", "too")
    window.workbench.descriptions = {"checkpoints.compare": object()}
    window.begin._on_described()
    assert not window.workbench.busy and window.begin._waiting is None


def test_a_sample_that_cannot_be_opened_begins_nothing_with_a_file_that_is_opened_later(
    window: Any, files: dict[str, Path], helper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    gone = Sample(id="gone.gone", title="Gone", function="nowhere:nothing")
    window.begin._begin(gone, lambda items: bool(begun.append(items)) or True)
    helper.idle(window)
    assert len(window.cards.cards) == 1
    helper.open(window, files["volume"])
    assert not begun and window.markups.tool is None


def test_what_is_missing_is_grey_and_says_why(fake_plugin: Path, make_window: Any) -> None:
    window = make_window()
    tiles = {t.accessibleName(): t for t in window.start.findChildren(Tile)}
    lacking = tiles["A sample that needs more"]
    assert not lacking.isEnabled() and "equiscope[more]" in lacking.accessibleDescription()
    assert "equiscope[more]" in lacking.toolTip()
    assert tiles["Open"].isEnabled()


@pytest.mark.parametrize(("width", "columns"), [(900, 3), (520, 2), (300, 1)])
def test_the_page_goes_below_itself_where_it_is_narrow(window: Any, width: int, columns: int) -> None:
    page = window.start
    page.setParent(None)
    try:
        page.resize(width, 500)
        page.show()
        QApplication.processEvents()
        assert page.ways.columns == columns
        inside = page.area.viewport().width()
        for tile in page.findChildren(Tile):
            right = tile.mapTo(page.area.widget(), tile.rect().topRight()).x()
            assert right <= inside, f"{tile.accessibleName()} is cut off"
            title, note = tile._words(tile.width())
            assert note.bottom() < tile.height() and title.right() < tile.width()
    finally:
        page.hide()
        window.centre.stack.addWidget(page)


def test_the_page_follows_larger_text(window: Any) -> None:
    tile = window.start.open_tile
    before, columns = tile.height(), window.start.samples.columns
    window.view.set_text_scale(2.0)
    window.view.settle()
    QApplication.processEvents()
    assert tile.heightForWidth(tile.width()) > before
    assert window.start.samples.columns < columns
    window.view.set_text_scale(1.0)
    window.view.settle()
    QApplication.processEvents()
    assert window.start.samples.columns == columns


def test_a_tile_is_drawn_with_its_picture_and_its_focus(window: Any) -> None:
    assert thumbnail("volumes.mni152") is not None and thumbnail("no such sample") is None
    tile = window.start.annotate_tile
    window.activateWindow()
    plain = tile.grab().toImage()
    assert plain.pixelColor(tile.width() // 3, tile.height() // 4) != plain.pixelColor(tile.width() // 2, 10)
    tile.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    assert tile.grab().toImage() != plain


def test_recent_files_tell_kind_and_size(
    make_window: Any, files: dict[str, Path], tmp_path: Path, qtbot: Any, helper: Any
) -> None:
    settings = Settings()
    (tmp_path / "old.equiscope").mkdir()
    for path in (tmp_path / "gone.nii.gz", tmp_path / "old.equiscope", files["mesh"]):
        settings.add_recent(str(path))
    window = make_window()
    rows = window.start._rows
    qtbot.waitUntil(lambda: "," in rows[str(files["mesh"])].note.text())
    assert rows[str(files["mesh"])].note.text() == f"mesh, {files['mesh'].stat().st_size} B"
    assert rows[str(tmp_path / "gone.nii.gz")].note.text() == "not found"
    assert rows[str(tmp_path / "old.equiscope")].note.text() == "session"
    assert kind_of_path("x.unheard-of", window.workbench.host) == "file"
    qtbot.mouseClick(rows[str(files["mesh"])].button, Qt.MouseButton.LeftButton)
    helper.idle(window)
    assert helper.names(window) == ["tetra"]
