"""From one format of `session.json` to the next: pure functions of the JSON, which touch no file.

Golden sessions of every format stand in `tests/core/golden_sessions`; all of them must open for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Tree = dict[str, Any]


def _from_1(tree: Tree) -> Tree:
    """Format 2 tells paths as seen from the session, or from "~"; the absolute ones of format 1 mean the same there.

    The kind of what a file held is told for when it is missing: of format 1, the display says it. The one camera of
    the first sessions is one of several, and the forms of analyses are remembered.
    """
    items = [_with_kind(entry) for entry in tree["items"]]
    layout = dict(tree.get("layout") or {})
    views = layout.get("viewports")
    if isinstance(views, Mapping) and "camera" in views:
        views = dict(views)
        camera = views.pop("camera")
        cameras = views.get("cameras")
        views["cameras"] = {"3d": camera, **(cameras if isinstance(cameras, Mapping) else {})}
        layout["viewports"] = views
    layout.setdefault("forms", {})
    return {**tree, "items": items, "layout": layout}


_KINDS = {
    "VolumeDisplay": "volume",
    "SurfaceDisplay": "mesh",
    "PointsDisplay": "pointcloud",
    "TrajectoryDisplay": "trajectory",
    "MarkupDisplay": "markup",
}


def _with_kind(entry: Any) -> Any:
    """An entry with the kind of what its file holds; a damaged one as it is, for the reader to tell."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("source"), Mapping):
        return entry
    item = entry.get("item")
    display = item.get("display") if isinstance(item, Mapping) else None
    named = display.get("$type") if isinstance(display, Mapping) else None
    return {**entry, "source": {"kind": _KINDS.get(str(named), ""), **entry["source"]}}


MIGRATIONS: dict[int, Callable[[Tree], Tree]] = {1: _from_1}
"""From format n to n + 1."""


def migrated(tree: Tree, to: int) -> Tree:
    """The JSON of a session of any older format as one of format `to`.

    Raises
    ------
    KeyError : there is no way from that format.
    """
    for n in range(int(tree["format"]), to):
        tree = {**MIGRATIONS[n](tree), "format": n + 1}
    return tree
