"""Safety nets: what goes wrong is logged and shown, never swallowed and never the end of the session."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import logging.handlers
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import platformdirs
from PySide6.QtCore import QObject, Qt, QtMsgType, Signal, qInstallMessageHandler

log = logging.getLogger("equiscope.window")
QUIET = 10.0
"""Seconds within which the same fault is logged once."""
_keep: list[TextIO] = []


def safe_mode() -> bool:
    """Whether the program was started with --safe."""
    return os.environ.get("EQUISCOPE_SAFE") == "1"


def log_folder() -> Path:
    """Where logs lie (EQUISCOPE_STATE overrides it)."""
    return Path(os.environ.get("EQUISCOPE_STATE") or platformdirs.user_log_dir("equiscope", False))


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log file that a full disk does not turn into tracebacks on the terminal, one for every line."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
            return
        # What could not be written waits in the stream, and would be refused again with every line.
        stream, self.stream = self.stream, None  # type: ignore[assignment]
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def start_logging() -> Path | None:
    """Log to a rotating file and let crashes write their stacks beside it; None where nothing can be written."""
    folder = log_folder()
    logger = logging.getLogger("equiscope")
    logger.setLevel(logging.INFO)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(
            folder / "equiscope.log", maxBytes=1 << 20, backupCount=3, encoding="utf-8", delay=True
        )
        crashes = open(folder / "crash.log", "a", encoding="utf-8")
    except OSError:
        faulthandler.enable()
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    _keep.append(crashes)
    faulthandler.enable(crashes)
    return folder / "equiscope.log"


class Faults(QObject):
    """Tells the window of exceptions that nobody caught, from whichever thread they come."""

    fault = Signal(str, str)
    """One sentence, and the traceback."""
    _caught = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._said: dict[str, tuple[float, int]] = {}
        # Not at once: an exception of a paint event must make no widgets while painting goes on.
        self._caught.connect(self.fault, Qt.ConnectionType.QueuedConnection)

    def install(self) -> Callable[[], None]:
        """Take over the interpreter's hooks; returns what puts the old ones back."""
        before = sys.excepthook, threading.excepthook, sys.unraisablehook

        def caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            if issubclass(kind, KeyboardInterrupt):
                before[0](kind, error, trace)
                return
            self.report(error, trace)

        def in_thread(arguments: Any) -> None:
            if arguments.exc_value is not None and not issubclass(arguments.exc_type, SystemExit):
                self.report(arguments.exc_value, arguments.exc_traceback)

        def unraisable(arguments: Any) -> None:
            log.error("ignored in %r: %r", arguments.object, arguments.exc_value)

        sys.excepthook, threading.excepthook, sys.unraisablehook = caught, in_thread, unraisable

        def restore() -> None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = before

        return restore

    def report(self, error: BaseException, trace: TracebackType | None = None) -> None:
        """Log an exception and tell the window."""
        details = "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))
        self._log(details)
        text = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
        self._caught.emit(f"Something in the window broke off ({reason}); what is open is safe.", details)

    def _log(self, details: str) -> None:
        """Write it down; the same again within `QUIET` seconds is only counted."""
        now = time.monotonic()
        since, count = self._said.get(details, (-QUIET, 0))
        if now - since < QUIET:
            self._said[details] = (since, count + 1)
            return
        if len(self._said) > 50:
            self._said.clear()
        self._said[details] = (now, 0)
        log.error("%s%s", details, f"(and {count} times more since then)" if count else "")


_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.DEBUG,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def log_qt_messages() -> None:
    """Send what Qt has to say to the log."""
    qt = logging.getLogger("equiscope.qt")

    def handler(kind: QtMsgType, _context: Any, text: str) -> None:
        qt.log(_LEVELS.get(kind, logging.WARNING), "%s", text)

    qInstallMessageHandler(handler)
