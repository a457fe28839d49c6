"""Pictures: every depth and colour kind, rotation, stacks, round trips, and files that lie."""

from __future__ import annotations

import gzip
import struct
import tomllib
import tracemalloc
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import Image, Table, Volume, bounds
from core.errors import ReadError, WriteError
from core.jobs import Job
from plugins.images import idx, picture, png, tiff

pillow = pytest.importorskip("PIL.Image")
tifffile = pytest.importorskip("tifffile")

RNG = np.random.default_rng(11)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
RGB = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY16 = RNG.integers(0, 65536, (5, 7), dtype=np.uint16)
RGB16 = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)


def load(path: Path, **options: Any) -> Any:
    read = tiff.read if path.suffix == ".tif" else picture.read
    (item,) = read(path, job=Job(), **options)
    return item


def refused(path: Path, read: Any, fault: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ReadError, match=fault) as caught:
            read(path, job=Job())
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)


def test_the_manifest_names_functions_that_exist() -> None:
    manifest = tomllib.loads(Path(png.__file__).with_name("plugin.toml").read_text())
    for entry in (*manifest["readers"], *manifest["writers"]):
        for key in ("sniff", "read", "write"):
            if key in entry:
                module, name = entry[key].split(":")
                assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize(
    "array",
    [GREY, RGB, np.dstack([RGB, GREY]), GREY16, GREY > 128],
    ids=["grey", "rgb", "rgba", "grey16", "bits"],
)
def test_png_by_pillow(tmp_path: Path, array: np.ndarray) -> None:
    pillow.fromarray(array).save(tmp_path / "a.png")
    item = load(tmp_path / "a.png")
    assert item.data.array.dtype == array.dtype
    np.testing.assert_array_equal(item.data.array, array)


def test_palettes(tmp_path: Path) -> None:
    indexed = pillow.fromarray(RGB).quantize(16)
    indexed.save(tmp_path / "a.png")
    np.testing.assert_array_equal(load(tmp_path / "a.png").data.array, np.asarray(indexed.convert("RGB")))
    indexed.save(tmp_path / "t.png", transparency=0)
    array = load(tmp_path / "t.png").data.array
    assert array.shape == (5, 7, 4) and set(np.unique(array[..., 3])) <= {0, 255}


def test_colour_of_16_bits(tmp_path: Path) -> None:
    """Pillow would give 8 of them."""
    for array in (RGB16, np.dstack([RGB16, GREY16]), np.dstack([GREY16, GREY16[::-1]])):
        png.write(Image(array), tmp_path / "a.png", job=Job(), metadata={})
        np.testing.assert_array_equal(load(tmp_path / "a.png").data.array, array)


def filtered(array: np.ndarray, interlaced: bool = False) -> bytes:
    """A 16-bit RGB PNG that uses all five row filters in turn, written by the definition in the standard."""
    passes = png._ADAM7 if interlaced else ((0, 0, 1, 1),)
    out = bytearray()
    for x, y, dx, dy in passes:
        part = array[y::dy, x::dx].astype(">u2")
        if not part.size:
            continue
        rows = part.reshape(len(part), -1).view(np.uint8).astype(int)
        above = np.zeros(rows.shape[1], int)
        for n, row in enumerate(rows):
            left = np.concatenate([np.zeros(6, int), row[:-6]])
            corner = np.concatenate([np.zeros(6, int), above[:-6]])
            p = left + above - corner
            near = np.stack([abs(p - left), abs(p - above), abs(p - corner)]).argmin(axis=0)
            paeth = np.choose(near, [left, above, corner])
            guess = [np.zeros_like(row), left, above, (left + above) // 2, paeth][n % 5]
            out += bytes([n % 5]) + ((row - guess) % 256).astype(np.uint8).tobytes()
            above = row
    head = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16, 2, 0, 0, int(interlaced))
    chunks = (
        png._chunk(b"IHDR", head),
        png._chunk(b"IDAT", zlib.compress(bytes(out))),
        png._chunk(b"IEND", b""),
    )
    return png.SIGNATURE + b"".join(chunks)


@pytest.mark.parametrize("interlaced", [False, True])
def test_all_row_filters(tmp_path: Path, interlaced: bool) -> None:
    array = RNG.integers(0, 65536, (13, 9, 3), dtype=np.uint16)
    (tmp_path / "f.png").write_bytes(filtered(array, interlaced))
    np.testing.assert_array_equal(load(tmp_path / "f.png").data.array, array)
    # The file itself is right: Pillow reads the upper eight bits of it.
    seen = np.asarray(pillow.open(tmp_path / "f.png"))
    np.testing.assert_array_equal(seen, array >> 8)


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation(tmp_path: Path, turn: int) -> None:
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :8] = 255  # white in the upper left
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[turn]
    exif = pillow.Exif()
    exif[0x0112] = turn
    pillow.fromarray(np.ascontiguousarray(undo(upright))).save(tmp_path / "a.jpg", exif=exif, quality=95)
    item = load(tmp_path / "a.jpg")
    assert item.data.array.shape == upright.shape
    assert abs(item.data.array.astype(int) - upright).max() < 30
    assert (len(item.warnings) == 1) == (turn > 1)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    pillow.fromarray(RGB).convert("CMYK").save(tmp_path / "a.jpg")
    item = load(tmp_path / "a.jpg")
    assert item.data.array.shape == (5, 7, 3) and "CMYK" in item.warnings[0]


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("array", [GREY, RGB, GREY16, RGB16, GREY.astype("f4") / 3, GREY > 9], ids=str)
def test_tiff(tmp_path: Path, array: np.ndarray, compression: str | None) -> None:
    kind = "rgb" if array.ndim == 3 else "minisblack"
    tifffile.imwrite(
        tmp_path / "a.tif",
        array,
        photometric=kind,
        compression=compression,
        resolution=(50, 25),
        resolutionunit="CENTIMETER",
    )
    item = load(tmp_path / "a.tif")
    np.testing.assert_array_equal(item.data.array, array)
    assert item.data.unit == "mm" and item.data.pixel_size == pytest.approx((0.4, 0.2))


def test_tiff_without_resolution_palette_white_zero_and_lzw(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, photometric="miniswhite", resolutionunit="NONE")
    item = load(path)
    assert item.data.unit == "px" and item.data.pixel_size == (1, 1)
    np.testing.assert_array_equal(item.data.array, 255 - GREY)
    indexed = pillow.fromarray(RGB).quantize(16)
    indexed.save(path)
    np.testing.assert_array_equal(load(path).data.array, np.asarray(indexed.convert("RGB")))
    pillow.fromarray(RGB).save(path, compression="tiff_lzw")
    np.testing.assert_array_equal(load(path).data.array, RGB)


def test_equal_pages_are_a_volume(tmp_path: Path) -> None:
    path = tmp_path / "s.tif"
    stack = RNG.integers(0, 65536, (4, 5, 7), dtype=np.uint16)
    tifffile.imwrite(path, stack, photometric="minisblack", resolution=(10, 10), resolutionunit="CENTIMETER")
    item = load(path)
    assert isinstance(item.data, Volume) and item.data.space == "" and item.data.array.shape == (7, 5, 4)
    np.testing.assert_array_equal(item.data.array, stack.transpose(2, 1, 0))
    np.testing.assert_allclose(np.diag(item.data.affine), (1, -1, 1, 1))
    assert "not stated" in item.warnings[0] and bounds(item.data) is not None
    tifffile.imwrite(
        path,
        stack,
        imagej=True,
        resolution=(2.0, 2.0),
        metadata={"axes": "ZYX", "spacing": 3.0, "unit": "um"},
    )
    item = load(path)
    np.testing.assert_allclose(np.diag(item.data.affine), (0.0005, -0.0005, 0.003, 1))
    assert item.warnings == ()
    tifffile.imwrite(path, np.stack([RGB, RGB[::-1]]), photometric="rgb")
    item = load(path)
    assert item.data.rgb and item.data.array.shape == (7, 5, 2, 3)


def test_different_pages_are_pictures(tmp_path: Path) -> None:
    path = tmp_path / "d.tif"
    with tifffile.TiffWriter(path) as out:
        for array in (GREY, GREY16[:3], GREY[:, :2]):
            out.write(array, photometric="minisblack")
    items = tiff.read(path, job=Job())
    assert [i.data.array.shape for i in items] == [(5, 7), (3, 7), (5, 2)]
    assert items[1].name == "d page 2"
    assert len(tiff.read(path, most=2, job=Job())) == 2


def test_writing(tmp_path: Path) -> None:
    path = tmp_path / "w.png"
    for array in (GREY, RGB, GREY16, RGB16, np.dstack([RGB, GREY])):
        png.write(Image(array, (0.5, 0.25), "mm"), path, job=Job(), metadata={})
        np.testing.assert_array_equal(load(path).data.array, array)
    with pillow.open(path) as seen:
        assert seen.info["dpi"] == pytest.approx((101.6, 50.8), rel=1e-3)
        np.testing.assert_array_equal(np.asarray(seen), np.dstack([RGB, GREY]))
    png.write(Image(np.array([[0.0, 0.5], [np.nan, 1.0]])), path, job=Job(), metadata={})
    assert load(path).data.array.tolist() == [[0, 32768], [0, 65535]]
    png.write(Image(np.array([[True, False]])), path, job=Job(), metadata={})
    assert load(path).data.array.tolist() == [[255, 0]]
    with pytest.raises(WriteError, match="5 channels"):
        png.write(Image(np.zeros((2, 2, 5), np.uint8)), path, job=Job(), metadata={})
    with pytest.raises(WriteError, match="cannot be written"):
        png.write(Image(GREY), tmp_path / "none" / "w.png", job=Job(), metadata={})


def bomb(width: int, height: int, bits: int = 8, color: int = 2) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return (
        png.SIGNATURE
        + png._chunk(b"IHDR", head)
        + png._chunk(b"IDAT", zlib.compress(bytes(1000)))
        + png._chunk(b"IEND", b"")
    )


def test_lies_and_bombs(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for content, fault in (
        (b"", "empty"),
        (b"hello", "neither PNG nor JPEG"),
        (png.SIGNATURE, "without a header"),
        (bomb(0, 5), "impossible header"),
        (bomb(15_000, 15_000), "cannot hold"),
        (bomb(15_000, 15_000, 16), "cannot hold"),
        (bomb(2**31 - 1, 2**31 - 1), "million accepted"),
        (bomb(100, 100, 16), "last row"),
        (bomb(100, 100), "cut short"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "cut short"),
    ):
        path.write_bytes(content)
        refused(path, picture.read, fault)
    refused(tmp_path / "none.png", picture.read, "cannot be read")

    tif = tmp_path / "a.tif"
    tifffile.imwrite(tif, np.zeros((8, 8), np.uint8))
    good = tif.read_bytes()
    with tifffile.TiffFile(tif) as file:
        tags = file.pages[0].tags
        places = [(tags[name].offset + 8, tags[name].dtype) for name in ("ImageWidth", "ImageLength")]
    lie = bytearray(good)
    for at, _ in places:
        lie[at : at + 2] = struct.pack("<H", 19_000)
    tif.write_bytes(bytes(lie))
    refused(tif, tiff.read, "claims|damaged")
    for content, fault in (
        (b"", "empty"),
        (b"hello", "no TIFF"),
        (good[:20], "damaged|cut|no picture"),
        (b"II*\0\0\0\0\0", "damaged|no picture"),
    ):
        tif.write_bytes(content)
        refused(tif, tiff.read, fault)


def test_a_tiff_whose_pages_go_in_circles(tmp_path: Path) -> None:
    path = tmp_path / "c.tif"
    tifffile.imwrite(path, np.stack([GREY, GREY]), photometric="minisblack")
    with tifffile.TiffFile(path) as file:
        first = file.pages[0].offset
        count = len(file.pages[0].tags)
    content = bytearray(path.read_bytes())
    for target in (first, first + 12):
        content[first + 2 + 12 * count : first + 6 + 12 * count] = struct.pack("<I", target)
        path.write_bytes(bytes(content))
        refused(path, tiff.read, "damaged list of pages")


def test_mutated_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pillow.fromarray(RGB).save(tmp_path / "a.png")
    pillow.fromarray(RGB).save(tmp_path / "a.jpg")
    (tmp_path / "b.png").write_bytes(filtered(RGB16))
    tifffile.imwrite(tmp_path / "a.tif", np.stack([GREY, GREY]), compression="zlib")
    for original in sorted(tmp_path.iterdir()):
        content = original.read_bytes()
        path = tmp_path / f"m{original.suffix}"
        read = tiff.read if path.suffix == ".tif" else picture.read
        for _ in range(120):
            data = bytearray(
                content[: len(content) if rng.random() < 0.8 else int(rng.integers(0, len(content)))]
            )
            for at in rng.integers(0, max(1, len(data)), size=3):
                if at < len(data):
                    data[at] = rng.integers(0, 256)
            path.write_bytes(bytes(data))
            try:
                assert read(path, job=Job())
            except ReadError as error:
                assert "\n" not in str(error)
        path.unlink()


def test_idx(tmp_path: Path) -> None:
    stack = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)
    content = bytes([0, 0, 8, 3]) + struct.pack(">3I", 6, 4, 3) + stack.tobytes()
    path = tmp_path / "x-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(content))
    assert idx.sniff(path, path.read_bytes()[:512]) == 90
    (item,) = idx.read(path, job=Job())
    np.testing.assert_array_equal(item.data.array, stack.transpose(2, 1, 0))
    (item,) = idx.read(path, most=2, job=Job())
    assert item.data.array.shape == (3, 4, 2) and "first 2 of 6" in item.warnings[0]
    path.write_bytes(gzip.compress(content[:4] + struct.pack(">3I", 2**31, 2**20, 2**20)))
    refused(path, idx.read, "cannot hold")
    path.write_bytes(gzip.compress(content[:-1]))
    refused(path, idx.read, "ends after")
    path.write_bytes(gzip.compress(content)[:-20])
    refused(path, idx.read, "damaged|ends")
    path.write_bytes(b"hello world")
    refused(path, idx.read, "no IDX")
    assert idx.sniff(path, b"hello world") == 0


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        ("t10k-images-idx3-ubyte.gz", Volume, (28, 28, 10000)),
        ("train-images-idx3-ubyte.gz", Volume, (28, 28, 60000)),
        ("t10k-labels-idx1-ubyte.gz", Table, (10000,)),
        ("train-labels-idx1-ubyte.gz", Table, (60000,)),
    ],
)
def test_mnist(shared_data: Path, name: str, kind: type, shape: tuple[int, ...]) -> None:
    path = shared_data / "images/mnist" / name
    assert idx.sniff(path, path.read_bytes()[:512]) == 90
    (item,) = idx.read(path, job=Job())
    values = item.data.array if kind is Volume else item.data.columns["label"]
    assert isinstance(item.data, kind) and values.shape == shape
    raw = gzip.decompress(path.read_bytes())
    assert int(values.sum(dtype=np.int64)) == int(
        np.frombuffer(raw, np.uint8, offset=16 if kind is Volume else 8).sum(dtype=np.int64)
    )
    if kind is Table:
        assert set(values.tolist()) == set(range(10))


@pytest.mark.shared
def test_a_real_texture(shared_data: Path) -> None:
    path = shared_data / "meshes/ycb/035_power_drill.png"
    item = load(path)
    with pillow.open(path) as seen:
        np.testing.assert_array_equal(item.data.array, np.asarray(seen))
