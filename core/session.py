"""Sessions: what is open, as one folder with a readable `session.json` and NPZ files for data no file holds.

An item that came from a file which is still there, unchanged, is saved as its source (relative and absolute path,
size, time and hash); everything else (results, markups, edited data) goes into `data/`. Saving writes a new folder beside the
old one, flushes it and swaps the two; the last good session stays as `NAME.equiscope.bak` until the next save.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from core import __version__
from core.data import decode, encode, kind_of, register
from core.document import Item, Source
from core.errors import Cancelled, ReadError, UserError, WriteError
from core.jobs import Job
from core.opening import SAMPLE, items_of, open_path
from core.plugins import PluginHost
from core.records import file_hash, input_hash, relative_path

FORMAT = 1
SUFFIX = ".equiscope"
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From format n to n+1, pure functions of the JSON; golden sessions of every format stand in the tests."""


_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What an item's id may be; a file of `data/` is named after it."""
log = logging.getLogger("equiscope.session")


@register
@dataclass(frozen=True, eq=False)
class Session:
    """An opened session: items parents first, the window's layout, and what could not be had, a sentence each."""

    items: tuple[Item, ...]
    layout: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        object.__setattr__(self, "layout", MappingProxyType(dict(self.layout)))
        object.__setattr__(self, "problems", tuple(self.problems))


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
            entries.append(_save_item(item, folder, draft))
        tree = {
            "format": FORMAT,
            "program": f"equiscope {__version__}",
            "items": entries,
            "layout": dict(layout),
        }
        _flush(draft / "session.json", _json(tree))
        _sync_folder(draft / "data")
        _sync_folder(draft)
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
        _sync_folder(folder.parent)
    except OSError as error:
        raise WriteError(
            folder, f"cannot be saved ({error.strerror or error})", "choose another folder"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def load(folder: Path, *, job: Job, host: PluginHost) -> Session:
    """Open a session: read its sources again and its own data.

    A source that is missing, unreadable or changed does not stop the rest: it is told in `problems`; a missing
    one leaves its item out together with nothing else.

    Raises
    ------
    ReadError : the folder is no session, or a newer program's.
    """
    folder = folder.absolute()
    if not folder.exists() and folder.with_name(folder.name + ".bak").is_dir():
        folder = folder.with_name(folder.name + ".bak")  # a crash between the two renames of a save
    path = folder / "session.json" if folder.is_dir() else folder
    folder = path.parent
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        version = int(tree["format"])
        if version > FORMAT:
            raise ReadError(
                folder, f"was saved by a newer version (session format {version})", "update Equiscope"
            )
        for n in range(version, FORMAT):
            tree = MIGRATIONS[n](tree)
        entries, layout = list(tree["items"]), dict(tree.get("layout", {}))
    except FileNotFoundError:
        raise ReadError(
            folder, "is no session (it has no session.json)", f"choose a folder that ends in {SUFFIX}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReadError(
            folder,
            f"has a session.json that cannot be read ({type(error).__name__}: {error})",
            "open the .bak beside it",
        ) from None
    problems: list[str] = []
    items: list[Item] = []
    cache: dict[str, Any] = {}
    for n, entry in enumerate(entries):
        name = str(entry.get("name", "")) if isinstance(entry, dict) else ""
        job.progress(n / max(1, len(entries)), f"Opening {name}")
        try:
            item = _load_item(entry, folder, job, host, cache, problems)
            if any(item.id == other.id for other in items):
                raise ValueError("another item has its id")
            items.append(item)
        except Cancelled:
            raise
        except UserError as error:
            problems.append(f"{name or 'An item'} is left out: {error}")
        except Exception as error:  # whatever a damaged entry does must not cost the others
            log.exception("an entry of a session is damaged")
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            problems.append(
                f"{name or 'An item'} is left out: its entry in the session is damaged ({reason})."
            )
    return Session(_rooted(items), layout, tuple(problems))


def _rooted(items: list[Item]) -> tuple[Item, ...]:
    """The items with parents that exist and lead to the top."""
    parents = {i.id: i.parent for i in items}
    for id in parents:
        seen = {id}
        above = parents[id]
        while above is not None and above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        if above in seen or parents[id] not in parents:
            parents[id] = None
    return tuple(i if i.parent == parents[i.id] else replace(i, parent=parents[i.id]) for i in items)


def _save_item(item: Item, folder: Path, draft: Path) -> dict[str, Any]:
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
        target = draft / entry["file"]
        with open(target, "wb") as file:
            np.savez(file, **large)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
    return entry


def _load_item(
    entry: dict[str, Any],
    folder: Path,
    job: Job,
    host: PluginHost,
    cache: dict[str, Any],
    problems: list[str],
) -> Item:
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
        problems.append(
            f"{item.name} has changed: {Path(source.path).name} is not the file that was saved with this session."
        )
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
                    _copy(inner, draft / "data" / inner.name)
        elif path.name not in ours:
            _copy(path, draft / path.name)


def _copy(path: Path, target: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy2(path, target, follow_symlinks=False)


def _is_data(data: Any) -> bool:
    try:
        kind_of(data)
    except TypeError:
        return False
    return True


def _json(tree: dict[str, Any]) -> bytes:
    try:
        return json.dumps(tree, indent=1, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a file name that is no Unicode; the escapes of JSON can spell it
        return json.dumps(tree, indent=1).encode()


def _flush(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows cannot open folders; its rename is durable without
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
