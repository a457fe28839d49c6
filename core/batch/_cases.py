"""From what the user names (files, folders, patterns, lists) to the inputs of every case."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from core.analyses import Description
from core.batch._lists import Entry, read_list
from core.batch._manifest import NAME
from core.errors import ReadError, UserError, printable
from core.opening import SAMPLE, expand, split_address
from core.plugins import Analysis, PluginHost
from core.running import describe_analysis

MOST = 200_000
"""Files that one folder or pattern may name."""
ALSO = {"pointcloud": ("mesh",), "mesh": ("pointcloud",), "volume": ("image",)}
"""What a reader of one kind yields at times: a PLY without faces is a cloud."""


class Found(msgspec.Struct, frozen=True):
    """A case that was found: its addresses, own parameters, and the name that a list gave it ("" for none)."""

    inputs: tuple[str, ...]
    parameters: dict[str, Any] = {}
    name: str = ""


def find_cases(
    analysis: str,
    inputs: Sequence[str],
    *,
    host: PluginHost,
    lists: Sequence[str] = (),
    same: Mapping[str, str] | None = None,
    out: str = "",
) -> tuple[list[Found], list[str]]:
    """The cases of a batch and remarks on them.

    Parameters
    ----------
    inputs : files, folders, patterns, `FILE::2`, `sample:ID`: a case each for the one input that is not held by
        `same`. Of a folder those files are taken that a reader of a fitting kind opens.
    lists : files as `read_list` reads them.
    same : the address of an input that is the same in all cases, by the input's name.
    out : the batch's own folder, of which nothing is taken.

    Raises
    ------
    UserError : nothing is there, or the analysis takes several inputs and it is not said which is which.
    """
    declared = host.get(analysis, Analysis)
    lacking = host.missing(declared)
    if lacking:
        raise UserError(f"{declared.title.rstrip('…')} {lacking}.")
    description = describe_analysis(host, declared)
    held = _held(description, same or {})
    notes: list[str] = []
    entries: list[Entry] = []
    if inputs:
        slot = _free_slot(description, held)
        kinds = description.inputs[slot].kinds
        for text in inputs:
            entries += [Entry({slot: a}) for a in _addresses(text, kinds, host, out, notes)]
    for path in lists:
        entries += read_list(Path(path), description)
    return _distinct([_found(e, held, description) for e in entries], notes), notes


def _held(description: Description, same: Mapping[str, str]) -> dict[int, str]:
    names = [i.name for i in description.inputs]
    out = {}
    for name, address in same.items():
        if name not in names:
            raise UserError(
                f"{description.id} has no input called {name!r}; its inputs are {', '.join(names)}."
            )
        out[names.index(name)] = _absolute(address)
    return out


def _free_slot(description: Description, held: Mapping[int, str]) -> int:
    """The one input that differs from case to case."""
    free = [n for n in range(len(description.inputs)) if n not in held]
    needed = [n for n in free if not description.inputs[n].optional]
    if len(needed) > 1:
        names = ", ".join(description.inputs[n].name for n in needed)
        last = description.inputs[needed[-1]].name
        raise UserError(
            f"{description.title.rstrip('…')} takes {len(needed)} inputs a case ({names}): name them in a list "
            f"(--inputs pairs.csv), or hold one for all cases (--same {last}=FILE)."
        )
    if not free:
        raise UserError(f"All inputs of {description.id} are held by --same; leave one of them free.")
    return needed[0] if needed else free[0]


def _found(entry: Entry, held: Mapping[int, str], description: Description) -> Found:
    given = {**held, **entry.inputs}
    places = range(max(given, default=-1) + 1)
    missing = [n for n in places if n not in given]
    missing += [n for n, i in enumerate(description.inputs) if n not in given and not i.optional]
    if missing:
        what = ", ".join(printable(Path(a).name) for a in given.values()) or entry.name or "A case"
        raise UserError(f"{what}: the input {description.inputs[missing[0]].name} is not given.")
    return Found(tuple(given[n] for n in places), entry.parameters, entry.name)


def _addresses(text: str, kinds: Sequence[str], host: PluginHost, out: str, notes: list[str]) -> list[str]:
    if text.startswith(SAMPLE):
        return [text]
    path, index = split_address(text)
    part = "" if index is None else f"::{index + 1}"
    place = Path(path).expanduser()
    if not os.path.lexists(place) and glob.has_magic(str(place)):
        found = sorted(glob.iglob(str(place), recursive=True), key=natural)
        found = [f for f in found if not _inside(Path(f), out)]
        if not found:
            raise UserError(f"There is no file like {printable(path)}; check the pattern.")
        if len(found) > MOST:
            raise UserError(f"{printable(path)} fits more than {MOST} files; give a narrower pattern.")
        return [f"{Path(f).absolute()}{part}" for f in found]
    if place.is_dir() and index is None:
        return _of_folder(place, kinds, host, out, notes)
    return [_absolute(str(place)) + part]


def _of_folder(folder: Path, kinds: Sequence[str], host: PluginHost, out: str, notes: list[str]) -> list[str]:
    paths = expand([folder], host=host, limit=MOST)
    if paths == [folder]:  # a reader takes it as a whole
        return [str(folder.absolute())]
    batches: dict[Path, bool] = {}
    kept, others = [], 0
    for path in paths:
        if _inside(path, out) or any(_is_batch(p, batches) for p in _between(path, folder)):
            continue
        readers = host.readers_for(path.name, folder=path.is_dir())
        if any(_yields(r.kind, kinds) for r in readers):
            kept.append(path)
        else:
            others += 1
    if others:
        notes.append(
            f"{printable(folder.name or str(folder))}: {others} file{'s' * (others != 1)} of other kinds left out"
        )
    if not kept:
        raise ReadError(folder, f"holds no {' or '.join(kinds)}", "choose another folder")
    return [str(p.absolute()) for p in sorted(kept, key=lambda p: natural(str(p)))]


def _yields(kind: str, kinds: Sequence[str]) -> bool:
    return any(kind == k or kind in ALSO.get(k, ()) for k in kinds)


def _between(path: Path, folder: Path) -> list[Path]:
    """The folders from `folder` (included, too) down to that of `path`."""
    return [p for p in path.parents if p == folder or folder in p.parents]


def _is_batch(folder: Path, known: dict[Path, bool]) -> bool:
    """Whether a folder holds a batch: what is in there are results, no inputs."""
    if folder not in known:
        known[folder] = (folder / NAME).is_file()
    return known[folder]


def _inside(path: Path, out: str) -> bool:
    if not out:
        return False
    whole, folder = path.absolute(), Path(out).absolute()
    return whole == folder or folder in whole.parents


def _distinct(found: list[Found], notes: list[str]) -> list[Found]:
    """Each case once; what is named twice is said."""
    seen: dict[tuple[Any, ...], int] = {}
    out, again = [], []
    for case in found:
        key = key_of(case.inputs, case.parameters)
        if key in seen:
            again.append(case)
        else:
            seen[key] = 1
            out.append(case)
    if again:
        names = ", ".join(printable(Path(c.inputs[0]).name) for c in again[:3])
        more = f" and {len(again) - 3} more" if len(again) > 3 else ""
        notes.append(f"named twice and run once: {names}{more}")
    return out


def key_of(inputs: Sequence[str], parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two cases the same."""
    places = tuple(a if a.startswith(SAMPLE) else os.path.realpath(a) for a in inputs)
    return (*places, repr(sorted(parameters.items())))


def _absolute(address: str) -> str:
    return address if address.startswith(SAMPLE) else str(Path(address).expanduser().absolute())


def natural(text: str) -> list[Any]:
    """A key that puts "scan 2" before "scan 10"."""
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p.casefold()) for p in re.split(r"(\d+)", text) if p]


__all__ = ["Found", "find_cases", "key_of", "natural"]
