"""A slice view painted by Qt, in the render thread: no render window, no VTK.

A slice is a few pictures laid over each other in a plane. On software OpenGL that took six times as long by way of a
texture as it takes here, and the first slice had to wait for a GL context; the picture is the same to a step of a
colour (`tests/app/viewports/test_painted.py`). Outlines of labels are left to VTK (`slices`).
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QTransform

from app.viewports.notes import Notes
from app.viewports.slice_layers import Layer, SliceLayers, has_outlines, without_overlay
from app.viewports.state import Resolved, ResolvedSlice

Array = NDArray[Any]

_PREMULTIPLIED = QImage.Format.Format_ARGB32_Premultiplied


class PaintedSlice:
    """One view. Used by one thread only."""

    def __init__(self) -> None:
        self._made = SliceLayers()
        self._pictures: dict[str, tuple[int, QImage]] = {}
        self._last: tuple[Resolved, QImage, Notes] | None = None

    def render(self, state: ResolvedSlice) -> tuple[QImage, Notes, float] | None:
        """(picture of width·dpr × height·dpr pixels, notes, seconds); None where VTK has to draw it.

        The picture must not be changed: it is given again for a state that differs only in what is painted over it.
        """
        started = time.perf_counter()
        if has_outlines(state):
            self.forget()
            return None
        bare = without_overlay(state)
        if self._last is not None and bare == self._last[0]:
            notes = self._made.drawn_anew(state, self._last[2])
            return self._last[1], notes, time.perf_counter() - started
        self._last = None
        layers, notes = self._made.apply(state)
        picture = self._paint(state, layers)
        if not notes.problems and not notes.unfinished:
            self._last = (bare, picture, notes)
        return picture, notes, time.perf_counter() - started

    def forget(self) -> None:
        """Hold on to nothing that has been shown."""
        self._made.forget()
        self._pictures.clear()
        self._last = None

    def _paint(self, state: ResolvedSlice, layers: list[Layer]) -> QImage:
        ratio = state.dpr
        width, height = max(1, round(state.width * ratio)), max(1, round(state.height * ratio))
        whole = QImage(width, height, QImage.Format.Format_RGB32)
        whole.fill(0xFF000000)
        known, self._pictures = self._pictures, {}
        painter = QPainter(whole)
        try:
            for layer in layers:
                if layer.rgba is None:
                    continue
                made, picture = known.get(layer.name, (0, None))
                if picture is None or made != layer.made:
                    picture = _picture(layer.rgba)
                self._pictures[layer.name] = (layer.made, picture)
                if layer.shown:
                    _lay(painter, picture, layer, _on_screen(state, layer.placement), (width, height))
        finally:
            painter.end()
        whole.setDevicePixelRatio(ratio)
        return whole


def _picture(rgba: Array) -> QImage:
    rows, columns = rgba.shape[:2]
    pixels = np.ascontiguousarray(rgba)
    # Converted, so that it no longer lies in the array's memory: in the order of bytes that Qt is quick with.
    image = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
    return image.convertToFormat(_PREMULTIPLIED)


def _on_screen(state: ResolvedSlice, placement: Array) -> Array:
    """(2, 3): picture coordinates (u, v, 1) -> device pixels, whose centres are at halves."""
    sideways = np.array([state.right, np.negative(state.up)]) * (state.dpr / state.scale)
    found = np.empty((2, 3))
    found[:, :2] = sideways @ placement[:3, :2]
    found[:, 2] = sideways @ (placement[:3, 3] - np.asarray(state.origin))
    # The view's own middle, also where its pixels are no whole number.
    found[:, 2] += (state.width * state.dpr / 2, state.height * state.dpr / 2)
    return found


def _lay(painter: QPainter, picture: QImage, layer: Layer, to: Array, size: tuple[int, int]) -> None:
    """Draw the part of a picture that is in view."""
    back = np.linalg.inv(to[:, :2])
    corners = np.array([[0.0, 0.0], [size[0], 0.0], [0.0, size[1]], [size[0], size[1]]])
    seen = (corners - to[:, 2]) @ back.T + 0.5
    # Two pixels more: the outermost are interpolated with their neighbours.
    left, top = (max(0, math.floor(a) - 2) for a in seen.min(axis=0))
    right, bottom = (
        min(n, math.ceil(b) + 2)
        for n, b in zip((picture.width(), picture.height()), seen.max(axis=0), strict=True)
    )
    if right <= left or bottom <= top:
        return
    painter.setTransform(QTransform(to[0, 0], to[1, 0], to[0, 1], to[1, 1], to[0, 2], to[1, 2]))
    painter.setOpacity(layer.opacity)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, layer.smooth)
    place = QRectF(left - 0.5, top - 0.5, right - left, bottom - top)
    painter.drawImage(place, picture, QRectF(left, top, right - left, bottom - top))
