"""What an object is, as one plain dictionary: `equiscope info --json`, the data tree and the tests read it."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.data._arrays import Array
from core.data._attribute import Attributes
from core.data._geometry import Markup, MarkupKind, Transform
from core.data._models import Checkpoint, NeuralField
from core.data._sampled import Image, Signal, Table
from core.data._surfaces import Graph, Mesh, PointCloud, Trajectory
from core.data._volume import Volume
from core.geometry import axis_codes, voxel_sizes

KINDS: dict[str, type] = {
    "volume": Volume,
    "mesh": Mesh,
    "pointcloud": PointCloud,
    "trajectory": Trajectory,
    "image": Image,
    "graph": Graph,
    "field": NeuralField,
    "checkpoint": Checkpoint,
    "signal": Signal,
    "table": Table,
    "markup": Markup,
    "transform": Transform,
}


def kind_of(data: Any) -> str:
    """The kind's name, e.g. "mesh". Raises `TypeError` for anything that is no data object."""
    for name, cls in KINDS.items():
        if type(data) is cls:
            return name
    raise TypeError(f"{type(data).__name__} is not a kind of data")


def is_data(data: Any) -> bool:
    """Whether it is a data object: neither a group (None) nor a plot or a number of a result."""
    return type(data) in KINDS.values()


def kind_words(*kinds: str) -> str:
    """Kinds as people say them: "mesh, point cloud or volume"."""
    spoken = {"pointcloud": "point cloud", "field": "neural field"}
    words = [spoken.get(kind, kind) for kind in kinds]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def a_kind(*kinds: str) -> str:
    """The same with its article: "a mesh or volume", "an image"."""
    words = kind_words(*kinds)
    return f"{'an' if words[:1] in tuple('aeiou') else 'a'} {words}"


def bounds(data: Any) -> Array | None:
    """(3, 2) float64 world-coordinate box, outer voxel faces for a volume; points that are not
    finite do not count; None where there is no place in space."""
    if isinstance(data, Volume):
        n = np.array(data.array.shape[:3])
        corners = np.array(np.meshgrid(*[(-0.5, m - 0.5) for m in n], indexing="ij")).reshape(3, -1)
        points = (data.affine[:3, :3] @ corners + data.affine[:3, 3:]).T
    elif isinstance(data, (Mesh, PointCloud)):
        points = data.points
    elif isinstance(data, Trajectory):
        points = data.positions.reshape(-1, 3)
    elif isinstance(data, Graph) and data.positions is not None:
        points = data.positions
    elif isinstance(data, NeuralField):
        return data.bounds
    elif isinstance(data, Markup):
        points = data.points
        if data.kind in (MarkupKind.PLANE, MarkupKind.BOX):
            signs = np.array(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij")).reshape(3, -1)
            points = (data.points.T + data.axes @ (signs * data.size[:, None])).T
    else:
        return None
    if not len(points):
        return None
    low, high = _extremes(points)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return None
        low, high = _extremes(points)
    return np.stack([low, high], axis=1).astype(np.float64)


def _extremes(points: Array) -> tuple[Array, Array]:
    """Column by column: sixteen times as fast as over axis 0 of an array of three columns."""
    columns = [points[:, k] for k in range(points.shape[1])]
    return np.array([c.min() for c in columns]), np.array([c.max() for c in columns])


def info(data: Any, name: str = "", warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    """One plain-JSON dictionary that says what `data` is.

    Keys: kind, name, shape, spacing, axis_codes, unit, bounds ([xmin, xmax, ymin, ymax, zmin, zmax]),
    n_points, n_faces, attributes (name, domain, dtype, shape, transforms), tensors (count, parameters),
    warnings. A key that does not apply is null (lists: empty).
    """
    out: dict[str, Any] = {
        "kind": kind_of(data),
        "name": name,
        "shape": None,
        "spacing": None,
        "axis_codes": None,
        "unit": getattr(data, "unit", None),
        "bounds": None,
        "n_points": None,
        "n_faces": None,
        "attributes": _attributes(getattr(data, "attributes", {})),
        "tensors": None,
        "warnings": list(warnings),
    }
    box = bounds(data)
    if box is not None:
        out["bounds"] = [float(v) for v in box.reshape(-1)]
    if isinstance(data, Volume):
        out["shape"] = list(data.array.shape)
        out["spacing"] = [float(s) for s in voxel_sizes(data.affine)]
        out["axis_codes"] = "".join(axis_codes(data.affine)) if data.space == "RAS" else None
        out["attributes"] = [
            {
                "name": "values",
                "domain": "voxel",
                "dtype": str(data.array.dtype),
                "shape": list(data.array.shape[3:]),
                "transforms": str(data.transforms),
            }
        ]
    elif isinstance(data, Image):
        out["shape"] = list(data.array.shape)
        out["spacing"] = list(data.pixel_size)
    elif isinstance(data, Signal):
        out["shape"] = list(data.values.shape)
        out["spacing"] = [1.0 / data.rate] if data.times is None and data.rate else None
    elif isinstance(data, Table):
        rows = len(next(iter(data.columns.values()), ()))
        out["shape"] = [rows, len(data.columns)]
        out["attributes"] = [
            {"name": n, "domain": "row", "dtype": str(c.dtype), "shape": [], "transforms": "unknown"}
            for n, c in data.columns.items()
        ]
    elif isinstance(data, (Mesh, PointCloud)):
        out["shape"] = list(data.points.shape)
        out["n_points"] = len(data.points)
        out["n_faces"] = len(data.faces) if isinstance(data, Mesh) else None
    elif isinstance(data, Trajectory):
        out["shape"] = list(data.positions.shape)
        out["n_points"] = data.positions.shape[1]
    elif isinstance(data, Graph):
        out["shape"] = [data.n_nodes, len(data.edges)]
        out["n_points"] = data.n_nodes
    elif isinstance(data, Checkpoint):
        parameters = sum(int(np.prod(t.shape, dtype=np.int64)) for t in data.tensors)
        out["tensors"] = {"count": len(data.tensors), "parameters": parameters}
    elif isinstance(data, NeuralField):
        parameters = sum(int(v.size) for v in data.parameters.values())
        out["tensors"] = {"count": len(data.parameters), "parameters": parameters}
    elif isinstance(data, Markup):
        out["shape"] = list(data.points.shape)
        out["n_points"] = len(data.points)
    return out


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "domain": str(a.domain),
            "dtype": str(a.values.dtype),
            "shape": list(a.values.shape[1:]),
            "transforms": str(a.transforms),
        }
        for name, a in attributes.items()
    ]
