"""The menu Data: what is done with the selected item."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add
    add(
        "data.toggle",
        "&Show or hide",
        w.items.toggle_item,
        group="Data",
        shortcut="Ctrl+H",
        words="visible",
        why_not=menus.nothing_selected,
    )
    add(
        "data.only",
        "Show &only this",
        w.items.show_only,
        group="Data",
        words="isolate hide others",
        why_not=menus.nothing_selected,
    )
    add("data.show-all", "Show &all", w.items.show_all, group="Data", why_not=menus.nothing_open)
    add(
        "data.info",
        "&Properties…",
        w.items.show_info,
        group="Data",
        shortcut="Ctrl+I",
        words="information details",
        why_not=menus.nothing_selected,
    )
    add("data.copy-path", "Copy path", w.items.copy_path, group="Data", why_not=w.items.why_no_path)
    add(
        "data.locate",
        "Locate &files…",
        w.files.locate,
        group="Data",
        words="missing moved find session relink",
        why_not=w.workbench.sessions.why_none_missing,
    )
    menus.put(
        "Data", "data.toggle", "data.only", "data.show-all", "-", "data.info", "data.copy-path", "data.locate"
    )
    menus.put("Data", "-", "edit.rename", "edit.close", "file.export")
