"""Tools are asked first, in order; what they leave is the view's own."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtTest import QTest

from app.viewports.state import Resolved
from app.viewports.tools import Tool
from app.viewports.viewport import Viewport
from tests.app.viewports.conftest import head, make_item

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Recorder(Tool):
    """Takes left drags and the key T."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.painted = 0

    def press(self, view: Viewport, event: QMouseEvent) -> bool:
        self.seen.append("press")
        return event.button() == LEFT

    def move(self, view: Viewport, event: QMouseEvent) -> bool:
        self.seen.append("drag" if event.buttons() else "hover")
        return bool(event.buttons())

    def release(self, view: Viewport, event: QMouseEvent) -> None:
        self.seen.append("release")

    def key(self, view: Viewport, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_T

    def cancel(self, view: Viewport) -> None:
        self.seen.append("cancel")

    def paint(self, view: Viewport, painter: QPainter, state: Resolved) -> None:
        self.painted += 1


def test_a_tool_takes_left_drags_and_leaves_the_rest(grid: Any) -> None:
    grid.set_items((make_item(head()),))
    assert grid.wait(30)
    tool = Recorder()
    grid.add_tool(tool)
    view = grid.views["axial"]
    before = grid.cursor_position
    QTest.mousePress(view, LEFT, NONE, QPoint(60, 60))
    QTest.mouseMove(view, QPoint(80, 70))
    assert grid.cursor_position == before
    QTest.mouseRelease(view, LEFT, NONE, QPoint(80, 70))
    assert tool.seen[0] == "press" and tool.seen[-1] == "release"
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert grid.cursor_position != before  # the arrows step although a tool is active
    assert grid.wait(30)
    assert tool.painted > 0


def test_escape_cancels_the_drag_that_a_tool_took(grid: Any) -> None:
    grid.set_items((make_item(head()),))
    assert grid.wait(30)
    tool = Recorder()
    grid.add_tool(tool)
    view = grid.views["axial"]
    view.setFocus()
    QTest.mousePress(view, LEFT, NONE, QPoint(60, 60))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, LEFT, NONE, QPoint(60, 60))
    assert tool.seen[-1] == "cancel"


def test_a_tool_that_is_removed_gets_nothing_more(grid: Any) -> None:
    grid.set_items((make_item(head()),))
    assert grid.wait(30)
    tool = Recorder()
    grid.add_tool(tool)
    grid.remove_tool(tool)
    before = grid.cursor_position
    QTest.mouseClick(grid.views["axial"], LEFT, NONE, QPoint(60, 60))
    assert not tool.seen
    assert grid.cursor_position != before
