"""What is hashed, what is asked, and that nothing runs before the answer."""

from __future__ import annotations

import json
import os
import pickle
import re
import stat
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.bridge import Bridge, Contract, ModelError, Reference, inspect, open_model
from core.data import PointCloud
from core.errors import UserError
from core.jobs import InlineRunner, Job
from core.trust import TrustStore, Untrusted, differences, require

CLOUD = PointCloud(np.arange(12.0).reshape(4, 3))


def hash_of(reference: Reference) -> str:
    return inspect(reference).version.hash


def run(reference: Reference, trusted: tuple[str, ...] = (), **contract: Any) -> Any:
    job = Job()
    job.trusted = frozenset(trusted)
    with open_model(reference, Contract(**contract), job=job) as model:
        return model.predict(CLOUD)


def marked(folder: Path) -> tuple[Reference, Path]:
    """A model that leaves a mark where it is run, or only imported."""
    folder.mkdir(exist_ok=True)
    mark = folder / "mark"
    (folder / "marker.py").write_text(
        f"open({str(mark)!r}, 'a').write('imported')\ndef f(x):\n    return x\n"
    )
    return Reference(str(folder / "marker.py:f")), mark


def test_nothing_runs_until_it_is_trusted(tmp_path: Path) -> None:
    reference, mark = marked(tmp_path / "m")
    with pytest.raises(Untrusted, match=r"marker.py:f is a program.*--trust [0-9a-f]{64}$") as caught:
        run(reference)
    assert not mark.exists() and caught.value.data["before"] is None
    version = caught.value.data["version"]
    assert version["hash"] == hash_of(reference) and list(version["files"]) == ["marker.py"]
    with pytest.raises(
        Untrusted, match=r"marker.py:f is not the version that you allowed \(000000000000…, "
    ) as caught:
        run(reference, ("0" * 64, version["hash"][:16], ""))
    assert not mark.exists()
    run(reference, (version["hash"],))
    assert mark.exists()
    with pytest.raises(Untrusted):  # once is once
        run(reference)


def test_what_is_trusted_for_good_is_kept_and_can_be_taken_back(tmp_path: Path) -> None:
    reference, _ = marked(tmp_path / "m")
    version = inspect(reference).version
    TrustStore().add(version)
    run(reference)
    (entry,) = TrustStore().all()
    assert entry.trusted and entry.files == version.files and entry.place == str(tmp_path / "m")
    assert stat.S_IMODE(os.stat(TrustStore().folder).st_mode) == 0o700
    TrustStore().forget(version.hash)
    assert TrustStore().all() == []
    with pytest.raises(Untrusted):
        run(reference)


@pytest.mark.parametrize("change", ["edit", "add", "remove", "deep", "library"])
def test_a_changed_file_is_asked_about_anew_and_named(tmp_path: Path, change: str) -> None:
    reference, mark = marked(tmp_path / "m")
    folder = tmp_path / "m"
    (folder / "old.py").write_text("a = 1\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "deep.py").write_text("b = 1\n")
    TrustStore().add(inspect(reference).version)
    require(inspect(reference).version)
    {
        "edit": lambda: (folder / "marker.py").write_text((folder / "marker.py").read_text() + "#\n"),
        "add": lambda: (folder / "new.py").write_text("c = 1\n"),
        "remove": lambda: (folder / "old.py").unlink(),
        "deep": lambda: (folder / "sub" / "deep.py").write_text("b = 2\n"),
        "library": lambda: (folder / "fast.so").write_bytes(b"ELF"),
    }[change]()
    words = {
        "edit": "marker.py changed",
        "add": "new.py added",
        "remove": "old.py gone",
        "deep": "sub/deep.py changed",
        "library": "fast.so added",
    }[change]
    with pytest.raises(Untrusted, match=f"not the version that you trusted.*{words}") as caught:
        run(reference)
    assert not mark.exists() and caught.value.data["before"]["trusted"]


def test_what_is_hashed_and_what_is_not(tmp_path: Path) -> None:
    reference, _ = marked(tmp_path / "m")
    folder = tmp_path / "m"
    before = hash_of(reference)
    for name in (
        "data.npy",
        "README.md",
        ".git/hook.py",
        "__pycache__/x.cpython-311.pyc",
        "node_modules/a.py",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    (folder / "env").mkdir()
    (folder / "env" / "pyvenv.cfg").write_text("home = /usr\n")
    (folder / "env" / "lib.py").write_text("x")
    assert hash_of(reference) == before
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.py").write_text("x = 1")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "link" / "loop").symlink_to(folder)
    assert list(inspect(reference).version.files) == ["link/linked.py", "marker.py"]
    first = hash_of(reference)
    (tmp_path / "elsewhere" / "linked.py").write_text("x = 2")
    assert hash_of(reference) != first
    (folder / "sourceless.pyc").write_bytes(b"x")
    assert "sourceless.pyc" in inspect(reference).version.files
    other = hash_of(Reference(str(folder / "marker.py:g")))
    assert other != hash_of(reference)  # another function of the same files is another thing to run


def test_an_interpreter_is_part_of_what_is_trusted(tmp_path: Path) -> None:
    reference, _ = marked(tmp_path / "m")
    mark = tmp_path / "ran"
    evil = tmp_path / "python"
    evil.write_text(f"#!/bin/sh\ntouch {mark}\n")
    evil.chmod(0o755)
    with_evil = Reference(reference.model, python=evil)
    own, other = inspect(reference), inspect(with_evil)
    assert own.content == other.content and own.version.hash != other.version.hash
    TrustStore().add(own.version)
    with pytest.raises(Untrusted, match=r"interpreter .*python added"):
        run(with_evil)
    assert not mark.exists()
    evil.write_text("#!/bin/sh\n# another\n")
    assert hash_of(with_evil) != other.version.hash
    assert inspect(Reference(reference.model, python=Path(sys.executable))).version.hash == own.version.hash


def test_a_file_that_changes_between_hash_and_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, _ = marked(tmp_path / "m")
    allowed = (hash_of(reference),)
    loading = Bridge.load

    def exchanged(self: Any, message: Any, data: Any = None) -> str:
        (tmp_path / "m" / "marker.py").write_text("def f(x):\n    return x * 2\n")
        return loading(self, message, data)

    monkeypatch.setattr(Bridge, "load", exchanged)
    with pytest.raises(ModelError, match="changed while it was being run"):
        run(reference, allowed)


def test_models_of_torch_run_as_the_bytes_that_were_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TorchScript, torch.export, a pickled module, and weights of both kinds; in one process, since torch is slow."""
    import warnings

    torch = pytest.importorskip("torch")
    from core.checkpoints import write_safetensors

    (tmp_path / "hernet.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.full((1,), 3.0))\n"
        "    def forward(self, x):\n        return x * self.scale if not self.training else x\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import hernet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = hernet.Net().eval()
        torch.jit.save(torch.jit.trace(net, torch.zeros(4, 3)), str(tmp_path / "script.pt"))
        torch.export.save(torch.export.export(net, (torch.zeros(4, 3),)), tmp_path / "program.pt2")
    torch.save(net, tmp_path / "whole.pt")
    del sys.modules["hernet"]
    torch.save({"state_dict": {"scale": torch.tensor([4.0])}}, tmp_path / "weights.pt")
    write_safetensors(tmp_path / "weights.safetensors", {"scale": np.array([5.0], np.float32)}, {})
    cases: list[tuple[Reference, str, float]] = [
        (Reference(str(tmp_path / "script.pt")), "torchscript", 3),
        (Reference(str(tmp_path / "program.pt2")), "export", 3),
        (Reference(str(tmp_path / "whole.pt")), "pickled", 3),
        (Reference(str(tmp_path / "hernet.py:Net"), weights=tmp_path / "weights.pt"), "file", 4),
        (Reference(str(tmp_path / "hernet.py:Net"), weights=tmp_path / "weights.safetensors"), "file", 5),
    ]
    found = [inspect(reference) for reference, _, _ in cases]
    for path in (*tmp_path.glob("*.pt*"), tmp_path / "weights.safetensors"):
        path.write_bytes(b"exchanged")
    x = CLOUD.points.astype(np.float32)
    with Bridge() as bridge:
        for (reference, kind, factor), one in zip(cases, found, strict=True):
            assert one.kind == kind
            assert ("hernet.py" in one.version.files) == (kind in ("pickled", "file"))
            bridge.load(one.message, one.data)
            np.testing.assert_allclose(bridge.call([x])[""], factor * x, err_msg=reference.model)
        assert bridge.versions["torch"]
        torch.save({"w": torch.zeros(3)}, tmp_path / "tensors.pt")
        tensors = inspect(Reference(str(tmp_path / "tensors.pt")))
        with pytest.raises(ModelError, match="holds tensors and no model"):
            bridge.load(tensors.message, tensors.data)
    with pytest.raises(Untrusted):
        run(Reference(str(tmp_path / "tensors.pt")))


class _Marks:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def test_opening_never_runs_what_a_file_holds(tmp_path: Path) -> None:
    """What a drop on the window and `equiscope info` do: the tasks "expand" and "open_path"."""
    mark = tmp_path / "mark"
    scripted = tmp_path / "net.pt"
    with zipfile.ZipFile(scripted, "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps(_Marks(mark)))
        archive.writestr("net/constants.pkl", pickle.dumps(_Marks(mark)))
        archive.writestr("net/code/__torch__/net.py", f"open({str(mark)!r}, 'w')")
    exported = tmp_path / "program.pt2"
    with zipfile.ZipFile(exported, "w") as archive:
        archive.writestr("program/models/model.json", json.dumps({"evil": True}))
        archive.writestr("program/data.pkl", pickle.dumps(_Marks(mark)))
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(_Marks(mark)))
    module = tmp_path / "net.py"
    module.write_text(f"open({str(mark)!r}, 'w')\n")
    runner = InlineRunner()
    for path, words in (
        (scripted, "holds code .*TorchScript program for __torch__.net.*not run.*Run a model I trust"),
        (exported, r"holds code .*torch\.export.*not run.*Run a model I trust"),
        (tmp_path / "plain.pt", "not run"),
        (module, ""),
    ):
        assert runner.submit("expand", {"paths": [str(path)]}).result() == [str(path)]
        failed = runner.submit("open_path", {"path": str(path)})
        assert failed.error is not None and failed.error.refusal
        assert re.search(words, str(failed.error)), str(failed.error)
        assert not mark.exists()
        for reference in (Reference(str(path)), Reference(f"{path}:f")):
            try:
                inspect(reference)  # not even to hash it
            except UserError:
                pass
        assert not mark.exists()


def test_what_a_reference_may_be(tmp_path: Path, repo: Path) -> None:
    with pytest.raises(
        UserError, match=r"Say which function or class of net.py, as net.py:NAME; it has outward, broken"
    ):
        inspect(Reference(str(repo / "net.py")))
    with pytest.raises(UserError, match="There is no file"):
        inspect(Reference(str(repo / "gone.py:f")))
    with pytest.raises(UserError, match="Name the model as"):
        inspect(Reference("a model"))
    with pytest.raises(UserError, match="in which folder"):
        inspect(Reference("net:outward"))
    with pytest.raises(UserError, match="does not lie in the folder"):
        inspect(Reference(str(repo / "net.py:f"), folder=_made(tmp_path / "other")))
    (repo / "bad.pt").write_bytes(b"hello")
    with pytest.raises(UserError, match="no file of torch"):
        inspect(Reference(str(repo / "bad.pt")))
    (repo / "broken.py").write_text("def f(:")
    with pytest.raises(UserError, match="no Python that can be read"):
        inspect(Reference(str(repo / "broken.py")))
    by_name = Reference("net:outward", folder=repo)
    assert run(by_name, (hash_of(by_name),)).values.shape == (4, 3)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_folder_that_holds_too_much_is_refused(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.bridge._inspect as inspecting

    monkeypatch.setattr(inspecting, "MOST_FILES", 3)
    for n in range(3):
        (repo / f"more{n}.py").write_text("")
    with pytest.raises(UserError, match="holds too much to be checked"):
        inspect(Reference(str(repo / "net.py:f")))


def test_a_damaged_or_forged_entry_of_the_list_trusts_nothing(tmp_path: Path) -> None:
    reference, _ = marked(tmp_path / "m")
    version = inspect(reference).version
    store = TrustStore()
    store.add(version)
    file = store.folder / f"{version.hash}.json"
    good = file.read_bytes()
    for text in (b"", b"[]", good[:50], good.replace(version.hash.encode(), b"0" * 64), b"\xff"):
        file.write_bytes(text)
        assert store.get(version.hash) is None and store.all() == []
    file.write_bytes(good)
    assert store.get(version.hash) is not None
    assert store.get("../" * 3 + "etc/passwd") is None
    store.forget("../../settings")  # nothing happens
    require(version)


def test_differences_are_named() -> None:
    from core.trust import Version

    a = Version("0" * 64, "t", "p", files={"a": "1", "b": "2", "c": "3"})
    b = Version("1" * 64, "t", "p", files={"a": "1", "b": "9", "d": "3"})
    assert str(differences(a, b)) == "b changed; d added; c gone"
