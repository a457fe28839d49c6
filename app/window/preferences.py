"""The preferences: pages of fields, each applied as it is changed, or saying that it waits for the next start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QStackedWidget,
    QWidget,
)

from app.forms.widgets import ColumnWidget, FieldGrid, NumberEdit, button, label, scrolled
from app.panels.analysis import devices
from app.panels.display.fields import map_choices
from app.theme import Metrics
from app.window.dialogs import Dialog
from app.window.kinds import count
from app.window.preferences_values import (
    BACKENDS,
    LEAST_UNDO,
    MOST_UNDO,
    MOST_UNDO_MEMORY,
    UNDO,
    WORKERS,
)
from app.window.trusted_page import TrustedModels
from app.window.view_actions import SCALES
from core.document import default_budget
from core.settings import MOST_RECENT, RECENT

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

TRUSTED = "Trusted models"
RESTART = "Takes effect at the next start."


@dataclass
class Field:
    """One preference: how it is shown, checked and applied."""

    key: str
    default: Any
    fill: Callable[[Any], None]
    apply: Callable[[Any], object]
    note: QLabel
    at_start: bool = False


class PreferencesDialog(Dialog):
    """Everything a user may choose, by page. What is changed in a menu meanwhile is changed here too."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__("Preferences", window, 720, 520)
        self._window = window
        self._settings = window.workbench.settings
        self._starts = window.settings_at_start
        self.fields: dict[str, Field] = {}
        self.widgets: dict[str, QWidget] = {}
        self._pages: dict[str, list[str]] = {}
        m = Metrics.of(self.font())
        self.list = QListWidget()
        self.list.setAccessibleName("Pages")
        self.list.setFixedWidth(m.px(150))
        self.stack = QStackedWidget()
        row = QHBoxLayout()
        row.setSpacing(m.px(16))
        row.addWidget(self.list)
        row.addWidget(self.stack, 1)
        self.column.addLayout(row, 1)
        self.list.currentRowChanged.connect(self.stack.setCurrentIndex)
        self._appearance()
        self._views()
        self._computing()
        self._files()
        self._trusted()
        self.list.setCurrentRow(0)
        self._fill()
        self._settings.changed.connect(self._on_setting)
        window.view.look_changed.connect(self._on_look)
        self.finished.connect(lambda _result: self._settings.changed.disconnect(self._on_setting))
        self.finish(("Reset this page", self.reset_page), ("Reset all", self.reset_all))

    # -- pages -----------------------------------------------------------------------------------------------

    def _page(self, title: str) -> FieldGrid:
        body = ColumnWidget(margin=12)
        grid = FieldGrid(share=(4, 6))
        body.column.addWidget(label(title, "heading"))
        body.column.addWidget(grid)
        body.column.addStretch(1)
        self.stack.addWidget(scrolled(body))
        self.list.addItem(title)
        self._pages[title] = []
        return grid

    def _appearance(self) -> None:
        grid, view = self._page("Appearance"), self._window.view
        themes = {"dark": "Dark", "light": "Light", "system": "As the system"}
        self._choice(grid, "theme", "Theme", themes, "dark", view.set_theme, read=lambda: view.theme_choice)
        sizes = {s: f"{100 * s:.0f} %" for s in SCALES}
        self._choice(grid, "text-scale", "Text size", sizes, 1.0, view.set_text_scale)

    def _views(self) -> None:
        grid, view = self._page("Views"), self._window.view
        shown = self._window.centre.grid
        why = f"Now: {shown.backend} ({shown.why})." if shown is not None else ""
        self._choice(grid, "viewport", "Drawn by", BACKENDS, "auto", None, note=why, at_start=True)
        sides = {
            "radiological": "Radiological (right on the left)",
            "neurological": "Neurological (left on the left)",
        }
        self._choice(grid, "convention", "Slices", sides, "radiological", view.set_convention)
        self._flag(grid, "nose-left", "Nose left in sagittal views", True, view.set_nose_left)
        self._flag(grid, "crosshair", "Crosshair", True, view.set_crosshair)
        fresh = "For what is opened from now on; perceptually even, safe for colour blindness by default."
        maps = {k: v for k, v in map_choices().items() if k != "labels"}
        self._choice(grid, "volume-map", "Colours of volumes", maps, "gray", None)
        self._choice(grid, "value-map", "Colours of values", maps, "viridis", None, note=fresh)
        self._flag(grid, "interpolate", "Smooth pixels", True, None)

    def _computing(self) -> None:
        grid = self._page("Computing")
        self._number(grid, "workers", "Jobs at once", WORKERS, 1, 64, at_start=True)
        self._number(grid, "threads", "Threads of a job", 0, 0, 1024, at_start=True, zero="all cores")
        known = {d: "CPU" if d == "cpu" else d for d in devices()}
        note = "" if len(known) > 1 else "This machine lists no other device."
        self._choice(grid, "device", "Run analyses on", known, "cpu", None, note=note)

    def _files(self) -> None:
        grid, window = self._page("Files and sessions"), self._window
        self._number(
            grid,
            "recent-length",
            "Recent files",
            RECENT,
            0,
            MOST_RECENT,
            apply=lambda _n: window.refresh_recent(),
        )
        self.clear_button = button("Clear the recent list", window.files.clear_recent)
        grid.add("", self.clear_button)
        self.clear_button.setAccessibleName("Clear the recent list")
        self._folder(grid, "open-folder", "Open starts in")
        self._folder(grid, "export-folder", "Export starts in")
        self._number(grid, "undo-limit", "Edits to undo", UNDO, LEAST_UNDO, MOST_UNDO, apply=self._set_undo)
        self._number(
            grid,
            "undo-memory",
            "Memory for undo, MB",
            0,
            0,
            MOST_UNDO_MEMORY,
            apply=self._set_undo_memory,
            zero=f"automatic ({count(default_budget() // 1_000_000)})",
        )
        self._flag(
            grid,
            "confirm-close",
            "Ask before closing",
            False,
            None,
            note="Unsaved changes are asked about in any case.",
        )

    def _trusted(self) -> None:
        """A page of its own kind: what it lists is no setting, and no reset touches it."""
        self.trusted = TrustedModels()
        self.stack.addWidget(self.trusted)
        self.list.addItem(TRUSTED)
        self._pages[TRUSTED] = []

    def show_page(self, title: str) -> None:
        """Turn to a page."""
        self.list.setCurrentRow(list(self._pages).index(title))
        self.trusted.refresh()

    def _set_undo(self, limit: int) -> None:
        self._window.workbench.document.undo_limit = limit

    def _set_undo_memory(self, megabytes: int) -> None:
        self._window.workbench.document.undo_memory = megabytes * 1_000_000 or default_budget()

    # -- kinds of fields -------------------------------------------------------------------------------------

    def _add(
        self,
        grid: FieldGrid,
        key: str,
        text: str,
        widget: QWidget,
        default: Any,
        fill: Callable[[Any], None],
        apply: Callable[[Any], object] | None,
        note: str,
        at_start: bool,
    ) -> None:
        words = label(note, "small", wrap=True)
        words.setVisible(bool(note))
        words.setProperty("note", note)
        column = ColumnWidget(margin=0, spacing=4)
        column.column.addWidget(widget)
        column.column.addWidget(words)
        widget.setAccessibleName(text)
        grid.add(text, column).setBuddy(widget)
        self.fields[key] = Field(key, default, fill, apply or (lambda _value: None), words, at_start)
        self.widgets[key] = widget
        self._pages[next(reversed(self._pages))].append(key)
        self._starts.setdefault(key, self._settings.get(key, default))

    def _choice(
        self,
        grid: FieldGrid,
        key: str,
        text: str,
        choices: Mapping[Any, str],
        default: Any,
        apply: Callable[[Any], object] | None,
        *,
        read: Callable[[], Any] | None = None,
        note: str = "",
        at_start: bool = False,
    ) -> None:
        combo = QComboBox()
        for value, words in choices.items():
            combo.addItem(words, value)
        combo.setEnabled(len(choices) > 1)

        def fill(value: Any) -> None:
            value = read() if read is not None else value
            values = list(choices)
            combo.setCurrentIndex(values.index(value) if value in values else values.index(default))

        self._add(grid, key, text, combo, default, fill, apply, note, at_start)
        combo.activated.connect(lambda index: self.set(key, combo.itemData(index)))

    def _flag(
        self,
        grid: FieldGrid,
        key: str,
        text: str,
        default: bool,
        apply: Callable[[Any], object] | None,
        *,
        note: str = "",
    ) -> None:
        box = QCheckBox()
        self._add(grid, key, text, box, default, lambda v: box.setChecked(bool(v)), apply, note, False)
        box.clicked.connect(lambda on: self.set(key, bool(on)))

    def _number(
        self,
        grid: FieldGrid,
        key: str,
        text: str,
        default: int,
        least: int,
        most: int,
        *,
        apply: Callable[[Any], object] | None = None,
        at_start: bool = False,
        zero: str = "",
    ) -> None:
        edit = NumberEdit(
            integer=True, minimum=1 if zero else least, maximum=most, step=1, optional=bool(zero), empty=zero
        )

        def fill(value: Any) -> None:
            if not edit.hasFocus() or not edit.property("invalid"):
                number = int(self._settings.number(key, default, least, most))
                edit.set_value(None if zero and number == 0 else number)
                edit.set_invalid(False)

        self._add(grid, key, text, edit, default, fill, apply, "", at_start)

        def typed() -> None:
            field = self.fields[key]
            try:
                value = edit.value()
            except ValueError as error:
                self._complain(field, edit, f"{text} {error}.")
                return
            number = 0 if value is None else value
            if number != int(number) or not (least <= number <= most):
                self._complain(field, edit, f"{text}: a whole number from {least or 1} to {most}.")
                return
            edit.set_invalid(False)
            self._say(field)
            self.set(key, int(number))

        edit.changed.connect(typed)

    def _complain(self, field: Field, edit: NumberEdit, text: str) -> None:
        edit.set_invalid(True)
        field.note.setText(text)
        field.note.show()

    def _folder(self, grid: FieldGrid, key: str, text: str) -> None:
        home = str(Path.home())
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        edit = QLineEdit()
        edit.setAccessibleName(text)
        line.addWidget(edit, 1)

        def browse() -> None:
            path = QFileDialog.getExistingDirectory(self, text, edit.text())
            if path:
                self.set(key, path)

        chooser = button("Browse…", browse)
        chooser.setAccessibleName(f"Browse: {text}")
        line.addWidget(chooser)
        self._add(grid, key, text, holder, home, lambda v: edit.setText(str(v)), None, "", False)
        self.widgets[key] = edit

        def typed() -> None:
            path = Path(edit.text()).expanduser()
            field = self.fields[key]
            if path.is_dir():
                self._say(field)
                self.set(key, str(path))
            else:
                field.note.setText(f"{path} is no folder; the one before stays.")
                field.note.show()

        edit.editingFinished.connect(typed)

    # -- values ----------------------------------------------------------------------------------------------

    def set(self, key: str, value: Any) -> None:
        """Choose a value: it is kept, applied at once where that is possible, and shown."""
        self._settings.set(key, value)
        self.fields[key].apply(value)
        self._show(key)

    def reset_page(self) -> None:
        """The defaults of the page that is shown."""
        self._reset(self._pages[self.list.currentItem().text()])

    def reset_all(self) -> None:
        """The defaults of all pages."""
        self._reset(list(self.fields))

    def _reset(self, keys: list[str]) -> None:
        for key in keys:
            field = self.fields[key]
            if self._settings.get(key, field.default) != field.default:
                field.apply(field.default)
            self._settings.forget(key)
            self._show(key)

    def _fill(self) -> None:
        for key in self.fields:
            self._show(key)

    def _show(self, key: str) -> None:
        field = self.fields[key]
        field.fill(self._settings.get(key, field.default))
        self._say(field)
        self.clear_button.setEnabled(bool(self._settings.recent))

    def _say(self, field: Field) -> None:
        """The note below a field: what it says anyway, and that a change waits for the next start."""
        text = str(field.note.property("note") or "")
        now = self._settings.get(field.key, field.default)
        if field.at_start and now != self._starts[field.key]:
            text = f"{RESTART} {text}".strip()
        field.note.setText(text)
        field.note.setVisible(bool(text))

    def _on_look(self) -> None:
        self._show("theme")

    def _on_setting(self, key: str) -> None:
        if key in self.fields:
            self._show(key)
        elif key == "recent":
            self.clear_button.setEnabled(bool(self._settings.recent))
