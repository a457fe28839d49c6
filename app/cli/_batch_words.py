"""What a batch says on the terminal: a line that moves, failures as they come, the table at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.cli._main import write_log
from core.batch import Case, Count, Ended
from core.batch._progress import FAILED, Progress
from core.errors import printable

EVERY = 30.0
"""Seconds between two lines of progress where there is no terminal."""
ROWS = 40
"""Cases in the printed table; the failed ones first."""


class Teller:
    """Told what happens by the driver; writes to standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._moving = sys.stderr.isatty()
        self._quiet = quiet
        self._last = time.monotonic()

    def __call__(self, what: Count | Ended | str) -> None:
        """One piece of news."""
        if isinstance(what, str):
            self._line(f"note: {what}")
        elif isinstance(what, Ended):
            if what.status.state == FAILED:
                self._line(f"{what.case.name}: {printable(what.status.error)}")
                if what.details:
                    write_log(f"{what.case.name}\n{what.details}")
        elif self._moving and not self._quiet:
            print(f"\r\033[K{counted(what)}", end="", file=sys.stderr, flush=True)
        elif not self._quiet and time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            print(counted(what), file=sys.stderr, flush=True)

    def _line(self, text: str) -> None:
        clear = "\r\033[K" if self._moving else ""
        print(f"{clear}{text}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the moving line away."""
        if self._moving:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def counted(count: Count) -> str:
    """ "12 of 40 done, 1 failed, 2 running, about 3 min left"."""
    parts = [f"{count.done} of {count.total} done"]
    if count.failed:
        parts.append(f"{count.failed} failed")
    if count.running:
        parts.append(f"{count.running} running")
    if count.left:
        parts.append(f"about {duration(count.left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A rough time in words: "40 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def final_words(count: Count, folder: Path) -> str:
    """What is said when something has failed."""
    return (
        f"{count.failed} of {count.total} cases failed, for the reasons above and in {folder / 'summary.csv'}; "
        "--retry-failed runs them again"
    )


def print_table(cases: Sequence[Case], progress: Progress, width: int) -> None:
    """Case, state, seconds and reason; no more than `ROWS` of them, the failed ones first."""
    ordered = sorted(cases, key=lambda c: progress.status(c.name).state != FAILED)
    shown = ordered[:ROWS]
    names = max((len(c.name) for c in shown), default=0)
    for case in shown:
        status = progress.status(case.name)
        seconds = "" if status.seconds is None else f"{status.seconds:.2f} s"
        line = f"{case.name:<{names}}  {status.state:<7}  {seconds:>9}  {printable(status.error)}".rstrip()
        print(line if not sys.stdout.isatty() or len(line) <= width else line[: width - 1] + "…")
    if len(ordered) > len(shown):
        print(f"… and {len(ordered) - len(shown)} more")
