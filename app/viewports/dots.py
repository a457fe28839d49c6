"""Moving points where they pass a slice: dots in their colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports.cuts import Drawing, Plane
from app.viewports.motion import shades
from app.viewports.state import SceneItem, extent_of

Array = NDArray[Any]

_NEAR = 0.015
"""How far from the slice a point may be to be shown, in parts of the extent of all the motion; at least half a slice."""
_MOST = 3000
_COLORS = 64
"""Different colours at most; beyond, similar ones become one."""


def draw_trajectory(item: SceneItem, plane: Plane, thickness: float) -> tuple[Drawing, ...]:
    """The points near the plane at the moment that is shown; () where there is none."""
    data, display = item.data, item.display
    index = min(max(getattr(display, "index", 0), 0), len(data.times) - 1)
    transform = np.asarray(item.transform)
    places = np.asarray(data.positions[index], dtype=np.float64) @ transform[:3, :3].T + transform[:3, 3]
    point, normal = (np.asarray(v, dtype=float) for v in plane)
    reach = max(thickness / 2, _NEAR * extent_of(item))
    near = np.flatnonzero(np.abs((places - point) @ normal) <= reach)[:_MOST]
    if not near.size:
        return ()
    size = min(max(display.size, 3.0), 12.0)
    shade = shades(data, display)
    if shade is None:
        r, g, b = (min(max(float(c), 0.0), 1.0) for c in display.color)
        return (
            Drawing(
                np.zeros((0, 2, 3)),
                places[near],
                (r, g, b),
                display.opacity,
                size=size,
                name=item.name,
                item=item.id,
            ),
        )
    colors = shade.colors(index, near)
    if len(np.unique(colors, axis=0)) > _COLORS:
        colors = colors // 64 * 64 + 32
    unique, which = np.unique(colors, axis=0, return_inverse=True)
    return tuple(
        Drawing(
            np.zeros((0, 2, 3)),
            places[near[which.reshape(-1) == k]],
            (c[0] / 255, c[1] / 255, c[2] / 255),
            display.opacity,
            size=size,
            name=item.name,
            item=item.id,
        )
        for k, c in enumerate(unique.tolist())
    )
