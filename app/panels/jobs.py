"""What runs: progress, time spent and left, live curves, what it prints, cancel; and what ran before."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.forms.widgets import ColumnWidget, button, elided, label, scrolled
from app.panels.dock import Panel
from app.plots.spark import SparkLine
from app.theme import Metrics, restyle
from app.window.tasks import Task, in_words
from app.window.workbench import Workbench
from core.jobs import State
from core.records import without_home

SHOWN = 6
"""Waiting and running jobs with a row of their own; the others are counted."""
LASTING = ("run", "write", "write_result", "write_table", "save_session")
KEPT = 20
"""Finished jobs that stay in the list."""


class JobRow(QWidget):
    """One job."""

    result_wanted = Signal(str)
    curves_wanted = Signal(object)

    def __init__(self, task: Task, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.task = task
        self._place = 0
        m = Metrics.of(self.font())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(m.px(4))
        first = QHBoxLayout()
        self.title = elided(task.title)
        self.state = label("", "muted")
        first.addWidget(self.title, 1)
        first.addWidget(self.state)
        column.addLayout(first)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Progress of {task.title}")
        column.addWidget(self.bar)
        self.text = elided("", "small")
        column.addWidget(self.text)
        second = QHBoxLayout()
        second.setSpacing(m.px(12))
        self.show_button = self._link("Show result", self._show_result, second)
        self.again_button = self._link("Run again", self._again, second)
        self.copy_button = self._link("Copy error", self._copy, second)
        self.log_button = self._link("Log", self._flip, second)
        self.cancel = self._link("Cancel", self._cancel, second)
        second.addStretch(1)
        column.addLayout(second)
        self._curves: dict[str, SparkLine] = {}
        self.log: QPlainTextEdit | None = None
        self._logged = 0
        self._column = column
        self.show_task()

    def _link(self, text: str, run: Callable[[], object], row: QHBoxLayout) -> QPushButton:
        made = button(text, run, "link")
        made.setAccessibleName(f"{text}: {self.task.title}")
        row.addWidget(made)
        return made

    # -- what the links do -----------------------------------------------------------------------------------

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.task.cancel()

    def _again(self) -> None:
        if self.task.again is not None:
            self.task.again()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(without_home(self.task.report))

    def _show_result(self) -> None:
        self.result_wanted.emit(self.task.result)

    def _flip(self) -> None:
        """Show or hide what the job printed."""
        if self.log is None:
            self.log = QPlainTextEdit()
            self.log.setReadOnly(True)
            self.log.setTabChangesFocus(True)
            self.log.setMaximumBlockCount(self.task.lines.maxlen or 0)
            self.log.setProperty("role", "code")
            self.log.setFixedHeight(Metrics.of(self.font()).px(120))
            self.log.setAccessibleName(f"Log of {self.task.title}")
            self.log.hide()
            self._column.addWidget(self.log)
        self.log.setVisible(self.log.isHidden())
        self.log_button.setText("Log" if self.log.isHidden() else "Hide log")
        self._fill_log()

    def _fill_log(self) -> None:
        """The whole, if lines have come: there are at most some hundreds."""
        if self.log is None or self.log.isHidden():
            return
        error = self.task.error
        text = "\n".join(
            [*self.task.lines, *([error.details] if error is not None and error.details else [])]
        )
        if text != self.log.toPlainText():
            self.log.setPlainText(text)
            bar = self.log.verticalScrollBar()
            bar.setValue(bar.maximum())

    # -- what it says ----------------------------------------------------------------------------------------

    def show_task(self, place: int = 0) -> None:
        """Write the task's state into the row; `place` is its place in the queue, from 1."""
        task = self.task
        running = not task.over
        self._place = place or self._place
        self.bar.setVisible(running and task.state is not State.QUEUED)
        self.cancel.setVisible(running)
        role = "muted"
        if task.state is State.QUEUED:
            self.state.setText("waiting, next" if self._place <= 1 else f"waiting, number {self._place}")
        elif task.state is State.CANCELLING:
            self.state.setText("cancelling")
            self.cancel.setEnabled(False)
        elif task.state is State.RUNNING:
            fraction = task.progress.fraction
            left = task.seconds_left
            words = [f"{100 * fraction:.0f} %"] if fraction > 0 else []
            words += [f"{in_words(left)} left"] if left is not None else []
            self.state.setText(" · ".join(words) or "running")
            self.bar.setValue(round(1000 * fraction))
        else:
            word, role = {
                State.DONE: ("done", "good"),
                State.FAILED: ("failed", "bad"),
                State.CANCELLED: ("cancelled", "muted"),
            }[task.state]
            self.state.setText(word)
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            restyle(self.state)
        self.show_time()
        self.show_button.setVisible(task.state is State.DONE and bool(task.result))
        self.again_button.setVisible(task.state in (State.FAILED, State.CANCELLED) and task.again is not None)
        self.copy_button.setVisible(task.state is State.FAILED)
        details = task.error is not None and bool(task.error.details)
        self.log_button.setVisible(bool(task.lines) or details)
        self._fill_log()
        for name, curve in task.curves.items():
            spark = self._curves.get(name)
            if spark is None:
                spark = SparkLine(name)
                spark.clicked.connect(lambda: self.curves_wanted.emit(self.task))
                self._curves[name] = spark
                self._column.addWidget(spark)
            spark.set_points(curve.steps, curve.values)

    def show_time(self) -> None:
        """What it is at and for how long, or how long it took."""
        task, parts = self.task, []
        if not task.over:
            if task.progress.text:
                parts.append(task.progress.text)
            if task.elapsed >= 1:
                parts.append(f"{in_words(task.elapsed)} so far")
        elif task.state is State.FAILED and task.error is not None:
            parts.append(str(task.error))
        elif task.seconds >= 1:
            parts.append(f"took {in_words(task.seconds)}")
        text = " · ".join(parts)
        if text != self.text.text():
            self.text.setText(text)
        self.text.setVisible(bool(parts))


class JobsPanel(Panel):
    """The dock "Jobs"."""

    name = "jobs"
    title = "Jobs"
    least_width = 264
    result_wanted = Signal(str)
    """The user wants to see what a finished job found: the id of its item."""
    curves_wanted = Signal(object)
    """The curves of a task, large."""

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self._body = ColumnWidget(spacing=12)
        self.column.addWidget(scrolled(self._body))
        self._rows: dict[int, JobRow] = {}
        self._empty = label("Nothing runs.", "muted")
        self._more = label("", "small")
        self._body.column.addWidget(self._empty)
        self._body.column.addWidget(self._more)
        self._body.column.addStretch(1)
        self._more.hide()
        self.cancel_all = button(
            "Cancel all", workbench.cancel_all, "link", "Stop everything that runs or waits"
        )
        self.clear = button("Clear", self._clear, "link", "Forget the finished jobs")
        self.clear.setAccessibleName("Clear finished jobs")
        self.header.add(self.cancel_all)
        self.header.add(self.clear)
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._tick)
        workbench.task_added.connect(lambda _task: self._arrange())
        workbench.task_changed.connect(self._on_changed)
        workbench.task_over.connect(lambda _task: self._arrange())
        workbench.session_changed.connect(self._arrange)
        workbench.changed.connect(lambda _change: self._check_results())
        # Whether a finished run has a result is known only once its own callback has run.
        workbench.adopted.connect(lambda _id: QTimer.singleShot(0, self, self._arrange))
        self._arrange()

    def row_of(self, task: Task) -> JobRow | None:
        """The row of a job, if it has one."""
        return self._rows.get(id(task))

    def _clear(self) -> None:
        self._workbench.forget_finished()
        self._arrange()

    def _tick(self) -> None:
        for row in self._rows.values():
            if not row.task.over:
                row.show_task()

    def _check_results(self) -> None:
        """A result that was removed cannot be shown; undo may bring it back."""
        for row in self._rows.values():
            if row.task.result:
                there = row.task.result in self._workbench.document
                row.show_button.setEnabled(there)
                row.show_button.setToolTip("" if there else "It is no longer in the session")

    def _on_changed(self, task: Task) -> None:
        row = self._rows.get(id(task))
        if row is None or row.state.text().startswith("waiting") != (task.state is State.QUEUED):
            self._arrange()  # it has begun: those behind it move up
        else:
            row.show_task()

    def _arrange(self) -> None:
        tasks = [t for t in self._workbench.tasks if t.shown]
        active = [t for t in tasks if not t.over]
        # A file that opened speaks for itself, one that did not has its card; runs stay for a while.
        here = [t for t in tasks if t.over and t.session == self._workbench.session]
        over = [t for t in here if t.name in LASTING or t.state is State.FAILED][-KEPT:]
        active.sort(key=lambda t: t.state is State.QUEUED)
        wanted = [*active[:SHOWN], *reversed(over)]
        keep = {id(t) for t in wanted}
        for key in [k for k in self._rows if k not in keep]:
            row = self._rows.pop(key)
            self._body.column.removeWidget(row)
            row.hide()
            row.deleteLater()
        queue = 0
        for place, task in enumerate(wanted):
            if id(task) not in self._rows:
                self._rows[id(task)] = JobRow(task)
                self._rows[id(task)].result_wanted.connect(self.result_wanted)
                self._rows[id(task)].curves_wanted.connect(self.curves_wanted)
            row = self._rows[id(task)]
            if self._body.column.indexOf(row) != place:
                self._body.column.insertWidget(place, row)
            queue += task.state is State.QUEUED
            row.show_task(queue)
        hidden = len(active) - min(len(active), SHOWN)
        self._more.setText(f"and {hidden} more waiting")
        self._more.setVisible(hidden > 0)
        self._empty.setVisible(not wanted)
        running = sum(t.state is not State.QUEUED for t in active)
        waiting = len(active) - running
        words = [f"{running} running"] if running else []
        words += [f"{waiting} waiting"] if waiting else []
        self.header.set_note(", ".join(words))
        self.cancel_all.setVisible(len(active) > 1)
        self.clear.setVisible(bool(over) and len(active) <= 1)
        if active and not self._clock.isActive():
            self._clock.start()
        elif not active:
            self._clock.stop()
        self._check_results()
