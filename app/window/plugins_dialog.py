"""The list of plugins: where each is from, what it brings, what it lacks, and what is wrong with its code."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.forms.tips import plain_tip
from app.forms.widgets import button, label
from app.theme import Metrics
from app.window.dialogs import Dialog
from app.window.workbench import Workbench
from core import __version__
from core.plugins import Plugin, contributions, user_plugin_folder
from core.records import without_home

TEXT = Qt.ItemDataRole.UserRole
PIP = Qt.ItemDataRole.UserRole + 1
ENTRY = Qt.ItemDataRole.UserRole + 2
PLURAL = {"analysis": "analyses"}


class PluginsDialog(Dialog):
    """All plugins and their entries; details of the chosen one below."""

    def __init__(self, workbench: Workbench, parent: QWidget) -> None:
        super().__init__("Plugins", parent, 900, 620)
        self._workbench = workbench
        m = Metrics.of(self.font())
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Plugins")
        self.tree.setHeaderLabels(["Plugin", "Version", "Brings", "From", "State"])
        self.tree.currentItemChanged.connect(lambda _now, _before: self._show())
        for plugin in workbench.host.plugins:
            self._add(plugin)
        header = self.tree.header()
        for section, width in ((0, 230), (1, 70), (2, 210), (3, 130)):
            self.tree.setColumnWidth(section, m.px(width))
        header.setSectionResizeMode(4, QHeaderView.ResizeMode.Stretch)
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, m.px(8), 0, 0)
        column.setSpacing(m.px(8))
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setProperty("role", "code")
        self.details.setAccessibleName("About the chosen plugin")
        column.addWidget(self.details, 1)
        row = QHBoxLayout()
        self.pip_button = button(
            "Copy pip line", self._copy_pip, tip="What to run to install what is missing"
        )
        self.copy_button = button("Copy details", self._copy)
        row.addWidget(self.pip_button)
        row.addWidget(self.copy_button)
        row.addStretch(1)
        column.addLayout(row)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.tree)
        split.addWidget(below)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setChildrenCollapsible(False)
        self.column.addWidget(split, 1)
        words = f"Plugins are found at the start: restart after installing one, or after changing one in {user_plugin_folder()}."
        self.column.addWidget(label(words, "small", wrap=True, selectable=True))
        self.finish(("Check all code", self.check))
        first = self.tree.topLevelItem(0)
        if first is not None:
            self.tree.setCurrentItem(first)
        self._show()

    def _add(self, plugin: Plugin) -> None:
        host = self._workbench.host
        if plugin.manifest is None:
            row = QTreeWidgetItem([plugin.title, "", "", plugin.origin, f"broken: {plugin.error}"])
            row.setData(0, TEXT, f"{plugin.title}\n{plugin.folder}\n\n{plugin.error}")
            self._finish(row)
            self.tree.addTopLevelItem(row)
            return
        entries = contributions(plugin.manifest)
        counts: dict[str, int] = {}
        for entry in entries:
            name = type(entry).__name__.lower()
            counts[name] = counts.get(name, 0) + 1
        brings = ", ".join(f"{n} {k if n == 1 else PLURAL.get(k, k + 's')}" for k, n in counts.items())
        lacking = [e for e in entries if host.missing(e)]
        state = f"{len(lacking)} cannot be used yet" if lacking else "ready"
        version = (
            __version__ if plugin.origin == "built in" else host.version_of(entries[0]) if entries else ""
        )
        row = QTreeWidgetItem([plugin.title, version, brings, plugin.origin, state])
        reasons = list(dict.fromkeys(host.missing(e) for e in lacking))
        text = [
            plugin.title,
            f"Id {plugin.id}, version {version or 'not stated'}, {plugin.origin}",
            str(plugin.folder),
        ]
        row.setData(0, TEXT, "\n".join([*text, "", brings, *reasons]))
        row.setData(0, PIP, _pip(reasons))
        for entry in entries:
            missing = host.missing(entry)
            child = QTreeWidgetItem(
                [entry.title, "", type(entry).__name__.lower(), entry.id, missing or "ready"]
            )
            lines = [f"{entry.title}  ({entry.id})"]
            reference = getattr(entry, "reference", "")
            lines += [f"Reference: {reference}"] if reference else []
            lines += [missing] if missing else []
            child.setData(0, TEXT, "\n".join(lines))
            child.setData(0, PIP, _pip([missing]))
            child.setData(0, ENTRY, entry.id)
            self._finish(child)
            row.addChild(child)
        self._finish(row)
        self.tree.addTopLevelItem(row)

    @staticmethod
    def _finish(row: QTreeWidgetItem) -> None:
        words = [row.text(c) for c in range(5) if row.text(c)]
        row.setData(0, Qt.ItemDataRole.AccessibleTextRole, ", ".join(words))
        row.setToolTip(4, plain_tip(row.text(4)))

    # -- the chosen one --------------------------------------------------------------------------------------

    def _show(self) -> None:
        row = self.tree.currentItem()
        self.details.setPlainText(str(row.data(0, TEXT) or "") if row is not None else "")
        self.pip_button.setVisible(row is not None and bool(row.data(0, PIP)))
        self.copy_button.setEnabled(row is not None)

    def _copy_pip(self) -> None:
        row = self.tree.currentItem()
        if row is not None:
            QGuiApplication.clipboard().setText(str(row.data(0, PIP)))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(without_home(self.details.toPlainText()))

    # -- their code ------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Have a worker load the code behind every entry; what breaks is shown with its traceback."""
        self._workbench.submit("check_plugins", {}, title="Check plugins", on_done=self._on_checked)

    def _on_checked(self, faults: dict[str, str]) -> None:
        try:
            self.tree.topLevelItemCount()
        except RuntimeError:  # the dialog was closed meanwhile
            return
        broken: list[QTreeWidgetItem] = []
        for place in range(self.tree.topLevelItemCount()):
            plugin: Any = self.tree.topLevelItem(place)
            bad = 0
            for n in range(plugin.childCount()):
                row: Any = plugin.child(n)
                fault = faults.get(str(row.data(0, ENTRY)))
                if fault is not None:
                    bad += 1
                    row.setText(4, f"broken: {fault.strip().splitlines()[-1]}")
                    row.setData(0, TEXT, f"{row.text(0)}  ({row.data(0, ENTRY)})\n\n{fault}")
                    self._finish(row)
                    broken.append(row)
            if bad:
                plugin.setText(4, f"{bad} broken")
                self._finish(plugin)
        if broken:
            self.tree.setCurrentItem(broken[0])
            self._show()
        else:
            self.details.setPlainText("The code of all plugins loads.")


def _pip(reasons: list[str]) -> str:
    """The pip line out of `PluginHost.missing`'s sentences."""
    names = [r.partition("pip install ")[2] for r in reasons if "pip install " in r]
    return f"pip install {' '.join(dict.fromkeys(' '.join(names).split()))}" if names else ""
