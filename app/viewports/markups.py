"""Markups in 3-D: points, lines, curves, translucent planes and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.viewports import arrays
from app.viewports.cuts import shape_edges
from app.viewports.identity import serial
from app.viewports.notes import Notes
from app.viewports.presenter import Presenter
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.surfaces import local_points, placed
from core.data import MarkupKind
from core.markups import path


class MarkupPresenter(Presenter):
    """Always in the layer over volumes: a landmark inside a head should be seen."""

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """Only other data means other geometry."""
        return (serial(item.data),)

    def over(self, item: SceneItem) -> bool:
        """Over volumes; surfaces still hide what lies behind them."""
        return True

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Lines (or an outline) in `prop`; handles or a filled quad in `extra`."""
        markup = item.data
        if markup.kind in (MarkupKind.PLANE, MarkupKind.BOX):
            corners, edges = shape_edges(markup)
            coordinates, self._offset = local_points(corners)
            self.prop = _actor(coordinates, lines=edges)
            quads = np.array([[0, 1, 2, 3]])
            if markup.kind is MarkupKind.BOX:
                quads = np.array(
                    [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
                )
            self.extra = [_actor(coordinates, faces=quads)]
            self._filled = True
            return
        self._filled = False
        n = len(markup.points)
        line = path(markup)
        coordinates, self._offset = local_points(np.concatenate([markup.points, line]))
        chain = (
            n + np.stack([np.arange(len(line) - 1), np.arange(1, len(line))], axis=1) if len(line) else None
        )
        self.prop = _actor(coordinates, lines=chain)
        self.extra = [_actor(coordinates, dots=np.arange(n)[:, None])]

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Colour, sizes, placement."""
        display = item.display
        opacity = min(max(display.opacity, 0.0), 1.0)
        for actor in (self.prop, *self.extra):
            look = actor.GetProperty()
            look.SetColor(*display.color)
            look.SetOpacity(opacity)
            look.LightingOff()
            look.SetLineWidth(2.0 * state.dpr)
            look.SetPointSize(max(display.size, 1.0) * state.dpr)
            actor.SetUserMatrix(placed(item, state, self._offset))
        if self._filled:
            self.extra[0].GetProperty().SetOpacity(
                opacity * (0.22 if item.data.kind is MarkupKind.PLANE else 0.10)
            )
        else:
            self.extra[0].GetProperty().RenderPointsAsSpheresOn()


def _actor(coordinates: Any, *, lines: Any = None, faces: Any = None, dots: Any = None) -> vtkActor:
    poly = vtkPolyData()
    poly.SetPoints(arrays.points(coordinates))
    for chosen, put in ((lines, poly.SetLines), (faces, poly.SetPolys), (dots, poly.SetVerts)):
        if chosen is not None and len(chosen):
            put(arrays.cells(np.asarray(chosen, dtype=np.int32)))
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(poly)
    actor = vtkActor()
    actor.SetMapper(mapper)
    return actor
