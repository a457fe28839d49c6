"""Placing and editing markups in views: by mouse and by keyboard, in slices and in 3-D.

`shapes` says which handles a markup has in a view and what dragging one of them means, `snapping` where a point is
drawn to: pure geometry. `EditTool` and `PlaceTool` turn events into such changes; a `MarkupHost` (the window, or a
test) makes edits of them. While something is dragged the views show a preview (`ViewportGrid.set_preview`), and the
document hears of it once, at the end.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "PLACINGS": "placing",
    "EditTool": "editing",
    "MarkupHost": "host",
    "PlaceTool": "placing",
    "Placing": "placing",
    "Snapping": "host",
}

__all__ = ["PLACINGS", "EditTool", "MarkupHost", "PlaceTool", "Placing", "Snapping"]


def __getattr__(name: str) -> Any:
    """Import on first use: `Snapping` must not import VTK."""
    if name in _HOMES:
        return getattr(import_module(f"app.viewports.markup_tools.{_HOMES[name]}"), name)
    raise AttributeError(name)
