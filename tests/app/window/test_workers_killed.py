"""Workers that crash, hang, run out of memory or are killed at any moment: one sentence, an unharmed session."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QMessageBox

from core import tasks
from core.data import PointCloud
from core.display import PointsDisplay
from core.document import Item
from core.jobs import Job, WorkerRunner
from core.plugins import PluginHost
from core.session import load
from tests.app.window import breaking
from tests.conftest import Tried

SENTENCE = re.compile(r"[^\n]{20,250}\.")


@pytest.fixture
def window(
    tmp_path: Path,
    make_window: Any,
    files: dict[str, Path],
    helper: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Any]:
    """A window with a mesh, whose jobs run in two workers, and the plugin that breaks. Nothing is to be asked."""
    asked = lambda box: pytest.fail(f"asked: {box.text()}")  # noqa: E731
    monkeypatch.setattr(QMessageBox, "exec", asked)
    breaking.begin()
    breaking.write_plugin(tmp_path / "plugins")
    tasks.host.cache_clear()
    made = make_window(WorkerRunner(workers=2, threads=1))
    helper.open(made, files["mesh"])
    made.workbench.load_descriptions()
    helper.idle(made)
    yield made
    tasks.host.cache_clear()


def names(window: Any) -> list[str]:
    return [i.name for i in window.workbench.document]


def one_card(window: Any) -> str:
    """The sentence on the only card; the card is closed."""
    (card,) = window.cards.cards
    text = str(card.problem.text)
    assert SENTENCE.fullmatch(text) and "Traceback" not in text, text
    window.cards.clear()
    return text


def still_works(window: Any, helper: Any, tmp_path: Path) -> None:
    """The next jobs do what they should."""
    path = tmp_path / "good.breaks"
    path.write_text("fine")
    before = names(window)
    helper.open(window, path)
    assert names(window) == [*before, names(window)[-1]] and not window.cards.cards
    window.commands["edit.undo"].trigger()
    assert names(window) == before


def nothing_left(window: Any) -> None:
    runner = window.workbench.runner
    assert breaking.settled(lambda: not list(runner.folder.iterdir())), list(runner.folder.iterdir())
    assert breaking.settled(lambda: not breaking.zombies()), breaking.zombies()


@pytest.mark.parametrize("what", ["reader", "analysis"])
def test_each_way_to_die_is_one_sentence(
    window: Any, helper: Any, tmp_path: Path, what: str, tried: Tried
) -> None:
    before = names(window)
    mesh = window.workbench.selected
    said = {}
    modes = breaking.MODES if what == "reader" else ("kill", "segfault", "exit", "memory", "error")
    for how in modes:
        if what == "reader":
            path = tmp_path / f"{how}.breaks"
            path.write_text(how)
            helper.open(window, path)
        else:
            window.workbench.run(window.workbench.descriptions["break.analysis"], [mesh], {"how": how})
            helper.idle(window)
        said[how] = one_card(window)
        assert names(window) == before, how
        tried("workers that died or broke", 1)
    for how in set(modes) - {"memory", "recursion", "error"}:
        assert "nothing that is open is lost" in said[how], said[how]
    assert "memory" in said["memory"] and "SIGSEGV" in said["segfault"] and "exit 3" in said["exit"]
    still_works(window, helper, tmp_path)
    nothing_left(window)


def test_out_of_memory_is_one_sentence(window: Any, helper: Any, tmp_path: Path, tried: Tried) -> None:
    path = tmp_path / "huge.breaks"
    path.write_text("huge")
    before = names(window)
    for pid in window.workbench.runner.pids():
        size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
        resource.prlimit(pid, resource.RLIMIT_AS, (size + (200 << 20), resource.RLIM_INFINITY))
        tried("workers out of memory (RLIMIT_AS)", 1)
    helper.open(window, path)
    text = one_card(window)
    assert "not enough memory" in text and "huge.breaks" in text
    assert names(window) == before
    still_works(window, helper, tmp_path)
    nothing_left(window)


def test_no_memory_at_all_ends_the_worker_not_the_window(
    window: Any, helper: Any, tmp_path: Path, tried: Tried
) -> None:
    before = names(window)
    for extra in (0, 1 << 20, 8 << 20):
        still_works(window, helper, tmp_path)  # with a worker that has no limit yet
        for pid in window.workbench.runner.pids():
            size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
            resource.prlimit(pid, resource.RLIMIT_AS, (size + extra, resource.RLIM_INFINITY))
            tried("workers out of memory (RLIMIT_AS)", 1)
        path = tmp_path / "huge.breaks"
        path.write_text("huge")
        helper.open(window, path)
        one_card(window)
        assert names(window) == before
        for pid in window.workbench.runner.pids():
            os.kill(pid, signal.SIGKILL)  # the limit would stay with it
    still_works(window, helper, tmp_path)
    nothing_left(window)


def test_a_worker_that_hangs_and_ignores_cancel_is_ended(
    window: Any, helper: Any, tmp_path: Path, tried: Tried
) -> None:
    path = tmp_path / "hang.breaks"
    path.write_text("hang")
    before = names(window)
    window.open_paths([str(path)])
    task = window.workbench.tasks[-1]
    helper.qtbot.waitUntil(lambda: task.progress.fraction > 0, timeout=20_000)
    window.workbench.cancel_all()
    helper.qtbot.waitUntil(lambda: task.over, timeout=5_000)
    helper.idle(window)
    assert not window.cards.cards and names(window) == before
    tried("workers that hung and were ended", 1)
    still_works(window, helper, tmp_path)
    nothing_left(window)


def rounds_of_kills(
    window: Any, helper: Any, tmp_path: Path, files: dict[str, Path], rounds: int, seed: int
) -> int:
    """Open, run, write and save while workers are killed; how many kills there were."""
    dice = random.Random(seed)
    workbench = window.workbench
    cloud = PointCloud(np.random.default_rng(0).random((200_000, 3)))
    workbench.document.add(Item("big", "big", cloud, display=PointsDisplay()))
    workbench.save_session(tmp_path / "s", {})
    helper.idle(window)
    mesh = next(i.id for i in workbench.document if i.name == "tetra")
    kills = 0
    # Clean and on disk: the names that were saved last, and those that are being saved.
    saved = [names(window)]
    for n in range(rounds):
        before = names(window)
        what = dice.choice(["open", "run", "save", "save", "export", "idle"])
        if what == "open":
            window.open_paths([str(files["volume"])])
        elif what == "run":
            workbench.run(workbench.descriptions["break.analysis"], [mesh], {})
        elif what == "save":
            workbench.document.rename(mesh, f"shape {n}")
            before = names(window)
            workbench.save_session(tmp_path / "s", {})
            saved.append(before)
        elif what == "export":
            workbench.export("big", str(tmp_path / "big.ply"))
        time.sleep(dice.random() * dice.choice([0.003, 0.03, 0.15]))
        for pid in workbench.runner.pids():
            if dice.random() < 0.8:
                os.kill(pid, signal.SIGKILL)
                kills += 1
        helper.idle(window)
        if window.cards.cards:
            text = one_card(window)
            assert "killed" in text or "no process" in text.lower(), text
            assert names(window) == before
            if what == "save":
                assert not workbench.document.is_clean
        else:
            if what == "save":
                saved = saved[-1:]
                assert workbench.document.is_clean
            while names(window) != before and what in ("open", "run"):
                window.commands["edit.undo"].trigger()
        session = load(tmp_path / "s.equiscope", job=Job(), host=PluginHost())
        assert session.problems == () and [i.name for i in session.items] in saved
        left = [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]
        assert not left, f"{what}: {left}"
    return kills


def test_workers_killed_at_any_moment(
    window: Any, helper: Any, tmp_path: Path, files: dict[str, Path], tried: Tried
) -> None:
    tried("kills of workers", rounds_of_kills(window, helper, tmp_path, files, 20, 0))
    still_works(window, helper, tmp_path)
    nothing_left(window)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_workers_killed_a_thousand_times(
    window: Any, helper: Any, tmp_path: Path, files: dict[str, Path], tried: Tried
) -> None:
    kills = seed = 0
    while kills < 1000:
        seed += 1
        (tmp_path / str(seed)).mkdir()
        kills += rounds_of_kills(window, helper, tmp_path / str(seed), files, 50, seed)
        window.workbench.new_session()
        helper.open(window, files["mesh"])
    tried("kills of workers", kills)
    nothing_left(window)


def test_a_worker_killed_while_the_window_closes(
    tmp_path: Path, make_window: Any, files: dict[str, Path], helper: Any, qapp: QApplication, tried: Tried
) -> None:
    breaking.write_plugin(tmp_path / "plugins")
    dice = random.Random(1)
    for n in range(5):
        window = make_window(WorkerRunner(workers=2, threads=1))
        path = tmp_path / "slow.breaks"
        path.write_text("slow")
        window.open_paths([str(files["mesh"]), str(path)])
        helper.qtbot.waitUntil(lambda w=window: w.workbench.tasks[-1].progress.fraction > 0, timeout=20_000)
        pids, folder = window.workbench.runner.pids(), window.workbench.runner.folder
        assert pids and folder.is_dir()

        def kill(pids: list[int] = pids, wait: float = dice.random() * 0.02) -> None:
            time.sleep(wait)
            for pid in pids:
                if breaking.alive(pid):
                    os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        began = time.monotonic()
        if n:
            killer.start()
            window.close()
        else:
            killer.run()
            window.close()
        took = time.monotonic() - began
        if n:
            killer.join()
        assert not window.isVisible() and took < 10, took
        assert not folder.exists() and breaking.settled(lambda p=pids: not any(map(breaking.alive, p)))
        tried("kills of workers", len(pids))
    assert breaking.settled(lambda: not breaking.zombies())
