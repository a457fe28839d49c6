"""One case on a worker of a cluster: the plain function that the scheduler hands out.

The case runs in a process of its own, as in a local batch: a crash of the analysis is the case's error and not the
worker's death, it has exactly the threads that the record says, and it can be stopped.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from core import __version__
from core.batch._executor import Outcome, done, failed
from core.errors import Cancelled
from core.jobs import JobFailed, WorkerRunner
from core.records import versions

MOST = 1024
"""Cases that one worker may have at once; it has as many as it has threads."""
_runners: dict[int, WorkerRunner] = {}
_lock = threading.Lock()


def run_case(case: dict[str, Any], threads: int, expected: Mapping[str, str], folder: str) -> dict[str, Any]:
    """Run one case; returns plain values.

    Either {"refused": sentence}, where nothing can be run on this worker, or the fields of `Outcome` as a dictionary,
    with the versions that differ from the `expected` ones as "differ".
    """
    here = versions()
    if expected.get("equiscope") != __version__:
        return {
            "refused": f"A worker has Equiscope {__version__} and this is {expected.get('equiscope')}; "
            "install the same version there"
        }
    if not Path(folder).is_dir():
        return {
            "refused": f"A worker does not see the folder {Path(folder).name}; "
            "results are written by the workers, so it must lie on a file system that they share"
        }
    begun(case["out"])
    differ = {n: f"{here.get(n, 'missing')}, not {v}" for n, v in expected.items() if here.get(n) != v}
    outcome = _run(case, threads, _wanted())
    return {**msgspec.to_builtins(outcome), "differ": differ}


def begun(out: str) -> None:
    """Count, where the driver can see it, that a case has begun: a worker's death is told of all that it had taken."""
    with open(marker(out), "ab") as file:
        file.write(b".")


def marker(out: str) -> Path:
    """A file whose length says how often the case with this draft folder has begun."""
    return Path(f"{out}.begun")


def _run(case: dict[str, Any], threads: int, wanted: Callable[[], bool]) -> Outcome:
    payload = {k: v for k, v in case.items() if k not in ("device", "seed")}
    handle = _runner(threads).submit("run_files", payload, device=case["device"], seed=case["seed"])
    while True:
        try:
            value = handle.result(timeout=0.3)
        except TimeoutError:
            if not wanted():
                handle.cancel()
            continue
        except Cancelled:
            return Outcome(stopped=True)
        except JobFailed as error:
            return failed(error, _seconds(handle))
        return done(value, Path(case["out"]), _seconds(handle))


def _seconds(handle: Any) -> float:
    return float((handle.finished or 0.0) - (handle.started or handle.submitted))


def _runner(threads: int) -> WorkerRunner:
    """This worker's processes; warm from case to case."""
    with _lock:
        if threads not in _runners:
            _runners[threads] = WorkerRunner(workers=MOST, threads=threads)
        return _runners[threads]


@atexit.register
def _close() -> None:
    for runner in _runners.values():
        runner.close()


def _wanted() -> Callable[[], bool]:
    """Whether anybody still waits for the task that this thread runs.

    A scheduler that is told to cancel, or whose client has died, lets the worker forget the task; the task itself is
    not told. Where a version of distributed keeps no such books, the case simply runs to its end.
    """
    try:
        from distributed import get_worker

        worker = get_worker()
        key = worker.get_current_task()
        tasks = worker.state.tasks
    except Exception:
        return lambda: True

    def wanted() -> bool:
        task = tasks.get(key)
        return task is not None and getattr(task, "state", "") != "cancelled"

    return wanted
