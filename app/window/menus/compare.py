"""Comparing: beside each other, what is linked, what one view shows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.window.menus import Menus

LINKS = {
    "camera": "3-D cameras",
    "slice": "Slices and crosshair",
    "zoom": "Zoom and pan",
    "time": "Time",
    "colour": "Colour range",
}


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add
    comparing = w.comparing
    add(
        "data.compare",
        "Compa&re…",
        comparing.ask,
        group="Data",
        shortcut="Ctrl+Shift+C",
        words="side by side linked views difference two objects",
        why_not=comparing.why_not,
    )
    add(
        "data.compare-end",
        "End comparison",
        comparing.end,
        group="Data",
        words="side by side back",
        why_not=comparing.why_not_end,
    )
    menus.put("Data", "-", "data.compare", "data.compare-end")
    link = menus.submenu("View", "Link compared views")
    for name, words in LINKS.items():
        add(
            f"view.link-{name}",
            words,
            partial(comparing.toggle_link, name),
            group="Link views",
            checked=partial(comparing.is_linked, name),
            words="synchronise linked compare",
            why_not=menus.nothing_spatial,
        )
        link.addAction(menus.commands[f"view.link-{name}"])

    def refresh() -> None:
        _strip(w)
        w._refresh_view()  # asks all commands again

    comparing.changed.connect(refresh)
    w.centre.stack.currentChanged.connect(lambda _index: _strip(w))

    def fill(menu: QMenu, view: Any, _position: QPointF) -> None:
        grid = w.centre.grid
        if grid is None:
            return
        only = grid.only(view.slot)
        show = menu.addMenu("Show here")
        everything = show.addAction("Everything")
        everything.setCheckable(True)
        everything.setChecked(only is None)
        everything.triggered.connect(lambda _on=False: grid.set_only(view.slot, None))
        show.addSeparator()
        for item in comparing.candidates():
            family = grid.family(item.id)
            action = show.addAction(item.name.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(only is not None and family <= only)
            action.triggered.connect(
                lambda on=False, family=family: _toggle(grid, view.slot, family, bool(on))
            )

    menus.on_view_menu.append(fill)


def _toggle(grid: Any, slot: str, family: frozenset[str], on: bool) -> None:
    """Show an item too, or not any more; the first one chosen is shown alone."""
    only = grid.only(slot)
    if on:
        grid.set_only(slot, family if only is None else only | family)
    else:
        grid.set_only(slot, (only or frozenset()) - family or None)


def _strip(window: Any) -> None:
    """The row above the views, made with the first comparison."""
    shown = window.comparing.shown is not None and window.centre.shown_grid is not None
    strip = window.comparing.strip
    if strip is None and shown:
        from app.window.compare_strip import CompareStrip

        strip = window.comparing.strip = CompareStrip(window.comparing, window.centre)
        window.centre.add_strip(strip)
    if strip is not None:
        strip.refresh()
        strip.setVisible(shown)
