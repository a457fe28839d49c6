"""Point cloud formats made here."""

from __future__ import annotations

import io
import struct
import zipfile

import laspy
import numpy as np
import pytest

from core.data import Mesh, PointCloud
from core.errors import ReadError
from core.jobs import Job
from plugins.scans import npy, xyz
from plugins.scans._lzf import decompress
from tests.plugins.scans.helpers import CUBE, MANIFEST, chosen, one, opened, score


def lzf(data: bytes) -> bytes:
    """LZF with literal runs, and a repeat wherever 4 bytes equal the 4 before them (enough to test both)."""
    out, literal, i = b"", b"", 0

    def flush() -> bytes:
        return b"".join(
            bytes([len(literal[k : k + 32]) - 1]) + literal[k : k + 32] for k in range(0, len(literal), 32)
        )

    while i < len(data):
        run = 0
        while i >= 4 and i + run < len(data) and run < 264 and data[i + run] == data[i + run - 4]:
            run += 1
        if run >= 9:
            out += flush() + bytes([0xE0, run - 9, 3])
            literal = b""
            i += run
        else:
            literal += data[i : i + 1]
            i += 1
    return out + flush()


def pcd(mode: str, n: int = 40, grid: bool = False, nan: bool = True) -> tuple[bytes, np.ndarray]:
    """A cloud with packed colours, normals, a label and a field of two; some coordinates are NaN."""
    rng = np.random.default_rng(1)
    kinds = [
        ("x", "<f4"),
        ("y", "<f4"),
        ("z", "<f4"),
        ("rgb", "<u4"),
        ("normal_x", "<f4"),
        ("normal_y", "<f4"),
    ]
    kinds += [("normal_z", "<f4"), ("label", "<u2"), ("fpfh", "<f4", 2), ("_", "<u1", 3)]
    rows = np.zeros(n, kinds)
    for axis in "xyz":
        rows[axis] = rng.integers(0, 50, n) / 4
    rows["rgb"] = 0xFF102030
    rows["normal_z"] = 1
    rows["label"] = np.arange(n)
    rows["fpfh"] = rng.integers(0, 9, (n, 2))
    if nan:
        rows["y"][3:6] = np.nan
    size = {"f": "F", "u": "U"}
    fields = [(k[0], np.dtype(k[1]), k[2] if len(k) > 2 else 1) for k in kinds]
    head = "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\n"
    head += "FIELDS " + " ".join(f for f, _, _ in fields) + "\n"
    head += "SIZE " + " ".join(str(d.itemsize) for _, d, _ in fields) + "\n"
    head += "TYPE " + " ".join(size[d.kind] for _, d, _ in fields) + "\n"
    head += "COUNT " + " ".join(str(c) for _, _, c in fields) + "\n"
    width, height = (n // 2, 2) if grid else (n, 1)
    head += f"WIDTH {width}\nHEIGHT {height}\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {n}\nDATA {mode}\n"
    if mode == "ascii":
        body = "\n".join(
            " ".join(
                " ".join(
                    (f"{v:.9g}" if isinstance(v, float) else str(v)) for v in np.atleast_1d(row[f]).tolist()
                )
                for f, _, _ in fields
            )
            for row in rows
        ).encode()
    elif mode == "binary":
        body = rows.tobytes()
    else:
        raw = b"".join(np.ascontiguousarray(rows[f]).tobytes() for f, _, _ in fields)
        packed = lzf(raw)
        body = struct.pack("<II", len(packed), len(raw)) + packed
    return head.encode() + body, rows


@pytest.mark.parametrize("mode", ["ascii", "binary", "binary_compressed"])
def test_pcd(tmp_path, mode):
    path = tmp_path / "scan.pcd"
    content, rows = pcd(mode, grid=True)
    path.write_bytes(content)
    (loaded,) = opened(path)
    data = loaded.data
    kept = np.isfinite(rows["y"])
    assert len(data.points) == 37
    assert any("3 of 40 points" in w for w in loaded.warnings)
    assert np.array_equal(data.points, np.stack([rows[a][kept] for a in "xyz"], axis=1))
    assert np.array_equal(data.attributes["rgb"].values, np.tile(np.uint8([0x10, 0x20, 0x30]), (37, 1)))
    assert data.attributes["normals"].direction and data.attributes["normals"].values[0].tolist() == [0, 0, 1]
    assert str(data.attributes["label"].transforms) == "label"
    assert np.array_equal(data.attributes["fpfh"].values, rows["fpfh"][kept])
    assert str(data.attributes["fpfh"].transforms) == "unknown"
    assert set(data.attributes) == {"rgb", "normals", "label", "fpfh"}
    assert loaded.metadata["grid"] == [20, 2]


def test_pcd_colours_stored_as_the_bits_of_a_float(tmp_path):
    path = tmp_path / "f.pcd"
    word = np.uint32(0x00FF8001).view(np.float32)
    path.write_bytes(
        b"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F F\nCOUNT 1 1 1 1\nWIDTH 1\nHEIGHT 1\n"
        b"POINTS 1\nDATA binary\n" + struct.pack("<3f", 1, 2, 3) + word.tobytes()
    )
    assert one(path).attributes["rgb"].values.tolist() == [[255, 128, 1]]


def test_lzf_copies_overlapping_and_refuses_damage():
    assert decompress(bytes([0, 65, 0xE0, 3, 0]), 13) == b"A" * 13
    assert decompress(lzf(b"abcd" * 100), 400) == b"abcd" * 100
    for damaged, size in ((b"\x05ab", 6), (b"\x20\x00", 3), (b"\x00A", 5), (b"\x01AB", 1), (b"\xe0", 9)):
        with pytest.raises(ValueError, match="compressed data"):
            decompress(damaged, size)


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("a.xyz", "0.5 1 2\n3 4 5.5\n6 7 8\n", {}),
        ("a.xyz", "0.5,1,2\r\n3,4,5.5\r\n6,7,8\r\n", {}),
        ("a.xyz", "0,5;1;2\n3;4;5,5\n6;7;8\n", {}),
        ("a.pts", "3\n0.5 1 2 -7\n3 4 5.5 9\n6 7 8 1\n", {"intensity": "scalar"}),
        ("a.txt", "0.5 1 2 0 0 1\n3 4 5.5 0 1 0\n6 7 8 1 0 0\n", {"normals": "vector"}),
        ("a.txt", "0.5 1 2 255 0 3\n3 4 5.5 9 1 0\n6 7 8 12 0 0\n", {"rgb": "scalar"}),
        ("a.txt", "0.5 1 2 0.5 40 3.5\n3 4 5.5 9 1 0\n6 7 8 12 0 0\n", {"columns_4_6": "unknown"}),
        ("a.asc", "# made here\n0.5 1 2\n3 4 5.5\n\n6 7 8\n", {}),
        ("a.txt", "//X Y Z Intensity\n0.5 1 2 3\n3 4 5.5 3.5\n6 7 8 1\n", {"Intensity": "scalar"}),
        (
            "a.csv",
            "x,y,z,class,quality\n0.5,1,2,3,0.1\n3,4,5.5,3,0.5\n6,7,8,1,2\n",
            {"class": "label", "quality": "scalar"},
        ),
        ("a.csv", '"x","y","z"\n0.5,1,2\n3,4,5.5\n6,7,8\n', {}),
    ],
)
def test_text(tmp_path, name, text, columns):
    path = tmp_path / name
    path.write_text(text)
    assert chosen(path) is not None
    data = one(path)
    assert isinstance(data, PointCloud)
    assert data.points.tolist() == [[0.5, 1, 2], [3, 4, 5.5], [6, 7, 8]]
    assert {k: str(a.transforms) for k, a in data.attributes.items()} == columns


@pytest.mark.parametrize(
    "text",
    ["0.5 1 2\n3 4\n5 6 7 8\n", "0.5 1 2\n3 4 x\n", "0.5 1\n2 3\n", "0.5 1 2\n3 4 5 6\n", "words\nonly\n"],
)
def test_text_whose_lines_differ_is_refused(tmp_path, text):
    path = tmp_path / "a.xyz"
    path.write_text(text)
    with pytest.raises(ReadError):
        xyz.read(path, job=Job())


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("Dear reader, this is a letter.\nIt has 3 lines.\n", 0),
        ("2\nwater\nO 0.0 0.0 0.0\nH 0.1 0.2 0.3\n", 0),
        ("1 2\n3 4\n", 0),
        ("time,value,error\n0,1,2\n1,2,3\n", 10),
        ("1 2 3\n4 5 6\n", 10),
        ("", 0),
        ("\x00\x01\x02", 0),
    ],
)
def test_other_text_is_not_claimed_with_confidence(tmp_path, text, most):
    path = tmp_path / "a.txt"
    path.write_text(text)
    reader = next(r for r in MANIFEST.readers if r.id == "scans.xyz")
    assert score(reader, path) <= most


def las(version="1.4", point_format=7, n=50) -> laspy.LasData:
    header = laspy.LasHeader(version=version, point_format=point_format)
    header.scales, header.offsets = [0.001] * 3, [500000, 5400000, 0]
    header.add_extra_dim(laspy.ExtraBytesParams("height", "f8"))
    header.add_extra_dim(laspy.ExtraBytesParams("normal", "3f4"))
    out = laspy.LasData(header)
    rng = np.random.default_rng(2)
    out.x, out.y, out.z = 500000 + rng.random(n), 5400000 + rng.random(n), rng.random(n)
    out.intensity = np.arange(n)
    out.classification = np.arange(n) % 5
    out.red = out.green = out.blue = np.arange(n) * 1000
    out.gps_time = np.linspace(0, 1, n)
    out.height = np.arange(n) / 8
    out.normal = np.tile([0, 0, 1], (n, 1))
    return out


@pytest.mark.parametrize("suffix", ["las", "laz"])
@pytest.mark.parametrize(("version", "point_format"), [("1.2", 3), ("1.4", 7)])
def test_las(tmp_path, suffix, version, point_format):
    made = las(version, point_format)
    path = tmp_path / f"scan.{suffix}"
    made.write(str(path))
    data = one(path)
    assert np.allclose(data.points, np.stack([made.x, made.y, made.z], axis=1), atol=1e-9)
    kinds = {k: str(a.transforms) for k, a in data.attributes.items()}
    assert kinds["classification"] == "label" and kinds["height"] == "scalar" and kinds["normal"] == "unknown"
    assert data.attributes["rgb"].values[49, 0] == 49000 // 256
    assert np.array_equal(data.attributes["intensity"].values, np.arange(50))
    for cut in (60, 200, 300, path.stat().st_size - 20):
        short = tmp_path / f"short.{suffix}"
        short.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(ReadError):
            opened(short)


def test_las_count_larger_than_the_file(tmp_path):
    path = tmp_path / "liar.las"
    las("1.2", 3).write(str(path))
    content = bytearray(path.read_bytes())
    content[107:111] = struct.pack("<I", 2**31)
    path.write_bytes(bytes(content))
    with pytest.raises(ReadError, match="ends after 50 of its"):
        opened(path)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros((5, 3), np.float32), 60),
        (np.zeros((5, 6)), 60),
        (np.zeros((5, 4)), 0),
        (np.zeros((2, 3)), 0),
        (np.zeros((5, 3), np.int32), 0),
        (np.zeros(5), 0),
        (np.zeros((4, 5, 3)), 0),
    ],
)
def test_npy_scores(tmp_path, array, expected):
    path = tmp_path / "a.npy"
    np.save(path, array)
    assert npy.sniff(path, path.read_bytes()[:4096]) == expected


def test_npy_columns_and_layouts(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.asfortranarray(CUBE.astype(">f4")))
    assert np.array_equal(one(path).points, CUBE)
    np.save(path, np.concatenate([CUBE, np.tile(np.float32([0, 0, 1]), (8, 1))], axis=1))
    assert str(one(path).attributes["normals"].transforms) == "vector"
    np.save(path, np.concatenate([CUBE, CUBE * 100], axis=1))
    assert one(path).attributes["rgb"].values.max() == 100
    np.save(path, np.random.default_rng(0).normal(size=(8, 6)))
    (loaded,) = opened(path)
    assert str(loaded.data.attributes["columns_4_6"].transforms) == "unknown" and loaded.warnings


def test_npy_of_other_shapes_says_which_are_accepted(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((4, 5, 3)))
    with pytest.raises(ReadError, match=r"\(n, 3\), \(n, 4\)"):
        npy.read(path, job=Job())
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ReadError, match="plain numbers"):
        npy.read(path, job=Job())


def test_npy_header_that_claims_too_much(tmp_path):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 3)}
    )
    path = tmp_path / "a.npy"
    path.write_bytes(stream.getvalue() + b"\0" * 100)
    with pytest.raises(ReadError, match="ends early"):
        npy.read(path, job=Job())


def test_npz(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(
        path,
        points=CUBE,
        faces=np.array([[0, 1, 2]]),
        normals=CUBE,
        label=np.arange(8),
        stress=np.zeros((8, 6)),
        x=[1, 2],
    )
    (loaded,) = opened(path)
    assert isinstance(loaded.data, Mesh)
    kinds = {k: str(a.transforms) for k, a in loaded.data.attributes.items()}
    assert kinds == {"normals": "vector", "label": "label", "stress": "unknown"}
    assert any("'x' was left out" in w for w in loaded.warnings)
    np.savez(path, weights=np.zeros((3, 3)))
    assert chosen(path) is None
    with pytest.raises(ReadError, match="has no array of points"):
        npy.read(path, job=Job())


def test_npz_that_claims_too_much(tmp_path):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 3)}
    )
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("points.npy", stream.getvalue())
    with pytest.raises(ReadError, match="ends early"):
        npy.read(path, job=Job())
