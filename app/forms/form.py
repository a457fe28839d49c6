"""The form of an analysis, built from its description; it never sees the analysis itself."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.forms.fields import ParameterField, make_field
from app.forms.widgets import Choice, FieldGrid, NumberEdit, Row, button, label, rule
from app.theme import Metrics, Theme, current_theme
from app.window.icons import icon
from app.window.kinds import any_of
from core.analyses import Description, Input, Parameter, ParameterError, as_command, as_python

RUN = "Run this analysis (Ctrl+Return)"


@dataclass(frozen=True)
class Candidate:
    """An open object that an input may take.

    `path` is its address (`core.opening.address`), "" for one that no file holds; `reader` and `options` are
    what reading it again takes beyond the path, "" and nothing where the path is enough.
    """

    id: str
    name: str
    kind: str
    path: str = ""
    reader: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    visible: bool = True
    """What is hidden is offered, but taken only if nothing else fits."""


class InputField(Choice):
    """Chooses one of the open objects whose kind fits."""

    def __init__(self, entry: Input, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self.setAccessibleName(entry.label)
        self.setToolTip(entry.help)

    def set_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Offer those that fit; what was chosen stays chosen while it is there."""
        chosen = self.currentData()
        blank = self.count() > 0 and self.currentIndex() < 0
        self.blockSignals(True)
        self.clear()
        if self.entry.optional:
            self.addItem("none", None)
        for candidate in candidates:
            if candidate.kind in self.entry.kinds:
                self.addItem(candidate.name, candidate.id)
        seen = {c.id for c in candidates if c.visible} | ({None} if self.entry.optional else set())
        ids = [self.itemData(n) for n in range(self.count())]
        first = next((n for n, id in enumerate(ids) if id in seen), 0)
        found = self.findData(chosen)
        self.setCurrentIndex(-1 if blank or not self.count() else found if found >= 0 else first)
        self.setEnabled(self.count() > 0)
        verb = "choose" if self.count() else "open"
        self.setPlaceholderText(f"{verb} a {any_of(self.entry.kinds)}")
        self.blockSignals(False)

    def choose(self, id: str | None) -> bool:
        """Choose an object; False if it is not offered."""
        index = self.findData(id)
        if index < 0:
            return False
        self.setCurrentIndex(index)
        return True


class AnalysisForm(QWidget):
    """Inputs, parameters, seed and device of one analysis, with Run, Reset and the two copies.

    Signals
    -------
    submitted(inputs: list[str], values: dict, seed: int, device: str)
    copied(text: str)
        for the clipboard.
    """

    submitted = Signal(object, object, int, str)  # Qt would sort a dict by its keys
    copied = Signal(str, str)

    def __init__(
        self,
        description: Description,
        devices: Sequence[str] = ("cpu",),
        parent: QWidget | None = None,
        *,
        device_reason: str = "",
    ) -> None:
        super().__init__(parent)
        self.description = description
        self._candidates: dict[str, Candidate] = {}
        m = Metrics.of(self.font())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(m.px(10))
        if description.summary:
            column.addWidget(label(description.summary, "muted", wrap=True))

        self.grid = FieldGrid(self, (4, 6))
        self.inputs = [InputField(entry) for entry in description.inputs]
        for chooser in self.inputs:
            self.grid.add(chooser.entry.label, chooser, chooser.entry.help)
            chooser.currentIndexChanged.connect(lambda _index: self._check())
        if self.inputs and description.parameters:
            self.grid.add_wide(rule())
        self.fields: dict[str, ParameterField] = {}
        self.more: QPushButton | None = None
        advanced = [p for p in description.parameters if p.advanced]
        for parameter in description.parameters:
            if not parameter.advanced:
                self._add_field(self.grid, parameter)
        self.seed = NumberEdit(integer=True, minimum=0, maximum=2**31 - 1, step=1)
        self.seed.set_value(0)
        self.seed.changed.connect(self._check)
        self.dice = QPushButton()
        self.dice.setProperty("role", "square")
        self.dice.setAccessibleName("Random seed")
        self.dice.setToolTip("Another seed by chance")
        self.dice.clicked.connect(lambda _checked=False: self.throw_dice())
        self.set_theme(current_theme())
        self.device = Choice()
        self.device.addItems(list(devices))
        self.device.setEnabled(len(devices) > 1)
        self.advanced = FieldGrid(self, (4, 6))
        for parameter in advanced:
            self._add_field(self.advanced, parameter)
        rest = self.advanced if advanced else self.grid
        if not advanced:
            rest.add_wide(rule())
        seed_row = QWidget()
        row = QHBoxLayout(seed_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(m.px(4))
        row.addWidget(self.seed, 1)
        row.addWidget(self.dice)
        seed_row.setFocusProxy(self.seed)
        rest.add("Seed", seed_row, "The same seed gives the same result.")
        self.seed.setAccessibleName("Seed")
        rest.add("Device", self.device, device_reason or "Where the run computes.")
        column.addWidget(self.grid)
        if advanced:
            self.more = button("More", self._flip_more, "link")
            column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.advanced)
        self.advanced.setVisible(False)

        self.footer = self._make_footer()
        self._check()

    def _add_field(self, grid: FieldGrid, parameter: Parameter) -> None:
        field = make_field(parameter)
        field.changed.connect(self._check)
        self.fields[parameter.name] = field
        grid.add(parameter.label, field, parameter.help)

    def _flip_more(self) -> None:
        self.show_more(self.advanced.isHidden())

    def show_more(self, shown: bool) -> None:
        """Show or hide what few people change."""
        self.advanced.setVisible(shown)
        self._say_more()

    def _say_more(self) -> None:
        """The link says how many of the values behind it are not the defaults: nothing is changed in secret."""
        if self.more is None:
            return
        changed = 0
        for field in self.fields.values():
            if field.parameter.advanced:
                try:
                    changed += field.value() != field.parameter.default
                except ParameterError:
                    changed += 1
        changed += self.seed.text().strip() not in ("0", "")
        words = "Less" if not self.advanced.isHidden() else "More"
        self.more.setText(f"{words} · {changed} changed" if changed else words)
        self.more.setAccessibleName(f"{words} parameters")

    def throw_dice(self) -> None:
        """A seed by chance."""
        self.seed.set_value(random.randrange(1, 2**31))
        self._check()

    def seed_value(self) -> int:
        """The seed, 0 while what is typed is none."""
        try:
            value = self.seed.value()
        except ValueError:
            return 0
        return value if isinstance(value, int) and 0 <= value < 2**31 else 0

    def set_theme(self, theme: Theme) -> None:
        """The one icon follows the theme."""
        self.dice.setIcon(icon("dice", theme.muted))

    def _make_footer(self) -> QWidget:
        """Reason, Run, Reset and the copies; not in the form's layout, so that it can stay in sight below it."""
        m = Metrics.of(self.font())
        footer = QWidget()
        column = QVBoxLayout(footer)
        column.setContentsMargins(m.px(12), m.px(8), m.px(12), m.px(10))
        column.setSpacing(m.px(8))
        self.reason = label("", "small", wrap=True)
        column.addWidget(self.reason)
        first = QHBoxLayout()
        first.setSpacing(m.px(8))
        column.addLayout(first)
        self.run_button = button("Run", self._submit, "primary", RUN)
        self.run_button.setShortcut("Ctrl+Return")
        self.reset_button = button("Reset", self.reset, tip="All parameters back to their defaults")
        self.first = first
        first.addWidget(self.reset_button, 1)
        first.addWidget(self.run_button, 2)
        self.command_button = button("Copy as command", self._copy_command, "link")
        self.python_button = button("Copy as Python", self._copy_python, "link")
        column.addWidget(Row(self.command_button, self.python_button))
        return footer

    # -- what is offered and chosen --------------------------------------------------------------------------

    def set_candidates(self, candidates: Sequence[Candidate]) -> None:
        """The objects that are open now. Inputs of one kind start with different ones."""
        self._candidates = {c.id: c for c in candidates}
        for chooser in self.inputs:
            chooser.set_candidates(candidates)
        used: set[str] = set()
        for chooser in self.inputs:
            chosen = chooser.currentData()
            if chosen in used:
                free = [c for c in candidates if c.kind in chooser.entry.kinds and c.id not in used]
                free.sort(key=lambda c: not c.visible)
                if free:
                    chooser.blockSignals(True)
                    chooser.choose(free[0].id)
                    chooser.blockSignals(False)
            if chooser.currentData():
                used.add(chooser.currentData())
        self._check()

    def choose(self, id: str) -> None:
        """Take an object as the first input that fits it."""
        for chooser in self.inputs:
            if chooser.currentData() == id:
                return
        for chooser in self.inputs:
            if chooser.choose(id):
                break
        self.set_candidates(list(self._candidates.values()))

    def choose_inputs(self, ids: Sequence[str]) -> None:
        """Take these objects, in the order of the inputs; one that is not offered leaves its input blank."""
        for chooser, id in zip(self.inputs, ids, strict=False):
            chooser.blockSignals(True)
            if not chooser.choose(id):
                chooser.setCurrentIndex(-1)
            chooser.blockSignals(False)
        self._check()

    def values(self) -> dict[str, Any]:
        """The checked values of all parameters. Raises `ParameterError` for the first that does not do."""
        return {name: field.value() for name, field in self.fields.items()}

    def set_values(self, values: Mapping[str, Any], seed: int | None = None) -> list[str]:
        """Show the values of an earlier run.

        A file that was changed by hand, or by an earlier version of the analysis, may hold what a field cannot show:
        that field gets its default. Returns the labels of such fields.
        """
        lost = []
        for name, value in values.items():
            field = self.fields.get(name)
            if field is None:
                continue
            try:
                field.set_value(value)
            except (TypeError, ValueError, OverflowError):
                field.reset()
                lost.append(field.parameter.label)
        if seed is not None:
            self.seed.set_value(seed)
        self._check()
        return lost

    def chosen(self) -> list[str]:
        """Ids of the chosen inputs, in order; optional ones left out at the end."""
        return [c.currentData() for c in self.inputs if c.currentData()]

    def reset(self) -> None:
        """All parameters and the seed back to their defaults; the inputs stay."""
        for field in self.fields.values():
            field.blockSignals(True)
            field.reset()
            field.blockSignals(False)
        self.seed.set_value(0)
        self._check()

    # -- checking and sending --------------------------------------------------------------------------------

    def problem(self) -> str:
        """Why it cannot be run, one short sentence; "" if it can. Marks every field that is wrong."""
        first = ""
        for field in self.fields.values():
            try:
                field.value()
            except ParameterError as error:
                if field.parameter.advanced and self.advanced.isHidden():
                    self.advanced.show()  # a reason must be in sight
                first = first or f"{field.parameter.label} {error.reason}."
        try:
            self.seed.set_invalid(False)
            value = self.seed.value()
            if not isinstance(value, int) or value < 0:
                raise ValueError("a seed is a whole number from 0 on")
        except ValueError as error:
            self.seed.set_invalid(True)
            first = first or f"Seed: {error}."
        chosen = [c.currentData() for c in self.inputs]
        for place, chooser in enumerate(self.inputs):
            if not chosen[place] and not chooser.entry.optional:
                verb = "choose" if chooser.count() else "open"
                return f"{chooser.entry.label}: {verb} a {any_of(chooser.entry.kinds)} first."
            if chosen[place] and any(not earlier for earlier in chosen[:place]):
                return f"{chooser.entry.label} can only be given with the inputs above it."
        return first

    def _check(self) -> None:
        reason = self.problem()
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        for each in (self.run_button, self.command_button, self.python_button):
            each.setEnabled(not reason)
        self.run_button.setToolTip(reason or RUN)
        self._say_more()

    def _submit(self) -> None:
        if not self.problem():
            self.submitted.emit(self.chosen(), self.values(), self.seed_value(), self.device.currentText())

    def _paths(self) -> list[str]:
        out = []
        for id in self.chosen():
            candidate = self._candidates[id]
            out.append(candidate.path or f"{Path(candidate.name).name} (save it first)")
        return out

    def _run_arguments(self) -> dict[str, Any]:
        """What repeating the run takes beside inputs and parameters."""
        found = [self._candidates[id] for id in self.chosen() if self._candidates[id].options]
        out: dict[str, Any] = {"seed": self.seed_value(), "device": self.device.currentText()}
        return out | ({"reader": found[0].reader, "options": found[0].options} if found else {})

    def _copy_command(self) -> None:
        text = as_command(self.description, self._paths(), self.values(), **self._run_arguments())
        self.copied.emit(text, "Command copied")

    def _copy_python(self) -> None:
        text = as_python(self.description, self._paths(), self.values(), **self._run_arguments())
        self.copied.emit(text, "Python copied")
