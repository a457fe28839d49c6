"""Rotations: Haar sampling, exponential and logarithm, quaternions, for any dimension n >= 2.

For n = 2 and 3 a skew matrix Ω satisfies Ω³ = -θ²Ω, so exp and the integral of exp are second-degree
polynomials in Ω (Rodrigues' formula); other n use the matrix exponential and the real Schur form.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from core.symmetry._backend import (
    Array,
    along,
    broadcast,
    concat,
    convert,
    is_torch,
    namespace,
    norm,
    stack,
    to_numpy,
    transposed,
)


@lru_cache(maxsize=16)
def generators(n: int) -> Any:
    """(n(n-1)/2, n, n) basis of the skew matrices.

    n = 3: the cross-product matrices of x, y, z, so that coordinates are a rotation vector; otherwise the
    planes (i, j), i < j, in lexicographic order, each turning axis i towards axis j.
    """
    planes = [(1, 2), (2, 0), (0, 1)] if n == 3 else [(i, j) for i in range(n) for j in range(i + 1, n)]
    basis = np.zeros((len(planes), n, n))
    for k, (i, j) in enumerate(planes):
        basis[k, j, i], basis[k, i, j] = 1.0, -1.0
    basis.flags.writeable = False
    return basis


def hat(v: Array, n: int) -> Array:
    """Coordinates (..., n(n-1)/2) -> skew matrices (..., n, n)."""
    return namespace(v).einsum("...d,dij->...ij", v, convert(generators(n), v))


def vee(omega: Array) -> Array:
    """Skew matrices (..., n, n) -> coordinates (..., n(n-1)/2); the inverse of `hat`."""
    basis = convert(generators(omega.shape[-1]), omega)
    return namespace(omega).einsum("...ij,dij->...d", omega, basis) / 2


def identity(n: int, like: Array) -> Array:
    """The n×n identity in the library, dtype and device of `like`."""
    return convert(np.eye(n), like)


def _coefficients(square: Array) -> tuple[Array, Array, Array, Array]:
    """a, b, c, d of θ² so that exp Ω = I + aΩ + bΩ², ∫exp(sΩ) ds = I + bΩ + cΩ², its inverse I - Ω/2 + dΩ².

    a = sin θ/θ, b = (1 - cos θ)/θ², c = (1 - a)/θ², d = (1 - a/2b)/θ². Series below θ = 0.1: the closed forms
    have no derivative at 0 and cancel near it. The unused branch is kept finite, else torch's gradient is NaN.
    """
    xp = namespace(square)
    small = square < 1e-2
    x = xp.where(small, square, xp.zeros_like(square))
    safe = xp.where(small, xp.ones_like(square), square)
    theta = xp.sqrt(safe)
    a = xp.sin(theta) / theta
    half = xp.sin(theta / 2) / (theta / 2)
    b = half * half / 2
    series = (
        1 - x / 6 * (1 - x / 20 * (1 - x / 42 * (1 - x / 72))),
        (1 - x / 12 * (1 - x / 30 * (1 - x / 56 * (1 - x / 90)))) / 2,
        (1 - x / 20 * (1 - x / 42 * (1 - x / 72 * (1 - x / 110)))) / 6,
        1 / 12 + x / 720 + x**2 / 30240 + x**3 / 1209600 + x**4 / 47900160,
    )
    closed = (a, b, (1 - a) / safe, (1 - a / (2 * b)) / safe)
    picked = [xp.where(small, s, f) for s, f in zip(series, closed, strict=True)]
    return picked[0], picked[1], picked[2], picked[3]


def _square(v: Array) -> Array:
    return (v * v).sum(-1)[..., None, None]


def _expm(matrix: Array) -> Array:
    if is_torch(matrix):
        return namespace(matrix).linalg.matrix_exp(matrix)
    from scipy.linalg import expm

    return np.asarray(expm(matrix))


def exp_rotation(v: Array, n: int) -> Array:
    """Coordinates (..., n(n-1)/2) -> rotation matrices (..., n, n). Differentiable everywhere, also at 0."""
    omega = hat(v, n)
    if n > 3:
        return _expm(omega)
    a, b, _, _ = _coefficients(_square(v))
    return identity(n, v) + a * omega + b * (omega @ omega)


def log_rotation(r: Array) -> Array:
    """Rotation matrices (..., n, n) -> coordinates (..., n(n-1)/2), each plane's angle within [0, π].

    Accurate near 0 and near π for n = 2, 3; at exactly π one of the two equivalent signs is returned. For
    n > 3 the real Schur form is used: same accuracy, one matrix at a time, no gradient.
    """
    n = r.shape[-1]
    if n == 2:
        return namespace(r).arctan2(r[..., 1, 0] - r[..., 0, 1], r[..., 0, 0] + r[..., 1, 1])[..., None]
    if n == 3:
        return _log_quaternion(quaternion_from_rotation(r))
    flat = to_numpy(r).astype(np.float64).reshape(-1, n, n)
    logs = np.array([_log_schur(m) for m in flat]).reshape(r.shape)
    return vee(convert(logs, r))


def _log_quaternion(q: Array) -> Array:
    xp = namespace(q)
    w, u = q[..., :1], q[..., 1:]
    square = (u * u).sum(-1)[..., None]
    small = square < 1e-3
    safe = xp.sqrt(xp.where(small, xp.ones_like(square), square))
    x = xp.where(small, square, xp.zeros_like(square))
    # arcsin(s)/s near 0, where w = √(1 - s²) > 0
    series = 1 + x / 6 + 3 * x**2 / 40 + 5 * x**3 / 112 + 35 * x**4 / 1152
    return 2 * xp.where(small, series, xp.arctan2(safe, w) / safe) * u


def _log_schur(r: Any) -> Any:
    from scipy.linalg import schur

    t, z = schur(r, output="real")
    n = len(r)
    log = np.zeros_like(r)
    half_turns: list[int] = []
    i = 0
    while i < n:
        if i + 1 < n and t[i + 1, i] != 0.0:
            angle = np.arctan2(t[i + 1, i] - t[i, i + 1], t[i, i] + t[i + 1, i + 1])
            log[i + 1, i], log[i, i + 1] = angle, -angle
            i += 2
            continue
        if t[i, i] < 0:
            half_turns.append(i)
        i += 1
    # the -1s of a rotation come in pairs, each pair a half turn
    for a, b in zip(half_turns[::2], half_turns[1::2], strict=False):
        log[b, a], log[a, b] = np.pi, -np.pi
    return z @ log @ z.T


def left_jacobian(v: Array, n: int) -> Array:
    """V = ∫₀¹ exp(s Ω) ds, (..., n, n): a rigid motion's translation is V u for algebra coordinates (v, u)."""
    omega = hat(v, n)
    if n > 3:
        eye = broadcast(identity(n, v), omega.shape)
        top = concat([omega, eye], -1)
        return _expm(concat([top, top * 0], -2))[..., :n, n:]
    _, b, c, _ = _coefficients(_square(v))
    return identity(n, v) + b * omega + c * (omega @ omega)


def left_jacobian_inverse(v: Array, n: int) -> Array:
    """The inverse of `left_jacobian`, stable up to angles just below 2π."""
    if n > 3:
        return namespace(v).linalg.inv(left_jacobian(v, n))
    omega = hat(v, n)
    _, _, _, d = _coefficients(_square(v))
    return identity(n, v) - omega / 2 + d * (omega @ omega)


def quaternion_from_rotation(r: Array) -> Array:
    """(..., 3, 3) -> unit quaternions (..., 4) ordered w, x, y, z with w >= 0.

    R fixes the matrix 4 q qᵀ; its row with the largest diagonal entry is q up to length, so no step divides
    by a small number (Shepperd's choice).
    """
    xp = namespace(r)
    e = [[r[..., i, j] for j in range(3)] for i in range(3)]
    trace = e[0][0] + e[1][1] + e[2][2]
    wx, wy, wz = e[2][1] - e[1][2], e[0][2] - e[2][0], e[1][0] - e[0][1]
    xy, xz, yz = e[0][1] + e[1][0], e[0][2] + e[2][0], e[1][2] + e[2][1]
    diagonal = [1 + trace, *(1 + 2 * e[i][i] - trace for i in range(3))]
    rows = [
        stack([diagonal[0], wx, wy, wz]),
        stack([wx, diagonal[1], xy, xz]),
        stack([wy, xy, diagonal[2], yz]),
        stack([wz, xz, yz, diagonal[3]]),
    ]
    best = xp.argmax(stack(diagonal), -1)[..., None, None]
    outer = stack(rows, -2)
    row = along(outer, broadcast(best, (*best.shape[:-1], 4)), -2)[..., 0, :]
    q = row / norm(row)[..., None]
    return q * xp.where(q[..., :1] < 0, -xp.ones_like(q[..., :1]), xp.ones_like(q[..., :1]))


def rotation_from_quaternion(q: Array) -> Array:
    """Quaternions (..., 4) ordered w, x, y, z, of any length but 0 -> rotation matrices (..., 3, 3)."""
    q = q / norm(q)[..., None]
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    return stack(
        [
            stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]),
            stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]),
            stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]),
        ],
        -2,
    )


def haar_orthogonal(n: int, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Haar-distributed orthogonal matrices: QR of a Gaussian matrix with R's diagonal made positive.

    Reference: F. Mezzadri, How to generate random matrices from the classical compact groups, 2007.
    """
    q, r = np.linalg.qr(rng.standard_normal((*shape, n, n)))
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    return q * np.where(diagonal < 0, -1.0, 1.0)[..., None, :]


def haar_rotation(n: int, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Haar-distributed rotations; n = 2 from an angle, n = 3 from a Gaussian quaternion, other n from QR."""
    if n == 2:
        return exp_rotation(rng.uniform(-np.pi, np.pi, (*shape, 1)), 2)
    if n == 3:
        return rotation_from_quaternion(rng.standard_normal((*shape, 4)))
    q = haar_orthogonal(n, shape, rng)
    q[..., 0] *= np.sign(np.linalg.det(q))[..., None]
    return q


def rotation_angle(r: Array) -> Array:
    """Geodesic length of a rotation: ‖log R‖/√2 (Frobenius), which is the angle in [0, π] for n = 2, 3."""
    return norm(log_rotation(r))


def homogeneous(linear: Array, translation: Array) -> Array:
    """(..., n, n) and (..., n) -> (..., n+1, n+1); built without writing into arrays, so gradients flow."""
    n = linear.shape[-1]
    shape = np.broadcast_shapes(tuple(linear.shape[:-2]), tuple(translation.shape[:-1]))
    top = concat([broadcast(linear, (*shape, n, n)), broadcast(translation, (*shape, n))[..., None]], -1)
    last = broadcast(convert(np.eye(n + 1)[-1:], linear), (*shape, 1, n + 1))
    return concat([top, last], -2)


def inverse_rigid(matrix: Array) -> Array:
    """Inverse of homogeneous isometries (..., n+1, n+1)."""
    turned = transposed(matrix[..., :-1, :-1])
    return homogeneous(turned, -(turned @ matrix[..., :-1, -1:])[..., 0])
