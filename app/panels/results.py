"""What a run found: numbers, sentences, tables, plots, warnings and the record."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.forms import Card, ColumnWidget, Readings, button, elided, label, paragraph, scrolled, with_error
from app.forms.numbers import number_words
from app.panels.dock import Panel
from app.panels.running import RunningResults
from app.theme import Metrics, Theme
from app.window._ahead import plots_ready
from app.window.exporting import Exports
from app.window.kinds import KIND_WORDS, PLOTS, kind_of_item, size_words
from app.window.tasks import in_words
from app.window.workbench import Workbench
from core.document import Item
from core.records import names_only
from core.results import Heatmap, Number, ResultTable, Text

LOADING = 20
"""Milliseconds between two looks at whether what draws plots has been loaded."""


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
        self.exports = Exports(workbench, self)
        self.running = RunningResults(workbench, self.exports)
        self.running.shown.connect(self._on_running)
        self.numbers: list[Number] = []
        self._hint: QWidget | None = None
        self._body = ColumnWidget(margin=0, spacing=10)
        holder = ColumnWidget(spacing=10)
        holder.column.addWidget(self.running)
        holder.column.addWidget(self._body, 1)
        self.column.addWidget(scrolled(holder))
        self._export = button("Export all…", self._export_all, "link")
        self._export.setToolTip("Everything that this run found, as files in a folder")
        self._export.hide()
        self.header.add(self._export)
        self.group: str | None = None
        self._figures: list[Any] = []
        # A plot takes the window's thread for some 40 ms: one a turn of the event loop, so that it answers between.
        self._later: list[Callable[[], None]] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._next)
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
        self.running.set_theme(theme)
        for figure in self._figures:
            self._later.append(partial(figure.set_theme, theme))
        self._soon.start(0)

    def _on_running(self, running: bool) -> None:
        """Below what is being found there is no promise of it."""
        if self._hint is not None:
            self._hint.setVisible(not running)

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
        self._figures, self._later = [], []
        self.numbers = [c.data for c in children if isinstance(c.data, Number)]
        self._body.clear()
        self._hint = None
        self._export.setVisible(group is not None)
        if group is None:
            self.header.set_note("")
            self._hint = label("What a run finds appears here.", "muted", wrap=True)
            self._body.column.addWidget(self._hint)
            self._on_running(not self.running.isHidden())
            self._body.column.addStretch(1)
            return
        self.header.set_note(group.name)
        for warning in group.warnings:
            self._body.column.addWidget(paragraph(warning, "warn"))
        self._numbers(self.numbers)
        for child in children:
            if isinstance(child.data, Text):
                card = Card()
                card.column.addWidget(label(child.name, "muted"))
                card.column.addWidget(paragraph(child.data.text))
                self._body.column.addWidget(card)
            elif isinstance(child.data, (ResultTable, *PLOTS)):
                card = Card()
                self._body.column.addWidget(card)
                fill = self._table if isinstance(child.data, ResultTable) else self._plot
                self._later.append(partial(fill, card, child))
        layers = [c for c in children if not isinstance(c.data, (Number, Text, ResultTable, *PLOTS))]
        if layers:
            self._layers(layers)
        self._record(group)
        self._body.column.addStretch(1)
        self._soon.start(0)

    @property
    def complete(self) -> bool:
        """Whether every plot and table of the result has been made."""
        return not self._later

    def _next(self) -> None:
        if not self._later:
            return
        if not plots_ready():
            self._soon.start(LOADING)
            return
        action = self._later.pop(0)
        try:
            action()
        finally:
            self._soon.start(1)  # not before it is done: what has come meanwhile goes first

    # -- the parts -------------------------------------------------------------------------------------------

    def _numbers(self, numbers: list[Number]) -> None:
        if not numbers:
            return
        card = Card()
        if len(numbers) > 1:
            head = QHBoxLayout()
            head.addWidget(label("Numbers", "muted"))
            head.addStretch(1)
            head.addWidget(button("Copy all numbers", self.copy_numbers, "link"))
            card.column.addLayout(head)
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

    def _plot(self, card: Card, item: Item) -> None:
        view = self.exports.figure(item, compact=True)
        self._head(
            card,
            item,
            ("Larger", lambda: self.item_wanted.emit(item.id)),
            ("PNG", lambda: self.exports.save_figure(view, item.name, "png")),
            ("CSV", lambda: self.exports.save_numbers(item.data, item.name)),
        )
        tall = isinstance(item.data, Heatmap)
        view.setFixedHeight(Metrics.of(self.font()).px(220 if tall else 180))
        card.column.addWidget(view)
        self._figures.append(view)

    def _table(self, card: Card, item: Item) -> None:
        view = self.exports.table(item, compact=True)
        view.more_wanted.connect(lambda: self.item_wanted.emit(item.id))
        self._head(
            card,
            item,
            ("Larger", lambda: self.item_wanted.emit(item.id)),
            ("Copy", view.copy),
            ("CSV", lambda: self.exports.save_table(item.data.table, item.name, "csv")),
        )
        card.column.addWidget(view)

    def _layers(self, items: list[Item]) -> None:
        card = Card()
        card.column.addWidget(label("In the views", "muted"))
        for item in items:
            row = QHBoxLayout()
            name = button(item.name, partial(self.item_wanted.emit, item.id), "link")
            name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(name)
            kind = kind_of_item(item)
            note = size_words(item)
            words = KIND_WORDS.get(kind, kind)
            about = elided(note if kind == "markup" else f"{words} · {note}" if note else words, "muted")
            about.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            row.addWidget(about, 1)
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
            lambda: QGuiApplication.clipboard().setText(
                json.dumps(names_only(record), indent=2, ensure_ascii=False)
            ),
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

    def copy_numbers(self) -> None:
        """Put all numbers on the clipboard as a table, at full precision."""
        lines = ["name\tvalue\terror\tunit"]
        lines += [
            f"{n.name}\t{n.value!r}\t{'' if n.error is None else repr(n.error)}\t{n.unit}"
            for n in self.numbers
        ]
        QGuiApplication.clipboard().setText("\n".join(lines))
        self._workbench.message.emit("Numbers copied")

    def _export_all(self) -> None:
        if self.group is not None:
            self.exports.save_result(self._workbench.document[self.group])


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
