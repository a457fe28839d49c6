"""Going to what a point of a plot or a row of a table stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.window.kinds import is_spatial
from core.data import Markup
from core.document import Edit, Item, SetDisplay, Several

if TYPE_CHECKING:
    from app.window.linking import Found
    from app.window.main_window import MainWindow


def go_to(window: MainWindow, found: Found) -> None:
    """Select the object, show it, and put the crosshair at it where it has a place."""
    workbench = window.workbench
    _show(window, found.item)
    workbench.select(found.item.id)
    if found.tensor:
        view: Any = window.centre.view_of(found.item)
        view.select(found.tensor)
        return
    place = found.place or middle_of(found.item)
    if place is not None and is_spatial(found.item) and window.centre.grid is not None:
        window.centre.grid.set_cursor(place)


def _show(window: MainWindow, item: Item) -> None:
    """Make the item and the groups above it visible, as one edit."""
    document = window.workbench.document
    edits: list[Edit] = []
    here: Item | None = item
    while here is not None:
        if not here.display.visible:
            edits.append(SetDisplay(here.id, here.display, replace(here.display, visible=True)))
        here = document.get(here.parent) if here.parent else None
    if edits:
        document.apply(Several(tuple(edits), f"Show {item.name}"))


def middle_of(item: Item) -> tuple[float, float, float] | None:
    """The middle of a markup's points in the world; None for anything else."""
    data = item.data
    if not isinstance(data, Markup) or not len(data.points):
        return None
    middle = np.append(np.asarray(data.points, dtype=float).mean(axis=0), 1.0)
    x, y, z = (item.transform @ middle)[:3].tolist()
    return (x, y, z)
