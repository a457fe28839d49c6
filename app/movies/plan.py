"""What each frame of a movie shows. No widgets.

Frame k of n of a turntable is turned by k · 360° / n, so that the last leads on to the first; a time movie and a sweep
begin with the first moment or slice and end with the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from app.viewports.camera import CameraPose, Vec, orbited
from app.viewports.moments import Timeline, moved
from app.viewports.state import (
    ResolvedSlice,
    SceneItem,
    ViewIntent,
    box_of_all,
    resolve,
    upright,
)

Kind = Literal["turntable", "time", "sweep"]
KINDS: dict[Kind, str] = {"turntable": "Turntable", "time": "Time", "sweep": "Sweep through the slices"}
LEAST_FRAMES, MOST_FRAMES = 2, 2000
LEAST_SECONDS, MOST_SECONDS = 0.1, 600.0


@dataclass(frozen=True)
class Plan:
    """`frames` frames in `seconds`; of one view (`slot`) or all."""

    kind: Kind
    frames: int
    seconds: float
    slot: str | None = None

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds


def turned_by(plan: Plan, frame: int) -> float:
    """Degrees."""
    return 360.0 * frame / plan.frames


def turntable_pose(pose: CameraPose, items: tuple[SceneItem, ...], plan: Plan, frame: int) -> CameraPose:
    """The camera of one frame: about the axis that is up in the scene, at the height and distance that it has now."""
    axis: Vec = (0.0, 1.0, 0.0) if upright(items) == "y" else (0.0, 0.0, 1.0)
    return orbited(pose, axis, turned_by(plan, frame))


def moment_number(timeline: Timeline, plan: Plan, frame: int) -> int:
    """Which moment a frame shows: evenly spread over time, so that uneven steps are seen as such."""
    first = float(timeline.moments[0])
    at = first + timeline.duration * frame / max(plan.frames - 1, 1)
    return int(np.argmin(np.abs(timeline.moments - at)))


def at_moment(items: tuple[SceneItem, ...], timeline: Timeline, number: int) -> tuple[SceneItem, ...]:
    """The objects at a moment."""
    indices = timeline.indices(number)
    return tuple(moved(i, indices[i.id]) if i.id in indices else i for i in items)


def swept(intent: ViewIntent, items: tuple[SceneItem, ...], plan: Plan, frame: int) -> ViewIntent:
    """A slice view at one frame of a sweep from its first slice to its last."""
    state = resolve(intent, items, (100, 100))
    if not isinstance(state, ResolvedSlice) or not state.items:
        return intent
    part = frame / max(plan.frames - 1, 1)
    if state.count:
        position = round(part * (state.count - 1)) + 1
        return replace(intent, cursor=state.stepped(position - state.position))
    # Without a volume: through the box of what is shown.
    box = box_of_all(state.items)
    if box is None:
        return intent
    axis = int(np.argmax(np.abs(state.toward)))
    cursor = list(state.cursor)
    cursor[axis] = float(box[axis, 0] + part * (box[axis, 1] - box[axis, 0]))
    return replace(intent, cursor=(cursor[0], cursor[1], cursor[2]))


def suggested_frames(kind: Kind, timeline: Timeline | None, shown: Iterable[object]) -> int:
    """A number of frames to begin with; `shown` are the states of the views."""
    if kind == "turntable":
        return 72
    if kind == "time":
        return min(max(timeline.count if timeline is not None else 2, LEAST_FRAMES), 600)
    # Without a volume nothing counts the slices.
    slices = max((s.count for s in shown if isinstance(s, ResolvedSlice)), default=0) or 100
    return min(max(slices, LEAST_FRAMES), 600)


def suggested_seconds(kind: Kind, timeline: Timeline | None, frames: int) -> float:
    """How long it should last: time as the player plays it."""
    if kind == "turntable":
        return 6.0
    if kind == "time" and timeline is not None:
        return round(max(timeline.duration / timeline.rate * frames / max(frames - 1, 1), 0.1), 2)
    return round(max(frames / 15, 0.5), 1)
