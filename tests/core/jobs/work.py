"""Tasks that the job tests run in workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
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


def forks(job: Job) -> None:
    """Leaves a child that holds the pipes open, then dies."""
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def surrogates(job: Job) -> None:
    """Talks about a file whose name is no Unicode, and fails over it."""
    job.log("reading \udcff.nii")
    raise ValueError("cannot read \udcff.nii\nand a second line")


def babble(job: Job) -> None:
    """Writes rubbish into every pipe that is open for writing, the protocol's too."""
    for number in range(3, 30):
        try:
            os.write(number, b"\x01\0\0\0\0\0\0\0\xc1" * 3)
        except OSError:
            continue
    time.sleep(60)


def modules(job: Job) -> list[str]:
    """Where this process imports from."""
    return sys.path


def leave_file(job: Job, folder: str) -> None:
    """Dies after a segment was written and before anybody was told."""
    from pathlib import Path

    (Path(folder) / f"equiscope-{os.getpid()}-1-deadbeef").write_bytes(b"x" * 100)
    os._exit(1)


def says(job: Job, text: str, end: str) -> None:
    """Prints one line, perhaps an unfinished one, and ends at once."""
    print(text, end=end)


def fill(job: Job, count: int, how: str = "") -> Any:
    """Two results in one shared array, written where the window will read them."""
    whole = job.empty((2, count), np.float32)
    whole[0] = np.arange(count)
    whole[1] = 7
    if how == "preview":  # a second message must not refer to what the first one gave away
        job.preview({"first": whole[0]})
    if how == "fail":
        raise ReadError("somewhere", "is bad", "stop")
    return {"first": whole[0], "second": whole[1], "turned": whole.T, "every other": whole[0, ::2]}


def late(job: Job, n_bytes: int) -> Any:
    """An array that is reserved as it is filled, and what of it was there before."""
    out = job.empty(n_bytes, np.uint8, reserve=False)
    folder = Path(sys.argv[1])
    taken = [sum(p.stat().st_blocks * 512 for p in folder.iterdir())]
    for start in range(0, n_bytes, n_bytes // 4):
        job.reserve(out, start + n_bytes // 4)
        out[start : start + n_bytes // 4] = 1
        taken.append(sum(p.stat().st_blocks * 512 for p in folder.iterdir()))
    return {"out": out, "taken": taken}


def hog(job: Job, millions: int) -> int:
    """Takes so many million bytes, and then its time."""
    held = np.ones(millions * 1_000_000, np.uint8)
    job.log("holds it")
    time.sleep(30)
    return int(held[0])
