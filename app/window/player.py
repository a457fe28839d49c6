"""The player: moves through the times of what is visible, and makes one edit of it when it comes to rest.

While it plays or a slider is dragged the moment is view state (`ViewportGrid.set_moment`); the document, and with it
every panel, hears of it once, as the frame that each display then says. Frames that the views are too slow for are
left out: the clock decides which one comes next.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.window.workbench import Workbench
from core.document import SetDisplay, Several

if TYPE_CHECKING:
    from app.viewports import SceneItem, ViewportGrid
    from app.viewports.moments import Timeline

TICK_MS = 33
REST_MS = 400
"""After the last step; a key that is held down makes one edit."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
MODES = {"loop": "Loop", "bounce": "Back and forth", "once": "Once"}


class Player(QObject):
    """The moment that is shown, whether it moves, and how fast."""

    timeline_changed = Signal()
    moved = Signal(int)
    """The number of the moment."""
    state_changed = Signal()
    """Playing, speed or mode."""

    def __init__(self, workbench: Workbench, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self.grid: ViewportGrid | None = None
        self.timeline: Timeline | None = None
        self.number = 0
        self.speed = 1.0
        self.mode = workbench.settings.choice("player-mode", tuple(MODES))
        self._at = 0.0
        self._last = 0.0
        self._direction = 1
        self._committing = False
        self._said: dict[str, int] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self.settle)

    # -- what there is to play -------------------------------------------------------------------------------

    def refresh(self, grid: ViewportGrid) -> None:
        """The document has changed: other objects, or other displays of them."""
        from app.viewports.moments import Timeline

        self.grid = grid
        given = {i.id: int(getattr(i.display, "index", 0)) for i in grid.given}
        timeline = Timeline.of(_linked(grid))
        same = _same(timeline, self.timeline)
        if not same:
            self.timeline = timeline
            if timeline is None:
                self.pause(commit=False)
            elif not self.moving:
                self.number = timeline.number_of(given)
            else:
                self._arrive(timeline.number_of(grid.moment or given), moving=self.playing)
            self.timeline_changed.emit()
        elif timeline is not None and not self._committing:
            changed = any(given.get(id) != k for id, k in self._said.items() if id in given)
            if changed:
                # Undo, or the slider in the display panel: whoever chose a frame does not want to see it run away.
                self.pause(commit=False)
                number = timeline.number_of(given)
                if number != self.number:
                    self.number = number
                    self.moved.emit(number)
        self._said = {id: given[id] for id in (timeline.ids if timeline is not None else ())}

    @property
    def playing(self) -> bool:
        """Whether it moves by itself."""
        return self._timer.isActive()

    @property
    def moving(self) -> bool:
        """Whether it shows something that no display says yet."""
        return self.playing or self._rest.isActive() or bool(self.grid is not None and self.grid.moment)

    def why_not(self) -> str:
        """Why there is nothing to play, "" if there is."""
        return "" if self.timeline is not None else "nothing that is visible changes with time"

    @property
    def words(self) -> str:
        """ "12.40 s · 31 of 120"."""
        return self.timeline.words(self.number) if self.timeline is not None else ""

    # -- moving ----------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Play or pause."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """From here on; from the start again if it stands at the end of what plays once."""
        self._look_again()
        line = self.timeline
        if line is None or self.playing:
            return
        self._rest.stop()
        if self.number >= line.count - 1 and self.mode != "bounce":
            self._arrive(0, moving=True)
        self._direction = -1 if self.number >= line.count - 1 else 1
        self._at, self._last = float(line.moments[self.number]), time.monotonic()
        self._timer.start()
        self.state_changed.emit()

    def pause(self, *, commit: bool = True) -> None:
        """Stop here, and say so in the displays (`commit`) or show what they say."""
        was = self.playing
        self._timer.stop()
        self._rest.stop()
        if commit:
            self.settle()
        elif self.grid is not None and self.grid.moment:
            self.grid.set_moment({})
        if was:
            self.state_changed.emit()

    def stop(self) -> None:
        """The window goes."""
        self._timer.stop()
        self._rest.stop()
        self.grid = None

    def step(self, by: int) -> None:
        """So many moments on; round the end where it loops."""
        self._look_again()
        line = self.timeline
        if line is None:
            return
        number = self.number + by
        number = number % line.count if self.mode == "loop" else min(max(number, 0), line.count - 1)
        self.seek(number)

    def seek(self, number: int) -> None:
        """Show this moment; the displays hear of it after a while of rest."""
        if self.timeline is None:
            return
        self.pause_quietly()
        self._arrive(number, moving=True)
        self._rest.start()

    def seek_last(self) -> None:
        """The last moment."""
        if self.timeline is not None:
            self.seek(self.timeline.count - 1)

    def hold(self) -> None:
        """A hand is still moving it: no edit before `settle`."""
        self._rest.stop()

    def pause_quietly(self) -> None:
        """Stop moving by itself, with no edit yet."""
        if self.playing:
            self._timer.stop()
            self.state_changed.emit()

    def settle(self) -> None:
        """Make one edit of where it has got to."""
        self._rest.stop()
        grid, document = self.grid, self._workbench.document
        if grid is None or not grid.moment:
            return
        edits = []
        for id, index in grid.moment.items():
            item = document.get(id)
            if item is not None and getattr(item.display, "index", index) != index:
                edits.append(SetDisplay(id, item.display, replace(item.display, index=index)))  # type: ignore[call-arg]
        if edits:
            self._committing = True
            try:
                document.apply(Several(tuple(edits), "Time"))
            finally:
                self._committing = False
        if not self.playing:
            grid.set_moment({})

    def set_speed(self, speed: float) -> None:
        """Relative to `Timeline.rate`."""
        self.speed = min(max(float(speed), 0.01), 100.0)
        self.state_changed.emit()

    def set_mode(self, mode: str) -> None:
        """ "loop", "bounce" or "once"."""
        if mode in MODES:
            self.mode = mode
            self._direction = 1
            self._workbench.settings.set("player-mode", mode)
            self.state_changed.emit()

    def state(self) -> dict[str, Any]:
        """Speed and mode, plain, for a session."""
        return {"speed": self.speed, "mode": self.mode}

    def restore(self, state: Any) -> None:
        """Bring back what `state` said; the mode of the next window stays what the user chose last."""
        if not isinstance(state, Mapping):
            return
        speed, mode = state.get("speed"), state.get("mode")
        if isinstance(speed, (int, float)) and math.isfinite(speed) and speed > 0:
            self.speed = min(max(float(speed), 0.01), 100.0)
        if mode in MODES:
            self.mode = str(mode)
        self.state_changed.emit()

    def speed_tip(self) -> str:
        """What speed 1 means here."""
        line = self.timeline
        if line is None:
            return ""
        if line.is_real_time:
            return "1× is real time"
        unit = "frames" if line.unit is None else line.unit or "units of time"
        return f"1× is {line.rate:.3g} {unit} a second"

    # -- inside ----------------------------------------------------------------------------------------------

    def _look_again(self) -> None:
        """Where time is not linked, "this view" may be another one by now."""
        if self.grid is not None and self.grid.links.between:
            self.refresh(self.grid)

    def _arrive(self, number: int, *, moving: bool) -> None:
        line, grid = self.timeline, self.grid
        if line is None or grid is None:
            return
        number = min(max(number, 0), line.count - 1)
        self.number = number
        # What no longer moves with the others stays where it is until `settle`.
        grid.set_moment({**grid.moment, **line.indices(number)}, moving=moving)
        self.moved.emit(number)

    def _tick(self) -> None:
        line = self.timeline
        if line is None:
            self.pause(commit=False)
            return
        now = time.monotonic()
        # A pause of the whole window (a dialog, a suspended laptop) is no reason to jump.
        passed, self._last = min(now - self._last, 0.5), now
        self.advance(passed)

    def advance(self, seconds: float) -> None:
        """Go on as after so many seconds of playing."""
        line = self.timeline
        if line is None:
            return
        first, last = float(line.moments[0]), float(line.moments[-1])
        self._at += self._direction * seconds * self.speed * line.rate
        gap = line.duration / max(line.count - 1, 1)
        ended = False
        if self.mode == "loop":
            # The last frame is shown as long as the others.
            round_ = max(last - first + gap, 1e-300)
            if self._at >= first + round_ or self._at < first:
                self._at = first + (self._at - first) % round_
        elif self.mode == "bounce":
            if self._at > last:
                self._at, self._direction = max(2 * last - self._at, first), -1
            elif self._at < first:
                self._at, self._direction = min(2 * first - self._at, last), 1
        elif self._at >= last:
            self._at, ended = last, True
        number = line.at(self._at)
        if number != self.number:
            self._arrive(number, moving=True)
        if ended:
            self.pause()


def _linked(grid: ViewportGrid) -> list[SceneItem]:
    """What moves together: everything, or where a comparison does not link time what the current view shows."""
    if grid.links.between and not grid.links.linked("time"):
        return [i for i in grid.given if grid.current_view.wants(i.id)]
    return list(grid.given)


def _same(one: Timeline | None, other: Timeline | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(
        one.ids == other.ids
        and one.unit == other.unit
        and one.count == other.count
        and (one.moments == other.moments).all()
    )
