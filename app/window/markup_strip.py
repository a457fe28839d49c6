"""The row above the views with the tools for markups: while one is active, and while a markup is selected."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QFrame, QPushButton, QToolButton, QWidget

from app.forms.widgets import button, label
from app.theme import Metrics
from app.window.compare_strip import Strip
from app.window.markup_actions import MarkupActions

WORDS = {
    "points": "Points",
    "line": "Line",
    "curve": "Curve",
    "closed_curve": "Closed",
    "plane": "Plane",
    "box": "Box",
    "distance": "Distance",
    "angle": "Angle",
}


class MarkupStrip(Strip):
    """Tools, how many, what they snap to."""

    def __init__(self, actions: MarkupActions, parent: QWidget | None = None) -> None:
        super().__init__("Markups", parent)
        self._actions = actions
        m = Metrics.of(self.font())
        self.add(label("Markups", "heading"))
        self.tools: dict[str, QToolButton] = {}
        for name, words in WORDS.items():
            made = self.switch(words, f"Place: {words.lower()}", f"Tool: {words.lower()}")
            made.clicked.connect(partial(self._start, name))
            self.tools[name] = made
        self._part(m)
        self.many = self.switch(
            "Several", "Begin the next one when one is complete", "Place several in a row"
        )
        self.many.clicked.connect(lambda _on: actions.toggle_many())
        self._part(m)
        self.add(label("Snap to", "muted"))
        self.snaps: dict[str, QToolButton] = {}
        for what, words in (("voxels", "Voxels"), ("objects", "Surfaces")):
            tip = "Voxel centres" if what == "voxels" else "Surfaces and points of other markups"
            made = self.switch(
                words, f"{tip}; with Ctrl the other way for one drag", f"Snap to {words.lower()}"
            )
            made.clicked.connect(partial(self._snap, what))
            self.snaps[what] = made
        self.done: QPushButton = button("Done", actions.stop, "quiet")
        self.done.setAccessibleName("Leave the tool")
        self.end_with(self.done)

    def _part(self, m: Metrics) -> None:
        line = QFrame()
        line.setProperty("role", "rule")
        line.setFixedSize(1, m.px(16))
        self.gap(4)
        self.add(line)
        self.gap(4)

    def _start(self, name: str, _on: bool = False) -> None:
        self._actions.start(name)
        self.refresh()

    def _snap(self, what: str, _on: bool = False) -> None:
        self._actions.toggle_snapping(what)

    def refresh(self) -> None:
        """Show how it is."""
        actions = self._actions
        for name, made in self.tools.items():
            made.setChecked(actions.name == name)
        self.many.setChecked(actions.many)
        for what, made in self.snaps.items():
            made.setChecked(actions.snaps(what))
        self.done.setVisible(actions.tool is not None)
        self.arrange()
