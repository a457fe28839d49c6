"""The menu Edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add
    add("edit.undo", "&Undo", w.items.undo, group="Edit", shortcut=QKeySequence.StandardKey.Undo)
    add("edit.redo", "&Redo", w.items.redo, group="Edit", shortcut=("Ctrl+Shift+Z", "Ctrl+Y"))
    add("edit.rename", "Re&name", w.items.rename, group="Edit", shortcut="F2", why_not=menus.nothing_selected)
    add(
        "edit.close",
        "&Close item",
        w.items.close_item,
        group="Edit",
        shortcut="Ctrl+W",
        words="remove delete",
        why_not=menus.nothing_selected,
    )
    add("edit.search", "&Search commands", w.palette_panel.open, group="Edit", shortcut="Ctrl+K")
    menus.put("Edit", "edit.undo", "edit.redo", "-", "edit.rename", "edit.close", "-", "edit.search")
