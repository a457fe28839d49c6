"""How handles look: painted with Qt over the picture, so that they follow the pointer without waiting for VTK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.viewports.cuts import clipped, thinned
from app.viewports.markup_tools import shapes
from app.viewports.markup_tools.hidden import hidden
from app.viewports.overlay import Overlay
from app.viewports.state import Resolved, Resolved3D, ResolvedSlice, SceneItem
from core import markups

Array = NDArray[Any]
GRIP = 5.0
"""Half the width of a grip that is no control point, in pixels at 100 %."""
NEIGHBOURS = 6
"""Half slices from a slice within which points of the selected markup are hinted at."""


@dataclass(frozen=True)
class Look:
    """How one markup is marked: as the selected one, with a grip lit, with a point that has the keyboard."""

    selected: bool
    lit: tuple[str, int] | None = None
    active: int | None = None


def paint_handles(painter: QPainter, overlay: Overlay, state: Resolved, item: SceneItem, look: Look) -> None:
    """Grips of a markup in a view; a glow along the lines of the selected one."""
    accent, color = QColor(overlay.theme.accent), QColor.fromRgbF(*item.display.color)
    if look.selected or look.lit == ("body", 0):
        _glow(painter, state, item, accent, strong=look.lit == ("body", 0))
    handles = shapes.handles_of(item, state)
    if not handles:
        return
    points = item.data.kind in markups.POINTED
    radius = item.display.size / 2 if points else overlay.metrics.px(GRIP)
    flat = shapes.on_screen(state, np.array([h.position for h in handles]))
    dim = hidden(state, [h.position for h in handles]) if isinstance(state, Resolved3D) else None
    plain = [
        k
        for k, handle in enumerate(handles)
        if points
        and look.lit != handle.key
        and handle.index != look.active
        and not (dim is not None and dim[k])
    ]
    seen = [k for k in plain if isinstance(state, ResolvedSlice) or state.camera.parallel or flat[k, 2] > 0]
    _dots(painter, flat[seen, :2], radius, color, QColor(overlay.theme.view_text))
    special = set(range(len(handles))) - set(plain)
    for k in sorted(special):
        handle = handles[k]
        x, y, depth = flat[k].tolist()
        if isinstance(state, Resolved3D) and not state.camera.parallel and depth <= 0:
            continue
        place, lit = QPointF(x, y), look.lit == handle.key
        active = handle.role == "point" and handle.index == look.active
        painter.setOpacity(0.35 if dim is not None and dim[k] and not lit else 1.0)
        r = radius + (2 if lit or active else 0)
        painter.setPen(QPen(QColor(0, 0, 0, 200), 3.2))
        painter.setBrush(color)
        _shape(painter, handle.role, place, r)
        painter.setPen(QPen(accent if lit or active else QColor(overlay.theme.view_text), 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush if not lit else accent)
        _shape(painter, handle.role, place, r)
        if active:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(place, r + 4, r + 4)
    painter.setOpacity(1.0)
    if look.selected and points and isinstance(state, ResolvedSlice):
        _neighbours(painter, state, item, color, radius)


def _dots(painter: QPainter, places: Array, radius: float, color: QColor, edge: QColor) -> None:
    """Many round handles by three calls: a curve may have hundreds."""
    if not len(places):
        return
    polygon = QPolygonF([QPointF(x, y) for x, y in places.tolist()])
    for ring, grow in ((QColor(0, 0, 0, 200), 3.2), (edge, 1.6), (color, -1.6)):
        pen = QPen(ring, max(2 * radius + grow, 1.0))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints(polygon)


def _shape(painter: QPainter, role: str, place: QPointF, r: float) -> None:
    if role in ("corner", "face"):
        painter.drawRect(QRectF(place.x() - r, place.y() - r, 2 * r, 2 * r))
    else:
        painter.drawEllipse(place, r, r)


def _glow(painter: QPainter, state: Resolved, item: SceneItem, accent: QColor, *, strong: bool) -> None:
    segments = shapes.body_of(item, state)
    if isinstance(state, ResolvedSlice) and len(segments) and item.data.kind in markups.POINTED:
        segments = clipped(segments, (state.origin, state.toward), shapes.half_slice(state))
    if not len(segments):
        return
    glow = QColor(accent)
    glow.setAlphaF(0.55 if strong else 0.3)
    pen = QPen(glow, 6.0)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.drawLines(lines_of(state, segments))


def lines_of(state: Resolved, segments: Array) -> list[QLineF]:
    """Segments of the world as lines on the screen; those behind the camera are left out."""
    flat = shapes.on_screen(state, segments.reshape(-1, 3)).reshape(-1, 2, 3)
    good = np.isfinite(flat).all(axis=(1, 2))
    if isinstance(state, Resolved3D) and not state.camera.parallel:
        good &= (flat[:, :, 2] > 0).all(axis=1)
    return [QLineF(*row) for row in thinned(flat[good][:, :, :2].reshape(-1, 4)).tolist()]


def _neighbours(
    painter: QPainter, state: ResolvedSlice, item: SceneItem, color: QColor, radius: float
) -> None:
    """Points a few slices away, the fainter the farther: where the markup comes from and goes to."""
    flat = state.to_screen(markups.world_points(item.data, item.transform))
    off = np.abs(flat[:, 2]) / shapes.half_slice(state)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for k in np.flatnonzero((off > 1) & (off < NEIGHBOURS)).tolist():
        faint = QColor(color)
        faint.setAlphaF(float(0.6 * (1 - off[k] / NEIGHBOURS)))
        painter.setPen(QPen(faint, 1.4))
        painter.drawEllipse(QPointF(float(flat[k, 0]), float(flat[k, 1])), radius, radius)
