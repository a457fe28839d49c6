"""A grid on a document with the markup tools in it, and hands that press, move and release at exact positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.viewports.markup_tools import PLACINGS, EditTool, PlaceTool, Snapping
from app.viewports.markup_tools.shapes import on_screen
from app.viewports.state import SceneItem
from core.data import Markup
from core.display import default_display
from core.document import Document, Item, new_id

LEFT, RIGHT, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
PLAIN, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


class Host:
    """What the window does for the tools, on a document of its own."""

    def __init__(self, grid: Any) -> None:
        self.grid, self.document = grid, Document()
        self.snapping = Snapping(False, False)
        self.selected: str | None = None
        self.words: list[str] = []
        self.tool: PlaceTool | None = None
        self.document.changed.connect(self._feed)
        self.edit = EditTool(self)
        grid.add_tool(self.edit)

    def _feed(self, _change: Any = None) -> None:
        self.grid.set_items(
            tuple(SceneItem(i.id, i.name, i.data, i.transform, i.display) for i in self.document)
        )

    def open(self, data: Any, transform: Any = None, **hints: Any) -> str:
        matrix = np.eye(4) if transform is None else np.asarray(transform, dtype=float)
        item = Item(new_id(), "thing", data, transform=matrix, display=default_display(data, hints))
        self.document.add(item)
        if isinstance(data, Markup):
            self.selected = item.id
        return item.id

    def place(self, name: str, **how: Any) -> PlaceTool:
        self.tool = PlaceTool(self, PLACINGS[name], **how)
        self.grid.add_tool(self.tool, first=True)
        return self.tool

    def markup(self, id: str | None = None) -> Markup:
        found = self.document[id or self.selected or ""].data
        assert isinstance(found, Markup)
        return found

    # -- MarkupHost -----------------------------------------------------------------------------------------------

    def item(self, id: str) -> SceneItem | None:
        i = self.document.get(id)
        return None if i is None else SceneItem(i.id, i.name, i.data, i.transform, i.display)

    def select(self, id: str) -> None:
        self.selected = id

    def preview(self, id: str, markup: Markup | None, view: Any = None) -> None:
        self.grid.set_preview(id, markup, view)

    def commit(self, id: str, before: Markup, markup: Markup, title: str, gesture: str = "") -> bool:
        item = self.document.get(id)
        if item is None or item.data is not before:
            return False
        self.document.set_data(id, markup, gesture, title)
        return True

    def add(self, markup: Markup, name: str) -> str:
        item = Item(new_id(), name, markup, display=default_display(markup))
        self.document.add(item)
        self.selected = item.id
        return item.id

    def remove(self, id: str) -> None:
        self.document.remove(id)

    def finished(self) -> None:
        tool, self.tool = self.tool, None
        if tool is not None:
            self.grid.remove_tool(tool)

    def say(self, text: str) -> None:
        self.words.append(text)


def at(view: Any, point: Any) -> QPointF:
    """Where a world point is in the picture that a view shows."""
    state = view.frame.state if view.frame is not None else view.resolved()
    x, y, _ = on_screen(state, np.asarray(point, dtype=float))[0].tolist()
    return QPointF(x, y)


def send(view: Any, kind: QEvent.Type, place: QPointF, button: Any, buttons: Any, keys: Any = PLAIN) -> None:
    event = QMouseEvent(kind, place, view.mapToGlobal(place), button, buttons, keys)
    QApplication.sendEvent(view, event)


def press(view: Any, place: QPointF, keys: Any = PLAIN, button: Any = LEFT) -> None:
    send(view, QEvent.Type.MouseButtonPress, place, button, button, keys)


def move(view: Any, place: QPointF, keys: Any = PLAIN, buttons: Any = LEFT) -> None:
    send(view, QEvent.Type.MouseMove, place, NO_BUTTON, buttons, keys)


def release(view: Any, place: QPointF, keys: Any = PLAIN, button: Any = LEFT) -> None:
    send(view, QEvent.Type.MouseButtonRelease, place, button, NO_BUTTON, keys)


def click(view: Any, place: QPointF, keys: Any = PLAIN, button: Any = LEFT) -> None:
    press(view, place, keys, button)
    release(view, place, keys, button)


def drag(view: Any, start: QPointF, end: QPointF, keys: Any = PLAIN, steps: int = 4) -> None:
    press(view, start, keys)
    for k in range(1, steps + 1):
        move(view, start + (end - start) * (k / steps), keys)
    release(view, end, keys)
