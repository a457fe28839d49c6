"""What running jobs have shown of their results so far: cards that change in place."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.forms import Card, ColumnWidget, button, elided, label, paragraph, with_error
from app.theme import Metrics, Theme
from app.window._ahead import plots_ready
from app.window.exporting import Exports
from app.window.kinds import PLOTS
from app.window.tasks import Task
from app.window.workbench import Workbench
from core.results import Heatmap, Number, ResultTable, Text

EVERY = 100
"""Milliseconds between two pictures of a preview, at least."""


class PreviewCard(Card):
    """One unfinished output."""

    def __init__(self, output: Any, exports: Exports) -> None:
        super().__init__()
        self.kind = type(output)
        row = QHBoxLayout()
        row.addWidget(elided(output.name, "muted"), 1)
        row.addWidget(label("running", "small"))
        self.column.addLayout(row)
        self.view: Any
        if isinstance(output, PLOTS):
            from app.plots.figure import FigureView

            self.view = FigureView(output, compact=True)
            exports.connect_figure(self.view, output.name)
            tall = isinstance(output, Heatmap)
            self.view.setFixedHeight(Metrics.of(self.font()).px(220 if tall else 180))
        elif isinstance(output, ResultTable):
            from app.plots.table import TableView

            self.view = TableView(output.table, compact=True)
            exports.connect_table(self.view, output.name)
        else:
            self.view = paragraph("", "big" if isinstance(output, Number) else "")
        self.column.addWidget(self.view)
        self.show_output(output)

    def show_output(self, output: Any) -> None:
        """Newer values of the same."""
        if isinstance(output, PLOTS):
            if output is not self.view.output:
                self.view.set_output(output)
        elif isinstance(output, ResultTable):
            if output.table is not self.view.model.table:
                self.view.set_table(output.table)
        elif isinstance(output, Number):
            self.view.setText(with_error(output.value, output.error, output.unit))
        else:
            self.view.setText(output.text)


class RunningResults(QWidget):
    """The previews of all jobs of this session that run; takes no room while there are none."""

    live_wanted = Signal(object)
    shown = Signal(bool)
    """Whether there is anything to see."""

    def __init__(self, workbench: Workbench, exports: Exports, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._exports = exports
        self._workbench = workbench
        self._cards: dict[tuple[int, str], PreviewCard] = {}
        self._heads: dict[int, QWidget] = {}
        self._body = ColumnWidget(self, margin=0)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._body)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.refresh)
        workbench.task_changed.connect(lambda task: self._touch(task))
        workbench.task_over.connect(lambda _task: self.refresh())
        workbench.session_changed.connect(self.refresh)
        self.hide()

    def _touch(self, task: Task) -> None:
        if task.previews and not self._timer.isActive():
            self._timer.start(EVERY)

    def refresh(self) -> None:
        """Show what there is; cards of jobs that are over go."""
        session = self._workbench.session
        running = [t for t in self._workbench.tasks if t.previews and not t.over and t.session == session]
        wanted: dict[tuple[int, str], Any] = {}
        for task in running:
            for name, output in task.previews.items():
                if isinstance(output, (*PLOTS, ResultTable, Number, Text)):
                    wanted[id(task), name] = output
        for key in [k for k in self._cards if k not in wanted or type(wanted[k]) is not self._cards[k].kind]:
            self._remove(self._cards.pop(key))
        for known in [k for k in self._heads if k not in {id(t) for t in running}]:
            self._remove(self._heads.pop(known))
        for task in running:
            if id(task) not in self._heads:
                self._heads[id(task)] = self._head(task)
                self._body.column.addWidget(self._heads[id(task)])
        drawn = 0
        for key, output in wanted.items():
            if key in self._cards:
                self._cards[key].show_output(output)
                continue
            if isinstance(output, (*PLOTS, ResultTable)):
                if not plots_ready():
                    self._timer.start(EVERY)
                    continue
                # A plot takes the window's thread for some 40 ms: one a turn, so that it answers between.
                if drawn:
                    self._timer.start(0)
                    continue
                drawn += 1
            self._cards[key] = PreviewCard(output, self._exports)
            self._body.column.addWidget(self._cards[key])
        self.setVisible(bool(self._heads))
        self.shown.emit(bool(self._heads))

    def _head(self, task: Task) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(elided(f"{task.title}, running", "heading"), 1)
        if task.curves:
            row.addWidget(button("Curves", lambda: self.live_wanted.emit(task), "link"))
        return holder

    def _remove(self, widget: QWidget) -> None:
        self._body.column.removeWidget(widget)
        widget.hide()
        widget.deleteLater()

    def set_theme(self, theme: Theme) -> None:
        """Plots follow the theme."""
        for card in self._cards.values():
            if hasattr(card.view, "set_theme"):
                card.view.set_theme(theme)
