"""NIfTI and ANALYZE: dtypes, byte orders, matrices, units, pairs, damage, and the writer."""

from __future__ import annotations

import builtins
import gzip
import resource
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from core.data import Transforms, Volume
from core.errors import Cancelled, ReadError, WriteError
from core.jobs import Job
from plugins.volumes.nifti import read, sniff, write

FIXTURES = Path(nibabel.__file__).parent / "tests" / "data"
OBLIQUE = np.array(
    [[-1.8, 0.35, 0.4, 60.0], [0.45, 2.1, -0.5, -80.0], [-0.3, 0.55, 2.9, -40.0], [0, 0, 0, 1]], dtype=float
)


def _one(path: Path, **options: Any) -> Any:
    (loaded,) = read(path, job=Job(), **options)
    return loaded


def _save(
    path: Path,
    array: np.ndarray,
    affine: np.ndarray | None = None,
    *,
    order: str = "<",
    kind: Any = None,
    **fields: Any,
) -> Path:
    kind = kind or nibabel.Nifti1Image
    header = kind.header_class(endianness=order)
    header.set_data_dtype(array.dtype)
    affine = np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else affine
    image = kind(array, affine, header)
    image.header.set_data_dtype(array.dtype)
    for name, value in fields.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image], ids=["1", "2"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_every_number_type_in_both_byte_orders(tmp_path: Path, dtype: str, kind: Any, order: str) -> None:
    limits = np.iinfo(dtype) if dtype[0] in "iu" else None
    array = np.random.default_rng(0).normal(size=(3, 4, 5)) * 50
    array = (array if limits is None else np.clip(np.abs(array) + 1, 0, 127)).astype(dtype)
    if limits is not None:
        array[0, 0, 0], array[2, 3, 4] = limits.min, limits.max
    loaded = _one(_save(tmp_path / "a.nii.gz", array, order=order, kind=kind))
    assert loaded.data.array.dtype == np.dtype(dtype) and loaded.data.array.dtype.isnative
    np.testing.assert_array_equal(loaded.data.array, array)
    assert loaded.warnings == () and loaded.name == "a"


@pytest.mark.parametrize(
    ("dtype", "slope", "inter", "expected"),
    [
        ("i2", 0.5, 10.0, "f4"),
        ("u1", 2.0, -1024.0, "f4"),
        ("f4", 3.0, 1.0, "f4"),
        ("f8", 3.0, 1.0, "f8"),
        ("i4", 0.25, 0.0, "f8"),
        ("i2", 1.0, 0.0, "i2"),
        ("i2", 0.0, 5.0, "i2"),
        ("i2", np.nan, 5.0, "i2"),
    ],
)
def test_scaling(tmp_path: Path, dtype: str, slope: float, inter: float, expected: str) -> None:
    array = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    path = _save(tmp_path / "a.nii", array)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([slope, inter], dtype="<f4").tobytes()
    path.write_bytes(raw)
    data = _one(path).data.array
    scaled = slope not in (0.0, 1.0) and np.isfinite(slope)
    assert data.dtype == np.dtype(expected)
    np.testing.assert_allclose(data, array.astype(float) * slope + inter if scaled else array, rtol=1e-7)


def test_large_values_scale_exactly(tmp_path: Path) -> None:
    array = np.random.default_rng(3).integers(0, 65535, size=(8, 9, 10)).astype("u2")
    path = _save(tmp_path / "a.nii", array)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([0.1, -3276.5], dtype="<f4").tobytes()
    path.write_bytes(raw)
    want = array * np.float64(np.float32(0.1)) + np.float64(np.float32(-3276.5))
    np.testing.assert_array_equal(_one(path).data.array, want.astype("f4"))


def test_complex_values_show_their_magnitude(tmp_path: Path) -> None:
    array = (np.arange(8) + 1j * np.arange(8)).astype("c8").reshape(2, 2, 2)
    loaded = _one(_save(tmp_path / "a.nii", array))
    np.testing.assert_allclose(loaded.data.array, np.abs(array))
    assert any("complex" in w for w in loaded.warnings)


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_become_channels(tmp_path: Path, channels: int) -> None:
    plain = np.random.default_rng(1).integers(0, 256, size=(3, 4, 5, channels)).astype("u1")
    packed = plain.copy().view(np.dtype([(c, "u1") for c in "RGBA"[:channels]]))[..., 0]
    loaded = _one(_save(tmp_path / "a.nii.gz", packed))
    assert loaded.data.rgb and loaded.data.last_axis == "channel"
    np.testing.assert_array_equal(loaded.data.array, plain)
    write(loaded.data, tmp_path / "b.nii.gz", job=Job(), metadata={})
    back = _one(tmp_path / "b.nii.gz").data
    assert back.rgb
    np.testing.assert_array_equal(back.array, plain)


@pytest.mark.parametrize(("unit", "factor"), [("sec", 1.0), ("msec", 1e-3), ("usec", 1e-6)])
def test_time_steps_come_in_seconds(tmp_path: Path, unit: str, factor: float) -> None:
    image = nibabel.Nifti1Image(np.zeros((3, 3, 3, 4), "i2") + np.arange(4, dtype="i2"), np.eye(4))
    image.header.set_zooms((1, 1, 1, 2.5))
    image.header.set_xyzt_units("mm", unit)
    nibabel.save(image, tmp_path / "a.nii")
    data = _one(tmp_path / "a.nii").data
    assert data.last_axis == "time" and data.step == pytest.approx(2.5 * factor)


def test_a_spectral_axis_is_channels_and_a_five_axis_vector_too(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.ones((3, 3, 3, 4), "f4"), np.eye(4))
    image.header["xyzt_units"] = 2 | 40
    nibabel.save(image, tmp_path / "a.nii")
    assert _one(tmp_path / "a.nii").data.last_axis == "channel"
    field = np.random.default_rng(0).normal(size=(3, 4, 5, 1, 3)).astype("f4")
    image = nibabel.Nifti1Image(field, np.eye(4))
    image.header.set_intent("vector")
    nibabel.save(image, tmp_path / "b.nii")
    data = _one(tmp_path / "b.nii").data
    assert data.last_axis == "channel" and data.transforms is Transforms.UNKNOWN
    np.testing.assert_array_equal(data.array, field[:, :, :, 0])
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2, 3, 3), "f4"), np.eye(4)), tmp_path / "c.nii")
    with pytest.raises(ReadError, match="more than four axes"):
        _one(tmp_path / "c.nii")


def test_labels_are_labels(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.eye(3, dtype="u1")[:, :, None], np.eye(4))
    image.header.set_intent("label")
    nibabel.save(image, tmp_path / "a.nii")
    assert _one(tmp_path / "a.nii").data.transforms is Transforms.LABEL


@pytest.mark.parametrize(("code", "factor"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001)])
def test_length_units_become_millimetres(tmp_path: Path, code: int, factor: float) -> None:
    path = _save(tmp_path / "a.nii", np.eye(3, dtype="u1")[:, :, None], OBLIQUE, xyzt_units=code)
    loaded = _one(path)
    np.testing.assert_allclose(loaded.data.affine[:3], OBLIQUE[:3] * factor, rtol=1e-6)
    assert loaded.data.unit == "mm"


def _forms(path: Path, sform: np.ndarray | None, qform: np.ndarray | None, codes: tuple[int, int]) -> Path:
    image = nibabel.Nifti1Image(np.arange(60, dtype="u1").reshape(3, 4, 5), None)
    if qform is not None:
        image.header.set_qform(qform, code=codes[1])
    if sform is not None:
        image.header.set_sform(sform, code=codes[0])
    image.header["sform_code"], image.header["qform_code"] = codes
    raw = image.header
    Path(path).write_bytes(
        raw.binaryblock[:344] + b"n+1\0" + b"\0" * 4 + np.asarray(image.dataobj).tobytes(order="F")
    )
    data = bytearray(path.read_bytes())
    data[108:112] = np.array([352.0], "<f4").tobytes()
    path.write_bytes(data)
    return path


S = np.diag([2.0, 2.0, 2.0, 1.0])
Q = np.diag([-2.0, 2.0, 2.0, 1.0])


@pytest.mark.parametrize(
    ("codes", "option", "expected", "used"),
    [
        ((1, 0), "auto", S, "sform"),
        ((0, 1), "auto", Q, "qform"),
        ((4, 1), "auto", S, "sform"),
        ((4, 1), "qform", Q, "qform"),
        ((4, 1), "sform", S, "sform"),
    ],
)
def test_which_matrix_is_used(
    tmp_path: Path, codes: tuple[int, int], option: str, expected: np.ndarray, used: str
) -> None:
    loaded = _one(_forms(tmp_path / "a.nii", S, Q, codes), orientation=option)
    np.testing.assert_allclose(loaded.data.affine, expected, atol=1e-6)
    assert loaded.metadata["orientation_from"] == used and loaded.data.space == "RAS"
    disagree = [w for w in loaded.warnings if "disagree" in w]
    assert len(disagree) == (1 if min(codes) > 0 else 0)
    if disagree:
        assert "8.00 mm" in disagree[0] and "180.00°" in disagree[0] and f"the {used} is used" in disagree[0]


def test_small_disagreement_is_silent_and_more_is_not(tmp_path: Path) -> None:
    for shift, warned in ((0.09, False), (0.11, True)):
        moved = S.copy()
        moved[0, 3] += shift
        loaded = _one(_forms(tmp_path / "a.nii", S, moved, (1, 1)))
        assert bool(loaded.warnings) is warned


def test_without_codes_sides_are_unknown_and_said_so(tmp_path: Path) -> None:
    loaded = _one(_forms(tmp_path / "a.nii", S, Q, (0, 0)))
    assert loaded.data.space == "" and any("left and right are not known" in w for w in loaded.warnings)
    np.testing.assert_allclose(np.abs(np.diag(loaded.data.affine)[:3]), [2, 2, 2])
    forced = _one(_forms(tmp_path / "a.nii", S, Q, (0, 0)), orientation="sform")
    np.testing.assert_allclose(forced.data.affine, S)
    assert any("its code is 0" in w for w in forced.warnings)


def test_a_damaged_sform_gives_way_to_the_qform(tmp_path: Path) -> None:
    path = _forms(tmp_path / "a.nii", S, Q, (1, 1))
    raw = bytearray(path.read_bytes())
    raw[280:328] = np.zeros(12, "<f4").tobytes()
    path.write_bytes(raw)
    loaded = _one(path)
    assert loaded.metadata["orientation_from"] == "qform"
    assert any("sform" in w and "damaged" in w for w in loaded.warnings)
    with pytest.raises(ReadError, match="no usable sform"):
        _one(path, orientation="sform")


def test_qforms_agree_with_nibabel_for_random_rotations(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    for i in range(40):
        q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        if i < 3:
            q = np.diag(np.where(np.arange(3) == i, 1.0, -1.0))  # by 180°
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = q * rng.uniform(0.5, 3, size=3), rng.normal(size=3) * 50
        image = nibabel.Nifti1Image(np.arange(8, dtype="u1").reshape(2, 2, 2), None)
        image.set_qform(affine, code=1)
        nibabel.save(image, tmp_path / "q.nii")
        got = _one(tmp_path / "q.nii").data.affine
        np.testing.assert_allclose(got, affine, atol=2e-4)
        np.testing.assert_allclose(got, nibabel.load(tmp_path / "q.nii").affine, atol=1e-5)


def test_shear_is_kept_and_said(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[0, 2] = 0.5
    loaded = _one(_save(tmp_path / "a.nii", np.arange(8, dtype="u1").reshape(2, 2, 2), affine))
    np.testing.assert_array_equal(loaded.data.affine, affine)
    assert any("sheared: up to 26.6°" in w for w in loaded.warnings)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((3, 3, 3), np.nan, "f4"), "No voxel has a number"),
        (np.zeros((3, 3, 3), "f4"), "Every voxel has the value 0"),
        (np.zeros((3, 3, 3), "i2"), "Every voxel has the value 0"),
        (
            np.where(np.arange(27) == 5, np.nan, np.arange(27.0)).reshape(3, 3, 3).astype("f4"),
            "1 voxels (3.7 %)",
        ),
        (np.where(np.arange(27) < 2, np.inf, 1.0).reshape(3, 3, 3).astype("f8"), "2 voxels"),
    ],
)
def test_values_that_show_nothing_are_mentioned(tmp_path: Path, array: np.ndarray, said: str) -> None:
    loaded = _one(_save(tmp_path / "a.nii", array))
    assert any(said in w for w in loaded.warnings), loaded.warnings
    np.testing.assert_array_equal(loaded.data.array, array)


def test_one_slice_and_flat_grids(tmp_path: Path) -> None:
    for shape in ((4, 5), (4, 5, 1), (4, 1, 5), (1, 1, 1), (4, 5, 6, 1), (4, 5, 6, 1, 1)):
        loaded = _one(_save(tmp_path / "a.nii", np.arange(np.prod(shape), dtype="i2").reshape(shape)))
        assert loaded.data.array.ndim == 3 and loaded.data.array.size == np.prod(shape)


@pytest.mark.parametrize("asked", [".hdr", ".img"])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_pair_opens_once_by_either_name(tmp_path: Path, asked: str, packed: str) -> None:
    array = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    nibabel.save(nibabel.Nifti1Pair(array, OBLIQUE), tmp_path / f"a.hdr{packed}")
    loaded = _one(tmp_path / f"a{asked}{packed}")
    np.testing.assert_array_equal(loaded.data.array, array)
    np.testing.assert_allclose(loaded.data.affine, OBLIQUE, rtol=1e-6)
    assert loaded.source == ("" if asked == ".hdr" else str(tmp_path / f"a.hdr{packed}"))
    (tmp_path / f"a.img{packed}").unlink()
    with pytest.raises(ReadError, match="no image"):
        _one(tmp_path / f"a.hdr{packed}")


def test_an_image_without_header(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(b"\0" * 100)
    with pytest.raises(ReadError, match=r"no header \(.hdr\) beside it"):
        _one(tmp_path / "a.img")


def test_analyze_reads_without_sides(tmp_path: Path) -> None:
    array = np.arange(24, dtype="i2").reshape(2, 3, 4)
    nibabel.save(nibabel.Spm99AnalyzeImage(array, np.diag([-2.0, 2.0, 3.0, 1.0])), tmp_path / "a.hdr")
    loaded = _one(tmp_path / "a.img")
    np.testing.assert_array_equal(loaded.data.array, array)
    assert loaded.data.space == "" and any("which side is left" in w for w in loaded.warnings)


@pytest.mark.parametrize(
    "name",
    [
        "anatomical.nii",
        "functional.nii",
        "standard.nii.gz",
        "example4d.nii.gz",
        "example_nifti2.nii.gz",
        "reoriented_anat_moved.nii",
        "resampled_anat_moved.nii",
    ],
)
def test_nibabels_own_files(name: str) -> None:
    loaded = _one(FIXTURES / name)
    image = nibabel.load(FIXTURES / name)
    np.testing.assert_allclose(loaded.data.array, np.asanyarray(image.dataobj), rtol=1e-6)
    np.testing.assert_allclose(loaded.data.affine, image.affine, atol=1e-5)


def test_cifti_is_refused_by_name() -> None:
    with pytest.raises(ReadError, match="CIFTI"):
        _one(FIXTURES / "row_major.dconn.nii")


# -- damage -------------------------------------------------------------------------------------------------------


def _says(path: Path, text: str) -> None:
    with pytest.raises(ReadError, match=text) as caught:
        _one(path)
    assert "\n" not in str(caught.value) and str(path.parent) not in str(caught.value)


def test_faults_are_told_in_one_sentence(tmp_path: Path) -> None:
    whole = _save(tmp_path / "whole.nii", np.arange(1000, dtype="i2").reshape(10, 10, 10)).read_bytes()
    cases = {
        "empty": (b"", "is empty"),
        "text": (b"Dear reader, this is a letter." * 20, "looks like text"),
        "picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "PNG"),
        "short": (whole[:200], "200 of the 348 bytes"),
        "cut": (whole[:1000], "header claims 2.0 kB"),
    }
    for name, (content, said) in cases.items():
        path = tmp_path / f"{name}.nii"
        path.write_bytes(content)
        _says(path, said)
    packed = gzip.compress(whole)
    (tmp_path / "cut.nii.gz").write_bytes(packed[:-40])
    _says(tmp_path / "cut.nii.gz", "ends before the .* that its header claims are complete")
    broken = bytearray(packed)
    broken[-6] ^= 0xFF  # checksum
    (tmp_path / "sum.nii.gz").write_bytes(broken)
    _says(tmp_path / "sum.nii.gz", "damaged")
    _says(tmp_path / "none.nii", "is not there")
    (tmp_path / "folder.nii").mkdir()
    _says(tmp_path / "folder.nii", "is a folder")


@pytest.mark.parametrize(
    ("dims", "said"),
    [
        ((3, 0, 4, 4), "claims a grid"),
        ((3, -5, 4, 4), "claims a grid"),
        ((9, 4, 4, 4), "9 axes"),
        ((0, 4, 4, 4), "0 axes"),
    ],
)
def test_impossible_grids(tmp_path: Path, dims: tuple[int, ...], said: str) -> None:
    path = _save(tmp_path / "a.nii", np.zeros((4, 4, 4), "i2"))
    raw = bytearray(path.read_bytes())
    raw[40 : 40 + 2 * len(dims)] = np.array(dims, "<i2").tobytes()
    path.write_bytes(raw)
    _says(path, said)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_lying_header_takes_no_memory(tmp_path: Path, ending: str) -> None:
    path = _save(tmp_path / "a.nii", np.zeros((16, 16, 16), "f4"))
    raw = bytearray(path.read_bytes())
    raw[40:48] = np.array([3, 30000, 30000, 30000], "<i2").tobytes()
    lying = tmp_path / f"lying{ending}"
    lying.write_bytes(gzip.compress(bytes(raw)) if ending.endswith("gz") else raw)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _says(lying, "holds at most .* but its header claims 108 TB")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_claim_within_deflates_reach_is_streamed(tmp_path: Path) -> None:
    """1032:1 lets a small file claim much; memory is touched only as far as bytes come out."""
    path = _save(tmp_path / "a.nii", np.zeros((4, 4, 4), "u1"))
    raw = bytearray(path.read_bytes())
    raw[40:48] = np.array([3, 700, 700, 800], "<i2").tobytes()
    noise = np.random.default_rng(0).integers(0, 256, 500_000).astype("u1").tobytes()
    lying = tmp_path / "b.nii.gz"
    lying.write_bytes(gzip.compress(bytes(raw[:352]) + noise))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _says(lying, "ends after 500 kB of the 392 MB")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_unreadable_and_vanishing_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _save(tmp_path / "a.nii", np.zeros((4, 4, 4), "u1"))
    import io

    def refuse(file: Any, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(ReadError, match="may not be read by you"):
        _one(path)

    def gone(file: Any, *args: Any, **kwargs: Any) -> Any:
        raise FileNotFoundError(2, "No such file", str(file))

    monkeypatch.setattr(io, "open", gone)
    with pytest.raises(ReadError, match="is not there"):
        _one(path)


def test_unicode_and_odd_names(tmp_path: Path) -> None:
    for name in ("Kopf größe 脑.nii.gz", "a b'c.NII", "línea\nnueva.nii"):
        path = tmp_path / name
        _save(tmp_path / "t.nii", np.arange(8, dtype="u1").reshape(2, 2, 2))
        content = (tmp_path / "t.nii").read_bytes()
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        assert _one(path).data.array.size == 8
        path.write_bytes(b"")
        with pytest.raises(ReadError) as caught:
            _one(path)
        assert "\n" not in str(caught.value)


def test_a_wrong_extension_is_read_by_content(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.nii.gz", np.arange(8, dtype="u1").reshape(2, 2, 2))
    renamed = tmp_path / "b.nii"
    renamed.write_bytes(path.read_bytes())
    np.testing.assert_array_equal(_one(renamed).data.array, _one(path).data.array)


def test_cancel_stops_a_read(tmp_path: Path) -> None:
    import threading

    stop = threading.Event()
    stop.set()
    path = _save(tmp_path / "a.nii", np.zeros((4, 4, 4), "u1"))
    with pytest.raises(Cancelled):
        read(path, job=Job(cancelled=stop))


def test_sniffing(tmp_path: Path) -> None:
    for name, score in (("a.nii", 100), ("b.nii.gz", 100)):
        path = _save(tmp_path / name, np.zeros((40, 40, 40), "u1"))
        assert sniff(path, path.read_bytes()[:4096]) == score
    path = _save(tmp_path / "c.nii", np.zeros((4, 4, 4), "u1"), kind=nibabel.Nifti2Image, order=">")
    assert sniff(path, path.read_bytes()[:4096]) == 100
    assert sniff(tmp_path / "text.nii", b"hello") == 10
    assert sniff(tmp_path / "x.ply", b"ply\n") == 0


# -- writing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "u2", "i2", "u4", "i4", "i8", "u8", "f2", "f4", "f8"])
def test_write_and_read(tmp_path: Path, dtype: str, ending: str) -> None:
    array = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 100, size=(3, 4, 5)).astype(dtype)
    path = tmp_path / f"w{ending}"
    write(Volume(array, OBLIQUE), path, job=Job(), metadata={})
    loaded = _one(path)
    np.testing.assert_array_equal(loaded.data.array, array)
    np.testing.assert_allclose(loaded.data.affine, OBLIQUE, rtol=1e-6)
    kept = {"?": "u1", "i8": "u1", "u8": "u1", "f2": "f4"}.get(dtype, dtype)
    assert loaded.data.array.dtype == np.dtype(kept)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    np.testing.assert_array_equal(np.asanyarray(nibabel.load(path).dataobj), array)


def test_wide_integers_shrink_exactly_or_are_refused(tmp_path: Path) -> None:
    for low, high, dtype in (
        (-5, 30000, "i2"),
        (0, 60000, "u2"),
        (-70000, 5, "i4"),
        (0, 4_000_000_000, "u4"),
    ):
        write(Volume(np.array([[[low, high]]], "i8"), np.eye(4)), tmp_path / "a.nii", job=Job(), metadata={})
        data = _one(tmp_path / "a.nii").data.array
        assert data.dtype == np.dtype(dtype) and data.ravel().tolist() == [low, high]
    before = (tmp_path / "a.nii").read_bytes()
    with pytest.raises(WriteError, match="fit no integer type"):
        write(Volume(np.array([[[-1, 2**40]]], "i8"), np.eye(4)), tmp_path / "a.nii", job=Job(), metadata={})
    assert (tmp_path / "a.nii").read_bytes() == before


def test_four_axes_units_labels_and_shear(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    film = np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype("f4")
    write(Volume(film, OBLIQUE, last_axis="time", step=0.72), path, job=Job(), metadata={})
    back = _one(path).data
    assert back.last_axis == "time" and back.step == pytest.approx(0.72)
    np.testing.assert_array_equal(back.array, film)
    write(Volume(film, OBLIQUE, last_axis="channel"), path, job=Job(), metadata={})
    back = _one(path).data
    assert back.last_axis == "channel"
    np.testing.assert_array_equal(back.array, film)
    write(
        Volume(film[..., 0], np.eye(4), unit="um", transforms=Transforms.SCALAR), path, job=Job(), metadata={}
    )
    np.testing.assert_allclose(_one(path).data.affine[0, 0], 1e-3)
    label = Volume((film[..., 0] > 0).astype("u1"), OBLIQUE, transforms=Transforms.LABEL)
    write(label, path, job=Job(), metadata={})
    assert _one(path).data.transforms is Transforms.LABEL
    sheared = np.eye(4)
    sheared[0, 1] = 0.4
    write(Volume(film[..., 0], sheared), path, job=Job(), metadata={})
    image = nibabel.load(path)
    assert int(image.header["qform_code"]) == 0 and int(image.header["sform_code"]) == 2
    assert not any("disagree" in w for w in _one(path).warnings)


def test_a_long_grid_is_written_as_nifti2(tmp_path: Path) -> None:
    array = np.arange(40000, dtype="u2").reshape(40000, 1, 1)
    write(Volume(array, np.eye(4)), tmp_path / "a.nii.gz", job=Job(), metadata={})
    loaded = _one(tmp_path / "a.nii.gz")
    assert loaded.metadata["format"] == "Nifti2"
    np.testing.assert_array_equal(loaded.data.array, array)


def test_equal_volumes_give_equal_files_and_failures_leave_nothing(tmp_path: Path) -> None:
    volume = Volume(np.arange(60, dtype="f4").reshape(3, 4, 5), OBLIQUE)
    for name in ("a.nii.gz", "b.nii.gz"):
        write(volume, tmp_path / name, job=Job(), metadata={})
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    with pytest.raises(WriteError):
        write(volume, tmp_path / "no" / "a.nii", job=Job(), metadata={})
    with pytest.raises(WriteError, match="no unit"):
        write(Volume(volume.array, OBLIQUE, unit="pixel"), tmp_path / "c.nii", job=Job(), metadata={})
    import threading

    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        write(volume, tmp_path / "a.nii.gz", job=Job(cancelled=stop), metadata={})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nii.gz", "b.nii.gz"]
    assert _one(tmp_path / "a.nii.gz").data.array.size == 60
