"""Screenshots: what is in them, and writing them without holding up the window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF, QSize, Signal
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from app.window.kinds import is_spatial
from core import __version__
from core.errors import WriteError
from core.files import atomic

if TYPE_CHECKING:
    from app.viewports.photographer import Look, Photographer
    from app.window.main_window import MainWindow

VIEW, VIEWS, WINDOW = "view", "views", "window"


@dataclass(frozen=True)
class Wish:
    """A picture of one view (`slot`), of all views, or of the window, made as `look` says."""

    what: str
    look: Look
    slot: str = ""


class Pictures(QObject):
    """Takes screenshots of a window and writes them."""

    written = Signal(str, str)
    """Name of the file, and what went wrong ("" = nothing)."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._busy: list[Photographer] = []
        self._threads: list[threading.Thread] = []
        self.written.connect(self._tell)

    # -- taking ----------------------------------------------------------------------------------------------

    def take(self, wish: Wish, done: Callable[[QImage], None]) -> None:
        """The picture, later: views are drawn off screen at the scale of the picture."""
        grid = self._window.centre.shown_grid
        if grid is None:
            widget = self._window if wish.what == WINDOW else self._window.centre.stack
            done(self._named(_rendered(widget, wish.look.scale), wish))
            return
        from app.viewports.photographer import Photographer

        if wish.what == WINDOW:
            # As it is now; the views' pictures come later and are laid over it.
            base = _rendered(self._window, wish.look.scale)
            place = grid.mapTo(self._window, QPoint(0, 0))
        photographer = Photographer(grid, wish.look)
        self._busy.append(photographer)

        def accept(picture: QImage) -> None:
            photographer.close()
            self._busy.remove(photographer)
            if wish.what == WINDOW:
                painter = QPainter(base)
                painter.drawImage(QPointF(place), picture)
                painter.end()
                picture = base
            done(self._named(picture, wish))

        photographer.take(photographer.plan(wish.slot if wish.what == VIEW else None), accept)

    def size(self, wish: Wish) -> QSize:
        """Of the picture, in its own pixels."""
        grid = self._window.centre.shown_grid
        if wish.what == WINDOW:
            size = self._window.size()
        elif grid is None:
            size = self._window.centre.stack.size()
        else:
            size = grid.views[wish.slot].size() if wish.what == VIEW else grid.size()
        return QSize(round(size.width() * wish.look.scale), round(size.height() * wish.look.scale))

    def provenance(self, wish: Wish) -> dict[str, str]:
        """What is written into the picture: program, session, what is shown. Names only, never a path."""
        centre, workbench = self._window.centre, self._window.workbench
        grid = centre.shown_grid
        if grid is None:
            item = workbench.current
            view, items = "no viewports", [item.name] if item is not None else []
        else:
            slots = (wish.slot,) if wish.what == VIEW else grid.shown_slots
            view = ", ".join(grid.views[s].resolved().title for s in slots)
            shown = {i.id for s in slots for i in grid.views[s].shown_items()}
            items = [i.name for i in workbench.document if i.id in shown and is_spatial(i)]
        if wish.what == WINDOW:
            view = f"the window; {view}"
        out = {
            "Software": f"Equiscope {__version__}",
            "Title": workbench.name,
            "Description": f"View: {view}. Shown: {', '.join(items) or 'nothing'}.",
        }
        if grid is not None and centre.player.words:
            out["Description"] += f" Time: {centre.player.words}."
        return out

    def _named(self, picture: QImage, wish: Wish) -> QImage:
        for key, text in self.provenance(wish).items():
            picture.setText(key, text)
        return picture

    # -- writing ---------------------------------------------------------------------------------------------

    def save(self, picture: QImage, path: Path) -> None:
        """Write a PNG (by its suffix) in a thread of its own; `written` tells when."""

        def work() -> None:
            problem = ""
            try:
                with atomic(path) as draft:
                    if not picture.save(str(draft)):
                        raise OSError(0, "no room for it")
            except WriteError as error:
                problem = str(error)
            self.written.emit(path.name, problem)

        thread = threading.Thread(target=work, name=f"write {path.name}")
        self._threads = [t for t in self._threads if t.is_alive()]
        self._threads.append(thread)
        thread.start()

    def shutdown(self) -> None:
        """What is being written is finished, what is being drawn is not."""
        for photographer in self._busy:
            photographer.close()
        self._busy.clear()
        for thread in self._threads:
            thread.join(60)
        self._threads.clear()

    def _tell(self, name: str, problem: str) -> None:
        from app.window.workbench import Problem

        if problem:
            self._window.show_problem(Problem(problem))
        else:
            self._window.workbench.message.emit(f"{name} written")


def _rendered(widget: QWidget, scale: float) -> QImage:
    """A widget with its words and lines drawn at a scale, not enlarged."""
    size = widget.size()
    out = QImage(
        round(size.width() * scale), round(size.height() * scale), QImage.Format.Format_ARGB32_Premultiplied
    )
    out.setDevicePixelRatio(scale)
    out.fill(widget.palette().window().color())
    widget.render(out)
    return out
