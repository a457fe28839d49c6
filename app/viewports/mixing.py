"""Two volumes in one slice: blend, checkerboard, curtain, difference. NumPy only.

Both are sampled on one grid of pixels. Where the first one's voxel planes lie in the slice, its voxel centres are points
of that grid and its values are taken as they are; the other is interpolated there, whatever its grid, orientation and
affine. Where a volume is not, it is "not a number".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.viewports import stats as figures
from app.viewports.colors import colorize, rgba_of
from app.viewports.identity import serial
from app.viewports.planes import aligned_axis
from app.viewports.stats import frame_of, subsample, volume_stats, window_of
from core.data import Transforms, Volume

if TYPE_CHECKING:
    from app.viewports.state import ResolvedSlice, SceneItem

Array = NDArray[Any]
Mode = Literal["blend", "checker", "curtain", "difference"]
Match = Literal["none", "window", "fit"]

MODES: dict[str, str] = {
    "blend": "Blend",
    "checker": "Checkerboard",
    "curtain": "Curtain",
    "difference": "Difference",
}
MATCHES: dict[str, str] = {"none": "None", "window": "By window", "fit": "Linear fit"}
_SNAP = 1e-6
"""Parts of a voxel within which a point is a voxel's centre: what is stored is then taken as it is."""
_LARGEST = 1024
_SUBDIVIDE = 4
_PROBES = 24
"""Points along each axis at which a range of differences is looked for."""
_LEVELS = np.linspace(5.0, 95.0, 19)
"""Percentiles of the values above the background that a linear fit makes agree."""


@dataclass(frozen=True)
class Mix:
    """What to make of two volumes.

    Attributes
    ----------
    first, second : item ids. In a difference the second is taken from the first.
    amount : 0..1. Blend: the second one's share. Curtain: the part of the view that shows the first.
    tile : edge of a checkerboard's squares, world units.
    upright : the curtain's edge is a vertical line; else a horizontal one.
    match : what is done to the second one's values before a difference is taken.
    limit : the difference that gets the strongest colour; None: the 99th percentile of what there is.
    """

    first: str
    second: str
    mode: Mode = "blend"
    amount: float = 0.5
    tile: float = 20.0
    upright: bool = True
    match: Match = "none"
    limit: float | None = None

    def changed(self, **changes: Any) -> Mix:
        """With other settings, within what makes sense."""
        made = replace(self, **changes)
        return replace(made, amount=min(max(made.amount, 0.0), 1.0), tile=min(max(made.tile, 0.1), 1e4))


def mix_to_plain(mix: Mix | None) -> dict[str, Any] | None:
    """For a session."""
    return None if mix is None else {k: getattr(mix, k) for k in Mix.__dataclass_fields__}


def mix_from_plain(value: Any) -> Mix | None:
    """The inverse; None for none and for anything damaged."""
    if not isinstance(value, Mapping):
        return None
    try:
        made = Mix(**{k: value[k] for k in Mix.__dataclass_fields__ if k in value})
    except TypeError:
        return None
    numbers = [made.amount, made.tile, 1.0 if made.limit is None else made.limit]
    if any(isinstance(n, bool) or not isinstance(n, (int, float)) or not abs(n) < 1e300 for n in numbers):
        return None
    words = isinstance(made.first, str) and isinstance(made.second, str) and isinstance(made.upright, bool)
    known = made.mode in tuple(MODES) and made.match in tuple(MATCHES)
    if not words or not known or numbers[2] <= 0:
        return None
    return made.changed()


def why_no_mix(first: Any, second: Any, mode: str) -> str:
    """Why two volumes cannot be mixed so, "" if they can."""
    if not isinstance(first, Volume) or not isinstance(second, Volume):
        return "two volumes are needed"
    if mode == "difference" and any(v.rgb or v.transforms is Transforms.LABEL for v in (first, second)):
        return "colours and classes have no difference"
    return ""


# -- sampling ----------------------------------------------------------------------------------------------------


def pixel_grid(
    state: ResolvedSlice, first: SceneItem, second: SceneItem, *, exact: bool
) -> tuple[Array, int, int]:
    """((4, 4) pixel -> world, nu, nv): pixels on the slice that cover both volumes, or the first alone (`exact`).

    The first one's voxel centres are among them where its planes lie in the slice; `exact`: they are all of them.
    """
    affine = first.affine
    toward = np.asarray(state.toward)
    axis = aligned_axis(affine, toward)
    shape = first.data.array.shape[:3]
    if axis is not None:
        voxel = np.linalg.solve(affine, [*state.origin, 1.0])
        index = int(min(max(np.floor(voxel[axis] + 0.5), 0), shape[axis] - 1))
        u, v = (a for a in range(3) if a != axis)
        steps = affine[:3, [u, v]]
        origin = affine[:3, 3] + index * affine[:3, axis]
        off = abs(float((np.asarray(state.origin) - origin) @ toward))
        if off > 0.5001 * abs(float(affine[:3, axis] @ toward)):
            origin = origin + toward * float(
                (np.asarray(state.origin) - origin) @ toward
            )  # beyond its planes
    else:
        spacing = float(np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).min())
        steps = np.stack([state.right, state.up], axis=1) * spacing
        origin = np.asarray(state.origin, dtype=float)
    items = (first,) if exact else (first, second)
    corners = np.concatenate([_corners(i) for i in items])
    places = np.linalg.lstsq(steps, (corners - origin).T, rcond=None)[0]
    # Voxel centres of the first one stand on whole numbers; its outer faces half a step beyond.
    low, high = np.ceil(places.min(axis=1) - _SNAP), np.floor(places.max(axis=1) + _SNAP)
    fine = 1
    if not exact:
        other = float(np.sqrt((second.affine[:3, :3] ** 2).sum(axis=0)).min())
        widest = float(np.linalg.norm(steps, axis=0).max())
        fine = min(max(int(np.ceil(widest / other - 1e-3)), 1), _SUBDIVIDE)
    count = (high - low) * fine + 1
    skip = max(1, int(np.ceil(count.max() / _LARGEST)))
    placement = np.eye(4)
    placement[:3, :2] = steps / fine * skip
    normal = np.cross(steps[:, 0], steps[:, 1])
    placement[:3, 2] = normal / np.linalg.norm(normal)
    placement[:3, 3] = origin + steps @ low
    nu, nv = (max(1, int((c - 1) // skip) + 1) for c in count)
    return placement, nu, nv


def _corners(item: SceneItem) -> Array:
    shape = item.data.array.shape[:3]
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in shape], indexing="ij")).reshape(3, -1)
    made: Array = (item.affine[:3, :3] @ corners + item.affine[:3, 3:]).T
    return made


def sampled(item: SceneItem, placement: Array, nu: int, nv: int) -> Array:
    """(nu, nv[, c]) float64 values of a volume at the pixels of a grid; NaN outside its outer faces."""
    m = np.linalg.inv(item.affine) @ placement
    u, v = np.arange(nu)[:, None], np.arange(nv)[None, :]
    index = np.stack([m[a, 0] * u + m[a, 1] * v + m[a, 3] for a in range(3)])
    label = is_label(item)
    return interpolated(
        frame_of(item.data, item.display.index), index, smooth=item.display.interpolate and not label
    )


def interpolated(frame: Array, index: Array, *, smooth: bool = True) -> Array:
    """Values of a (i, j, k[, c]) array at (3, …) indices, float64: trilinear or of the nearest voxel.

    Up to half a voxel beyond the outermost centres the outermost values hold; further out it is NaN. A voxel that has
    no share in a point does not make it NaN.
    """
    whole = np.round(index)
    index = np.where(np.abs(index - whole) < _SNAP, whole, index)
    sizes = np.array(frame.shape[:3]).reshape(3, *[1] * (index.ndim - 1))
    outside = ((index < -0.5 - _SNAP) | (index > sizes - 0.5 + _SNAP)).any(axis=0)
    index = np.clip(np.nan_to_num(index), 0, sizes - 1)
    if not smooth:
        near = np.minimum(np.floor(index + 0.5), sizes - 1).astype(np.intp)
        made = _floats(frame[near[0], near[1], near[2]])
    else:
        low = np.floor(index).astype(np.intp)
        part = index - low
        out: Array | None = None
        for corner in range(8):
            bits = [(corner >> a) & 1 for a in range(3)]
            if any(bit and not part[a].any() for a, bit in enumerate(bits)):
                continue  # no point lies between these planes
            weight = np.ones(index.shape[1:])
            for a, bit in enumerate(bits):
                weight = weight * (part[a] if bit else 1.0 - part[a])
            at = [np.minimum(low[a] + bit, sizes[a] - 1) for a, bit in enumerate(bits)]
            values = _floats(frame[at[0], at[1], at[2]])
            if values.ndim > weight.ndim:
                weight = weight[..., None]
            share = np.where(weight > 0, weight * values, 0.0)
            out = share if out is None else out + share
        assert out is not None  # every point lies on or above some corner
        made = out
    made[outside] = np.nan
    return made


def _floats(values: Array) -> Array:
    return np.asarray(np.abs(values) if np.iscomplexobj(values) else values, dtype=np.float64).copy()


def is_label(item: SceneItem) -> bool:
    """Whether its values are classes."""
    return figures.is_label(item.data) or item.display.colormap == "labels"


# -- intensities -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scaling:
    """`values * factor + shift`, and what to say of it."""

    factor: float = 1.0
    shift: float = 0.0
    words: str = ""


def scaling(first: SceneItem, second: SceneItem, match: str) -> Scaling:
    """What makes the second one's intensities those of the first."""
    if match == "window":
        low, high = window_of(first.data, first.display)
        other_low, other_high = window_of(second.data, second.display)
        factor = (high - low) / max(other_high - other_low, 1e-300)
        return Scaling(factor, low - other_low * factor, _words(factor, low - other_low * factor, "windows"))
    if match == "fit":
        known = _fits.setdefault(first.data, {})
        key = (serial(second.data), first.display.index, second.display.index)
        if key not in known:
            if len(known) > 50:
                known.clear()
            known[key] = linear_fit(_levels(first), _levels(second))
        factor, shift = known[key]
        return Scaling(factor, shift, _words(factor, shift, "fitted"))
    return Scaling()


def linear_fit(wanted: Array, found: Array) -> tuple[float, float]:
    """(factor, shift) that bring `found` closest to `wanted` in least squares; (1, shift) for constant values."""
    spread = float(((found - found.mean()) ** 2).sum())
    if spread <= 1e-24 * max(1.0, float((found**2).sum())):
        return 1.0, float(wanted.mean() - found.mean())
    factor = float(((found - found.mean()) * (wanted - wanted.mean())).sum()) / spread
    if not factor > 0:
        factor = 1.0
    return factor, float(wanted.mean() - factor * found.mean())


def _levels(item: SceneItem) -> Array:
    """Percentiles of what is above the background: histograms are compared, not places."""
    stats = volume_stats(item.data, item.display.index)
    values = subsample(frame_of(item.data, item.display.index))
    above = values[values > stats.minimum + 0.02 * (stats.high - stats.minimum)]
    chosen = above if above.size > 20 else values
    if not chosen.size:
        return np.zeros(len(_LEVELS))
    levels: Array = np.percentile(chosen, _LEVELS)
    return levels


def _words(factor: float, shift: float, how: str) -> str:
    sign = "+" if shift >= 0 else "−"
    return f"B × {factor:.4g} {sign} {abs(shift):.4g} ({how})"


_limits: WeakKeyDictionary[Any, dict[tuple[Any, ...], float]] = WeakKeyDictionary()
_fits: WeakKeyDictionary[Any, dict[tuple[Any, ...], tuple[float, float]]] = WeakKeyDictionary()


def difference_limit(first: SceneItem, second: SceneItem, scale: Scaling) -> float:
    """The 99th percentile of the absolute difference where both are; the same for every slice."""
    known = _limits.setdefault(first.data, {})
    key = (
        serial(second.data),
        first.display.index,
        second.display.index,
        first.affine.tobytes(),
        second.affine.tobytes(),
        scale,
    )
    if key not in known:
        if len(known) > 50:
            known.clear()
        shape = first.data.array.shape[:3]
        places = [np.unique(np.linspace(0, n - 1, min(n, _PROBES)).round()) for n in shape]
        index = np.stack(np.meshgrid(*places, indexing="ij")).reshape(3, -1)
        m = np.linalg.inv(second.affine) @ first.affine
        here = interpolated(frame_of(first.data, first.display.index), index)
        there = interpolated(frame_of(second.data, second.display.index), m[:3, :3] @ index + m[:3, 3:])
        apart = np.abs(here - (there * scale.factor + scale.shift))
        apart = apart[np.isfinite(apart)]
        most = float(np.percentile(apart, 99.0)) if apart.size else 0.0
        stats = volume_stats(first.data, first.display.index)
        # Nothing but rounding: colours would make a finding of it.
        least = 1e-6 * max(abs(stats.maximum), abs(stats.minimum), 1e-30)
        known[key] = most if most > least else max(stats.high - stats.low, 1e-12) * 0.01
    return known[key]


# -- pictures ----------------------------------------------------------------------------------------------------


def difference(first: Array, second: Array, scale: Scaling) -> Array:
    """A − (B scaled); NaN where either is."""
    made: Array = first - (second * scale.factor + scale.shift)
    return made


def colored(item: SceneItem, values: Array) -> Array:
    """(…, 4) uint8: the values in the colours of their display, transparent where there are none."""
    low, high = window_of(item.data, item.display)
    if item.data.rgb:
        out = rgba_of(values, low, high)
        out[..., 3] = np.where(np.isfinite(values).all(axis=-1), out[..., 3], 0)
        return out
    display = item.display
    return colorize(
        values, low, high, display.colormap, label=is_label(item), hide=display.hide, floor=display.floor
    )


def mixed(first: Array, second: Array, share: Array | float) -> Array:
    """(nu, nv, 4) uint8 of two pictures; `share` (0..1) of the second. Where only one of them is, that one shows."""
    a, b = first[..., 3:].astype(np.float32) / 255, second[..., 3:].astype(np.float32) / 255
    t = np.asarray(share, dtype=np.float32)
    t = t[..., None] if t.ndim == 2 else t
    weight_a = np.where(b > 0, 1 - t, 1.0) * a
    weight_b = np.where(a > 0, t, 1.0) * b
    total = weight_a + weight_b
    out = np.empty_like(first)
    color = first[..., :3] * weight_a + second[..., :3] * weight_b
    out[..., :3] = np.round(color / np.maximum(total, 1e-6))
    out[..., 3] = np.round(255 * np.minimum(total[..., 0], 1.0))
    return out


def checker_share(state: ResolvedSlice, placement: Array, nu: int, nv: int, tile: float) -> Array:
    """(nu, nv) 0 or 1: which pixels show the second volume. The squares stand still in the world."""
    across, upwards = _places(placement, nu, nv, np.asarray(state.right), np.asarray(state.up))
    odd = (np.floor(across / tile) + np.floor(upwards / tile)) % 2
    made: Array = odd
    return made


def curtain_share(
    state: ResolvedSlice, placement: Array, nu: int, nv: int, amount: float, upright: bool
) -> Array:
    """(nu, nv) 0..1: 1 beyond the curtain's edge, to the right of it or below it.

    The edge stands still in the view. A pixel that it crosses gets a share, so it moves by less than a pixel.
    """
    way = np.asarray(state.right if upright else state.up)
    if not upright:
        way = -way
    length = state.width if upright else state.height
    edge = float(np.asarray(state.origin) @ way) + (amount - 0.5) * length * state.scale
    place, _ = _places(placement, nu, nv, way, way)
    pixel = max(abs(float(placement[:3, 0] @ way)), abs(float(placement[:3, 1] @ way)), 1e-12)
    made: Array = np.clip((place - edge) / pixel + 0.5, 0.0, 1.0)
    return made


def _places(placement: Array, nu: int, nv: int, *ways: Array) -> tuple[Array, Array]:
    u, v = np.arange(nu)[:, None], np.arange(nv)[None, :]
    out = [
        float(placement[:3, 3] @ w) + float(placement[:3, 0] @ w) * u + float(placement[:3, 1] @ w) * v
        for w in ways
    ]
    return out[0], out[1]
