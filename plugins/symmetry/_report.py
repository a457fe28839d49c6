"""What was found, as values, layers, a table and a picture of the landscape, in world coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from core import targets
from core.data import Markup, MarkupKind, Mesh, PointCloud, Table, Volume
from core.geometry import direction_letters
from core.results import Layer, Number, Output, Result, ResultTable, Scatter, Text
from plugins.symmetry._algebra import Array
from plugins.symmetry._continuous import Continuous
from plugins.symmetry._find import Found
from plugins.symmetry._search import Plane
from plugins.symmetry._shape import FORMULA, Shape, score

Data = Mesh | PointCloud | Volume
EXACT = 0.99
TABLE = "Mirror planes"


def report(data: Data, shape: Shape, found: Found) -> Result:
    """The result of the analysis; `values` as the issue of the format says, lengths in the object's unit."""
    planes = [_plane_value(shape, p) for p in found.planes]
    continuous = [_continuous_value(shape, c) for c in found.continuous]
    extent = _extent(shape)
    outputs: list[Output] = []
    for k, plane in enumerate(planes, start=1):
        outputs.append(Layer(_layer_name(k), _plane_markup(data, plane, extent, k)))
    for k, item in enumerate(continuous, start=1):
        outputs.append(
            Layer(f"{item['kind'].capitalize()} symmetry {k}", _continuous_markup(data, item, extent))
        )
    if planes:
        ways = tuple(targets.layer(_layer_name(k)) for k in range(1, len(planes) + 1))
        outputs.append(ResultTable(TABLE, _table(data, planes), ways))
    outputs.append(_picture(shape, found, planes))
    exact = sum(p["score"] > EXACT for p in planes)
    outputs.append(Number("Mirror planes with a score above 0.99", exact))
    if planes:
        outputs.append(Number("Best score", planes[0]["score"]))
        outputs.append(Number("Error of the best plane", planes[0]["error"], data.unit))
    outputs.append(Number("Size", shape.size, data.unit))
    outputs.append(Text("Summary", _summary(planes, continuous, exact)))
    outputs.append(Text("Score", FORMULA))
    warnings = list(shape.warnings)
    if found.left_out:
        warnings.append(
            f"{found.left_out} more planes reach the minimum score; raise “max planes” to list them."
        )
    values = {
        "planes": planes,
        "continuous": continuous,
        "size": shape.size,
        "unit": data.unit,
        "centroid": shape.centroid,
        "formula": FORMULA,
    }
    return Result(values, tuple(outputs), tuple(warnings))


def _layer_name(number: int) -> str:
    return f"Mirror plane {number}"


def _plane_value(shape: Shape, plane: Plane) -> dict[str, Any]:
    """`point`: the foot of the centroid; `normal`: towards +x (right), unlike those of `core.symmetry.mirror_plane`."""
    return {
        "point": (shape.centroid + shape.size * plane.offset * plane.normal).tolist(),
        "normal": plane.normal.tolist(),
        "score": float(score(plane.error)),
        "error": plane.error * shape.size,
    }


def _continuous_value(shape: Shape, item: Continuous) -> dict[str, Any]:
    """`score` and `error` are those of the worst plane of the family; a sphere has no direction."""
    return {
        "kind": item.kind,
        "point": (shape.centroid + shape.size * item.point).tolist(),
        "direction": None if item.direction is None else item.direction.tolist(),
        "score": float(score(item.error)),
        "error": item.error * shape.size,
    }


def _extent(shape: Shape) -> Array:
    """(n, 3) world points that stand for where the object is; the farthest half percent is left out."""
    distance = np.linalg.norm(shape.points, axis=1)
    near = shape.points[distance <= np.quantile(distance, 0.995)]
    out: Array = shape.centroid + shape.size * near
    return out


def _plane_markup(data: Data, plane: dict[str, Any], extent: Array, number: int) -> Markup:
    """A rectangle in the plane that covers the object's shadow on it, upright: one edge runs towards +z, or +y where
    the plane lies flat."""
    normal = np.array(plane["normal"])
    up = np.array([0.0, 0.0, 1.0] if abs(normal[2]) < 0.9 else [0.0, 1.0, 0.0])
    second = up - (up @ normal) * normal
    second /= np.linalg.norm(second)
    first = np.cross(second, normal)
    axes = np.stack([first, second, normal], axis=1)
    local = (extent - plane["point"]) @ axes[:, :2]
    low, high = local.min(axis=0), local.max(axis=0)
    centre = np.array(plane["point"]) + axes[:, :2] @ ((low + high) / 2.0)
    return Markup(
        MarkupKind.PLANE,
        centre[None],
        axes=axes,
        size=np.array([*(1.1 * (high - low)), 0.0]),
        labels=(f"{number}: {plane['score']:.4f}",),
        unit=data.unit,
        space=data.space,
        measurements={"score": plane["score"], "error": plane["error"]},
    )


def _continuous_markup(data: Data, item: dict[str, Any], extent: Array) -> Markup:
    point = np.array(item["point"])
    measurements = {"score": item["score"], "error": item["error"]}
    if item["direction"] is None:
        return Markup(
            MarkupKind.POINTS,
            point[None],
            labels=("Centre",),
            unit=data.unit,
            space=data.space,
            measurements=measurements,
        )
    direction = np.array(item["direction"])
    along = (extent - point) @ direction
    reach = 0.05 * (along.max() - along.min())
    ends = np.array([along.min() - reach, along.max() + reach])
    return Markup(
        MarkupKind.LINE,
        point + ends[:, None] * direction,
        labels=("Axis", ""),
        unit=data.unit,
        space=data.space,
        measurements=measurements,
    )


def _table(data: Data, planes: list[dict[str, Any]]) -> Table:
    columns: dict[str, Array] = {"plane": np.arange(1, len(planes) + 1)}
    columns["score"] = np.array([p["score"] for p in planes])
    columns["error"] = np.array([p["error"] for p in planes])
    for kind in ("normal", "point"):
        for axis, letter in enumerate("xyz"):
            columns[f"{kind} {letter}"] = np.array([p[kind][axis] for p in planes])
    if data.space == "RAS":
        columns["normal towards"] = np.array([direction_letters(np.array(p["normal"])) for p in planes])
    units = {"error": data.unit, **{f"point {letter}": data.unit for letter in "xyz"}}
    return Table(columns, units)


def _picture(shape: Shape, found: Found, planes: list[dict[str, Any]]) -> Scatter:
    """The hemisphere of normals seen from +x (Lambert's equal-area projection), coloured by the rough score."""
    marked = [np.array(p["normal"]) for p in planes]
    normals = np.concatenate([found.landscape.normals, np.array(marked).reshape(-1, 3)])
    scores = np.concatenate([score(found.landscape.errors), [p["score"] for p in planes]])
    stretch = np.sqrt(1.0 / (1.0 + np.clip(normals[:, 0], 0.0, 1.0)))
    rough, n = len(found.landscape.normals), len(planes)
    labels = ("",) * rough + tuple(f"Plane {k + 1}" for k in range(n))
    linked: dict[str, Any] = {}
    if planes:  # the points of the planes are the rows of their table, and lead to the planes themselves
        linked = {
            "table": TABLE,
            "rows": np.concatenate([np.full(rough, -1), np.arange(n)]),
            "targets": ("",) * rough + tuple(targets.layer(_layer_name(k + 1)) for k in range(n)),
        }
    return Scatter(
        "Score by direction of the normal",
        stretch * normals[:, 1],
        stretch * normals[:, 2],
        color=scores,
        labels=labels if planes else (),
        x_label="Normal towards +y (equal-area view from +x)",
        y_label="Normal towards +z",
        color_label="Score of the mirror through the centroid (rough)",
        **linked,
    )


def _summary(planes: list[dict[str, Any]], continuous: list[dict[str, Any]], exact: int) -> str:
    parts = []
    for item in continuous:
        if item["kind"] == "sphere":
            parts.append("The object is a sphere: every plane through its centre is a mirror.")
        else:
            parts.append("The object is round about an axis: every plane that contains the axis is a mirror.")
    other = " other" if continuous else ""
    if exact:
        whose = "It" if parts else "The object"
        parts.append(
            f"{whose} has {exact}{other} mirror plane{'s' if exact > 1 else ''} with a score above 0.99."
        )
    elif planes:
        parts.append(
            f"No{other} plane is a mirror to within 0.5 % of its size; the best has a score of {planes[0]['score']:.3f}."
        )
    return " ".join(parts)
