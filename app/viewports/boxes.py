"""Boxes about objects: good for cameras, and never slow. NumPy only."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.viewports.items import SceneItem
from app.viewports.planes import box_corners
from core.data import Graph, Markup, Trajectory, Volume, bounds

Array = NDArray[Any]

_BOX_SAMPLES = 60_000
_CONTENT_SAMPLES = 32
"""Along each axis of a volume."""

_boxes: WeakKeyDictionary[Any, Array] = WeakKeyDictionary()
_moved: WeakKeyDictionary[Any, tuple[Array, Array]] = WeakKeyDictionary()
"""The transform with which an object was seen last, and its box there: asked for each item in each view at each edit."""
_contents: WeakKeyDictionary[Any, Array] = WeakKeyDictionary()


def box_of(item: SceneItem) -> Array:
    """(3, 2) world box of an object, from a sample of its points: good for cameras, and never slow."""
    known = _moved.get(item.data)
    if known is not None and known[0] is item.transform:
        return known[1]
    box = _boxes.get(item.data)
    if box is None:
        box = _data_box(item.data)
        _boxes[item.data] = box
    moved = moved_box(item.transform, box)
    moved.setflags(write=False)
    if not item.transform.flags.writeable:  # a document's: nobody changes it in place
        _moved[item.data] = (item.transform, moved)
    return moved


def extent_of(item: SceneItem) -> float:
    """The diagonal of its box; 1 for a single place."""
    return diagonal(box_of(item)) or 1.0


def box_of_all(items: tuple[SceneItem, ...]) -> Array | None:
    """(3, 2) box of all objects; a plane without size does not count where there is anything else."""
    return thick(around([box_of(i) for i in items])) if items else None


def around(boxes: list[Array]) -> Array:
    """(3, 2) box that holds all of some boxes, one at least."""
    every = np.array(boxes)
    return np.stack([every[:, :, 0].min(axis=0), every[:, :, 1].max(axis=0)], axis=1)


def _data_box(data: Any) -> Array:
    points = getattr(data, "points", None)
    if isinstance(data, Trajectory):
        points = data.positions.reshape(-1, 3)  # of all times: the camera does not follow what moves
    elif isinstance(data, Graph):
        points = data.positions
    if points is None or isinstance(data, Markup) or len(points) == 0:
        box = bounds(data)
        return np.zeros((3, 2)) if box is None else box
    sample = np.asarray(points[:: max(1, len(points) // _BOX_SAMPLES)], dtype=np.float64)
    sample = sample[np.isfinite(sample).all(axis=1)]
    if not len(sample):
        return np.zeros((3, 2))
    return np.stack([sample.min(axis=0), sample.max(axis=0)], axis=1)


def moved_box(transform: Array, box: Array) -> Array:
    corners = box_corners(box)
    moved = transform[:3, :3] @ corners + transform[:3, 3:]
    return np.stack([moved.min(axis=1), moved.max(axis=1)], axis=1)


def content_box(volume: Volume) -> Array:
    """(3, 2) box, in the volume's own world, of what is clearly above its darkest; from a coarse sub-grid."""
    known = _contents.get(volume)
    if known is not None:
        return known
    whole = bounds(volume)
    assert whole is not None
    # On the window's thread: no more than 32³ values are looked at, by functions that import nothing when first called.
    steps = [-(-n // _CONTENT_SAMPLES) for n in volume.array.shape[:3]]
    sample = volume.array[tuple(slice(s // 2, None, s) for s in steps)]
    sample = np.abs(np.asarray(sample[..., 0] if sample.ndim == 4 else sample))
    values = np.where(np.isfinite(sample), sample, 0).astype(np.float64)
    ordered = np.sort(values, axis=None)
    low, high = ordered[int(0.01 * (ordered.size - 1))], ordered[int(np.ceil(0.995 * (ordered.size - 1)))]
    inside = values > low + 0.15 * (high - low)
    found = [np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    box = whole
    if len(found[0]):
        first = np.array([max(f[0] * s - 1, -0.5) for f, s in zip(found, steps, strict=True)])
        last = [
            min((f[-1] + 1) * s, n - 0.5)
            for f, s, n in zip(found, steps, volume.array.shape[:3], strict=True)
        ]
        box = moved_box(volume.affine, np.stack([first, np.array(last)], axis=1))
    _contents[volume] = box
    return box


def thick(box: Array) -> Array:
    """Never without extent: a single point gets a unit box, a flat thing a little depth."""
    size = box[:, 1] - box[:, 0]
    least = size.max() * 1e-3 or 0.5
    grow = np.where(size < least, least / 2, 0)
    return np.stack([box[:, 0] - grow, box[:, 1] + grow], axis=1)


def diagonal(box: Array) -> float:
    return float(np.linalg.norm(box[:, 1] - box[:, 0]))
