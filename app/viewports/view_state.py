"""What a session remembers of a grid: layout, crosshair, zooms, cameras, conventions. Plain JSON, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.viewports.camera import pose_from_plain, pose_to_plain
from app.viewports.clip import clip_from_plain, clip_to_plain
from app.viewports.layouts import shares_from_plain
from app.viewports.linking import links_from_plain
from app.viewports.mixing import mix_from_plain, mix_to_plain
from app.viewports.planes import slab_from_plain, slab_to_plain, tilt_from_plain
from app.viewports.state import ZOOMS

if TYPE_CHECKING:
    from app.viewports.grid import ViewportGrid

CONVENTIONS = ("radiological", "neurological")
_FARTHEST = 1e12
"""World units; of what lies beyond, no double says where in a view it is."""


def remembered(grid: ViewportGrid) -> dict[str, Any]:
    """The state of a grid; `restore` takes it back."""
    intents = {**grid._intents, **{slot: v.intent for slot, v in grid.views.items()}}
    slices = {
        slot: {
            "zoom": i.zoom,
            "pan": list(i.pan),
            "convention": i.convention,
            "nose_left": i.nose_left,
            "slab": slab_to_plain(i.slab),
        }
        for slot, i in sorted(intents.items())
        if i.kind != "3d"
    }
    cameras = {
        slot: pose_to_plain(i.camera)
        for slot, i in sorted(intents.items())
        if i.kind == "3d" and i.camera is not None
    }
    first = grid.views["axial"].intent
    return {
        "layout": grid.layout_name,
        "cursor": None if grid._cursor is None else list(grid._cursor),
        "active": grid._active,
        "convention": grid.convention or first.convention,
        "nose_left": grid.nose_left,
        "crosshair": first.crosshair,
        "tilt": None if first.tilt is None else list(first.tilt),
        "slices": slices,
        "camera": cameras.get("3d"),
        "cameras": cameras,
        "parallel": {slot: i.parallel for slot, i in sorted(intents.items()) if i.kind == "3d"},
        "clip": {slot: clip_to_plain(i.clip) for slot, i in sorted(intents.items()) if i.clip is not None},
        "only": {slot: sorted(i.only) for slot, i in sorted(intents.items()) if i.only is not None},
        "links": sorted(grid.links.on),
        "mix": mix_to_plain(grid.mix),
        "shares": {name: {p: list(w) for p, w in paths.items()} for name, paths in grid._shares.items()},
    }


def restore(grid: ViewportGrid, state: Any) -> None:
    """Bring a grid into a remembered state; what is missing or damaged keeps its present value."""
    state = dict(_entries(state))
    if state.get("convention") in CONVENTIONS:
        grid._link(convention=state["convention"])
    for key in ("nose_left", "crosshair"):
        if isinstance(state.get(key), bool):
            grid._link(**{key: state[key]})
    if "tilt" in state:
        grid._link(tilt=tilt_from_plain(state["tilt"]))
    for slot, values in _entries(state.get("slices")):
        _restore_slice(grid, slot, dict(_entries(values)))
    # Sessions of before there could be several have one camera.
    found = {"3d": state.get("camera"), **dict(_entries(state.get("cameras")))}
    for slot in {"3d", *found}:
        grid._set_own(slot, camera=pose_from_plain(found.get(slot)))
    for slot, parallel in _entries(state.get("parallel")):
        if isinstance(parallel, bool):
            grid._set_own(slot, parallel=parallel)
    planes = dict(_entries(state.get("clip")))
    for slot in {*grid.views, *grid._intents, *planes}:
        grid._set_own(slot, clip=clip_from_plain(planes.get(slot)))
    asked = dict(_entries(state.get("only")))
    for slot in {*grid.views, *grid._intents, *asked}:
        ids = asked.get(slot)
        is_list = isinstance(ids, list) and all(isinstance(i, str) for i in ids)
        grid._set_own(slot, only=frozenset(ids) if is_list and ids is not None else None)
    grid._shares = shares_from_plain(state.get("shares"))
    if state.get("active") is None or isinstance(state.get("active"), str):
        grid.set_active(state.get("active"))
    cursor = numbers_of(state.get("cursor"), 3)
    if cursor is not None:
        grid.set_cursor((cursor[0], cursor[1], cursor[2]))
    grid.set_mix(mix_from_plain(state.get("mix")))
    links = links_from_plain(state.get("links"))
    if links is not None:
        grid.links.on = links
        grid.linksChanged.emit()
    layout = state.get("layout")
    if isinstance(layout, str):
        try:
            grid.set_layout(layout)
        except ValueError:
            pass
    grid._place()
    grid._relink()
    grid._link()
    grid.viewChanged.emit()


def _restore_slice(grid: ViewportGrid, slot: str, values: Mapping[str, Any]) -> None:
    zoom, pan = numbers_of([values.get("zoom")], 1), numbers_of(values.get("pan"), 2)
    if zoom is not None and pan is not None and zoom[0] > 0:
        low, high = ZOOMS
        grid._set_own(slot, zoom=min(max(zoom[0], low), high), pan=(pan[0], pan[1]))
    if values.get("convention") in CONVENTIONS:
        grid._set_own(slot, convention=values["convention"])
    if isinstance(values.get("nose_left"), bool):
        grid._set_own(slot, nose_left=values["nose_left"])
    if "slab" in values:
        grid._set_own(slot, slab=slab_from_plain(values["slab"]))


def _entries(value: Any) -> Iterable[tuple[str, Any]]:
    """The entries of a mapping in a session file; none where it is no mapping."""
    return [(k, v) for k, v in value.items() if isinstance(k, str)] if isinstance(value, Mapping) else []


def numbers_of(value: Any, count: int) -> list[float] | None:
    """So many usable floats from a list in a session file, None for anything else."""
    try:
        numbers = [float(v) for v in value]
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if len(numbers) == count and all(abs(n) < _FARTHEST for n in numbers) else None
