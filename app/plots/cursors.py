"""One or two lines across a plot that can be dragged, or moved by the arrow keys, and what they read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt

from app.forms.numbers import number_words
from app.plots.drawing import Canvas, Drawing, value_at, with_unit

MODES = {
    "none": "No cursor",
    "x1": "One cursor along x",
    "x2": "Two cursors along x",
    "y1": "One cursor along y",
    "y2": "Two cursors along y",
}
SHOWN = 6
"""Curves whose values are written out."""


class Cursors:
    """The cursors of a figure. `moved` is called whenever what they read has changed."""

    def __init__(self, moved: Callable[[], None]) -> None:
        self._moved = moved
        self._lines: list[Any] = []
        self._drawing: Drawing | None = None
        self.mode = "none"
        self.active = 0
        self.values: list[float] = []
        """Where the cursors stand, in the units of the axis."""

    @property
    def axis(self) -> str:
        """ "x" or "y"."""
        return self.mode[0] if self.mode != "none" else ""

    def attach(self, drawing: Drawing) -> None:
        """Stand in this drawing from now on (it was drawn anew)."""
        self._drawing = drawing
        self._lines = []
        self.set_mode(self.mode, keep=True)

    def set_mode(self, mode: str, *, keep: bool = False) -> None:
        """One of `MODES`."""
        drawing = self._drawing
        if drawing is None:
            return
        for line in self._lines:
            drawing.canvas.plot.removeItem(line)
        self._lines = []
        same = mode == self.mode
        self.mode = mode if mode in MODES else "none"
        self.active = 0
        if self.mode == "none":
            self.values = []
            self._moved()
            return
        number = int(self.mode[1])
        if not (keep and same and len(self.values) == number):
            self.values = [self._value(p) for p in self._start(number)]
        for n in range(number):
            self._lines.append(self._line(drawing.canvas, n))
        self.place()

    def _start(self, number: int) -> list[float]:
        assert self._drawing is not None
        box = self._drawing.canvas.plot.getViewBox()
        if any(box.autoRangeEnabled()):
            box.updateAutoRange()
        low, high = box.viewRange()[self.axis == "y"]
        shares = (0.5,) if number == 1 else (0.35, 0.65)
        return [low + share * (high - low) for share in shares]

    def _line(self, canvas: Canvas, n: int) -> Any:
        line = pg.InfiniteLine(
            angle=90 if self.axis == "x" else 0,
            movable=True,
            pen=pg.mkPen(canvas.theme.text, width=1.2, style=Qt.PenStyle.DashLine),
            hoverPen=pg.mkPen(canvas.theme.accent, width=2),
            label="AB"[n],
            labelOpts={"position": 0.96, "color": canvas.theme.text, "fill": pg.mkBrush(canvas.background)},
        )
        line.label.setFont(canvas.small)
        line.setZValue(30)
        canvas.plot.addItem(line, ignoreBounds=True)
        line.sigDragged.connect(lambda _line: self._dragged(n))
        return line

    def place(self) -> None:
        """Put the lines where their values are (a log axis was switched)."""
        for line, value in zip(self._lines, self.values, strict=True):
            line.setPos(self._position(value))
        self._moved()

    def _log(self) -> bool:
        assert self._drawing is not None
        canvas = self._drawing.canvas
        return canvas.log_x if self.axis == "x" else canvas.log_y

    def _value(self, position: float) -> float:
        return value_at(position, self._log())

    def _position(self, value: float) -> float:
        import math

        if not self._log():
            return value
        if value > 0:
            return math.log10(value)
        assert self._drawing is not None
        return float(self._drawing.canvas.plot.viewRange()[self.axis == "y"][0])

    def _dragged(self, n: int) -> None:
        self.active = n
        self.values[n] = self._value(float(self._lines[n].value()))
        self._moved()

    def step(self, pixels: float) -> None:
        """Move the active cursor."""
        if not self._lines or self._drawing is None:
            return
        box = self._drawing.canvas.plot.getViewBox()
        size = box.viewPixelSize()[self.axis == "y"]
        position = self._position(self.values[self.active]) + pixels * size
        self.values[self.active] = self._value(position)
        self.place()

    def switch(self) -> None:
        """Let the arrow keys move the other cursor."""
        self.active = (self.active + 1) % max(1, len(self._lines))
        self._moved()

    def words(self) -> str:
        """What the cursors read, a line of text each; "" without cursors."""
        drawing = self._drawing
        if drawing is None or not self._lines:
            return ""
        name, unit = drawing.x_words if self.axis == "x" else drawing.y_words
        readings = [
            {k: (r, u) for k, r, u in drawing.read(self.axis, self._position(v))} for v in self.values
        ]
        rows = []
        for n, (value, read) in enumerate(zip(self.values, readings, strict=True)):
            parts = [f"{'AB'[n]}  {name} {with_unit(value, unit)}"]
            parts += [f"{k} {with_unit(v, u)}" for k, (v, u) in list(read.items())[:SHOWN]]
            rows.append("    ".join(parts))
        if len(self.values) == 2:
            apart = self.values[1] - self.values[0]
            parts = [f"B \u2212 A  {with_unit(apart, unit)}"]
            if self._log() and self.values[0]:
                parts.append(f"factor {number_words(self.values[1] / self.values[0])}")
            for key in list(readings[0])[:SHOWN]:
                if key in readings[1]:
                    parts.append(
                        f"{key} {with_unit(readings[1][key][0] - readings[0][key][0], readings[0][key][1])}"
                    )
            rows.append("    ".join(parts))
        return "\n".join(rows)
