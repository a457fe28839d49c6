"""Plain text point clouds: x y z a line, with normals, colours or an intensity behind them.

Own parser: the meaning of the columns has to be found, and a table of other numbers has to be refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Loaded, Transforms
from core.errors import LONGEST_NAME, ReadError
from core.jobs import Job
from plugins.scans._build import Space, cloud, colors, normals, placed
from plugins.scans._columns import attributes_of
from plugins.scans._errors import guarded, read_bytes
from plugins.scans._numbers import line_widths, numbers

Array = NDArray[Any]

_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?$|[-+]?(nan|inf)$", re.IGNORECASE)
_REMEDY = "write one point a line: x y z, then perhaps normals, colours or an intensity"


def sniff(path: Path, head: bytes) -> int:
    """50 for lines of three to twelve numbers with fractions; 60 where a header names x, y, z.

    Whole numbers only (a list of triangles), molecules (`C 0 0 0`) and other tables get 10 or 0.
    """
    if b"\0" in head:
        return 0
    text = head if len(head) < 512 else head[: head.rfind(b"\n") + 1]
    names, rows = _split(text)
    rows = rows[:50]
    if not rows or any(not all(_NUMBER.match(w) for w in row) for row in rows):
        return 0
    width = len(rows[0])
    if not 3 <= width <= 12 or any(len(row) != width for row in rows):
        return 0
    if names and {"x", "y", "z"} <= {n.lower() for n in names}:
        return 60
    if names or path.suffix.lower() == ".csv":
        return 10
    fractions = any(b"." in w or b"e" in w.lower() for row in rows for w in row[:3])
    return (50 if width in (3, 4, 6, 7, 9) else 10) if fractions else 10


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """A text file of points.

    Columns are separated by blanks, tabs, commas or semicolons. A header line (also behind # or //) names
    them; without one, columns four to six are normals where they have unit length, colours where they are
    whole numbers up to 255, and one extra column is an intensity. A first line with only the number of points
    (PTS) is skipped.
    """
    with guarded(path, "a text file of points", _REMEDY):
        data = read_bytes(path)
        if b"\0" in data[:65536]:
            raise ReadError(path, "is not text", "check what kind of file it is")
        names, body = _body(data)
        first = body.lstrip()[:4096].split(b"\n", 1)[0].split()
        if not first or not all(_NUMBER.match(w) for w in first):
            raise ReadError(path, "does not hold lines of numbers", _REMEDY)
        if len(first) < 3:
            raise ReadError(path, f"has {len(first)} columns where a point needs three", _REMEDY)
        values = numbers(body)
        job.progress(0.5, "Reading points")
        width = len(first)
        widths = line_widths(body)
        if len(values) != len(widths) * width or (widths != width).any():
            raise ReadError(path, f"has lines with other than the {width} numbers of its first", _REMEDY)
        table = values.reshape(-1, width)
        points, attributes, notes = _columns(table, names if len(names) == width else [])
        if (table[:, :3] == np.floor(table[:, :3])).all() and width == 3 and len(table) > 3:
            notes.append(
                "All coordinates are whole numbers; if these are the corners of triangles, this is no point cloud."
            )
        points, attributes, where, said = placed(points, attributes, space)
        return [
            cloud(path, points, attributes, space=where, unit="mm" if where else "", warnings=notes + said)
        ]


def _split(text: bytes) -> tuple[list[str], list[list[bytes]]]:
    names, body = _body(text)
    return names, [line.split() for line in body.split(b"\n") if line.strip()]


def _body(data: bytes) -> tuple[list[str], bytes]:
    """Column names (perhaps none) and the rows with white space between their numbers."""
    text = data[3:] if data[:3] == b"\xef\xbb\xbf" else data
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    head = text[:65536]
    if b";" in head:
        text = text.replace(b";", b" ")
        if b"." not in head and b"," in head:
            text = text.replace(b",", b".")  # decimal commas
    else:
        text = text.replace(b",", b" ")
    names: list[str] = []
    position = 0
    while position < len(text):
        end = text.find(b"\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end].strip()
        comment = line.startswith((b"#", b"//", b"%"))
        words = line.lstrip(b"#/%").split()
        numeric = bool(words) and all(_NUMBER.match(w) for w in words)
        count_only = numeric and len(words) == 1 and not names
        if line and numeric and not comment and not count_only:
            break
        if words and not numeric and (comment or not names):
            if {b"x", b"y", b"z"} <= {w.lower() for w in words} or (not comment and not names):
                if not comment and not _is_header(words):
                    break
                names = [w.decode("utf-8", "replace").strip("\"'")[:LONGEST_NAME] for w in words]
        elif words and not comment and not count_only:
            break
        position = end + 1
    body = text[position:]
    if b"#" in body:
        body = re.sub(rb"#[^\n]*", b"", body)
    return names, body


def _is_header(words: list[bytes]) -> bool:
    """Names only: a molecule's `C 0.1 0.2 0.3` has numbers among its words and is no header."""
    return not any(_NUMBER.match(w) for w in words)


def _columns(table: Array, names: list[str]) -> tuple[Array, dict[str, Attribute], list[str]]:
    lower = [n.lower() for n in names]
    if {"x", "y", "z"} <= set(lower):
        where = [lower.index(axis) for axis in "xyz"]
        columns = {
            names[i] if names[i] not in names[:i] else f"{names[i]}_{i}": _typed(table[:, i])
            for i in range(table.shape[1])
            if i not in where
        }
        return table[:, where], attributes_of(columns), []
    rest = table[:, 3:]
    attributes: dict[str, Attribute] = {}
    notes: list[str] = []
    column = 0
    if rest.shape[1] in (1, 4, 7) and not _is_rgb(rest[:, :3]):
        attributes["intensity"] = Attribute(rest[:, 0].copy(), Transforms.SCALAR)
        column = 1
    while column + 3 <= rest.shape[1]:
        part = rest[:, column : column + 3]
        if "rgb" not in attributes and _is_rgb(part):
            attributes["rgb"] = colors(part.astype(np.uint8))
        elif "normals" not in attributes and _is_unit(part):
            attributes["normals"] = normals(part)
        else:
            attributes[f"columns_{column + 4}_{column + 6}"] = Attribute(part.copy(), Transforms.UNKNOWN)
            notes.append(f"Nothing says what columns {column + 4} to {column + 6} are.")
        column += 3
    for extra in range(column, rest.shape[1]):
        attributes[f"column_{extra + 4}"] = Attribute(rest[:, extra].copy(), Transforms.SCALAR)
    return table[:, :3].copy(), attributes, notes


def _typed(values: Array) -> Array:
    if (
        values.size
        and np.isfinite(values).all()
        and (values == np.rint(values)).all()
        and abs(values).max() < 2**31
    ):
        return values.astype(np.int32)
    return values.copy()


def _is_rgb(part: Array) -> bool:
    if part.shape[1] != 3 or not np.isfinite(part).all():
        return False
    return bool((part == np.rint(part)).all() and part.min() >= 0 and part.max() <= 255 and part.max() > 1)


def _is_unit(part: Array) -> bool:
    lengths = np.linalg.norm(part[np.isfinite(part).all(axis=1)], axis=1)
    lengths = lengths[lengths > 0]
    return bool(len(lengths)) and bool((abs(lengths - 1) < 0.02).mean() > 0.99)
