"""Opening and closing again and again leaves nothing: widgets, VTK objects, threads, files, segments."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent

from app.window import workbench as module
from core.jobs import WorkerRunner
from tests.benchmarks.bench_cycles import counted, cycle

KINDS = ("volume", "mesh", "cloud", "checkpoint", "table", "result")


@pytest.fixture
def frozen() -> Iterator[None]:
    """What other tests left behind is not looked at: counting takes a few milliseconds instead of hundreds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_again_and_again_leaves_nothing(
    frozen: None,
    monkeypatch: pytest.MonkeyPatch,
    fake_plugin: Path,
    make_window: Any,
    files: dict[str, Path],
    helper: Any,
    tmp_path: Path,
    qtbot: Any,
) -> None:
    """Every kind nine times, one kind after the other in one window: a leak names its kind."""
    monkeypatch.setattr(module, "UNDO_KEEPS", 0)
    files["cloud"] = tmp_path / "cloud.xyz"
    np.savetxt(files["cloud"], np.random.default_rng(0).normal(size=(2000, 3)))
    window = make_window(WorkerRunner(workers=1, threads=1))
    workbench = window.workbench
    workbench.load_descriptions()
    helper.idle(window)

    def once(what: str) -> dict[str, int]:
        helper.open(window, files["mesh" if what == "result" else what])
        if what == "result":
            workbench.run(workbench.descriptions["fake.everything"], [workbench.selected], {})
            helper.idle(window)
        if window.centre.grid is not None:
            qtbot.waitUntil(lambda: all(v.settled for v in window.centre.grid.views.values()))
        workbench.document.remove(*[i.id for i in workbench.document if i.parent is None])
        window.jobs._clear()  # the list of the last jobs fills up
        for _ in range(2):
            qtbot.wait(20)
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        found = counted(workbench)
        del found["python objects"], found["temporary files"]  # histories fill up; other tests make files
        return found

    for what in KINDS:
        for _ in range(2):
            once(what)
        early = [once(what) for _ in range(2)]
        late = [once(what) for _ in range(5)][-3:]
        # A view may be let go of a moment later: the fewest of several looks are what stays.
        for name in early[0]:
            # Pools make a thread more when two things meet; one a cycle would be three by the fewest look.
            room = 2 if name == "threads" else 0
            assert min(c[name] for c in late) <= max(c[name] for c in early) + room, (what, name, early, late)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["brain", "mesh", "cloud", "checkpoint", "result"])
def test_two_hundred_times_leave_nothing(name: str, tmp_path: Path) -> None:
    """The whole program in a process of its own, as in `make bench`."""
    found = cycle(name, tmp_path, 200)
    middle, last = found["counts"][100:104], found["counts"][-4:]  # undo, 200 steps, is full at 100
    for what in ("widgets", "VTK objects", "threads", "open files", "segments", "temporary files"):
        assert min(c[what] for c in last) <= max(c[what] for c in middle), what
    assert found["slope"] < 200_000, "bytes a cycle"
