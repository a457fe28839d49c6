"""Which rows of a table are selected, shared by all plots and tables that show them."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

Rows = np.ndarray[Any, np.dtype[np.int64]]
NONE: Rows = np.zeros(0, dtype=np.int64)


class RowSelection(QObject):
    """Sorted row numbers. `changed` carries who changed it, so that a view need not answer itself."""

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Rows = NONE

    def set(self, rows: Any, by: object = None) -> None:
        """Select these rows and no others; negative ones stand for "no row" and are dropped."""
        wanted = np.unique(np.asarray(rows, dtype=np.int64).reshape(-1))
        wanted = wanted[wanted >= 0]
        if not np.array_equal(wanted, self.rows):
            self.rows = wanted
            self.changed.emit(by)

    def toggle(self, row: int, by: object = None) -> None:
        """Add a row, or take it away if it is there."""
        have = self.rows
        self.set(have[have != row] if row in have else np.append(have, row), by)

    def clear(self, by: object = None) -> None:
        """Select nothing."""
        self.set(NONE, by)

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return True  # an empty selection is still one to share
