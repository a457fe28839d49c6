"""Outlines of labels along voxel edges: bands inside each label's own region, as rectangles. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Edges:
    """Straight runs of voxel edges at which a label ends.

    `ends` (n, 4) int: first and last u, first and last v of the run's pixels; `side` (n,): 0 and 1 the side towards
    smaller and larger u, 2 and 3 towards smaller and larger v; `label` (n,); `bent` (n, 2): whether at the run's start
    and end the label goes on, and its edge turns outwards; else it turns inwards.
    """

    ends: Array
    side: Array
    label: Array
    bent: Array


def edges_of(labels: Array) -> Edges:
    """The edges of a (nu, nv) picture of labels; 0 and what is not a number belong to none."""
    values = np.asarray(labels)
    if values.dtype.kind == "f":
        values = np.round(np.where(np.isfinite(values), values, 0)).astype(np.int64)
    ends, sides, found, bends = [], [], [], []
    for side in range(4):
        turned = values if side < 2 else values.T  # runs go along the second axis
        place, start, stop, bent = _runs(turned[::-1] if side % 2 else turned)
        if side % 2:
            place = len(turned) - 1 - place
        across, along = np.stack([place, place], axis=1), np.stack([start, stop], axis=1)
        ends.append(np.concatenate([across, along] if side < 2 else [along, across], axis=1))
        sides.append(np.full(len(place), side))
        found.append(turned[place, start])
        bends.append(bent)
    return Edges(np.concatenate(ends), np.concatenate(sides), np.concatenate(found), np.concatenate(bends))


def bands(edges: Edges, width: tuple[float, float]) -> Array:
    """(n, 4, 2) corners (u, v) of the rectangles, `width` along u and v, in pixels of the picture."""
    wide, high = (min(w, 0.5) for w in width)  # a label one voxel wide keeps its two sides apart
    u0, u1 = edges.ends[:, 0] - 0.5, edges.ends[:, 1] + 0.5
    v0, v1 = edges.ends[:, 2] - 0.5, edges.ends[:, 3] + 0.5
    u1 = np.where(edges.side == 0, u0 + wide, u1)
    u0 = np.where(edges.side == 1, u1 - wide, u0)
    v1 = np.where(edges.side == 2, v0 + high, v1)
    v0 = np.where(edges.side == 3, v1 - high, v0)
    # Where two bands meet, one of them has the corner: nothing is painted twice, and no gap is left.
    along_v = edges.side < 2
    v0 = np.where(along_v, v0 - high * edges.bent[:, 0], v0)
    v1 = np.where(along_v, v1 + high * edges.bent[:, 1], v1)
    u0 = np.where(along_v, u0, u0 + wide * ~edges.bent[:, 0])
    u1 = np.where(along_v, u1, u1 - wide * ~edges.bent[:, 1])
    return np.stack([np.stack(c, axis=1) for c in ((u0, v0), (u1, v0), (u1, v1), (u0, v1))], axis=1)


def _runs(values: Array) -> tuple[Array, Array, Array, Array]:
    """(place, first, last, bent) of runs along axis 1 whose neighbour at smaller index of axis 0 is another label."""
    other = np.ones(values.shape, dtype=bool)
    other[1:] = values[1:] != values[:-1]
    edge = other & (values != 0)
    same = np.zeros((values.shape[0], values.shape[1] + 1), dtype=bool)
    same[:, 1:-1] = values[:, 1:] == values[:, :-1]
    joined = np.zeros_like(same)
    joined[:, 1:-1] = same[:, 1:-1] & edge[:, 1:] & edge[:, :-1]
    place, first = np.nonzero(edge & ~joined[:, :-1])
    _, last = np.nonzero(edge & ~joined[:, 1:])
    bent = np.stack([same[place, first], same[place, last + 1]], axis=1)
    return place, first, last, bent
