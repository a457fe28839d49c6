"""One driver a folder: a lock that the system lets go of when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import UserError, WriteError

NAME = ".lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone with the batch in `folder`.

    Raises
    ------
    UserError : another driver has it. WriteError : the folder cannot be written to.
    """
    path = folder / NAME
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise WriteError(
            folder, f"cannot be written to ({error.strerror or error})", "choose another folder"
        ) from error
    try:
        for turn in range(5):  # somebody who only looks holds it for a moment
            if _take(file, shared=False):
                break
            if turn == 4:
                holder = _read(path)
                who = f"process {holder['pid']} on {holder['host']}" if holder else "another process"
                raise UserError(
                    f"The batch in {folder.name} is being run by {who}; wait for it, or stop it first."
                )
            time.sleep(0.05)
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        yield
    finally:
        os.close(file)


def holder(folder: Path) -> dict[str, Any] | None:
    """Who drives the batch in `folder`: {"pid", "host"}, empty where that cannot be told; None: nobody."""
    path = folder / NAME
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return None if _take(file, shared=True) else _read(path)
    finally:
        os.close(file)


def _take(file: int, *, shared: bool) -> bool:
    try:
        import fcntl
    except ImportError:  # no such locks on this system: nobody is kept out
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_bytes())
        return {"pid": int(said["pid"]), "host": str(said["host"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
