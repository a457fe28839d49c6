"""What a model returned, taken apart into arrays that can be compared value by value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data import (
    Attribute,
    Domain,
    Graph,
    Markup,
    MarkupKind,
    Mesh,
    PointCloud,
    Signal,
    Table,
    Trajectory,
    Transform,
    Transforms,
    Volume,
)
from core.symmetry._backend import to_numpy


@dataclass(frozen=True, eq=False)
class Part:
    """One quantity of an output.

    Attributes
    ----------
    values : NumPy array, (items…, components…).
    components : number of last axes that make up one value.
    position : positions: their spread is taken without the poses, which would count the sampled translations.
    label : compared for equality.
    """

    values: Any
    components: int = 0
    position: bool = False
    label: bool = False

    def matrix(self) -> Any:
        """(items, components) float64, or labels as they are."""
        split = self.values.ndim - self.components
        shape = self.values.shape[:split], self.values.shape[split:]
        flat = self.values.reshape(int(np.prod(shape[0], dtype=int)), int(np.prod(shape[1], dtype=int)))
        if flat.dtype.kind == "c":
            flat = np.concatenate([flat.real, flat.imag], axis=1)
        return flat if self.label else flat.astype(np.float64)


def value_part(values: Any, kind: Transforms, domain: Domain) -> Part:
    """The part for values of one kind on one domain."""
    values = to_numpy(values)
    if kind is Transforms.LABEL:
        return Part(values, label=True)
    if kind is Transforms.TENSOR:
        return Part(values, 2)
    if kind in (Transforms.VECTOR, Transforms.AXIAL_VECTOR, Transforms.SPHERICAL_HARMONICS):
        return Part(values, 1)
    # scalars: every entry of one point's (or the object's) values is a component of its own
    return Part(values, max(0, values.ndim - (0 if domain is Domain.OBJECT else 1)))


def parts_of(data: Any) -> dict[str, Part]:
    """The comparable parts of a data object or attribute. Raises `TypeError` for other types."""
    if isinstance(data, Attribute):
        return {"values": value_part(data.values, data.transforms, data.domain)}
    parts: dict[str, Part] = {}
    if isinstance(data, (Mesh, PointCloud)):
        parts["points"] = Part(data.points, 1, position=True)
        if isinstance(data, Mesh):
            parts["faces"] = Part(_rolled(data.faces), label=True)
    elif isinstance(data, Trajectory):
        parts["positions"] = Part(data.positions, 1, position=True)
    elif isinstance(data, Graph):
        if data.positions is not None:
            parts["positions"] = Part(data.positions, 1, position=True)
        parts["edges"] = Part(data.edges if data.directed else np.sort(data.edges, axis=1), label=True)
    elif isinstance(data, Volume):
        corners = np.stack(np.meshgrid(*[(0, s - 1) for s in data.array.shape[:3]], indexing="ij"), -1)
        place = corners.reshape(-1, 3) @ data.affine[:3, :3].T + data.affine[:3, 3]
        parts["grid"] = Part(place, 1, position=True)
        label = data.transforms is Transforms.LABEL
        parts["values"] = Part(data.array, 0 if label else data.array.ndim - 3, label=label)
    elif isinstance(data, Markup):
        parts["points"] = Part(data.points, 1, position=True)
        if data.kind is MarkupKind.PLANE:
            # a plane's normal is known up to sign
            parts["normal"] = Part(np.outer(data.axes[:, 2], data.axes[:, 2]), 2)
        elif data.kind is MarkupKind.BOX:
            parts["extent"] = Part(data.axes @ np.diag(data.size) @ data.axes.T, 2)
    elif isinstance(data, Transform):
        parts["linear"] = Part(data.matrix[:3, :3], 2)
        parts["translation"] = Part(data.matrix[:3, 3], 1, position=True)
    elif isinstance(data, Table):
        for name, column in data.columns.items():
            parts[name] = Part(column, label=column.dtype.kind not in "fc")
    elif isinstance(data, Signal):
        parts["values"] = Part(data.values)
    else:
        raise TypeError(f"outputs of type {type(data).__name__} cannot be compared")
    attributes: Mapping[str, Attribute] = getattr(data, "attributes", {})
    for name, attribute in attributes.items():
        parts[name] = value_part(attribute.values, attribute.transforms, attribute.domain)
    return parts


def _rolled(faces: Any) -> Any:
    """Faces with their smallest corner first: the start of a triangle means nothing, its winding does."""
    if not len(faces):
        return faces
    start = faces.argmin(axis=1)[:, None]
    return np.take_along_axis(faces, (start + np.arange(3)) % 3, axis=1)
