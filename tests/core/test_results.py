"""What results say of their rows and of the objects they stand for; older hashes stay what they were."""

from __future__ import annotations

import numpy as np
import pytest

from core.data import Table, content_hash, decode, encode
from core.results import Curve, Heatmap, Histogram, ResultTable, Scatter
from core.targets import Target, layer, parse, place, point, tensor

X = np.arange(3.0)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (layer("Mirror: plane 1"), Target(layer="Mirror: plane 1")),
        (tensor(1, "conv.0:weight"), Target(input=1, tensor="conv.0:weight")),
        (point(0, 17), Target(input=0, point=17)),
        (place(1.5, -2, 1e-3), Target(place=(1.5, -2.0, 1e-3))),
        ("input:2", Target(input=2)),
        ("", None),
        ("input:x:point:1", None),
        ("input:0:voxel:1", None),
        ("at:1,2", None),
        ("elsewhere:1", None),
    ],
)
def test_targets_are_read_as_written(text: str, target: Target | None) -> None:
    assert parse(text) == target


def test_fields_that_came_later_change_no_older_hash() -> None:
    plain = Scatter("s", X, X)
    tree, _ = encode(plain)
    assert not {"targets", "table", "rows"} & tree.keys()
    assert content_hash(plain) != content_hash(Scatter("s", X, X, table="T"))
    assert "ys_error" not in encode(Curve("c", X, {"a": X}))[0]
    # As records of the first version have them.
    assert content_hash(plain).startswith("f3768b3be13d24c0")
    old = Histogram("h", np.arange(3.0), np.array([1, 2]))
    assert content_hash(old).startswith("a0190a7d8e6f3390")


@pytest.mark.parametrize(
    "output",
    [
        Scatter("s", X, X, targets=("layer:a", "", ""), table="T", rows=np.array([2, -1, 0])),
        Curve("c", X, {"a": X}, ys_error={"a": X}, table="T", rows=np.array([2, 1, 0])),
        Heatmap("h", np.eye(3), table="T"),
        Histogram("h", np.arange(4.0), X, table="T", column="x"),
        ResultTable("T", Table({"x": X}), ("layer:a", "", "")),
    ],
    ids=lambda o: type(o).__name__,
)
def test_links_survive_the_way_between_processes(output: object) -> None:
    back = decode(*encode(output))
    assert content_hash(back) == content_hash(output)
    for name in ("targets", "column"):
        assert getattr(back, name, None) == getattr(output, name, None)


def test_links_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry a point"):
        Scatter("s", X, X, targets=("layer:a",))
    with pytest.raises(ValueError, match="one entry a sample"):
        Curve("c", X, {"a": X}, table="T", rows=np.array([1]))
    with pytest.raises(ValueError, match="belongs to no line"):
        Curve("c", X, {"a": X}, ys_error={"b": X})
