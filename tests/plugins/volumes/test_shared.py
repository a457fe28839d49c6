"""Every volume of the shared data: kind, shape, spacing, sides and bounds.

The expectations were taken from the raw header bytes (struct, text) by the formulas of each standard, not from
these readers; `test_nifti_headers_by_hand` repeats that for NIfTI with nothing but `struct`.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from core.data import info
from core.jobs import Job
from plugins.volumes import dicom, metaimage, nifti, nrrd

pytestmark = pytest.mark.shared

ATLAS = [
    f"fetal_spina_bifida_atlas/GA{week}_{kind}/{part}.nii.gz"
    for week, kind in (
        (22, "notoperated"),
        (24, "notoperated"),
        (26, "operated"),
        (28, "operated"),
        (30, "operated"),
        (32, "operated"),
        (34, "operated"),
    )
    for part in ("srr", "mask", "parcellation")
]
# name, reader, shape, dtype, spacing, codes, number of warnings
TABLE: list[tuple[str, Any, tuple[int, ...], str, tuple[float, ...], str, int]] = [
    *(
        (
            name,
            nifti.read,
            (135, 189, 155),
            "float32" if "srr" in name else "uint16",
            (0.8, 0.8, 0.8),
            "RAS",
            0,
        )
        for name in ATLAS
    ),
    ("niivue/FLAIR.nii.gz", nifti.read, (124, 160, 140), "uint8", (1, 1, 1), "RAS", 0),
    ("niivue/lesion.nii.gz", nifti.read, (124, 160, 140), "uint8", (1, 1, 1), "RAS", 0),
    ("niivue/MNI152_2009_template.nii.gz", nifti.read, (193, 229, 193), "int16", (1, 1, 1), "RAS", 0),
    ("niivue/avg152T1_RL_nifti.nii.gz", nifti.read, (91, 109, 91), "uint8", (2, 2, 2), "RAS", 0),
    ("niivue/shear.nii.gz", nifti.read, (306, 422, 54), "float32", (0.482, 0.482, 2.5), "RAS", 2),
    ("niivue/FLAIR.nrrd", nrrd.read, (124, 160, 140), "uint8", (1, 1, 1), "RAS", 0),
    ("niivue/mha.mha", metaimage.read, (64, 64, 37), "int16", (3.4375, 3.4375, 3.8), "LAS", 0),
    ("niivue/enh.dcm", dicom.read, (64, 64, 6), "uint16", (3.375, 3.375, 2.4), "LPS", 0),
]


@pytest.mark.parametrize(
    ("name", "read", "shape", "dtype", "spacing", "codes", "n_warnings"), TABLE, ids=[t[0] for t in TABLE]
)
def test_every_volume(
    shared_data: Path,
    name: str,
    read: Any,
    shape: tuple[int, ...],
    dtype: str,
    spacing: tuple[float, ...],
    codes: str,
    n_warnings: int,
) -> None:
    (loaded,) = read(shared_data / "mri" / name, job=Job())
    facts = info(loaded.data, loaded.name, loaded.warnings)
    assert facts["kind"] == "volume" and tuple(facts["shape"]) == shape and facts["unit"] == "mm"
    assert str(loaded.data.array.dtype) == dtype and facts["axis_codes"] == codes
    if "shear" not in name:
        np.testing.assert_allclose(facts["spacing"], spacing, atol=2e-3)
    assert len(loaded.warnings) == n_warnings, loaded.warnings


def test_no_volume_is_left_out(shared_data: Path) -> None:
    endings = (".nii.gz", ".nrrd", ".mha", ".dcm")
    there = {
        str(p.relative_to(shared_data / "mri"))
        for p in (shared_data / "mri").rglob("*")
        if p.name.endswith(endings)
    }
    assert there == {t[0] for t in TABLE}


def _by_hand(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Affine (sform rows, else the quaternion formula) and scaled values, from the bytes alone."""
    raw = gzip.decompress(path.read_bytes())
    end = "<" if struct.unpack("<i", raw[:4])[0] == 348 else ">"
    dim = struct.unpack(end + "8h", raw[40:56])
    code = struct.unpack(end + "h", raw[70:72])[0]
    pixdim = struct.unpack(end + "8f", raw[76:108])
    offset, slope, inter = struct.unpack(end + "3f", raw[108:120])
    qcode, scode = struct.unpack(end + "2h", raw[252:256])
    affine = np.eye(4)
    if scode > 0:
        affine[:3] = np.array(struct.unpack(end + "12f", raw[280:328])).reshape(3, 4)
    else:
        assert qcode > 0
        b, c, d, *shift = struct.unpack(end + "6f", raw[256:280])
        a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
        turn = np.array(
            [
                [a * a + b * b - c * c - d * d, 2 * b * c - 2 * a * d, 2 * b * d + 2 * a * c],
                [2 * b * c + 2 * a * d, a * a + c * c - b * b - d * d, 2 * c * d - 2 * a * b],
                [2 * b * d - 2 * a * c, 2 * c * d + 2 * a * b, a * a + d * d - c * c - b * b],
            ]
        )
        affine[:3, :3] = turn * [pixdim[1], pixdim[2], pixdim[3] * (-1 if pixdim[0] < 0 else 1)]
        affine[:3, 3] = shift
    kind = np.dtype({2: "u1", 4: "i2", 16: "f4", 512: "u2"}[code]).newbyteorder(end)
    shape = dim[1 : 1 + dim[0]]
    values = np.frombuffer(raw, kind, count=int(np.prod(shape)), offset=int(offset)).reshape(shape, order="F")
    return affine, values.astype(float) * slope + inter if slope not in (0.0, 1.0) and np.isfinite(
        slope
    ) else values


@pytest.mark.parametrize("name", [t[0] for t in TABLE if t[0].endswith(".nii.gz")])
def test_nifti_headers_by_hand(shared_data: Path, name: str) -> None:
    path = shared_data / "mri" / name
    affine, values = _by_hand(path)
    (loaded,) = nifti.read(path, job=Job())
    np.testing.assert_allclose(loaded.data.affine, affine, atol=1e-4)
    np.testing.assert_allclose(loaded.data.array, values, rtol=1e-6)
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * values.shape[:3] - 0.5
    world = corners @ affine[:3, :3].T + affine[:3, 3]
    box = np.stack([world.min(axis=0), world.max(axis=0)], axis=1)
    np.testing.assert_allclose(info(loaded.data)["bounds"], box.ravel(), atol=1e-2)


def test_nrrd_and_nifti_of_one_scan_agree(shared_data: Path) -> None:
    folder = shared_data / "mri" / "niivue"
    (a,), (b,) = nifti.read(folder / "FLAIR.nii.gz", job=Job()), nrrd.read(folder / "FLAIR.nrrd", job=Job())
    np.testing.assert_array_equal(a.data.array, b.data.array)
    np.testing.assert_allclose(a.data.affine, b.data.affine, atol=1e-6)


def test_metaimage_by_its_text(shared_data: Path) -> None:
    path = shared_data / "mri" / "niivue" / "mha.mha"
    text = path.read_bytes().partition(b"LOCAL")[0].decode()
    fields = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
    offset = np.array(fields["Offset"].split(), float)
    (loaded,) = metaimage.read(path, job=Job())
    np.testing.assert_allclose(loaded.data.affine[:3, 3], offset * [-1, -1, 1])
    # TransformMatrix 1 0 0 / 0 -1 0 / 0 0 1: the second axis runs to anterior in LPS
    np.testing.assert_allclose(np.sign(np.diag(loaded.data.affine)), [-1, 1, 1, 1])


def test_the_sheared_file_says_what_is_wrong(shared_data: Path) -> None:
    path = shared_data / "mri" / "niivue" / "shear.nii.gz"
    (loaded,) = nifti.read(path, job=Job())
    np.testing.assert_allclose(loaded.data.affine, nibabel.load(path).header.get_sform(), atol=1e-6)
    assert "disagree by up to 35.64 mm and 9.25°" in loaded.warnings[0] and "sheared" in loaded.warnings[1]
    (other,) = nifti.read(path, orientation="qform", job=Job())
    np.testing.assert_allclose(other.data.affine, nibabel.load(path).header.get_qform(), atol=1e-4)
    assert not any("sheared" in w for w in other.warnings)
