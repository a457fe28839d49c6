"""The tool that places a markup, point by point; each point is an edit of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from app.viewports.cuts import shape_edges
from app.viewports.markup_tools import shapes
from app.viewports.markup_tools.editing import REACH, STILL, drawings_of, shown_state
from app.viewports.markup_tools.host import MarkupHost
from app.viewports.markup_tools.painting import lines_of
from app.viewports.markup_tools.snapping import Place, place_at
from app.viewports.state import Resolved, ResolvedSlice
from app.viewports.tools import Tool
from core import markups
from core.data import Markup, MarkupKind

if TYPE_CHECKING:
    from app.viewports.viewport import Viewport

Array = NDArray[Any]


@dataclass(frozen=True)
class Placing:
    """A tool of the menu. `name` that of the items it makes; `points` after so many it is complete, 0: when told."""

    kind: MarkupKind
    name: str
    points: int
    hint: str


PLACINGS: dict[str, Placing] = {
    "points": Placing(MarkupKind.POINTS, "Points", 0, "Click to place points"),
    "line": Placing(MarkupKind.LINE, "Line", 2, "Click both ends"),
    "curve": Placing(MarkupKind.CURVE, "Curve", 0, "Click along the curve; Return finishes it"),
    "closed_curve": Placing(
        MarkupKind.CLOSED_CURVE, "Closed curve", 0, "Click around; Return or the first point closes it"
    ),
    "plane": Placing(
        MarkupKind.PLANE, "Plane", 2, "In a slice click both ends of its line; in 3-D three points of it"
    ),
    "box": Placing(MarkupKind.BOX, "Box", 2, "Click two opposite corners"),
    "distance": Placing(MarkupKind.LINE, "Distance", 2, "Click both ends"),
    "angle": Placing(MarkupKind.ANGLE, "Angle", 3, "Click an arm, the corner, the other arm"),
}
SHAPES = (MarkupKind.PLANE, MarkupKind.BOX)


class PlaceTool(Tool):
    """Clicks place points; drags in 3-D turn the view. `many`: begin the next one when one is complete."""

    def __init__(
        self, host: MarkupHost, placing: Placing, *, many: bool = False, smooth: bool = False
    ) -> None:
        self._host = host
        self.placing = placing
        self.many = many
        self.smooth = smooth
        self.cursor = Qt.CursorShape.CrossCursor
        self.item: str | None = None
        """Id of the markup that is being placed, once it has a point."""
        self.pending: list[Array] = []
        """Points, in the world, of a plane or box that is not complete."""
        self._pending_state: Resolved | None = None
        self._at: tuple[str, Place] | None = None
        self._pressed: QPointF | None = None
        self._turned = False

    # -- mouse --------------------------------------------------------------------------------------------------

    def press(self, view: Viewport, event: QMouseEvent) -> bool:
        """A left button may become a point; the crosshair's Shift and the pan's Space stay what they are."""
        if event.button() is not Qt.MouseButton.LeftButton or view.space_held:
            return False
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return False
        self._pressed, self._turned = event.position(), False
        self._aim(view, event)
        return True

    def move(self, view: Viewport, event: QMouseEvent) -> bool:
        """Show where the point would go; a drag in 3-D turns."""
        if event.buttons() and self._pressed is None:
            return False
        if self._pressed is not None and view.intent.kind == "3d":
            step = event.position() - self._pressed
            if self._turned or step.manhattanLength() >= STILL:
                self._turned = True
                view.turn_by(step.x(), step.y())
                self._pressed = event.position()
            return True
        self._aim(view, event)
        # Nothing else lights up under the pointer while a click places; the crosshair still follows Shift.
        return not event.modifiers() & Qt.KeyboardModifier.ShiftModifier

    def release(self, view: Viewport, event: QMouseEvent) -> None:
        """Place the point."""
        pressed, self._pressed = self._pressed, None
        if pressed is None or self._turned:
            return
        self._aim(view, event)
        if self._at is None:
            self._host.say("There is nothing under the pointer: click on a surface or a volume")
            return
        self._place(view, self._at[1].position, event.position())

    def double_click(self, view: Viewport, event: QMouseEvent) -> bool:
        """The first click of it has placed the last point: finish."""
        if event.button() is Qt.MouseButton.LeftButton and self._is_open:
            self.finish(view)
        return True

    def menu(self, view: Viewport, position: QPointF) -> bool:
        """A right click finishes instead of opening the menu, once something is begun."""
        if self.item is None and not self.pending:
            return False
        self.finish(view)
        return True

    def leave(self, view: Viewport) -> None:
        """Nothing is aimed at."""
        self._pressed = None
        self._unaim(view)

    def cancel(self, view: Viewport) -> None:
        """Escape with the button down: no point."""
        self._pressed = None
        self._unaim(view)

    # -- keyboard -----------------------------------------------------------------------------------------------

    def key(self, view: Viewport, event: QKeyEvent) -> bool:
        """Insert places a point at the crosshair, Return finishes, Backspace takes the last point back, Escape leaves."""
        key = event.key()
        if key == Qt.Key.Key_Insert:
            state = view.resolved()
            cursor = state.cursor if isinstance(state, ResolvedSlice) else view.intent.cursor
            if cursor is None:
                return False
            # Nowhere near a pointer: a ring closes by Return.
            self._place(view, np.asarray(cursor, dtype=float), QPointF(-1e6, -1e6))
            view.update_cover()
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.item is None and not self.pending:
                return False
            self.finish(view)
        elif key == Qt.Key.Key_Backspace:
            self.take_back(view)
        elif key == Qt.Key.Key_Escape:
            self.many = False
            self.finish(view)
        else:
            return False
        return True

    # -- what becomes of it -------------------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        return self.placing.points == 0

    def begun(self) -> Markup | None:
        """What has been placed so far; None before the first point, and after all were undone."""
        item = None if self.item is None else self._host.item(self.item)
        if item is None:
            self.item = None
            return None
        markup: Markup = item.data
        return markup

    def finish(self, view: Viewport | None = None) -> None:
        """End what is being placed; what is less than it has to be is taken away again."""
        self._unaim(view)
        markup = self.begun()
        if markup is not None and self.item is not None and len(markup.points) < markups.LEAST[markup.kind]:
            self._host.remove(self.item)
        self.item, self.pending = None, []
        if not self.many:
            self._host.finished()
        if view is not None:
            view.update_cover()

    def take_back(self, view: Viewport | None = None) -> None:
        """The last point goes."""
        self._unaim(view)
        markup = self.begun()
        if self.pending:
            self.pending.pop()
        elif markup is not None and self.item is not None:
            if len(markup.points) > 1:
                item = self._host.item(self.item)
                assert item is not None
                made = markups.without_point(markup, len(markup.points) - 1, item.transform)
                self._host.commit(self.item, markup, made, "Take point back")
            else:
                self._host.remove(self.item)
                self.item = None
        if view is not None:
            view.update_cover()

    def _place(self, view: Viewport, point: Array, position: QPointF) -> None:
        self._unaim(view)
        state = shown_state(view)
        if self.placing.kind in SHAPES:
            self._place_corner(view, state, point)
            return
        markup = self.begun()
        if markup is None:
            labels = ("P1",) if self.placing.kind is MarkupKind.POINTS else ()
            unit, space = _unit_and_space(view)
            made = Markup(
                self.placing.kind, point[None], labels=labels, unit=unit, space=space, smooth=self.smooth
            )
            self.item = self._host.add(made, self.placing.name)
        else:
            assert self.item is not None
            if self.placing.kind is MarkupKind.CLOSED_CURVE and self._closes(view, markup, position):
                self.finish(view)
                return
            made = self._with(markup, point)
            if not self._host.commit(self.item, markup, made, "Place point"):
                return
        complete = self.placing.points or (
            1 if self.placing.kind is MarkupKind.POINTS and not self.many else 0
        )
        if complete and len(made.points) >= complete:
            self.finish(view)

    def _closes(self, view: Viewport, markup: Markup, position: QPointF) -> bool:
        """Whether a click means the first point of a ring."""
        item = None if self.item is None else self._host.item(self.item)
        if item is None or len(markup.points) < markups.LEAST[markup.kind]:
            return False
        flat = shapes.on_screen(shown_state(view), markups.world_points(markup, item.transform)[:1])[0]
        reach = view.overlay.metrics.px(REACH)
        return bool(np.hypot(flat[0] - position.x(), flat[1] - position.y()) <= reach)

    def _with(self, markup: Markup, point: Array) -> Markup:
        """The markup with a world point more; the item has been made here and moved since at most."""
        item = None if self.item is None else self._host.item(self.item)
        matrix = np.eye(4) if item is None else np.asarray(item.transform)
        local = np.linalg.solve(matrix, [*point, 1.0])[:3]
        label = markups.free_label(markup) if markup.kind is MarkupKind.POINTS else ""
        return markups.inserted(markup, len(markup.points), local, label, matrix)

    def _place_corner(self, view: Viewport, state: Resolved, point: Array) -> None:
        if self.pending and type(self._pending_state) is not type(state):
            self.pending = []  # begun in a slice and gone on with in 3-D, or the other way round
        self._pending_state = state
        made = self._shape(state, [*self.pending, point])
        if made is None:
            if len(self.pending) < self._corners(state) - 1:
                self.pending.append(point)
            else:
                self._host.say("These points do not span anything: click further away")
            return
        unit, space = _unit_and_space(view)
        made = replace(made, unit=unit, space=space)
        self.pending = []
        self._host.add(markups.changed(made), self.placing.name)
        self.finish(view)

    def _corners(self, state: Resolved) -> int:
        in_space = not isinstance(state, ResolvedSlice)
        return 3 if in_space and self.placing.kind is MarkupKind.PLANE else 2

    def _shape(self, state: Resolved, points: list[Array]) -> Markup | None:
        """The plane or box of as many points as it takes; None while some are missing or they span nothing."""
        if len(points) < self._corners(state):
            return None
        if self.placing.kind is MarkupKind.PLANE:
            if isinstance(state, ResolvedSlice):
                return markups.plane_through(points[0], points[1], np.asarray(state.toward))
            return markups.plane_of_three(*points[:3])
        axes = state.frame().T if isinstance(state, ResolvedSlice) else np.eye(3)
        return markups.box_between(points[0], points[1], axes)

    # -- aiming -------------------------------------------------------------------------------------------------

    def _aim(self, view: Viewport, event: QMouseEvent) -> None:
        snapping = self._host.snapping
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            snapping = snapping.inverted()
        markup = self.begun()
        place = place_at(
            shown_state(view),
            view.shown_items(),
            event.position().x(),
            event.position().y(),
            snapping,
            drawings=drawings_of(view),
            without=self.item or "",
        )
        self._at = None if place is None else (view.slot, place)
        if markup is not None and self.item is not None:
            wanted = None
            if place is not None and markup.kind is not MarkupKind.POINTS:
                wanted = self._with(markup, place.position)
            self._host.preview(self.item, wanted, view)
        view.update_cover()

    def _unaim(self, view: Viewport | None) -> None:
        self._at = None
        if self.item is not None:
            self._host.preview(self.item, None)
        if view is not None:
            view.update_cover()

    def paint(self, view: Viewport, painter: QPainter, state: Resolved) -> None:
        """Where the next point would go, and what a plane or box would become."""
        aim = self._at[1] if self._at is not None and self._at[0] == view.slot else None
        accent = QColor(view.theme.accent)
        if view.underMouse() or view.hasFocus():
            m = view.overlay.metrics
            place = QPointF(m.px(10), m.px(10) + 1.6 * m.small)
            view.overlay.put_words(painter, place + QPointF(0, m.px(14)), self.placing.hint, strong=False)
        if self.pending:
            self._paint_pending(view, painter, state, aim, accent)
        if aim is None:
            return
        x, y, _ = shapes.on_screen(state, aim.position)[0].tolist()
        r = view.overlay.metrics.px(5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((QColor(0, 0, 0, 170), 3.0), (accent, 1.6)):
            painter.setPen(QPen(color, width))
            if aim.to in ("point", "voxel"):
                painter.drawRect(round(x - r), round(y - r), round(2 * r), round(2 * r))
            else:
                painter.drawEllipse(QPointF(x, y), r, r)
        if aim.to:
            view.overlay.put_words(painter, QPointF(x + r + 5, y + 3 * r), _SNAPPED[aim.to])

    def _paint_pending(
        self, view: Viewport, painter: QPainter, state: Resolved, aim: Place | None, accent: QColor
    ) -> None:
        points = [*self.pending, *([] if aim is None else [aim.position])]
        same = type(self._pending_state) is type(state)
        made = self._shape(state, points) if same else None
        painter.setPen(QPen(accent, 1.6))
        if made is not None:
            corners, edges = shape_edges(made)
            painter.drawLines(lines_of(state, corners[edges]))
        elif len(points) > 1:
            painter.drawLines(lines_of(state, np.stack([points[:-1], points[1:]], axis=1)))
        painter.setBrush(accent)
        for x, y, _ in shapes.on_screen(state, np.array(self.pending)).tolist():
            painter.drawEllipse(QPointF(x, y), 3.5, 3.5)


_SNAPPED = {"point": "on the point", "surface": "on the surface", "voxel": "voxel centre"}


def _unit_and_space(view: Viewport) -> tuple[str, str]:
    """Those of what the view shows; of several things, of the volume that the slices follow."""
    state = view.resolved()
    shown = [i for i in view.shown_items() if not isinstance(i.data, Markup)]
    lead = state.item(state.reference) if isinstance(state, ResolvedSlice) else None
    data = lead.data if lead is not None else shown[0].data if shown else None
    return str(getattr(data, "unit", "mm")), str(getattr(data, "space", "RAS"))
