"""A slider over the bounds of a number; over several powers of ten it moves by factors."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

from core.analyses import Parameter

STEPS = 1000
WIDE = 100
"""Ratio of the bounds from which on the slider moves by factors."""


def slides(p: Parameter) -> bool:
    """Whether a slider helps: both bounds are there, and each of its places means something."""
    if p.optional or p.minimum is None or p.maximum is None or p.type not in ("int", "float"):
        return False
    return 2 <= p.maximum - p.minimum if p.type == "int" else p.maximum > p.minimum


class BoundedSlider(QSlider):
    """`moved` carries a value within the bounds whenever the user moves it."""

    moved = Signal(float)

    def __init__(
        self,
        minimum: float,
        maximum: float,
        step: float | None = None,
        *,
        integer: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._low, self._high, self._integer = minimum, maximum, integer
        self._factors = minimum > 0 and maximum / minimum >= WIDE
        size = step or (1 if integer else None)
        places = (maximum - minimum) / size if size else STEPS
        self._places = STEPS if self._factors or places > STEPS else max(1, round(places))
        self._step = size
        self.setRange(0, self._places)
        self.setPageStep(max(1, self._places // 10))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(40)
        self.valueChanged.connect(lambda place: self.moved.emit(self.value_of(place)))

    def value_of(self, place: int) -> float:
        """The value at a place."""
        share = place / self._places
        if self._factors:
            value = self._low * (self._high / self._low) ** share
            digits = 1 - math.floor(math.log10(value))
            value = round(value, digits)
        else:
            value = self._low + share * (self._high - self._low)
            if self._step:
                value = self._low + round((value - self._low) / self._step) * self._step
        value = min(max(value, self._low), self._high)
        return round(value) if self._integer else float(f"{value:.6g}")

    def show_value(self, value: float | int | None) -> None:
        """Move to a value without a word; one outside the bounds is shown at the bound."""
        if value is None:
            return
        inside = min(max(float(value), self._low), self._high)
        share = (
            math.log(inside / self._low) / math.log(self._high / self._low)
            if self._factors
            else (inside - self._low) / (self._high - self._low)
        )
        self.blockSignals(True)
        self.setValue(round(share * self._places))
        self.blockSignals(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
