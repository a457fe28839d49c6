"""A little picture of what a window shows, beside its journal: one knows a brain sooner than its file's name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

NAME = "picture.png"
SIZE = QSize(192, 128)
"""Pixels; shown at most so large."""
Piece = tuple[QRect, QImage]


def pieces_of(grid: Any) -> list[Piece]:
    """The last pictures of the views that are shown, and where they stand; none where the driver holds them (gl).

    Costs no drawing: pictures are shared, and nobody paints on one that is finished.
    """
    out = []
    for view in grid.views.values():
        frame = view.frame
        if view.isVisible() and frame is not None and frame.image is not None:
            out.append((QRect(view.mapTo(grid, view.rect().topLeft()), view.size()), frame.image))
    return out


def write(pieces: list[Piece], whole: QSize, path: Path) -> None:
    """Make the picture and put it in place at once. For a thread of its own; a disk that refuses is no matter."""
    size = whole.scaled(SIZE, Qt.AspectRatioMode.KeepAspectRatio)
    if not pieces or size.isEmpty():
        return
    picture = QImage(size, QImage.Format.Format_RGB32)
    picture.fill(QColor("black"))
    painter = QPainter(picture)
    factor = size.width() / whole.width()
    for rect, image in pieces:
        corner = QRect(
            round(rect.x() * factor),
            round(rect.y() * factor),
            max(1, round(rect.width() * factor)),
            max(1, round(rect.height() * factor)),
        )
        small = image.scaled(
            corner.size(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        small.setDevicePixelRatio(1.0)
        painter.drawImage(corner.topLeft(), small)
    painter.end()
    draft = path.with_name(f".{path.name}")
    if picture.save(str(draft)):
        os.replace(draft, path)
