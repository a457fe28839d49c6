"""Repeating a run from its record, with changes: the form opens with its values, its inputs are found or opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtWidgets import QFileDialog

from app.window.kinds import kind_of_item
from app.window.workbench import Problem
from core.document import Item
from core.errors import UserError, printable
from core.opening import SAMPLE
from core.records import located, read_record

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class Repeater:
    """Brings records back into the form of their analysis."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._workbench = window.workbench
        self._waiting: tuple[dict[str, Any], Path | None] | None = None
        self._workbench.idle.connect(self._on_idle)
        self._workbench.session_changed.connect(self._forget)

    def ask(self) -> None:
        """Choose a record.json."""
        start = str(self._workbench.settings.folder("export-folder"))
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Repeat a record", start, "Records of runs (*.json);;All files (*)"
        )
        if path:
            self.repeat_file(Path(path))

    def repeat_file(self, path: Path) -> None:
        """Read a record; what it needs and is not open is opened first."""
        try:
            record: dict[str, Any] = msgspec.to_builtins(read_record(path))
        except UserError as error:
            self._workbench.problem.emit(Problem(str(error), level="warn"))
            return
        folder = path if path.is_dir() else path.parent
        missing = [e for e in record["inputs"] if self._find(e, folder) is None and e.get("path")]
        there = [e for e in missing if _is_there(e["path"], folder)]
        if not there:
            self._show(record, folder)
            return
        self._waiting = (record, folder)
        opened: set[str] = set()
        for entry in there:
            place = _located(entry["path"], folder)
            if place not in opened:
                opened.add(place)
                options = dict(entry.get("options", {}))
                self._workbench.open_paths([place], reader=entry.get("reader") or None, options=options)

    def repeat(self, record: Mapping[str, Any], inputs: Sequence[str] = ()) -> None:
        """Show the form for a record of this session; `inputs` are the ids that the run took, where known."""
        self._show(dict(record), None, inputs)

    def _on_idle(self) -> None:
        if self._waiting is not None:
            (record, folder), self._waiting = self._waiting, None
            self._show(record, folder)

    def _forget(self) -> None:
        self._waiting = None

    def _show(self, record: dict[str, Any], folder: Path | None, known: Sequence[str] = ()) -> None:
        window = self._window
        analysis = window.menus.analyses.get(str(record.get("analysis", "")))
        if analysis is None:
            text = f"The analysis {record.get('analysis')} is not installed here."
            self._workbench.problem.emit(Problem(text, level="warn"))
            return
        ids: list[str] = []
        lost: list[str] = []
        for n, entry in enumerate(record.get("inputs", ())):
            item = self._workbench.document.get(known[n]) if n < len(known) else None
            item = item or self._find(entry, folder)
            ids.append(item.id if item is not None else "")
            if item is None:
                lost.append(str(entry.get("name", "")) or f"input {n + 1}")
        window.docks["analysis"].show()
        window.analysis.repeat(
            analysis,
            dict(record.get("parameters", {})),
            int(record.get("seed", 0)),
            ids,
            str(record.get("device", "")),
        )
        if lost:
            names = " and ".join(printable(n) for n in lost)
            text = (
                f"{names} is not open and was not found; choose another input, or open it and repeat again."
            )
            self._workbench.problem.emit(Problem(text, level="warn"))

    def _find(self, entry: Mapping[str, Any], folder: Path | None) -> Item | None:
        """The open object that an input of a record names: by its file and place in it, else by name and kind."""
        path, index = str(entry.get("path", "")), int(entry.get("index", 0))
        wanted = _located(path, folder) if path and folder is not None else path
        fitting = [
            i for i in self._workbench.document if i.data is not None and kind_of_item(i) == entry.get("kind")
        ]
        for item in fitting:
            source = item.source
            if path and source is not None and _same(source.path, wanted) and source.index == index:
                return item
        if path:
            return None
        named = [i for i in fitting if i.name == entry.get("name")]
        return named[0] if len(named) == 1 else None


def _located(path: str, folder: Path | None) -> str:
    return path if folder is None else located(path, folder)


def _is_there(path: str, folder: Path) -> bool:
    return path.startswith(SAMPLE) or Path(_located(path, folder)).exists()


def _same(one: str, other: str) -> bool:
    if one == other or SAMPLE in (one[: len(SAMPLE)], other[: len(SAMPLE)]):
        return one == other
    try:
        return Path(one).resolve() == Path(other).resolve()
    except OSError:
        return False
