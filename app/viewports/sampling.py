"""The values of a volume on a slice plane: voxel for voxel where its planes lie in it, resampled where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkImagingCore import vtkImageReslice

from app.viewports import arrays
from app.viewports.identity import serial
from app.viewports.planes import Slab, box_corners, cross
from app.viewports.projections import Projection, projected
from app.viewports.state import ResolvedSlice, SceneItem
from app.viewports.stats import frame_of

Array = NDArray[Any]

_AT_ONCE = 500_000
"""Samples of an oblique slab that one call of VTK takes: some 10 ms."""
_PATIENCE = 0.015
"""Seconds after which somebody else has a turn."""
_HURRIED = 3
"""Planes to either side while a slab is moved."""
_WORD = 16
"""Bytes of a row of neighbouring planes that are read at once."""
_BLOCK = (500_000, 64_000_000)
"""Bytes of such planes: smaller ones are quick anyway, larger ones would take much memory."""


def plane_axis(state: ResolvedSlice, item: SceneItem) -> int | None:
    """The array axis of `item` whose voxel planes lie in the slice, None where they are tilted against it."""
    affine = item.affine
    for axis in range(3):
        others = [affine[:3, a] / np.linalg.norm(affine[:3, a]) for a in range(3) if a != axis]
        extents = [item.data.array.shape[a] for a in range(3) if a != axis]
        # Off the plane by less than a tenth of a voxel over the whole field of view.
        if all(abs(o @ np.asarray(state.toward)) * n < 0.1 for o, n in zip(others, extents, strict=True)):
            return axis
    return None


class Block:
    """Neighbouring planes of one volume, for steps along the axis that runs fastest in memory.

    There every value of a plane lies in another line of the processor's cache, beside those of the planes next to it:
    a few planes take no longer than one.
    """

    def __init__(self) -> None:
        self._key: tuple[int, int] | None = None
        self._values: Array = np.zeros(0)

    def plane(self, array: Array, axis: int, index: int) -> Array | None:
        """(nu, nv) plane `index` of a (n, n, n) array, which must be the same each time; None where that does not help."""
        size = array.dtype.itemsize
        count, rows = _WORD // max(size, 1), array.size // max(array.shape[axis], 1)
        fits = size in (1, 2, 4, 8) and array.strides[axis] == size and array.shape[axis] >= count
        if array.ndim != 3 or not fits or not _BLOCK[0] <= rows * _WORD <= _BLOCK[1]:
            return None
        first = min(index - index % count, array.shape[axis] - count)
        if self._key != (axis, first):
            part = np.moveaxis(array, axis, -1)[..., first : first + count]
            words = part.view(np.complex128)[..., 0]  # any type of so many bytes: they are moved as one
            self._values = np.ascontiguousarray(words.T)[..., None].view(array.dtype)
            self._key = axis, first
        return self._values[..., index - first].T


def aligned(
    item: SceneItem, axis: int, planes: tuple[int, int, int], slab: Slab | None, block: Block | None = None
) -> tuple[Array, Array]:
    """((nu, nv[, c]) values of a voxel plane, (4, 4) picture coordinates -> world).

    `planes`: the first and last of a slab about the one in the middle, whose place the picture has.
    """
    first, index, last = planes
    chosen = index if slab is None else slice(first, last + 1)
    pixels = None
    if slab is None and block is not None and item.data.array.ndim == 3:
        pixels = block.plane(item.data.array, axis, index)
    if pixels is None:
        # A view: np.take would first copy a whole volume whose first axis runs fastest.
        part = tuple(chosen if a == axis else slice(None) for a in range(3))
        pixels = frame_of(item.data, item.display.index, part)
    if slab is not None:
        pixels = projected(pixels, axis, slab.mode)
    u, v = (a for a in range(3) if a != axis)
    affine = item.affine
    placement = np.eye(4)
    placement[:3, 0], placement[:3, 1] = affine[:3, u], affine[:3, v]
    normal = cross(affine[:3, u], affine[:3, v])
    placement[:3, 2] = normal / np.linalg.norm(normal)
    placement[:3, 3] = affine[:3, 3] + index * affine[:3, axis]
    return pixels, placement


def grid_of(state: ResolvedSlice, item: SceneItem) -> tuple[Array, tuple[Any, ...]]:
    """Pixel grid on the slice that covers the volume: (4, 4) grid -> world, and (nu, nv, rounded height, …)."""
    shape = np.array(item.data.array.shape[:3])
    affine = item.affine
    corners = box_corners([(-0.5, n - 0.5) for n in shape])
    local = state.frame() @ (affine[:3, :3] @ corners + affine[:3, 3:])
    spacing = float(np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).min())
    low, high = local[:2].min(axis=1), local[:2].max(axis=1)
    spacing = max(spacing, float((high - low).max()) / 1024)
    if coarse(state):
        spacing *= 2
    nu, nv = (max(1, int(np.ceil(e / spacing)) + 1) for e in high - low)
    height = float(np.dot(state.origin, state.toward))
    frame = state.frame()
    placement = np.eye(4)
    placement[:3, 0], placement[:3, 1], placement[:3, 2] = frame[0] * spacing, frame[1] * spacing, frame[2]
    placement[:3, 3] = frame.T @ [low[0], low[1], height]
    return placement, (nu, nv, round(height, 6), state.right, state.up)


def coarse(state: ResolvedSlice) -> bool:
    """Whether speed counts before quality: tilted planes that are being moved."""
    return state.interactive and state.oblique


class Sampler:
    """Samples of one volume that is tilted against the slice, as floats; outside is NaN. Used by one thread.

    What takes long is done in parts, from the slice outwards, so that nothing waits for a thick slab.
    """

    def __init__(self) -> None:
        self._images: list[Any] = []
        self._of: tuple[int, int] | None = None
        self._key: tuple[Any, ...] | None = None
        self._work: Iterator[tuple[Array, bool]] | None = None
        self._placement: Array = np.eye(4)

    def sample(
        self,
        key: tuple[Any, ...],
        state: ResolvedSlice,
        item: SceneItem,
        smooth: bool,
        slab: Slab | None,
    ) -> tuple[Array, Array, bool]:
        """Like `aligned`, and whether that is all; else the same call with the same `key` goes on."""
        if key != self._key or self._work is None:
            self._placement, (nu, nv, *_) = grid_of(state, item)
            self._work = self._parts(state, item, (nu, nv), smooth, slab)
            self._key = key
        done, end = False, perf_counter() + _PATIENCE
        while not done:
            values, done = next(self._work)
            if state.progressive and perf_counter() > end:
                break
        if done:
            self._work = None
        return values, self._placement, done

    def _parts(
        self, state: ResolvedSlice, item: SceneItem, size: tuple[int, int], smooth: bool, slab: Slab | None
    ) -> Iterator[tuple[Array, bool]]:
        """(nu, nv[, c]) from more and more planes of the slab, and whether from all."""
        placement, (nu, nv) = self._placement, size
        images = self._read(item)
        spacing = float(np.linalg.norm(placement[:3, 0]))
        first, last, apart = _stack(state, item, slab, spacing)
        to_index = np.linalg.inv(item.affine) @ placement
        readers = []
        for image, order in images:
            reslice = vtkImageReslice()
            reslice.SetInputData(image)
            reslice.SetResliceAxes(arrays.matrix(to_index[[*order, 3]]))
            reslice.SetOutputSpacing(1, 1, apart)
            reslice.SetOutputOrigin(0, 0, 0)
            reslice.SetOutputScalarType(10)  # VTK_FLOAT: only floats can say "not a number"
            reslice.SetBackgroundLevel(float("nan"))
            if smooth and not coarse(state):
                reslice.SetInterpolationModeToLinear()
            else:
                reslice.SetInterpolationModeToNearestNeighbor()
            readers.append(reslice)
        sums = [Projection(slab.mode if slab is not None else "max") for _ in readers]
        at_once = max(1, _AT_ONCE // (nu * nv * len(readers)))
        runs = _outwards(first, last, at_once)
        for start, end in runs:
            for reslice, projection in zip(readers, sums, strict=True):
                reslice.SetOutputExtent(0, nu - 1, 0, nv - 1, start, end)
                reslice.Update()
                scalars = vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars())
                for plane in scalars.reshape(end - start + 1, nv, nu):
                    projection.add(plane)
            planes = [p.result().T for p in sums]
            values = np.stack(planes, axis=-1) if item.data.rgb else planes[0]
            yield values, (start, end) == runs[-1]

    def _read(self, item: SceneItem) -> list[Any]:
        shown = (serial(item.data), item.display.index)
        if self._of != shown:
            frame = frame_of(item.data, item.display.index)
            channels = [frame[..., c] for c in range(frame.shape[3])] if frame.ndim == 4 else [frame]
            self._images, self._of = [arrays.image3d(c) for c in channels], shown
        return self._images


def _stack(
    state: ResolvedSlice, item: SceneItem, slab: Slab | None, spacing: float
) -> tuple[int, int, float]:
    """(first, last, distance) of the planes of an oblique slab, a voxel apart, as far as the volume reaches; while it
    is moved, few."""
    if slab is None:
        return 0, 0, 1.0
    reach = slab.planes(spacing)
    if coarse(state) and reach > _HURRIED:
        return -_HURRIED, _HURRIED, spacing * reach / _HURRIED
    affine = item.affine
    corners = affine[:3, :3] @ box_corners([(-0.5, n - 0.5) for n in item.data.array.shape[:3]])
    toward = np.asarray(state.toward)
    heights = (corners + affine[:3, 3:]).T @ toward - float(toward @ np.asarray(state.origin))
    first, last = int(np.ceil(heights.min() / spacing)), int(np.floor(heights.max() / spacing))
    first, last = max(first, -reach), min(last, reach)
    return (first, last, spacing) if first <= last else (0, 0, spacing)


def _outwards(first: int, last: int, at_once: int) -> list[tuple[int, int]]:
    """Runs of at most `at_once` whole numbers from `first` to `last`, those about zero first."""
    runs = [(start, min(start + at_once - 1, last)) for start in range(first, last + 1, at_once)]
    return sorted(runs, key=lambda r: max(r[0], -r[1], 0))
