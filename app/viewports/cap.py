"""What a clip plane lays bare of a volume: its values on the cut, as in a slice.

Ray casting shades a cut by gradients that are noise inside tissue; the values themselves say what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkTexture

from app.viewports import arrays
from app.viewports.awaited import AwaitedPresenter
from app.viewports.clip import ClipPlane, across, outline
from app.viewports.colors import colorize
from app.viewports.device import Device
from app.viewports.identity import serial
from app.viewports.notes import Notes
from app.viewports.opacity import curve_of, evaluate
from app.viewports.state import Resolved3D, SceneItem, box_of
from app.viewports.stats import frame_of, volume_stats, window_of
from core.geometry import voxel_sizes

Array = NDArray[Any]

_PIXELS = 640
"""Along the longer side of the cut."""
_SEEN = 0.02
"""Opacity from which on a value is shown on the cut."""


@dataclass(frozen=True, eq=False)
class Cap:
    """A picture `rgba` (u, v, 4) uint8 on the rectangle with these `corners` (4, 3) in the world."""

    rgba: Array
    corners: Array


def make_cap(item: SceneItem, plane: ClipPlane, pixels: int = _PIXELS) -> Cap | None:
    """The cut through a volume; None where the plane misses it."""
    from scipy.ndimage import map_coordinates

    volume, display = item.data, item.display
    shape = outline(plane, box_of(item))
    if not len(shape):
        return None
    first, second = across(plane)
    origin = np.asarray(plane.origin)
    flat = (shape - origin) @ np.stack([first, second]).T
    low, high = flat.min(axis=0), flat.max(axis=0)
    step = max(float((high - low).max()) / pixels, 0.5 * float(voxel_sizes(item.affine).min()), 1e-12)
    nu, nv = (max(2, int(np.ceil(s / step)) + 1) for s in high - low)
    u, v = (low[k] + np.arange(n) * step for k, n in enumerate((nu, nv)))
    points = origin + u[:, None, None] * first + v[None, :, None] * second
    inverse = np.linalg.inv(item.affine)
    voxels = np.moveaxis(points @ inverse[:3, :3].T + inverse[:3, 3], -1, 0)
    frame = frame_of(volume, display.index)
    if np.iscomplexobj(frame):
        frame = np.abs(frame)
    sides = np.array(frame.shape[:3]).reshape(3, 1, 1)
    inside = ((voxels >= -0.5) & (voxels <= sides - 0.5)).all(axis=0)
    values = map_coordinates(frame, voxels, output=np.float32, order=1, mode="nearest")
    if display.render == "surface":
        level = display.surface_level
        seen = values >= (volume_stats(volume, display.index).threshold if level is None else level)
    else:
        seen = evaluate(curve_of(volume, display), values) > _SEEN
    rgba = colorize(values, *window_of(volume, display), display.colormap)
    rgba[..., 3] = np.where(seen & inside, 255, 0)
    corners = np.array(
        [
            origin + a * first + b * second
            for a, b in ((u[0], v[0]), (u[-1], v[0]), (u[-1], v[-1]), (u[0], v[-1]))
        ]
    )
    return Cap(rgba, corners)


class CapPresenter(AwaitedPresenter[Cap]):
    """The cut of one volume."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._plane: ClipPlane | None = None

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """A quad without a picture as yet."""
        self._texture = vtkTexture()
        self._texture.InterpolateOn()
        self._mapper = vtkPolyDataMapper()
        self._mapper.SetInputData(vtkPolyData())
        self.prop = vtkActor()
        self.prop.SetMapper(self._mapper)
        self.prop.GetProperty().LightingOff()
        self.prop.ForceOpaqueOn()

    def update(
        self, item: SceneItem, state: Resolved3D, notes: Notes, below: vtkRenderer, above: vtkRenderer
    ) -> None:
        """Another plane is another style."""
        if state.clip != self._plane:
            self._plane, self._style = state.clip, None
        super().update(item, state, notes, below, above)

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Ask for the cut at the plane that there is now."""
        plane = state.clip
        assert plane is not None
        moved = not np.array_equal(self._origin, state.origin)
        key = (serial(item.data), item.transform.tobytes(), item.display, plane)
        self._want(key, lambda: make_cap(item, plane), state)
        if moved and self._made is not None:
            self._place(self._made)

    def cut(self, plane: Any) -> None:
        """It lies in the plane itself."""

    def _show(self, made: Cap | None) -> None:
        self.prop.SetVisibility(made is not None)
        if made is not None:
            self._texture.SetInputData(arrays.image2d(made.rgba.transpose(1, 0, 2)))
            self.prop.SetTexture(self._texture)
            self._place(made)

    def _place(self, cap: Cap) -> None:
        poly = vtkPolyData()
        poly.SetPoints(arrays.points(cap.corners - self._origin))
        poly.SetPolys(arrays.cells(np.array([[0, 1, 2, 3]], dtype=np.int32)))
        places = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
        poly.GetPointData().SetTCoords(arrays.data_array(places))
        self._mapper.SetInputData(poly)
