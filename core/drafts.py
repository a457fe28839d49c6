"""Drafts of processes that were killed while they wrote: those who outlive them take them away.

A process notes where its drafts lie in a private folder that its runner, and the next start of the program, look
through. A note is written before its draft and removed after it, so that no moment to be killed at leaves a draft behind.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_NOTE = "draft-"
_folder: Path | None = None
_count = itertools.count()


def keep_notes(folder: Path | None) -> None:
    """From now on this process notes its drafts in `folder`; None: nowhere."""
    global _folder
    _folder = folder


def notes_folder() -> Path | None:
    """Where this process notes its drafts, if it does."""
    return _folder


def draft_beside(path: Path, suffix: str = "") -> Path:
    """A name for a draft of `path`, in its folder: hidden, and nobody else's."""
    return path.with_name(f".equiscope-{os.urandom(6).hex()}{suffix}")


@contextlib.contextmanager
def noted(draft: Path) -> Iterator[Path]:
    """While this lasts, `draft` (a file or a folder that is yet to be made) goes if this process dies."""
    note = _folder / f"{_NOTE}{os.getpid()}-{next(_count)}" if _folder is not None else None
    if note is not None:
        with contextlib.suppress(OSError):
            note.write_bytes(os.fsencode(draft.absolute()))
    try:
        yield draft
    finally:
        if note is not None:
            with contextlib.suppress(OSError):
                note.unlink()


def remove_drafts(folder: Path, pid: int | None = None) -> None:
    """Remove what a dead process left; without `pid` what all others left than this one."""
    for note in folder.glob(f"{_NOTE}{'*' if pid is None else pid}-*"):
        if pid is None and note.name.startswith(f"{_NOTE}{os.getpid()}-"):
            continue
        with contextlib.suppress(OSError):
            draft = Path(os.fsdecode(note.read_bytes()))
            if draft.name.startswith(".equiscope-") or (
                draft.name.startswith(".") and draft.name.endswith(".draft")
            ):
                if draft.is_dir() and not draft.is_symlink():
                    shutil.rmtree(draft, ignore_errors=True)
                else:
                    draft.unlink()
        with contextlib.suppress(OSError):
            note.unlink()
