"""Finding files that have moved: the user shows where one is, the others are looked for in the same way."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from core.data import register
from core.document import Item, Source
from core.errors import UserError
from core.jobs import Job
from core.opening import SAMPLE
from core.plugins import PluginHost
from core.records import file_hash, input_hash
from core.session._items import read_again
from core.session._paths import pure

MOST = 200_000
"""Files that are looked at in a folder and below it."""


@register
@dataclass(frozen=True, eq=False)
class Located:
    """What became of one item: its data and source, whether they are those that were saved, or why there are none."""

    id: str
    path: str
    data: Any = None
    source: Source | None = None
    same: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Wanted:
    """A file that is looked for: where it was, and its size and hash where they are known (0, "")."""

    path: str
    size: int = 0
    sha256: str = ""


def locate(
    items: Sequence[Item],
    place: Path,
    *,
    chosen: str = "",
    contents: Mapping[str, str] | None = None,
    job: Job,
    host: PluginHost,
) -> list[Located]:
    """Read the sources of `items`, which are not where they were, from where they are now.

    Parameters
    ----------
    place : where the source of the item `chosen` is now; or a folder that holds what is looked for.
    contents : the hash of what their files held, by id, of items that are open but changed (`Session.changed`).

    Returns
    -------
    Of every item whose file was found.
    """
    wanted = {i.source.path: _wanted(i) for i in items if i.source is not None}
    start = next((i.source.path for i in items if i.id == chosen and i.source is not None), "")
    found = find_files(list(wanted.values()), place, chosen=start, job=job)
    out: list[Located] = []
    cache: dict[str, Any] = {}
    there = [i for i in items if i.source is not None and i.source.path in found]
    for n, item in enumerate(there):
        assert item.source is not None
        path = str(found[item.source.path])
        job.progress(0.3 + 0.7 * n / len(there), f"Opening {item.name}")
        saved = dict(item.missing.saved) if item.missing is not None else {}
        try:
            data, source = read_again(replace(item.source, path=path), job=job, host=host, cache=cache)
        except (UserError, OSError, MemoryError) as error:
            out.append(Located(item.id, path, problem=str(error) or "There is not enough memory to read it."))
            continue
        content = (contents or {}).get(item.id) or saved.get("content")
        out.append(Located(item.id, path, data, source, not content or input_hash(data) == content))
    return out


def find_files(wanted: Sequence[Wanted], place: Path, *, chosen: str = "", job: Job) -> dict[str, Path]:
    """Where files are now, by their old paths; only those that were found.

    `place` is the new place of the file or folder `chosen`, or a folder to look in.
    All that moved together with the chosen one are found by their place relative to it; the rest by name below the
    folder, the right one of several by hash, else by size; and what was renamed by size and hash.
    """
    found: dict[str, Path] = {}
    roots: list[Path] = []
    is_folder = place.is_dir()
    if chosen and (not is_folder or _was_folder(chosen, wanted)):
        name = pure(chosen).name
        within = is_folder and place.name != name and (place / name).is_dir()
        place = place / name if within else place
        found[chosen] = place
        before, after = _moved(pure(chosen), place)
        for other in wanted:
            if other.path not in found and pure(other.path).is_relative_to(before):
                now = after / pure(other.path).relative_to(before)
                if now.exists() and _fits(other, now):
                    found[other.path] = now
        roots = [place.parent]
    elif is_folder:
        for one in wanted:
            parts = pure(one.path).parts[1:]
            for n in range(len(parts)):
                now = place.joinpath(*parts[n:])
                if now.exists() and _fits(one, now):
                    found[one.path] = now
                    break
        roots = [place]
    for root in roots:
        left = [w for w in wanted if w.path not in found]
        if left:
            found |= _search(left, root, job)
    return found


def _wanted(item: Item) -> Wanted:
    assert item.source is not None
    saved = item.missing.saved if item.missing is not None else {}
    return Wanted(item.source.path, item.source.size, str(saved.get("sha256") or item.source.sha256 or ""))


def _moved(old: PurePath, new: Path) -> tuple[PurePath, Path]:
    """The folders that differ between an old and a new place: what they have in common at the end is left out."""
    before, after = old.parent, new.parent
    while before.name and before.name == after.name:
        before, after = before.parent, after.parent
    return before, after


def _was_folder(path: str, wanted: Sequence[Wanted]) -> bool:
    """Whether an old path was that of a folder, as far as one can tell: folders have no size, and no ending."""
    return not pure(path).suffix and not any(w.size for w in wanted if w.path == path)


def _fits(wanted: Wanted, path: Path) -> bool:
    """Whether the file may be the one; a folder, or a file of which no size is known, is taken at its name."""
    try:
        return path.is_dir() or not wanted.size or path.stat().st_size == wanted.size
    except OSError:
        return False


def _search(wanted: Iterable[Wanted], root: Path, job: Job) -> dict[str, Path]:
    """By name, and by size and hash, in a folder and below it."""
    names: dict[str, list[Path]] = defaultdict(list)
    sizes: dict[int, list[Path]] = defaultdict(list)
    hashed = {w.size for w in wanted if w.size and w.sha256}
    seen = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        job.check()
        for name in (*folders, *sorted(files)):
            names[name].append(Path(folder, name))
        for name in files:
            if hashed:
                try:
                    size = os.stat(os.path.join(folder, name)).st_size
                except OSError:
                    continue
                if size in hashed:
                    sizes[size].append(Path(folder, name))
        seen += len(files)
        job.progress(0.0, f"Looking at {seen} files")
        if seen > MOST:
            break
    hashes: dict[Path, str] = {}

    def is_it(one: Wanted, path: Path) -> bool:
        if path not in hashes:
            job.check()
            hashes[path] = file_hash(path)
        return bool(one.sha256) and hashes[path] == one.sha256

    out: dict[str, Path] = {}
    for one in wanted:
        named = names.get(pure(one.path).name, [])
        fitting = [p for p in named if _fits(one, p)]
        alike = sizes.get(one.size, []) if one.size else []
        exact = next((p for p in (*fitting, *alike) if is_it(one, p)), None) if one.sha256 else None
        best = exact or next(iter(fitting), None) or next(iter(named), None)
        if best is not None:
            out[one.path] = best
    return out


def still_missing(items: Iterable[Item]) -> list[Item]:
    """The items whose file is to be located, in order."""
    return [i for i in items if i.missing is not None and i.source is not None and not _is_sample(i.source)]


def _is_sample(source: Source) -> bool:
    return source.path.startswith(SAMPLE)


def as_located(item: Item, located: Located) -> Item:
    """The item with the data that were found; what it is beside them (place, display, children) stays."""
    return replace(item, data=located.data, source=located.source, missing=None, edited=False)
