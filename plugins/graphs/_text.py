"""Text files of graphs: read whole, with one sentence where that fails."""

from __future__ import annotations

from pathlib import Path

from core.errors import ReadError

DAMAGED = "copy or download the file again"


def text_of(path: Path) -> str:
    """The file as text (UTF-8, otherwise Latin-1). Raises `ReadError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "check the name and its permissions"
        ) from None
    if not data.strip():
        raise ReadError(path, "is empty", DAMAGED)
    if b"\0" in data[:100_000]:
        raise ReadError(path, "is no text file", "open it as what it is")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def head_lines(head: bytes) -> list[str]:
    """The complete lines of a file's first bytes."""
    if b"\0" in head:
        return []
    lines = head.decode("latin-1").splitlines()
    return lines if len(head) < 512 or head.endswith(b"\n") else lines[:-1]
