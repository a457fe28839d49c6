"""Jobs in workers and in-process: results, events, cancel, every sort of death."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled
from core.jobs import (
    Handle,
    InlineRunner,
    JobFailed,
    LogLine,
    Metric,
    Preview,
    Progress,
    State,
    StateChanged,
    WorkerRunner,
)

WORK = "tests.core.jobs.work:"


@pytest.fixture(scope="module")
def runner() -> Iterator[WorkerRunner]:
    runner = WorkerRunner(workers=2, threads=1)
    yield runner
    runner.close()


@pytest.fixture(params=["worker", "inline"])
def either(request: pytest.FixtureRequest, runner: WorkerRunner) -> WorkerRunner | InlineRunner:
    return runner if request.param == "worker" else InlineRunner()


def test_result_events_and_states(either: WorkerRunner | InlineRunner) -> None:
    events: list[object] = []
    handle = either.submit(
        f"{WORK}double", {"array": np.arange(6.0).reshape(2, 3)}, listener=lambda h, e: events.append(e)
    )
    value = handle.result(60)
    assert np.array_equal(value["twice"], 2 * np.arange(6.0).reshape(2, 3))
    deadline = time.monotonic() + 5
    while (
        not any(isinstance(e, StateChanged) and e.state is State.DONE for e in events)
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    assert [e.state for e in events if isinstance(e, StateChanged)] == [State.RUNNING, State.DONE]
    assert any(isinstance(e, Progress) for e in events)
    assert [(e.name, e.value, e.step) for e in events if isinstance(e, Metric)] == [("loss", 0.5, 1)]
    previews = [e.output for e in events if isinstance(e, Preview)]
    assert previews[0].name == "so far" and previews[0].unit == "mm"


def test_what_a_library_prints_is_log_not_protocol(runner: WorkerRunner) -> None:
    handle = runner.submit(f"{WORK}double", {"array": np.zeros(3)})
    handle.result(60)
    deadline = time.monotonic() + 5
    while "a library prints to standard output" not in handle.lines and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "a library prints to standard output" in handle.lines


def test_workers_stay_warm(runner: WorkerRunner) -> None:
    first = runner.submit(f"{WORK}pid", {}).result(60)
    assert first != os.getpid()
    assert runner.submit(f"{WORK}pid", {}).result(60) in runner.pids()
    assert first in runner.pids()


def test_arrays_travel_in_shared_memory_and_are_not_copied_back(runner: WorkerRunner) -> None:
    array = np.random.default_rng(0).random((64, 64, 32))
    array = np.asfortranarray(array)

    def there_and_back() -> None:
        once = runner.submit(f"{WORK}same", {"array": array}).result(60)
        ok = np.array_equal(once, array), once.flags.f_contiguous, not once.flags.writeable
        files = set(Path(runner.folder).iterdir())
        again = runner.submit(f"{WORK}same", {"array": once}).result(60)
        unchanged = np.array_equal(again, array)
        assert all(ok) and unchanged
        assert set(Path(runner.folder).iterdir()) == files, "the second trip made a copy"

    there_and_back()
    folder = Path(runner.folder)
    deadline = time.monotonic() + 5  # the reader thread lets go of them when its call returns
    while any(folder.iterdir()) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert not [p for p in folder.iterdir() if p.stat().st_size], "segments stay behind"


def test_seed_and_threads(runner: WorkerRunner) -> None:
    a = runner.submit(f"{WORK}draw", {}, seed=7).result(60)
    b = runner.submit(f"{WORK}draw", {}, seed=7).result(60)
    c = runner.submit(f"{WORK}draw", {}, seed=8).result(60)
    assert a == b and a[:3] != c[:3] and a[3:] == [1, 1.0]
    assert np.allclose(a[:3], np.random.default_rng(7).random(3))


@pytest.mark.parametrize("task", ["polite", "stubborn"])
def test_cancel_ends_a_job(runner: WorkerRunner, task: str) -> None:
    started = threading.Event()

    def listen(handle: Handle, event: object) -> None:
        if isinstance(event, StateChanged) and event.state is State.RUNNING:
            started.set()

    handle = runner.submit(f"{WORK}{task}", {}, listener=listen)
    assert started.wait(30)
    time.sleep(0.2)
    handle.cancel()
    with pytest.raises(Cancelled):
        handle.result(20)
    assert handle.state is State.CANCELLED
    handle.cancel()
    assert runner.submit(f"{WORK}pid", {}).result(60) > 0, "the pool works on"


def test_what_is_urgent_waits_for_no_other() -> None:
    runner = WorkerRunner(workers=1, threads=1)
    try:
        busy = runner.submit(f"{WORK}polite", {})
        waiting = runner.submit(f"{WORK}pid", {})
        first, second = (runner.submit(f"{WORK}pid", {}, urgent=True) for _ in range(2))
        assert first.result(60) == second.result(60), "one more worker, not one for each"
        assert first.finished is not None and second.finished is not None
        assert first.finished <= second.finished
        assert busy.state is State.RUNNING and waiting.state is State.QUEUED, "others do not profit"
        busy.cancel()
        assert waiting.result(60)
    finally:
        runner.close()


def test_cancel_of_a_waiting_job(runner: WorkerRunner) -> None:
    busy = [runner.submit(f"{WORK}polite", {}) for _ in range(2)]
    waiting = runner.submit(f"{WORK}pid", {})
    waiting.cancel()
    assert waiting.state is State.CANCELLED
    for handle in busy:
        handle.cancel()
    for handle in busy:
        with pytest.raises(Cancelled):
            handle.result(20)


@pytest.mark.parametrize(
    ("how", "text"),
    [("segfault", "crashed (SIGSEGV)"), ("kill", "want of memory"), ("exit", "ended unexpectedly (exit 3)")],
)
def test_death_of_a_worker_is_an_error_message(runner: WorkerRunner, how: str, text: str) -> None:
    handle = runner.submit(f"{WORK}crash", {"how": how})
    with pytest.raises(JobFailed) as caught:
        handle.result(60)
    assert text in str(caught.value) and "nothing that is open is lost" in str(caught.value)
    assert "last words" in caught.value.details
    assert handle.state is State.FAILED
    assert runner.submit(f"{WORK}pid", {}).result(60) > 0, "the pool works on"


@pytest.mark.parametrize(
    ("how", "text", "refusal"),
    [
        ("user", "Nothing to do here.", True),
        ("read", "brain.nii ends early; copy it again.", True),
        ("memory", "There is not enough memory", True),
        ("bug", "internal error (ValueError: broken)", False),
    ],
)
def test_failures_are_one_sentence(
    either: WorkerRunner | InlineRunner, how: str, text: str, refusal: bool
) -> None:
    with pytest.raises(JobFailed) as caught:
        either.submit(f"{WORK}crash", {"how": how}).result(60)
    assert text in str(caught.value) and caught.value.refusal is refusal and "\n" not in str(caught.value)
    assert "Traceback" in caught.value.details


def test_input_that_cannot_be_carried_fails_the_job_not_the_pool(runner: WorkerRunner) -> None:
    with pytest.raises(JobFailed, match="cannot be carried"):
        runner.submit(f"{WORK}same", {"array": object()}).result(60)
    assert runner.submit(f"{WORK}pid", {}).result(60) > 0


def test_result_that_cannot_be_carried_fails_the_job(runner: WorkerRunner) -> None:
    with pytest.raises(JobFailed, match="arrays of Python objects"):
        runner.submit(f"{WORK}same", {"array": np.array([None])}).result(60)


def test_close_ends_everything() -> None:
    runner = WorkerRunner(workers=1, threads=1)
    running = runner.submit(f"{WORK}stubborn", {})
    waiting = runner.submit(f"{WORK}pid", {})
    while not running.lines and running.state is not State.RUNNING:
        time.sleep(0.01)
    pids = runner.pids()
    runner.close()
    assert waiting.state is State.CANCELLED and running.state is State.CANCELLED
    assert not runner.folder.exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    runner.close()
    with pytest.raises(RuntimeError):
        runner.submit(f"{WORK}pid", {})


def test_a_worker_ends_with_its_parent() -> None:
    import subprocess
    import sys

    code = (
        "from core.jobs import WorkerRunner; import os, time\n"
        "r = WorkerRunner(workers=1, threads=1)\n"
        "print(r.submit('tests.core.jobs.work:pid', {}).result(60), flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    pid = int(done.stdout)
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        # In a container without an init the orphan may stay as a zombie, which is as good as gone.
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived its parent")


def test_log_lines_reach_the_listener(runner: WorkerRunner) -> None:
    lines: list[str] = []
    handle = runner.submit(
        f"{WORK}stubborn", {}, listener=lambda h, e: lines.append(e.text) if isinstance(e, LogLine) else None
    )
    for _ in range(500):
        if "started" in lines:
            break
        time.sleep(0.02)
    handle.cancel()
    with pytest.raises(Cancelled):
        handle.result(20)
    assert "started" in lines
