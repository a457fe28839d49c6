"""Looks into a batch's folder on a thread of its own: a disk of a network may take its time."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.panels.batch.model import rows_of
from core.batch import Follower, News

EVERY = 0.4
"""Seconds between two looks."""


class Watch(QObject):
    """Emits `news` on Qt's thread, its number and a `core.batch.News` each time that something is new."""

    news = Signal(int, object, object)
    """Number, news, and the rows for the table where the cases are others than before, else None."""

    def __init__(self, folder: Path, number: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.number = number
        self._stop = threading.Event()
        self._telling = threading.Lock()
        self._look = threading.Event()

    def start(self) -> None:
        """Look for the first time, and then again and again."""
        args = (Follower(self.folder), self._stop, self._look)
        threading.Thread(target=self._go, args=args, daemon=True, name="batch-watch").start()

    def hurry(self) -> None:
        """Look now."""
        self._look.set()

    def stop(self) -> None:
        """No more news; the thread ends after the look that it is at."""
        with self._telling:  # nothing is emitted any more once this returns: Qt may destroy it
            self._stop.set()
        self._look.set()

    def _go(self, follower: Follower, stop: threading.Event, look: threading.Event) -> None:
        last: News | None = None
        while not stop.is_set():
            try:
                found = follower.look()
            except Exception as error:  # a folder that is being removed
                found = News(problem=f"{self.folder.name} cannot be read ({error}).")
            if last is None or _differs(found, last):
                last = found
                # Thousands of rows are made here rather than on the window's thread.
                rows = None if found.cases is None else rows_of(found.cases, found.changed)
                with self._telling:
                    if not stop.is_set():
                        self.news.emit(self.number, found, rows)
            look.wait(EVERY)
            look.clear()


def _differs(found: News, last: News) -> bool:
    return bool(
        found.cases is not None
        or found.changed
        or found.live != last.live
        or found.problem != last.problem
        or found.driver != last.driver
    )
