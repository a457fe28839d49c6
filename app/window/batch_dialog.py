"""Run on many files: which analysis, on what, with which parameters, where to, and on which workers."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QGuiApplication,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.forms import AnalysisForm
from app.forms.widgets import Card, Choice, FieldGrid, Row, button, elided, label, scrolled
from app.panels.analysis import NO_GPU, candidate_of, devices
from app.theme import Metrics
from app.window.batch_inputs import Inputs
from app.window.batch_where import WhereFields
from app.window.batches import Batches
from app.window.dialogs import Dialog
from app.window.kinds import any_of, counted
from app.window.tasks import Task
from core.analyses import Description, Input, as_command
from core.exports import file_stem
from core.jobs import JobFailed

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

WAIT = 300
"""Milliseconds of rest after which the cases are counted."""
LISTS = (".csv", ".tsv", ".txt")


class BatchDialog(Dialog):
    """The dialog; stays open beside the window until it is run or closed."""

    def __init__(self, window: MainWindow, batches: Batches) -> None:
        super().__init__("Run on many files", window, 780, 800)
        self._window = window
        self._workbench = window.workbench
        self._batches = batches
        self.form: AnalysisForm | None = None
        self.cases: int | None = None
        self._problem = ""
        self._counting: Task | None = None
        self._round = 0
        self._named = False
        m = Metrics.of(self.font())
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(WAIT)
        self._later.timeout.connect(self._count)

        self.analysis = Choice()
        for analysis in self._workbench.host.analyses:
            if not self._workbench.host.missing(analysis):
                self.analysis.addItem(analysis.title.rstrip("…. "), analysis.id)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(m.px(12), m.px(12), m.px(12), m.px(12))
        column.setSpacing(m.px(12))
        first = FieldGrid(share=(4, 6))
        first.add("Analysis", self.analysis)
        column.addWidget(first)
        self._make_inputs(column, m)
        self._same_grid = FieldGrid(share=(4, 6))
        column.addWidget(self._same_grid)
        self._holder = QVBoxLayout()
        column.addWidget(label("Parameters", "heading"))
        column.addLayout(self._holder)
        column.addWidget(label("Results", "heading"))
        column.addWidget(self._make_results(m))
        column.addStretch(1)
        self.same: dict[str, QLineEdit] = {}
        self.column.addWidget(scrolled(body), 1)
        self.reason = label("", "muted", wrap=True)
        self.column.addWidget(self.reason)
        self._make_buttons()
        self.resize(self._width, min(self._height, round(0.9 * self.screen().availableSize().height())))
        self.analysis.currentIndexChanged.connect(lambda _index: self._rebuild())
        self._workbench.descriptions_changed.connect(self._rebuild)
        self._choose_first()
        self._rebuild()

    # -- construction ----------------------------------------------------------------------------------------

    def _make_inputs(self, column: QVBoxLayout, m: Metrics) -> None:
        column.addWidget(label("Inputs", "heading"))
        self.takes = label("", "muted", wrap=True)
        column.addWidget(self.takes)
        self.inputs = Inputs(self._touched)
        self.inputs.setFixedHeight(m.px(120))
        card = Card()
        card.column.setContentsMargins(1, 1, 1, 1)
        card.column.addWidget(self.inputs)
        column.addWidget(card)
        row = QHBoxLayout()
        row.setSpacing(m.px(8))
        self.typed = QLineEdit()
        self.typed.setPlaceholderText("A path or pattern, such as /data/*/T1.nii.gz")
        self.typed.setAccessibleName("Path or pattern to add")
        self.typed.returnPressed.connect(self._add_typed)
        row.addWidget(self.typed, 1)
        row.addWidget(button("Add", self._add_typed))
        column.addLayout(row)
        self.open_button = button(
            "Add what is open", self.add_open, tip="The files of the open objects that fit"
        )
        buttons = (
            button("Add files…", self._ask_files),
            button("Add folder…", self._ask_folder, tip="All files in it that fit, in its folders, too"),
            button("Add list…", self._ask_list, tip="A CSV of inputs and parameters, a case a line"),
            self.open_button,
            button("Remove", self.inputs.remove_selected, "quiet", "Take the selected rows out (Delete)"),
        )
        column.addWidget(Row(*buttons))
        for each in buttons:
            each.setAutoDefault(False)
        self.found = elided("", "small")
        column.addWidget(self.found)

    def _make_results(self, m: Metrics) -> FieldGrid:
        grid = FieldGrid(share=(4, 6))
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(m.px(8))
        self.out = QLineEdit()
        self.out.setAccessibleName("Folder for the results")
        self.out.textEdited.connect(lambda _text: self._on_out())
        choose = button("Choose…", self._ask_out)
        choose.setAutoDefault(False)
        line.addWidget(self.out, 1)
        line.addWidget(choose)
        row.setFocusProxy(self.out)
        grid.add("Folder", row, "A new or an empty folder, or that of the same batch, which then goes on")
        self.on = WhereFields(grid, self._workbench.settings, self._check)
        return grid

    def _make_buttons(self) -> None:
        row = QHBoxLayout()
        self.copy_button = button("Copy as command", self.copy, "link")
        row.addWidget(self.copy_button)
        row.addStretch(1)
        row.addWidget(button("Close", self.close))
        self.run_button = button("Run", self.run, "primary")
        row.addWidget(self.run_button)
        self.column.addLayout(row)

    def _choose_first(self) -> None:
        """The analysis whose form the window shows, or one that fits what is selected."""
        wanted = self._window.analysis.chosen
        current = self._workbench.current
        if not wanted and current is not None and current.data is not None:
            kind = candidate_of(current).kind
            wanted = next((a.id for a in self._workbench.host.analyses_for([kind])), "")
        self.analysis.setCurrentIndex(max(0, self.analysis.findData(wanted)))

    # -- the chosen analysis -----------------------------------------------------------------------------------

    @property
    def description(self) -> Description | None:
        """Of the chosen analysis; None until a worker has told it."""
        return self._workbench.descriptions.get(self.analysis.currentData() or "")

    def _rebuild(self) -> None:
        description = self.description
        if description is None:
            self._workbench.load_descriptions()
            self.takes.setText("Loading…")
            self._check()
            return
        if self.form is not None and self.form.description.id == description.id:
            return
        values: dict[str, Any] = {}
        seed, shown = 0, self._window.analysis.form
        if shown is not None and shown.description.id == description.id and not shown.problem():
            values, seed = shown.values(), shown.seed_value()
        if self.form is not None:
            self._holder.removeWidget(self.form)
            self.form.hide()
            self.form.footer.deleteLater()
            self.form.deleteLater()
        # Without inputs: these are the cases'.
        offered = devices()
        form = AnalysisForm(
            msgspec.structs.replace(description, inputs=(), summary=""),
            offered,
            device_reason="" if len(offered) > 1 else NO_GPU,
        )
        form.footer.setParent(form)
        form.footer.hide()
        for field in form.fields.values():
            field.changed.connect(self._check)
        form.seed.changed.connect(self._check)
        if values:
            form.set_values(values, seed)
        self._holder.addWidget(form)
        self.form = form
        self._show_same(description)
        self._say_takes(description)
        if not self._named:
            self.out.setText(str(self._proposed(description)))
        self._touched()

    def _show_same(self, description: Description) -> None:
        """Of several inputs some may be the same for all cases."""
        while self._same_grid._rows:
            name, field = self._same_grid._rows.pop()
            for widget in (name, field):
                if widget is not None:
                    self._same_grid.grid.removeWidget(widget)
                    widget.hide()
                    widget.deleteLater()
        self.same = {}
        for entry in description.inputs if len(description.inputs) > 1 else ():
            edit = QLineEdit()
            edit.setPlaceholderText("differs, or the file that is the same for all")
            edit.textEdited.connect(lambda _text: self._touched())
            self._same_grid.add(entry.label, edit, entry.help)
            self.same[entry.name] = edit
        self._same_grid.setVisible(bool(self.same))

    def _say_takes(self, description: Description) -> None:
        if len(description.inputs) == 1:
            self.takes.setText(f"Each case takes a {any_of(description.inputs[0].kinds)}.")
            return
        names = ", ".join(f"{i.label} ({any_of(i.kinds)})" for i in description.inputs)
        self.takes.setText(f"Each case takes {len(description.inputs)} inputs: {names}.")

    def _free(self, description: Description) -> list[Input]:
        """The inputs that each case has of its own, those that may be left out at the end."""
        held = self._same()
        free = [i for i in description.inputs if i.name not in held]
        return sorted(free, key=lambda i: i.optional)

    def _which(self, description: Description) -> str:
        """Why it is not clear which input the added files are, "" if it is."""
        free = self._free(description)
        if not free:
            return "All inputs are the same for all cases; leave one of them empty."
        needed = [i.label for i in free if not i.optional]
        if len(needed) > 1:
            return (
                f"Name the file for all but one of {' and '.join(needed)}, or add a list with a case a line."
            )
        return ""

    def _proposed(self, description: Description) -> Path:
        base = self._workbench.settings.folder("batch-folder", "export-folder")
        stem = file_stem(description.title.rstrip("…. ").lower())
        found, n = base / f"{stem}-batch", 2
        while found.exists() and n < 1000:
            found, n = base / f"{stem}-batch-{n}", n + 1
        return found

    # -- inputs ----------------------------------------------------------------------------------------------

    def _folder(self) -> str:
        return str(self._workbench.settings.folder("open-folder"))

    def _ask_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Add files", self._folder(), "All files (*)")
        for path in paths:
            self.inputs.add(path)
        if paths:
            self._workbench.settings.set("open-folder", str(Path(paths[0]).parent))

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Add folder", self._folder())
        if path:
            self.inputs.add(path)
            self._workbench.settings.set("open-folder", str(Path(path).parent))

    def _ask_list(self) -> None:
        filters = f"Lists ({' '.join(f'*{e}' for e in LISTS)});;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self, "Add a list of cases", self._folder(), filters)
        if path:
            self.inputs.add(path, is_list=True)

    def _ask_out(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self, "Folder for the results", str(Path(self.out.text()).parent)
        )
        if path:
            self.out.setText(path)
            self._on_out()

    def _on_out(self) -> None:
        self._named = True
        self._touched()

    def _add_typed(self) -> None:
        text = self.typed.text().strip()
        if text:
            self.inputs.add(text if ":" in text.partition("/")[0] else str(Path(text).expanduser()))
            self.typed.clear()

    def add_open(self) -> None:
        """The files of the open objects that fit the first input."""
        description = self.description
        free = self._free(description) if description is not None else []
        if not free:
            return
        for item in self._workbench.document:
            if item.data is None or item.parent is not None:
                continue
            candidate = candidate_of(item)
            if candidate.kind in free[0].kinds and candidate.path:
                self.inputs.add(candidate.path)

    # -- counting and checking --------------------------------------------------------------------------------

    def _touched(self) -> None:
        self.cases, self._problem = None, ""
        self._round += 1
        self._later.start()
        self._check()

    def _count(self) -> None:
        description = self.description
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None
        if description is None or not (self.inputs.paths() or self.inputs.lists()):
            self.found.setText("")
            self._check()
            return
        if self.inputs.paths() and self._which(description):
            self.found.setText("")
            return
        round = self._round

        def done(found: dict[str, Any]) -> None:
            if round == self._round:
                self.cases = len(found["cases"])
                self.found.setText(" · ".join([counted(self.cases, "case"), *found["notes"]]))
                self._check()

        def failed(error: JobFailed) -> None:
            if round == self._round:
                self._problem = str(error)
                self.found.setText("")
                self._check()

        self.found.setText("Looking…")
        payload = {
            "analysis": description.id,
            "inputs": self.inputs.paths(),
            "lists": self.inputs.lists(),
            "same": self._same(),
            "out": self.out.text().strip(),
        }
        self._counting = self._workbench.submit(
            "find_cases",
            payload,
            title="Count cases",
            on_done=done,
            on_failed=failed,
            shown=False,
            urgent=True,
        )

    def _same(self) -> dict[str, str]:
        return {name: edit.text().strip() for name, edit in self.same.items() if edit.text().strip()}

    def problem(self) -> str:
        """Why it cannot be run, "" if it can."""
        if not self.analysis.count():
            return "No plugin brings an analysis."
        if self.form is None or self.description is None:
            return "Loading…"
        if not (self.inputs.paths() or self.inputs.lists()):
            return "Add the files to run on."
        unclear = self._which(self.description) if self.inputs.paths() else ""
        if unclear:
            return unclear
        if self._problem:
            return self._problem
        reason = self.form.problem()
        if reason:
            return reason
        if not self.out.text().strip():
            return "Choose a folder for the results."
        return self.on.problem()

    def _check(self) -> None:
        if not hasattr(self, "run_button"):
            return
        reason = self.problem()
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        self.run_button.setEnabled(not reason)
        self.copy_button.setEnabled(not reason)
        self.run_button.setText(f"Run {counted(self.cases, 'case')}" if self.cases else "Run")

    # -- doing it --------------------------------------------------------------------------------------------

    def words(self) -> list[str]:
        """The command without "equiscope"."""
        assert self.form is not None and self.description is not None
        out = str(Path(self.out.text().strip()).expanduser().absolute())
        more = [w for path in self.inputs.lists() for w in ("--inputs", path)]
        more += [w for name, path in self._same().items() for w in ("--same", f"{name}={path}")]
        line = as_command(
            self.description,
            [*self.inputs.paths(), *more],
            self.form.values(),
            seed=self.form.seed_value(),
            device=self.form.device.currentText(),
            out=out,
        )
        words = shlex.split(line)
        return ["batch", *words[2:], *self.on.words()]

    def copy(self) -> None:
        """The command, to the clipboard."""
        if not self.problem():
            QGuiApplication.clipboard().setText(shlex.join(["equiscope", *self.words()]))
            self._workbench.message.emit("Command copied")

    def run(self) -> None:
        """Begin the batch; the panel shows it."""
        if self.problem():
            return
        words = self.words()
        folder = Path(self.out.text().strip()).expanduser().absolute()
        settings = self._workbench.settings
        settings.set("batch-folder", str(folder.parent))
        self.on.remember(settings)
        self._batches.start(words, folder)
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._later.stop()
        self._round += 1
        if self._counting is not None:
            self._counting.cancel()
        super().closeEvent(event)
