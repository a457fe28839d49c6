"""Preferences, shortcuts, theme and text size: in the menus Edit and View."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.menus import Menus

THEMES = {"dark": "&Dark theme", "light": "&Light theme", "system": "Theme of the s&ystem"}


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add
    add(
        "edit.preferences",
        "&Preferences…",
        w.show_preferences,
        group="Edit",
        shortcut="Ctrl+,",
        words="settings options theme workers undo",
    )
    add(
        "edit.trusted-models",
        "Trusted &models…",
        lambda: w.show_preferences("Trusted models"),
        group="Edit",
        words="trust own model forget hash security",
    )
    add("edit.shortcuts", "&Keyboard shortcuts…", w.show_shortcuts, group="Edit", words="keys bindings")
    menus.put("Edit", "-", "edit.preferences", "edit.trusted-models", "edit.shortcuts")
    for name, title in THEMES.items():
        add(
            f"view.{name}",
            title,
            partial(w.view.set_theme, name),
            group="Theme",
            checked=lambda name=name: w.view.theme_choice == name,  # type: ignore[misc]
        )
    add(
        "view.larger", "Larger text", lambda: w.view.zoom_text(1), group="View", shortcut=("Ctrl++", "Ctrl+=")
    )
    add("view.smaller", "Smaller text", lambda: w.view.zoom_text(-1), group="View", shortcut="Ctrl+-")
    add("view.normal", "Normal text", lambda: w.view.zoom_text(0), group="View", shortcut="Ctrl+0")
    look = menus.submenu("View", "Theme and text")
    for id in (*(f"view.{name}" for name in THEMES), "-", "view.larger", "view.smaller", "view.normal"):
        if id == "-":
            look.addSeparator()
        else:
            look.addAction(menus.commands[id])
