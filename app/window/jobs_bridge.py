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
        if waiting:
            self.events.emit(_thinned(waiting))


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
