"""The text files of graph classification: many labelled graphs in one file (Zhang et al., DGCNN, AAAI 2018).

First line: the number of graphs. For each graph a line "n label", then n lines
"tag m neighbour_1 … neighbour_m [features…]"; nodes count from 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np

from core.analyses import Help, Range
from core.data import Attribute, Domain, Graph, Loaded, Table, Transforms
from core.errors import ReadError
from core.files import read_text
from core.jobs import Job
from plugins.graphs._text import DAMAGED, head_lines


def sniff(path: Path, head: bytes) -> int:
    """90 if the first lines are those of such a file."""
    rows = [line.split() for line in head_lines(head)]
    try:
        if (
            len(rows) < 3
            or len(rows[0]) != 1
            or len(rows[1]) != 2
            or int(rows[0][0]) < 1
            or int(rows[1][0]) < 1
        ):
            return 0
        nodes = rows[2 : 2 + int(rows[1][0])]
        fits = all(
            len(r) >= 2 + int(r[1]) and all(int(v) < int(rows[1][0]) for v in r[2 : 2 + int(r[1])])
            for r in nodes
        )
    except (ValueError, IndexError):
        return 0
    return 90 if fits else 0


def read(
    path: Path,
    *,
    graphs: Annotated[
        int, Range(0, 10_000), Help("How many of the graphs to open as objects of their own.")
    ] = 12,
    first: Annotated[int, Range(1), Help("Number of the first of them.")] = 1,
    job: Job,
) -> list[Loaded]:
    """A `Table` of all graphs (label, nodes, edges, mean degree), and below it the first few as `Graph`s.

    A file holds hundreds to thousands of small graphs: as items of their own they would bury everything
    else, so the table stands for the set. Node tags become a label on the nodes, features the attribute
    "features" (how they transform is not known). Edges are undirected and stand once; self-loops stay.
    Raises `ReadError`.
    """
    path = Path(path)
    lines = read_text(path).splitlines()
    total = _whole(path, 1, lines[0].split(), 1)[0]
    if not 0 < total < len(lines):
        raise ReadError(path, f"claims {total} graphs and has {len(lines)} lines", DAMAGED)
    columns: dict[str, list[Any]] = {"label": [], "nodes": [], "edges": [], "mean degree": []}
    opened: list[tuple[int, int, Graph]] = []
    at = 1
    for n in range(total):
        job.progress(n / total, f"Graph {n + 1} of {total}")
        if at >= len(lines):
            raise ReadError(path, f"ends after {n} of its {total} graphs", DAMAGED)
        count, label = _whole(path, at + 1, lines[at].split(), 2)
        if count < 0 or at + count >= len(lines) + (count == 0):
            raise ReadError(path, f"ends within graph {n + 1} of {total}", DAMAGED)
        wanted = first - 1 <= n < first - 1 + graphs
        graph, edges = _graph(path, at + 1, lines[at + 1 : at + 1 + count], label, wanted)
        columns["label"].append(label)
        columns["nodes"].append(count)
        columns["edges"].append(edges)
        columns["mean degree"].append(2 * edges / count if count else 0.0)
        if graph is not None:
            opened.append((n + 1, label, graph))
        at += 1 + count
    job.progress(1.0)
    table = Table({name: np.array(values) for name, values in columns.items()})
    notes = (
        (f"{len(opened)} of {total} graphs were opened; the table describes all.",)
        if len(opened) < total
        else ()
    )
    classes = {str(k): int(v) for k, v in zip(*np.unique(columns["label"], return_counts=True), strict=True)}
    out = [Loaded(path.stem, table, notes, {"graphs": total, "classes": classes})]
    out += [Loaded(f"{path.stem} graph {n} (label {label})", g, parent=0) for n, label, g in opened]
    return out


def _graph(path: Path, at: int, lines: list[str], label: int, wanted: bool) -> tuple[Graph | None, int]:
    """The graph (if it is wanted) and its number of edges, from the lines of its nodes."""
    count = len(lines)
    tags: list[int] = []
    features: list[list[float]] = []
    edges: set[tuple[int, int]] = set()
    for node, line in enumerate(lines):
        words = line.split()
        tag, degree = _whole(path, at + node + 1, words, 2, exact=False)
        if degree < 0 or len(words) < 2 + degree:
            raise ReadError(path, f"has fewer neighbours than it claims in line {at + node + 1}", DAMAGED)
        for other in _whole(path, at + node + 1, words[2 : 2 + degree], degree):
            if not 0 <= other < count:
                raise ReadError(path, f"names node {other} of {count} in line {at + node + 1}", DAMAGED)
            edges.add((node, other) if node <= other else (other, node))
        tags.append(tag)
        if wanted:
            try:
                features.append([float(w) for w in words[2 + degree :]])
            except ValueError:
                raise ReadError(
                    path, f"has a feature that is no number in line {at + node + 1}", DAMAGED
                ) from None
    if not wanted:
        return None, len(edges)
    attributes = {
        "tag": Attribute(np.array(tags, dtype=np.int64), Transforms.LABEL),
        "label": Attribute(np.array(label), Transforms.LABEL, Domain.OBJECT),
    }
    if features and features[0] and len({len(f) for f in features}) == 1:
        attributes["features"] = Attribute(np.array(features))
    pairs = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2)
    return Graph(count, pairs, attributes=attributes), len(edges)


def _whole(path: Path, line: int, words: list[str], count: int, *, exact: bool = True) -> list[int]:
    try:
        if len(words) < count or (exact and len(words) != count):
            raise ValueError
        values = [int(w) for w in words[:count]]
        if any(abs(v) >= 2**62 for v in values):
            raise ValueError
        return values
    except ValueError:
        raise ReadError(path, f"has a line {line} that does not fit the format", DAMAGED) from None
