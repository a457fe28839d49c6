"""Pictures of a grid's views off screen: of any size, without waiting, each complete.

The views on the screen are not touched. What has to be drawn is fixed when it is asked for; the words over the pictures
are painted when they are there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from app.theme import LIGHT, Theme
from app.viewports import service
from app.viewports.overlay import PARTS, Overlay
from app.viewports.service import Frame
from app.viewports.state import CLEAR, Resolved, SceneItem, ViewIntent, resolve

if TYPE_CHECKING:
    from app.viewports.grid import ViewportGrid

BACKGROUNDS = {"theme": "As in the window", "white": "White", "clear": "Transparent"}
"""Of 3-D views; slices are judged on black."""
LARGEST = 16_000
"""Pixels of a side; graphics libraries refuse more."""
_numbers = count(1_000_000)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """How pictures are made: pixels a logical pixel, the parts of `PARTS` over them, the background of 3-D views."""

    scale: float = 2.0
    parts: frozenset[str] = frozenset(PARTS)
    background: str = "theme"


@dataclass(frozen=True, eq=False)
class Aimed:
    """One view of a shot: its place, what is asked of it, what it has to show."""

    slot: str
    rect: QRect
    intent: ViewIntent
    state: Resolved


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture to take: its size in logical pixels, and its views."""

    size: QSize
    views: tuple[Aimed, ...]
    words: str = ""
    """Along the lower edge: the time that a frame shows."""


class Photographer:
    """Takes shots of one grid, one after another. `close` gives its VTK objects back."""

    def __init__(self, grid: ViewportGrid, look: Look) -> None:
        self._grid, self.look = grid, look
        self._held = [service.acquire()]
        self._known: dict[str, int] = {}

    def plan(self, slot: str | None = None, size: QSize | None = None) -> Shot:
        """What is to be drawn: one view, or all of the layout, as they are now."""
        grid, look = self._grid, self.look
        if slot is None:
            size = size or grid.size()
            places = grid.rects(size)
        else:
            size = size or grid.views[slot].size()
            places = {slot: QRect(0, 0, size.width(), size.height())}
        views = []
        for name, rect in places.items():
            view = grid.views[name]
            intent = replace(view.intent, interactive=False, progressive=False)
            if look.background == "clear":
                intent = replace(intent, background=CLEAR)
            elif look.background == "white":
                intent = replace(intent, background=(LIGHT.paper, LIGHT.paper))
            views.append(self._aimed(name, rect, intent, view.items))
        return Shot(size, tuple(views))

    def again(
        self,
        shot: Shot,
        items: tuple[SceneItem, ...],
        change: Callable[[ViewIntent], ViewIntent],
        words: str = "",
    ) -> Shot:
        """The same views in the same places, of other items, each looked at in another way."""
        views = [self._aimed(v.slot, v.rect, change(v.intent), items) for v in shot.views]
        return Shot(shot.size, tuple(views), words)

    def _aimed(self, slot: str, rect: QRect, intent: ViewIntent, items: tuple[SceneItem, ...]) -> Aimed:
        state = resolve(intent, items, (rect.width(), rect.height()), self.look.scale)
        return Aimed(slot, rect, intent, state)

    def take(self, shot: Shot, done: Callable[[QImage], None]) -> None:
        """Draw it; `done` gets the picture later, on the main thread, unless `close` comes first."""
        alone = len(shot.views) == 1
        arrived: list[QImage] = []
        whole = None if alone else self._blank(shot)

        # Each view is painted when it arrives: all at once would hold the window up.
        def accept(aimed: Aimed, frame: Frame) -> None:
            if not self._held:
                return
            picture = self._one(aimed, frame)
            arrived.append(picture)
            if whole is not None:
                painter = QPainter(whole)
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
                painter.drawImage(QPointF(aimed.rect.topLeft()), picture)
                painter.end()
                arrived[-1] = whole
            if len(arrived) == len(shot.views):
                made = arrived[-1]
                if shot.words:
                    self._write_words(made, shot)
                done(made)

        for view in shot.views:
            number = self._known.setdefault(view.slot, next(_numbers))
            self._held[0].draw_later(number, view.state, partial(accept, view))

    def close(self) -> None:
        """Free what it drew with. Harmless when called twice."""
        while self._held:
            held = self._held.pop()
            for number in self._known.values():
                held.forget(number)
            service.give_back()

    def _blank(self, shot: Shot) -> QImage:
        scale, clear = self.look.scale, self.look.background == "clear"
        kind = QImage.Format.Format_ARGB32_Premultiplied if clear else QImage.Format.Format_RGB32
        out = QImage(round(shot.size.width() * scale), round(shot.size.height() * scale), kind)
        out.setDevicePixelRatio(scale)
        out.fill(QColor(self._grid.theme.view_line))
        return out

    def _one(self, aimed: Aimed, frame: Frame) -> QImage:
        state, view = aimed.state, self._grid.views.get(aimed.slot)
        out = frame.image
        if out is None:
            out = QImage(
                round(state.width * state.dpr), round(state.height * state.dpr), QImage.Format.Format_RGB32
            )
            out.fill(QColor(self._grid.theme.view))
        out.setDevicePixelRatio(state.dpr)
        overlay = self._overlay(state)
        painter = QPainter(out)
        try:
            overlay.paint(painter, state, frame.notes)
            if view is not None and "tools" in self.look.parts:
                for tool in view.tools:
                    try:
                        tool.paint(view, painter, state)
                    except Exception:  # a movie of a hundred frames must not wait for one that never comes
                        log.exception("painting a tool over a picture")
        finally:
            painter.end()
        return out

    def _overlay(self, state: Resolved) -> Overlay:
        theme: Theme = self._grid.theme
        white = self.look.background == "white" and state.kind == "3d"
        if white:
            theme = replace(theme, view_text=LIGHT.text, view_muted=LIGHT.muted)
        made = Overlay(theme, self._grid.font())
        made.parts = self.look.parts
        if white:
            made.halo = QColor(255, 255, 255, 190)
        return made

    def _write_words(self, out: QImage, shot: Shot) -> None:
        state = shot.views[-1].state
        overlay = self._overlay(state)
        m = overlay.metrics
        painter = QPainter(out)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        # A slice has a letter in the middle of its lower edge, a 3-D view a legend at the right end.
        middle = len(shot.views) == 1 and state.kind == "3d"
        side = Qt.AlignmentFlag.AlignHCenter if middle else Qt.AlignmentFlag.AlignRight
        box = QRectF(0, 0, shot.size.width() - (0 if middle else m.px(10)), shot.size.height() - m.px(10))
        overlay.text(
            painter,
            box,
            side | Qt.AlignmentFlag.AlignBottom,
            shot.words,
            overlay.theme.view_text,
            overlay.small,
        )
        painter.end()
