"""The menus, built from commands and from the plugins' manifests."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from core.plugins import Analysis

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

LAYOUTS = {
    "four": ("Four views", "Alt+1"),
    "axial": ("Axial", "Alt+2"),
    "coronal": ("Coronal", "Alt+3"),
    "sagittal": ("Sagittal", "Alt+4"),
    "3d": ("3-D", "Alt+5"),
}
SIDES = {"A": "front", "P": "back", "L": "left", "R": "right", "S": "above", "I": "below"}


class Menus:
    """Builds the menu bar of a window and keeps it up to date."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.commands = window.commands
        self._recent_count = 0
        bar = window.menuBar()
        self.menus: dict[str, QMenu] = {}
        for name in ("File", "Edit", "View", "Data", "Analyse", "Help"):
            menu = bar.addMenu(f"&{name}")
            menu.setToolTipsVisible(True)
            self.menus[name] = menu
        self._file()
        self._edit()
        self._view()
        self._data()
        self._analyse()
        self._help()

    def _put(self, menu: str, *ids: str) -> None:
        for id in ids:
            if id == "-":
                self.menus[menu].addSeparator()
            else:
                self.menus[menu].addAction(self.commands[id])

    # -- File ------------------------------------------------------------------------------------------------

    def _file(self) -> None:
        w, add = self.window, self.commands.add
        standard = QKeySequence.StandardKey
        add("file.open", "&Open files…", w.files.ask_open, group="File", shortcut=standard.Open)
        add(
            "file.open-folder",
            "Open &folder…",
            w.files.ask_open_folder,
            group="File",
            shortcut="Ctrl+Shift+O",
        )
        add("file.open-session", "Open se&ssion…", w.files.ask_open_session, group="File")
        add("file.save", "&Save session", w.files.save, group="File", shortcut=standard.Save)
        add("file.save-as", "Save session &as…", w.files.save_as, group="File", shortcut="Ctrl+Shift+S")
        add("file.new", "&New session", w.new_session, group="File", shortcut=standard.New, words="close all")
        add(
            "file.export",
            "&Export item…",
            w.files.ask_export,
            group="File",
            shortcut="Ctrl+E",
            words="write save",
        )
        add("file.screenshot", "S&creenshot…", w.files.ask_screenshot, group="File", shortcut="Ctrl+Shift+P")
        add("file.copy-screenshot", "Copy screenshot", w.files.copy_screenshot, group="File")
        add("file.quit", "&Quit", w.close, group="File", shortcut=standard.Quit)
        self._put("File", "file.open", "file.open-folder")
        open_as = self.menus["File"].addMenu("Open as")
        open_as.setToolTipsVisible(True)
        for reader in w.workbench.host.readers:
            id = f"open-as.{reader.id}"
            add(
                id,
                f"{reader.title}…",
                partial(w.files.ask_open_as, reader),
                group="Open as",
                words=reader.kind,
            )
            self.commands.set_reason(id, w.workbench.host.missing(reader))
            open_as.addAction(self.commands[id])
        self.recent = self.menus["File"].addMenu("Recent")
        self.recent.aboutToShow.connect(self.refresh_recent)
        samples = self.menus["File"].addMenu("Samples")
        samples.setToolTipsVisible(True)
        for sample in w.workbench.host.samples:
            id = f"sample.{sample.id}"
            add(
                id,
                sample.title,
                partial(w.workbench.open_sample, sample),
                group="Samples",
                words="sample example",
            )
            self.commands.set_reason(id, w.workbench.host.missing(sample))
            samples.addAction(self.commands[id])
        samples.setEnabled(bool(w.workbench.host.samples))
        self._put(
            "File",
            *("-", "file.new", "file.open-session", "file.save", "file.save-as"),
            *("-", "file.export", "file.screenshot", "file.copy-screenshot", "-", "file.quit"),
        )
        self.refresh_recent()

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
                Path(path).name.replace("&", "&&") or path,
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

    # -- Edit, View, Data ------------------------------------------------------------------------------------

    def _edit(self) -> None:
        w, add = self.window, self.commands.add
        add("edit.undo", "&Undo", w.items.undo, group="Edit", shortcut=QKeySequence.StandardKey.Undo)
        add("edit.redo", "&Redo", w.items.redo, group="Edit", shortcut="Ctrl+Shift+Z")
        self.commands["edit.redo"].setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        add("edit.rename", "Re&name", w.items.rename, group="Edit", shortcut="F2")
        add(
            "edit.close",
            "&Close item",
            w.items.close_item,
            group="Edit",
            shortcut="Ctrl+W",
            words="remove delete",
        )
        add("edit.search", "Search &commands", w.palette_panel.open, group="Edit", shortcut="Ctrl+K")
        self._put("Edit", "edit.undo", "edit.redo", "-", "edit.rename", "edit.close", "-", "edit.search")

    def _view(self) -> None:
        w, add = self.window, self.commands.add
        view = self.menus["View"]
        for name, (title, shortcut) in LAYOUTS.items():
            id = f"view.layout-{name}"
            add(
                id,
                title,
                partial(w.view.set_layout, name),
                group="Layout",
                shortcut=shortcut,
                checked=name == "four",
            )
            view.addAction(self.commands[id])
        view.addSeparator()
        add(
            "view.reset",
            "&Reset views",
            w.view.reset_views,
            group="View",
            shortcut="Ctrl+R",
            words="fit all camera",
        )
        add("view.fit", "&Fit selected", w.view.fit_selected, group="View", shortcut="Ctrl+F", words="zoom")
        self._put("View", "view.reset", "view.fit")
        look = view.addMenu("Look from")
        for side, words in SIDES.items():
            id = f"view.look-{side}"
            add(
                id,
                words.capitalize(),
                partial(w.view.look_from, side),
                group="Look from",
                words=f"{side} camera",
            )
            look.addAction(self.commands[id])
        view.addSeparator()
        add(
            "view.radiological",
            "Radiological (right on the left)",
            lambda: w.view.set_convention("radiological"),
            group="View",
            checked=True,
        )
        add(
            "view.neurological",
            "Neurological (left on the left)",
            lambda: w.view.set_convention("neurological"),
            group="View",
            checked=False,
        )
        add("view.nose-left", "&Nose left", w.view.toggle_nose, group="View", checked=True, words="sagittal")
        add(
            "view.crosshair",
            "&Crosshair",
            w.view.toggle_crosshair,
            group="View",
            shortcut="Ctrl+Shift+X",
            checked=True,
        )
        self._put("View", "view.radiological", "view.neurological", "view.nose-left", "view.crosshair", "-")
        add("view.dark", "&Dark theme", lambda: w.view.set_theme("dark"), group="Theme", checked=True)
        add("view.light", "&Light theme", lambda: w.view.set_theme("light"), group="Theme", checked=False)
        add("view.larger", "Larger text", lambda: w.view.zoom_text(1), group="View", shortcut="Ctrl++")
        self.commands["view.larger"].setShortcuts([QKeySequence("Ctrl++"), QKeySequence("Ctrl+=")])
        add("view.smaller", "Smaller text", lambda: w.view.zoom_text(-1), group="View", shortcut="Ctrl+-")
        add("view.normal", "Normal text", lambda: w.view.zoom_text(0), group="View", shortcut="Ctrl+0")
        self._put("View", "view.dark", "view.light", "view.larger", "view.smaller", "view.normal", "-")
        self.panels = view.addMenu("Panels")
        for name, dock in w.docks.items():
            action = dock.toggleViewAction()
            action.setObjectName(f"panel.{name}")
            id = f"panel.{name}"
            add(id, dock.windowTitle(), action.trigger, group="Panels", words="panel dock show hide")
            self.panels.addAction(action)
        for panel in w.workbench.host.panels:
            id = f"panel.{panel.id}"
            add(id, panel.title, partial(w.open_plugin_panel, panel), group="Panels")
            self.commands.set_reason(id, w.workbench.host.missing(panel))
            self.panels.addAction(self.commands[id])
        add("view.reset-layout", "Reset window layout", w.reset_layout, group="View", words="docks panels")
        self._put("View", "view.reset-layout")

    def _data(self) -> None:
        w, add = self.window, self.commands.add
        add(
            "data.toggle",
            "&Show or hide",
            w.items.toggle_item,
            group="Data",
            shortcut="Ctrl+H",
            words="visible",
        )
        add("data.only", "Show &only this", w.items.show_only, group="Data", words="isolate hide others")
        add("data.show-all", "Show &all", w.items.show_all, group="Data")
        add(
            "data.info",
            "&Properties…",
            w.items.show_info,
            group="Data",
            shortcut="Ctrl+I",
            words="information details",
        )
        add("data.copy-path", "Copy path", w.items.copy_path, group="Data")
        self._put(
            "Data", "data.toggle", "data.only", "data.show-all", "-", "data.info", "data.copy-path", "-"
        )
        self._put("Data", "edit.rename", "edit.close", "file.export")

    # -- Analyse, Help ---------------------------------------------------------------------------------------

    def _analyse(self) -> None:
        w = self.window
        menu = self.menus["Analyse"]
        submenus: dict[str, QMenu] = {}
        self.analyses: dict[str, Analysis] = {a.id: a for a in w.workbench.host.analyses}
        for analysis in w.workbench.host.analyses:
            id = f"analyse.{analysis.id}"
            group = analysis.menu or "Other"
            self.commands.add(
                id, analysis.title, partial(w.choose_analysis, analysis), group=group, words=analysis.id
            )
            if group not in submenus:
                submenus[group] = menu.addMenu(group)
                submenus[group].setToolTipsVisible(True)
            submenus[group].addAction(self.commands[id])
        if not submenus:
            menu.addAction("No plugin brings an analysis").setEnabled(False)
        menu.aboutToShow.connect(self.refresh_analyses)

    def refresh_analyses(self) -> None:
        """Grey what cannot be run, with the reason."""
        for id, analysis in self.analyses.items():
            self.commands.set_reason(f"analyse.{id}", self.window.workbench.why_not(analysis))

    def _help(self) -> None:
        w, add = self.window, self.commands.add
        add(
            "help.about",
            "&About Equiscope",
            w.show_about,
            group="Help",
            words="licence license version research use",
        )
        add("help.plugins", "&Plugins…", w.show_plugins, group="Help", words="errors missing dependencies")
        add(
            "help.doctor",
            "&This machine…",
            w.show_doctor,
            group="Help",
            words="doctor gpu gl renderer versions",
        )
        add("help.log", "Open the &log", w.show_log, group="Help")
        self._put("Help", "help.plugins", "help.doctor", "help.log", "-", "help.about")
