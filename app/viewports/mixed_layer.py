"""What a slice shows of two mixed volumes: one picture in the place of two. Used by one thread only."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.viewports import mixing
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
    """Makes what a state's `mix` asks for: `rgba` (rows v, columns u, 4) uint8, None before there is any, and
    `placement` (4, 4), picture coordinates -> world."""

    def __init__(self) -> None:
        self.rgba: Array | None = None
        self.placement: Array = np.eye(4)
        self._samples: tuple[Any, ...] = ()
        self._pair: tuple[Array, Array] | None = None
        self._look: tuple[Any, ...] = ()

    def show(self, state: ResolvedSlice, notes: Notes) -> frozenset[str]:
        """The ids of the items that it shows."""
        mix = state.mix
        first = state.item(mix.first) if mix is not None else None
        second = state.item(mix.second) if mix is not None else None
        if mix is None or first is None or second is None:
            self.release()
            return frozenset()
        with guarded(notes, first):
            self._draw(state, mix, first, second, notes)
        return frozenset((first.id, second.id))

    def release(self) -> None:
        """Hold on to nothing."""
        self.rgba = self._pair = None
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
            self.rgba, self._look = np.swapaxes(rgba, 0, 1), look
        self.placement = placement
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


def _edge(state: ResolvedSlice, mix: Mix) -> Drawing:
    """The curtain's edge, to be seen and taken hold of."""
    x, y = mix.amount * state.width, mix.amount * state.height
    ends = ((x, 0.0), (x, float(state.height))) if mix.upright else ((0.0, y), (float(state.width), y))
    segments = np.array([[state.to_world(*end) for end in ends]])
    return Drawing(segments, np.zeros((0, 3)), _EDGE, 0.9, width=1.4, name="curtain")
