"""Python's garbage collector, kept to the main thread: by the window while it lives, else while a render thread runs.

A cyclic collection happens in whichever thread allocates next. In another thread it would destroy QObjects that
belong to the window ("Timers cannot be stopped from another thread", then a crash).
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QCoreApplication, QTimer

_INTERVAL_MS = 300


class MainThreadCollector:
    """Between `start` and `stop`, both on the main thread, only a timer there collects."""

    def __init__(self) -> None:
        self._timer: QTimer | None = None

    def start(self) -> None:
        """Take over, unless somebody already has switched automatic collection off and sees to it."""
        if self._timer is None and gc.isenabled() and QCoreApplication.instance() is not None:
            gc.disable()
            self._timer = QTimer()
            self._timer.setInterval(_INTERVAL_MS)
            self._timer.timeout.connect(collect_due)
            self._timer.start()

    def stop(self) -> None:
        """Give back."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
            gc.enable()


def collect_due() -> None:
    """Collect the oldest generation that is due by Python's own thresholds."""
    counts, thresholds = gc.get_count(), gc.get_threshold()
    due = [k for k in range(3) if thresholds[k] and counts[k] > thresholds[k]]
    if due and due[0] == 0:
        gc.collect(max(due))
