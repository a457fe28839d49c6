"""What every group offers, and its elements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from core.symmetry._backend import (
    Array,
    as_shape,
    broadcast,
    concat,
    convert,
    eps,
    generator,
    is_torch,
    namespace,
    to_numpy,
)
from core.symmetry._rotations import homogeneous


class Group(ABC):
    """A group; concrete groups are frozen dataclasses that name their dimension, e.g. `SO(3)`.

    To add one, subclass it (or `SpatialGroup`) and give the abstract methods; sampling, exp and log raise
    `TypeError` where a group does not offer them.

    Attributes
    ----------
    n : dimension of the space it acts on, or the number of things it permutes.
    compact : `sample` draws from the uniform (Haar) distribution; otherwise its docstring names the law.
    connected : `exp` reaches every element.
    algebra : number of coordinates of `log`, 0 for a discrete group.
    """

    n: int
    compact: ClassVar[bool] = False
    connected: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """How the group is written, e.g. "SE(3)"."""
        return f"{type(self).__name__}({self.n})"

    @property
    def algebra(self) -> int:
        """Number of coordinates of `log`; 0 for a discrete group."""
        return 0

    @property
    @abstractmethod
    def core_shape(self) -> tuple[int, ...]:
        """Shape of one element's data."""

    @abstractmethod
    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any: ...

    @abstractmethod
    def _identity(self) -> Any: ...

    @abstractmethod
    def _compose(self, a: Array, b: Array) -> Array: ...

    @abstractmethod
    def _inverse(self, a: Array) -> Array: ...

    @abstractmethod
    def _matrix(self, a: Array) -> Array: ...

    @abstractmethod
    def _distance(self, a: Array, b: Array) -> Array: ...

    def _check(self, data: Any, tolerance: float) -> None:  # noqa: B027 - a group may have nothing to check
        """Raise `ValueError` if NumPy `data` are no elements of this group."""

    def _convert(self, data: Any, like: Any) -> Array:
        return convert(data, like)

    def _exp(self, v: Array) -> Array:
        raise TypeError(f"{self.name} has no exponential map")

    def _log(self, a: Array) -> Array:
        raise TypeError(f"{self.name} has no logarithm")

    def sample(
        self, size: int | tuple[int, ...], rng: np.random.Generator | int, *, like: Any = None
    ) -> Elements:
        """`size` random elements (a number or a batch shape; `()` for one without batch axes).

        Parameters
        ----------
        rng : a NumPy generator or a seed; the draws are the same for every library, dtype and device.
        like : an array or tensor whose library, dtype and device are taken over; None: NumPy float64.
        """
        return Elements(self, self._convert(self._draw(as_shape(size), generator(rng)), like))

    def sample_near(
        self, size: int | tuple[int, ...], rng: np.random.Generator | int, scale: float, *, like: Any = None
    ) -> Elements:
        """exp of Gaussian algebra coordinates with standard deviation `scale`: elements near the identity."""
        v = scale * generator(rng).standard_normal((*as_shape(size), self.algebra))
        return self.exp(convert(v, like))

    def identity(self, size: int | tuple[int, ...] = (), *, like: Any = None) -> Elements:
        """The neutral element, repeated to the batch shape `size`."""
        one = self._convert(self._identity(), like)
        return Elements(self, broadcast(one, (*as_shape(size), *self.core_shape)))

    def element(self, data: Any, *, check: bool = True) -> Elements:
        """Elements from arrays of shape (..., *core_shape) (lists and integers become float64).

        Raises
        ------
        ValueError : wrong shape, or (with `check`) not in the group to about the square root of the
            rounding unit.
        """
        data = self._convert(data, data if hasattr(data, "dtype") else None)
        core = self.core_shape
        if tuple(data.shape[len(data.shape) - len(core) :]) != core or len(data.shape) < len(core):
            raise ValueError(f"elements of {self.name} have shape (..., {', '.join(map(str, core))})")
        if check:
            tolerance = 10 * eps(data) ** 0.5 if to_numpy(data).dtype.kind == "f" else 0.0
            self._check(to_numpy(data), tolerance)
        return Elements(self, data)

    def exp(self, v: Any) -> Elements:
        """Elements from Lie-algebra coordinates (..., algebra). Raises `TypeError` for discrete groups."""
        v = convert(v, v if hasattr(v, "dtype") else None)
        if not self.algebra:
            raise TypeError(f"{self.name} is discrete: it has no exponential map")
        if v.shape[-1] != self.algebra:
            raise ValueError(f"{self.name} has {self.algebra} algebra coordinates, not {v.shape[-1]}")
        return Elements(self, self._exp(v))

    def log(self, g: Elements) -> Array:
        """Lie-algebra coordinates (..., algebra) with exp(log g) = g.

        Raises
        ------
        TypeError : the group is discrete.
        ValueError : an element lies outside the identity's component (a reflection).
        """
        if not self.algebra:
            raise TypeError(f"{self.name} is discrete: it has no logarithm")
        return self._log(g.data)


class SpatialGroup(Group):
    """A group of affine maps x -> A x + t of n-dimensional space.

    Attributes
    ----------
    linear_part : what A can be; decides whether elements of two groups compose to a rigid motion.
    translates : t can be non-zero.
    """

    linear_part: ClassVar[str] = "general"
    translates: ClassVar[bool] = False

    @property
    def isometric(self) -> bool:
        """Distances are kept."""
        return self.linear_part in ("none", "rotation", "orthogonal")

    @abstractmethod
    def _linear(self, a: Array) -> Array: ...

    def _translation(self, a: Array) -> Array:
        return self._linear(a)[..., 0] * 0

    @abstractmethod
    def _from_affine(self, linear: Array, translation: Array) -> Array:
        """Data of the elements x -> A x + t; what the group cannot hold is left to `embed` to find."""

    def _homogeneous(self, a: Array) -> Array:
        return homogeneous(self._linear(a), self._translation(a))

    def embed(self, g: Elements) -> Elements:
        """The same maps as elements of this group. Raises `ValueError` for a map that is not in it."""
        if g.group == self:
            return Elements(self, g.data)
        if not isinstance(g.group, SpatialGroup) or g.group.n != self.n:
            raise ValueError(f"an element of {g.group.name} is not one of {self.name}")
        same = Elements(self, self._from_affine(g.linear, g.translation))
        gap = np.abs(to_numpy(same.homogeneous) - to_numpy(g.homogeneous)).max(initial=0.0)
        size = max(1.0, float(np.abs(to_numpy(g.homogeneous)).max(initial=0.0)))
        if not gap <= 10 * eps(g.data) ** 0.5 * size:
            raise ValueError(f"an element of {g.group.name} is not one of {self.name}")
        self._check(to_numpy(same.data), 10 * eps(g.data) ** 0.5)
        return same


@dataclass(frozen=True, eq=False)
class Elements:
    """One element of a group or a batch of them.

    Attributes
    ----------
    group : the group.
    data : (*shape, *group.core_shape) NumPy array or torch tensor, e.g. (..., 3, 3) for SO(3).
    """

    group: Group
    data: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The batch shape; () for a single element."""
        return tuple(self.data.shape[: len(self.data.shape) - len(self.group.core_shape)])

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single group element has no length")
        return self.shape[0]

    def __getitem__(self, index: Any) -> Elements:
        if not self.shape:
            raise TypeError("a single group element cannot be indexed")
        picked = self.data[index]
        core = self.group.core_shape
        if tuple(picked.shape[len(picked.shape) - len(core) :]) != core:
            raise IndexError("an index may only pick batch axes of group elements")
        return Elements(self.group, picked)

    def __iter__(self) -> Iterator[Elements]:
        for i in range(len(self)):
            yield self[i]

    def __repr__(self) -> str:
        return f"Elements({self.group.name}, shape={self.shape})"

    def compose(self, other: Elements) -> Elements:
        """g∘h: first `other`, then this one. Batch shapes broadcast.

        Elements of different groups on the same space compose in the smallest of SO, O, SE, E and the affine
        group that holds both; NumPy elements follow tensors into torch. Raises `TypeError` where there is none.
        """
        a, b = self, other
        if a.group != b.group:
            from core.symmetry._spatial import join

            group = join(a.group, b.group)
            a, b = group.embed(a), group.embed(b)
        if is_torch(a.data) != is_torch(b.data):
            a, b = (a, b.like(a.data)) if is_torch(a.data) else (a.like(b.data), b)
        return Elements(a.group, a.group._compose(a.data, b.data))

    __matmul__ = compose

    def inverse(self) -> Elements:
        """The inverse elements."""
        return Elements(self.group, self.group._inverse(self.data))

    def log(self) -> Array:
        """Lie-algebra coordinates, see `Group.log`."""
        return self.group.log(self)

    def distance(self, other: Elements) -> Array:
        """Bi- or left-invariant distance (*shape). Rotations: angle in radians (infinite between the two
        components of O(n)); translations: length; rigid motions: √(angle² + (length/scale)²); scalings:
        |log ratio|; permutations: fraction of items that differ; affine: ‖g⁻¹h - 1‖."""
        if self.group != other.group:
            raise TypeError(f"no distance between elements of {self.group.name} and {other.group.name}")
        return self.group._distance(self.data, other.data)

    def like(self, array: Any) -> Elements:
        """The same elements in the library, dtype and device of `array`."""
        return Elements(self.group, self.group._convert(self.data, array))

    @property
    def matrix(self) -> Array:
        """The smallest matrices that compose as the elements do: (..., n, n) for linear groups and
        permutations, (..., n+1, n+1) homogeneous where there are translations."""
        return self.group._matrix(self.data)

    @property
    def _spatial(self) -> SpatialGroup:
        if not isinstance(self.group, SpatialGroup):
            raise TypeError(f"{self.group.name} does not act on space")
        return self.group

    @property
    def linear(self) -> Array:
        """A of x -> A x + t, (..., n, n)."""
        return self._spatial._linear(self.data)

    @property
    def translation(self) -> Array:
        """t of x -> A x + t, (..., n)."""
        return self._spatial._translation(self.data)

    @property
    def homogeneous(self) -> Array:
        """(..., n+1, n+1) matrices acting on (x, 1)."""
        return self._spatial._homogeneous(self.data)

    @property
    def proper(self) -> Array:
        """(...) booleans: orientation is kept (det A > 0)."""
        linear = self.linear
        return namespace(linear).linalg.det(linear) > 0


def concatenated(elements: list[Elements]) -> Elements:
    """Batches of elements of one group as one batch along the first axis (single elements are stacked)."""
    groups = {e.group for e in elements}
    if len(groups) != 1:
        raise TypeError("elements of different groups cannot be put in one batch")
    return Elements(groups.pop(), concat([e.data if e.shape else e.data[None] for e in elements], 0))
