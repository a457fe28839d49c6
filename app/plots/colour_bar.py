"""A vertical ramp of colours with its ends and middle written at it and its label beside it, in any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from app.forms.numbers import number_words
from app.forms.tips import plain_tip
from app.plots.drawing import Canvas

STOPS = 17


class ColourBar(pg.GraphicsWidget):
    """Shows; it cannot be dragged. Drawn with a gradient, so that it is a vector graphic too."""

    def __init__(self, canvas: Canvas, colors: Any, levels: tuple[float, float], text: str) -> None:
        super().__init__()
        self._canvas, self._colors, self.text = canvas, colors, text
        self.levels = levels
        self.setToolTip(plain_tip(text))
        self._fit()

    def set_levels(self, levels: tuple[float, float]) -> None:
        """Other ends."""
        if levels != self.levels:
            self.levels = levels
            self._fit()
            self.update()

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """(share of the height, words) from the bottom."""
        low, high = self.levels
        return [(share, number_words(low + share * (high - low), 3)) for share in (0.0, 0.5, 1.0)]

    def _fit(self) -> None:
        metrics = QFontMetricsF(self._canvas.small)
        px = self._canvas.px
        wide = max(metrics.horizontalAdvance(words) for _, words in self.ticks)
        label = metrics.height() + px(4) if self.text else 0
        self.setFixedWidth(px(8) + px(10) + px(6) + wide + label + px(4))
        self.setMinimumHeight(px(60))

    def paint(self, painter: QPainter, *_: Any) -> None:
        canvas, theme = self._canvas, self._canvas.theme
        px, metrics = canvas.px, QFontMetricsF(canvas.small)
        half = metrics.height() / 2
        # As high as the plot beside it, so that the ends stand at its edges.
        view = canvas.plot.getViewBox()
        top = self.mapFromItem(view, view.rect().topLeft()).y()
        bottom = self.mapFromItem(view, view.rect().bottomLeft()).y()
        ramp = QRectF(px(8), top, px(10), max(1.0, bottom - top))
        gradient = QLinearGradient(ramp.bottomLeft(), ramp.topLeft())
        for share in np.linspace(0, 1, STOPS):
            r, g, b, _alpha = self._colors.map(float(share), mode="byte")
            gradient.setColorAt(float(share), QColor(int(r), int(g), int(b)))
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.setBrush(QBrush(gradient))
        painter.drawRect(ramp)
        painter.setFont(canvas.small)
        painter.setPen(QColor(theme.muted))
        room = self.size().width() - ramp.right() - px(6)
        for share, words in self.ticks:
            middle = ramp.bottom() - share * ramp.height()
            middle = min(max(middle, ramp.top() + half), ramp.bottom() - half)
            area = QRectF(ramp.right() + px(6), middle - half, room, 2 * half)
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(area, int(flags), words)
        if not self.text:
            return
        shown = metrics.elidedText(self.text, Qt.TextElideMode.ElideRight, ramp.height())
        painter.save()
        painter.translate(QPointF(self.size().width() - px(2) - 2 * half, ramp.center().y()))
        painter.rotate(-90)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(QRectF(-ramp.height() / 2, 0, ramp.height(), 2 * half), int(flags), shown)
        painter.restore()


def viridis() -> Any:
    """The map of everything that is no difference."""
    return pg.colormap.get("viridis")


def diverging_map() -> Any:
    """Blue through grey to red, centred at zero: Moreland's cool-warm ("Diverging Color Maps", ISVC 2009)."""
    stops = np.array(
        [[59, 76, 192], [141, 176, 254], [221, 221, 221], [244, 152, 122], [180, 4, 38]], dtype=np.uint8
    )
    return pg.ColorMap(np.linspace(0, 1, len(stops)), stops)


def finite_levels(values: Any, diverging: bool = False) -> tuple[float, float]:
    """The least and the greatest finite value, made apart; symmetric about zero where `diverging`."""
    finite = np.asarray(values)[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if diverging:
        high = max(abs(low), abs(high))
        low = -high
    return (low - 0.5, high + 0.5) if low == high else (low, high)
