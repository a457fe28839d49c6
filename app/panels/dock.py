"""What every dock has: a header with a name and a note, and a body."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QVBoxLayout, QWidget

from app.forms.widgets import Header
from app.theme import Metrics


class Panel(QWidget):
    """The contents of a dock; `header` becomes the dock's title bar."""

    name = ""
    title = ""
    least_width = 228
    """Least width at a 13 px font."""
    first: QWidget | None = None
    """What gets the keyboard when the panel is called up; None = the first that Tab reaches."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(Metrics.of(self.font()).px(self.least_width))
        self.header = Header(self.title)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.setAccessibleName(self.title)


def make_dock(panel: Panel, parent: QWidget) -> QDockWidget:
    """A dock around a panel; it can be moved, floated by dragging its header, and hidden from the menu."""
    dock = QDockWidget(panel.title, parent)
    dock.setObjectName(f"dock-{panel.name}")
    dock.setTitleBarWidget(panel.header)
    dock.setWidget(panel)
    dock.setFeatures(
        QDockWidget.DockWidgetFeature.DockWidgetMovable
        | QDockWidget.DockWidgetFeature.DockWidgetClosable
        | QDockWidget.DockWidgetFeature.DockWidgetFloatable
    )
    dock.setAllowedAreas(Qt.DockWidgetArea.AllDockWidgetAreas)
    return dock
