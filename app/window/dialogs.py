"""The window's few dialogs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QProcess, Qt
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QMessageBox,
    QPlainTextEdit,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.forms.widgets import button
from app.theme import Metrics, restyle
from app.window.kinds import shortened
from core.records import without_home


class Dialog(QDialog):
    """A dialog with the window's margins and a Close button."""

    def __init__(self, title: str, parent: QWidget | None, width: int = 640, height: int = 0) -> None:
        super().__init__(parent)
        self.setWindowTitle(shortened(title, 80))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        m = Metrics.of(self.font())
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(m.px(16), m.px(16), m.px(16), m.px(16))
        self.column.setSpacing(m.px(12))
        self._width, self._height = m.px(width), m.px(height) if height else 0

    def finish(
        self, *extra: tuple[str, Callable[[], object]], close: str = "Close", role: str = "primary"
    ) -> None:
        """The row of buttons at the bottom; `close` and `role` are of the one that closes."""
        row = QHBoxLayout()
        for text, action in extra:
            row.addWidget(button(text, action))
        row.addStretch(1)
        end = button(close, self.close, role)
        end.setDefault(role == "primary")
        row.addWidget(end)
        self.column.addLayout(row)
        self.fit()

    def fit(self) -> None:
        """As large as what is in it, and no larger than the screen."""
        self.ensurePolished()
        for child in self.findChildren(QWidget):
            child.ensurePolished()  # fonts of the stylesheet decide how high the words are
            if isinstance(child, QTreeView):
                child.doItemsLayout()  # and rows measured before are as low as without it
        self.column.activate()
        width, height = self._width, self._height or self.column.totalHeightForWidth(self._width)
        screen = self.screen().availableSize()
        if QGuiApplication.platformName() != "offscreen":  # whose screen is smaller than anybody's
            width, height = (
                min(width, round(0.95 * screen.width())),
                min(height, round(0.9 * screen.height())),
            )
        self.resize(width, height)


def doctor(parent: QWidget) -> Dialog:
    """What this machine can do, as `equiscope doctor` tells it."""
    made = Dialog("This machine", parent, 760, 520)
    view = QPlainTextEdit()
    view.setReadOnly(True)
    view.setProperty("role", "code")
    view.setTabChangesFocus(True)
    view.setPlaceholderText("Looking…")
    view.setAccessibleName("What this machine can do")
    made.column.addWidget(view)
    process = QProcess(made)
    process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
    process.setWorkingDirectory(str(Path(__file__).resolve().parents[2]))
    process.readyReadStandardOutput.connect(
        lambda: view.insertPlainText(bytes(process.readAllStandardOutput().data()).decode(errors="replace"))
    )

    def ended(code: int, _status: object) -> None:
        if code:
            view.appendPlainText(f"(ended with {code})")

    def closed(_result: int) -> None:
        process.kill()
        process.waitForFinished(2000)

    process.finished.connect(ended)
    made.finished.connect(closed)
    process.start(sys.executable, ["-m", "app", "doctor"])
    made.finish(("Copy", lambda: QGuiApplication.clipboard().setText(without_home(view.toPlainText()))))
    return made


def _at_work(running: int) -> str:
    jobs = "A job is" if running == 1 else f"{running} jobs are"
    return f"{jobs} still at work and will be cancelled."


def ask_to_close(running: int, parent: QWidget) -> bool:
    """Whether the window may go; says what runs."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIcon(QMessageBox.Icon.NoIcon)
    box.setWindowTitle("Close Equiscope")
    box.setText("Close Equiscope?")
    if running:
        box.setInformativeText(_at_work(running))
    close = box.addButton("Close", QMessageBox.ButtonRole.AcceptRole)
    close.setProperty("role", "primary")
    box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(close)
    restyle(close)
    box.exec()
    yes = box.clickedButton() is close
    box.deleteLater()
    return yes


def ask_about_batches(names: Sequence[str], parent: QWidget) -> str:
    """ "keep", "stop" or "stay": what becomes of the batches that run when the window closes."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.NoIcon)
    box.setWindowTitle("A batch is running")
    several = len(names) > 1
    which = f"{len(names)} batches are" if several else f"The batch {shortened(names[0])} is"
    box.setText(f"{which} still running. Let {'them' if several else 'it'} go on without the window?")
    box.setInformativeText("What is done stays either way; a batch that is stopped can be resumed.")
    keep = box.addButton("Keep running", QMessageBox.ButtonRole.AcceptRole)
    keep.setProperty("role", "primary")
    stop = box.addButton("Stop", QMessageBox.ButtonRole.DestructiveRole)
    stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(stay)
    restyle(keep)
    box.exec()
    clicked = box.clickedButton()
    answer = "keep" if clicked is keep else "stop" if clicked is stop else "stay"
    box.deleteLater()
    return answer


def ask_to_lose(title: str, text: str, detail: str, act: str, parent: QWidget) -> bool:
    """Whether something may go for good; `act` is the button that says so, keeping it is the default."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIcon(QMessageBox.Icon.NoIcon)
    box.setWindowTitle(title)
    box.setText(text)
    box.setInformativeText(detail)
    go = box.addButton(act, QMessageBox.ButtonRole.AcceptRole)
    keep = box.addButton("Keep it", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.exec()
    yes = box.clickedButton() is go
    box.deleteLater()
    return yes


def ask_to_replace(name: str, parent: QWidget) -> bool:
    """Whether what has this name already may go."""
    detail = "It is there already; what it holds now is lost."
    return ask_to_lose("Replace", f"Replace {shortened(name)}?", detail, "Replace", parent)


def ask_about_conflict(name: str, parent: QWidget) -> str:
    """ "overwrite", "save-as" or "cancel": the session was saved by another window since it was opened here."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIcon(QMessageBox.Icon.NoIcon)
    box.setWindowTitle("Changed on disk")
    box.setText(f"{shortened(name)} was changed on the disk since you opened it.")
    box.setInformativeText(
        "Another window has saved it, or it was saved after what you recovered. Saving over it would lose what was "
        "done there; it would stay for a while as the session's backup (.bak)."
    )
    save_as = box.addButton("Save as…", QMessageBox.ButtonRole.AcceptRole)
    overwrite = box.addButton("Overwrite", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(save_as)
    box.setEscapeButton(cancel)
    save_as.setProperty("role", "primary")
    restyle(save_as)
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return "save-as" if clicked is save_as else "overwrite" if clicked is overwrite else "cancel"


def ask_to_save(name: str, parent: QWidget, running: int = 0) -> str:
    """ "save", "discard" or "cancel"; says how many jobs are cancelled, too."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIcon(QMessageBox.Icon.NoIcon)
    box.setWindowTitle("Unsaved changes")
    box.setText(f"Save the changes to {shortened(name)}?")
    lost = "Without saving they are lost. Files that were opened are never changed."
    if running:
        lost += f" {_at_work(running)}"
    box.setInformativeText(lost)
    buttons = QMessageBox.StandardButton
    box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
    box.setDefaultButton(buttons.Save)
    for made in box.buttons():
        made.setIcon(QIcon())
    save = box.button(buttons.Save)
    save.setProperty("role", "primary")
    restyle(save)
    answer = box.exec()
    box.deleteLater()
    return {int(buttons.Save): "save", int(buttons.Discard): "discard"}.get(int(answer), "cancel")
