"""Whether an input is still what it was: by size and time of the file, and by its hash where those have changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from core.batch._progress import Stamp
from core.opening import SAMPLE, split_address
from core.records import file_hash


def stamp(address: str) -> str:
    """Size and time of a file, of a folder's files together; "" for what is not there, or comes with the program."""
    if address.startswith(SAMPLE):
        return ""
    path = Path(split_address(address)[0])
    try:
        if not path.is_dir():
            return _of(path.stat())
        digest = hashlib.sha256()
        for here, folders, files in os.walk(path):
            folders.sort()
            for name in sorted(files):
                found = Path(here, name)
                digest.update(
                    f"{found.relative_to(path)}\0{_of(found.lstat())}\n".encode(errors="backslashreplace")
                )
        return digest.hexdigest()
    except OSError:
        return ""


def _of(stat: os.stat_result) -> str:
    return f"{stat.st_size}:{stat.st_mtime_ns}"


def changed(address: str, then: Stamp) -> bool:
    """Whether an input has other contents than `then`. One that is merely newer is read and compared."""
    now = stamp(address)
    if now == then.stamp:
        return False
    if not then.sha256 or not now:
        return True
    return file_hash(Path(split_address(address)[0])) != then.sha256
