"""What an item is, in the few words and the icon that the data tree shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data import (
    Checkpoint,
    Graph,
    Image,
    Markup,
    Mesh,
    NeuralField,
    PointCloud,
    Signal,
    Table,
    Trajectory,
    Transform,
    Volume,
    kind_of,
)
from core.document import Item
from core.results import Curve, Heatmap, Histogram, Number, ResultTable, Scatter, Text

PLOTS = (Curve, Scatter, Heatmap, Histogram)
KIND_WORDS = {
    "volume": "volume",
    "mesh": "mesh",
    "pointcloud": "point cloud",
    "trajectory": "trajectory",
    "image": "image",
    "graph": "graph",
    "field": "neural field",
    "checkpoint": "checkpoint",
    "signal": "signal",
    "table": "table",
    "markup": "markup",
    "transform": "transform",
    "plot": "plot",
    "group": "group",
    "result": "result",
    "number": "number",
    "text": "text",
    "file": "file",
}


def shortened(text: str, most: int = 48) -> str:
    """A name with its middle left out where it is long; a file's name may have 255 letters."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 3
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def told_apart(items: Iterable[Item]) -> dict[str, str]:
    """Names by id; those that several have come with the folder of their file."""
    found = list(items)
    names = [i.name for i in found]
    out = {}
    for item in found:
        twice = names.count(item.name) > 1 and item.source is not None
        folder = Path(item.source.path).parent.name if twice and item.source is not None else ""
        out[item.id] = f"{item.name} — {folder}" if folder else item.name
    return out


def named_apart(new: Sequence[Item], there: Iterable[Item]) -> tuple[Item, ...]:
    """The new items; a file called as one that is open already comes with its folder: "srr — GA32".

    Cohorts keep one folder a subject, with the same names of files in each.
    """
    taken = {i.name: i.source.path for i in there if i.parent is None and i.source is not None}
    out = []
    for item in new:
        path = item.source.path if item.source is not None and item.parent is None else ""
        folder = Path(path).parent.name
        if folder and item.name in taken and Path(taken[item.name]).parent.name != folder:
            item = replace(item, name=f"{item.name} — {folder}")
        out.append(item)
    return tuple(out)


def any_of(kinds: Sequence[str]) -> str:
    """Kinds as the end of "open a …": "mesh, point cloud or volume"."""
    words = [KIND_WORDS.get(k, k) for k in kinds]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def kind_of_item(item: Item) -> str:
    """A kind of `core.data`, or "group", "result", "plot", "number", "text"; a result's table is a "table". Of what
    is missing: the kind that it was, or "file"."""
    data = item.data
    if item.missing is not None:
        return item.missing.kind if item.missing.kind in KIND_WORDS else "file"
    if data is None:
        return "result" if item.record is not None else "group"
    if isinstance(data, PLOTS):
        return "plot"
    if isinstance(data, ResultTable):
        return "table"
    if isinstance(data, Number):
        return "number"
    if isinstance(data, Text):
        return "text"
    return kind_of(data)


def is_spatial(item: Item) -> bool:
    """Whether viewports can show it."""
    data = item.data
    if isinstance(data, Graph):
        return data.positions is not None
    return isinstance(data, (Volume, Mesh, PointCloud, Trajectory, Markup))


def centre_of(item: Item) -> str:
    """Which view of the centre shows it: "viewports", "image", "signal", "table", "checkpoint", "graph", "plot";
    "" where none does (a group, a transform)."""
    if is_spatial(item):
        return "viewports"
    data: Any = item.data
    for cls, name in (
        (Image, "image"),
        (Signal, "signal"),
        ((Table, ResultTable), "table"),
        (Checkpoint, "checkpoint"),
        (Graph, "graph"),
        (PLOTS, "plot"),
        ((NeuralField, Transform), "details"),
    ):
        if isinstance(data, cls):
            return name
    return ""


def count(n: int) -> str:
    """A whole number with thin gaps between thousands."""
    return f"{n:,}".replace(",", "\u202f")


def counted(n: int, thing: str) -> str:
    """A number of things: "1 row", "20 484 points"."""
    return f"{count(n)} {thing}{'s' * (n != 1)}"


def size_words(item: Item) -> str:
    """The extent of an item in a few characters: "197×233×189", "20 484 points", "2 layers"."""
    data = item.data
    if isinstance(data, (Volume, Image)):
        return "×".join(str(n) for n in data.array.shape)
    if isinstance(data, (Mesh, PointCloud)):
        return counted(len(data.points), "point")
    if isinstance(data, Trajectory):
        return f"{count(data.positions.shape[0])} × {count(data.positions.shape[1])} points"
    if isinstance(data, Graph):
        return counted(data.n_nodes, "node")
    if isinstance(data, Checkpoint):
        return counted(len(data.tensors), "tensor")
    if isinstance(data, NeuralField):
        return data.meaning
    if isinstance(data, Signal):
        return "×".join(count(n) for n in data.values.shape)
    if isinstance(data, (Table, ResultTable)):
        columns = (data.table if isinstance(data, ResultTable) else data).columns
        return counted(len(next(iter(columns.values()), ())), "row")
    if isinstance(data, Markup):
        number = len(data.points)
        return str(data.kind).replace("_", " ") if number == 1 else f"{number} points"
    if isinstance(data, Heatmap):
        return "×".join(str(n) for n in np.shape(data.values))
    if isinstance(data, PLOTS):
        return type(data).__name__.lower()
    if item.data is None and item.record is not None:
        return "result"
    return ""


def bytes_words(n: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            return f"{n:.0f} {unit}" if unit == "B" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    return ""
