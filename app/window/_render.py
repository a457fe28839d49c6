"""A picture of files as the window's centre shows them, without a screen."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from PySide6.QtCore import QElapsedTimer, QEventLoop, QSize, QTimer
from PySide6.QtWidgets import QApplication

from app.theme import THEMES, apply_theme
from app.window._run import application
from app.window.centre import Centre
from app.window.kinds import bytes_words, centre_of
from app.window.workbench import Problem, Workbench
from core.jobs import WorkerRunner
from core.plugins import PluginHost
from core.settings import Settings


def render(files: list[str], screenshot: Path, size: tuple[int, int], layout: str, theme: str) -> int:
    """See `app.window.render_window`. 0 = written, 1 = a file could not be shown or the picture not written."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["EQUISCOPE_VIEWPORT"] = "image"
    qt = application(["equiscope"])
    apply_theme(qt, THEMES[theme])
    settings = Settings()
    # A picture on the command line is no reason to change what the window lists as recent.
    settings.add_recent = lambda path: None  # type: ignore[method-assign]
    safe = os.environ.get("EQUISCOPE_SAFE") == "1"
    workbench = Workbench(WorkerRunner(workers=1), PluginHost(safe=safe), settings)
    problems: list[Problem] = []
    workbench.problem.connect(problems.append)
    centre = Centre(workbench, None)
    try:
        centre.resize(QSize(*size))
        workbench.open_paths(files)
        wait_until_idle(workbench)
        for problem in problems:
            print(problem.text, file=sys.stderr)
        if not len(workbench.document):
            return 1
        if layout != "four" and any(centre_of(i) == "viewports" for i in workbench.document):
            centre.choose_layout(layout)
        centre.show()
        _settle(centre)
        picture = centre.image(QSize(*size))
        screenshot.parent.mkdir(parents=True, exist_ok=True)
        if not picture.save(str(screenshot), "PNG"):
            print(f"{screenshot.name} cannot be written; choose another folder.", file=sys.stderr)
            return 1
        print(f"{screenshot}: {picture.width()}×{picture.height()}, {bytes_words(screenshot.stat().st_size)}")
        return 1 if problems and any(p.level == "error" for p in problems) else 0
    except OSError as error:
        print(
            f"{screenshot.name} cannot be written ({error.strerror}); choose another folder.", file=sys.stderr
        )
        return 1
    finally:
        centre.shutdown()
        workbench.close()
        centre.close()
        centre.deleteLater()
        qt.processEvents()


def wait_until_idle(workbench: Workbench, seconds: float = 600.0) -> None:
    """Run the event loop until no job is left."""
    if not workbench.busy:
        return
    loop = QEventLoop()
    workbench.idle.connect(loop.quit)
    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(loop.quit)
    timer.start(int(seconds * 1000))
    while workbench.busy and timer.isActive():
        loop.exec()
    workbench.idle.disconnect(loop.quit)


def _settle(centre: Centre) -> None:
    """Until everything is laid out and painted."""
    clock = QElapsedTimer()
    clock.start()
    while clock.elapsed() < 200:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
    if centre.grid is not None and centre.stack.currentWidget() is centre.grid:
        centre.grid.wait(120)
