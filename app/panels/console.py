"""A Python console with the session in it. Made when it is first shown; nothing of it is loaded before."""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QShowEvent,
    QTextBlockFormat,
    QTextCharFormat,
)
from PySide6.QtWidgets import QWidget

from app.forms.widgets import button
from app.panels.dock import Panel
from app.theme import Metrics
from app.window.workbench import Workbench
from core.document import Item
from core.errors import UserError
from core.files import replacing

HISTORY = 300
"""Lines that outlive the program."""
OUTPUT = 5000
"""Lines of output that are kept."""
GREETING = """\
Python {version} with this session: document, selected, workbench, np, core;
items(), find(name), open(path), run("analysis.id", inputs, **parameters), show(item).
Code runs in the window's thread: while it computes, the window waits. run(…) goes to a worker.
Change what is open by the methods of document (rename, set_display, add, …): they can be undone.
"""


class Helpers:
    """The functions of the console; each takes an item, its id or its name where it needs one."""

    def __init__(self, workbench: Workbench, write: Any) -> None:
        self._workbench = workbench
        self._write = write

    def find(self, item: Item | str) -> Item:
        """An item by its id or name (or itself). Raises `LookupError`."""
        document = self._workbench.document
        if isinstance(item, Item):
            return item
        known = document.get(item)
        named = [i for i in document if i.name == item]
        if known is None and len(named) != 1:
            names = ", ".join(repr(i.name) for i in document) or "nothing"
            reason = (
                f"{len(named)} items are called {item!r}; use an id" if named else f"{item!r} is not open"
            )
            raise LookupError(f"{reason} (open: {names})")
        return known or named[0]

    def items(self) -> None:
        """List what is open: id, kind, name."""
        from app.window.kinds import kind_of_item, size_words

        for item in self._workbench.document:
            self._write(f"{item.id}  {kind_of_item(item):<10}  {item.name}  {size_words(item)}\n")

    def open(self, *paths: str | Path) -> None:
        """Open files, folders or "sample:ID"s, as if they had been dropped on the window."""
        self._workbench.open_paths([str(p) for p in paths])

    def run(
        self,
        analysis: str,
        inputs: Item | str | Sequence[Item | str] = (),
        *,
        seed: int = 0,
        device: str = "cpu",
        **parameters: Any,
    ) -> Running:
        """Run an analysis in a worker; its result is added to the session when it is done."""
        from core.analyses import validate

        if not self._workbench.descriptions:
            self._workbench.load_descriptions()
            raise LookupError("The analyses are being loaded; try again in a moment.")
        if analysis not in self._workbench.descriptions:
            raise LookupError(
                f"There is no analysis {analysis!r}; there are {', '.join(self._workbench.descriptions)}"
            )
        description = self._workbench.descriptions[analysis]
        given = [inputs] if isinstance(inputs, (Item, str)) else list(inputs)
        ids = [self.find(i).id for i in given]
        values = validate(description, parameters)
        return Running(self._workbench.run(description, ids, values, seed=seed, device=device))

    def show(self, item: Item | str | None = None) -> None:
        """Select an item (the first for None), which brings it to the centre."""
        first = next(iter(self._workbench.document), None)
        found = self.find(item) if item is not None else first
        self._workbench.select(found.id if found is not None else None)


class Running:
    """A run that was started; its repr says where it stands."""

    def __init__(self, task: Any) -> None:
        self.task = task

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return bool(self.task.over)

    def cancel(self) -> None:
        """Ask it to stop."""
        self.task.cancel()

    def __repr__(self) -> str:
        return f"<{self.task.title}: {self.task.state}>"


class ConsolePanel(Panel):
    """The dock "Console"."""

    name = "console"
    title = "Console"

    def sizeHint(self) -> QSize:
        m = Metrics.of(self.font())
        return QSize(m.px(420), m.px(210))

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self.namespace: dict[str, Any] = {}
        self.repl: Any = None
        self.header.set_note("runs in the window's thread")
        self.header.add(button("Clear", self.clear, "link", "Clear what is shown; variables stay"))
        workbench.session_changed.connect(self._forget_last)

    def showEvent(self, event: QShowEvent) -> None:
        if self.repl is None:
            self._make()
        super().showEvent(event)

    def _make(self) -> None:
        import numpy as np

        import core

        self.repl = _make_repl(self)
        helpers = Helpers(self._workbench, lambda text: print(text, end=""))
        self.namespace.update(
            __name__="__console__",
            workbench=self._workbench,
            np=np,
            core=core,
            **{name: getattr(helpers, name) for name in ("find", "items", "open", "run", "show")},
        )
        self._fresh()
        self.column.addWidget(self.repl, 1)
        self.first = self.repl.input
        self.repl._lastCommandRow = -2
        self.repl.write(GREETING.format(version=sys.version.split()[0]))
        self.repl.input.history = ["", *_read_history()]

    def clear(self) -> None:
        """Forget what was printed."""
        if self.repl is not None:
            self.repl.output.clear()
            self.repl._lastCommandRow = -2

    def _fresh(self) -> None:
        """What may have changed since the last line."""
        self.namespace["document"] = self._workbench.document
        self.namespace["selected"] = self._workbench.current

    def _forget_last(self) -> None:
        """The last value may be an object of a session that has gone."""
        self.namespace.pop("_", None)
        if self.repl is not None:
            self._fresh()

    def run_line(self, text: str) -> None:
        """Run a line (or several) as if it had been typed."""
        self.show()
        if self.repl is None:
            self._make()
        self.repl.handleCommand(text)

    def stop(self) -> None:
        """Keep the history, let go of everything else."""
        if self.repl is not None:
            _write_history(self.repl.input.history[1:])
        self.namespace.clear()


# -- pyqtgraph's widget, made safe for a window --------------------------------------------------------------


def _make_repl(panel: ConsolePanel) -> Any:
    import pyqtgraph.console.repl_widget as library
    from pyqtgraph.console.repl_widget import ReplWidget

    def scope() -> dict[str, Any]:
        return panel.namespace

    class Repl(ReplWidget):  # type: ignore[misc]
        """Nothing that is typed ends the program: not exit(), not input(), not an interrupt."""

        def handleCommand(self, command: str) -> None:
            panel._fresh()
            self.input.setEnabled(False)
            try:
                with _no_input(), _shown_as(panel.namespace):
                    self._thread.runCmd(command)
            except SystemExit:
                self.write("The window is closed from its menu; the console stays.\n")
            except (
                BaseException
            ):  # Ctrl+C in the terminal, or a `raise` of anything: it ends the line, no more
                self._thread.displayException()
            finally:
                if self.input.placeholderText() != self.input.ps2:
                    self._thread._commandBuffer = []
                self.input.setEnabled(True)
                self.input.setFocus()

    repl = Repl(scope, scope, panel)
    plain, first, bold = QTextCharFormat(), QTextCharFormat(), QTextCharFormat()
    bold.setFontWeight(600)
    block, gap = QTextBlockFormat(), QTextBlockFormat()
    gap.setTopMargin(4)
    # No colours of their own: they follow the theme, also what was written before a switch.
    repl.textStyles = {
        "command": (bold, gap),
        "output": (plain, block),
        "output_first_line": (first, block),
    }
    repl.output.document().setMaximumBlockCount(OUTPUT)
    repl.output.setAccessibleName("Console output")
    repl.output.setTabChangesFocus(True)
    repl.input.setAccessibleName("Python line")

    def display() -> None:
        """The traceback without the frames of the console itself."""
        kind, error, trace = sys.exc_info()
        while trace is not None and trace.tb_frame.f_code.co_filename in (library.__file__, __file__):
            trace = trace.tb_next
        text = "".join(traceback.format_exception(kind, error, trace))
        repl.write(text if text.endswith("\n") else f"{text}\n")

    repl._thread.displayException = display
    watcher = _Keys(repl)
    repl.input.installEventFilter(watcher)
    for widget in (repl.output, repl.input):
        # The library's own font and style would stay as they are when theme and text size change.
        widget.setFont(QFont())
        widget.setProperty("role", "code")
    return repl


class _Keys(QObject):
    """Escape clears the line; several lines are pasted as such."""

    def __init__(self, repl: Any) -> None:
        super().__init__(repl)
        self._repl = repl

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is not QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if event.key() == Qt.Key.Key_Escape:
            self._repl.input.clear()
            self._repl._thread._commandBuffer = []
            self._repl.input.setMultiline(False)
            return True
        if event.matches(QKeySequence.StandardKey.Paste):
            text = QGuiApplication.clipboard().text()
            if "\n" in text.strip():
                text = text.rstrip()
                # A blank line ends a block that the last line still belongs to.
                self._repl.handleCommand(text + "\n" * text.splitlines()[-1][:1].isspace())
                return True
        return False


@contextlib.contextmanager
def _no_input() -> Iterator[None]:
    """Whoever asks the terminal gets an end of file: a window has none."""
    before, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def _shown_as(namespace: dict[str, Any]) -> Iterator[None]:
    """The last value is `_` of the console alone: in `builtins` it would keep a volume alive."""

    def show(value: Any) -> None:
        if value is not None:
            namespace["_"] = value
            print(repr(value))

    before, sys.displayhook = sys.displayhook, show
    try:
        yield
    finally:
        sys.displayhook = before


def _history_file() -> Path:
    from app.window._safety import log_folder

    return log_folder() / "console-history.txt"


def _read_history() -> list[str]:
    """The newest line first."""
    try:
        return _history_file().read_text(encoding="utf-8").splitlines()[:HISTORY]
    except (OSError, UnicodeDecodeError):
        return []


def _write_history(lines: list[str]) -> None:
    text = "\n".join(line for line in lines if line.strip())[:200_000]
    with contextlib.suppress(OSError, UserError, UnicodeEncodeError):
        _history_file().parent.mkdir(parents=True, exist_ok=True)
        with replacing(_history_file()) as file:
            file.write(text.encode())
