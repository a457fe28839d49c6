"""Point clouds in 3-D: shuffled once, drawn as a prefix, so that any number of points stays fluid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPointGaussianMapper

from app.viewports import arrays
from app.viewports.identity import serial
from app.viewports.notes import Notes
from app.viewports.presenter import Presenter
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.surfaces import attribute_colors, local_points, placed
from core.data import Domain

Array = NDArray[Any]

_SHUFFLE_FROM = 50_000
_shuffled: WeakKeyDictionary[Any, dict[int, tuple[Array | None, Array, Array]]] = WeakKeyDictionary()
_SQUARE = """//VTK::Color::Impl
  if (max(abs(offsetVCVSOutput.x), abs(offsetVCVSOutput.y)) > 1.0) { discard; }
"""
_DISC = """//VTK::Color::Impl
  if (dot(offsetVCVSOutput.xy, offsetVCVSOutput.xy) > 1.0) { discard; }
"""
"""Splats without the soft rim of VTK's own, which would have to be sorted."""


def shuffled_order(n: int, most: int) -> Array | None:
    """The first `most` of a fixed permutation of n: every prefix of it is a uniform sample. None where all points are
    always drawn."""
    if n <= _SHUFFLE_FROM:
        return None
    order = np.arange(n, dtype=np.int32)
    np.random.default_rng(0).shuffle(order)
    return order[:most].copy() if most < n else order


class PointsPresenter(Presenter):
    """Points as squares or discs of one size on the screen, or as discs of one size in space."""

    budget = 0
    """Points that a picture may hold while something moves; at rest, software adds as many at a time."""

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Only other data means other geometry."""
        return (serial(item.data),)

    def prepare(self, item: SceneItem) -> Callable[[], Any] | None:
        """Shuffling millions takes a while."""
        most = self.device.rest_points
        if most in _shuffled.get(item.data, {}) or len(item.data.points) <= _SHUFFLE_FROM:
            return None
        return lambda: shuffled_points(item.data, most)

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Shuffled local coordinates; no cells are needed."""
        self._n = len(item.data.points)
        self._order, self._points, self._offset = shuffled_points(item.data, self.device.rest_points)
        self.count = len(self._points)
        if self.count < self._n:
            notes.infos.append(f"{item.name}: {_grouped(self.count)} of {_grouped(self._n)} points drawn")
        self._colors: Array | None = None
        self._shown = (0, 0)
        self._poly = vtkPolyData()
        self._mapper = vtkPointGaussianMapper()
        self._mapper.EmissiveOff()
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
        look.SetRenderPointsAsSpheres(display.round and display.splat is None)
        if display.splat is not None and display.splat > 0:
            self._mapper.SetScaleFactor(float(display.splat) / 2)
            self._mapper.SetSplatShaderCode(_DISC if display.round else _SQUARE)
            # How far the triangle reaches that each splat is cut from.
            self._mapper.SetBoundScale(2.0 if display.round else 3.0)
        else:
            self._mapper.SetScaleFactor(0.0)
        colors = self._colors = attribute_colors(item, self._n, Domain.POINT, notes, self._order)
        self._mapper.SetColorModeToDirectScalars()
        self._mapper.SetScalarVisibility(colors is not None)
        self.prop.SetUserMatrix(placed(item, state, self._offset))
        self._shown = (0, 0)

    @property
    def shown_to(self) -> int:
        """How many points of the order are in the picture."""
        return self._shown[1]

    def drag(self, interactive: bool) -> None:
        """While something moves: a prefix that holds the frame rate. At rest the scene says what is shown."""
        if interactive:
            self.show(0, min(self.count, self.budget))

    def show(self, first: int, last: int) -> None:
        """Draw these of the shuffled points."""
        last = min(last, self.count)
        if (first, last) != self._shown:
            self._poly.SetPoints(arrays.points(self._points[first:last]))
            self._poly.GetPointData().SetScalars(
                None if self._colors is None else arrays.data_array(self._colors[first:last])
            )
            self._poly.Modified()
            self._shown = (first, last)

    def measured(self, seconds: float, wanted: float = 0.035) -> None:
        """Adapt the budget to a measured frame; only by clear steps, so that the prefix stays put."""
        drawn = self._shown[1] - self._shown[0]
        if drawn < min(self.budget, self.count) // 2:
            return  # a rest of a few points says nothing
        ideal = int(drawn * wanted / max(seconds, 1e-4))
        if not 0.6 * self.budget < ideal < 1.8 * self.budget:
            self.budget = min(max(ideal, 20_000), 60_000_000)


def shuffled_points(data: Any, most: int) -> tuple[Array | None, Array, Array]:
    """(order or None, (k, 3) float32, (3,) offset) of a cloud, at most `most` points of it; made once."""
    known = _shuffled.setdefault(data, {})
    if most not in known:
        order = shuffled_order(len(data.points), most)
        known[most] = (
            order,
            *local_points(data.points if order is None else data.points.take(order, axis=0)),
        )
    return known[most]


def _grouped(n: int) -> str:
    return f"{n:,}".replace(",", "\u202f")
