"""Surfaces against closed forms, and the numbers of meshes against shapes whose topology is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from core import meshing


def _grid(n: int, affine: np.ndarray) -> np.ndarray:
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
    return index @ affine[:3, :3].T + affine[:3, 3]


def _affine(seed: int, n: int, extent: float, reflect: bool, shear: float = 0.2) -> np.ndarray:
    """A random oblique, sheared matrix, centred on the grid; its determinant negative if `reflect`."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    linear = q @ (np.diag(rng.uniform(0.9, 1.1, 3)) + shear * np.triu(rng.normal(size=(3, 3)) * 0.3, 1))
    if (np.linalg.det(linear) < 0) != reflect:
        linear[:, 0] *= -1
    affine = np.eye(4)
    affine[:3, :3] = linear * (extent / n)
    affine[:3, 3] = -affine[:3, :3] @ np.full(3, (n - 1) / 2)
    return affine


def _ellipsoid_area(a: float, b: float, c: float) -> float:
    """The surface integral by Gauss-Legendre in the height and the trapezoid rule round the axis."""
    u, w = np.polynomial.legendre.leggauss(200)
    phi = (np.arange(400) + 0.5) * (2 * np.pi / 400)
    s = np.sqrt(1 - u**2)[:, None]
    x, y, z = s * np.cos(phi), s * np.sin(phi), u[:, None] + 0 * phi
    density = np.sqrt((b * c * x) ** 2 + (a * c * y) ** 2 + (a * b * z) ** 2)
    return float((w[:, None] * density).sum() * 2 * np.pi / 400)


def test_the_integral_itself() -> None:
    assert _ellipsoid_area(2, 2, 2) == pytest.approx(16 * np.pi)
    # prolate spheroid: 2 pi a^2 (1 + c / (a e) asin e)
    e = np.sqrt(1 - 1 / 9)
    assert _ellipsoid_area(1, 1, 3) == pytest.approx(2 * np.pi * (1 + 3 / e * np.arcsin(e)), rel=1e-9)


@pytest.mark.parametrize("reflect", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("axes", [(10.0, 10.0, 10.0), (12.0, 8.0, 6.0)])
def test_area_and_volume_under_any_affine(axes: tuple[float, ...], seed: int, reflect: bool) -> None:
    errors = []
    for n in (24, 48):
        affine = _affine(seed, n, 36.0, reflect)
        values = 1.0 - np.linalg.norm(_grid(n, affine) / axes, axis=-1)
        surface = meshing.isosurface(values, affine, 0.0)
        area = meshing.areas(*surface).sum()
        volume = meshing.enclosed_volume(*surface)
        exact = 4 / 3 * np.pi * np.prod(axes)
        assert (
            volume > 0
            and meshing.is_closed(surface.faces)
            and meshing.euler_characteristic(surface.faces) == 2
        )
        errors.append((abs(area / _ellipsoid_area(*axes) - 1), abs(volume / exact - 1)))
        outward = (meshing.vertex_normals(*surface) * surface.points / np.array(axes) ** 2).sum(axis=1)
        assert outward.min() > 0
    assert errors[1][0] < 0.006 and errors[1][1] < 0.012
    # second order: halving the step cuts the error to about a quarter
    assert errors[1][0] < 0.4 * errors[0][0] and errors[1][1] < 0.4 * errors[0][1]


def test_torus_two_spheres_and_their_topology() -> None:
    affine = _affine(1, 40, 40.0, True, shear=0.0)
    p = _grid(40, affine)
    torus = 4.0 - np.hypot(np.hypot(p[..., 0], p[..., 1]) - 10.0, p[..., 2])
    surface = meshing.isosurface(torus, affine, 0.0)
    assert meshing.euler_characteristic(surface.faces) == 0
    assert meshing.enclosed_volume(*surface) == pytest.approx(2 * np.pi**2 * 10 * 16, rel=0.02)
    assert meshing.areas(*surface).sum() == pytest.approx(4 * np.pi**2 * 40, rel=0.01)
    two = np.maximum(6 - np.linalg.norm(p - [9, 0, 0], axis=-1), 4 - np.linalg.norm(p - [-9, 0, 0], axis=-1))
    surface = meshing.isosurface(two, affine, 0.0)
    count, part = meshing.components(surface.faces, len(surface.points))
    assert count == 2 and meshing.euler_characteristic(surface.faces) == 4
    large = meshing.keep_faces(*surface, part == 0)
    assert large.points[:, 0].mean() == pytest.approx(9.0, abs=0.1)
    assert meshing.euler_characteristic(large.faces) == 2


def test_a_full_block_is_capped_at_the_outer_voxel_faces() -> None:
    affine = np.diag([2.0, -3.0, 4.0, 1.0])
    block = np.full((5, 6, 7), 10.0)
    block[0, 0, 0] = 1.0
    surface = meshing.isosurface(block, affine, 5.0, cap=True)
    assert meshing.is_closed(surface.faces)
    low, high = surface.points.min(axis=0), surface.points.max(axis=0)
    np.testing.assert_allclose(low, [-1.0, -16.5, -2.0], atol=1e-5)
    np.testing.assert_allclose(high, [9.0, 1.5, 26.0], atol=1e-5)
    exact = 5 * 6 * 7 * 24
    # edges and corners are bevelled
    assert 0.9 * exact < meshing.enclosed_volume(*surface) <= exact
    with pytest.raises(ValueError, match="outside the values"):
        meshing.isosurface(block, affine, 10.5)


def test_a_mask_with_the_level_on_its_values() -> None:
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[2:7, 2:7, 2:7] = 1
    for level in (0.5, 1.0):
        surface = meshing.isosurface(mask, np.eye(4), level)
        assert meshing.euler_characteristic(surface.faces) == 2 and meshing.is_closed(surface.faces)
        assert meshing.areas(*surface).min() > 0
    with pytest.raises(ValueError):
        meshing.isosurface(mask, np.eye(4), 0.0)


def test_nan_counts_as_outside() -> None:
    affine = _affine(0, 24, 30.0, False)
    values = 10.0 - np.linalg.norm(_grid(24, affine), axis=-1)
    holes = np.where(values < -3, np.nan, values)
    a, b = meshing.isosurface(values, affine, 0.0), meshing.isosurface(holes, affine, 0.0)
    np.testing.assert_allclose(a.points, b.points, atol=1e-5)
    with pytest.raises(ValueError, match="no finite value"):
        meshing.isosurface(np.full((3, 3, 3), np.nan), np.eye(4), 0.0)


def test_otsu() -> None:
    assert meshing.otsu(np.array([False, True, True])) == pytest.approx(0.5)
    rng = np.random.default_rng(0)
    two = np.concatenate([rng.normal(10, 1, 5000), rng.normal(50, 2, 5000), [np.nan]])
    assert 15 < meshing.otsu(two) < 43
    for constant in (np.zeros(5), np.full(3, np.nan), np.array([])):
        with pytest.raises(ValueError):
            meshing.otsu(constant)


def test_otsu_agrees_with_brute_force() -> None:
    values = np.random.default_rng(2).integers(0, 256, 3000).astype(float)
    values[0], values[1] = 0, 256
    best = max(
        np.arange(1, 256),
        key=lambda t: (
            (values < t).mean()
            * (values >= t).mean()
            * (values[values < t].mean() - values[values >= t].mean()) ** 2
        ),
    )
    assert meshing.otsu(values) == pytest.approx(best, abs=2.0)


def test_taubin_keeps_the_volume_and_smooths() -> None:
    affine = _affine(3, 32, 32.0, False)
    clean = 10.0 - np.linalg.norm(_grid(32, affine), axis=-1)
    noisy = clean + np.random.default_rng(0).normal(size=clean.shape) * 0.15
    points, faces = meshing.isosurface(noisy, affine, 0.0)
    smooth = meshing.taubin(points, faces, 20)
    rough_before = np.abs(np.linalg.norm(points, axis=1) - 10).mean()
    rough_after = np.abs(np.linalg.norm(smooth, axis=1) - 10).mean()
    assert rough_after < 0.7 * rough_before
    assert meshing.enclosed_volume(smooth, faces) == pytest.approx(4 / 3 * np.pi * 1000, rel=0.02)


def test_empty_and_open_meshes() -> None:
    none = np.zeros((0, 3), np.int32)
    assert meshing.components(none, 0)[0] == 0 and meshing.euler_characteristic(none) == 0
    assert not meshing.is_closed(none)
    assert not meshing.is_closed(np.array([[0, 1, 2]]))
    assert meshing.euler_characteristic(np.array([[0, 1, 2]])) == 1


def test_noise_has_no_holes() -> None:
    noise = np.random.default_rng(0).normal(size=(30, 30, 30))
    capped = meshing.isosurface(noise, np.eye(4), 0.0, cap=True)
    assert meshing.is_closed(capped.faces)
    assert not meshing.is_closed(meshing.isosurface(noise, np.eye(4), 0.0).faces)


def test_a_cube_of_triangles() -> None:
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    assert meshing.enclosed_volume(corners, faces) == pytest.approx(1.0)
    assert meshing.areas(corners, faces).sum() == pytest.approx(6.0)
    assert meshing.euler_characteristic(faces) == 2 and meshing.is_closed(faces)
