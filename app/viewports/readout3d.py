"""What is under the pointer of a 3-D view, in words. NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.viewports.picking import Pick
from app.viewports.readout import format_coordinates, format_value, value_at
from core.data import Attribute, Domain, Trajectory, Transforms, Volume
from core.display import attribute_of

_MOST = 4
"""Attributes that are named, the one that gives the colour first."""


def describe(hit: Pick) -> str:
    """ "RAS −12.4, 18.0, 21.5 mm   cortex face 1234   curvature 0.12 1/mm"."""
    item, data = hit.item, hit.item.data
    space, unit = getattr(data, "space", ""), getattr(data, "unit", "")
    parts = [f"{space or 'position'} {format_coordinates(hit.position)}{' ' + unit if unit else ''}"]
    if isinstance(data, Volume):
        i, j, k = hit.index  # type: ignore[misc]
        centre = (item.affine @ [i, j, k, 1.0])[:3]
        value = value_at(item, (float(centre[0]), float(centre[1]), float(centre[2])))
        parts.append(f"{item.name} voxel {i}, {j}, {k}")
        parts.append(f"value {format_value(value, data)}")
        return "   ".join(parts)
    index = int(hit.index)  # type: ignore[arg-type]
    labels = getattr(data, "labels", ()) or getattr(data, "node_names", ())
    name = f" {labels[index]}" if hit.kind == "point" and index < len(labels) else ""
    parts.append(f"{item.name} {hit.kind} {index}{name}")
    for key, attribute in _attributes(item):
        value = value_on(hit, attribute)
        if value is not None:
            unit = (
                f" {attribute.unit}"
                if attribute.unit and attribute.transforms is not Transforms.LABEL
                else ""
            )
            parts.append(f"{key.removeprefix('@').replace('@', ' ')} {_words(value)}{unit}")
    return "   ".join(parts)


def value_on(hit: Pick, attribute: Attribute) -> Any:
    """An attribute's value at a hit: of the face, edge or point; on a face between its corners, labels of the nearest."""
    data, values = hit.item.data, attribute.values
    index = int(hit.index)  # type: ignore[arg-type]
    domain = {"face": Domain.FACE, "edge": Domain.EDGE, "point": Domain.POINT}.get(hit.kind)
    if attribute.domain is domain:
        if index >= len(values):
            return None
        value = values[index]
        times = getattr(data, "times", ())
        if isinstance(data, Trajectory) and np.ndim(value) and len(value) == len(times) > 1:
            value = value[min(max(int(getattr(hit.item.display, "index", 0)), 0), len(times) - 1)]
        return value
    if hit.kind == "face" and attribute.domain is Domain.POINT and hit.weights is not None:
        corners = data.faces[index]
        weights = np.asarray(hit.weights)
        if attribute.transforms is Transforms.LABEL or values.dtype.kind not in "iuf":
            return values[corners[int(np.argmax(weights))]]
        return np.tensordot(weights, values[corners].astype(np.float64), axes=1)
    return None


def _attributes(item: Any) -> list[tuple[str, Attribute]]:
    own = getattr(item.data, "attributes", {})
    first = [n for n in (getattr(item.display, "color_by", ""), getattr(item.display, "glyph", "")) if n]
    names = list(dict.fromkeys([*first, *own]))
    found = [(n, attribute_of(item.data, n)) for n in names]
    return [(n, a) for n, a in found if a is not None and a.domain is not Domain.OBJECT][:_MOST]


def _words(value: Any) -> str:
    flat = np.asarray(value).reshape(-1)
    words = [_word(v) for v in flat[:4].tolist()]
    return ", ".join(words) + (f", … ({flat.size})" if flat.size > 4 else "")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return "not a number" if value != value else f"{value:.4g}".replace("-", "−")
    return str(value)
