"""The VTK side of two mixed volumes: one textured quad in the place of two. Used by a slice scene's thread only."""

from __future__ import annotations

from typing import Any

import numpy as np
from vtkmodules.vtkRenderingCore import vtkImageProperty, vtkImageSlice, vtkImageSliceMapper, vtkRenderer

from app.viewports import arrays, mixing
from app.viewports.cuts import Drawing
from app.viewports.identity import serial
from app.viewports.mixing import Array, Mix
from app.viewports.notes import Legend, Notes, guarded, legend_wanted, volume_legend
from app.viewports.state import ResolvedSlice, SceneItem
from app.viewports.stats import window_of

DIVERGING = "activation"
"""Dark where there is no difference: words over the picture stay legible."""
_EDGE = (0.95, 0.77, 0.36)


class MixedLayer:
    """Shows what a state's `mix` asks for."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._prop: Any = None
        self._samples: tuple[Any, ...] = ()
        self._pair: tuple[Array, Array] | None = None
        self._look: tuple[Any, ...] = ()
        self._keep: Any = None

    def show(self, state: ResolvedSlice, notes: Notes) -> frozenset[str]:
        """The ids of the items that it shows; the scene draws the others."""
        mix = state.mix
        first = state.item(mix.first) if mix is not None else None
        second = state.item(mix.second) if mix is not None else None
        if mix is None or first is None or second is None:
            self.release()
            return frozenset()
        with guarded(notes, first):
            self._draw(state, mix, first, second, notes)
        return frozenset((first.id, second.id))

    def place(self, props: Any) -> int:
        """Its place in the renderer's list of props, 0 without one."""
        return int(props.IsItemPresent(self._prop)) if self._prop is not None else 0

    def release(self) -> None:
        """Leave the scene."""
        if self._prop is not None:
            self._renderer.RemoveViewProp(self._prop)
        self._prop = self._pair = self._keep = None
        self._samples, self._look = (), ()

    def _draw(
        self, state: ResolvedSlice, mix: Mix, first: SceneItem, second: SceneItem, notes: Notes
    ) -> None:
        placement, nu, nv = mixing.pixel_grid(state, first, second, exact=mix.mode == "difference")
        samples = (
            *(
                (serial(i.data), i.affine.tobytes(), i.display.index, i.display.interpolate)
                for i in (first, second)
            ),
            placement.round(9).tobytes(),
            nu,
            nv,
        )
        if samples != self._samples or self._pair is None:
            self._pair = (
                mixing.sampled(first, placement, nu, nv),
                mixing.sampled(second, placement, nu, nv),
            )
            self._samples, self._look = samples, ()
        for item in (first, second):
            low, high = window_of(item.data, item.display)
            notes.windows[item.id] = (high - low, (high + low) / 2)
        where = (state.origin, state.right, state.up, state.width, state.height, state.scale)
        look = (mix, first.display, second.display, where if mix.mode in ("curtain", "checker") else ())
        rgba = None if look == self._look else np.zeros(0)
        if mix.mode == "difference":
            scale = mixing.scaling(first, second, mix.match)
            limit = mix.limit or mixing.difference_limit(first, second, scale)
            if rgba is not None:
                apart = mixing.difference(*self._pair, scale)
                rgba = mixing.colorize(apart, -limit, limit, DIVERGING)
            unit = first.data.value_unit
            notes.legends.append(Legend("A − B", unit, DIVERGING, -limit, limit))
            notes.infos.append(scale.words or "A − B, values as they are")
        else:
            notes.legends += [
                volume_legend(i, *window_of(i.data, i.display))
                for i in (first, second)
                if legend_wanted(i, mixing.is_label(i))
            ]
        if rgba is not None and mix.mode != "difference":
            a, b = (mixing.colored(i, p) for i, p in zip((first, second), self._pair, strict=True))
            rgba = mixing.mixed(a, b, self._share(state, mix, placement, nu, nv))
        if rgba is not None:
            self._put(rgba)
            self._look = look
        # At the height of the slice itself: what lies over it lies a hair above that.
        toward = np.asarray(state.toward)
        at_height = placement.copy()
        at_height[:3, 3] += float(toward @ (np.asarray(state.origin) - placement[:3, 3])) * toward
        self._prop.SetUserMatrix(arrays.matrix(at_height))
        if mix.mode == "curtain":
            notes.drawings.append(_edge(state, mix))
        if mix.mode == "blend":
            notes.infos.append(f"{round(100 * mix.amount)} % of B")
        notes.infos += [f"B: {second.name}", f"A: {first.name}"]

    @staticmethod
    def _share(state: ResolvedSlice, mix: Mix, placement: Array, nu: int, nv: int) -> Array | float:
        if mix.mode == "checker":
            return mixing.checker_share(state, placement, nu, nv, mix.tile)
        if mix.mode == "curtain":
            return mixing.curtain_share(state, placement, nu, nv, mix.amount, mix.upright)
        return mix.amount

    def _put(self, rgba: Array) -> None:
        if self._prop is None:
            self._prop = vtkImageSlice()
            mapper = vtkImageSliceMapper()
            mapper.SetOrientationToZ()
            mapper.BorderOn()
            self._prop.SetMapper(mapper)
            look = vtkImageProperty()
            look.SetColorWindow(255)
            look.SetColorLevel(127.5)
            look.SetLayerNumber(0)
            self._prop.SetProperty(look)
            self._renderer.AddViewProp(self._prop)
        self._keep = arrays.image2d(np.swapaxes(rgba, 0, 1))
        self._prop.GetMapper().SetInputData(self._keep)
        self._prop.GetProperty().SetInterpolationTypeToLinear()


def _edge(state: ResolvedSlice, mix: Mix) -> Drawing:
    """The curtain's edge, to be seen and taken hold of."""
    x, y = mix.amount * state.width, mix.amount * state.height
    ends = ((x, 0.0), (x, float(state.height))) if mix.upright else ((0.0, y), (float(state.width), y))
    segments = np.array([[state.to_world(*end) for end in ends]])
    return Drawing(segments, np.zeros((0, 3)), _EDGE, 0.9, width=1.4, name="curtain")
