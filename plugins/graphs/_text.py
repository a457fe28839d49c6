"""Text files of graphs: read whole, with one sentence where that fails."""

from __future__ import annotations

DAMAGED = "copy or download the file again"


def head_lines(head: bytes) -> list[str]:
    """The complete lines of a file's first bytes."""
    if b"\0" in head:
        return []
    lines = head.decode("latin-1").splitlines()
    return lines if len(head) < 512 or head.endswith(b"\n") else lines[:-1]
