"""The question whether a model may run: what runs, from where, with what, and what it could do."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QWidget

from app.forms.tips import plain_tip
from app.forms.widgets import FieldGrid, button, label
from app.theme import Metrics
from app.window.dialogs import Dialog
from core.trust import Changes, Version, differences

MEANING = (
    "A model is a program. It runs as you do: it can read, change and delete what you can, and use the network. "
    "Run it only if you know where it comes from."
)
COVERED = (
    "The version does not cover packages installed in the interpreter, nor other files that the model reads. "
    "If one of its files changes, you are asked again."
)


class TrustDialog(Dialog):
    """One version of a model. `answered` tells "once", "trust" or "cancel", once."""

    answered = Signal(str)

    def __init__(self, version: Version, before: Version | None, parent: QWidget) -> None:
        super().__init__("Run a model I trust", parent, 600)
        self.version = version
        self._answered = False
        m = Metrics.of(self.font())
        # Whole, however long: nobody should say yes to a part of a name.
        self.column.addWidget(label(f"Run {_breakable(version.title)}?", "title", wrap=True))
        self.column.addWidget(label(MEANING, wrap=True))
        if before is not None:
            self._add_changes(before, differences(before, version))
        grid = FieldGrid(share=(2, 7))
        self._fact(grid, "From", version.place)
        self._fact(grid, "Runs in", version.python or "Equiscope's own Python")
        for name in version.files:
            if name.startswith("weights "):
                self._fact(grid, "Weights", name.removeprefix("weights "))
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        self.hash = label(f"{version.hash[:16]}…", "small", selectable=True)
        self.hash.setToolTip(f"SHA-256: {version.hash}")
        self.hash.setAccessibleName(f"Version, SHA-256 {version.hash}")
        line.addWidget(self.hash)
        copy = button(
            "Copy", lambda: QGuiApplication.clipboard().setText(version.hash), "link", "Copy the SHA-256"
        )
        copy.setAccessibleName("Copy the version's SHA-256")
        line.addWidget(copy)
        line.addStretch(1)
        grid.add("Version", row)
        self.column.addWidget(grid)
        count = len(version.files)
        words = f"What the version covers: {count:,} file{'s' * (count != 1)}"
        self.files_button = button(words, self._flip, "link")
        self.column.addWidget(self.files_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.files = QPlainTextEdit("\n".join(f"{h[:12]}  {name}" for name, h in version.files.items()))
        self.files.setReadOnly(True)
        self.files.setTabChangesFocus(True)
        self.files.setProperty("role", "code")
        self.files.setAccessibleName("Files that the version covers, with the beginning of their SHA-256")
        self.files.setFixedHeight(m.px(120))
        self.files.hide()
        self.column.addWidget(self.files)
        self.column.addWidget(label(COVERED, "small", wrap=True))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        self.once_button = button("Run once", lambda: self._answer("once"), tip="Ask again next time")
        self.trust_button = button(
            "Trust this version and run",
            lambda: self._answer("trust"),
            tip="Not asked about again until it changes; Preferences list what you trust",
        )
        self.cancel_button = button("Cancel", self.close, "primary")
        for made in (self.once_button, self.trust_button):
            made.setAutoDefault(False)
        self.cancel_button.setDefault(True)
        for made in (self.once_button, self.trust_button, self.cancel_button):
            buttons.addWidget(made)
        self.column.addLayout(buttons)
        self.cancel_button.setFocus()
        self.finished.connect(lambda _result: self._say("cancel"))
        self.fit()

    def _fact(self, grid: FieldGrid, name: str, text: str) -> None:
        words = label(_breakable(text), wrap=True)
        words.setAccessibleName(f"{name}: {text}")
        grid.add(name, words)

    def _add_changes(self, before: Version, changes: Changes) -> None:
        told = f"You trusted another version of it on {before.trusted[:10]}. Since then:"
        self.column.addWidget(label(told, "warn", wrap=True))
        what = str(changes) or "what is called or how it is read"
        made = label(f"{_breakable(what)}.", wrap=True)
        everything = [
            f"{verb}: {name}"
            for names, verb in (
                (changes.changed, "changed"),
                (changes.added, "added"),
                (changes.gone, "gone"),
            )
            for name in names
        ]
        made.setToolTip(plain_tip("\n".join(everything[:40])))
        self.column.addWidget(made)

    def _flip(self) -> None:
        self.files.setVisible(self.files.isHidden())
        self.fit()

    def _answer(self, answer: str) -> None:
        self._say(answer)
        self.close()

    def _say(self, answer: str) -> None:
        if not self._answered:
            self._answered = True
            self.answered.emit(answer)


def _breakable(path: str) -> str:
    """A path or a name that a label may break at its separators; home is "~". Not to be copied: it has odd spaces."""
    home = str(Path.home())
    if path.startswith(home + "/") and home != "/":
        path = "~" + path[len(home) :]
    return re.sub(r"([/.:_])", "\\1\u200b", path)
