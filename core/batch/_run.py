"""One going over the chosen cases of a batch: starting, hearing, keeping what is done, and ending whole."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.batch import _summary
from core.batch._executor import CRASH, Executor, Outcome, Report
from core.batch._manifest import Case, Manifest
from core.batch._progress import DONE, FAILED, RUNNING, WAITING, Progress, ProgressFile, Status, time_left
from core.batch._stamps import stamp
from core.errors import UserError, WriteError
from core.opening import split_address

DRAFT, OLD = ".draft-", ".old-"
"""What the names of folders begin with that a case is being written to, or that is about to go.

They lie beside the finished cases and as deep, because a record names its inputs relative to its folder."""
TRIES = 2
"""How often a case is begun whose process dies; the second time after all others, when there may be more memory."""
SCARCE = 1 << 20
"""Bytes free below which a disk counts as full."""


@dataclass(frozen=True)
class Count:
    """Where the cases that were asked for stand, and how long the rest may take (seconds; None: not known yet)."""

    total: int
    done: int
    failed: int
    running: int
    left: float | None

    @property
    def waiting(self) -> int:
        """Those that have not begun."""
        return self.total - self.done - self.failed - self.running


@dataclass(frozen=True)
class Ended:
    """A case that has just ended."""

    case: Case
    status: Status
    details: str = ""


Tell = Callable[[Count | Ended | str], None]
"""Told of every change: counts, ended cases, and remarks in words."""


class Run:
    """One going over the chosen cases."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        progress: Progress,
        asked: Sequence[Case],
        chosen: Sequence[Case],
        executor: Executor,
        tell: Tell,
        trusted: Sequence[str],
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._progress = progress
        self._asked = asked
        self._executor = executor
        self._tell = tell
        self._trusted = list(trusted)
        self._waiting = collections.deque((case, 1) for case in chosen)
        self._running: dict[int, tuple[Case, int, Path, list[str]]] = {}
        self._token = uuid.uuid4().hex[:8]
        self._number = 0
        self._file: ProgressFile | None = None

    def go(self, stop: threading.Event) -> Count:
        self._file = ProgressFile(self._folder)
        why = "stopped"
        try:
            self._begin()
            self._tell(self._count())
            while (self._waiting or self._running) and not stop.is_set():
                while self._waiting and len(self._running) < self._executor.room():
                    self._start(*self._waiting.popleft())
                self._hear(self._executor.poll(0.2))
            if stop.is_set() and self._running:
                self._end_all()
            else:
                why = "done" if not self._waiting else why
        except BaseException as error:
            why = str(error) if isinstance(error, UserError) else type(error).__name__
            raise
        finally:
            self._finish(why)
        return self._count()

    def _begin(self) -> None:
        self._write(
            {
                "driver": "begin",
                "time": time.time(),
                "slots": self._executor.slots,
                "where": self._executor.where,
            }
        )

    def _write(self, said: dict[str, Any], *, sure: bool = True) -> None:
        assert self._file is not None
        self._file.write(said, sure=sure)
        self._progress.feed(json.dumps(said).encode() + b"\n")

    def _start(self, case: Case, turn: int) -> None:
        m = self._manifest
        self._number += 1
        draft = self._folder / f"{DRAFT}{self._token}-{self._number}"
        stamps = [stamp(a) for a in case.inputs]
        self._running[self._number] = (case, turn, draft, stamps)
        self._executor.start(
            self._number,
            {
                "analysis": m.analysis,
                "paths": list(case.inputs),
                "parameters": {**m.parameters, **case.parameters},
                "out": str(draft.absolute()),
                "reader": m.reader or None,
                "kind": m.kind or None,
                "options": m.options,
                "trusted": self._trusted,
                "device": m.device,
                "seed": m.seed,
            },
        )

    def _hear(self, reports: Sequence[Report]) -> None:
        for report in reports:
            found = self._running.get(report.number)
            if found is None:
                continue
            if report.outcome is None:
                self._write({"case": found[0].name, "state": RUNNING, "time": time.time()}, sure=False)
            else:
                del self._running[report.number]
                self._over(*found, report.outcome)
        while self._executor.remarks:
            self._tell(self._executor.remarks.pop(0))
        if reports:
            self._tell(self._count())

    def _over(self, case: Case, turn: int, draft: Path, stamps: list[str], outcome: Outcome) -> None:
        if outcome.stopped:
            shutil.rmtree(draft, ignore_errors=True)
            return
        if outcome.kind == CRASH and turn < TRIES:
            shutil.rmtree(draft, ignore_errors=True)
            self._tell(f"{case.name}: {outcome.error} It is run once more.")
            self._waiting.append((case, turn + 1))
            self._write({"case": case.name, "state": WAITING, "time": time.time()}, sure=False)
            return
        said: dict[str, Any] = {"case": case.name, "time": time.time(), "seconds": round(outcome.seconds, 3)}
        said["inputs"] = [
            {"stamp": then, "sha256": _hash_of(address, outcome)}
            for address, then in zip(case.inputs, stamps, strict=True)
        ]
        if not outcome.error:
            self._keep(draft, self._folder / case.name)
            said |= {"state": DONE, "record": outcome.record, "warnings": outcome.warnings}
        else:
            if outcome.kind == "WriteError":
                self._look_at_disk(outcome)
            text = outcome.error
            if outcome.kind == CRASH:
                text = f"{text.rstrip('.')}, {turn} times; run it with fewer workers or on a smaller input."
            said |= {"state": FAILED, "error": text, "kind": outcome.kind}
            shutil.rmtree(draft, ignore_errors=True)
            # What an earlier run of other contents has found is not the result of this one.
            self._move_away(self._folder / case.name)
        self._write(said)
        self._tell(Ended(case, self._progress.status(case.name), outcome.details))

    def _keep(self, draft: Path, place: Path) -> None:
        """The finished case under its name, in one step."""
        try:
            old = self._set_aside(place)
            os.rename(draft, place)
            self._sync()
        except OSError as error:
            raise WriteError(
                place, f"cannot be written ({error.strerror or error})", "run the same command again"
            ) from error
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)

    def _move_away(self, place: Path) -> None:
        with contextlib.suppress(OSError):
            old = self._set_aside(place)
            if old is not None:
                shutil.rmtree(old, ignore_errors=True)

    def _set_aside(self, place: Path) -> Path | None:
        if not os.path.lexists(place):
            return None
        old = self._folder / f"{OLD}{self._token}-{uuid.uuid4().hex[:8]}"
        os.rename(place, old)
        return old

    def _sync(self) -> None:
        """The folder's entries on the disk."""
        with contextlib.suppress(OSError):  # some file systems cannot, and need not
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _look_at_disk(self, outcome: Outcome) -> None:
        """A full disk is no fault of the case: the batch stops, and the case stays to be run."""
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:
            free = 0
        if free < SCARCE:
            raise WriteError(
                self._folder,
                "cannot be written to (the disk is full)",
                "free some space, then run the same command again",
            )

    def _end_all(self) -> None:
        """Running cases stop; what ends well meanwhile is kept."""
        self._executor.cancel()
        until = time.monotonic() + 5
        while self._running and time.monotonic() < until:
            self._hear(self._executor.poll(0.2))

    def _finish(self, why: str) -> None:
        for _, _, draft, _ in self._running.values():
            shutil.rmtree(draft, ignore_errors=True)
        self._running.clear()
        assert self._file is not None
        self._progress.interrupted()
        with contextlib.suppress(WriteError):  # the disk that is full: the error on its way says so
            self._write({"driver": "end", "time": time.time(), "why": why})
        self._file.close()
        with contextlib.suppress(WriteError):
            _summary.write_summary(self._folder, self._manifest, self._progress)

    def _count(self) -> Count:
        # A case that is run again counts as not done until it is.
        open_ = {c.name for c, _ in self._waiting} | {r[0].name for r in self._running.values()}
        states = [(c.name, self._progress.status(c.name).state) for c in self._asked]
        over = collections.Counter(state for name, state in states if name not in open_)
        return Count(
            total=len(self._asked),
            done=over[DONE],
            failed=over[FAILED],
            running=sum(state == RUNNING for _, state in states),
            left=time_left(self._progress.pace, len(open_), self._executor.slots),
        )


def _hash_of(address: str, outcome: Outcome) -> str:
    """The hash that the record has for an input's own file; "" where another file was read for it."""
    path = split_address(address)[0]
    return outcome.sha256.get(path, outcome.sha256.get(str(Path(path).absolute()), ""))
