"""What stands over a picture: title, orientation letters, convention, scale bar, crosshair, cut lines, legend.

Painted with Qt in logical pixels, so it is sharp at every scale, and from the state that the picture below shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from app.theme import Metrics, Theme
from app.viewports.cuts import Drawing, draw_markup, thinned
from app.viewports.legends import paint_legends
from app.viewports.markup_words import paint_words
from app.viewports.notes import Notes
from app.viewports.state import Resolved, Resolved3D, ResolvedSlice, SceneItem

Array = NDArray[Any]

_MAX_SEGMENTS = 60_000
NOTHING: Mapping[str, SceneItem] = MappingProxyType({})
PARTS = {
    "title": "Title",
    "letters": "Orientation letters and axes",
    "scale": "Scale bar",
    "legend": "Colour legend",
    "crosshair": "Crosshair",
    "tools": "Measurements and tools",
}
"""What a picture may do without."""


class Overlay:
    """Paints the words and lines of one view. `font` is the widget's; sizes follow it."""

    def __init__(self, theme: Theme, font: QFont) -> None:
        self.theme = theme
        self.metrics = Metrics.of(font)
        self.small = QFont(font)
        self.small.setPixelSize(self.metrics.small)
        self.letter = QFont(font)
        self.letter.setPixelSize(self.metrics.font)
        self.letter.setBold(True)
        self.handles = False
        """Whether the crosshair lines show where they can be taken hold of: while the pointer is over the view."""
        self.held: QPointF | None = None
        self.parts: frozenset[str] = frozenset(PARTS)
        self.halo = QColor(0, 0, 0, 205)
        """Round words, so that they can be read on anything."""
        self.warm = False
        """The pointer is over the words of the convention, which a click changes."""

    def paint(
        self, painter: QPainter, state: Resolved, notes: Notes, live: Mapping[str, SceneItem] = NOTHING
    ) -> None:
        """Everything, clipped to the view. `live`: markups as they are at this moment, where the picture is older."""
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.setClipRect(QRectF(0, 0, state.width, state.height))
        if isinstance(state, ResolvedSlice):
            shown = {i.id for i in state.items}
            for drawing in notes.drawings:
                if drawing.item not in live:
                    self._drawing(painter, state, drawing)
            for item in live.values():
                if item.id in shown:
                    for drawing in draw_markup(item, (state.origin, state.toward), state.reach):
                        self._drawing(painter, state, drawing)
            if state.items:
                if state.crosshair and "crosshair" in self.parts:
                    self._crosshair(painter, state)
                if "letters" in self.parts:
                    self._letters(painter, state)
                if "scale" in self.parts:
                    self._scale_bar(painter, state)
                if "title" in self.parts:
                    self._infos(painter, state, notes.infos)
            if "letters" in self.parts:
                self._corner(painter, state, state.convention)
        else:
            if state.items and "letters" in self.parts:
                self._triad(painter, state)
            if state.items and state.camera.parallel and "scale" in self.parts:
                self._scale_bar(painter, state, self.metrics.px(84))
            if "title" in self.parts:
                self._corner(painter, state, tuple(notes.infos[:3]))
        paint_words(painter, self, state, live)
        if "title" in self.parts:
            self._title(painter, state)
        if "legend" in self.parts:
            paint_legends(self, painter, state, notes.legends)
        if not state.items:
            words = (
                "Open a volume to see slices"
                if isinstance(state, ResolvedSlice)
                else "Nothing to show in 3-D"
            )
            center = QRectF(0, 0, state.width, state.height)
            self.text(painter, center, Qt.AlignmentFlag.AlignCenter, words, self.theme.view_muted, self.small)
        if notes.problems:
            self._problems(painter, state, notes.problems)

    # -- corners ----------------------------------------------------------------------------------------------

    def _title(self, painter: QPainter, state: Resolved) -> None:
        m = self.metrics
        edge, side = m.px(10), m.px(10)
        line = QFontMetricsF(self.small).height()
        square = QRectF(edge, edge + (line - side) / 2, side, side)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.stripe(state.kind)))
        painter.drawRoundedRect(square, m.px(2), m.px(2))
        box = QRectF(square.right() + m.px(6), edge, state.width, line)
        room = state.width - box.left() - edge
        title = QFontMetricsF(self.small).elidedText(state.title, Qt.TextElideMode.ElideRight, room)
        self.text(painter, box, Qt.AlignmentFlag.AlignLeft, title, self.theme.view_text, self.small)

    def _infos(self, painter: QPainter, state: ResolvedSlice, lines: list[str]) -> None:
        """What the picture is made of, above the scale bar; the first line at the bottom."""
        m = self.metrics
        line = QFontMetricsF(self.small).height() * 1.15
        bottom = state.height - m.px(12) - 2 * line
        flag = Qt.AlignmentFlag.AlignLeft
        if state.width - m.px(90) < QFontMetricsF(self.small).averageCharWidth() * 10:
            return  # no room for words
        for k, text in enumerate(lines[:4]):
            box = QRectF(m.px(10), bottom - k * line, state.width - m.px(90), line)
            shown = QFontMetricsF(self.small).elidedText(text, Qt.TextElideMode.ElideMiddle, box.width())
            self.text(painter, box, flag, shown, self.theme.view_text, self.small)

    def words_box(self, state: ResolvedSlice) -> QRectF:
        """Where the words of the convention stand, empty where there are none."""
        return self._corner_box(state, state.convention) if state.items else QRectF()

    def _corner_box(self, state: Resolved, lines: tuple[str, ...]) -> QRectF:
        edge, metrics = self.metrics.px(10), QFontMetricsF(self.small)
        line = metrics.height() * 1.15
        widest = max((metrics.horizontalAdvance(t) for t in lines), default=0.0)
        title = metrics.horizontalAdvance(state.title) + self.metrics.px(34)
        # In a narrow view they stand below the title.
        top = edge + line if title + widest + edge > state.width else edge
        return QRectF(state.width - edge - widest, top, widest, line * len(lines))

    def _corner(self, painter: QPainter, state: Resolved, lines: tuple[str, ...]) -> None:
        whole = self._corner_box(state, lines)
        line = whole.height() / max(1, len(lines))
        warm = self.warm and isinstance(state, ResolvedSlice)
        color = self.theme.view_text if warm else self.theme.view_muted
        font = QFont(self.small)
        font.setUnderline(warm)
        for k, text in enumerate(lines):
            box = QRectF(0, whole.top() + k * line, whole.right(), line)
            self.text(painter, box, Qt.AlignmentFlag.AlignRight, text, color, font)

    def _problems(self, painter: QPainter, state: Resolved, problems: list[str]) -> None:
        edge = self.metrics.px(10)
        box = QRectF(edge, edge, state.width - 2 * edge, state.height - 4 * edge)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWordWrap
        self.text(painter, box, flags, "\n".join(problems[:3]), self.theme.warn, self.small)

    # -- slices -----------------------------------------------------------------------------------------------

    def _letters(self, painter: QPainter, state: ResolvedSlice) -> None:
        m = self.metrics
        edge = m.px(10)
        rect = QRectF(edge, edge, state.width - 2 * edge, state.height - 2 * edge)
        metrics = QFontMetricsF(self.small)
        upper = QRectF(rect)
        half = QFontMetricsF(self.letter).horizontalAdvance(state.letters[2]) / 2 + m.px(6)
        words = self.words_box(state)
        # In a narrow view: below the title and the words, not over them.
        if metrics.horizontalAdvance(state.title) + m.px(26) > state.width / 2 - half:
            upper.setTop(edge + metrics.height() * 1.15)
        if words.left() < state.width / 2 + half and words.bottom() > upper.top():
            upper.setTop(words.bottom())
        flag = Qt.AlignmentFlag
        for text, align in zip(
            state.letters,
            (
                flag.AlignLeft | flag.AlignVCenter,
                flag.AlignRight | flag.AlignVCenter,
                flag.AlignHCenter | flag.AlignTop,
                flag.AlignHCenter | flag.AlignBottom,
            ),
            strict=True,
        ):
            box = upper if align & flag.AlignTop else rect
            self.text(painter, box, align, text, self.theme.view_text, self.letter)

    def _scale_bar(self, painter: QPainter, state: Resolved, left: float = 0.0) -> None:
        m = self.metrics
        metrics = QFontMetricsF(self.small)
        length = nice_length(m.px(70) * state.scale)
        for _ in range(6):
            label = f"{length:g} {state.unit}".strip()
            # It ends before the letter in the middle of the lower edge.
            if metrics.horizontalAdvance(label) + length / state.scale < state.width / 2 - m.px(34):
                break
            length = nice_length(length / 2.6)
        else:
            return
        width = length / state.scale
        x, y = m.px(10) + left, state.height - m.px(10) - metrics.height()
        box = QRectF(x, y, state.width, metrics.height())
        self.text(painter, box, Qt.AlignmentFlag.AlignLeft, label, self.theme.view_muted, self.small)
        begin = x + metrics.horizontalAdvance(label) + m.px(8)
        middle, tick = y + metrics.height() / 2, m.px(4)
        lines = [
            QLineF(begin, middle, begin + width, middle),
            QLineF(begin, middle - tick, begin, middle + tick),
            QLineF(begin + width, middle - tick, begin + width, middle + tick),
        ]
        for color, thick in ((QColor(0, 0, 0, 150), 3.0), (QColor(self.theme.view_muted), 1.2)):
            painter.setPen(QPen(color, thick))
            painter.drawLines(lines)

    def _crosshair(self, painter: QPainter, state: ResolvedSlice) -> None:
        x, y, _ = state.to_screen(np.array(state.cursor))[0]
        gap, far = self.metrics.px(9), 4 * max(state.width, state.height) + abs(x) + abs(y)
        for kind, dx, dy in state.lines:
            color = QColor(self.theme.stripe(kind))
            color.setAlphaF(0.75)
            painter.setPen(QPen(color, 1.0))
            painter.drawLines(
                [
                    QLineF(x + dx * a, y + dy * a, x + dx * b, y + dy * b)
                    for a, b in ((-far, -gap), (gap, far))
                ]
            )
        if self.handles:
            for kind, place in self.line_ends(state):
                color = QColor(self.theme.stripe(kind))
                held = self.held is not None and (place - self.held).manhattanLength() < 1
                painter.setPen(QPen(color, 2.0 if held else 1.2))
                painter.setBrush(color if held else QColor(0, 0, 0, 110))
                painter.drawEllipse(place, self.metrics.px(5), self.metrics.px(5))

    def line_ends(self, state: ResolvedSlice) -> list[tuple[str, QPointF]]:
        """Where the crosshair lines can be taken hold of to turn the planes: a little before they leave the view."""
        x, y, _ = state.to_screen(np.array(state.cursor))[0]
        edge, near = self.metrics.px(34), self.metrics.px(40)
        room = QRectF(edge, edge, state.width - 2 * edge, state.height - 2 * edge)
        ends = []
        for kind, dx, dy in state.lines:
            for sign in (1.0, -1.0):
                ways = [
                    (limit - at) / (sign * way)
                    for at, way, low, high in (
                        (x, dx, room.left(), room.right()),
                        (y, dy, room.top(), room.bottom()),
                    )
                    if abs(way) > 1e-9
                    for limit in ((high,) if sign * way > 0 else (low,))
                ]
                far = min(ways, default=0.0)
                if far > near:
                    place = QPointF(x + sign * dx * far, y + sign * dy * far)
                    if room.adjusted(-1, -1, 1, 1).contains(place):
                        ends.append((kind, place))
        return ends

    def _drawing(self, painter: QPainter, state: ResolvedSlice, drawing: Drawing) -> None:
        color = QColor.fromRgbF(*drawing.color, min(max(drawing.opacity, 0.0), 1.0))
        if len(drawing.segments):
            segments = drawing.segments[:_MAX_SEGMENTS]
            flat = state.to_screen(segments.reshape(-1, 3))[:, :2].reshape(-1, 4)
            flat = thinned(flat[np.isfinite(flat).all(axis=1)])
            pen = QPen(color, drawing.width)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawLines([QLineF(*row) for row in flat.tolist()])
        if len(drawing.dots):
            radius = drawing.size / 2
            places = state.to_screen(drawing.dots)
            if len(places) > 16 and color.alpha() == 255:
                # Hundreds of them, as points with a round pen: two calls.
                polygon = QPolygonF([QPointF(x, y) for x, y, _ in places.tolist()])
                for ring, wide in ((QColor(0, 0, 0, 190), 2 * radius + 1.2), (color, 2 * radius - 1.2)):
                    pen = QPen(ring, max(wide, 1.0))
                    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                    painter.setPen(pen)
                    painter.drawPoints(polygon)
                return
            for x, y, _ in places.tolist():
                painter.setPen(QPen(QColor(0, 0, 0, 190), 1.2))
                painter.setBrush(color)
                painter.drawEllipse(QPointF(x, y), radius, radius)

    # -- 3-D --------------------------------------------------------------------------------------------------

    def _triad(self, painter: QPainter, state: Resolved3D) -> None:
        m = self.metrics
        length = m.px(24)
        center = np.array([m.px(18) + length, state.height - m.px(18) - length])
        right, up, back = state.camera.frame()
        names = ("R", "A", "S") if state.anatomical else ("x", "y", "z")
        colors = (self.theme.sagittal, self.theme.coronal, self.theme.axial)
        arms = sorted(range(3), key=lambda k: back[k])  # far ones first
        for k in arms:
            tip = center + length * np.array([right[k], -up[k]])
            color = QColor(colors[k])
            color.setAlphaF(1.0 if back[k] > -0.25 else 0.55)
            painter.setPen(QPen(QColor(0, 0, 0, 130), 3.4))
            painter.drawLine(QLineF(*center, *tip))
            painter.setPen(QPen(color, 1.8))
            painter.drawLine(QLineF(*center, *tip))
            away = center + (length + m.px(9)) * np.array([right[k], -up[k]])
            if np.hypot(right[k], up[k]) < 0.25:
                away = center + m.px(11) * np.array([0.7, -0.7])
            box = QRectF(away[0] - 20, away[1] - 20, 40, 40)
            self.text(painter, box, Qt.AlignmentFlag.AlignCenter, names[k], self.theme.view_text, self.small)

    def put_words(self, painter: QPainter, place: QPointF, text: str, *, strong: bool = True) -> None:
        """A few words that begin at `place`, their middle at its height."""
        box = QRectF(place.x(), place.y() - 40, 4000, 80)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        color = self.theme.view_text if strong else self.theme.view_muted
        self.text(painter, box, flags, text, color, self.small)

    def text(self, painter: QPainter, box: QRectF, flags: Any, text: str, color: str, font: QFont) -> None:
        """Text that can be read on black and on white: a thin dark edge around it."""
        painter.setFont(font)
        flags = int(flags.value if hasattr(flags, "value") else flags)
        painter.setPen(self.halo)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawText(box.translated(dx, dy), flags, text)
        painter.setPen(QColor(color))
        painter.drawText(box, flags, text)


def nice_length(at_least: float) -> float:
    """The smallest of 1, 2, 5 × 10ⁿ that is not below `at_least`; what a scale bar shows."""
    if not math.isfinite(at_least) or at_least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(power * f for f in (1, 2, 5, 10) if power * f >= at_least * 0.999)


def painted(state: Resolved, notes: Notes, image: QImage, overlay: Overlay) -> QImage:
    """A picture with its overlay, at the picture's own scale."""
    out = image.convertToFormat(QImage.Format.Format_RGB32)
    out.setDevicePixelRatio(state.dpr)
    painter = QPainter(out)
    try:
        overlay.paint(painter, state, notes)
    finally:
        painter.end()
    return out
