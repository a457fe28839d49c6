"""`act` on every type of data and every kind of attribute: a left action that means what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import (
    Attribute,
    Checkpoint,
    Domain,
    Graph,
    Image,
    Markup,
    MarkupKind,
    Mesh,
    NeuralField,
    PointCloud,
    Signal,
    Table,
    Trajectory,
    Transform,
    Transforms,
    Volume,
)
from core.symmetry import (
    SE,
    SO,
    Affine,
    E,
    Group,
    Mirror,
    NoActionError,
    O,
    Permutations,
    Reflections,
    Scalings,
    Translations,
    act,
    act_array,
    act_known,
    act_points,
    as_element,
    assert_homomorphism,
    max_difference,
    mirror_plane,
    mirrored,
    reflection,
    register_action,
    resample,
)

N = 6
SPATIAL = [
    Translations(3),
    SO(3),
    O(3),
    SE(3),
    E(3),
    Scalings(3),
    Mirror((1, 2, 2), (0.1, 0.2, 0)),
    Reflections(3, 1.0),
]


def attributes(
    rng: np.random.Generator, dtype: Any, n: int = N, domain: Domain = Domain.POINT
) -> dict[str, Attribute]:
    def some(*shape: int) -> np.ndarray:
        return rng.standard_normal((n, *shape)).astype(dtype)

    kinds = {
        "density": (some(), Transforms.SCALAR),
        "colour": (some(3), Transforms.SCALAR),
        "chirality": (some(), Transforms.PSEUDOSCALAR),
        "velocity": (some(3), Transforms.VECTOR),
        "channels": (some(2, 3), Transforms.VECTOR),
        "spin": (some(3), Transforms.AXIAL_VECTOR),
        "stress": (some(3, 3), Transforms.TENSOR),
        "name": (np.array(list("abcdefgh")[:n]), Transforms.LABEL),
        "count": (rng.integers(0, 9, n), Transforms.SCALAR),
    }
    out = {key: Attribute(values, kind, domain) for key, (values, kind) in kinds.items()}
    for degree in (0, 1, 2, 4):
        out[f"Y{degree}"] = Attribute(
            some(2 * degree + 1), Transforms.SPHERICAL_HARMONICS, domain, degree=degree
        )
    out["normal"] = Attribute(some(3), Transforms.VECTOR, domain, direction=True)
    out["axis"] = Attribute(some(3), Transforms.AXIAL_VECTOR, domain, direction=True)
    out["total"] = Attribute(rng.standard_normal(3).astype(dtype), Transforms.VECTOR, Domain.OBJECT)
    return out


def samples(dtype: Any = np.float64) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((N, 3)).astype(dtype)
    faces = np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [4, 3, 5]])
    per_face = {f"face {k}": v for k, v in attributes(rng, dtype, 4, Domain.FACE).items()}
    per_edge = {f"edge {k}": v for k, v in attributes(rng, dtype, 3, Domain.EDGE).items()}
    per_point = attributes(rng, dtype)
    affine = np.eye(4)
    affine[:3] = rng.standard_normal((3, 4))
    moves = rng.standard_normal((5, N, 3)).astype(dtype)
    edges = np.array([[0, 1], [4, 2], [2, 5]])
    box = np.linalg.qr(rng.standard_normal((3, 3)))[0]

    def voxels(*channels: int) -> np.ndarray:
        return rng.standard_normal((2, 3, 4, *channels)).astype(dtype)

    return {
        "mesh": Mesh(points, faces, per_point | per_face, unit="mm"),
        "cloud": PointCloud(points, per_point),
        "empty cloud": PointCloud(np.zeros((0, 3), dtype)),
        "trajectory": Trajectory(
            moves, np.arange(5), per_point | {"path": Attribute(np.moveaxis(moves, 0, 1), Transforms.VECTOR)}
        ),
        "graph": Graph(
            N, edges, positions=points, attributes=per_point | per_edge, node_names=tuple("abcdef")
        ),
        "volume": Volume(voxels(), affine),
        "series": Volume(voxels(5), affine, "time"),
        "pseudoscalar volume": Volume(voxels(), affine, transforms=Transforms.PSEUDOSCALAR),
        "vector volume": Volume(voxels(3), affine, "channel", Transforms.VECTOR),
        "axial volume": Volume(voxels(3), affine, "channel", Transforms.AXIAL_VECTOR),
        "tensor volume": Volume(voxels(9), affine, "channel", Transforms.TENSOR),
        "harmonic volume": Volume(voxels(9), affine, "channel", Transforms.SPHERICAL_HARMONICS),
        "label volume": Volume(rng.integers(0, 4, (2, 3, 4)), affine, transforms=Transforms.LABEL),
        "points": Markup(MarkupKind.POINTS, rng.standard_normal((N, 3)), labels=tuple("abcdef")),
        "curve": Markup(MarkupKind.CURVE, rng.standard_normal((4, 3))),
        "plane": Markup(MarkupKind.PLANE, rng.standard_normal(3), box, np.array([3.0, 2, 0])),
        "box": Markup(MarkupKind.BOX, rng.standard_normal(3), box, np.array([3.0, 2, 1])),
        "transform": Transform(affine),
        "attribute": per_point["velocity"],
    }


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("group", SPATIAL, ids=lambda g: g.name)
@pytest.mark.parametrize("kind", samples())
def test_act_is_a_left_action(kind: str, group: Any, dtype: Any) -> None:
    assert_homomorphism(samples(dtype)[kind], group, tolerance=1e-10 if dtype is np.float64 else 1e-5)


@pytest.mark.parametrize("group", [Affine(3), Scalings(3, per_axis=True)], ids=lambda g: g.name)
def test_act_is_a_left_action_of_affine_maps(group: Group) -> None:
    for name, data in samples().items():
        if name in ("plane", "box", "harmonic volume"):
            with pytest.raises(NoActionError):
                act(group.sample((), 0), data)
            continue
        if hasattr(data, "attributes"):
            kept = {
                k: a for k, a in data.attributes.items() if a.transforms != Transforms.SPHERICAL_HARMONICS
            }
            fields = {k: getattr(data, k) for k in type(data).__dataclass_fields__}
            data = type(data)(**fields | {"attributes": kept})
        assert_homomorphism(data, group, tolerance=1e-9)


@pytest.mark.parametrize(
    "kind", ["mesh", "cloud", "trajectory", "graph", "points", "attribute", "table", "signal"]
)
def test_permutations_act(kind: str) -> None:
    more = {
        "table": Table({"x": np.arange(N), "name": np.array(list("abcdef"))}, {"x": "mm"}),
        "signal": Signal(np.random.default_rng(0).standard_normal((3, N)), channels=tuple("abcdef")),
    }
    assert_homomorphism((samples() | more)[kind], Permutations(N), n=8)


def test_permutations_relabel_consistently() -> None:
    p = Permutations(N).element([3, 4, 0, 5, 1, 2])
    data = samples()
    mesh, moved = data["mesh"], act(p, data["mesh"])
    np.testing.assert_array_equal(moved.points[p.data], mesh.points)
    np.testing.assert_array_equal(moved.points[moved.faces], mesh.points[mesh.faces])
    np.testing.assert_array_equal(moved.attributes["name"].values[p.data], mesh.attributes["name"].values)
    assert moved.attributes["face name"] is mesh.attributes["face name"]
    graph, moved = data["graph"], act(p, data["graph"])
    np.testing.assert_array_equal(moved.positions[moved.edges], graph.positions[graph.edges])
    names = np.array(graph.node_names)
    np.testing.assert_array_equal(np.array(moved.node_names)[moved.edges], names[graph.edges])
    # unknown values only change places, so nothing need be known of them
    act(p, PointCloud(mesh.points, {"x": Attribute(np.arange(N))}))
    with pytest.raises(ValueError, match="acts on 5 things"):
        act(Permutations(5).identity(), mesh)


@pytest.mark.parametrize(
    ("group", "data"),
    [
        (SE(3), Image(np.zeros((3, 3)))),
        (Translations(2), Image(np.zeros((3, 3)))),
        (SE(3), Signal(np.zeros((4, 2)))),
        (SE(3), Table({"x": np.arange(3)})),
        (SE(3), Checkpoint("a.pt", "torch", ())),
        (SE(3), NeuralField("siren", {}, {}, np.array([[0, 1]] * 3), "sdf")),
        (SE(3), Graph(2, np.array([[0, 1]]))),
        (SE(2), PointCloud(np.zeros((2, 3)))),
        (SE(3), Transform(np.eye(4), "a", "b")),
        (Permutations(4), Markup(MarkupKind.CURVE, np.zeros((4, 3)))),
        (Permutations(24), Volume(np.zeros((2, 3, 4)), np.eye(4))),
        (SO(3), Volume(np.zeros((2, 2, 2, 6)), np.eye(4), "channel", Transforms.TENSOR)),
        (SO(3), Volume(np.zeros((2, 2, 2)), np.eye(4), transforms=Transforms.VECTOR)),
        (SO(3), np.zeros((4, 3))),
        (SO(3), object()),
    ],
    ids=lambda v: v.name if hasattr(v, "sample") else type(v).__name__,
)
def test_a_type_without_an_action_raises_one_sentence(group: Group, data: Any) -> None:
    with pytest.raises(TypeError) as caught:
        act(group.sample((), 0), data)
    assert isinstance(caught.value, NoActionError)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_unknown_values_are_never_moved_silently() -> None:
    g = SO(3).sample((), 0)
    cloud = PointCloud(np.eye(3), {"flow": Attribute(np.eye(3))})
    with pytest.raises(NoActionError, match="'flow'"):
        act(g, cloud)
    assert act(g, cloud, unknown="keep").attributes["flow"] is cloud.attributes["flow"]
    told = act(g, cloud, transforms={"flow": "vector"}).attributes["flow"]
    np.testing.assert_allclose(told.values, g.matrix.T, atol=1e-15)
    assert told.transforms is Transforms.VECTOR
    volume = Volume(np.zeros((2, 2, 2)), np.eye(4), transforms=Transforms.UNKNOWN)
    with pytest.raises(NoActionError):
        act(g, volume)
    assert np.shares_memory(act(g, volume, unknown="keep").array, volume.array)
    assert act(g, volume, transforms={"values": "scalar"}).transforms is Transforms.SCALAR
    with pytest.raises(NoActionError):
        act_array(g, np.eye(3), "unknown")
    scored = Markup(MarkupKind.PLANE, np.zeros(3), measurements={"error": 0.1})
    with pytest.raises(NoActionError, match="measurements"):
        act(Scalings(3).element([2.0]), scored)
    assert act(g, scored).measurements == {"error": 0.1}


def test_axial_vectors_and_pseudoscalars_are_what_physics_says() -> None:
    """Angular momentum r × p, and the volume r · (p × q), computed before and after each map."""
    rng = np.random.default_rng(1)
    r, p, q = rng.standard_normal((3, N, 3))
    for group in (O(3), Scalings(3), Affine(3), Reflections(3)):
        for g in group.sample(5, 2):
            moved = [act_array(g, v, "vector") for v in (r, p, q)]
            np.testing.assert_allclose(
                act_array(g, np.cross(r, p), "axial_vector"), np.cross(moved[0], moved[1]), atol=1e-12
            )
            sign = np.sign(np.linalg.det(np.stack([r, p, q], 1)))
            np.testing.assert_array_equal(
                act_array(g, sign, "pseudoscalar"), np.sign(np.linalg.det(np.stack(moved, 1)))
            )
            np.testing.assert_allclose(
                act_array(g, r[:, :, None] * p[:, None, :], "tensor"),
                moved[0][:, :, None] * moved[1][:, None, :],
                atol=1e-12,
            )


def test_axial_mirror_by_hand() -> None:
    mirror = reflection(np.zeros(3), np.array([1.0, 0, 0]))
    assert act_array(mirror, np.array([1.0, 2, 3]), "axial_vector").tolist() == [1, -2, -3]
    assert act_array(mirror, np.array([1.0, 2, 3]), "vector").tolist() == [-1, 2, 3]
    assert act_array(mirror, np.array(0.5), "pseudoscalar") == -0.5


def _tetrahedron() -> Mesh:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    return Mesh(points, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))


def _volume(mesh: Mesh) -> float:
    a, b, c = np.moveaxis(mesh.points[mesh.faces], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_meshes_stay_outside_out() -> None:
    mesh = _tetrahedron()
    a, b, c = np.moveaxis(mesh.points[mesh.faces], 1, 0)
    mesh = Mesh(
        mesh.points,
        mesh.faces,
        {"n": Attribute(np.cross(b - a, c - a), Transforms.VECTOR, Domain.FACE, direction=True)},
    )
    mirror = reflection([1, 0, 0], [1, 2, 3])
    for group in (E(3), Reflections(3, 1.0), Affine(3), Scalings(3, True)):
        sampled = group.sample(6, 3)
        for g in (*sampled, *(mirror @ sampled)):
            moved = act(g, mesh)
            assert _volume(moved) == pytest.approx(abs(np.linalg.det(g.linear)) / 6)
            a, b, c = np.moveaxis(moved.points[moved.faces], 1, 0)
            outward, said = np.cross(b - a, c - a), moved.attributes["n"].values
            cosine = np.einsum("ij,ij->i", outward, said) / np.linalg.norm(outward, axis=1)
            np.testing.assert_allclose(
                cosine, np.linalg.norm(mesh.attributes["n"].values, axis=1), rtol=1e-10
            )


def test_the_place_of_a_voxel_moves_as_g() -> None:
    volume = samples()["volume"]
    for g in E(3, 10.0).sample(5, 4):
        moved = act(g, volume)
        index = np.array([1, 2, 3, 1])
        np.testing.assert_allclose(
            (moved.affine @ index)[:3], act_points(g, (volume.affine @ index)[:3]), atol=1e-12
        )
        assert np.shares_memory(moved.array, volume.array)


def test_planes_keep_their_points_normal_and_handedness() -> None:
    plane = samples()["plane"]
    for g in E(3).sample(6, 5):
        moved = act(g, plane)
        np.testing.assert_allclose(np.linalg.det(moved.axes), np.linalg.det(plane.axes))
        np.testing.assert_allclose(moved.axes[:, 2], g.linear @ plane.axes[:, 2], atol=1e-12)
        np.testing.assert_allclose(moved.size, plane.size)
    grown = act(Scalings(3).element([2.0]), plane)
    np.testing.assert_allclose(grown.size, 2 * plane.size)
    np.testing.assert_allclose(grown.axes, plane.axes)


def test_transforms_are_conjugated() -> None:
    t, g = Transform(as_element(SE(3).sample((), 0).data).data), E(3).sample((), 1)
    x = np.array([1.0, 2, 3])
    moved = act(g, t)
    np.testing.assert_allclose(
        act_points(as_element(moved.matrix), act_points(g, x)),
        act_points(g, act_points(as_element(t.matrix), x)),
        atol=1e-12,
    )
    assert max_difference(act(t, samples()["cloud"]), act(t.matrix, samples()["cloud"])) == 0


def test_a_batch_is_refused_where_one_element_is_meant() -> None:
    with pytest.raises(ValueError, match="one element at a time"):
        act(SO(3).sample(2, 0), _tetrahedron())


def test_arrays_in_batches(like: Any, rng: np.random.Generator) -> None:
    g = E(3).sample((2, 4), 6, like=like)
    tolerance = 1e-5 if "32" in str(like.dtype) else 1e-13

    def host(x: Any) -> np.ndarray:
        return x.detach().cpu().numpy() if hasattr(x, "detach") else np.asarray(x)

    def here(x: np.ndarray) -> Any:
        if isinstance(like, np.ndarray):
            return x.astype(like.dtype)
        import torch

        return torch.tensor(x, dtype=like.dtype, device=like.device)

    x = rng.standard_normal((5, 3))
    moved = act_points(g, here(x))
    assert tuple(moved.shape) == (2, 4, 5, 3) and moved.dtype == like.dtype
    exact = np.einsum("abij,nj->abni", host(g.linear), x) + host(g.translation)[:, :, None]
    np.testing.assert_allclose(host(moved), exact, atol=tolerance * 10)
    np.testing.assert_allclose(
        host(act_points(g, here(exact), paired=True)), host(act_points(g @ g, here(x))), atol=tolerance * 50
    )
    for kind, shape in (
        ("vector", (5, 3)),
        ("axial_vector", (5, 2, 3)),
        ("tensor", (3, 3)),
        ("pseudoscalar", (5,)),
        ("scalar", ()),
        ("spherical_harmonics", (7, 5)),
    ):
        v = rng.standard_normal(shape)
        batch = act_array(g, here(v), kind)
        assert tuple(batch.shape) == (2, 4, *shape) and batch.dtype == like.dtype
        np.testing.assert_allclose(
            host(batch[1, 2]), host(act_array(g[1, 2], here(v), kind)), atol=tolerance * 10
        )
        np.testing.assert_allclose(
            host(act_array(g, batch, kind, paired=True)),
            host(act_array(g @ g, here(v), kind)),
            atol=tolerance * 50,
        )
    p = Permutations(5).sample((2, 4), 7, like=like)
    moved = act_points(p, here(x))
    np.testing.assert_array_equal(host(moved[1, 3])[host(p[1, 3].data)], host(here(x)))
    np.testing.assert_array_equal(host(act_points(p, moved, paired=True)), host(act_points(p @ p, here(x))))
    np.testing.assert_array_equal(host(act_array(p, here(x), "vector")), host(moved))
    np.testing.assert_array_equal(
        host(act_array(p, moved, "vector", paired=True)), host(act_points(p @ p, here(x)))
    )
    assert tuple(act_array(p, here(x), "scalar", domain="object").shape) == (2, 4, 5, 3)


def test_gradients_flow_through_actions() -> None:
    torch = pytest.importorskip("torch")
    v = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64, requires_grad=True)
    x = torch.ones(4, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda w: act_points(SO(3).exp(w), x), (v,))
    # a NumPy array follows a tensor's element into torch
    act_points(SO(3).exp(v), np.ones((4, 3))).sum().backward()
    assert v.grad is not None


def test_shapes_that_do_not_fit_are_refused() -> None:
    g = SO(3).sample(2, 0)
    with pytest.raises(NoActionError, match="2-dimensional"):
        act_points(g, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="pair"):
        act_points(g, np.zeros((3, 3)), paired=True)
    with pytest.raises(ValueError, match="last axis"):
        act_array(g, np.zeros((3, 4)), "spherical_harmonics", degree=2)
    with pytest.raises(ValueError, match="axes"):
        act_array(g, np.zeros(3), "tensor")
    with pytest.raises(NoActionError, match="uniform scalings"):
        act_array(Scalings(3, True).element([1.0, 2, 3]), np.zeros(5), "spherical_harmonics")
    np.testing.assert_allclose(
        act_array(Scalings(3).element([2.0]), np.arange(5.0), "spherical_harmonics"), np.arange(5.0)
    )


def test_mirrors_come_back_from_their_maps(like: Any) -> None:
    rng = np.random.default_rng(8)
    point, normal = rng.standard_normal((2, 20, 3))
    g = reflection(point, normal).like(like)
    back_point, back_normal = mirror_plane(g, 1e-4)
    host = [x if isinstance(x, np.ndarray) else x.cpu().numpy() for x in (back_point, back_normal)]
    unit = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    np.testing.assert_allclose(np.abs((host[1] * unit).sum(1)), 1, atol=1e-6)
    np.testing.assert_allclose(((host[0] - point) * unit).sum(1), 0, atol=1e-5)
    again = reflection(back_point, back_normal)
    assert type(again.data) is type(like) and again.data.dtype == like.dtype
    x = rng.standard_normal((5, 3))
    np.testing.assert_allclose(
        mirrored(x, point[0], normal[0]), act_points(reflection(point[0], normal[0]), x), atol=1e-12
    )
    np.testing.assert_allclose(mirrored(mirrored(x, point[0], normal[0]), point[0], normal[0]), x, atol=1e-12)


def test_what_is_no_mirror_has_no_plane() -> None:
    mirror, slide = reflection([0, 0, 0], [1, 0, 0]), Translations(3).element([0.0, 1.0, 0.0])
    for g in (SO(3).sample((), 0), E(3).identity(), mirror @ slide, O(3).element(-np.eye(3))):
        with pytest.raises(ValueError, match="not a reflection"):
            mirror_plane(g)
    with pytest.raises(ValueError, match="must not be zero"):
        reflection([0, 0, 0], [0, 0, 0])
    both = reflection([0, 0, 0], [1, 0, 0]) @ reflection([2, 0, 0], [1, 0, 0])
    np.testing.assert_allclose(both.translation, [-4, 0, 0])


def _ball(n: int = 32) -> Volume:
    i, j, k = np.meshgrid(*[np.arange(n) - (n - 1) / 2] * 3, indexing="ij")
    array = np.exp(-((i - 3) ** 2 + 2 * j**2 + 3 * k**2) / 60)
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = -1.5 * (n - 1) / 2
    return Volume(array, affine)


def test_resampling_moves_the_values_and_states_its_floor() -> None:
    volume = _ball()
    quarter = SO(3).exp(np.array([0, 0, np.pi / 2]))
    exact = resample(volume, quarter)
    np.testing.assert_allclose(exact.volume.array, np.rot90(volume.array, 1), atol=1e-12)
    np.testing.assert_array_equal(exact.volume.affine, volume.affine)
    assert exact.floor < 1e-10
    turn = SO(3).exp(np.array([0.2, -0.1, 0.3]))
    linear, cubic = resample(volume, turn), resample(volume, turn, order=3)
    assert 1e-3 < linear.floor < 0.1 and cubic.floor < linear.floor / 5
    assert 0.5 < linear.inside < 1
    centre = np.linalg.inv(volume.affine) @ np.append(turn.matrix @ np.array([4.5, 0, 0]), 1)
    peak = np.unravel_index(cubic.volume.array.argmax(), cubic.volume.array.shape)
    assert np.abs(np.array(peak) - centre[:3]).max() < 1
    away = resample(volume, Translations(3).element([1000.0, 0, 0]))
    assert np.isnan(away.floor) and away.inside == 0 and not away.volume.array.any()


def test_resampled_labels_stay_labels_and_vectors_turn() -> None:
    volume = _ball(12)
    turn = SO(3).exp(np.array([0, 0, 0.3]))
    labels = Volume((volume.array > 0.3).astype(np.uint8) * 7, volume.affine, transforms=Transforms.LABEL)
    moved = resample(labels, turn, order=3)
    assert set(np.unique(moved.volume.array)) == {0, 7} and moved.volume.array.dtype == np.uint8
    assert 0 <= moved.floor < 0.2
    vectors = Volume(np.tile([1.0, 0, 0], (5, 5, 5, 1)), np.eye(4), "channel", Transforms.VECTOR)
    inner = resample(vectors, SO(3).exp(np.array([0, 0, np.pi / 2]))).volume.array
    # the voxel at the origin stays, its vector turns
    np.testing.assert_allclose(inner[0, 0, 0], [0, 1, 0], atol=1e-12)
    moved = resample(vectors, Translations(3).element([-2.0, 0, 0]) @ SO(3).exp(np.array([np.pi / 2, 0, 0])))
    assert moved.volume.array.shape == (5, 5, 5, 3)


def test_further_types_can_be_given_an_action() -> None:
    class Arrow:
        def __init__(self, tip: np.ndarray) -> None:
            self.tip = tip

    register_action(Arrow, lambda a, g, rule: Arrow(act_points(g, a.tip)))
    assert act(Translations(3).element([1.0, 0, 0]), Arrow(np.zeros(3))).tip.tolist() == [1, 0, 0]


def test_importing_symmetry_is_light() -> None:
    code = (
        "import sys, core.symmetry; "
        "heavy = {'torch', 'scipy', 'plugins', 'app', 'PySide6', 'vtkmodules', 'sklearn', 'skimage'}; "
        "print(sorted(heavy & {m.split('.')[0] for m in sys.modules}))"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_known_is_moved_and_the_rest_is_named() -> None:
    """Axial vectors and harmonics go along with a mirrored mesh as `act` moves them; unknown values stay behind."""
    rng = np.random.default_rng(3)
    faces = np.array([[0, 1, 2], [2, 3, 4]])
    known = {
        "spin": Attribute(rng.normal(size=(5, 3)), Transforms.AXIAL_VECTOR),
        "field": Attribute(rng.normal(size=(5, 5)), Transforms.SPHERICAL_HARMONICS, degree=2),
        "normal": Attribute(rng.normal(size=(2, 3)), Transforms.VECTOR, Domain.FACE, direction=True),
    }
    mesh = Mesh(
        rng.normal(size=(5, 3)).astype(np.float32), faces, attributes={**known, "?": Attribute(np.ones(5))}
    )
    g = reflection(np.array([0.3, -1.0, 2.0]), np.array([1.0, 2.0, 0.5]))
    moved, left = act_known(g, mesh)
    wanted = act(g, Mesh(np.asarray(mesh.points, np.float64), faces, attributes=known))
    assert left == ("?",) and moved.points.dtype == np.float64
    assert max_difference(moved, wanted) < 1e-12
