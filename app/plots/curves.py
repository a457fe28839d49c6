"""Curves: lines over one axis, with bands of error, gaps, and a legend that shows and hides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPolygonF

from app.plots.axes import label_axis
from app.plots.drawing import (
    Array,
    Canvas,
    Dots,
    Drawing,
    Hit,
    axis_words,
    inside_polygon,
    selected_pen,
    series_colors,
    tinted,
    value_at,
    why_no_log_of,
    with_unit,
)
from app.plots.line import FEW, Line, span, thinned
from app.plots.rows import NONE, Rows

DENSE = 1000
"""Curves with more points are drawn with a thinner line: a thick one that swings takes long to draw."""
LEGEND = 12
"""Curves that the legend names; the menu "Curves" has them all."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Curves each with an x of its own: what a running job reports. `series` name -> (x, y)."""

    name: str
    series: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    x_label: str = ""
    y_label: str = ""
    x_unit: str = ""
    y_unit: str = ""
    log_x: bool = False
    log_y: bool = False


class Legend(pg.LegendItem):
    """A legend whose names, not only their samples, show and hide a curve by a click."""

    def addItem(self, item: Any, name: str) -> None:
        super().addItem(item, name)
        sample, label = self.items[-1]

        def clicked(event: Any) -> None:
            if event.button() == Qt.MouseButton.LeftButton:
                sample.mouseClickEvent(event)

        label.mouseClickEvent = clicked
        label.setToolTip("Click to show or hide")

    def mouseDragEvent(self, event: Any) -> None:
        event.ignore()  # a drag that starts here pans like one that starts beside it


class CurveDrawing(Drawing):
    """A `Curve`, or `Lines`."""

    def __init__(self, output: Any, canvas: Canvas) -> None:
        super().__init__(output, canvas)
        self._items: dict[str, Any] = {}
        self._bands: dict[str, tuple[Any, Any, Any]] = {}
        self._marked: Any = None
        self._legend: Legend | None = None
        self._rows: Rows = NONE
        self._steady: dict[str, bool] = {}
        self._spans: dict[str, Any] = {}
        self._dots: Any = None

    def _series(self) -> dict[str, tuple[Array, Array]]:
        if isinstance(self.output, Lines):
            return {
                n: (np.asarray(x, float), np.asarray(y, float)) for n, (x, y) in self.output.series.items()
            }
        x = np.asarray(self.output.x, dtype=float)
        return {name: (x, real(y)) for name, y in self.output.ys.items()}

    def why_no_log(self, axis: str) -> str:
        series = self._series().values()
        name = (self.x_words if axis == "x" else self.y_words)[0]
        reasons = [why_no_log_of(s[axis == "y"], name) for s in series]
        return "" if "" in reasons else (reasons or ["there is nothing yet"])[0]

    @property
    def y_words(self) -> tuple[str, str]:
        names = self.names
        return self.output.y_label or (names[0] if len(names) == 1 else "y"), self.output.y_unit

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self) -> None:
        theme = self.canvas.theme
        series = self._series()
        for name, tone in zip(series, series_colors(theme, len(series)), strict=True):
            self._add(name, tone)
        c = self.output
        label_axis(self.canvas, "bottom", axis_words(c.x_label, c.x_unit))
        single = next(iter(series)) if len(series) == 1 else ""
        label_axis(self.canvas, "left", axis_words(c.y_label or single, c.y_unit))
        if len(series) > 1:
            self._make_legend()
        box = self.canvas.plot.getViewBox()
        box.sigXRangeChanged.connect(lambda *_: self._on_range())
        box.sigResized.connect(lambda *_: self._on_range())
        self._fill(series)

    def _add(self, name: str, tone: str) -> None:
        plot = self.canvas.plot
        if name in getattr(self.output, "ys_error", {}):
            clear = pg.mkPen(None)
            low, high = pg.PlotCurveItem(pen=clear), pg.PlotCurveItem(pen=clear)
            band = pg.FillBetweenItem(low, high, brush=pg.mkBrush(tinted(tone, 0.2)))
            for item in (low, high, band):
                plot.addItem(item)
            self._bands[name] = (low, high, band)
        scale = self.canvas.px(100) / 100
        item = Line(pg.mkPen(tone, width=1.7 * scale), pg.mkPen(tone, width=1.0 * scale))
        item.setZValue(1)
        plot.addItem(item)
        self._items[name] = item

    def _make_legend(self) -> None:
        canvas = self.canvas
        legend = Legend(
            offset=(-canvas.px(8), canvas.px(8)),
            labelTextColor=canvas.theme.text,
            labelTextSize=f"{canvas.small.pixelSize()}px",
            brush=pg.mkBrush(tinted(canvas.background, 0.85)),
            pen=pg.mkPen(canvas.theme.line),
            verSpacing=-4,
        )
        legend.setParentItem(canvas.plot.vb)
        legend.setZValue(20)
        for name in list(self._items)[:LEGEND]:
            legend.addItem(self._items[name], name if len(name) <= 28 else f"{name[:27]}…")
        legend.sigSampleClicked.connect(lambda item: self._on_legend(item))
        self._legend = legend

    def _on_legend(self, item: Any) -> None:
        name = next((n for n, i in self._items.items() if i is item), "")
        if name:
            self.set_shown(name, item.isVisible())

    def _fill(self, series: dict[str, tuple[Array, Array]]) -> None:
        self._steady = {}
        self._spans = {}
        single: list[Array] = []
        for name, (x, y) in series.items():
            canvas = self.canvas
            self._spans[name] = (span(x, canvas.log_x), span(y, canvas.log_y))
            self._put(name, x, y)
            if len(x) == 1:
                single.append(np.array([self.on_x(x)[0], self.on_y(y)[0]]))
            if name in self._bands:
                self._put_band(name, x, y)
        self._show_single(single)
        self.highlight(self._rows)

    def _put(self, name: str, x: Array, y: Array) -> None:
        """Give a line the points that can be seen of it."""
        item = self._items[name]
        dense = len(x) > FEW
        if dense and self._is_steady(name, x):
            box = self.canvas.plot.getViewBox()
            low, high = (value_at(v, self.canvas.log_x) for v in box.viewRange()[0])
            if box.autoRangeEnabled()[0]:
                low, high = float(x[0]), float(x[-1])
            x, y = thinned(x, y, low, high, int(box.width()))
        at, up = self.on_x(x), self.on_y(y)
        if len(at) and np.isnan(at).any():
            good = ~np.isnan(at)
            at, up = at[good], up[good]
        item.put(at, up, self._spans[name], len(at) > DENSE)

    def _on_range(self) -> None:
        for name, (x, y) in self._series().items():
            if len(x) > FEW and name in self._spans:
                self._put(name, x, y)

    def _put_band(self, name: str, x: Array, y: Array) -> None:
        error = np.abs(real(self.output.ys_error[name]))
        low, high, _band = self._bands[name]
        bottom, top, where = self.on_y(y - error), self.on_y(y + error), self.on_x(x)
        known = np.isfinite(bottom) & np.isfinite(top) & np.isfinite(where)
        low.setData(where[known], bottom[known])
        high.setData(where[known], top[known])

    def _show_single(self, points: list[Array]) -> None:
        """A curve of one sample is no line: it is drawn as a dot."""
        if self._dots is None:
            if not points:
                return
            self._dots = Dots(size=self.canvas.px(7), pen=None, brush=pg.mkBrush(self.canvas.theme.accent))
            self.canvas.plot.addItem(self._dots)
        found = np.array(points).reshape(-1, 2)
        self._dots.setData(found[:, 0], found[:, 1])

    def update(self, output: Any) -> bool:
        before = self.output
        if type(output) is not type(before):
            return False
        words = ("x_label", "y_label", "x_unit", "y_unit")
        if any(getattr(output, w) != getattr(before, w) for w in words):
            return False
        self.output = output
        series = self._series()
        errors = set(getattr(output, "ys_error", {}))
        if list(series) != list(self._items) or errors != set(self._bands):
            self.output = before
            return False
        self._fill(series)
        return True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._items) or tuple(getattr(self.output, "ys", getattr(self.output, "series", {})))

    def set_shown(self, name: str, shown: bool) -> None:
        self._items[name].setVisible(shown)
        for part in self._bands.get(name, ()):
            part.setVisible(shown)
        if self._legend is not None:
            for sample, _label in self._legend.items:
                sample.update()
        self.highlight(self._rows)

    def is_shown(self, name: str) -> bool:
        return bool(self._items[name].isVisible())

    # -- reading ---------------------------------------------------------------------------------------------

    def _is_steady(self, name: str, x: Array) -> bool:
        if name not in self._steady:
            self._steady[name] = bool(len(x) < 2 or np.all(x[1:] >= x[:-1]))
        return self._steady[name]

    def hit(self, x: float, y: float, dx: float, dy: float) -> Hit | None:
        best: tuple[float, str, int, float, float] | None = None
        for name, (xs, ys) in self._series().items():
            if not self.is_shown(name) or not len(xs):
                continue
            found = self._nearest(name, xs, ys, x, y, dx, dy)
            if found is not None and (best is None or found[0] < best[0]):
                best = (found[0], name, *found[1:])
        if best is None:
            return None
        _, name, i, at, up = best
        xs, ys = self._series()[name]
        (x_name, x_unit), (y_name, y_unit) = self.x_words, self.y_words
        error = getattr(self.output, "ys_error", {}).get(name)
        words = with_unit(float(ys[i]), "" if error is not None else y_unit)
        if error is not None:
            words += f" ± {with_unit(float(error[i]), y_unit, 2)}"
        label = name if len(self._items) > 1 else y_name
        text = f"{label} {words}\n{x_name} {with_unit(float(xs[i]), x_unit)}"
        return Hit(text, at, up, self.row_of(i))

    def _nearest(
        self, name: str, xs: Array, ys: Array, x: float, y: float, dx: float, dy: float
    ) -> tuple[float, int, float, float] | None:
        first, last = 0, len(xs)
        if self._is_steady(name, xs):
            reach = 12 * dx
            low, high = (value_at(v, self.canvas.log_x) for v in (x - reach, x + reach))
            first, last = np.searchsorted(xs, [low, high]).tolist()
            if first == last:  # between two samples that lie far apart
                first, last = max(0, first - 1), min(len(xs), first + 1)
        at, up = self.on_x(xs[first:last]), self.on_y(ys[first:last])
        with np.errstate(invalid="ignore", over="ignore"):
            apart = ((at - x) / dx) ** 2 + ((up - y) / dy) ** 2
        if not len(apart) or np.all(np.isnan(apart)):
            return None
        i = int(np.nanargmin(apart))
        return float(apart[i]), first + i, float(at[i]), float(up[i])

    def read(self, axis: str, at: float) -> list[tuple[str, float, str]]:
        if axis == "y":
            return []
        out = []
        value = value_at(at, self.canvas.log_x)
        for name, (xs, ys) in self._series().items():
            if not self.is_shown(name) or not len(xs):
                continue
            if self._is_steady(name, xs) and xs[0] <= value <= xs[-1]:
                out.append((name, float(np.interp(value, xs, ys)), self.output.y_unit))
        return out

    # -- rows ------------------------------------------------------------------------------------------------

    def inside(self, area: QPolygonF) -> Rows:
        if not getattr(self.output, "table", ""):
            return NONE
        found = [NONE]
        for name, (xs, ys) in self._series().items():
            if self.is_shown(name):
                found.append(self.all_rows(len(xs))[inside_polygon(area, self.on_x(xs), self.on_y(ys))])
        return np.unique(np.concatenate(found))

    def highlight(self, rows: Rows) -> None:
        self._rows = rows
        for item in self._items.values():
            item.setOpacity(0.45 if len(rows) else 1.0)
        if self._marked is None:
            if not len(rows):
                return
            self._marked = Dots(size=self.canvas.px(8), pen=selected_pen(self.canvas.theme))
            self._marked.setZValue(5)
            self.canvas.plot.addItem(self._marked, ignoreBounds=True)
        at, up, brushes = [np.zeros(0)], [np.zeros(0)], []
        tones = series_colors(self.canvas.theme, len(self._items))
        for tone, (name, (xs, ys)) in zip(tones, self._series().items(), strict=True):
            if self.is_shown(name) and len(rows):
                chosen = np.isin(self.all_rows(len(xs)), rows)
                x, y = self.on_x(xs[chosen]), self.on_y(ys[chosen])
                known = np.isfinite(x) & np.isfinite(y)
                at.append(x[known])
                up.append(y[known])
                brushes += [pg.mkBrush(tone)] * int(known.sum())
        self._marked.setData(np.concatenate(at), np.concatenate(up), brush=brushes or None)


def real(values: Any) -> Array:
    """Values as float64; complex ones by their modulus."""
    found = np.asarray(values)
    out: Array = (np.abs(found) if np.iscomplexobj(found) else found).astype(float)
    return out


__all__ = ["CurveDrawing", "Lines"]
