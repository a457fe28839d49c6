"""Whether an input is still what it was: by what the disk says of it, and by its hash where that has changed."""

from __future__ import annotations

from pathlib import Path

from core import files
from core.batch._progress import Stamp
from core.opening import SAMPLE, split_address
from core.records import file_hash


def stamp(address: str) -> str:
    """`core.files.stamp` of an input's file or folder; "" for what is not there, or comes with the program."""
    if address.startswith(SAMPLE):
        return ""
    try:
        return files.stamp(Path(split_address(address)[0]))
    except OSError:
        return ""


def changed(address: str, then: Stamp) -> bool:
    """Whether an input has other contents than `then`. One that was merely written anew is read and compared."""
    now = stamp(address)
    if now == then.stamp:
        return False
    if not then.sha256 or not now:
        return True
    return file_hash(Path(split_address(address)[0])) != then.sha256
