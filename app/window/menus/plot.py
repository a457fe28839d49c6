"""The submenu View > Plot: what is done with the large plot or table that the centre shows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add

    def figure() -> Any:
        return w.centre.figure

    def no_figure() -> str:
        return "" if figure() is not None else "no plot is shown large"

    def no_log(axis: str) -> str:
        return no_figure() or str(figure().why_no_log(axis))

    def is_log(axis: str) -> bool:
        shown = figure()
        return shown is not None and bool(shown.log_x if axis == "x" else shown.log_y)

    def switch_log(axis: str) -> None:
        shown = figure()
        shown.set_log(**{axis: not is_log(axis)})

    def save(kind: str) -> None:
        figure().save_wanted.emit(kind)

    def numbers() -> None:
        (
            figure().csv_wanted.emit
            if figure() is not None
            else partial(w.centre.table.export_wanted.emit, "csv")
        )()

    def no_numbers() -> str:
        return "" if w.centre.table is not None else no_figure() and "no plot or table is shown large"

    def cursors(mode: str) -> None:
        figure().set_cursors("none" if figure().cursors.mode == mode else mode)

    def no_row() -> str:
        return "" if shared() is not None and len(shared()) else "no rows of a plot or table are selected"

    def shared() -> Any:
        shown = figure() or w.centre.table
        return shown.selection if shown is not None else None

    def running() -> Any:
        session = w.workbench.session
        tasks = [t for t in w.workbench.tasks if t.curves and t.session == session]
        return next((t for t in reversed(tasks) if not t.over), tasks[-1] if tasks else None)

    menu = menus.submenu("View", "Plot")
    ids: list[str] = []

    def put(id: str, title: str, run: Any, **options: Any) -> None:
        add(f"plot.{id}", title, run, group="Plot", **options)
        ids.append(f"plot.{id}")
        menu.addAction(menus.commands[f"plot.{id}"])

    for axis in ("x", "y"):
        put(
            f"log-{axis}",
            f"Logarithmic {axis} axis",
            partial(switch_log, axis),
            checked=partial(is_log, axis),
            why_not=partial(no_log, axis),
            words="logarithm scale",
        )
    put(
        "grid",
        "Grid lines",
        lambda: figure().set_grid(not figure().grid),
        checked=lambda: figure() is not None and figure().grid,
        why_not=no_figure,
    )
    for mode, title in (("x1", "One cursor"), ("x2", "Two cursors"), ("y2", "Two cursors along y")):
        put(
            f"cursor-{mode}",
            title,
            partial(cursors, mode),
            checked=lambda mode=mode: figure() is not None and figure().cursors.mode == mode,
            why_not=no_figure,
            words="measure difference read",
        )
    put("reset", "Reset plot", lambda: figure().reset(), why_not=no_figure, words="fit all zoom")
    put("clear-rows", "Clear selected rows", lambda: shared().clear(), why_not=no_row, words="deselect")
    menu.addSeparator()
    put("png", "Plot as PNG…", partial(save, "png"), why_not=no_figure, words="export picture save")
    put("svg", "Plot as SVG…", partial(save, "svg"), why_not=no_figure, words="export vector save")
    put("csv", "Plot or table as CSV…", numbers, why_not=no_numbers, words="export numbers save")
    put("copy", "Copy picture of the plot", lambda: figure().copy_picture(), why_not=no_figure)
    menu.addSeparator()
    put(
        "live",
        "Live curves",
        lambda: w.centre.show_live(running()),
        why_not=lambda: "" if running() is not None else "no job has reported a curve",
        words="training loss metric course job",
    )

    def refresh() -> None:
        w.commands.refresh()

    menu.aboutToShow.connect(w.commands.settle)
    w.centre.stack.currentChanged.connect(lambda _index: refresh())
