"""Records in a file: each is whole, or it is not there."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

HEADER = b"EQUIJRN1"
_MAGIC = b"\xe5rec"
_FRAME = struct.Struct("<4sII")
_TEXT = 1
"""The code in MessagePack of a text that UTF-8 cannot hold."""
LARGEST = 1 << 30
"""Bytes of a record; a length beyond that is damage."""


def frame(record: dict[str, Any]) -> bytes:
    """A record as it stands in the file."""
    try:
        payload = msgspec.msgpack.encode(record)
    except UnicodeEncodeError:  # a file name that is no Unicode
        payload = msgspec.msgpack.encode(_spelt(record))
    return _FRAME.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


def read_frames(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The records up to the first that is damaged or torn, and how many bytes lie behind them.

    Raises
    ------
    OSError : the file cannot be read.
    """
    content = path.read_bytes()
    if content[: len(HEADER)] != HEADER:
        return [], len(content)
    records: list[dict[str, Any]] = []
    place = len(HEADER)
    while place + _FRAME.size <= len(content):
        magic, length, crc = _FRAME.unpack_from(content, place)
        payload = content[place + _FRAME.size : place + _FRAME.size + length]
        if magic != _MAGIC or length > LARGEST or len(payload) < length or zlib.crc32(payload) != crc:
            break
        try:
            record = msgspec.msgpack.decode(payload, ext_hook=_meant)
        except (msgspec.DecodeError, ValueError, RecursionError):
            break
        if not isinstance(record, dict):
            break
        records.append(record)
        place += _FRAME.size + length
    return records, len(content) - place


def _spelt(value: Any) -> Any:
    """The same with its texts that are no Unicode in a form of their own; where one is a key it is told with escapes."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return msgspec.msgpack.Ext(_TEXT, value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, Mapping):
        return {
            k.encode("utf-8", "backslashreplace").decode() if isinstance(k, str) else k: _spelt(v)
            for k, v in value.items()
        }
    elif isinstance(value, (list, tuple)):
        return [_spelt(part) for part in value]
    return value


def _meant(code: int, content: memoryview) -> str:
    if code != _TEXT:
        raise ValueError("a record of another kind")
    return bytes(content).decode("utf-8", "surrogatepass")


def flush(handle: int) -> None:
    """Have what was written to a file on the disk. Raises OSError where the disk refuses."""
    if sys.platform == "darwin":  # fsync alone stops at the drive's cache there
        import fcntl

        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # Windows cannot open folders; its renames are durable without
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
