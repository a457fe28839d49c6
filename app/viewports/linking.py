"""What views that show different objects have in common: camera, crosshair, zoom, time, colours.

Views with the same number (`layouts.number_of`) belong together and always share their crosshair; the links are between
the numbers, so they matter only where a layout shows more than one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.viewports.boxes import box_of_all
from app.viewports.camera import Vec
from app.viewports.layouts import number_of
from app.viewports.state import SceneItem, ViewIntent, frame_of_slices, reference_of, sight_of, way_up
from core.data import Transforms, Volume

if TYPE_CHECKING:
    from app.viewports.grid import ViewportGrid
    from app.viewports.viewport import Viewport

LINKS = {
    "camera": "3-D cameras",
    "slice": "Slices and crosshair",
    "zoom": "Zoom and pan of slices",
    "time": "Time",
    "colour": "Colour range",
}
"""What can be linked, in words."""


class Links:
    """The links of one grid; all are on at first."""

    def __init__(self, grid: ViewportGrid) -> None:
        self._grid = grid
        self.on: frozenset[str] = frozenset(LINKS)
        self.lead: str | None = None
        """The volume whose window counts where colours are linked; None: the first that is compared."""

    @property
    def between(self) -> bool:
        """Whether the present layout shows views of more than one number."""
        return len({number_of(slot) for slot in self._grid.shown_slots}) > 1

    def linked(self, name: str) -> bool:
        """Whether a link is on."""
        return name in self.on

    def set(self, on: frozenset[str]) -> None:
        """Link these and nothing else; what is linked anew follows the first view. Raises `ValueError`."""
        wrong = set(on) - set(LINKS)
        if wrong:
            raise ValueError(f"{sorted(wrong)[0]!r} cannot be linked; choose of {', '.join(LINKS)}")
        fresh, self.on = frozenset(on) - self.on, frozenset(on)
        if "slice" in fresh:
            self._grid.set_cursor(self._grid.cursor_position)
        self.relink()
        self._grid.linksChanged.emit()

    def partners(self, view: Viewport, name: str) -> list[Viewport]:
        """The other views that follow this one in `name`."""
        if name not in self.on:
            return []
        return [v for v in self._grid.views.values() if v is not view and v.intent.kind == view.intent.kind]

    def aimed(self, view: Viewport) -> None:
        """A view was zoomed, panned or turned by hand: those that are linked to it do the same."""
        intent = view.intent
        if intent.kind == "3d":
            for other in self.partners(view, "camera"):
                other.follow(camera=intent.camera, parallel=intent.parallel, interactive=intent.interactive)
        else:
            for other in self.partners(view, "zoom"):
                other.follow(zoom=intent.zoom, pan=_pan(intent, other.intent))

    def moved(self, view: Viewport, point: Vec) -> bool:
        """A crosshair was moved in a view; True if only its own number's views are to follow, which they did."""
        if "slice" in self.on or not self.between:
            return False
        number = number_of(view.slot)
        for other in self._grid.views.values():
            if number_of(other.slot) == number:
                other.set_intent(cursor=point)
        return True

    def changed(self, before: tuple[SceneItem, ...], after: tuple[SceneItem, ...]) -> None:
        """Other displays: a compared volume that got another window is the one that leads from now on."""
        known = {i.id: i for i in before}
        for item in after:
            old = known.get(item.id)
            if old is None or not isinstance(item.data, Volume) or old.display is item.display:
                continue
            if _window(old) != _window(item) and item.id in self._compared():
                self.lead = item.id

    def relink(self) -> None:
        """Bring what linked views share up to date: after other items, another layout, other links."""
        grid = self._grid
        between = self.between
        views = self._linked_views() if between else []
        compared = self._compared() if between and "colour" in self.on else ()
        lead = None
        if len(compared) > 1:
            lead = self.lead if self.lead in compared else compared[0]
        peers = (
            tuple(dict.fromkeys(i.id for v in views for i in v.shown_items())) if compared or views else ()
        )
        for view in grid.views.values():
            kind = view.intent.kind
            shown = [v for v in views if v.intent.kind == kind]
            changes: dict[str, Any] = {"field": None, "home": "", "lead": None, "peers": (), "frame": None}
            if view in shown:
                name = "camera" if kind == "3d" else "zoom"
                if name in self.on:
                    changes["field"] = _field(shown)
                    changes["home"] = way_up(tuple(i for v in shown for i in v.shown_items()))
                    first = shown[0].intent
                    changes |= {"zoom": first.zoom, "pan": _pan(first, view.intent), "camera": first.camera}
                    changes["parallel"] = first.parallel
                if kind != "3d" and "slice" in self.on:
                    changes["frame"] = _frame(shown[0], view)
                if "colour" in self.on:
                    changes |= {"lead": lead, "peers": peers}
            view.follow(**changes)

    def _linked_views(self) -> list[Viewport]:
        return [self._grid.views[slot] for slot in self._grid.shown_slots if slot in self._grid.views]

    def _compared(self) -> tuple[str, ...]:
        """The volume that each linked view is about: its slices' reference. Labels and colours have no window."""
        out = []
        for view in self._linked_views():
            reference = reference_of(view.shown_items(), view.intent.active)
            if reference is not None and not reference.data.rgb:
                if reference.data.transforms is not Transforms.LABEL:
                    out.append(reference.id)
        return tuple(dict.fromkeys(out))


def _pan(intent: ViewIntent, other: ViewIntent) -> tuple[float, float]:
    """The pan of `intent` for another view of its kind, which may be flipped against it."""
    across = "nose_left" if intent.kind == "sagittal" else "convention"
    same = getattr(intent, across) == getattr(other, across)
    return intent.pan if same else (-intent.pan[0], intent.pan[1])


def _window(item: SceneItem) -> tuple[Any, Any]:
    return getattr(item.display, "window", None), getattr(item.display, "level", None)


def _frame(first: Viewport, view: Viewport) -> tuple[Vec, Vec, Vec] | None:
    """The directions that a view's slices take over from the first one's; None where its own are the same, or where
    the two are not in one space."""
    if view is first:
        return None
    lead, own = (reference_of(v.shown_items(), v.intent.active) for v in (first, view))
    if lead is None or own is None or lead.data.space != own.data.space:
        return None
    wanted = frame_of_slices(lead)
    return None if np.allclose(wanted, frame_of_slices(own), atol=1e-6) else wanted


def _field(views: list[Viewport]) -> tuple[Vec, Vec] | None:
    """The world box that all of these views hold at zoom 1."""
    boxes = []
    for view in views:
        shown = view.shown_items()
        if view.intent.kind == "3d":
            if shown:
                boxes.append(sight_of(shown))
            continue
        reference = reference_of(shown, view.intent.active)
        box = box_of_all((reference,) if reference is not None else shown)
        if box is not None:
            boxes.append(box)
    if not boxes:
        return None
    low = np.min([b[:, 0] for b in boxes], axis=0)
    high = np.max([b[:, 1] for b in boxes], axis=0)
    return tuple(low.tolist()), tuple(high.tolist())


def links_from_plain(value: Any) -> frozenset[str] | None:
    """From a session; None for what is damaged."""
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return frozenset(value) & frozenset(LINKS)
    return None
