"""What goes wrong between a job and its process: races of cancel and finish, deaths at bad moments, odd values."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import Cancelled
from core.jobs import Handle, JobFailed, State, StateChanged, WorkerRunner
from core.jobs import _runner as runner_module

WORK = "tests.core.jobs.work:"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def runner() -> Iterator[WorkerRunner]:
    runner = WorkerRunner(workers=1, threads=1)
    yield runner
    runner.close()


@pytest.mark.parametrize(
    "value",
    [10**30, -(10**30), "\udcff.nii", {"\udcff": 1}, ["a\udc80ü"]],
    ids=["large", "negative", "name", "key", "mixed"],
)
def test_values_that_messagepack_cannot_spell_travel(runner: WorkerRunner, value: Any) -> None:
    assert runner.submit(f"{WORK}same", {"array": value}).result(30) == value


@pytest.mark.parametrize("n", [0, 3, 20_000])
@pytest.mark.parametrize("dtype", [">f4", "M8[D]", "U3", "?", "c16", "f2"])
def test_arrays_of_every_dtype_travel(runner: WorkerRunner, n: int, dtype: str) -> None:
    array = np.arange(n).astype("i8").astype(dtype)
    again = runner.submit(f"{WORK}same", {"array": array}).result(30)
    assert again.dtype == array.dtype and np.array_equal(again, array) and not again.flags.writeable
    grid = np.asfortranarray(array[: n // 3 * 3].reshape(3, -1))
    assert np.array_equal(runner.submit(f"{WORK}same", {"array": grid}).result(30), grid)


def test_a_request_that_cannot_be_sent_fails_instead_of_hanging(runner: WorkerRunner) -> None:
    with pytest.raises(JobFailed, match="OverflowError"):
        runner.submit(f"{WORK}pid", {}, seed=2**70).result(30)
    assert runner.submit(f"{WORK}pid", {}).result(30) in runner.pids()


def test_errors_about_names_that_are_no_unicode_are_one_line(runner: WorkerRunner) -> None:
    pid = runner.submit(f"{WORK}pid", {}).result(30)
    handle = runner.submit(f"{WORK}surrogates", {})
    with pytest.raises(JobFailed, match=r"cannot read \\udcff\.nii\)\.$"):
        handle.result(30)
    assert runner.submit(f"{WORK}pid", {}).result(30) == pid, "the worker lives"


def test_many_small_results_need_no_file_each(runner: WorkerRunner) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    held = [runner.submit(f"{WORK}same", {"array": np.arange(10) + i}).result(30) for i in range(50)]
    assert [int(a[0]) for a in held] == list(range(50))
    if before:
        assert len(os.listdir("/proc/self/fd")) < before + 10
    assert list(runner.folder.iterdir()) == []


def test_a_worker_that_dies_idle_costs_no_job(runner: WorkerRunner) -> None:
    for _ in range(5):
        pid = runner.submit(f"{WORK}pid", {}).result(30)
        os.kill(pid, signal.SIGKILL)
        assert runner.submit(f"{WORK}pid", {}).result(30) != pid


def test_a_worker_that_cannot_start_fails_its_job(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(7)")
    runner = WorkerRunner(workers=1, threads=1, environment={"PYTHONPATH": str(tmp_path)})
    try:
        with pytest.raises(JobFailed, match=r"exit 7"):
            runner.submit(f"{WORK}pid", {}).result(30)
    finally:
        runner.close()


def test_no_process_to_be_had_is_an_error_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(owner: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    runner = WorkerRunner(workers=1, threads=1)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(runner_module, "Process", refuse)
            with pytest.raises(JobFailed, match="Resource temporarily unavailable"):
                runner.submit(f"{WORK}pid", {}).result(5)
        assert runner.submit(f"{WORK}pid", {}).result(30) > 0
    finally:
        runner.close()


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_a_child_that_the_work_forked_cannot_hold_a_dead_job(runner: WorkerRunner) -> None:
    with pytest.raises(JobFailed, match="want of memory"):
        runner.submit(f"{WORK}forks", {}).result(20)


def test_a_broken_protocol_ends_the_job(runner: WorkerRunner) -> None:
    with pytest.raises(JobFailed):
        runner.submit(f"{WORK}babble", {}).result(20)
    assert runner.submit(f"{WORK}pid", {}).result(30) > 0


def test_what_a_dying_worker_wrote_is_removed(runner: WorkerRunner) -> None:
    with pytest.raises(JobFailed):
        runner.submit(f"{WORK}leave_file", {"folder": str(runner.folder)}).result(20)
    assert list(runner.folder.iterdir()) == []


def test_segments_of_cancelled_requests_are_removed(runner: WorkerRunner) -> None:
    array = np.ones((200, 200, 40))
    for wait in (0.0, 0.001, 0.005, 0.02):
        handle = runner.submit(f"{WORK}same", {"array": array})
        time.sleep(wait)
        handle.cancel()
        try:
            handle.result(20)
        except Cancelled:
            assert handle.state is State.CANCELLED
        del handle
    deadline = time.monotonic() + 5
    while any(runner.folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(runner.folder.iterdir()) == []


def test_cancel_against_finish_never_turns_a_job_back_or_kills_the_next(runner: WorkerRunner) -> None:
    for n in range(150):
        told: list[State] = []
        handle = runner.submit(
            f"{WORK}pid",
            {},
            listener=lambda h, e, told=told: told.append(e.state) if isinstance(e, StateChanged) else None,  # type: ignore[misc]
        )
        after = runner.submit(f"{WORK}pid", {})
        time.sleep(0.0001 * (n % 20))
        handle.cancel()
        try:
            handle.result(20)
            assert handle.state is State.DONE
        except Cancelled:
            assert handle.state is State.CANCELLED
        assert after.result(20) > 0
        order = [State.RUNNING, State.CANCELLING, State.DONE, State.CANCELLED]
        assert told == sorted(set(told), key=order.index), told


def test_a_late_kill_spares_the_job_that_came_after(runner: WorkerRunner) -> None:
    first = runner.submit(f"{WORK}pid", {})
    pid = first.result(30)
    process = runner._processes[0]
    stale = type("Stale", (), {"handle": first})()
    runner.end(process, stale)  # what a cancel that has waited for `GRACE` does
    assert runner.submit(f"{WORK}pid", {}).result(30) == pid


def test_a_listener_may_submit_and_cancel(runner: WorkerRunner) -> None:
    done = threading.Event()
    more: list[Handle] = []

    def listen(handle: Handle, event: object) -> None:
        if isinstance(event, StateChanged) and event.state is State.DONE:
            more.append(runner.submit(f"{WORK}pid", {}))
            handle.cancel()
            done.set()

    runner.submit(f"{WORK}pid", {}, listener=listen)
    assert done.wait(20) and more[0].result(20) > 0


def test_the_current_folder_is_no_place_to_import_from(tmp_path: Path) -> None:
    for name in ("msgspec", "numpy", "core", "plugins"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w').close()\nraise SystemExit('not ours')\n")
    code = (
        "from core.jobs import WorkerRunner\n"
        "r = WorkerRunner(workers=1, threads=1); print(r.submit('tests.core.jobs.work:pid', {}).result(60))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.name != "posix", reason="process groups")
def test_ctrl_c_in_a_terminal_reaches_the_parent_alone(runner: WorkerRunner) -> None:
    pid = runner.submit(f"{WORK}pid", {}).result(30)
    assert os.getpgid(pid) == pid != os.getpgid(0)


def test_what_a_job_prints_last_is_its_own(runner: WorkerRunner) -> None:
    for n in range(30):
        handle = runner.submit(f"{WORK}says", {"text": f"line {n}", "end": "" if n % 2 else "\n"})
        handle.result(20)
        assert list(handle.lines) == [f"line {n}"]
