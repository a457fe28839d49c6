"""Writing that is on the disk when it says so, and what else saving a folder takes."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from core.files import sync_folder

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def to_json(tree: Any) -> bytes:
    """Readable JSON."""
    try:
        return json.dumps(tree, indent=1, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a file name that is no Unicode; the escapes of JSON can spell it
        return json.dumps(tree, indent=1).encode()


def write_flushed(path: Path, content: bytes) -> None:
    """Write a file; it is on the disk afterwards (its entry in the folder after `sync_folder`)."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_below(path: Path) -> None:
    """Have a file, or a folder with all that is in it, on the disk; links are left alone."""
    if path.is_symlink():
        return
    if path.is_dir():
        for inner in path.iterdir():
            sync_below(inner)
        sync_folder(path)
    elif path.is_file():
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def copy(path: Path, target: Path) -> None:
    """Copy a file, a link as such, or a folder, onto the disk."""
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy2(path, target, follow_symlinks=False)
    sync_below(target)


def swap(new: Path, old: Path, aside: Path) -> None:
    """Put the folder `new` in the place of `old`, which goes to `aside` (where there must be nothing).

    Linux can exchange two folders in one step, so that there is no moment without a session in its place; elsewhere
    there is one between two renames, in which `aside` holds it. At no moment is the old one anywhere but at `old` or
    `aside`, which is where a journal that names its data looks. If it fails, `old` is where it was.

    Raises
    ------
    OSError : the disk refuses.
    """
    os.rename(new, aside)
    if exchange(aside, old):
        return
    os.rename(aside, new)
    os.rename(old, aside)
    try:
        os.rename(new, old)
    except OSError:
        os.rename(aside, old)
        raise


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # an older C library
        return False
    names = os.fsencode(one), os.fsencode(other)
    return int(call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE))) == 0


# -- drafts --------------------------------------------------------------------------------------------------


def draft_of(folder: Path) -> Path:
    """Where this process writes a session before it takes its place: ".NAME.PID-MACHINE.draft" beside it."""
    return folder.with_name(f".{folder.name}.{os.getpid()}-{_machine()}.draft")


def clear_drafts(folder: Path) -> None:
    """Remove the drafts of `folder` whose process has gone: it was killed while it saved.

    Those of other machines, which may share the disk, are left alone.
    """
    pattern = re.compile(re.escape(f".{folder.name}.") + r"(\d+)(?:-([0-9a-f]+))?\.draft")
    try:
        names = os.listdir(folder.parent)
    except OSError:
        return
    for name in names:
        match = pattern.fullmatch(name)
        if match is None or match[2] not in (None, _machine()):
            continue
        if int(match[1]) != os.getpid() and not _is_alive(int(match[1])):
            shutil.rmtree(folder.with_name(name), ignore_errors=True)


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's
        return True
    return True
