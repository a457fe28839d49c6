"""The render thread: one a process, owner of every VTK object of image viewports. Slices are painted there by Qt.

Each view has a slot that holds its latest state only: states that nobody will see are never drawn. `Frame`s come
back to the main thread through a queued signal.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from app.viewports.backends import synchronous
from app.viewports.collector import MainThreadCollector
from app.viewports.device import UNKNOWN, Device
from app.viewports.notes import Notes
from app.viewports.state import CLEAR, Resolved, ResolvedSlice

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Frame:
    """A finished picture (None for the gl backend, whose picture is on the screen) and what it shows."""

    state: Resolved
    notes: Notes = field(default_factory=Notes)
    image: QImage | None = None
    seconds: float = 0.0
    device: Device = UNKNOWN


SPARE = 1
"""Render windows made ahead by `warm`: slices need none."""

_UNSEEN = 0.2
"""Seconds that 3-D waits for slices to be shown, at most."""

Callback = Callable[[Frame], None]


class _Bridge(QObject):
    """Carries frames from the render thread to the main one; lives as long as the service."""

    made = Signal(int, object)
    ready = Signal(object, object)


class RenderService:
    """Draws states off screen. All methods belong to the main thread; `release` ends the thread."""

    def __init__(self, *, sync: bool | None = None) -> None:
        self.sync = synchronous() if sync is None else sync
        self._views: dict[int, Any] = {}
        self._slices: dict[int, Any] = {}
        self._device = UNKNOWN
        self._slots: dict[int, Resolved] = {}
        self._callbacks: dict[int, Callback] = {}
        # The render thread never touches a widget, which may be gone by the time its picture is finished.
        self._bridge = _Bridge()
        self._bridge.made.connect(self._deliver)
        self._bridge.ready.connect(_hand_over)
        self._jobs: list[tuple[int, Resolved | None, Future[Frame | None]]] = []
        self._change = threading.Condition()
        self._spare: list[Any] = []
        self._stop = self._called = self._warm = False
        self._unseen: set[int] = set()
        """Slice views whose picture the window has not taken over yet."""
        self._thread: threading.Thread | None = None
        self._collector = MainThreadCollector()

    def warm(self) -> None:
        """Load VTK and the GL driver and make windows in the thread, so that the first object need not wait.

        Loading a library keeps Python's lock: up to 30 ms at a time, a quarter of a second in all.
        """
        if not self.sync and self._thread is None:
            self._warm = True
            QTimer.singleShot(0, self._bridge, self._call)

    def request(self, view: int, state: Resolved, callback: Callback) -> None:
        """Draw `state` as soon as possible, unless a newer one for the same view comes first."""
        if self.sync:
            callback(self._draw(view, state))
            return
        self._callbacks[view] = callback
        with self._change:
            self._slots[view] = state
        if not self._called:
            self._called = True
            QTimer.singleShot(0, self._bridge, self._call)

    def _call(self) -> None:
        """Wake the thread once the event that asked has been handled.

        While the thread computes, each Qt call of the main thread waits for Python's lock: panels that are filled
        by the same event took five times as long. States that this event replaces are never drawn.
        """
        self._called = False
        with self._change:
            if self._slots or self._warm:
                self._start()
                self._change.notify()

    def draw(self, view: int, state: Resolved, timeout: float = 120.0) -> Frame:
        """Draw one state and wait for it."""
        if self.sync:
            return self._draw(view, state)
        frame = self._enqueue(view, state).result(timeout)
        assert frame is not None
        return frame

    def draw_later(self, view: int, state: Resolved, callback: Callback) -> None:
        """Draw one state whatever comes after it; `callback` is called on the main thread, never within this call."""
        bridge = self._bridge
        if self.sync:
            QTimer.singleShot(0, bridge, lambda: callback(self._draw(view, state)))
            return

        def done(future: Future[Frame | None]) -> None:
            bridge.ready.emit(callback, future.result())

        self._enqueue(view, state).add_done_callback(done)

    def leave(self, view: int) -> None:
        """Like `forget`, and nothing comes back any more: the view closes. The window does not wait for a picture that
        is being drawn."""
        self._callbacks.pop(view, None)
        self.forget(view)

    def forget(self, view: int) -> None:
        """Free its VTK objects, without waiting: the view stays, and starts anew with its next state."""
        if self.sync:
            self._release(view)
            return
        with self._change:
            self._slots.pop(view, None)
            if self._thread is None:
                return
        self._enqueue(view, None)

    def close(self) -> None:
        """Release everything and end the thread."""
        self._warm = False
        self._slots.clear()
        if self._thread is not None:
            with self._change:
                self._stop = True
                self._slots.clear()
                self._change.notify()
            self._thread.join(120.0)
            self._thread = None
            self._stop = False
            self._collector.stop()
        for view in [*self._views, *self._slices]:
            self._release(view)

    def _enqueue(self, view: int, state: Resolved | None) -> Future[Frame | None]:
        future: Future[Frame | None] = Future()
        with self._change:
            self._jobs.append((view, state, future))
            self._start()
            self._change.notify()
        return future

    def _start(self) -> None:
        if self._thread is None:
            self._collector.start()
            self._thread = threading.Thread(target=self._run, name="viewport-render", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        if self._warm and not self._slots and not self._jobs:
            self._warm_up()
        while True:
            with self._change:
                self._change.wait_for(lambda: self._stop or self._jobs or self._slots)
                if not self._stop and not self._jobs and all(s.kind == "3d" for s in self._slots.values()):
                    # What the hand is waiting for is on its way to the screen; a 3-D picture beside it would slow
                    # the window's thread down. One that follows a drag is not held up: nothing is unseen then.
                    self._change.wait_for(
                        lambda: not self._unseen or self._stop or self._jobs or self._flat(), _UNSEEN
                    )
                    if not self._slots and not self._jobs and not self._stop:
                        continue
                job = self._jobs.pop(0) if self._jobs else None
                slot = None
                if job is None and not self._stop:
                    # Slices first: they are quick, and they are what the hand is waiting for.
                    view = min(self._slots, key=lambda v: self._slots[v].kind == "3d")
                    slot = (view, self._slots.pop(view))
                ending = self._stop and job is None
            if ending:
                for view in [*self._views, *self._slices]:
                    self._release(view)
                while self._spare:
                    self._spare.pop().release()
                return
            if job is not None:
                self._do(job)
            elif slot is not None:
                if slot[1].kind != "3d":
                    with self._change:
                        self._unseen.add(slot[0])
                self._bridge.made.emit(slot[0], self._draw(*slot))
            job = slot = None  # nothing may keep an item alive while the thread sleeps

    def _warm_up(self) -> None:
        import numpy.ma  # noqa: F401  NumPy's percentiles want it: 15 ms of the first volume

        from app.viewports.offscreen import OffscreenView

        try:
            for _ in range(SPARE):
                self._spare.append(OffscreenView())
                self._device = self._spare[-1].device
                if self._slots or self._jobs or self._stop:
                    return  # somebody is waiting
        except Exception:
            log.exception("preparing to draw")  # the first picture will say what is wrong

    def _deliver(self, view: int, frame: Frame) -> None:
        callback = self._callbacks.get(view)
        if callback is not None:
            callback(frame)
        if view in self._unseen:
            with self._change:
                self._unseen.discard(view)
                self._change.notify()

    def _flat(self) -> bool:
        return any(s.kind != "3d" for s in self._slots.values())

    def _do(self, job: tuple[int, Resolved | None, Future[Frame | None]]) -> None:
        view, state, future = job
        if state is None:
            self._release(view)
            future.set_result(None)
        else:
            future.set_result(self._draw(view, state))

    def _draw(self, view: int, state: Resolved) -> Frame:
        try:
            if isinstance(state, ResolvedSlice):
                painted = self._paint(view, state)
                if painted is not None:
                    return painted
            known = self._window_of(view)
            pixels, notes, seconds = known.render(state)
        except Exception as error:
            log.exception("drawing a %s view", state.kind)
            return Frame(state, Notes(problems=[f"This view could not be drawn: {error}"]))
        height, width = pixels.shape[:2]
        clear = getattr(state, "background", None) == CLEAR
        if not clear:
            pixels[..., 3] = 255  # Qt takes the fourth byte of a picture without alpha at its word
        formats = QImage.Format
        kind = formats.Format_RGBA8888_Premultiplied if clear else formats.Format_RGBX8888
        # The order of bytes that Qt paints on and from, made here: the window's thread has better things to do.
        wanted = formats.Format_ARGB32_Premultiplied if clear else formats.Format_RGB32
        image = QImage(pixels.data, width, height, 4 * width, kind).convertToFormat(wanted)
        image.setDevicePixelRatio(state.dpr)
        return Frame(state, notes, image, seconds, known.device)

    def _paint(self, view: int, state: ResolvedSlice) -> Frame | None:
        from app.viewports.painted import PaintedSlice

        made = self._slices.setdefault(view, PaintedSlice()).render(state)
        if made is None:
            return None
        if view in self._views:
            self._leave_window(view)  # it drew outlines before; it must not hold on to them
        image, notes, seconds = made
        return Frame(state, notes, image, seconds, self._device)

    def _window_of(self, view: int) -> Any:
        from app.viewports.offscreen import OffscreenView

        if view not in self._views:
            self._views[view] = self._spare.pop() if self._spare else OffscreenView()
            self._device = self._views[view].device
        return self._views[view]

    def _release(self, view: int) -> None:
        painted = self._slices.pop(view, None)
        if painted is not None:
            painted.forget()
        self._leave_window(view)

    def _leave_window(self, view: int) -> None:
        known = self._views.pop(view, None)
        if known is not None:
            known.release()


def _hand_over(callback: Callback, frame: Frame | None) -> None:
    if frame is not None:
        callback(frame)


_shared: list[RenderService] = []
_users: list[int] = [0]


def acquire() -> RenderService:
    """The process's service, started when first needed; give it back with `give_back`."""
    if not _shared:
        _shared.append(RenderService())
    _users[0] += 1
    return _shared[0]


def give_back() -> None:
    """The last user ends the thread and frees every VTK object."""
    _users[0] = max(0, _users[0] - 1)
    if not _users[0] and _shared:
        _shared.pop().close()


def _at_exit() -> None:
    # A daemon thread inside VTK must not meet an interpreter that is being taken down.
    if _shared:
        _shared.pop().close()


atexit.register(_at_exit)
