"""Glyphs in a 3-D scene: made in the background, drawn as one mesh."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.viewports import arrays
from app.viewports.awaited import AwaitedPresenter
from app.viewports.glyphs import GlyphMesh, make_glyphs
from app.viewports.identity import serial
from app.viewports.notes import Notes
from app.viewports.state import Resolved3D, SceneItem


class GlyphPresenter(AwaitedPresenter[GlyphMesh]):
    """The glyphs of one object."""

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
        key = (serial(item.data), item.transform.tobytes(), item.display)
        self._want(key, lambda: make_glyphs(item), state)
        if self._made is not None:
            self._notes.legends = list(self._made.legends)
            self._place(self._made)

    def _show(self, made: GlyphMesh | None) -> None:
        poly = vtkPolyData()
        self._notes.legends, self._notes.infos = [], []
        if made is not None:
            poly.SetPoints(arrays.points(made.points))
            poly.SetPolys(arrays.cells(made.faces))
            poly.GetPointData().SetNormals(arrays.data_array(made.normals))
            poly.GetPointData().SetScalars(arrays.data_array(made.colors))
            self._notes.legends = list(made.legends)
            self._notes.infos = list(made.words)
            self._place(made)
        else:
            self._notes.infos = ["nothing to draw as glyphs: all values are zero or missing"]
        self._mapper.SetInputData(poly)

    def _place(self, mesh: GlyphMesh) -> None:
        placement = np.eye(4)
        placement[:3, 3] = mesh.center - self._origin
        self.prop.SetUserMatrix(arrays.matrix(placement))
