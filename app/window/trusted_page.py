"""The preferences' page of trusted models: which versions run without a question, and how to take that back."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QTreeWidget, QTreeWidgetItem, QWidget

from app.forms.tips import plain_tip
from app.forms.widgets import ColumnWidget, button, label
from app.theme import Metrics
from core.trust import TrustStore, Version

HASH = Qt.ItemDataRole.UserRole


class TrustedModels(ColumnWidget):
    """The list, with Forget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=12)
        self.store = TrustStore()
        self.column.addWidget(label("Trusted models", "heading"))
        self.none = label("None yet: a model of your own is asked about before it runs.", "muted", wrap=True)
        self.column.addWidget(self.none)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Trusted models")
        self.tree.setHeaderLabels(["Model", "Trusted", "Version", "From"])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.tree.itemSelectionChanged.connect(self._enable)
        m = Metrics.of(self.font())
        for section, width in ((0, 150), (1, 90), (2, 116)):
            self.tree.setColumnWidth(section, m.px(width))
        self.column.addWidget(self.tree, 1)
        row = QHBoxLayout()
        self.forget_button = button("Forget", self.forget, tip="Ask about the selected ones again")
        self.all_button = button("Forget all", self.forget_all)
        row.addWidget(self.forget_button)
        row.addWidget(self.all_button)
        row.addStretch(1)
        self.column.addLayout(row)
        self.refresh()

    def refresh(self) -> None:
        """What is kept by now."""
        self.tree.clear()
        for version in self.store.all():
            self.tree.addTopLevelItem(_row(version))
        empty = self.tree.topLevelItemCount() == 0
        self.tree.setVisible(not empty)
        self.none.setVisible(empty)
        for made in (self.forget_button, self.all_button):
            made.setVisible(not empty)
        self._enable()

    def forget(self) -> None:
        """Trust the selected ones no longer."""
        for row in self.tree.selectedItems():
            self.store.forget(str(row.data(0, HASH)))
        self.refresh()

    def forget_all(self) -> None:
        """Trust none of them any longer."""
        for version in self.store.all():
            self.store.forget(version.hash)
        self.refresh()

    def _enable(self) -> None:
        self.forget_button.setEnabled(bool(self.tree.selectedItems()))


def _row(version: Version) -> QTreeWidgetItem:
    row = QTreeWidgetItem([version.title, version.trusted[:10], version.hash[:12], version.place])
    row.setData(0, HASH, version.hash)
    with_ = version.python or "Equiscope's own Python"
    tip = f"{version.title}\n{version.place}\nin {with_}\nSHA-256 {version.hash}\n{len(version.files)} files"
    for section in range(4):
        row.setToolTip(section, plain_tip(tip))
    row.setData(0, Qt.ItemDataRole.AccessibleTextRole, ", ".join(row.text(n) for n in range(4)))
    return row
