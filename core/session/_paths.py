"""How paths stand in a session, and in records: so that they are found again, and tell no more than that needs.

A file beside the session or below that place is named relative to the session's folder: both move together, and
nobody reads where on her disk somebody works. A file in the user's home folder is named from "~", which leaves her
name out; any other by its absolute path, since nothing else would find it. A copy to be shared holds no path at all.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath, PureWindowsPath

from core.opening import SAMPLE
from core.records import from_home, relative_path


def told(path: str, folder: Path) -> str:
    """An absolute path as it stands in the session in `folder`."""
    if not path or path.startswith(SAMPLE) or not os.path.isabs(path):
        return path
    plain = Path(path)
    if ".." in plain.parts:
        plain = plain.resolve()
    if plain.is_relative_to(folder.parent):
        return relative_path(plain, folder)
    return from_home(plain)


def meant(path: str, folder: Path) -> str:
    """The absolute path that stands in the session in `folder` as `path`; the inverse of `told`."""
    if not path or path.startswith(SAMPLE) or isinstance(pure(path), PureWindowsPath):
        return path
    if path.startswith("~/"):
        return os.path.expanduser(path)
    return os.path.normpath(folder.resolve() / path)


def pure(path: str) -> PurePath:
    """The path of a source, of which one on a drive of Windows means as much there, wherever the session is opened."""
    windows = PureWindowsPath(path)
    return windows if windows.is_absolute() and windows.drive else PurePath(path)
