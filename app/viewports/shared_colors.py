"""Linked colours: one window for the volumes that are compared, one range for attributes of the same name.

The displays of the document stay as they are; the scenes show what is linked in the place of it, and the legend says so.
Runs where scenes do: figures of volumes are not computed on the window's thread.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from app.viewports.notes import Legend, Notes
from app.viewports.state import Resolved3D, ResolvedSlice, SceneItem, reference_of
from app.viewports.stats import attribute_range, window_of
from core.data import Transforms, Volume
from core.display import attribute_of

State = TypeVar("State", ResolvedSlice, Resolved3D)
LINKED = " · linked"


def with_linked_colors(state: State) -> State:
    """The same state, its items' displays with the windows and ranges that linked views share."""
    if state.lead is None and not state.peers:
        return state
    items = state.items
    target = _target(state)
    if state.lead is not None and target is not None:
        low, high = window_of(state.lead.data, state.lead.display)
        items = tuple(
            replace(i, display=replace(i.display, window=high - low, level=(low + high) / 2))
            if i.id == target.id
            else i
            for i in items
        )
    return replace(state, items=ranged(items, state.peers))


def ranged(items: tuple[SceneItem, ...], peers: tuple[SceneItem, ...]) -> tuple[SceneItem, ...]:
    """Objects coloured by the same quantity as another one of `peers` take one range with it.

    The first of the peers with a range of its own decides; else it is what all of them need together.
    """
    ranges: dict[tuple[str, str], tuple[float, float]] = {}
    fixed: set[tuple[str, str]] = set()
    for item in peers:
        key = _quantity(item)
        if key is None or key in fixed:
            continue
        own = item.display.range
        if own is not None:
            ranges[key] = own
            fixed.add(key)
            continue
        low, high = attribute_range(attribute_of(item.data, key[0]))
        known = ranges.get(key, (low, high))
        ranges[key] = (min(low, known[0]), max(high, known[1]))
    out = []
    for item in items:
        key = _quantity(item)
        if key in ranges:
            item = replace(item, display=replace(item.display, range=ranges[key]))  # type: ignore[index]
        out.append(item)
    return tuple(out)


def tell_linked(state: ResolvedSlice | Resolved3D, notes: Notes) -> None:
    """Say in the legends what is linked. `state` is what `with_linked_colors` returned."""
    target = _target(state)
    if state.lead is not None and target is not None:
        width, level = target.display.window, target.display.level
        low, high = level - width / 2, level + width / 2
        known = [k for k, legend in enumerate(notes.legends) if legend.title == target.name]
        legend = Legend(f"Window{LINKED}", target.data.value_unit, target.display.colormap, low, high)
        for k in known:
            notes.legends[k] = replace(notes.legends[k], title=target.name + LINKED)
        if not known and isinstance(state, ResolvedSlice):
            notes.legends.insert(0, legend)
    counts: dict[tuple[str, str], int] = {}
    for item in state.peers:
        key = _quantity(item)
        if key is not None:
            counts[key] = counts.get(key, 0) + 1
    for k, legend in enumerate(notes.legends):
        names = (legend.title.strip("|"), f"@{legend.title}")
        if any(counts.get((name, legend.unit), 0) > 1 for name in names):
            notes.legends[k] = replace(legend, title=legend.title + LINKED)


def _target(state: ResolvedSlice | Resolved3D) -> SceneItem | None:
    """The volume of a view whose window is linked."""
    if state.lead is None:
        return None
    if isinstance(state, ResolvedSlice):
        found = state.item(state.reference)
    else:
        found = reference_of(state.items)
    if found is None or not isinstance(found.data, Volume):
        return None
    return None if found.data.rgb or found.data.transforms is Transforms.LABEL else found


def _quantity(item: SceneItem) -> tuple[str, str] | None:
    """(name, unit) of what an object is coloured by, None for one colour and for classes."""
    name = getattr(item.display, "color_by", "")
    attribute = attribute_of(item.data, name) if name else None
    if attribute is None or not hasattr(item.display, "range"):
        return None
    if attribute.transforms is Transforms.LABEL or attribute.values.dtype.kind not in "biufc":
        return None
    return name, attribute.unit
