"""Glyphs in a 3-D scene: made in the background, drawn as one mesh."""

from __future__ import annotations

from typing import Any

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.viewports import arrays
from app.viewports.background import Latest
from app.viewports.device import Device
from app.viewports.glyphs import GlyphMesh, make_glyphs
from app.viewports.identity import serial
from app.viewports.notes import Notes
from app.viewports.presenter import Presenter
from app.viewports.state import Resolved3D, SceneItem


class GlyphPresenter(Presenter):
    """The glyphs of one object; the last ones stay until new ones are there."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._latest = Latest()
        self._mesh: GlyphMesh | None = None
        self._origin = np.zeros(3)

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """One mesh holds whatever there is."""
        return ()

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """An actor without glyphs as yet."""
        self._mapper = vtkPolyDataMapper()
        self._mapper.SetInputData(vtkPolyData())
        self._mapper.SetColorModeToDirectScalars()
        self.prop = vtkActor()
        self.prop.SetMapper(self._mapper)
        look = self.prop.GetProperty()
        look.SetAmbient(0.12)
        look.SetDiffuse(0.9)
        look.SetSpecular(0.1)

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Ask for what the display and the transform say now."""
        self._origin = np.asarray(state.origin)
        key = (serial(item.data), item.transform.tobytes(), item.display)
        self._latest.want(key, lambda: make_glyphs(item) or ())
        if self._mesh is not None:
            self._notes.legends = list(self._mesh.legends)
            self._place()
        if not state.progressive:
            self._take(wait=True)

    def advance(self) -> bool:
        """Take over what is finished."""
        return self._take()

    @property
    def pending(self) -> bool:
        """Whether others are on their way."""
        return self._latest.pending

    @property
    def ready(self) -> bool:
        """Whether they have arrived."""
        return self._latest.ready

    def over(self, item: SceneItem) -> bool:
        """Glyphs are solid whatever their object is: they can be seen inside it."""
        return False

    def release(self) -> None:
        """Also what is on its way."""
        self._latest.forget()
        self._mesh = None
        super().release()

    def _take(self, wait: bool = False) -> bool:
        try:
            found = self._latest.take(wait)
        except Exception:
            self._mesh = None
            self._mapper.SetInputData(vtkPolyData())  # the last ones would show what is not true any more
            raise
        if found is None:
            return False
        self._mesh = mesh = found or None
        self._notes.legends, self._notes.infos = [], []
        poly = vtkPolyData()
        if mesh is not None:
            poly.SetPoints(arrays.points(mesh.points))
            poly.SetPolys(arrays.cells(mesh.faces))
            poly.GetPointData().SetNormals(arrays.data_array(mesh.normals))
            poly.GetPointData().SetScalars(arrays.data_array(mesh.colors))
            self._notes.legends = list(mesh.legends)
            self._notes.infos = list(mesh.words)
            self._place()
        else:
            self._notes.infos = ["nothing to draw as glyphs: all values are zero or missing"]
        self._mapper.SetInputData(poly)
        return True

    def _place(self) -> None:
        assert self._mesh is not None
        placement = np.eye(4)
        placement[:3, 3] = self._mesh.center - self._origin
        self.prop.SetUserMatrix(arrays.matrix(placement))
