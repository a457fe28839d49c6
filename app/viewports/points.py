"""Point clouds in 3-D: shuffled once, drawn as a prefix, so that any number of points stays fluid."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPointGaussianMapper

from app.viewports import arrays
from app.viewports.notes import Notes
from app.viewports.presenter import Presenter
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.surfaces import attribute_colors, local_points, placed
from core.data import Domain

Array = NDArray[Any]

_SHUFFLE_FROM = 50_000
_orders: WeakKeyDictionary[Any, Array | None] = WeakKeyDictionary()


def shuffled_order(data: Any, n: int) -> Array | None:
    """A fixed permutation: every prefix of it is a uniform sample. None where all points are always drawn."""
    if data not in _orders:
        _orders[data] = (
            np.random.default_rng(0).permutation(n).astype(np.int32) if n > _SHUFFLE_FROM else None
        )
    return _orders[data]


class PointsPresenter(Presenter):
    """Points as GL points."""

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Only other data means other geometry."""
        return (id(item.data),)

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Shuffled local coordinates; no cells are needed."""
        positions = item.data.points
        self._n = len(positions)
        order = shuffled_order(item.data, self._n)
        self._order = order if order is None else order[: self.device.rest_points]
        self._points, self._offset = local_points(
            positions if self._order is None else positions[self._order]
        )
        self._count = len(self._points)
        if self._count < self._n:
            notes.infos.append(f"{item.name}: {_grouped(self._count)} of {_grouped(self._n)} points drawn")
        self._colors: Array | None = None
        self._shown = 0
        self._poly = vtkPolyData()
        self._mapper = vtkPointGaussianMapper()
        self._mapper.EmissiveOff()
        self._mapper.SetScaleFactor(0.0)
        self._mapper.SetInputData(self._poly)
        self.prop = vtkActor()
        self.prop.SetMapper(self._mapper)
        self.budget = self.device.drag_points

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Colours, size, placement."""
        display = item.display
        look = self.prop.GetProperty()
        look.SetColor(*display.color)
        look.SetOpacity(min(max(display.opacity, 0.0), 1.0))
        look.SetPointSize(max(1.0, display.size * state.dpr))
        colors = self._colors = attribute_colors(item, self._n, Domain.POINT, notes, self._order)
        self._mapper.SetColorModeToDirectScalars()
        self._mapper.SetScalarVisibility(colors is not None)
        self.prop.SetUserMatrix(placed(item, state, self._offset))
        self._shown = 0

    def drag(self, interactive: bool) -> None:
        """The whole cloud at rest, a prefix that holds the frame rate while something moves."""
        n = min(self._count, self.budget) if interactive else self._count
        if n != self._shown:
            self._poly.SetPoints(arrays.points(self._points[:n]))
            self._poly.GetPointData().SetScalars(
                None if self._colors is None else arrays.data_array(self._colors[:n])
            )
            self._poly.Modified()
            self._shown = n

    def measured(self, seconds: float, wanted: float = 0.04) -> None:
        """Adapt the drag budget to a measured frame; only by clear steps, so that the prefix stays put."""
        ideal = int(self._shown * wanted / max(seconds, 1e-4))
        if not 0.6 * self.budget < ideal < 1.8 * self.budget:
            self.budget = min(max(ideal, 20_000), 50_000_000)


def _grouped(n: int) -> str:
    return f"{n:,}".replace(",", "\u202f")
