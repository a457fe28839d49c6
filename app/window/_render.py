"""Pictures without a screen: of the whole window, or of its centre alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from PySide6.QtCore import QElapsedTimer, QEventLoop, QSize, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.theme import DARK, THEMES, apply_theme
from app.window._run import application
from app.window._safety import log_qt_messages, safe_mode, start_logging
from app.window.centre import Centre
from app.window.kinds import bytes_words, centre_of
from app.window.main_window import MainWindow
from app.window.workbench import Problem, Workbench
from core.errors import printable
from core.jobs import WorkerRunner
from core.plugins import PluginHost
from core.settings import Settings


class _Unwritten(Settings):
    """Settings as the user has them, but a picture changes nothing in them."""

    def update(self, key: str, change: Callable[[Any], Any]) -> None:
        self._values[key] = change(self._values.get(key))
        self.changed.emit(key)

    def forget(self, key: str) -> None:
        self._values.pop(key, None)
        self.changed.emit(key)


def render_window(files: list[str], screenshot: Path, size: tuple[int, int], theme: str | None) -> int:
    """See `app.window.render_window`."""

    def make(workbench: Workbench) -> tuple[QWidget, Centre, Callable[[], QImage]]:
        window = MainWindow(workbench, ask=False)
        window.resize(QSize(*size))
        window.reset_layout()  # docks take their widths from the size that the window has now
        return window, window.centre, lambda: window.grab().toImage()

    return _draw(files, screenshot, size, None, theme, {}, make)


def show(
    files: list[str],
    screenshot: Path | None,
    size: tuple[int, int],
    layout: str | None,
    theme: str | None,
    reading: dict[str, Any],
    movies: dict[str, Path],
    frames: int | None,
    seconds: float | None,
) -> int:
    """See `app.window.show`."""

    def make(workbench: Workbench) -> tuple[QWidget, Centre, Callable[[], QImage]]:
        centre = Centre(workbench, None)
        as_saved(workbench, centre)
        return centre, centre, lambda: centre.image(QSize(*size))

    def as_saved(workbench: Workbench, centre: Centre) -> None:
        """The views of a session as it was saved; a window does that by itself."""

        def restore(layout: dict[str, Any]) -> None:
            views = layout.get("viewports")
            if isinstance(views, dict) and views and centre.grid is not None:
                centre.layout_chosen = True
                centre.grid.set_view_state(views)

        workbench.session_opened.connect(restore)

    def film(centre: Centre) -> bool:
        return all(_film(centre, kind, path, size, frames, seconds) for kind, path in movies.items())

    return _draw(files, screenshot, size, layout, theme, reading, make, film)


def _draw(
    files: list[str],
    screenshot: Path | None,
    size: tuple[int, int],
    layout: str | None,
    theme: str | None,
    reading: dict[str, Any],
    make: Callable[[Workbench], tuple[QWidget, Centre, Callable[[], QImage]]],
    film: Callable[[Centre], bool] = lambda _centre: True,
) -> int:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["EQUISCOPE_VIEWPORT"] = "image"
    # Otherwise this screenless platform divides what was asked for by a user's scale.
    os.environ.pop("QT_SCALE_FACTOR", None)
    start_logging()
    log_qt_messages()
    qt = application(["equiscope"])
    settings = _Unwritten()
    apply_theme(qt, THEMES.get(theme or settings.choice("theme", tuple(THEMES)), DARK))
    host = PluginHost(safe=safe_mode())
    workbench = Workbench(WorkerRunner(workers=1), host, settings)
    problems: list[Problem] = []
    workbench.problem.connect(problems.append)
    widget, centre, grab = make(workbench)
    try:
        widget.resize(QSize(*size))
        workbench.open_paths(files, **reading)
        wait_until_idle(workbench)
        for problem in problems:
            print(f"equiscope: {problem.text}", file=sys.stderr)
        for item in workbench.sessions.missing:
            reason = item.missing.reason if item.missing is not None else ""
            print(f"equiscope: {printable(item.name)} has no data: {reason}", file=sys.stderr)
        if files and not len(workbench.document):
            return 1
        if layout is not None and any(centre_of(i) == "viewports" for i in workbench.document):
            centre.choose_layout(layout)
        widget.show()
        widget.resize(QSize(*size))
        _settle(centre)
        if screenshot is not None and not _save(grab(), screenshot, size):
            return 1
        if not film(centre):
            return 1
        return 1 if any(p.level == "error" for p in problems) else 0
    finally:
        centre.shutdown()
        workbench.close()
        if isinstance(widget, MainWindow):
            widget.log.stop()
        widget.hide()
        widget.deleteLater()
        qt.processEvents()


def _save(picture: QImage, path: Path, size: tuple[int, int]) -> bool:
    name = printable(path.name)
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(
            f"equiscope: {name} cannot be written ({error.strerror}); choose another folder.", file=sys.stderr
        )
        return False
    if (picture.width(), picture.height()) != size:
        picture = picture.scaled(QSize(*size))
    if not picture.save(str(path)):
        print(f"equiscope: {name} cannot be written; choose another folder.", file=sys.stderr)
        return False
    print(f"{name}: {picture.width()}×{picture.height()}, {bytes_words(path.stat().st_size)}")
    return True


def _film(
    centre: Centre, kind: str, path: Path, size: tuple[int, int], frames: int | None, seconds: float | None
) -> bool:
    """Make one movie of the views and wait for it; False, after a line on standard error, if that fails."""
    from app.movies.encode import format_of
    from app.movies.maker import MovieMaker
    from app.movies.plan import Plan, suggested_frames, suggested_seconds
    from app.viewports.photographer import Look
    from core import __version__

    grid, line = centre.shown_grid, centre.player.timeline
    reason = ""
    if grid is None:
        reason = "nothing that is open has a place in space"
    elif kind == "time" and line is None:
        reason = "nothing that is open changes with time"
    elif kind == "turntable" and "3d" not in {grid.views[s].intent.kind for s in grid.shown_slots}:
        reason = "this layout has no 3-D view; add --layout 3d"
    elif kind == "sweep" and {grid.views[s].intent.kind for s in grid.shown_slots} == {"3d"}:
        reason = "this layout has no slices; add --layout axial"
    if reason or grid is None:
        print(f"equiscope: {printable(path.name)} cannot be made: {reason}.", file=sys.stderr)
        return False
    shown = [grid.views[slot].resolved() for slot in grid.shown_slots]
    number = frames or suggested_frames(kind, line, shown)  # type: ignore[arg-type]
    lasts = seconds or suggested_seconds(kind, line, number)  # type: ignore[arg-type]
    info = {"Software": f"Equiscope {__version__}"}
    plan = Plan(kind, number, lasts)  # type: ignore[arg-type]
    known = format_of(path)
    if known is not None and known.why_not(plan.fps):
        print(f"equiscope: {printable(path.name)} cannot be made: {known.why_not(plan.fps)}", file=sys.stderr)
        return False
    maker = MovieMaker(grid, plan, Look(1.0), path.absolute(), info, QSize(*size))
    ended: list[str | None] = []
    loop = QEventLoop()
    maker.finished.connect(ended.append)
    maker.finished.connect(loop.quit)
    maker.start()
    while not ended:
        loop.exec()
    if ended[0] is None or ended[0]:
        print(f"equiscope: {ended[0] or 'cancelled'}", file=sys.stderr)
        return False
    print(f"{printable(path.name)}: {number} frames, {lasts:g} s, {size[0]}×{size[1]}")
    return True


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
    if centre.shown_grid is not None:
        centre.shown_grid.wait(120)
        QApplication.processEvents()
