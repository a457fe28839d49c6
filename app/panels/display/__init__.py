"""How the selected item is shown. Every change is a `SetDisplay` edit; one drag is one edit.

`DisplayPanel` chooses which module of this package builds the fields; `DisplayFields` makes, fills and applies them.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QLabel, QSlider, QWidget

from app.forms.widgets import ColumnWidget, button, label, scrolled
from app.panels.display.fields import DisplayFields
from app.panels.dock import Panel
from app.window.kinds import KIND_WORDS, is_spatial, kind_of_item
from app.window.workbench import Workbench
from core.data import Markup
from core.display import MarkupDisplay, PointsDisplay, SurfaceDisplay, TrajectoryDisplay, VolumeDisplay
from core.document import Item

__all__ = ["DisplayPanel"]


def _alike(a: Any, b: Any) -> bool:
    """Whether the same fields do: a markup that was moved keeps them, and the keyboard in them."""
    return isinstance(a, Markup) and isinstance(b, Markup) and a.kind is b.kind


class DisplayPanel(Panel):
    """The dock "Display"."""

    name = "display"
    title = "Display"

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self._body = ColumnWidget()
        self.column.addWidget(scrolled(self._body))
        self._shown: tuple[str, type, Any] | None = None
        self.fields = DisplayFields(workbench)
        workbench.changed.connect(lambda _change: self.refresh())
        workbench.selection_changed.connect(lambda _id: self.refresh())
        self.refresh()

    def field(self, name: str) -> QWidget:
        """The field of a property of the display; for tests and for filling."""
        return self.fields.fields[name]

    def show_moment(self, index: int) -> None:
        """The slider over time follows what is shown while it moves, though the display says nothing yet."""
        slider, words = self.fields.fields.get("index"), self.fields.fields.get("index_words")
        if isinstance(slider, QSlider) and isinstance(words, QLabel) and not slider.isSliderDown():
            slider.blockSignals(True)
            slider.setValue(index)
            slider.blockSignals(False)
            words.setText(f"{index + 1} of {slider.maximum() + 1}")

    def refresh(self) -> None:
        """Show the current item; fields are made anew only for another item."""
        item = self._workbench.current
        key = (item.id, type(item.display), item.data or item.missing) if item else None
        same = (
            key is not None
            and self._shown is not None
            and key[:2] == self._shown[:2]
            and (key[2] is self._shown[2] or _alike(key[2], self._shown[2]))
        )
        if same:
            self._shown = key
        if not same:
            self._shown = key
            self._build(item)
        self.header.set_note(item.name if item else "")
        if item is not None:
            self.fields.fill(item)

    def _build(self, item: Item | None) -> None:
        self._body.clear()
        fields = self.fields
        fields.start()
        if item is None:
            self._body.column.addWidget(label("Select an item to see how it is shown.", "muted", wrap=True))
            self._body.column.addStretch(1)
            return
        if item.missing is not None:
            self._missing(item.missing.reason)
            return
        for text in item.warnings:
            self._body.column.addWidget(label(text, "warn", wrap=True))
        kind = kind_of_item(item)
        display = item.display
        spatial = is_spatial(item) or kind == "image"
        # Not before there is an item; `app.window._ahead` loads them while a worker reads it.
        from app.panels.display import markup, points, surface, trajectory, volume

        if isinstance(display, VolumeDisplay) and kind in ("volume", "image"):
            volume.build(fields, item)
        elif isinstance(display, SurfaceDisplay) and spatial:
            surface.build(fields, item)
        elif isinstance(display, TrajectoryDisplay):
            trajectory.build(fields, item)
        elif isinstance(display, PointsDisplay):
            points.build(fields, item)
        elif isinstance(display, MarkupDisplay):
            markup.build(fields, item)
        if spatial:
            fields.add_opacity()
        if kind in ("group", "result") or (spatial and kind != "image"):
            fields.add_check("visible", "Visible")
        if fields.fields:
            self._body.column.addWidget(fields.grid)
        else:
            words = f"A {KIND_WORDS.get(kind, kind)} has nothing to set here."
            self._body.column.addWidget(label(words, "muted", wrap=True))
        self._body.column.addStretch(1)

    def _missing(self, reason: str) -> None:
        """What is missing has nothing to set; it is to be found."""
        self._body.column.addWidget(label(reason, "warn", wrap=True))
        kept = "Its place, its display and what hangs below it are kept."
        self._body.column.addWidget(label(kept, "muted", wrap=True))
        self._body.column.addWidget(button("Locate files…", self._workbench.sessions.incomplete.emit))
        self._body.column.addStretch(1)
