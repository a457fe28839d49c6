"""How much memory what takes: processes, shared arrays, items, what undo keeps."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.forms.widgets import label
from app.window.dialogs import Dialog
from app.window.gpu import Gpu
from app.window.kinds import KIND_WORDS, bytes_words, kind_of_item, shortened
from app.window.trees import group_row
from app.window.workbench import Workbench
from core.document import Item, data_bytes


@dataclass(frozen=True)
class Process:
    """Bytes a process holds alone and those it shares with others."""

    pid: int
    private: int
    shared: int


def process_memory(pid: int) -> Process:
    """Of one process; zeros where the system does not say."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            fields = file.read().split()
        page = os.sysconf("SC_PAGE_SIZE")
        resident, shared = int(fields[1]) * page, int(fields[2]) * page
    except (OSError, ValueError, IndexError, AttributeError):
        return Process(pid, 0, 0)
    return Process(pid, resident - shared, shared)


def folder_bytes(folder: Path | None) -> int:
    """Bytes of the files in a folder: the arrays that processes pass to each other."""
    total = 0
    try:
        with os.scandir(folder) if folder is not None else contextlib.nullcontext(()) as entries:
            for entry in entries:
                try:
                    total += entry.stat(follow_symlinks=False).st_size
                except OSError:
                    continue
    except OSError:
        return total
    return total


def total_memory(processes: Iterable[Process]) -> int:
    """Of all together: what several share counts once, at its largest."""
    listed = list(processes)
    return sum(p.private for p in listed) + max((p.shared for p in listed), default=0)


def item_bytes(items: Iterable[Item]) -> list[tuple[Item, int]]:
    """Items and the bytes of their arrays, the largest first."""
    sized = [(item, data_bytes(item.data)) for item in items if item.data is not None]
    return sorted(sized, key=lambda pair: -pair[1])


class MemoryDialog(Dialog):
    """Who holds how much."""

    def __init__(self, workbench: Workbench, gpus: tuple[Gpu, ...], parent: QWidget) -> None:
        super().__init__("Memory", parent, 560, 480)
        self._workbench, self._gpus = workbench, gpus
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Memory by holder")
        self.tree.setHeaderLabels(["What", "Memory"])
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.column.addWidget(self.tree, 1)
        self.column.addWidget(label("Arrays that several processes see are there once.", "small", wrap=True))
        self.refresh()
        self.finish(("Refresh", self.refresh))

    def refresh(self) -> None:
        """Measure again."""
        w = self._workbench
        self.tree.clear()
        document = group_row(self.tree, "What is open")
        total = 0
        for item, size in item_bytes(w.document):
            kind = kind_of_item(item)
            self._row(document, f"{shortened(item.name)} · {KIND_WORDS.get(kind, kind)}", size)
            total += size
        if not document.childCount():
            self._row(document, "nothing", 0)
        self._total(document, total)
        undo = w.document.undo_bytes
        self._row(group_row(self.tree, "Undo"), "Data that only undo and redo still need", undo)
        programs = group_row(self.tree, "Processes")
        window, *workers = self.processes()
        self._row(programs, f"Window ({window.pid})", window.private + window.shared)
        for worker in workers:
            self._row(programs, f"Worker ({worker.pid})", worker.private)
        self._total(programs, total_memory([window, *workers]))
        folder = getattr(w.runner, "folder", None)
        self._row(
            group_row(self.tree, "Shared memory"), "Arrays passed between processes", folder_bytes(folder)
        )
        if self._gpus:
            devices = group_row(self.tree, "GPU")
            for gpu in self._gpus:
                words = (
                    f"{bytes_words(gpu.used)} of {bytes_words(gpu.total)}" if gpu.total else "does not say"
                )
                self._row(devices, gpu.name, words)
        self.tree.expandAll()
        self.tree.setCurrentItem(document)

    def processes(self) -> list[Process]:
        """The window, then the workers."""
        pids: list[int] = getattr(self._workbench.runner, "pids", list)()
        return [process_memory(pid) for pid in (os.getpid(), *pids)]

    @staticmethod
    def _total(group: QTreeWidgetItem, size: int) -> None:
        group.setText(1, bytes_words(size))
        group.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    @staticmethod
    def _row(group: QTreeWidgetItem, name: str, size: int | str) -> None:
        words = size if isinstance(size, str) else bytes_words(size)
        row = QTreeWidgetItem([name, words])
        row.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{name}: {words}")
        group.addChild(row)
