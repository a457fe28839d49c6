"""Readers, writers, the comparison and the sample, called directly."""

from __future__ import annotations

import threading
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.checkpoints import open_checkpoint, read_tensors, write_safetensors
from core.data import Checkpoint, content_hash, info
from core.errors import Cancelled, ReadError, Refused, WriteError
from core.jobs import Job
from core.results import Curve, Number, ResultTable
from plugins.checkpoints import readers
from plugins.checkpoints.compare import compare
from plugins.checkpoints.samples import cnn, cnn_changed, cnn_pair
from plugins.checkpoints.writers import write_as_npz, write_as_safetensors

MANIFEST = Path(readers.__file__).with_name("plugin.toml")


def saved(path: Path, tensors: dict[str, Any]) -> Checkpoint:
    write_safetensors(path, {k: np.asarray(v) for k, v in tensors.items()})
    return open_checkpoint(path)


def test_the_manifest_names_functions_that_exist() -> None:
    manifest = tomllib.loads(MANIFEST.read_text())
    for section in ("readers", "writers", "analyses", "samples"):
        for entry in manifest[section]:
            for key in ("sniff", "read", "write", "function"):
                if key in entry:
                    module, name = entry[key].split(":")
                    assert callable(getattr(import_module(module), name))


def test_reading_gives_one_checkpoint(tmp_path: Path) -> None:
    saved(tmp_path / "Modell ä.safetensors", {"w": np.ones((2, 3))})
    (item,) = readers.read(tmp_path / "Modell ä.safetensors", job=Job())
    assert item.name == "Modell ä"
    about = info(item.data, item.name)
    assert about["kind"] == "checkpoint" and about["tensors"] == {"count": 1, "parameters": 6}
    (tmp_path / "short.safetensors").write_bytes(b"123")
    with pytest.raises(ReadError, match="short"):
        readers.read(tmp_path / "short.safetensors", job=Job())


def test_reading_can_be_cancelled(tmp_path: Path) -> None:
    saved(tmp_path / "a.safetensors", {"w": np.ones(2)})
    event = threading.Event()
    event.set()
    with pytest.raises(Cancelled):
        readers.read(tmp_path / "a.safetensors", job=Job(cancelled=event))


def test_sniffing(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    h5py = pytest.importorskip("h5py")
    saved(tmp_path / "a.safetensors", {"w": np.ones(2)})
    torch.save({"w": torch.ones(2)}, tmp_path / "a.pt")
    np.savez(tmp_path / "a.npz", w=np.ones(2))
    h5py.File(tmp_path / "a.h5", "w").close()
    (tmp_path / "noise.bin").write_bytes(b"noise noise")
    heads = {p.name: p.read_bytes()[:512] for p in tmp_path.iterdir()}

    def score(sniff: Any, name: str) -> int:
        return sniff(tmp_path / name, heads[name])

    assert score(readers.sniff_safetensors, "a.safetensors") == 80
    assert score(readers.sniff_torch, "a.pt") == 80
    assert score(readers.sniff_npz, "a.npz") == 50
    assert score(readers.sniff_hdf5, "a.h5") == 50
    assert score(readers.sniff_torch, "noise.bin") == 0


def test_writers_keep_every_bit(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    tensors = {"a": torch.tensor([1.5, float("nan")]).bfloat16(), "b": torch.arange(6).reshape(2, 3).t()}
    torch.save({"m": tensors, "epoch": 3}, tmp_path / "in.pt")
    source = open_checkpoint(tmp_path / "in.pt")
    write_as_safetensors(source, tmp_path / "out.safetensors", job=Job(), metadata={"note": "x"})
    copy = open_checkpoint(tmp_path / "out.safetensors")
    assert copy.metadata["epoch"] == "3" and copy.metadata["note"] == "x"
    for name, values in read_tensors(copy, as_numpy=False).items():
        original = tensors[name.removeprefix("m.")]
        assert values.dtype == original.dtype
        bits = torch.int16 if values.dtype == torch.bfloat16 else torch.int64
        assert torch.equal(values.view(bits), original.contiguous().view(bits))
    write_as_npz(source, tmp_path / "out.npz", job=Job(), metadata={})
    with np.load(tmp_path / "out.npz") as archive:
        np.testing.assert_array_equal(archive["m.a"], np.array([1.5, np.nan], np.float32))
        np.testing.assert_array_equal(archive["m.b"], np.arange(6).reshape(2, 3).T)
    with pytest.raises(WriteError, match="read from"):
        write_as_safetensors(copy, tmp_path / "out.safetensors", job=Job(), metadata={})


def numbers(result: Any) -> dict[str, float]:
    return {o.name: o.value for o in result.outputs if isinstance(o, Number)}


def test_comparison_against_plain_numpy(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    a = {"l1.w": rng.normal(size=(40, 30)).astype("f4"), "l2.w": rng.normal(size=50), "same": np.arange(5)}
    b = {k: v if k == "same" else (v + 0.1 * rng.normal(size=v.shape)).astype(v.dtype) for k, v in a.items()}
    a["gone"], b["new"] = np.ones(2), np.ones(3)
    a["odd"], b["odd"] = np.ones((2, 3)), np.ones((3, 2))
    one = saved(tmp_path / "a.safetensors", a)
    two = saved(tmp_path / "b.safetensors", {f"module.{k}": v for k, v in b.items()})
    result = compare(one, two, job=Job())
    lines = result.values["tensors"]
    for name in ("l1.w", "l2.w"):
        x, y = a[name].astype(float), b[name].astype(float)
        assert lines[name]["max_abs"] == abs(x - y).max()
        assert lines[name]["mean_abs"] == pytest.approx(abs(x - y).mean(), rel=1e-12)
        assert lines[name]["relative"] == pytest.approx(np.linalg.norm(x - y) / np.linalg.norm(y), rel=1e-12)
        cosine = (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)
        assert lines[name]["cosine"] == pytest.approx(cosine, rel=1e-12)
    assert lines["same"]["status"] == "identical" and lines["same"]["relative"] == 0
    assert lines["gone"]["status"] == "only in first" and lines["new"]["status"] == "only in second"
    assert lines["odd"]["status"] == "shape differs"
    found = result.values["global"]
    keys = ("l1.w", "l2.w", "same")
    x = np.concatenate([a[k].astype(float).ravel() for k in keys])
    y = np.concatenate([b[k].astype(float).ravel() for k in keys])
    assert found["global_relative_difference"] == pytest.approx(
        np.linalg.norm(x - y) / np.linalg.norm(y), rel=1e-12
    )
    assert (found["identical_tensors"], found["different_tensors"]) == (1, 2)
    assert (found["tensors_only_in_first"], found["tensors_only_in_second"]) == (1, 1)
    assert numbers(result)["Identical tensors"] == 1
    assert any(isinstance(o, Curve) for o in result.outputs)
    (table,) = [o.table for o in result.outputs if isinstance(o, ResultTable)]
    assert len(table.columns["tensor"]) == 6
    assert content_hash(result) == content_hash(compare(one, two, job=Job()))

    literal = compare(one, two, strip_prefixes=False, job=Job())
    assert literal.values["global"]["tensors_only_in_first"] == 5
    assert compare(one, two, only="l2", job=Job()).values["tensors"].keys() == {"l2.w"}
    with pytest.raises(Refused):
        compare(one, two, only="nothing", job=Job())


def test_equal_zero_and_odd_values(tmp_path: Path) -> None:
    a = saved(
        tmp_path / "a.safetensors",
        {
            "nan": [np.nan, 1.0, np.inf],
            "zero": np.zeros(3),
            "big": np.array([2**60 + 1]),
            "none": np.zeros((0, 2)),
        },
    )
    b = saved(
        tmp_path / "b.safetensors",
        {"nan": [np.nan, 2.0, 1.0], "zero": np.zeros(3), "big": np.array([2**60]), "none": np.zeros((0, 2))},
    )
    same = compare(a, a, job=Job())
    assert same.values["global"]["identical_tensors"] == 4
    assert same.outputs[0].text == "All 4 tensors are identical."
    result = compare(a, b, job=Job())
    lines = result.values["tensors"]
    assert (lines["nan"]["nonfinite_first"], lines["nan"]["nonfinite_second"]) == (2, 1)
    assert lines["nan"]["max_abs"] == 1.0 and "left out" in result.warnings[0]
    assert lines["zero"]["status"] == "identical" and lines["zero"]["cosine"] is None
    assert lines["big"]["status"] == "different"  # beyond float64, but not equal
    assert lines["none"]["status"] == "identical" and lines["none"]["relative"] is None
    shifted = saved(tmp_path / "c.safetensors", {"zero": np.ones(3)})
    assert (
        compare(shifted, a, only="zero", job=Job()).values["tensors"]["zero"]["relative"] is None
    )  # infinite


def test_names_that_would_collide_are_kept(tmp_path: Path) -> None:
    a = saved(tmp_path / "a.safetensors", {"w": np.ones(2), "model.w": np.zeros(2)})
    result = compare(a, a, job=Job())
    assert result.values["tensors"].keys() == {"w", "model.w"}
    assert result.values["global"]["identical_tensors"] == 2


def test_the_sample_is_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, two = cnn_pair(job=Job())
    first = Path(one.data.path).read_bytes()
    assert [cnn(job=Job())[0].name, cnn_changed(job=Job())[0].name] == [one.name, two.name]
    assert Path(one.data.path).read_bytes() == first
    result = compare(one.data, two.data, job=Job()).values["global"]
    assert result["identical_tensors"] == 2 and result["different_tensors"] == 6
    assert result["values_compared"] == 3738


@pytest.mark.shared
def test_two_trained_resnets(shared_data: Path) -> None:
    folder = shared_data / "checkpoints"
    a = open_checkpoint(folder / "resnet_cifar10/resnet20-12fca82f.th")
    b = open_checkpoint(folder / "pyhessian_resnet20/net.pkl")
    result = compare(a, b, job=Job()).values
    assert result["global"]["different_tensors"] == 95
    x = read_tensors(a)["state_dict.module.conv1.weight"].astype(float)
    y = read_tensors(b)["module.conv1.weight"].astype(float)
    wanted = np.linalg.norm(x - y) / np.linalg.norm(y)
    assert result["tensors"]["conv1.weight"]["relative"] == pytest.approx(wanted, rel=1e-12)
