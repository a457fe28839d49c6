"""The journal of one window, and the thread that writes it."""

from __future__ import annotations

import collections
import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core import __version__
from core.data._arrays import Array
from core.document import Item
from core.journal._entries import Blobs, Entry, Unwritten, blobs_of, entry_of, large_arrays, session_id
from core.journal._folders import Home
from core.journal._frames import HEADER, flush, flush_folder, frame
from core.journal._state import Base, State

FORMAT = 1
GAP = 0.03
"""Seconds between two records: what changes in between shares one."""
AT_ONCE = 4 << 20
"""Bytes of large arrays that a record waits for; the items of larger ones come in a record of their own."""
LARGE = 16 << 20
"""Bytes of an array from which on it waits for a quiet moment: writing it takes from what the window is drawing."""
QUIET = 1.0
"""Seconds without a change after which large arrays are written,"""
LATEST = 3.0
"""and seconds after which they are in any case."""
LIMIT = 16 << 20
"""Bytes to which a generation may grow (beyond four times what it began with) before the next one begins."""
RETRY = 2.0
"""Seconds until a disk that refused is tried again."""
log = logging.getLogger("equiscope.journal")


class Journal:
    """Keeps what is open on disk.

    Parameters
    ----------
    parent : the folder in which this window's folder is made.
    on_trouble : called from the journal's thread with the reason when writing fails, and with "" when it works again.
    on_written : called from the journal's thread with (number of the state that is on disk, whether all of it is).
    limit : see `LIMIT`.

    `put` is meant for the window's thread and costs it microseconds; it never raises and never waits.
    """

    def __init__(
        self,
        parent: Path,
        *,
        on_trouble: Callable[[str], None] = lambda _reason: None,
        on_written: Callable[[int, bool], None] = lambda _number, _all: None,
        limit: int = LIMIT,
    ) -> None:
        self._parent = parent
        self._on_trouble, self._on_written = on_trouble, on_written
        self._limit = limit
        self._wake = threading.Condition()
        self._box: tuple[State, float] | None = None
        self._closing = ""
        self._thread: threading.Thread | None = None
        self.delays: collections.deque[float] = collections.deque(maxlen=4096)
        """Seconds from `put` to the disk, of the latest records."""
        self.trouble = ""
        """Why nothing can be written, "" if it can."""
        # The rest is the thread's own.
        self._home: Home | None = None
        self._file: Any = None
        self._generation = 0
        self._size = self._first_size = 0
        self._blobs: Blobs | None = None
        self._state = State()
        self._known: dict[str, Item] = {}
        self._entries: dict[str, Entry] = {}
        self._waiting: dict[str, Item] = {}
        self._patient: dict[str, float] = {}
        """Those of the waiting that may wait for a quiet moment, and since when they wait."""
        self._changed = 0.0
        self._hurry = False
        self._slices: tuple[Array, Iterator[None]] | None = None
        self._told_base: Base | None = None
        self._base: Base | None = None
        self._layout: dict[str, Any] | None = None
        self._order: list[str] | None = None
        self._last_write = 0.0
        self._refused: set[str] = set()
        self._next_try = 0.0
        self._busy = True

    # -- for the window's thread -----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; the folder is made by the thread."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def folder(self) -> Path | None:
        """This window's folder, once it is made."""
        return self._home.path if self._home is not None else None

    def put(self, state: State) -> None:
        """This is what is open now."""
        now = time.monotonic()
        with self._wake:
            self._box = (state, now if self._box is None else self._box[1])
            self._wake.notify()

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until all that was put is on disk, large arrays at once; whether it is."""
        end = time.monotonic() + timeout
        with self._wake:
            self._hurry = True
            self._wake.notify()
            try:
                while not self._settled:
                    if not self._wake.wait(min(0.1, end - time.monotonic())) and time.monotonic() >= end:
                        return False
            finally:
                self._hurry = False
        return True

    @property
    def _settled(self) -> bool:
        return self._box is None and not self._waiting and not self._busy and not self.trouble

    def close(self, *, remove: bool, timeout: float = 1.0) -> bool:
        """End the journal: `remove` its folder (saved, or not wanted), or leave it for the next start.

        Waits `timeout` seconds at most; whether the thread has ended by then.
        """
        with self._wake:
            self._closing = "remove" if remove else "keep"
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():  # whoever listens may be gone before it has ended
                self._on_trouble, self._on_written = _nobody, _nobody
                return False
        return True

    # -- the thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._guard(self._open)
        with self._wake:
            self._busy = False
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                if self._box is None and not self._closing:
                    self._wake.wait(self._patience())
                closing, box = self._closing, self._box
                self._busy = True
            if closing:
                break
            pause = self._last_write + GAP - time.monotonic()
            if box is not None and pause > 0:
                time.sleep(pause)
            with self._wake:
                box, self._box = self._box, None
            self._guard(lambda box=box: self._turn(box))  # type: ignore[misc]
        if closing == "keep":
            with self._wake:
                box, self._box = self._box, None
            self._guard(lambda: self._last_turn(box))
        self._end(closing == "remove")
        with self._wake:
            self._busy = False

    def _patience(self) -> float | None:
        if self.trouble:
            return max(0.05, self._next_try - time.monotonic())
        return self._rest() if self._waiting else None

    def _rest(self) -> float:
        """Seconds until what waits may be gone on with."""
        if self._hurry or any(id not in self._patient for id in self._waiting):
            return 0.0
        now = time.monotonic()
        latest = min(self._patient[id] for id in self._waiting) + LATEST
        return max(0.0, min(self._changed + QUIET, latest) - now)

    def _guard(self, action: Callable[[], None]) -> None:
        """Do it; a disk that refuses is told, and tried again later with everything that is open."""
        try:
            action()
        except OSError as error:
            self._fail(error)
        except Exception as error:  # the journal must outlive whatever an odd item does to it
            log.exception("the journal broke off")
            self._fail(OSError(0, f"{type(error).__name__}: {error}"))

    def _fail(self, error: OSError) -> None:
        self._drop_file()
        self._slices = None
        self._next_try = time.monotonic() + RETRY
        reason = _reason(error)
        if reason != self.trouble:
            log.warning("edits are not being journalled: %s", error)
            self.trouble = reason
            self._on_trouble(reason)

    def _drop_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _open(self) -> None:
        if self._home is not None and (self._home.path / "lock").exists():
            return
        if self._home is not None:
            self._home.release()
        self._home = Home.make(self._parent)
        self._blobs = Blobs(self._home.path / "blobs")
        self._entries.clear()
        self._known.clear()
        self._told_base = None

    def _turn(self, box: tuple[State, float] | None) -> None:
        """Write what is new, or go on with what waits."""
        since = None
        if box is not None:
            self._state, since = box
            self._changed = time.monotonic()
        if self.trouble and time.monotonic() < self._next_try:
            return
        if self._file is None:
            self._open()
            self._begin()
        elif os.fstat(self._file.fileno()).st_nlink == 0:
            raise OSError(errno.ENOENT, "its folder was removed")
        elif self._base is not self._state.base:
            self._begin()
        elif box is not None:
            self._write_changes()
            if self._overdue:  # changes that follow each other closely must not keep it waiting for ever
                self._step()
        elif self._waiting and not self._rest():
            self._step()
        if since is not None:
            self.delays.append(time.monotonic() - since)
        if self.trouble:
            self.trouble = ""
            self._on_trouble("")
        self._on_written(self._state.number, not self._waiting)
        if self._size > max(self._limit, 4 * self._first_size) and not self._waiting:
            self._begin()

    @property
    def _overdue(self) -> bool:
        now = time.monotonic()
        return any(self._patient.get(id, now) + LATEST <= now for id in self._waiting)

    def _last_turn(self, box: tuple[State, float] | None) -> None:
        if box is not None:
            self._turn(box)
        while self._waiting and not self.trouble:
            self._step()

    def _write_changes(self) -> None:
        state = self._state
        now = {item.id: item for item in state.items}
        changed = [item for item in state.items if self._known.get(item.id) is not item]
        gone = [id for id in self._known if id not in now]
        for id in [id for id in self._waiting if id not in now]:
            del self._waiting[id]
            self._patient.pop(id, None)
        entries = self._entries_of(changed)
        order = list(now)
        record = self._meta("delta")
        record["set"] = entries
        record["gone"] = gone
        if order != self._order:
            record["order"] = order
        if state.layout != self._layout:
            record["layout"] = dict(state.layout)
        self._append(record)
        self._order, self._layout = order, dict(state.layout)
        self._remember(entries, now, gone)

    def _step(self) -> None:
        """A slice of a large array; at its end, or where none is missing any more, the item's record.

        Those that cannot wait come first; an array that was begun is finished before all others.
        """
        id, item = min(self._waiting.items(), key=lambda entry: entry[0] in self._patient)
        if self._slices is not None:
            array, slices = self._slices
            if any(a is array for i in self._waiting.values() for a in large_arrays(i.data)):
                if next(slices, self) is not self:
                    return
            self._slices = None
        before = self._before(id)
        assert self._home is not None and self._blobs is not None
        try:
            entry = entry_of(item, self._blobs, self._base, before)
        except Unwritten as unwritten:
            self._slices = (unwritten.array, self._blobs.write(unwritten.array))
            return
        del self._waiting[id]
        self._patient.pop(id, None)
        record = self._meta("delta")
        record["set"] = {id: entry}
        record["gone"] = []
        self._append(record)
        self._remember({id: entry}, {id: item}, [])

    def _begin(self) -> None:
        """A new generation: everything there is, in a file of its own; the old one goes when it stands."""
        assert self._home is not None and self._blobs is not None
        state, home = self._state, self._home.path
        if self._base is not state.base or (state.base is not None and not state.base.id):
            self._base = state.base
            if state.base is not None:
                state.base.id = session_id(state.base.folder)
            self._known.clear()  # what lies in another session's folder has to be named anew
            kept, self._entries = self._entries, {}
        else:
            kept = self._entries
        if self._told_base is not state.base or not (home / "window.json").exists():
            self._home.tell(str(state.base.folder) if state.base is not None else "")
            self._told_base = state.base
        now = {item.id: item for item in state.items}
        self._waiting.clear()
        entries = self._entries_of([i for i in state.items if self._known.get(i.id) is not i])
        self._patient = {id: since for id, since in self._patient.items() if id in self._waiting}
        whole = {id: e for id, e in (self._entries | entries).items() if id in now}
        # What still waits stands there as it was last, if only its own blobs are needed for that.
        for id in self._waiting:
            old = kept.get(id)
            if id not in whole and old is not None and "base" not in (old["data"] or {}):
                whole[id] = old
        record = self._meta("begin")
        record |= {
            "format": FORMAT,
            "program": f"equiscope {__version__}",
            "session": str(state.base.folder) if state.base is not None else "",
            "base": state.base.id if state.base is not None else "",
            "set": whole,
            "order": list(now),
            "layout": dict(state.layout),
        }
        self._blobs.name()
        content = HEADER + frame(record)
        number = self._generation + 1
        draft, path = home / f"journal-{number:06d}.part", home / f"journal-{number:06d}.log"
        file = open(draft, "wb", buffering=0)  # stays open for the records that follow
        try:
            file.write(content)
            flush(file.fileno())
            os.rename(draft, path)
            flush_folder(home)
        except OSError:
            file.close()
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        self._drop_file()
        self._file, self._generation = file, number
        self._size = self._first_size = len(content)
        self._last_write = time.monotonic()
        self._order, self._layout = list(now), dict(state.layout)
        self._entries = {}
        self._known = {}
        self._remember(whole, {id: item for id, item in now.items() if id not in self._waiting}, [])
        for other in home.glob("journal-*"):
            if other != path:
                other.unlink(missing_ok=True)
        if self._slices is None:
            self._blobs.tidy({name for entry in whole.values() for name in blobs_of(entry)})

    # -- parts -----------------------------------------------------------------------------------------------

    def _before(self, id: str) -> tuple[Item, Entry] | None:
        return (self._known[id], self._entries[id]) if id in self._known and id in self._entries else None

    def _entries_of(self, items: list[Item]) -> dict[str, Entry]:
        """Entries of items that have changed, writing what small blobs they need; the others wait."""
        assert self._home is not None and self._blobs is not None
        entries: dict[str, Entry] = {}
        budget = AT_ONCE
        for item in items:
            before = self._before(item.id)
            while True:
                try:
                    entries[item.id] = entry_of(item, self._blobs, self._base, before)
                    self._waiting.pop(item.id, None)
                    self._patient.pop(item.id, None)
                except Unwritten as unwritten:
                    cost = max(unwritten.array.nbytes, AT_ONCE // 16)  # each is flushed by itself
                    if cost <= budget:
                        budget -= cost
                        for _ in self._blobs.write(unwritten.array):
                            pass
                        continue
                    self._waiting[item.id] = item
                    if unwritten.array.nbytes > LARGE:
                        self._patient.setdefault(item.id, time.monotonic())
                    else:
                        self._patient.pop(item.id, None)
                except TypeError as error:  # nor could a session hold it
                    if item.id not in self._refused:
                        log.warning("%s cannot be journalled: %s", type(item.data).__name__, error)
                        self._refused.add(item.id)
                break
        return entries

    def _remember(self, entries: dict[str, Entry], items: dict[str, Item], gone: list[str]) -> None:
        self._entries.update(entries)
        for id in gone:
            self._known.pop(id, None)
            self._entries.pop(id, None)
        self._known.update((id, items[id]) for id in entries if id in items)

    def _meta(self, kind: str) -> dict[str, Any]:
        state = self._state
        return {
            "kind": kind,
            "time": time.time(),
            "number": state.number,
            "unsaved": state.unsaved,
            "clean": state.clean,
            "label": state.label,
            "origin": state.origin,
        }

    def _append(self, record: dict[str, Any]) -> None:
        assert self._blobs is not None
        self._blobs.name()
        content = frame(record)
        written = self._file.write(content)
        if written != len(content):
            raise OSError(errno.ENOSPC, "the disk took a part of a record only")
        flush(self._file.fileno())
        self._size += len(content)
        self._last_write = time.monotonic()

    def _end(self, remove: bool) -> None:
        self._drop_file()
        self._slices = None
        self._known.clear()
        self._entries.clear()
        self._waiting.clear()
        self._patient.clear()
        self._state = State()
        home, self._home = self._home, None
        if home is not None:
            if remove:
                home.remove()
            else:
                home.release()


def _nobody(*_told: object) -> None:
    return


def _reason(error: OSError) -> str:
    """Why a disk refuses, as the end of a sentence."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return "there is no room left on the disk"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "the folder may not be written to"
    return error.strerror or str(error) or type(error).__name__
