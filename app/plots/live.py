"""The curves of a running job, large: they grow as it goes on, and can be smoothed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from app.forms.widgets import button, elided, label
from app.plots.curves import Lines
from app.plots.figure import FigureView
from app.theme import Metrics, Theme

EVERY = 60
"""Milliseconds between two pictures, at least."""
FEW = 40
"""Points from which on smoothing means something."""


class Points(Protocol):
    """One metric so far."""

    steps: list[float]
    values: list[float]


class LiveView(QFrame):
    """A plot of metrics.

    Parameters
    ----------
    curves : name -> points; looked at again after each `touch`, so it may grow meanwhile.
    """

    closed = Signal()

    def __init__(self, title: str, curves: Mapping[str, Points], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._curves = title, curves
        m = Metrics.of(self.font())
        self.setProperty("role", "panel")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        row = QHBoxLayout()
        row.setContentsMargins(m.px(16), m.px(8), m.px(14), 0)
        row.setSpacing(m.px(10))
        self.state = elided("", "muted")
        self.smooth = QSlider(Qt.Orientation.Horizontal)
        self.smooth.setRange(0, 100)
        self.smooth.setFixedWidth(m.px(120))
        self.smooth.setAccessibleName("Smoothing")
        self.smooth.setToolTip("The mean over a share of the neighbours")
        self.smooth.valueChanged.connect(lambda _value: self.touch())
        row.addWidget(self.state, 1)
        row.addWidget(label("Smoothing", "muted"))
        row.addWidget(self.smooth)
        row.addWidget(button("Back to the views", self.closed.emit, "quiet"))
        column.addLayout(row)
        self.figure = FigureView(self.lines())
        column.addWidget(self.figure, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._show)

    def touch(self) -> None:
        """There is more to show; shown at most every `EVERY` milliseconds."""
        if not self._timer.isActive():
            self._timer.start(EVERY)

    def set_state(self, text: str) -> None:
        """What the job does now."""
        self.state.setText(text)

    def _show(self) -> None:
        if self.isVisible():
            self.figure.set_output(self.lines())

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.touch()

    def lines(self) -> Lines:
        """All metrics as they are now, smoothed as asked for."""
        share = self.smooth.value() / 100
        series = {}
        for name, curve in self._curves.items():
            x, y = np.array(curve.steps, dtype=float), np.array(curve.values, dtype=float)
            series[name] = (x, smoothed(y, share))
        return Lines(self._title, series, x_label="Step", y_label="" if len(series) == 1 else "Value")

    def set_theme(self, theme: Theme) -> None:
        """In other colours."""
        self.figure.set_theme(theme)


def smoothed(values: Any, share: float) -> Any:
    """Values (n,) averaged over a window of up to a fifth of them, as `share` (0..1) says; gaps stay gaps."""
    width = int(share * len(values) / 5)
    if width < 2 or len(values) < FEW:
        return values
    known = np.isfinite(values)
    kernel = np.ones(2 * (width // 2) + 1)
    sums = np.convolve(np.where(known, values, 0.0), kernel, mode="same")
    numbers = np.convolve(known.astype(float), kernel, mode="same")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, sums / numbers, np.nan)
