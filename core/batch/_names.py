"""Names of cases: those of their files, told apart by folders where files share a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.exports import file_stem, unique
from core.opening import SAMPLE, split_address

PACKED = {".gz", ".bz2", ".xz", ".zst"}
RESERVED = ("batch.json", "done.jsonl", "summary.csv")
"""Files beside the cases' folders."""


def name_cases(cases: Sequence[Sequence[str]], wanted: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """A name for each case that is a good folder name, readable and unlike all others.

    Parameters
    ----------
    cases : the addresses of each case's inputs, those that tell the cases apart.
    wanted : the name that the user gave each case, "" for none.
    taken : names that are in use already.
    """
    used = {n.casefold() for n in (*taken, *RESERVED)}
    choices = [[file_stem(w)] if w else _choices(c) for c, w in zip(cases, wanted, strict=True)]
    level = [0] * len(choices)
    while True:
        # Whoever shares a name with another goes on to the next longer one, as long as there is one.
        now = [c[min(n, len(c) - 1)].casefold() for c, n in zip(choices, level, strict=True)]
        count: dict[str, int] = {}
        for name in now:
            count[name] = count.get(name, 0) + 1
        moved = False
        for place, name in enumerate(now):
            if (count[name] > 1 or name in used) and level[place] < len(choices[place]) - 1:
                level[place] += 1
                moved = True
        if not moved:
            break
    # Where even the longest is shared (files far down in folders of one name), the shortest gets a number.
    alone = [count[name] == 1 and name not in used for name in now]
    return [
        unique(c[min(n, len(c) - 1)] if good else c[0], used)
        for c, n, good in zip(choices, level, alone, strict=True)
    ]


def _choices(addresses: Sequence[str]) -> list[str]:
    """Names from short to long: file without its ending, with it, with its folder, with that one's folder, …"""
    each = [_of_one(a) for a in addresses]
    depth = max((len(e) for e in each), default=1)
    out = ["--".join(e[min(n, len(e) - 1)] for e in each) for n in range(depth)]
    return [file_stem(n) for n in dict.fromkeys(out)]


def _of_one(address: str) -> list[str]:
    if address.startswith(SAMPLE):
        id = address.removeprefix(SAMPLE)
        return [id.rpartition(".")[2] or id, id]
    text, index = split_address(address)
    path = Path(text)
    stem = path.stem
    if path.suffix.lower() in PACKED and Path(stem).suffix:
        stem = Path(stem).stem
    part = "" if index is None else f".{index + 1}"
    out = [stem + part, path.name + part]
    before = ""
    for folder in list(path.parents)[:6]:
        if not folder.name:
            break
        before = f"{folder.name}-{before}"
        out.append(before + stem + part)
    return out
