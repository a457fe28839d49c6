"""Starts the window: settings, theme, window, and after the first paint everything that may wait."""

from __future__ import annotations

from app.window import _plain_imports  # before all others

# isort: split
import gc
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app.theme import DARK, THEMES, apply_theme, follow_system
from app.viewports.collector import MainThreadCollector
from app.window._ahead import load_plots_ahead, quick_turns
from app.window._safety import Faults, log_qt_messages, start_logging
from app.window._startup import Milestones
from app.window.main_window import MainWindow
from app.window.preferences_values import WORKERS, wanted_backend
from app.window.view_actions import SCALES
from app.window.workbench import Workbench
from core.heap import tune
from core.jobs import WorkerRunner
from core.plugins import PluginHost
from core.settings import Settings

_plain_imports.imported()


def application(arguments: list[str] | None = None) -> QApplication:
    """The application, made once, with names and surface format set."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    from app.viewports.backends import prepare_surface_format

    prepare_surface_format()
    QApplication.setApplicationName("equiscope")
    QApplication.setApplicationDisplayName("")
    QApplication.setDesktopFileName("equiscope")
    return QApplication(arguments or sys.argv[:1])


@dataclass
class Program:
    """The whole program, shown: what `start` gives, and what `close` ends."""

    qt: QApplication
    runner: WorkerRunner
    workbench: Workbench
    window: MainWindow
    _parts: tuple[Any, ...]
    _restore_hooks: Callable[[], None]
    _collector: MainThreadCollector

    def close(self) -> None:
        """Give everything back; the window may have been closed already."""
        self._restore_hooks()
        self._collector.stop()
        gc.unfreeze()
        self.workbench.close()
        self.window.deleteLater()
        self.qt.processEvents()


def run(
    files: list[str],
    *,
    safe: bool,
    report_startup: bool,
    quit_after_start: bool,
    theme: str | None = None,
) -> int:
    """See `app.window.run_window`."""
    program = start(
        files, safe=safe, report_startup=report_startup, quit_after_start=quit_after_start, theme=theme
    )
    restore = close_on_interrupt(program.window)
    try:
        return program.qt.exec()
    finally:
        restore()
        program.close()


def close_on_interrupt(window: QWidget) -> Callable[[], None]:
    """Let Ctrl+C in the terminal close the window, which asks about what is not saved; a second one ends the program.

    Python would raise its KeyboardInterrupt anywhere, in the midst of an edit too. Returns what puts that back.
    """

    def interrupted(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        QTimer.singleShot(0, window, window.close)

    before = signal.signal(signal.SIGINT, interrupted)

    def restore() -> None:
        signal.signal(signal.SIGINT, before)

    return restore


def start(
    files: list[str],
    *,
    safe: bool = False,
    report_startup: bool = False,
    quit_after_start: bool = False,
    ask: bool = True,
    theme: str | None = None,
) -> Program:
    """Make and show the window; the event loop does the rest. `ask`: whether closing asks about unsaved work."""
    runner: WorkerRunner | None = None
    milestones = Milestones(report_startup, pids=lambda: runner.pids() if runner else [])
    milestones.mark("imports done")
    tune()
    start_logging()
    log_qt_messages()
    if safe:
        os.environ["EQUISCOPE_SAFE"] = "1"
        os.environ.setdefault("EQUISCOPE_VIEWPORT", "image")
    quick_turns()
    gc.freeze()  # the modules stay; whoever looks for rubbish need not look through them
    qt = application()
    collector = MainThreadCollector()
    collector.start()
    settings = Settings()
    apply_settings_theme(qt, settings, theme)
    faults = Faults()
    restore_hooks = faults.install()

    runner = WorkerRunner(
        workers=int(settings.number("workers", WORKERS, 1, 64)),
        threads=int(settings.number("threads", 0, 0, 1024)) or None,
    )
    workbench = Workbench(runner, PluginHost(safe=safe), settings)
    window = MainWindow(workbench, ask=ask and not quit_after_start, theme=theme)
    workbench.setParent(window)
    load_plots_ahead(workbench)
    _prepare_gl(window, settings)
    faults.fault.connect(window.show_fault)
    milestones.mark("window constructed")
    starter = _Starter(window, workbench, milestones, files, report_startup, quit_after_start)
    window.painted.connect(starter.painted)
    window.show()
    return Program(qt, runner, workbench, window, (faults, starter), restore_hooks, collector)


def apply_settings_theme(qt: QApplication, settings: Settings, theme: str | None = None) -> None:
    """Give the application the theme and the text size of the settings; `theme` stands above them."""
    choice = theme or settings.choice("theme", ("dark", "light", "system"))
    follow = choice == "system"
    colors = follow_system() if follow else THEMES.get(choice, DARK)
    apply_theme(qt, colors, settings.number("text-scale", 1.0, SCALES[0], SCALES[-1]), follow=follow)


def _prepare_gl(window: MainWindow, settings: Settings) -> None:
    """Let the window be composed by OpenGL from the start where viewports will need it.

    A QOpenGLWidget that comes into a shown window makes Qt destroy and make the native window again: a flash.
    """
    from app.viewports.backends import choose_backend

    if choose_backend(wanted_backend(settings))[0] != "gl":
        return
    from PySide6.QtOpenGLWidgets import QOpenGLWidget

    first = QOpenGLWidget(window)
    first.setFixedSize(1, 1)
    first.lower()


class _Starter:
    """What happens after the first paint, in order."""

    def __init__(
        self,
        window: MainWindow,
        workbench: Workbench,
        milestones: Milestones,
        files: list[str],
        report: bool,
        quit_after: bool,
    ) -> None:
        self._window, self._workbench, self._milestones = window, workbench, milestones
        self._files, self._report, self._quit = files, report, quit_after
        self._shown = not files

    def painted(self) -> None:
        """The window is on the screen."""
        self._milestones.mark("window painted")
        if self._quit and not self._files and not self._report:
            self._window.close()
            return
        self._window.status.look_for_gpus()
        warm = getattr(self._workbench.runner, "warm", None)
        if warm is not None:
            warm()
        self._workbench.descriptions_changed.connect(self._worker_ready)
        if self._files:
            self._workbench.idle.connect(self._opened)
            self._window.open_paths(self._files)
        # A breath for the first interaction before VTK's import takes a quarter of a second.
        QTimer.singleShot(0 if self._files or self._quit else 150, self._viewports)

    def _viewports(self) -> None:
        if not self._quit:
            self._window.recovery.start()
        grid = self._window.centre.ensure_grid()
        self._milestones.mark("viewports ready")
        for view in grid.views.values():
            view.framed.connect(self._framed)
        if not self._files:  # else a second worker would start and slow the first one down
            self._workbench.load_descriptions()
        if not self._quit:
            self._window.recovery.look()
        self._finish()

    def _framed(self, frame: Any) -> None:
        if self._files and frame.state.kind != "3d" and frame.state.items:
            self._milestones.mark(Milestones.SLICE)

    def _worker_ready(self) -> None:
        self._milestones.mark("worker ready")
        if not len(self._workbench.document):
            gc.freeze()  # what the program itself is made of need not be looked through whenever something is closed
        self._finish()

    def _opened(self) -> None:
        # An expanded folder's files are submitted within the same event; nothing waits any more.
        if not self._workbench.busy or all(not t.shown for t in self._workbench.tasks if not t.over):
            self._shown = True
            self._workbench.load_descriptions()
            self._finish()

    def _finish(self) -> None:
        if not self._quit or not self._shown:
            return
        if self._report and not self._milestones.complete:
            return
        grid = self._window.centre.shown_grid
        if self._files and grid is not None:
            grid.wait(60)
        QTimer.singleShot(0, self._window.close)
