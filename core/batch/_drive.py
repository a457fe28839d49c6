"""The driver: makes or continues a batch in a folder, and knows which cases are to be run."""

from __future__ import annotations

import collections
import contextlib
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core import records
from core.batch import _lock, _manifest, _progress, _summary
from core.batch._cases import Found, key_of
from core.batch._executor import Executor
from core.batch._manifest import Case, Manifest, Settings
from core.batch._names import name_cases
from core.batch._progress import DONE, FAILED, Progress, Status
from core.batch._run import DRAFT, OLD, Count, Run, Tell
from core.batch._stamps import changed
from core.errors import UserError, WriteError, printable


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
        assert self.manifest is not None
        run = Run(self.folder, self.manifest, self.progress, asked, chosen, executor, tell, trusted)
        return run.go(stop)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


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
