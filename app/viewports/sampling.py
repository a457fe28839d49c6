"""The values of a volume on a slice plane: voxel for voxel where its planes lie in it, resampled where they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkImagingCore import vtkImageReslice

from app.viewports import arrays
from app.viewports.planes import Slab, box_corners, cross
from app.viewports.projections import Projection, projected
from app.viewports.state import ResolvedSlice, SceneItem
from app.viewports.stats import frame_of

Array = NDArray[Any]

_AT_ONCE = 16
"""Planes of an oblique slab in memory at a time."""


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


def aligned(
    item: SceneItem, axis: int, planes: tuple[int, int, int], slab: Slab | None
) -> tuple[Array, Array]:
    """((nu, nv[, c]) values of a voxel plane, (4, 4) picture coordinates -> world).

    `planes`: the first and last of a slab about the one in the middle, whose place the picture has.
    """
    first, index, last = planes
    frame = frame_of(item.data, item.display.index)
    if slab is None:
        # A view: np.take would first copy a whole volume whose first axis runs fastest.
        pixels = frame[tuple(index if a == axis else slice(None) for a in range(3))]
    else:
        pixels = projected(
            frame[tuple(slice(first, last + 1) if a == axis else slice(None) for a in range(3))],
            axis,
            slab.mode,
        )
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


def resliced(
    known: dict[str, Any], state: ResolvedSlice, item: SceneItem, smooth: bool, slab: Slab | None
) -> tuple[Array, Array]:
    """Like `aligned` for a volume that is tilted against the slice; outside is NaN. `known` keeps what VTK reads from."""
    placement, (nu, nv, *_) = grid_of(state, item)
    frame = frame_of(item.data, item.display.index)
    colors = frame.shape[3] if frame.ndim == 4 else 0
    shown = (id(item.data), item.display.index)
    if known.get("of") != shown:
        channels = [frame[..., c] for c in range(colors)] if colors else [frame]
        known.update(of=shown, images=[arrays.image3d(c) for c in channels])
    first, last, apart = _stack(slab, float(np.linalg.norm(placement[:3, 0])), coarse(state))
    planes = []
    for image, order in known["images"]:
        to_index = np.linalg.inv(item.affine) @ placement
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
        projection = Projection(slab.mode if slab is not None else "max")
        for start in range(first, last + 1, _AT_ONCE):  # a thick slab at once would need gigabytes
            end = min(start + _AT_ONCE - 1, last)
            reslice.SetOutputExtent(0, nu - 1, 0, nv - 1, start, end)
            reslice.Update()
            scalars = vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars())
            for plane in scalars.reshape(end - start + 1, nv, nu):
                projection.add(plane)
        planes.append(projection.result().T)
    return (np.stack(planes, axis=-1) if colors else planes[0]), placement


def _stack(slab: Slab | None, spacing: float, quick: bool) -> tuple[int, int, float]:
    """(first, last, distance) of the planes of an oblique slab: a voxel apart, or as many as there is time for."""
    if slab is None:
        return 0, 0, 1.0
    reach, most = slab.planes(spacing), 6 if quick else 32
    if reach <= most:
        return -reach, reach, spacing
    return -most, most, spacing * reach / most
