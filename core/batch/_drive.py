"""The driver: makes or continues a batch in a folder and runs what is to be run, whatever becomes of a case."""

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

import msgspec

from core import records
from core.batch import _lock, _manifest, _progress, _summary
from core.batch._cases import Found, key_of
from core.batch._executor import CRASH, Executor, Outcome
from core.batch._manifest import Case, Manifest, Settings
from core.batch._names import name_cases
from core.batch._progress import DONE, FAILED, RUNNING, Progress, ProgressFile, Status, time_left
from core.batch._stamps import changed, stamp
from core.errors import UserError, WriteError, printable
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


class Batch:
    """A batch in its folder, which is locked as long as this lives; use it in a `with`.

    Parameters
    ----------
    folder : made if it is not there. One that holds other things is refused.

    Raises
    ------
    UserError : another driver runs there, or the folder holds something else. WriteError : it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = contextlib.ExitStack()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            kept = [n for n in os.listdir(folder) if not n.startswith(".")]
        except OSError as error:
            reason = "is no folder" if isinstance(error, (FileExistsError, NotADirectoryError)) else None
            raise WriteError(
                folder,
                reason or f"cannot be written to ({error.strerror or error})",
                "choose another folder",
            ) from error
        if kept and _manifest.NAME not in kept:
            raise UserError(
                f"{printable(folder.name)} holds other files and no batch; choose a new or an empty folder."
            )
        self._stack.enter_context(_lock.locked(folder))
        try:
            self.manifest: Manifest | None = None
            if (folder / _manifest.NAME).exists():
                self.manifest = _manifest.read_manifest(folder)
            self.progress: Progress = _progress.read_progress(folder)
            self.progress.interrupted()
            self._clear()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _clear(self) -> None:
        """Remove what an interrupted driver has left half written."""
        for name in os.listdir(self.folder):
            if name.startswith((DRAFT, OLD)):
                _remove(self.folder / name)

    # -- what is to be run -----------------------------------------------------------------------------------

    def ask(self, settings: Settings, found: Sequence[Found]) -> tuple[list[Case], list[str]]:
        """The cases that were asked for, under the names that they have here, and remarks.

        New ones are added to the batch, so that a folder which has grown is run by the same command.

        Raises
        ------
        UserError : the batch in the folder is another one; says in what.
        """
        there = self.manifest
        remarks: list[str] = []
        if there is not None:
            other = _manifest.differences(there, settings)
            if other:
                raise UserError(
                    f"The batch in {printable(self.folder.name)} has {'; '.join(other)}: "
                    "run it as it began, or choose another folder."
                )
            remarks += _versions(there)
        known = {key_of(c.inputs, c.parameters): c for c in (there.cases if there else ())}
        keys = [key_of(f.inputs, f.parameters) for f in found]
        fresh = [f for f, k in zip(found, keys, strict=True) if k not in known]
        varying = _varying([*(f.inputs for f in found), *(c.inputs for c in known.values())])
        addresses = [[a for n, a in enumerate(f.inputs) if n in varying or len(f.inputs) == 1] for f in fresh]
        names = name_cases(
            [a or list(f.inputs) for a, f in zip(addresses, fresh, strict=True)],
            [f.name for f in fresh],
            [c.name for c in known.values()],
        )
        made = [Case(n, f.inputs, dict(f.parameters)) for n, f in zip(names, fresh, strict=True)]
        known |= {key_of(c.inputs, c.parameters): c for c in made}
        if there is None:
            self.manifest = _manifest.new_manifest(settings, tuple(made))
        elif made:
            self.manifest = msgspec.structs.replace(there, cases=(*there.cases, *made))
            remarks.append(f"{len(made)} new case{'s' * (len(made) != 1)}")
        if there is None or made:
            assert self.manifest is not None
            _manifest.write_manifest(self.folder, self.manifest)
        asked = [known[k] for k in keys]
        rest = len(known) - len(asked)
        if rest:
            remarks.append(f"{rest} case{'s' * (rest != 1)} of an earlier command stay as they are")
        return asked, remarks

    def choose(self, asked: Sequence[Case], *, retry_failed: bool = False) -> tuple[list[Case], list[str]]:
        """Which of these are to be run now, and remarks.

        Those that were never done; those whose input has changed since; with `retry_failed` only the failed ones.
        """
        out: list[Case] = []
        news: list[str] = []
        missing = 0
        for case in asked:
            status = self.progress.status(case.name)
            if status.state == FAILED:
                if retry_failed:
                    out.append(case)
                elif self._changed(case, status):
                    out.append(case)
                    news.append(case.name)
            elif status.state == DONE and self._is_whole(case, status):
                if not retry_failed and self._changed(case, status):
                    out.append(case)
                    news.append(case.name)
            elif retry_failed:
                missing += 1
            else:
                out.append(case)
        remarks = []
        if news:
            names = ", ".join(news[:3]) + (f" and {len(news) - 3} more" if len(news) > 3 else "")
            has = "the input of {} has" if len(news) == 1 else "the inputs of {} have"
            remarks.append(f"{has.format(names)} changed since: run again")
        if missing:
            remarks.append(
                f"{missing} case{'s' * (missing != 1)} did not run yet; run without --retry-failed for these"
            )
        return out, remarks

    def count(self, asked: Sequence[Case]) -> Count:
        """How these stand while nothing runs."""
        states = collections.Counter(self.progress.status(c.name).state for c in asked)
        return Count(len(asked), states[DONE], states[FAILED], 0, None)

    def write_summary(self) -> Path:
        """Write `summary.csv`. Raises `WriteError`."""
        assert self.manifest is not None
        return _summary.write_summary(self.folder, self.manifest, self.progress)

    def _changed(self, case: Case, status: Status) -> bool:
        if len(status.inputs) != len(case.inputs):
            return False
        return any(changed(a, then) for a, then in zip(case.inputs, status.inputs, strict=True))

    def _is_whole(self, case: Case, status: Status) -> bool:
        """Whether the folder of a case that is done still holds what it was done with."""
        return records.file_hash(self.folder / case.name / "record.json") == status.record != ""

    # -- running ---------------------------------------------------------------------------------------------

    def run(
        self,
        asked: Sequence[Case],
        chosen: Sequence[Case],
        executor: Executor,
        *,
        stop: threading.Event,
        tell: Tell,
        trusted: Sequence[str] = (),
    ) -> Count:
        """Run the chosen cases until all have ended or `stop` is set; returns how those that were asked for stand.

        `trusted` are models of the user's own that may run now, see `core.trust`.

        Raises
        ------
        WriteError : the folder cannot be written to any more. Fatal : the executor has broken down.
        In both cases all that was done is kept, and another `run` goes on from there.
        """
        run = _Run(self, asked, chosen, executor, tell, trusted)
        return run.go(stop)


class _Run:
    """One going over the chosen cases."""

    def __init__(
        self,
        batch: Batch,
        asked: Sequence[Case],
        chosen: Sequence[Case],
        executor: Executor,
        tell: Tell,
        trusted: Sequence[str],
    ) -> None:
        assert batch.manifest is not None
        self._folder = batch.folder
        self._manifest = batch.manifest
        self._progress = batch.progress
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

    def _hear(self, reports: Sequence[Any]) -> None:
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
            self._write({"case": case.name, "state": "waiting", "time": time.time()}, sure=False)
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


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _hash_of(address: str, outcome: Outcome) -> str:
    """The hash that the record has for an input's own file; "" where another file was read for it."""
    path = split_address(address)[0]
    return outcome.sha256.get(path, outcome.sha256.get(str(Path(path).absolute()), ""))


def _varying(cases: Sequence[Sequence[str]]) -> set[int]:
    """The inputs that are not the same in all cases: these name the cases."""
    most = max((len(c) for c in cases), default=0)
    return {n for n in range(most) if len({c[n] if n < len(c) else "" for c in cases}) > 1}


def _versions(there: Manifest) -> list[str]:
    now = records.versions()
    names = [n for n in there.versions if n in now and now[n] != there.versions[n]]
    if not names:
        return []
    words = ", ".join(f"{n} is {now[n]}, was {there.versions[n]}" for n in names)
    return [f"other versions than when the batch began: {words}; each record says which ran"]
