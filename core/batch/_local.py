"""Cases in the worker processes of this machine."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.batch._executor import Fatal, Outcome, Report, done, failed
from core.errors import Cancelled
from core.jobs import Event, Handle, JobFailed, Runner, State, StateChanged


class LocalExecutor:
    """`workers` cases at once, each in a process of `runner`, which belongs to the executor from now on."""

    def __init__(self, runner: Runner, workers: int) -> None:
        self._runner = runner
        self.slots = workers
        self.where = f"{workers} worker{'s' * (workers != 1)}"
        self.remarks: list[str] = []
        self._said: queue.SimpleQueue[tuple[int, State]] = queue.SimpleQueue()
        self._running: dict[int, tuple[Handle, Path]] = {}

    def room(self) -> int:
        """One more than there are workers, so that none waits while what is done is brought to the disk."""
        return self.slots + 1

    def start(self, number: int, case: Mapping[str, Any]) -> None:
        """Take a case."""

        def listen(_handle: Handle, event: Event) -> None:
            if isinstance(event, StateChanged):
                self._said.put((number, event.state))

        payload = {k: v for k, v in case.items() if k not in ("device", "seed")}
        handle = self._runner.submit(
            "run_files",
            payload,
            title=f"case {number}",
            device=case["device"],
            seed=case["seed"],
            listener=listen,
        )
        self._running[number] = (handle, Path(case["out"]))

    def poll(self, timeout: float) -> list[Report]:
        """See `Executor`."""
        out: list[Report] = []
        try:
            said = self._said.get(timeout=timeout)
            while True:
                out += self._report(*said)
                said = self._said.get_nowait()
        except queue.Empty:
            return out

    def _report(self, number: int, state: State) -> list[Report]:
        if state is State.RUNNING:
            return [Report(number)]
        if state in (State.QUEUED, State.CANCELLING) or number not in self._running:
            return []
        handle, draft = self._running.pop(number)
        seconds = (handle.finished or time.time()) - (handle.started or handle.submitted)
        try:
            return [Report(number, done(handle.result(), draft, seconds))]
        except Cancelled:
            return [Report(number, Outcome(seconds=seconds, stopped=True))]
        except JobFailed as error:
            if error.kind == "NoProcess":
                raise Fatal(str(error)) from None
            return [Report(number, failed(error, seconds))]

    def cancel(self) -> None:
        """See `Executor`."""
        for handle, _ in list(self._running.values()):
            handle.cancel()

    def close(self) -> None:
        """See `Executor`."""
        self._runner.close()
