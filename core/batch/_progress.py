"""`done.jsonl`: what has become of each case, a line each time, appended and never changed.

    {"case": "sub-01", "state": "running", "time": 1732472833.1}
    {"case": "sub-01", "state": "done", "time": …, "seconds": 4.2, "record": "9f2c…", "inputs": [{"stamp": …, "sha256": …}]}
    {"case": "sub-02", "state": "failed", "time": …, "seconds": 0.1, "error": "sub-02.nii.gz is empty …", "kind": "ReadError"}
    {"driver": "begin", "time": …, "slots": 8, "where": "8 workers"}
    {"driver": "end", "time": …, "why": "done"}

The last line of a case counts. Done and failed are on the disk (fsync) before anybody is told; a line that was torn
by a crash is skipped.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import WriteError

NAME = "done.jsonl"
WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
STATES = (WAITING, RUNNING, DONE, FAILED)


@dataclass(frozen=True)
class Stamp:
    """An input as it was when its case ran: what the disk said of it, and its content's hash where it was read."""

    stamp: str
    sha256: str = ""


@dataclass(frozen=True)
class Status:
    """Where a case stands. `time` is when that was said (seconds since 1970); `record` the hash of its record.json."""

    state: str = WAITING
    time: float = 0.0
    seconds: float | None = None
    error: str = ""
    kind: str = ""
    record: str = ""
    warnings: int = 0
    inputs: tuple[Stamp, ...] = ()


@dataclass
class Driver:
    """The last driver that wrote here; `ended` says why it stopped, "" while it has not said so."""

    slots: int = 1
    where: str = ""
    began: float = 0.0
    ended: str = ""


@dataclass
class Progress:
    """All that the lines say."""

    cases: dict[str, Status] = field(default_factory=dict)
    driver: Driver = field(default_factory=Driver)
    pace: list[float] = field(default_factory=list)
    """Seconds of the cases that the last driver has done, in order."""
    _rest: bytes = b""

    def feed(self, data: bytes) -> set[str]:
        """Take more of the file; the names of the cases of which it spoke. A half line waits for its end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        touched: set[str] = set()
        for line in lines:
            try:
                said = json.loads(line)
            except (ValueError, RecursionError):
                continue  # torn by a crash
            if isinstance(said, dict):
                self._take(said, touched)
        return touched

    def _take(self, said: dict[str, Any], touched: set[str]) -> None:
        time = _number(said.get("time"))
        if said.get("driver") == "begin":
            self.driver = Driver(
                max(1, int(_number(said.get("slots")))),
                str(said.get("where", "")),
                time,
            )
            self.pace = []
            for name, status in self.cases.items():  # whoever ran these is gone
                if status.state == RUNNING:
                    self.cases[name] = Status()
                    touched.add(name)
        elif said.get("driver") == "end":
            self.driver.ended = str(said.get("why") or "ended")
        case, state = said.get("case"), said.get("state")
        if not isinstance(case, str) or state not in STATES:
            return
        inputs = said.get("inputs")
        stamps = tuple(
            Stamp(str(i.get("stamp", "")), str(i.get("sha256", "")))
            for i in (inputs if isinstance(inputs, list) else ())
            if isinstance(i, dict)
        )
        seconds = said.get("seconds")
        self.cases[case] = Status(
            state,
            time,
            _number(seconds) if seconds is not None else None,
            str(said.get("error", "")),
            str(said.get("kind", "")),
            str(said.get("record", "")),
            int(_number(said.get("warnings"))),
            stamps,
        )
        touched.add(case)
        if state in (DONE, FAILED) and seconds is not None:
            self.pace.append(_number(seconds))

    def status(self, name: str) -> Status:
        """Where a case stands."""
        return self.cases.get(name, Status())

    def interrupted(self) -> set[str]:
        """Nobody drives any more: what was running is not. The names of those cases."""
        torn = {n for n, s in self.cases.items() if s.state == RUNNING}
        for name in torn:
            self.cases[name] = replace(Status())
        return torn


def read_progress(folder: Path) -> Progress:
    """What the file says; nothing where there is none."""
    progress = Progress()
    try:
        progress.feed((folder / NAME).read_bytes() + b"\n")
    except OSError:
        pass
    return progress


class ProgressFile:
    """Appends lines; those that count are on the disk when `write` returns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                os.write(self._file, b"\n")  # the line that a crash has torn stays one of its own
        except OSError as error:
            raise self._refused(error) from error

    def write(self, said: dict[str, Any], *, sure: bool = True) -> None:
        """Append a line. Raises `WriteError` if the disk refuses."""
        line = json.dumps(said).encode() + b"\n"
        try:
            done = os.write(self._file, line)
            if done != len(line):
                raise OSError(28, "No space left on device")
            if sure:
                os.fsync(self._file)
        except OSError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """No more lines."""
        os.close(self._file)

    def _refused(self, error: OSError) -> WriteError:
        return WriteError(
            self.path,
            f"cannot be written ({error.strerror or error})",
            "free some space or change the folder's permissions, then run the same command again",
        )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def time_left(seconds: list[float], remaining: int, slots: int) -> float | None:
    """Seconds until `remaining` cases are done, from those of the last ones; None before there is any."""
    if not seconds or not remaining:
        return None if remaining else 0.0
    last = seconds[-40:]
    return sum(last) / len(last) * remaining / max(1, min(slots, remaining))
