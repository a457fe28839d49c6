"""The title of a view as a button: it opens the view's menu, which says what the view shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPainterPath, QPen

from app.viewports.tools import Tool

if TYPE_CHECKING:
    from app.viewports.state import Resolved
    from app.viewports.viewport import Viewport


class TitleTool(Tool):
    """Takes a click on the title only; shows that it can while the pointer is over it."""

    def __init__(self) -> None:
        self._over: Viewport | None = None

    def press(self, view: Viewport, event: QMouseEvent) -> bool:
        """Take the click; a menu that opened now would keep the release from the view."""
        return event.button() is Qt.MouseButton.LeftButton and self._hit(view, event.position())

    def release(self, view: Viewport, event: QMouseEvent) -> None:
        """Open the menu below the title."""
        if self._hit(view, event.position()):
            box = self._box(view)
            view.menuWanted.emit(QPointF(box.left(), box.bottom()))

    def move(self, view: Viewport, event: QMouseEvent) -> bool:
        """Light up, and go out again."""
        over = view if not event.buttons() and self._hit(view, event.position()) else None
        if over is not self._over:
            self.leave(view)
            self._over = over
            view.update_cover()
        return False

    def leave(self, view: Viewport) -> None:
        """Go out."""
        before, self._over = self._over, None
        if before is not None:
            before.update_cover()

    def paint(self, view: Viewport, painter: QPainter, state: Resolved) -> None:
        """A mark behind the title that is pointed at."""
        if view is not self._over:
            return
        m, box = view.overlay.metrics, self._box(view)
        color = QColor(view.theme.view_text)
        color.setAlphaF(0.12)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRoundedRect(box, m.px(4), m.px(4))
        side = m.px(4)
        x, y = box.right() - m.px(11), box.center().y() - side / 3
        path = QPainterPath(QPointF(x - side, y - side / 3))
        path.lineTo(x, y + side * 0.7)
        path.lineTo(x + side, y - side / 3)
        painter.setPen(QPen(QColor(view.theme.view_text), m.px(1.3)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _hit(self, view: Viewport, position: QPointF) -> bool:
        return self._box(view).contains(position)

    @staticmethod
    def _box(view: Viewport) -> QRectF:
        """Around the title; a little wider, for the mark at its end."""
        overlay = view.overlay
        m = overlay.metrics
        fm = QFontMetricsF(overlay.small)
        title = view.frame.state.title if view.frame is not None else ""
        edge = m.px(10)
        wide = m.px(16) + fm.horizontalAdvance(title) + m.px(24)
        return QRectF(edge - m.px(5), edge - m.px(3), wide if title else 0.0, fm.height() + m.px(6))
