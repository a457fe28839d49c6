"""Every format against its own library: names, shapes, types and values."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.checkpoints import float8_table, open_checkpoint, parameter_count, read_tensors, write_safetensors
from core.errors import ReadError, WriteError

torch = pytest.importorskip("torch")


def nested() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    base = torch.randn(6, 4, generator=generator)
    return {
        "model_state_dict": OrderedDict(
            [("layer1.weight", base), ("layer1.bias", torch.nn.Parameter(torch.arange(3.0))), ("tied", base)]
        ),
        "optimizer": {
            "state": {0: {"step": 5, "exp_avg": torch.full((2, 2), 0.5)}},
            "param_groups": [{"lr": 0.1}],
        },
        "views": [base.t(), base[1:3, ::2], torch.tensor(2.5), torch.zeros(0, 3), torch.ones(1).expand(4, 5)],
        "types": {
            "half": torch.tensor([1.5, -2.0]).half(),
            "brain": torch.tensor([1.5, -3e38]).bfloat16(),
            "f8": torch.tensor([0.5, -448.0]).to(torch.float8_e4m3fn),
            "flag": torch.tensor([True, False]),
            "long": torch.tensor([2**40]),
            "complex": torch.tensor([1 + 2j]),
            "u16": torch.tensor([65535], dtype=torch.uint16),
        },
        "epoch": 12,
        "name": "net",
        "loss": np.float64(0.25),
        "array": np.arange(6, dtype=">i2").reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "size": torch.Size([2, 3]),
        "dtype": torch.float32,
    }


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """The reference: our naming, by recursion over what torch loads."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return {name: value}
    if isinstance(value, dict):
        items = [(str(k), v) for k, v in value.items()]
    elif isinstance(value, (list, tuple)):
        items = [(str(i), v) for i, v in enumerate(value)]
    else:
        return {}
    out: dict[str, Any] = {}
    for k, v in items:
        out.update(flat(v, f"{name}.{k}" if name else k))
    return out


def as_numpy(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    value = value.detach()
    return (value.float() if value.dtype in (torch.bfloat16, torch.float8_e4m3fn) else value).numpy()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_torch_files_give_what_torch_gives(tmp_path: Path, zipped: bool) -> None:
    data = nested()
    path = tmp_path / "Ünïcode checkpoint.pt"
    torch.save(data, path, _use_new_zipfile_serialization=zipped)
    checkpoint = open_checkpoint(path)
    expected = flat(data)
    assert [t.name for t in checkpoint.tensors] == list(expected)
    values = read_tensors(checkpoint)
    for info in checkpoint.tensors:
        wanted = as_numpy(expected[info.name])
        assert info.shape == wanted.shape
        np.testing.assert_array_equal(values[info.name], wanted)
        assert values[info.name].flags.writeable and values[info.name].flags.c_contiguous
    stored = {t.name: t.dtype for t in checkpoint.tensors}
    assert stored["types.brain"] == "bfloat16" and stored["types.f8"] == "float8_e4m3fn"
    assert values["types.brain"].dtype == np.float32
    assert checkpoint.metadata["epoch"] == 12 and checkpoint.metadata["loss"] == 0.25
    assert checkpoint.metadata["optimizer"]["param_groups"] == [{"lr": 0.1}]
    assert checkpoint.metadata["size"] == [2, 3]
    tensors = read_tensors(
        checkpoint, ["types.brain", "types.f8", "model_state_dict.layer1.weight"], as_numpy=False
    )
    for name, tensor in tensors.items():
        assert tensor.dtype == expected[name].dtype
        assert torch.equal(tensor.float(), expected[name].float())


def test_a_pickle_of_tensors_and_arrays(tmp_path: Path) -> None:
    data = {
        "w": torch.arange(4.0),
        "a": np.eye(3),
        "s": np.float32(2),
        "t": {1, 2},
        "o": np.array([1, "x"], dtype=object),
    }
    for protocol in range(2, 6):
        path = tmp_path / f"p{protocol}.pkl"
        path.write_bytes(pickle.dumps(data, protocol=protocol))
        checkpoint = open_checkpoint(path)
        values = read_tensors(checkpoint)
        assert set(values) == {"w", "a"}
        np.testing.assert_array_equal(values["w"], [0, 1, 2, 3])
        np.testing.assert_array_equal(values["a"], np.eye(3))
        assert checkpoint.metadata["s"] == 2 and checkpoint.metadata["o"] == [1, "x"]


def test_old_text_pickles(tmp_path: Path) -> None:
    path = tmp_path / "metrics.pkl"
    path.write_bytes(pickle.dumps({"loss": [1.5, 2.5], "n": {"a": 3}}, protocol=0))
    checkpoint = open_checkpoint(path)
    assert checkpoint.tensors == () and checkpoint.metadata["loss"] == [1.5, 2.5]
    assert checkpoint.metadata["warnings"]


def test_safetensors_both_ways(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    tensors = {k: v.contiguous().clone() for k, v in nested()["types"].items() if k != "complex"}
    theirs = tmp_path / "theirs.safetensors"
    library.save_file(tensors, theirs, {"note": "plain", "config": json.dumps({"width": 3})})
    checkpoint = open_checkpoint(theirs)
    assert dict(checkpoint.metadata) == {"note": "plain", "config": {"width": 3}}
    for name, tensor in read_tensors(checkpoint, as_numpy=False).items():
        assert tensor.dtype == tensors[name].dtype and torch.equal(tensor.float(), tensors[name].float())

    ours = tmp_path / "ours.safetensors"
    record = {"config": {"width": 3}, "loss": [1.0, 0.5], "note": "plain", "epochs": 3}
    write_safetensors(
        ours, {**tensors, "np": np.arange(6.0).reshape(2, 3), "empty": np.zeros((0, 2))}, record
    )
    loaded = library.load_file(ours)
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype and torch.equal(loaded[name].float(), tensor.float())
    assert torch.equal(loaded["np"], torch.arange(6.0, dtype=torch.float64).reshape(2, 3))
    assert open_checkpoint(ours).metadata["config"] == {"width": 3}
    assert open_checkpoint(ours).metadata["loss"] == [1.0, 0.5]
    again = tmp_path / "again.safetensors"
    write_safetensors(
        again, {"empty": np.zeros((0, 2)), "np": np.arange(6.0).reshape(2, 3), **tensors}, record
    )
    assert again.read_bytes() == ours.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "again.safetensors",
        "ours.safetensors",
        "theirs.safetensors",
    ]


def test_writing_refuses_what_the_format_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="complex128"):
        write_safetensors(tmp_path / "a.safetensors", {"w": np.zeros(2, complex)})
    with pytest.raises(WriteError):
        write_safetensors(tmp_path / "none" / "a.safetensors", {"w": np.zeros(2)})
    assert list(tmp_path.iterdir()) == []


def test_float8_tables_agree_with_torch() -> None:
    bits = torch.arange(256, dtype=torch.uint8)
    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"):
        if hasattr(torch, name):
            theirs = bits.view(getattr(torch, name)).float().numpy()
            np.testing.assert_array_equal(float8_table(name), theirs, err_msg=name)


def shards(folder: Path) -> Path:
    write_safetensors(
        folder / "model-00001-of-00002.safetensors", {"a": np.ones(3, np.float32)}, {"format": "pt"}
    )
    write_safetensors(folder / "model-00002-of-00002.safetensors", {"b": np.full((2, 2), 2.0)})
    weight_map = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 44}, "weight_map": weight_map}))
    return index


def test_shards_are_one_model(tmp_path: Path) -> None:
    index = shards(tmp_path)
    checkpoint = open_checkpoint(index)
    assert [(t.name, t.file) for t in checkpoint.tensors] == [
        ("a", "model-00001-of-00002.safetensors"),
        ("b", "model-00002-of-00002.safetensors"),
    ]
    assert checkpoint.metadata["total_size"] == 44
    np.testing.assert_array_equal(read_tensors(checkpoint, ["b"])["b"], np.full((2, 2), 2.0))
    one = open_checkpoint(tmp_path / "model-00001-of-00002.safetensors")
    assert "model.safetensors.index.json" in one.metadata["warnings"][0]
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ReadError, match=r"1 are missing \(model-00002-of-00002"):
        open_checkpoint(index)


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "a/../../b", "c:\\x", ""])
def test_a_shard_cannot_lie_outside_its_folder(tmp_path: Path, name: str) -> None:
    index = tmp_path / "m.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(ReadError, match="outside its folder"):
        open_checkpoint(index)


def test_npz_headers_and_values(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    arrays = {
        "layer/w": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "b": np.arange(3, dtype=">i4"),
        "flag": np.array(True),
        "none": np.zeros((0, 5)),
    }
    np.savez_compressed(path, **arrays, names=np.array(["x", "yé"]))
    checkpoint = open_checkpoint(path)
    values = read_tensors(checkpoint)
    assert set(values) == set(arrays) and checkpoint.metadata["names"] == ["x", "yé"]
    for name, wanted in arrays.items():
        np.testing.assert_array_equal(values[name], wanted)
    assert parameter_count(checkpoint) == 12 + 3 + 1


def test_hdf5_with_groups_links_and_keras_attributes(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "other.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.ones(4)
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential"})
        file.attrs["layer_names"] = np.array([b"dense"])
        group = file.create_group("model_weights/dense")
        group.create_dataset("kernel:0", data=np.arange(6, dtype="f4").reshape(2, 3), compression="gzip")
        group["bias:0"] = np.zeros(3, ">f4")
        group["up"] = file["model_weights"]  # a cycle
        file["soft"] = h5py.SoftLink("/model_weights")
        file["loop"] = h5py.SoftLink("/loop")
        file["outside"] = h5py.ExternalLink("other.h5", "/x")
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(str(secret), "x", (4,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("ext", (4,), "f8", external=[(str(tmp_path / "raw.bin"), 0, 32)])
        file["text"] = "hello"
        file["record"] = np.zeros(2, [("a", "i4"), ("b", "f4")])
        file["half"] = np.array([1.5], "f2")
    checkpoint = open_checkpoint(path)
    values = read_tensors(checkpoint)
    assert {n: v.shape for n, v in values.items()} == {
        "model_weights/dense/kernel:0": (2, 3),
        "model_weights/dense/bias:0": (3,),
        "half": (1,),
    }
    np.testing.assert_array_equal(values["model_weights/dense/kernel:0"], np.arange(6).reshape(2, 3))
    assert checkpoint.metadata["model_config"] == {"class_name": "Sequential"}
    assert checkpoint.metadata["layer_names"] == ["dense"] and checkpoint.metadata["text"] == "hello"
    said = " ".join(checkpoint.metadata["warnings"])
    assert "outside" in said and "virtual" in said and "ext" in said and "record" in said


def test_contents_decide_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    write_safetensors(path, {"w": np.ones(2)})
    checkpoint = open_checkpoint(path)
    assert checkpoint.format == "safetensors" and "despite its name" in checkpoint.metadata["warnings"][0]


def test_a_file_that_changed_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write_safetensors(path, {"w": np.ones(2)})
    checkpoint = open_checkpoint(path)
    write_safetensors(path, {"w": np.ones(3)})
    with pytest.raises(ReadError, match="has changed"):
        read_tensors(checkpoint)
    with pytest.raises(ReadError, match="no tensor 'q'"):
        read_tensors(checkpoint, ["q"])


def test_one_file_has_one_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_safetensors(tmp_path / "m.safetensors", {"w": np.ones(2)})
    monkeypatch.chdir(tmp_path)
    paths = (tmp_path / "m.safetensors", "m.safetensors", tmp_path / "x" / ".." / "m.safetensors")
    (tmp_path / "x").mkdir()
    assert {open_checkpoint(p).path for p in paths} == {str(tmp_path / "m.safetensors")}


def test_importing_stays_light() -> None:
    code = (
        "import sys, core.checkpoints\n"
        "print([m for m in ('torch', 'h5py', 'safetensors', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
