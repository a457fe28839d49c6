"""The switches of a plot: a row above a large one, and the same as a menu on any."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QActionGroup, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton

from app.forms.tips import plain_tip
from app.forms.widgets import elided
from app.plots.cursors import MODES
from app.theme import Metrics
from app.window.icons import icon

if TYPE_CHECKING:
    from app.plots.figure import FigureView

SCALES = (1.0, 2.0, 4.0)
CURVES = 40
"""Curves that the menu lists."""


class ToolRow(QFrame):
    """Name, log axes, grid, cursors, curves, reset and export; what has no room is in the menu behind "…"."""

    def __init__(self, figure: FigureView) -> None:
        super().__init__(figure)
        self._figure = figure
        self.setProperty("role", "tools")
        self.setAccessibleName("Plot tools")
        m = Metrics.of(self.font())
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(m.px(14), m.px(6), m.px(10), m.px(2))
        self._row.setSpacing(m.px(2))
        self.name = elided("", "heading")
        self._row.addWidget(self.name, 1)
        self._buttons: list[QToolButton] = []
        self._wanted: set[QToolButton] = set()
        self.log_x = self._switch("Log x", "X", lambda on: figure.set_log(x=on))
        self.log_y = self._switch("Log y", "Y", lambda on: figure.set_log(y=on))
        self.grid = self._switch("Grid", "G", figure.set_grid)
        self.cursors = self._menu("Cursors", partial(fill_cursors, figure))
        self.curves = self._menu("Curves", partial(fill_curves, figure))
        self.reset = self._add("Reset", "R")
        self.reset.clicked.connect(lambda _checked=False: figure.reset())
        self.export = self._menu("Export", partial(fill_export, figure))
        self.more = self._make("", "All that can be done with the plot")
        self.more.setAccessibleName("More plot tools")
        self.more.setIconSize(QSize(m.px(16), m.px(16)))
        self.more.clicked.connect(lambda _checked=False: self._show_more())
        self.more.hide()

    def _make(self, text: str, tip: str) -> QToolButton:
        made = QToolButton()
        made.setText(text)
        made.setToolTip(plain_tip(tip))
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._row.addWidget(made)
        return made

    def _add(self, text: str, key: str) -> QToolButton:
        made = self._make(text, f"{text} ({key})" if key else text)
        self._buttons.append(made)
        self._wanted.add(made)
        return made

    def _switch(self, text: str, key: str, switched: Callable[[bool], object]) -> QToolButton:
        made = self._add(text, key)
        made.setCheckable(True)
        made.clicked.connect(switched)
        return made

    def _menu(self, text: str, fill: Callable[[QMenu], None]) -> QToolButton:
        made = self._add(text, "")
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(text, made)
        menu.aboutToShow.connect(menu.clear)
        menu.aboutToShow.connect(lambda: fill(menu))
        made.setMenu(menu)
        return made

    def _show_more(self) -> None:
        self._figure.show_menu(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def minimumSizeHint(self) -> QSize:
        m = Metrics.of(self.font())
        return QSize(m.px(120), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Hide from the right what has no room beside a few letters of the name."""
        edges = self._row.contentsMargins()
        room = self.width() - edges.left() - edges.right() - Metrics.of(self.font()).px(80)
        gap = self._row.spacing()
        wanted = [b for b in self._buttons if b in self._wanted]
        widths = [b.sizeHint().width() + gap for b in wanted]
        full = sum(widths) > room
        if full:
            room -= self.more.sizeHint().width() + gap
        for button, width in zip(wanted, widths, strict=True):
            room -= width
            button.setVisible(not full or room >= 0)
        for button in self._buttons:
            if button not in self._wanted:
                button.hide()
        self.more.setVisible(full)

    def refresh(self) -> None:
        """Show the state of the figure."""
        figure = self._figure
        self.name.setText(figure.output.name)
        self.more.setIcon(icon("more"))
        for axis, made in (("x", self.log_x), ("y", self.log_y)):
            reason = figure.why_no_log(axis)
            made.setEnabled(not reason)
            made.setChecked(figure.log_x if axis == "x" else figure.log_y)
            made.setToolTip(reason[:1].upper() + reason[1:] if reason else f"Log {axis} ({axis.upper()})")
        self.grid.setChecked(figure.grid)
        several = len(figure.drawing.names) > 1
        (self._wanted.add if several else self._wanted.discard)(self.curves)
        self._fit()


def fill_cursors(figure: FigureView, menu: QMenu) -> None:
    """The choice of cursors."""
    group = QActionGroup(menu)
    for mode, text in MODES.items():
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(figure.cursors.mode == mode)
        action.triggered.connect(partial(_call, figure.set_cursors, mode))
        group.addAction(action)


def fill_curves(figure: FigureView, menu: QMenu) -> None:
    """Every curve with a tick."""
    for name in figure.drawing.names[:CURVES]:
        action = menu.addAction(name.replace("&", "&&") if len(name) <= 60 else f"{name[:59]}…")
        action.setCheckable(True)
        action.setChecked(figure.drawing.is_shown(name))
        action.toggled.connect(partial(figure.set_shown, name))
    menu.addSeparator()
    for text, shown in (("Show all", True), ("Hide all", False)):
        action = menu.addAction(text)
        action.triggered.connect(partial(_all, figure, shown))


def _all(figure: FigureView, shown: bool, _checked: bool = False) -> None:
    for name in figure.drawing.names:
        figure.set_shown(name, shown)


def fill_export(figure: FigureView, menu: QMenu) -> None:
    """PNG in three sizes, SVG, CSV, and the clipboard."""
    for scale in SCALES if figure.saves else ():
        action = menu.addAction(f"PNG at {scale:g}×…")
        action.triggered.connect(partial(_png, figure, scale))
    if figure.saves:
        menu.addAction("SVG (vectors)…").triggered.connect(partial(_call, figure.save_wanted.emit, "svg"))
        menu.addAction("CSV (numbers)…").triggered.connect(partial(_call, figure.csv_wanted.emit))
        menu.addSeparator()
    copy = menu.addAction("Copy picture\tCtrl+C")
    copy.triggered.connect(partial(_call, figure.copy_picture))


def _png(figure: FigureView, scale: float, _checked: bool = False) -> None:
    figure.scale = scale
    figure.save_wanted.emit("png")


def _call(action: object, *arguments: object) -> None:
    """Call without the tick that Qt hands on as the last argument."""
    kept = arguments[:-1] if arguments and isinstance(arguments[-1], bool) else arguments
    action(*kept)  # type: ignore[operator]


def figure_menu(figure: FigureView) -> QMenu:
    """All of it as a menu."""
    menu = QMenu(figure)
    menu.setToolTipsVisible(True)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for axis, on in (("x", figure.log_x), ("y", figure.log_y)):
        action = menu.addAction(f"Logarithmic {axis} axis\t{axis.upper()}")
        action.setCheckable(True)
        action.setChecked(on)
        reason = figure.why_no_log(axis)
        action.setEnabled(not reason)
        action.setToolTip(reason[:1].upper() + reason[1:])
        action.toggled.connect(lambda checked, axis=axis: figure.set_log(**{axis: checked}))
    grid = menu.addAction("Grid\tG")
    grid.setCheckable(True)
    grid.setChecked(figure.grid)
    grid.toggled.connect(figure.set_grid)
    if not figure.compact:
        fill_cursors(figure, menu.addMenu("Cursors"))
    if len(figure.drawing.names) > 1:
        fill_curves(figure, menu.addMenu("Curves"))
    menu.addAction("Reset\tR").triggered.connect(partial(_call, figure.reset))
    if figure.selection is not None:
        clear = menu.addAction("Clear selection\tEsc")
        clear.setEnabled(bool(len(figure.selection)))
        clear.triggered.connect(partial(_call, figure.selection.clear))
    menu.addSeparator()
    fill_export(figure, menu)
    return menu
