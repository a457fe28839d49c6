"""A table in an order and with a filter, for Qt; the table itself stays as it is."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.forms.numbers import number_words
from app.forms.tips import plain_tip
from app.plots.rows import Rows
from app.plots.table_filter import FilterError, mask
from core.data import Table

Index = QModelIndex | QPersistentModelIndex
MANY = 50_000
"""Rows from which on sorting and filtering happen on a thread of their own."""
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


class TableModel(QAbstractTableModel):
    """A `core.data.Table`.

    Signals
    -------
    arranged(reason)
        after sorting and filtering; the reason is why the filter does not do, "" if it does.
    """

    arranged = Signal(str)
    _ordered = Signal(int, object, str)

    def __init__(self, table: Table, parent: QObject | None = None, *, digits: int = 6) -> None:
        super().__init__(parent)
        self._round = 0
        self._filter = ""
        self._sorted: tuple[int, Qt.SortOrder] | None = None
        self._ordered.connect(self._take)
        self.digits = digits
        self._set(table)

    def _set(self, table: Table) -> None:
        self.table = table
        self.names = list(table.columns)
        self.columns = list(table.columns.values())
        self.total = len(self.columns[0]) if self.columns else 0
        self.order = np.arange(self.total)
        self._decimals: dict[int, int | None] = {}

    def set_table(self, table: Table) -> None:
        """Another table (a preview that grew); order and filter stay where the columns do."""
        if list(table.columns) == self.names:
            self.beginResetModel()
            self._set(table)
            self.endResetModel()
            if self._filter or self._sorted is not None:
                self._arrange()
        else:
            self.beginResetModel()
            self._set(table)
            self._sorted = None
            self.endResetModel()

    def set_digits(self, digits: int) -> None:
        """Significant digits of numbers; 17: all there are."""
        self.digits = digits
        self._decimals = {}
        if self.rowCount() and self.columnCount():
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    # -- what Qt asks ----------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.names)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.words(index.row(), index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(str(self.columns[index.column()][self.order[index.row()]])[:2000])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self.is_number(index.column()) else LEFT
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        across = orientation is Qt.Orientation.Horizontal
        if role == Qt.ItemDataRole.DisplayRole:
            return self.title(section) if across else str(int(self.order[section]) + 1)
        if role == Qt.ItemDataRole.ToolTipRole and across:
            return plain_tip(self.title(section))
        if role == Qt.ItemDataRole.TextAlignmentRole and across:
            return RIGHT if self.is_number(section) else LEFT
        return None

    def title(self, column: int) -> str:
        """Name and unit of a column."""
        name = self.names[column]
        unit = self.table.units.get(name, "")
        return f"{name} [{unit}]" if unit else name

    def is_number(self, column: int) -> bool:
        """Whether a column holds numbers (or yes and no)."""
        return self.columns[column].dtype.kind in "iufcb"

    def words(self, row: int, column: int) -> str:
        """A cell to read."""
        value = self.columns[column][self.order[row]]
        if self.columns[column].dtype.kind == "f" and self.digits < 17:
            if value == 0:
                return "0"
            places = self._places(column)
            if places is not None and math.isfinite(value):
                return f"{value:.{places}f}".replace("-", "\u2212")
        return cell_words(value, self.digits)

    def _places(self, column: int) -> int | None:
        """Decimals that a column's numbers share, so that they stand below each other; None: too far apart."""
        if column not in self._decimals:
            sample = self.columns[column][:: max(1, self.total // 5000)]
            sizes = np.abs(sample[np.isfinite(sample)])
            sizes = sizes[sizes > 0]
            places: int | None = None
            if len(sizes) and float(sizes.max()) < 1e5 and float(sizes.max()) / float(sizes.min()) < 1e4:
                if np.all(sizes == np.round(sizes)):
                    places = 0
                else:
                    places = max(0, self.digits - 1 - math.floor(math.log10(float(sizes.max()))))
                    places = places if places <= 8 else None
            self._decimals[column] = places
        return self._decimals[column]

    # -- order and filter ------------------------------------------------------------------------------------

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Stable; -1 restores the table's own order. What is not a number comes last either way."""
        self._sorted = (column, order) if 0 <= column < len(self.names) else None
        self._arrange()

    def set_filter(self, text: str) -> None:
        """Show the rows that `table_filter.mask` leaves."""
        self._filter = text.strip()
        self._arrange()

    @property
    def busy(self) -> bool:
        """Whether rows are being sorted or filtered on the thread."""
        return self._waiting

    _waiting = False

    def _arrange(self) -> None:
        self._round += 1
        work = (self._round, self.table, self._filter, self._sorted)
        if self.total < MANY:
            self._take(self._round, *self._order_of(*work[1:]))
            return
        self._waiting = True
        threading.Thread(target=self._work, args=work, daemon=True, name="table-order").start()

    def _work(self, round: int, table: Table, text: str, order: Any) -> None:
        found = self._order_of(table, text, order, lambda: round != self._round)
        if found[0] is not None:
            with contextlib.suppress(RuntimeError):  # the view has gone
                self._ordered.emit(round, *found)

    @staticmethod
    def _order_of(table: Table, text: str, order: Any, stopped: Any = lambda: False) -> tuple[Any, str]:
        """The rows to show, and why the filter does not do."""
        columns = dict(table.columns)
        rows = np.arange(len(next(iter(columns.values()), ())))
        reason = ""
        if text:
            try:
                kept = mask(text, columns, stopped)
            except FilterError as error:
                reason = str(error)
            else:
                if kept is None:
                    return None, ""
                rows = rows[kept]
        if order is not None and not stopped():
            rows = rows[_sorted_places(list(columns.values())[order[0]][rows], order[1])]
        return rows, reason

    def _take(self, round: int, rows: Any, reason: str) -> None:
        if round != self._round:
            return
        self._waiting = False
        self.layoutAboutToBeChanged.emit()
        self.order = rows
        self.layoutChanged.emit()
        self.arranged.emit(reason)

    # -- as text ---------------------------------------------------------------------------------------------

    def text_of(self, rows: Sequence[int] | Rows, columns: Sequence[int]) -> str:
        """Cells as tab-separated text with a header, at full precision: what a spreadsheet takes."""
        lines = ["\t".join(self.names[c] for c in columns)]
        places = self.order[np.asarray(rows, dtype=np.int64)]
        cells = [[str(v) for v in self.columns[c][places].tolist()] for c in columns]
        lines += ["\t".join(row) for row in zip(*cells, strict=True)]
        return "\n".join(lines)

    def part(self, columns: list[int]) -> Table:
        """What is shown, in its order, as a table."""
        names = [self.names[c] for c in columns]
        units = {n: u for n, u in self.table.units.items() if n in names}
        return Table({self.names[c]: self.columns[c][self.order] for c in columns}, units)


def _sorted_places(values: Any, order: Qt.SortOrder) -> Any:
    values = values.real if values.dtype.kind == "c" else values
    places = np.argsort(values, kind="stable")
    rest = places[:0]
    if values.dtype.kind == "f":
        known = len(values) - int(np.isnan(values).sum())
        places, rest = places[:known], places[known:]
    if order is Qt.SortOrder.DescendingOrder:
        places = places[::-1]
    return np.concatenate([places, rest])


def cell_words(value: Any, digits: int = 6) -> str:
    """A cell to read."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return number_words(int(value))
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return "NaN"
        return repr(float(value)) if digits >= 17 else number_words(float(value), digits)
    return str(value)
