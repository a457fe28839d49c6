"""STL: triangle soup, ASCII and binary; corners at exactly the same place become one point.

Own parser: libraries trust the word `solid` (which many binary files begin with) or merge within a tolerance.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, mesh, placed
from plugins.scans._errors import AGAIN, guarded, read_bytes
from plugins.scans._numbers import numbers

Array = NDArray[Any]

_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")])
_VERTEX = re.compile(rb"vertex\s+([^\s]+)\s+([^\s]+)\s+([^\s]+)", re.IGNORECASE)


def sniff(path: Path, head: bytes) -> int:
    """100 where the size fits the binary count or an ASCII facet is in sight; 10 by name alone."""
    if len(head) >= 84:
        try:
            if path.stat().st_size == 84 + 50 * int.from_bytes(head[80:84], "little"):
                return 100
        except OSError:
            return 0
    if re.match(rb"\s*solid\b.*?facet\s+normal", head, re.DOTALL | re.IGNORECASE):
        return 100
    named = path.suffix.lower() == ".stl"
    return 50 if named and head.lstrip()[:5].lower() == b"solid" else (10 if named else 0)


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """An STL file as one mesh. Units are not part of the format.

    Raises `ReadError` for a truncated file or one that is no STL.
    """
    with guarded(path, "an STL file"):
        data = read_bytes(path)
        notes: list[str] = []
        attributes: dict[str, Attribute] = {}
        count = int.from_bytes(data[80:84], "little") if len(data) >= 84 else -1
        if len(data) >= 84 and len(data) == 84 + 50 * count:
            soup, extra = _binary(data, count)
        elif data.lstrip()[:5].lower() == b"solid" and b"\0" not in data[:512]:
            soup, extra = _ascii(path, data), np.zeros(0, np.uint16)
        elif len(data) >= 84 and len(data) > 84 + 50 * count:
            if count == 0:
                raise ReadError(path, "claims to have no triangles", AGAIN)
            notes.append(f"{len(data) - 84 - 50 * count:,} bytes after the last triangle were not read.")
            soup, extra = _binary(data, count)
        elif len(data) >= 84:
            raise ReadError(path, f"ends after {(len(data) - 84) // 50:,} of its {count:,} triangles", AGAIN)
        else:
            raise ReadError(path, "is too short to be an STL file", AGAIN)
        if not len(soup):
            raise ReadError(path, "has no triangles", "open a file with at least one triangle")
        if extra.any():
            attributes["attribute"] = Attribute(extra, Transforms.LABEL, Domain.FACE)
        job.progress(0.4, "Joining corners")
        points, corners = joined(soup)
        points, attributes, where, said = placed(points, attributes, space)
        return [
            mesh(
                path,
                points,
                corners.reshape(-1, 3),
                attributes,
                space=where,
                unit="mm" if where else "",
                warnings=notes + said,
            )
        ]


def joined(soup: Array) -> tuple[Array, Array]:
    """Unique rows of (n, 3) float coordinates in order of first appearance, and (n,) each row's place among them.

    Equal means equal bit for bit, except that -0 equals 0; rows are found by a 64-bit hash that is verified.
    """
    soup = np.ascontiguousarray(soup) + soup.dtype.type(0)  # -0 + 0 = 0
    words = soup.view(np.uint32).reshape(len(soup), -1).astype(np.uint64)
    key = np.zeros(len(soup), np.uint64)
    for column in words.T:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    _, index, inverse = np.unique(key, return_index=True, return_inverse=True)
    bits = soup.view(np.uint32).reshape(len(soup), -1)
    if not np.array_equal(bits[index][inverse], bits):  # two rows share a hash: compare whole rows instead
        _, index, inverse = np.unique(bits, axis=0, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
    order = np.argsort(index, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return soup[index[order]], rank[inverse].astype(np.int32)


def _binary(data: bytes, count: int) -> tuple[Array, Array]:
    facets = np.frombuffer(data, _FACET, count, 84)
    return facets["corners"].reshape(-1, 3).astype(np.float32), facets["extra"].copy()


def _ascii(path: Path, data: bytes) -> Array:
    corners = _VERTEX.findall(data)
    words = data.lower()
    facets, ends = len(re.findall(rb"\bfacet\s+normal", words)), words.count(b"endfacet")
    if not corners and not facets:
        raise ReadError(path, "has no facets", "open a file with at least one triangle")
    if len(corners) != 3 * facets or ends != facets or b"endsolid" not in words:
        raise ReadError(
            path,
            f"ends early: {facets:,} facets are begun, {ends:,} ended, with {len(corners):,} corners",
            AGAIN,
        )
    values = numbers(b" ".join(b" ".join(c) for c in corners))
    return values.reshape(-1, 3).astype(np.float32)
