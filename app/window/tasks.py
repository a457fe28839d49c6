"""A job as the window keeps it: its handle, what to do with what it returns, and its live curves."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.jobs import Handle, JobFailed, Metric, Progress, State

LINES = 500
"""Lines a job printed that are kept."""
POINTS = 4000
"""Points of a live curve that are kept; beyond that every second one goes."""


@dataclass
class LiveCurve:
    """One metric of a running job."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, event: Metric) -> None:
        """Append a point; thinned by two when it gets long."""
        last = self.steps[-1] if self.steps else -1.0
        self.steps.append(float(event.step) if event.step is not None else last + 1.0)
        self.values.append(event.value)
        if len(self.steps) > POINTS:
            del self.steps[1:-1:2], self.values[1:-1:2]


@dataclass(eq=False)
class Task:
    """A submitted job.

    Attributes
    ----------
    name : of the task in `core.tasks`.
    shown : whether the jobs panel lists it.
    session : the session it belongs to; what it returns to another one is dropped.
    """

    handle: Handle | None
    """None once it is over: what it returned belongs to the document alone."""
    name: str
    title: str
    shown: bool
    session: int
    on_done: Callable[[Any], None]
    on_failed: Callable[[JobFailed], None]
    on_over: Callable[[], None]
    state: State = State.QUEUED
    progress: Progress = field(default_factory=lambda: Progress(0.0))
    error: JobFailed | None = None
    seconds: float = 0.0
    """How long it took, once it is over."""
    curves: dict[str, LiveCurve] = field(default_factory=dict)
    lines: collections.deque[str] = field(default_factory=lambda: collections.deque(maxlen=LINES))
    """What it logged and printed."""
    again: Callable[[], object] | None = None
    """Does the same once more; None where that cannot be."""
    result: str = ""
    """The id of the item that holds what it found, once it has."""

    @property
    def elapsed(self) -> float:
        """Seconds it has run so far, or took."""
        if self.handle is None or self.over:
            return self.seconds
        return time.time() - self.handle.started if self.handle.started else 0.0

    @property
    def report(self) -> str:
        """Title, error, details and what it printed, as text to send to somebody."""
        parts = [self.title]
        if self.error is not None:
            parts += [str(self.error), self.error.details]
        parts += self.lines
        return "\n".join(p for p in parts if p)

    previews: dict[str, Any] = field(default_factory=dict)
    """What the job has shown of its results so far, by name."""
    transform: Any = None
    """Where the first input lies: previews of layers lie there too."""

    @property
    def over(self) -> bool:
        """Whether it has ended, in whichever way."""
        return self.state in (State.DONE, State.FAILED, State.CANCELLED)

    @property
    def seconds_left(self) -> float | None:
        """Seconds still to go if it goes on as it did; None while nobody can know."""
        started = self.handle.started if self.handle else None
        fraction = self.progress.fraction
        if started is None or self.over or not 0.02 < fraction < 1:
            return None
        spent = time.time() - started
        return None if spent < 1.0 else spent * (1 - fraction) / fraction

    def cancel(self) -> None:
        """Ask it to stop; harmless once it is over."""
        if self.handle is not None:
            self.handle.cancel()

    def forget(self) -> Any:
        """Let go of the handle and return what the job returned (None unless it is done)."""
        handle, self.handle = self.handle, None
        if handle is None:
            return None
        self.error = handle.error
        self.seconds = (handle.finished or 0.0) - (handle.started or handle.finished or 0.0)
        return handle.result(0) if self.state is State.DONE else None


def shared_steps(curves: Mapping[str, LiveCurve]) -> list[tuple[Sequence[float], dict[str, Sequence[float]]]]:
    """Metrics grouped by the steps that they share: what a `Curve` can hold."""
    out: list[tuple[Sequence[float], dict[str, Sequence[float]]]] = []
    for name, curve in curves.items():
        if len(curve.values) < 2:
            continue
        for steps, named in out:
            if list(steps) == list(curve.steps):
                named[name] = curve.values
                break
        else:
            out.append((curve.steps, {name: curve.values}))
    return out


def in_words(seconds: float) -> str:
    """A duration for people: "3 s", "4 min", "2 h 5 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
