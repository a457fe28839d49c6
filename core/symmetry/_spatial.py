"""Groups that act on n-dimensional space: translations, rotations, rigid motions, scalings, affine maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.symmetry._backend import Array, broadcast, concat, eps, namespace, norm, to_numpy, transposed
from core.symmetry._group import Elements, Group, SpatialGroup
from core.symmetry._rotations import (
    exp_rotation,
    haar_orthogonal,
    haar_rotation,
    homogeneous,
    identity,
    inverse_rigid,
    left_jacobian,
    left_jacobian_inverse,
    log_rotation,
    rotation_angle,
)


def _need(ok: Any, message: str) -> None:
    if not bool(np.all(ok)):
        raise ValueError(message)


def _apply(matrix: Array, vector: Array) -> Array:
    return (matrix @ vector[..., None])[..., 0]


@dataclass(frozen=True)
class Translations(SpatialGroup):
    """x -> x + t. Data (..., n). `sample` draws each coordinate from a normal law of standard deviation `scale`."""

    n: int
    scale: float = field(default=1.0, compare=False)
    linear_part = "none"
    translates = True

    @property
    def algebra(self) -> int:
        return self.n

    @property
    def core_shape(self) -> tuple[int, ...]:
        return (self.n,)

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        return self.scale * rng.standard_normal((*shape, self.n))

    def _identity(self) -> Any:
        return np.zeros(self.n)

    def _compose(self, a: Array, b: Array) -> Array:
        return a + b

    def _inverse(self, a: Array) -> Array:
        return -a

    def _linear(self, a: Array) -> Array:
        return broadcast(identity(self.n, a), (*a.shape, self.n))

    def _translation(self, a: Array) -> Array:
        return a

    def _matrix(self, a: Array) -> Array:
        return self._homogeneous(a)

    def _from_affine(self, linear: Array, translation: Array) -> Array:
        return translation

    def _distance(self, a: Array, b: Array) -> Array:
        return norm(a - b)

    def _check(self, data: Any, tolerance: float) -> None:
        _need(np.isfinite(data), "a translation has entries that are not finite")

    def _exp(self, v: Array) -> Array:
        return v

    def _log(self, a: Array) -> Array:
        return a


@dataclass(frozen=True)
class SO(SpatialGroup):
    """Rotations of n-dimensional space. Data (..., n, n). `sample` is Haar.

    Algebra: n = 2 the angle, n = 3 the rotation vector, other n one angle a coordinate plane.
    """

    n: int
    compact = True
    linear_part = "rotation"

    @property
    def algebra(self) -> int:
        return self.n * (self.n - 1) // 2

    @property
    def core_shape(self) -> tuple[int, ...]:
        return (self.n, self.n)

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        return haar_rotation(self.n, shape, rng)

    def _identity(self) -> Any:
        return np.eye(self.n)

    def _compose(self, a: Array, b: Array) -> Array:
        return a @ b

    def _inverse(self, a: Array) -> Array:
        return transposed(a)

    def _linear(self, a: Array) -> Array:
        return a

    def _matrix(self, a: Array) -> Array:
        return a

    def _from_affine(self, linear: Array, translation: Array) -> Array:
        return linear

    def _distance(self, a: Array, b: Array) -> Array:
        return rotation_angle(transposed(a) @ b)

    def _check(self, data: Any, tolerance: float) -> None:
        gap = np.abs(np.swapaxes(data, -1, -2) @ data - np.eye(self.n)).max(initial=0.0)
        _need(gap <= tolerance, f"not in {self.name}: a matrix is not orthogonal")
        if self.linear_part == "rotation":
            _need(np.linalg.det(data) > 0, f"not in {self.name}: a matrix has determinant -1")

    def _exp(self, v: Array) -> Array:
        return exp_rotation(v, self.n)

    def _log(self, a: Array) -> Array:
        return log_rotation(a)


@dataclass(frozen=True)
class O(SO):  # noqa: E742 - its name in mathematics
    """Rotations and rotoreflections. Data (..., n, n). `sample` is Haar: half of it has determinant -1."""

    n: int
    connected = False
    linear_part = "orthogonal"

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        return haar_orthogonal(self.n, shape, rng)

    def _distance(self, a: Array, b: Array) -> Array:
        relative = transposed(a) @ b
        return _component_angle(relative)

    def _log(self, a: Array) -> Array:
        _need(np.linalg.det(to_numpy(a)) > 0, f"a reflection has no logarithm in {self.name}")
        return log_rotation(a)


def _component_angle(r: Array) -> Array:
    """The angle of rotations, infinity for improper matrices."""
    xp = namespace(r)
    proper = xp.linalg.det(r) > 0
    safe = xp.where(proper[..., None, None], r, identity(r.shape[-1], r))
    return xp.where(proper, rotation_angle(safe), xp.inf)


class _HomogeneousGroup(SpatialGroup):
    """Groups whose elements are held as (..., n+1, n+1) homogeneous matrices."""

    n: int

    @property
    def core_shape(self) -> tuple[int, ...]:
        return (self.n + 1, self.n + 1)

    def _identity(self) -> Any:
        return np.eye(self.n + 1)

    def _compose(self, a: Array, b: Array) -> Array:
        return a @ b

    def _linear(self, a: Array) -> Array:
        return a[..., :-1, :-1]

    def _translation(self, a: Array) -> Array:
        return a[..., :-1, -1]

    def _homogeneous(self, a: Array) -> Array:
        return a

    def _matrix(self, a: Array) -> Array:
        return a

    def _from_affine(self, linear: Array, translation: Array) -> Array:
        return homogeneous(linear, translation)


@dataclass(frozen=True)
class SE(_HomogeneousGroup):
    """Rigid motions x -> R x + t. Data (..., n+1, n+1) homogeneous.

    `sample`: R is Haar, t normal with standard deviation `scale` a coordinate. Algebra: rotation coordinates
    first, then translation coordinates u, with t = (∫₀¹ exp(sΩ) ds) u.
    """

    n: int
    scale: float = field(default=1.0, compare=False)
    linear_part = "rotation"
    translates = True

    @property
    def algebra(self) -> int:
        return self.n * (self.n + 1) // 2

    def _rotation_group(self) -> SO:
        return SO(self.n)

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        turned = self._rotation_group()._draw(shape, rng)
        return homogeneous(turned, self.scale * rng.standard_normal((*shape, self.n)))

    def _inverse(self, a: Array) -> Array:
        return inverse_rigid(a)

    def _distance(self, a: Array, b: Array) -> Array:
        xp = namespace(a)
        angle = _component_angle(transposed(self._linear(a)) @ self._linear(b))
        return xp.sqrt(angle**2 + (norm(self._translation(a) - self._translation(b)) / self.scale) ** 2)

    def _check(self, data: Any, tolerance: float) -> None:
        _need(np.isfinite(data), f"not in {self.name}: entries that are not finite")
        _need(data[..., -1, :] == np.eye(self.n + 1)[-1], f"not in {self.name}: the last row is not 0 … 0 1")
        self._rotation_group()._check(data[..., :-1, :-1], tolerance)

    def _exp(self, v: Array) -> Array:
        turn = v[..., : self.n * (self.n - 1) // 2]
        shift = _apply(left_jacobian(turn, self.n), v[..., turn.shape[-1] :])
        return homogeneous(exp_rotation(turn, self.n), shift)

    def _log(self, a: Array) -> Array:
        turn = self._rotation_group()._log(self._linear(a))
        shift = _apply(left_jacobian_inverse(turn, self.n), self._translation(a))
        return concat([turn, shift], -1)


@dataclass(frozen=True)
class E(SE):
    """All isometries x -> A x + t, A orthogonal. Data (..., n+1, n+1). `sample`: A is Haar on O(n), t as for `SE`."""

    n: int
    scale: float = field(default=1.0, compare=False)
    connected = False
    linear_part = "orthogonal"

    def _rotation_group(self) -> SO:
        return O(self.n)


@dataclass(frozen=True)
class Scalings(SpatialGroup):
    """x -> s x with s > 0. Data (..., 1), or (..., n) one factor an axis with `per_axis`.

    `sample`: log s is uniform between -log `limit` and log `limit`. Algebra: log s.
    """

    n: int
    per_axis: bool = False
    limit: float = field(default=2.0, compare=False)
    linear_part = "scaling"

    @property
    def algebra(self) -> int:
        return self.n if self.per_axis else 1

    @property
    def core_shape(self) -> tuple[int, ...]:
        return (self.algebra,)

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        return np.exp(np.log(self.limit) * rng.uniform(-1, 1, (*shape, self.algebra)))

    def _identity(self) -> Any:
        return np.ones(self.algebra)

    def _compose(self, a: Array, b: Array) -> Array:
        return a * b

    def _inverse(self, a: Array) -> Array:
        return 1 / a

    def _linear(self, a: Array) -> Array:
        return a[..., None] * identity(self.n, a)

    def _matrix(self, a: Array) -> Array:
        return self._linear(a)

    def _from_affine(self, linear: Array, translation: Array) -> Array:
        factors = namespace(linear).einsum("...ii->...i", linear)
        return factors if self.per_axis else factors[..., :1]

    def _distance(self, a: Array, b: Array) -> Array:
        return norm(namespace(a).log(a / b))

    def _check(self, data: Any, tolerance: float) -> None:
        _need(np.isfinite(data) & (data > 0), "a scaling has a factor that is not positive and finite")

    def _exp(self, v: Array) -> Array:
        return namespace(v).exp(v)

    def _log(self, a: Array) -> Array:
        return namespace(a).log(a)


@dataclass(frozen=True)
class Affine(_HomogeneousGroup):
    """All invertible maps x -> A x + t. Data (..., n+1, n+1). Where elements of unlike groups meet.

    `sample`: A = exp of a Gaussian matrix of standard deviation `spread`, so det A > 0; t normal with standard
    deviation `scale`. The exponential map is not onto and is not offered; `log` is not either.
    """

    n: int
    scale: float = field(default=1.0, compare=False)
    spread: float = field(default=0.3, compare=False)
    connected = False
    translates = True

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        from scipy.linalg import expm

        linear = np.asarray(expm(self.spread * rng.standard_normal((*shape, self.n, self.n))))
        return homogeneous(linear, self.scale * rng.standard_normal((*shape, self.n)))

    def _inverse(self, a: Array) -> Array:
        inverse = namespace(a).linalg.inv(a[..., :-1, :-1])
        return homogeneous(inverse, -_apply(inverse, a[..., :-1, -1]))

    def _distance(self, a: Array, b: Array) -> Array:
        gap = self._inverse(a) @ b - identity(self.n + 1, a)
        return norm(gap.reshape(*gap.shape[:-2], -1))

    def _check(self, data: Any, tolerance: float) -> None:
        _need(np.isfinite(data), f"not in {self.name}: entries that are not finite")
        _need(data[..., -1, :] == np.eye(self.n + 1)[-1], f"not in {self.name}: the last row is not 0 … 0 1")
        _need(np.linalg.det(data[..., :-1, :-1]) != 0, f"not in {self.name}: a matrix is singular")


def join(a: Group, b: Group) -> SpatialGroup:
    """The smallest of the groups here that holds both. Raises `TypeError` where there is none."""
    if not (isinstance(a, SpatialGroup) and isinstance(b, SpatialGroup) and a.n == b.n):
        raise TypeError(f"elements of {a.name} and {b.name} do not compose")
    moves = a.translates or b.translates
    if not (a.isometric and b.isometric):
        return Affine(a.n)
    orthogonal = "orthogonal" in (a.linear_part, b.linear_part)
    if "rotation" in (a.linear_part, b.linear_part) or orthogonal:
        if moves:
            return E(a.n) if orthogonal else SE(a.n)
        return O(a.n) if orthogonal else SO(a.n)
    return Translations(a.n)


def angle(g: Elements) -> Array:
    """Rotation angle in radians (*shape), in [0, π] for n = 2, 3; ‖log A‖/√2 for other n.

    An improper A in odd dimension counts as -A, its rotation part; in even dimension it has none and gives NaN.
    """
    linear = g.linear
    xp = namespace(linear)
    improper = xp.linalg.det(linear) < 0
    even = g.group.n % 2 == 0
    turned = identity(g.group.n, linear) if even else -linear
    result = rotation_angle(xp.where(improper[..., None, None], turned, linear))
    return xp.where(improper, xp.nan, result) if even else result


def as_element(matrix: Any) -> Elements:
    """Elements from homogeneous matrices (..., n+1, n+1): of SE(n) or E(n) if they are isometries to rounding
    error, otherwise of Affine(n). Raises `ValueError` for anything else."""
    shape = np.shape(matrix)
    if len(shape) < 2 or shape[-1] != shape[-2] or shape[-1] < 3:
        raise ValueError("a map of space is given as a homogeneous matrix (..., n+1, n+1)")
    n = int(shape[-1]) - 1
    general = Affine(n).element(matrix)
    linear = to_numpy(general.linear)
    gap = np.abs(np.swapaxes(linear, -1, -2) @ linear - np.eye(n)).max(initial=0.0)
    if gap > 100 * eps(general.data):
        return general
    group = SE(n) if bool((np.linalg.det(linear) > 0).all()) else E(n)
    return Elements(group, general.data)
