"""Which objects to compare: two to four of what is open."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QListWidget, QListWidgetItem, QWidget

from app.forms.tips import plain_tip
from app.forms.widgets import FieldGrid, button, label
from app.theme import Metrics
from app.window.comparing import MOST
from app.window.dialogs import Dialog
from app.window.icons import icon
from app.window.kinds import KIND_WORDS, kind_of_item, told_apart
from core.document import Item

WHAT = {
    "auto": "What suits them",
    "axial": "Axial",
    "coronal": "Coronal",
    "sagittal": "Sagittal",
    "slices": "Three slices",
    "3d": "3-D",
    "all": "Three slices and 3-D",
}
ID = Qt.ItemDataRole.UserRole


class CompareDialog(Dialog):
    """A list with a box to tick for each object."""

    chosen = Signal(list, str)
    """Ids in the order of the list, and what to show of them."""

    def __init__(self, items: Sequence[Item], ticked: Sequence[str], parent: QWidget) -> None:
        super().__init__("Compare", parent, 440)
        m = Metrics.of(self.font())
        self.column.addWidget(
            label("Choose two to four. They are shown beside each other, with linked views.", wrap=True)
        )
        self.list = QListWidget()
        self.list.setAccessibleName("Objects to compare")
        self.list.setUniformItemSizes(True)
        names = told_apart(items)
        for item in items:
            row = QListWidgetItem(icon(kind_of_item(item)), names[item.id])
            row.setData(ID, item.id)
            row.setToolTip(
                plain_tip(f"{item.name} · {KIND_WORDS.get(kind_of_item(item), kind_of_item(item))}")
            )
            row.setFlags(
                Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable
            )
            row.setCheckState(Qt.CheckState.Checked if item.id in ticked else Qt.CheckState.Unchecked)
            self.list.addItem(row)
        self.list.setCurrentRow(0)
        self.list.setMinimumHeight(min(len(items), 10) * m.row + m.px(8))
        self.column.addWidget(self.list, 1)
        self.what = QComboBox()
        for value, words in WHAT.items():
            self.what.addItem(words, value)
        fields = FieldGrid()
        fields.add("Show", self.what)
        self.column.addWidget(fields)
        self.reason = label("", "small", wrap=True)
        self.column.addWidget(self.reason)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(button("Cancel", self.reject))
        self.accept_button = button("Compare", self._accept, "primary")
        self.accept_button.setDefault(True)
        buttons.addWidget(self.accept_button)
        self.column.addLayout(buttons)
        self.resize(m.px(440), self.sizeHint().height())
        self.list.itemChanged.connect(lambda _row: self._check())
        self._check()
        self.list.setFocus()

    def ticked(self) -> list[str]:
        """The ids of the ticked rows, from top to bottom."""
        rows = (self.list.item(n) for n in range(self.list.count()))
        return [r.data(ID) for r in rows if r.checkState() is Qt.CheckState.Checked]

    def _check(self) -> None:
        number = len(self.ticked())
        fits = 2 <= number <= MOST
        self.accept_button.setEnabled(fits)
        self.reason.setText("" if fits else f"{number} chosen; two to four can be compared")

    def _accept(self) -> None:
        ids = self.ticked()
        if 2 <= len(ids) <= MOST:
            what = self.what.currentData()
            self.accept()
            self.chosen.emit(ids, what)
