"""Real spherical harmonics and the representations D^l of O(3)."""

from __future__ import annotations

from math import factorial, sqrt

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss

from core.symmetry import SO, O, real_spherical_harmonics, wigner_d

DEGREES = range(9)


def directions(rng: np.random.Generator, n: int) -> np.ndarray:
    x = rng.standard_normal((n, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("degree", DEGREES)
def test_harmonics_agree_with_scipy(degree: int, rng: np.random.Generator) -> None:
    from scipy.special import lpmv

    x = directions(rng, 50)
    phi = np.arctan2(x[:, 1], x[:, 0])
    ours = real_spherical_harmonics(degree, x)
    for m in range(-degree, degree + 1):
        # scipy carries the Condon-Shortley sign; ours does not
        k = abs(m)
        norm = sqrt((2 * degree + 1) / (4 * np.pi) * factorial(degree - k) / factorial(degree + k))
        legendre = (-1) ** m * norm * lpmv(k, degree, x[:, 2])
        if m:
            legendre = legendre * np.sqrt(2) * (np.cos(m * phi) if m > 0 else np.sin(-m * phi))
        np.testing.assert_allclose(ours[:, degree + m], legendre, atol=1e-12)


def test_harmonics_are_orthonormal() -> None:
    z, w = leggauss(12)
    phi = np.arange(24) * 2 * np.pi / 24
    r = np.sqrt(1 - z**2)
    x = np.stack([np.outer(r, np.cos(phi)), np.outer(r, np.sin(phi)), np.outer(z, np.ones(24))], -1)
    y = np.concatenate([real_spherical_harmonics(degree, x) for degree in DEGREES], -1)
    gram = np.einsum("i,ija,ijb->ab", w, y, y) * 2 * np.pi / 24
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_the_stated_convention() -> None:
    x = np.array([0.1, 0.2, 0.3])
    r = np.linalg.norm(x)
    scale = np.sqrt(3 / (4 * np.pi))
    np.testing.assert_allclose(real_spherical_harmonics(1, x), scale * x[[1, 2, 0]] / r)
    np.testing.assert_allclose(real_spherical_harmonics(1, x, normalize=False), scale * x[[1, 2, 0]])
    np.testing.assert_allclose(
        real_spherical_harmonics(2, x, normalize=False),
        np.sqrt(15 / (4 * np.pi))
        * np.array(
            [
                x[0] * x[1],
                x[1] * x[2],
                (2 * x[2] ** 2 - x[0] ** 2 - x[1] ** 2) / (2 * np.sqrt(3)),
                x[0] * x[2],
                (x[0] ** 2 - x[1] ** 2) / 2,
            ]
        ),
    )
    assert real_spherical_harmonics(2, np.zeros(3)).tolist() == [0] * 5


@pytest.mark.parametrize("degree", DEGREES)
def test_harmonics_of_turned_directions(degree: int, rng: np.random.Generator) -> None:
    a, x = O(3).sample(40, rng).matrix, directions(rng, 40)
    d = wigner_d(degree, a)
    turned = real_spherical_harmonics(degree, (a @ x[..., None])[..., 0])
    expected = (d @ real_spherical_harmonics(degree, x)[..., None])[..., 0]
    np.testing.assert_allclose(turned, expected, atol=1e-12)


@pytest.mark.parametrize("degree", [*DEGREES, 16])
def test_representation(degree: int, rng: np.random.Generator) -> None:
    a, b = O(3).sample((2, 20), rng)
    np.testing.assert_allclose(
        wigner_d(degree, (a @ b).matrix), wigner_d(degree, a.matrix) @ wigner_d(degree, b.matrix), atol=1e-12
    )
    d = wigner_d(degree, a.matrix)
    np.testing.assert_allclose(
        d @ np.swapaxes(d, -1, -2), np.broadcast_to(np.eye(2 * degree + 1), d.shape), atol=1e-12
    )
    np.testing.assert_allclose(wigner_d(degree, -a.matrix), (-1) ** degree * d, atol=1e-13)
    np.testing.assert_allclose(wigner_d(degree, np.eye(3)), np.eye(2 * degree + 1), atol=1e-13)


@pytest.mark.parametrize("degree", [1, 3, 6])
def test_characters(degree: int) -> None:
    """tr D^l = sin((l + ½)t) / sin(t/2) for a rotation by t."""
    t = 0.7
    d = wigner_d(degree, SO(3).exp(t * np.array([2.0, -1, 2]) / 3).matrix)
    assert np.trace(d) == pytest.approx(np.sin((degree + 0.5) * t) / np.sin(t / 2), abs=1e-13)


def test_torch_agrees_and_has_gradients() -> None:
    torch = pytest.importorskip("torch")
    a = SO(3).sample(3, 0)
    for dtype, tolerance in ((torch.float64, 1e-13), (torch.float32, 1e-5)):
        like = torch.zeros(0, dtype=dtype)
        d = wigner_d(4, a.like(like).matrix)
        assert d.dtype is dtype
        np.testing.assert_allclose(d.numpy(), wigner_d(4, a.matrix), atol=tolerance)
    v = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: wigner_d(3, SO(3).exp(x).matrix), (v,))
    x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_(
        True
    )
    assert torch.autograd.gradcheck(lambda p: real_spherical_harmonics(4, p), (x,))


def test_negative_degrees_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        wigner_d(-1, np.eye(3))
    with pytest.raises(ValueError, match="0 or more"):
        real_spherical_harmonics(-1, np.eye(3))
