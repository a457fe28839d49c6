"""The list of what a batch is to run on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from core.errors import printable

LIST = Qt.ItemDataRole.UserRole


class Inputs(QListWidget):
    """What is to be run on: paths, patterns and lists. Delete takes rows out."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self.setAccessibleName("Inputs of the batch")
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUniformItemSizes(True)
        self._changed = changed
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.add(url.toLocalFile())
        event.acceptProposedAction()

    def add(self, text: str, *, is_list: bool = False) -> None:
        """Append an input unless it is there already."""
        if not text or text in (self.lists() if is_list else self.paths()):
            return
        row = QListWidgetItem(f"List: {printable(text)}" if is_list else printable(text))
        row.setData(LIST, (text, is_list))
        row.setToolTip(printable(text))
        self.addItem(row)
        self._changed()

    def paths(self) -> list[str]:
        """Files, folders, patterns."""
        return [text for text, is_list in self._all() if not is_list]

    def lists(self) -> list[str]:
        """Files that list cases."""
        return [text for text, is_list in self._all() if is_list]

    def _all(self) -> list[tuple[str, bool]]:
        return [tuple(self.item(n).data(LIST)) for n in range(self.count())]

    def remove_selected(self) -> None:
        """Take the selected rows out."""
        for row in self.selectedItems():
            self.takeItem(self.row(row))
        self._changed()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_selected()
            event.accept()
        else:
            super().keyPressEvent(event)
