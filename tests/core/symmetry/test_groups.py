"""Group laws, Haar measure, exponential and logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from core.data import Attribute, PointCloud, Transforms
from core.symmetry import (
    SE,
    SO,
    Affine,
    E,
    Elements,
    Group,
    Mirror,
    O,
    Permutations,
    Reflections,
    Scalings,
    SpatialGroup,
    Translations,
    angle,
    as_element,
    assert_group_laws,
    assert_homomorphism,
    concatenated,
    quaternion_from_rotation,
    rotation_from_quaternion,
)

GROUPS: list[Group] = [
    *(kind(n) for n in (2, 3) for kind in (Translations, SO, O, SE, E, Scalings, Affine)),
    *(kind(4) for kind in (Translations, SO, O, SE, E, Scalings)),
    SO(5),
    Scalings(2, per_axis=True),
    Scalings(3, per_axis=True),
    Permutations(1),
    Permutations(7),
    Mirror((1, 2, 2), (3, 0, 1)),
    Mirror((1, -1)),
]


def numpy(x: Any) -> np.ndarray:
    return x if isinstance(x, np.ndarray) else x.detach().cpu().numpy()


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_group_laws(group: Group, like: Any) -> None:
    assert_group_laws(group, like=like)


def test_laws_fail_where_they_do_not_hold() -> None:
    class Wrong(SO):
        def _compose(self, a: Any, b: Any) -> Any:
            return a @ b @ a

    with pytest.raises(AssertionError, match="fails by"):
        assert_group_laws(Wrong(3))
    with pytest.raises(TypeError, match="not a group"):
        assert_group_laws(Reflections(3))  # type: ignore[arg-type]


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_samples_keep_library_dtype_and_shape(group: Group, like: Any) -> None:
    g = group.sample((2, 3), 0, like=like)
    assert g.shape == (2, 3) and type(g.data) is type(like)
    if not isinstance(group, Permutations):
        assert g.data.dtype == like.dtype
        assert g.inverse().compose(g).data.dtype == like.dtype
    np.testing.assert_allclose(numpy(g.data), group.sample((2, 3), 0).data, rtol=1e-6, atol=1e-6)
    assert group.sample((), 0).shape == () and len(group.sample(5, 0)) == 5
    assert group.sample(4, 0)[1:3].shape == (2,)
    assert [h.shape for h in group.sample(2, 0)] == [(), ()]


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", [SO, O])
def test_haar_moments(kind: Any, n: int) -> None:
    """E[R] = 0; E[R_ij R_kl] = δ_ik δ_jl / n, hence E[(tr R)²] = 1 (n > 2; SO(2) has 2)."""
    count = 40_000
    r = kind(n).sample(count, 1).matrix
    sigma = 1 / np.sqrt(count)
    assert np.abs(r.mean(axis=0)).max() < 5 * sigma
    trace = np.trace(r, axis1=1, axis2=2)
    expected = 2.0 if (kind, n) == (SO, 2) else 1.0
    assert abs((trace**2).mean() - expected) < 6 * (trace**2).std() * sigma
    second = np.einsum("bij,bkl->ijkl", r, r) / count
    if (kind, n) != (SO, 2):
        eye = np.eye(n)
        assert np.abs(second - np.einsum("ik,jl->ijkl", eye, eye) / n).max() < 6 * sigma
    det = np.linalg.det(r)
    if kind is SO:
        np.testing.assert_allclose(det, 1, atol=1e-12)
    else:
        assert abs((det > 0).mean() - 0.5) < 5 * sigma


@pytest.mark.parametrize("group", [SO(3), O(3)], ids=lambda g: g.name)
def test_haar_angle_density(group: Group) -> None:
    """The angle of a Haar rotation of space has the density (1 - cos t)/π on [0, π]."""
    t = angle(group.sample(20_000, 2))
    assert kstest(t, lambda x: (x - np.sin(x)) / np.pi).pvalue > 0.01
    # the test has the power to tell: the angle is not uniform
    assert kstest(t, "uniform", args=(0, np.pi)).pvalue < 1e-6


def test_haar_of_the_plane_is_uniform() -> None:
    t = SO(2).sample(20_000, 3).log()[:, 0]
    assert kstest(t, "uniform", args=(-np.pi, 2 * np.pi)).pvalue > 0.01


def test_permutations_are_uniform() -> None:
    p = Permutations(3).sample(12_000, 4).data
    _, counts = np.unique(p, axis=0, return_counts=True)
    assert len(counts) == 6 and np.abs(counts - 2000).max() < 5 * np.sqrt(2000)


def test_bounded_laws_are_as_stated() -> None:
    t = SE(3, scale=7.0).sample(20_000, 5).translation
    assert abs(t.std() - 7) < 0.1 and np.abs(t.mean(axis=0)).max() < 0.25
    s = np.log(Scalings(3, limit=4.0).sample(20_000, 6).data[:, 0])
    assert kstest(s, "uniform", args=(-np.log(4), 2 * np.log(4))).pvalue > 0.01
    normal = Reflections(3, scale=2.0).sample(20_000, 7)
    assert not normal.proper.any() and normal.group == E(3)


ANGLES = [0.0, 1e-300, 1e-12, 1e-7, 1e-4, 0.03, 0.0999, 0.1001, 1.0, 3.0]
ANGLES += [np.pi - 1e-3, np.pi - 1e-7, np.pi - 1e-12]


@pytest.mark.parametrize("t", ANGLES)
@pytest.mark.parametrize("n", [2, 3, 4])
def test_log_undoes_exp(t: float, n: int, like: Any, rng: np.random.Generator) -> None:
    single = "32" in str(like.dtype)
    if single and np.pi - t < 1e-5:
        pytest.skip("this angle is π in float32")
    group, motions = SO(n), SE(n)
    count = 50 if n < 4 else 6
    # n = 4: one plane only, as the generic turn has two angles
    axis = rng.standard_normal((count, group.algebra)) if n < 4 else np.eye(6)
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    v = t * axis
    tolerance = (3e-6 if single else 1e-14) * (20 if n == 4 else 4)
    g = group.exp(np.asarray(v) if not hasattr(like, "device") else v).like(like)
    np.testing.assert_allclose(numpy(g.log()), v, atol=tolerance)
    np.testing.assert_allclose(numpy(angle(g)), t, atol=tolerance)
    full = np.concatenate([v, rng.standard_normal((count, n))], axis=1)
    m = motions.exp(full).like(like)
    np.testing.assert_allclose(numpy(m.log()), full, atol=10 * tolerance)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_log_at_a_half_turn_is_a_log(n: int, rng: np.random.Generator) -> None:
    for axis in (*np.eye(SO(n).algebra), rng.standard_normal(SO(n).algebra)):
        if n > 3 and np.count_nonzero(axis) > 1:
            continue
        v = np.pi * axis / np.linalg.norm(axis)
        g = SO(n).exp(v)
        np.testing.assert_allclose(np.abs(g.log() @ v), np.pi**2, rtol=1e-12)
        np.testing.assert_allclose(SO(n).exp(g.log()).data, g.data, atol=1e-14)
    if n >= 4:
        # -1 in two planes at once
        g = SO(n).element(np.diag([-1.0] * 4 + [1.0] * (n - 4)))
        np.testing.assert_allclose(SO(n).exp(g.log()).data, g.data, atol=1e-14)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-20, 20), min_size=6, max_size=6))
def test_exp_is_a_rigid_motion_and_log_returns_it(v: list[float]) -> None:
    g = SE(3).element(SE(3).exp(np.array(v)).data)
    np.testing.assert_allclose(SE(3).exp(g.log()).data, g.data, atol=1e-11)
    # one-parameter subgroup: exp(v) = exp(v/2)²
    half = SE(3).exp(np.array(v) / 2)
    np.testing.assert_allclose((half @ half).data, g.data, atol=1e-11)


@settings(max_examples=60, deadline=None)
@given(st.permutations(list(range(6))), st.permutations(list(range(6))))
def test_permutations_compose_as_maps(a: list[int], b: list[int]) -> None:
    group = Permutations(6)
    product = group.element(a) @ group.element(b)
    assert product.data.tolist() == [a[b[i]] for i in range(6)]
    np.testing.assert_array_equal(product.matrix, group.element(a).matrix @ group.element(b).matrix)


def test_quaternions_agree_with_rotations(like: Any) -> None:
    r = SO(3).sample(200, 8, like=like).matrix
    q = quaternion_from_rotation(r)
    assert (numpy(q)[:, 0] >= 0).all()
    np.testing.assert_allclose(numpy(rotation_from_quaternion(q)), numpy(r), atol=2e-6)


@pytest.mark.parametrize("n", [2, 3])
def test_exp_and_log_are_differentiable_also_at_the_identity(n: int) -> None:
    torch = pytest.importorskip("torch")
    group = SE(n)
    for scale in (0.0, 1e-3, 0.09, 1.0, 3.0):
        v = torch.zeros(2, group.algebra, dtype=torch.float64)
        v[:, 0] = scale
        v[:, -1] = 0.5
        v.requires_grad_(True)
        assert torch.autograd.gradcheck(lambda x: group.exp(x).data, (v,))
        assert torch.autograd.gradcheck(
            lambda x: group.exp(x).inverse().compose(group.exp(2 * x)).log(), (v,)
        )


def test_elements_of_different_groups_compose_in_the_smallest_that_holds_both() -> None:
    so, o, t, s = (
        SO(3).sample((), 0),
        O(3).sample(8, 0),
        Translations(3).sample((), 1),
        Scalings(3).sample((), 2),
    )
    assert (so @ t).group == SE(3) and (t @ o).group == E(3) and (so @ o).group == O(3)
    assert (s @ so).group == Affine(3) and (Mirror((1, 0, 0)).elements() @ t).group == E(3)
    x = np.array([1.0, 2.0, 3.0])
    turned_then_moved = (t @ so).homogeneous @ np.append(x, 1)
    np.testing.assert_allclose(turned_then_moved[:3], so.matrix @ x + t.data, atol=1e-14)
    with pytest.raises(TypeError, match="do not compose"):
        so @ SO(2).sample((), 0)
    with pytest.raises(TypeError, match="do not compose"):
        so @ Permutations(3).sample((), 0)
    assert SE(3).embed(so).group == SE(3)
    with pytest.raises(ValueError, match="not one of SO"):
        SO(3).embed(SE(3).sample((), 0))
    with pytest.raises(ValueError, match="determinant"):
        SO(3).embed(O(3).element(-np.eye(3)))


def test_broadcasting_of_batches() -> None:
    a, b = SE(3).sample((4, 1), 0), SE(3).sample(5, 1)
    assert (a @ b).shape == (4, 5)
    np.testing.assert_allclose((a @ b)[2, 3].data, a[2, 0].data @ b[3].data)
    p, q = Permutations(4).sample((4, 1), 0), Permutations(4).sample(5, 1)
    np.testing.assert_array_equal((p @ q)[2, 3].data, p[2, 0].data[q[3].data])
    assert concatenated([SO(3).sample(2, 0), SO(3).identity()]).shape == (3,)


def test_what_is_no_element_is_refused() -> None:
    for group, bad in [
        (SO(3), np.diag([1.0, 1.0, 1.1])),
        (SO(3), -np.eye(3)),
        (O(3), np.full((3, 3), np.nan)),
        (SO(3), np.eye(2)),
        (SE(3), np.vstack([np.eye(4)[:3], [0, 0, 1, 1]])),
        (Scalings(3), np.array([-1.0])),
        (Permutations(3), np.array([0, 0, 1])),
        (Permutations(3), np.array([0.5, 1, 2])),
        (Mirror((1, 0, 0)), np.diag([1.0, -1, 1, 1])),
        (Affine(3), np.diag([1.0, 0, 1, 1])),
    ]:
        with pytest.raises(ValueError):
            group.element(bad)
    with pytest.raises(ValueError, match="no logarithm"):
        O(3).element(-np.eye(3)).log()
    with pytest.raises(TypeError, match="discrete"):
        Permutations(3).identity().log()
    with pytest.raises(TypeError, match="discrete"):
        Mirror((1, 0, 0)).exp(np.zeros(0))
    with pytest.raises(TypeError, match="does not act on space"):
        _ = Permutations(3).identity().linear


def test_matrices_find_their_group() -> None:
    assert as_element(SE(3).sample((), 0).data).group == SE(3)
    assert as_element(E(3).element(np.diag([1.0, 1, -1, 1])).data).group == E(3)
    assert as_element(np.diag([2.0, 2, 2, 1])).group == Affine(3)
    with pytest.raises(ValueError, match="singular"):
        as_element(np.diag([0.0, 1, 1, 1]))


def test_angles_and_distances() -> None:
    turn = SO(3).exp(np.array([0.0, 0.0, 0.4]))
    assert angle(turn) == pytest.approx(0.4)
    assert angle(O(3).element(-turn.matrix)) == pytest.approx(0.4)
    assert np.isnan(angle(O(2).element(np.diag([1.0, -1.0]))))
    assert O(3).identity().distance(O(3).element(-np.eye(3))) == np.inf
    a, b, c = SE(3, scale=2.0).sample((3, 10), 0)
    np.testing.assert_allclose((c @ a).distance(c @ b), a.distance(b), atol=1e-7)
    assert Permutations(4).identity().distance(Permutations(4).element([1, 0, 2, 3])) == 0.5
    assert Scalings(3).element([2.0]).distance(Scalings(3).element([0.5])) == pytest.approx(np.log(4))


def test_near_the_identity() -> None:
    g = SE(3).sample_near(2000, 0, 0.01)
    assert isinstance(g, Elements) and 0.012 < angle(g).mean() < 0.02


@dataclass(frozen=True)
class Shears(SpatialGroup):
    """x -> x + s y ex: a one-parameter flow, as a plugin would add it."""

    n: int = 3

    @property
    def algebra(self) -> int:
        return 1

    @property
    def core_shape(self) -> tuple[int, ...]:
        return (1,)

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        return rng.standard_normal((*shape, 1))

    def _identity(self) -> Any:
        return np.zeros(1)

    def _compose(self, a: Any, b: Any) -> Any:
        return a + b

    def _inverse(self, a: Any) -> Any:
        return -a

    def _linear(self, a: Any) -> Any:
        step = np.zeros((3, 3))
        step[0, 1] = 1
        return np.eye(3) + a[..., None] * step

    def _matrix(self, a: Any) -> Any:
        return self._linear(a)

    def _from_affine(self, linear: Any, translation: Any) -> Any:
        return linear[..., 0, 1:2]

    def _distance(self, a: Any, b: Any) -> Any:
        return abs(a - b)[..., 0]

    def _exp(self, v: Any) -> Any:
        return v

    def _log(self, a: Any) -> Any:
        return a


def test_a_new_group_is_a_short_class_and_acts_at_once() -> None:
    assert_group_laws(Shears())
    assert_homomorphism(PointCloud(np.eye(3), {"v": Attribute(np.eye(3), Transforms.VECTOR)}), Shears())
    assert (Shears().sample((), 0) @ SO(3).sample((), 0)).group == Affine(3)
    with pytest.raises(ValueError, match="not one of Shears"):
        Shears().embed(SO(3).sample((), 0))


def test_numpy_elements_follow_tensors_into_torch() -> None:
    torch = pytest.importorskip("torch")
    a, b = SO(3).sample(2, 0), SE(3).sample(2, 1)
    like = torch.zeros(0, dtype=torch.float64)
    np.testing.assert_allclose((a @ b.like(like)).data.numpy(), (a @ b).data, atol=1e-14)
    np.testing.assert_allclose((a.like(like) @ b).data.numpy(), (a @ b).data, atol=1e-14)
