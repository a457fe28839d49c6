"""Files that lie, are damaged, or want to run code: one sentence, nothing run, no memory taken."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.checkpoints import global_names, open_checkpoint, open_tensors, read_tensors, write_safetensors
from core.errors import ReadError
from tests.core.checkpoints import builders
from tests.files.checkpoints import samples

torch = pytest.importorskip("torch")

LIMIT = 30_000_000
"""Bytes of Python memory that no hostile file may make us take."""


def refused(path: Path, match: str = ".") -> str:
    """The sentence with which `path` is refused, at opening or at reading."""
    tracemalloc.start()
    try:
        with pytest.raises(ReadError, match=match) as caught:
            read_tensors(open_checkpoint(path))
        assert tracemalloc.get_traced_memory()[1] < LIMIT
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert "\n" not in sentence and path.name in sentence and sentence.endswith(".")
    return sentence


def legacy(gadget: Any) -> bytes:
    return builders.legacy_magic() + pickle.dumps({"state_dict": gadget}, protocol=2)


def nested_in_npz(path: Path, gadget: Any) -> None:
    np.savez(path, w=np.array([gadget], dtype=object))


def nested_in_storage(path: Path, gadget: Any) -> None:
    class Inner:
        def __reduce__(self) -> tuple[Any, ...]:
            return torch.storage._load_from_bytes, (legacy(gadget),)

    path.write_bytes(pickle.dumps({"w": Inner()}))


CARRIERS: dict[str, Callable[[Path, Any], object]] = {
    "zip.pt": lambda p, g: builders.torch_zip(p, pickle.dumps({"w": g})),
    "packed.pt": lambda p, g: builders.torch_zip(p, pickle.dumps({"w": g}), pack=True),
    "legacy.pth": lambda p, g: p.write_bytes(legacy(g)),
    "bare.pkl": lambda p, g: p.write_bytes(pickle.dumps(g)),
    "text.pkl": lambda p, g: p.write_bytes(pickle.dumps([g], protocol=0)),
    "bare.bin": lambda p, g: p.write_bytes(pickle.dumps(g, protocol=4)),
    "objects.npz": nested_in_npz,
}


@pytest.mark.parametrize("name", CARRIERS)
def test_nothing_in_a_file_runs(tmp_path: Path, name: str) -> None:
    trace = tmp_path / "trace"
    path = tmp_path / name
    CARRIERS[name](path, builders.Gadget(trace))
    sentence = refused(path)
    assert "system" in sentence  # what it names is listed
    assert not trace.exists()


def test_nothing_runs_in_a_pickle_within_the_pickle(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    nested_in_storage(tmp_path / "a.pkl", builders.Gadget(trace))
    refused(tmp_path / "a.pkl", "nested pickle")
    assert not trace.exists()


def test_an_object_array_beside_others_is_left_out(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    path = tmp_path / "mixed.npz"
    np.savez(path, good=np.ones(3), bad=np.array([builders.Gadget(trace)], dtype=object))
    checkpoint = open_checkpoint(path)
    assert [t.name for t in checkpoint.tensors] == ["good"]
    assert "system" in checkpoint.metadata["warnings"][0]
    read_tensors(checkpoint)
    assert not trace.exists()


def test_the_gadget_would_run(tmp_path: Path) -> None:
    """The tests above mean something: a careless reader is caught by the same file."""
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(builders.Gadget(trace)))
    assert trace.exists()


def test_globals_are_listed_without_running() -> None:
    stream = b"cos\nsystem\n(S'true'\ntR0cbuiltins\neval\n."
    assert global_names(stream) == ["os.system", "builtins.eval"]
    assert global_names(stream[:-8]) == ["os.system"]
    # The name of a STACK_GLOBAL is put together on the stack.
    assert global_names(b"\x80\x04\x8c\x02os\x8c\x06system\x93.") == ["os.system"]


def test_attributes_of_classes_cannot_be_set(tmp_path: Path) -> None:
    # BUILD on a name that is allowed as a value would, in a real unpickler, change that class.
    path = tmp_path / "b.pkl"
    path.write_bytes(b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb.")
    refused(path, "inner state")


def test_a_whole_module_is_named(tmp_path: Path) -> None:
    for zipped in (True, False):
        path = tmp_path / f"module{zipped}.pt"
        torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), path, _use_new_zipfile_serialization=zipped)
        sentence = refused(path, "whole pickled module")
        assert "torch.nn.modules.container.Sequential" in sentence and "state_dict" in sentence


def test_programs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    with zipfile.ZipFile(path, "w") as archive:  # as torch.jit.save lays it out
        archive.writestr("script/data.pkl", pickle.dumps(None))
        archive.writestr("script/code/__torch__/net.py", "class Net(Module): ...")
        archive.writestr("script/constants.pkl", pickle.dumps(()))
    assert "__torch__.net" in refused(path, "TorchScript")
    exported = tmp_path / "program.pt"
    with zipfile.ZipFile(exported, "w") as archive:
        archive.writestr("program/models/model.json", "{}")
    refused(exported, "torch.export")


@pytest.mark.parametrize(
    ("header", "values", "fault"),
    [
        ({"w": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}, b"1234", "cut short"),
        ({"w": {"dtype": "F32", "shape": [10**30, 10**30], "data_offsets": [0, 4]}}, b"1234", "shape needs"),
        ({"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, b"1234", "cannot be read"),
        ({"w": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"1234", "cannot be read"),
        ({"w": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}, b"1234", "cannot be read"),
        ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"12345678", "gap"),
        ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"12345678", "describes 4"),
        (
            {n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"},
            b"1234",
            "overlaps",
        ),
        ({"w": {"dtype": "F4", "shape": [1], "data_offsets": [0, 1]}}, b"1", "not supported"),
        ({"w": [1]}, b"", "cannot be read"),
        ([1, 2], b"", "not a list of tensors"),
        (b'{"a":1,"a":2}', b"", "not JSON"),
        (b'{"__metadata__":3}', b"", "metadata"),
        (b"{" + b'"a":{' * 100_000, b"", "not JSON"),
    ],
)
def test_lying_safetensors(tmp_path: Path, header: Any, values: bytes, fault: str) -> None:
    refused(builders.safetensors(tmp_path / "lie.safetensors", header, values), fault)


def test_a_header_of_terabytes(tmp_path: Path) -> None:
    for length in (2**40, 2**63, 90_000_000):
        refused(builders.safetensors(tmp_path / "lie.safetensors", b"{}", length=length), "claims a header")


def test_lying_npz(tmp_path: Path) -> None:
    lie = builders.npy_header((10**13,), values=b"0" * 40)
    refused(builders.npz_member(tmp_path / "lie.npz", "w.npy", lie), "claims 40 TB")
    refused(builders.npz_member(tmp_path / "lie.npz", "w.npy", lie, pack=True), "claims 40 TB")
    deep = builders.npy_header((1,) * 40 + (10**18,) * 20)
    refused(builders.npz_member(tmp_path / "deep.npz", "w.npy", deep), "claims")


def test_a_zip_bomb_of_values(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("w.npy", "w") as stream,
    ):
        stream.write(builders.npy_header((300_000_000,), "|u1"))
        for _ in range(300):
            stream.write(bytes(1_000_000))
    assert path.stat().st_size < 1_000_000
    assert open_checkpoint(path).tensors[0].nbytes == 300_000_000
    refused(path, "unpacks")


def test_names_that_climb_out_stay_names(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    content = builders.npy_header((2,), values=b"12345678")
    path = builders.npz_member(folder / "slip.npz", "../../evil.npy", content)
    assert read_tensors(open_checkpoint(path)).keys() == {"../../evil"}
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "slip.npz"]


def test_lying_hdf5(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "lie.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("huge", (10**12,), "f8", chunks=(1024,))
        file.create_dataset("flat", (10**9,), "f8")
    checkpoint = open_checkpoint(path)
    assert "claims 8 TB and stores none" in " ".join(checkpoint.metadata["warnings"])
    refused(path, "claims 8")


def tensor_pickle(size: tuple[int, ...], stride: tuple[int, ...], numel: int, offset: int = 0) -> bytes:
    """A state dict of one tensor with any claims, as torch pickles it."""

    class Reference:
        pass

    class Fake:
        def __reduce__(self) -> tuple[Any, ...]:
            return torch._utils._rebuild_tensor_v2, (Reference(), offset, size, stride, False, {})

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return (
                ("storage", torch.FloatStorage, "0", "cpu", numel) if isinstance(value, Reference) else None
            )

    stream = io.BytesIO()
    Pickler(stream, 2).dump({"w": Fake()})
    return stream.getvalue()


def test_lying_torch_files(tmp_path: Path) -> None:
    four = b"0" * 16
    good = tensor_pickle((4,), (1,), 4)
    assert read_tensors(open_checkpoint(builders.torch_zip(tmp_path / "good.pt", good, {"0": four})))[
        "w"
    ].shape == (4,)
    for name, text, storages, fault in (
        ("size", tensor_pickle((10**12,), (1,), 4), {"0": four}, "cut short"),
        ("offset", tensor_pickle((4,), (1,), 4, 3), {"0": four}, "cut short"),
        ("stride", tensor_pickle((2, 2), (1000, 1), 4), {"0": four}, "cut short"),
        ("negative", tensor_pickle((2,), (-1,), 4), {"0": four}, "impossible shape"),
        ("rank", tensor_pickle((2, 2), (1,), 4), {"0": four}, "strides"),
        ("missing", good, {}, "lacks the values"),
        ("short", good, {"0": b"0000"}, "cut short"),
        ("repeat", tensor_pickle((10**6, 10**6), (0, 0), 4), {"0": four}, "more than it holds"),
        ("garbage", b"\x80\x02garbage", {"0": four}, "pickle"),
    ):
        refused(builders.torch_zip(tmp_path / f"{name}.pt", text, storages), fault)


def test_a_packed_torch_file_is_unpacked_when_read(tmp_path: Path) -> None:
    """torch stores; another tool may have compressed. 400 MB of zeros in 400 kB are refused, and cost nothing to list."""
    numel = 100_000_000
    path = tmp_path / "packed.pt"
    values = np.arange(4, dtype="<f4").tobytes()
    builders.torch_zip(path, tensor_pickle((4,), (1,), 4), {"0": values}, pack=True)
    assert read_tensors(open_checkpoint(path))["w"].tolist() == [0, 1, 2, 3]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", tensor_pickle((numel,), (1,), numel))
        with archive.open("a/data/0", "w") as stream:
            for _ in range(numel * 4 // 1_000_000):
                stream.write(bytes(1_000_000))
    assert path.stat().st_size < 1_000_000
    assert open_checkpoint(path).tensors[0].nbytes == 4 * numel
    refused(path, "more than it holds")


def test_values_that_repeat_without_end(tmp_path: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    (tmp_path / "loop.pkl").write_bytes(pickle.dumps(loop))
    refused(tmp_path / "loop.pkl", "contains itself")
    laugh: list[Any] = [1]
    for _ in range(60):
        laugh = [laugh, laugh]
    (tmp_path / "laugh.pkl").write_bytes(pickle.dumps(laugh))
    with pytest.raises(ReadError, match="nests or repeats"):
        open_checkpoint(tmp_path / "laugh.pkl")
    (tmp_path / "deep.pkl").write_bytes(b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".")
    refused(tmp_path / "deep.pkl", "nests or repeats")


def test_cut_empty_and_mutated_files(tmp_path: Path) -> None:
    """Whatever happens to the bytes: the file is read, or refused by a `ReadError`. Nothing else."""
    rng = np.random.default_rng(7)
    seen = {"read": 0, "refused": 0}
    for original in samples(tmp_path):
        content = original.read_bytes()
        victim = tmp_path / f"victim{original.suffix}"
        cuts = [content[:n] for n in (0, 1, 7, 9, len(content) // 2, len(content) - 1)]
        changed = []
        for _ in range(60):
            data = bytearray(content)
            # Mostly where the structure is: near either end.
            span = min(len(data), 400)
            for at in rng.integers(0, span, size=3):
                data[at if rng.random() < 0.5 else -1 - at] = rng.integers(0, 256)
            changed.append(bytes(data))
        for n, data in enumerate(cuts + changed):
            victim.write_bytes(data)
            try:
                read_tensors(open_checkpoint(victim))
                seen["read"] += 1
                assert n >= 5, f"{original.name} cut to {len(data)} bytes was read"
            except ReadError as error:
                assert "\n" not in str(error)
                seen["refused"] += 1
        victim.unlink()
    assert min(seen.values()) > 20


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="is a folder"):
        open_checkpoint(tmp_path)
    with pytest.raises(ReadError, match="does not exist"):
        open_checkpoint(tmp_path / "none.pt")
    (tmp_path / "bad\nname.pt").write_bytes(b"hello")
    with pytest.raises(ReadError) as caught:
        open_checkpoint(tmp_path / "bad\nname.pt")
    assert "\n" not in str(caught.value)
    for text, what in (
        (b"MATLAB 5.0 MAT-file", "MATLAB"),
        (b"version https://git-lfs.github.com", "git lfs"),
    ):
        (tmp_path / "x.bin").write_bytes(text)
        with pytest.raises(ReadError, match=what):
            open_checkpoint(tmp_path / "x.bin")


def test_indexing_takes_no_memory_for_values(tmp_path: Path) -> None:
    """200 MB of values on disk (holes, so the disk is spared): the index costs a few MB in every format."""
    size = 50_000_000
    write_safetensors(tmp_path / "head.safetensors", {"b": np.ones(2, np.float32)})
    header = {
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [4 * size, 4 * size + 8]},
        "w": {"dtype": "F32", "shape": [size], "data_offsets": [0, 4 * size]},
    }
    large = builders.safetensors(tmp_path / "large.safetensors", header)
    with open(large, "r+b") as file:
        file.truncate(large.stat().st_size + 4 * size + 8)
    paths = [large]
    for name, zipped in (("large.pt", True), ("large.pth", False)):
        torch.save(
            {"w": torch.zeros(size), "b": torch.ones(2)},
            tmp_path / name,
            _use_new_zipfile_serialization=zipped,
        )
        paths.append(tmp_path / name)
    for path in paths:
        before = rss()
        tracemalloc.start()
        try:
            checkpoint = open_checkpoint(path)
            values = read_tensors(checkpoint, ["b"])
            assert tracemalloc.get_traced_memory()[1] < 5_000_000, path.name
        finally:
            tracemalloc.stop()
        assert rss() - before < 50_000_000, path.name
        assert values["b"].size == 2 and {t.name: t.nbytes for t in checkpoint.tensors}["w"] == 4 * size
        path.unlink()


def test_streaming_gives_mapped_memory_back(tmp_path: Path) -> None:
    for name in ("m.pt", "m.pth", "m.safetensors"):
        path = tmp_path / name
        tensors = {f"w{i}": torch.full((5_000_000,), float(i)) for i in range(4)}
        if path.suffix == ".safetensors":
            write_safetensors(path, tensors)
        else:
            torch.save(tensors, path, _use_new_zipfile_serialization=path.suffix == ".pt")
        del tensors
        with open_tensors(open_checkpoint(path)) as values:
            before = rss()
            first = values.view("w1")
            for i in range(4):
                assert float(values.view(f"w{i}").max()) == i
                values.release()
            assert rss() - before < 30_000_000, name
            assert float(first[7]) == 1.0  # a view stays valid
        path.unlink()


def rss() -> int:
    """Resident bytes of this process now."""
    import resource

    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text().split()[1]) * resource.getpagesize()
