"""The dialog of File > Movie…: what moves, how long, of which view, into which kind of file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from app.forms.widgets import NumberEdit, button, label
from app.movies.encode import FORMATS
from app.movies.plan import (
    KINDS,
    LEAST_FRAMES,
    LEAST_SECONDS,
    MOST_FRAMES,
    MOST_SECONDS,
    Plan,
    suggested_frames,
    suggested_seconds,
)
from app.viewports.moments import Timeline
from app.window.dialogs import Dialog
from app.window.pictures import VIEW
from app.window.saving import ask_save
from app.window.screenshot_dialog import LookFields

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

MOST_PIXELS = 40_000_000


class MovieDialog(Dialog):
    """See the module."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__("Movie", window, 460)
        self._window = window
        grid = window.centre.shown_grid
        assert grid is not None
        self._grid = grid
        self._timeline = Timeline.of(grid.items)
        kinds = {grid.views[s].intent.kind for s in grid.shown_slots}
        self.kind = QComboBox()
        for key, words in KINDS.items():
            lacking = {
                "turntable": "3d" not in kinds,
                "time": self._timeline is None,
                "sweep": not kinds - {"3d"},
            }[key]
            if not lacking:
                self.kind.addItem(words, key)
        if self._timeline is not None:
            self.kind.setCurrentIndex(self.kind.findData("time"))
        self.fields = fields = LookFields(window, (1.0, 2.0), 1.0)
        fields.scale.setCurrentIndex(0)  # a movie of a screenshot's size is rarely wanted
        self.frames = NumberEdit(integer=True, minimum=LEAST_FRAMES, maximum=MOST_FRAMES, step=1)
        self.seconds = NumberEdit(unit="s", minimum=LEAST_SECONDS, maximum=MOST_SECONDS, step=0.5)
        self.format = QComboBox()
        for kind in FORMATS:
            self.format.addItem(f"{kind.name} ({kind.suffix})" if kind.suffix else kind.name, kind.suffix)
        known = self.format.findData(window.workbench.settings.get("movie-format", ".gif"))
        self.format.setCurrentIndex(max(0, known))
        rows = fields.grid
        rows.add("What moves", self.kind)
        rows.add("Picture of", fields.what)
        rows.add("Frames", self.frames)
        rows.add("Lasts", self.seconds)
        rows.add("File", self.format)
        rows.add("Scale", fields.scale)
        fields.background.removeItem(fields.background.findData("clear"))
        rows.add("3-D background", fields.background)
        fields.add_parts()
        self.column.addWidget(rows)
        self.note = label("", "small", wrap=True)
        self.column.addWidget(self.note)
        self.kind.currentIndexChanged.connect(lambda _index: self._on_kind())
        for box in (fields.what, fields.scale, self.format):
            box.currentIndexChanged.connect(lambda _index: self._refresh())
        for edit in (self.frames, self.seconds):
            edit.changed.connect(self._refresh)
            edit.committed.connect(self._refresh)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(button("Cancel", self.close))
        self.make_button = button("Make movie…", self.make, "primary")
        self.make_button.setDefault(True)
        row.addWidget(self.make_button)
        self.column.addLayout(row)
        self._on_kind()
        self.ensurePolished()
        for child in self.findChildren(QWidget):
            child.ensurePolished()
        self.column.activate()
        self.resize(self._width, self.column.totalHeightForWidth(self._width))

    # -- what is chosen --------------------------------------------------------------------------------------

    def plan(self) -> Plan | None:
        """None while a number is wrong."""
        try:
            frames, seconds = self.frames.value(), self.seconds.value()
        except ValueError:
            return None
        if frames is None or not LEAST_FRAMES <= frames <= MOST_FRAMES:
            return None
        if seconds is None or not LEAST_SECONDS <= seconds <= MOST_SECONDS:
            return None
        what, slot = self.fields.what.currentData()
        return Plan(self.kind.currentData(), int(frames), float(seconds), slot if what == VIEW else None)

    def problem(self) -> str:
        """Why the movie cannot be made like this, "" if it can."""
        plan = self.plan()
        if plan is None:
            return (
                f"Frames go from {LEAST_FRAMES} to {MOST_FRAMES}, and a movie lasts from {LEAST_SECONDS:g} to "
                f"{MOST_SECONDS:g} s."
            )
        kind = next(f for f in FORMATS if f.suffix == self.format.currentData())
        if kind.why_not(plan.fps):
            return kind.why_not(plan.fps)
        size = self._size()
        if size[0] * size[1] > MOST_PIXELS:
            return "The picture is too large for a movie; choose a smaller scale."
        return ""

    def make(self) -> None:
        """Ask for a path and begin."""
        plan = self.plan()
        if plan is None or self.problem():
            return
        settings = self._window.workbench.settings
        suffix = self.format.currentData()
        start = settings.folder("picture-folder", "export-folder") / f"{plan.kind}{suffix}"
        pattern = f"Movie (*{suffix})" if suffix else "New folder"
        endings = [[suffix]] if suffix else []
        chosen = ask_save(self, "Save movie", start, [pattern], endings=endings)
        if chosen is None or self._window.centre.exports.refuses(chosen[0]):
            return
        target = chosen[0]
        settings.set("picture-folder", str(target.parent))
        settings.set("movie-format", suffix)
        self.fields.remember()
        look, movies = self.fields.look(), self._window.movies
        self.close()
        movies.make(plan, look, target)

    # -- inside ----------------------------------------------------------------------------------------------

    def _on_kind(self) -> None:
        """Other views, frames and seconds suit another kind."""
        kind = self.kind.currentData()
        what = self.fields.what
        what.blockSignals(True)
        what.clear()
        for slot in self._grid.shown_slots:
            flat = self._grid.views[slot].intent.kind != "3d"
            if (kind == "turntable" and flat) or (kind == "sweep" and not flat):
                continue
            title = self._grid.views[slot].resolved().title.partition(" · ")[0]
            number = slot.partition("-")[2]
            what.addItem(f"{title} {number}" if number else title, (VIEW, slot))
        if len(self._grid.shown_slots) > 1:
            what.addItem("All views", ("views", ""))
        what.setCurrentIndex(what.count() - 1 if kind == "time" else 0)
        what.blockSignals(False)
        shown = [self._grid.views[slot].resolved() for slot in self._grid.shown_slots]
        frames = suggested_frames(kind, self._timeline, shown)
        self.frames.set_value(frames)
        self.seconds.set_value(suggested_seconds(kind, self._timeline, frames))
        self._refresh()

    def _size(self) -> tuple[int, int]:
        what, slot = self.fields.what.currentData()
        size = self._grid.views[slot].size() if what == VIEW else self._grid.size()
        scale = self.fields.scale.currentData()
        return round(size.width() * scale), round(size.height() * scale)

    def _refresh(self) -> None:
        problem, plan = self.problem(), self.plan()
        width, height = self._size()
        if problem or plan is None:
            self.note.setText(problem)
        else:
            self.note.setText(f"{width} × {height} pixels, {plan.fps:.3g} frames a second")
        self.make_button.setEnabled(not problem)
