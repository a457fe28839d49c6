"""What runs: progress, time left, live curves, cancel."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.forms.widgets import ColumnWidget, button, elided, label, scrolled
from app.panels.dock import Panel
from app.plots.spark import SparkLine
from app.theme import Metrics, restyle
from app.window.tasks import Task, in_words
from app.window.workbench import Workbench
from core.jobs import State

SHOWN = 6
"""Waiting and running jobs with a row of their own; the others are counted."""
LASTING = ("run", "write", "save_session")
KEPT = 5
"""Finished jobs that stay in the list."""


class JobRow(QWidget):
    """One job."""

    def __init__(self, task: Task, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.task = task
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
        second = QHBoxLayout()
        self.text = elided("", "small")
        self.cancel = button("Cancel", self._cancel, "link")
        self.cancel.setAccessibleName(f"Cancel {task.title}")
        second.addWidget(self.text, 1)
        second.addWidget(self.cancel)
        column.addLayout(second)
        self._curves: dict[str, SparkLine] = {}
        self._column = column
        self.show_task()

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.task.cancel()

    def show_task(self) -> None:
        """Write the task's state into the row."""
        task = self.task
        running = not task.over
        self.bar.setVisible(running)
        self.cancel.setVisible(running)
        role = "muted"
        if task.state is State.QUEUED:
            self.state.setText("waiting")
        elif task.state is State.CANCELLING:
            self.state.setText("cancelling")
            self.cancel.setEnabled(False)
        elif task.state is State.RUNNING:
            fraction = task.progress.fraction
            left = task.seconds_left
            words = [f"{100 * fraction:.0f} %"] if fraction > 0 else []
            words += [f"{in_words(left)} left"] if left is not None else []
            self.state.setText(" · ".join(words))
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
        parts = []
        if running:
            if task.progress.text:
                parts.append(task.progress.text)
        elif task.state is State.FAILED and task.error is not None:
            parts.append(str(task.error))
        elif task.state is State.DONE and task.seconds >= 1:
            parts.append(f"took {in_words(task.seconds)}")
        self.text.setText(" · ".join(parts))
        self.text.setVisible(bool(parts) or running)
        for name, curve in task.curves.items():
            spark = self._curves.get(name)
            if spark is None:
                spark = SparkLine(name)
                self._curves[name] = spark
                self._column.addWidget(spark)
            spark.set_points(curve.steps, curve.values)


class JobsPanel(Panel):
    """The dock "Jobs"."""

    name = "jobs"
    title = "Jobs"
    least_width = 264

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
        workbench.task_added.connect(lambda _task: self._arrange())
        workbench.task_changed.connect(self._on_changed)
        workbench.task_over.connect(lambda _task: self._arrange())
        workbench.session_changed.connect(self._arrange)

    def row_of(self, task: Task) -> JobRow | None:
        """The row of a job, if it has one."""
        return self._rows.get(id(task))

    def _on_changed(self, task: Task) -> None:
        row = self._rows.get(id(task))
        if row is not None:
            row.show_task()
        else:
            self._arrange()

    def _arrange(self) -> None:
        tasks = [t for t in self._workbench.tasks if t.shown]
        active = [t for t in tasks if not t.over]
        # A file that opened speaks for itself, one that did not has its card; runs stay for a while.
        here = [t for t in tasks if t.over and t.session == self._workbench.session]
        over = [t for t in here if t.name in LASTING][-KEPT:]
        active.sort(key=lambda t: t.state is State.QUEUED)
        wanted = [*active[:SHOWN], *reversed(over)]
        keep = {id(t) for t in wanted}
        for key in [k for k in self._rows if k not in keep]:
            row = self._rows.pop(key)
            self._body.column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for place, task in enumerate(wanted):
            if id(task) not in self._rows:
                self._rows[id(task)] = JobRow(task)
            row = self._rows[id(task)]
            if self._body.column.indexOf(row) != place:
                self._body.column.insertWidget(place, row)
            row.show_task()
        hidden = len(active) - min(len(active), SHOWN)
        self._more.setText(f"and {hidden} more waiting")
        self._more.setVisible(hidden > 0)
        self._empty.setVisible(not wanted)
        self.header.set_note(f"{len(active)} running" if active else "")
