"""The form of the chosen analysis, or what could be done with what is selected."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.forms import AnalysisForm, ColumnWidget, button, label, scrolled
from app.forms.form import Candidate
from app.forms.preset_menu import PresetButton
from app.forms.presets import Presets
from app.forms.tips import plain_tip
from app.panels.about_analysis import about_analysis
from app.panels.dock import Panel
from app.theme import Theme
from app.window.adopt import in_results_only
from app.window.kinds import kind_of_item
from app.window.workbench import Problem, Workbench
from core.document import Item
from core.opening import address
from core.plugins import Analysis

NO_GPU = "This machine shows no NVIDIA GPU, so everything is computed on its processor."


def devices() -> list[str]:
    """What torch code could run on, told without torch: the CPU and the NVIDIA devices that the system lists."""
    try:
        names = os.listdir("/dev")
    except OSError:
        names = []
    numbers = sorted(int(n[6:]) for n in names if n.startswith("nvidia") and n[6:].isdigit())
    return ["cpu", *(f"cuda:{n}" for n in numbers)]


def candidate_of(item: Item) -> Candidate:
    """What the form needs to know of an open object; one that was edited stands in no file."""
    kind, source = kind_of_item(item), item.source
    visible = item.display.visible
    if source is None or item.edited:
        return Candidate(item.id, item.name, kind, visible=visible)
    return Candidate(item.id, item.name, kind, address(source), source.reader, source.options, visible)


class AnalysisPanel(Panel):
    """The dock "Analysis"."""

    name = "analysis"
    title = "Analysis"
    least_width = 264
    started = Signal(object)
    help_wanted = Signal(str)
    """The id of the analysis that the user wants to read about."""

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self._body = ColumnWidget()
        self.column.addWidget(scrolled(self._body), 1)
        self._footer = QVBoxLayout()
        self.column.addLayout(self._footer)
        self._help_button = button(
            "Help", lambda: self.help_wanted.emit(self.chosen), "link", "All about this analysis"
        )
        self._help_button.hide()
        self.header.add(self._help_button)
        self._others = button("Others…", lambda: self.choose(None), "link", "Choose another analysis")
        self._others.hide()
        self.header.add(self._others)
        self.form: AnalysisForm | None = None
        self._analysis: Analysis | None = None
        self._wanted: tuple[tuple[str, ...], str] | None = None
        self._remembered: dict[str, tuple[dict[str, Any], int]] = {}
        workbench.changed.connect(self._on_changed)
        workbench.selection_changed.connect(self._on_selected)
        workbench.descriptions_changed.connect(self._on_described)
        self._offer()

    @property
    def chosen(self) -> str:
        """The id of the analysis whose form is shown, "" without one."""
        return self._analysis.id if self._analysis is not None else ""

    def choose(self, analysis: Analysis | None) -> None:
        """Show the form of an analysis, or the suggestions for None."""
        self._remember()
        self._analysis = analysis
        self._build()
        if self.form is not None:
            first = next((f for f in self.form.fields.values()), None)
            if first is not None:
                first.setFocus()

    def repeat(
        self,
        analysis: Analysis,
        values: dict[str, Any],
        seed: int,
        inputs: Sequence[str] = (),
        device: str = "",
    ) -> None:
        """Show the form with the values of an earlier run, and its inputs where they are open."""
        self._remember()
        self._remembered[analysis.id] = (values, seed)
        self._wanted = (tuple(inputs), device)
        self._analysis = analysis
        self._build()

    def state(self) -> dict[str, Any]:
        """What a session remembers: the form that is shown, its inputs and device, and what was typed in every one."""
        self._remember()
        kept = {
            id: {"values": _plain(values), "seed": seed} for id, (values, seed) in self._remembered.items()
        }
        inputs = [c.currentData() or "" for c in self.form.inputs] if self.form is not None else []
        device = self.form.device.currentText() if self.form is not None else ""
        return {"chosen": self.chosen, "inputs": inputs, "device": device, "typed": kept}

    def restore(self, state: Any, analyses: Mapping[str, Analysis]) -> None:
        """Bring back what `state` said; of analyses that are not installed here the values wait in the session."""
        if not isinstance(state, Mapping):
            return
        typed = state.get("typed")
        if isinstance(typed, Mapping):
            self._remembered.clear()
        for id, entry in typed.items() if isinstance(typed, Mapping) else ():
            values = entry.get("values") if isinstance(entry, Mapping) else None
            if isinstance(values, Mapping):
                seed = entry.get("seed")
                self._remembered[str(id)] = (dict(values), seed if isinstance(seed, int) and seed >= 0 else 0)
        analysis = analyses.get(str(state.get("chosen") or ""))
        if analysis is None:
            return
        inputs, device = state.get("inputs"), state.get("device")
        ids = tuple(i for i in inputs if isinstance(i, str)) if isinstance(inputs, list) else ()
        self._wanted = (ids, device if isinstance(device, str) else "") if any(ids) else None
        self._analysis = analysis
        self._build()

    def _remember(self) -> None:
        if self.form is None:
            return
        kept = {}
        for name, field in self.form.fields.items():
            try:
                kept[name] = field.value()
            except ValueError:
                continue
            except Exception as error:  # a ParameterError: half-typed values are not kept
                if type(error).__name__ != "ParameterError":
                    raise
        seed = self.form.seed.text()
        self._remembered[self.form.description.id] = (kept, int(seed) if seed.isdigit() else 0)

    def _clear(self) -> None:
        focus = self.window().focusWidget()
        if focus is not None and self.isAncestorOf(focus):
            # Else Qt hands it to whatever comes next, which may be anywhere in the window.
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._others.hide()
        self._help_button.hide()
        self._body.clear()
        if self.form is not None:
            self.form.footer.hide()
            self._footer.removeWidget(self.form.footer)
            self.form.footer.deleteLater()
            self.form = None

    def _build(self) -> None:
        self._clear()
        if self._analysis is None:
            self._offer()
            return
        title = self._analysis.title.rstrip("…. ")
        self.header.title.setText(title)
        self.header.set_note(self._analysis.menu)
        description = self._workbench.descriptions.get(self._analysis.id)
        if description is None:
            self._workbench.load_descriptions()
            self._body.column.addWidget(label(f"Loading {title}…", "muted"))
            self._body.column.addStretch(1)
            return
        offered = devices()
        form = AnalysisForm(description, offered, device_reason="" if len(offered) > 1 else NO_GPU)
        presets = PresetButton(
            form,
            Presets(self._workbench.settings, description.id),
            self._workbench.message.emit,
            lambda text: self._workbench.problem.emit(Problem(text, level="warn")),
        )
        presets.setProperty("menu", True)
        form.first.insertWidget(0, presets, 1)
        self.presets = presets
        form.submitted.connect(self._run)
        form.copied.connect(self._copy)
        self._body.column.addWidget(form)
        if description.help.strip() != description.summary.strip() or description.reference:
            self._body.column.addWidget(about_analysis(description))
        self._others.show()
        self._help_button.show()
        self._body.column.addStretch(1)
        self._footer.addWidget(form.footer)
        self.form = form
        chosen = form.device.findText(str(self._workbench.settings.get("device", "cpu")))
        form.device.setCurrentIndex(max(0, chosen))
        form.set_candidates(self._candidates())
        if description.id in self._remembered:
            values, seed = self._remembered[description.id]
            lost = form.set_values(values, seed)
            if lost:
                text = f"There is no fitting value for {' and '.join(lost)}; the default is shown instead."
                self._workbench.problem.emit(Problem(text, level="warn"))
        if self._wanted is not None:
            (ids, device), self._wanted = self._wanted, None
            form.choose_inputs(ids)
            if device and form.device.findText(device) >= 0:
                form.device.setCurrentText(device)
        elif self._workbench.selected:
            form.choose(self._workbench.selected)

    def set_theme(self, theme: Theme) -> None:
        """The form's icon follows the theme."""
        if self.form is not None:
            self.form.set_theme(theme)

    def _offer(self) -> None:
        """No analysis chosen: list those that fit what is selected."""
        self._clear()
        self.header.title.setText(self.title)
        self.header.set_note("")
        current = self._workbench.current
        host = self._workbench.host
        kinds = [kind_of_item(current)] if current is not None and current.data is not None else []
        fitting = [a for a in host.analyses if kinds and any(kinds[0] in accepted for accepted in a.inputs)]
        if not fitting:
            words = (
                "Open something, then choose from the menu Analyse."
                if current is None
                else "No analysis takes what is selected. The menu Analyse lists them all."
            )
            self._body.column.addWidget(label(words, "muted", wrap=True))
        else:
            self._body.column.addWidget(label(f"With {current.name if current else ''}:", "muted", wrap=True))
            for analysis in fitting:
                made = button(analysis.title, partial(self.choose, analysis))
                reason = self._workbench.why_not(analysis)
                made.setEnabled(not reason)
                made.setToolTip(plain_tip(reason.capitalize()))
                self._body.column.addWidget(made)
        self._body.column.addStretch(1)

    def _candidates(self) -> list[Candidate]:
        return [
            candidate_of(i) for i in self._workbench.document if i.data is not None and not in_results_only(i)
        ]

    # -- events ----------------------------------------------------------------------------------------------

    def _on_changed(self, change: Any) -> None:
        if change is None:  # another session: begin with what fits it
            self.choose(None)
            return
        if not (change.added or change.removed) and type(change.edit).__name__ == "SetDisplay":
            return
        if self.form is not None:
            self.form.set_candidates(self._candidates())
        elif self._analysis is None:
            self._offer()

    def _on_selected(self, id: str | None) -> None:
        if self.form is not None and id is not None:
            self.form.choose(id)
        elif self._analysis is None:
            self._offer()

    def _on_described(self) -> None:
        if self._analysis is not None and self.form is None:
            self._build()

    def _run(self, inputs: list[str], values: dict[str, Any], seed: int, device: str) -> None:
        if self.form is not None:
            task = self._workbench.run(self.form.description, inputs, values, seed=seed, device=device)
            self.started.emit(task)

    def _copy(self, text: str, message: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._workbench.message.emit(message)


def _plain(value: Any) -> Any:
    """Values of fields as JSON has them; what it has no word for is left out."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
