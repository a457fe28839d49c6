"""A small curve without axes, for a job that runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.forms.numbers import number_words
from app.theme import Metrics, color, current_theme


class SparkLine(QWidget):
    """A live curve: its name and last value as words, its course as a line. A click, or Return, asks for it large."""

    clicked = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._points: list[tuple[float, float]] = []
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Show it large")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, Metrics.of(self.font()).px(56))

    def set_points(self, steps: Sequence[float], values: Sequence[float]) -> None:
        """The whole curve so far."""
        self._points = [(x, y) for x, y in zip(steps, values, strict=True) if math.isfinite(y)]
        last = number_words(values[-1]) if values else ""
        self.setAccessibleName(f"{self._name}: {last}")
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(m.small)
        painter.setFont(font)
        head = QRectF(0, 0, self.width(), m.px(16))
        painter.setPen(color(theme.muted))
        painter.drawText(head, int(Qt.AlignmentFlag.AlignLeft), self._name)
        if self._points:
            painter.setPen(color(theme.text))
            painter.drawText(head, int(Qt.AlignmentFlag.AlignRight), number_words(self._points[-1][1]))
        box = QRectF(0.5, m.px(20), self.width() - 1, self.height() - m.px(20) - 1)
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        if len(self._points) > 1:
            points = _thinned(self._points)
            left, low = min(x for x, _ in points), min(y for _, y in points)
            dx = (max(x for x, _ in points) - left) or 1.0
            dy = (max(y for _, y in points) - low) or 1.0
            across, up = box.width() / dx, (box.height() - 4) / dy
            line = QPolygonF(
                [
                    QPointF(box.left() + (x - left) * across, box.bottom() - 2 - (y - low) * up)
                    for x, y in points
                ]
            )
            painter.setPen(QPen(color(theme.accent), 1.6))
            painter.drawPolyline(line)
        if self.hasFocus():
            painter.setPen(QPen(color(theme.accent), 1))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()


def _thinned(points: list[tuple[float, float]], parts: int = 200) -> list[tuple[float, float]]:
    """Lowest and highest point of each part of a long curve, in order: no peak is lost, and no more is drawn than
    there are pixels."""
    if len(points) <= 3 * parts:
        return points
    size = -(-len(points) // parts)
    out = []
    for k in range(0, len(points), size):
        part = points[k : k + size]
        out += sorted({min(part, key=itemgetter(1)), max(part, key=itemgetter(1))})
    return out
