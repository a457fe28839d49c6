"""Histograms: counts between edges; rows of a table that are selected stand out in their bins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QPolygonF

from app.forms.numbers import number_words
from app.plots.axes import label_axis
from app.plots.drawing import (
    Array,
    Canvas,
    Drawing,
    Hit,
    axis_words,
    selected_pen,
    tinted,
    value_at,
    why_no_log_of,
    with_unit,
)
from app.plots.rows import NONE, Rows
from core.results import Histogram

FLOOR = 0.5
"""Where bars start on a log axis, so that a bin with one entry is seen."""


class HistogramDrawing(Drawing):
    """A `Histogram`. `values`: of the rows of its table, if those are known."""

    def __init__(self, output: Histogram, canvas: Canvas) -> None:
        super().__init__(output, canvas)
        self._item: Any = None
        self._chosen: Any = None
        self._rows: Rows = NONE
        self.values: Array | None = None

    def why_no_log(self, axis: str) -> str:
        if axis == "x":
            return why_no_log_of(self.output.edges[:-1], self.x_words[0])
        return why_no_log_of(self.output.counts, "the counts")

    @property
    def x_words(self) -> tuple[str, str]:
        return self.output.label or "value", self.output.unit

    @property
    def y_words(self) -> tuple[str, str]:
        return "count", ""

    def draw(self) -> None:
        canvas, h = self.canvas, self.output
        accent = canvas.theme.accent
        gap = pg.mkPen(canvas.background, width=0.6)
        self._item = self._bars(gap, tinted(accent, 0.8))
        label_axis(canvas, "bottom", axis_words(h.label, h.unit))
        label_axis(canvas, "left", "Count")
        self._fill()

    def _bars(self, pen: Any, fill: Any) -> Any:
        item = pg.BarGraphItem(x0=[], x1=[], y0=[], y1=[], pen=pen, brush=pg.mkBrush(fill))
        self.canvas.plot.addItem(item)
        return item

    def _steps(self, counts: Any) -> tuple[Array, Array]:
        counts = np.asarray(counts, dtype=float)
        edges = np.asarray(self.output.edges, dtype=float)
        if self.canvas.log_x:
            # Bins that begin at or below zero have no left edge there.
            first = int(np.argmax(edges > 0))
            edges, counts = edges[first:], counts[first:]
        up = np.log10(np.maximum(counts, FLOOR)) if self.canvas.log_y else counts
        return self.on_x(edges), up

    @property
    def _ground(self) -> float:
        return float(np.log10(FLOOR)) if self.canvas.log_y else 0.0

    def _fill(self) -> None:
        box = self.canvas.plot.getViewBox()
        box.setLimits(yMin=self._ground)
        self._put(self._item, self.output.counts)
        self.highlight(self._rows)

    def _put(self, item: Any, counts: Any) -> None:
        x, y = self._steps(counts)
        item.setOpts(x0=x[:-1], x1=x[1:], y0=np.full(len(y), self._ground), y1=y)

    def update(self, output: Any) -> bool:
        before = self.output
        if type(output) is not Histogram or (output.label, output.unit) != (before.label, before.unit):
            return False
        self.output = output
        self._fill()
        return True

    def _bin_at(self, x: float) -> int:
        edges = np.asarray(self.output.edges, dtype=float)
        value = value_at(x, self.canvas.log_x)
        found = int(np.searchsorted(edges, value, side="right")) - 1
        return found if 0 <= found < len(self.output.counts) and value <= edges[-1] else -1

    def hit(self, x: float, y: float, dx: float, dy: float) -> Hit | None:
        n = self._bin_at(x)
        if n < 0:
            return None
        h = self.output
        total = float(np.sum(h.counts)) or 1.0
        low, high = float(h.edges[n]), float(h.edges[n + 1])
        share = f"{100 * float(h.counts[n]) / total:.3g} %"
        text = f"{number_words(float(h.counts[n]))} ({share})\n{self.x_words[0]} {number_words(low)} to {with_unit(high, h.unit)}"
        middle = self.on_x([low, high])
        up = self._steps(h.counts)[1]
        skipped = len(h.counts) - len(up)
        at = float(np.nanmean(middle)) if np.isfinite(middle).any() else None
        return Hit(text, at, float(up[n - skipped]) if n >= skipped else None)

    def read(self, axis: str, at: float) -> list[tuple[str, float, str]]:
        n = self._bin_at(at) if axis == "x" else -1
        return [("count", float(self.output.counts[n]), "")] if n >= 0 else []

    # -- rows ------------------------------------------------------------------------------------------------

    def inside(self, area: QPolygonF) -> Rows:
        if self.values is None:
            return NONE
        box = area.boundingRect()
        first, last = self._bin_at(box.left()), self._bin_at(box.right())
        edges = np.asarray(self.output.edges, dtype=float)
        low = edges[first] if first >= 0 else value_at(box.left(), self.canvas.log_x)
        high = edges[last + 1] if last >= 0 else value_at(box.right(), self.canvas.log_x)
        # A value at an edge was counted in the bin that begins there; only the last bin has its upper edge.
        upto = np.less if 0 <= last < len(self.output.counts) - 1 else np.less_equal
        with np.errstate(invalid="ignore"):
            return np.flatnonzero((self.values >= low) & upto(self.values, high))

    def highlight(self, rows: Rows) -> None:
        self._rows = rows
        shown = self.values is not None and len(rows) > 0
        self._item.setOpacity(0.4 if shown else 1.0)
        if self._chosen is None:
            if not shown:
                return
            theme = self.canvas.theme
            self._chosen = self._bars(selected_pen(theme), tinted(theme.accent, 0.95))
            self._chosen.setZValue(2)
        counts = np.zeros(len(self.output.counts))
        if shown and self.values is not None:
            kept = self.values[rows[rows < len(self.values)]]
            counts = np.histogram(kept[np.isfinite(kept)], bins=np.asarray(self.output.edges, float))[0]
        self._chosen.setVisible(shown)
        self._put(self._chosen, counts)
