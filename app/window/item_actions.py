"""The menus Edit and Data: what is done with the selected item, always by edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from app.window.kinds import is_spatial
from core.document import Document, Edit, SetDisplay, Several

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class ItemActions:
    """The menus Edit and Data: what is done with the selected item, always by edits."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._workbench = window.workbench

    def undo(self) -> None:
        self._workbench.undo()

    def redo(self) -> None:
        self._workbench.redo()

    def rename(self) -> None:
        self._window.docks["data"].show()
        self._window.data.edit_name()

    def close_item(self) -> None:
        if self._workbench.selected:
            self._workbench.document.remove(self._workbench.selected)

    def toggle_item(self) -> None:
        if self._workbench.selected:
            self._window.data.toggle(self._workbench.selected)

    def show_only(self) -> None:
        """Hide all other items, as one edit."""
        item = self._workbench.current
        document = self._workbench.document
        keep: set[str] = set()
        edits: list[Edit] = []
        above = item
        while above is not None:
            keep.add(above.id)
            above = document.get(above.parent) if above.parent else None
        for other in document:
            inside = item is not None and self._is_below(document, other.id, item.id)
            wanted = other.id in keep or inside
            if other.display.visible != wanted and (is_spatial(other) or wanted):
                edits.append(SetDisplay(other.id, other.display, replace(other.display, visible=wanted)))
        if edits:
            document.apply(Several(tuple(edits), "Show only this"))

    @staticmethod
    def _is_below(document: Document, id: str | None, ancestor: str) -> bool:
        while id is not None:
            if id == ancestor:
                return True
            item = document.get(id)
            id = item.parent if item else None
        return False

    def show_all(self) -> None:
        document = self._workbench.document
        edits = [
            SetDisplay(i.id, i.display, replace(i.display, visible=True))
            for i in document
            if not i.display.visible
        ]
        if edits:
            document.apply(Several(tuple(edits), "Show all"))

    def show_info(self) -> None:
        from app.window.properties import properties

        item = self._workbench.current
        if item is not None:
            properties(item, self._window).show()

    def why_no_path(self) -> str:
        """Why the current item has no path to copy, "" if it has."""
        item = self._workbench.current
        if item is None:
            return "select an item first"
        return "" if item.source else "it came from no file"

    def copy_path(self) -> None:
        item = self._workbench.current
        if item is not None and item.source is not None:
            QGuiApplication.clipboard().setText(item.source.path)
