"""The peer of `bench_startup`: the barest window that PySide6 and VTK make, with four render windows.

The image backend on both sides: VTK off screen, painted as a QImage (no X server). Arguments: "window", or a
NumPy file of a volume whose first slice is shown in three views. Prints one milestone as the program does.

Its view is not that of `drive_bare`, like as they are: sharing one made this peer heavier (7 MB; 0.1 s of CPU with the
other's way to read pixels), which would have flattered us.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


def process_start() -> float:
    """Seconds since the epoch at which this process began."""
    with open("/proc/self/stat", "rb") as file:
        ticks = int(file.read().rpartition(b")")[2].split()[19])
    with open("/proc/uptime", "rb") as uptime:
        return time.time() - float(uptime.read().split()[0]) + ticks / os.sysconf("SC_CLK_TCK")


def main(volume: str | None) -> None:
    """Show the window and print CPU and wall milliseconds and memory once it is painted."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
    from PySide6.QtGui import QImage, QPainter, QPaintEvent
    from PySide6.QtWidgets import QApplication, QGridLayout, QMainWindow, QWidget
    from vtkmodules.vtkRenderingCore import vtkImageSlice, vtkImageSliceMapper, vtkRenderer, vtkRenderWindow

    class View(QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.window3d = vtkRenderWindow()
            self.window3d.SetOffScreenRendering(1)
            self.renderer = vtkRenderer()
            self.window3d.AddRenderer(self.renderer)
            self.image = QImage()

        def render3d(self) -> None:
            from vtkmodules.util.numpy_support import vtk_to_numpy
            from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

            width, height = max(1, self.width()), max(1, self.height())
            self.window3d.SetSize(width, height)
            self.renderer.ResetCamera()
            self.window3d.Render()
            pixels = vtkUnsignedCharArray()
            self.window3d.GetRGBACharPixelData(0, 0, width - 1, height - 1, 1, pixels)
            data = vtk_to_numpy(pixels).reshape(height, width, 4)[::-1].copy()
            self.image = QImage(data.data, width, height, QImage.Format.Format_RGBA8888).copy()

        def paintEvent(self, event: QPaintEvent) -> None:
            painter = QPainter(self)
            painter.drawImage(0, 0, self.image)
            painter.end()

    app = QApplication([])
    window = QMainWindow()
    centre = QWidget()
    grid = QGridLayout(centre)
    views = [View() for _ in range(4)]
    for i, view in enumerate(views):
        grid.addWidget(view, i // 2, i % 2)
    window.setCentralWidget(centre)
    window.resize(1600, 1000)
    window.show()
    if volume:
        import numpy as np
        from vtkmodules.util.numpy_support import numpy_to_vtk
        from vtkmodules.vtkCommonDataModel import vtkImageData

        array = np.load(volume)
        image = vtkImageData()
        image.SetDimensions(*array.shape[::-1])
        image.GetPointData().SetScalars(numpy_to_vtk(array.reshape(-1), deep=False))
        for axis, view in enumerate(views[:3]):
            mapper = vtkImageSliceMapper()
            mapper.SetInputData(image)
            mapper.SetOrientation(axis)
            mapper.SetSliceNumber(array.shape[2 - axis] // 2)
            actor = vtkImageSlice()
            actor.SetMapper(mapper)
            actor.GetProperty().SetColorWindow(float(array[::8, ::8, ::8].max()))
            view.renderer.AddViewProp(actor)
    for view in views:
        view.render3d()
        view.repaint()
    app.processEvents()
    with open("/proc/self/status") as status:
        memory = next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmHWM"))
    name = "first slice" if volume else "window painted"
    wall = 1000 * (time.time() - process_start())
    print(f"{name}: {wall:.0f} ms (CPU {sum(os.times()[:2]):.2f} s, peak memory {memory:.0f} MB)")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] != "window" else None)
