"""Running a user's model as an analysis: layers, numbers, records, and how equivariant it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.bridge import Contract, Reference, inspect, open_model
from core.data import Attribute, Domain, Mesh, PointCloud, Transforms, Volume
from core.errors import Cancelled, UserError
from core.exports import write_object
from core.jobs import Job, JobFailed, LogLine, WorkerRunner
from core.plugins import PluginHost
from core.results import Layer, Number, Text
from core.running import Finished, InputRef, execute
from core.symmetry import SE, SO, equivariance_error
from core.trust import TrustStore, Untrusted

ROOT = Path(__file__).resolve().parents[3]
RNG = np.random.default_rng(5)
CLOUD = PointCloud(
    RNG.standard_normal((40, 3)) * [1, 2, 3], {"mass": Attribute(np.arange(40.0), Transforms.SCALAR)}
)
MESH = Mesh(CLOUD.points, np.array([[0, 1, 2], [1, 2, 3]]), unit="mm")
MODELS = """
import numpy as np
def outward(x):
    return x - x.mean(axis=0)
def broken(x):
    y = x - x.mean(axis=0)
    return y + 0.1 * np.abs(y[:, :1]) * np.array([1.0, 0, 0])
def side(x):
    print("looking at", len(x), "points")
    return (x[:, 0] > 0).astype(int)
def middle(x):
    return x.mean(axis=0)
def size(x):
    return np.sqrt(((x - x.mean(0)) ** 2).sum(1).mean())
def lifted(x):
    return x + np.array([0, 0, 2.0])
def both(x, mass):
    return {"momentum": x * mass[:, None], "total": mass.sum()}
def gaps(x):
    y = x.copy()
    y[:3] = np.nan
    return y
def noisy(x):
    return x + np.random.normal(size=x.shape)
def inside(v):
    return v > 0.5
def spin(x):
    while True: pass
"""


@pytest.fixture(autouse=True)
def settings_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EQUISCOPE_CONFIG", str(tmp_path / "config"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "nets.py").write_text(MODELS)
    return tmp_path / "repo" / "nets.py"


@pytest.fixture
def predict(model: Path) -> Callable[..., Finished]:
    """Runs one of the models, trusted this once."""

    def run(function: str, data: Any, **parameters: Any) -> Finished:
        job = Job(seed=parameters.pop("seed", 0))
        address = f"{model}:{function}"
        job.trusted = frozenset([inspect(Reference(address)).version.hash])
        values = {"model": address, **parameters}
        return execute(
            "equivariance.predict", [InputRef("x", data)], values, job=job, host=PluginHost(folders=[])
        )

    return run


def layer_of(finished: Finished) -> Layer:
    (layer,) = (o for o in finished.result.outputs if isinstance(o, Layer))
    return layer


def test_vectors_labels_and_positions_become_layers(predict: Callable[..., Finished]) -> None:
    done = predict("outward", CLOUD, name="pull")
    layer = layer_of(done)
    pull = layer.data.attributes["pull"]
    assert layer.name == "Pull" and layer.display["glyph"] == "pull" and pull.transforms is Transforms.VECTOR
    np.testing.assert_allclose(pull.values, CLOUD.points - CLOUD.points.mean(0), atol=1e-5)
    assert "mass" in layer.data.attributes
    assert done.result.values["mean_length"] == pytest.approx(np.linalg.norm(pull.values, axis=1).mean())
    done = predict("side", MESH, predicts="label")
    layer = layer_of(done)
    assert layer.display["color_by"] == "prediction" and layer.display["colormap"] == "labels"
    counts = done.result.values["labels"]
    assert counts["1"] == int((MESH.points[:, 0] > 0).sum()) and sum(counts.values()) == 40
    done = predict("lifted", MESH, predicts="point", precision="float64")
    np.testing.assert_allclose(layer_of(done).data.points, MESH.points + np.array([0, 0, 2]))
    assert done.result.values["mean_distance"] == pytest.approx(2.0)


def test_values_of_the_whole_object_are_numbers(predict: Callable[..., Finished]) -> None:
    done = predict("size", CLOUD, predicts="scalar", name="size")
    (number,) = (o for o in done.result.outputs if isinstance(o, Number))
    assert number.value == pytest.approx(done.result.values["value"]) and number.value > 1
    assert layer_of(done).data.attributes["size"].domain is Domain.OBJECT
    done = predict("middle", CLOUD, predicts="point", precision="float64")
    np.testing.assert_allclose(layer_of(done).data.points, [CLOUD.points.mean(0)])
    done = predict("both", CLOUD, attributes="mass", name="total", predicts="scalar")
    assert done.result.values["value"] == pytest.approx(780.0)


def test_a_volume_becomes_a_volume_in_its_place(predict: Callable[..., Finished]) -> None:
    volume = Volume(RNG.random((4, 5, 6)).astype(np.float32), np.diag([1.0, 2, 3, 1]))
    layer = layer_of(predict("inside", volume, predicts="label"))
    np.testing.assert_array_equal(layer.data.array, volume.array > 0.5)
    np.testing.assert_array_equal(layer.data.affine, volume.affine)
    assert layer.data.transforms is Transforms.LABEL and layer.display["colormap"] == "labels"


def test_the_record_names_what_ran_and_allows_nothing_by_itself(
    predict: Callable[..., Finished], model: Path
) -> None:
    done = predict("outward", CLOUD)
    content = inspect(Reference(f"{model}:outward")).content
    assert done.result.values["model"] == {"name": "nets.py:outward", "sha256": content}
    assert done.record["versions"]["model"] == content
    assert done.record["versions"]["model's numpy"] == np.__version__
    assert str(model.parent) not in json.dumps(dict(done.result.values))
    texts = [o.text for o in done.result.outputs if isinstance(o, Text)]
    assert texts == [f"nets.py:outward, version {content[:12]}"]
    with pytest.raises(Untrusted):
        execute(
            "equivariance.predict",
            [InputRef("x", CLOUD)],
            done.record["parameters"],
            job=Job(),
            host=PluginHost(folders=[]),
        )


def test_the_seed_reaches_the_model(predict: Callable[..., Finished]) -> None:
    one, two, other = (predict("noisy", CLOUD, seed=s).record["outputs"] for s in (1, 1, 2))
    assert one == two != other


def test_what_is_not_finite_is_a_warning(predict: Callable[..., Finished]) -> None:
    done = predict("gaps", CLOUD)
    assert done.result.warnings == ("9 of 120 predicted numbers are not finite.",)


def test_wrong_use_is_a_sentence(predict: Callable[..., Finished], model: Path) -> None:
    with pytest.raises(UserError, match=r"returned an array of shape \(3,\); vectors"):
        predict("middle", CLOUD, belongs_to="point")
    with pytest.raises(UserError, match="need their degree"):
        predict("outward", CLOUD, predicts="spherical_harmonics")
    with pytest.raises(UserError, match="no attribute 'charge'"):
        predict("both", CLOUD, attributes="charge, mass")
    with pytest.raises(UserError, match=r"longer than 0\.2 s"):
        predict("spin", CLOUD, limit=0.2)


def test_a_models_equivariance_can_be_measured(model: Path) -> None:
    clouds = [PointCloud(RNG.standard_normal((30, 3)) * [1, 2, 3]) for _ in range(3)]
    errors = {}
    for name in ("outward", "broken"):
        job = Job()
        reference = Reference(f"{model}:{name}")
        job.trusted = frozenset([inspect(reference).version.hash])
        with open_model(reference, Contract(precision="float64"), job=job) as opened:
            result = equivariance_error(opened, clouds, SO(3), n=8)
            assert result.defined and list(result.parts) == ["prediction"] and result.noise == 0
            errors[name] = result.maximum
            if name == "outward":
                assert equivariance_error(opened, clouds, SE(3, 5.0), n=4).maximum < 1e-5
    assert errors["outward"] < 1e-5 and errors["broken"] > 1e-2


def test_in_a_worker_prints_are_log_and_cancel_leaves_nothing(model: Path, tmp_path: Path) -> None:
    from tests.core.bridge.conftest import relatives

    TrustStore().add(inspect(Reference(f"{model}:side")).version)
    TrustStore().add(inspect(Reference(f"{model}:spin")).version)
    runner = WorkerRunner(workers=1, threads=1)
    before = set(relatives())
    try:
        lines: list[str] = []
        payload = {
            "analysis": "equivariance.predict",
            "inputs": [InputRef("x", CLOUD)],
            "parameters": {"model": f"{model}:side", "predicts": "label"},
        }
        listen = lambda _handle, event: lines.append(event.text) if isinstance(event, LogLine) else None  # noqa: E731
        runner.submit("run", payload, listener=listen).result(60)
        assert "looking at 40 points" in lines
        payload["parameters"] = {"model": f"{model}:spin"}
        running = runner.submit("run", payload)
        while not set(relatives()) - before and not running._over.is_set():
            running._over.wait(0.02)
        running._over.wait(0.7)
        (pid,) = runner.pids()
        running.cancel()
        with pytest.raises(Cancelled):
            running.result(10)
        assert runner.pids() == [pid]  # the worker itself had not to be killed
        assert not set(relatives()) - before
        payload["parameters"] = {"model": f"{model}:outward"}
        with pytest.raises(JobFailed, match="--trust") as refused:
            runner.submit("run", payload).result(60)
        assert refused.value.kind == "Untrusted" and refused.value.refusal
        assert list(refused.value.data["version"]["files"]) == ["nets.py"]
        payload["parameters"] = {"model": f"{model}:spin"}
        running = runner.submit("run", payload)
        while not set(relatives()) - before and not running._over.is_set():
            running._over.wait(0.02)
    finally:
        runner.close()  # which kills the worker, while a model is at work
    until = time.monotonic() + 5
    while set(relatives()) - before and time.monotonic() < until:
        time.sleep(0.02)
    assert not set(relatives()) - before


def test_the_command_line_asks_runs_and_replays(model: Path, tmp_path: Path) -> None:
    write_object(CLOUD, tmp_path / "cloud.ply", host=PluginHost(folders=[]), job=Job())

    def equiscope(*arguments: str, code: int, cwd: str = ".") -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path / cwd,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    run = ["run", "equivariance.predict", "cloud.ply", "--model", "repo/nets.py:outward", "--out", "out"]
    said = equiscope(*run, code=1).strip()
    assert len(said.splitlines()) == 1 and not (tmp_path / "out").exists()
    trust = said.split()[-2:]
    assert trust == ["--trust", inspect(Reference(f"{model}:outward")).version.hash]
    equiscope(*run, *trust, code=0)
    assert "--trust" in equiscope("replay", "out", code=1)
    written = (tmp_path / "out" / "record.json").read_text()
    assert str(tmp_path) not in written and '"$path": "../repo/nets.py:outward"' in written
    (tmp_path / "other").mkdir()
    assert "the same" in equiscope("replay", "../out", *trust, code=0, cwd="other")
    model.write_text(MODELS + "# another version\n")
    assert trust[1] not in equiscope("replay", "out", *trust, code=1)
