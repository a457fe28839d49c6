"""The sheet "Keys and mouse": what every key and gesture does, from the commands and the table of `keys`."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget

from app.theme import Metrics
from app.window.commands import Commands
from app.window.dialogs import Dialog
from app.window.keys import key_rows
from app.window.shortcuts import Shortcuts, native
from app.window.trees import group_row, show_only


class KeysSheet(Dialog):
    """Keys and gestures by part, with a search."""

    def __init__(
        self, commands: Commands, shortcuts: Shortcuts, edit: Callable[[], object], parent: QWidget
    ) -> None:
        super().__init__("Keys and mouse", parent, 780, 640)
        m = Metrics.of(self.font())
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search keys and mouse")
        self.search.setAccessibleName("Search keys and mouse")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.column.addWidget(self.search)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Keys and mouse")
        self.tree.setHeaderLabels(["What", "Keys or mouse"])
        self.tree.setMinimumHeight(m.px(160))
        self._groups: dict[str, QTreeWidgetItem] = {}
        for row in key_rows():
            self._add(row.where, row.does, row.press)
        for id in shortcuts.listed():
            keys = shortcuts.keys(id)
            if keys:
                action = commands[id]
                words = ", ".join(map(native, keys))
                self._add(f"Commands: {Commands.group(action)}", Commands.title(action), words)
        self.tree.expandAll()
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.setCurrentItem(next(iter(self._groups.values())))
        self.column.addWidget(self.tree, 1)
        self.finish(("Change shortcuts…", edit))
        self.search.setFocus()

    def _add(self, group: str, what: str, press: str) -> None:
        above = self._groups.get(group)
        if above is None:
            above = self._groups[group] = group_row(self.tree, group)
        row = QTreeWidgetItem([what, press])
        row.setToolTip(0, what)
        row.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{what}: {press}")
        above.addChild(row)

    def _filter(self, text: str) -> None:
        words = text.lower().split()

        def fits(group: QTreeWidgetItem, row: QTreeWidgetItem) -> bool:
            whole = f"{group.text(0)} {row.text(0)} {row.text(1)}".lower()
            return all(w in whole or w in whole.replace(" ", "") for w in words)

        show_only(self.tree, fits)
