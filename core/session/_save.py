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
from core.drafts import noted
from core.errors import WriteError
from core.files import sync_folder
from core.jobs import Job
from core.records import name_of, texts_with, tilde
from core.session._disk import clear_drafts, copy, draft_of, swap, to_json, write_flushed
from core.session._items import encode_item
from core.session._session import FORMAT, SUFFIX, SessionChanged, stamp


def save(
    items: tuple[Item, ...] | list[Item],
    layout: Mapping[str, Any],
    folder: Path,
    *,
    job: Job,
    expected: str | None = None,
    embed: bool = False,
    keep: bool = False,
    token: str = "",
) -> Path:
    """Save a session; returns the folder (with `SUFFIX`).

    Parameters
    ----------
    expected : the stamp of what is taken to be there; None replaces whatever session is.
    embed : a copy to be shared: the data of files are in it, and no path is.
    keep : what is there is kept for good (as "NAME before repair"), because it holds more than could be read.
    token : a name for this save, by which whoever asked for it knows it again (`token_of`) if the process that saves is
        killed when all is in place and nobody has been told.

    Raises
    ------
    WriteError : the disk refuses; what was saved before is untouched.
    SessionChanged : there is another session than the expected one; nothing is written.
    """
    folder = folder if folder.suffix == SUFFIX else folder.with_name(folder.name + SUFFIX)
    folder = (
        folder.resolve()
    )  # a link to a session is followed: renaming the link would not save what it names
    if folder.exists() and not (folder / "session.json").is_file():
        raise WriteError(folder, "exists and is no session", "choose another name")
    draft = draft_of(folder)
    _check(folder, expected)
    with noted(draft):
        return _save(items, layout, folder, draft, job, expected, embed, keep, token)


def _save(
    items: tuple[Item, ...] | list[Item],
    layout: Mapping[str, Any],
    folder: Path,
    draft: Path,
    job: Job,
    expected: str | None,
    embed: bool,
    keep: bool,
    token: str,
) -> Path:
    backup = folder.with_name(folder.name + ".bak")
    try:
        clear_drafts(folder)
        shutil.rmtree(draft, ignore_errors=True)
        (draft / "data").mkdir(parents=True)
        entries = []
        for n, item in enumerate(items):
            job.progress(n / max(1, len(items)), f"Saving {item.name}")
            entries.append(encode_item(item, folder, draft, embed=embed))
        tree = {
            "format": FORMAT,
            "program": f"equiscope {__version__}",
            "items": entries,
            # What was typed into forms may be paths.
            "layout": texts_with(dict(layout), name_of if embed else tilde),
            **({"save": token} if token else {}),
        }
        write_flushed(draft / "session.json", to_json(tree))
        if folder.exists():
            _check(folder, expected)
            _keep_strangers(folder, draft)
        sync_folder(draft / "data")
        sync_folder(draft)
        if folder.exists():
            aside = _unused(folder.with_name(f"{folder.stem} before repair")) if keep else backup
            shutil.rmtree(aside, ignore_errors=True)
            swap(draft, folder, aside)
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


def _check(folder: Path, expected: str | None) -> None:
    if expected is not None and folder.exists() and stamp(folder) != expected:
        raise SessionChanged(folder)


def _unused(path: Path) -> Path:
    """NAME.equiscope, or "NAME 2.equiscope", …: where nothing is yet."""
    found, count = path.with_name(path.name + SUFFIX), 2
    while found.exists():
        found, count = path.with_name(f"{path.name} {count}{SUFFIX}"), count + 1
    return found


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
