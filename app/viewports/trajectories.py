"""Moving points in 3-D, and the trails they leave.

A step in time exchanges coordinates and colours; props, mappers and line cells stay. Trails are the stretches between
neighbouring times up to the one shown, fainter with age; they are cut short in numbers, never in length, where there
would be too many.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersSources import vtkSphereSource
from vtkmodules.vtkRenderingCore import vtkActor, vtkGlyph3DMapper, vtkPointGaussianMapper, vtkPolyDataMapper

from app.viewports import arrays
from app.viewports.identity import serial
from app.viewports.motion import Shades, shades
from app.viewports.notes import Legend, Notes
from app.viewports.points import shuffled_order
from app.viewports.presenter import Presenter
from app.viewports.state import Resolved3D, SceneItem, extent_of
from app.viewports.surfaces import placed
from core.data import Trajectory

Array = NDArray[Any]

ROUND_POINTS = 50_000
"""Above these, points are square and drawn as a prefix while something moves."""
_SPHERES = 20_000
_STRETCHES = 200_000
"""Of all trails together."""
_MOVING_STRETCHES = 30_000
"""While something moves and no graphics card draws: a film with coarser trails, not a slower one."""
_KEPT = 4_000_000
"""Positions that are kept as float32; of longer films each frame is converted when it is shown."""


class TrajectoryPresenter(Presenter):
    """Points or spheres at one time, and trails."""

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Other data, or spheres instead of points."""
        return serial(item.data), getattr(item.display, "shape", "points")

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Props without coordinates; a time brings them."""
        data: Trajectory = item.data
        t, n = data.positions.shape[:2]
        self._data, self._n = data, n
        self._order = shuffled_order(n, self.device.rest_points)
        if self._order is not None and len(self._order) < n:
            notes.infos.append(f"{item.name}: {len(self._order)} of {n} points drawn")
        self._offset = _offset(data.positions)
        self._kept = (data.positions - self._offset).astype(np.float32) if t * n <= _KEPT else None
        self._spheres = getattr(item.display, "shape", "points") == "spheres" and n <= _SPHERES
        self._poly, self._trail = vtkPolyData(), vtkPolyData()
        self._made: Any = None
        self._shades: Shades | None = None
        self._whole: Array = np.zeros((0, 3), np.float32)
        self._whole_colors: Array | None = None
        self._shown = -1
        self._lines = (0, 0)
        self._trailing: tuple[Any, int] | None = None
        self._drawn = 0
        self.prop = vtkActor()
        self._mapper = self._make_mapper()
        self.prop.SetMapper(self._mapper)
        trail = vtkActor()
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._trail)
        mapper.SetColorModeToDirectScalars()
        trail.SetMapper(mapper)
        trail.GetProperty().LightingOff()
        # Without peeling: of faint lines over each other nobody sees which comes first.
        trail.ForceTranslucentOn()
        self.extra = [trail]

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Another time, other colours, another size or place."""
        display = item.display
        look = self.prop.GetProperty()
        look.SetOpacity(min(max(display.opacity, 0.0), 1.0))
        look.SetColor(*display.color)
        look.SetPointSize(max(1.0, display.size * state.dpr))
        index = min(max(getattr(display, "index", 0), 0), len(self._data.times) - 1)
        style = replace(display, visible=True, **({"index": 0} if hasattr(display, "index") else {}))
        if style != self._made:
            self._shades = shades(self._data, display)
            self._made = style
        if self._shades is not None and self._shades.legend:
            s = self._shades
            notes.legends.append(Legend(s.title, s.unit, s.colormap, s.low, s.high))
        if self._spheres:
            radius = getattr(display, "radius", None) or 0.01 * extent_of(replace(item, transform=np.eye(4)))
            self._mapper.SetScaleFactor(float(radius))
        for prop in (self.prop, *self.extra):
            prop.SetUserMatrix(placed(item, state, self._offset))
        self._place_points(index)
        trail = self.extra[0]
        trail.SetVisibility(bool(getattr(display, "trails", False)) and index > 0)
        trail.GetProperty().SetLineWidth(max(1.0, 1.8 * state.dpr))
        self._trailing = (display, index) if trail.GetVisibility() else None
        self._drawn = 0

    def drag(self, interactive: bool) -> None:
        """All points at rest, a prefix of very many while something moves."""
        most = _MOVING_STRETCHES if interactive and self.device.software else _STRETCHES
        if self._trailing is not None and most != self._drawn:
            self._drawn = most
            self._place_trails(*self._trailing, most)
        n = len(self._whole)
        if interactive and n > ROUND_POINTS:
            n = min(n, self.device.drag_points)
        if n != self._shown:
            self._shown = n
            self._poly.SetPoints(arrays.points(self._whole[:n]))
            if not self._spheres and n <= ROUND_POINTS:
                self._poly.SetVerts(_vertices(n))
            colors = self._whole_colors
            self._poly.GetPointData().SetScalars(None if colors is None else arrays.data_array(colors[:n]))
            self._poly.Modified()

    # -- inside ----------------------------------------------------------------------------------------------

    def _make_mapper(self) -> Any:
        if self._spheres:
            mapper: Any = vtkGlyph3DMapper()
            ball = vtkSphereSource()
            ball.SetRadius(1.0)
            around = 24 if self._n <= 200 else 14 if self._n <= 2000 else 8
            ball.SetThetaResolution(around)
            ball.SetPhiResolution(around * 2 // 3)
            mapper.SetSourceConnection(ball.GetOutputPort())
            mapper.SetScaleModeToNoDataScaling()
            mapper.OrientOff()
        elif self._n <= ROUND_POINTS:
            mapper = vtkPolyDataMapper()
            look = self.prop.GetProperty()
            look.SetRenderPointsAsSpheres(True)
            look.SetAmbient(0.25)
            look.SetDiffuse(0.8)
        else:
            mapper = vtkPointGaussianMapper()
            mapper.EmissiveOff()
            mapper.SetScaleFactor(0.0)
        mapper.SetInputData(self._poly)
        mapper.SetColorModeToDirectScalars()
        return mapper

    def _local(self, frames: Array | slice) -> Array:
        """(k, n, 3) float32 of some times."""
        if self._kept is not None:
            return self._kept[frames]
        out: Array = (self._data.positions[frames] - self._offset).astype(np.float32)
        return out

    def _place_points(self, index: int) -> None:
        here = self._local(slice(index, index + 1))[0]
        chosen = self._order
        here = here if chosen is None else here[chosen]
        colors = None if self._shades is None else self._shades.colors(index, chosen)
        finite = np.isfinite(here).all(axis=1)
        if not finite.all():
            here, colors = here[finite], None if colors is None else colors[finite]
        self._whole, self._whole_colors, self._shown = here, colors, -1
        self._mapper.SetScalarVisibility(colors is not None)

    def _place_trails(self, display: Any, index: int, most: int) -> None:
        times = self._data.times
        reach = display.trail
        first = 0 if reach is None else int(np.searchsorted(times[: index + 1], times[index] - reach))
        thin = max(1, -(-self._n // (most // 2)))
        n = -(-self._n // thin)
        skip = max(1, -(-((index - first) * n) // most))
        frames = np.arange(index, first - 1, -skip)[::-1]
        if len(frames) < 2:
            self.extra[0].SetVisibility(False)
            return
        places = (self._local(slice(first, index + 1)) if skip == 1 else self._local(frames))[:, ::thin]
        flat = np.ascontiguousarray(places).reshape(-1, 3)
        colors = np.empty((len(frames), n, 4), dtype=np.uint8)
        if self._shades is None:
            colors[..., :3] = np.round(np.asarray(display.color) * 255)
        elif self._shades.changing:
            for row, k in enumerate(frames.tolist()):
                colors[row, :, :3] = self._shades.colors(k)[::thin]
        else:
            colors[..., :3] = self._shades.colors(index)[::thin]
        span = times[index] - times[frames[0]]
        age = (times[index] - times[frames]) / span if span > 0 else np.zeros(len(frames))
        strength = (1.0 - np.clip(age, 0, 1)) ** 1.5 if display.fade else np.ones(len(frames))
        opacity = min(max(display.opacity, 0.0), 1.0)
        colors[..., 3] = np.round(230 * opacity * strength)[:, None]
        self._trail.SetPoints(arrays.points(flat))
        finite = np.isfinite(flat).all(axis=1)
        stretches = (len(frames) - 1) * n
        if not finite.all() or (stretches, n) != self._lines:
            pairs = np.arange(stretches, dtype=np.int64)[:, None] + np.array([0, n])
            self._trail.SetLines(arrays.cells(pairs[finite[pairs].all(axis=1)]))
            self._lines = (stretches, n) if finite.all() else (0, 0)
        self._trail.GetPointData().SetScalars(arrays.data_array(colors.reshape(-1, 4)))
        self._trail.Modified()


def _vertices(n: int) -> vtkCellArray:
    return arrays.cells(np.arange(n)[:, None])


def _offset(positions: Array) -> Array:
    """(3,) what is taken off before the digits are, for coordinates far from the origin."""
    sample = positions.reshape(-1, 3)[:: max(1, positions.size // 9000)]
    sample = sample[np.isfinite(sample).all(axis=1)]
    if positions.dtype != np.float64 or not len(sample) or np.abs(sample).max() < 1e4:
        return np.zeros(3, dtype=positions.dtype if positions.dtype.kind == "f" else np.float64)
    return np.round(sample.mean(axis=0))
