"""A graph without positions, laid out in the plane and drawn by Qt alone."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.theme import Metrics, color, current_theme
from core.data import Graph

FORCE_LIMIT = 800
"""Nodes up to which forces are computed; above, nodes stand on a circle in the order of a breadth-first walk."""
SLICE = 0.012
"""Seconds of laying out between two events."""
NAMES = 120
"""Nodes up to which names are written."""


def plane_layout(
    n: int, edges: NDArray[np.int64], *, rounds: int = 120, seed: int = 0
) -> NDArray[np.float64]:
    """(n, 2) positions within [-1, 1]²: the last of `layout_rounds`."""
    *_, places = layout_rounds(n, edges, rounds=rounds, seed=seed)
    return places


def layout_rounds(
    n: int, edges: NDArray[np.int64], *, rounds: int = 120, seed: int = 0
) -> Iterator[NDArray[np.float64]]:
    """Positions (n, 2) after each round of forces; the last lie within [-1, 1]².

    Fruchterman and Reingold's forces ("Graph drawing by force-directed placement", 1991): repulsion k²/d,
    attraction d²/k, a step that cools down linearly.
    """
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1)[np.argsort(_walk(n, edges))]
    yield places
    if n > FORCE_LIMIT or n < 3:
        return
    places = places + np.random.default_rng(seed).normal(0, 1e-3, places.shape)
    k = np.sqrt(4.0 / n)
    a, b = edges[:, 0], edges[:, 1]
    for turn in range(rounds):
        gap = places[:, None] - places[None]
        square = (gap**2).sum(-1) + 1e-9
        force = (gap * (k * k / square)[..., None]).sum(1)
        along = places[a] - places[b]
        pull = along * (np.sqrt((along**2).sum(-1)) / k)[:, None]
        np.add.at(force, a, -pull)
        np.add.at(force, b, pull)
        force -= places * k  # components that nothing joins stay in the picture
        length = np.sqrt((force**2).sum(-1, keepdims=True)) + 1e-12
        places = places + force / length * np.minimum(length, 0.12 * (1 - turn / rounds))
        yield places
    places = places - (places.max(0) + places.min(0)) / 2
    yield places / max(float(np.abs(places).max()), 1e-9)


def _walk(n: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Nodes in breadth-first order, components one after another."""
    neighbours: list[list[int]] = [[] for _ in range(n)]
    for a, b in edges.tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    seen = np.zeros(n, dtype=bool)
    order: list[int] = []
    for start in range(n):
        if seen[start]:
            continue
        seen[start] = True
        queue = [start]
        for node in queue:
            order.append(node)
            for other in neighbours[node]:
                if not seen[other]:
                    seen[other] = True
                    queue.append(other)
    return np.asarray(order, dtype=np.int64)


class GraphView(QWidget):
    """Draws a graph; wheel zooms at the pointer, dragging moves, double-click shows all."""

    def __init__(self, graph: Graph, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.graph = graph
        self._rounds: Iterator[NDArray[np.float64]] | None = layout_rounds(graph.n_nodes, graph.edges)
        self.places = next(self._rounds)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._lay_out)
        self._timer.start(0)
        self._zoom = 1.0
        self._shift = QPointF(0, 0)
        self._grab: QPointF | None = None
        self.setAccessibleName(f"Graph of {graph.n_nodes} nodes and {len(graph.edges)} edges")
        self.setMouseTracking(True)

    @property
    def settled(self) -> bool:
        """Whether the nodes stand where they will stay."""
        return self._rounds is None

    def _lay_out(self) -> None:
        """A few rounds of forces between two events, so that nothing waits for a large graph."""
        clock = time.perf_counter()
        while self._rounds is not None and time.perf_counter() - clock < SLICE:
            places = next(self._rounds, None)
            if places is None:
                self._rounds = None
                self._timer.stop()
                self.update()
            else:
                self.places = places

    def _screen(self) -> NDArray[np.float64]:
        m = Metrics.of(self.font())
        radius = max(10.0, min(self.width(), self.height()) / 2 - m.px(48)) * self._zoom
        center = np.array([self.width() / 2 + self._shift.x(), self.height() / 2 + self._shift.y()])
        out: NDArray[np.float64] = self.places * radius * (1, -1) + center
        return out

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        painter = QPainter(self)
        painter.fillRect(self.rect(), color(theme.panel))
        if not self.settled:
            painter.setPen(color(theme.muted))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), "Laying out the graph…")
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self.graph.n_nodes < 5000)
        points = self._screen()
        painter.setPen(QPen(color(theme.muted, 0.6 if len(self.graph.edges) < 3000 else 0.25), 1.0))
        radius = m.px(5) if len(points) < 300 else m.px(3)
        lines = [QLineF(*points[a], *points[b]) for a, b in self.graph.edges]
        painter.drawLines(lines)
        if self.graph.directed and len(lines) < 3000:
            painter.setBrush(color(theme.muted))
            painter.setPen(Qt.PenStyle.NoPen)
            for line in lines:
                _arrow(painter, line, radius)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(theme.accent))
        for x, y in points:
            painter.drawEllipse(QPointF(x, y), radius, radius)
        if len(points) <= NAMES and self.graph.node_names:
            font = self.font()
            font.setPixelSize(m.small)
            painter.setFont(font)
            painter.setPen(color(theme.text))
            for (x, y), name in zip(points, self.graph.node_names, strict=True):
                painter.drawText(QPointF(x + radius + 4, y + m.small / 3), name)
        painter.setPen(color(theme.muted))
        words = f"{self.graph.n_nodes} nodes · {len(self.graph.edges)} edges"
        words += " · laid out by forces" if 3 <= self.graph.n_nodes <= FORCE_LIMIT else " · on a circle"
        area = QRectF(self.rect()).adjusted(m.px(12), m.px(8), -m.px(12), -m.px(8))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), words)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        factor = 1.0015 ** event.angleDelta().y()
        zoom = min(max(self._zoom * factor, 0.2), 50.0)
        about = event.position() - QPointF(self.width() / 2, self.height() / 2)
        self._shift = about - (about - self._shift) * (zoom / self._zoom)
        self._zoom = zoom
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._grab = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grab is not None and event.buttons():
            self._shift += event.position() - self._grab
            self._grab = event.position()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grab = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._zoom, self._shift = 1.0, QPointF(0, 0)
        self.update()


def _arrow(painter: QPainter, line: QLineF, radius: float) -> None:
    if line.length() < 3 * radius:
        return
    unit = (line.p2() - line.p1()) / line.length()
    tip = line.p2() - unit * radius
    side = QPointF(-unit.y(), unit.x()) * 3
    painter.drawPolygon(QPolygonF([tip, tip - unit * 8 + side, tip - unit * 8 - side]))
