"""The form of an analysis, built from its description; it never sees the analysis itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.forms.fields import ParameterField, make_field
from app.forms.widgets import FieldGrid, NumberEdit, button, label, rule
from app.theme import Metrics
from app.window.kinds import any_of
from core.analyses import Description, Input, ParameterError, as_command, as_python

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


class InputField(QComboBox):
    """Chooses one of the open objects whose kind fits."""

    def __init__(self, entry: Input, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setAccessibleName(entry.label)
        self.setToolTip(entry.help)

    def set_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Offer those that fit; what was chosen stays chosen while it is there."""
        chosen = self.currentData()
        self.blockSignals(True)
        self.clear()
        if self.entry.optional:
            self.addItem("none", None)
        for candidate in candidates:
            if candidate.kind in self.entry.kinds:
                self.addItem(candidate.name, candidate.id)
        self.setCurrentIndex(max(0, self.findData(chosen)) if self.count() else -1)
        self.setEnabled(self.count() > 0)
        if not self.count():
            self.setPlaceholderText(f"open a {any_of(self.entry.kinds)}")
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
        self, description: Description, devices: Sequence[str] = ("cpu",), parent: QWidget | None = None
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
        for parameter in description.parameters:
            field = make_field(parameter)
            field.changed.connect(self._check)
            self.fields[parameter.name] = field
            self.grid.add(parameter.label, field, parameter.help)
        self.grid.add_wide(rule())
        self.seed = NumberEdit(integer=True, minimum=0, maximum=2**31 - 1, step=1)
        self.seed.set_value(0)
        self.seed.changed.connect(self._check)
        self.grid.add("Seed", self.seed, "The same seed gives the same result.")
        self.device = QComboBox()
        self.device.addItems(list(devices))
        self.grid.add("Device", self.device, "Where the run computes.")
        self.device.setEnabled(len(devices) > 1)
        column.addWidget(self.grid)

        self.footer = self._make_footer()
        self._check()

    def _make_footer(self) -> QWidget:
        """Reason, Run, Reset and the copies; not in the form's layout, so that it can stay in sight below it."""
        m = Metrics.of(self.font())
        footer = QWidget()
        column = QVBoxLayout(footer)
        column.setContentsMargins(m.px(12), m.px(8), m.px(12), m.px(10))
        column.setSpacing(m.px(8))
        self.reason = label("", "small", wrap=True)
        column.addWidget(self.reason)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setSpacing(m.px(8))
            column.addLayout(row)
        self.run_button = button("Run", self._submit, "primary", RUN)
        self.run_button.setShortcut("Ctrl+Return")
        self.reset_button = button("Reset", self.reset, tip="All parameters back to their defaults")
        first.addWidget(self.reset_button, 1)
        first.addWidget(self.run_button, 2)
        self.command_button = button("Copy as command", self._copy_command, "link")
        self.python_button = button("Copy as Python", self._copy_python, "link")
        second.addWidget(self.command_button)
        second.addWidget(self.python_button)
        second.addStretch(1)
        self.second = second
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

    def values(self) -> dict[str, Any]:
        """The checked values of all parameters. Raises `ParameterError` for the first that does not do."""
        return {name: field.value() for name, field in self.fields.items()}

    def set_values(self, values: Mapping[str, Any], seed: int | None = None) -> None:
        """Show the values of an earlier run."""
        for name, value in values.items():
            if name in self.fields:
                self.fields[name].set_value(value)
        if seed is not None:
            self.seed.set_value(seed)
        self._check()

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
        for name, field in self.fields.items():
            try:
                field.value()
            except ParameterError as error:
                first = first or f"{self.fields[name].parameter.label} {error.reason}."
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
                return f"{chooser.entry.label}: open a {any_of(chooser.entry.kinds)} first."
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

    def _submit(self) -> None:
        if not self.problem():
            self.submitted.emit(
                self.chosen(), self.values(), int(self.seed.value() or 0), self.device.currentText()
            )

    def _paths(self) -> list[str]:
        out = []
        for id in self.chosen():
            candidate = self._candidates[id]
            out.append(candidate.path or f"{Path(candidate.name).name} (save it first)")
        return out

    def _run_arguments(self) -> dict[str, Any]:
        """What repeating the run takes beside inputs and parameters."""
        found = [self._candidates[id] for id in self.chosen() if self._candidates[id].options]
        out: dict[str, Any] = {"seed": int(self.seed.value() or 0), "device": self.device.currentText()}
        return out | ({"reader": found[0].reader, "options": found[0].options} if found else {})

    def _copy_command(self) -> None:
        text = as_command(self.description, self._paths(), self.values(), **self._run_arguments())
        self.copied.emit(text, "Command copied")

    def _copy_python(self) -> None:
        text = as_python(self.description, self._paths(), self.values(), **self._run_arguments())
        self.copied.emit(text, "Python copied")
