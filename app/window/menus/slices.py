"""Commands on one view: its convention, its place in the layout; and the menu of a right click in it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands; what a right click offers."""
    w, add = menus.window, menus.commands.add

    def current() -> Any:
        return w.centre.grid.current_view if w.centre.grid is not None else None

    def no_slice() -> str:
        view = current()
        return menus.nothing_spatial() or (
            ""
            if view is not None and view.intent.kind != "3d"
            else "choose a slice view first: click into it"
        )

    def grid_call(name: str, *args: Any) -> None:
        if w.centre.grid is not None:
            getattr(w.centre.grid, name)(*args)

    add(
        "view.flip",
        "Flip left and right in this view",
        lambda: current().flip(),
        group="View",
        words="convention radiological neurological nose mirror",
        why_not=no_slice,
    )
    add(
        "view.maximize",
        "Maximise or restore this view",
        lambda: grid_call("maximize", current()),
        group="Layout",
        words="full layout double click",
        why_not=menus.nothing_spatial,
    )

    def fill(menu: QMenu, view: Any, position: QPointF) -> None:
        grid = w.centre.grid
        if grid is None:
            return
        kind = view.intent.kind
        if kind == "sagittal":
            for left, words in ((True, "Nose left"), (False, "Nose right")):
                _switch(menu, words, view.intent.nose_left is left, partial(_set_nose, view, left))
        elif kind != "3d":
            for name in ("radiological", "neurological"):
                side = "right" if name == "radiological" else "left"
                words = f"{name.capitalize()} ({side} on the left)"
                on = view.intent.convention == name
                _switch(menu, words, on, partial(_set_convention, view, name))
        if kind != "3d":
            every = menu.addMenu("In all views")
            for id in ("view.radiological", "view.neurological", "view.nose-left", "view.crosshair"):
                every.addAction(menus.commands[id])
            menu.addSeparator()
        else:
            look = menu.addMenu("Look from")
            for side in "APLRSI":
                look.addAction(menus.commands[f"view.look-{side}"])
        whole = grid.layout_name in (kind,)
        menu.addAction("Back to the views before" if whole else "Maximise", partial(grid.maximize, view))
        menu.addAction("Reset this view", view.reset)
        menu.addAction(menus.commands["view.reset"])

    menus.on_view_menu.append(fill)


def _switch(menu: QMenu, words: str, on: bool, run: Any) -> None:
    action = menu.addAction(words)
    action.setCheckable(True)
    action.setChecked(on)
    action.triggered.connect(lambda _checked=False: run())


def _set_convention(view: Any, name: str) -> None:
    if view.intent.convention != name:
        view.flip()


def _set_nose(view: Any, left: bool) -> None:
    if view.intent.nose_left is not left:
        view.flip()
