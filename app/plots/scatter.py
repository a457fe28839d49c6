"""Scatters: points that may be coloured, named, and stand for objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QPolygonF

from app.plots.axes import label_axis
from app.plots.colour_bar import ColourBar, finite_levels, viridis
from app.plots.curves import real
from app.plots.drawing import (
    FADED,
    Array,
    Canvas,
    Dots,
    Drawing,
    Hit,
    axis_words,
    inside_polygon,
    selected_pen,
    why_no_log_of,
    with_unit,
)
from app.plots.rows import NONE, Rows
from core.results import Scatter

REACH = 9
"""Pixels within which the pointer finds a point."""
SHADES = 256


class ScatterDrawing(Drawing):
    """A `Scatter`."""

    grid = (True, True)

    def __init__(self, output: Scatter, canvas: Canvas) -> None:
        super().__init__(output, canvas)
        self._item: Any = None
        self._chosen: Any = None
        self._named: Any = None
        self._bar: ColourBar | None = None
        self._rows: Rows = NONE
        self._x: Array = np.zeros(0)
        self._y: Array = np.zeros(0)

    def why_no_log(self, axis: str) -> str:
        if axis == "x":
            return why_no_log_of(self.output.x, self.x_words[0])
        return why_no_log_of(self.output.y, self.y_words[0])

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self) -> None:
        s, canvas = self.output, self.canvas
        size = canvas.px(6 if len(s.x) < 2000 else 4)
        self._item = Dots(size=size, pen=None)
        self._named = Dots(
            size=canvas.px(9), pen=pg.mkPen(canvas.theme.text, width=1.2), brush=pg.mkBrush(None)
        )
        self._chosen = Dots(size=canvas.px(10), pen=selected_pen(canvas.theme))
        for z, item in enumerate((self._item, self._named, self._chosen)):
            item.setZValue(z)
            canvas.plot.addItem(item, ignoreBounds=z > 0)
        if s.color is not None:
            text = s.color_label
            self._bar = ColourBar(canvas, viridis(), finite_levels(real(s.color)), text)
            canvas.widget.addItem(self._bar)
        label_axis(canvas, "bottom", axis_words(s.x_label, s.x_unit))
        label_axis(canvas, "left", axis_words(s.y_label, s.y_unit))
        self._fill()

    def _brushes(self) -> Any:
        s = self.output
        if s.color is None:
            return pg.mkBrush(self.canvas.theme.accent)
        low, high = finite_levels(real(s.color))
        with np.errstate(invalid="ignore"):
            scaled = np.nan_to_num(np.clip((real(s.color) - low) / (high - low), 0, 1))
        # One brush a shade, not one a point: a hundred thousand points have no more shades.
        shades = [pg.mkBrush(*c) for c in viridis().map(np.linspace(0, 1, SHADES), mode="byte")]
        return [shades[i] for i in np.round(scaled * (SHADES - 1)).astype(int).tolist()]

    def _fill(self) -> None:
        s = self.output
        self._x, self._y = self.on_x(s.x), self.on_y(s.y)
        self._brush = self._brushes()
        known = np.isfinite(self._x) & np.isfinite(self._y)
        brush = self._brush
        if isinstance(brush, list):
            brush = [brush[i] for i in np.flatnonzero(known).tolist()]
        self._item.setData(self._x[known], self._y[known], brush=brush)
        ringed = known & np.array([bool(t) for t in s.targets] or [False] * len(s.x), dtype=bool)
        self._named.place(self._x[ringed], self._y[ringed])
        log = self.canvas.log_x or self.canvas.log_y
        self.canvas.plot.setAspectLocked(same_scale(s) and not log)
        self.highlight(self._rows)

    def update(self, output: Any) -> bool:
        words = ("x_label", "y_label", "x_unit", "y_unit", "color_label")
        before = self.output
        if type(output) is not Scatter or any(getattr(output, w) != getattr(before, w) for w in words):
            return False
        if (output.color is None) != (before.color is None):
            return False
        self.output = output
        if self._bar is not None:
            self._bar.set_levels(finite_levels(real(output.color)))
        self._fill()
        return True

    # -- reading ---------------------------------------------------------------------------------------------

    def hit(self, x: float, y: float, dx: float, dy: float) -> Hit | None:
        s = self.output
        if not len(s.x):
            return None
        with np.errstate(invalid="ignore"):
            apart = ((self._x - x) / dx) ** 2 + ((self._y - y) / dy) ** 2
        if np.all(np.isnan(apart)):
            return None
        i = int(np.nanargmin(apart))
        if s.targets:  # one that stands for something wins over its neighbours
            named = [k for k in np.flatnonzero(apart <= REACH**2).tolist() if s.targets[k]]
            i = min(named, key=lambda k: float(apart[k]), default=i)
        if apart[i] > (1.5 * REACH) ** 2:
            return None
        (x_name, x_unit), (y_name, y_unit) = self.x_words, self.y_words
        lines = [s.labels[i]] if s.labels and s.labels[i] else []
        lines.append(f"{x_name} {with_unit(float(s.x[i]), x_unit)}")
        lines.append(f"{y_name} {with_unit(float(s.y[i]), y_unit)}")
        if s.color is not None:
            lines.append(f"{s.color_label or 'value'} {with_unit(float(real(s.color)[i]), '')}")
        target = s.targets[i] if s.targets else ""
        if target:
            lines.append("Click to show it")
        return Hit("\n".join(lines), float(self._x[i]), float(self._y[i]), self.row_of(i), target)

    # -- rows ------------------------------------------------------------------------------------------------

    def inside(self, area: QPolygonF) -> Rows:
        if not self.output.table:
            return NONE
        return np.unique(self.all_rows(len(self._x))[inside_polygon(area, self._x, self._y)])

    def highlight(self, rows: Rows) -> None:
        self._rows = rows
        known = np.isfinite(self._x) & np.isfinite(self._y)
        chosen = np.flatnonzero(np.isin(self.all_rows(len(self._x)), rows) & known) if len(rows) else NONE
        faded = FADED if len(rows) else 1.0
        self._item.setOpacity(faded)
        self._named.setOpacity(faded)
        brush = self._brush
        if isinstance(brush, list):
            brush = [brush[i] for i in chosen.tolist()]
        self._chosen.place(self._x[chosen], self._y[chosen], brush=brush)


def same_scale(s: Scatter) -> bool:
    """Whether both axes measure the same: one unit, and extents alike to a tenth (a disc of directions, a map)."""
    if s.x_unit != s.y_unit:
        return False
    ends = []
    for values in (np.asarray(s.x, dtype=float), np.asarray(s.y, dtype=float)):
        finite = values[np.isfinite(values)]
        if not finite.size:
            return False
        ends.append((float(finite.min()), float(finite.max())))
    size = max(high - low for low, high in ends)
    return size > 0 and all(abs(a - b) < 0.1 * size for a, b in zip(*ends, strict=True))
