"""The jobs panel and the log: time, queue, log lines, again, cancel all; levels, search, copy, save. The status."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from app.window.gpu import Gpu
from app.window.memory import MemoryDialog, Process, total_memory
from core.jobs import State


def run(window: Any, helper: Any, id: str, **values: Any) -> Any:
    mesh = next(i.id for i in window.workbench.document if i.name == "tetra")
    task = window.workbench.run(window.workbench.descriptions[id], [mesh], values)
    helper.idle(window)
    return task


def test_a_failed_run_is_copied_and_run_again(ready: Any, helper: Any, qtbot: Any) -> None:
    task = run(ready, helper, "fake.everything", mode="break")
    row = ready.jobs.row_of(task)
    assert (
        row.state.text() == "failed"
        and row.copy_button.isVisibleTo(row)
        and row.again_button.isVisibleTo(row)
    )
    row.copy_button.click()
    text = QGuiApplication.clipboard().text()
    assert text.startswith("Everything of tetra") and "boom" in text and "Traceback" in text
    row.log_button.click()
    assert row.log.isVisibleTo(row) and "RuntimeError" in row.log.toPlainText()
    number = len(ready.workbench.tasks)
    row.again_button.click()
    helper.idle(ready)
    assert len(ready.workbench.tasks) == number + 1
    assert ready.workbench.tasks[-1].title == task.title
    ready.items.close_item()
    ready.cards.clear()
    row.again_button.click()
    assert "no longer open" in ready.cards.cards[0].problem.text


def test_a_result_is_found_from_its_job(ready: Any, helper: Any, qtbot: Any) -> None:
    task = run(ready, helper, "fake.everything")
    row = ready.jobs.row_of(task)
    qtbot.waitUntil(lambda: row.show_button.isVisibleTo(row))
    ready.workbench.select(None)
    row.show_button.click()
    assert ready.workbench.selected == task.result
    ready.items.undo()
    assert not row.show_button.isEnabled()
    ready.items.redo()
    assert row.show_button.isEnabled()
    ready.jobs.clear.click()
    assert ready.jobs.row_of(task) is None and ready.jobs._empty.isVisibleTo(ready.jobs)


def test_waiting_jobs_stand_in_order_and_all_are_cancelled(
    fake_plugin: Path, worker_window: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    window = worker_window
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    slow, id = window.workbench.descriptions["fake.slow"], window.workbench.selected
    tasks = [window.workbench.run(slow, [id], {"seconds": 60.0}) for _ in range(3)]
    rows = [window.jobs.row_of(t) for t in tasks]
    qtbot.waitUntil(lambda: rows[0].state.text().startswith("50 %"), timeout=30_000)
    assert [r.state.text() for r in rows[1:]] == ["waiting, next", "waiting, number 2"]
    assert window.jobs.header.note.text() == "1 running, 2 waiting"
    assert window.status.jobs.text() == "3 jobs"
    qtbot.waitUntil(lambda: "so far" in rows[0].text.text(), timeout=5000)
    assert window.jobs.cancel_all.isVisibleTo(window.jobs)
    qtbot.mouseClick(window.jobs.cancel_all, Qt.MouseButton.LeftButton)
    helper.idle(window)
    assert all(t.state is State.CANCELLED for t in tasks)
    assert window.status.jobs.text() == "" and not window.jobs.cancel_all.isVisibleTo(window.jobs)


def test_the_log_by_level_and_words(window: Any, tmp_path: Path, qtbot: Any) -> None:
    log = logging.getLogger("equiscope.window")
    log.setLevel(logging.DEBUG)
    panel = window.log
    log.info("a calm line")
    log.warning("a strange line")
    log.error("a broken line\nwith a traceback")
    qtbot.waitUntil(lambda: "traceback" in panel.view.toPlainText())
    panel.level.setCurrentText("Warnings and errors")
    assert "calm" not in panel.view.toPlainText() and "strange" in panel.view.toPlainText()
    log.info("a calm line that comes later")
    log.error("another broken line")
    qtbot.waitUntil(lambda: "another" in panel.view.toPlainText())
    assert "calm" not in panel.view.toPlainText()
    qtbot.keyClicks(panel.search, "TRACEBACK")
    qtbot.waitUntil(lambda: "strange" not in panel.view.toPlainText())
    assert "a broken line\nwith a traceback" in panel.view.toPlainText()
    panel.copy()
    assert QGuiApplication.clipboard().text() == panel.view.toPlainText()
    panel.save(tmp_path / "log.txt")
    assert "with a traceback" in (tmp_path / "log.txt").read_text()
    panel.save(tmp_path / "no" / "such" / "log.txt")
    (card,) = window.cards.cards
    assert card.problem.text.startswith("log.txt") and "choose another folder" in card.problem.text
    panel.search.clear()
    panel.level.setCurrentText("Everything")
    assert "calm line that comes later" in panel.view.toPlainText()
    panel.clear()
    assert panel.view.toPlainText() == ""


def test_the_status_tells_devices_and_items(window: Any, files: dict[str, Path], helper: Any) -> None:
    helper.open(window, files["volume"])
    window.status._on_gpus((Gpu("NVIDIA Test", 80_000_000_000, 2_000_000_000),))
    window.status.refresh_memory()
    tip = window.status.device.toolTip()
    assert "GPU: NVIDIA Test, 2.0 GB of 80.0 GB used" in tip and "head: " in tip and "Workers: 0" in tip
    window.status.device.click()
    (dialog,) = window.findChildren(MemoryDialog)
    rows = {
        dialog.tree.topLevelItem(n).text(0): dialog.tree.topLevelItem(n)
        for n in range(dialog.tree.topLevelItemCount())
    }
    assert (
        rows["What is open"].child(0).text(0).startswith("head") and rows["What is open"].text(1) == "3.5 kB"
    )
    assert rows["GPU"].child(0).text(0) == "NVIDIA Test"
    window.items.close_item()
    dialog.refresh()
    assert dialog.tree.topLevelItem(0).child(0).text(0) == "nothing"
    assert dialog.tree.topLevelItem(1).child(0).text(1) == "3.5 kB", "undo keeps it"


def test_shared_memory_counts_once() -> None:
    assert total_memory([Process(1, 100, 50), Process(2, 10, 40)]) == 160
    assert total_memory([]) == 0


def test_the_status_line_gives_way_where_it_is_narrow(
    window: Any, files: dict[str, Path], helper: Any
) -> None:
    helper.open(window, files["volume"])
    status = window.status
    assert status.undo.isVisibleTo(status) and status.device.isVisibleTo(status)
    status.resize(430, status.height())
    status._fit()
    assert status.research.isVisibleTo(status) and not status.undo.isVisibleTo(status)
    status.resize(1200, status.height())
    status._fit()
    assert status.undo.isVisibleTo(status)
