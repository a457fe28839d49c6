"""Moving in time: a menu of its own below View; and what a right click in a view offers of pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QMenu

from app.window.player import MODES

if TYPE_CHECKING:
    from app.window.menus import Menus

_KEYS = {"back": ",", "play": "K", "on": "."}


def build(menus: Menus) -> None:
    """Its commands, in order."""
    player, add = menus.window.centre.player, menus.commands.add
    menu = menus.submenu("View", "Time")
    words = "movie animation trajectory frame 4-d"
    for id, title, run in (
        ("play", "Play or pause", player.toggle),
        ("on", "One moment on", partial(player.step, 1)),
        ("back", "One moment back", partial(player.step, -1)),
        ("first", "First moment", partial(player.seek, 0)),
        ("last", "Last moment", player.seek_last),
    ):
        add(
            f"time.{id}",
            title,
            run,
            group="Time",
            shortcut=_KEYS.get(id),
            words=words,
            why_not=player.why_not,
        )
        menu.addAction(menus.commands[f"time.{id}"])
    menu.addSeparator()
    for mode, title in MODES.items():
        add(
            f"time.{mode}",
            title,
            partial(player.set_mode, mode),
            group="Time",
            checked=partial(_is, player, mode),
            words=words,
            why_not=player.why_not,
        )
        menu.addAction(menus.commands[f"time.{mode}"])

    def fill(menu: QMenu, view: Any, _position: QPointF) -> None:
        menu.addSeparator()
        menu.addAction("Copy a picture of this view", partial(menus.window.files.copy_screenshot, view.slot))
        menu.addAction(menus.commands["file.screenshot"])
        menu.addAction(menus.commands["file.movie"])

    menus.on_view_menu.append(fill)
    player.timeline_changed.connect(menus.commands.refresh)
    player.state_changed.connect(menus.commands.refresh)


def _is(player: object, mode: str) -> bool:
    return getattr(player, "mode", "") == mode
