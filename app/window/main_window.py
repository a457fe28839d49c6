"""The main window: puts the parts together and answers the menus."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QFileDialog, QHBoxLayout, QMainWindow, QMenu, QWidget

from app.forms.widgets import elided, label
from app.panels import (
    AnalysisPanel,
    DataPanel,
    DisplayPanel,
    JobsPanel,
    LogPanel,
    Panel,
    ResultsPanel,
    make_dock,
)
from app.theme import THEMES, Metrics, Theme, apply_theme, current_theme
from app.window.cards import CardStack
from app.window.centre import Centre
from app.window.commands import Commands
from app.window.icons import icon
from app.window.kinds import centre_of, is_spatial
from app.window.menus import LAYOUTS, Menus
from app.window.palette import CommandPalette, SearchButton
from app.window.start_page import StartPage
from app.window.status_line import StatusLine
from app.window.workbench import Problem, Workbench
from core.document import Document
from core.plugins import Analysis, Reader
from core.plugins import Panel as PluginPanel

LAYOUT_VERSION = 1
SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class MainWindow(QMainWindow):
    """One window on one workbench, which it owns."""

    painted = Signal()

    def __init__(self, workbench: Workbench, *, ask: bool = True) -> None:
        super().__init__()
        self.workbench = workbench
        self._ask = ask and not os.environ.get("EQUISCOPE_TEST")
        self._closing = False
        self._after_save: Any = None
        self._painted = False
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.setWindowIcon(icon("equiscope", "#000000"))
        m = Metrics.of(self.font())
        screen = QGuiApplication.primaryScreen().availableSize()
        self.resize(
            min(m.px(1400), round(screen.width() * 0.94)), min(m.px(900), round(screen.height() * 0.9))
        )

        self.commands = Commands(self)
        self.palette_panel = CommandPalette(self.commands, self)
        self.start = StartPage(workbench, self.ask_open, self.ask_open_folder, self.ask_open_session)
        self.centre = Centre(workbench, self.start, self)
        self.setCentralWidget(self.centre)
        self.cards = CardStack(self.centre)
        self.status = StatusLine(workbench, self)
        self.setStatusBar(self.status)
        self._make_docks()
        self.menus = Menus(self)
        self._make_menu_bar()
        self._connect()
        self._restore()
        self._refresh()

    # -- construction ----------------------------------------------------------------------------------------

    def _make_docks(self) -> None:
        w = self.workbench
        self.data = DataPanel(w)
        self.display = DisplayPanel(w)
        self.analysis = AnalysisPanel(w)
        self.results = ResultsPanel(w)
        self.jobs = JobsPanel(w)
        self.log = LogPanel(w)
        self.docks: dict[str, QDockWidget] = {}
        panels: tuple[Panel, ...] = (
            self.data,
            self.display,
            self.analysis,
            self.results,
            self.jobs,
            self.log,
        )
        for panel in panels:
            self.docks[panel.name] = make_dock(panel, self)
        for corner, area in (
            (Qt.Corner.TopLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            (Qt.Corner.TopRightCorner, Qt.DockWidgetArea.RightDockWidgetArea),
            (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea),
        ):
            self.setCorner(corner, area)
        self._arrange_docks()

    def _arrange_docks(self) -> None:
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        for dock in self.docks.values():
            self.removeDockWidget(dock)
            dock.setFloating(False)
        for name, area in (
            ("data", left),
            ("display", left),
            ("analysis", right),
            ("results", right),
            ("jobs", right),
            ("log", Qt.DockWidgetArea.BottomDockWidgetArea),
        ):
            self.addDockWidget(area, self.docks[name])
            self.docks[name].setVisible(name != "log")
        m = Metrics.of(self.font())
        d = self.docks
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        self.resizeDocks([d["data"], d["analysis"]], [m.px(272), m.px(316)], horizontal)
        self.resizeDocks([d["data"], d["display"]], [m.px(460), m.px(340)], vertical)
        self.resizeDocks(
            [d["analysis"], d["results"], d["jobs"]], [m.px(340), m.px(320), m.px(140)], vertical
        )

    def _make_menu_bar(self) -> None:
        bar = self.menuBar()
        bar.setNativeMenuBar(False)
        m = Metrics.of(self.font())
        name = label("Equiscope", "heading")
        name.setContentsMargins(m.px(12), 0, m.px(4), 0)
        bar.setStyleSheet(f"QMenuBar {{ padding-top: {m.px(5)}px; }}")
        bar.setCornerWidget(name, Qt.Corner.TopLeftCorner)
        right = QWidget()
        row = QHBoxLayout(right)
        row.setContentsMargins(m.px(8), 0, m.px(10), 0)
        row.setSpacing(m.px(14))
        self.session_label = elided("", "muted", Qt.TextElideMode.ElideMiddle)
        self.session_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.session_label.setMinimumWidth(m.px(160))
        self.search = SearchButton()
        self.search.wanted.connect(self.palette_panel.open)
        row.addWidget(self.session_label)
        row.addWidget(self.search)
        bar.setCornerWidget(right, Qt.Corner.TopRightCorner)
        # PySide leaves corner widgets to Python's garbage collection.
        self._corners = (name, right)

    def _connect(self) -> None:
        w = self.workbench
        w.changed.connect(lambda _change: self._refresh())
        w.clean_changed.connect(lambda _clean: self._refresh())
        w.selection_changed.connect(lambda _id: self._refresh())
        w.session_changed.connect(self._refresh)
        w.problem.connect(self.show_problem)
        w.opened.connect(lambda _ids: self.start.refresh())
        w.session_opened.connect(self._restore_session_layout)
        w.adopted.connect(lambda _id: self.docks["results"].show())
        w.task_over.connect(self._after_task)
        self.data.menu_wanted.connect(self._item_menu)
        self.data.focus_wanted.connect(self._focus_item)
        self.results.item_wanted.connect(self._show_item)
        self.results.repeat_wanted.connect(self._repeat)
        self.centre.positioned.connect(self.status.show_position)
        self.centre.on_grid.append(self._on_grid)

    def _on_grid(self, grid: Any) -> None:
        grid.statusChanged.connect(self.status.set_device)
        grid.problem.connect(lambda text: self.show_problem(Problem(text, level="warn")))
        grid.layoutChanged.connect(lambda _name: self._refresh_view())
        settings = self.workbench.settings
        grid.set_convention(settings.get("convention", "radiological"))
        grid.set_nose_left(settings.get("nose-left", True))
        grid.set_crosshair(settings.get("crosshair", True))
        self._refresh_view()

    # -- keeping everything up to date -----------------------------------------------------------------------

    def _refresh(self) -> None:
        w = self.workbench
        document, item = w.document, w.current
        dirty = not document.is_clean
        self.setWindowTitle(f"{'* ' if dirty else ''}{w.name} — Equiscope")
        state = "not saved" if dirty else "saved" if w.folder else ""
        self.session_label.setText(f"{w.name} — {state}" if state else w.name)
        set_reason = self.commands.set_reason
        for id, words in (("undo", document.undo_label), ("redo", document.redo_label)):
            action = self.commands[f"edit.{id}"]
            action.setText(
                f"&{id.capitalize()} {words[:1].lower()}{words[1:]}" if words else f"&{id.capitalize()}"
            )
            set_reason(f"edit.{id}", "" if words else f"nothing to {id}")
        none = "" if item is not None else "select an item first"
        for id in ("edit.rename", "edit.close", "data.toggle", "data.only", "data.info"):
            set_reason(id, none)
        set_reason("file.export", none or self._why_no_export())
        set_reason(
            "data.copy-path", none or ("" if item is not None and item.source else "it came from no file")
        )
        empty = "" if len(document) else "nothing is open"
        for id in ("file.save", "file.save-as", "file.screenshot", "file.copy-screenshot", "data.show-all"):
            set_reason(id, empty)
        spatial = "" if any(is_spatial(i) for i in document) else "nothing that is open has a place in space"
        views = ("view.reset", "view.nose-left", "view.crosshair", "view.radiological", "view.neurological")
        for id in (*views, *(f"view.layout-{n}" for n in LAYOUTS), *(f"view.look-{s}" for s in "APLRSI")):
            set_reason(id, spatial)
        here = item is not None and is_spatial(item)
        set_reason("view.fit", none or ("" if here else "it has no place in space"))
        self.menus.refresh_analyses()

    def _why_no_export(self) -> str:
        from app.window.kinds import kind_of_item

        item = self.workbench.current
        if item is None or item.data is None:
            return "a group holds no data of its own"
        kind = kind_of_item(item)
        if kind == "plot" or self.workbench.host.writers_for(kind):
            return ""
        return f"no plugin writes a {kind}"

    def _refresh_view(self) -> None:
        grid, settings = self.centre.grid, self.workbench.settings
        shown = grid.layout_name if grid is not None else "four"
        for name in LAYOUTS:
            self.commands[f"view.layout-{name}"].setChecked(name == shown)
        convention = settings.get("convention", "radiological")
        for name in ("radiological", "neurological"):
            self.commands[f"view.{name}"].setChecked(name == convention)
        self.commands["view.nose-left"].setChecked(bool(settings.get("nose-left", True)))
        self.commands["view.crosshair"].setChecked(bool(settings.get("crosshair", True)))
        for name in THEMES:
            self.commands[f"view.{name}"].setChecked(name == current_theme().name)

    def show_problem(self, problem: Problem) -> None:
        """A card at the bottom of the centre."""
        self.cards.show_problem(problem)

    def show_fault(self, text: str, details: str) -> None:
        """A card for an exception that nobody caught."""
        self.show_problem(Problem(text, details))

    # -- opening ---------------------------------------------------------------------------------------------

    def open_paths(self, paths: Sequence[str], reader: str | None = None) -> None:
        """Open files; a session replaces what is open, after asking."""
        if any(str(p).endswith(".equiscope") for p in paths):
            self._when_saved(partial(self.workbench.open_paths, list(paths)))
        else:
            self.workbench.open_paths(list(paths), reader=reader)

    def _folder(self) -> str:
        return str(self.workbench.settings.get("open-folder", str(Path.home())))

    def ask_open(self) -> None:
        patterns = sorted({p for r in self.workbench.host.readers for p in r.patterns})
        filters = [f"All that can be opened ({' '.join(patterns)})"] if patterns else []
        filters += [f"{r.title} ({' '.join(r.patterns)})" for r in self.workbench.host.readers if r.patterns]
        paths, _ = QFileDialog.getOpenFileNames(
            self, "Open files", self._folder(), ";;".join([*filters, "All files (*)"])
        )
        if paths:
            self.workbench.settings.set("open-folder", str(Path(paths[0]).parent))
            self.open_paths(paths)

    def ask_open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open folder", self._folder())
        if path:
            self.workbench.settings.set("open-folder", str(Path(path).parent))
            self.open_paths([path])

    def ask_open_as(self, reader: Reader) -> None:
        title = f"Open as {reader.title}"
        if reader.folders and not reader.patterns:
            path = QFileDialog.getExistingDirectory(self, title, self._folder())
            paths = [path] if path else []
        else:
            paths, _ = QFileDialog.getOpenFileNames(self, title, self._folder(), "All files (*)")
        if paths:
            self.open_paths(paths, reader.id)

    def clear_recent(self) -> None:
        self.workbench.settings.clear_recent()
        self.start.refresh()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.open_paths(paths)

    # -- sessions --------------------------------------------------------------------------------------------

    def layout_state(self) -> dict[str, Any]:
        """What a session remembers of the window: plain JSON."""
        grid = self.centre.grid
        return {
            "docks": bytes(self.saveState(LAYOUT_VERSION).toBase64().data()).decode("ascii"),
            "viewports": grid.view_state() if grid is not None else {},
            "selected": self.workbench.selected or "",
        }

    def _restore_session_layout(self, layout: dict[str, Any]) -> None:
        selected = layout.get("selected")
        if isinstance(selected, str) and selected in self.workbench.document:
            self.workbench.select(selected)
        docks = layout.get("docks")
        if isinstance(docks, str):
            self.restoreState(QByteArray.fromBase64(docks.encode("ascii")), LAYOUT_VERSION)
        views = layout.get("viewports")
        if isinstance(views, dict) and views and self.centre.grid is not None:
            self.centre.grid.set_view_state(views)

    def save(self) -> None:
        if self.workbench.folder is None:
            self.save_as()
        else:
            self.workbench.save_session(self.workbench.folder, self.layout_state())

    def save_as(self) -> None:
        start = self.workbench.folder or Path(self._folder()) / "untitled.equiscope"
        options = QFileDialog.Option.DontConfirmOverwrite
        path, _ = QFileDialog.getSaveFileName(
            self, "Save session", str(start), "Equiscope session (*.equiscope)", options=options
        )
        if path:
            self.workbench.save_session(path, self.layout_state())
        else:
            self._after_save = None

    def ask_open_session(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self, "Open session (a folder NAME.equiscope)", self._folder()
        )
        if path and not path.endswith(".equiscope"):
            self.show_problem(
                Problem(f"{Path(path).name} is no session; choose a folder whose name ends in .equiscope.")
            )
        elif path:
            self.open_paths([path])

    def new_session(self) -> None:
        self._when_saved(self.workbench.new_session)

    def _when_saved(self, action: Any) -> None:
        """Do it now, or after the user has said what becomes of unsaved changes."""
        from app.window.dialogs import ask_to_save

        if self.workbench.document.is_clean or not self._ask:
            action()
            return
        answer = ask_to_save(self.workbench.name, self)
        if answer == "discard":
            action()
        elif answer == "save":
            self._after_save = action
            self.save()

    def _after_task(self, _task: Any) -> None:
        # The task's own callback, which marks the document clean, runs after this signal.
        if self._after_save is not None:
            QTimer.singleShot(0, self._try_after_save)

    def _try_after_save(self) -> None:
        if self._after_save is not None and self.workbench.document.is_clean:
            action, self._after_save = self._after_save, None
            action()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closing and self._ask and not self.workbench.document.is_clean:
            event.ignore()
            # Qt ignores a close within a close.
            self._when_saved(lambda: QTimer.singleShot(0, self._close_now))
            return
        self._closing = True
        settings = self.workbench.settings
        settings.set("window-layout", bytes(self.saveState(LAYOUT_VERSION).toBase64().data()).decode("ascii"))
        settings.set("window-geometry", bytes(self.saveGeometry().toBase64().data()).decode("ascii"))
        self.centre.shutdown()
        self.log.stop()
        self.workbench.close()
        super().closeEvent(event)

    def _close_now(self) -> None:
        self._closing = True
        self.close()

    def _restore(self) -> None:
        settings = self.workbench.settings
        geometry, layout = settings.get("window-geometry"), settings.get("window-layout")
        if isinstance(geometry, str):
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii")))
        if isinstance(layout, str):
            self.restoreState(QByteArray.fromBase64(layout.encode("ascii")), LAYOUT_VERSION)
        self._refresh_view()

    # -- Edit and Data ---------------------------------------------------------------------------------------

    def undo(self) -> None:
        self.workbench.document.undo()

    def redo(self) -> None:
        self.workbench.document.redo()

    def rename(self) -> None:
        self.docks["data"].show()
        self.data.edit_name()

    def close_item(self) -> None:
        if self.workbench.selected:
            self.workbench.document.remove(self.workbench.selected)

    def toggle_item(self) -> None:
        if self.workbench.selected:
            self.data.toggle(self.workbench.selected)

    def show_only(self) -> None:
        """Hide all other items, as one edit for each that changes."""
        item = self.workbench.current
        document = self.workbench.document
        keep: set[str] = set()
        above = item
        while above is not None:
            keep.add(above.id)
            above = document.get(above.parent) if above.parent else None
        for other in document:
            inside = item is not None and self._is_below(document, other.id, item.id)
            wanted = other.id in keep or inside
            if other.display.visible != wanted and (is_spatial(other) or wanted):
                document.set_display(other.id, replace(other.display, visible=wanted))

    @staticmethod
    def _is_below(document: Document, id: str | None, ancestor: str) -> bool:
        while id is not None:
            if id == ancestor:
                return True
            item = document.get(id)
            id = item.parent if item else None
        return False

    def show_all(self) -> None:
        document = self.workbench.document
        for item in document:
            if not item.display.visible:
                document.set_display(item.id, replace(item.display, visible=True))

    def show_info(self) -> None:
        import json

        from app.window.dialogs import text_dialog
        from core.data import info

        item = self.workbench.current
        if item is None:
            return
        try:
            plain: dict[str, Any] = info(item.data, item.name, item.warnings)
        except TypeError:
            plain = {"name": item.name}
        if item.source is not None:
            plain["file"] = item.source.path
        if item.metadata:
            plain["metadata"] = {str(k): v for k, v in item.metadata.items()}
        text = json.dumps(plain, indent=2, ensure_ascii=False, default=str)
        text_dialog(f"Properties of {item.name}", text, self).show()

    def copy_path(self) -> None:
        item = self.workbench.current
        if item is not None and item.source is not None:
            QGuiApplication.clipboard().setText(item.source.path)

    def ask_export(self) -> None:
        from app.window.adopt import plain_data
        from core.data import kind_of
        from core.exports import file_stem

        item = self.workbench.current
        if item is None:
            return
        folder = self.workbench.settings.get("export-folder", str(Path.home()))
        data = plain_data(item)
        if centre_of(item) == "plot":
            self.workbench.select(item.id)
            path, _ = QFileDialog.getSaveFileName(
                self,
                "Export plot",
                str(Path(folder) / f"{file_stem(item.name)}.csv"),
                "Table (*.csv);;Picture (*.png)",
            )
            if path.endswith(".png"):
                self.centre.view_of(item).save_png(Path(path))  # type: ignore[attr-defined]
            elif path:
                self.results.write_csv(item, Path(path))
            return
        writers = [
            w for w in self.workbench.host.writers_for(kind_of(data)) if not self.workbench.host.missing(w)
        ]
        filters = [f"{w.title} ({' '.join(w.patterns)})" for w in writers]
        suffix = writers[0].patterns[0].lstrip("*") if writers else ""
        path, chosen = QFileDialog.getSaveFileName(
            self, "Export", str(Path(folder) / f"{file_stem(item.name)}{suffix}"), ";;".join(filters)
        )
        if path:
            self.workbench.settings.set("export-folder", str(Path(path).parent))
            writer = writers[filters.index(chosen)] if chosen in filters else None
            if writer is not None and not writer.matches(Path(path).name) and not Path(path).suffix:
                path += writer.patterns[0].lstrip("*")
            named = writer is not None and writer.matches(Path(path).name)
            self.workbench.export(item.id, path, writer.id if writer is not None and named else None)

    def _item_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for id in (
            "data.toggle",
            "data.only",
            "view.fit",
            "",
            "edit.rename",
            "file.export",
            "data.copy-path",
            "data.info",
            "",
            "edit.close",
        ):
            if id:
                menu.addAction(self.commands[id])
            else:
                menu.addSeparator()
        menu.popup(point)

    def _focus_item(self, id: str) -> None:
        self.workbench.select(id)
        item = self.workbench.current
        if item is not None and is_spatial(item):
            self.fit_selected()

    def _show_item(self, id: str) -> None:
        self.workbench.select(id)

    # -- View ------------------------------------------------------------------------------------------------

    def set_layout(self, name: str) -> None:
        self.centre.choose_layout(name)
        self._refresh_view()

    def reset_views(self) -> None:
        if self.centre.grid is not None:
            self.centre.grid.reset_views()

    def fit_selected(self) -> None:
        if self.centre.grid is not None and self.workbench.selected:
            self.centre.grid.fit(self.workbench.selected)

    def look_from(self, side: str) -> None:
        if self.centre.grid is not None:
            self.centre.grid.look_from(side)

    def set_convention(self, name: str) -> None:
        self.workbench.settings.set("convention", name)
        if self.centre.grid is not None:
            self.centre.grid.set_convention(name)
        self._refresh_view()

    def toggle_nose(self) -> None:
        on = not self.workbench.settings.get("nose-left", True)
        self.workbench.settings.set("nose-left", on)
        if self.centre.grid is not None:
            self.centre.grid.set_nose_left(on)
        self._refresh_view()

    def toggle_crosshair(self) -> None:
        on = not self.workbench.settings.get("crosshair", True)
        self.workbench.settings.set("crosshair", on)
        if self.centre.grid is not None:
            self.centre.grid.set_crosshair(on)
        self._refresh_view()

    def set_theme(self, name: str) -> None:
        """Dark or light, at once."""
        self.workbench.settings.set("theme", name)
        self._apply_theme(THEMES[name])

    def zoom_text(self, step: int) -> None:
        """Larger (1), smaller (-1) or normal (0) text everywhere."""
        now = float(self.workbench.settings.get("text-scale", 1.0))
        near = min(range(len(SCALES)), key=lambda n: abs(SCALES[n] - now))
        scale = SCALES[min(max(near + step, 0), len(SCALES) - 1)] if step else 1.0
        self.workbench.settings.set("text-scale", scale)
        self._apply_theme(current_theme())

    def _apply_theme(self, theme: Theme) -> None:
        settings = self.workbench.settings
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, theme, float(settings.get("text-scale", 1.0)))
        self.centre.set_theme(theme)
        self.results.set_theme(theme)
        self._refresh_view()
        self.update()

    def reset_layout(self) -> None:
        self._arrange_docks()

    def open_plugin_panel(self, panel: PluginPanel) -> None:
        """Load a plugin's own panel into a dock."""
        from app.api import PanelApi

        if panel.id in self.docks:
            self.docks[panel.id].show()
            return
        plugin_panel = Panel()
        plugin_panel.name = panel.id
        plugin_panel.header.title.setText(panel.title)
        widget = self.workbench.host.resolve(panel.function)(PanelApi(self.workbench))
        plugin_panel.column.addWidget(widget)
        dock = make_dock(plugin_panel, self)
        dock.setWindowTitle(panel.title)
        self.docks[panel.id] = dock
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)

    def ask_screenshot(self) -> None:
        folder = self.workbench.settings.get("export-folder", str(Path.home()))
        path, _ = QFileDialog.getSaveFileName(
            self, "Screenshot", str(Path(folder) / "equiscope.png"), "Picture (*.png)"
        )
        if path:
            path = path if path.lower().endswith(".png") else f"{path}.png"
            if self.centre.image(scale=2.0).save(path, "PNG"):
                self.workbench.message.emit(f"{Path(path).name} written")
            else:
                self.show_problem(Problem(f"{Path(path).name} cannot be written; choose another folder."))

    def copy_screenshot(self) -> None:
        QGuiApplication.clipboard().setImage(self.centre.image(scale=2.0))
        self.workbench.message.emit("Screenshot copied")

    # -- Analyse and Help ------------------------------------------------------------------------------------

    def choose_analysis(self, analysis: Analysis) -> None:
        self.docks["analysis"].show()
        self.analysis.choose(analysis)

    def _repeat(self, record: dict[str, Any]) -> None:
        analysis = self.menus.analyses.get(str(record.get("analysis", "")))
        if analysis is None:
            self.show_problem(
                Problem(f"The analysis {record.get('analysis')} is not installed here.", level="warn")
            )
            return
        self.docks["analysis"].show()
        self.analysis.repeat(analysis, dict(record.get("parameters", {})), int(record.get("seed", 0)))

    def show_about(self) -> None:
        from app.window.dialogs import about

        about(self).show()

    def show_plugins(self) -> None:
        from app.window.dialogs import plugins

        plugins(self.workbench.host, self).show()

    def show_doctor(self) -> None:
        from app.window.dialogs import doctor

        doctor(self).show()

    def show_log(self) -> None:
        self.docks["log"].show()

    # -- painting --------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._painted:
            self.centre.installEventFilter(self)
            self.start.installEventFilter(self)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and not self._painted:
            self._painted = True
            self.centre.removeEventFilter(self)
            self.start.removeEventFilter(self)
            # After this event has been handled, that is, once it is on the screen.
            QTimer.singleShot(0, self.painted.emit)
        return super().eventFilter(watched, event)
