"""The panel: how far a batch is, a row a case, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.forms.widgets import button, elided, label
from app.panels.dock import Panel
from app.theme import Metrics, Theme
from app.window.kinds import count
from app.window.tasks import in_words
from core.errors import printable

if TYPE_CHECKING:  # `core.batch` waits until there is a batch: the window is painted without it
    from app.panels.batch.model import Row
    from app.panels.batch.watch import Watch
    from core.batch import Manifest, News

EMPTY = "No batch is shown. Run an analysis on many files, or open the folder of a batch that ran before."
RECKON = 1.0
"""Seconds after which the time left is reckoned anew."""


class Cases(QTableView):
    """The rows. Return and a double click open one."""

    wanted = Signal(int)
    copied = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Cases of the batch")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.wanted.emit(self.currentIndex().row())
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        else:
            super().keyPressEvent(event)
            return
        event.accept()


class BatchPanel(Panel):
    """The dock "Batch"; shows one folder at a time and changes nothing by itself.

    Signals
    -------
    new_wanted, open_wanted
        the user wants to begin a batch, or to look at another.
    stop_wanted, resume_wanted, retry_wanted, copy_wanted, summary_wanted
        what is to be done with the one that is shown.
    case_wanted(Row), input_wanted(Row)
        open the result of a case, or its input.
    """

    name = "batch"
    title = "Batch"
    least_width = 300
    new_wanted = Signal()
    open_wanted = Signal()
    last_wanted = Signal()
    """The batch that was shown last, in an earlier window."""
    stop_wanted = Signal()
    resume_wanted = Signal()
    retry_wanted = Signal()
    copy_wanted = Signal()
    summary_wanted = Signal()
    case_wanted = Signal(object)
    input_wanted = Signal(object)
    changed = Signal()
    """It shows something else."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder: Path | None = None
        self.manifest: Manifest | None = None
        self.news: News
        """What was heard last of the batch that is shown; there once `folder` is."""
        self._watch: Watch | None = None
        self._round = 0
        self._starting = False
        self.body: QWidget | None = None
        m = Metrics.of(self.font())
        self._blank = QWidget()
        column = QVBoxLayout(self._blank)
        column.setContentsMargins(m.px(12), m.px(12), m.px(12), m.px(12))
        column.setSpacing(m.px(10))
        self.blank_words = label(EMPTY, "muted", wrap=True)
        column.addWidget(self.blank_words)
        row = QHBoxLayout()
        self.new_button = button("Run on many files…", self.new_wanted.emit)
        self.open_button = button("Open a batch…", self.open_wanted.emit)
        row.addWidget(self.new_button)
        row.addWidget(self.open_button)
        row.addStretch(1)
        column.addLayout(row)
        self.last_button = button("", self.last_wanted.emit, "link")
        self.last_button.hide()
        column.addWidget(self.last_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        self.column.addWidget(self._blank)
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._tick)

    # -- what it shows ---------------------------------------------------------------------------------------

    def follow(self, folder: Path, *, starting: bool = False) -> None:
        """Show the batch in a folder; `starting`: it may take a moment until there is one."""
        from app.panels.batch.watch import Watch
        from core.batch import News

        self.stop_following()
        self._build()
        self.folder, self.manifest, self._starting = folder, None, starting
        self.news = News()
        self.model.set_rows({})
        self._clear_filter()
        self._round += 1
        self._watch = Watch(folder, self._round, self)
        self._watch.news.connect(self._on_news)
        self._watch.start()  # not before somebody listens: the first news tells of all cases
        self._show()

    def offer(self, folder: Path) -> None:
        """A batch that could be shown again while none is."""
        self.last_button.setText(f"Show {printable(folder.name)} again")
        self.last_button.setToolTip(str(folder))
        self.last_button.show()

    def hurry(self) -> None:
        """Look again now."""
        if self._watch is not None:
            self._watch.hurry()

    def stop_following(self) -> None:
        """Look no more."""
        self._clock.stop()
        if self._watch is not None:
            self._watch.stop()
            self._watch.news.disconnect(self._on_news)
            self._watch.deleteLater()
            self._watch = None

    def started(self) -> None:
        """What was starting runs now, or will not."""
        self._starting = False
        self._show()

    @property
    def live(self) -> bool:
        """Whether the batch that is shown runs now, here or elsewhere."""
        return self.folder is not None and self.news.live

    def number(self, state: str) -> int:
        """How many cases are in a state."""
        return self.model.counts[state] if self.body is not None else 0

    def why_not_stop(self) -> str:
        """Why there is nothing to stop, "" if there is."""
        return self._why_no_batch() or ("" if self.live else "it does not run")

    def why_not_resume(self) -> str:
        """Why there is nothing to go on with."""
        none = self._why_no_batch()
        if none or self.live or self._starting:
            return none or "it runs"
        from core.batch import WAITING

        return "" if self.number(WAITING) else "no case is left to run"

    def why_not_retry(self) -> str:
        """Why nothing can be retried."""
        none = self._why_no_batch()
        if none or self.live or self._starting:
            return none or "it runs; stop it, or wait"
        from core.batch import FAILED

        return "" if self.number(FAILED) else "no case has failed"

    def _why_no_batch(self) -> str:
        return "" if self.folder is not None and self.manifest is not None else "no batch is shown"

    def _on_news(self, round: int, news: News, rows: dict[str, Row] | None) -> None:
        if round != self._round or self._watch is None:  # of a batch that is not shown any more
            return
        self.news = news
        if news.problem:
            self._show()
            return
        self._starting = False
        if rows is not None:
            self.manifest = news.manifest
            self.model.set_rows(rows)
            self._fit_columns()
        elif news.changed:
            self.model.update(news.changed)
        if news.live and not self._clock.isActive():
            self._clock.start()
        elif not news.live:
            self._clock.stop()
        self._show()

    def _tick(self) -> None:
        self.model.tick()

    def set_theme(self, _theme: Theme) -> None:
        """Colours of states follow the theme."""
        if self.body is not None:
            self.view.viewport().update()

    # -- the widgets, made when there is something to show ------------------------------------------------------

    def _build(self) -> None:
        from app.panels.batch.model import CasesModel
        from core.batch import STATES

        if self.body is not None:
            return
        m = Metrics.of(self.font())
        self.body = QWidget()
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        top = QVBoxLayout()
        top.setContentsMargins(m.px(12), m.px(8), m.px(12), m.px(8))
        top.setSpacing(m.px(6))
        self.words = elided("")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the batch")
        top.addWidget(self.words)
        top.addWidget(self.bar)
        row = QHBoxLayout()
        row.setSpacing(m.px(8))
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter cases")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter cases")
        self.filter.setMaximumWidth(m.px(260))
        self.state = QComboBox()
        self.state.setAccessibleName("State of the cases that are shown")
        for value, words in (("", "All"), *((s, s.capitalize()) for s in STATES)):
            self.state.addItem(words, value)
        self.state.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        row.addWidget(self.filter, 1)
        row.addWidget(self.state)
        row.addStretch(1)
        self._room = m.px(640)
        self.stop_button = self._action(
            "Stop", self.stop_wanted.emit, "Stop the cases that run; Resume goes on later"
        )
        self.resume_button = self._action("Resume", self.resume_wanted.emit, "Run the cases that are left")
        self.retry_button = self._action("Retry failed", self.retry_wanted.emit, "Run the failed cases again")
        self.summary_button = self._action(
            "Open summary", self.summary_wanted.emit, "Every number of every case, as a table"
        )
        actions = QHBoxLayout()
        actions.setSpacing(m.px(8))
        actions.addStretch(1)
        for each in (self.stop_button, self.resume_button, self.retry_button, self.summary_button):
            actions.addWidget(each)
        self._tools = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._tools.setSpacing(m.px(6))
        self._tools.addLayout(row, 1)
        self._tools.addLayout(actions)
        top.addLayout(self._tools)
        column.addLayout(top)
        self.model = CasesModel(self)
        self.view = self._make_view(m)
        column.addWidget(self.view, 1)
        self.column.addWidget(self.body)
        self.header.add(
            button("Copy as command", self.copy_wanted.emit, "link", "What a terminal runs this batch with")
        )
        self.header.add(button("Open…", self.open_wanted.emit, "link", "Open the folder of another batch"))
        self.header.add(button("New…", self.new_wanted.emit, "link", "Run an analysis on many files"))
        self.filter.textChanged.connect(lambda _text: self._filter())
        self.filter.returnPressed.connect(lambda: self.view.setFocus(Qt.FocusReason.TabFocusReason))
        self.state.currentIndexChanged.connect(lambda _index: self._filter())
        self._blank.hide()
        self._fit_tools()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.body is not None:
            self._fit_tools()

    def _fit_tools(self) -> None:
        """The buttons below the filter where both do not fit beside each other."""
        wide = self.width() >= self._room
        way = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._tools.direction() is not way:
            self._tools.setDirection(way)

    def _action(self, text: str, run: Callable[[], object], tip: str) -> QPushButton:
        return button(text, run, "quiet", tip)

    def _make_view(self, m: Metrics) -> Cases:
        view = Cases()
        view.setModel(self.model)
        view.setSortingEnabled(True)
        view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        view.horizontalHeader().setSortIndicatorClearable(True)
        view.horizontalHeader().setHighlightSections(False)
        view.horizontalHeader().setStretchLastSection(True)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.verticalHeader().setDefaultSectionSize(m.px(24))
        view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        view.verticalHeader().setVisible(False)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._menu)
        view.doubleClicked.connect(lambda index: self._want(index.row()))
        view.wanted.connect(self._want)
        view.copied.connect(self._copy)
        return view

    def _fit_columns(self) -> None:
        m = Metrics.of(self.font())
        metrics = self.view.fontMetrics()
        names = [printable(r.case.name) for r in self.model.shown[:200]]
        widest = max((metrics.horizontalAdvance(n) for n in names), default=0)
        self.view.setColumnWidth(0, min(max(widest + m.px(28), m.px(120)), m.px(320)))
        self.view.setColumnWidth(1, metrics.horizontalAdvance("waiting") + m.px(32))
        self.view.setColumnWidth(2, metrics.horizontalAdvance("00 h 00 min") + m.px(14))

    # -- words -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        from core.batch import DONE, FAILED

        if self.body is None or self.folder is None:
            return
        self.header.set_note(printable(self.folder.name))
        self.header.note.setToolTip(str(self.folder))
        total, over = len(self.model), self.number(DONE) + self.number(FAILED)
        self.words.setText(self._sentence(total))
        self.words.setProperty("role", "bad" if self.news.problem and not self._starting else "")
        self.bar.setRange(0, 0 if self._starting else max(total, 1))
        self.bar.setValue(over)
        self.bar.setVisible(self._starting or self.live)
        for index in range(self.state.count()):
            value = self.state.itemData(index)
            n = self.number(value) if value else total
            self.state.setItemText(index, f"{(value or 'all').capitalize()} ({count(n)})")
        for each, reason in (
            (self.stop_button, self.why_not_stop()),
            (self.resume_button, self.why_not_resume()),
            (self.retry_button, self.why_not_retry()),
            (self.summary_button, "" if over and not self.live else "no summary yet"),
        ):
            each.setEnabled(not reason)
        self.stop_button.setVisible(self.live)
        self.resume_button.setVisible(not self.live)
        self.changed.emit()

    def _sentence(self, total: int) -> str:
        from core.batch import DONE, FAILED, RUNNING, WAITING

        if self._starting:
            return "Starting…"
        if self.news.problem:
            return self.news.problem
        title = self.manifest.title if self.manifest is not None else ""
        parts = [f"{title}: {count(self.number(DONE))} of {count(total)} done"]
        parts += [f"{count(self.number(s))} {s}" for s in (FAILED, RUNNING) if self.number(s)]
        if self.live:
            where = self.news.driver.where
            if where:
                parts.append(f"on {where}")
            if self.news.left:
                parts.append(f"about {in_words(self.news.left)} left")
        elif self.number(WAITING):
            parts.append(f"{count(self.number(WAITING))} left to run")
        return " · ".join(parts)

    def _filter(self) -> None:
        self.model.set_filter(self.filter.text(), self.state.currentData() or "")

    def _clear_filter(self) -> None:
        self.filter.clear()
        self.state.setCurrentIndex(0)

    # -- a row -----------------------------------------------------------------------------------------------

    def _want(self, place: int) -> None:
        from core.batch import DONE

        if 0 <= place < len(self.model.shown):
            row = self.model.shown[place]
            (self.case_wanted if row.status.state == DONE else self.input_wanted).emit(row)

    def selected(self) -> list[Row]:
        """The rows that are selected, from top to bottom."""
        indexes: list[QModelIndex] = self.view.selectionModel().selectedRows()
        return [self.model.shown[n] for n in sorted(i.row() for i in indexes)]

    def _copy(self) -> None:
        from app.panels.batch.model import COLUMNS, words

        rows = self.selected() or self.model.shown
        lines = ["\t".join(COLUMNS), *("\t".join(words(r, c) for c in range(len(COLUMNS))) for r in rows)]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def _menu(self, at: QPoint) -> None:
        from core.batch import DONE

        index = self.view.indexAt(at)
        if not index.isValid():
            return
        row = self.model.shown[index.row()]
        menu = QMenu(self.view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        result = menu.addAction("Open result")
        result.triggered.connect(lambda _checked=False: self.case_wanted.emit(row))
        result.setEnabled(row.status.state == DONE)
        opened = menu.addAction("Open input")
        opened.triggered.connect(lambda _checked=False: self.input_wanted.emit(row))
        menu.addSeparator()
        copied = menu.addAction("Copy rows")
        copied.triggered.connect(lambda _checked=False: self._copy())
        reason = menu.addAction("Copy reason")
        reason.setEnabled(bool(row.status.error))
        reason.triggered.connect(
            lambda _checked=False: QGuiApplication.clipboard().setText(printable(row.status.error))
        )
        menu.popup(self.view.viewport().mapToGlobal(at))
