"""Runs one task in a worker for the command line, with progress on the terminal and Ctrl+C as cancel."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

from core.jobs import Event, Handle, LogLine, Progress, Runner, WorkerRunner

_runner: WorkerRunner | None = None


def runner(*, threads: int | None = None) -> WorkerRunner:
    """This process's one worker, started at first use; ended at exit."""
    global _runner
    if _runner is not None and threads is not None and _runner.threads != threads:
        _runner.close()
        _runner = None
    if _runner is None:
        _runner = WorkerRunner(workers=1, threads=threads)
    return _runner


def close() -> None:
    """End this process's worker; the next call starts another."""
    global _runner
    if _runner is not None:
        _runner.close()
        _runner = None


def call(
    task: str,
    payload: Mapping[str, Any],
    *,
    title: str = "",
    device: str = "cpu",
    seed: int = 0,
    threads: int | None = None,
    quiet: bool = False,
    on: Runner | None = None,
    stop: threading.Event | None = None,
) -> Any:
    """Run a task of `core.tasks` and wait for it; `stop` cancels it as Ctrl+C does.

    Raises
    ------
    JobFailed, Cancelled : as `Handle.result`.
    """
    show = not quiet and sys.stderr.isatty()
    verbose = os.environ.get("EQUISCOPE_VERBOSE") == "1"

    def listen(handle: Handle, event: Event) -> None:
        if isinstance(event, Progress) and show:
            print(f"\r\033[K{event.fraction:4.0%} {event.text[:70]}", end="", file=sys.stderr, flush=True)
        elif isinstance(event, LogLine) and verbose:
            print(event.text, file=sys.stderr)

    handle = (on or runner(threads=threads)).submit(
        task, payload, title=title, device=device, seed=seed, listener=listen
    )
    try:
        while stop is not None and not handle.done():
            if stop.wait(0.05):
                handle.cancel()
                break
        return handle.result()
    except KeyboardInterrupt:
        handle.cancel()
        return handle.result()
    finally:
        if show:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
