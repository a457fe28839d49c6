"""The menu Help."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add
    add(
        "help.keys",
        "&Keys and mouse",
        w.show_keys,
        group="Help",
        shortcut=("F1", "?"),
        words="shortcuts keyboard wheel drag help",
    )
    add(
        "help.analyses",
        "&Help on analyses",
        w.show_analyses,
        group="Help",
        shortcut="Shift+F1",
        words="reference parameters method paper documentation",
    )
    add(
        "help.about",
        "&About Equiscope",
        w.show_about,
        group="Help",
        words="licence license version research use",
    )
    add("help.plugins", "&Plugins…", w.show_plugins, group="Help", words="errors missing dependencies")
    add(
        "help.doctor",
        "&This machine…",
        w.show_doctor,
        group="Help",
        words="doctor gpu gl renderer versions",
    )
    add("help.log", "Open the &log", w.show_log, group="Help")
    menus.put(
        "Help",
        "help.analyses",
        "help.keys",
        "-",
        "help.plugins",
        "help.doctor",
        "help.log",
        "-",
        "help.about",
    )
