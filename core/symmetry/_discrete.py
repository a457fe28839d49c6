"""Permutations and mirrors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.symmetry._backend import (
    Array,
    along,
    argsort,
    as_shape,
    broadcast,
    convert,
    generator,
    is_torch,
    namespace,
    norm,
    to_numpy,
    transposed,
)
from core.symmetry._group import Elements, Group
from core.symmetry._rotations import homogeneous, identity
from core.symmetry._spatial import SE, E, O


@dataclass(frozen=True)
class Permutations(Group):
    """Rearrangements of n things. Data (..., n) int64: entry i says where thing i goes.

    So (πx)[π[i]] = x[i], and composition is that of maps. `sample` is uniform.
    """

    n: int
    compact = True
    connected = False

    @property
    def core_shape(self) -> tuple[int, ...]:
        return (self.n,)

    def _convert(self, data: Any, like: Any) -> Array:
        if is_torch(data):
            return data.to(like.device) if is_torch(like) else (to_numpy(data) if like is not None else data)
        data = np.asarray(data)
        if data.dtype.kind not in "iu" and not np.array_equal(data, data.astype(np.int64)):
            raise ValueError("a permutation is given by whole numbers")
        data = data.astype(np.int64)
        return namespace(like).tensor(data, device=like.device) if is_torch(like) else data

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        return rng.permuted(np.broadcast_to(np.arange(self.n), (*shape, self.n)), axis=-1)

    def _identity(self) -> Any:
        return np.arange(self.n)

    def _compose(self, a: Array, b: Array) -> Array:
        shape = np.broadcast_shapes(tuple(a.shape), tuple(b.shape))
        return along(broadcast(a, shape), broadcast(b, shape), -1)

    def _inverse(self, a: Array) -> Array:
        return argsort(a)

    def _matrix(self, a: Array) -> Array:
        columns = np.arange(self.n)
        rows = namespace(a).tensor(columns, device=a.device) if is_torch(a) else columns
        return convert(a[..., None, :] == rows[:, None], None if not is_torch(a) else a)

    def _distance(self, a: Array, b: Array) -> Array:
        return convert(a != b, None if not is_torch(a) else a).mean(-1)

    def _check(self, data: Any, tolerance: float) -> None:
        if not np.array_equal(np.sort(data, axis=-1), np.broadcast_to(np.arange(self.n), data.shape)):
            raise ValueError(f"not a permutation of 0 … {self.n - 1}")


def reflection(point: Any, normal: Any) -> Elements:
    """The mirror map through `point` (..., n) with `normal` (..., n) of any length, as elements of E(n).

    Raises `ValueError` for a normal of length 0.
    """
    like = point if is_torch(point) else normal
    if not hasattr(like, "dtype"):
        like = None
    point, normal = convert(point, like), convert(normal, like)
    length = norm(normal)[..., None]
    if not bool((to_numpy(length) > 0).all()):
        raise ValueError("a mirror's normal must not be zero")
    unit = normal / length
    n = unit.shape[-1]
    linear = identity(n, unit) - 2 * unit[..., :, None] * unit[..., None, :]
    return Elements(E(n), homogeneous(linear, 2 * (point * unit).sum(-1)[..., None] * unit))


def mirror_plane(g: Elements, tolerance: float = 1e-6) -> tuple[Array, Array]:
    """(point, normal) of the mirror that an element is: the inverse of `reflection`.

    `point` (..., n) is the plane's point nearest to the origin, `normal` (..., n) has length 1 and its entry
    of largest size positive.

    Raises
    ------
    ValueError : an element is no reflection in a hyperplane (a rotation, a glide or rotary reflection), judged
        by its matrix to `tolerance`, relative to the translation's length for the translation.
    """
    linear, shift = g.linear, g.translation
    xp = namespace(linear)
    n = linear.shape[-1]
    outer = (identity(n, linear) - linear) / 2
    outer = (outer + transposed(outer)) / 2
    diagonal = xp.einsum("...ii->...i", outer)
    best = xp.argmax(diagonal, -1)[..., None, None]
    column = along(outer, broadcast(best, (*best.shape[:-2], n, 1)), -1)[..., 0]
    length = norm(column)[..., None]
    if not bool((to_numpy(length) > 0.1 / n).all()):
        raise ValueError("an element is not a reflection in a plane")
    normal = column / length
    point = (shift * normal).sum(-1)[..., None] * normal / 2
    again = reflection(point, normal)
    scale = 1 + to_numpy(norm(shift))
    linear_gap = np.abs(to_numpy(again.linear - linear)).max(axis=(-1, -2), initial=0.0)
    shift_gap = to_numpy(norm(again.translation - shift)) / scale
    if not bool((np.maximum(linear_gap, shift_gap) <= tolerance).all()):
        raise ValueError("an element is not a reflection in a plane")
    return point, normal


def mirrored(points: Array, point: Any, normal: Any) -> Array:
    """`points` (..., n) mirrored in the plane through `point` (n,) with `normal` (n,)."""
    g = reflection(convert(point, points), convert(normal, points))
    return points @ transposed(g.linear) + g.translation


@dataclass(frozen=True)
class Mirror(SE):
    """The group of two elements, identity and reflection, of one fixed plane. Data as in E(n). `sample` is uniform."""

    normal: tuple[float, ...] = ()
    point: tuple[float, ...] = ()
    n: int = field(init=False, default=0)
    compact = True
    connected = False
    linear_part = "orthogonal"

    def __init__(self, normal: Any, point: Any = None) -> None:
        normal = tuple(float(x) for x in np.ravel(normal))
        point = tuple(0.0 for _ in normal) if point is None else tuple(float(x) for x in np.ravel(point))
        if len(point) != len(normal) or not any(normal):
            raise ValueError("a mirror needs a point and a normal other than 0 of the same length")
        object.__setattr__(self, "normal", normal)
        object.__setattr__(self, "point", point)
        object.__setattr__(self, "n", len(normal))
        object.__setattr__(self, "scale", 1.0)

    @property
    def name(self) -> str:
        return f"Mirror(normal={self.normal}, point={self.point})"

    @property
    def algebra(self) -> int:
        return 0

    def _rotation_group(self) -> O:
        return O(self.n)

    def elements(self) -> Elements:
        """Both: the identity, then the reflection."""
        return Elements(self, np.stack([np.eye(self.n + 1), reflection(self.point, self.normal).data]))

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        return self.elements().data[rng.integers(0, 2, shape)]

    def _check(self, data: Any, tolerance: float) -> None:
        size = 1 + float(np.linalg.norm(self.point))
        gaps = np.abs(data[..., None, :, :] - self.elements().data).max(axis=(-1, -2))
        if not bool((gaps.min(axis=-1) <= tolerance * size).all()):
            raise ValueError("neither the identity nor the reflection of this mirror")


@dataclass(frozen=True)
class Reflections:
    """All mirrors of n-dimensional space: a set that generates O(n) (or E(n)), not a group.

    `sample` gives elements of E(n): normals uniform on the sphere, the plane's distance from the origin normal
    with standard deviation `scale` (0: through the origin). Two of them compose to a rotation or a translation.
    """

    n: int
    scale: float = 0.0

    @property
    def name(self) -> str:
        """How the set is written."""
        return f"Reflections({self.n})"

    def sample(
        self, size: int | tuple[int, ...], rng: np.random.Generator | int, *, like: Any = None
    ) -> Elements:
        """`size` random mirrors; parameters as for `Group.sample`."""
        rng, shape = generator(rng), as_shape(size)
        normal = rng.standard_normal((*shape, self.n))
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        offset = self.scale * rng.standard_normal((*shape, 1))
        return reflection(offset * normal, normal).like(like)
