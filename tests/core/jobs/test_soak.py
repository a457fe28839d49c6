"""A pool under hundreds of jobs that end in every way: it keeps working and leaves nothing behind."""

from __future__ import annotations

import gc
import random
import time

import numpy as np
import pytest

from core.errors import Cancelled
from core.jobs import Handle, JobFailed, WorkerRunner

WORK = "tests.core.jobs.work:"


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_five_hundred_jobs_that_crash_hang_and_work() -> None:
    dice = random.Random(0)
    runner = WorkerRunner(workers=2, threads=1)
    counts = {"done": 0, "failed": 0, "cancelled": 0}
    try:
        for _ in range(100):
            array = np.full((64, 64, 16), dice.random())
            jobs: list[tuple[str, Handle]] = []
            for _ in range(5):
                how = dice.choice(["same", "double", "polite", "stubborn", "segfault", "kill", "user"])
                payload: dict[str, object] = {"array": array} if how in ("same", "double") else {}
                task = how if how in ("same", "double", "polite", "stubborn") else "crash"
                jobs.append(
                    (how, runner.submit(WORK + task, payload | ({"how": how} if task == "crash" else {})))
                )
            time.sleep(dice.random() * 0.2)
            for how, handle in jobs:
                if how in ("polite", "stubborn"):
                    handle.cancel()
            for how, handle in jobs:
                try:
                    value = handle.result(60)
                    assert how in ("same", "double")
                    expected = array if how == "same" else 2 * array
                    assert np.array_equal(value if how == "same" else value["twice"], expected)
                    counts["done"] += 1
                except JobFailed:
                    assert how in ("segfault", "kill", "user")
                    counts["failed"] += 1
                except Cancelled:
                    assert how in ("polite", "stubborn")
                    counts["cancelled"] += 1
            del jobs, handle
            value = None
        deadline = time.monotonic() + 10
        while any(runner.folder.iterdir()) and time.monotonic() < deadline:
            gc.collect()
            time.sleep(0.05)
        assert list(runner.folder.iterdir()) == []
        assert min(counts.values()) > 50
    finally:
        runner.close()
    print(counts)
