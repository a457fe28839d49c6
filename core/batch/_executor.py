"""What runs the cases of a batch: local workers or a cluster, behind one small interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from core import records
from core.errors import UserError
from core.jobs import JobFailed

CRASH = "WorkerDied"
"""The kind of error of a case whose process died."""


class Fatal(UserError):
    """Nothing more can be run here: no cluster, another version there, a folder that it does not see."""


@dataclass(frozen=True)
class Outcome:
    """How a case ended. `error` is "" for one that is done, else a sentence; `details` are for the log."""

    seconds: float = 0.0
    error: str = ""
    kind: str = ""
    details: str = ""
    record: str = ""
    warnings: int = 0
    sha256: Mapping[str, str] = field(default_factory=dict)
    """By absolute path: the hashes of the inputs' files, from the record."""
    stopped: bool = False


@dataclass(frozen=True)
class Report:
    """A case has begun (`outcome` None) or ended."""

    number: int
    outcome: Outcome | None = None


class Executor(Protocol):
    """Runs cases; everything is called from one thread.

    A case is given as the payload of the task `run_files` with its draft folder as `out`, and `device` and `seed`.
    """

    where: str
    slots: int
    """How many cases run at once."""
    remarks: list[str]
    """What the user should know; the driver takes it from here."""

    def room(self) -> int:
        """How many cases it should have at a time, those that wait for a worker included. Raises `Fatal`."""

    def start(self, number: int, case: Mapping[str, Any]) -> None:
        """Take a case."""

    def poll(self, timeout: float) -> list[Report]:
        """What has happened; waits no longer than `timeout` seconds for it. Raises `Fatal`."""

    def cancel(self) -> None:
        """Ask all cases to stop; each still reports its end."""

    def close(self) -> None:
        """Stop everything and let go of the workers."""


def done(value: Mapping[str, Any], draft: Path, seconds: float) -> Outcome:
    """The outcome of a case from what the task `run_files` returned."""
    sha256 = {i["path"]: i["sha256"] for i in value["record"]["inputs"] if i.get("sha256") and i.get("path")}
    return Outcome(
        seconds=seconds,
        record=records.file_hash(draft / "record.json"),
        warnings=len(value["warnings"]),
        sha256=sha256,
    )


def failed(error: JobFailed, seconds: float) -> Outcome:
    """The outcome of a case that failed, in words for somebody who reads it in a table."""
    text = str(error)
    if error.kind == CRASH:  # the rest of that sentence is about what is open in a window
        text = text.partition("; nothing that is open is lost")[0] + "."
        text = text.replace("The job's process", "Its process")
    elif error.kind == "MemoryError":
        text = "There is not enough memory for it; run fewer cases at once, or a smaller input."
    details = "" if error.refusal else error.details
    return Outcome(seconds=seconds, error=text, kind=error.kind, details=details)
