"""The log: what jobs print and what the window writes down."""

from __future__ import annotations

import collections
import logging
import threading

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.forms.widgets import button
from app.panels.dock import Panel
from app.window.workbench import Workbench

LINES = 2000


class LogRelay(QObject):
    """A logging handler's lines, brought to Qt's thread."""

    lines = Signal(list)
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: collections.deque[str] = collections.deque(maxlen=LINES)
        self._lock = threading.Lock()
        self._woken = False
        relay = self

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                relay._put(self.format(record))

        self.handler = Handler(logging.INFO)
        self.handler.setFormatter(logging.Formatter("%(asctime)s  %(levelname)s  %(message)s", "%H:%M:%S"))
        self._wake.connect(self._drain, Qt.ConnectionType.QueuedConnection)

    def _put(self, line: str) -> None:
        with self._lock:
            self._queue.append(line)
            wake, self._woken = not self._woken, True
        if wake:
            self._wake.emit()

    @Slot()
    def _drain(self) -> None:
        with self._lock:
            waiting = list(self._queue)
            self._queue.clear()
            self._woken = False
        if waiting:
            self.lines.emit(waiting)


class LogPanel(Panel):
    """The dock "Log"."""

    name = "log"
    title = "Log"

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setMaximumBlockCount(LINES)
        self.view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.view.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.view.setAccessibleName("Log")
        self.view.setPlaceholderText("Nothing has been logged.")
        self.column.addWidget(self.view)
        self.header.add(button("Clear", self.view.clear, "link"))
        self._relay = LogRelay(self)
        self._relay.lines.connect(self._on_lines)
        self._logger = logging.getLogger("equiscope")
        self._logger.addHandler(self._relay.handler)
        workbench.log_line.connect(self.view.appendPlainText)

    def _on_lines(self, lines: list[str]) -> None:
        self.view.appendPlainText("\n".join(lines))

    def stop(self) -> None:
        """Listen no longer."""
        self._logger.removeHandler(self._relay.handler)
