"""A plot as a picture: pixels at any scale, or vectors."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QImage, QPainter

from core.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = QSize(960, 640)
"""Of a picture of a plot that is shown small."""


def image_of(widget: Any, scale: float) -> QImage:
    """What a graphics widget shows, `scale` pixels for each of its own."""
    size = widget.size()
    picture = QImage(size * scale, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(scale)
    picture.fill(widget.backgroundBrush().color())
    painter = QPainter(picture)
    widget.render(painter, QRectF(widget.rect()), widget.rect())
    painter.end()
    return picture


def write_svg(widget: Any, path: Path, title: str) -> None:
    """What a graphics widget shows as vectors; only the cells of a heat map are pixels.

    Raises
    ------
    WriteError : the disk refuses; what was there is untouched.
    """
    from PySide6.QtCore import QBuffer, QIODevice
    from PySide6.QtSvg import QSvgGenerator

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(widget.size())
    generator.setViewBox(widget.rect())
    generator.setTitle(title)
    generator.setDescription("Drawn by Equiscope")
    with as_vectors(widget.scene()):
        painter = QPainter(generator)
        painter.fillRect(widget.rect(), widget.backgroundBrush())
        widget.render(painter, QRectF(widget.rect()), widget.rect())
        painter.end()
    with replacing(path) as file:
        file.write(bytes(buffer.data().data()))


@contextmanager
def as_vectors(scene: Any) -> Iterator[None]:
    """Points are pixmaps on a screen; within this they are drawn."""
    items = [i for i in scene.items() if hasattr(i, "setExportMode")]
    for item in items:
        item.setExportMode(True, {"antialias": True, "resolutionScale": 1.0})
    try:
        yield
    finally:
        for item in items:
            item.setExportMode(False)
