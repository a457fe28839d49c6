"""Run on many files: the dialog, the panel that follows, stopping, going on, and closing while a batch runs."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication

from app.panels.batch.model import CasesModel, rows_of
from app.window.batch_dialog import BatchDialog
from app.window.main_window import MainWindow
from core.batch import DONE, FAILED, RUNNING, WAITING, Case, Status, holder, read_progress

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def cohort(files: dict[str, Path], tmp_path: Path) -> Path:
    """Four meshes, one of them broken."""
    folder = tmp_path / "cohort"
    folder.mkdir()
    for n in (1, 2, 10):
        shutil.copy(files["mesh"], folder / f"tetra {n}.ply")
    (folder / "bad.ply").write_text("ply\nthis is no mesh\n")
    return folder


@pytest.fixture
def begin(ready: MainWindow, qtbot: Any) -> Callable[..., BatchDialog]:
    """Opens the dialog on an analysis and an input."""

    def make(analysis: str, out: Path, *inputs: Path) -> BatchDialog:
        ready.commands["batch.new"].trigger()
        dialog = next(d for d in ready.findChildren(BatchDialog) if d.isVisible())
        dialog.analysis.setCurrentIndex(dialog.analysis.findData(analysis))
        for path in inputs:
            dialog.inputs.add(str(path))
        dialog.out.setText(str(out))
        dialog._on_out()
        dialog.on.workers.set_value(2)
        qtbot.waitUntil(lambda: dialog.cases is not None or bool(dialog.problem()), timeout=30_000)
        return dialog

    return make


def over(window: MainWindow) -> bool:
    """Whether nothing runs, and the window has heard how it ended."""
    panel = window.batch
    quiet = not window.batches._drivers and panel.manifest is not None and not panel.live
    return quiet and not panel.number(RUNNING)


def command_line(*words: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    null = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-m", "app", *words], env=environment, stdout=null, stderr=null)


def test_from_the_dialog_to_a_case(
    ready: MainWindow, begin: Any, cohort: Path, tmp_path: Path, helper: Any, qtbot: Any
) -> None:
    window, out = ready, tmp_path / "out"
    dialog = begin("fake.everything", out, cohort)
    assert dialog.cases == 4 and dialog.run_button.text() == "Run 4 cases"
    dialog.form.fields["rounds"].set_value(2)
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    copied = shlex.split(QGuiApplication.clipboard().text())
    assert copied == [
        *("equiscope", "batch", "fake.everything", str(cohort), "--rounds", "2"),
        *("--out", str(out), "--workers", "2"),
    ]
    qtbot.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    panel = window.batch
    assert not window.docks["batch"].isHidden() and panel.words.text() == "Starting…"
    qtbot.waitUntil(lambda: over(window), timeout=60_000)
    assert panel.words.text() == "Everything: 3 of 4 done · 1 failed"
    assert [r.case.name for r in panel.model.shown] == ["bad", "tetra-1", "tetra-2", "tetra-10"]
    assert "1 of 4 cases failed; the panel says why" in window.cards.cards[-1].problem.text
    states = [panel.model.index(n, 1).data() for n in range(4)]
    assert states == [FAILED, DONE, DONE, DONE]
    assert "bad.ply" in panel.model.index(0, 3).data() and panel.model.index(1, 3).data() == "1 remark"
    assert (out / "tetra-10" / "record.json").exists()
    # By state, and by a word of the reason.
    panel.state.setCurrentIndex(panel.state.findData(FAILED))
    assert panel.model.rowCount() == 1 and panel.state.currentText() == "Failed (1)"
    panel.state.setCurrentIndex(0)
    qtbot.keyClicks(panel.filter, "tetra done")
    assert panel.model.rowCount() == 3
    panel.filter.clear()
    panel.view.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert [r.case.name for r in panel.model.shown] == ["tetra-10", "tetra-2", "tetra-1", "bad"]
    # Return opens what the case found, with its input.
    before = len(window.workbench.document)
    panel.view.setCurrentIndex(panel.model.index(0, 0))
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.results.group is not None, timeout=30_000)
    helper.idle(window)
    group = window.workbench.document[window.results.group]
    assert group.name == "Everything of tetra 10" and group.record is not None
    names = {i.name for i in window.workbench.document.children(group.id)}
    assert {"Score", "Plane", "Table", "Curve", "Remark"} <= names
    window.workbench.document.undo()
    window.workbench.document.undo()
    assert len(window.workbench.document) == before


def test_failed_ones_again_and_what_the_panel_offers(
    ready: MainWindow, begin: Any, cohort: Path, files: dict[str, Path], tmp_path: Path, qtbot: Any
) -> None:
    window, out, panel = ready, tmp_path / "out", ready.batch
    reasons = {id: window.commands[id].toolTip() for id in ("batch.stop", "batch.resume", "batch.retry")}
    assert set(reasons.values()) == {"No batch is shown"}
    begin("fake.everything", out, cohort).run()
    qtbot.waitUntil(lambda: over(window), timeout=60_000)
    assert not panel.resume_button.isEnabled() and panel.retry_button.isEnabled()
    assert window.commands["batch.resume"].toolTip() == "No case is left to run"
    shutil.copy(files["mesh"], cohort / "bad.ply")
    qtbot.mouseClick(panel.retry_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: over(window) and panel.number(DONE) == 4, timeout=60_000)
    assert panel.words.text() == "Everything: 4 of 4 done" and not panel.retry_button.isEnabled()
    ends = [s.state for s in read_progress(out).cases.values()]
    assert ends == [DONE] * 4
    # The table of all numbers is a table of the session.
    qtbot.mouseClick(panel.summary_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any(i.name == "summary" for i in window.workbench.document), timeout=30_000)


def test_stop_and_resume(ready: MainWindow, begin: Any, cohort: Path, tmp_path: Path, qtbot: Any) -> None:
    window, panel = ready, ready.batch
    dialog = begin("fake.slow", tmp_path / "out", cohort)
    dialog.form.fields["seconds"].set_value(0.8)
    dialog.on.workers.set_value(1)
    dialog.run()
    qtbot.waitUntil(lambda: panel.number(RUNNING) == 1 and panel.number(FAILED) == 1, timeout=60_000)
    assert "1 running" in panel.words.text() and panel.stop_button.isVisible()
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: over(window), timeout=30_000)
    left = panel.number(WAITING)
    assert left >= 2 and f"{left} left to run" in panel.words.text()
    qtbot.mouseClick(panel.resume_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: over(window) and not panel.number(WAITING), timeout=60_000)
    assert panel.words.text() == "Slow: 3 of 4 done · 1 failed"


def test_a_batch_of_a_command_line_is_followed_and_can_be_stopped(
    ready: MainWindow, cohort: Path, tmp_path: Path, qtbot: Any
) -> None:
    window, panel, out = ready, ready.batch, tmp_path / "out"
    driver = command_line(
        "batch", "fake.slow", str(cohort), "--out", str(out), "--workers", "1", "--seconds", "60"
    )
    try:
        qtbot.waitUntil(lambda: (out / "batch.json").exists(), timeout=60_000)
        window.batches.open(out)
        qtbot.waitUntil(lambda: panel.number(FAILED) == panel.number(RUNNING) == 1, timeout=60_000)
        assert panel.live and "on 1 worker" in panel.words.text()
        window.commands["batch.copy"].trigger()
        assert QGuiApplication.clipboard().text() == f"equiscope batch --resume {out} --workers 1"
        window.commands["batch.stop"].trigger()
        assert driver.wait(30) == 128 + signal.SIGINT
        qtbot.waitUntil(lambda: not panel.live and panel.number(WAITING) == 3, timeout=30_000)
    finally:
        driver.kill()
        driver.wait()


@pytest.mark.parametrize("answer", ["stay", "stop", "keep"])
def test_closing_while_it_runs_asks(
    ready: MainWindow,
    begin: Any,
    cohort: Path,
    tmp_path: Path,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    window, panel, out = ready, ready.batch, tmp_path / "out"
    dialog = begin("fake.slow", out, cohort)
    dialog.on.workers.set_value(1)
    dialog.run()
    qtbot.waitUntil(lambda: panel.number(RUNNING) == 1, timeout=60_000)
    running = holder(out)
    assert running is not None
    asked: list[list[str]] = []
    monkeypatch.setattr(
        "app.window.dialogs.ask_about_batches", lambda names, _window: asked.append(names) or answer
    )
    window._ask = True
    window.workbench.document.mark_clean()
    try:
        assert window.close() is (answer != "stay") and asked == [["out"]]
        if answer == "stay":
            assert window.isVisible() and panel.live
            return
        assert not any(t.name == "batch-watch" and t.is_alive() for t in _soon(threading.enumerate))
        if answer == "keep":
            assert holder(out) == running
        else:
            qtbot.waitUntil(lambda: holder(out) is None, timeout=30_000)
            assert read_progress(out).driver.ended == "stopped"
    finally:
        if holder(out) is not None:
            os.kill(running["pid"], signal.SIGINT)
            qtbot.waitUntil(lambda: holder(out) is None, timeout=30_000)
        for driver in window.batches._drivers:
            driver.popen.wait(30)


def _soon(what: Callable[[], list[threading.Thread]]) -> list[threading.Thread]:
    end = time.monotonic() + 10
    while any(t.name == "batch-watch" for t in what()) and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def test_a_folder_that_will_not_do_is_a_card(
    ready: MainWindow, begin: Any, cohort: Path, tmp_path: Path, qtbot: Any
) -> None:
    window = ready
    begin("fake.everything", cohort, cohort / "tetra 1.ply").run()
    qtbot.waitUntil(lambda: bool(window.cards.cards), timeout=60_000)
    text = window.cards.cards[-1].problem.text
    assert text == "Batch cohort: cohort holds other files and no batch; choose a new or an empty folder."
    qtbot.waitUntil(lambda: "holds no batch" in window.batch.words.text())
    assert sorted(p.name for p in cohort.iterdir() if not p.name.startswith(".")) == [
        "bad.ply",
        "tetra 1.ply",
        "tetra 10.ply",
        "tetra 2.ply",
    ]
    # A damaged one is said in the panel.
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "batch.json").write_text("{")
    window.batches.open(broken)
    qtbot.waitUntil(lambda: "batch.json in broken is damaged" in window.batch.words.text())
    assert not window.batch.stop_button.isVisible() and not window.batch.resume_button.isEnabled()


def test_the_dialog_says_what_is_missing(
    ready: MainWindow, begin: Any, cohort: Path, files: dict[str, Path], tmp_path: Path, qtbot: Any
) -> None:
    window = ready
    (tmp_path / "empty").mkdir()
    dialog = begin("fake.everything", tmp_path / "out")
    assert dialog.problem() == "Add the files to run on." and not dialog.run_button.isEnabled()
    dialog.inputs.add(str(tmp_path / "empty"))
    qtbot.waitUntil(lambda: "holds no file that anything here opens" in dialog.problem(), timeout=30_000)
    dialog.inputs.selectAll()
    qtbot.keyClick(dialog.inputs, Qt.Key.Key_Delete)
    # What is open, by button; a folder, dropped; a pattern, typed.
    dialog.open_button.click()
    assert dialog.inputs.paths() == [str(files["mesh"])]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(cohort))])
    both = Qt.DropAction.CopyAction
    drop = QDropEvent(QPointF(5, 5), both, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    dialog.inputs.dropEvent(drop)
    qtbot.keyClicks(dialog.typed, f"{cohort}/tetra*.ply")
    qtbot.keyClick(dialog.typed, Qt.Key.Key_Return)
    assert dialog.isVisible() and len(dialog.inputs.paths()) == 3
    qtbot.waitUntil(lambda: dialog.cases == 5, timeout=30_000)
    assert "named twice and run once: tetra 1.ply, tetra 2.ply, tetra 10.ply" in dialog.found.text()
    dialog.on.where.setCurrentIndex(1)
    assert dialog.problem() == "Type the address of the scheduler."
    qtbot.keyClicks(dialog.on.address, "tcp://node:8786")
    assert dialog.words()[-2:] == ["--dask", "tcp://node:8786"] and not dialog.problem()
    # Two inputs: one of them the same for all.
    dialog.analysis.setCurrentIndex(dialog.analysis.findData("fake.two"))
    assert (
        dialog.problem()
        == "Name the file for all but one of First and Second, or add a list with a case a line."
    )
    qtbot.keyClicks(dialog.same["second"], str(files["mesh"]))
    qtbot.waitUntil(lambda: dialog.cases == 5, timeout=30_000)
    assert dialog.words()[-6:-4] == ["--same", f"second={files['mesh']}"]
    dialog.close()
    assert not window.findChildren(BatchDialog) or not dialog.isVisible()


def test_the_next_window_offers_the_last_batch(
    ready: MainWindow, make_window: Any, begin: Any, cohort: Path, tmp_path: Path, qtbot: Any
) -> None:
    assert ready.batch.last_button.isHidden()
    begin("fake.everything", tmp_path / "out", cohort).run()
    qtbot.waitUntil(lambda: over(ready), timeout=60_000)
    again = make_window()
    again.docks["batch"].show()
    assert again.batch.last_button.text() == "Show out again"
    qtbot.mouseClick(again.batch.last_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: again.batch.number(DONE) == 3, timeout=30_000)
    assert again.batch.words.text() == "Everything: 3 of 4 done · 1 failed"


def test_thousands_of_rows_keep_their_selection(qtbot: Any) -> None:
    cases = [Case(f"case {n}", (f"/d/case {n}.ply",)) for n in range(5000)]
    model = CasesModel()
    model.set_rows(rows_of(cases, {}))
    selection = QItemSelectionModel(model)
    rows = QItemSelectionModel.SelectionFlag.Rows | QItemSelectionModel.SelectionFlag.Select
    selection.select(model.index(4321, 0), rows)
    model.sort(1)
    model.update({f"case {n}": Status(FAILED, seconds=1.0, error="bad") for n in range(4000, 4500, 3)})
    model.update({"case 7": Status(RUNNING)})
    assert model.counts == {WAITING: 5000 - 167 - 1, FAILED: 167, RUNNING: 1}
    assert model.shown[0].case.name == "case 4000" and model.shown[167].case.name == "case 7"
    assert [model.shown[i.row()].case.name for i in selection.selectedRows()] == ["case 4321"]
    model.set_filter("bad", FAILED)
    assert model.rowCount() == 167
    model.set_filter("case 4321", "")
    assert [model.shown[i.row()].case.name for i in selection.selectedRows()] == ["case 4321"]
    model.set_filter("", "")
    model.sort(0, Qt.SortOrder.DescendingOrder)
    assert [r.case.name for r in model.shown[:2]] == ["case 4999", "case 4998"]
