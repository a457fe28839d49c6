"""Icons from resources/icons, drawn in a colour of the theme."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap

from app.theme import current_theme


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return (resources.files("resources") / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=1024)
def pixmap(name: str, color: str, size: int, ratio: float = 1.0) -> QPixmap:
    """The icon `name` in `color` ("#rrggbb"), `size` logical pixels square on a screen of `ratio` pixels each."""
    from PySide6.QtSvg import QSvgRenderer

    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", color).encode()))
    pixels = max(1, round(size * ratio))
    picture = QPixmap(QSize(pixels, pixels))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def icon(name: str, color: str = "", size: int = 16) -> QIcon:
    """The icon in `color` (default: the theme's muted text), `size` logical pixels, sharp at 100, 200 and 300 %."""
    made = QIcon()
    for ratio in (1.0, 2.0, 3.0):
        made.addPixmap(pixmap(name, color or current_theme().muted, size, ratio))
    return made
