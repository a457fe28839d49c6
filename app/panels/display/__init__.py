"""How the selected item is shown. Every change is a `SetDisplay` edit; one drag is one edit.

`DisplayPanel` chooses which module of this package builds the fields; `DisplayFields` makes, fills and applies them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from PySide6.QtCore import QTimer
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

LATER = 100
"""Milliseconds until the fields of the first item are made."""


def _alike(a: Any, b: Any) -> bool:
    """Whether the same fields do: a markup that was moved keeps them, and the keyboard in them."""
    return isinstance(a, Markup) and isinstance(b, Markup) and a.kind is b.kind


def _module_for(item: Item, kind: str, spatial: bool) -> str:
    """Which module of this package builds the fields of an item, "" for none."""
    display = item.display
    if isinstance(display, VolumeDisplay) and kind in ("volume", "image"):
        return "volume"
    if isinstance(display, SurfaceDisplay) and spatial:
        return "surface"
    if isinstance(display, TrajectoryDisplay):
        return "trajectory"
    if isinstance(display, PointsDisplay):
        return "points"
    return "markup" if isinstance(display, MarkupDisplay) else ""


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
        self._built = False
        self._fields = DisplayFields(workbench)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(LATER)
        self._later.timeout.connect(self._show)
        workbench.changed.connect(lambda _change: self.refresh())
        workbench.selection_changed.connect(lambda _id: self.refresh())
        self.refresh()

    @property
    def fields(self) -> DisplayFields:
        """The fields of the current item."""
        if self._later.isActive():
            self._show()
        return self._fields

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
        """Show the current item; fields are made anew only for another item.

        The first item's come a moment later, or when anybody asks for them: they take as long as its picture, which
        is what one waits for. Until then there is nothing here that one could change.
        """
        item = self._workbench.current
        self.header.set_note(item.name if item else "")
        waits = item is not None and item.data is not None and self._built and self._shown is None
        if waits and self.isVisible():
            if not self._later.isActive():
                self._later.start()
            return
        self._show()

    def _show(self) -> None:
        self._later.stop()
        item = self._workbench.current
        key = (item.id, type(item.display), item.data or item.missing) if item else None
        same = key is self._shown is None and self._built
        same = same or (
            key is not None
            and self._shown is not None
            and key[:2] == self._shown[:2]
            and (key[2] is self._shown[2] or _alike(key[2], self._shown[2]))
        )
        if same:
            self._shown = key
        else:
            self._shown, self._built = key, True
            self._build(item)
        if item is not None:
            self._fields.fill(item)

    def _build(self, item: Item | None) -> None:
        self._body.clear()
        fields = self._fields
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
        spatial = is_spatial(item) or kind == "image"
        # Not before there is an item of that kind; `app.window._ahead` loads them while a worker reads it.
        module = _module_for(item, kind, spatial)
        if module:
            import_module(f"{__name__}.{module}").build(fields, item)
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
