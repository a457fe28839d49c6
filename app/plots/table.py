"""Tables that sort, filter, copy and export, and share their selection with the plots of the same rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.forms.numbers import number_words
from app.forms.widgets import button, elided
from app.plots.rows import NONE, Rows, RowSelection
from app.plots.table_model import MANY, TableModel, cell_words
from app.theme import Metrics, restyle
from app.window.kinds import count, counted
from core.data import Table

DIGITS = {3: "3 digits", 4: "4 digits", 6: "6 digits", 17: "All digits"}
WAIT = 200
"""Milliseconds of rest in typing after which a long table is filtered."""


class Grid(QTableView):
    """The cells. Return and a double click ask for the object of a row."""

    wanted = Signal(int)
    escaped = Signal()
    copied = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setTabKeyNavigation(False)  # Tab leaves the table; the arrows go through it

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.wanted.emit(self.currentIndex().row())
        elif event.matches(QKeySequence.StandardKey.Copy):
            # What no shortcut has taken: Qt would copy one cell, and nothing at all where that one is empty.
            self.copied.emit()
        elif event.key() == Qt.Key.Key_Escape and self.selectionModel().hasSelection():
            self.clearSelection()
            self.escaped.emit()
        else:
            super().keyPressEvent(event)
            return
        event.accept()


class TableView(QFrame):
    """A table with a filter above it and the figures of what is selected below.

    Parameters
    ----------
    compact : for a panel: no filter, and no more columns than there is room for.
    selection : rows shared with plots.
    targets : the object that each row stands for.
    """

    target_wanted = Signal(str)
    more_wanted = Signal()
    """The user wants to see the columns that had no room."""
    export_wanted = Signal(str)
    """"csv" or "tsv": what is shown, as a file."""

    def __init__(
        self,
        table: Table,
        *,
        compact: bool = False,
        selection: RowSelection | None = None,
        targets: tuple[str, ...] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "plain" if compact else "panel")
        self.compact = compact
        self.targets = targets
        self.selection = selection
        self.view: Grid
        self.saves = False
        """Whether somebody answers `export_wanted`; menus offer files only then."""
        self._told = False
        self._fitted = False
        self._hidden: set[int] = set()
        m = Metrics.of(self.font())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.model = TableModel(table, self, digits=4 if compact else 6)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: a word, or score > 0.9")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter rows")
        self.filter.setToolTip("Words that a row must hold, or comparisons: score > 0.9 and error <= 2")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.timeout.connect(lambda: self.model.set_filter(self.filter.text()))
        self.filter.textChanged.connect(self._on_filter)
        self.filter.returnPressed.connect(lambda: self.view.setFocus(Qt.FocusReason.TabFocusReason))
        self.note = elided("", "small")
        if not compact:
            bar = QHBoxLayout()
            bar.setContentsMargins(m.px(12), m.px(8), m.px(12), m.px(8))
            bar.setSpacing(m.px(12))
            self.filter.setMaximumWidth(m.px(320))
            bar.addWidget(self.filter, 3)
            bar.addWidget(self.note, 2)
            self.options = button("Options", role="quiet", tip="Columns, numbers, export")
            menu = QMenu(self)
            for title, fill in (("Columns", self._fill_columns), ("Export", self._fill_export)):
                entry = self._live_menu(fill)
                entry.setTitle(title)
                menu.addMenu(entry)
            self.options.setMenu(menu)
            bar.addWidget(self.options)
            column.addLayout(bar)
        self.view = self._make_grid(m)
        self.model.arranged.connect(self._on_arranged)
        column.addWidget(self.view, 1)
        self.more = button("", self.more_wanted.emit, "link")
        self.figures = elided("", "small")
        self.figures.setContentsMargins(m.px(12), m.px(4), m.px(12), m.px(6))
        if compact:
            column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
            self.more.hide()
        else:
            column.addWidget(self.figures)
        for part in (self.filter, self.note, self.more, self.figures):
            if part.parent() is None:  # it is not shown here; without a parent it would outlive the table
                part.setParent(self)
                part.hide()
        self._make_actions()
        self._fit_columns()
        if compact:
            self._fit_height()
        self._say()
        if selection is not None:
            selection.changed.connect(self._on_rows)
            self._on_rows(None)

    def _make_grid(self, m: Metrics) -> Grid:
        view = Grid()
        view.setAccessibleName("Table")
        view.setModel(self.model)
        view.setSortingEnabled(True)
        view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        view.setShowGrid(False)
        view.setWordWrap(False)
        by_rows = self.compact or self.selection is not None or bool(self.targets)
        behaviour = QAbstractItemView.SelectionBehavior
        view.setSelectionBehavior(behaviour.SelectRows if by_rows else behaviour.SelectItems)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.verticalHeader().setDefaultSectionSize(m.px(24) if self.compact else m.row)
        view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        view.verticalHeader().setVisible(not self.compact)
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        # With the view's own, Qt asks every cell of a column whether it is selected, at each paint.
        header.setSelectionModel(QItemSelectionModel(self.model, header))
        header.setSectionsMovable(not self.compact)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._header_menu)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._menu)
        view.selectionModel().selectionChanged.connect(self._on_selected)
        view.doubleClicked.connect(lambda index: self._want(index.row()))
        view.wanted.connect(self._want)
        view.copied.connect(self.copy)
        view.escaped.connect(lambda: self.selection.clear(self) if self.selection is not None else None)
        if self.compact:
            view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            view.clicked.connect(lambda index: self._want(index.row()))
        return view

    def _live_menu(self, fill: Any) -> QMenu:
        menu = QMenu(self)

        def refill() -> None:
            menu.clear()
            for old in menu.findChildren(QMenu):  # what is cleared is its entry only
                old.deleteLater()
            fill(menu)

        menu.aboutToShow.connect(refill)
        return menu

    def _make_actions(self) -> None:
        self.copy_action = QAction("Copy rows" if self._by_rows else "Copy cells", self.view)
        self.copy_action.setShortcut(QKeySequence.StandardKey.Copy)
        self.copy_action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.copy_action.triggered.connect(self.copy)
        self.view.addAction(self.copy_action)
        find = QAction("Filter", self)
        find.setShortcut("/")
        find.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.triggered.connect(lambda: self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason))
        if not self.compact:
            self.view.addAction(find)

    @property
    def _by_rows(self) -> bool:
        return self.view.selectionBehavior() is QAbstractItemView.SelectionBehavior.SelectRows

    def set_table(self, table: Table, targets: tuple[str, ...] = ()) -> None:
        """Show another table (a preview that grew)."""
        self.targets = targets
        columns = list(table.columns) != self.model.names
        self.model.set_table(table)
        if columns:
            self._hidden = set()
            self._fit_columns()
        if self.compact:
            self._fit_height()
        self._say()

    # -- columns ---------------------------------------------------------------------------------------------

    def _fit_columns(self) -> None:
        """Widths from the words, of the first rows only: a million of them look alike."""
        m = Metrics.of(self.font())
        self.view.ensurePolished()  # the stylesheet decides how wide words are
        self.view.horizontalHeader().ensurePolished()
        metrics, head = self.view.fontMetrics(), self.view.horizontalHeader()
        small = QFontMetrics(head.font())
        rows = range(min(self.model.rowCount(), 60))
        most = m.px(180 if self.compact else 340)
        self._wanted: list[int] = []
        for section in range(self.model.columnCount()):
            words = [self.model.words(r, section) for r in rows]
            body = max((metrics.horizontalAdvance(w) for w in words), default=0) + m.px(24)
            # Without the room that Qt keeps for the mark of the order: in a panel every pixel counts.
            name = small.horizontalAdvance(self.model.title(section)) + m.px(20)
            name = name if self.compact else max(name, head.sectionSizeHint(section) + m.px(4))
            self._wanted.append(min(max(body, name), most))
            self.view.setColumnWidth(section, self._wanted[-1])
        self._fit_room()

    def _fit_room(self) -> None:
        """In a panel: as many columns as there is room for, the others counted below."""
        if not self.compact or not self._wanted:
            return
        room = self.view.viewport().width()
        if room <= 0 or not self.isVisible():
            return
        shown, used = 0, 0
        for width in self._wanted:
            if shown and used + width > room:
                break
            shown, used = shown + 1, used + width
        spare = max(0, room - used)
        for section, width in enumerate(self._wanted):
            self.view.setColumnHidden(section, section >= shown)
            if section < shown:
                extra = spare // shown + (spare % shown if section == shown - 1 else 0)
                self.view.setColumnWidth(section, width + extra if shown > 1 or spare else min(width, room))
        left = len(self._wanted) - shown
        self.more.setText(f"and {counted(left, 'more column')}")
        self.more.setVisible(left > 0)

    def _fit_height(self) -> None:
        m = Metrics.of(self.font())
        rows = min(max(self.model.rowCount(), 1), 8)
        self.view.setFixedHeight(self.view.horizontalHeader().sizeHint().height() + rows * m.px(24) + m.px(4))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_room()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if not self._fitted:
            self._fitted = True
            self._fit_columns()
        self._fit_room()

    def set_column_shown(self, column: int, shown: bool) -> None:
        """Show or hide a column; one stays."""
        if not shown and len(self._hidden) + 1 >= self.model.columnCount():
            return
        (self._hidden.discard if shown else self._hidden.add)(column)
        self.view.setColumnHidden(column, not shown)
        self._say()

    @property
    def shown_columns(self) -> list[int]:
        """The columns that are not hidden by the user, in the order in which they stand."""
        header = self.view.horizontalHeader()
        order = [header.logicalIndex(n) for n in range(self.model.columnCount())]
        return [c for c in order if c not in self._hidden]

    def _fill_columns(self, menu: QMenu) -> None:
        for n in range(self.model.columnCount()):
            action = menu.addAction(self.model.title(n).replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(n not in self._hidden)
            action.toggled.connect(partial(self.set_column_shown, n))
        menu.addSeparator()
        menu.addAction("Show all").triggered.connect(lambda: self._show_all())
        menu.addAction("Fit widths").triggered.connect(lambda: self._fit_columns())
        digits = menu.addMenu("Numbers")
        for number, text in DIGITS.items():
            action = digits.addAction(text)
            action.setCheckable(True)
            action.setChecked(self.model.digits == number)
            action.triggered.connect(partial(self._set_digits, number))

    def _set_digits(self, digits: int, _checked: bool = False) -> None:
        self.model.set_digits(digits)
        self._fit_columns()

    def _show_all(self) -> None:
        for n in list(self._hidden):
            self.set_column_shown(n, True)

    def _header_menu(self, at: QPoint) -> None:
        column = self.view.horizontalHeader().logicalIndexAt(at)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if column >= 0 and not self.compact:
            hide = menu.addAction(f"Hide {self.model.names[column]}".replace("&", "&&"))
            hide.triggered.connect(lambda: self.set_column_shown(column, False))
        menu.addAction("Restore the table's order").triggered.connect(lambda: self.restore_order())
        if not self.compact:
            menu.addSeparator()
            self._fill_columns(menu)
        menu.popup(self.view.horizontalHeader().mapToGlobal(at))

    def restore_order(self) -> None:
        """As the table came."""
        self.view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.model.sort(-1)

    # -- filter ----------------------------------------------------------------------------------------------

    def _on_filter(self, text: str) -> None:
        if self.model.total >= MANY:
            self._typing.start(WAIT)
            self.note.setText("Filtering…")
        else:
            self.model.set_filter(text)

    def _on_arranged(self, reason: str) -> None:
        if bool(self.filter.property("invalid")) != bool(reason):
            self.filter.setProperty("invalid", bool(reason))
            restyle(self.filter)
        self.filter.setToolTip(reason)
        self._say(reason)
        self._on_rows(None)

    def _say(self, reason: str = "") -> None:
        shown, total = self.model.rowCount(), self.model.total
        words = f"{counted(total, 'row')}, {counted(self.model.columnCount(), 'column')}"
        words = words if shown == total else f"{count(shown)} of {words}"
        if self._hidden:
            words += f" ({len(self._hidden)} hidden)"
        self.note.setText(f"{reason[:1].upper()}{reason[1:]}" if reason else words)

    # -- selection -------------------------------------------------------------------------------------------

    def selected_rows(self) -> Rows:
        """The rows, as they stand, in which something is selected."""
        areas = list(self.view.selectionModel().selection())  # type: ignore[call-overload]
        parts = [np.arange(a.top(), a.bottom() + 1) for a in areas]
        return np.unique(np.concatenate(parts)) if parts else NONE

    def _on_selected(self, *_: Any) -> None:
        self._show_figures()
        if self.selection is None or self._told:
            return
        self._told = True
        rows = self.selected_rows()
        self.selection.set(self.model.order[rows], self)
        self._told = False

    def _on_rows(self, by: object) -> None:
        """Select what the plots selected."""
        if self.selection is None or by is self or self._told:
            return
        self._told = True
        places = np.flatnonzero(np.isin(self.model.order, self.selection.rows))
        chosen = QItemSelection()
        if len(places):
            ends = np.flatnonzero(np.diff(places) > 1)
            firsts = places[np.concatenate([[0], ends + 1])]
            lasts = places[np.concatenate([ends, [len(places) - 1]])]
            right = self.model.columnCount() - 1
            for top, bottom in zip(firsts.tolist(), lasts.tolist(), strict=True):
                chosen.select(self.model.index(top, 0), self.model.index(bottom, right))
        flags = QItemSelectionModel.SelectionFlag
        self.view.selectionModel().select(chosen, flags.ClearAndSelect)
        if len(places) and by is not None:
            self.view.scrollTo(self.model.index(int(places[0]), 0))
        self._told = False

    def _want(self, row: int) -> None:
        """The object that a row stands for."""
        at = int(self.model.order[row]) if row < self.model.rowCount() else -1
        if 0 <= at < len(self.targets) and self.targets[at]:
            text = self.targets[at]
            # The view may go with the click: not while the mouse is still in it.
            QTimer.singleShot(0, self, lambda: self.target_wanted.emit(text))

    def _show_figures(self) -> None:
        """n, mean, sum, least and greatest of the numbers that are selected."""
        if self.compact:
            return
        parts: list[np.ndarray[Any, Any]] = []
        cells = 0
        for area in list(self.view.selectionModel().selection()):  # type: ignore[call-overload]
            for column in range(area.left(), area.right() + 1):
                if column in self._hidden:
                    continue
                cells += area.bottom() - area.top() + 1
                values = self.model.columns[column]
                if values.dtype.kind in "iuf":
                    parts.append(values[self.model.order[area.top() : area.bottom() + 1]].astype(float))
        if not parts:
            self.figures.setText(f"{counted(cells, 'cell')} selected" if cells else "")
            return
        found = np.concatenate(parts)
        found = found[np.isfinite(found)]
        words = [f"{counted(cells, 'cell')} selected", f"n {count(len(found))}"]
        if len(found):
            for name, value in (
                ("mean", found.mean()),
                ("sum", found.sum()),
                ("min", found.min()),
                ("max", found.max()),
            ):
                words.append(f"{name} {number_words(float(value), 6)}")
        self.figures.setText("   ".join(words))

    # -- copy and export -------------------------------------------------------------------------------------

    def copy(self) -> None:
        """Put what is selected (all, if nothing is) on the clipboard, with the names of the columns."""
        rows, columns = self.selected_rows(), self.shown_columns
        if len(rows) and not self._by_rows:
            areas = list(self.view.selectionModel().selection())  # type: ignore[call-overload]
            chosen = {i for a in areas for i in range(a.left(), a.right() + 1)}
            columns = [c for c in columns if c in chosen]
        rows = rows if len(rows) else np.arange(self.model.rowCount())
        QGuiApplication.clipboard().setText(self.model.text_of(rows, columns))

    def exported(self) -> Table:
        """What is shown: filter, order and hidden columns count."""
        return self.model.part(self.shown_columns)

    def _fill_export(self, menu: QMenu) -> None:
        for kind in ("csv", "tsv") if self.saves else ():
            menu.addAction(f"{kind.upper()}…").triggered.connect(partial(self._export, kind))
        menu.addAction("Copy all").triggered.connect(self.copy_all)

    def _export(self, kind: str, _checked: bool = False) -> None:
        self.export_wanted.emit(kind)

    def copy_all(self) -> None:
        """Put all that is shown on the clipboard."""
        rows = np.arange(self.model.rowCount())
        QGuiApplication.clipboard().setText(self.model.text_of(rows, self.shown_columns))

    def _menu(self, at: QPoint) -> None:
        index: QModelIndex = self.view.indexAt(at)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.copy_action)
        menu.addAction("Copy all").triggered.connect(self.copy_all)
        if index.isValid():
            value = str(self.model.columns[index.column()][self.model.order[index.row()]])
            copy = menu.addAction("Copy this value")
            copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(value))
            if self.targets:
                show = menu.addAction("Show its object\tReturn")
                show.setEnabled(bool(self.targets[int(self.model.order[index.row()])]))
                show.triggered.connect(lambda: self._want(index.row()))
        menu.addSeparator()
        menu.addAction("Select all").triggered.connect(self.view.selectAll)
        menu.addAction("Clear selection\tEsc").triggered.connect(self.view.clearSelection)
        menu.addSeparator()
        self._fill_export(menu)
        menu.popup(self.view.viewport().mapToGlobal(at))


__all__ = ["TableModel", "TableView", "cell_words"]
