"""Property tests as functions: our own tests use them, plugins and users may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.data._codec import encode
from core.symmetry._action import act
from core.symmetry._backend import convert, eps, is_floating, to_numpy
from core.symmetry._discrete import Reflections
from core.symmetry._error import EquivarianceError, equivariance_error
from core.symmetry._group import Elements, Group, SpatialGroup


def assert_group_laws(
    group: Group,
    *,
    n: int = 16,
    rng: np.random.Generator | int = 0,
    like: Any = None,
    tolerance: float | None = None,
) -> None:
    """Check closure, associativity, identity, inverse, matrices, and exp∘log on random elements.

    `like` chooses library, dtype and device; `tolerance` defaults to 1000 rounding units of the dtype, relative
    to the size of the numbers compared.

    Raises
    ------
    AssertionError : a law fails; the message names it and the figure.
    TypeError : `group` is a set that is not closed, such as `Reflections`.
    """
    if not isinstance(group, Group):
        raise TypeError(f"{getattr(group, 'name', group)} is not a group")
    rng = np.random.default_rng(rng)
    a, b, c = (group.sample(n, rng, like=like) for _ in range(3))
    one = group.identity(n, like=like)
    if tolerance is None:
        tolerance = 1000 * (eps(a.data) if is_floating(a.data) else 0.0)

    def same(law: str, left: Elements, right: Elements) -> None:
        _close(f"{group.name}: {law}", left.data, right.data, tolerance)

    if (a @ b).data.dtype != a.data.dtype or a.inverse().data.dtype != a.data.dtype:
        raise AssertionError(f"{group.name}: composition or inversion changes the dtype")
    same("g·1 = g", a @ one, a)
    same("1·g = g", one @ a, a)
    same("g·g⁻¹ = 1", a @ a.inverse(), one)
    same("g⁻¹·g = 1", a.inverse() @ a, one)
    same("(gh)k = g(hk)", (a @ b) @ c, a @ (b @ c))
    same("(gh)⁻¹ = h⁻¹g⁻¹", (a @ b).inverse(), b.inverse() @ a.inverse())
    _close(f"{group.name}: matrix(gh) = matrix(g) matrix(h)", (a @ b).matrix, a.matrix @ b.matrix, tolerance)
    group.element((a @ b).data)
    if isinstance(group, SpatialGroup):
        _close(f"{group.name}: maps", (a @ b).homogeneous, a.homogeneous @ b.homogeneous, tolerance)
    if group.algebra:
        # log only exists in the identity's component
        inside = a if group.connected else group.exp(convert(rng.uniform(-1, 1, (n, group.algebra)), a.data))
        same("exp(log g) = g", group.exp(inside.log()), inside)
        same("exp(0) = 1", group.exp(0 * inside.log()), one)


def assert_homomorphism(
    data: Any,
    group: Group | Reflections,
    *,
    action: Callable[[Elements, Any], Any] = act,
    n: int = 4,
    rng: np.random.Generator | int = 0,
    tolerance: float = 1e-10,
) -> None:
    """Check that `action` is a left action on `data`: 1·x = x, (gh)·x = g·(h·x), g⁻¹·(g·x) = x.

    `tolerance` is relative to the largest number of each array. Raises `AssertionError` with law and figure.
    """
    rng = np.random.default_rng(rng)
    name = f"{group.name} on {type(data).__name__}"
    if isinstance(group, Group):
        _alike(f"{name}: 1·x = x", action(group.identity(), data), data, tolerance)
    for g, h in zip(group.sample(n, rng), group.sample(n, rng), strict=True):
        there = action(g, data)
        _alike(f"{name}: (hg)·x = h·(g·x)", action(h @ g, data), action(h, there), tolerance)
        _alike(f"{name}: g⁻¹·(g·x) = x", action(g.inverse(), there), data, tolerance)


def assert_equivariant(
    model: Callable[[Any], Any],
    data: Any,
    group: Group | Reflections | Elements,
    tol: float = 1e-5,
    **options: Any,
) -> EquivarianceError:
    """Check that `equivariance_error(model, data, group, **options)` stays below `tol`, and return it.

    Raises
    ------
    AssertionError : an error above `tol`, or none can be stated; the message gives the worst element.
    """
    result = equivariance_error(model, data, group, **options)
    if not result.defined:
        raise AssertionError(str(result))
    if not result.maximum <= tol:
        raise AssertionError(
            f"not equivariant to {tol:g}: {result}; worst element:\n{to_numpy(result.worst.matrix)}"
        )
    return result


def max_difference(a: Any, b: Any) -> float:
    """Largest difference between two data objects or arrays, relative to the largest number of its array.

    Infinite where they differ in structure, shape, dtype, whole numbers or text.
    """
    (tree_a, arrays_a), (tree_b, arrays_b) = _taken_apart(a), _taken_apart(b)
    if tree_a != tree_b or len(arrays_a) != len(arrays_b):
        return float("inf")
    return max((_gap(x, y) for x, y in zip(arrays_a, arrays_b, strict=True)), default=0.0)


def _taken_apart(value: Any) -> tuple[Any, list[Any]]:
    if type(value).__module__.split(".")[0] == "torch":
        value = to_numpy(value)
    tree, arrays = encode(value)
    return tree, arrays


def _gap(a: Any, b: Any) -> float:
    if a.shape != b.shape or a.dtype != b.dtype:
        return float("inf")
    if a.dtype.kind not in "fc":
        return 0.0 if np.array_equal(a, b) else float("inf")
    if not a.size:
        return 0.0
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return float("inf")
    a, b = np.nan_to_num(a).astype(np.complex128), np.nan_to_num(b).astype(np.complex128)
    size = max(float(np.abs(a).max()), float(np.abs(b).max()))
    return float(np.abs(a - b).max()) / size if size else 0.0


def _alike(law: str, a: Any, b: Any, tolerance: float) -> None:
    gap = max_difference(a, b)
    if not gap <= tolerance:
        raise AssertionError(f"{law} fails by {gap:.3g} (tolerance {tolerance:g})")


def _close(law: str, a: Any, b: Any, tolerance: float) -> None:
    a, b = to_numpy(a).astype(np.float64), to_numpy(b).astype(np.float64)
    size = max(1.0, float(np.abs(b).max(initial=0.0)))
    gap = float(np.abs(a - b).max(initial=0.0)) / size
    if a.shape != b.shape or not gap <= tolerance:
        raise AssertionError(f"{law} fails by {gap:.3g} (tolerance {tolerance:g})")
