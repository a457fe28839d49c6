"""Plots drawn by pyqtgraph in the theme's colours: curves, scatters, heat maps, histograms."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.forms.numbers import number_words
from app.theme import Metrics, Theme, current_theme
from core.results import Curve, Heatmap, Histogram, Scatter

pg.setConfigOptions(antialias=True, useOpenGL=False, imageAxisOrder="row-major")

FEW = 2000
"""Curves with fewer points are drawn as they are."""


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


class FigureView(QWidget):
    """One plot of `core.results`, with pan and zoom by mouse, a read-out of the pointer and PNG export."""

    def __init__(self, output: Any, *, compact: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.output = output
        self._compact = compact
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"Plot: {output.name}")
        self._widget: pg.GraphicsLayoutWidget | None = None
        self._column = column
        self.plot: pg.PlotItem | None = None
        self.set_theme(current_theme())

    def sizeHint(self) -> QSize:
        m = Metrics.of(self.font())
        return QSize(m.px(260), m.px(200 if self._compact else 400))

    def set_theme(self, theme: Theme) -> None:
        """Draw it again in other colours."""
        shown = self.plot.viewRange() if self.plot is not None else None
        if self._widget is not None:
            self._column.removeWidget(self._widget)
            self._widget.hide()
            self._widget.close()
            self._widget.setParent(None)
            self._widget.deleteLater()
        widget = pg.GraphicsLayoutWidget()
        background = theme.field if self._compact else theme.panel
        widget.setBackground(QColor(background))
        widget.setFrameShape(widget.Shape.NoFrame)
        widget.ci.layout.setContentsMargins(*((2, 8, 4, 2) if self._compact else (16, 16, 16, 16)))
        plot = widget.addPlot()
        plot.hideButtons()
        plot.setMenuEnabled(False)
        _style_axes(plot, theme, self.font(), background)
        drawers: dict[type, Callable[..., None]] = {
            Curve: _curve,
            Scatter: _scatter,
            Heatmap: _heatmap,
            Histogram: _histogram,
        }
        drawers[type(self.output)](plot, self.output, theme, widget, self._compact)
        self._widget, self.plot = widget, plot
        self._column.addWidget(widget)
        if shown is not None and not isinstance(self.output, Heatmap):
            plot.setRange(xRange=shown[0], yRange=shown[1], padding=0)

    def set_output(self, output: Any) -> None:
        """Show another plot (a preview that grew)."""
        self.output = output
        self.plot = None
        self.set_theme(current_theme())

    def image(self, scale: float = 2.0) -> QImage:
        """The plot as a picture."""
        assert self._widget is not None
        size = self._widget.size()
        picture = QImage(size * scale, QImage.Format.Format_RGB32)
        picture.setDevicePixelRatio(scale)
        picture.fill(self._widget.backgroundBrush().color())
        painter = QPainter(picture)
        self._widget.render(painter, QRectF(self._widget.rect()), self._widget.rect())
        painter.end()
        return picture

    def save_png(self, path: Path) -> bool:
        """Write the picture; False if the disk refuses."""
        return self.image().save(str(path))


def _style_axes(plot: pg.PlotItem, theme: Theme, font: QFont, background: str) -> None:
    small = QFont(font)
    small.setPixelSize(Metrics.of(font).small)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(theme.line))
        axis.setTextPen(pg.mkPen(theme.muted))
        axis.setTickFont(small)
        axis.setStyle(tickLength=-4, autoExpandTextSpace=True, tickTextOffset=6)
        axis.enableAutoSIPrefix(False)
        axis.label.setFont(small)
    plot.getViewBox().setBackgroundColor(QColor(background))
    plot.getViewBox().setBorder(None)


def _axis_label(plot: pg.PlotItem, side: str, text: str, unit: str, theme: Theme) -> None:
    words = f"{text} [{unit}]" if unit and text else text or unit
    if words:
        plot.setLabel(side, words, color=theme.muted)


def _legend(plot: pg.PlotItem, theme: Theme, names: list[tuple[str, Any]], background: str) -> None:
    legend = plot.addLegend(
        offset=(-8, 8),
        labelTextColor=theme.text,
        brush=pg.mkBrush(QColor(background)),
        pen=pg.mkPen(theme.line),
        verSpacing=-4,
    )
    for name, item in names:
        legend.addItem(item, name)


def _curve(plot: pg.PlotItem, c: Curve, theme: Theme, widget: pg.GraphicsLayoutWidget, compact: bool) -> None:
    plot.setLogMode(x=c.log_x, y=c.log_y)
    plot.showGrid(x=False, y=True, alpha=0.18)
    drawn = []
    for name, tone in zip(c.ys, series_colors(theme, len(c.ys)), strict=True):
        item = pg.PlotDataItem(
            np.asarray(c.x, dtype=float),
            np.asarray(c.ys[name], dtype=float),
            pen=pg.mkPen(tone, width=1.6),
            connect="finite",
        )
        plot.addItem(item)
        if len(c.x) > FEW:  # only now: clipping asks for the view that the curve is in
            item.setDownsampling(auto=True, method="peak")
            item.setClipToView(True)
        if len(c.x) == 1:
            item.setSymbol("o")
        drawn.append((name, item))
    if len(drawn) > 1:
        _legend(plot, theme, drawn[:12], theme.panel)
    _axis_label(plot, "bottom", c.x_label, c.x_unit, theme)
    _axis_label(plot, "left", c.y_label or (next(iter(c.ys)) if len(c.ys) == 1 else ""), c.y_unit, theme)


def _scatter(
    plot: pg.PlotItem, s: Scatter, theme: Theme, widget: pg.GraphicsLayoutWidget, compact: bool
) -> None:
    plot.showGrid(x=True, y=True, alpha=0.15)
    brush: Any = pg.mkBrush(theme.accent)
    if s.color is not None:
        values = np.asarray(s.color, dtype=float)
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        scaled = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
        shades = pg.colormap.get("viridis").map(np.nan_to_num(scaled), mode="byte")
        brush = [pg.mkBrush(*shade) for shade in shades]
        _colour_bar(widget, pg.colormap.get("viridis"), (low, high), s.color_label, theme, compact)
    item = pg.ScatterPlotItem(
        x=np.asarray(s.x, dtype=float),
        y=np.asarray(s.y, dtype=float),
        size=6,
        pen=None,
        brush=brush,
        hoverable=bool(s.labels),
        data=list(s.labels) or None,
        tip=(lambda x, y, data: f"{data}") if s.labels else None,
    )
    plot.addItem(item)
    plot.setAspectLocked(same_scale(s))
    _axis_label(plot, "bottom", s.x_label, s.x_unit, theme)
    _axis_label(plot, "left", s.y_label, s.y_unit, theme)


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


def _heatmap(
    plot: pg.PlotItem, h: Heatmap, theme: Theme, widget: pg.GraphicsLayoutWidget, compact: bool
) -> None:
    values = np.asarray(h.values)
    values = np.abs(values) if np.iscomplexobj(values) else values.astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if h.diverging:
        high = max(abs(low), abs(high))
        low = -high
    if low == high:
        low, high = low - 0.5, high + 0.5
    colors = diverging_map() if h.diverging else pg.colormap.get("viridis")
    image = pg.ImageItem(values, levels=(low, high))
    image.setColorMap(colors)
    plot.addItem(image)
    box = plot.getViewBox()
    box.invertY(True)
    box.setAspectLocked(values.shape[0] == values.shape[1])
    box.setLimits(xMin=0, xMax=values.shape[1], yMin=0, yMax=values.shape[0])
    box.setRange(xRange=(0, values.shape[1]), yRange=(0, values.shape[0]), padding=0)
    for side, names in (("bottom", h.column_labels), ("left", h.row_labels)):
        if names and len(names) <= 60:
            step = max(1, len(names) // 12)
            ticks = [(n + 0.5, name[:18]) for n, name in enumerate(names)][::step]
            plot.getAxis(side).setTicks([ticks])
    _axis_label(plot, "bottom", h.x_label, "", theme)
    _axis_label(plot, "left", h.y_label, "", theme)
    words = f"{h.value_label} [{h.unit}]" if h.unit and h.value_label else h.value_label or h.unit
    _colour_bar(widget, colors, (low, high), words, theme, compact)


def _histogram(
    plot: pg.PlotItem, h: Histogram, theme: Theme, widget: pg.GraphicsLayoutWidget, compact: bool
) -> None:
    plot.showGrid(x=False, y=True, alpha=0.18)
    edges, counts = np.asarray(h.edges, dtype=float), np.asarray(h.counts, dtype=float)
    fill = QColor(theme.accent)
    fill.setAlphaF(0.75)
    item = pg.PlotDataItem(
        edges,
        counts,
        stepMode="center",
        fillLevel=0,
        pen=pg.mkPen(theme.accent, width=1),
        brush=pg.mkBrush(fill),
    )
    plot.addItem(item)
    plot.getViewBox().setLimits(yMin=0)
    _axis_label(plot, "bottom", h.label, h.unit, theme)
    _axis_label(plot, "left", "Count", "", theme)


def diverging_map() -> pg.ColorMap:
    """Blue through grey to red, centred at zero: Moreland's cool-warm ("Diverging Color Maps", ISVC 2009)."""
    stops = np.array(
        [[59, 76, 192], [141, 176, 254], [221, 221, 221], [244, 152, 122], [180, 4, 38]], dtype=np.uint8
    )
    return pg.ColorMap(np.linspace(0, 1, len(stops)), stops)


def _colour_bar(
    widget: pg.GraphicsLayoutWidget,
    colors: pg.ColorMap,
    levels: tuple[float, float],
    text: str,
    theme: Theme,
    compact: bool,
) -> None:
    """A vertical ramp with the two ends written at it; it shows, it cannot be dragged."""
    bar = widget.addPlot()
    bar.hideButtons()
    bar.setMenuEnabled(False)
    bar.setMouseEnabled(False, False)
    ramp = pg.ImageItem(np.linspace(0, 1, 256)[:, None], levels=(0, 1))
    ramp.setColorMap(colors)
    low, high = levels
    ramp.setRect(0, low, 1, high - low)
    bar.addItem(ramp)
    bar.hideAxis("bottom")
    bar.hideAxis("left")
    bar.showAxis("right")
    axis = bar.getAxis("right")
    small = QFont(widget.font())
    small.setPixelSize(Metrics.of(widget.font()).small)
    axis.setTickFont(small)
    axis.setTextPen(pg.mkPen(theme.muted))
    axis.setPen(pg.mkPen(theme.line))
    middle = (low + high) / 2
    axis.setTicks([[(v, number_words(v, 3)) for v in (low, middle, high)]])
    axis.setStyle(tickLength=0)
    axis.enableAutoSIPrefix(False)  # the ticks are ours: a factor in the label would be wrong
    if text and not compact:
        bar.setLabel("right", text, color=theme.muted)
        axis.label.setFont(small)
    bar.getViewBox().setBackgroundColor(None)
    bar.getViewBox().setRange(xRange=(0, 1), yRange=(low, high), padding=0)
    if text and compact:
        bar.setToolTip(text)
    bar.setMaximumWidth(Metrics.of(widget.font()).px(60 if compact or not text else 76))
