"""A line of any number of samples: what is drawn of it has no more points than the screen can show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg

Array = np.ndarray[Any, Any]
FEW = 4000
"""Lines with fewer samples are drawn as they are."""
Span = tuple[float, float]


class Line(pg.PlotCurveItem):
    """Draws a part, but says how far the whole reaches, so that "all in view" means all."""

    def __init__(self, pen: Any, dense: Any) -> None:
        super().__init__(pen=pen, connect="finite")
        self.setSegmentedLineMode("on")  # a path of thick crossing lines takes seconds to stroke
        self._pens = (pen, dense)
        self.spans: tuple[Span | None, Span | None] = (None, None)

    def put(self, x: Array, y: Array, spans: tuple[Span | None, Span | None], dense: bool) -> None:
        """Show these points; `spans` of the whole along x and y; `dense`: with the thin pen."""
        self.spans = spans
        self.opts["pen"] = self._pens[dense]
        self.setData(x, y)

    def dataBounds(self, ax: int, frac: float = 1.0, orthoRange: Any = None) -> Any:
        if orthoRange is None and self.spans[ax] is not None:
            return self.spans[ax]
        return super().dataBounds(ax, frac, orthoRange)


def thinned(x: Array, y: Array, low: float, high: float, pixels: int) -> tuple[Array, Array]:
    """What is to be seen of rising `x` and `y` (n,) between `low` and `high` on so many pixels.

    The least and the greatest value of each pixel, in this order: peaks stay, however long the line.
    """
    first, last = np.searchsorted(x, [low, high]).tolist()
    first, last = max(0, first - 1), min(len(x), last + 1)
    xs, ys = x[first:last], y[first:last]
    if len(xs) <= 4 * max(pixels, 100):
        return xs, ys
    starts = np.linspace(0, len(xs), 2 * max(pixels, 100), endpoint=False).astype(np.int64)
    out_x = np.repeat(xs[starts], 2)
    out_y = np.empty(2 * len(starts))
    out_y[0::2] = np.fmin.reduceat(ys, starts)
    out_y[1::2] = np.fmax.reduceat(ys, starts)
    # The last sample, so that the line ends where it ends.
    return np.append(out_x, xs[-1]), np.append(out_y, ys[-1])


def span(values: Array, log: bool) -> Span | None:
    """From where to where values reach on an axis, in positions; None where nothing can be shown."""
    if log:
        values = values[values > 0]
    if not len(values):
        return None
    low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = values[np.isfinite(values)]
        if not len(finite):
            return None
        low, high = float(finite.min()), float(finite.max())
    return (float(np.log10(low)), float(np.log10(high))) if log else (low, high)
