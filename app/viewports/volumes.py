"""Volumes in 3-D by ray casting of a reduced 8-bit copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPiecewiseFunction
from vtkmodules.vtkRenderingCore import vtkColorTransferFunction, vtkVolume, vtkVolumeProperty
from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper
from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkSmartVolumeMapper

from app.viewports import arrays
from app.viewports.colors import table
from app.viewports.identity import serial
from app.viewports.notes import Notes, legend_wanted, volume_legend
from app.viewports.opacity import curve_of
from app.viewports.presenter import SMALL, Presenter
from app.viewports.reduced import DRAG_VOXELS, Reduced, is_reduced, reduced
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.stats import volume_stats, window_of

Array = NDArray[Any]


class VolumePresenter(Presenter):
    """Keeps one volume's prop in step with its display."""

    _dragging = False
    _coarse: Any = None
    _index = 0

    def prepare(self, item: SceneItem) -> Callable[[], Any] | None:
        """The reduced copies, which take a while."""
        volume, index, most = item.data, item.display.index, self.device.voxels
        if volume.array.size < SMALL or is_reduced(volume, index, most):
            return None

        def work() -> None:
            volume_stats(volume, index)
            copy = reduced(volume, index, most)
            if self.device.software and copy.array.size > 2 * DRAG_VOXELS:
                reduced(volume, index, DRAG_VOXELS)

        return work

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Mappers for the whole copy and, on software, for a coarse one."""
        self._dragging, self._index = False, item.display.index
        self._cast(item)

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """A new mapper is needed when one of these changes."""
        # Another time of a ray-cast volume is other data for the same mapper.
        return serial(item.data), -1 if item.data.last_axis == "time" else item.display.index

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Transfer functions, opacity, placement."""
        display = item.display
        if display.index != self._index:
            self._turn_to(item)
        placement = item.transform @ self._reduced.placement
        placement[:3, 3] -= state.origin
        self.prop.SetUserMatrix(arrays.matrix(placement))
        window = window_of(item.data, display)
        scale = min(max(display.opacity, 0.0), 1.0)
        color, opacity = vtkColorTransferFunction(), vtkPiecewiseFunction()
        lut = table(display.colormap)
        for k in range(0, 256, 5):
            value = window[0] + (window[1] - window[0]) * k / 255
            r, g, b = _lifted(lut[k], "" if display.preset == "mip" else display.colormap)
            color.AddRGBPoint(self._reduced.code(value), r, g, b)
        last = -np.inf
        for value, alpha in curve_of(item.data, display):
            # Two corners of one value make a step; VTK would keep the second only.
            place = max(self._reduced.code(value), last + 1e-3)
            opacity.AddPoint(place, alpha * scale)
            last = place
        if legend_wanted(item, False):
            notes.legends.append(volume_legend(item, *window, whole=True))
        look = self.prop.GetProperty()
        look.SetColor(color)
        look.SetScalarOpacity(opacity)
        look.SetScalarOpacityUnitDistance(float(self._reduced.spacing.min()))
        brightest = display.preset == "mip"
        look.SetShade(display.shade and not brightest)
        for mapper in (self._mapper, self._coarse):
            if mapper is not None:
                if brightest:
                    mapper.SetBlendModeToMaximumIntensity()
                else:
                    mapper.SetBlendModeToComposite()

    def drag(self, interactive: bool) -> None:
        """A coarse copy while the camera moves; on a GPU the full one is quick enough."""
        if self._coarse is not None and interactive != self._dragging:
            self._dragging = interactive
            self.prop.SetMapper(self._coarse if interactive else self._mapper)

    def mappers(self) -> list[Any]:
        """Both, whichever is in use."""
        return [m for m in (self._mapper, self._coarse) if m is not None]

    def over(self, item: SceneItem) -> bool:
        """It lies below what is translucent, which it would not let through."""
        return False

    def _cast(self, item: SceneItem) -> None:
        self._reduced = reduced(item.data, item.display.index, self.device.voxels)
        self._mapper = self._make_mapper(self._reduced)
        self._coarse = None
        if self.device.software and self._reduced.array.size > 2 * DRAG_VOXELS:
            rough = reduced(item.data, item.display.index, DRAG_VOXELS)
            # Both copies share one placement: the coarse one is shifted by its own image origin.
            mapper = self._make_mapper(rough, self._reduced)
            self._coarse = mapper
        self.prop = vtkVolume()
        self.prop.SetMapper(self._mapper)
        look = vtkVolumeProperty()
        look.SetAmbient(0.12)
        look.SetDiffuse(0.95)
        look.SetSpecular(0.18)
        look.SetSpecularPower(18)
        look.SetInterpolationTypeToLinear()
        self.prop.SetProperty(look)

    def _turn_to(self, item: SceneItem) -> None:
        """Another frame in the mappers that are there."""
        self._index = item.display.index
        self._reduced = reduced(item.data, self._index, self.device.voxels)
        self._mapper.SetInputData(self._reduced.image())
        if self._coarse is not None:
            rough = reduced(item.data, self._index, DRAG_VOXELS)
            self._coarse.SetInputData(self._shifted(rough, self._reduced))

    def _make_mapper(self, copy: Reduced, like: Reduced | None = None) -> Any:
        image = copy.image() if like is None else self._shifted(copy, like)
        if self.device.software:
            mapper: Any = vtkFixedPointVolumeRayCastMapper()
            spacing = float(copy.spacing.min())
            mapper.SetAutoAdjustSampleDistances(like is not None)
            mapper.SetImageSampleDistance(1.0)
            mapper.SetMinimumImageSampleDistance(1.0)
            mapper.SetMaximumImageSampleDistance(3.0)
            mapper.SetSampleDistance(spacing * 0.5)
            mapper.SetInteractiveSampleDistance(spacing)
        else:
            mapper = vtkSmartVolumeMapper()
            mapper.SetRequestedRenderModeToDefault()
            mapper.SetAutoAdjustSampleDistances(True)
        mapper.SetInputData(image)
        return mapper

    @staticmethod
    def _shifted(copy: Reduced, like: Reduced) -> vtkImageData:
        """The image of one copy in the placement of another."""
        image = copy.image()
        image.SetOrigin(*np.linalg.solve(like.placement, copy.placement)[:3, 3])
        return image


def _lifted(rgb: Array, colormap: str) -> tuple[float, float, float]:
    """Gray is lifted off black: darkness in a lit surface should come from its shape."""
    r, g, b = (float(c) / 255 for c in rgb)
    if colormap.lower() in ("gray", "grey"):
        r = g = b = 0.30 + 0.66 * r
    return r, g, b
