"""What a model is called with, and what may come back: every layout, and a sentence for what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.bridge import Contract, ModelError, arrays_of, predicted
from core.data import Attribute, Domain, Mesh, PointCloud, Transforms, Volume
from core.errors import UserError

RNG = np.random.default_rng(3)
N, M = 5, 4
POINTS = RNG.standard_normal((N, 3))
FACES = np.array([[0, 1, 2], [1, 2, 3], [2, 3, 4], [0, 3, 4]])
NORMALS = Attribute(RNG.standard_normal((N, 3)), Transforms.VECTOR)
CHARGE = Attribute(np.arange(N), Transforms.SCALAR)
MASS = Attribute(np.array([2.0]), Transforms.SCALAR, Domain.OBJECT)
MESH = Mesh(POINTS, FACES, {"normals": NORMALS, "charge": CHARGE, "mass": MASS}, "mm", "RAS")
CLOUD = PointCloud(POINTS)
VOLUME = Volume(RNG.random((2, 3, 4)), np.diag([2.0, 2, 2, 1]))


def back(values: Any, data: Any = CLOUD, how: Any = Transforms.VECTOR, **contract: Any) -> Any:
    outputs = values if isinstance(values, dict) else {"": np.asarray(values)}
    return predicted(outputs, data, Contract(how, **contract), [])


@pytest.mark.parametrize(
    ("layout", "shapes"),
    [
        ("plain", [(N, 3), (M, 3), (N, 3), (N,), (1,)]),
        ("batch", [(1, N, 3), (1, M, 3), (1, N, 3), (1, N), (1,)]),
        ("channels_first", [(1, 3, N), (1, M, 3), (1, 3, N), (1, 1, N), (1,)]),
    ],
)
def test_points_faces_and_attributes_are_laid_out(layout: Any, shapes: list[tuple[int, ...]]) -> None:
    contract = Contract(layout=layout, faces=True, attributes=("normals", "charge", "mass"))
    arrays = arrays_of(MESH, contract)
    assert [a.shape for a in arrays] == shapes
    assert [a.dtype for a in arrays] == [np.float32, np.int64, np.float32, np.int64, np.float32]
    first = arrays[0][0].T if layout == "channels_first" else arrays[0].reshape(N, 3)
    np.testing.assert_array_equal(first, POINTS.astype(np.float32))
    assert arrays_of(MESH, Contract(precision="float64"))[0].dtype == np.float64


def test_volumes_are_laid_out_and_come_back() -> None:
    for layout, shape in (("plain", (2, 3, 4)), ("batch", (1, 2, 3, 4)), ("channels_first", (1, 1, 2, 3, 4))):
        contract = Contract(Transforms.LABEL, layout=layout)  # type: ignore[arg-type]
        (array,) = arrays_of(VOLUME, contract)
        assert array.shape == shape
        made = predicted({"": array > 0.5}, VOLUME, contract, [])
        assert isinstance(made, Volume) and made.transforms is Transforms.LABEL
        np.testing.assert_array_equal(made.array, VOLUME.array.astype(np.float32) > 0.5)
        np.testing.assert_array_equal(made.affine, VOLUME.affine)
    field = RNG.random((1, 3, 2, 3, 4))
    made = back(field, VOLUME, layout="channels_first")
    assert made.array.shape == (2, 3, 4, 3) and made.last_axis == "channel"
    np.testing.assert_array_equal(made.array, np.moveaxis(field[0], 0, -1))
    assert back(np.float32(3), VOLUME, Transforms.SCALAR).domain is Domain.OBJECT
    assert back([1.0, 2, 3], VOLUME, "point").points.shape == (1, 3)
    with pytest.raises(UserError, match="three axes"):
        arrays_of(Volume(np.zeros((2, 2, 2, 2)), np.eye(4), "time"), Contract())
    with pytest.raises(ModelError, match=r"shape \(2, 2\); labels of this volume would be \(2, 3, 4\)"):
        back(np.zeros((2, 2)), VOLUME, Transforms.LABEL)


@pytest.mark.parametrize(
    ("how", "degree", "value"),
    [
        (Transforms.SCALAR, None, ()),
        (Transforms.PSEUDOSCALAR, None, ()),
        (Transforms.VECTOR, None, (3,)),
        (Transforms.AXIAL_VECTOR, None, (3,)),
        (Transforms.TENSOR, None, (3, 3)),
        (Transforms.SPHERICAL_HARMONICS, 2, (5,)),
    ],
)
def test_every_kind_belongs_to_what_its_shape_says(how: Any, degree: Any, value: tuple[int, ...]) -> None:
    for domain, lead in ((Domain.POINT, (N,)), (Domain.FACE, (M,)), (Domain.OBJECT, ())):
        values = RNG.random((*lead, *value))
        made = back(values, MESH, how, degree=degree)
        assert made.domain is domain and made.transforms is how and made.degree == degree
        np.testing.assert_array_equal(made.values, values)
    values = RNG.random((1, N, *value))
    assert back(values, MESH, how, degree=degree, layout="batch").values.shape == (N, *value)
    flat = np.moveaxis(values[0].reshape(N, -1), 0, -1)[None]
    made = back(flat, MESH, how, degree=degree, layout="channels_first")
    np.testing.assert_array_equal(made.values.reshape(values[0].shape), values[0])


def test_a_domain_that_is_said_counts() -> None:
    three = PointCloud(POINTS[:3])
    assert back(np.ones(3), three).domain is Domain.OBJECT  # one vector, not three numbers
    assert back(np.ones(3), three, Transforms.SCALAR).domain is Domain.POINT
    with pytest.raises(ModelError, match=r"shape \(5,\); scalars of 5 points would be \(\)"):
        back(np.ones(N), CLOUD, Transforms.SCALAR, domain=Domain.OBJECT)


def test_positions_are_an_object_of_their_own() -> None:
    made = back(POINTS + 1, MESH, "point")
    assert isinstance(made, Mesh) and made.unit == "mm" and not made.attributes
    np.testing.assert_array_equal(made.points, POINTS + 1)
    assert back([1.0, 2, 3], MESH, "point").points.shape == (1, 3)


def test_labels_are_whole_or_the_largest_of_scores() -> None:
    notes: list[str] = []
    scores = RNG.random((N, 7))
    made = predicted({"": scores}, CLOUD, Contract(Transforms.LABEL), notes)
    np.testing.assert_array_equal(made.values, scores.argmax(axis=1))  # type: ignore[union-attr]
    assert notes == ["The model returned 7 scores each; the label is the largest of them."]
    assert back([1.0, 2, 0, 0, 5], CLOUD, Transforms.LABEL).values.dtype == np.int32
    for bad in ([0.5] * N, [np.nan] * N):
        with pytest.raises(ModelError, match="not whole where labels were promised"):
            back(bad, CLOUD, Transforms.LABEL)


def test_numbers_that_are_not_finite_are_told() -> None:
    notes: list[str] = []
    values = np.array([[np.nan, 0, np.inf]] * N)
    made = predicted({"": values}, CLOUD, Contract(), notes)
    assert isinstance(made, Attribute) and notes == ["10 of 15 predicted numbers are not finite."]


def test_one_of_several_arrays_is_taken_by_name() -> None:
    both = {"force": POINTS, "energy": np.array(1.0)}
    assert back(both, CLOUD, name="force").domain is Domain.POINT
    assert back(both, CLOUD, Transforms.SCALAR, name="energy").domain is Domain.OBJECT
    with pytest.raises(ModelError, match=r"returned 2 arrays \('force', 'energy'\)"):
        back(both, CLOUD)
    with pytest.raises(ModelError, match="returned 0 arrays"):
        back({}, CLOUD)


@pytest.mark.parametrize("shape", [(N, 2), (N - 1, 3), (), (N, 3, 1), (0,), (2, N, 3)])
def test_a_wrong_shape_is_refused_with_both(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ModelError, match=r"returned an array of shape .*; vectors of 5 points would be \(5, 3\) or \(3,\)\.$"
    ):
        back(np.zeros(shape))


def test_what_cannot_be_handed_over_is_refused() -> None:
    with pytest.raises(UserError, match="no attribute 'spin' to hand over; it has normals, charge, mass"):
        arrays_of(MESH, Contract(attributes=("spin",)))
    with pytest.raises(UserError, match="no triangles to hand over"):
        arrays_of(CLOUD, Contract(faces=True))
    words = PointCloud(POINTS, {"names": Attribute(np.array(list("abcde")), Transforms.LABEL)})
    with pytest.raises(UserError, match="consists of texts"):
        arrays_of(words, Contract(attributes=("names",)))
    with pytest.raises(UserError, match="A point cloud has no faces"):
        back(np.zeros(N), CLOUD, Transforms.SCALAR, domain=Domain.FACE)
    with pytest.raises(UserError, match="need their degree"):
        Contract(Transforms.SPHERICAL_HARMONICS)
