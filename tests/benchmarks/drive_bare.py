"""Bare PySide6 + VTK doing what `bench_napari` measures: the shortest script that shows the same. Arguments as
`drive_napari`.

A main window with four render windows, drawn off screen and painted as pictures (as our image backend does: under
software GL that costs less than an OpenGL widget). No docks, no menus, no worker, no words over the pictures, no
automatic window, no levels of detail: each picture of points draws all of them.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

from tests.benchmarks.meter import Meter

STEPS, FRAMES = 30, 5
CANVAS = (750, 600)


def main(what: str, file: str) -> None:
    """Do one of "volume", "file", "points1", "points10" and print the figures."""
    meter = Meter()
    import vtkmodules.vtkRenderingOpenGL2
    import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401  registers the factories
    from PySide6.QtCore import qVersion
    from PySide6.QtGui import QImage, QPainter, QPaintEvent
    from PySide6.QtWidgets import QApplication, QGridLayout, QMainWindow, QWidget
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
    from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow

    class View(QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.window3d = vtkRenderWindow()
            self.window3d.SetOffScreenRendering(1)
            self.window3d.SetMultiSamples(0)
            self.renderer = vtkRenderer()
            self.window3d.AddRenderer(self.renderer)
            self.image = QImage()

        def draw(self) -> None:
            width, height = max(1, self.width()), max(1, self.height())
            self.window3d.SetSize(width, height)
            self.window3d.Render()
            pixels: Any = vtkUnsignedCharArray()
            self.window3d.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels)
            data = vtk_to_numpy(pixels).reshape(height, width, 4)[::-1].copy()
            self.image = QImage(data.data, width, height, QImage.Format.Format_RGBX8888).copy()
            self.repaint()
            app.processEvents()

        def paintEvent(self, event: QPaintEvent) -> None:
            painter = QPainter(self)
            painter.drawImage(0, 0, self.image)
            painter.end()

    app = QApplication([])
    window = QMainWindow()
    centre = QWidget()
    grid = QGridLayout(centre)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(1)
    views = [View() for _ in range(4)]
    for i, view in enumerate(views):
        grid.addWidget(view, i // 2, i % 2)
    window.setCentralWidget(centre)
    window.resize(*CANVAS)
    window.show()
    for view in views:
        view.draw()
    meter.since_start("painted window")
    meter.since_start("everything loaded")
    meter.facts = {"Qt": f"PySide6 {qVersion()}"}
    if what.startswith("points"):
        _points(views, file, what.removeprefix("points"), meter)
    else:
        _volume(views, file, what, meter)
    view = next(v for v in views if v.isVisible())
    meter.facts["canvas"] = f"{view.width()}×{view.height()}"
    meter.memory("peak memory")
    meter.told()
    sys.stdout.flush()
    os._exit(0)


def _volume(views: list[Any], file: str, what: str, meter: Meter) -> None:
    import numpy as np
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPiecewiseFunction
    from vtkmodules.vtkRenderingCore import vtkImageSlice, vtkImageSliceMapper, vtkVolume
    from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper

    added = "open file" if what == "file" else "add volume"
    array = None if what == "file" else np.load(file)
    mappers = []
    with meter.stage(f"{added}, all views"):
        with meter.stage(f"{added}, first slice"):
            if array is None:
                array = np.load(file)
            top = float(array[::8, ::8, ::8].max())
            image = vtkImageData()
            image.SetDimensions(*array.shape[::-1])
            image.GetPointData().SetScalars(numpy_to_vtk(array.reshape(-1), deep=False))
            for axis, view in enumerate(views[:3]):
                mapper = vtkImageSliceMapper()
                mapper.SetInputData(image)
                mapper.SetOrientation(axis)
                mapper.SetSliceNumber(array.shape[2 - axis] // 2)
                mappers.append(mapper)
                actor = vtkImageSlice()
                actor.SetMapper(mapper)
                actor.GetProperty().SetColorWindow(top)
                actor.GetProperty().SetColorLevel(top / 2)
                view.renderer.AddViewProp(actor)
                view.renderer.GetActiveCamera().ParallelProjectionOn()
                view.renderer.ResetCamera()
                view.draw()
        caster = vtkFixedPointVolumeRayCastMapper()
        caster.SetInputData(image)
        caster.SetAutoAdjustSampleDistances(False)
        opacity = vtkPiecewiseFunction()
        opacity.AddPoint(0.3 * top, 0.0)
        opacity.AddPoint(0.6 * top, 0.8)
        volume = vtkVolume()
        volume.SetMapper(caster)
        volume.GetProperty().SetScalarOpacity(opacity)
        volume.GetProperty().ShadeOn()
        volume.GetProperty().SetInterpolationTypeToLinear()
        views[3].renderer.AddViewProp(volume)
        views[3].renderer.ResetCamera()
        views[3].draw()
    for view in views[:2] + views[3:]:
        view.hide()
    views[2].parentWidget().layout().activate()
    views[2].draw()
    first = array.shape[0] // 2
    with meter.stage("slice step", STEPS):
        for k in range(STEPS):
            mappers[2].SetSliceNumber(first + 1 + k)
            views[2].draw()


def _points(views: list[Any], file: str, millions: str, meter: Meter) -> None:
    import numpy as np
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPointGaussianMapper

    view = views[3]
    for other in views[:3]:
        other.hide()
    view.parentWidget().layout().activate()
    points = np.load(file)
    view.draw()
    with meter.stage(f"{millions} M points, first show"):
        coordinates = vtkPoints()
        coordinates.SetData(numpy_to_vtk(points, deep=False))
        poly = vtkPolyData()
        poly.SetPoints(coordinates)
        mapper = vtkPointGaussianMapper()
        mapper.EmissiveOff()
        mapper.SetScaleFactor(0.0)
        mapper.SetInputData(poly)
        actor = vtkActor()
        actor.SetMapper(mapper)
        view.renderer.AddViewProp(actor)
        view.renderer.ResetCamera()
        view.draw()
    frames = FRAMES if millions == "1" else 2
    with meter.stage(f"{millions} M points, frame while turning", frames):
        for _ in range(frames):
            view.renderer.GetActiveCamera().Azimuth(5)
            view.renderer.ResetCameraClippingRange()
            view.draw()
    meter.figures[f"{millions} M points, settled"] = meter.figures[f"{millions} M points, first show"]
    meter.figures[f"{millions} M points, all drawn"] = meter.figures[
        f"{millions} M points, frame while turning"
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
