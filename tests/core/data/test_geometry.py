"""Axis codes, letters and obliquity, against nibabel where it has an answer."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from core.geometry import axis_codes, closest_axes, direction_letters, obliquity, voxel_sizes


def orders() -> list[np.ndarray]:
    out = []
    for p in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            affine = np.eye(4)
            affine[:3, :3] = np.eye(3)[:, list(p)] * np.array(signs) * np.array([1.0, 2.0, 3.0])
            out.append(affine)
    return out


@pytest.mark.parametrize("affine", orders())
def test_the_48_orders_agree_with_nibabel(affine: np.ndarray) -> None:
    from nibabel.orientations import aff2axcodes

    assert axis_codes(affine) == aff2axcodes(affine)
    assert np.allclose(voxel_sizes(affine), [1, 2, 3])
    axes, signs = closest_axes(affine)
    for world in range(3):
        assert np.sign(affine[world, axes[world]]) == signs[world]
    assert obliquity(affine) == pytest.approx(0, abs=1e-6)


def test_oblique_axes_stay_a_permutation() -> None:
    from scipy.spatial.transform import Rotation

    for rotation in Rotation.random(200, random_state=0):
        affine = np.eye(4)
        affine[:3, :3] = rotation.as_matrix()
        axes, _ = closest_axes(affine)
        assert sorted(axes) == [0, 1, 2]


def test_letters() -> None:
    assert direction_letters(np.array([1, 0, 0])) == "R"
    assert direction_letters(np.array([0, -1, 0.1])) == "P"
    assert direction_letters(np.array([-0.9, 0, 0.4])) == "LS"


def test_obliquity_is_the_largest_angle() -> None:
    c, s = np.cos(np.radians(19)), np.sin(np.radians(19))
    affine = np.eye(4)
    affine[:2, :2] = [[c, -s], [s, c]]
    assert obliquity(affine) == pytest.approx(19)
