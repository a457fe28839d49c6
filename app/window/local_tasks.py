"""Work of the window itself (a movie, a large picture), listed beside the jobs of the workers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from app.window.tasks import Task
from app.window.workbench import Problem, Workbench
from core.jobs import JobFailed, Progress, State


class _Handle:
    """What a `Task` asks of a job's handle."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.id = uuid.uuid4().hex
        self.started: float | None = time.time()
        self.finished: float | None = None
        self.error: JobFailed | None = None
        self._cancel = cancel

    def cancel(self) -> None:
        self._cancel()

    def result(self, _timeout: float | None = None) -> Any:
        return None


class LocalTask:
    """One piece of work: `progress` while it lasts, then one of `done`, `failed` and `cancelled`. Main thread only."""

    def __init__(self, workbench: Workbench, title: str, cancel: Callable[[], None]) -> None:
        self._workbench = workbench
        self._handle = _Handle(cancel)
        self.task = Task(
            self._handle,  # type: ignore[arg-type]
            "write",
            title,
            True,
            workbench.session,
            _nothing,
            _nothing,
            _nothing,
            state=State.RUNNING,
        )
        workbench.tasks.append(self.task)
        workbench.task_added.emit(self.task)

    def progress(self, fraction: float, text: str = "") -> None:
        """How far it has got."""
        self.task.progress = Progress(fraction, text)
        self._workbench.task_changed.emit(self.task)

    def done(self, message: str = "") -> None:
        """It has worked."""
        self._end(State.DONE)
        if message:
            self._workbench.message.emit(message)

    def failed(self, text: str, details: str = "") -> None:
        """It has not, and why, in a sentence; shown as a card."""
        self._handle.error = JobFailed(text, details)
        self._end(State.FAILED)
        self._workbench.problem.emit(Problem(text, details))

    def cancelled(self) -> None:
        """Nobody wants it any more."""
        self._end(State.CANCELLED)

    def _end(self, state: State) -> None:
        if self.task.over:
            return
        self._handle.finished = time.time()
        self.task.state = state
        self.task.forget()
        self._workbench.task_over.emit(self.task)
        if not self._workbench.busy:
            self._workbench.idle.emit()


def _nothing(*_: Any) -> None:
    pass
