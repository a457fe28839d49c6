"""What a result's plots, tables and objects know of each other: shared rows, and where a click leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from app.plots.rows import RowSelection
from core.document import Document, Item
from core.results import Histogram, ResultTable
from core.targets import Target, parse


class Links(QObject):
    """The selections of rows of a session: one for each table of each result, made on first use."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._selections: dict[tuple[str, str], RowSelection] = {}

    def of(self, item: Item) -> RowSelection | None:
        """The rows that a plot or table shows; None for one that shares no rows with anything."""
        name = item.data.name if isinstance(item.data, ResultTable) else getattr(item.data, "table", "")
        return self._get(item.parent or item.id, name) if name else None

    def _get(self, group: str, table: str) -> RowSelection:
        key = (group, table)
        if key not in self._selections:
            self._selections[key] = RowSelection(self)
        return self._selections[key]

    def forget(self) -> None:
        """Another session: its items have other rows."""
        for selection in self._selections.values():
            selection.deleteLater()
        self._selections = {}


def counted_values(document: Document, item: Item) -> np.ndarray[Any, Any] | None:
    """Of the rows of the table that a histogram counted: the values; None if that table is not there."""
    data = item.data
    if not isinstance(data, Histogram) or not data.table or item.parent is None:
        return None
    for sibling in document.children(item.parent):
        if isinstance(sibling.data, ResultTable) and sibling.data.name == data.table:
            column = sibling.data.table.columns.get(data.column)
            return None if column is None or column.dtype.kind not in "iufb" else column.astype(float)
    return None


@dataclass(frozen=True)
class Found:
    """Where a target leads: an item, and what in it."""

    item: Item
    tensor: str = ""
    place: tuple[float, float, float] | None = None
    """In the world; None: wherever the item is."""


def find_target(document: Document, of: Item, text: str) -> Found | None:
    """The object that a point of a plot, or a row of a table, stands for; None if it is not open any more.

    `of` is the plot's or the table's item. Its group says which layers came from the run and what the inputs were.
    """
    target = parse(text)
    group = document.get(of.parent) if of.parent else None
    if target is None or group is None:
        return None
    if target.layer:
        known = dict(group.metadata.get("layers", {})).get(target.layer)
        item = document.get(known) if known else None
        named = next((i for i in document.children(group.id) if i.name == target.layer), None)
        item = item or named
        return Found(item) if item is not None else None
    ids = list(group.metadata.get("inputs", ()))
    number = max(0, target.input)
    item = document.get(ids[number]) if number < len(ids) else None
    return None if item is None else Found(item, target.tensor, _place(item, target))


def _place(item: Item, target: Target) -> tuple[float, float, float] | None:
    here: Any = target.place
    if target.point >= 0:
        points: Any = getattr(item.data, "points", getattr(item.data, "positions", None))
        if points is not None and points.ndim == 3:  # a trajectory: where it begins
            points = points[0]
        if points is None or target.point >= len(points):
            return None
        here = points[target.point]
    if here is None:
        return None
    x, y, z = (item.transform @ np.append(np.asarray(here, dtype=float)[:3], 1.0))[:3].tolist()
    return (x, y, z)
