"""What is drawn on a histogram of values: the part that `RangeSlider` and `OpacityCurve` share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.forms.gestures import steps
from app.theme import Metrics, current_theme


class HistogramField(QWidget):
    """A field with the counts of some values, on a log scale, to take something hold of by mouse and by keys.

    Subclasses say where the histogram lies (`_area`) and between which values it runs (`ends`).
    """

    gesture_name = ""
    """What its edits are called in the keys under which edits of one gesture merge."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.ready = False
        """Whether there is something to take hold of."""
        self._counts: NDArray[Any] = np.zeros(0)
        self._data = (0.0, 1.0)
        self._colors: NDArray[Any] | None = None
        self._hovered: int | None = None
        self._gesture = steps(self.gesture_name)

    def set_distribution(self, counts: NDArray[Any], low: float, high: float) -> None:
        """The histogram: counts of bins of equal width between `low` and `high`."""
        self._counts = np.log1p(np.asarray(counts, dtype=float))
        self._data = (float(low), float(high))
        self.update()

    def set_colors(self, colors: NDArray[Any] | None) -> None:
        """(n, 3) uint8, from the low to the high end of the range; None: no colours."""
        self._colors = colors
        self.update()

    @property
    def ends(self) -> tuple[float, float]:
        """The values at the left and right end."""
        raise NotImplementedError

    def _area(self) -> QRectF:
        """Where the histogram is."""
        raise NotImplementedError

    def x_of(self, value: float) -> float:
        """The x of a value."""
        area, (low, high) = self._area(), self.ends
        return float(area.left() + (value - low) / (high - low) * area.width())

    def value_at(self, x: float) -> float:
        """The value under an x."""
        area, (low, high) = self._area(), self.ends
        return low + (x - area.left()) / max(area.width(), 1.0) * (high - low)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def leaveEvent(self, event: Any) -> None:
        self._hovered = None
        self.update()

    def focusInEvent(self, event: Any) -> None:
        self._gesture = steps(self.gesture_name)
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        self.update()

    # -- paint -----------------------------------------------------------------------------------------------

    def _paint_field(self, painter: QPainter) -> None:
        """The field's ground and edge."""
        theme, m = current_theme(), Metrics.of(self.font())
        painter.setPen(QPen(QColor(theme.accent if self.hasFocus() else theme.line), 1))
        painter.setBrush(QColor(theme.field))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), m.radius, m.radius)

    def _shape(self) -> QPolygonF | None:
        """The outline of the histogram; None without counts."""
        if not self._counts.size or not self._counts.max() > 0:
            return None
        area = self._area()
        heights = self._counts / self._counts.max() * (area.height() - 2)
        low, high = self.ends
        values = np.linspace(*self._data, self._counts.size + 1)
        edges = area.left() + (values - low) / (high - low) * area.width()
        levels = np.repeat(area.bottom() - heights, 2)
        xs = [edges[0], *np.repeat(edges, 2)[1:-1].tolist(), edges[-1]]
        ys = [area.bottom(), *levels.tolist(), area.bottom()]
        return QPolygonF([QPointF(x, y) for x, y in zip(xs, ys, strict=True)])

    def _gradient(self, left: float, right: float) -> QLinearGradient | None:
        """The colours between two x; None without colours."""
        if self._colors is None:
            return None
        gradient = QLinearGradient(left, 0, max(right, left + 1), 0)
        last = len(self._colors) - 1
        for k in range(0, last + 1, max(1, last // 16)):
            gradient.setColorAt(k / last, QColor(*(int(c) for c in self._colors[k])))
        return gradient
