"""The menu View: viewports, theme and text size, each remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from app.theme import THEMES, Theme, begin_theme, current_theme, follow_system, system_theme
from app.window.kinds import is_spatial

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class ViewActions(QObject):
    """The menu View: viewports, theme and text size, each remembered."""

    look_changed = Signal()
    """Another theme, or text of another size."""

    def __init__(self, window: MainWindow, theme: str | None = None) -> None:
        """`theme` was asked for on the command line: it stands above the settings until another is chosen."""
        super().__init__(window)
        self._window = window
        self._overridden = theme is not None
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme)
        self._workbench = window.workbench
        self._rest: list[Callable[[], None]] = []
        self._frozen: list[QWidget] = []

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

    def show_settings(self) -> None:
        """Bring conventions and crosshair into the views as the settings have them."""
        settings, grid = self._workbench.settings, self._window.centre.grid
        if grid is not None:
            grid.set_convention(settings.choice("convention", ("radiological", "neurological")))
            grid.set_nose_left(settings.flag("nose-left", True))
            grid.set_crosshair(settings.flag("crosshair", True))
        self._window._refresh_view()

    def set_convention(self, name: str) -> None:
        """For all views; one view's own switch is in its menu."""
        self._workbench.settings.set("convention", name)
        if self._window.centre.grid is not None:
            self._window.centre.grid.set_convention(name)
        self._window._refresh_view()

    def set_nose_left(self, on: bool) -> None:
        self._workbench.settings.set("nose-left", on)
        if self._window.centre.grid is not None:
            self._window.centre.grid.set_nose_left(on)
        self._window._refresh_view()

    def set_crosshair(self, on: bool) -> None:
        self._workbench.settings.set("crosshair", on)
        if self._window.centre.grid is not None:
            self._window.centre.grid.set_crosshair(on)
        self._window._refresh_view()

    def toggle_nose(self) -> None:
        grid = self._window.centre.grid
        shown = self._workbench.settings.flag("nose-left", True) if grid is None else grid.nose_left
        self.set_nose_left(not shown)

    def toggle_crosshair(self) -> None:
        self.set_crosshair(not self._workbench.settings.flag("crosshair", True))

    @property
    def theme_choice(self) -> str:
        """ "dark", "light" or "system": what is shown and why."""
        if self._workbench.settings.get("theme") == "system" and not self._overridden:
            return "system"
        return current_theme().name

    def set_theme(self, name: str) -> None:
        """Dark, light or as the system is, at once."""
        self._overridden = False
        self._workbench.settings.set("theme", name)
        self._apply_theme(follow_system() if name == "system" else THEMES[name])

    def _on_scheme(self) -> None:
        """The system has turned dark or light."""
        if self.theme_choice == "system" and system_theme() is not current_theme():
            self._apply_theme(system_theme())

    @property
    def text_scale(self) -> float:
        """How large text is, 1 = as the system has it."""
        return self._workbench.settings.number("text-scale", 1.0, SCALES[0], SCALES[-1])

    def zoom_text(self, step: int) -> None:
        """Larger (1), smaller (-1) or normal (0) text everywhere."""
        now = self.text_scale
        near = min(range(len(SCALES)), key=lambda n: abs(SCALES[n] - now))
        self.set_text_scale(SCALES[min(max(near + step, 0), len(SCALES) - 1)] if step else 1.0)

    def set_text_scale(self, scale: float) -> None:
        """Text and all that follows it this large."""
        before = self.text_scale
        self._workbench.settings.set("text-scale", scale)
        self._apply_theme(current_theme())
        self._rest.insert(-1, lambda: self._window.layouts.widen(scale / before))
        # The menu bar knows how wide its menus are once they have their new font.
        self._rest.append(self._window.fit_menu_bar)

    def _apply_theme(self, theme: Theme) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.settle()
        # To take each widget's look away, to give it the new one and to paint them all takes long enough each: three
        # turns of the event loop. Until the last of them the windows look as before.
        self._frozen = [w for w in application.topLevelWidgets() if w.isVisible() and w.updatesEnabled()]
        for window in self._frozen:
            window.setUpdatesEnabled(False)
        follow = self.theme_choice == "system"
        _, finish = begin_theme(application, theme, self.text_scale, follow=follow)
        self._rest = [lambda: self._dress(theme, finish), self._thaw]
        QTimer.singleShot(1, self, self._go_on)  # one of 0 ms is run before other events get their turn

    def settle(self) -> None:
        """Finish at once what a change of the look has left for the next turns."""
        while self._rest:
            self._rest.pop(0)()

    def _go_on(self) -> None:
        if self._rest:
            self._rest.pop(0)()
            QTimer.singleShot(1, self, self._go_on)

    def _thaw(self) -> None:
        frozen, self._frozen = self._frozen, []
        for window in frozen:
            if isValid(window):
                window.setUpdatesEnabled(True)

    def _dress(self, theme: Theme, finish: Callable[[], None]) -> None:
        finish()
        self._window.centre.set_theme(theme)
        self._window.results.set_theme(theme)
        self._window.analysis.set_theme(theme)
        self._window.batch.set_theme(theme)
        self._window._refresh_view()
        self._window.update()
        self.look_changed.emit()
