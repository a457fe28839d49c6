"""Arrays that a job makes for its result: in shared memory from the start, handed over once, removed in every case."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from core.errors import Cancelled
from core.jobs import InlineRunner, Job, JobFailed, WorkerRunner

WORK = "tests.core.jobs.work:"
COUNT = 400_000

pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="results are copied on this system"
)


@pytest.fixture(scope="module")
def runner() -> Iterator[WorkerRunner]:
    made = WorkerRunner(workers=1, threads=1)
    yield made
    made.close()


def left_behind(runner: WorkerRunner) -> list[str]:
    """Files in the folder, once nobody holds an array."""
    end = time.monotonic() + 5
    while any(runner.folder.iterdir()) and time.monotonic() < end:
        gc.collect()
        time.sleep(0.02)
    return [p.name for p in runner.folder.iterdir()]


def test_a_result_made_in_place_arrives_whole_and_is_removed(runner: WorkerRunner) -> None:
    value = runner.submit(WORK + "fill", {"count": COUNT}).result(30)
    expected = np.arange(COUNT, dtype=np.float32)
    np.testing.assert_array_equal(value["first"], expected)
    np.testing.assert_array_equal(value["turned"], np.stack([expected, np.full(COUNT, 7)], axis=1))
    np.testing.assert_array_equal(value["every other"], expected[::2])
    assert not value["second"].flags.writeable
    # One file for what lies in one array; a second for the part that had to be copied.
    assert len(list(runner.folder.iterdir())) == 2
    again = runner.submit(WORK + "double", {"array": value["first"]}).result(30)  # handed on without a copy
    assert len(list(runner.folder.iterdir())) == 3
    np.testing.assert_array_equal(again["twice"], 2 * expected)
    del value, again
    assert left_behind(runner) == []


def test_a_preview_of_it_does_not_give_away_the_result(runner: WorkerRunner) -> None:
    value = runner.submit(WORK + "fill", {"count": COUNT, "how": "preview"}).result(30)
    gc.collect()
    assert value["first"][5] == 5 and value["second"].sum() == 7 * COUNT
    del value
    assert left_behind(runner) == []


@pytest.mark.parametrize("how", ["fail", "kill"])
def test_what_was_never_handed_over_is_removed(runner: WorkerRunner, how: str) -> None:
    if how == "fail":
        with pytest.raises(JobFailed):
            runner.submit(WORK + "fill", {"count": COUNT, "how": how}).result(30)
    else:
        handle = runner.submit("tests.core.jobs.test_rooms:hold", {})
        end = time.monotonic() + 30
        while not any(runner.folder.iterdir()) and time.monotonic() < end:
            time.sleep(0.01)
        assert any(runner.folder.iterdir())
        handle.cancel()  # it never asks: its process is ended
        with pytest.raises(Cancelled):
            handle.result(30)
    assert left_behind(runner) == []


def hold(job: Job) -> None:
    """Hold a room for a minute."""
    array = job.empty(10_000_000, np.uint8)
    time.sleep(60)
    array[0] = 1


def test_memory_is_taken_as_it_is_reserved(runner: WorkerRunner) -> None:
    size = 8 << 20
    value = runner.submit(WORK + "late", {"n_bytes": size}).result(30)
    assert value["taken"] == [0, size // 4, size // 2, 3 * size // 4, size]
    assert value["out"].sum() == size


def test_without_processes_and_for_small_ones_it_is_an_ordinary_array(runner: WorkerRunner) -> None:
    value = InlineRunner().submit(WORK + "fill", {"count": COUNT}).result()
    assert value["second"][-1] == 7 and value["first"].base.base is None
    small = runner.submit(WORK + "fill", {"count": 10}).result(30)
    assert small["first"].tolist() == list(range(10))
    assert left_behind(runner) == []


def test_too_much_is_one_sentence(runner: WorkerRunner) -> None:
    with pytest.raises(JobFailed, match="not enough memory") as caught:
        runner.submit("tests.core.jobs.test_rooms:claim", {}).result(30)
    assert caught.value.refusal
    assert left_behind(runner) == []


def claim(job: Job) -> None:
    """More than any machine has."""
    job.empty(1 << 62, np.uint8)
