"""`act(g, data)`: every data object moved by a group element.

=================  ===============================================  =============================================
type               spatial groups of dimension 3 (SO, O, SE, E,     Permutations
                   translations, scalings, affine, mirrors)
=================  ===============================================  =============================================
`Mesh`             points and attributes; faces change their        points; faces name the new places
                   winding where det A < 0, so they stay
                   counter-clockwise seen from outside
`PointCloud`       points and attributes                            points
`Trajectory`       positions at all times and attributes            points, the same at all times
`Graph`            positions and attributes; needs positions        nodes and names; edges name the new places
                                                                    and keep their order
`Volume`           the affine; voxel values by their `transforms`,  raises
                   a scalar array is shared, not copied
`Markup`           points, axes, size; the axes keep their          control points of kind POINTS, else raises
                   handedness (the first is turned round where
                   det A < 0, so a plane's normal moves as A n)
`Transform`        g T g⁻¹ where its two spaces are one, else       raises
                   raises
`Attribute`        its values                                       its values on points
`Table`            raises                                           rows
`Signal`           raises                                           channels
`Image`            raises: it has no place in space                 raises
`NeuralField`      raises: it has no field for a pose               raises
`Checkpoint`       raises                                           raises
=================  ===============================================  =============================================

Anything else raises `NoActionError` (a `TypeError`) until `register_action` names its action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any, Literal, TypeVar

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
from core.markups import measure
from core.symmetry._backend import Array, floating, to_numpy
from core.symmetry._discrete import Permutations
from core.symmetry._group import Elements, SpatialGroup
from core.symmetry._spatial import as_element
from core.symmetry._values import NoActionError, act_array, act_points

T = TypeVar("T")


@dataclass(frozen=True)
class Rule:
    """What `act` was told about attributes whose transformation is unknown."""

    unknown: Literal["raise", "keep"] = "raise"
    transforms: Mapping[str, Transforms] | None = None


def act(
    g: Elements | Transform | Array,
    data: T,
    *,
    unknown: Literal["raise", "keep"] = "raise",
    transforms: Mapping[str, Transforms | str] | None = None,
) -> T:
    """`data` moved by g: a new object of the same type; see the module's table for what moves how.

    Parameters
    ----------
    g : a single group element, a `Transform`, or a homogeneous 4×4 matrix.
    unknown : what happens to attributes (or voxel values, or a markup's measurements under a scaling) whose
        transformation is not known: an error, or they are kept as they are.
    transforms : how named attributes transform, over what they say themselves; "values" for a volume's.

    Notes
    -----
    A left action: act(g @ h, x) = act(g, act(h, x)). Computed in float64, returned in the dtype of the data.

    Raises
    ------
    NoActionError : the type has no action of this group, or an attribute's transformation is unknown.
    ValueError : g is a batch, or its size does not fit.
    """
    if unknown not in ("raise", "keep"):
        raise ValueError("unknown is 'raise' or 'keep'")
    if isinstance(g, Transform):
        g = as_element(g.matrix)
    elif not isinstance(g, Elements):
        g = as_element(g)
    if g.shape:
        raise ValueError("act moves data by one element at a time: [act(h, data) for h in g]")
    named = {name: Transforms(kind) for name, kind in (transforms or {}).items()}
    moved: T = _act(data, g.like(np.float64), Rule(unknown, named))
    return moved


def act_known(g: Elements | Transform | Array, data: T) -> tuple[T, tuple[str, ...]]:
    """(`data` moved by g with the attributes of which it is known how, the names of those left behind).

    For things with attributes: a mesh, a cloud, a trajectory, a graph. Positions come back in float64, since what
    is measured on a moved object shall not depend on rounding to the dtype of its file. Errors as for `act`, but
    none for an attribute.
    """
    element = g if isinstance(g, Elements) else as_element(g.matrix if isinstance(g, Transform) else g)
    element = element.like(np.float64)
    bare: Any = data
    fields = [f for f in ("points", "positions") if getattr(bare, f, None) is not None]
    positions = {f: np.asarray(getattr(bare, f), np.float64) for f in fields}
    moved = act(element, replace(bare, attributes={}, **positions))
    kept, left = {}, []
    for name, attribute in bare.attributes.items():
        try:
            kept[name] = _attribute(attribute, element, Rule(), name)
        except (NoActionError, ValueError):
            left.append(name)
    return replace(moved, attributes=kept), tuple(left)


def register_action(cls: type, action: Callable[[Any, Elements, Rule], Any]) -> None:
    """Let `act` move instances of `cls`: `action(data, g, rule)` gets one NumPy element and returns the moved object.

    It must be a left action; `assert_homomorphism` checks that.
    """
    _act.register(cls)(action)


@singledispatch
def _act(data: Any, g: Elements, rule: Rule) -> Any:
    if type(data).__module__.split(".")[0] in ("numpy", "torch"):
        raise NoActionError("An array does not say what it holds; use act_points or act_array.")
    raise NoActionError(f"No action of {g.group.name} on {type(data).__name__} is defined.")


def _refuse(g: Elements, data: Any) -> NoActionError:
    return NoActionError(f"{g.group.name} does not act on a {type(data).__name__}.")


def _spatial(g: Elements, data: Any) -> SpatialGroup:
    group = g.group
    if not isinstance(group, SpatialGroup):
        raise _refuse(g, data)
    if group.n != 3:
        raise NoActionError(
            f"{group.name} acts on {group.n}-dimensional space, a {type(data).__name__} lives in three."
        )
    return group


def _moved(g: Elements, points: Any) -> Any:
    """Positions in their own dtype, computed in float64."""
    return act_points(g, points.astype(np.float64)).astype(points.dtype, copy=False)


def _rows(g: Elements, values: Any, axis: int = 0) -> Any:
    if values.shape[axis] != g.group.n:
        raise ValueError(f"{g.group.name} acts on {g.group.n} things, these are {values.shape[axis]}")
    return np.take(values, np.argsort(g.data), axis=axis)


def _named(names: tuple[str, ...], g: Elements) -> tuple[str, ...]:
    return tuple(names[i] for i in np.argsort(g.data)) if names else ()


def _values(
    g: Elements, values: Any, kind: Transforms, degree: int | None = None, direction: bool = False
) -> Any:
    """Values on anything moved by a spatial element, floating dtypes kept."""
    if kind in (Transforms.SCALAR, Transforms.LABEL):
        return values
    if kind is Transforms.PSEUDOSCALAR and bool(to_numpy(g.proper)):
        return values
    result = act_array(g, values.astype(np.float64), kind, degree=degree, direction=direction)
    if values.dtype.kind == "f" or (values.dtype.kind == "i" and kind is Transforms.PSEUDOSCALAR):
        return result.astype(values.dtype, copy=False)
    return result


def _attribute(attribute: Attribute, g: Elements, rule: Rule, name: str = "") -> Attribute:
    if isinstance(g.group, Permutations):
        if attribute.domain is not Domain.POINT:
            return attribute
        return replace(attribute, values=_rows(g, attribute.values))
    kind = (rule.transforms or {}).get(name, attribute.transforms)
    if kind is Transforms.UNKNOWN:
        if rule.unknown == "keep":
            return attribute
        which = f"attribute {name!r} transforms" if name else "this attribute transforms"
        raise NoActionError(f"It is not known how {which}; say what it is, or keep it with unknown='keep'.")
    values = _values(g, attribute.values, kind, attribute.degree, attribute.direction)
    return replace(attribute, values=values, transforms=kind)


def _attributes(data: Any, g: Elements, rule: Rule) -> dict[str, Attribute]:
    return {name: _attribute(a, g, rule, name) for name, a in data.attributes.items()}


@_act.register
def _(data: Attribute, g: Elements, rule: Rule) -> Attribute:
    return _attribute(data, g, rule)


@_act.register
def _(data: PointCloud, g: Elements, rule: Rule) -> PointCloud:
    if isinstance(g.group, Permutations):
        return replace(data, points=_rows(g, data.points), attributes=_attributes(data, g, rule))
    _spatial(g, data)
    return replace(data, points=_moved(g, data.points), attributes=_attributes(data, g, rule))


@_act.register
def _(data: Mesh, g: Elements, rule: Rule) -> Mesh:
    attributes = _attributes(data, g, rule)
    if isinstance(g.group, Permutations):
        points = _rows(g, data.points)
        return replace(data, points=points, faces=g.data[data.faces], attributes=attributes)
    _spatial(g, data)
    faces = data.faces if bool(g.proper) else data.faces[:, [0, 2, 1]]
    return replace(data, points=_moved(g, data.points), faces=faces, attributes=attributes)


@_act.register
def _(data: Trajectory, g: Elements, rule: Rule) -> Trajectory:
    attributes = _attributes(data, g, rule)
    if isinstance(g.group, Permutations):
        return replace(data, positions=_rows(g, data.positions, 1), attributes=attributes)
    _spatial(g, data)
    return replace(data, positions=_moved(g, floating(data.positions)), attributes=attributes)


@_act.register
def _(data: Graph, g: Elements, rule: Rule) -> Graph:
    if isinstance(g.group, Permutations):
        if g.group.n != data.n_nodes:
            raise ValueError(f"{g.group.name} acts on {g.group.n} things, these are {data.n_nodes}")
        return replace(
            data,
            edges=g.data[data.edges],
            positions=None if data.positions is None else _rows(g, data.positions),
            attributes=_attributes(data, g, rule),
            node_names=_named(data.node_names, g),
        )
    group = _spatial(g, data)
    if data.positions is None:
        raise NoActionError(f"{group.name} does not act on a graph whose nodes have no positions.")
    return replace(data, positions=_moved(g, data.positions), attributes=_attributes(data, g, rule))


@_act.register
def _(data: Volume, g: Elements, rule: Rule) -> Volume:
    _spatial(g, data)
    kind = (rule.transforms or {}).get("values", data.transforms)
    array = _voxels(data, g, kind, rule)
    return replace(data, array=array, affine=g.homogeneous @ data.affine, transforms=kind)


def _voxels(data: Volume, g: Elements, kind: Transforms, rule: Rule) -> Any:
    """The voxel values after g, each in its voxel."""
    if kind is Transforms.UNKNOWN:
        if rule.unknown == "keep":
            return data.array
        raise NoActionError(
            "It is not known how this volume's values transform; say what they are, or keep them with unknown='keep'."
        )
    if kind in (Transforms.SCALAR, Transforms.LABEL, Transforms.PSEUDOSCALAR):
        return _values(g, data.array, kind)
    channels = data.array.shape[3] if data.last_axis == "channel" else 0
    if kind is Transforms.TENSOR:
        if channels != 9:
            raise NoActionError("A volume of rank-2 tensors needs nine channels, the matrix row by row.")
        matrices = data.array.reshape(*data.array.shape[:3], 3, 3)
        return _values(g, matrices, kind).reshape(data.array.shape)
    wanted = channels % 2 == 1 if kind is Transforms.SPHERICAL_HARMONICS else channels == 3
    if not wanted:
        raise NoActionError(f"A volume of {kind.value} values needs its components on a channel axis.")
    return _values(g, data.array, kind)


@_act.register
def _(data: Markup, g: Elements, rule: Rule) -> Markup:
    if isinstance(g.group, Permutations):
        if data.kind is not MarkupKind.POINTS:
            raise NoActionError(f"Permutations do not act on a {data.kind.value}: its points have an order.")
        return replace(data, points=_rows(g, data.points), labels=_named(data.labels, g))
    group = _spatial(g, data)
    axes, size = data.axes, data.size
    others = {k: v for k, v in data.measurements.items() if k not in measure(data)}
    if not group.isometric and others and rule.unknown == "raise":
        raise NoActionError(
            f"It is not known how this markup's measurements change under {group.name}; keep them with unknown='keep'."
        )
    if data.kind in (MarkupKind.PLANE, MarkupKind.BOX):
        linear = g.linear
        factor = float(abs(np.linalg.det(linear)) ** (1 / 3))
        turn = linear / factor
        if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-6):
            raise NoActionError(f"A {data.kind.value} does not stay one under this element of {group.name}.")
        handed = np.array([1.0 if bool(g.proper) else -1.0, 1.0, 1.0])
        axes, size = turn @ data.axes * handed, data.size * factor
    moved = replace(data, points=_moved(g, data.points), axes=axes, size=size)
    if not data.measurements:
        return moved
    return replace(moved, measurements={k: measure(moved).get(k, v) for k, v in data.measurements.items()})


@_act.register
def _(data: Transform, g: Elements, rule: Rule) -> Transform:
    _spatial(g, data)
    if data.source_space != data.target_space:
        raise NoActionError("A transform between two different spaces is not moved by one group element.")
    matrix = g.homogeneous @ data.matrix @ g.inverse().homogeneous
    # the product's last row is exact only up to rounding
    matrix[3] = (0.0, 0.0, 0.0, 1.0)
    return replace(data, matrix=matrix)


@_act.register
def _(data: Table, g: Elements, rule: Rule) -> Table:
    if not isinstance(g.group, Permutations):
        raise _refuse(g, data)
    return replace(data, columns={name: _rows(g, column) for name, column in data.columns.items()})


@_act.register
def _(data: Signal, g: Elements, rule: Rule) -> Signal:
    if not isinstance(g.group, Permutations):
        raise _refuse(g, data)
    return replace(data, values=_rows(g, data.values, 1), channels=_named(data.channels, g))
