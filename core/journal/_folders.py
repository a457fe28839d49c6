"""The folders of windows: made, locked, listed, skipped and removed, whatever other windows do meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import platformdirs

from core.journal._frames import flush_folder

KEPT_DAYS = 30
"""How long a journal stays that the user has skipped, or that was recovered with something missing."""
SKIPPED = "skipped"


def recovery_folder() -> Path:
    """Where the journals of all windows lie (EQUISCOPE_STATE overrides the state folder)."""
    state = os.environ.get("EQUISCOPE_STATE") or platformdirs.user_state_dir("equiscope", False)
    return Path(state) / "recovery"


@dataclass
class Home:
    """A window's own folder, locked until `release`."""

    path: Path
    _lock: IO[bytes]

    @classmethod
    def make(cls, parent: Path) -> Home:
        """A new one in `parent`. Nobody sees it before it is locked. Raises OSError where nothing can be written."""
        new = [p for p in (parent, *parent.parents) if not p.exists()]
        parent.parent.mkdir(parents=True, exist_ok=True)
        parent.mkdir(mode=0o700, exist_ok=True)  # what is open is nobody else's business
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
        # Windows renames no folder in which a file is open; `tidy` gives it the time to be locked there.
        draft = parent / (name if os.name == "nt" else f".new-{name}")
        draft.mkdir(mode=0o700)
        (draft / "blobs").mkdir()
        lock = open(draft / "lock", "wb")  # held until `release`
        try:
            if not _lock(lock):
                raise OSError(0, "its lock is held by somebody else")
            if draft.name != name:
                os.rename(draft, parent / name)
            # Else a power cut may leave records that are flushed in a folder that has no name.
            for folder in (parent, *(p.parent for p in new)):
                flush_folder(folder)
        except OSError:
            lock.close()
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return cls(parent / name, lock)

    def tell(self, session: str) -> None:
        """Say which session this window has open."""
        draft = self.path / ".window.json"
        draft.write_text(json.dumps({"pid": os.getpid(), "session": session}), encoding="utf-8")
        os.replace(draft, self.path / "window.json")

    def release(self) -> None:
        """Let go of the lock; the folder stays."""
        self._lock.close()

    def hide(self) -> bool:
        """Nobody sees it from now on, until `remove` takes it away; whether the disk allows that."""
        gone = self.path.with_name(f".gone-{self.path.name}")
        try:
            os.rename(self.path, gone)
        except OSError:
            return False
        self.path = gone
        return True

    def remove(self) -> None:
        """Let go of it and take it away, which lasts where large arrays lie in it."""
        if os.name == "nt":
            self._lock.close()
        if not self.path.name.startswith(".gone-"):
            self.hide()
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def take(path: Path, *, patience: float = 0.5) -> Home | None:
    """Lock a crashed window's folder; None if a window has it (again), or it has gone."""
    try:
        lock = open(path / "lock", "a+b")  # held until `release`
    except OSError:
        return None
    end = time.monotonic() + patience
    while not _lock(lock):  # another window may just be looking at it
        if time.monotonic() > end:
            lock.close()
            return None
        time.sleep(0.02)
    if not (path / "lock").exists():
        lock.close()
        return None
    return Home(path, lock)


def is_live(path: Path) -> bool:
    """Whether the window that this folder belongs to is there."""
    try:
        with open(path / "lock", "r+b") as lock:
            return not _lock(lock, shared=True)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # what cannot be looked at is left alone


def folders(parent: Path) -> list[Path]:
    """The folders of all windows, those that died last first."""
    try:
        found = [
            p for p in parent.iterdir() if not p.name.startswith(".") and p.is_dir() and not p.is_symlink()
        ]
    except OSError:
        return []
    return sorted(found, key=last_touched, reverse=True)


def open_elsewhere(parent: Path, session: Path, own: Container[Path | None]) -> bool:
    """Whether another window that lives has this session open; `own` are folders that this one has locked."""
    for path in folders(parent):
        if path in own:
            continue
        with contextlib.suppress(OSError, ValueError, AttributeError):
            told = json.loads((path / "window.json").read_text(encoding="utf-8")).get("session", "")
            if told and _same(Path(told), session) and is_live(path):
                return True
    return False


def skip(path: Path) -> None:
    """Do not offer this one again by itself. Raises OSError."""
    (path / SKIPPED).touch()


def is_skipped(path: Path) -> bool:
    """Whether the user has skipped it."""
    return (path / SKIPPED).exists()


def remove(path: Path) -> bool:
    """Take a crashed window's folder away for good; whether it has gone."""
    taken = take(path)
    if taken is None:
        return not path.exists()
    taken.remove()
    return not path.exists()


def last_touched(path: Path) -> float:
    """When something was written there last, in seconds since 1970."""
    times = [0.0]
    with contextlib.suppress(OSError):
        times.append(path.stat().st_mtime)
        times += [p.stat().st_mtime for p in path.iterdir()]
    return max(times)


def tidy_drafts(parent: Path, now: float) -> None:
    """Remove what windows left behind that died while making or removing a folder."""
    with contextlib.suppress(OSError):
        for path in parent.iterdir():
            if path.name.startswith((".new-", ".gone-")) and now - last_touched(path) > 3600:
                shutil.rmtree(path, ignore_errors=True)


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:
        return a == b


def _lock(file: IO[Any], *, shared: bool = False) -> bool:
    """Take a lock that goes with the process; False if somebody else holds it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
