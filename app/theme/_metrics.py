"""Sizes that follow the font: everything is a multiple of the 13 px design."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QFont

DESIGN_FONT = 13
SMALL = 12 / 13
"""Headers and status, relative to the font."""
BIG = 24 / 13
"""The one number that a panel is about."""
SPACE = (4, 8, 12, 16)
"""Distances at 13 px."""


@dataclass(frozen=True)
class Metrics:
    """Pixel sizes (device independent) for a font of `font` pixels."""

    font: int = DESIGN_FONT

    @classmethod
    def of(cls, font: QFont) -> Metrics:
        """For a widget's font."""
        size = font.pixelSize()
        if size < 1:  # a font whose size is in points
            from PySide6.QtGui import QFontInfo

            size = QFontInfo(font).pixelSize()
        return _metrics(size)

    def px(self, design: float) -> int:
        """A length of the 13 px design at this font size, at least 1."""
        return max(1, round(design * self.font / DESIGN_FONT))

    @property
    def small(self) -> int:
        """Font of headers and status."""
        return max(9, round(self.font * SMALL))

    @property
    def big(self) -> int:
        """Font of the one number."""
        return round(self.font * BIG)

    @property
    def row(self) -> int:
        """Height of rows and fields."""
        return self.px(28)

    @property
    def header(self) -> int:
        """Height of headers and buttons."""
        return self.px(30)

    @property
    def radius(self) -> int:
        """Corner radius of fields."""
        return self.px(5)


@lru_cache(maxsize=64)
def _metrics(size: int) -> Metrics:
    return Metrics(size)
