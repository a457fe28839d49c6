"""Movies of a window: makes them as entries of the jobs panel, one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.window.local_tasks import LocalTask
from app.window.workbench import Problem

if TYPE_CHECKING:
    from app.movies.maker import MovieMaker
    from app.movies.plan import Plan
    from app.viewports.photographer import Look
    from app.window.main_window import MainWindow


class Movies(QObject):
    """Starts movies, tells the jobs panel of them, stops them with the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.maker: MovieMaker | None = None

    def why_not(self) -> str:
        """Why no movie can be made now, "" if one can."""
        centre = self._window.centre
        if centre.shown_grid is None or not any(
            i.display.visible and i.spatial for i in centre.shown_grid.items
        ):
            return "nothing is shown in a view"
        return "one is being made; wait for it or cancel it in Jobs" if self.maker is not None else ""

    def ask(self) -> None:
        """The dialog of File > Movie…"""
        from app.window.movie_dialog import MovieDialog

        self._window.centre.player.pause()
        MovieDialog(self._window).open()

    def make(self, plan: Plan, look: Look, path: Path) -> LocalTask | None:
        """Begin a movie; what becomes of it is seen in the jobs panel."""
        from app.movies.maker import MovieMaker
        from app.window.pictures import VIEW, VIEWS, Wish

        grid, workbench = self._window.centre.shown_grid, self._window.workbench
        if self.why_not() or grid is None:
            workbench.problem.emit(Problem(f"No movie: {self.why_not()}.", level="warn"))
            return None
        wish = Wish(VIEW if plan.slot else VIEWS, look, plan.slot or "")
        info = self._window.pictures.provenance(wish)
        maker = MovieMaker(grid, plan, look, path, info, parent=self)
        self.maker = maker
        task = LocalTask(workbench, f"Movie {path.name}", maker.cancel)

        def progressed(frame: int, of: int) -> None:
            task.progress(frame / of, f"Frame {frame} of {of}")

        def finished(problem: str | None) -> None:
            self.maker = None
            maker.deleteLater()
            if problem is None:
                task.cancelled()
            elif problem:
                task.failed(problem)
            else:
                task.done(f"{path.name} written")
            self._window.commands.refresh()

        maker.progressed.connect(progressed)
        maker.finished.connect(finished)
        maker.start()
        self._window.docks["jobs"].show()
        self._window.commands.refresh()
        return task

    def shutdown(self) -> None:
        """The window closes: the movie is given up, and nothing of it stays."""
        if self.maker is not None:
            self.maker.shutdown()
            self.maker = None
