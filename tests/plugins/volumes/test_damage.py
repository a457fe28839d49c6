"""Random damage to small files of every format raises `ReadError` or reads; never anything else."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ReadError
from core.jobs import Job
from plugins.volumes import dicom, metaimage, nifti, nrrd
from plugins.volumes.nibabel_formats import read_afni, read_mgh, read_minc, read_par
from tests.files.volumes import small_volume


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
    source = small_volume(tmp_path, name)
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
