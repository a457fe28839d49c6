"""Mixing two volumes: a menu below View."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.menus import Menus

MODES = {
    "blend": ("Blend", "fusion overlay opacity"),
    "checker": ("Checkerboard", "tiles squares"),
    "curtain": ("Curtain", "swipe slide edge"),
    "difference": ("Difference", "subtract minus A B"),
}


def build(menus: Menus) -> None:
    """Its commands, in order."""
    mixing, add = menus.window.mixing, menus.commands.add
    menu = menus.submenu("View", "Mix two volumes")
    for mode, (title, words) in MODES.items():
        id = f"view.mix-{mode}"
        add(
            id,
            title,
            partial(mixing.start, mode),
            group="Mix two volumes",
            checked=partial(mixing.is_on, mode),
            words=f"compare two volumes {words}",
            why_not=partial(mixing.why_not, mode),
        )
        menu.addAction(menus.commands[id])
    menu.addSeparator()
    for id, title, by, key in (
        ("view.mix-more", "More of the second volume", 1, "Alt+]"),
        ("view.mix-less", "Less of the second volume", -1, "Alt+["),
    ):
        add(
            id,
            title,
            partial(mixing.step, by),
            group="Mix two volumes",
            shortcut=key,
            words="blend curtain",
            why_not=mixing.why_no_step,
        )
        menu.addAction(menus.commands[id])
