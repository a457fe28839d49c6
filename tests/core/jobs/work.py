"""Tasks that the job tests run in workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import numpy as np

from core.errors import ReadError, UserError
from core.jobs import Job
from core.results import Number


def double(job: Job, array: Any, big: bool = False) -> Any:
    """Twice the array; reports on the way."""
    for i in range(5):
        job.progress(i / 5, f"step {i}")
    job.metric("loss", 0.5, step=1)
    job.preview(Number("so far", 1.0, "mm"))
    print("a library prints to standard output")
    return {"twice": np.asarray(array) * 2, "writeable": bool(np.asarray(array).flags.writeable)}


def same(job: Job, array: Any) -> Any:
    """The input again."""
    return array


def pid(job: Job) -> int:
    """Who works here."""
    return os.getpid()


def draw(job: Job) -> list[float]:
    """Random numbers and the settings of the run."""
    return [*job.rng.random(3).tolist(), job.threads, float(os.environ["OMP_NUM_THREADS"])]


def polite(job: Job) -> None:
    """Works for a minute, asks whether to stop."""
    for _ in range(6000):
        job.check()
        time.sleep(0.01)


def stubborn(job: Job) -> None:
    """Works for a minute and never asks."""
    job.log("started")
    time.sleep(60)


def crash(job: Job, how: str) -> None:
    """Dies in the given way."""
    print("last words", file=sys.stderr, flush=True)
    if how == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "exit":
        os._exit(3)
    elif how == "user":
        raise UserError("Nothing to do here.")
    elif how == "read":
        raise ReadError("brain.nii", "ends early", "copy it again")
    elif how == "memory":
        raise MemoryError
    raise ValueError("broken")
