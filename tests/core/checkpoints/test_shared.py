"""The real checkpoints: format, number of tensors and parameters, and torch's own values."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from core.checkpoints import open_checkpoint, parameter_count, read_tensors
from core.errors import ReadError
from tests.core.checkpoints.test_formats import as_numpy, flat

pytestmark = pytest.mark.shared

# file -> (format, tensors, values). The ResNets: 0.27, 0.46 and 0.85 M parameters (He et al. 2016, table 6)
# and their batch-norm statistics.
EXPECTED = {
    "matgl/M3GNet-ANI-1x-Subset-PES/state.pt": ("torch", 115, 280053),
    "matgl/MEGNet-MP-2018.6.1-Eform/state.pt": ("torch", 106, 189621),
    "matgl/SO3Net-ANI-1x-Subset-PES/state.pt": ("torch", 46, 103382),
    "matgl/TensorNet-ANI-1x-Subset-PES/state.pt": ("torch", 69, 208729),
    "mnist_cnn_zoo_generated/zoo64.safetensors": ("safetensors", 512, 64 * 4970),
    "mnist_inr_zoo_generated/siren400.safetensors": ("safetensors", 9, 475200),
    **{
        f"nerf_lowres/{scene}-lowres/checkpoint{step}.ckpt": ("torch (before 1.6)", 97, 507289)
        for scene, step in (
            ("chair", 155000),
            ("drums", 199999),
            ("lego", 199999),
            ("materials", 199999),
            ("ship", 125000),
        )
    },
    "pyhessian_resnet20/net.pkl": ("torch (before 1.6)", 128, 274063),
    "resnet_cifar10/resnet20-12fca82f.th": ("torch (before 1.6)", 97, 271098),
    "resnet_cifar10/resnet32-d509ac18.th": ("torch (before 1.6)", 157, 466426),
    "resnet_cifar10/resnet56-4bfd9763.th": ("torch (before 1.6)", 277, 857082),
}

# What is no checkpoint, and the reason that the user reads.
REFUSED = {
    "checkpoints/matgl/MEGNet-MP-2018.6.1-Eform/model.json": "JSON text",
    "checkpoints/mnist_cnn_zoo_generated/models.json": "JSON text",
    "checkpoints/nerf_lowres/lego-lowres/config.yml": "no file of tensors",
    "spd/U001.mat": "MATLAB file",
    "spd/U002.mat": "MATLAB file",
    "spd/U003.mat": "MATLAB file",
    "spd/U004.mat": "MATLAB file",
    "timeseries/mocap/cmu35WalkJog.mat": "MATLAB file",
    "timeseries/free-spoken-digit-dataset.zip": "zip archive",
    "zoos/loss_landscape_taxonomy_results.tar.gz": "gzip archive",
    "molecules/cgnet_ala2/ala2_forces.npy": "single NumPy array",
}


def test_every_checkpoint_is_in_the_table(shared_data: Path) -> None:
    folder = shared_data / "checkpoints"
    suffixes = (".pt", ".pth", ".ckpt", ".th", ".pkl", ".safetensors", ".npz", ".h5")
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix in suffixes}
    assert found == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_index_and_values(shared_data: Path, name: str) -> None:
    path = shared_data / "checkpoints" / name
    checkpoint = open_checkpoint(path)
    assert (checkpoint.format, len(checkpoint.tensors), parameter_count(checkpoint)) == EXPECTED[name]
    if path.suffix == ".safetensors":
        load_file = pytest.importorskip("safetensors.numpy").load_file
        expected = load_file(path)
    else:
        torch = pytest.importorskip("torch")
        expected = flat(torch.load(path, weights_only=True, map_location="cpu"))
    values = read_tensors(checkpoint)
    assert set(values) == set(expected)
    for key, value in values.items():
        np.testing.assert_array_equal(value, as_numpy(expected[key]), err_msg=key)


def test_resnet20_has_its_published_number_of_parameters(shared_data: Path) -> None:
    checkpoint = open_checkpoint(shared_data / "checkpoints/resnet_cifar10/resnet20-12fca82f.th")
    trained = [t for t in checkpoint.tensors if not t.name.rsplit(".", 1)[-1].startswith("running")]
    assert sum(int(np.prod(t.shape)) for t in trained) == 269722
    assert checkpoint.metadata["best_prec1"] == pytest.approx(91.78, abs=1e-4)


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(shared_data: Path, name: str) -> None:
    with pytest.raises(ReadError, match=REFUSED[name]):
        open_checkpoint(shared_data / name)


def test_the_pickles_of_the_loss_landscape_zoo(shared_data: Path, tmp_path: Path) -> None:
    """Numbers of NumPy in plain dicts: read without pickle, equal to what pickle gives."""
    import pickle

    with tarfile.open(shared_data / "zoos/loss_landscape_taxonomy_results.tar.gz") as archive:
        names = [m for m in archive.getmembers() if m.name.endswith((".pkl", ".npz"))]
        assert len(names) == 1232
        kinds: dict[str, tarfile.TarInfo] = {}
        for member in names:
            kinds.setdefault(member.name.rsplit("/", 1)[-1], member)
        for name, member in kinds.items():
            content = archive.extractfile(member)
            assert content is not None
            data = content.read()
            (tmp_path / name).write_bytes(data)
            checkpoint = open_checkpoint(tmp_path / name)
            if name.endswith(".npz"):
                assert checkpoint.tensors
                continue
            assert checkpoint.tensors == ()
            plain = {k: v for k, v in checkpoint.metadata.items() if k != "warnings"}
            assert plain == as_text_keys(pickle.loads(data))


def as_text_keys(value: object) -> object:
    if isinstance(value, dict):
        return {str(k): as_text_keys(v) for k, v in value.items()}
    return [as_text_keys(v) for v in value] if isinstance(value, list) else value
