"""Saving a session."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import __version__
from core.document import Item
from core.errors import WriteError
from core.jobs import Job
from core.session._disk import copy, sync_folder, to_json, write_flushed
from core.session._items import encode_item
from core.session._session import FORMAT, SUFFIX


def save(items: tuple[Item, ...] | list[Item], layout: Mapping[str, Any], folder: Path, *, job: Job) -> Path:
    """Save a session; returns the folder (with `SUFFIX`).

    Raises
    ------
    WriteError : the disk refuses; what was saved before is untouched.
    """
    folder = folder if folder.suffix == SUFFIX else folder.with_name(folder.name + SUFFIX)
    folder = (
        folder.resolve()
    )  # a link to a session is followed: renaming the link would not save what it names
    if folder.exists() and not (folder / "session.json").is_file():
        raise WriteError(folder, "exists and is no session", "choose another name")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.draft")
    backup = folder.with_name(folder.name + ".bak")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        (draft / "data").mkdir(parents=True)
        entries = []
        for n, item in enumerate(items):
            job.progress(n / max(1, len(items)), f"Saving {item.name}")
            entries.append(encode_item(item, folder, draft))
        tree = {
            "format": FORMAT,
            "program": f"equiscope {__version__}",
            "items": entries,
            "layout": dict(layout),
        }
        write_flushed(draft / "session.json", to_json(tree))
        sync_folder(draft / "data")
        sync_folder(draft)
        if folder.exists():
            _keep_strangers(folder, draft)
            shutil.rmtree(backup, ignore_errors=True)
            os.rename(folder, backup)
            try:
                os.rename(draft, folder)
            except OSError:
                os.rename(backup, folder)
                raise
        else:
            os.rename(draft, folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise WriteError(
            folder, f"cannot be saved ({error.strerror or error})", "choose another folder"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _keep_strangers(folder: Path, draft: Path) -> None:
    """Copy what a user has put into the session's folder: saving replaces the folder, and nothing may be lost."""
    ours = {"session.json"}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        old = json.loads((folder / "session.json").read_text(encoding="utf-8"))
        ours.update(str(entry.get("file")) for entry in old["items"])
    for path in sorted(folder.iterdir()):
        if path.name == "data" and path.is_dir() and not path.is_symlink():
            for inner in sorted(path.iterdir()):
                if f"data/{inner.name}" not in ours:
                    copy(inner, draft / "data" / inner.name)
        elif path.name not in ours:
            copy(path, draft / path.name)
