"""A batch as somebody sees it who only looks: reads what is new in the folder, never writes there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.batch import _lock, _manifest, _progress
from core.batch._manifest import Case, Manifest
from core.batch._progress import Driver, Progress, Status, time_left
from core.errors import UserError


@dataclass(frozen=True)
class News:
    """What a look has found.

    Attributes
    ----------
    cases : all of them where they are others than before, else None.
    manifest : with new `cases`.
    changed : the new status of the cases that have one.
    driver : what the last driver said of itself.
    holder : who drives now ({"pid", "host"}), None: nobody.
    left : seconds until the rest is done, as far as can be told.
    problem : why nothing can be read any more, "" if it can.
    """

    cases: tuple[Case, ...] | None = None
    manifest: Manifest | None = None
    changed: dict[str, Status] = field(default_factory=dict)
    driver: Driver = field(default_factory=Driver)
    holder: dict[str, Any] | None = None
    left: float | None = None
    problem: str = ""

    @property
    def live(self) -> bool:
        """Whether somebody drives now."""
        return self.holder is not None


class Follower:
    """Looks at a batch again and again; one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Manifest | None = None
        self._seen: tuple[int, int, int] | None = None
        self._progress = Progress()
        self._at = 0
        self._file: tuple[int, int] | None = None

    def look(self) -> News:
        """What is new since the last look; at the first everything."""
        try:
            cases = self._cases()
        except UserError as error:
            return News(problem=str(error))
        touched = self._lines()
        holder = _lock.holder(self.folder)
        if holder is None:
            touched |= self._lines()  # what it wrote last
            touched |= self._progress.interrupted()
        changed = {n: self._progress.status(n) for n in touched}
        if cases is not None:
            changed = {c.name: self._progress.status(c.name) for c in cases}
        states = [self._progress.status(c.name).state for c in (self.manifest.cases if self.manifest else ())]
        rest = sum(s in (_progress.WAITING, _progress.RUNNING) for s in states)
        left = (
            time_left(self._progress.pace, rest, self._progress.driver.slots) if holder is not None else None
        )
        return News(
            cases, self.manifest if cases is not None else None, changed, self._progress.driver, holder, left
        )

    def _cases(self) -> tuple[Case, ...] | None:
        """The cases, if the manifest is another than at the last look."""
        try:
            stat = os.stat(self.folder / _manifest.NAME)
        except OSError:
            stat = None
        seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns) if stat else None
        if seen == self._seen and self.manifest is not None:
            return None
        self.manifest = _manifest.read_manifest(self.folder)
        self._seen = seen
        return self.manifest.cases

    def _lines(self) -> set[str]:
        try:
            with open(self.folder / _progress.NAME, "rb") as file:
                stat = os.fstat(file.fileno())
                here = (stat.st_dev, stat.st_ino)
                if here != self._file or stat.st_size < self._at:  # another file: from the beginning
                    self._progress, self._at, self._file = Progress(), 0, here
                file.seek(self._at)
                data = file.read()
        except OSError:
            return set()
        self._at += len(data)
        return self._progress.feed(data)


__all__ = ["Follower", "News"]
