"""What the display panel offers for markups: how they look, what they measure, and their points as numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QTableView,
    QWidget,
)

from app.forms.numbers import number_words, parse_number
from app.forms.widgets import NumberEdit, Readings, button, label, rule
from app.panels.display.fields import DisplayFields
from app.theme import Metrics
from core import markups
from core.data import Markup, MarkupKind
from core.document import Item

Index = QModelIndex | QPersistentModelIndex
MOST_DISTANCES = 6
"""Distances between neighbouring points that are listed."""
TIPS = {
    "Area": "Of the projection onto the plane that fits the curve best",
    "Flatness": "Root mean square distance of the curve from the plane that fits it best",
    "Length": "Of the line as it is drawn: along the spline where it is smooth",
    "Offset": "Distance of the plane from the origin, along its normal",
}
ROWS = 8
"""Rows of the table that show without scrolling."""


def build(fields: DisplayFields, item: Item) -> None:
    """Handles and labels, then figures and points."""
    fields.add_number("size", "Handle size", unit="px", minimum=1, maximum=60, step=1)
    pointed = item.data.kind in markups.POINTED  # type: ignore[union-attr]
    if pointed:
        fields.add_check("labels", "Labels")
    fields.add_check("measurements", "Measured")
    fields.add_check("locked", "Locked")
    if item.data.kind in (MarkupKind.CURVE, MarkupKind.CLOSED_CURVE):  # type: ignore[union-attr]
        _add_smooth(fields)
    fields.add_wide(rule())
    _add_figures(fields)
    if markups.direction(item.data, item.transform) is not None:  # type: ignore[arg-type]
        _add_angle(fields)
    if pointed:
        _add_points(fields, item)
    else:
        _add_centre(fields, item)


def _commit(fields: DisplayFields, markup: Markup, title: str, gesture: str = "") -> None:
    item = fields.item
    if item is not None:
        fields.workbench.document.set_data(item.id, markup, gesture, title)


def _add_smooth(fields: DisplayFields) -> None:
    box = QCheckBox()
    box.setToolTip("A spline through the points instead of straight lines between them")

    def toggle(on: bool) -> None:
        item = fields.item
        if item is not None and isinstance(item.data, Markup):
            _commit(fields, markups.changed(item.data, item.transform, smooth=on), "Smooth")

    def fill(item: Item) -> None:
        box.setChecked(bool(item.data.smooth))  # type: ignore[union-attr]

    box.clicked.connect(toggle)
    fields.fields["smooth"] = box
    fields.grid.add("Smooth", box)
    fields.fillers.append(fill)


def _add_figures(fields: DisplayFields) -> None:
    holder = QWidget()
    column = QHBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    shown: list[Readings] = []

    def fill(item: Item) -> None:
        for old in shown:
            column.removeWidget(old)
            old.hide()
            old.deleteLater()
        rows = Readings()
        for name, value in figures(item).items():
            rows.add(name, value, tip=TIPS.get(name, ""))
        shown[:] = [rows]
        column.addWidget(shown[0])

    fields.add_wide(holder)
    fields.fillers.append(fill)


def _add_angle(fields: DisplayFields) -> None:
    """The angle between this line or plane and another one that is open."""
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    box.setAccessibleName("Angle to another line or plane")
    words = label("", "small")
    words.setAlignment(Qt.AlignmentFlag.AlignRight)

    def others(item: Item) -> list[Item]:
        return [
            i
            for i in fields.workbench.document
            if i.id != item.id
            and isinstance(i.data, Markup)
            and markups.direction(i.data, i.transform) is not None
        ]

    def say(item: Item) -> None:
        other = fields.workbench.document.get(box.currentData() or "")
        text = ""
        if other is not None and isinstance(other.data, Markup):
            places = (item.transform, other.transform)
            text = f"{markups.angle_between(item.data, other.data, places):.2f}°"  # type: ignore[arg-type]
        words.setText(text)

    def fill(item: Item) -> None:
        chosen = box.currentData()
        box.clear()
        box.addItem("Nothing", "")
        for other in others(item):
            box.addItem(other.name, other.id)
        box.setCurrentIndex(max(0, box.findData(chosen)))
        box.setEnabled(box.count() > 1)
        say(item)

    def choose(_index: int) -> None:
        if fields.item is not None:
            say(fields.item)

    box.activated.connect(choose)
    fields.fields["angle_to"], fields.fields["angle_words"] = box, words
    fields.grid.add("Angle to", box)
    fields.add_wide(words)
    fields.fillers.append(fill)


def figures(item: Item) -> dict[str, str]:
    """What is measured of a markup, and of a mirror plane what was found, in words."""
    markup: Any = item.data
    found = markups.measure(markup, item.transform)
    out = {}
    for name, value in {**dict(markup.measurements), **found}.items():
        unit = markups.unit_of(name, markup.unit) if name in found else ""
        words = number_words(value)
        out[name.replace("_", " ").capitalize()] = (
            f"{words}{unit}" if unit == "°" else f"{words} {unit}".strip()
        )
    if markup.kind is MarkupKind.POINTS:
        places = markups.world_points(markup, item.transform)
        names = [text or str(k + 1) for k, text in enumerate(markup.labels or [""] * len(places))]
        for k, apart in enumerate(np.linalg.norm(np.diff(places, axis=0), axis=1)[:MOST_DISTANCES].tolist()):
            out[f"{names[k]} to {names[k + 1]}"] = f"{number_words(apart)} {markup.unit}".strip()
    if markup.kind is MarkupKind.PLANE:
        normal, offset = markups.plane_equation(markup, item.transform)
        out["Normal"] = " ".join(f"{c:.3f}".replace("-", "−") for c in normal)
        out["Offset"] = f"{number_words(offset)} {markup.unit}".strip()
    return out


def _add_centre(fields: DisplayFields, item: Item) -> None:
    """The centre of a plane or box as three numbers."""
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(Metrics.of(row.font()).px(4))
    edits = [NumberEdit() for _ in range(3)]
    for edit, axis in zip(edits, axis_names(item), strict=True):
        edit.setAccessibleName(f"Centre, {axis}")
        line.addWidget(edit)

    def commit() -> None:
        current = fields.item
        if current is None or not isinstance(current.data, Markup):
            return
        try:
            values = [edit.value() for edit in edits]
        except ValueError:
            return
        world = markups.world_points(current.data, current.transform)[0]
        wanted = np.array([float(v or 0) for v in values])
        same = np.array([f"{a:.7g}" == f"{_rounded(b):.7g}" for a, b in zip(wanted, world, strict=True)])
        if same.all():
            return
        wanted = np.where(same, world, wanted)  # what is shown is rounded
        by = np.linalg.solve(np.asarray(current.transform)[:3, :3], wanted - world)
        _commit(fields, markups.shifted(current.data, by, current.transform), "Move", "centre")

    def fill(current: Item) -> None:
        world = markups.world_points(current.data, current.transform)[0]  # type: ignore[arg-type]
        for edit, value in zip(edits, world, strict=True):
            if not edit.hasFocus():
                edit.set_value(_rounded(value))

    for edit in edits:
        edit.committed.connect(commit)
    fields.fields["centre"] = row
    fields.add_wide(label(f"Centre ({', '.join(axis_names(item))})", "muted"))
    fields.add_wide(row)
    fields.fillers.append(fill)


def _rounded(value: float) -> float:
    """Five digits, but hundredths of large coordinates too: what a narrow field shows whole."""
    size = math.floor(math.log10(abs(value))) if value else 0
    return round(float(value), min(max(4 - size, 2), 8))


def axis_names(item: Item) -> tuple[str, str, str]:
    """R, A, S where left and right are known."""
    return ("R", "A", "S") if getattr(item.data, "space", "") == "RAS" else ("x", "y", "z")


class PointsModel(QAbstractTableModel):
    """The control points of a markup: name and world coordinates, all of which can be changed."""

    def __init__(self, fields: DisplayFields, item: Item) -> None:
        super().__init__()
        self._fields, self._names = fields, ("Name", *axis_names(item))
        self._item = item

    def show_item(self, item: Item) -> None:
        """Other points."""
        if item.data is self._item.data and item.transform is self._item.transform:
            return
        same = len(item.data.points) == len(self._item.data.points)  # type: ignore[union-attr]
        if not same:
            self.beginResetModel()
        self._item = item
        if not same:
            self.endResetModel()
        elif self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, 3))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._item.data.points)  # type: ignore[union-attr]

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 4

    def flags(self, index: Index) -> Qt.ItemFlag:
        able = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        locked = bool(getattr(self._item.display, "locked", False))
        return able if locked else able | Qt.ItemFlag.ItemIsEditable

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if orientation is Qt.Orientation.Vertical:
            return str(section + 1)
        return self._names[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        markup: Any = self._item.data
        row, column = index.row(), index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            if column == 0:
                return markup.labels[row] if markup.labels else ""
            value = float(markups.world_points(markup, self._item.transform)[row, column - 1])
            if role == Qt.ItemDataRole.EditRole:
                return f"{value:.7g}"
            # One digit behind the point is enough for millimetres in a head, not for a mesh of size one.
            small = float(np.abs(markup.points).max()) < 10
            return f"{value:.{2 if small else 1}f}".replace("-", "−")
        if role == Qt.ItemDataRole.ToolTipRole and column:
            value = float(markups.world_points(markup, self._item.transform)[row, column - 1])
            return f"{self._names[column]} {value:.7g} {markup.unit}".replace("-", "−").strip()
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        markup: Any = self._item.data
        row, column = index.row(), index.column()
        if role != Qt.ItemDataRole.EditRole or not self.flags(index) & Qt.ItemFlag.ItemIsEditable:
            return False
        if column == 0:
            if str(value) != self.data(index):
                _commit(self._fields, markups.with_label(markup, row, str(value).strip()), "Rename point")
            return True
        try:
            number = float(parse_number(str(value)))
        except ValueError:
            return False
        if not np.isfinite(number):
            return False
        world = markups.world_points(markup, self._item.transform)[row]
        if f"{number:.7g}" == f"{world[column - 1]:.7g}":
            return True
        world = np.array(world)
        world[column - 1] = number
        matrix = np.asarray(self._item.transform)
        local = np.linalg.solve(matrix[:3, :3], world - matrix[:3, 3])
        _commit(self._fields, markups.with_point(markup, row, local, self._item.transform), "Move point")
        return True

    def text(self) -> str:
        """All of it, tab separated, for a spreadsheet."""
        points = markups.world_points(self._item.data, self._item.transform)  # type: ignore[arg-type]
        labels = self._item.data.labels or [""] * len(points)  # type: ignore[union-attr]
        rows = ["\t".join(str(self.headerData(c, Qt.Orientation.Horizontal)) for c in range(4))]
        rows += [
            "\t".join([name, *(repr(float(c)) for c in place)])
            for name, place in zip(labels, points, strict=True)
        ]
        return "\n".join(rows)


def _go(fields: DisplayFields, row: int) -> None:
    item = fields.item
    if item is not None and row >= 0:
        fields.workbench.point_wanted.emit(item.id, row)


def _add_points(fields: DisplayFields, item: Item) -> None:
    m = Metrics.of(fields.grid.font())
    model = PointsModel(fields, item)
    view = QTableView()
    model.setParent(view)
    view.setModel(model)
    view.setAccessibleName("Control points")
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(m.row)
    view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setTabKeyNavigation(False)
    view.setTextElideMode(Qt.TextElideMode.ElideNone)
    view.selectionModel().currentRowChanged.connect(lambda now, _before: _go(fields, now.row()))
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    fields.fields["points"] = view
    fields.add_wide(view)
    copy = button("Copy points", lambda: QGuiApplication.clipboard().setText(model.text()), "link")
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.addStretch(1)
    line.addWidget(copy)
    fields.add_wide(row)

    def fill(current: Item) -> None:
        model.show_item(current)
        rows = min(max(model.rowCount(), 1), ROWS)
        view.setFixedHeight(view.horizontalHeader().sizeHint().height() + rows * m.row + m.px(4))

    fields.fillers.append(fill)
