"""The manifests of both plugins name functions that are there, and files go to the reader that is meant."""

from __future__ import annotations

import inspect
from pathlib import Path

import nibabel
import pytest

from core.data import Volume
from core.jobs import Job
from core.opening import choose_reader, describe_reader, open_path
from core.plugins import PluginHost

FIXTURES = Path(nibabel.__file__).parent / "tests" / "data"


@pytest.fixture(scope="module")
def host() -> PluginHost:
    """Of the plugins that this checkout holds."""
    return PluginHost()


def test_functions_exist_and_describe(host: PluginHost) -> None:
    for plugin in ("volumes", "markups"):
        for reader in (r for r in host.readers if r.id.startswith(plugin + ".")):
            assert callable(host.resolve(reader.read)) and callable(host.resolve(reader.sniff))
            assert describe_reader(host, reader).title == reader.title
        for writer in (w for w in host.writers if w.id.startswith(plugin + ".")):
            assert {"job", "metadata"} <= set(inspect.signature(host.resolve(writer.write)).parameters)
    assert any(r.id == "volumes.dicom" and r.folders for r in host.readers)


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("anatomical.nii", "volumes.nifti"),
        ("example_nifti2.nii.gz", "volumes.nifti"),
        ("test.mgz", "volumes.mgh"),
        ("tiny.mnc", "volumes.minc"),
        ("small.mnc", "volumes.minc"),
        ("phantom_varscale.PAR", "volumes.parrec"),
        ("phantom_varscale.REC", "volumes.parrec"),
        ("scaled+tlrc.HEAD", "volumes.afni"),
        ("example4d+orig.BRIK.gz", "volumes.afni"),
        ("0.dcm", "volumes.dicom"),
    ],
)
def test_the_right_reader_is_chosen(host: PluginHost, name: str, reader: str) -> None:
    path = FIXTURES / name
    chosen, remark = choose_reader(path, path.read_bytes()[:4096], host=host)
    assert chosen.id == reader and remark == ""


def test_a_misnamed_file_opens_with_a_remark(host: PluginHost, tmp_path: Path) -> None:
    path = tmp_path / "scan.mgz"
    path.write_bytes((FIXTURES / "anatomical.nii").read_bytes())
    opened = open_path(path, job=Job(), host=host)
    assert isinstance(opened.loaded[0].data, Volume) and opened.loaded[0].warnings
