"""Axes in the theme's colours, with numbers as people write them."""

from __future__ import annotations

import math
import re
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QFontMetricsF

from app.plots.drawing import Canvas, tinted

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_EXPONENT = re.compile(r"^(-?[\d.]+)e([+-]?\d+)$")


def pretty(text: str) -> str:
    """A number as printed by a machine, with a true minus and a raised exponent."""
    found = _EXPONENT.match(text)
    if found:
        mantissa, power = found[1], str(int(found[2])).translate(RAISED)
        text = f"10{power}" if mantissa == "1" else f"{mantissa}·10{power}"
    return text.replace("-", "\u2212")


class Axis(pg.AxisItem):
    """An axis whose ticks read "−2.5", "2·10⁻⁵", "10³"; or, given `names`, those of the cells of a matrix."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.names: tuple[str, ...] = ()

    def set_names(self, names: tuple[str, ...]) -> None:
        """Name the cells 0..1, 1..2, …; as many names are written as there is room for."""
        self.names = names
        self.picture = None
        self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        if not self.names:
            found: list[tuple[float, list[float]]] = super().tickValues(low, high, size)
            return found
        metrics = QFontMetricsF(self.style["tickFont"] or self.font())
        across = self.orientation in ("top", "bottom")
        wide = max(metrics.horizontalAdvance(_cut(n)) for n in self.names) + metrics.averageCharWidth()
        need = wide if across else metrics.height()
        cell = max(size, 1.0) / max(abs(high - low), 1e-9)
        step = max(1, math.ceil(need / cell))
        return [(step, [n + 0.5 for n in range(0, len(self.names), step)])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.names:
            return [_cut(self.names[int(v)]) for v in values]
        if self.logMode:
            # Of the lines between the powers of ten, 2 and 5 are named: nine names would stand on each other. Within
            # half a power there are few lines, and all are named.
            every = len(values) < 2 or max(values) - min(values) < 0.5
            return [_power(v, every) for v in values]
        return [pretty(s) for s in super().tickStrings(values, scale, spacing)]


def _cut(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def _power(exponent: float, every: bool) -> str:
    whole = round(exponent)
    text = f"{10.0**exponent:.3g}"
    if abs(exponent - whole) < 1e-6:
        return f"10{str(whole).translate(RAISED)}" if not -3 <= whole <= 4 else pretty(f"{10.0**whole:.10g}")
    return pretty(text) if every or text.lstrip("0.")[:1] in "25" else ""


def style_axes(canvas: Canvas) -> None:
    """Colours, fonts and distances of both axes."""
    theme, small = canvas.theme, canvas.small
    for side in ("left", "bottom"):
        axis = canvas.plot.getAxis(side)
        axis.setPen(pg.mkPen(theme.line))
        axis.setTickPen(pg.mkPen(tinted(theme.muted, 0.7)))
        axis.setTextPen(pg.mkPen(theme.muted))
        axis.setTickFont(small)
        axis.setStyle(tickLength=-canvas.px(4), autoExpandTextSpace=True, tickTextOffset=canvas.px(6))
        axis.setStyle(maxTickLevel=0)
        axis.enableAutoSIPrefix(False)
        axis.label.setFont(small)


def label_axis(canvas: Canvas, side: str, words: str) -> None:
    """Write at an axis what it is."""
    if words:
        canvas.plot.setLabel(side, words, color=canvas.theme.muted)
        canvas.plot.getAxis(side).label.setFont(canvas.small)


def show_grid(canvas: Canvas, x: bool, y: bool) -> None:
    """Lines across the plot at the ticks."""
    canvas.plot.showGrid(x=x, y=y, alpha=0.22)


def set_log(canvas: Canvas, x: bool, y: bool) -> None:
    """Let the ticks say 10ⁿ; the positions are the drawing's business."""
    canvas.log_x, canvas.log_y = x, y
    plot: Any = canvas.plot
    plot.getAxis("bottom").setLogMode(x)
    plot.getAxis("left").setLogMode(y)
