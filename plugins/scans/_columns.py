"""Named columns of a file (PLY properties, PCD fields, text headers) as points and attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Transforms
from core.errors import LONGEST_NAME
from plugins.scans._build import colors, normals

Array = NDArray[Any]

_COLORS: tuple[tuple[str, ...], ...] = (
    ("red", "green", "blue", "alpha"),
    ("r", "g", "b", "a"),
    ("diffuse_red", "diffuse_green", "diffuse_blue", "diffuse_alpha"),
)
_NORMALS: tuple[tuple[str, ...], ...] = (
    ("nx", "ny", "nz"),
    ("normal_x", "normal_y", "normal_z"),
    ("normalx", "normaly", "normalz"),
)
_UV: tuple[tuple[str, ...], ...] = (("u", "v"), ("s", "t"), ("texture_u", "texture_v"))
_LABELS = re.compile(
    r"^(scalar_)?(label|labels|class|classification|segment|segmentation|object|object_?id|instance|part|category|group)(_?ids?)?$"
)


GROUPS = (("x", "y", "z"), *_NORMALS, *_COLORS, *(names[:3] for names in _COLORS))
"""Columns that become one array; readers of large files read them as one."""


def together(columns: Sequence[Array], blocks: Sequence[Array] = ()) -> Array:
    """(n,) columns as one (n, k) array: that of `blocks` whose columns they are, else a copy."""
    first = columns[0]
    for block in blocks:
        if block.shape == (len(first), len(columns)) and all(
            c.strides == block.strides[:1] and c.dtype == block.dtype and _start(c) == _start(block[:, i])
            for i, c in enumerate(columns)
        ):
            return block
    return np.stack(columns, axis=1)


def _start(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def attributes_of(
    columns: Mapping[str, Array], domain: Domain = Domain.POINT, blocks: Sequence[Array] = ()
) -> dict[str, Attribute]:
    """What each column is, by its name and type.

    Normals turn as vectors and colours become `rgb`. Columns that belong together (`vx vy vz`, `f_0 f_1 …`)
    become one attribute whose behaviour is unknown: three components of a vector must not pass as scalars.
    The rest are scalars, or labels where a whole number is called a class.

    Parameters
    ----------
    columns : name -> (n,) or (n, c) array, in the order of the file, coordinates already taken out.
    blocks : see `together`.
    """
    left = {str(name)[:LONGEST_NAME]: np.asarray(values) for name, values in columns.items()}
    lower = {name.lower(): name for name in left if left[name].ndim == 1}
    out: dict[str, Attribute] = {}

    def take(names: tuple[str, ...]) -> Array:
        return np.ascontiguousarray(together([left.pop(lower.pop(n)) for n in names], blocks))

    for names in _NORMALS:
        if all(n in lower for n in names) and "normals" not in out:
            out["normals"] = normals(take(names), domain)
    for names in _COLORS:
        if all(n in lower for n in names[:3]) and "rgb" not in out:
            out["rgb"] = colors(take(names if names[3] in lower else names[:3]), domain)
    for names in _UV:
        if all(n in lower for n in names) and "uv" not in out:
            out["uv"] = Attribute(take(names), Transforms.SCALAR, domain)

    for base, members in _families(list(left)):
        if all(left[m].ndim == 1 for m in members):
            values = np.stack([left.pop(m) for m in members], axis=1)
            out[_free(base, out)] = Attribute(values, Transforms.UNKNOWN, domain)

    for name, values in left.items():
        if values.ndim > 1 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim > 1:
            kind = Transforms.UNKNOWN
        elif values.dtype.kind in "iub" and _LABELS.match(name.lower()):
            kind = Transforms.LABEL
        else:
            kind = Transforms.SCALAR
        out[_free(name, out)] = Attribute(np.ascontiguousarray(values), kind, domain)
    return out


def _families(names: list[str]) -> list[tuple[str, list[str]]]:
    """Columns that are components of one thing: name_x/_y/_z, vx/vy/vz, name_0 … name_k."""
    known = set(names)
    found: list[tuple[str, list[str]]] = []
    for name in names:
        if name not in known:
            continue
        members: list[str] = []
        if name[-1:] in ("x", "X") and len(name) > 1:
            y, z = ("y", "z") if name[-1] == "x" else ("Y", "Z")
            members = [name, name[:-1] + y, name[:-1] + z]
        elif re.search(r"[_.]0$", name):
            count = 0
            while name[:-1] + str(count) in known:
                count += 1
            members = [name[:-1] + str(i) for i in range(count)] if count > 1 else []
        if members and all(m in known for m in members):
            found.append((name[:-1].rstrip("_.") or name, members))
            known.difference_update(members)
    return found


def _free(name: str, taken: Mapping[str, Any]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate
