"""Real spherical harmonics and the representations D^l of O(3) on them.

Convention: orthonormal on the unit sphere (∫ Y² = 1), order m = -l … l, z the polar axis, no Condon-Shortley
sign: Y_1 = √(3/4π) (y, z, x). (e3nn orders its coordinates so that Y_1 ∝ (x, y, z): its harmonics of (x, y, z)
are these of (z, x, y).) Y_l(A x) = D^l(A) Y_l(x) for orthogonal A, so D^l(-A) = (-1)^l D^l(A), and a function
Σ c_m Y_lm moved by A has the coefficients D^l(A) c.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial, pi, sqrt
from typing import Any

import numpy as np

from core.symmetry._backend import Array, broadcast, convert, floating, namespace, norm, stack, transposed


def real_spherical_harmonics(degree: int, xyz: Array, *, normalize: bool = True) -> Array:
    """Y_l of the directions `xyz` (..., 3), (..., 2l+1).

    With `normalize=False` the solid harmonics r^l Y_l (polynomials, smooth at 0). A vector of length 0 has no
    direction and gives 0 for l > 0. By the recursion of the associated Legendre functions without their
    factor (1 - z²)^{m/2}, which joins (x + iy)^m; no angle is computed, so the poles are no special case.
    """
    if degree < 0:
        raise ValueError("a degree is 0 or more")
    xyz = floating(xyz)
    xp = namespace(xyz)
    if normalize:
        length = norm(xyz)[..., None]
        xyz = xyz / xp.where(length > 0, length, xp.ones_like(length))
    x, y, z = xyz[..., 0], xyz[..., 1], xyz[..., 2]
    r2 = x * x + y * y + z * z
    one = xp.ones_like(z)
    cos, sin = [one], [0 * one]
    for _ in range(degree):
        cos, sin = [*cos, x * cos[-1] - y * sin[-1]], [*sin, x * sin[-1] + y * cos[-1]]
    values: list[Array] = [one] * (2 * degree + 1)
    for m in range(degree + 1):
        previous, current = 0 * one, one * _double_factorial(2 * m - 1)
        for k in range(m + 1, degree + 1):
            step = ((2 * k - 1) * z * current - (k + m - 1) * r2 * previous) / (k - m)
            previous, current = current, step
        scale = sqrt((2 * degree + 1) / (4 * pi) * factorial(degree - m) / factorial(degree + m))
        if m == 0:
            values[degree] = scale * current
        else:
            values[degree + m] = sqrt(2) * scale * current * cos[m]
            values[degree - m] = sqrt(2) * scale * current * sin[m]
    return stack(values)


def wigner_d(degree: int, linear: Array) -> Array:
    """D^l of orthogonal matrices (..., 3, 3), (..., 2l+1, 2l+1), proper and improper; differentiable.

    D^1 is the matrix itself in the order (y, z, x), and D^l = C (D^1 ⊗ D^{l-1}) Cᵀ, where C embeds degree l in
    the product of degrees 1 and l-1 (Clebsch-Gordan coefficients in the real basis, in closed form). Nothing
    is fitted and no angles are used; rounding errors grow in proportion to l.
    """
    if degree < 0:
        raise ValueError("a degree is 0 or more")
    linear = floating(linear)
    xp = namespace(linear)
    if degree == 0:
        return broadcast(convert(np.ones((1, 1)), linear), (*linear.shape[:-2], 1, 1))
    p = convert(np.eye(3)[[1, 2, 0]], linear)
    first = p @ linear @ transposed(p)
    d = first
    for k in range(2, degree + 1):
        c = convert(_coupling(k), linear)
        size = 2 * k + 1
        half = xp.einsum("mab,...bd->...mad", c, d)
        whole = xp.einsum("...mad,...ac->...mcd", half, first)
        d = whole.reshape(*whole.shape[:-3], size, -1) @ transposed(c.reshape(size, -1))
    return d


def _double_factorial(k: int) -> float:
    return float(np.prod(np.arange(k, 0, -2, dtype=float))) if k > 0 else 1.0


@lru_cache(maxsize=64)
def _to_real(degree: int) -> Any:
    """U with (real harmonics) = U (complex harmonics with the Condon-Shortley sign), both m = -l … l."""
    u = np.zeros((2 * degree + 1, 2 * degree + 1), dtype=complex)
    u[degree, degree] = 1
    for m in range(1, degree + 1):
        sign = (-1) ** m
        u[degree + m, [degree + m, degree - m]] = sign / sqrt(2), 1 / sqrt(2)
        u[degree - m, [degree + m, degree - m]] = -1j * sign / sqrt(2), 1j / sqrt(2)
    return u


@lru_cache(maxsize=64)
def _coupling(degree: int) -> Any:
    """(2l+1, 3, 2l-1) real isometry from degree l into degree 1 ⊗ degree l-1."""
    low = degree - 1
    c = np.zeros((2 * degree + 1, 3, 2 * low + 1))
    # Varshalovich et al., Quantum theory of angular momentum, table 8.2, the stretched case J = j + 1
    for m in range(-degree, degree + 1):
        for a, factor in (
            (1, (degree + m - 1) * (degree + m) / ((2 * degree - 1) * 2 * degree)),
            (0, (degree - m) * (degree + m) / ((2 * degree - 1) * degree)),
            (-1, (degree - m - 1) * (degree - m) / ((2 * degree - 1) * 2 * degree)),
        ):
            if abs(m - a) <= low:
                c[m + degree, a + 1, m - a + low] = sqrt(factor)
    real = np.einsum(
        "mn,nab,ca,db->mcd", _to_real(degree), c, np.conj(_to_real(1)), np.conj(_to_real(low)), optimize=True
    )
    # degree 1 and l-1 couple to l without a phase: the imaginary part is rounding error
    result = np.ascontiguousarray(real.real)
    result.flags.writeable = False
    return result
