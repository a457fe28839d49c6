"""The status line: where the pointer is and what is there; undo, jobs, device, memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QStatusBar, QWidget

from app.forms.widgets import button, label, ticker
from app.theme import Metrics
from app.window.gpu import Gpu, gpus
from app.window.kinds import bytes_words, counted, shortened
from app.window.memory import item_bytes, process_memory, total_memory
from app.window.workbench import Workbench

ITEMS = 6
"""Items that the tooltip names; the dialog has them all."""


class StatusLine(QStatusBar):
    """One line of text, each part in its place; what does not fit goes, the least needed first."""

    memory_wanted = Signal()
    jobs_wanted = Signal()
    _found = Signal(object)

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self.setSizeGripEnabled(False)
        self.position = ticker()
        self.addWidget(self.position, 1)
        self.undo = self._right()
        self.jobs = self._button(self.jobs_wanted.emit, "Show the jobs")
        self.jobs.hide()
        self.device = self._button(self.memory_wanted.emit, "Show who holds how much memory")
        self.research = self._right("Research use only")
        self.research.setToolTip("Not a medical device; not for diagnosis or treatment.")
        self._device, self._drawn_by = "CPU", ""
        self.gpus: tuple[Gpu, ...] = ()
        self._looking = False
        self._found.connect(self._on_gpus)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh_memory)
        self._timer.start(3000)
        # The document names its last edit only once it has told of it; this signal comes after.
        workbench.clean_changed.connect(lambda _clean: self.refresh_undo())
        workbench.message.connect(lambda text: self.showMessage(text, 5000))
        for signal in (workbench.task_added, workbench.task_over):
            signal.connect(lambda _task: self.refresh_jobs())
        self.refresh_undo()
        self.refresh_memory()

    def _right(self, text: str = "") -> QLabel:
        made = label(text)
        self.addPermanentWidget(made)
        return made

    def _button(self, run: Callable[[], object], tip: str) -> QPushButton:
        made = button("", run, "status", tip)
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
        self._drawn_by = text
        self.refresh_memory()

    def refresh_undo(self) -> None:
        """Name the edit that undo would take back."""
        words = shortened(self._workbench.document.undo_label)
        self.undo.setText(f"Undo: {words[:1].lower()}{words[1:]}" if words else "")
        self._fit()

    def refresh_jobs(self) -> None:
        """How many jobs run or wait."""
        number = sum(t.shown and not t.over for t in self._workbench.tasks)
        self.jobs.setText(counted(number, "job") if number else "")
        self._fit()

    # -- memory and devices ----------------------------------------------------------------------------------

    def refresh_memory(self) -> None:
        """Measure again; ask for the GPUs again too, in a thread, if there are any."""
        pids: list[int] = getattr(self._workbench.runner, "pids", list)()
        processes = [process_memory(pid) for pid in (os.getpid(), *pids)]
        used = total_memory(processes)
        self.device.setText(f"{self._device} · {bytes_words(used)}" if used else self._device)
        self.device.setAccessibleName(f"Drawn by the {self._device}, memory {bytes_words(used)}")
        lines = [f"Views drawn by: {self._drawn_by or 'nothing yet'}"]
        for gpu in self.gpus:
            held = f", {bytes_words(gpu.used)} of {bytes_words(gpu.total)} used" if gpu.total else ""
            lines.append(f"GPU: {gpu.name}{held}")
        lines.append(f"Workers: {len(pids)}")
        sized = [(i, n) for i, n in item_bytes(self._workbench.document) if n]
        lines += [f"{shortened(item.name)}: {bytes_words(size)}" for item, size in sized[:ITEMS]]
        if len(sized) > ITEMS:
            lines.append(f"and {len(sized) - ITEMS} more")
        self.device.setToolTip("\n".join(lines))
        if self.gpus:
            self.look_for_gpus()
        self._fit()

    def look_for_gpus(self) -> None:
        """Ask the driver, without waiting for it."""
        if not self._looking:
            self._looking = True
            threading.Thread(target=self._look, name="gpus", daemon=True).start()

    def _look(self) -> None:
        found = gpus()
        try:
            self._found.emit(found)
        except RuntimeError:  # the window has gone meanwhile
            return

    def _on_gpus(self, found: tuple[Gpu, ...]) -> None:
        self._looking = False
        if found != self.gpus:
            before, self.gpus = self.gpus, found
            if not before:
                self.refresh_memory()

    # -- narrow windows --------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self.currentMessage():
            self.clearMessage()  # Qt shows the position again, over the message

    def _fit(self) -> None:
        """Position needs half of the line; of the rest the edit goes first, then the device."""
        m = Metrics.of(self.font())
        room = self.width() - m.px(300)
        wanted = [
            (self.research, True),
            (self.jobs, bool(self.jobs.text())),
            (self.device, True),
            (self.undo, bool(self.undo.text())),
        ]
        for widget, has in wanted:
            needs = widget.sizeHint().width() + m.px(6)
            shown = has and (needs <= room or widget is self.research)
            widget.setVisible(shown)
            room -= needs if shown else 0
