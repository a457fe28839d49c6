"""What a slice is made of, ready to be drawn: for each volume a picture, its place and its look, the lowest first.

Volumes whose voxel planes lie in the slice are shown voxel for voxel; others are resampled onto it. Values become
colours here, in NumPy: a slice is small, any number type works, and what is not a number is transparent. Who draws it
(`painted` by Qt, `slices` by VTK) adds nothing to that. Used by one thread only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports import stats
from app.viewports.colors import colorize, rgba_of
from app.viewports.cuts import Drawing, draw_markup, draw_mesh
from app.viewports.dots import draw_trajectory
from app.viewports.identity import serial
from app.viewports.mixed_layer import MixedLayer
from app.viewports.notes import Notes, guarded, legend_wanted, volume_legend
from app.viewports.outlines import edges_of
from app.viewports.planes import Slab
from app.viewports.sampling import Block, Sampler, aligned, coarse, grid_of, plane_axis
from app.viewports.shared_colors import tell_linked, with_linked_colors
from app.viewports.state import Resolved, ResolvedSlice, SceneItem
from app.viewports.stats import window_of
from core.data import Markup, Mesh, Trajectory, Volume

Array = NDArray[Any]

MIXED = ""
"""The name of the layer that two mixed volumes share; others have the id of their item."""
_DRAWERS = {Mesh: draw_mesh, Markup: draw_markup, Trajectory: draw_trajectory}


@dataclass
class Layer:
    """One picture in a slice. `placement` (4, 4): picture coordinates -> world; pixel (u, v) is centred at (u, v)."""

    name: str
    of: int = 0
    """Of which volume."""
    rank: int = 0
    """How many lie below it."""
    shown: bool = False
    outlined: bool = False
    """Labels whose `edges` are drawn in place of the picture."""
    smooth: bool = True
    opacity: float = 1.0
    outline: float = 0.0
    """Logical pixels."""
    rgba: Array | None = None
    """(rows v, columns u, 4) uint8."""
    made: int = 0
    """Counts its pictures: the same number, the same `rgba`."""
    placement: Array = field(default_factory=lambda: np.eye(4))
    edges: Any = None
    _pixels: Any = None
    _key: tuple[Any, ...] = ()
    _look: tuple[Any, ...] = ()
    _sampler: Sampler = field(default_factory=Sampler)
    _block: Block = field(default_factory=Block)

    def put(self, rgba: Array) -> None:
        """Another picture."""
        self.rgba = rgba
        self.made += 1


class SliceLayers:
    """Brings layers to a state, by the difference to the last one."""

    def __init__(self) -> None:
        self._layers: dict[str, Layer] = {}
        self._mixed = MixedLayer()
        self._mixed_layer = Layer(MIXED)
        self._drawings: dict[str, tuple[tuple[Any, ...], tuple[Drawing, ...]]] = {}

    def apply(self, state: ResolvedSlice) -> tuple[list[Layer], Notes]:
        """The layers that show `state`, the lowest first; what else is worth knowing about the picture."""
        notes = Notes()
        state = with_linked_colors(state)
        found, mixed = [], self._mixed.show(state, notes)
        if mixed:
            layer = self._mixed_layer
            layer.shown, layer.placement = self._mixed.rgba is not None, self._mixed.placement
            if self._mixed.rgba is not None and self._mixed.rgba is not layer.rgba:
                layer.put(self._mixed.rgba)
            found.append(layer)
        else:
            self._mixed_layer.rgba = None
        volumes = [i for i in state.items if isinstance(i.data, Volume) and i.id not in mixed]
        if mixed:  # a third scan over the two would hide what one compares
            volumes = [i for i in volumes if _is_overlay(i)]
        # The reference lies at the bottom, whatever its place in the tree: an overlay must not be hidden by it.
        # Labels lie on top even if they are the reference: a scan would hide them.
        volumes.sort(key=lambda i: (is_label(i), i.id != state.reference))
        for gone in self._layers.keys() - {i.id for i in volumes}:
            del self._layers[gone]
        for rank, item in enumerate(volumes, start=int(bool(mixed))):
            layer = self._layers.setdefault(item.id, Layer(item.id, serial(item.data)))
            layer.shown = False
            with guarded(notes, item):
                self._show(layer, state, item, rank, notes)
            found.append(layer)
        self._cut(state, notes)
        tell_linked(state, notes)
        return found, notes

    def drawn_anew(self, state: ResolvedSlice, notes: Notes) -> Notes:
        """The notes of the last picture for a state that differs from its one only in what is painted over it; see
        `without_overlay`."""
        made = replace(notes, drawings=[d for d in notes.drawings if not d.item], problems=[])
        self._cut(state, made)
        return made

    def forget(self) -> None:
        """Hold on to nothing that has been shown."""
        self._layers.clear()
        self._drawings.clear()
        self._mixed.release()
        self._mixed_layer = Layer(MIXED)

    def _show(self, layer: Layer, state: ResolvedSlice, item: SceneItem, rank: int, notes: Notes) -> None:
        volume, display = item.data, item.display
        low, high = window_of(volume, display)
        notes.windows[item.id] = (high - low, (high + low) / 2)
        if layer.of != serial(volume):
            layer._sampler, layer._block, layer.of = (
                Sampler(),
                Block(),
                serial(volume),
            )  # they hold values of before
        axis = plane_axis(state, item)
        label = is_label(item)
        layer.rank, layer.smooth = rank, display.interpolate and not label
        layer.opacity = min(max(display.opacity, 0.0), 1.0)
        layer.outline = display.outline if label else 0.0
        if legend_wanted(item, label):
            notes.legends.append(volume_legend(item, low, high))
        affine = item.affine
        # A class is no amount: there is no largest or mean one. Of colours, only the mean is a colour.
        slab: Slab | None = state.slab
        if label or (volume.rgb and slab is not None and slab.mode != "mean"):
            slab = None
        first = index = last = 0
        if axis is not None:
            voxel = np.linalg.solve(affine, [*state.origin, 1.0])
            index = int(np.floor(voxel[axis] + 0.5))
            apart = abs(float(affine[:3, axis] @ np.asarray(state.toward)))
            reach = 0 if slab is None else slab.planes(apart)
            first, last = max(index - reach, 0), min(index + reach, volume.array.shape[axis] - 1)
            where: tuple[Any, ...] = (axis, first, last)
        else:
            where = ("oblique", layer.smooth, coarse(state), *grid_of(state, item)[1])
        # Slices of volumes with another spacing: the nearest slice is only shown if the plane lies within it.
        if first > last:
            return
        layer.outlined = layer.outline > 0
        key = (serial(volume), affine.tobytes(), display.index, slab, *where)
        if key != layer._key or layer._pixels is None:
            done = True
            if axis is not None:
                made = aligned(item, axis, (first, index, last), slab, layer._block)
                layer._pixels, layer.placement = made
            else:
                layer._pixels, layer.placement, done = layer._sampler.sample(
                    key, state, item, layer.smooth, slab
                )
            layer._key, layer._look, layer.edges = key if done else (), (), None
            notes.unfinished = notes.unfinished or not done
        if not layer.outlined:
            self._color(layer, item, (low, high), label)
        elif layer.edges is None:
            layer.edges = edges_of(layer._pixels)
        layer.shown = True

    @staticmethod
    def _color(layer: Layer, item: SceneItem, window: tuple[float, float], label: bool) -> None:
        display, over = item.display, layer.rank > 0
        look = (*window, display.colormap, label, over, display.hide, display.floor)
        if look == layer._look:
            return
        rows = np.swapaxes(layer._pixels, 0, 1)
        if item.data.rgb:
            layer.put(rgba_of(rows, *window))
        else:
            hide, floor = display.hide, display.floor
            layer.put(
                colorize(rows, *window, display.colormap, label=label, over=over, hide=hide, floor=floor)
            )
        layer._look = look

    def _cut(self, state: ResolvedSlice, notes: Notes) -> None:
        plane = (state.origin, state.toward)
        height = round(float(np.dot(state.origin, state.toward)), 9)
        kept = {}
        for item in state.items:
            if not isinstance(item.data, (Mesh, Markup, Trajectory)):
                continue
            key = (
                serial(item.data),
                item.transform.tobytes(),
                item.display,
                height,
                state.toward,
                state.slab,
            )
            known = self._drawings.get(item.id)
            if known is None or known[0] != key:
                made: tuple[Drawing, ...] = ()
                with guarded(notes, item):
                    draw = _DRAWERS[type(item.data)]
                    made = draw(item, plane, state.reach)
                known = (key, made)
            kept[item.id] = known
            notes.drawings.extend(known[1])
        self._drawings = kept


def without_overlay(state: Resolved) -> Resolved:
    """What of a slice its layers have a part in: another view's step moves the crosshair here, a markup is moved,
    points pass by, and no pixel below them changes."""
    if not isinstance(state, ResolvedSlice):
        return state
    hurried = state.interactive and state.oblique  # a tilted plane that moves is drawn coarsely
    return replace(
        state,
        items=tuple(i for i in state.items if isinstance(i.data, Volume)),
        cursor=(0.0, 0.0, 0.0),
        crosshair=False,
        lines=(),
        interactive=hurried,
        progressive=False,
    )


def is_label(item: SceneItem) -> bool:
    """Whether the values of a volume are classes."""
    return stats.is_label(item.data) or item.display.colormap == "labels"


def has_outlines(state: ResolvedSlice) -> bool:
    """Whether labels are to be drawn by their edges."""
    return any(isinstance(i.data, Volume) and i.display.outline > 0 and is_label(i) for i in state.items)


def _is_overlay(item: SceneItem) -> bool:
    """Whether what lies below is seen past it: labels, what hides a part of its values, what is transparent."""
    return is_label(item) or bool(item.display.hide) or item.display.opacity < 1.0  # type: ignore[attr-defined]
