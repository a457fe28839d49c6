"""The menus, built from commands and from the plugins' manifests.

One module a menu; each has `build(menus)`. A feature with several commands has a module of its own here and is named
in `BUILDERS`: its commands, shortcuts and the reasons for which they are grey then stand in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QMenu

from app.window.kinds import is_spatial
from app.window.menus import (
    analyse,
    batch,
    compare,
    data,
    edit,
    file,
    help,
    markups,
    mixing,
    placing,
    plot,
    repeat,
    scene,
    settings,
    slices,
    time,
    view,
    window,
)
from app.window.menus.view import BIG, LAYOUTS, SIDES
from core.errors import printable
from core.plugins import Analysis

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

__all__ = ["BIG", "BUILDERS", "LAYOUTS", "SIDES", "Menus"]

BUILDERS = (
    file,
    edit,
    view,
    slices,
    scene,
    time,
    plot,
    settings,
    data,
    compare,
    mixing,
    placing,
    markups,
    analyse,
    batch,
    repeat,
    window,
    help,
)
TITLES = ("File", "Edit", "View", "Data", "Markups", "Analyse", "Window", "Help")


class Menus:
    """The menu bar of a window; kept up to date."""

    recent: QMenu
    panels: QMenu
    analyses: dict[str, Analysis]

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.commands = window.commands
        self._recent_count = 0
        bar = window.menuBar()
        self.menus: dict[str, QMenu] = {}
        self._submenus: dict[str, QMenu] = {}
        self.on_view_menu: list[Callable[[QMenu, Any, QPointF], None]] = []
        """Who has entries for the menu that a right click in a view opens: called with the menu to fill, the
        `app.viewports.Viewport` and the position in it. A builder appends its function; a separator comes after each.
        """
        for name in TITLES:
            menu = bar.addMenu(f"&{name}")
            menu.setToolTipsVisible(True)
            self.menus[name] = menu
        for builder in BUILDERS:
            builder.build(self)

    def put(self, menu: str, *ids: str) -> None:
        """Append commands to a menu, "-" as a separator."""
        for id in ids:
            if id == "-":
                self.menus[menu].addSeparator()
            else:
                self.menus[menu].addAction(self.commands[id])

    def submenu(self, menu: str, title: str) -> QMenu:
        """The submenu of that name, made at the end of the menu if it is not there: its order is that of the first use."""
        key = f"{menu} > {title}"
        if key not in self._submenus:
            self._submenus[key] = self.menus[menu].addMenu(title)
            self._submenus[key].setToolTipsVisible(True)
        return self._submenus[key]

    def view_menu(self, view: Any, position: QPointF) -> QMenu:
        """The menu of a right click in a view."""
        self.commands.refresh()
        self.commands.settle()
        menu = QMenu(self.window)
        menu.setToolTipsVisible(True)
        for fill in self.on_view_menu:
            fill(menu, view, position)
            menu.addSeparator()
        return menu

    # -- reasons that many commands share ---------------------------------------------------------------------

    def nothing_selected(self) -> str:
        """For commands on the current item."""
        return "" if self.window.workbench.current is not None else "select an item first"

    def nothing_open(self) -> str:
        """For commands on all there is."""
        return "" if len(self.window.workbench.document) else "nothing is open"

    def nothing_spatial(self) -> str:
        """For commands on the views."""
        spatial = any(is_spatial(i) for i in self.window.workbench.document)
        return "" if spatial else "nothing that is open has a place in space"

    # -- lists that change ------------------------------------------------------------------------------------

    def refresh_recent(self) -> None:
        """List the recent files anew, as a menu and as commands."""
        w = self.window
        for n in range(self._recent_count):
            self.commands.remove(f"recent.{n}")
        self.recent.clear()
        paths = w.workbench.settings.recent
        self._recent_count = len(paths)
        for n, path in enumerate(paths):
            action = self.commands.add(
                f"recent.{n}",
                printable(Path(path).name).replace("&", "&&") or path,
                partial(w.open_paths, [path]),
                group="Recent",
                tip=path,
                words=path,
            )
            self.recent.addAction(action)
        self.recent.setToolTipsVisible(True)
        if paths:
            self.recent.addSeparator()
            clear = self.recent.addAction("Clear this list")
            clear.triggered.connect(lambda _checked=False: w.files.clear_recent())
        self.recent.setEnabled(bool(paths))

    def refresh_analyses(self) -> None:
        """Grey what cannot be run, with the reason."""
        for id, analysis in self.analyses.items():
            self.commands.set_reason(f"analyse.{id}", self.window.workbench.why_not(analysis))
