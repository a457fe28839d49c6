"""Tables that sort, filter, copy and export."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.forms.numbers import number_words
from app.forms.widgets import label
from app.theme import Metrics
from app.window.kinds import count, counted
from core.data import Table

Index = QModelIndex | QPersistentModelIndex


class TableModel(QAbstractTableModel):
    """A `core.data.Table` in an order and with a filter; the table itself stays as it is."""

    def __init__(self, table: Table, parent: QWidget | None = None, *, digits: int = 6) -> None:
        super().__init__(parent)
        self.table = table
        self.digits = digits
        self._names = list(table.columns)
        self._columns = list(table.columns.values())
        self._rows = np.arange(len(self._columns[0]) if self._columns else 0)
        self._order = self._rows
        self._filter = ""
        self._sorted: tuple[int, Qt.SortOrder] | None = None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._names)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        value = self._columns[index.column()][self._order[index.row()]]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_words(value, self.digits)
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(value)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            number = self._columns[index.column()].dtype.kind in "iufcb"
            side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            if orientation is Qt.Orientation.Vertical:
                return str(int(self._order[section]) + 1)
            name = self._names[section]
            unit = self.table.units.get(name, "")
            return f"{name} [{unit}]" if unit else name
        if role == Qt.ItemDataRole.TextAlignmentRole and orientation is Qt.Orientation.Horizontal:
            number = self._columns[section].dtype.kind in "iufcb"
            side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Stable; -1 restores the table's own order. What is not a number comes last either way."""
        self._sorted = (column, order) if 0 <= column < len(self._names) else None
        self._arrange()

    def set_filter(self, text: str) -> None:
        """Show the rows one of whose cells holds `text`, without regard to case."""
        self._filter = text.strip().lower()
        self._arrange()

    def _arrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        rows = self._rows
        if self._filter:
            hit = np.zeros(len(rows), dtype=bool)
            for values in self._columns:
                texts = np.char.lower(np.asarray(values).astype(str))
                hit |= np.char.find(texts, self._filter) >= 0
            rows = rows[hit]
        if self._sorted is not None:
            column, order = self._sorted
            values = np.asarray(self._columns[column])[rows]
            values = values.real if values.dtype.kind == "c" else values
            places = np.argsort(values, kind="stable")
            if values.dtype.kind == "f":
                known = int(np.isfinite(values).sum() + np.isinf(values).sum())
                places, rest = places[:known], places[known:]
            else:
                rest = places[:0]
            if order is Qt.SortOrder.DescendingOrder:
                places = places[::-1]
            rows = rows[np.concatenate([places, rest])]
        self._order = rows
        self.layoutChanged.emit()

    def text_of(self, rows: list[int], columns: list[int]) -> str:
        """Cells as tab-separated text with a header, at full precision: what a spreadsheet takes."""
        lines = ["\t".join(self._names[c] for c in columns)]
        lines += ["\t".join(str(self._columns[c][self._order[r]]) for c in columns) for r in rows]
        return "\n".join(lines)


def cell_words(value: Any, digits: int = 6) -> str:
    """A cell to read."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return number_words(int(value))
    if isinstance(value, (float, np.floating)):
        return number_words(float(value), digits)
    return str(value)


class TableView(QWidget):
    """A table with a filter above it. `compact` leaves the filter out, for the results panel."""

    def __init__(self, table: Table, *, compact: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        m = Metrics.of(self.font())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.model = TableModel(table, self, digits=4 if compact else 6)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter rows")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter rows")
        self.filter.textChanged.connect(self._on_filter)
        self.note = label("", "small")
        if not compact:
            bar = QHBoxLayout()
            bar.setContentsMargins(m.px(12), m.px(8), m.px(12), m.px(8))
            bar.setSpacing(m.px(12))
            self.filter.setMaximumWidth(m.px(280))
            bar.addWidget(self.filter)
            bar.addWidget(self.note)
            bar.addStretch(1)
            column.addLayout(bar)
        self.view = QTableView()
        self.view.setAccessibleName("Table")
        self.view.setModel(self.model)
        self.view.setSortingEnabled(True)
        self.view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.verticalHeader().setDefaultSectionSize(m.px(24) if compact else m.row)
        self.view.verticalHeader().setVisible(not compact)
        header = self.view.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(compact)
        header.setSectionResizeMode(
            QHeaderView.ResizeMode.Stretch
            if compact and self.model.columnCount() <= 4
            else QHeaderView.ResizeMode.Interactive
        )
        self.view.resizeColumnsToContents()
        for section in range(self.model.columnCount()):
            self.view.setColumnWidth(section, min(self.view.columnWidth(section) + m.px(12), m.px(320)))
        column.addWidget(self.view)
        copy = QAction("Copy rows", self.view)
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        copy.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        copy.triggered.connect(self.copy)
        self.view.addAction(copy)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        if compact:
            rows = min(self.model.rowCount(), 8)
            height = header.sizeHint().height() + rows * m.px(24) + m.px(14)
            self.view.setFixedHeight(height)
        self._say()

    def copy(self) -> None:
        """Put the selected rows (all, if none is selected) on the clipboard."""
        rows = sorted({i.row() for i in self.view.selectionModel().selectedRows()})
        rows = rows or list(range(self.model.rowCount()))
        columns = list(range(self.model.columnCount()))
        QGuiApplication.clipboard().setText(self.model.text_of(rows, columns))

    def _on_filter(self, text: str) -> None:
        self.model.set_filter(text)
        self._say()

    def _say(self) -> None:
        shown, all_rows = self.model.rowCount(), len(self.model._rows)
        words = f"{counted(all_rows, 'row')}, {counted(self.model.columnCount(), 'column')}"
        self.note.setText(words if shown == all_rows else f"{count(shown)} of {words}")
