"""What every kind of plot can do: draw itself, take new values, tell what is where, highlight rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QBrush, QColor, QFont, QPolygonF

from app.forms.numbers import number_words
from app.plots.rows import NONE, Rows
from app.theme import Metrics, Theme

Array = np.ndarray[Any, Any]
FADED = 0.25
"""Opacity of what is not selected while something is."""


class Dots(pg.ScatterPlotItem):
    """Points that leave clicks to the plot, which knows what lies where."""

    def mouseClickEvent(self, event: Any) -> None:
        event.ignore()

    def setBrush(self, *args: Any, **options: Any) -> None:
        """A list holds brushes already: pyqtgraph makes sure of each, a third of a large plot's time."""
        brushes: Any = args[0] if args else None
        data: Any = options.get("dataSet")
        ready = isinstance(brushes, list) and options.get("mask") is None and data is not None
        if not (ready and len(brushes) == len(data) and all(type(b) is QBrush for b in brushes)):
            super().setBrush(*args, **options)
            return
        data["brush"] = brushes
        data["sourceRect"] = 0
        if options.get("update", True):
            self.updateSpots(data)

    def place(self, x: Array, y: Array, **options: Any) -> None:
        """`setData`, which takes a millisecond also where there was nothing and is nothing."""
        if len(x) or len(self.data):
            self.setData(x, y, **options)


@dataclass(eq=False)
class Canvas:
    """Where a drawing draws."""

    plot: Any
    widget: Any
    theme: Theme
    font: QFont
    compact: bool
    log_x: bool = False
    log_y: bool = False

    @property
    def background(self) -> str:
        """The colour behind the plot."""
        return self.theme.field if self.compact else self.theme.panel

    @property
    def small(self) -> QFont:
        """The font of ticks and labels."""
        made = QFont(self.font)
        made.setPixelSize(Metrics.of(self.font).small)
        return made

    def px(self, design: float) -> int:
        """See `Metrics.px`."""
        return Metrics.of(self.font).px(design)


@dataclass(frozen=True)
class Hit:
    """What lies under the pointer: `x`, `y` where a mark goes (None: no mark), the words, its row and its object."""

    text: str
    x: float | None = None
    y: float | None = None
    row: int = -1
    target: str = ""


class Drawing:
    """One output of `core.results` on a canvas; positions are those of the plot, that is, logarithms on a log axis."""

    grid = (False, True)
    """Whether lines of a grid along x and y help."""

    def __init__(self, output: Any, canvas: Canvas) -> None:
        self.output = output
        self.canvas = canvas

    # -- logarithms ------------------------------------------------------------------------------------------

    def why_no_log(self, axis: str) -> str:
        """Why the axis "x" or "y" cannot be logarithmic; "" if it can."""
        return "these axes do not count in numbers"

    def on_x(self, values: Any) -> Array:
        """Values as positions along x."""
        return positions(values, self.canvas.log_x)

    def on_y(self, values: Any) -> Array:
        """Values as positions along y."""
        return positions(values, self.canvas.log_y)

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Put everything on the canvas."""
        raise NotImplementedError

    def update(self, output: Any) -> bool:
        """Show other values with the same items; False if that cannot be done."""
        return False

    def redraw(self) -> None:
        """The same values anew (a log axis was switched)."""
        self.update(self.output)

    @property
    def names(self) -> tuple[str, ...]:
        """What can be shown and hidden by name."""
        return ()

    def set_shown(self, name: str, shown: bool) -> None:
        """Show or hide one of `names`."""

    def is_shown(self, name: str) -> bool:
        """Whether one of `names` is shown."""
        return True

    # -- reading ---------------------------------------------------------------------------------------------

    def hit(self, x: float, y: float, dx: float, dy: float) -> Hit | None:
        """What lies at a position; `dx`, `dy` are the size of a pixel there."""
        return None

    def read(self, axis: str, at: float) -> list[tuple[str, float, str]]:
        """What a cursor at a position reads: (name, value, unit) of everything it crosses."""
        return []

    @property
    def x_words(self) -> tuple[str, str]:
        """Label and unit along x."""
        return getattr(self.output, "x_label", "") or "x", getattr(self.output, "x_unit", "")

    @property
    def y_words(self) -> tuple[str, str]:
        """Label and unit along y."""
        return getattr(self.output, "y_label", "") or "y", getattr(self.output, "y_unit", "")

    # -- rows ------------------------------------------------------------------------------------------------

    def row_of(self, index: int) -> int:
        """The row of the output's table that a sample stands for; -1 for none."""
        if not getattr(self.output, "table", ""):
            return -1
        rows = self.output.rows
        return index if rows is None else int(rows[index])

    def all_rows(self, n: int) -> Rows:
        """The rows (n,) that the samples stand for."""
        rows = getattr(self.output, "rows", None)
        return np.arange(n) if rows is None else np.asarray(rows)

    def inside(self, area: QPolygonF) -> Rows:
        """The rows of the samples within an area."""
        return NONE

    def highlight(self, rows: Rows) -> None:
        """Let these rows stand out; none: all look alike."""


def positions(values: Any, log: bool) -> Array:
    """Values as positions on an axis; what is infinite, or has no logarithm, becomes a gap."""
    out: Array = np.asarray(values, dtype=float)
    if np.isinf(out).any():
        out = np.where(np.isinf(out), np.nan, out)
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            out = np.where(out > 0, np.log10(np.where(out > 0, out, 1.0)), np.nan)
    return out


def value_at(position: float, log: bool) -> float:
    """The value at a position of an axis."""
    return float(10.0 ** min(position, 300.0)) if log else float(position)


def why_no_log_of(values: Any, name: str) -> str:
    """Why these values have no place on a log axis; "" if some have."""
    found = np.asarray(values)
    if found.size and bool((found > 0).any()):
        return ""
    return f"no value of {name} is above zero"


def with_unit(value: float, unit: str, digits: int = 5) -> str:
    """A number and its unit."""
    return number_words(value, digits) + (unit if unit == "°" else f" {unit}" if unit else "")


def axis_words(text: str, unit: str) -> str:
    """The label of an axis: "Angle [rad]"."""
    return f"{text} [{unit}]" if unit and text else text or unit


def inside_polygon(area: QPolygonF, x: Array, y: Array) -> Array:
    """Which points (n,) lie within a polygon: crossings of a ray to the right."""
    corners = np.array([(p.x(), p.y()) for p in area.toList()])
    box = area.boundingRect()
    near = (x >= box.left()) & (x <= box.right()) & (y >= box.top()) & (y <= box.bottom())
    index = np.flatnonzero(near)
    px, py = x[index], y[index]
    odd = np.zeros(len(index), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > py) != (y2 > py)
        odd ^= crosses & (px < (x2 - x1) * (py - y1) / (y2 - y1) + x1)
    out = np.zeros(len(x), dtype=bool)
    out[index[odd]] = True
    return out


def series_colors(theme: Theme, n: int) -> list[str]:
    """Colours that stay apart for the colour-blind: the accent first, then Okabe and Ito's, then round again."""
    okabe_ito = (
        "#e69f00",
        "#009e73",
        "#cc79a7",
        "#56b4e9",
        "#d55e00",
        "#f0e442" if theme.dark else "#8a7a00",
    )
    palette = (theme.accent, *okabe_ito)
    return [palette[i % len(palette)] for i in range(n)]


def tinted(tone: str, alpha: float) -> QColor:
    """A colour with an opacity."""
    made = QColor(tone)
    made.setAlphaF(alpha)
    return made


def selected_pen(theme: Theme) -> Any:
    """The outline of what is selected."""
    return pg.mkPen(theme.text, width=1.4)
