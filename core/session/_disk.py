"""Writing that is on the disk when it says so, and what else saving a folder takes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any


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


def sync_folder(folder: Path) -> None:
    """Have the entries of a folder on the disk."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows cannot open folders; its rename is durable without
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy(path: Path, target: Path) -> None:
    """Copy a file, a link as such, or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy2(path, target, follow_symlinks=False)
