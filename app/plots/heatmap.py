"""Heat maps: a matrix as colours, row 0 at the top."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPolygonF

from app.plots.axes import label_axis
from app.plots.colour_bar import ColourBar, diverging_map, finite_levels, viridis
from app.plots.curves import real
from app.plots.drawing import Canvas, Drawing, Hit, axis_words, with_unit
from app.plots.rows import NONE, Rows
from core.results import Heatmap


class HeatmapDrawing(Drawing):
    """A `Heatmap`."""

    grid = (False, False)

    def __init__(self, output: Heatmap, canvas: Canvas) -> None:
        super().__init__(output, canvas)
        self._image: Any = None
        self._veil: Any = None
        self._bar: ColourBar | None = None
        self._rows: Rows = NONE

    def draw(self) -> None:
        h, canvas = self.output, self.canvas
        colors = diverging_map() if h.diverging else viridis()
        self._image = pg.ImageItem()
        self._image.setColorMap(colors)
        if h.values.size:  # an image of nothing divides by its size
            canvas.plot.addItem(self._image)
        box = canvas.plot.getViewBox()
        box.invertY(True)
        for side, names in (("bottom", h.column_labels), ("left", h.row_labels)):
            if names:
                canvas.plot.getAxis(side).set_names(names)
        label_axis(canvas, "bottom", h.x_label)
        label_axis(canvas, "left", h.y_label)
        self._bar = ColourBar(canvas, colors, (0.0, 1.0), axis_words(h.value_label, h.unit))
        canvas.widget.addItem(self._bar)
        self._fill(fit=True)

    def _fill(self, fit: bool = False) -> None:
        values = real(self.output.values)
        if not values.size:
            return
        levels = finite_levels(values, self.output.diverging)
        self._image.setImage(values, levels=levels, autoLevels=False)
        if self._bar is not None:
            self._bar.set_levels(levels)
        if fit:
            box = self.canvas.plot.getViewBox()
            rows, columns = values.shape
            square = rows == columns
            box.setAspectLocked(square)
            if not square:  # square cells leave room beside the matrix, which limits would cut from it
                box.setLimits(xMin=0, xMax=columns, yMin=0, yMax=rows)
            box.setRange(xRange=(0, columns), yRange=(0, rows), padding=0)
        self.highlight(self._rows)

    def update(self, output: Any) -> bool:
        before = self.output
        fixed = ("row_labels", "column_labels", "x_label", "y_label", "value_label", "unit", "diverging")
        if type(output) is not Heatmap or output.values.shape != before.values.shape:
            return False
        if any(getattr(output, name) != getattr(before, name) for name in fixed):
            return False
        self.output = output
        self._fill()
        return True

    def hit(self, x: float, y: float, dx: float, dy: float) -> Hit | None:
        h = self.output
        row, column = int(np.floor(y)), int(np.floor(x))
        rows, columns = h.values.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return None
        where = []
        for names, label, fallback, n in (
            (h.row_labels, h.y_label, "row", row),
            (h.column_labels, h.x_label, "column", column),
        ):
            where.append(f"{label or fallback} {names[n] if n < len(names) else n}")
        value = with_unit(float(real(h.values[row, column])), h.unit)
        text = "\n".join([f"{h.value_label or 'value'} {value}", *where])
        return Hit(text, column + 0.5, row + 0.5, self.row_of(row))

    def inside(self, area: QPolygonF) -> Rows:
        if not self.output.table:
            return NONE
        box, count = area.boundingRect(), len(self.output.values)
        middles = np.arange(count) + 0.5
        # A row is taken if its middle line runs through the area.
        return np.unique(self.all_rows(count)[(box.top() <= middles) & (middles <= box.bottom())])

    def highlight(self, rows: Rows) -> None:
        self._rows = rows
        if not self.output.values.size:
            return
        if self._veil is None:
            if not len(rows):
                return
            self._veil = pg.ImageItem()
            self._veil.setZValue(2)
            self.canvas.plot.addItem(self._veil, ignoreBounds=True)
        veil = np.zeros((len(self.output.values), 1, 4), dtype=np.ubyte)
        if len(rows):
            ground = QColor(self.canvas.background)
            veil[..., :3] = (ground.red(), ground.green(), ground.blue())
            veil[~np.isin(self.all_rows(len(veil)), rows), :, 3] = 190
        self._veil.setImage(veil, autoLevels=False, levels=None)
        self._veil.setRect(QRectF(0, 0, self.output.values.shape[1], len(veil)))
