"""A picture that has no place in space: `core.data.Image` with its aspect, zoom and pan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.theme import Theme, color, current_theme
from app.viewports.colors import colorize, rgba_of
from app.viewports.legends import tick_text
from core.data import Image

Array = NDArray[Any]

_MAX_SIDE = 8192


class ImageView(QWidget):
    """Wheel = zoom at the pointer, drag = pan, R or double-click = whole picture."""

    hovered = Signal(str)
    """"row 12, column 40   value 0.31", "" outside."""

    def __init__(self, parent: QWidget | None = None, *, theme: Theme | None = None) -> None:
        super().__init__(parent)
        self._theme = theme or current_theme()
        self._image: Image | None = None
        self._picture = QImage()
        self._thin = 1
        self._smooth = True
        self._zoom, self._center = 1.0, QPointF(0.5, 0.5)
        self._last: QPointF | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(80, 80)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_image(self, image: Image | None, display: Any = None) -> None:
        """Show `image` with the window and colour map of its display; None = nothing."""
        fresh = image is not self._image
        self._image = image
        self._smooth = bool(getattr(display, "interpolate", True))
        self._picture, self._thin = (QImage(), 1) if image is None else image_pixels(image, display)
        if fresh:
            self.reset()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Colours around the picture."""
        self._theme = theme
        self.update()

    def reset(self) -> None:
        """The whole picture in view."""
        self._zoom, self._center = 1.0, QPointF(0.5, 0.5)
        self.update()

    def target(self) -> QRectF:
        """Where the picture lies in the widget, in logical pixels."""
        if self._image is None:
            return QRectF()
        rows, columns = self._image.array.shape[:2]
        height, width = rows * self._image.pixel_size[0], columns * self._image.pixel_size[1]
        scale = min(self.width() / width, self.height() / height) * self._zoom
        size = QPointF(width * scale, height * scale)
        left = self.width() / 2 - self._center.x() * size.x()
        top = self.height() / 2 - self._center.y() * size.y()
        return QRectF(left, top, size.x(), size.y())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Black around the picture; pixels stay squares once they are large."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), color(self._theme.view))
        if not self._picture.isNull():
            target = self.target()
            large = target.width() / max(1, self._picture.width()) > 4
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth and not large)
            painter.drawImage(target, self._picture)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with the point under the pointer fixed."""
        before = self._part(event.position())
        self._zoom = min(max(self._zoom * 1.15 ** (event.angleDelta().y() / 120), 0.2), 200.0)
        self._center += before - self._part(event.position())
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan."""
        self._last = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, or say what is under the pointer."""
        if self._last is not None:
            target = self.target()
            step = event.position() - self._last
            self._center -= QPointF(step.x() / max(target.width(), 1), step.y() / max(target.height(), 1))
            self._last = event.position()
            self.update()
        self.hovered.emit(self.text_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of the pan."""
        self._last = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Whole picture."""
        self.reset()

    def keyPressEvent(self, event: Any) -> None:
        """R: whole picture."""
        if event.key() == Qt.Key.Key_R:
            self.reset()
        else:
            super().keyPressEvent(event)

    def text_at(self, position: QPointF) -> str:
        """Row, column and value under a position; "" outside."""
        if self._image is None:
            return ""
        part, array = self._part(position), self._image.array
        row, column = int(np.floor(part.y() * array.shape[0])), int(np.floor(part.x() * array.shape[1]))
        if not (0 <= row < array.shape[0] and 0 <= column < array.shape[1]):
            return ""
        values = np.atleast_1d(array[row, column])[:4]
        text = ", ".join(tick_text(float(v), 1.0) if v.dtype.kind == "f" else str(int(v)) for v in values)
        return f"row {row}, column {column}   value {text}"

    def _part(self, position: QPointF) -> QPointF:
        target = self.target()
        return QPointF(
            (position.x() - target.left()) / max(target.width(), 1e-9),
            (position.y() - target.top()) / max(target.height(), 1e-9),
        )


def image_pixels(image: Image, display: Any = None) -> tuple[QImage, int]:
    """(8-bit picture, every how many pixels were taken: more than 1 only beyond 8192 a side)."""
    array = image.array
    thin = max(1, -(-max(array.shape[:2]) // _MAX_SIDE))
    array = array[::thin, ::thin]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    sample = np.asarray(
        np.abs(array[:: max(1, array.shape[0] // 512), :: max(1, array.shape[1] // 512)]), dtype=float
    )
    sample = sample[np.isfinite(sample)]
    low, high = (float(sample.min()), float(sample.max())) if sample.size else (0.0, 1.0)
    if array.dtype == np.uint8 or array.dtype.kind == "b":
        low, high = 0.0, 255.0 if array.dtype == np.uint8 else 1.0
    elif array.ndim == 3 and 0 <= low and high <= 1:
        low, high = 0.0, 1.0
    elif array.ndim == 3 and array.dtype == np.uint16:
        low, high = 0.0, 65535.0
    window, level = getattr(display, "window", None), getattr(display, "level", None)
    if window is not None:
        middle = (low + high) / 2 if level is None else level
        low, high = middle - window / 2, middle + window / 2
    if array.ndim == 3:
        rgba = rgba_of(array[..., :4], low, high)
    else:
        rgba = colorize(array, low, high, getattr(display, "colormap", "gray"))
    rgba = np.ascontiguousarray(rgba)
    rows, columns = rgba.shape[:2]
    return QImage(rgba.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888).copy(), thin
