"""The page of an empty window: open, samples, recent."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.forms.widgets import RowButton, button, elided, label, scrolled
from app.theme import Metrics
from app.window.workbench import Workbench
from core.plugins import Sample

RESEARCH = "Research use only: not a medical device, not for diagnosis or treatment."
RECENT = 8


class StartPage(QWidget):
    """Three ways to begin."""

    def __init__(
        self,
        workbench: Workbench,
        open_files: Callable[[], object],
        open_folder: Callable[[], object],
        open_session: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workbench = workbench
        m = Metrics.of(self.font())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        body = QWidget()
        whole.addWidget(scrolled(body))
        outer = QVBoxLayout(body)
        outer.setContentsMargins(m.px(24), m.px(24), m.px(24), m.px(16))
        outer.addStretch(2)
        middle = QWidget()
        middle.setMaximumWidth(m.px(880))
        middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(m.px(4))
        column.addWidget(label("Equiscope", "title"))
        words = "See, measure and use symmetry in scans, brain MRI, trained models and more."
        column.addWidget(label(words, "muted", wrap=True))
        column.addSpacing(m.px(20))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(m.px(32))
        self._grid.setVerticalSpacing(m.px(20))

        first = self._column("Open")
        self.open_button = button("Open files…", open_files, "primary")
        first.addWidget(self.open_button)
        first.addWidget(button("Open a folder…", open_folder))
        first.addWidget(button("Open a session…", open_session))
        first.addWidget(label("or drop files and folders anywhere on this window", "small", wrap=True))
        first.addStretch(1)

        self._samples = self._column("Samples")
        for sample in sorted(workbench.host.samples, key=lambda s: not s.featured):
            self._samples.addWidget(self._sample(sample))
        if not workbench.host.samples:
            self._samples.addWidget(label("No plugin brings a sample.", "muted"))
        self._samples.addStretch(1)

        self._recent = self._column("Recent")
        self._parts = (first, self._samples, self._recent)
        self._columns = 0
        self._flow(3)
        column.addLayout(self._grid)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(middle, 20)
        line.addStretch(1)
        outer.addLayout(line)
        outer.addStretch(3)
        note = label(RESEARCH, "small", wrap=True)
        note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        outer.addWidget(note)
        self.refresh()

    def _flow(self, columns: int) -> None:
        """Three parts side by side, or the last below the first, or one below the other."""
        if columns == self._columns:
            return
        self._columns = columns
        places = {3: ((0, 0), (0, 1), (0, 2)), 2: ((0, 0), (0, 1), (1, 0)), 1: ((0, 0), (1, 0), (2, 0))}
        for part in self._parts:
            self._grid.removeItem(part)
        for part, (row, place) in zip(self._parts, places[columns], strict=True):
            tall = 2 if columns == 2 and place == 1 else 1
            self._grid.addLayout(part, row, place, tall, 1)
        for place, stretch in enumerate({3: (5, 9, 7), 2: (4, 5, 0), 1: (1, 0, 0)}[columns]):
            self._grid.setColumnStretch(place, stretch)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        m, width = Metrics.of(self.font()), self.width()
        self._flow(3 if width >= m.px(760) else 2 if width >= m.px(430) else 1)

    def _column(self, title: str) -> QVBoxLayout:
        m = Metrics.of(self.font())
        made = QVBoxLayout()
        made.setSpacing(m.px(8))
        made.addWidget(label(title, "heading"))
        return made

    def _sample(self, sample: Sample) -> QWidget:
        missing = self._workbench.host.missing(sample)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        made = RowButton(sample.title, lambda: self._workbench.open_sample(sample))
        made.setEnabled(not missing)
        column.addWidget(made)
        if missing:
            note = label(missing, "small", wrap=True, selectable=True)
            note.setContentsMargins(Metrics.of(self.font()).px(12), 0, 0, 0)
            column.addWidget(note)
        return holder

    def refresh(self) -> None:
        """List the recent files anew."""
        while self._recent.count() > 1:
            entry = self._recent.takeAt(1)
            widget = entry.widget() if entry is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        paths = self._workbench.settings.recent[:RECENT]
        for path in paths:
            self._recent.addWidget(RecentRow(path, partial(self._workbench.open_paths, [path])))
        if not paths:
            self._recent.addWidget(label("What you open is listed here.", "muted", wrap=True))
        self._recent.addStretch(1)


class RecentRow(QWidget):
    """A file's name and folder; a click opens it."""

    def __init__(self, path: str, run: Callable[[], object]) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        made = RowButton(Path(path).name or path, run, path)
        column.addWidget(made)
        folder = str(Path(path).parent)
        home = str(Path.home())
        folder = "~" + folder[len(home) :] if folder.startswith(home + os.sep) else folder
        note = elided(folder, "small", Qt.TextElideMode.ElideMiddle)
        note.setContentsMargins(Metrics.of(self.font()).px(12), 0, 0, 0)
        column.addWidget(note)
