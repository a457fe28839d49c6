"""Models as contributions: configuration, building, predictions with their transforms, weights that say what they are."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from core.checkpoints import open_checkpoint, read_tensors
from core.data import Domain, Transforms
from core.errors import ReadError, UserError
from core.models import Weights, build, describe_model, save_weights, weights_of
from core.plugins import PluginHost
from core.symmetry import O

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> PluginHost:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "example_plugin"))
    sys.modules.pop("equiscope_example", None)
    return PluginHost(folders=[ROOT / "tests" / "example_plugin"])


def test_configuration_is_described_and_checked(host: PluginHost) -> None:
    (power,) = describe_model(host, "example.centroid").parameters
    assert (power.name, power.type, power.default) == ("power", "float", 0.0)
    with pytest.raises(UserError, match="power is a number"):
        build(host, "example.centroid", {"power": "high"})


def test_prediction_says_how_it_transforms_and_is_equivariant_as_claimed(host: PluginHost) -> None:
    model = build(host, "example.centroid", {"power": 1.5})
    assert model.group == "O(3)" and model.config == {"power": 1.5}
    points = np.random.default_rng(0).random((30, 3))
    for matrix in O(3).sample(8, rng=np.random.default_rng(1)).matrix:
        moved = points @ matrix[:3, :3].T
        there = model(moved)["centroid"]
        here = model(points)["centroid"].values
        assert np.allclose(there.values, matrix[:3, :3] @ here, atol=1e-10)
        assert there.transforms is Transforms.VECTOR and there.domain is Domain.OBJECT


def test_a_model_that_predicts_something_else_is_refused(host: PluginHost) -> None:
    from dataclasses import replace

    model = replace(build(host, "example.centroid"), function=lambda points: {"other": points})
    with pytest.raises(UserError, match="predicted other where its manifest says centroid"):
        model(np.zeros((2, 3)))


def test_weights_say_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights = Weights("example.centroid", {"power": 2.0}, {"seed": 3, "epochs": 50}, {"error": 0.01})
    save_weights(path, {"a": np.arange(6.0, dtype=np.float32).reshape(2, 3)}, weights)
    checkpoint = open_checkpoint(path)
    assert weights_of(checkpoint) == weights
    assert np.array_equal(read_tensors(checkpoint, ["a"])["a"], np.arange(6.0).reshape(2, 3))


def test_other_checkpoints_say_nothing_and_damaged_ones_are_told(tmp_path: Path) -> None:
    from core.checkpoints import write_safetensors

    write_safetensors(tmp_path / "a.safetensors", {"a": np.zeros(1)})
    assert weights_of(open_checkpoint(tmp_path / "a.safetensors")) is None
    write_safetensors(tmp_path / "b.safetensors", {"a": np.zeros(1)}, {"equiscope": "nonsense"})
    with pytest.raises(ReadError, match="damaged description"):
        weights_of(open_checkpoint(tmp_path / "b.safetensors"))


def test_one_number_a_point_belongs_to_the_points(host: PluginHost) -> None:
    from dataclasses import replace

    model = build(host, "example.centroid")
    labels = replace(
        model, predicts={"class": Transforms.LABEL}, function=lambda points: {"class": np.arange(len(points))}
    )
    assert labels(np.zeros((5, 3)))["class"].domain is Domain.POINT
    centre = replace(
        model, predicts={"c": Transforms.VECTOR}, function=lambda points: {"c": points.mean(axis=0)}
    )
    assert centre(np.zeros((3, 3)))["c"].domain is Domain.OBJECT
