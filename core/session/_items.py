"""One item of a session: its entry in `session.json`, and the NPZ that goes with it."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data import decode, encode, kind_of
from core.document import Item, Source
from core.errors import ReadError
from core.jobs import Job
from core.opening import SAMPLE, items_of, open_path
from core.plugins import PluginHost
from core.records import file_hash, input_hash, relative_path

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What an item's id may be; a file of `data/` is named after it."""


def encode_item(item: Item, folder: Path, store: Path) -> dict[str, Any]:
    """The entry of an item: plain JSON. Arrays of some size go into `store`/data/ID.npz, flushed to the disk.

    `folder` is what paths of sources are relative to; what lies inside it is not taken for a file that stays.
    `store`/data must exist.

    Raises
    ------
    OSError : the disk refuses.
    """
    from_file = not item.edited and _is_data(item.data) and _still_there(item.source, folder)
    tree, arrays = encode(replace(item, data=None) if from_file else item)
    # Small arrays (transforms, markups) are written out, so that session.json can be read by people.
    small = {
        i: a
        for i, a in enumerate(arrays)
        if a.nbytes <= 512 and a.dtype.kind in "biuf" and np.isfinite(a).all()
    }
    large = {str(i): a for i, a in enumerate(arrays) if i not in small}
    entry: dict[str, Any] = {"id": item.id, "name": item.name, "item": tree}
    entry["arrays"] = {
        str(i): {"dtype": a.dtype.str, "values": a.tolist(), "shape": a.shape} for i, a in small.items()
    }
    if from_file:
        assert item.source is not None
        source = Path(item.source.path)
        entry["source"] = {
            "relative": relative_path(source, folder.resolve()) if source.is_absolute() else "",
            "content": input_hash(item.data),
            "sha256": item.source.sha256 or file_hash(source),
        }
    if large:
        entry["file"] = f"data/{item.id}.npz"
        target = store / entry["file"]
        with open(target, "wb") as file:
            np.savez(file, **large)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
    return entry


def decode_item(
    entry: dict[str, Any],
    folder: Path,
    *,
    job: Job,
    host: PluginHost,
    cache: dict[str, Any] | None = None,
    problems: list[str] | None = None,
) -> Item:
    """The item of an entry that `encode_item` made; its source is read again.

    Parameters
    ----------
    folder : holds `data/`; the start of relative paths.
    cache : what was read of sources already, for the next entry with the same.
    problems : gets a sentence about whatever is not as it was.

    Raises
    ------
    UserError : the source cannot be had, or the entry is not to be trusted.
    Exception : any, where the entry is damaged; callers leave it out and go on.
    """
    cache = {} if cache is None else cache
    arrays: dict[int, Any] = {
        int(i): np.array(a["values"], dtype=np.dtype(a["dtype"])).reshape(a["shape"])
        for i, a in entry["arrays"].items()
    }
    if "file" in entry:
        target = (folder / entry["file"]).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise ReadError(folder, "names a file outside itself", "do not trust this session")
        with zipfile.ZipFile(
            target
        ) as packed:  # ours are not compressed, so nothing unpacks to more than there is
            if any(part.compress_type != zipfile.ZIP_STORED for part in packed.infolist()):
                raise ReadError(target, "is packed as no session's data are", "do not trust this session")
        with np.load(target, allow_pickle=False) as stored:
            arrays.update((int(i), stored[i]) for i in stored.files)
    item = decode(entry["item"], [arrays[i] for i in range(len(arrays))])
    if not isinstance(item, Item) or not isinstance(item.name, str) or not _ID.fullmatch(item.id):
        raise ValueError("not an item")
    if "source" not in entry or item.source is None:
        return item
    data, source = _read_source(item, entry["source"], folder, job, host, cache)
    if input_hash(data) != entry["source"]["content"]:
        text = f"{item.name} has changed: {Path(source.path).name} is not the file that was saved with this session."
        if problems is not None:
            problems.append(text)
    return replace(item, data=data, source=source)


def _read_source(
    item: Item, saved: dict[str, Any], folder: Path, job: Job, host: PluginHost, cache: dict[str, Any]
) -> tuple[Any, Source]:
    assert item.source is not None
    path = Path(item.source.path)
    if not item.source.path.startswith(SAMPLE):
        places = [p for p in (folder / saved["relative"], path) if p.exists()]
        if not places:
            raise ReadError(path, "is not where it was", "put it back or open it from its new place")
        path = places[0].resolve()
    key = f"{path}\0{item.source.reader}\0{sorted(item.source.options.items())}"
    if key not in cache:
        cache[key] = items_of(
            open_path(path, job=job, host=host, reader=item.source.reader, options=item.source.options)
        )
    found = cache[key]
    if item.source.index >= len(found):
        raise ReadError(path, "holds fewer objects than when the session was saved", "open it again by hand")
    fresh = found[item.source.index]
    return fresh.data, replace(fresh.source, sha256=saved.get("sha256", ""))


def _still_there(source: Source | None, folder: Path) -> bool:
    """Whether a source can be read again when the session is opened, so that its data need not be saved."""
    if source is None:
        return False
    if source.path.startswith(SAMPLE):
        return True
    path = Path(source.path)
    try:
        stat = path.stat()
        inside = path.resolve().is_relative_to(folder)  # saving replaces this folder with all that is in it
    except OSError:
        return False
    if inside:
        return False
    return path.is_dir() or not source.size or (stat.st_size, stat.st_mtime) == (source.size, source.mtime)


def _is_data(data: Any) -> bool:
    try:
        kind_of(data)
    except TypeError:
        return False
    return True
