"""Which points of a 3-D view lie behind a surface. Geometry alone; asks the search structures that picking uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from app.viewports import search
from app.viewports.state import Resolved3D
from core.data import Mesh

Array = NDArray[Any]
MOST = 64
"""Points that are looked at; of more, none is dimmed: it must not cost a frame."""
_MARGIN = 0.004
"""Part of the way to the camera that a point may lie below a surface: those that were placed on it do."""
_last: list[tuple[Any, bytes, Array]] = []
"""The answer given last: a view is painted many times while its picture stays the same."""


def hidden(state: Resolved3D, points: Sequence[Array]) -> Array:
    """(n,) bool: an opaque surface stands between the camera and the point."""
    if state.interactive or not 0 < len(points) <= MOST:
        return np.zeros(len(points), dtype=bool)
    key = np.array(points).tobytes()
    if _last and _last[0][0]() is state and _last[0][1] == key:
        return _last[0][2]
    out = _hidden(state, points)
    _last[:] = [(ref(state), key, out)]
    return out


def _hidden(state: Resolved3D, points: Sequence[Array]) -> Array:
    out = np.zeros(len(points), dtype=bool)
    eye, back = np.asarray(state.camera.position, dtype=float), state.camera.frame()[2]
    for item in state.items:
        if not isinstance(item.data, Mesh) or not len(item.data.faces) or item.display.opacity < 0.95:
            continue
        tree = search.face_tree(item.data, wait=False)
        matrix = np.asarray(item.transform, dtype=np.float64)
        if tree is None or abs(np.linalg.det(matrix[:3, :3])) < 1e-300:
            continue
        inverse = np.linalg.inv(matrix)
        for k, point in enumerate(points):
            if out[k]:
                continue
            start = eye
            if state.camera.parallel:
                start = point + back * float((eye - point) @ back)
            end = point + _MARGIN * (start - point)
            if state.clip is not None:
                # What the clip plane cuts away hides nothing.
                way = end - start
                length = float(np.linalg.norm(way))
                low, high = state.clip.span(start, way / max(length, 1e-300))
                first, last = max(low, 0.0), min(high, length)
                if first >= last:
                    continue
                start, end = start + first / length * way, start + last / length * way
            a, b = (inverse[:3, :3] @ p + inverse[:3, 3] for p in (start, end))
            out[k] = tree.first(a, b) is not None
    return out
