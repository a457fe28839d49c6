"""The cases of a batch as a table that sorts and filters; thousands of rows change without a stutter."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.theme import color, current_theme
from app.window.tasks import in_words
from core.batch import DONE, FAILED, RUNNING, WAITING, Case, Status
from core.batch._cases import natural
from core.errors import printable

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("Case", "State", "Time", "Reason")
ORDER = {FAILED: 0, RUNNING: 1, WAITING: 2, DONE: 3}
"""What sorting by state puts first: what wants attention."""
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


@dataclass
class Row:
    """One case."""

    case: Case
    status: Status
    place: int
    natural: Any


def rows_of(cases: Iterable[Case], status: Mapping[str, Status]) -> dict[str, Row]:
    """The rows of a table of cases, by name and in order."""
    return {c.name: Row(c, status.get(c.name, Status()), n, natural(c.name)) for n, c in enumerate(cases)}


class CasesModel(QAbstractTableModel):
    """Rows in an order and with a filter; `counts` how many cases are in each state."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, Row] = {}
        self.shown: list[Row] = []
        self.counts: collections.Counter[str] = collections.Counter()
        self._words = ""
        self._state = ""
        self._sorted: tuple[int, Qt.SortOrder] = (-1, Qt.SortOrder.AscendingOrder)

    # -- what is in it ---------------------------------------------------------------------------------------

    def set_rows(self, rows: dict[str, Row]) -> None:
        """Other cases altogether, see `rows_of`."""
        self._rows = rows
        self._count()
        self.beginResetModel()
        self.shown = self._arranged()
        self.endResetModel()

    def update(self, changed: dict[str, Status]) -> None:
        """New states of some cases."""
        for name, status in changed.items():
            if name in self._rows:
                self._rows[name].status = status
        self._count()
        arranged = self._arranged()
        if len(arranged) != len(self.shown) or any(
            a is not b for a, b in zip(arranged, self.shown, strict=True)
        ):
            self._lay(arranged)
        elif self.shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.shown) - 1, len(COLUMNS) - 1))

    def tick(self) -> None:
        """The time that running cases have taken so far moves on."""
        if self.counts[RUNNING] and self.shown:
            self.dataChanged.emit(self.index(0, 2), self.index(len(self.shown) - 1, 2))

    def _count(self) -> None:
        self.counts = collections.Counter(r.status.state for r in self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    # -- order and filter ------------------------------------------------------------------------------------

    def set_filter(self, words: str, state: str) -> None:
        """Only rows with all of these words, and in this state unless it is ""."""
        self._words, self._state = words.lower().strip(), state
        self._lay(self._arranged())

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column; -1: as the command named them."""
        self._sorted = (column, order)
        self._lay(self._arranged())

    def _arranged(self) -> list[Row]:
        rows = [r for r in self._rows.values() if self._fits(r)]
        column, order = self._sorted
        if column >= 0:
            rows.sort(key=_KEYS[column], reverse=order is Qt.SortOrder.DescendingOrder)
        return rows

    def _fits(self, row: Row) -> bool:
        if self._state and row.status.state != self._state:
            return False
        if not self._words:
            return True
        text = f"{row.case.name} {row.status.state} {row.status.error}".lower()
        return all(word in text for word in self._words.split())

    def _lay(self, rows: list[Row]) -> None:
        """Rows in a new order; what is selected stays selected."""
        self.layoutAboutToBeChanged.emit()
        places = {id(row): n for n, row in enumerate(rows)}
        old = self.persistentIndexList()
        new = []
        for index in old:
            place = places.get(id(self.shown[index.row()]), -1)
            new.append(self.createIndex(place, index.column()) if place >= 0 else QModelIndex())
        self.shown = rows
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    # -- what Qt asks ----------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if section == 2 else LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.shown):
            return None
        row, column = self.shown[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return words(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if column == 2 else LEFT
        if role == Qt.ItemDataRole.ForegroundRole and (column == 1 or row.status.state == WAITING):
            theme = current_theme()
            tones = {DONE: theme.good, FAILED: theme.bad, RUNNING: theme.accent}
            return color(tones.get(row.status.state, theme.muted))
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(row, column)
        return None


def words(row: Row, column: int) -> str:
    """A cell to read."""
    status = row.status
    if column == 0:
        return printable(row.case.name)
    if column == 1:
        return status.state
    if column == 2:
        if status.state == RUNNING:
            spent = time.time() - status.time
            return in_words(spent) if spent >= 1 else ""
        if status.seconds is None or status.state == WAITING:
            return ""
        return f"{status.seconds:.1f} s" if status.seconds < 90 else in_words(status.seconds)
    if status.error:
        return printable(status.error)
    remarks = status.warnings
    return f"{remarks} remark{'s' * (remarks != 1)}" if status.state == DONE and remarks else ""


def tip(row: Row, column: int) -> str:
    """What does not fit into the cell."""
    if column == 3:
        return printable(row.status.error)
    names = [printable(Path(a).name if "/" in a else a) for a in row.case.inputs]
    own = [f"{n}: {v}" for n, v in row.case.parameters.items()]
    return "\n".join([*names, *own])


_KEYS: tuple[Callable[[Row], Any], ...] = (
    lambda r: r.natural,
    lambda r: (ORDER.get(r.status.state, 9), r.place),
    lambda r: (r.status.seconds if r.status.seconds is not None else -1.0, r.place),
    lambda r: (not r.status.error, r.status.error, r.place),
)
