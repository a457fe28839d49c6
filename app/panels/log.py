"""The log: what jobs print and what the window writes down; by level, searched, copied, saved."""

from __future__ import annotations

import collections
import logging
import threading
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from app.forms.widgets import button
from app.panels.dock import Panel
from app.theme import Metrics
from app.window.saving import ask_save
from app.window.workbench import Problem, Workbench
from core.errors import WriteError
from core.files import replacing
from core.records import without_home

LINES = 2000
LEVELS = {
    "Everything": 0,
    "Information and worse": logging.INFO,
    "Warnings and errors": logging.WARNING,
    "Errors": logging.ERROR,
}
Line = tuple[int, str]
"""A level of `logging` and a text, which may have several lines."""


class LogRelay(QObject):
    """A logging handler's lines, brought to Qt's thread."""

    lines = Signal(list)
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: collections.deque[Line] = collections.deque(maxlen=LINES)
        self._lock = threading.Lock()
        self._woken = False
        relay = self

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                relay._put((record.levelno, self.format(record)))

        self.handler = Handler(logging.DEBUG)
        self.handler.setFormatter(logging.Formatter("%(asctime)s  %(levelname)s  %(message)s", "%H:%M:%S"))
        self._wake.connect(self._drain, Qt.ConnectionType.QueuedConnection)

    def _put(self, line: Line) -> None:
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

    def sizeHint(self) -> QSize:
        m = Metrics.of(self.font())
        return QSize(m.px(420), m.px(210))

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self._kept: collections.deque[Line] = collections.deque(maxlen=LINES)
        m = Metrics.of(self.font())
        row = QHBoxLayout()
        row.setContentsMargins(m.px(8), m.px(6), m.px(8), m.px(6))
        row.setSpacing(m.px(8))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search the log")
        self.search.setAccessibleName("Search the log")
        self.search.setClearButtonEnabled(True)
        self.level = QComboBox()
        self.level.addItems(list(LEVELS))
        self.level.setAccessibleName("Level")
        row.addWidget(self.search, 1)
        row.addWidget(self.level)
        self.column.addLayout(row)
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setTabChangesFocus(True)
        self.view.setMaximumBlockCount(4 * LINES)
        self.view.setProperty("role", "code")
        self.view.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.view.setAccessibleName("Log")
        self.view.setPlaceholderText("Nothing has been logged.")
        self.column.addWidget(self.view, 1)
        self.header.add(button("Copy", self.copy, "link", "Copy the lines that are shown"))
        self.header.add(button("Save…", self._ask_save, "link", "Write the lines that are shown to a file"))
        self.header.add(button("Clear", self.clear, "link"))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(150)
        self._later.timeout.connect(self._refill)
        self.search.textChanged.connect(lambda _text: self._later.start())
        self.level.currentIndexChanged.connect(lambda _index: self._refill())
        self._relay = LogRelay(self)
        self._relay.lines.connect(self._on_lines)
        self._logger = logging.getLogger("equiscope")
        self._logger.addHandler(self._relay.handler)
        workbench.log_line.connect(lambda text: self._on_lines([(logging.INFO, text)]))

    def _fits(self, line: Line) -> bool:
        wanted = self.search.text().lower()
        return line[0] >= LEVELS[self.level.currentText()] and (not wanted or wanted in line[1].lower())

    def _on_lines(self, lines: list[Line]) -> None:
        self._kept.extend(lines)
        shown = [text for level, text in lines if self._fits((level, text))]
        if shown:
            self.view.appendPlainText("\n".join(shown))

    def _refill(self) -> None:
        shown = [line[1] for line in self._kept if self._fits(line)]
        self.view.setPlainText("\n".join(shown))
        self.view.setPlaceholderText("No line fits." if self._kept else "Nothing has been logged.")
        bar = self.view.verticalScrollBar()
        bar.setValue(bar.maximum())

    def clear(self) -> None:
        """Forget the lines; those in the file stay."""
        self._kept.clear()
        self._refill()

    def copy(self) -> None:
        """The lines that are shown, to the clipboard."""
        QGuiApplication.clipboard().setText(without_home(self.view.toPlainText()))
        self._workbench.message.emit("Log copied")

    def _ask_save(self) -> None:
        start = Path.home() / "equiscope-log.txt"
        chosen = ask_save(self, "Save log", start, ["Text (*.txt)"], endings=[[".txt", ".log"]])
        if chosen is not None:
            self.save(chosen[0])

    def save(self, path: Path) -> None:
        """Write the lines that are shown to a file."""
        try:
            with replacing(path) as file:
                file.write(f"{without_home(self.view.toPlainText())}\n".encode("utf-8", "backslashreplace"))
        except WriteError as error:
            self._workbench.problem.emit(Problem(str(error)))
        else:
            self._workbench.message.emit(f"{path.name} written")

    def stop(self) -> None:
        """Listen no longer."""
        self._logger.removeHandler(self._relay.handler)
