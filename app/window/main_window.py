"""The main window: puts the parts together and answers the menus."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QTabBar,
    QWidget,
)

from app.forms.widgets import elided, label
from app.panels import (
    AnalysisPanel,
    BatchPanel,
    ConsolePanel,
    DataPanel,
    DisplayPanel,
    JobsPanel,
    LogPanel,
    Panel,
    ResultsPanel,
    make_dock,
)
from app.theme import Metrics
from app.window._safety import safe_mode
from app.window.batches import Batches
from app.window.beginnings import Beginnings
from app.window.cards import CardStack
from app.window.centre import Centre
from app.window.commands import Commands
from app.window.comparing import Comparing
from app.window.file_actions import FileActions
from app.window.going import go_to
from app.window.icons import icon
from app.window.item_actions import ItemActions
from app.window.kinds import is_spatial, shortened
from app.window.layouts import WindowLayouts
from app.window.markup_actions import MarkupActions
from app.window.menus import BIG, LAYOUTS, Menus
from app.window.mixing import Mixing
from app.window.movies import Movies
from app.window.palette import CommandPalette, SearchButton
from app.window.pictures import Pictures
from app.window.placing import Placing
from app.window.recovery import Recovery
from app.window.remembered import Remembered
from app.window.repeating import Repeater
from app.window.shortcuts import Shortcuts
from app.window.start_page import Actions, StartPage
from app.window.status_line import StatusLine
from app.window.trusting import TrustAsker
from app.window.view_actions import ViewActions
from app.window.workbench import Problem, Workbench
from core.plugins import Analysis
from core.plugins import Panel as PluginPanel

SAFE = "Safe mode: built-in plugins only, views drawn without the graphics driver, no console."


class MainWindow(QMainWindow):
    """One window on one workbench, which it owns."""

    painted = Signal()

    def __init__(self, workbench: Workbench, *, ask: bool = True, theme: str | None = None) -> None:
        super().__init__()
        self.workbench = workbench
        self._ask = ask and not os.environ.get("EQUISCOPE_TEST")
        self._closing = False
        self._after_save: Any = None
        self.settings_at_start: dict[str, Any] = {}
        """What waits for a start, as it was at this one; filled by the preferences."""
        self._painted = False
        self._given: tuple[int, int] | None = None
        """Heights of form and results before the form got more room."""
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.setWindowIcon(icon("equiscope", "#000000"))
        m = Metrics.of(self.font())
        screen = QGuiApplication.primaryScreen().availableSize()
        self.resize(
            min(m.px(1400), round(screen.width() * 0.94)), min(m.px(900), round(screen.height() * 0.9))
        )

        self.files = FileActions(self)
        self.pictures = Pictures(self)
        self.movies = Movies(self)
        self.items = ItemActions(self)
        self.view = ViewActions(self, theme)
        self.layouts = WindowLayouts(self)
        self.commands = Commands(self)
        self.palette_panel = CommandPalette(self.commands, self)
        self.begin = Beginnings(self)
        self.start = StartPage(
            workbench,
            Actions(
                self.files.ask_open,
                self.files.ask_open_folder,
                self.files.ask_open_session,
                self.begin.annotate,
                self.begin.compare,
                self.begin.why_no_annotation,
                self.begin.why_no_comparison,
            ),
        )
        self.centre = Centre(workbench, self.start, self)
        self.setCentralWidget(self.centre)
        if safe_mode():
            self.centre.show_banner(SAFE)
        self.cards = CardStack(self.centre)
        self.recovery = Recovery(self)
        self.comparing = Comparing(self)
        self.mixing = Mixing(self)
        self.placing = Placing(self)
        self.markups = MarkupActions(self)
        self.status = StatusLine(workbench, self)
        self.setStatusBar(self.status)
        self.status.memory_wanted.connect(self.show_memory)
        self.status.jobs_wanted.connect(self._show_jobs)
        self._make_docks()
        self.repeater = Repeater(self)
        self.batches = Batches(self)
        self.trust = TrustAsker(self)
        self.menus = Menus(self)
        self.shortcuts = Shortcuts(self.commands, workbench.settings)
        self.shortcuts.changed.connect(self._refresh_keys)
        self.centre.key_of = self.shortcuts.first
        self._make_menu_bar()
        self._refresh_keys()
        self.remembered = Remembered(self)
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
        self.batch = BatchPanel()
        self.log = LogPanel(w)
        self.console = None if safe_mode() else ConsolePanel(w)
        self.docks: dict[str, QDockWidget] = {}
        panels: tuple[Panel, ...] = (
            self.data,
            self.display,
            self.analysis,
            self.results,
            self.jobs,
            self.batch,
            self.log,
            *([self.console] if self.console is not None else []),
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
        self.layouts.arrange()

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
        self.view.look_changed.connect(self.start.relook)
        w.problem.connect(self.show_problem)
        w.solved.connect(self.cards.withdraw)
        w.opened.connect(lambda _ids: self.refresh_recent())
        w.session_changed.connect(self.refresh_recent)
        w.session_opened.connect(self.remembered.restore)
        w.changed.connect(self._on_replaced)
        w.adopted.connect(lambda _id: self.docks["results"].show())
        w.adopted.connect(self._take_room_back)
        w.task_over.connect(self._after_task)
        w.found.connect(partial(go_to, self))
        w.form_wanted.connect(self._fill_form)
        self.jobs.curves_wanted.connect(self.centre.show_live)
        self.results.running.live_wanted.connect(self.centre.show_live)
        self.data.menu_wanted.connect(self._item_menu)
        self.tabifiedDockWidgetActivated.connect(lambda _dock: self._name_tabs())
        self.data.focus_wanted.connect(self._focus_item)
        self.results.item_wanted.connect(self._show_item)
        self.display.fields.request = self._request_analysis
        self.analysis.help_wanted.connect(self.show_analyses)
        self.jobs.result_wanted.connect(self._show_result)
        self.results.repeat_wanted.connect(self._repeat)
        self.centre.positioned.connect(self.status.show_position)
        self.centre.on_grid.append(self._on_grid)
        self.centre.stack.currentChanged.connect(lambda _index: self._keep_keyboard())
        self.centre.player.moved.connect(self._show_moment)

    def _on_grid(self, grid: Any) -> None:
        grid.statusChanged.connect(self.status.set_device)
        grid.problem.connect(lambda text: self.show_problem(Problem(text, level="warn")))
        grid.layoutChanged.connect(lambda _name: self._refresh_view())
        grid.viewChanged.connect(self._refresh_view)
        grid.menuWanted.connect(self._view_menu)
        grid.picked.connect(lambda hit: self.workbench.select(hit.item.id))
        self.view.show_settings()

    # -- keeping everything up to date -----------------------------------------------------------------------

    def _refresh(self) -> None:
        w = self.workbench
        document = w.document
        dirty = not document.is_clean
        name = shortened(w.name)
        self.setWindowTitle(f"{'* ' if dirty else ''}{name} — Equiscope")
        state = "not saved" if dirty else "saved" if w.folder else ""
        self.session_label.setText(f"{name} — {state}" if state else name)
        self.fit_menu_bar()
        set_reason = self.commands.set_reason
        for id, words in (("undo", document.undo_label), ("redo", document.redo_label)):
            action = self.commands.action(f"edit.{id}")
            words = shortened(words).replace("&", "&&")
            action.setText(
                f"&{id.capitalize()} {words[:1].lower()}{words[1:]}" if words else f"&{id.capitalize()}"
            )
            set_reason(f"edit.{id}", "" if words else f"nothing to {id}")
        self.commands.refresh()
        self.menus.refresh_analyses()

    def _show_moment(self, _number: int) -> None:
        grid, id = self.centre.grid, self.workbench.selected
        if grid is not None and id in grid.moment:
            self.display.show_moment(grid.moment[id])

    def _name_tabs(self) -> None:
        """Qt makes tab bars without names where docks are laid over each other."""
        for bar in self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            bar.setAccessibleName("Panels in one place")

    def _refresh_keys(self) -> None:
        """What names a key outside the menus."""
        self.search.set_key(self.shortcuts.first("edit.search"))
        self.data.name_key(self.shortcuts.first("file.open"))
        if self.centre.transport is not None:
            self.centre.transport.name_keys()

    def _on_replaced(self, change: Any) -> None:
        if change is None:  # another session: what was said of the one before is past
            self.cards.clear()

    def fit_menu_bar(self) -> None:
        """As wide as its words, unless the menus need the room; the search gives way after it."""
        m, shown, bar = Metrics.of(self.font()), self.session_label, self.menuBar()
        # Of all menus, also of those that a bar without room has hidden.
        menus = bar.sizeHint().width() - shown.width() - self.search.width()
        room = self.width() - menus - m.px(16)
        search = self.search.fit(room)
        wanted = shown.fontMetrics().horizontalAdvance(shown.text()) + m.px(8)
        width = min(wanted, room - search)
        shown.setFixedWidth(width if width >= min(wanted, m.px(56)) else 0)  # a lone "…" says nothing
        # A menu bar places its corners when it is resized, not when they are.
        QApplication.sendEvent(bar, QResizeEvent(bar.size(), bar.size()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit_menu_bar()

    def refresh_recent(self) -> None:
        """The recent files of the start page and the menu anew."""
        # Not before the menu is shown: a greyed menu never is.
        self.start.refresh()
        self.menus.refresh_recent()

    def _refresh_view(self) -> None:
        grid, settings = self.centre.grid, self.workbench.settings
        shown = grid.layout_name if grid is not None else "four"
        for name in (*LAYOUTS, *BIG):
            self.commands.action(f"view.layout-{name}").setChecked(name == shown)
        convention = (
            settings.choice("convention", ("radiological", "neurological"))
            if grid is None
            else grid.convention
        )
        for name in ("radiological", "neurological"):
            self.commands.action(f"view.{name}").setChecked(name == convention)
        nose_left = settings.flag("nose-left", True) if grid is None else grid.nose_left
        self.commands.action("view.nose-left").setChecked(bool(nose_left))
        self.commands.action("view.crosshair").setChecked(settings.flag("crosshair", True))
        self.commands.refresh()

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
            self.when_saved(partial(self.workbench.open_paths, list(paths)))
        else:
            self.workbench.open_paths(list(paths), reader=reader)

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
        return self.remembered.state()

    def new_session(self) -> None:
        self.when_saved(self.workbench.new_session)

    def when_saved(self, action: Any) -> None:
        """Do it now, or after the user has said what becomes of unsaved changes."""
        from app.window.dialogs import ask_to_save

        if self.workbench.document.is_clean or not self._ask:
            action()
            return
        answer = ask_to_save(self.workbench.name, self, self._running())
        if answer == "discard":
            action()
        elif answer == "save":
            self._after_save = action
            self.files.save()

    def forget_plans(self) -> Any:
        """The user did not save after all: what was to follow does not happen. Returned, in case she does."""
        plans, self._after_save = self._after_save, None
        return plans

    def plan(self, plans: Any) -> None:
        """What `forget_plans` returned follows the next save after all."""
        self._after_save = plans

    def _after_task(self, _task: Any) -> None:
        # The task's own callback, which marks the document clean, runs after this signal.
        if self._after_save is not None:
            QTimer.singleShot(0, self._try_after_save)

    def _try_after_save(self) -> None:
        if self._after_save is None:
            return
        if self.workbench.document.is_clean:
            action, self._after_save = self._after_save, None
            action()
        elif not any(t.name == "save_session" and not t.over for t in self.workbench.tasks):
            self.forget_plans()  # it failed: a save of some later day must not close the window

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closing and self._ask and not self.batches.may_close():
            event.ignore()
            return
        if not self._closing and self._ask and self.workbench.document.is_clean and not self._may_close():
            event.ignore()
            return
        if not self._closing and self._ask and not self.workbench.document.is_clean:
            event.ignore()
            # Qt ignores a close within a close.
            self.when_saved(lambda: QTimer.singleShot(0, self._close_now))
            return
        self._closing = True
        self.view.settle()
        settings = self.workbench.settings
        settings.set("window-layout", self.layouts.state())
        settings.set("window-geometry", bytes(self.saveGeometry().toBase64().data()).decode("ascii"))
        self.recovery.close()
        self.batches.shutdown()
        self.movies.shutdown()
        self.pictures.shutdown()
        self.centre.shutdown()
        self.log.stop()
        if self.console is not None:
            self.console.stop()
        self.workbench.close()
        super().closeEvent(event)

    def _may_close(self) -> bool:
        """Whether nobody wants to be asked, or the answer is yes; jobs that run are worth a question."""
        from app.window.dialogs import ask_to_close

        running = self._running()
        wanted = self.workbench.settings.flag("confirm-close", False)
        return not (wanted or running) or ask_to_close(running, self)

    def _running(self) -> int:
        return sum(not t.over and t.shown for t in self.workbench.tasks)

    def _close_now(self) -> None:
        self._closing = True
        self.close()

    def _restore(self) -> None:
        settings = self.workbench.settings
        geometry = settings.get("window-geometry")
        if isinstance(geometry, str):
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore")))
        self.layouts.restore(settings.get("window-layout"))
        self._refresh_view()

    # -- Edit and Data ---------------------------------------------------------------------------------------

    def _view_menu(self, view: Any, position: QPointF) -> None:
        menu = self.menus.view_menu(view, position)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(view.mapToGlobal(position.toPoint()))

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
            *(["data.locate"] if self.workbench.sessions.missing else []),
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
            self.view.fit_selected()

    def _show_result(self, id: str) -> None:
        self.workbench.select(id)
        self.docks["results"].show()
        self.docks["results"].raise_()

    def _show_item(self, id: str) -> None:
        self.workbench.select(id)

    # -- View ------------------------------------------------------------------------------------------------

    def reset_layout(self) -> None:
        self.layouts.arrange()

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
        dock.show()

    @property
    def plugin_panels(self) -> list[str]:
        """Ids of the plugins' panels that are open."""
        known = {p.id for p in self.workbench.host.panels}
        return [id for id, dock in self.docks.items() if id in known and not dock.isHidden()]

    def reopen_plugin_panel(self, id: object) -> None:
        """Open a plugin's panel that a session had open; one that is not there any more, or fails, is left out."""
        panel = next((p for p in self.workbench.host.panels if p.id == id), None)
        if panel is None or self.workbench.host.missing(panel):
            return
        try:
            self.open_plugin_panel(panel)
        except Exception as error:  # a plugin's fault must not cost the session
            text = f"The panel {panel.title} cannot be opened ({type(error).__name__})."
            self.show_problem(Problem(text, traceback.format_exc(), level="warn"))

    # -- Analyse and Help ------------------------------------------------------------------------------------

    def _make_room_for_form(self) -> None:
        """In a low window an empty panel of results needs less room than a form; what is found gets it back."""
        form, results = self.docks["analysis"], self.docks["results"]
        both = (form, results)
        if self.results.group is not None or any(d.isFloating() or not d.isVisible() for d in both):
            return
        whole = form.height() + results.height()
        m = Metrics.of(self.font())
        if form.x() == results.x() and form.height() < m.px(300) and whole > m.px(180):
            self._given = (form.height(), results.height())
            self.resizeDocks(list(both), [whole - m.px(90), m.px(90)], Qt.Orientation.Vertical)

    def _take_room_back(self, _id: str) -> None:
        given, self._given = self._given, None
        if given is not None:
            self.resizeDocks(
                [self.docks["analysis"], self.docks["results"]], list(given), Qt.Orientation.Vertical
            )

    def choose_analysis(self, analysis: Analysis) -> None:
        self.docks["analysis"].show()
        self._make_room_for_form()
        self.analysis.choose(analysis)

    def _request_analysis(self, id: str) -> None:
        """A panel asks for the form of an analysis, by its id."""
        analysis = self.menus.analyses.get(id)
        if analysis is None:
            self.show_problem(Problem(f"The analysis {id} is not installed here.", level="warn"))
        else:
            self.choose_analysis(analysis)

    def _fill_form(self, id: str, values: dict[str, Any]) -> None:
        """The form of an analysis with some values given."""
        self._request_analysis(id)
        analysis = self.menus.analyses.get(id)
        if analysis is not None:
            self.analysis.repeat(analysis, values, 0)

    def _repeat(self, record: dict[str, Any]) -> None:
        group = self.workbench.document.get(self.results.group) if self.results.group else None
        same = group is not None and dict(group.record or {}) == record
        inputs = tuple(group.metadata.get("inputs", ())) if group is not None and same else ()
        self.repeater.repeat(record, inputs)

    def show_preferences(self, page: str = "") -> None:
        from app.window.preferences import PreferencesDialog

        dialog = self.show_once(PreferencesDialog, lambda: PreferencesDialog(self))
        if page:
            dialog.show_page(page)  # type: ignore[attr-defined]

    def show_shortcuts(self) -> None:
        from app.window.shortcuts_dialog import ShortcutsDialog

        self.show_once(ShortcutsDialog, lambda: ShortcutsDialog(self.commands, self.shortcuts, self))

    def show_keys(self) -> None:
        from app.window.keys_sheet import KeysSheet

        self.show_once(KeysSheet, lambda: KeysSheet(self.commands, self.shortcuts, self.show_shortcuts, self))

    def show_once(self, kind: type[QDialog], make: Callable[[], QDialog]) -> QDialog:
        """Show a dialog; the one that is open already comes to the front."""
        dialog = next((d for d in self.findChildren(kind) if d.isVisible()), None) or make()
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        return dialog

    def show_memory(self) -> None:
        from app.window.memory import MemoryDialog

        self.show_once(MemoryDialog, lambda: MemoryDialog(self.workbench, self.status.gpus, self))

    def _show_jobs(self) -> None:
        self.docks["jobs"].show()
        self.docks["jobs"].raise_()

    def show_about(self) -> None:
        from app.window.about import AboutDialog

        self.show_once(AboutDialog, lambda: AboutDialog(self))

    def show_plugins(self) -> None:
        from app.window.plugins_dialog import PluginsDialog

        self.show_once(PluginsDialog, lambda: PluginsDialog(self.workbench, self))

    def show_analyses(self, id: str = "") -> None:
        """The help on analyses, on the one whose form is shown unless another is named."""
        from app.window.analyses_help import AnalysesHelp

        dialog = self.show_once(
            AnalysesHelp, lambda: AnalysesHelp(self.workbench, self.choose_analysis, self)
        )
        chosen = id or self.analysis.chosen
        if chosen:
            dialog.choose(chosen)  # type: ignore[attr-defined]

    def show_doctor(self) -> None:
        from app.window.dialogs import doctor

        doctor(self).show()

    def show_log(self) -> None:
        self.docks["log"].show()
        self.docks["log"].raise_()

    # -- painting --------------------------------------------------------------------------------------------

    def _keep_keyboard(self) -> None:
        """Where Qt, for want of another place, gave the keyboard to the status line: to what the centre shows."""
        focus = self.focusWidget()
        if focus is not None and not self.status.isAncestorOf(focus):
            return
        page = self.centre.stack.currentWidget()
        grid = self.centre.shown_grid
        others = [] if page is None else page.findChildren(QWidget)
        wanted = [grid.current_view] if grid is not None else others
        target = next((w for w in wanted if w.focusPolicy() & Qt.FocusPolicy.TabFocus), None)
        if target is not None:
            target.setFocus(Qt.FocusReason.OtherFocusReason)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._keep_keyboard()
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
