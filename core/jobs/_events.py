"""What a job tells those who wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Progress:
    """`fraction` 0..1 and what is being done."""

    fraction: float
    text: str = ""


@dataclass(frozen=True)
class Metric:
    """One point of a live curve."""

    name: str
    value: float
    step: float | None = None


@dataclass(frozen=True)
class LogLine:
    """A line that the job logged or printed."""

    text: str


@dataclass(frozen=True, eq=False)
class Preview:
    """An unfinished output of `core.results`."""

    output: Any


@dataclass(frozen=True)
class StateChanged:
    """The job's new state; after DONE, FAILED and CANCELLED nothing more comes."""

    state: State


Event = Progress | Metric | LogLine | Preview | StateChanged


class JobFailed(Exception):
    """Why a job failed.

    `str(error)` is one sentence for the user; `details` the traceback or the process's last words for the log;
    `refusal` is true where the work itself declined (a bad file, a refused input) rather than broke;
    `kind` names the error's class.
    """

    def __init__(
        self, message: str, details: str = "", *, refusal: bool = False, kind: str = "", data: Any = None
    ) -> None:
        super().__init__(message)
        self.details = details
        self.refusal = refusal
        self.kind = kind
        self.data = data
