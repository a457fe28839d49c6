"""How group elements act on arrays: positions, and values of every kind that an attribute can have."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.data import Domain, Transforms
from core.errors import UserError
from core.symmetry._backend import (
    Array,
    along,
    argsort,
    eps,
    floating,
    is_torch,
    namespace,
    norm,
    to_numpy,
    transposed,
)
from core.symmetry._backend import broadcast as repeat
from core.symmetry._discrete import Permutations
from core.symmetry._group import Elements, SpatialGroup
from core.symmetry._harmonics import wigner_d


class NoActionError(UserError, TypeError):
    """This group does not act on this kind of data, or it is not known how; one sentence says which."""


def act_points(g: Elements, points: Array, *, paired: bool = False) -> Array:
    """Positions moved by g: A x + t, or for permutations the rows rearranged.

    Parameters
    ----------
    points : (..., n) positions; for permutations (..., m, d), rows on the last axis but one.
    paired : False: every element acts on the whole array, result (*g.shape, *points.shape).
        True: element b acts on points[b]; the array's leading axes are g.shape.

    NumPy or torch, as `points` (torch if either is); the result has the dtype of `points`, integers give float64.
    """
    g, points = _matched(g, points)
    if isinstance(g.group, Permutations):
        return _rearranged(g, points, len(points.shape) - 2, paired)
    _space(g, points.shape[-1], "positions")
    flat = _flat(points, g, paired, 1)
    moved = flat @ transposed(g.linear) + g.translation[..., None, :]
    return moved.reshape(_shape(points, g, paired))


def act_array(
    g: Elements,
    values: Array,
    transforms: Transforms | str,
    *,
    degree: int | None = None,
    domain: Domain | str = Domain.POINT,
    direction: bool = False,
    paired: bool = False,
) -> Array:
    """Values of one kind moved by g with linear part A, batched.

    =====================  ==========================================================================
    scalar, label          unchanged
    pseudoscalar           sign(det A) v
    vector                 A v; with `direction` the covector A⁻ᵀ v at the length of v (a normal)
    axial_vector           det(A) A⁻ᵀ v, which is how r × p moves; with `direction` at the length of v
    tensor                 A T Aᵀ
    spherical_harmonics    D^l(A) c, scalings leave c; anything that is no similarity raises
    unknown                raises
    =====================  ==========================================================================

    Permutations rearrange the first axis of values on points and leave other domains.

    Parameters
    ----------
    values : (..., n), (..., n, n) for tensors, (..., 2l+1) for harmonics, any shape for scalars and labels.
    paired : as for `act_points`.

    Returns
    -------
    (*g.shape, *values.shape), or values.shape if `paired`; library and dtype as for `act_points`.

    Raises
    ------
    NoActionError : the kind is unknown, or has no action of this group.
    ValueError : the shape of `values` does not fit.
    """
    kind = Transforms(transforms)
    if isinstance(g.group, Permutations):
        if Domain(domain) is Domain.POINT:
            _, like = _matched(g, values, keep=True)
            return _rearranged(g.like(like), like, len(g.shape) if paired else 0, paired)
        return _repeated(g, values, paired)
    if kind is Transforms.UNKNOWN:
        raise NoActionError(
            "It is not known how these values transform; say what they are before moving them."
        )
    if kind in (Transforms.SCALAR, Transforms.LABEL):
        return _repeated(g, values, paired)
    g, values = _matched(g, values)
    n = g.group.n
    if kind is Transforms.PSEUDOSCALAR:
        sign = _sign(g)
        axes = len(values.shape) - (len(g.shape) if paired else 0)
        signed = values * sign.reshape((*sign.shape, *(1,) * axes))
        return signed if is_torch(signed) else np.asarray(signed)
    trailing = 2 if kind is Transforms.TENSOR else 1
    if len(values.shape) < trailing + (len(g.shape) if paired else 0):
        raise ValueError(f"{kind.value} values need at least {trailing} axes")
    if kind is Transforms.SPHERICAL_HARMONICS:
        size = values.shape[-1]
        degree = (size - 1) // 2 if degree is None else degree
        if size != 2 * degree + 1:
            raise ValueError(
                f"coefficients of degree {degree} need a last axis of {2 * degree + 1}, not {size}"
            )
        _space(g, 3, "spherical harmonics")
        matrix = wigner_d(degree, _rotation_part(g))
    else:
        _space(g, values.shape[-1], f"{kind.value} values")
        matrix = g.linear
        if kind is Transforms.AXIAL_VECTOR or (direction and not _isometric(g)):
            matrix = _cofactor(g)
    if kind is Transforms.TENSOR:
        if values.shape[-2] != n:
            raise ValueError(f"rank-2 tensors need two last axes of {n}")
        flat = _flat(values, g, paired, 2)
        moved = matrix[..., None, :, :] @ flat @ transposed(matrix)[..., None, :, :]
        return moved.reshape(_shape(values, g, paired))
    flat = _flat(values, g, paired, 1)
    moved = flat @ transposed(matrix)
    if direction and not _isometric(g) and kind in (Transforms.VECTOR, Transforms.AXIAL_VECTOR):
        if kind is Transforms.VECTOR:
            # the cofactor is det(A) A⁻ᵀ: the covector up to the sign of det A
            moved = moved * _sign(g)[..., None, None]
        xp = namespace(moved)
        length = norm(moved)[..., None]
        moved = moved / xp.where(length > 0, length, xp.ones_like(length)) * norm(flat)[..., None]
    return moved.reshape(_shape(values, g, paired))


def _matched(g: Elements, values: Any, *, keep: bool = False) -> tuple[Elements, Array]:
    """Both in one library: that of the values, or torch if g is torch."""
    if not hasattr(values, "dtype"):
        values = np.asarray(values)
    if not keep:
        values = floating(values)
    if is_torch(g.data) and not is_torch(values):
        values = namespace(g.data).tensor(values, device=g.data.device)
    return g.like(values), values


def _space(g: Elements, n: int, what: str) -> None:
    if not isinstance(g.group, SpatialGroup):
        raise NoActionError(f"{g.group.name} does not act on {what}.")
    if g.group.n != n:
        raise NoActionError(f"{g.group.name} does not act on {what} of a {n}-dimensional space.")


def _shape(values: Array, g: Elements, paired: bool) -> tuple[int, ...]:
    return tuple(values.shape) if paired else (*g.shape, *values.shape)


def _flat(values: Array, g: Elements, paired: bool, trailing: int) -> Array:
    """(*g.shape or nothing, k, *one value's shape)."""
    shape = tuple(values.shape)
    lead = g.shape if paired else ()
    if shape[: len(lead)] != lead or len(shape) < len(lead) + trailing:
        raise ValueError(f"values of shape {shape} do not pair with elements of batch shape {g.shape}")
    middle = shape[len(lead) : len(shape) - trailing]
    return values.reshape(*lead, int(np.prod(middle, dtype=int)), *shape[len(shape) - trailing :])


def _repeated(g: Elements, values: Any, paired: bool) -> Array:
    values = values if hasattr(values, "dtype") else np.asarray(values)
    return values if paired or not g.shape else repeat(values, (*g.shape, *values.shape))


def _rearranged(g: Elements, values: Array, axis: int, paired: bool) -> Array:
    lead = len(g.shape) if paired else 0
    if axis < lead or axis >= len(values.shape) or values.shape[axis] != g.group.n:
        raise ValueError(
            f"{g.group.name} acts on {g.group.n} things, not on values of shape {tuple(values.shape)}"
        )
    inverse = argsort(g.data)
    if not g.shape:
        return namespace(values).moveaxis(namespace(values).moveaxis(values, axis, 0)[inverse], 0, axis)
    if not paired:
        values = repeat(values, (*g.shape, *values.shape))
        axis += len(g.shape)
    shape = [1] * len(values.shape)
    shape[: len(g.shape)] = g.shape
    shape[axis] = g.group.n
    return along(values, repeat(inverse.reshape(shape), tuple(values.shape)), axis)


def _isometric(g: Elements) -> bool:
    return isinstance(g.group, SpatialGroup) and g.group.isometric


def _sign(g: Elements) -> Array:
    linear = g.linear
    xp = namespace(linear)
    return xp.sign(xp.linalg.det(linear))


def _cofactor(g: Elements) -> Array:
    """det(A) A⁻ᵀ, how cross products move; det(A) A for isometries."""
    linear = g.linear
    xp = namespace(linear)
    if _isometric(g):
        return linear * _sign(g)[..., None, None]
    return xp.linalg.det(linear)[..., None, None] * transposed(xp.linalg.inv(linear))


def _rotation_part(g: Elements) -> Array:
    """The orthogonal Q of a similarity A = sQ."""
    linear = g.linear
    if _isometric(g):
        return linear
    unit = _unit(linear)
    gram = to_numpy(unit @ transposed(unit))
    if np.abs(gram - np.eye(g.group.n)).max(initial=0.0) > 10 * eps(linear) ** 0.5:
        raise NoActionError(
            "Spherical-harmonic coefficients of one degree only transform under rotations, reflections and "
            f"uniform scalings, not under this element of {g.group.name}."
        )
    return unit


def _unit(linear: Array) -> Array:
    volume = namespace(linear).linalg.det(linear)
    return linear / (abs(volume) ** (1 / linear.shape[-1]))[..., None, None]
