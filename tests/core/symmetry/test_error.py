"""The equivariance error: nothing for what is equivariant, the right size for what is not, undefined where blind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.data import Attribute, Domain, Graph, Mesh, PointCloud, Table, Transforms, Volume
from core.errors import Cancelled
from core.symmetry import (
    SE,
    SO,
    E,
    Mirror,
    NoActionError,
    O,
    Permutations,
    Reflections,
    Scalings,
    Translations,
    assert_equivariant,
    assert_homomorphism,
    equivariance_error,
    max_difference,
    on_grid,
    real_spherical_harmonics,
    resample,
)


def clouds(count: int = 3, n: int = 20, dtype: Any = np.float64) -> list[PointCloud]:
    rng = np.random.default_rng(11)
    return [PointCloud(rng.standard_normal((n, 3)).astype(dtype) * [1, 2, 3]) for _ in range(count)]


def outward(cloud: PointCloud) -> PointCloud:
    """Points with the vector from the centroid: equivariant under E(3) and permutations."""
    v = cloud.points - cloud.points.mean(axis=0)
    return PointCloud(cloud.points, {"out": Attribute(v, Transforms.VECTOR)})


def test_an_equivariant_model_has_no_error() -> None:
    for group in (SE(3, 10), E(3), Reflections(3, 1.0), Permutations(20), Scalings(3), Mirror((1, 2, 3))):
        result = assert_equivariant(outward, clouds(), group, 1e-6, n=8)
        assert result.defined and result.maximum <= 1e-6 and result.noise == 0 and result.floor <= 1e-6
        assert set(result.parts) == {"out"} and any("passes it on" in note for note in result.notes)
        assert result.errors.shape == (8,) and result.quantiles().shape == (5,)


@pytest.mark.parametrize(
    ("model", "output", "domain", "degree"),
    [
        (lambda c: c.points.var(axis=0).sum(), "scalar", "object", None),
        (lambda c: np.linalg.norm(c.points - c.points.mean(0), axis=1), "scalar", "point", None),
        (lambda c: c.points - c.points.mean(0), "vector", "point", None),
        (lambda c: c.points.mean(0), "point", "object", None),
        (lambda c: np.cov(c.points.T), "tensor", "object", None),
        (
            lambda c: real_spherical_harmonics(3, c.points - c.points.mean(0)),
            "spherical_harmonics",
            "point",
            3,
        ),
        (lambda c: np.linalg.norm(c.points - c.points.mean(0), axis=1) > 2, "label", "point", None),
        (
            lambda c: np.cross(c.points - c.points.mean(0), c.points[0] - c.points.mean(0)),
            "axial_vector",
            "point",
            None,
        ),
        (lambda c: np.sign(np.linalg.det(c.points[:3] - c.points.mean(0))), "pseudoscalar", "object", None),
    ],
    ids=["scalar", "scalars", "vector", "point", "tensor", "harmonics", "label", "axial", "pseudoscalar"],
)
def test_every_kind_of_output(model: Any, output: str, domain: str, degree: int | None) -> None:
    result = equivariance_error(model, clouds(4), E(3), n=12, output=output, domain=domain, degree=degree)
    assert result.defined and result.maximum < 1e-6, str(result)


def test_the_size_of_a_known_error() -> None:
    """f(x) = a·x of unit vectors in the plane is no invariant. Turning by t changes a·x by 2 sin(t/2) cos(…).

    Over a full circle of directions RMS(f(gx) - f(x)) = √2 |sin(t/2)| and the spread is 1/√2, so the error is
    2 |sin(t/2)|.
    """
    phi = np.arange(360) * 2 * np.pi / 360
    ring = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    turns = np.linspace(0.1, np.pi, 7)
    result = equivariance_error(
        lambda x: x[:, 0], ring, SO(2).exp(turns[:, None]), output="scalar", input="point"
    )
    np.testing.assert_allclose(result.errors, 2 * np.sin(turns / 2), rtol=1e-9)
    np.testing.assert_allclose(result.worst.log(), [np.pi])
    assert result.maximum == pytest.approx(2) and result.spreads["output"] == pytest.approx(np.sqrt(0.5))


def test_a_known_error_of_vectors() -> None:
    """f(x) = x + b is off by (A - 1) b in expectation of RMS √2 |b| over Haar A; the spread is that of x."""
    b = np.array([0.3, 0, 0])
    x = np.random.default_rng(0).standard_normal((4000, 3))
    x -= x.mean(axis=0)
    result = equivariance_error(lambda p: p + b, x, SO(3), n=400, output="vector")
    expected = np.sqrt(2) * 0.3 / np.sqrt(3)
    assert np.sqrt((result.errors**2).mean()) == pytest.approx(expected, rel=0.05)
    with pytest.raises(AssertionError, match="worst element"):
        assert_equivariant(lambda p: p + b, x, SO(3), output="vector")


def test_far_translations_do_not_flatter() -> None:
    def model(c: PointCloud) -> PointCloud:
        return PointCloud(c.points * 1.01)

    near = equivariance_error(model, clouds(), Translations(3, 1.0), n=50).mean
    far = equivariance_error(model, clouds(), Translations(3, 100.0), n=50).mean
    assert far == pytest.approx(100 * near, rel=0.3)


@pytest.mark.parametrize(
    ("model", "output"),
    [
        (lambda c: 3.0, "scalar"),
        (lambda c: np.full((20, 4), [1.0, 2, 3, 4]), "scalar"),
        (lambda c: np.arange(20.0), "scalar"),
        (lambda c: np.zeros((20, 3)), "vector"),
        (lambda c: np.array([1.0, 0, 0]), "vector"),
        (lambda c: np.full(20, "cat"), "label"),
        (lambda c: PointCloud(c.points, {"normal": Attribute(np.zeros((20, 3)), Transforms.VECTOR)}), None),
    ],
    ids=["number", "channels", "index", "zero", "constant vector", "one label", "constant attribute"],
)
def test_a_constant_model_is_undefined_never_perfect(model: Any, output: str | None) -> None:
    result = equivariance_error(model, clouds(), SO(3), n=5, output=output)
    assert not result.defined and np.isnan(result.errors).all() and np.isnan(result.mean)
    assert "undefined" in str(result) and result.undefined
    with pytest.raises(AssertionError, match="undefined"):
        assert_equivariant(model, clouds(), SO(3), n=2, output=output)
    with pytest.raises(ValueError):
        _ = result.worst


def test_an_invariant_number_of_one_input_cannot_be_judged() -> None:
    result = equivariance_error(
        lambda c: c.points.var(axis=0).sum(), clouds(1)[0], SO(3), n=4, output="scalar"
    )
    assert not result.defined
    several = equivariance_error(lambda c: c.points.var(axis=0).sum(), clouds(3), SO(3), n=4, output="scalar")
    assert several.defined and several.maximum < 1e-12


def test_noise_of_repeated_runs_stands_beside() -> None:
    rng = np.random.default_rng(5)

    def noisy(c: PointCloud) -> np.ndarray:
        return np.linalg.norm(c.points - c.points.mean(0), axis=1) + 0.1 * rng.standard_normal(20)

    result = equivariance_error(noisy, clouds(), SO(3), n=10, output="scalar")
    assert result.noise == pytest.approx(0.1 * np.sqrt(2) / result.spreads["output"], rel=0.3)
    assert result.mean == pytest.approx(result.noise, rel=0.3)
    pure = equivariance_error(
        lambda c: 1 + 0.1 * rng.standard_normal(20), clouds(), SO(3), n=10, output="scalar"
    )
    assert not pure.defined and "repeated runs" in pure.undefined


def test_labels_give_the_rate_of_disagreement() -> None:
    cloud = clouds(1, 4000)[0]
    result = equivariance_error(
        lambda c: c.points[:, 2] > 0, cloud, SO(3).exp([[np.pi, 0, 0], [0, 0, 1]]), output="label"
    )
    np.testing.assert_allclose(result.errors, [1, 0])
    assert result.spreads["output"] == 1 and result.floor < 1e-3


def test_permutation_equivariant_and_invariant_outputs() -> None:
    group = Permutations(20)
    assert_equivariant(lambda c: c.points[:, 0] ** 2, clouds(), group, 1e-12, output="scalar")
    assert_equivariant(
        lambda c: np.sort(c.points[:, 0]), clouds(), group, 1e-12, output="scalar", domain="object"
    )
    wrong = equivariance_error(lambda c: np.sort(c.points[:, 0]), clouds(), group, output="scalar")
    assert wrong.mean > 0.5
    table = Table({"x": np.random.default_rng(0).standard_normal(20)})
    assert_equivariant(lambda t: Table({"y": t.columns["x"] ** 2}), table, group, 1e-12)


def test_graphs_and_meshes_as_outputs() -> None:
    rng = np.random.default_rng(3)
    graph = Graph(8, np.array([[0, 1], [1, 2], [2, 3], [5, 7]]), positions=rng.standard_normal((8, 3)))

    def degrees(g: Graph) -> Graph:
        d = np.bincount(g.edges.reshape(-1), minlength=8).astype(float)
        return Graph(
            8, g.edges, positions=g.positions, attributes={"degree": Attribute(d, Transforms.SCALAR)}
        )

    assert_equivariant(degrees, graph, Permutations(8), 1e-12)
    mesh = Mesh(rng.standard_normal((4, 3)), np.array([[0, 1, 2], [1, 3, 2]]))

    def normals(m: Mesh) -> Mesh:
        a, b, c = np.moveaxis(m.points[m.faces], 1, 0)
        n = Attribute(np.cross(b - a, c - a), Transforms.VECTOR, Domain.FACE)
        return Mesh(m.points, m.faces, {"n": n})

    # the faces turn over with the mirror, so that cross products of their edges are true vectors
    assert_equivariant(normals, mesh, E(3), 1e-12)
    blind = Mesh(mesh.points, mesh.faces)

    def axial(m: Mesh) -> Mesh:
        n = normals(m).attributes["n"]
        return Mesh(m.points, m.faces, {"n": Attribute(n.values, Transforms.AXIAL_VECTOR, Domain.FACE)})

    assert equivariance_error(axial, blind, Reflections(3)).mean > 1


def test_models_that_read_arrays_get_resampled_volumes() -> None:
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, 24)] * 3, indexing="ij")
    affine = np.diag([2 / 23] * 3 + [1])
    affine[:3, 3] = -1
    volume = Volume(np.exp(-8 * ((i - 0.2) ** 2 + 2 * j**2 + 3 * (k + 0.1) ** 2)), affine, unit="")

    def centre(v: Volume) -> np.ndarray:
        weights = v.array / v.array.sum()
        index = np.stack(
            [(weights * np.moveaxis(np.indices(v.array.shape), 0, -1)[..., m]).sum() for m in range(3)]
        )
        return (v.affine @ np.append(index, 1))[:3]

    moved = Volume(volume.array[::-1], affine, unit="")
    turns = SO(3).sample(4, 1)
    exact = equivariance_error(centre, [volume, moved], turns, output="point", domain="object")
    gridded = equivariance_error(
        centre, [volume, moved], turns, output="point", domain="object", act_input=on_grid(order=1)
    )
    assert exact.maximum < 1e-12 < gridded.maximum < 0.1
    # most of the error is what the round trip of the resampling costs
    assert gridded.floor > gridded.maximum / 10
    assert 0 < resample(volume, turns[0]).floor < 0.2


def test_torch_models_and_arrays() -> None:
    torch = pytest.importorskip("torch")
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    layer = torch.nn.Linear(3, 3)
    good = equivariance_error(lambda p: p / (1 + p.norm(dim=1, keepdim=True)), x, O(3), n=8, output="vector")
    assert good.maximum < 1e-5
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2, 0], [0, 1, 0], [0, 0, -1]]))
    assert equivariance_error(layer, x, O(3), n=8, output="vector").mean > 0.3


@pytest.mark.gpu
def test_torch_models_on_a_gpu() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    x = torch.randn(16, 3, device="cuda")
    assert_equivariant(lambda p: p - p.mean(0), x, SE(3), n=4, output="vector")


def test_what_cannot_be_compared_is_said() -> None:
    cloud = clouds(1)[0]
    with pytest.raises(ValueError, match="say how"):
        equivariance_error(lambda c: c.points, cloud, SO(3))
    with pytest.raises(NoActionError):
        equivariance_error(lambda c: Attribute(c.points), cloud, SO(3))
    with pytest.raises(ValueError, match="has shape"):
        equivariance_error(lambda c: c.points[c.points[:, 0] > 0], cloud, SO(3), output="vector", rng=1)
    with pytest.raises(ValueError, match="no input"):
        equivariance_error(lambda c: c, [], SO(3))
    with pytest.raises(TypeError, match="numbers or labels"):
        equivariance_error(lambda c: object(), cloud, SO(3), output="vector")
    nan = equivariance_error(lambda c: c.points * np.nan, cloud, SO(3), output="vector", n=2)
    assert not nan.defined and "not finite" in nan.undefined


def test_the_same_seed_gives_the_same_errors() -> None:
    a, b = (
        equivariance_error(lambda c: c.points[:, 0], clouds(), SO(3), rng=4, output="scalar")
        for _ in range(2)
    )
    np.testing.assert_array_equal(a.errors, b.errors)


def test_assertions_catch_what_is_wrong() -> None:
    cloud = outward(clouds(1)[0])

    def forgets(g: Any, c: PointCloud) -> PointCloud:
        return PointCloud(c.points @ g.linear, c.attributes)

    with pytest.raises(AssertionError, match=r"\(hg\)·x"):
        assert_homomorphism(cloud, SO(3), action=forgets)
    assert max_difference(cloud, cloud) == 0
    assert max_difference(cloud, PointCloud(cloud.points)) == np.inf
    assert max_difference(cloud.points, cloud.points.astype(np.float32)) == np.inf
    assert max_difference(np.array([1.0, np.nan]), np.array([1.0, 2])) == np.inf


def test_progress_is_reported_and_may_cancel() -> None:
    seen: list[float] = []
    equivariance_error(outward, clouds(2), SO(3), n=5, progress=seen.append)
    np.testing.assert_allclose(seen, np.arange(10) / 10)

    def stop(fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        equivariance_error(outward, clouds(2), SO(3), n=5, progress=stop)
