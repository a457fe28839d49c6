"""Closing a large file gives its memory back; undo reads it again, in a job, and says so where it cannot."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.window import workbench as module
from core.data import Markup
from core.display import MarkupDisplay, VolumeDisplay
from core.document import Item
from core.jobs import WorkerRunner


@pytest.fixture
def volume(monkeypatch: pytest.MonkeyPatch, make_window: Any, files: dict[str, Path], helper: Any) -> Any:
    """A window with a worker and a volume, in which nothing closed stays in memory."""
    monkeypatch.setattr(module, "UNDO_KEEPS", 0)
    window = make_window(WorkerRunner(workers=1, threads=1))
    helper.open(window, files["volume"])
    return window


def test_closed_it_is_gone_and_undo_brings_it_back_as_it_was(volume: Any, helper: Any, qtbot: Any) -> None:
    workbench = volume.workbench
    item = workbench.current
    workbench.document.set_display(item.id, VolumeDisplay(colormap="viridis"))
    values = np.array(item.data.array)
    alive = weakref.ref(item.data)
    del item
    volume.items.close_item()

    def gone() -> bool:
        gc.collect()
        return alive() is None

    qtbot.waitUntil(gone, timeout=10_000)
    qtbot.waitUntil(lambda: not any(workbench.runner.folder.iterdir()))
    assert volume.commands["edit.undo"].text() == "&Undo close head"
    volume.commands["edit.undo"].trigger()
    assert len(workbench.document) == 0 and workbench.tasks[-1].title == "Read head again"
    volume.commands["edit.undo"].trigger()  # impatient: no second reading
    assert sum(t.title == "Read head again" for t in workbench.tasks) == 1
    helper.idle(volume)
    back = workbench.current
    assert back.name == "head" and back.display.colormap == "viridis"
    np.testing.assert_array_equal(back.data.array, values)
    volume.items.undo()
    assert workbench.current.display.colormap != "viridis"
    volume.items.undo()
    assert len(workbench.document) == 0
    volume.items.redo()
    helper.idle(volume)
    assert [i.name for i in workbench.document] == ["head"]
    assert not volume.cards.cards


def test_a_file_that_is_gone_by_then_is_told_and_tried_again(
    volume: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    volume.items.close_item()
    away = files["volume"].rename(files["volume"].with_suffix(".moved"))
    volume.items.undo()
    helper.idle(volume)
    assert len(volume.workbench.document) == 0
    (card,) = volume.cards.cards
    assert "head cannot be brought back" in card.problem.text and "does not exist" in card.problem.text
    assert volume.commands["edit.undo"].isEnabled()
    away.rename(files["volume"])
    from PySide6.QtWidgets import QPushButton

    next(b for b in card.findChildren(QPushButton) if b.text() == "Try again").click()
    helper.idle(volume)
    assert [i.name for i in volume.workbench.document] == ["head"]


def test_the_card_goes_once_undo_has_brought_it_back(
    volume: Any, files: dict[str, Path], helper: Any
) -> None:
    volume.items.close_item()
    away = files["volume"].rename(files["volume"].with_suffix(".moved"))
    volume.items.undo()
    helper.idle(volume)
    assert len(volume.cards.cards) == 1
    away.rename(files["volume"])
    volume.items.undo()
    helper.idle(volume)
    assert [i.name for i in volume.workbench.document] == ["head"]
    assert not volume.cards.cards


def test_who_goes_on_working_meanwhile_is_not_interrupted(
    volume: Any, files: dict[str, Path], helper: Any
) -> None:
    volume.items.close_item()
    volume.items.undo()
    volume.open_paths([str(files["mesh"])])
    helper.idle(volume)
    helper.idle(volume)
    names = {i.name for i in volume.workbench.document}
    # Whichever of the two came first: nothing is undone that was not asked for.
    assert names in ({"tetra"}, {"tetra", "head"})
    assert volume.workbench.document.undo_label == "Open tetra.ply"
    volume.items.undo()
    volume.items.undo()
    helper.idle(volume)
    assert "tetra" not in {i.name for i in volume.workbench.document}


def test_another_session_does_not_get_what_was_read_for_the_last(volume: Any, helper: Any) -> None:
    volume.items.close_item()
    volume.items.undo()
    volume.workbench.new_session()
    helper.idle(volume)
    assert len(volume.workbench.document) == 0
    volume.items.undo()  # nothing to undo, and no longer busy
    assert not volume.cards.cards


def test_small_files_come_back_at_once(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["mesh"])
    data = window.workbench.current.data
    window.items.close_item()
    window.items.undo()
    assert window.workbench.current.data is data


def test_what_came_with_a_file_that_has_gone_comes_back_without_it(
    volume: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    from PySide6.QtWidgets import QPushButton

    from app.window.locate_dialog import LocateDialog

    workbench = volume.workbench
    head = workbench.selected
    mark = Item("mark", "midline", Markup("points", [[1, 2, 3]]), head, display=MarkupDisplay())
    workbench.document.add(mark)
    workbench.select(head)
    volume.items.close_item()
    assert len(workbench.document) == 0
    away = files["volume"].rename(files["volume"].with_suffix(".moved"))
    volume.items.undo()
    helper.idle(volume)
    (card,) = volume.cards.cards
    next(b for b in card.findChildren(QPushButton) if b.text() == "Undo without it").click()
    helper.idle(volume)
    assert workbench.document["mark"].data is mark.data
    assert workbench.document[head].data is None and workbench.document[head].missing is not None
    assert [d.isVisible() for d in volume.findChildren(LocateDialog)] == [True]
    volume.findChildren(LocateDialog)[0].close()
    volume.items.redo()
    assert len(workbench.document) == 0
    away.rename(files["volume"])
    volume.items.undo()
    assert {i.name for i in workbench.document} == {"head", "midline"}


def test_a_card_that_is_past_undoes_nothing_else(
    volume: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    from PySide6.QtWidgets import QPushButton

    volume.items.close_item()
    files["volume"].unlink()
    volume.items.undo()
    helper.idle(volume)
    volume.workbench.document.add(Item("other", "other"))
    (card,) = volume.cards.cards
    for text in ("Try again", "Undo without it"):
        buttons = [b for b in card.findChildren(QPushButton) if b.text() == text]
        if buttons:  # a card goes with its first answer
            buttons[0].click()
    assert "other" in volume.workbench.document
