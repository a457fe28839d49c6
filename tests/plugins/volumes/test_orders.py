"""A marker in the right hemisphere keeps its world position and letter in all 48 axis orders, in every format."""

from __future__ import annotations

from pathlib import Path

import nibabel
import nrrd as pynrrd
import numpy as np
import pytest

from core.data import Volume, bounds, info
from core.geometry import direction_letters
from core.jobs import Job
from plugins.volumes import metaimage, nifti, nrrd
from plugins.volumes.nibabel_formats import read_mgh
from tests.plugins.volumes.orders import MARK, RIGHT, SHAPE, SPACING, orders

ORDERS = list(orders())
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def _check(volume: Volume, codes: str) -> None:
    index = np.array(np.unravel_index(int(np.argmax(volume.array)), volume.array.shape))
    assert volume.array[tuple(index)] == MARK
    np.testing.assert_allclose(volume.affine[:3, :3] @ index + volume.affine[:3, 3], RIGHT, atol=1e-4)
    facts = info(volume)
    assert facts["axis_codes"] == codes
    assert direction_letters(volume.affine[:3, 0]) == codes[0]
    low = np.array([-30.0, -45.0, -45.0]) - np.array(SPACING) / 2
    np.testing.assert_allclose(
        bounds(volume), np.stack([low, low + np.array(SHAPE) * SPACING], axis=1), atol=1e-4
    )


def test_there_are_48_and_all_differ() -> None:
    assert len({codes for codes, _, _ in ORDERS}) == 48


@pytest.mark.parametrize(("codes", "array", "affine"), ORDERS, ids=[o[0] for o in ORDERS])
def test_nifti_by_sform_and_by_qform(
    tmp_path: Path, codes: str, array: np.ndarray, affine: np.ndarray
) -> None:
    for form in ("sform", "qform"):
        image = nibabel.Nifti1Image(array, None)
        getattr(image, f"set_{form}")(affine, code=1)
        getattr(image, "set_qform" if form == "sform" else "set_sform")(None, code=0)
        path = tmp_path / f"{form}.nii"
        nibabel.save(image, path)
        (loaded,) = nifti.read(path, job=Job())
        assert loaded.metadata["orientation_from"] == form and not loaded.warnings
        np.testing.assert_array_equal(loaded.data.array, array)
        _check(loaded.data, codes)


@pytest.mark.parametrize(("codes", "array", "affine"), ORDERS[::5], ids=[o[0] for o in ORDERS[::5]])
def test_the_other_formats(tmp_path: Path, codes: str, array: np.ndarray, affine: np.ndarray) -> None:
    path = tmp_path / "a.mgz"
    nibabel.save(nibabel.MGHImage(array, affine), path)
    _check(read_mgh(path, job=Job())[0].data, codes)

    for space, to_space in (
        ("left-posterior-superior", LPS),
        ("right-anterior-superior", np.eye(4)),
        ("LAS", np.diag([-1.0, 1.0, 1.0, 1.0])),
    ):
        matrix = to_space @ affine
        header = {"space": space, "space directions": matrix[:3, :3].T, "space origin": matrix[:3, 3]}
        path = tmp_path / "a.nrrd"
        pynrrd.write(str(path), array, header)
        _check(nrrd.read(path, job=Job())[0].data, codes)

    matrix = LPS @ affine
    sizes = np.linalg.norm(matrix[:3, :3], axis=0)
    path = tmp_path / "a.mha"
    path.write_bytes(
        (
            "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
            f"TransformMatrix = {' '.join(map(str, (matrix[:3, :3] / sizes).T.ravel()))}\n"
            f"Offset = {' '.join(map(str, matrix[:3, 3]))}\nElementSpacing = {' '.join(map(str, sizes))}\n"
            f"DimSize = {' '.join(map(str, array.shape))}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
        ).encode()
        + array.tobytes(order="F")
    )
    _check(metaimage.read(path, job=Job())[0].data, codes)


@pytest.mark.parametrize(("codes", "array", "affine"), ORDERS, ids=[o[0] for o in ORDERS])
def test_written_and_read_again(tmp_path: Path, codes: str, array: np.ndarray, affine: np.ndarray) -> None:
    path = tmp_path / "w.nii.gz"
    nifti.write(Volume(array, affine), path, job=Job(), metadata={})
    (loaded,) = nifti.read(path, job=Job())
    assert not loaded.warnings
    _check(loaded.data, codes)
    image = nibabel.load(path)
    np.testing.assert_allclose(image.get_qform(), affine, atol=1e-4)
    assert int(image.header["sform_code"]) == 2
