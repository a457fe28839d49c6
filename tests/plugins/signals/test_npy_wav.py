"""NPY and WAV: values against NumPy and scipy, lies and cuts refused."""

from __future__ import annotations

import io
import struct
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from core.data import Signal, Table
from core.errors import ReadError
from core.jobs import Job
from plugins.signals import npy, wav

wavfile = pytest.importorskip("scipy.io.wavfile")


def test_the_manifest_names_functions_that_exist() -> None:
    manifest = tomllib.loads(Path(npy.__file__).with_name("plugin.toml").read_text())
    for entry in (*manifest["readers"], *manifest["writers"]):
        for key in ("sniff", "read", "write"):
            if key in entry:
                module, name = entry[key].split(":")
                assert callable(getattr(import_module(module), name))


def test_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    rng = np.random.default_rng(0)

    def load(array: np.ndarray, **options: object) -> object:
        np.save(path, array)
        (item,) = npy.read(path, job=Job(), **options)  # type: ignore[arg-type]
        return item.data

    one = load(np.arange(5, dtype=">i2"))
    assert (
        isinstance(one, Signal) and one.time_unit == "sample" and one.values[:, 0].tolist() == [0, 1, 2, 3, 4]
    )
    matrix = np.asfortranarray(rng.normal(size=(7, 3)))
    two = load(matrix, rate=10.0)
    assert isinstance(two, Signal) and two.rate == 10 and np.array_equal(two.values, matrix)
    assert isinstance(load(matrix, form="table"), Table)
    wide = load(rng.normal(size=(3, 100)))
    assert isinstance(wide, Table) and len(wide.columns) == 100
    record = load(np.array([(1, 2.5, b"x")], dtype=[("n", "i4"), ("v", "f8"), ("s", "S3")]))
    assert isinstance(record, Table) and record.columns["s"].tolist() == ["x"]
    assert isinstance(load(np.array(["a", "b"])), Table)


def test_arrays_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    trace = tmp_path / "trace"

    class Gadget:
        def __reduce__(self) -> tuple[object, ...]:
            import os

            return os.system, (f"touch '{trace}'",)

    for array, fault in (
        (np.zeros((2, 3, 4)), "3 axes"),
        (np.array([Gadget()], dtype=object), "Python objects"),
        (np.zeros((0, 3)), "without values"),
        (np.zeros((2, 5000)), "5000 columns"),
        (np.zeros(2, "V3"), "not supported"),
    ):
        np.save(path, array)
        with pytest.raises(ReadError, match=fault):
            npy.read(path, job=Job())
    assert not trace.exists()
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    for content, fault in (
        (stream.getvalue() + b"1234", "claims 8"),
        (b"", "empty"),
        (b"\x93NUMPY\x01\x00\xff\xff", "no NPY"),
        (b"hello", "no NPY"),
    ):
        path.write_bytes(content)
        with pytest.raises(ReadError, match=fault):
            npy.read(path, job=Job())


def test_sniffing_leaves_points_to_others(tmp_path: Path) -> None:
    for shape, score in (((9,), 80), ((9, 2), 80), ((9, 3), 50), ((9, 6), 50), ((2, 3, 4), 10)):
        np.save(tmp_path / "a.npy", np.zeros(shape))
        assert npy.sniff(tmp_path / "a.npy", (tmp_path / "a.npy").read_bytes()[:512]) == score


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 2])
def test_sounds_against_scipy(tmp_path: Path, dtype: str, channels: int) -> None:
    rng = np.random.default_rng(2)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values, scale, zero = rng.normal(size=(101, channels)).astype(kind), 1.0, 0.0
    else:
        limits = np.iinfo(kind)
        values = rng.integers(limits.min, limits.max, size=(101, channels), dtype=kind, endpoint=True)
        values[0], values[1] = limits.min, limits.max
        scale, zero = 2.0 ** (8 * kind.itemsize - 1), 128.0 if kind == np.uint8 else 0.0
    path = tmp_path / "a.wav"
    wavfile.write(path, 8000, values)
    (item,) = wav.read(path, job=Job())
    assert item.data.rate == 8000 and item.data.values.shape == (101, channels)
    np.testing.assert_array_equal(item.data.values, (values.astype(np.float64) - zero) / scale)


def riff(
    layout: tuple[int, int, int, int], data: bytes, *, claimed: int | None = None, mark: bytes = b"RIFF"
) -> bytes:
    """(code, channels, rate, bits) and samples; the order of bytes by the mark."""
    code, channels, rate, bits = layout
    o = ">" if mark == b"RIFX" else "<"
    align = channels * ((bits + 7) // 8)
    form = struct.pack(f"{o}HHIIHH", code, channels, rate, rate * align, align, bits)
    body = b"WAVE" + b"fmt " + struct.pack(f"{o}I", 16) + form + b"LIST" + struct.pack(f"{o}I", 3) + b"abc\0"
    body += b"data" + struct.pack(f"{o}I", len(data) if claimed is None else claimed) + data
    return mark + struct.pack(f"{o}I", len(body)) + body


def test_odd_widths_and_orders(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    numbers = [0, 1, -1, 2**23 - 1, -(2**23)]
    for mark, order in ((b"RIFF", "little"), (b"RIFX", "big")):
        data = b"".join(n.to_bytes(3, order, signed=True) for n in numbers)  # type: ignore[arg-type]
        path.write_bytes(riff((1, 1, 100, 24), data, mark=mark))
        (item,) = wav.read(path, job=Job())
        np.testing.assert_array_equal(item.data.values[:, 0], np.array(numbers) / 2**23)
    path.write_bytes(riff((1, 2, 100, 16), struct.pack("<4h", 0, 16384, -16384, -32768)))
    (item,) = wav.read(path, job=Job())
    assert item.data.channels == ("left", "right") and item.data.values.tolist() == [[0, 0.5], [-0.5, -1]]


def test_cut_and_lying_sounds(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff((1, 1, 100, 16), bytes(100), claimed=4_000_000_000))
    (item,) = wav.read(path, job=Job())
    assert len(item.data.values) == 50 and "cut short" in item.warnings[0]
    for content, fault in (
        (b"", "empty"),
        (b"RIFF", "no WAV"),
        (b"RIFF\0\0\0\0WAVE", "ends before"),
        (riff((1, 1, 100, 16), b""), "no samples"),
        (riff((2, 1, 100, 4), bytes(8)), "ADPCM"),
        (riff((7, 1, 100, 8), bytes(8)), "µ-law"),
        (riff((1, 0, 100, 16), bytes(8)), "0 channels"),
        (riff((1, 1, 0, 16), bytes(8)), "channels"),
        (riff((3, 1, 100, 24), bytes(9)), "24 bits"),
    ):
        path.write_bytes(content)
        with pytest.raises(ReadError, match=fault):
            wav.read(path, job=Job())
    rng = np.random.default_rng(4)
    good = riff((1, 2, 8000, 24), bytes(range(120)))
    for _ in range(300):
        data = bytearray(good)
        for at in rng.integers(0, 60, size=3):
            data[at] = rng.integers(0, 256)
        path.write_bytes(bytes(data))
        try:
            assert wav.read(path, job=Job())
        except ReadError as error:
            assert "\n" not in str(error)


@pytest.mark.shared
def test_spoken_digits(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "timeseries/free-spoken-digit-dataset.zip") as archive:
        names = [n for n in archive.namelist() if n.endswith(".wav")]
        assert len(names) == 3000
        for name in names[::500]:
            path = tmp_path / "digit.wav"
            path.write_bytes(archive.read(name))
            rate, values = wavfile.read(path)
            (item,) = wav.read(path, job=Job())
            assert item.data.rate == rate == 8000
            np.testing.assert_array_equal(item.data.values[:, 0], values / 32768)


@pytest.mark.shared
def test_real_arrays_of_three_axes_are_refused(shared_data: Path) -> None:
    for name in ("ala2_coordinates.npy", "ala2_forces.npy"):
        with pytest.raises(ReadError, match=r"3 axes \(10000, 5, 3\)"):
            npy.read(shared_data / "molecules/cgnet_ala2" / name, job=Job())
