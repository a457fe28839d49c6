"""Has the frames of a movie drawn off screen, one after another, and written in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSize, QTimer, Signal
from PySide6.QtGui import QImage

from app.movies.plan import Plan, at_moment, moment_number, swept, turntable_pose
from app.viewports.moments import Timeline
from app.viewports.photographer import Look, Photographer, Shot
from app.viewports.state import Resolved3D, ViewIntent, resolve
from core.drafts import notes_folder, remove_drafts

if TYPE_CHECKING:
    from app.viewports.grid import ViewportGrid

Array = NDArray[Any]
log = logging.getLogger(__name__)
_WAITING = 4
"""Frames that wait for the writer; drawing pauses when there are more."""


class MovieMaker(QObject):
    """One movie. `progressed`(frames drawn, of), then `finished`(what went wrong; "" = nothing, None = cancelled)."""

    progressed = Signal(int, int)
    finished = Signal(object)
    _ended = Signal(object)

    def __init__(
        self,
        grid: ViewportGrid,
        plan: Plan,
        look: Look,
        path: Path,
        info: dict[str, str],
        size: QSize | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.plan, self.path = plan, path
        self._info = info
        # What is shown now is what the movie shows, whatever happens to the document meanwhile.
        self._items = grid.items
        self._timeline = Timeline.of(grid.items)
        self._photographer = Photographer(grid, look)
        self._first = self._photographer.plan(plan.slot, size)
        self._queue: queue.Queue[QImage | None] = queue.Queue()
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._next = 0
        self._over = False
        self._ended.connect(self._end)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(15)
        self._pause.timeout.connect(self._draw)

    def start(self) -> None:
        """Begin; everything else happens by itself."""
        self._thread = threading.Thread(target=self._write, name=f"movie {self.path.name}", daemon=True)
        self._thread.start()
        self._draw()

    def cancel(self) -> None:
        """Stop; no file is left behind, `finished` comes once that is so."""
        self._cancelled.set()
        self._queue.put(None)
        process = self._process
        if process is not None:  # it may be at work on frames for seconds, and nobody wants them
            process.kill()

    def shutdown(self) -> None:
        """Stop at once and wait until nothing of it is left: the window closes."""
        if self._thread is not None and not self._over:
            self.cancel()
            self._thread.join(60)
        self._pause.stop()
        self._photographer.close()
        self._over = True

    def shot(self, frame: int) -> Shot:
        """What one frame shows."""
        plan = self.plan
        items, words = self._items, ""
        if plan.kind == "time" and self._timeline is not None:
            number = moment_number(self._timeline, plan, frame)
            items, words = at_moment(items, self._timeline, number), self._timeline.time_words(number)

        size = self._first.size

        def change(intent: ViewIntent) -> ViewIntent:
            if plan.kind == "turntable" and intent.kind == "3d":
                state = resolve(intent, items, (size.width(), size.height()))
                assert isinstance(state, Resolved3D)
                return replace(intent, camera=turntable_pose(state.camera, state.items, plan, frame))
            return swept(intent, items, plan, frame) if plan.kind == "sweep" else intent

        return self._photographer.again(self._first, items, change, words)

    # -- inside ----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        if self._over or self._cancelled.is_set():
            return
        if self._next >= self.plan.frames:
            self._queue.put(None)
            return
        if self._queue.qsize() >= _WAITING:
            self._pause.start()
            return
        self._photographer.take(self.shot(self._next), self._accept)

    def _accept(self, picture: QImage) -> None:
        if self._over or self._cancelled.is_set():
            return
        self._queue.put(picture)
        self._next += 1
        self.progressed.emit(self._next, self.plan.frames)
        self._draw()

    def _write(self) -> None:
        problem: str | None = ""
        try:
            problem = self._feed()
        except Exception as error:  # its own words, on the card rather than lost in a thread
            log.exception("writing %s", self.path.name)
            problem = f"{self.path.name} cannot be written: {error}"
        try:
            self._ended.emit(problem)
        except RuntimeError:
            pass  # the window has gone

    def _feed(self) -> str | None:
        """Hand the frames to the encoder; what went wrong, None if it was cancelled."""
        process: subprocess.Popen[bytes] | None = None
        with tempfile.TemporaryFile() as said, contextlib.ExitStack() as stack:
            notes = notes_folder() or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                for _ in range(self.plan.frames):
                    picture = self._queue.get()
                    if picture is None or self._cancelled.is_set():
                        break
                    frame = array_of(picture)
                    if process is None:
                        process = self._process = self._start_encoder(frame, said, notes)
                        if self._cancelled.is_set():
                            break
                    assert process.stdin is not None
                    process.stdin.write(frame.data)
            except BrokenPipeError:
                pass  # it has ended, and says why
            if process is None:
                return None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()  # type: ignore[union-attr]
            if self._cancelled.is_set():
                process.kill()
            code = process.wait()
            remove_drafts(notes, process.pid)
            if not code or self._cancelled.is_set() or code == 3:
                return "" if not code else None
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            if code == -signal.SIGKILL:
                return (
                    f"{self.path.name} cannot be written; its encoder was killed, most likely for want of memory: "
                    "close other data or choose a smaller picture."
                )
            return (
                lines[-1] if lines else f"{self.path.name} cannot be written; the encoder ended with {code}."
            )

    def _start_encoder(self, frame: Array, said: Any, notes: Path) -> subprocess.Popen[bytes]:
        wish = {
            "path": str(self.path),
            "size": frame.shape[:2],
            "count": self.plan.frames,
            "fps": self.plan.fps,
            "info": self._info,
            "notes": str(notes),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "app.movies.encode", json.dumps(wish)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            cwd=Path(__file__).resolve().parents[2],
        )

    def _end(self, problem: str | None) -> None:
        if self._over:
            return
        self._over = True
        self._cancelled.set()
        self._pause.stop()
        self._photographer.close()
        if self._thread is not None:
            self._thread.join(10)
        self.finished.emit(problem)


def array_of(picture: QImage) -> Array:
    """(height, width, 3) uint8; what is clear is black."""
    picture = picture.convertToFormat(QImage.Format.Format_RGBX8888)
    rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return (
        rows[:, : 4 * picture.width()].reshape(picture.height(), picture.width(), 4)[..., :3].copy()
    )  # one after another: they are written as bytes
