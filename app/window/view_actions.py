"""The menu View: viewports, theme and text size, each remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from app.theme import THEMES, Theme, apply_theme, current_theme
from app.window.kinds import is_spatial

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class ViewActions:
    """The menu View: viewports, theme and text size, each remembered."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._workbench = window.workbench

    def set_layout(self, name: str) -> None:
        self._window.centre.choose_layout(name)
        self._window._refresh_view()

    def equalise(self) -> None:
        if self._window.centre.grid is not None:
            self._window.centre.grid.equalise()

    def reset_views(self) -> None:
        if self._window.centre.grid is not None:
            self._window.centre.grid.reset_views()

    def why_no_fit(self) -> str:
        """Why the selected item cannot be brought into view, "" if it can."""
        item = self._workbench.current
        if item is None:
            return "select an item first"
        return "" if is_spatial(item) else "it has no place in space"

    def fit_selected(self) -> None:
        if self._window.centre.grid is not None and self._workbench.selected:
            self._window.centre.grid.fit(self._workbench.selected)

    def look_from(self, side: str) -> None:
        if self._window.centre.grid is not None:
            self._window.centre.grid.look_from(side)

    def set_convention(self, name: str) -> None:
        self._workbench.settings.set("convention", name)
        if self._window.centre.grid is not None:
            self._window.centre.grid.set_convention(name)
        self._window._refresh_view()

    def toggle_nose(self) -> None:
        grid = self._window.centre.grid
        on = not (self._workbench.settings.get("nose-left", True) if grid is None else grid.nose_left)
        self._workbench.settings.set("nose-left", on)
        if grid is not None:
            grid.set_nose_left(on)
        self._window._refresh_view()

    def toggle_crosshair(self) -> None:
        on = not self._workbench.settings.get("crosshair", True)
        self._workbench.settings.set("crosshair", on)
        if self._window.centre.grid is not None:
            self._window.centre.grid.set_crosshair(on)
        self._window._refresh_view()

    def set_theme(self, name: str) -> None:
        """Dark or light, at once."""
        self._workbench.settings.set("theme", name)
        self._apply_theme(THEMES[name])

    def zoom_text(self, step: int) -> None:
        """Larger (1), smaller (-1) or normal (0) text everywhere."""
        now = float(self._workbench.settings.get("text-scale", 1.0))
        near = min(range(len(SCALES)), key=lambda n: abs(SCALES[n] - now))
        scale = SCALES[min(max(near + step, 0), len(SCALES) - 1)] if step else 1.0
        self._workbench.settings.set("text-scale", scale)
        self._apply_theme(current_theme())

    def _apply_theme(self, theme: Theme) -> None:
        settings = self._workbench.settings
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, theme, float(settings.get("text-scale", 1.0)))
        self._window.centre.set_theme(theme)
        self._window.results.set_theme(theme)
        self._window._refresh_view()
        self._window.update()
