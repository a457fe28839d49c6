"""DICOM: series sorted by position, gaps, echoes, time, enhanced files, compression, and nobody's name."""

from __future__ import annotations

import json
import tarfile
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEGLSLossless, RLELossless, generate_uid

from core.data import info
from core.errors import ReadError
from core.geometry import obliquity
from core.jobs import Job
from plugins.volumes.dicom import read, sniff
from tests.plugins.volumes.series import SECRETS, write_enhanced, write_series

PIXELS = np.random.default_rng(0).integers(0, 1000, size=(6, 4, 5)).astype("u2")
OBLIQUE = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0].T[:2].ravel()


def _one(path: Path, **options: bool):  # type: ignore[no-untyped-def]
    (loaded,) = read(path, job=Job(), **options)
    return loaded


def _expected_affine(orientation: np.ndarray, origin: np.ndarray, gap: float = 4.0) -> np.ndarray:
    """By PS3.3 C.7.6.2.1.1 (rows 2 mm, columns 3 mm apart), then LPS to RAS."""
    row, column = np.asarray(orientation, float).reshape(2, 3)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = row * 3.0, column * 2.0, np.cross(row, column) * gap
    affine[:3, 3] = origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


@pytest.mark.parametrize(
    "orientation",
    [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1), OBLIQUE],
    ids=["axial", "sagittal", "coronal", "oblique"],
)
def test_a_shuffled_series_is_sorted_by_position(tmp_path: Path, orientation: np.ndarray) -> None:
    names = [f"IM{n}" for n in (4, 2, 6, 1, 5, 3)]
    write_series(
        tmp_path,
        PIXELS,
        orientation=orientation,
        origin=(10, -20, 30),
        names=names,
        InstanceNumber=[3, 6, 1, 5, 2, 4],
    )
    loaded = _one(tmp_path)
    np.testing.assert_array_equal(loaded.data.array, PIXELS.transpose(2, 1, 0))
    np.testing.assert_allclose(
        loaded.data.affine, _expected_affine(orientation, np.array([10, -20, 30])), atol=1e-6
    )
    assert loaded.data.array.dtype == np.uint16 and loaded.warnings == () and loaded.name == "T1 test"
    assert loaded.data.space == "RAS" and sniff(tmp_path, b"") == 100


def test_one_file_opens_its_series_and_names_one_source(tmp_path: Path) -> None:
    first = write_series(tmp_path, PIXELS, names=[f"a{i}" for i in range(6)])
    write_series(tmp_path, PIXELS[:2], names=["b0", "b1"])
    for path in (first[0], first[4]):
        loaded = _one(path)
        assert loaded.data.array.shape == (5, 4, 6)
        assert (loaded.source or str(path)) == str(first[0])
    assert _one(first[4], whole_series=False).data.array.shape == (5, 4, 1)
    assert {item.data.array.shape for item in read(tmp_path, job=Job())} == {(5, 4, 6), (5, 4, 2)}


def test_missing_slices_keep_distances_true(tmp_path: Path) -> None:
    paths = write_series(tmp_path, PIXELS)
    paths[2].unlink()
    paths[3].unlink()
    loaded = _one(tmp_path)
    assert "2 slices are missing (after slice 2)" in loaded.warnings[0]
    np.testing.assert_allclose(loaded.data.affine, _expected_affine((1, 0, 0, 0, 1, 0), np.zeros(3)))
    want = PIXELS.transpose(2, 1, 0).copy()
    want[:, :, 2:4] = 0
    np.testing.assert_array_equal(loaded.data.array, want)


def test_unequal_spacing_is_said_with_figures(tmp_path: Path) -> None:
    write_series(tmp_path, PIXELS, offsets=[0, 4, 8, 13.7, 17, 20])
    loaded = _one(tmp_path)
    assert "not equally spaced (3.00 to 5.70 mm): the mean of 4.00 mm" in loaded.warnings[0]
    assert "up to 1.70 mm" in loaded.warnings[0]
    assert loaded.data.array.shape == (5, 4, 6)


def test_echoes_kinds_and_orientations_are_apart(tmp_path: Path) -> None:
    series = generate_uid()
    for echo in (4.9, 9.8):
        write_series(
            tmp_path,
            PIXELS + int(echo),
            series=series,
            EchoTime=echo,
            names=[f"e{echo}-{i}" for i in range(6)],
        )
    phase = [f"p{i}" for i in range(6)]
    write_series(
        tmp_path,
        PIXELS,
        series=series,
        EchoTime=4.9,
        names=phase,
        ImageType="ORIGINAL\\PRIMARY\\P",
    )
    write_series(
        tmp_path,
        PIXELS,
        series=series,
        EchoTime=4.9,
        orientation=(0, 1, 0, 0, 0, -1),
        names=[f"o{i}" for i in range(6)],
    )
    items = read(tmp_path, job=Job())
    assert len(items) == 4 and len({i.name for i in items}) == 4
    assert any("echo 9.8 ms" in i.name for i in items) and any("orientation 2" in i.name for i in items)
    by_name = {i.name: i for i in items}
    second = next(i for n, i in by_name.items() if "9.8" in n)
    np.testing.assert_array_equal(second.data.array, (PIXELS + 9).transpose(2, 1, 0))


def test_repeated_positions_are_time(tmp_path: Path) -> None:
    series = generate_uid()
    for t in (2, 0, 1):
        write_series(
            tmp_path,
            PIXELS + t,
            series=series,
            TemporalPositionIdentifier=t + 1,
            RepetitionTime=1500.0,
            names=[f"t{9 - t}-{i}" for i in range(6)],
        )
    data = _one(tmp_path).data
    assert data.last_axis == "time" and data.step == 1.5
    np.testing.assert_array_equal(data.array, np.stack([PIXELS + t for t in range(3)]).transpose(3, 2, 1, 0))
    (tmp_path / "t9-3").unlink()
    loaded = _one(tmp_path)
    assert loaded.data.array.shape[3] == 2 and "5 pictures were left out" in loaded.warnings[0]


def test_a_copied_file_counts_once(tmp_path: Path) -> None:
    paths = write_series(tmp_path, PIXELS)
    (tmp_path / "copy.dcm").write_bytes(paths[1].read_bytes())
    loaded = _one(tmp_path)
    assert loaded.data.array.shape == (5, 4, 6) and not loaded.warnings


def test_rescaling_per_slice_and_offsets_of_ct(tmp_path: Path) -> None:
    (tmp_path / "pet").mkdir()
    slopes = [0.5, 1.5, 2.0, 2.5, 3.0, 0.1]
    write_series(tmp_path / "pet", PIXELS, RescaleSlope=slopes, RescaleIntercept=1.0)
    data = _one(tmp_path / "pet").data
    assert data.array.dtype == np.float32
    want = PIXELS * np.array(slopes)[:, None, None] + 1.0
    np.testing.assert_allclose(data.array, want.transpose(2, 1, 0), rtol=1e-6)
    (tmp_path / "ct").mkdir()
    write_series(tmp_path / "ct", PIXELS, RescaleSlope=1.0, RescaleIntercept=-1024.0)
    data = _one(tmp_path / "ct").data
    assert data.array.dtype.kind == "i"
    np.testing.assert_array_equal(data.array, PIXELS.transpose(2, 1, 0).astype(int) - 1024)


def test_enhanced_frames_with_slopes_echoes_and_time(tmp_path: Path) -> None:
    positions = np.array([[10, 20, 4.0 * k] for k in (2, 0, 1)] * 2)
    path = tmp_path / "enhanced.dcm"
    write_enhanced(path, PIXELS, positions, [1, 2, 3, 4, 5, 6], times=[1, 1, 1, 2, 2, 2])
    data = _one(path).data
    scaled = PIXELS * np.arange(1, 7)[:, None, None]
    want = np.stack([scaled[[1, 2, 0]], scaled[[4, 5, 3]]])
    np.testing.assert_allclose(data.array, want.transpose(3, 2, 1, 0))
    np.testing.assert_allclose(data.affine, _expected_affine((1, 0, 0, 0, 1, 0), np.array([10, 20, 0])))
    write_enhanced(path, PIXELS, positions, [1] * 6, echoes=[10, 10, 10, 20, 20, 20])
    items = read(path, job=Job())
    assert [i.name for i in items] == ["T1 test, echo 10 ms", "T1 test, echo 20 ms"]
    np.testing.assert_array_equal(items[1].data.array, PIXELS[[4, 5, 3]].transpose(2, 1, 0))


def test_no_identity_is_kept(tmp_path: Path) -> None:
    write_series(
        tmp_path,
        PIXELS,
        ReferringPhysicianName="Roe^Ann",
        InstitutionName="Hospital X",
        StudyDate="20200102",
        PatientAge="040Y",
    )
    loaded = _one(tmp_path)
    said = json.dumps([loaded.name, dict(loaded.metadata), loaded.warnings, info(loaded.data)])
    for secret in (*SECRETS, "Jane", "Roe", "Hospital", "20200102", "040Y"):
        assert secret not in said


def test_other_files_are_counted(tmp_path: Path) -> None:
    write_series(tmp_path, PIXELS)
    (tmp_path / "README.txt").write_text("hello")
    report = write_series(tmp_path, PIXELS[:1], names=["report"])[0]
    ds = pydicom.dcmread(report)
    ds.Modality = "SR"
    del ds.Rows, ds.Columns, ds.PixelData
    ds.save_as(report)
    (tmp_path / "broken.dcm").write_bytes((tmp_path / "000.dcm").read_bytes()[:300])
    loaded = _one(tmp_path)
    text = " ".join(loaded.warnings)
    assert "1 files in the folder are no DICOM files" in text and "2 DICOM objects without a picture" in text
    with pytest.raises(ReadError, match="without a picture"):
        read(report, job=Job())


def test_compressed_pixels(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, PIXELS[:1])
    ds = pydicom.dcmread(path)
    ds.compress(RLELossless)
    ds.save_as(path)
    np.testing.assert_array_equal(_one(path).data.array, PIXELS[:1].transpose(2, 1, 0))
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = JPEGLSLossless
    ds.save_as(path)
    with pytest.raises(ReadError, match=r"JPEG-LS.*no decoder is installed"):
        read(path, job=Job())


def test_lying_and_cut_files(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, PIXELS[:1])
    ds = pydicom.dcmread(path)
    ds.Rows = ds.Columns = 65535
    ds.NumberOfFrames = 5000
    ds.save_as(path)
    with pytest.raises(ReadError, match="claims"):
        read(path, job=Job())
    (path,) = write_series(tmp_path, PIXELS[:1])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ReadError):
        read(path, job=Job())


def test_siemens_mosaics_are_taken_apart_as_nibabel_does(tmp_path: Path) -> None:
    fixtures = Path(nibabel.__file__).parent / "tests" / "data"
    ds = pydicom.dcmread(fixtures / "0.dcm")
    # nibabel's copy has its pixels replaced; 48 slices need 7 x 7 tiles
    ds.Rows = ds.Columns = 252
    tiles = np.random.default_rng(1).integers(0, 4000, size=(252, 252)).astype("u2")
    ds.PixelData = tiles.tobytes()
    path = tmp_path / "mosaic.dcm"
    ds.save_as(path)
    loaded = _one(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nibabel.nicom.dicomwrappers import wrapper_from_data

        wrapper = wrapper_from_data(ds)
    np.testing.assert_array_equal(loaded.data.array, wrapper.get_data().transpose(1, 0, 2))
    theirs = np.diag([-1.0, -1.0, 1.0, 1.0]) @ wrapper.affine
    np.testing.assert_allclose(loaded.data.affine, theirs[:, [1, 0, 2, 3]], atol=1e-3)
    folded = _one(fixtures / "0.dcm", whole_series=False)
    assert folded.data.array.shape == (256, 256, 1) and any("mosaic" in w for w in folded.warnings)


def test_pictures_without_a_place_have_no_sides(tmp_path: Path) -> None:
    paths = write_series(tmp_path, PIXELS)
    for path in paths:
        ds = pydicom.dcmread(path)
        del ds.ImagePositionPatient, ds.ImageOrientationPatient
        ds.save_as(path)
    loaded = _one(tmp_path)
    assert loaded.data.space == "" and any("left and right are not known" in w for w in loaded.warnings)
    assert loaded.data.array.shape == (5, 4, 6)


def test_folders_are_claimed_only_where_dicom_files_lead(tmp_path: Path) -> None:
    assert sniff(tmp_path, b"") == 0
    with pytest.raises(ReadError, match="no DICOM pictures"):
        read(tmp_path, job=Job())
    (path,) = write_series(tmp_path, PIXELS[:1])
    assert sniff(tmp_path, b"") == 100
    for name in ("a.nii.gz", "b.nii.gz"):
        (tmp_path / name).write_bytes(b"x")
    assert sniff(tmp_path, b"") == 0
    assert sniff(path, path.read_bytes()[:4096]) == 100
    assert sniff(tmp_path / "a.nii.gz", b"x" * 500) == 0


def test_a_data_set_without_preamble(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, PIXELS[:1])
    ds = pydicom.dcmread(path)
    bare = pydicom.dataset.Dataset(ds)
    bare.save_as(tmp_path / "bare.dcm", implicit_vr=True, little_endian=True)
    path.unlink()
    np.testing.assert_array_equal(_one(tmp_path / "bare.dcm").data.array, PIXELS[:1].transpose(2, 1, 0))


@pytest.mark.shared
def test_the_real_series(shared_data: Path, tmp_path: Path) -> None:
    with tarfile.open(shared_data / "mri" / "dicom_t1_child_sagittal.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    loaded = _one(tmp_path)
    facts = info(loaded.data)
    assert facts["shape"] == [256, 256, 192] and facts["axis_codes"] == "PIR"
    np.testing.assert_allclose(facts["spacing"], [0.859375, 0.859375, 0.9], atol=1e-5)
    # the header's normal: sagittal, 15° oblique in the plane (IOP 0.965 along y for the rows)
    assert obliquity(loaded.data.affine) == pytest.approx(15.2, abs=0.3)
    # one slice read by hand: its first pixel lies where its header says
    file = next(iter(sorted(tmp_path.glob("0029*"))), None) or sorted(tmp_path.glob("*.dcm"))[28]
    ds = pydicom.dcmread(file)
    place = np.array(ds.ImagePositionPatient, float) * [-1, -1, 1]
    index = np.linalg.solve(loaded.data.affine[:3, :3], place - loaded.data.affine[:3, 3])
    np.testing.assert_allclose(index, np.rint(index), atol=1e-2)
    i, j, k = np.rint(index).astype(int)
    assert (i, j) == (0, 0)
    np.testing.assert_array_equal(loaded.data.array[:, :, k].T, ds.pixel_array)


@pytest.mark.shared
def test_the_real_enhanced_file(shared_data: Path) -> None:
    loaded = _one(shared_data / "mri" / "niivue" / "enh.dcm")
    facts = info(loaded.data)
    assert facts["shape"] == [64, 64, 6] and facts["axis_codes"] == "LPS"
    np.testing.assert_allclose(facts["spacing"], [3.375, 3.375, 2.4], atol=1e-5)
    ds = pydicom.dcmread(shared_data / "mri" / "niivue" / "enh.dcm")
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        place = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float) * [-1, -1, 1]
        k = int(np.argmin(np.abs(loaded.data.affine[2, 3] + 2.4 * np.arange(6) - place[2])))
        np.testing.assert_allclose(loaded.data.affine @ [0, 0, k, 1], [*place, 1], atol=1e-3)
        np.testing.assert_array_equal(loaded.data.array[:, :, k].T, ds.pixel_array[n])
    said = json.dumps([loaded.name, dict(loaded.metadata)])
    assert "Slice Timing" not in said and "Texas" not in said
