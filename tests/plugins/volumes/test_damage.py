"""Random damage to small files of every format raises `ReadError` or reads; never anything else."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import nibabel
import nrrd as pynrrd
import numpy as np
import pytest

from core.errors import ReadError
from core.jobs import Job
from plugins.volumes import dicom, metaimage, nifti, nrrd
from plugins.volumes.nibabel_formats import read_afni, read_mgh, read_minc, read_par
from tests.plugins.volumes.series import write_series

FIXTURES = Path(nibabel.__file__).parent / "tests" / "data"


def _small(folder: Path, name: str) -> Path:
    array = np.arange(60, dtype="i2").reshape(3, 4, 5)
    path = folder / name
    if name.endswith((".nii", ".nii.gz", ".hdr")):
        kind = (
            nibabel.Nifti2Image
            if "two" in name
            else nibabel.Nifti1Pair
            if name.endswith("hdr")
            else nibabel.Nifti1Image
        )
        nibabel.save(kind(array, np.diag([1.0, 2, 3, 1])), path)
    elif name.endswith(("mgh", "mgz")):
        nibabel.save(nibabel.MGHImage(array, np.eye(4)), path)
    elif name.endswith("nrrd"):
        encoding = "gzip" if "gz" in name else "raw"
        pynrrd.write(
            str(path),
            array,
            {"encoding": encoding, "space": "RAS", "space directions": np.eye(3), "space origin": [0, 0, 0]},
        )
    elif name.endswith("mha"):
        text = "ObjectType = Image\nNDims = 3\nDimSize = 3 4 5\nElementSpacing = 1 1 1\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
        path.write_bytes(text.encode() + array.tobytes(order="F"))
    elif name.endswith("dcm"):
        (path,) = write_series(folder, np.arange(20, dtype="u2").reshape(1, 4, 5))
    else:
        shutil.copy(FIXTURES / name, path)
        for partner in (name.replace(".HEAD", ".BRIK"), name.replace(".PAR", ".REC")):
            if partner != name and (FIXTURES / partner).exists():
                shutil.copy(FIXTURES / partner, folder / partner)
    return path


@pytest.mark.parametrize(
    ("read", "name", "rounds"),
    [
        (nifti.read, "a.nii", 300),
        (nifti.read, "two.nii", 300),
        (nifti.read, "a.nii.gz", 200),
        (nifti.read, "a.hdr", 200),
        (read_mgh, "a.mgh", 200),
        (read_mgh, "a.mgz", 100),
        (read_minc, "tiny.mnc", 150),
        (read_minc, "minc2_1_scale.mnc", 60),
        (read_afni, "scaled+tlrc.HEAD", 80),
        (read_par, "phantom_varscale.PAR", 40),
        (nrrd.read, "a.nrrd", 300),
        (nrrd.read, "gz.nrrd", 100),
        (metaimage.read, "a.mha", 300),
        (dicom.read, "a.dcm", 200),
    ],
)
def test_random_damage(tmp_path: Path, read: Any, name: str, rounds: int) -> None:
    source = _small(tmp_path, name)
    whole = source.read_bytes()
    rng = np.random.default_rng(11)
    read_well = 0
    for _ in range(rounds):
        data = bytearray(whole[: int(rng.integers(1, len(whole)))] if rng.random() < 0.3 else whole)
        # most damage goes where headers are
        reach = min(len(data), 700) if rng.random() < 0.8 else len(data)
        for at in rng.integers(0, reach, size=int(rng.integers(1, 8))):
            data[at] = rng.integers(0, 256)
        source.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                loaded = read(source, job=Job())
            assert loaded and all(item.data.array.size for item in loaded)
            read_well += 1
        except ReadError as error:
            assert "\n" not in str(error) and len(str(error)) < 400
    source.write_bytes(whole)
    assert read(source, job=Job())
