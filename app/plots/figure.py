"""Plots drawn by pyqtgraph in the theme's colours: curves, scatters, heat maps, histograms.

Keys: R resets, arrows pan (or move the cursor), + and − zoom, X and Y switch logarithmic axes, G the grid,
C the cursors (Space: the other one), Escape clears the selection, Ctrl+C copies the picture.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QImage, QKeyEvent, QPolygonF
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QSizePolicy, QVBoxLayout, QWidget

from app.forms.widgets import label
from app.plots.axes import Axis, set_log, show_grid, style_axes
from app.plots.cursors import MODES, Cursors
from app.plots.curves import CurveDrawing, Lines
from app.plots.drawing import Array, Canvas, Dots, Drawing, series_colors
from app.plots.heatmap import HeatmapDrawing
from app.plots.histogram import HistogramDrawing
from app.plots.pictures import SIZE, image_of, write_svg
from app.plots.plot_box import PlotBox, PlotWidget
from app.plots.rows import RowSelection
from app.plots.scatter import ScatterDrawing, same_scale
from app.plots.tool_row import ToolRow, figure_menu
from app.theme import Metrics, Theme, current_theme
from core.errors import WriteError
from core.files import atomic
from core.results import Curve, Heatmap, Histogram, Scatter

pg.setConfigOptions(antialias=True, useOpenGL=False, imageAxisOrder="row-major")

DRAWINGS: dict[type, type[Drawing]] = {
    Curve: CurveDrawing,
    Lines: CurveDrawing,
    Scatter: ScatterDrawing,
    Heatmap: HeatmapDrawing,
    Histogram: HistogramDrawing,
}


class FigureView(QFrame):
    """One plot of `core.results`.

    Parameters
    ----------
    compact : for a panel: no row of tools, and the wheel scrolls the panel.
    selection : rows shared with other plots and tables.
    values : of the rows that a histogram counted, so that selected ones can stand out in it.
    """

    target_wanted = Signal(str)
    """The object that a clicked point stands for (`core.targets`)."""
    hovered = Signal(str)
    csv_wanted = Signal()
    save_wanted = Signal(str)
    """"png" or "svg": ask for a file and call `save_png` or `save_svg`."""
    changed = Signal()
    """A switch was used: what menus show of the plot is to be asked again."""

    def __init__(
        self,
        output: Any,
        *,
        compact: bool = False,
        selection: RowSelection | None = None,
        values: Array | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.output = output
        self.compact = compact
        self.selection = selection
        self.scale = 2.0
        self.saves = False
        """Whether somebody answers `save_wanted` and `csv_wanted`; menus offer files only then."""
        self._values = values
        self._theme: Theme = current_theme()
        self._grid: bool | None = None
        self._hidden: set[str] = set()
        self.log_x = bool(getattr(output, "log_x", False))
        self.log_y = bool(getattr(output, "log_y", False))
        self.setProperty("role", "figure")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 1, 1, 1)
        self._column.setSpacing(0)
        self._widget: PlotWidget | None = None
        self.plot: Any = None
        self.drawing: Drawing
        self.cursors = Cursors(self._on_cursors)
        self.tools: ToolRow | None = None
        self.readings = label("", "small", selectable=True)
        self._tip = QLabel(self)
        self._tip.setProperty("role", "readout")
        self._tip.setTextFormat(Qt.TextFormat.PlainText)
        self._tip.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._tip.hide()
        self._draw()
        if not compact:
            self.tools = ToolRow(self)
            self._column.insertWidget(0, self.tools)
            m = Metrics.of(self.font())
            self.readings.setContentsMargins(m.px(16), m.px(4), m.px(16), m.px(8))
            self.readings.hide()
            self._column.addWidget(self.readings)
        self._say()
        if selection is not None:
            selection.changed.connect(self._on_selection)
            self._on_selection(None)

    def sizeHint(self) -> QSize:
        m = Metrics.of(self.font())
        return QSize(m.px(260), m.px(200 if self.compact else 400))

    # -- drawing ---------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        theme = self._theme
        if self._widget is not None:
            self._column.removeWidget(self._widget)
            self._widget.hide()
            self._widget.close()
            self._widget.setParent(None)
            self._widget.deleteLater()
        widget = PlotWidget(self.compact)
        background = theme.field if self.compact else theme.panel
        widget.setBackground(QColor(background))
        m = Metrics.of(self.font())
        edges = (2, 8, 4, 2) if self.compact else (16, 12, 16, 12)
        widget.ci.layout.setContentsMargins(*(m.px(e) for e in edges))
        box = PlotBox()
        plot = widget.addPlot(viewBox=box, axisItems={"left": Axis("left"), "bottom": Axis("bottom")})
        plot.hideButtons()
        plot.setMenuEnabled(False)
        canvas = Canvas(plot, widget, theme, self.font(), self.compact)
        box.canvas = canvas
        box.setBackgroundColor(QColor(background))
        box.setBorder(None)
        style_axes(canvas)
        drawing = DRAWINGS[type(self.output)](self.output, canvas)
        self.log_x = self.log_x and not drawing.why_no_log("x")
        self.log_y = self.log_y and not drawing.why_no_log("y")
        set_log(canvas, self.log_x, self.log_y)
        if isinstance(drawing, HistogramDrawing):
            drawing.values = self._values
        drawing.draw()
        self._widget, self.plot, self.drawing, self._box = widget, plot, drawing, box
        show_grid(canvas, *(drawing.grid if self._grid is None else (self._grid, self._grid)))
        for name in self._hidden & set(drawing.names):
            drawing.set_shown(name, False)
        self._mark = Dots(size=m.px(9), pen=pg.mkPen(theme.text, width=1.4), brush=pg.mkBrush(None))
        self._mark.setZValue(50)
        plot.addItem(self._mark, ignoreBounds=True)
        self._column.insertWidget(1 if self.tools is not None else 0, widget, 1)
        widget.scene().sigMouseMoved.connect(self._on_move)
        widget.left.connect(self._leave)
        box.clicked.connect(self._on_click)
        box.doubled.connect(self.reset)
        box.selected.connect(self._on_area)
        box.menu_wanted.connect(lambda at: self.show_menu(at.toPoint() if hasattr(at, "toPoint") else at))
        self.cursors.attach(drawing)
        self._on_selection(None)

    def set_theme(self, theme: Theme) -> None:
        """Draw it again in other colours; what is shown of it stays."""
        box = self._box
        kept = None if all(box.autoRangeEnabled()) else box.viewRange()
        self._theme = theme
        self._draw()
        if kept is not None and not isinstance(self.output, Heatmap):
            self.plot.setRange(xRange=kept[0], yRange=kept[1], padding=0)
        self._say()

    def set_output(self, output: Any, values: Array | None = None) -> None:
        """Show another plot (a preview that grew): the same items with new values where that can be."""
        self._values = values
        if isinstance(self.drawing, HistogramDrawing):
            self.drawing.values = values
        same = type(output) is type(self.output)
        if same and self.drawing.update(output):
            self.output = output
            if self.cursors.mode != "none":
                self._on_cursors()
            return
        self.output = output
        if not same:
            self.log_x, self.log_y = (
                bool(getattr(output, "log_x", False)),
                bool(getattr(output, "log_y", False)),
            )
            self._grid, self._hidden = None, set()
        self._draw()
        self._say()

    def _say(self) -> None:
        self.setAccessibleName(f"Plot: {self.output.name}")
        keys = "R resets, arrows pan, plus and minus zoom, X and Y switch logarithmic axes, C shows cursors."
        self.setAccessibleDescription(keys)
        if self.tools is not None:
            self.tools.refresh()

    # -- what can be switched --------------------------------------------------------------------------------

    def why_no_log(self, axis: str) -> str:
        """Why an axis cannot be logarithmic, "" if it can."""
        return self.drawing.why_no_log(axis)

    def set_log(self, *, x: bool | None = None, y: bool | None = None) -> None:
        """Logarithmic axes; an axis that cannot stays as it is."""
        x = self.log_x if x is None else x
        y = self.log_y if y is None else y
        x, y = x and not self.why_no_log("x"), y and not self.why_no_log("y")
        if (x, y) == (self.log_x, self.log_y):
            return
        self.log_x, self.log_y = x, y
        set_log(self.drawing.canvas, x, y)
        self._mark.setData([], [])
        self.drawing.redraw()
        self.cursors.place()
        self.reset()
        self._refresh()

    @property
    def grid(self) -> bool:
        """Whether lines across the plot are shown."""
        return any(self.drawing.grid) if self._grid is None else self._grid

    def set_grid(self, on: bool) -> None:
        """Show or hide the lines across the plot."""
        self._grid = on
        show_grid(self.drawing.canvas, on, on)
        self._refresh()

    def set_cursors(self, mode: str) -> None:
        """One of `cursors.MODES`."""
        self.cursors.set_mode(mode)
        self._refresh()

    def set_shown(self, name: str, shown: bool) -> None:
        """Show or hide a curve by name."""
        (self._hidden.discard if shown else self._hidden.add)(name)
        self.drawing.set_shown(name, shown)
        self._refresh()

    def reset(self) -> None:
        """All of it in view."""
        if isinstance(self.output, Heatmap):
            rows, columns = (max(1, n) for n in self.output.values.shape)
            self._box.setRange(xRange=(0, columns), yRange=(0, rows), padding=0)
        else:
            self._box.enableAutoRange()

    def zoom(self, factor: float) -> None:
        """Show `factor` times as much, about the middle."""
        self._box.scaleBy((factor, factor))

    def pan(self, x: float, y: float) -> None:
        """Move by shares of what is shown."""
        (x0, x1), (y0, y1) = self._box.viewRange()
        down = -1 if self._box.yInverted() else 1
        self._box.translateBy(x=x * (x1 - x0), y=down * y * (y1 - y0))

    def _refresh(self) -> None:
        if self.tools is not None:
            self.tools.refresh()
        self.changed.emit()

    # -- mouse and keys --------------------------------------------------------------------------------------

    def _on_move(self, scene: QPointF) -> None:
        assert self._widget is not None
        if not self._box.sceneBoundingRect().contains(scene):
            self._leave()
            return
        at = self._box.mapSceneToView(scene)
        dx, dy = self._box.viewPixelSize()
        hit = self.drawing.hit(at.x(), at.y(), dx or 1.0, dy or 1.0)
        if hit is None:
            self._leave()
            return
        shown = hit.x is not None and hit.y is not None and not isinstance(self.output, Heatmap)
        self._mark.setData([hit.x], [hit.y]) if shown else self._mark.setData([], [])
        hand = Qt.CursorShape.PointingHandCursor if hit.target else Qt.CursorShape.ArrowCursor
        self._widget.viewport().setCursor(hand)
        self._show_tip(hit.text, self._widget.mapTo(self, self._widget.mapFromScene(scene)))
        self.hovered.emit(hit.text.replace("\n", "   "))

    def _show_tip(self, text: str, at: QPoint) -> None:
        self._tip.setText(text)
        self._tip.adjustSize()
        gap = Metrics.of(self.font()).px(14)
        x = (
            at.x() + gap
            if at.x() + gap + self._tip.width() < self.width()
            else at.x() - gap - self._tip.width()
        )
        y = at.y() - gap - self._tip.height()
        y = y if y > 0 else at.y() + gap
        self._tip.move(max(0, x), max(0, min(y, self.height() - self._tip.height())))
        self._tip.show()
        self._tip.raise_()

    def _leave(self) -> None:
        self._tip.hide()
        self._mark.setData([], [])
        self.hovered.emit("")

    def _on_click(self, at: QPointF, modifiers: Any) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        dx, dy = self._box.viewPixelSize()
        hit = self.drawing.hit(at.x(), at.y(), dx or 1.0, dy or 1.0)
        if hit is None:
            return
        if self.selection is not None and hit.row >= 0:
            if modifiers & Qt.KeyboardModifier.ShiftModifier:
                self.selection.toggle(hit.row, self)
            else:
                self.selection.set([hit.row], self)
        if hit.target and not modifiers & Qt.KeyboardModifier.ShiftModifier:
            # The view may go with the click: not while the mouse is still in it.
            QTimer.singleShot(0, self, lambda: self.target_wanted.emit(hit.target))

    def _on_area(self, area: QPolygonF) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self.selection is not None:
            self.selection.set(self.drawing.inside(area), self)

    def _on_selection(self, _by: object) -> None:
        if self.selection is not None:
            self.drawing.highlight(self.selection.rows)

    def _on_cursors(self) -> None:
        words = self.cursors.words()
        self.readings.setText(words)
        self.readings.setVisible(bool(words) and not self.compact)
        self.readings.setAccessibleName(f"Cursors: {words}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, plain = Qt.Key(event.key()), not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.modifiers() == Qt.KeyboardModifier.ControlModifier and key == Qt.Key.Key_C:
            self.copy_picture()
        elif not plain or not self._on_key(key, shift):
            super().keyPressEvent(event)
            return
        event.accept()

    def _on_key(self, key: Qt.Key, shift: bool) -> bool:
        arrows = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        if key in arrows:
            x, y = arrows[key]
            along = x if self.cursors.axis == "x" else y if self.cursors.axis == "y" else 0
            if along:
                self.cursors.step(along * (10 if shift else 1))
            else:
                self.pan(0.1 * x, 0.1 * y)
        elif key in (Qt.Key.Key_R, Qt.Key.Key_Home):
            self.reset()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(0.8)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1.25)
        elif key == Qt.Key.Key_X:
            self.set_log(x=not self.log_x)
        elif key == Qt.Key.Key_Y:
            self.set_log(y=not self.log_y)
        elif key == Qt.Key.Key_G:
            self.set_grid(not self.grid)
        elif key == Qt.Key.Key_C:
            modes = list(MODES)
            self.set_cursors(modes[(modes.index(self.cursors.mode) + 1) % len(modes)])
        elif key == Qt.Key.Key_Space and self.cursors.mode != "none":
            self.cursors.switch()
        elif key == Qt.Key.Key_Escape and self.selection is not None and len(self.selection):
            self.selection.clear(self)
        elif key == Qt.Key.Key_Menu or (key == Qt.Key.Key_F10 and shift):
            self.show_menu(self.mapToGlobal(self.rect().center()))
        else:
            return False
        return True

    def show_menu(self, at: QPoint) -> None:
        """The menu of the plot, at a place on the screen."""
        menu: QMenu = figure_menu(self)
        menu.popup(at)

    # -- pictures --------------------------------------------------------------------------------------------

    def _large(self) -> FigureView:
        """A view of the same, large enough to be a picture."""
        view = FigureView(self.output, selection=self.selection, values=self._values)
        view._theme = self._theme
        view._hidden = set(self._hidden)
        view.set_log(x=self.log_x, y=self.log_y)
        view.resize(SIZE)
        view._draw()
        if view.tools is not None:
            view.tools.hide()
        view.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        view.show()
        return view

    def picture(self, scale: float = 2.0) -> QImage:
        """The plot as a picture to hand on: as it is shown, one in a panel larger than there."""
        if not self.compact:
            return self.image(scale)
        view = self._large()
        try:
            return view.image(scale)
        finally:
            view.close()
            view.deleteLater()

    def image(self, scale: float = 2.0) -> QImage:
        """The plot as it is shown."""
        assert self._widget is not None
        self._mark.setData([], [])
        return image_of(self._widget, scale)

    def copy_picture(self) -> None:
        """Put the picture on the clipboard."""
        QGuiApplication.clipboard().setImage(self.picture(self.scale))

    def save_png(self, path: Path, scale: float | None = None) -> bool:
        """Write the picture; False if the disk refuses."""
        picture = self.picture(scale or self.scale)
        try:
            with atomic(path) as draft:
                if not picture.save(str(draft), "PNG"):  # type: ignore[call-overload]
                    raise OSError(0, "no room for it")
        except WriteError:
            return False
        return True

    def save_svg(self, path: Path) -> bool:
        """Write the plot as vectors; False if the disk refuses."""
        view = self._large() if self.compact else self
        assert view._widget is not None
        view._mark.setData([], [])
        try:
            write_svg(view._widget, path, self.output.name)
        except WriteError:
            return False
        finally:
            if view is not self:
                view.close()
                view.deleteLater()
        return True


__all__ = ["FigureView", "same_scale", "series_colors"]
