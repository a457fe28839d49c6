"""Edge lists: two names or numbers a line, and perhaps a weight."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import numpy as np

from core.analyses import Help
from core.data import Attribute, Domain, Graph, Loaded, Transforms
from core.errors import ReadError
from core.files import read_text
from core.jobs import Job
from plugins.graphs._text import head_lines

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d+")
_MOST_DIGITS = 1000
"""Python makes no number of more than some 4,300 digits; names as long as that are names."""
_REMARKS = ("#", "%", "//")


def sniff(path: Path, head: bytes) -> int:
    """80 by an ending of its own; in `.txt` 45 for two whole numbers a line, 30 with a fraction as weight.

    Three whole numbers (triangles), words and points are left to others.
    """
    rows = [r for r in (_cells(line) for line in head_lines(head)) if r]
    if not rows or any(len(r) not in (2, 3) for r in rows):
        return 5 if path.suffix.lower() in (".edgelist", ".edges") else 0
    if path.suffix.lower() in (".edgelist", ".edges"):
        return 80
    if not all(_WHOLE.fullmatch(c) for r in rows for c in r[:2]) or len(rows) < 2:
        return 0
    if all(len(r) == 2 for r in rows):
        return 45
    weights = [r[2] for r in rows if len(r) == 3]
    return 30 if any(_NUMBER.fullmatch(w) and not _WHOLE.fullmatch(w) for w in weights) else 0


def read(
    path: Path, *, directed: Annotated[bool, Help("Edges have a direction.")] = False, job: Job
) -> list[Loaded]:
    """A graph from lines "a b" or "a b weight"; `#`, `%` and `//` begin remarks, commas count as spaces.

    Whole numbers as names keep their order, so that node 0 is the smallest; other names keep the order in which
    they first appear. Undirected: an edge that stands twice (also turned round) counts once, and is
    reported; its first weight is kept. Raises `ReadError`.
    """
    path = Path(path)
    job.progress(0.0, "Reading the edges")
    ends: list[tuple[str, str]] = []
    weights: list[float] = []
    for n, line in enumerate(read_text(path).splitlines()):
        if n & 0x3FFF == 0:
            job.check()
        cells = _cells(line)
        if not cells:
            continue
        if len(cells) not in (2, 3) or (len(cells) == 3 and not _NUMBER.fullmatch(cells[2])):
            raise ReadError(
                path,
                f"has a line {n + 1} that is no edge ({' '.join(cells)[:40]!r})",
                "mend it or open it as a table",
            )
        ends.append((cells[0], cells[1]))
        weights.append(float(cells[2]) if len(cells) == 3 else np.nan)
    if not ends:
        raise ReadError(path, "holds no edges", "check where it comes from")
    names = list(dict.fromkeys(name for pair in ends for name in pair))
    if all(len(name) < _MOST_DIGITS and _WHOLE.fullmatch(name) for name in names):
        names.sort(key=int)
    number = {name: i for i, name in enumerate(names)}
    edges = np.array([(number[a], number[b]) for a, b in ends], dtype=np.int64)
    notes: list[str] = []
    weight = np.array(weights)
    if not directed:
        edges, weight = _once(edges, weight, notes)
    attributes = {}
    if np.isfinite(weight).any():
        attributes["weight"] = Attribute(weight, Transforms.SCALAR, Domain.EDGE)
    job.progress(1.0)
    graph = Graph(len(names), edges, directed, attributes=attributes, node_names=tuple(names))
    return [Loaded(path.stem, graph, tuple(notes))]


def _once(edges: np.ndarray, weight: np.ndarray, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    _, first = np.unique(np.sort(edges, axis=1), axis=0, return_index=True)
    if len(first) < len(edges):
        notes.append(f"{len(edges) - len(first)} edges stand there twice and were taken once.")
    first.sort()
    return edges[first], weight[first]


def _cells(line: str) -> list[str]:
    for mark in _REMARKS:
        line = line.split(mark, 1)[0] if mark == "#" else ("" if line.lstrip().startswith(mark) else line)
    return line.replace(",", " ").split()
