"""OFF: Geomview's object file format in ASCII, with colours (COFF) and normals (NOFF).

Own parser: trimesh loses normals and face colours. Source of the format: the Geomview manual, "OFF Files".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Loaded
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, colors, mesh, normals, placed, triangulate
from plugins.scans._errors import AGAIN, guarded, read_bytes
from plugins.scans._numbers import line_widths, numbers, whole

Array = NDArray[Any]

_HEADER = re.compile(rb"(ST)?(C)?(N)?(4)?(n)?OFF(?=[\s\d]|$)")


def sniff(path: Path, head: bytes) -> int:
    """100 for an OFF keyword at the start (after comments)."""
    return 100 if _HEADER.match(_uncommented(head).lstrip()) else 0


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """An OFF file as a mesh; polygons become triangle fans.

    One point and one face a line, as every program writes them (a face's optional colour ends with its line).
    """
    with guarded(path, "an OFF file"):
        text = _uncommented(read_bytes(path)).lstrip()
        match = _HEADER.match(text)
        if not match:
            raise ReadError(path, "is not an OFF file (no OFF keyword)", "check what kind of file it is")
        texture, color, normal, four, many = (bool(g) for g in match.groups())
        if four or many:
            raise ReadError(
                path, "holds points of four or more dimensions", "project it to three dimensions first"
            )
        text = text[match.end() :]
        if text.lstrip()[:6] == b"BINARY":
            raise ReadError(
                path, "is a binary OFF file, which is not supported", "save it as ASCII OFF or as PLY"
            )
        lines = [line for line in text.split(b"\n") if line.strip()]
        if not lines:
            raise ReadError(path, "ends after its first word", AGAIN)
        sizes = whole(numbers(lines[0]), "count")
        if len(sizes) < 2 or (sizes < 0).any():
            raise ReadError(path, "does not say how many points and faces it has", AGAIN)
        n, m = int(sizes[0]), int(sizes[1])
        if n + m > len(lines) - 1:
            raise ReadError(
                path,
                f"ends early: {n:,} points and {m:,} faces are claimed, {len(lines) - 1:,} lines follow",
                AGAIN,
            )
        table = numbers(b" ".join(lines[1 : 1 + n]))
        width = len(table) // n if n else 3
        even = not n or (line_widths(b"\n".join(lines[1 : 1 + n])) == width).all()
        if n and (not even or len(table) != n * width or width < 3 + 3 * normal):
            raise ReadError(
                path, "has points that are not one to a line", "save it anew with one point a line"
            )
        table = table.reshape(n, width)
        job.progress(0.4, "Reading faces")
        attributes: dict[str, Attribute] = {}
        column = 3
        if normal:
            attributes["normals"] = normals(table[:, 3:6])
            column = 6
        rest = table[:, column : width - 2 * texture]
        if color and rest.shape[1] >= 3:
            attributes["rgb"] = colors(rest[:, :4])
        faces, face_attributes, notes = _faces(path, lines[1 + n : 1 + n + m])
        both = {**attributes, **face_attributes}
        points, both, where, said = placed(table[:, :3].copy(), both, space)
        return [
            mesh(path, points, faces, both, space=where, unit="mm" if where else "", warnings=notes + said)
        ]


def _faces(path: Path, lines: list[bytes]) -> tuple[Array, dict[str, Attribute], list[str]]:
    if not lines:
        return np.zeros((0, 3), np.int64), {}, []
    widths = np.array([len(line.split()) for line in lines])
    values = numbers(b" ".join(lines))
    starts = np.cumsum(widths) - widths
    counts = whole(values[starts], "corner count")
    if (counts < 1).any() or (counts > widths - 1).any():
        bad = int(np.flatnonzero((counts < 1) | (counts > widths - 1))[0])
        raise ReadError(path, f"has a face (number {bad + 1}) whose line does not hold its corners", AGAIN)
    index = (
        np.repeat(starts + 1, counts)
        + np.arange(counts.sum())
        - np.repeat(np.cumsum(counts) - counts, counts)
    )
    triangles, source, thin = triangulate(whole(values[index], "corner"), counts)
    notes = [f"{thin:,} faces with fewer than three corners were left out."] if thin else []
    attributes: dict[str, Attribute] = {}
    spare = widths - 1 - counts
    if len(spare) and (spare == spare[0]).all() and spare[0] in (3, 4):
        at = (starts + 1 + counts)[:, None] + np.arange(spare[0])
        attributes["face_rgb"] = colors(values[at][source], Domain.FACE)
    return triangles, attributes, notes


def _uncommented(text: bytes) -> bytes:
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return re.sub(rb"#[^\n]*", b"", text) if b"#" in text else text
