"""Plots, tables and whole results as files: asks where, writes, and says what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QWidget

from app.window.saving import ask_save, is_original
from app.window.workbench import Problem, Workbench
from core.data import Table
from core.document import Item
from core.exports import file_stem, table_of


class Exports:
    """What the plots and tables of a window are saved by."""

    def __init__(self, workbench: Workbench, parent: QWidget) -> None:
        self._workbench = workbench
        self._parent = parent

    # -- wiring ----------------------------------------------------------------------------------------------

    def figure(self, item: Item, *, compact: bool) -> Any:
        """The view of a plot, joined to what it shares rows with and to the files it is saved in."""
        from app.plots.figure import FigureView
        from app.window.linking import counted_values

        w = self._workbench
        values = counted_values(w.document, item)
        view = FigureView(item.data, compact=compact, selection=w.links.of(item), values=values)
        self.connect_figure(view, item.name)
        view.target_wanted.connect(lambda text: w.go_to(item.id, text))
        return view

    def connect_figure(self, view: Any, name: str) -> None:
        """Let a plot be saved."""
        view.saves = True
        view.save_wanted.connect(lambda kind: self.save_figure(view, name, kind))
        view.csv_wanted.connect(lambda: self.save_numbers(view.output, name))

    def table(self, item: Item, *, compact: bool) -> Any:
        """The view of a table, joined likewise."""
        from app.plots.table import TableView

        w = self._workbench
        table = getattr(item.data, "table", item.data)
        targets = tuple(getattr(item.data, "targets", ()))
        view = TableView(table, compact=compact, selection=w.links.of(item), targets=targets)
        self.connect_table(view, item.name)
        view.target_wanted.connect(lambda text: w.go_to(item.id, text))
        return view

    def connect_table(self, view: Any, name: str) -> None:
        """Let a table be saved."""
        view.saves = True
        view.export_wanted.connect(lambda kind: self.save_table(view.exported(), name, kind))

    # -- files -----------------------------------------------------------------------------------------------

    def ask_path(self, name: str, suffix: str) -> Path | None:
        """Where to; None if the user changes her mind. The folder is remembered."""
        settings = self._workbench.settings
        start = settings.folder("export-folder") / f"{file_stem(name)}{suffix}"
        chosen = ask_save(self._parent, "Export", start, [f"*{suffix}"], endings=[[suffix]])
        if chosen is None or self.refuses(chosen[0]):
            return None
        settings.set("export-folder", str(chosen[0].parent))
        return chosen[0]

    def refuses(self, path: Path) -> bool:
        """Whether that is a file which is open here; the user is told."""
        found = is_original(path, self._workbench.document)
        if found:
            text = f"{path.name} is open here, and an original is never written to; choose another name."
            self._workbench.problem.emit(Problem(text))
        return found

    def save_figure(self, view: Any, name: str, kind: str) -> None:
        """A plot as "png" or "svg"."""
        path = self.ask_path(name, f".{kind}")
        if path is not None:
            self.tell(path, view.save_png(path) if kind == "png" else view.save_svg(path))

    def save_numbers(self, output: Any, name: str) -> None:
        """The numbers of a plot as CSV."""
        path = self.ask_path(name, ".csv")
        if path is not None:
            self.write_numbers(output, path)

    def write_numbers(self, output: Any, path: Path) -> None:
        """See `save_numbers`."""
        table = table_of(output)
        if table is not None:
            self.write(table, path)

    def save_table(self, table: Table, name: str, kind: str) -> None:
        """A table as "csv" or "tsv"."""
        path = self.ask_path(name, f".{kind}")
        if path is not None:
            self.write(table, path)

    def write(self, table: Table, path: Path) -> None:
        """Write a table, by a job: a long one takes seconds."""
        self._workbench.submit(
            "write_table",
            {"table": table, "path": str(path)},
            title=f"Write {path.name}",
            on_done=lambda _path: self.tell(path, True),
        )

    def tell(self, path: Path, ok: bool) -> None:
        """What came of it."""
        if ok:
            self._workbench.message.emit(f"{path.name} written")
        else:
            text = f"{path.name} cannot be written; choose another folder."
            self._workbench.problem.emit(Problem(text))

    def save_result(self, group: Item) -> None:
        """Everything that a run found, into a folder: as `equiscope run` writes it."""
        start = str(self._workbench.settings.folder("export-folder"))
        title = "Choose a folder for everything that this run found"
        chosen = QFileDialog.getExistingDirectory(self._parent, title, start)
        if chosen:
            self._workbench.settings.set("export-folder", chosen)
            self._workbench.export_result(group.id, free_folder(Path(chosen) / file_stem(group.name)))


def free_folder(wanted: Path) -> Path:
    """A folder that is not there yet: `wanted`, else with a number. Earlier exports stay as they are."""
    folder, number = wanted, 1
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder
