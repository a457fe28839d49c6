"""What `submit` gives back: a job's state, its result, and those who listen to it."""

from __future__ import annotations

import collections
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from core.errors import Cancelled
from core.jobs._events import Event, JobFailed, LogLine, Metric, Preview, Progress, State, StateChanged

log = logging.getLogger("equiscope.jobs")
Listener = Callable[["Handle", Event], None]


def _nothing() -> None:
    """What cancelling a job does that is over."""


_GOING = (State.QUEUED, State.RUNNING, State.CANCELLING)


class Handle:
    """A submitted job. Listeners are called on a thread of the runner's; the window queues them to its own."""

    def __init__(self, id: str, title: str, task: str) -> None:
        self.id = id
        self.title = title
        self.task = task
        self.state = State.QUEUED
        self.progress = Progress(0.0)
        self.submitted = time.time()
        self.started: float | None = None
        self.finished: float | None = None
        self.lines: collections.deque[str] = collections.deque(maxlen=2000)
        self._value: Any = None
        self._error: JobFailed | None = None
        self._over = threading.Event()
        self._turning = threading.RLock()
        self._listeners: list[Listener] = []
        self._cancel: Callable[[], None] = _nothing

    def cancel(self) -> None:
        """Ask the job to stop; its process is ended if it has not stopped within `GRACE`. Harmless if it is over."""
        self._cancel()

    def done(self) -> bool:
        """Whether it is over, in whichever way."""
        return self._over.is_set()

    def result(self, timeout: float | None = None) -> Any:
        """What the job returned; waits for it.

        Raises
        ------
        JobFailed : it failed. Cancelled : it was cancelled. TimeoutError : not over in time.
        """
        if not self._over.wait(timeout):
            raise TimeoutError(f"{self.title} is still running")
        if self._error is not None:
            raise self._error
        if self.state is State.CANCELLED:
            raise Cancelled
        return self._value

    @property
    def error(self) -> JobFailed | None:
        """Why it failed, if it did."""
        return self._error

    def _emit(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.progress = event
        elif isinstance(event, LogLine):
            self.lines.append(event.text)
        for listener in list(self._listeners):
            try:
                listener(self, event)
            except Exception:
                log.exception("a listener of job %s failed", self.title)

    def _turn(self, state: State, value: Any = None, error: JobFailed | None = None) -> bool:
        """Go on to `state` and tell the listeners, in order; False where there is no way there any more.

        A job that is over stays what it is, and one that is being cancelled does not start. Never call this with
        a runner's lock held: listeners may call the runner.
        """
        with self._turning:
            if self._over.is_set() or (self.state is State.CANCELLING and state in _GOING):
                return False
            if state is self.state:
                return True
            self.state = state
            if state not in _GOING:
                self._value, self._error = value, error
                self.finished = time.time()
                self._over.set()
            self._emit(StateChanged(state))
            if state not in _GOING:
                # What a job was given and what it returned now belong to those who asked; no cycle keeps them.
                self._listeners.clear()
                self._cancel = _nothing
            return True


def event_of(message: dict[str, Any], output: Any) -> Event:
    kind = message["event"]
    if kind == "progress":
        return Progress(message["fraction"], message["text"])
    if kind == "metric":
        return Metric(message["name"], message["value"], message["step"])
    if kind == "preview":
        return Preview(output)
    return LogLine(message["text"])


def job_failed(message: dict[str, Any]) -> JobFailed:
    return JobFailed(
        message["message"],
        message["details"],
        refusal=message["refusal"],
        kind=message["kind"],
        data=message.get("data"),
    )
