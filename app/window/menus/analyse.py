"""The menu Analyse, built from the plugins' manifests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w = menus.window
    menu = menus.menus["Analyse"]
    submenus: dict[str, QMenu] = {}
    menus.analyses = {a.id: a for a in w.workbench.host.analyses}
    for analysis in w.workbench.host.analyses:
        id = f"analyse.{analysis.id}"
        group = analysis.menu or "Other"
        menus.commands.add(
            id, analysis.title, partial(w.choose_analysis, analysis), group=group, words=analysis.id
        )
        if group not in submenus:
            submenus[group] = menu.addMenu(group)
            submenus[group].setToolTipsVisible(True)
        submenus[group].addAction(menus.commands[id])
    if not submenus:
        menu.addAction("No plugin brings an analysis").setEnabled(False)
    menu.aboutToShow.connect(menus.refresh_analyses)
