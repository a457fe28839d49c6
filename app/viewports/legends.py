"""Colour bars over a picture: beside each other at the lower right, below the letter at that side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from app.viewports.colors import table
from app.viewports.notes import Legend
from app.viewports.state import Resolved, ResolvedSlice

if TYPE_CHECKING:
    from app.viewports.overlay import Overlay

MOST = 3


def paint_legends(overlay: Overlay, painter: QPainter, state: Resolved, legends: list[Legend]) -> None:
    """As many as there is room for, the first at the right."""
    m = overlay.metrics
    metrics = QFontMetricsF(overlay.small)
    line, edge, wide = metrics.height(), m.px(12), m.px(10)
    flat = isinstance(state, ResolvedSlice)
    # Between the letter at the side and the one below, whatever the height of the view.
    bottom = state.height - edge - (m.px(24) if flat else 0)
    height = min(m.px(110), bottom - state.height / 2 - m.px(14) - 1.8 * line)
    if height < m.px(30):
        return
    right: float = state.width - edge
    for legend in legends[:MOST]:
        if legend.classes:
            right -= _names(overlay, painter, legend, right, bottom) + m.px(18)
            continue
        ticks = _ticks(legend)
        title = legend.title + (f" ({legend.unit})" if legend.unit else "")
        title = metrics.elidedText(title, Qt.TextElideMode.ElideMiddle, m.px(150))
        numbers = max(metrics.horizontalAdvance(words) for _, words in ticks)
        column = max(metrics.horizontalAdvance(title), numbers + m.px(6) + wide)
        if right - column < state.width * 0.3:
            return
        bar = QRectF(right - wide, bottom - height, wide, height)
        _bar(painter, bar, legend)
        sides = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for part, words in ticks:
            level = bar.bottom() - part * height
            painter.setPen(QPen(QColor(overlay.theme.view_muted), 1))
            painter.drawLine(QLineF(bar.left() - m.px(3), level, bar.left(), level))
            box = QRectF(0, level - line / 2, bar.left() - m.px(6), line)
            overlay.text(painter, box, sides, words, overlay.theme.view_text, overlay.small)
        box = QRectF(0, bar.top() - 1.7 * line, right, line)
        overlay.text(painter, box, sides, title, overlay.theme.view_text, overlay.small)
        right -= column + m.px(18)


def _names(overlay: Overlay, painter: QPainter, legend: Legend, right: float, bottom: float) -> float:
    """Names beside their colours, as many as there is room for; the width they take comes back."""
    m = overlay.metrics
    metrics = QFontMetricsF(overlay.small)
    line, side = metrics.height() * 1.2, m.px(10)
    classes = legend.classes[: max(1, int((bottom - m.px(60)) / line) - 1)]
    words = [metrics.elidedText(n, Qt.TextElideMode.ElideMiddle, m.px(150)) for n, _ in classes]
    title = metrics.elidedText(legend.title, Qt.TextElideMode.ElideMiddle, m.px(150))
    flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    top = bottom - line * len(classes)
    for k, (word, (_, color)) in enumerate(zip(words, classes, strict=True)):
        y = top + k * line
        painter.setPen(QPen(QColor(0, 0, 0, 130), 1))
        painter.setBrush(QColor(*color))
        painter.drawRoundedRect(QRectF(right - side, y + (line - side) / 2, side, side), m.px(2), m.px(2))
        box = QRectF(0, y, right - side - m.px(6), line)
        overlay.text(painter, box, flags, word, overlay.theme.view_text, overlay.small)
    box = QRectF(0, top - 1.2 * line, right, line)
    overlay.text(painter, box, flags, title, overlay.theme.view_muted, overlay.small)
    return max(side + m.px(6) + max(map(metrics.horizontalAdvance, words)), metrics.horizontalAdvance(title))


def _bar(painter: QPainter, bar: QRectF, legend: Legend) -> None:
    gradient = QLinearGradient(bar.bottomLeft(), bar.topLeft())
    colors = table(legend.colormap)
    for k in range(0, 256, 15):
        gradient.setColorAt(k / 255, QColor(*(int(c) for c in colors[k])))
    painter.setPen(QPen(QColor(0, 0, 0, 130), 1))
    painter.setBrush(QBrush(gradient))
    painter.drawRect(bar)
    span = legend.high - legend.low
    if legend.floor > 0 and span > 0:
        # What is not shown has no colour in the bar either.
        ends = [min(max((v - legend.low) / span, 0.0), 1.0) for v in (-legend.floor, legend.floor)]
        if ends[1] > ends[0]:
            top, low = (bar.bottom() - e * bar.height() for e in reversed(ends))
            painter.fillRect(QRectF(bar.left(), top, bar.width(), low - top), QColor(0, 0, 0))
            painter.setPen(QPen(QColor(128, 128, 128), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(bar)


def _ticks(legend: Legend) -> list[tuple[float, str]]:
    """(place on 0..1, words); the ends say "≥" and "≤" where nothing beyond them is shown."""
    span = legend.high - legend.low
    out = []
    for part in (0.0, 0.5, 1.0):
        words = tick_text(legend.low + part * span, span)
        if part == 0.0 and legend.hide in ("below", "outside"):
            words = f"≥ {words}"
        if part == 1.0 and legend.hide in ("above", "outside"):
            words = f"≤ {words}"
        out.append((part, words))
    return out


def tick_text(value: float, span: float) -> str:
    """A number with the digits that its range needs."""
    if span > 0 and abs(value) < 1e-9 * span:
        return "0"
    if span <= 0 or not math.isfinite(span):
        return f"{value:.4g}".replace("-", "−")
    largest = max(abs(value), span)
    if largest >= 1e6 or largest < 1e-3:
        return f"{value:.2e}".replace("-", "−")
    digits = max(0, round(2 - math.log10(span)))
    return f"{value:.{min(digits, 6)}f}".replace("-", "−")
