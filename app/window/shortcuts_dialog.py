"""The dialog in which keys are given to commands: search, press, done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.forms.widgets import button, label
from app.theme import Metrics, restyle
from app.window.commands import Commands, score
from app.window.dialogs import Dialog
from app.window.shortcuts import Shortcuts, native
from app.window.trees import group_row, show_only

ID = Qt.ItemDataRole.UserRole
_MODIFIERS = (
    Qt.Key.Key_Control,
    Qt.Key.Key_Shift,
    Qt.Key.Key_Alt,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_Meta,
    Qt.Key.Key_CapsLock,
    Qt.Key.Key_NumLock,
    Qt.Key.Key_unknown,
)
_NEVER = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape)
"""These move on and get out, here as everywhere: no command may have them."""


class KeyRecorder(QPushButton):
    """A button that, once pressed, waits for the keys of a shortcut. Escape or leaving it ends the wait."""

    recorded = Signal(str)
    """The key in Qt's portable spelling."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._words = text
        self.recording = False
        self.clicked.connect(lambda _checked=False: self._begin())

    def _begin(self) -> None:
        self.recording = True
        self.setText("Press the keys…")
        self.setProperty("role", "primary")
        restyle(self)

    def end(self) -> None:
        """Wait no longer."""
        self.recording = False
        self.setText(self._words)
        self.setProperty("role", "")
        restyle(self)

    def event(self, event: QEvent) -> bool:
        # Tab and the window's shortcuts never reach keyPressEvent.
        if self.recording and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if self.recording and event.type() == QEvent.Type.KeyPress:
            self._pressed(event)  # type: ignore[arg-type]
            return True
        return super().event(event)

    def _pressed(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _NEVER:
            self.end()
        elif key not in _MODIFIERS:
            spelled = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.PortableText)
            self.end()
            if spelled:
                self.recorded.emit(spelled)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self.recording:
            self.end()
        super().focusOutEvent(event)


class ShortcutsDialog(Dialog):
    """All commands by group with their keys."""

    def __init__(self, commands: Commands, shortcuts: Shortcuts, parent: QWidget) -> None:
        super().__init__("Keyboard shortcuts", parent, 720, 620)
        self._commands, self._shortcuts = commands, shortcuts
        self._wanted = ""
        m = Metrics.of(self.font())
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search by name, or by key: Ctrl+K")
        self.search.setAccessibleName("Search shortcuts")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._filter())
        self.column.addWidget(self.search)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Commands and their keys")
        self.tree.setHeaderLabels(["Command", "Keys", ""])
        self.tree.setMinimumHeight(m.px(160))
        self.tree.currentItemChanged.connect(lambda _now, _before: self._show_current())
        self.column.addWidget(self.tree, 1)

        self.words = label("", "heading", wrap=True)
        self.column.addWidget(self.words)
        row = QHBoxLayout()
        row.setSpacing(m.px(8))
        self.replace_button, self.add_button = KeyRecorder("Change…"), KeyRecorder("Add another…")
        self.replace_button.setToolTip("Press, then press the keys")
        self.replace_button.recorded.connect(lambda key: self._record(key, add=False))
        self.add_button.recorded.connect(lambda key: self._record(key, add=True))
        self.remove_button = button("Remove keys", self._remove)
        self.reset_button = button("Reset", self._reset, tip="The default keys of this command again")
        for each in (self.replace_button, self.add_button, self.remove_button, self.reset_button):
            row.addWidget(each)
        row.addStretch(1)
        self.column.addLayout(row)
        self.conflict = QWidget()
        line = QHBoxLayout(self.conflict)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(m.px(8))
        self.conflict_words = label("", "warn", wrap=True)
        line.addWidget(self.conflict_words, 1)
        self.take_button = button("Use it here", self._take)
        self.keep_button = button("Leave it", self._leave)
        line.addWidget(self.take_button)
        line.addWidget(self.keep_button)
        self.conflict.hide()
        self.column.addWidget(self.conflict)
        self._add = False
        self._fill()
        self._shortcuts.changed.connect(self._refresh)
        self.finish(("Reset all", self._reset_all))
        self.search.setFocus()

    # -- the list --------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        self.rows: dict[str, QTreeWidgetItem] = {}
        for id in self._shortcuts.listed():
            action = self._commands[id]
            group = Commands.group(action)
            if group not in groups:
                groups[group] = group_row(self.tree, group)
            row = QTreeWidgetItem()
            row.setData(0, ID, id)
            groups[group].addChild(row)
            self.rows[id] = row
        self.tree.expandAll()
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for section in (1, 2):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        self._refresh()

    def _refresh(self) -> None:
        for id, row in self.rows.items():
            keys = self._shortcuts.keys(id)
            words = ", ".join(map(native, keys))
            note = "changed" if self._shortcuts.is_changed(id) else "standard" if keys else ""
            title = Commands.title(self._commands[id])
            for column, text in enumerate((title, words, note)):
                row.setText(column, text)
            spoken = f"{title}, {words or 'no keys'}{', changed' if note == 'changed' else ''}"
            row.setData(0, Qt.ItemDataRole.AccessibleTextRole, spoken)
        self._filter()
        self._show_current()

    def _filter(self) -> None:
        text = self.search.text()
        bare = text.replace(" ", "").lower()

        def fits(group: QTreeWidgetItem, row: QTreeWidgetItem) -> bool:
            if bare and bare in row.text(1).replace(" ", "").lower():
                return True
            return bool(score(text, row.text(0), f"{group.text(0)} {row.data(0, ID)} {row.text(2)}"))

        show_only(self.tree, fits)

    # -- the chosen command ----------------------------------------------------------------------------------

    @property
    def current(self) -> str:
        """The id of the chosen command, "" on a group."""
        row = self.tree.currentItem()
        return str(row.data(0, ID) or "") if row is not None else ""

    def choose(self, id: str) -> None:
        """Choose a command."""
        self.tree.setCurrentItem(self.rows[id])

    def _show_current(self) -> None:
        id = self.current
        self._wanted = ""
        self.conflict.hide()
        has = bool(id)
        keys = self._shortcuts.keys(id) if has else ()
        if has:
            title = Commands.title(self._commands[id])
            words = ", ".join(map(native, keys)) or "no keys"
            standard = ", ".join(map(native, self._shortcuts.defaults(id))) or "none"
            changed = f" (standard: {standard})" if self._shortcuts.is_changed(id) else ""
            self.words.setText(f"{title}: {words}{changed}")
        else:
            self.words.setText("Choose a command to change its keys.")
        self.replace_button.setEnabled(has)
        self.add_button.setEnabled(bool(keys))
        self.remove_button.setEnabled(bool(keys))
        self.reset_button.setEnabled(has and self._shortcuts.is_changed(id))

    def _record(self, key: str, add: bool) -> None:
        if not self.current:
            return
        self._wanted, self._add = key, add
        conflict = self._shortcuts.conflict(key, self.current)
        if conflict is None:
            self._take()
            return
        if conflict.id:
            text = f"{native(key)} belongs to {conflict.title}, which would be left without it."
        else:
            text = f"{native(key)} has a meaning in a view ({conflict.title}), which it would lose."
        self.conflict_words.setText(text)
        self.conflict.show()
        self.take_button.setFocus()

    def _take(self) -> None:
        id, key = self.current, self._wanted
        if id and key:
            before = self._shortcuts.keys(id)
            self._shortcuts.set_keys(id, (*before, key) if self._add else (key, *before[1:]))
        self._leave()

    def _leave(self) -> None:
        self._wanted = ""
        self.conflict.hide()
        self.replace_button.setFocus()

    def _remove(self) -> None:
        if self.current:
            self._shortcuts.set_keys(self.current, ())

    def _reset(self) -> None:
        if self.current:
            self._shortcuts.reset(self.current)

    def _reset_all(self) -> None:
        self._shortcuts.reset()
