"""Asking whether a model of the user's own may run: the question, the answer, and the run that waited for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject

from app.window.workbench import Problem, Question
from core.errors import WriteError
from core.trust import TrustStore, Version

if TYPE_CHECKING:
    from app.window.main_window import MainWindow
    from app.window.trust_dialog import TrustDialog


class TrustAsker(QObject):
    """Shows one dialog a version; runs that wait for the same answer share it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.store = TrustStore()
        self._waiting: dict[str, list[Question]] = {}
        self._dialogs: dict[str, TrustDialog] = {}
        window.workbench.trust_wanted.connect(self.ask)
        window.workbench.session_changed.connect(self._forget)

    def ask(self, question: Question) -> None:
        """Put a question; returns at once."""
        from app.window.trust_dialog import TrustDialog

        try:
            version = msgspec.convert(question.data["version"], Version)
            before = question.data.get("before")
            earlier = None if before is None else msgspec.convert(before, Version)
        except (KeyError, TypeError, msgspec.ValidationError):
            self._window.show_problem(Problem("The model cannot be told apart; run it again.", level="warn"))
            return
        waiting = self._waiting.setdefault(version.hash, [])
        waiting.append(question)
        if len(waiting) > 1:
            return
        dialog = TrustDialog(version, earlier, self._window)
        self._dialogs[version.hash] = dialog
        dialog.answered.connect(lambda answer: self._on_answer(version, answer))
        dialog.open()

    def _on_answer(self, version: Version, answer: str) -> None:
        waiting = self._waiting.pop(version.hash, [])
        self._dialogs.pop(version.hash, None)
        if answer == "trust":
            try:
                self.store.add(version)
            except WriteError as error:
                text = f"That cannot be kept ({error}) The model runs this once."
                self._window.show_problem(Problem(text, level="warn"))
        if answer in ("once", "trust"):
            for question in waiting:
                question.run((version.hash,))
        elif waiting:
            self._window.workbench.message.emit(f"{version.title} was not run")

    def _forget(self) -> None:
        """Another session: what waited belongs to the one before."""
        self._waiting.clear()
        for dialog in list(self._dialogs.values()):
            dialog.close()
        self._dialogs.clear()
