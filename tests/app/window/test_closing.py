"""Closing while something runs: what is asked, that nothing is lost, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QMessageBox

from app.movies.plan import Plan
from app.viewports.photographer import Look
from app.window._run import close_on_interrupt
from core import tasks
from core.data import PointCloud
from core.display import PointsDisplay
from core.document import Item
from core.jobs import Job, WorkerRunner
from core.plugins import PluginHost
from core.session import load
from tests.app.window import breaking
from tests.conftest import ROOT, Tried

HOST = PluginHost()


@pytest.fixture
def window(tmp_path: Path, make_window: Any, files: dict[str, Path], helper: Any) -> Iterator[Any]:
    """A window with a saved session, whose jobs run in workers, and the plugin that breaks."""
    breaking.begin()
    breaking.write_plugin(tmp_path / "plugins")
    tasks.host.cache_clear()
    made = make_window(WorkerRunner(workers=2, threads=1))
    made.recovery.start()
    helper.open(made, files["mesh"])
    cloud = PointCloud(np.random.default_rng(0).random((300_000, 3)))
    made.workbench.document.add(Item("big", "big", cloud, display=PointsDisplay()))
    made.workbench.load_descriptions()
    made.workbench.save_session(tmp_path / "s", {})
    helper.idle(made)
    assert made.workbench.document.is_clean
    yield made
    tasks.host.cache_clear()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the user answers, and what she was asked."""
    from app.window import dialogs

    made: Any = {"save": "cancel", "close": False, "asked": []}

    def to_save(box: QMessageBox) -> int:
        made["asked"].append(f"{box.text()} {box.informativeText()}")
        buttons = QMessageBox.StandardButton
        return int({"save": buttons.Save, "discard": buttons.Discard}.get(made["save"], buttons.Cancel))

    def to_close(running: int, _parent: Any) -> bool:
        made["asked"].append(f"Close Equiscope? {dialogs._at_work(running) if running else ''}")
        return bool(made["close"])

    monkeypatch.setattr(QMessageBox, "exec", to_save)
    monkeypatch.setattr(dialogs, "ask_to_close", to_close)
    return made


def read(window: Any, tmp_path: Path, how: str = "slow") -> Any:
    path = tmp_path / f"{how}.breaks"
    path.write_text(how)
    window.open_paths([str(path)])
    return window.workbench.tasks[-1]


def run(window: Any, tmp_path: Path) -> Any:
    mesh = next(i.id for i in window.workbench.document if i.name == "tetra")
    return window.workbench.run(window.workbench.descriptions["break.analysis"], [mesh], {"how": "slow"})


def export(window: Any, tmp_path: Path) -> Any:
    window.workbench.export("big", str(tmp_path / "big.ply"))
    return window.workbench.tasks[-1]


def save(window: Any, tmp_path: Path) -> Any:
    return window.workbench.save_session(tmp_path / "s", {})


def movie(window: Any, tmp_path: Path) -> Any:
    made = window.movies.make(Plan("turntable", 900, 9.0, "3d"), Look(1.0), tmp_path / "m.gif")
    assert made is not None
    return made.task


WORK: dict[str, Callable[[Any, Path], Any]] = {
    "reader": read,
    "hanging reader": lambda w, p: read(w, p, "hang"),
    "analysis": run,
    "export": export,
    "save": save,
    "movie": movie,
}


def begin(window: Any, name: str, helper: Any, tmp_path: Path) -> Any:
    task = WORK[name](window, tmp_path)
    if name not in ("save", "export"):  # those are over soon
        helper.qtbot.waitUntil(lambda: task.progress.fraction > 0, timeout=30_000)
    return task


def nothing_runs(pids: list[int], folder: Path) -> None:
    assert not folder.exists()
    assert breaking.settled(lambda: not any(map(breaking.alive, pids))), "an orphan"
    assert breaking.settled(lambda: not breaking.zombies())


@pytest.mark.parametrize("name", WORK)
def test_closing_asks_then_ends_what_runs(
    name: str, window: Any, helper: Any, answers: Any, tmp_path: Path, tried: Tried
) -> None:
    window._ask = True
    session = tmp_path / "s.equiscope"
    before = (session / "session.json").read_bytes()
    task = begin(window, name, helper, tmp_path)
    pids, folder = window.workbench.runner.pids(), window.workbench.runner.folder
    encoder = window.movies.maker and window.movies.maker._process
    window.close()
    assert answers["asked"] == ["Close Equiscope? A job is still at work and will be cancelled."]
    assert window.isVisible()
    if name not in ("save", "export"):
        assert not task.over, "who stays has lost nothing"
    answers["close"] = True
    began = time.monotonic()
    window.close()
    assert not window.isVisible() and time.monotonic() - began < 10
    nothing_runs(pids, folder)
    assert encoder is None or encoder.poll() is not None
    assert not list((tmp_path / "state" / "recovery").glob("[!.]*")), "nothing is offered at the next start"
    left = {p.name for p in tmp_path.iterdir() if p.name.startswith(".") or p.suffix in (".gif", ".ply")}
    assert left <= {"tetra.ply", "big.ply"}, left
    if "big.ply" in left:
        assert (tmp_path / "big.ply").stat().st_size > 300_000 * 12, "half of it is not there"
    names = [i.name for i in load(session, job=Job(), host=HOST).items]
    assert names == ["tetra", "big"]
    assert name == "save" or (session / "session.json").read_bytes() == before
    tried("windows closed while something ran", 1)


@pytest.mark.parametrize(
    "name",
    ["analysis", "save", *(pytest.param(n, marks=pytest.mark.soak) for n in ("reader", "movie", "export"))],
)
def test_saving_while_closing_saves_then_ends_what_runs(
    name: str, window: Any, helper: Any, answers: Any, tmp_path: Path, tried: Tried
) -> None:
    window._ask = True
    window.workbench.document.rename("big", "renamed")
    begin(window, name, helper, tmp_path)
    pids, folder = window.workbench.runner.pids(), window.workbench.runner.folder
    answers["save"] = "save"
    window.close()
    helper.qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    (asked,) = answers["asked"]
    assert asked.startswith("Save the changes to s?") and asked.endswith("will be cancelled.")
    nothing_runs(pids, folder)
    assert [i.name for i in load(tmp_path / "s.equiscope", job=Job(), host=HOST).items] == [
        "tetra",
        "renamed",
    ]
    tried("windows closed while something ran", 1)


def test_saving_twice_is_no_conflict_and_the_later_one_counts(
    window: Any, helper: Any, tmp_path: Path
) -> None:
    for name in ("one", "two", "three"):
        window.workbench.document.rename("big", name)
        save(window, tmp_path)
    helper.idle(window)
    assert not window.cards.cards and window.workbench.document.is_clean
    assert [i.name for i in load(tmp_path / "s.equiscope", job=Job(), host=HOST).items] == ["tetra", "three"]


def test_no_save_that_was_asked_for_meanwhile_is_forgotten(window: Any, helper: Any, tmp_path: Path) -> None:
    window.workbench.document.rename("big", "one")
    save(window, tmp_path)
    for name in ("as", "and as", "s"):  # the last one is Save, and stands for what is saved as by then
        window.workbench.save_session(tmp_path / name, {})
    window.workbench.document.rename("big", "two")
    helper.idle(window)
    assert not window.cards.cards and window.workbench.document.is_clean
    for name in ("as", "and as"):
        saved = load(tmp_path / f"{name}.equiscope", job=Job(), host=HOST)
        assert [i.name for i in saved.items] == ["tetra", "two"]
    assert window.workbench.folder == tmp_path / "and as.equiscope"


def test_a_save_killed_when_all_was_in_place_is_no_save_by_somebody_else(
    window: Any, helper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Any
) -> None:
    from core.jobs import InlineRunner
    from core.session import _save

    window.workbench.runner.close()
    window.workbench.runner = InlineRunner()
    swap = _save.swap

    def then_die(*places: Path) -> None:
        swap(*places)
        raise RuntimeError("killed")

    window.workbench.document.rename("big", "renamed")
    with monkeypatch.context() as patch:
        patch.setattr(_save, "swap", then_die)
        save(window, tmp_path)
        helper.idle(window)
    assert len(window.cards.cards) == 1 and not window.workbench.document.is_clean
    window.cards.clear()
    save(window, tmp_path)
    helper.idle(window)
    assert answers["asked"] == [] and not window.cards.cards and window.workbench.document.is_clean


def test_discarding_while_it_is_being_saved_leaves_a_whole_session(
    window: Any, helper: Any, answers: Any, tmp_path: Path, tried: Tried
) -> None:
    window._ask = True
    window.workbench.document.rename("big", "renamed")
    save(window, tmp_path)
    answers["save"] = "discard"
    answers["close"] = True
    window.close()
    helper.qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    session = load(tmp_path / "s.equiscope", job=Job(), host=HOST)
    assert session.problems == () and session.items[0].name == "tetra"
    assert not [p for p in tmp_path.iterdir() if "draft" in p.name]
    tried("windows closed while something ran", 1)


def test_a_save_that_fails_keeps_the_window_and_a_later_one_does_not_close_it(
    window: Any, helper: Any, answers: Any, tmp_path: Path
) -> None:
    window._ask = True
    window.workbench.document.rename("big", "renamed")
    (tmp_path / "file").write_text("no folder")
    window.workbench.folder = tmp_path / "file" / "s.equiscope"
    answers["save"] = "save"
    window.close()
    helper.idle(window)
    helper.qtbot.wait(50)
    (card,) = window.cards.cards
    assert "cannot be saved" in card.problem.text and window.isVisible()
    assert not window.workbench.document.is_clean
    window.cards.clear()
    save(window, tmp_path)
    helper.idle(window)
    helper.qtbot.wait(50)
    assert window.workbench.document.is_clean and window.isVisible()


def test_an_interrupt_from_the_terminal_asks_as_closing_does(window: Any, helper: Any, answers: Any) -> None:
    window._ask = True
    window.workbench.document.rename("big", "renamed")
    restore = close_on_interrupt(window)
    try:
        answers["save"] = "cancel"
        os.kill(os.getpid(), signal.SIGINT)
        helper.qtbot.waitUntil(lambda: len(answers["asked"]) == 1)
        assert window.isVisible() and signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        restore()
    restore = close_on_interrupt(window)
    try:
        answers["save"] = "discard"
        os.kill(os.getpid(), signal.SIGINT)
        helper.qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    finally:
        restore()


PROGRAM = """
import os, sys
from PySide6.QtCore import QTimer
from app.window import _run

program = _run.start([sys.argv[1]], ask=False)
window, workbench = program.window, program.workbench

def close():
    print("pids", *program.runner.pids(), flush=True)
    if sys.argv[2] == "close":
        window.close()
    elif sys.argv[2] == "quit":
        program.qt.quit()

def look():
    task = next((t for t in workbench.tasks if t.title.startswith("Open")), None)
    if task is not None and task.progress.fraction > 0:
        timer.stop()
        QTimer.singleShot(0, close)

timer = QTimer()
timer.timeout.connect(look)
timer.start(20)
try:
    program.qt.exec()
finally:
    program.close()
print("over", flush=True)
"""


@pytest.mark.parametrize(
    "how",
    ["close", "SIGKILL", *(pytest.param(h, marks=pytest.mark.soak) for h in ("quit", "SIGTERM", "SIGHUP"))],
)
def test_the_program_ends_and_leaves_no_process(how: str, tmp_path: Path, tried: Tried) -> None:
    breaking.write_plugin(tmp_path / "plugins")
    path = tmp_path / "hang.breaks"
    path.write_text("hang")
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "EQUISCOPE_VIEWPORT": "image",
        **{f"EQUISCOPE_{n.upper()}": str(tmp_path / n) for n in ("config", "state", "plugins")},
    }
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(path), how],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:1] == ["pids"] and len(words) > 1
        if how.startswith("SIG"):
            process.send_signal(getattr(signal, how))
        code = process.wait(15)
        assert code == (-getattr(signal, how) if how.startswith("SIG") else 0)
    assert breaking.settled(lambda: not any(breaking.alive(int(p)) for p in words[1:])), "an orphan"
    tried("windows closed while something ran", 1)


def encoder_of(window: Any, helper: Any, tmp_path: Path) -> tuple[Any, Any]:
    """A movie at work: its task and the encoder's process."""
    task = movie(window, tmp_path)
    helper.qtbot.waitUntil(lambda: window.movies.maker._process is not None, timeout=30_000)
    helper.qtbot.waitUntil(lambda: bool(list(tmp_path.glob(".equiscope-*"))), timeout=30_000)
    return task, window.movies.maker._process


def test_an_encoder_that_stands_still_holds_no_window(
    window: Any, helper: Any, tmp_path: Path, tried: Tried
) -> None:
    _, encoder = encoder_of(window, helper, tmp_path)
    os.kill(encoder.pid, signal.SIGSTOP)
    began = time.monotonic()
    window.close()
    assert not window.isVisible() and time.monotonic() - began < 10
    assert encoder.poll() == -signal.SIGKILL
    assert not list(tmp_path.glob(".equiscope-*")) and not (tmp_path / "m.gif").exists()
    tried("windows closed while something ran", 1)


def test_an_encoder_that_is_killed_is_one_sentence(
    window: Any, helper: Any, tmp_path: Path, tried: Tried
) -> None:
    task, encoder = encoder_of(window, helper, tmp_path)
    os.kill(encoder.pid, signal.SIGKILL)
    helper.qtbot.waitUntil(lambda: task.over, timeout=30_000)
    (card,) = window.cards.cards
    assert card.problem.text.startswith("m.gif cannot be written; its encoder was killed")
    assert not list(tmp_path.glob(".equiscope-*")) and not (tmp_path / "m.gif").exists()
    assert window.commands["file.movie"].isEnabled(), "the next one can be made"
    tried("kills of workers", 1)
