"""MGH, MINC, PAR/REC, AFNI (against nibabel's own files), NRRD and MetaImage (made here)."""

from __future__ import annotations

import bz2
import gc
import gzip
import warnings
import zlib
from pathlib import Path
from typing import Any

import nibabel
import nrrd as pynrrd
import numpy as np
import pytest

from core.data import Transforms, info
from core.errors import ReadError
from core.jobs import Job
from plugins.volumes import metaimage, nrrd
from plugins.volumes.nibabel_formats import (
    read_afni,
    read_mgh,
    read_minc,
    read_par,
    sniff_afni,
    sniff_mgh,
    sniff_minc,
    sniff_par,
)

FIXTURES = Path(nibabel.__file__).parent / "tests" / "data"
RNG = np.random.default_rng(0)


def _one(read: Any, path: Path) -> Any:
    (loaded,) = read(path, job=Job())
    return loaded


def _nibabel(path: Path, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = nibabel.load(path, **options)
        values, affine = np.array(image.dataobj), image.affine
        # nibabel leaves PAR/REC files open until the image goes
        del image
        gc.collect()
        return values, affine


# -- what nibabel ships -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "read", "last_axis", "step", "codes"),
    [
        ("test.mgz", read_mgh, "time", 0.002, None),
        ("tiny.mnc", read_minc, "", 0.0, "SAR"),
        ("small.mnc", read_minc, "", 0.0, "SAR"),
        ("minc1_1_scale.mnc", read_minc, "", 0.0, "SAR"),
        ("minc1-no-att.mnc", read_minc, "", 0.0, "SAR"),
        ("minc1_4d.mnc", read_minc, "time", 1.0, "SAR"),
        ("minc2_1_scale.mnc", read_minc, "", 0.0, "SAR"),
        ("minc2-no-att.mnc", read_minc, "", 0.0, "SAR"),
        ("minc2_4d.mnc", read_minc, "time", 1.0, "SAR"),
        ("minc2-4d-d.mnc", read_minc, "time", 1.0, "RAS"),
        ("phantom_EPI_asc_CLEAR_2_1.PAR", read_par, "time", 2.0, "LPS"),
        ("phantom_varscale.PAR", read_par, "time", 2.0, "LPS"),
        ("example4d+orig.HEAD", read_afni, "time", 3.0, "LPS"),
        ("scaled+tlrc.HEAD", read_afni, "", 0.0, "RAS"),
    ],
)
def test_nibabels_own_files(name: str, read: Any, last_axis: str, step: float, codes: str | None) -> None:
    loaded = _one(read, FIXTURES / name)
    values, affine = _nibabel(FIXTURES / name)
    if name.endswith(".mnc") and values.ndim == 4:
        values = np.moveaxis(values, 0, -1)
    values = values.reshape(loaded.data.array.shape)
    np.testing.assert_allclose(loaded.data.array, values, rtol=1e-6, atol=1e-6 * np.abs(values).max())
    np.testing.assert_allclose(loaded.data.affine, affine, atol=1e-6)
    assert loaded.data.last_axis == last_axis and loaded.data.step == pytest.approx(step)
    if codes:
        assert info(loaded.data)["axis_codes"] == codes


def test_partners_open_the_same_pair_once() -> None:
    for read, header, image in (
        (read_par, "phantom_varscale.PAR", "phantom_varscale.REC"),
        (read_afni, "scaled+tlrc.HEAD", "scaled+tlrc.BRIK"),
        (read_afni, "example4d+orig.HEAD", "example4d+orig.BRIK.gz"),
    ):
        first, second = _one(read, FIXTURES / header), _one(read, FIXTURES / image)
        assert first.source == "" and second.source == str(FIXTURES / header)
        np.testing.assert_array_equal(first.data.array, second.data.array)


def test_what_is_odd_is_said_or_refused() -> None:
    truncated = _one(read_par, FIXTURES / "phantom_truncated.PAR")
    assert truncated.data.array.shape == (64, 64, 9, 3)
    assert any("3 dynamic scan values, but expected 4" in w for w in truncated.warnings)
    for read, name, said in (
        (read_par, "T1.PAR", r"no image \(.REC\)"),
        (read_afni, "bad_datatype+orig.HEAD", "multiple data types"),
        (read_afni, "bad_attribute+orig.HEAD", "no readable AFNI"),
        (read_mgh, "anatomical.nii", "no MGH header"),
        (read_minc, "anatomical.nii", "no MINC"),
        (read_par, "anatomical.nii", "no header|no readable"),
    ):
        with pytest.raises(ReadError, match=said):
            read(FIXTURES / name, job=Job())


def test_sniffers_tell_their_own() -> None:
    for sniff, name, least in (
        (sniff_mgh, "test.mgz", 10),
        (sniff_minc, "tiny.mnc", 50),
        (sniff_minc, "small.mnc", 50),
        (sniff_par, "T1.PAR", 100),
        (sniff_par, "phantom_varscale.REC", 50),
        (sniff_afni, "scaled+tlrc.HEAD", 50),
        (sniff_afni, "scaled+tlrc.BRIK", 50),
    ):
        path = FIXTURES / name
        assert sniff(path, path.read_bytes()[:4096]) >= least, name
    nii = FIXTURES / "anatomical.nii"
    assert sniff_minc(nii, nii.read_bytes()[:4096]) == 0
    assert sniff_mgh(nii, nii.read_bytes()[:4096]) == 0


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4"])
@pytest.mark.parametrize("ending", [".mgh", ".mgz"])
def test_mgh_types_and_matrices(tmp_path: Path, dtype: str, ending: str) -> None:
    array = RNG.integers(0, 100, size=(3, 4, 5)).astype(dtype)
    affine = np.array([[-1.1, 0, 0, 20], [0, 0, 1.2, -30], [0, -1.3, 0, 40], [0, 0, 0, 1.0]])
    path = tmp_path / f"a{ending}"
    nibabel.save(nibabel.MGHImage(array, affine), path)
    loaded = _one(read_mgh, path)
    np.testing.assert_array_equal(loaded.data.array, array)
    assert loaded.data.array.dtype == np.dtype(dtype)
    np.testing.assert_allclose(loaded.data.affine, affine, atol=1e-5)
    raw = bytearray(gzip.decompress(path.read_bytes()) if ending == ".mgz" else path.read_bytes())
    raw[28:30] = b"\0\0"
    path.write_bytes(gzip.compress(bytes(raw)) if ending == ".mgz" else raw)
    unknown = _one(read_mgh, path)
    assert unknown.data.space == "" and "left and right are not known" in unknown.warnings[0]
    raw[4:16] = np.array([30000, 30000, 30000], ">i4").tobytes()
    path.write_bytes(gzip.compress(bytes(raw)) if ending == ".mgz" else raw)
    with pytest.raises(ReadError, match="its header claims"):
        read_mgh(path, job=Job())


# -- NRRD ---------------------------------------------------------------------------------------------------------


SPACE = {
    "space": "left-posterior-superior",
    "space directions": np.diag([2.0, 2.0, 3.0]),
    "space origin": [10, 20, 30],
}
RAS_OF_SPACE = np.array([[-2, 0, 0, -10], [0, -2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">u2", "<f4", ">f8"])
@pytest.mark.parametrize("detached", [False, True])
def test_nrrd_encodings(tmp_path: Path, dtype: str, encoding: str, detached: bool) -> None:
    array = RNG.integers(0, 100, size=(3, 4, 5)).astype(dtype)
    path = tmp_path / ("a.nhdr" if detached else "a.nrrd")
    pynrrd.write(str(path), array, {**SPACE, "encoding": encoding}, detached_header=detached)
    loaded = _one(nrrd.read, path)
    np.testing.assert_array_equal(loaded.data.array, array)
    np.testing.assert_allclose(loaded.data.affine, RAS_OF_SPACE)
    assert loaded.data.array.dtype == np.dtype(dtype).newbyteorder("=")
    assert nrrd.sniff(path, path.read_bytes()[:100]) == 100


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("kind", "last_axis", "rgb"),
    [("RGB-color", "channel", True), ("list", "channel", False), ("time", "time", False)],
)
def test_the_axis_that_is_not_space_becomes_the_last(
    tmp_path: Path, first: bool, kind: str, last_axis: str, rgb: bool
) -> None:
    array = RNG.integers(0, 100, size=(3, 4, 5, 3)).astype("u1")
    stored = np.moveaxis(array, -1, 0) if first else array
    directions = [[2.0, 0, 0], [0, 2.0, 0], [0, 0, 3.0]]
    none = [np.nan] * 3
    header = {
        "space": "LPS",
        "space origin": [10, 20, 30],
        "space directions": np.array([none, *directions] if first else [*directions, none]),
        "kinds": [kind, "domain", "domain", "domain"] if first else ["domain", "domain", "domain", kind],
    }
    pynrrd.write(str(tmp_path / "a.nrrd"), stored, header)
    data = _one(nrrd.read, tmp_path / "a.nrrd").data
    np.testing.assert_array_equal(data.array, array)
    np.testing.assert_allclose(data.affine, RAS_OF_SPACE)
    assert data.last_axis == last_axis and data.rgb is rgb


def test_nrrd_without_space_and_with_microns(tmp_path: Path) -> None:
    array = np.ones((2, 3, 4), "u1") * np.arange(4, dtype="u1")
    pynrrd.write(str(tmp_path / "a.nrrd"), array, {"spacings": [1.0, 2.0, np.nan]})
    loaded = _one(nrrd.read, tmp_path / "a.nrrd")
    assert loaded.data.space == "" and len(loaded.warnings) == 2
    pynrrd.write(str(tmp_path / "b.nrrd"), array, {**SPACE, "space units": ["um", "um", "um"]})
    np.testing.assert_allclose(_one(nrrd.read, tmp_path / "b.nrrd").data.affine[:3], RAS_OF_SPACE[:3] * 1e-3)
    pynrrd.write(
        str(tmp_path / "c.seg.nrrd"), array, {**SPACE, "Segment0_ID": "s0", "Segment0_Name": "Ventricle"}
    )
    loaded = _one(nrrd.read, tmp_path / "c.seg.nrrd")
    assert loaded.data.transforms is Transforms.LABEL and loaded.metadata["segments"] == ["Ventricle"]
    assert loaded.name == "c"


def _nrrd(path: Path, extra: str, data: bytes, sizes: str = "4 3 2") -> Path:
    text = f"NRRD0004\ntype: short\ndimension: 3\nsizes: {sizes}\nendian: little\n{extra}"
    path.write_bytes(text.encode() + b"\n" + data)
    return path


def test_nrrd_detached_lists_patterns_and_skips(tmp_path: Path) -> None:
    array = np.arange(24, dtype="<i2").reshape(4, 3, 2, order="F")
    values = array.tobytes(order="F")
    for i in range(2):
        (tmp_path / f"s{i + 1}.raw").write_bytes(values[24 * i : 24 * i + 24])
    (tmp_path / "all.raw").write_bytes(b"line\n" + b"xx" + values)
    for extra in (
        "encoding: raw\ndata file: LIST\ns1.raw\ns2.raw",
        "encoding: raw\ndata file: s%d.raw 1 2 1",
        "encoding: raw\nline skip: 1\nbyte skip: 2\ndata file: all.raw",
        "encoding: raw\nbyte skip: -1\ndata file: all.raw",
    ):
        path = tmp_path / "a.nhdr"
        path.write_text(f"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nendian: little\n{extra}\n")
        np.testing.assert_array_equal(_one(nrrd.read, path).data.array, array, err_msg=extra)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("encoding: raw\n", "its header claims"),
        ("encoding: gzip\n", "its header claims|cut off|damaged"),
        ("encoding: raw\ndata file: ../outside.raw\n", "outside its folder"),
        ("encoding: raw\ndata file: missing.raw\n", "not there"),
        ("encoding: zstd\n", "unknown encoding"),
    ],
)
def test_damaged_nrrd(tmp_path: Path, extra: str, said: str) -> None:
    with pytest.raises(ReadError, match=said):
        nrrd.read(_nrrd(tmp_path / "a.nrrd", extra, b"abc"), job=Job())


def test_huge_claims_are_refused(tmp_path: Path) -> None:
    small = zlib.compress(b"\0" * 100)
    for extra in ("encoding: raw\n", "encoding: gzip\n"):
        with pytest.raises(ReadError, match="claims"):
            nrrd.read(_nrrd(tmp_path / "a.nrrd", extra, small, sizes="99999 99999 99999"), job=Job())


def test_cut_bzip2(tmp_path: Path) -> None:
    values = RNG.integers(0, 1000, 24).astype("<i2").tobytes()
    packed = bz2.compress(values)
    path = _nrrd(tmp_path / "a.nrrd", "encoding: bzip2\n", packed)
    assert _one(nrrd.read, path).data.array.size == 24
    with pytest.raises(ReadError, match="cut off"):
        nrrd.read(_nrrd(path, "encoding: bzip2\n", packed[:-20]), job=Job())


# -- MetaImage ----------------------------------------------------------------------------------------------------


def _meta(path: Path, array: np.ndarray, data: bytes | None, *lines: str) -> Path:
    names = {
        "u1": "UCHAR",
        "i1": "CHAR",
        "u2": "USHORT",
        "i2": "SHORT",
        "u4": "UINT",
        "i4": "INT",
        "f4": "FLOAT",
        "f8": "DOUBLE",
    }
    kind = names[array.dtype.str[1:]]
    size = " ".join(map(str, array.shape))
    keys = {line.partition("=")[0].strip() for line in lines}
    rest = [] if "ElementDataFile" in keys else ["ElementDataFile = LOCAL"]
    head = ["ObjectType = Image", f"NDims = {array.ndim}", f"DimSize = {size}", f"ElementType = MET_{kind}"]
    head = [h for h in head if h.partition("=")[0].strip() not in keys]
    path.write_bytes("\n".join([*head, *lines, *rest, ""]).encode() + (data or b""))
    return path


@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i2", "<u2", "<i4", "<f4", ">f8"])
@pytest.mark.parametrize("compressed", [False, True])
def test_metaimage_types(tmp_path: Path, dtype: str, compressed: bool) -> None:
    array = RNG.integers(0, 100, size=(3, 4, 5)).astype(dtype)
    data = array.tobytes(order="F")
    lines = [
        f"BinaryDataByteOrderMSB = {dtype[0] == '>'}",
        f"CompressedData = {compressed}",
        "ElementSpacing = 2 2 3",
        "Offset = 10 20 30",
        "TransformMatrix = 1 0 0 0 1 0 0 0 1",
    ]
    path = _meta(tmp_path / "a.mha", array, zlib.compress(data) if compressed else data, *lines)
    loaded = _one(metaimage.read, path)
    np.testing.assert_array_equal(loaded.data.array, array)
    np.testing.assert_allclose(loaded.data.affine, RAS_OF_SPACE)
    assert metaimage.sniff(path, path.read_bytes()[:1000]) == 100


@pytest.mark.parametrize("ending", [".raw", ".zraw"])
def test_metaimage_pair_opens_once_by_either_name(tmp_path: Path, ending: str) -> None:
    array = RNG.integers(0, 100, size=(3, 4, 5)).astype("<i2")
    data = array.tobytes(order="F")
    (tmp_path / f"a{ending}").write_bytes(zlib.compress(data) if ending == ".zraw" else b"junk" + data)
    extra = ["CompressedData = True"] if ending == ".zraw" else ["HeaderSize = -1"]
    header = _meta(
        tmp_path / "a.mhd", array, None, "Position = 1 2 3", *extra, f"ElementDataFile = a{ending}"
    )
    for path in (header, tmp_path / f"a{ending}"):
        loaded = _one(metaimage.read, path)
        np.testing.assert_array_equal(loaded.data.array, array)
        np.testing.assert_allclose(loaded.data.affine[:3, 3], [-1, -2, 3])
        assert loaded.source == ("" if path == header else str(header))
        assert any("no voxel size" in w for w in loaded.warnings)
    assert metaimage.sniff(tmp_path / f"a{ending}", b"junk") == 50
    assert metaimage.sniff(tmp_path / "other.raw", b"junk") == 0
    header.unlink()
    with pytest.raises(ReadError, match=r"no header \(.mhd\)"):
        metaimage.read(tmp_path / f"a{ending}", job=Job())


def test_metaimage_oblique_channels_and_film(tmp_path: Path) -> None:
    turn, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    array = np.arange(24, dtype="u1").reshape(2, 3, 4)
    rows = " ".join(map(str, turn.T.ravel()))
    path = _meta(
        tmp_path / "a.mha",
        array,
        array.tobytes(order="F"),
        f"TransformMatrix = {rows}",
        "ElementSpacing = 1 2 3",
    )
    # row i of the file is the direction of axis i, in LPS
    want = np.diag([-1.0, -1, 1]) @ turn * [1, 2, 3]
    np.testing.assert_allclose(_one(metaimage.read, path).data.affine[:3, :3], want, atol=1e-9)
    colours = RNG.integers(0, 256, size=(2, 3, 4, 3)).astype("u1")
    data = np.moveaxis(colours, -1, 0).tobytes(order="F")
    path = _meta(tmp_path / "b.mha", array, data, "ElementNumberOfChannels = 3", "ElementSpacing = 1 1 1")
    rgb = _one(metaimage.read, path).data
    assert rgb.rgb
    np.testing.assert_array_equal(rgb.array, colours)
    film = np.arange(48, dtype="<f4").reshape(2, 3, 4, 2)
    eye = " ".join(map(str, np.eye(4).ravel()))
    path = _meta(
        tmp_path / "c.mha",
        film,
        film.tobytes(order="F"),
        f"TransformMatrix = {eye}",
        "ElementSpacing = 1 1 1 2",
        "Offset = 0 0 0 0",
    )
    data4 = _one(metaimage.read, path).data
    assert data4.last_axis == "time"
    np.testing.assert_array_equal(data4.array, film)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["DimSize = 0 3 4"], "claims a grid"),
        (["DimSize = 99999 99999 99999"], "its header claims"),
        (["DimSize = a b c"], "damaged DimSize"),
        (["ElementType = MET_STRING"], "unknown type"),
        (["ElementSpacing = 1 2"], "wrong number"),
        (["ElementSpacing = 0 0 0"], "places no voxel"),
        (["ElementDataFile = ../../x.raw"], "outside its folder"),
        (["CompressedData = True"], "cut off|damaged"),
        (["DimSize = 2 3 5"], "holds at most 24 bytes"),
    ],
)
def test_damaged_metaimage(tmp_path: Path, lines: list[str], said: str) -> None:
    array = np.arange(24, dtype="u1").reshape(2, 3, 4)
    path = _meta(tmp_path / "a.mha", array, array.tobytes(order="F"), *lines)
    with pytest.raises(ReadError, match=said):
        metaimage.read(path, job=Job())


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (read_mgh, "a.mgz"),
        (read_minc, "a.mnc"),
        (read_par, "a.par"),
        (read_afni, "a.head"),
        (nrrd.read, "a.nrrd"),
        (metaimage.read, "a.mha"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"some words", b"\0" * 1000, b"\x1f\x8b\x08\0junk"])
def test_anything_else_is_a_read_error(tmp_path: Path, read: Any, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read(path, job=Job())
    assert "\n" not in str(caught.value)
    with pytest.raises(ReadError):
        read(tmp_path / f"missing-{name}", job=Job())
