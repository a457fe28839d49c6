"""The command search: type a few letters, press Return."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.forms.widgets import elided, label
from app.theme import Metrics, color, current_theme
from app.window.commands import Commands, score

SHOWN = 60


class SearchButton(QFrame):
    """The field at the right of the menu bar; it opens the search."""

    wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        m = Metrics.of(self.font())
        self.setProperty("role", "search")
        self.setObjectName("command-search")
        self._room = 10_000
        self.fit(self._room)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Search commands")
        row = QHBoxLayout(self)
        row.setContentsMargins(m.px(9), 0, m.px(5), 0)
        row.addWidget(elided("Search commands", "muted"), 1)
        self._key = label("Ctrl K", "key")
        row.addWidget(self._key, 0, Qt.AlignmentFlag.AlignVCenter)

    def fit(self, room: int) -> int:
        """As wide as is wanted, or as there is room for (never less than the key needs); returns the width."""
        self._room = room
        m = Metrics.of(self.font())
        width = max(m.px(66), min(m.px(230), room))
        self.setFixedSize(width, m.px(26))
        return width

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.fit(self._room)

    def set_key(self, key: str) -> None:
        """The shortcut that opens the search, "" without one."""
        self._key.setText(key.replace("+", " "))
        self._key.setVisible(bool(key))

    def paintEvent(self, event: QEvent) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(color(theme.accent if self.hasFocus() else theme.line))
        painter.setBrush(color(theme.field))
        painter.drawRoundedRect(
            self.rect().adjusted(0, 0, -1, -1).toRectF().translated(0.5, 0.5), m.radius, m.radius
        )
        painter.end()

    def mousePressEvent(self, event: QEvent) -> None:
        self.wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.wanted.emit()
        else:
            super().keyPressEvent(event)


class _RowDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        return QSize(100, Metrics.of(option.font).row)  # type: ignore[attr-defined]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        o, i = option, index
        theme, m = current_theme(), Metrics.of(o.font)  # type: ignore[attr-defined]
        action: QAction = i.data(Qt.ItemDataRole.UserRole)  # type: ignore[attr-defined]
        rect: QRect = o.rect  # type: ignore[attr-defined]
        painter.save()
        if o.state & QStyle.StateFlag.State_Selected:  # type: ignore[attr-defined]
            painter.fillRect(rect, color(theme.selection))
        inner = rect.adjusted(m.px(12), 0, -m.px(12), 0)
        fm = o.fontMetrics  # type: ignore[attr-defined]
        right = (
            action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            if action.isEnabled()
            else action.toolTip()
        )
        title = Commands.title(action)
        group = Commands.group(action)
        painter.setPen(color(theme.text if action.isEnabled() else theme.disabled))
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignLeft) | middle, title)
        used = fm.horizontalAdvance(title) + m.px(10)
        rest = inner.adjusted(used, 0, 0, 0)
        painter.setPen(color(theme.muted))
        painter.drawText(rest, int(Qt.AlignmentFlag.AlignLeft) | middle, group)
        free = rest.width() - fm.horizontalAdvance(group) - m.px(16)
        shown = fm.elidedText(right, Qt.TextElideMode.ElideRight, max(0, free))
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignRight) | middle, shown)
        painter.restore()


class CommandPalette(QFrame):
    """The search's list, over the window's upper right; Escape closes it."""

    def __init__(self, commands: Commands, window: QWidget) -> None:
        super().__init__(window)
        self._commands = commands
        self._window = window
        self._before: QWidget | None = None
        self.setProperty("role", "palette")
        self.setAutoFillBackground(True)
        m = Metrics.of(self.font())
        column = QVBoxLayout(self)
        column.setContentsMargins(1, m.px(8), 1, m.px(4))
        column.setSpacing(m.px(6))
        self.edit = QLineEdit()
        self.edit.setPlaceholderText("Search commands")
        self.edit.setAccessibleName("Search commands")
        self.edit.textChanged.connect(self._search)
        self.edit.installEventFilter(self)
        line = QHBoxLayout()
        line.setContentsMargins(m.px(8), 0, m.px(8), 0)
        line.addWidget(self.edit)
        column.addLayout(line)
        self.list = QListWidget()
        self.list.setItemDelegate(_RowDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.itemEntered.connect(self.list.setCurrentItem)
        self.list.itemClicked.connect(lambda _item: self.run_current())
        column.addWidget(self.list, 1)
        self.none = label("No command has these words.", "muted")
        self.none.setContentsMargins(m.px(12), 0, m.px(12), m.px(4))
        column.addWidget(self.none)
        self.none.hide()
        self.hide()

    def open(self) -> None:
        """Show it, empty, with the keyboard in it."""
        m = Metrics.of(self.font())
        width = min(m.px(520), self._window.width() - m.px(32))
        self.setGeometry(self._window.width() - width - m.px(10), m.px(36), width, m.px(100))
        self._before = self._window.focusWidget()
        self.edit.clear()
        self._search("")
        self.show()
        self.raise_()
        self.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_palette(self) -> None:
        """Hide it and give the keyboard back."""
        if self.isVisible():
            self.hide()
            if self._before is not None:
                self._before.setFocus()
            self._before = None

    def titles(self) -> list[str]:
        """What is listed, best first; for tests."""
        return [
            Commands.title(self.list.item(n).data(Qt.ItemDataRole.UserRole)) for n in range(self.list.count())
        ]

    def run_current(self) -> None:
        """Run the selected command, if it can be."""
        item = self.list.currentItem()
        if item is None:
            return
        action: QAction = item.data(Qt.ItemDataRole.UserRole)
        if action.isEnabled():
            self.close_palette()
            action.trigger()

    def _search(self, text: str) -> None:
        found = []
        for place, action in enumerate(self._commands):
            title, group = Commands.title(action), Commands.group(action)
            words = f"{group} {(action.data() or ('', ''))[1]} {action.objectName()}"
            value = score(text, title, words)
            if value:
                found.append((-value, not action.isEnabled(), place, action))
        self.list.clear()
        for _, _, _, action in sorted(found, key=lambda f: f[:3])[:SHOWN]:
            item = QListWidgetItem(Commands.title(action))
            item.setData(Qt.ItemDataRole.UserRole, action)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.none.setVisible(not found)
        self.list.setVisible(bool(found))
        self._fit()

    def _fit(self) -> None:
        """As high as what was found, up to a limit."""
        m = Metrics.of(self.font())
        row = self.list.sizeHintForRow(0) if self.list.count() else m.row
        head = self.edit.sizeHint().height() + m.px(22)
        most = min(m.px(440), self._window.height() - m.px(80))
        self.resize(self.width(), min(most, head + max(1, self.list.count()) * row))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.edit and event.type() == QEvent.Type.KeyPress:
            key = event.key()  # type: ignore[attr-defined]
            if key == Qt.Key.Key_Escape:
                self.close_palette()
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.run_current()
                return True
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 10, Qt.Key.Key_PageUp: -10}
            if key in steps:
                row = self.list.currentRow() + steps[key]
                self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
                return True
        if watched is self.edit and event.type() == QEvent.Type.FocusOut and self.isVisible():
            under = self._window.childAt(self._window.mapFromGlobal(self.cursor().pos()) or QPoint())
            if under is None or not self.isAncestorOf(under):
                self._before = None
                self.hide()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QEvent) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        painter = QPainter(self)
        painter.fillRect(self.rect(), color(theme.window))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(color(theme.line))
        painter.setBrush(color(theme.panel))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), m.radius, m.radius)
        painter.end()
