"""Help on every analysis, built from its description: what it does, takes and finds, and where it comes from."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QLineEdit,
    QSplitter,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.forms.numbers import number_words
from app.theme import Metrics
from app.window.commands import score
from app.window.dialogs import Dialog
from app.window.kinds import any_of
from app.window.trees import children, group_row, groups, show_only
from app.window.workbench import Workbench
from core.analyses import Description, Parameter, as_command
from core.plugins import Analysis

ID = Qt.ItemDataRole.UserRole
TYPES = {
    "bool": "yes or no",
    "int": "whole number",
    "float": "number",
    "str": "text",
    "path": "file or folder",
}
_DOI = re.compile(
    r"(?:https?://)?(?:dx\.)?doi\.org/(10\.\d{4,}/[^\s<>;,]+)|\bdoi:\s*(10\.\d{4,}/[^\s<>;,]+)", re.I
)
_ARXIV = re.compile(r"\barXiv:\s*(\d{4}\.\d{4,5}(?:v\d+)?)", re.I)


class AnalysesHelp(Dialog):
    """All analyses at the left, what is to be known of the chosen one at the right."""

    def __init__(
        self, workbench: Workbench, open_form: Callable[[Analysis], object], parent: QWidget
    ) -> None:
        super().__init__("Help on analyses", parent, 860, 620)
        self._workbench, self._open_form = workbench, open_form
        self._analyses = {a.id: a for a in workbench.host.analyses}
        m = Metrics.of(self.font())
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search analyses, their parameters and references")
        self.search.setAccessibleName("Search analyses")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._filter())
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setAccessibleName("Analyses")
        self.tree.currentItemChanged.connect(lambda _now, _before: self._show())
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(m.px(8))
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        self.text = QTextBrowser()
        self.text.setAccessibleName("About the analysis")
        self.text.setOpenExternalLinks(True)
        self.text.setTabChangesFocus(True)
        split = QSplitter()
        split.addWidget(left)
        split.addWidget(self.text)
        split.setStretchFactor(1, 1)
        split.setSizes([m.px(260), m.px(580)])
        split.setChildrenCollapsible(False)
        self.column.addWidget(split, 1)
        self._fill()
        workbench.descriptions_changed.connect(self._on_described)
        workbench.load_descriptions()
        self.finish(("Open its form", self._form), ("Copy command", self._copy))
        self.search.setFocus()

    def _fill(self) -> None:
        tops: dict[str, QTreeWidgetItem] = {}
        for analysis in self._analyses.values():
            group = analysis.menu or "Other"
            if group not in tops:
                tops[group] = group_row(self.tree, group)
            row = QTreeWidgetItem([_title(analysis)])
            row.setData(0, ID, analysis.id)
            tops[group].addChild(row)
        self.tree.expandAll()
        first = next((row for top in groups(self.tree) for row in children(top)), None)
        if first is not None:
            self.tree.setCurrentItem(first)
        self._show()

    def choose(self, id: str) -> None:
        """Show one analysis."""
        for top in groups(self.tree):
            for row in children(top):
                if row.data(0, ID) == id:
                    self.tree.setCurrentItem(row)

    @property
    def current(self) -> Analysis | None:
        """The analysis that is shown."""
        row = self.tree.currentItem()
        return self._analyses.get(str(row.data(0, ID))) if row is not None else None

    def _filter(self) -> None:
        text = self.search.text()

        def fits(group: QTreeWidgetItem, row: QTreeWidgetItem) -> bool:
            id = str(row.data(0, ID))
            description = self._workbench.descriptions.get(id)
            words = f"{group.text(0)} {id} {self._analyses[id].reference}"
            if description is not None:
                names = " ".join(f"{p.label} {p.name}" for p in description.parameters)
                words += f" {description.help} {names}"
            return bool(score(text, row.text(0), words))

        show_only(self.tree, fits)
        row = self.tree.currentItem()
        if row is None or row.isHidden():
            left = [r for top in groups(self.tree) for r in children(top) if not r.isHidden()]
            if left:
                self.tree.setCurrentItem(left[0])

    def _on_described(self) -> None:
        self._filter()
        self._show()

    def _show(self) -> None:
        analysis = self.current
        if analysis is None:
            self.text.setHtml("<p>No plugin brings an analysis.</p>" if not self._analyses else "")
            return
        description = self._workbench.descriptions.get(analysis.id)
        reason = self._workbench.why_not(analysis)
        self.text.setHtml(as_html(analysis, description, reason))

    def _form(self) -> None:
        if self.current is not None:
            self._open_form(self.current)

    def _copy(self) -> None:
        analysis = self.current
        description = self._workbench.descriptions.get(analysis.id) if analysis is not None else None
        if description is not None:
            QGuiApplication.clipboard().setText(example(description))
            self._workbench.message.emit("Command copied")


def example(description: Description) -> str:
    """The command line with names for the files and the default parameters."""
    return as_command(description, [i.name.upper() for i in description.inputs if not i.optional], {}, seed=0)


def as_html(analysis: Analysis, description: Description | None, reason: str = "") -> str:
    """What is known of an analysis; without a description what its manifest says."""
    parts = [f"<h2>{html.escape(_title(analysis))}</h2>"]
    if reason:
        parts.append(f"<p><b>Not now:</b> {html.escape(reason)}.</p>")
    if description is None:
        parts.append("<p>Its description is being loaded, or cannot be: the plugin list says why.</p>")
    else:
        paragraphs = [" ".join(p.split()) for p in description.help.split("\n\n") if p.strip()]
        parts += [f"<p>{_linked(p)}</p>" for p in paragraphs]
        if description.inputs:
            rows = [
                (i.label, any_of(i.kinds) + (" (may be left out)" if i.optional else ""), i.help)
                for i in description.inputs
            ]
            parts += ["<h3>Takes</h3>", _table(("Input", "Kind", "About"), rows)]
        fields = [(p.label, *parameter_words(p), p.help) for p in description.parameters]
        if fields:
            parts += ["<h3>Parameters</h3>", _table(("Name", "Value", "Default", "About"), fields)]
    if analysis.reference:
        parts.append(f"<h3>Reference</h3><p>{_linked(analysis.reference)}</p>")
    if description is not None:
        parts.append(f"<h3>Command</h3><pre>{html.escape(example(description))}</pre>")
    parts.append(f"<p>Id: {html.escape(analysis.id)}</p>")
    return "".join(parts)


def parameter_words(p: Parameter) -> tuple[str, str]:
    """What values a parameter takes (with range and unit), and its default."""
    if p.choices:
        value = ", ".join(map(str, p.choices))
    else:
        value = f"{p.length} numbers" if p.type == "vector" else TYPES.get(p.type, p.type)
    low, high = p.minimum, p.maximum
    if low is not None and high is not None:
        value += f", {number_words(low)} to {number_words(high)}"
    elif low is not None:
        value += f", at least {number_words(low)}"
    elif high is not None:
        value += f", at most {number_words(high)}"
    if p.unit:
        value += f" {p.unit}" if low is not None or high is not None else f" in {p.unit}"
    if p.required:
        return value, "needed"
    if p.default is None:
        return value, "automatic"
    if isinstance(p.default, bool):
        return value, "yes" if p.default else "no"
    if isinstance(p.default, (list, tuple)):
        return value, ", ".join(number_words(n) for n in p.default)
    return value, number_words(p.default) if isinstance(p.default, (int, float)) else str(
        p.default
    ) or "empty"


def _title(analysis: Analysis) -> str:
    return analysis.title.rstrip("…. ")


def _linked(text: str) -> str:
    """Escaped, with DOIs and arXiv numbers as links."""
    found = html.escape(text)
    found = _DOI.sub(lambda m: f'<a href="https://doi.org/{m[1] or m[2]}">doi:{m[1] or m[2]}</a>', found)
    return _ARXIV.sub(lambda m: f'<a href="https://arxiv.org/abs/{m[1]}">arXiv:{m[1]}</a>', found)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    titles = "".join(f'<th align="left">{h}</th>' for h in head)
    cells = ("".join(f'<td valign="top">{html.escape(c)}</td>' for c in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<table cellpadding="4" width="100%"><tr>{titles}</tr>{body}</table>'
