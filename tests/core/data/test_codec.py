"""`encode`, `decode` and `content_hash`: nothing is lost, equal content has equal hashes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from core.data import (
    Attribute,
    Checkpoint,
    Domain,
    Graph,
    Image,
    Loaded,
    Markup,
    Mesh,
    NeuralField,
    PointCloud,
    Signal,
    Table,
    TensorInfo,
    Trajectory,
    Transform,
    Transforms,
    Volume,
    bounds,
    content_hash,
    decode,
    encode,
    info,
    kind_of,
)
from core.display import VolumeDisplay, default_display
from core.document import Item, Source
from core.results import Curve, Number, Result

rng = np.random.default_rng(0)
TETRA = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])

OBJECTS: list[Any] = [
    Volume(np.asfortranarray(rng.random((3, 4, 5))), np.diag([1, 2, 3, 1]), value_unit="HU"),
    Volume(rng.integers(0, 9, (2, 3, 4, 5), dtype=np.uint16), np.eye(4), last_axis="time", step=2.5),
    Mesh(
        TETRA,
        FACES,
        {
            "normals": Attribute(TETRA, Transforms.VECTOR, direction=True),
            "area": Attribute(np.ones(4), Transforms.SCALAR, Domain.FACE, unit="mm²"),
            "c": Attribute(np.zeros((4, 5)), Transforms.SPHERICAL_HARMONICS, degree=2),
        },
        unit="mm",
        space="RAS",
    ),
    PointCloud(np.zeros((0, 3))),
    Trajectory(rng.random((4, 5, 3)), np.arange(4.0)),
    Image(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8), (0.5, 0.25), "mm"),
    Graph(3, np.array([[0, 1], [1, 2]]), node_names=("a", "b", "c")),
    NeuralField("siren", {"width": 8}, {"w": np.ones(3)}, np.array([[0, 1]] * 3), "sdf"),
    Checkpoint("/x/y.pt", "torch", (TensorInfo("a.b", (2, 3), "float32", 24),), {"epoch": 3}),
    Signal(rng.random((10, 2)), 100.0, channels=("x", "y")),
    Table({"name": np.array(["a", "ü"]), "x": np.array([1.0, np.nan])}, {"x": "mm"}),
    Markup("plane", [[1, 2, 3]], size=np.array([2.0, 3.0, 0.0]), measurements={"score": 1.0}),
    Transform(np.eye(4)),
    Result(
        {"a": {"b": [1, float("nan")]}},
        (Number("n", 1.0, "mm", 0.1), Curve("c", np.arange(3.0), {"y": np.ones(3)})),
        ("w",),
    ),
    Item(
        "1",
        "brain",
        Volume(np.ones((2, 2, 2)), np.eye(4)),
        display=VolumeDisplay(window=3.0),
        source=Source("/a", "r", options={"k": 1}),
    ),
    Loaded("x", PointCloud(TETRA), ("careful",), {"k": [1, 2]}, None),
]


@pytest.mark.parametrize("value", OBJECTS, ids=lambda v: type(v).__name__)
def test_round_trip(value: Any) -> None:
    tree, arrays = encode(value)
    again = decode(json.loads(json.dumps(tree)), arrays)
    assert type(again) is type(value)
    assert content_hash(again) == content_hash(value)
    assert encode(again)[0] == tree


def test_hash_sees_every_change_and_ignores_memory_order() -> None:
    a = rng.random((3, 4, 5))
    base = Volume(a, np.eye(4))
    assert content_hash(base) == content_hash(Volume(np.asfortranarray(a), np.eye(4)))
    b = a.copy()
    b[0, 0, 0] += 1e-12
    changed = [
        Volume(b, np.eye(4)),
        Volume(a, np.diag([1, 1, 2, 1])),
        Volume(a.astype(np.float32), np.eye(4)),
        Volume(a, np.eye(4), unit="m"),
        Volume(a.reshape(4, 3, 5), np.eye(4)),
    ]
    assert len({content_hash(v) for v in [base, *changed]}) == 6


def test_arrays_are_read_only_and_not_copied() -> None:
    a = rng.random((3, 4, 5))
    volume = Volume(a, np.eye(4))
    assert np.shares_memory(volume.array, a)
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: Volume(np.zeros((2, 2)), np.eye(4)),
        lambda: Volume(np.zeros((2, 2, 2, 2)), np.eye(4)),
        lambda: Volume(np.zeros((2, 2, 2)), np.diag([1, 1, 0, 1])),
        lambda: Volume(np.zeros((2, 2, 2)), np.full((4, 4), np.nan)),
        lambda: Mesh(TETRA, np.array([[0, 1, 4]])),
        lambda: Mesh(TETRA, FACES, {"a": Attribute(np.zeros(3))}),
        lambda: PointCloud(TETRA, {"a": Attribute(np.zeros(4), domain=Domain.FACE)}),
        lambda: Table({"a": np.zeros(2), "b": np.zeros(3)}),
        lambda: Graph(2, np.array([[0, 2]])),
        lambda: Attribute(np.zeros((4, 4)), Transforms.SPHERICAL_HARMONICS, degree=2),
        lambda: Markup("plane", np.zeros((2, 3))),
    ],
)
def test_wrong_shapes_are_refused_where_they_are_made(make: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make()


def test_objects_that_are_no_data_are_refused() -> None:
    with pytest.raises(TypeError):
        encode(object())
    with pytest.raises(TypeError):
        kind_of(object())
    with pytest.raises(ValueError, match="no type"):
        decode({"$type": "os.system"}, [])


def test_info_of_a_volume() -> None:
    affine = np.array([[-2, 0, 0, 10], [0, 0, 3, -5], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    entry = info(Volume(np.zeros((4, 5, 6), np.int16), affine), "v", ("note",))
    assert entry["axis_codes"] == "LSA" and entry["spacing"] == [2, 1, 3] and entry["shape"] == [4, 5, 6]
    # Outer faces: half a voxel beyond the centres of the corner voxels.
    assert entry["bounds"] == [10 - 2 * 3.5, 10 + 1, -5 - 1.5, -5 + 3 * 5.5, -0.5, 4.5]
    assert entry["warnings"] == ["note"] and entry["kind"] == "volume"


def test_bounds_of_a_tilted_plane() -> None:
    c = np.sqrt(0.5)
    axes = np.array([[c, -c, 0], [c, c, 0], [0, 0, 1]]).T
    plane = Markup("plane", [[1, 1, 1]], axes=axes, size=np.array([2.0, 2.0, 0.0]))
    assert np.allclose(bounds(plane), [[1 - 2 * c, 1 + 2 * c]] * 2 + [[1, 1]])


def test_default_display_takes_known_hints_only() -> None:
    display = default_display(Volume(np.ones((2, 2, 2)), np.eye(4)), {"window": 5.0, "nonsense": 1})
    assert isinstance(display, VolumeDisplay) and display.window == 5.0


def test_nothing_keeps_the_arrays_alive() -> None:
    import gc
    import weakref

    gc.disable()
    try:
        array = np.ones(5)
        alive = weakref.ref(array)
        encode({"a": [array]})
        decode({"$array": 0}, [array])
        del array
        assert alive() is None, "encode or decode left a reference cycle"
    finally:
        gc.enable()


def test_dates_byte_orders_and_odd_text_have_hashes() -> None:
    days = Table({"day": np.array(["2020-01-01", "2020-01-02"], "M8[D]")})
    other = Table({"day": np.array(["2020-01-01", "2020-01-03"], "M8[D]")})
    assert content_hash(days) != content_hash(other)
    assert content_hash(np.arange(3, dtype=">i4")) != content_hash(np.arange(1, 4, dtype=">i4"))
    assert content_hash({"name": "\udcff"}) != content_hash({"name": "\udcfe"})
    for value in (2**64, -(2**63) - 1, 2**63, "\udcff", {"\udcff": {"$x": "\udc80"}}):
        tree, arrays = encode(value)
        json.dumps(tree, ensure_ascii=False).encode()
        assert decode(tree, arrays) == value
    with pytest.raises(TypeError, match="named fields"):
        encode(np.zeros(3, [("a", "f4")]))


def test_bounds_of_points_that_are_not_finite() -> None:
    points = np.array([[0, 1, 2], [np.nan, 9, 9], [3, 4, 5], [np.inf, 0, 0]])
    assert np.array_equal(bounds(PointCloud(points)), [[0, 3], [1, 4], [2, 5]])
    assert bounds(PointCloud(np.full((3, 3), np.nan))) is None
    assert info(PointCloud(np.full((3, 3), np.nan)))["bounds"] is None
