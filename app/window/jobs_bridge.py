"""From the threads of a runner to Qt's thread: one object, one queue, one queued signal.

Progress is passed on at most 30 times a second (the latest of each job); a change of state at once.
"""

from __future__ import annotations

import collections
import threading
import time
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from core.jobs import Event, Handle, Progress, StateChanged

INTERVAL = 1 / 30
TURN = 0.02
"""Seconds that events may take before Qt's thread does something else."""


class JobsBridge(QObject):
    """Emits `events` with a list of (handle, event), in order, on the thread that made the bridge."""

    events = Signal(list)
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: collections.deque[tuple[Handle, Event]] = collections.deque()
        self._lock = threading.Lock()
        self._woken = False
        self._closed = False
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._drain)
        self._wake.connect(self._on_wake, Qt.ConnectionType.QueuedConnection)

    def listener(self, handle: Handle, event: Event) -> None:
        """What `Runner.submit` gets; called on any thread."""
        with self._lock:
            if self._closed:
                return
            self._queue.append((handle, event))
            wake = not self._woken or isinstance(event, StateChanged)
            self._woken = True
        if wake:
            self._wake.emit()

    def close(self) -> None:
        """Drop what is queued and take nothing more."""
        with self._lock:
            self._closed = True
            self._queue.clear()
        self._timer.stop()

    @Slot()
    def _on_wake(self) -> None:
        with self._lock:
            urgent = any(isinstance(event, StateChanged) for _, event in self._queue)
        wait = self._last + INTERVAL - time.monotonic()
        if urgent or wait <= 0:
            self._drain()
        elif not self._timer.isActive():
            self._timer.start(int(wait * 1000) + 1)

    @Slot()
    def _drain(self) -> None:
        self._timer.stop()
        self._last = time.monotonic()
        with self._lock:
            waiting = list(self._queue)
            self._queue.clear()
            self._woken = False
        turns = _turns(_thinned(waiting))
        for n, turn in enumerate(turns):
            self.events.emit(turn)
            if time.monotonic() - self._last > TURN and n + 1 < len(turns):
                # A hundred files that open or are refused at once must not hold the window: the rest comes after
                # whatever else waits for Qt's thread.
                with self._lock:
                    if not self._closed:
                        self._queue.extendleft(
                            reversed([event for later in turns[n + 1 :] for event in later])
                        )
                        self._woken = True
                        self._timer.start(0)  # a queued signal would come before everything else
                return


def _turns(events: list[tuple[Any, Event]]) -> list[list[tuple[Any, Event]]]:
    """The events in pieces, each up to a change of state: what a window makes of one may take its time."""
    out: list[list[tuple[Any, Event]]] = [[]]
    for handle, event in events:
        out[-1].append((handle, event))
        if isinstance(event, StateChanged):
            out.append([])
    return [turn for turn in out if turn]


def _thinned(events: list[tuple[Any, Event]]) -> list[tuple[Any, Event]]:
    """All events but the progress reports that a later one of the same job replaces."""
    seen: set[str] = set()
    out: list[tuple[Any, Event]] = []
    for handle, event in reversed(events):
        if isinstance(event, Progress):
            if handle.id in seen:
                continue
            seen.add(handle.id)
        out.append((handle, event))
    return out[::-1]
