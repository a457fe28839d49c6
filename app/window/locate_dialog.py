"""Files of a session that are not where they were: what is missing, and why; the user shows where one is."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.forms.tips import plain_tip
from app.forms.widgets import button, label
from app.window.dialogs import Dialog
from app.window.kinds import counted, shortened
from core.document import Change, Item
from core.errors import printable
from core.records import from_home
from core.session import pure

if TYPE_CHECKING:
    from app.window.workbench import Workbench
    from core.session import Located

ID = Qt.ItemDataRole.UserRole
ABOUT = (
    "The session is open without these files; what belongs to them (markups, place, display) is kept, also when the "
    "session is saved. Show where one of them is now: the others are looked for in the same way."
)


class LocateDialog(Dialog):
    """The list of missing and of changed files. What is found is opened at once, as one edit."""

    def __init__(self, workbench: Workbench, parent: QWidget) -> None:
        super().__init__("Locate files", parent, 720, 420)
        self._workbench, self._sessions = workbench, workbench.sessions
        self._others: dict[str, Located] = {}
        """Found, but another file than the one that was saved; the user decides."""
        self._failed: dict[str, str] = {}
        self._listed: list[str] = []
        self.column.addWidget(label(ABOUT, "muted", wrap=True))
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Files to locate")
        self.tree.setHeaderLabels(["Item", "File", "What is the matter"])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        header = self.tree.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.currentItemChanged.connect(lambda _row, _before: self._refresh_buttons())
        self.tree.itemActivated.connect(lambda _row, _column: self.ask_one())
        self.column.addWidget(self.tree, 1)
        self.note = label("", "small", wrap=True)
        self.note.hide()
        self.column.addWidget(self.note)
        row = QHBoxLayout()
        self.one = button("Locate…", self.ask_one, "primary", "Show where the selected file is now")
        self.folder = button(
            "Search a folder…", self.ask_folder, tip="Look for all of them in a folder and below it"
        )
        self.use = button("Use the other file", self.use_other)
        for each in (self.one, self.folder, self.use):
            each.setAutoDefault(False)
            row.addWidget(each)
        row.addStretch(1)
        self.done_button = button("Open without them", self.close)
        self.done_button.setAutoDefault(False)
        row.addWidget(self.done_button)
        self.column.addLayout(row)
        workbench.changed.connect(self._on_changed)
        self.refresh()
        self.fit()
        self.tree.setFocus()

    # -- what is listed --------------------------------------------------------------------------------------

    def _items(self) -> list[Item]:
        return [*self._sessions.missing, *self._sessions.altered]

    def refresh(self) -> None:
        """The rows anew; the selected one stays selected."""
        chosen = self.chosen
        self.tree.clear()
        items = self._items()
        self._listed = [i.id for i in items]
        for item in items:
            assert item.source is not None
            row = QTreeWidgetItem(
                [shortened(item.name), printable(pure(item.source.path).name), self._words(item)]
            )
            row.setData(0, ID, item.id)
            row.setToolTip(1, plain_tip(item.source.path))
            row.setToolTip(2, plain_tip(row.text(2)))
            row.setData(0, Qt.ItemDataRole.AccessibleTextRole, ", ".join(row.text(n) for n in range(3)))
            self.tree.addTopLevelItem(row)
            if item.id == chosen:
                self.tree.setCurrentItem(row)
        first = self.tree.topLevelItem(0)
        if self.tree.currentItem() is None and first is not None:
            self.tree.setCurrentItem(first)
        self._refresh_buttons()

    def _words(self, item: Item) -> str:
        if item.id in self._others:
            return f"{_name(self._others[item.id].path)} is another file than the one that was saved"
        if item.id in self._failed:
            return self._failed[item.id]
        if item.missing is not None:
            assert item.source is not None
            path = pure(item.source.path)
            away = "is not where it was" in item.missing.reason
            return f"no longer in {printable(from_home(path.parent))}" if away else item.missing.reason
        return "changed since the session was saved; what it holds now is shown"

    @property
    def chosen(self) -> str:
        """The id of the selected item, "" without one."""
        row = self.tree.currentItem()
        return str(row.data(0, ID)) if row is not None else ""

    def _refresh_buttons(self) -> None:
        self.one.setEnabled(bool(self.chosen))
        self.folder.setEnabled(self.tree.topLevelItemCount() > 0)
        self.use.setVisible(bool(self._others))
        self.use.setEnabled(self.chosen in self._others)
        self.done_button.setText("Open without them" if self._sessions.missing else "Close")

    def _on_changed(self, change: Change | None) -> None:
        if change is None or not (items := self._items()):
            self.close()
        elif [i.id for i in items] != self._listed or not change.updated.isdisjoint(self._listed):
            self.refresh()

    # -- looking ---------------------------------------------------------------------------------------------

    def ask_one(self) -> None:
        """Ask where the selected file is, and look for the others from there."""
        item = self._workbench.document.get(self.chosen)
        if item is None or item.source is None:
            return
        name = pure(item.source.path).name
        start = self._start()
        title = f"Where is {printable(name)}?"
        ending = PurePath(name).suffix
        if item.source.size or ending:
            filters = f"{printable(name)} ({name});;" if name.isprintable() and "(" not in name else ""
            filters += f"Of the same sort (*{ending});;" if ending.isascii() and ending[1:].isalnum() else ""
            path, _ = QFileDialog.getOpenFileName(self, title, start, filters + "All files (*)")
        else:
            path = QFileDialog.getExistingDirectory(self, title, start)
        if path:
            self.look(Path(path), item.id)

    def ask_folder(self) -> None:
        """Ask for a folder that holds what is missing."""
        path = QFileDialog.getExistingDirectory(self, "Search a folder", self._start())
        if path:
            self.look(Path(path))

    def _start(self) -> str:
        folder = self._workbench.folder
        return (
            str(folder.parent) if folder is not None else str(self._workbench.settings.folder("open-folder"))
        )

    def look(self, place: Path, chosen: str = "") -> None:
        """Look for everything that is listed at `place`: where the file of `chosen` is now, or a folder."""
        self._say(f"Looking in {printable(place.name or str(place))}…")
        for each in (self.one, self.folder, self.use):
            each.setEnabled(False)
        items = self._sessions.missing
        picked = self._workbench.document.get(chosen)
        if picked is not None and picked.missing is None:
            items = [picked, *items]
        self._sessions.locate(items, place, chosen, self._on_found, self._on_failed)

    def _on_failed(self, text: str) -> None:
        self._say(text)
        self._refresh_buttons()

    def _on_found(self, found: list[Located]) -> None:
        self._failed |= {f.id: f.problem for f in found if f.problem}
        good = [f for f in found if not f.problem]
        self._others |= {f.id: f for f in good if not f.same}
        same = [f for f in good if f.same]
        for each in same:
            self._others.pop(each.id, None)
            self._failed.pop(each.id, None)
        taken = self._sessions.adopt(same)
        left = len(self._sessions.missing)
        words = f"{counted(taken, 'file')} located" if taken else "" if good else "None of them is there."
        if taken and not left and not self._others:
            self._workbench.message.emit(words)
            self.close()
            return
        self._say(f"{words}; {left} still missing." if taken else words)
        self.refresh()

    def use_other(self) -> None:
        """Take the file that was found though it is not the one that was saved."""
        other = self._others.pop(self.chosen, None)
        if other is not None:
            self._sessions.adopt([other])
            self._say("")
            if self._items():
                self.refresh()

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))


def _name(path: str) -> str:
    return printable(pure(path).name)
