"""The words beside markups: names of points, lengths, angles, areas. Placed so that none covers another.

`words_of` and `settled` are geometry; `paint_words` paints what they say, from the state that the picture shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QFontMetricsF, QPainter

from app.viewports.camera import project
from app.viewports.state import Resolved, ResolvedSlice, SceneItem
from core import markups
from core.data import Markup, MarkupKind

if TYPE_CHECKING:
    from app.viewports.overlay import Overlay

Array = NDArray[Any]
Box = tuple[float, float, float, float]
"""Left, top, width, height."""
MOST = 200
"""Words in a view; of more, the rest stays away: they could not be read."""
_ORDER = {"length": 0, "angle": 0, "area": 1, "volume": 1}


@dataclass(frozen=True)
class Word:
    """`text` beside a point of the screen that has a dot of `radius` pixels; measurements go first and are brighter."""

    text: str
    x: float
    y: float
    radius: float
    measured: bool = False


def words_of(item: SceneItem, state: Resolved) -> list[Word]:
    """What there is to say about a markup in a view."""
    markup: Markup = item.data
    display = item.display
    out: list[Word] = []
    points = markups.world_points(markup, item.transform)
    if not len(points):
        return out
    flat = _on_screen(state, points)
    if isinstance(state, ResolvedSlice):
        near = np.abs(flat[:, 2]) <= state.reach / 2 * 1.001
    else:
        near = np.ones(len(points), bool) if state.camera.parallel else flat[:, 2] > 0
    if getattr(display, "measurements", True):
        text = measured_text(markup, item.transform)
        place = _measured_at(markup, item.transform, state, flat, near)
        if text and place is not None:
            out.append(Word(text, *place, display.size / 2 + 2, measured=True))
    if display.labels and markup.labels and markup.kind in markups.POINTED:
        for k in np.flatnonzero(near & np.isfinite(flat).all(axis=1)).tolist():
            if markup.labels[k]:
                x, y, _ = flat[k].tolist()
                out.append(Word(markup.labels[k], x, y, display.size / 2 + 2))
    return out


def measured_text(markup: Markup, transform: Array | None = None) -> str:
    """ "42.3 mm", "118.0°", "210.4 mm · 1890 mm²"; "" where nothing is measured beside the markup."""
    if markup.kind is MarkupKind.PLANE:
        return ""
    found = markups.measure(markup, transform)
    shown = [n for n in sorted(_ORDER, key=_ORDER.__getitem__) if math.isfinite(found.get(n, math.nan))]
    return " · ".join(figure(found[n], markups.unit_of(n, markup.unit)) for n in shown)


def figure(value: float, unit: str) -> str:
    """A measured number with its unit: four digits that matter, never fewer than one behind the point below 1000."""
    size = abs(value)
    digits = 1 if size >= 10 else 2 if size >= 1 or size == 0 else min(6, 2 - math.floor(math.log10(size)))
    text = f"{value:.0f}" if size >= 1000 else f"{value:.{digits}f}"
    text = text.replace("-", "−")
    return text + unit if unit == "°" else f"{text} {unit}".strip()


def _on_screen(state: Resolved, points: Array) -> Array:
    if isinstance(state, ResolvedSlice):
        return state.to_screen(points)
    return project(state.camera, points, state.width, state.height)


def _measured_at(
    markup: Markup, transform: Array, state: Resolved, flat: Array, near: Array
) -> tuple[float, float] | None:
    """Beside the middle of what the view shows of it; None where it shows nothing."""
    if markup.kind is MarkupKind.BOX:
        if isinstance(state, ResolvedSlice):
            from app.viewports.cuts import shape_cut

            cut = shape_cut(markup, transform, (state.origin, state.toward), state.reach)
            if not len(cut):
                return None
            places = state.to_screen(cut.reshape(-1, 3))
            best = places[int(np.argmin(places[:, 1]))]
            return float(best[0]), float(best[1])
        return float(flat[0, 0]), float(flat[0, 1])
    if markup.kind is MarkupKind.ANGLE:
        k = 1 if len(flat) > 1 and near[1] else -1
        return (float(flat[k, 0]), float(flat[k, 1])) if k > 0 else None
    line = markups.path(markup)
    if len(line) < 2:
        return None
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    # The middle first, then other places, for a curve whose middle lies in another slice.
    for part in (0.5, 0.25, 0.75, 0.02, 0.98):
        point = np.array([np.interp(part * along[-1], along, line[:, a]) for a in range(3)])
        world = np.asarray(transform)[:3, :3] @ point + np.asarray(transform)[:3, 3]
        x, y, depth = _on_screen(state, world)[0].tolist()
        if isinstance(state, ResolvedSlice):
            if abs(depth) <= state.reach / 2 * 1.001:
                return x, y
        elif state.camera.parallel or depth > 0:
            return x, y
    return None


def settled(
    words: Iterable[Word], size_of: Callable[[str], tuple[float, float]], room: tuple[float, float]
) -> list[tuple[Word, Box]]:
    """Each word with its place: right of its point, else left, above, below, further out; else left away.

    Words that come first have the first choice.
    """
    out: list[tuple[Word, Box]] = []
    taken: list[Box] = []
    for word in list(words)[:MOST]:
        w, h = size_of(word.text)
        if not (0 <= word.x <= room[0] and 0 <= word.y <= room[1]):
            continue
        for gap in (word.radius + 3, word.radius + 3 + h, word.radius + 3 + 2 * h):
            choices = (
                (word.x + gap, word.y - h / 2),
                (word.x - gap - w, word.y - h / 2),
                (word.x - w / 2, word.y - gap - h),
                (word.x - w / 2, word.y + gap),
                (word.x + gap * 0.7, word.y - gap * 0.7 - h),
                (word.x + gap * 0.7, word.y + gap * 0.7),
                (word.x - gap * 0.7 - w, word.y - gap * 0.7 - h),
                (word.x - gap * 0.7 - w, word.y + gap * 0.7),
            )
            free = next(
                (
                    (x, y, w, h)
                    for x, y in choices
                    if x >= 0
                    and y >= 0
                    and x + w <= room[0]
                    and y + h <= room[1]
                    and not any(_meet((x, y, w, h), other) for other in taken)
                ),
                None,
            )
            if free is not None:
                taken.append(free)
                out.append((word, free))
                break
    return out


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def paint_words(painter: QPainter, overlay: Overlay, state: Resolved, live: Mapping[str, SceneItem]) -> None:
    """The words of all markups that a view shows; of those in `live`, as they are there."""
    words: list[Word] = []
    for item in state.items:
        if isinstance(item.data, Markup):
            words += words_of(live.get(item.id, item), state)
    if not words:
        return
    metrics = QFontMetricsF(overlay.small)
    words.sort(key=lambda w: not w.measured)

    def size_of(text: str) -> tuple[float, float]:
        return metrics.horizontalAdvance(text), metrics.height()

    for word, (x, y, _w, h) in settled(words, size_of, (state.width, state.height)):
        overlay.put_words(painter, QPointF(x, y + h / 2), word.text)
