"""A worker that takes the last of the machine's memory is ended with a sentence; one that takes little is not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.jobs import JobFailed, State, WorkerRunner, _memory

WORK = "tests.core.jobs.work:"
pytestmark = pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs Linux's /proc")


@pytest.fixture
def runner() -> Iterator[WorkerRunner]:
    made = WorkerRunner(workers=2, threads=1)
    yield made
    made.close()


def test_the_largest_worker_is_ended_when_memory_runs_out(
    runner: WorkerRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_memory, "reserve", lambda: 200_000_000)
    small = runner.submit(WORK + "stubborn", {})
    hog = runner.submit(WORK + "hog", {"millions": 400})
    deadline = time.monotonic() + 30
    while (not hog.lines or not small.lines) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert hog.state is State.RUNNING and small.state is State.RUNNING  # there is enough
    monkeypatch.setattr(_memory, "left", lambda: 1_000_000)
    with pytest.raises(JobFailed) as caught:
        hog.result(30)
    sentence = str(caught.value)
    assert "0.4 GB" in sentence or "0.5 GB" in sentence
    assert "memory" in sentence and "nothing that is open is lost" in sentence and "\n" not in sentence
    time.sleep(0.3)
    assert small.state is State.RUNNING  # is not to blame
    small.cancel()
    monkeypatch.undo()
    assert runner.submit(WORK + "pid", {}).result(60) > 0  # the pool works on


def test_the_watch_ends_with_the_work(runner: WorkerRunner) -> None:
    assert runner.submit(WORK + "pid", {}).result(60) > 0
    deadline = time.monotonic() + 10
    while runner._watcher is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert runner._watcher is None
    assert runner.submit(WORK + "pid", {}).result(60) > 0


def test_what_is_left_is_told_by_the_system_and_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = _memory.left()
    assert left is not None and 10_000_000 < left < 1 << 50
    assert _memory.LEAST <= _memory.reserve() <= _memory.MOST
    before = _memory.resident(os.getpid())
    held = np.ones(100_000_000, np.uint8)
    assert 90e6 < _memory.resident(os.getpid()) - before < 130e6 and held[0]
    assert _memory.resident(2**22 + 5) == 0
    names = tmp_path / "max", tmp_path / "now", tmp_path / "stat"
    for path, text in zip(names, ("1000000\n", "700000\n", "anon 5\ninactive_file 100000\n"), strict=True):
        path.write_text(text)
    monkeypatch.setattr(_memory, "_GROUPS", (names,))
    assert _memory.left() == 400_000
    names[0].write_text("max\n")
    free = _memory.left()
    assert free is not None and free > 1_000_000
