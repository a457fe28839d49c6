"""Faults of a file as sentences: whatever a parser or library raises leaves this plugin as a `ReadError`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from core.errors import Cancelled, ReadError, UserError

log = logging.getLogger("equiscope.scans")

AGAIN = "copy the file again or export it anew"


@contextmanager
def guarded(path: Path, what: str, remedy: str = AGAIN) -> Iterator[None]:
    """Run a parser of untrusted bytes; `what` names the format ("a PLY file").

    Damaged bytes can make a parser fail in any way, so any exception but our own means "damaged"; its
    traceback goes to the log. Floating-point and library warnings are silenced: the checks afterwards speak.
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UserError, Cancelled):
        raise
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise ReadError(
            path, f"cannot be read ({_short(reason)})", "check that it exists and may be read"
        ) from error
    except MemoryError as error:
        raise ReadError(
            path, "needs more memory than there is", "close other data or use a part of it"
        ) from error
    except Exception as error:
        log.debug("damaged %s", what, exc_info=True)
        reason = _short(str(error)) or type(error).__name__
        raise ReadError(path, f"is not {what} that can be understood ({reason})", remedy) from error


def size_of(path: Path) -> int:
    """Bytes in the file. Raises `ReadError` for folders, empty and unreadable files."""
    try:
        if path.is_dir():
            raise ReadError(path, "is a folder", "choose a file in it")
        size = path.stat().st_size
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "check that it exists and may be read"
        ) from error
    if size == 0:
        raise ReadError(path, "is empty", "copy the file again")
    return size


def read_bytes(path: Path) -> bytes:
    """The whole file; faults as for `size_of`."""
    size_of(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "check that it exists and may be read"
        ) from error


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:117] + "…"
