"""One item of a session: its entry in `session.json`, and the NPZ that goes with it."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data import Checkpoint, decode, encode, is_data, kind_of
from core.document import Item, Missing, Source
from core.errors import ReadError, UserError
from core.files import ordinary
from core.jobs import Job
from core.opening import SAMPLE, is_as_read, items_of, looks_as_read, open_path, title
from core.plugins import PluginHost
from core.records import (
    file_hash,
    input_hash,
    name_of,
    portable_path,
    relative_path,
    texts_with,
    tilde,
    with_paths,
)
from core.session._paths import meant, pure, told

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What an item's id may be; a file of `data/` is named after it."""


def encode_item(item: Item, folder: Path, store: Path, *, embed: bool = False) -> dict[str, Any]:
    """The entry of an item: plain JSON. Arrays of some size go into `store`/data/ID.npz, flushed to the disk.

    Parameters
    ----------
    folder : the session's; paths of sources are told as seen from there, and what lies inside it is not taken for a
        file that stays.
    store : where `data` lies; it must exist.
    embed : keep the data of files, too, and no word of where they lie.

    Raises
    ------
    OSError : the disk refuses.
    """
    folder = folder.resolve()
    from_file = (
        item.missing is None
        and not item.edited
        and is_data(item.data)
        and not (embed and _can_be_embedded(item.data))
        and _still_there(item, folder)
    )
    bare = _without_paths(item) if embed else _with_told_paths(item, folder)
    if embed and (from_file or item.missing) and item.source is not None:  # means nothing without its file
        bare = replace(bare, source=replace(item.source, path=_near(item.source.path, folder)))
    tree, arrays = encode(replace(bare, data=None, missing=None) if from_file or item.missing else bare)
    # Small arrays (transforms, markups) are written out, so that session.json can be read by people.
    small = {
        i: a
        for i, a in enumerate(arrays)
        if a.nbytes <= 512 and a.dtype.kind in "biuf" and np.isfinite(a).all()
    }
    large = {str(i): a for i, a in enumerate(arrays) if i not in small}
    entry: dict[str, Any] = {"id": item.id, "name": item.name, "item": tree}
    entry["arrays"] = {
        str(i): {"dtype": a.dtype.str, "values": a.tolist(), "shape": list(a.shape)} for i, a in small.items()
    }
    if from_file:
        assert item.source is not None
        source = Path(item.source.path)
        entry["source"] = {
            "kind": kind_of(item.data),
            "relative": "" if embed else _relative(source, folder),
            "content": input_hash(item.data),
            "sha256": item.source.sha256 or file_hash(source),
        }
    elif item.missing is not None:
        entry["source"] = _kept(item.missing, folder, embed)
    if large:
        entry["file"] = f"data/{item.id}.npz"
        target = store / entry["file"]
        with open(target, "wb") as file:
            np.savez(file, **large)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
    return entry


def _with_told_paths(item: Item, folder: Path) -> Item:
    """The item with its paths as they stand in a session."""
    source = item.source and replace(item.source, path=told(item.source.path, folder))
    record = None if item.record is None else with_paths(item.record, lambda path: told(path, folder))
    return replace(item, source=source, record=_with_parameters(record, tilde))


def _without_paths(item: Item) -> Item:
    """The item for a copy that is shared: not a word of where anything lies on this disk."""
    source = item.source if item.source is not None and item.source.path.startswith(SAMPLE) else None
    record = _with_parameters(item.record, name_of)
    return replace(item, source=source, record=None if record is None else with_paths(record, _no_place))


def _with_parameters(
    record: Mapping[str, Any] | None, change: Callable[[str], str]
) -> Mapping[str, Any] | None:
    """A record whose parameters that are paths are told in another way."""
    if record is None or "parameters" not in record:
        return record
    return {**record, "parameters": texts_with(record["parameters"], change)}


def _no_place(path: str) -> str:
    return path if path.startswith(SAMPLE) else ""


def _near(path: str, folder: Path) -> str:
    """Where a file is that a shared copy cannot hold: as seen from the copy if it lies near it, else its name."""
    if path.startswith(SAMPLE):
        return path
    if not os.path.isabs(path):  # of another system
        return pure(path).name
    near = Path(path).resolve().is_relative_to(folder.parent)
    return relative_path(Path(path).resolve(), folder) if near else Path(path).name


def _relative(path: Path, folder: Path) -> str:
    """A source as seen from the session; "" where that would lead into the user's home and so tell her name."""
    seen = portable_path(path, folder) if path.is_absolute() else ""
    return "" if seen.startswith("~/") else seen


def _kept(missing: Missing, folder: Path, embed: bool) -> dict[str, Any]:
    """What a session said of a source that is missing; its relative path begins at another folder now."""
    saved = dict(missing.saved)
    relative = str(saved.get("relative") or "")
    if embed:
        saved["relative"] = ""
    elif relative and missing.folder:
        saved["relative"] = _relative(Path(meant(relative, Path(missing.folder))), folder)
    return saved


def decode_item(
    entry: dict[str, Any],
    folder: Path,
    *,
    job: Job,
    host: PluginHost,
    cache: dict[str, Any] | None = None,
    problems: list[str] | None = None,
    changed: dict[str, str] | None = None,
) -> Item:
    """The item of an entry that `encode_item` made; its source is read again.

    An item whose source cannot be had comes back without data, and says why (`Item.missing`).

    Parameters
    ----------
    folder : holds `data/`; the start of relative paths.
    cache : what was read of sources already, for the next entry with the same.
    problems : gets a sentence about whatever is not as it was.
    changed : gets, under the item's id, the hash of what its file held if that is not the one that was saved.

    Raises
    ------
    UserError : the entry is not to be trusted.
    Exception : any, where the entry is damaged; callers leave it out and go on.
    """
    cache = {} if cache is None else cache
    arrays: dict[int, Any] = {int(i): _small_array(a) for i, a in entry["arrays"].items()}
    if "file" in entry:
        target = (folder / entry["file"]).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise ReadError(folder, "names a file outside itself", "do not trust this session")
        with zipfile.ZipFile(
            ordinary(target)
        ) as packed:  # ours are not compressed, so nothing unpacks to more than there is
            if any(part.compress_type != zipfile.ZIP_STORED for part in packed.infolist()):
                raise ReadError(target, "is packed as no session's data are", "do not trust this session")
        with np.load(target, allow_pickle=False) as stored:
            arrays.update((int(i), stored[i]) for i in stored.files)
    item = decode(entry["item"], [arrays[i] for i in range(len(arrays))])
    if not isinstance(item, Item) or not isinstance(item.name, str) or not _ID.fullmatch(item.id):
        raise ValueError("not an item")
    if any(ord(c) < 32 or ord(c) == 127 for c in item.name):  # nobody can have typed it
        item = replace(item, name=title(item.name) or "unnamed")
    item = _with_meant_paths(item, folder)
    if "source" not in entry or item.source is None:
        return item
    saved = dict(entry["source"])
    try:
        data, source = _read_source(item.source, saved, folder, job, host, cache)
    except (UserError, OSError, MemoryError) as error:
        reason = str(error) or "There is not enough memory to read it; close something first."
        if problems is not None:
            problems.append(f"{item.name} has no data: {reason}")
        return replace(
            item, data=None, missing=Missing(reason, str(saved.get("kind", "")), saved, str(folder))
        )
    if saved["content"] and input_hash(data) != saved["content"]:  # recovered after a crash, it has none
        if problems is not None:
            problems.append(changed_words(item.name, Path(source.path).name))
        if changed is not None:
            changed[item.id] = str(saved["content"])
    return replace(item, data=data, source=source)


def _small_array(saved: dict[str, Any]) -> np.ndarray[Any, Any]:
    dtype = np.dtype(saved["dtype"])
    if dtype.kind not in "biuf":  # what is written out is numbers; a text of any width could take all memory
        raise ValueError(f"an array of {dtype}")
    return np.array(saved["values"], dtype=dtype).reshape(saved["shape"])


def changed_words(name: str, file: str) -> str:
    """The sentence about a source that is not what it was."""
    return f"{name} has changed: {file} is not the file that was saved with this session."


def _with_meant_paths(item: Item, folder: Path) -> Item:
    source = item.source and replace(item.source, path=meant(item.source.path, folder))
    record = None if item.record is None else with_paths(item.record, lambda path: meant(path, folder))
    return replace(item, source=source, record=record)


def _read_source(
    source: Source, saved: dict[str, Any], folder: Path, job: Job, host: PluginHost, cache: dict[str, Any]
) -> tuple[Any, Source]:
    path = Path(source.path)
    if not source.path.startswith(SAMPLE):
        relative = str(saved.get("relative") or "")
        places = [p for p in ([folder / relative] if relative else []) + [path] if p.exists()]
        if not places:
            raise ReadError(path, "is not where it was", "put it back, or locate it (Data, Locate files…)")
        path = places[0].resolve()
    return read_again(
        replace(source, path=str(path)), job=job, host=host, cache=cache, sha256=saved.get("sha256", "")
    )


def read_again(
    source: Source, *, job: Job, host: PluginHost, cache: dict[str, Any], sha256: str = ""
) -> tuple[Any, Source]:
    """The data that a source names, read now, and the source as it is now.

    Raises
    ------
    UserError : it cannot be read, or holds less than it did.
    """
    path: Any = source.path if source.path.startswith(SAMPLE) else Path(source.path)
    key = f"{path}\0{source.reader}\0{sorted(source.options.items())}"
    if key not in cache:
        cache[key] = items_of(
            open_path(path, job=job, host=host, reader=source.reader, options=source.options)
        )
    found = cache[key]
    if source.index >= len(found):
        raise ReadError(path, "holds fewer objects than when the session was saved", "open it again by hand")
    fresh = found[source.index]
    return fresh.data, replace(fresh.source, sha256=sha256)


def _still_there(item: Item, folder: Path) -> bool:
    """Whether the data of an item can be read again when the session is opened, so that they need not be saved."""
    source = item.source
    if source is None:
        return False
    if source.path.startswith(SAMPLE):
        return True
    try:
        if Path(source.path).resolve().is_relative_to(folder):
            return False  # saving replaces this folder with all that is in it
    except (OSError, RuntimeError):  # a link to itself
        return False
    return is_as_read(source) or (looks_as_read(source) and _reads_the_same(item))


def _reads_the_same(item: Item) -> bool:
    """Whether a file about which the disk says something else, but not its size and time, holds what is open."""
    assert item.source is not None
    try:
        data, _ = read_again(item.source, job=Job(), host=PluginHost(), cache={})
    except (UserError, OSError, MemoryError):
        return False
    return input_hash(data) == input_hash(item.data)


def _can_be_embedded(data: Any) -> bool:
    """Whether all of it is in memory: a checkpoint is but an index of a file."""
    return not isinstance(data, Checkpoint)
