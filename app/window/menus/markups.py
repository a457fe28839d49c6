"""The menu Markups: what is placed in views, how it snaps, and what a right click on a handle offers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.window.markup_actions import MarkupActions
    from app.window.menus import Menus

TOOLS = {
    "points": ("&Points", "P", "landmark fiducial place"),
    "line": ("&Line", "L", "segment place"),
    "curve": ("&Curve", "C", "spline polyline draw"),
    "closed_curve": ("Cl&osed curve", "O", "contour region area draw"),
    "plane": ("Pla&ne", "N", "midline cut place"),
    "box": ("&Box", "B", "roi region place"),
    "distance": ("Measure &distance", "D", "ruler length"),
    "angle": ("Measure &angle", "A", "degrees goniometer"),
}


def build(menus: Menus) -> None:
    """Its commands, in order; entries on a markup under a right click."""
    w, add = menus.window, menus.commands.add
    actions = w.markups
    for name, (title, key, words) in TOOLS.items():
        add(
            f"markups.{name}",
            title,
            partial(actions.start, name),
            group="Markups",
            shortcut=f"Alt+Shift+{key}",
            words=f"markup annotate {words}",
            checked=partial(_is_active, actions, name),
            why_not=actions.why_no_tool,
        )
    add(
        "markups.many",
        "Plac&e several",
        actions.toggle_many,
        group="Markups",
        words="many one mode again",
        checked=lambda: actions.many,
        tip="Begin the next one when one is complete, until Escape",
    )
    add(
        "markups.smooth",
        "&Smooth curves",
        actions.toggle_smooth,
        group="Markups",
        words="spline polyline straight",
        checked=lambda: actions.smooth,
        tip="New curves are splines through their points",
    )
    add(
        "markups.snap-voxels",
        "Snap to &voxels",
        partial(actions.toggle_snapping, "voxels"),
        group="Markups",
        words="magnet grid",
        checked=lambda: actions.snaps("voxels"),
        tip="Points are drawn to voxel centres; with Ctrl the other way for one drag",
    )
    add(
        "markups.snap-objects",
        "Snap to su&rfaces and points",
        partial(actions.toggle_snapping, "objects"),
        group="Markups",
        words="magnet vertex",
        checked=lambda: actions.snaps("objects"),
        tip="Points are drawn to surfaces and other points; with Ctrl the other way for one drag",
    )
    add(
        "markups.next",
        "&Go to next point",
        actions.go,
        group="Markups",
        shortcut="Alt+Shift+G",
        words="control point jump crosshair",
        why_not=actions.why_no_markup,
    )
    add(
        "markups.delete-point",
        "Delete point",
        actions.delete_point,
        group="Markups",
        words="remove control point",
        why_not=actions.why_no_point,
    )
    add(
        "markups.lock",
        "Loc&k",
        actions.toggle_lock,
        group="Markups",
        words="protect edit handles locked",
        checked=actions.locked,
        why_not=actions.why_no_markup,
    )
    names = [f"markups.{n}" for n in TOOLS]
    menus.put("Markups", *names[:6], "-", *names[6:], "-", "markups.many", "markups.smooth")
    menus.put("Markups", "markups.snap-voxels", "markups.snap-objects")
    menus.put("Markups", "-", "markups.next", "markups.delete-point", "markups.lock")
    menus.on_view_menu.append(partial(_fill, menus, names))

    strip: list[Any] = []

    def show_strip() -> None:
        wanted = w.centre.shown_grid is not None and (
            actions.tool is not None or actions.current() is not None
        )
        if wanted and not strip:
            from app.window.markup_strip import MarkupStrip

            strip.append(MarkupStrip(actions, w.centre))
            w.centre.add_strip(strip[0])
        if strip:
            strip[0].refresh()
            strip[0].setVisible(wanted)

    actions.changed.connect(show_strip)
    w.centre.stack.currentChanged.connect(lambda _index: show_strip())


def _fill(menus: Menus, names: list[str], menu: QMenu, view: Any, position: QPointF) -> None:
    actions = menus.window.markups
    hit = actions.edit.find(view, position.x(), position.y()) if actions.edit is not None else None
    if hit is not None:
        item, handle = hit.item, hit.handle
        actions.select(item.id)
        if handle.role == "point":
            _point_entries(actions, menu, item, handle.index)
        menu.addAction(menus.commands["markups.lock"])
        menu.addAction(f"Close {item.name}".replace("&", "&&"), partial(actions.remove, item.id))
        menu.addSeparator()
    if not menus.nothing_spatial():
        place = menu.addMenu("Place")
        for id in names:
            place.addAction(menus.commands[id])


def _point_entries(actions: MarkupActions, menu: QMenu, item: Any, index: int) -> None:
    label = item.data.labels[index] if item.data.labels else str(index + 1)
    label = label.replace("&", "&&")
    menu.addAction("Crosshair here", partial(actions.go, index))
    menu.addAction(f"Rename point {label}…", partial(actions.rename_point, item.id, index))
    if actions.edit is not None:
        menu.addAction(f"Delete point {label}", partial(actions.edit.delete_point, item.id, index))
    menu.addSeparator()


def _is_active(actions: MarkupActions, name: str) -> bool:
    return actions.name == name
