"""The status line: where the pointer is and what is there; undo, device, memory."""

from __future__ import annotations

import os

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from app.forms.widgets import elided, label
from app.window.kinds import bytes_words, shortened
from app.window.workbench import Workbench


class StatusLine(QStatusBar):
    """One line of text, each part in its place."""

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self.setSizeGripEnabled(False)
        self.position = elided("")
        self.addWidget(self.position, 1)
        self.undo = self._right()
        self.device = self._right()
        self.research = self._right("Research use only")
        self.research.setToolTip("Not a medical device; not for diagnosis or treatment.")
        self._device = "CPU"
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh_memory)
        self._timer.start(3000)
        # The document names its last edit only once it has told of it; this signal comes after.
        workbench.clean_changed.connect(lambda _clean: self.refresh_undo())
        workbench.message.connect(lambda text: self.showMessage(text, 5000))
        self.refresh_undo()
        self.refresh_memory()

    def _right(self, text: str = "") -> QLabel:
        made = label(text)
        self.addPermanentWidget(made)
        return made

    def show_position(self, text: str) -> None:
        """What a viewport says of the point under the pointer."""
        self.clearMessage()
        self.position.setText(text)

    def set_device(self, text: str) -> None:
        """What draws, in a word; all of it in the tooltip."""
        from app.viewports.device import is_software

        self._device = "GPU" if text.startswith("gl") and not is_software(text) else "CPU"
        self.device.setToolTip(text)
        self.refresh_memory()

    def refresh_undo(self) -> None:
        """Name the edit that undo would take back."""
        words = shortened(self._workbench.document.undo_label)
        self.undo.setText(f"Undo: {words[:1].lower()}{words[1:]}" if words else "")
        self.undo.setVisible(bool(words))

    def refresh_memory(self) -> None:
        """Measure again."""
        pids: list[int] = getattr(self._workbench.runner, "pids", list)()
        used = sum(resident(pid) for pid in (os.getpid(), *pids))
        self.device.setText(f"{self._device} · {bytes_words(used)}" if used else self._device)


def resident(pid: int) -> int:
    """Bytes of memory a process holds; 0 where the system does not say."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0
