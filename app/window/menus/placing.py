"""Where the selected item lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    placing, add = menus.window.placing, menus.commands.add
    add(
        "data.move",
        "&Move…",
        placing.ask,
        group="Data",
        words="transform translate rotate align nudge placement",
        why_not=placing.why_not,
    )
    add(
        "data.apply-alignment",
        "Apply a&lignment to the item",
        placing.apply_alignment,
        group="Data",
        words="transform register result moved",
        why_not=placing.why_no_alignment,
    )
    add(
        "data.reset-transform",
        "Reset transform",
        placing.reset,
        group="Data",
        words="placement identity move back",
        why_not=placing.why_no_reset,
    )
    menus.put("Data", "-", "data.move", "data.apply-alignment", "data.reset-transform")
