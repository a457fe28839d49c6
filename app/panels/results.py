"""What a run found: numbers, sentences, tables, plots, warnings and the record."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QSizePolicy, QWidget

from app.forms import Card, ColumnWidget, Readings, button, elided, label, scrolled, with_error
from app.forms.numbers import number_words
from app.panels.dock import Panel
from app.theme import Metrics, Theme
from app.window.kinds import KIND_WORDS, PLOTS, kind_of_item, size_words
from app.window.tasks import in_words
from app.window.workbench import Problem, Workbench
from core.document import Item
from core.exports import file_stem, table_of, write_table
from core.results import Heatmap, Number, ResultTable, Text


class ResultsPanel(Panel):
    """The dock "Results": that of the selected item's run, else the last one."""

    name = "results"
    title = "Results"
    least_width = 264
    item_wanted = Signal(str)
    repeat_wanted = Signal(object)

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self._body = ColumnWidget(spacing=10)
        self.column.addWidget(scrolled(self._body))
        self.group: str | None = None
        self._figures: list[Any] = []
        self._signature: Any = object()
        workbench.changed.connect(lambda _change: self.refresh())
        workbench.selection_changed.connect(lambda _id: self.refresh())
        workbench.adopted.connect(self.show_group)
        self.refresh()

    def show_group(self, id: str) -> None:
        """Show the result with this group."""
        self.group = id
        self.refresh()

    def set_theme(self, theme: Theme) -> None:
        """Plots follow the theme."""
        for figure in self._figures:
            figure.set_theme(theme)

    def _choose(self) -> Item | None:
        """The run of the selected item, else the one shown, else the newest."""
        document = self._workbench.document
        item = self._workbench.current
        while item is not None:
            if item.record is not None and item.data is None:
                return item
            item = document.get(item.parent) if item.parent else None
        if self.group is not None and self.group in document:
            return document[self.group]
        groups = [i for i in document if i.record is not None and i.data is None]
        return groups[-1] if groups else None

    def refresh(self) -> None:
        """Show what belongs to the current item; nothing happens if it is shown already."""
        group = self._choose()
        children = self._workbench.document.children(group.id) if group else []
        signature = (group and (group.id, group.name), tuple((c.id, c.name, id(c.data)) for c in children))
        if signature == self._signature:
            return
        self._signature = signature
        self.group = group.id if group else None
        self._figures = []
        self._body.clear()
        if group is None:
            self.header.set_note("")
            self._body.column.addWidget(label("What a run finds appears here.", "muted", wrap=True))
            self._body.column.addStretch(1)
            return
        self.header.set_note(group.name)
        for warning in group.warnings:
            self._body.column.addWidget(label(warning, "warn", wrap=True))
        self._numbers([c.data for c in children if isinstance(c.data, Number)])
        for child in children:
            if isinstance(child.data, Text):
                card = Card()
                card.column.addWidget(label(child.name, "muted"))
                card.column.addWidget(label(child.data.text, wrap=True, selectable=True))
                self._body.column.addWidget(card)
            elif isinstance(child.data, ResultTable):
                self._table(child)
            elif isinstance(child.data, PLOTS):
                self._plot(child)
        layers = [c for c in children if not isinstance(c.data, (Number, Text, ResultTable, *PLOTS))]
        if layers:
            self._layers(layers)
        self._record(group)
        self._body.column.addStretch(1)

    # -- the parts -------------------------------------------------------------------------------------------

    def _numbers(self, numbers: list[Number]) -> None:
        if not numbers:
            return
        card = Card()
        rows = Readings()
        for number in numbers:
            words = with_error(number.value, number.error, number.unit)
            rows.add(number.name, words, "big" if len(numbers) == 1 else "", repr(number.value))
        card.column.addWidget(rows)
        self._body.column.addWidget(card)

    def _head(self, card: Card, item: Item, *links: tuple[str, Any]) -> None:
        row = QHBoxLayout()
        row.addWidget(elided(item.name, "muted"), 1)
        for text, action in links:
            made = button(text, action, "link")
            made.setAccessibleName(f"{text}: {item.name}")
            row.addWidget(made)
        card.column.addLayout(row)

    def _plot(self, item: Item) -> None:
        from app.plots.figure import FigureView

        card = Card()
        view = FigureView(item.data, compact=True)
        self._head(
            card,
            item,
            ("Larger", lambda: self.item_wanted.emit(item.id)),
            ("PNG", lambda: self._save_png(item, view)),
            ("CSV", lambda: self._save_csv(item)),
        )
        tall = isinstance(item.data, Heatmap)
        view.setFixedHeight(Metrics.of(self.font()).px(220 if tall else 180))
        card.column.addWidget(view)
        self._figures.append(view)
        self._body.column.addWidget(card)

    def _table(self, item: Item) -> None:
        from app.plots.table import TableView

        card = Card()
        view = TableView(item.data.table, compact=True)
        self._head(
            card,
            item,
            ("Larger", lambda: self.item_wanted.emit(item.id)),
            ("Copy", view.copy),
            ("CSV", lambda: self._save_csv(item)),
        )
        card.column.addWidget(view)
        self._body.column.addWidget(card)

    def _layers(self, items: list[Item]) -> None:
        card = Card()
        card.column.addWidget(label("In the views", "muted"))
        for item in items:
            row = QHBoxLayout()
            name = button(item.name, partial(self.item_wanted.emit, item.id), "link")
            name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(name)
            row.addStretch(1)
            kind = kind_of_item(item)
            note = size_words(item)
            words = KIND_WORDS.get(kind, kind)
            row.addWidget(
                label(note if kind == "markup" else f"{words} · {note}" if note else words, "muted")
            )
            card.column.addLayout(row)
            measured = dict(getattr(item.data, "measurements", {}))
            if measured:
                text = " · ".join(
                    f"{k.replace('_', ' ')} {number_words(v)}" for k, v in list(measured.items())[:4]
                )
                card.column.addWidget(label(text, "small", wrap=True))
        self._body.column.addWidget(card)

    def _record(self, group: Item) -> None:
        record = dict(group.record or {})
        card = Card()
        head = QHBoxLayout()
        toggle = button("Record", role="link")
        head.addWidget(toggle)
        head.addStretch(1)
        head.addWidget(button("Repeat with changes", lambda: self.repeat_wanted.emit(record), "link"))
        card.column.addLayout(head)
        grid = Readings(_record_words(record))
        grid.hide()
        copy = button(
            "Copy record as JSON",
            lambda: QGuiApplication.clipboard().setText(json.dumps(record, indent=2, ensure_ascii=False)),
            "link",
        )
        copy.hide()

        def flip() -> None:
            for widget in (grid, copy):
                widget.setVisible(widget.isHidden())

        toggle.clicked.connect(flip)
        card.column.addWidget(grid)
        card.column.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
        self._body.column.addWidget(card)

    # -- export ----------------------------------------------------------------------------------------------

    def _ask_path(self, item: Item, suffix: str) -> Path | None:
        start = Path(self._workbench.settings.get("export-folder", str(Path.home())))
        name = f"{file_stem(item.name)}{suffix}"
        chosen, _ = QFileDialog.getSaveFileName(self, "Export", str(start / name), f"*{suffix}")
        if not chosen:
            return None
        self._workbench.settings.set("export-folder", str(Path(chosen).parent))
        return Path(chosen)

    def _save_png(self, item: Item, view: Any) -> None:
        path = self._ask_path(item, ".png")
        if path is not None:
            ok = view.save_png(path)
            self._tell(path, ok)

    def _save_csv(self, item: Item) -> None:
        path = self._ask_path(item, ".csv")
        if path is not None:
            self.write_csv(item, path)

    def write_csv(self, item: Item, path: Path) -> None:
        """Write a table or a plot's numbers as CSV."""
        table = table_of(item.data)
        if table is None:
            return
        try:
            write_table(table, path)
        except OSError as error:
            self._workbench.problem.emit(
                Problem(f"{path.name} cannot be written ({error.strerror}); choose another folder.")
            )
            return
        self._tell(path, True)

    def _tell(self, path: Path, ok: bool) -> None:
        if ok:
            self._workbench.message.emit(f"{path.name} written")
        else:
            text = f"{path.name} cannot be written; choose another folder."
            self._workbench.problem.emit(Problem(text))


def _record_words(record: dict[str, Any]) -> dict[str, str]:
    """The record in a few rows."""
    out = {"Analysis": str(record.get("analysis", ""))}
    for n, entry in enumerate(record.get("inputs", ())):
        out[f"Input {n + 1}"] = f"{entry.get('name', '')} · {str(entry.get('content', ''))[:12]}"
    for name, value in dict(record.get("parameters", {})).items():
        out[name.replace("_", " ").capitalize()] = "automatic" if value is None else str(value)
    out["Seed"] = str(record.get("seed", ""))
    out["Device"] = f"{record.get('device', '')}, {record.get('threads', '')} threads"
    out["Started"] = str(record.get("started", ""))
    if record.get("seconds") is not None:
        out["Took"] = f"{record['seconds']} s" if record["seconds"] < 10 else in_words(record["seconds"])
    for name, version in list(dict(record.get("versions", {})).items())[:3]:
        out[name.capitalize()] = str(version)
    return out
