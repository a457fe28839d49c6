"""A disk that is full or read-only, seen from the window and the command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

from app.movies.plan import Plan
from app.viewports.photographer import Look
from core.data import PointCloud
from core.display import PointsDisplay
from core.document import Item
from core.jobs import Job, WorkerRunner
from core.plugins import PluginHost
from core.session import load
from tests.conftest import ROOT, Tried
from tests.faults.mounts import fill, read_only, small_disk

SENTENCE = re.compile(r"[^\n]{20,250}\.")
HOST = PluginHost()


@pytest.fixture
def window(tmp_path: Path, make_window: Any, files: dict[str, Path], helper: Any, request: Any) -> Any:
    made = make_window(WorkerRunner(workers=1, threads=1))
    made.recovery.start()
    helper.open(made, files["mesh"])
    cloud = PointCloud(np.random.default_rng(0).random((20_000, 3)))
    made.workbench.document.add(Item("cloud", "cloud", cloud, display=PointsDisplay()))
    made.centre.grid.wait()
    return made


def picture(window: Any, root: Path, helper: Any) -> None:
    done: list[str] = []
    window.pictures.written.connect(lambda name, _problem: done.append(name))
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    window.pictures.save(
        QImage(noise.tobytes(), 300, 300, 900, QImage.Format.Format_RGB888).copy(), root / "p.png"
    )
    helper.qtbot.waitUntil(lambda: bool(done), timeout=20_000)


def movie(window: Any, root: Path, helper: Any, suffix: str) -> None:
    task = window.movies.make(Plan("turntable", 4, 1.0, "3d"), Look(1.0), root / f"m{suffix}")
    helper.qtbot.waitUntil(lambda: task.task.over, timeout=60_000)


WORK: dict[str, Callable[[Any, Path, Any], object]] = {
    "session": lambda w, root, _h: w.workbench.save_session(root / "s", {}),
    "export": lambda w, root, _h: w.workbench.export("cloud", str(root / "c.ply")),
    "screenshot": picture,
    "gif": lambda w, root, h: movie(w, root, h, ".gif"),
    "ogv": lambda w, root, h: movie(w, root, h, ".ogv"),
    "pictures": lambda w, root, h: movie(w, root, h, ""),
    "log": lambda w, root, _h: w.log.save(root / "log.txt"),
}


def one_sentence(window: Any, name: str) -> None:
    (card,) = window.cards.cards
    assert SENTENCE.fullmatch(card.problem.text) and "Traceback" not in card.problem.text, card.problem.text
    assert card.problem.text.count("cannot be") == 1, f"{name}: {card.problem.text}"
    window.cards.clear()


def test_what_the_window_writes_to_a_full_and_a_read_only_disk(
    window: Any, helper: Any, tmp_path: Path, tried: Tried
) -> None:
    with small_disk(tmp_path / "small", "4m") as root:
        window.workbench.save_session(root / "s", {})
        helper.idle(window)
        names = [i.name for i in window.workbench.document]
        assert not window.cards.cards
        window.workbench.document.rename("cloud", "renamed")
        for what, refused in (("full", lambda: fill(root)), ("read-only", None)):
            for name, work in WORK.items():
                if refused is not None:
                    filling = refused()
                    work(window, root, helper)
                    helper.idle(window)
                    filling.unlink()
                else:
                    with read_only(root):
                        work(window, root, helper)
                        helper.idle(window)
                one_sentence(window, name)
                assert sorted(p.name for p in root.iterdir()) == ["s.equiscope"], f"{name}, {what}"
                assert not window.workbench.document.is_clean
                session = load(root / "s.equiscope", job=Job(), host=HOST)
                assert session.problems == () and [i.name for i in session.items] == names
                tried(f"writes of the window to a {what} disk", 1)
        window.workbench.save_session(root / "s", {})
        helper.idle(window)
        assert window.workbench.document.is_clean and not window.cards.cards


def test_a_program_whose_own_folders_cannot_be_written_starts_and_works(tmp_path: Path, tried: Tried) -> None:
    """Settings, logs, crash log, journal and console lines lie on a disk that takes nothing."""
    with small_disk(tmp_path / "small") as root:
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "EQUISCOPE_VIEWPORT": "image",
            "HOME": str(root / "home"),
            "XDG_STATE_HOME": str(root / "xdg"),
            **{f"EQUISCOPE_{n.upper()}": str(root / n) for n in ("config", "state", "plugins")},
        }
        script = (
            "from app.window import _run\n"
            "from PySide6.QtCore import QTimer\n"
            "program = _run.start([], ask=False)\n"
            "w = program.window\n"
            "def look():\n"
            "    w.workbench.settings.set('theme', 'light')\n"
            "    from core.document import Item\n"
            "    w.workbench.document.add(Item('a', 'a'))\n"
            "    import logging; logging.getLogger('equiscope.window').error('to the log')\n"
            "    QTimer.singleShot(800, end)\n"
            "def end():\n"
            "    print('cards', [c.problem.text for c in w.cards.cards], flush=True)\n"
            "    print('theme', w.workbench.settings.get('theme'), flush=True)\n"
            "    w.close()\n"
            "QTimer.singleShot(1500, look)\n"
            "program.qt.exec()\n"
            "program.close()\n"
        )
        for what in ("full", "read-only"):
            if what == "full":
                fill(root)
                done = _run(script, environment)
            else:
                with read_only(root):
                    done = _run(script, environment)
            assert done.returncode == 0, done.stderr
            assert "theme light" in done.stdout and "Traceback" not in done.stderr, done.stderr
            (cards,) = [line for line in done.stdout.splitlines() if line.startswith("cards")]
            assert "journal" in cards.lower() or "crash" in cards.lower(), cards
            assert cards.count("', '") == 0, f"one sentence: {cards}"
            tried(f"programs started on a {what} disk", 1)
        assert [p.name for p in root.iterdir() if p.is_file()] == ["filling"]


def _run(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_line_says_one_sentence(tmp_path: Path, files: dict[str, Path], tried: Tried) -> None:
    with small_disk(tmp_path / "small", "256k") as root:
        run = [sys.executable, "-m", "app", "run", "symmetry.reflections", str(files["mesh"])]
        environment = {**os.environ, "XDG_STATE_HOME": str(root / "logs"), "OMP_NUM_THREADS": "1"}
        for what in ("full", "read-only"):
            command = [*run, "--out", str(root / "out")]
            if what == "full":
                filling = fill(root)
                done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
                filling.unlink()
            else:
                with read_only(root):
                    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
            said = done.stderr.strip().splitlines()
            assert done.returncode == 1 and len(said) == 1 and SENTENCE.fullmatch(said[0]), said
            assert not [p for p in root.rglob("*") if p.is_file()], what
            tried(f"writes of the command line to a {what} disk", 1)
