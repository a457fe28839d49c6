"""Small files with large claims: bombs, headers of terabytes, deep nests, endless lines, places that are none."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.core.checkpoints.builders import npy_header
from tests.files import others
from tests.files.seeds import Seed, every
from tests.hostile.conftest import Harmless
from tests.hostile.test_references import zipped
from tests.plugins.scans.test_anatomy import gii

ZEROS = bytes(1_000_000)
LITTLE = 150e6
"""Bytes that a bomb may make us take: nothing near what it unpacks to."""


@pytest.fixture(scope="module")
def seeds() -> dict[str, Seed]:
    """A sound file of every format, by id."""
    return {s.id: s for s in every()}


def gzip_of(start: bytes, millions: int) -> bytes:
    """A gzip file of `start` and as many million zeros."""
    engine = zlib.compressobj(1, zlib.DEFLATED, 31)
    packed = engine.compress(start)
    for _ in range(millions):
        packed += engine.compress(ZEROS)
    return packed + engine.flush()


def zip_of(name: str, start: bytes, millions: int, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of one member of `start` and as many million zeros."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind, compresslevel=1) as archive, archive.open(name, "w") as member:
        member.write(start)
        for _ in range(millions):
            member.write(ZEROS)
    return out.getvalue()


def png_of(width: int, height: int, millions: int) -> bytes:
    """A PNG file whose rows unpack to as many million zeros."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    engine = zlib.compressobj(1)
    body = b"".join(engine.compress(ZEROS) for _ in range(millions)) + engine.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_bombs(tmp_path: Path, harmless: Harmless, seeds: dict[str, Seed]) -> None:
    """What unpacks to hundreds of megabytes behind a header that claims little is not unpacked."""
    nifti = seeds["volumes/a.nii"].files["a.nii"]
    mgh = seeds["volumes/a.mgh"].files["a.mgh"]
    idx = seeds["pictures/some-images-ubyte"].files["some-images-ubyte"]
    gii(tmp_path / "plain.gii")
    gifti = (tmp_path / "plain.gii").read_bytes()
    packed = zlib.compress(bytes(200_000_000), 1)
    import base64

    inner = gifti.decode()
    at = inner.index("<Data>") + 6
    inner = inner[:at] + base64.b64encode(packed).decode() + inner[inner.index("</Data>") :]
    vtp = seeds["scans/vtp"].files["cube.vtp"].decode()
    blocks = struct.pack("<IIII", 1, 200_000_000, 0, len(packed))
    inline = base64.b64encode(blocks).decode() + base64.b64encode(packed).decode()
    at = vtp.index("<DataArray")
    array = (
        '<DataArray type="Float32" Name="Points" NumberOfComponents="3" format="binary">'
        + inline
        + "</DataArray>"
    )
    vtp = vtp[:at] + array + vtp[vtp.index("</Points>") :]
    small = npy_header((3, 3), values=bytes(36))
    files: dict[str, tuple[str, bytes]] = {
        "tail.nii.gz": ("volumes.nifti", gzip_of(nifti, 200)),
        "tail.mgz": ("volumes.mgh", gzip_of(mgh, 200)),
        "tail-ubyte.gz": ("images.idx", gzip_of(idx, 200)),
        "tail.gii.gz": ("scans.gifti", gzip_of(gifti, 200)),
        "data.gii": ("scans.gifti", inner.encode()),
        "block.vtp": ("scans.vtk", vtp.encode()),
        "rows.png": ("images.picture", png_of(10, 10, 200)),
        "large.png": ("images.picture", png_of(30_000, 30_000, 1)),
        "tail.npz": ("scans.npy", zip_of("points.npy", small, 200)),
        "lzma.npz": (
            "scans.npy",
            zip_of("points.npy", npy_header((5_000_000, 3), "<f4"), 60, zipfile.ZIP_LZMA),
        ),
        "bzip.npz": (
            "checkpoints.npz",
            zip_of("a.npy", npy_header((60_000_000,), "|u1"), 60, zipfile.ZIP_BZIP2),
        ),
        "model.3mf": ("scans.threemf", zip_of("a.model", b"<model>", 200)),
        "torch.pt": ("checkpoints.torch", zip_of("x/data.pkl", b"\x80\x02", 200)),
    }
    for name, (target, content) in files.items():
        assert len(content) < 1_500_000, name
        (tmp_path / name).write_bytes(content)
        harmless(
            tmp_path / name,
            target,
            memory=LITTLE if name not in ("model.3mf", "tail.gii.gz", "bzip.npz", "torch.pt") else 1e9,
        )


def test_bombs_in_libraries(tmp_path: Path, harmless: Harmless) -> None:
    h5py = pytest.importorskip("h5py")
    tifffile = pytest.importorskip("tifffile")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("w", (200_000_000,), "u1", chunks=(1_000_000,), compression="gzip")
        made[:] = 0
    assert (tmp_path / "a.h5").stat().st_size < 2_000_000
    harmless(tmp_path / "a.h5", "checkpoints.hdf5", memory=1e9)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((12_000, 12_000), np.uint8), compression="zlib")
    harmless(tmp_path / "a.tif", "images.tiff", memory=1e9)
    head = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 100000 100000 100000\nencoding: {}\n\n"
    for name, kind, packed in (
        ("g.nrrd", "gzip", gzip.compress(ZEROS)),
        ("b.nrrd", "bzip2", bz2.compress(ZEROS)),
        ("x.nrrd", "raw", lzma.compress(ZEROS)),
    ):
        (tmp_path / name).write_bytes(head.format(kind).encode() + packed)
        assert harmless(tmp_path / name, "volumes.nrrd", outcome="refused", memory=LITTLE)


def replaced(seed: Seed, old: bytes, new: bytes) -> dict[str, bytes]:
    assert any(old in content for content in seed.files.values()), (seed.id, old)
    return {n: c.replace(old, new) for n, c in seed.files.items()}


def put(seed: Seed, at: int, value: bytes) -> dict[str, bytes]:
    content = seed.files[seed.main]
    return {**seed.files, seed.main: content[:at] + value + content[at + len(value) :]}


HUGE: list[tuple[str, Any]] = [
    ("volumes/a.nii", lambda s: put(s, 40, struct.pack("<8h", 7, *[32767] * 7))),
    ("volumes/two.nii", lambda s: put(s, 16, struct.pack("<8q", 3, *[2**40] * 7))),
    ("volumes/a.nii.gz", lambda s: {s.main: gzip.compress(struct.pack("<i", 348) + bytes(36) + struct.pack("<8h", 7, *[32767] * 7) + bytes(288) + b"n+1\0")}),
    ("volumes/a.mgh", lambda s: put(s, 4, struct.pack(">4i", *[2**31 - 1] * 4))),
    ("volumes/tiny.mnc", lambda s: put(s, 4, struct.pack(">i", 2**31 - 1))),
    ("volumes/a.nrrd", lambda s: replaced(s, b"sizes: 3 4 5", b"sizes: 3000000 4000000 5000000")),
    ("volumes/a.mha", lambda s: replaced(s, b"DimSize = 3 4 5", b"DimSize = 3000000 4000000 5000000")),
    ("volumes/a.mhd", lambda s: replaced(s, b"DimSize = 5 4 3", b"DimSize = 3000000 4000000 5000000")),
    ("volumes/scaled+tlrc.HEAD", lambda s: replaced(s, b"47 54 43", b"2000000 2000000 2000000")),
    ("scans/ply-little", lambda s: replaced(s, b"vertex 8", b"vertex 1000000000000")),
    ("scans/ply-ascii", lambda s: replaced(s, b"face 6", b"face 1000000000000")),
    ("scans/ply-little", lambda s: {s.main: s.files[s.main].replace(b"list uchar int", b"list uint int")}),
    ("scans/stl", lambda s: put(s, 80, b"\xff\xff\xff\xff")),
    ("scans/off", lambda s: replaced(s, b"8 12 0", b"1000000000000 1000000000000 0")),
    ("scans/obj", lambda s: replaced(s, b"f 1//1", b"f 999999999999999//1")),
    ("scans/gltf", lambda s: replaced(s, b'"count": 8', b'"count": 1000000000000')),
    ("scans/msh", lambda s: put(s, 0, b"\xff\xff\xff\x7f" * 4)),
    ("scans/vtk", lambda s: replaced(s, b"POINTS 8", b"POINTS 1000000000000")),
    ("scans/vtp", lambda s: replaced(s, b'NumberOfPoints="8"', b'NumberOfPoints="1000000000000"')),
    ("more_scans/grid.vtu", lambda s: replaced(s, b'NumberOfCells="1"', b'NumberOfCells="1000000000000"')),
    ("scans/gii", lambda s: replaced(s, b'Dim0="8"', b'Dim0="1000000000000"')),
    ("scans/gii", lambda s: replaced(s, b'Dimensionality="2"', b'Dimensionality="9223372036854775807"')),
    ("scans/fs", lambda s: {s.main: b"\xff\xff\xfex\n\n" + b"\x7f\xff\xff\xff" * 2 + bytes(100)}),
    ("scans/fs-annot", lambda s: put(s, 0, b"\x7f\xff\xff\xff")),
    ("scans/pcd-binary", lambda s: replaced(s, b"POINTS 40", b"POINTS 1000000000000")),
    ("scans/pcd-compressed", lambda s: replaced(s, b"POINTS 40", b"POINTS 1000000000000")),
    ("scans/las", lambda s: put(s, 247, struct.pack("<Q", 2**62))),
    ("scans/laz", lambda s: put(s, 247, struct.pack("<Q", 2**62))),
    ("scans/npy", lambda s: {s.main: npy_header((10**12, 3), values=bytes(96))}),
    ("signals/matrix.npy", lambda s: {s.main: npy_header((10**12, 3), values=bytes(96))}),
    ("pictures/some-images-ubyte", lambda s: put(s, 4, b"\x7f\xff\xff\xff" * 3)),
    ("pictures/big.tiff", lambda s: {s.main: s.files[s.main].replace(struct.pack("<HHQQ", 257, 4, 1, 7), struct.pack("<HHQQ", 257, 4, 1, 2**31)).replace(struct.pack("<HHQH", 257, 3, 1, 7), struct.pack("<HHQH", 257, 3, 1, 65535))}),
    ("graphs/set.txt", lambda s: replaced(s, b"2\n3 1", b"1000000000000\n1000000000000 1")),
    ("checkpoints/s.safetensors", lambda s: put(s, 0, struct.pack("<Q", 2**63))),
]  # fmt: skip


@pytest.mark.parametrize(("id", "change"), HUGE, ids=[f"{n}-{i}" for i, (n, _) in enumerate(HUGE)])
def test_headers_that_claim_terabytes(
    tmp_path: Path, harmless: Harmless, seeds: dict[str, Seed], id: str, change: Any
) -> None:
    seed = seeds[id]
    changed = change(seed)
    assert changed != seed.files
    for name, content in {**seed.files, **changed}.items():
        (tmp_path / name).write_bytes(content)
    assert harmless(tmp_path / seed.main, seed.target, outcome="refused", memory=LITTLE)


def test_dicom_that_claims_terabytes(tmp_path: Path, harmless: Harmless) -> None:
    from tests.plugins.volumes.series import write_series

    pixels = np.arange(20, dtype="u2").reshape(1, 4, 5)
    for n, fields in enumerate(
        ({"Rows": 65535, "Columns": 65535}, {"NumberOfFrames": 2_000_000_000}, {"NumberOfFrames": -5})
    ):
        folder = tmp_path / str(n)
        folder.mkdir()
        (path,) = write_series(folder, pixels, **fields)
        harmless(path, "volumes.dicom", outcome="refused", memory=LITTLE)


DEEP = "[" * 100_000
NESTS: dict[str, tuple[str, bytes]] = {
    "a.gltf": ("scans.gltf", f'{{"asset":{{"version":"2.0"}},"x":{DEEP}'.encode()),
    "b.gltf": ("scans.gltf", ('{"asset":' + '{"x":' * 100_000).encode()),
    "a.mrk.json": ("markups.slicer", f'{{"markups":{DEEP}'.encode()),
    "b.mrk.json": ("markups.slicer", f'{{"markups":{DEEP}{"]" * 100_000}}}'.encode()),
    "a.safetensors": ("checkpoints.safetensors", struct.pack("<Q", 100_001) + f"{{{DEEP}".encode()),
    "m.safetensors.index.json": ("checkpoints.safetensors", f'{{"weight_map":{DEEP}'.encode()),
    "record.json": ("record", DEEP.encode()),
    "presets.json": ("presets", DEEP.encode()),
    "settings.json": ("settings", DEEP.encode()),
    "s.equiscope/session.json": ("session", f'{{"format":1,"items":{DEEP}'.encode()),
    "t.equiscope/session.json": ("session", f'{{"format":1,"items":[{{"item":{DEEP}{"]" * 100_000}}}]}}'.encode()),
    "a.graphml": ("graphs.graphml", b"<graphml>" + b"<graph>" * 100_000),
    "a.vtp": ("scans.vtk", b'<VTKFile type="PolyData">' + b"<PolyData>" * 100_000),
    "a.gii": ("scans.gifti", b"<GIFTI>" + b"<MetaData>" * 100_000 + b"</GIFTI>"),
    "a.3mf": ("scans.threemf", zipped({"a.model": b"<model>" + b"<object>" * 100_000 + b"</object>" * 100_000 + b"</model>"})),
    "a.pkl": ("checkpoints.torch", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."),
    "b.pkl": ("checkpoints.torch", b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b"."),
    "a.npy": ("scans.npy", npy_header((3, 3)).replace(b"(3, 3)", b"(3, 3)")[:10] + b"(" * 118),
    "deep.npz": ("scans.npy", zipped({"points.npy": npy_header((3, 3), values=bytes(36)), "equiscope.npy": npy_header((len(DEEP),), "|u1", DEEP.encode())})),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTS)
def test_nested_a_hundred_thousand_deep(tmp_path: Path, harmless: Harmless, name: str) -> None:
    target, content = NESTS[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    sentence = harmless(path.parent if target == "session" else path, target, memory=1e9)
    assert sentence or target in ("settings", "session")


LONG: dict[str, tuple[str, bytes, bytes]] = {
    "a.xyz": ("scans.xyz", b"", b""),
    "b.xyz": ("scans.xyz", b"0 0 0\n1 2 ", b"\n"),
    "a.csv": ("signals.csv", b"a,b\n1,", b"\n"),
    "a.edgelist": ("graphs.edges", b"1 2\n3 ", b"\n"),
    "set.txt": ("graphs.many", b"", b""),
    "b.txt": ("graphs.many", b"1\n", b" 0\n"),
    "a.obj": ("scans.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 ", b"\n"),
    "a.off": ("scans.off", b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 ", b"\n"),
    "b.off": ("scans.off", b"OFF\n", b" 1 0\n"),
    "a.ply": ("scans.ply", b"ply\nformat ascii 1.0\nelement vertex ", b"\nend_header\n"),
    "a.pcd": ("scans.pcd", b"VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH ", b"\nHEIGHT 1\nDATA ascii\n0 0 0\n"),
    "a.stl": ("scans.stl", b"solid x\nfacet normal 0 0 0\nouter loop\nvertex 0 0 ", b"\nendloop\nendfacet\nendsolid\n"),
    "a.vtk": ("scans.vtk", b"# vtk DataFile Version 3.0\nx\nASCII\nDATASET POLYDATA\nPOINTS 1 float\n0 0 ", b"\n"),
    "b.vtk": ("scans.vtk", b"# vtk DataFile Version 3.0\nx\nASCII\nDATASET POLYDATA\nPOINTS ", b" float\n0 0 0\n"),
    "a.vtp": ("scans.vtk", b'<VTKFile type="PolyData"><PolyData><Piece NumberOfPoints="', b'"></Piece></PolyData></VTKFile>'),
    "a.nrrd": ("volumes.nrrd", b"NRRD0004\ntype: uchar\ndimension: 1\nencoding: text\nsizes: ", b"\n\n1\n"),
    "a.mha": ("volumes.metaimage", b"ObjectType = Image\nNDims = 3\nDimSize = ", b" 2 2\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"),
    "a.mrk.json": ("markups.slicer", b'{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [0, 0, ', b"]}]}]}"),
    "a.gltf": ("scans.gltf", b'{"asset": {"version": "2.0"}, "scene": ', b"}"),
    "a.graphml": ("graphs.graphml", b'<graphml><graph id="', b'" edgedefault="directed"/></graphml>'),
    "record.json": ("record", b'{"seed": ', b"}"),
    "a.pts": ("scans.xyz", b"", b"\n0 0 0\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_fifty_megabytes_of_digits_in_one_line(tmp_path: Path, harmless: Harmless, name: str) -> None:
    target, before, after = LONG[name]
    with open(tmp_path / name, "wb") as file:
        file.write(before)
        for _ in range(50):
            file.write(b"1" * 1_000_000)
        file.write(after)
    harmless(tmp_path / name, target)
    (tmp_path / name).unlink()


def nifti(seed: Seed, **fields: Any) -> bytes:
    """The sound volume with other fields in its header."""
    import nibabel

    raw = bytearray(seed.files[seed.main])
    header = nibabel.Nifti1Header(bytes(raw[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    raw[:348] = header.binaryblock
    return bytes(raw)


NAN, INF = float("nan"), float("inf")
PLACES: dict[str, dict[str, Any]] = {
    "NaN in the sform": {"sform_code": 1, "srow_x": [NAN, 0, 0, 0]},
    "infinite sform": {"sform_code": 1, "srow_y": [0, INF, 0, 0]},
    "a flat sform": {"sform_code": 1, "srow_x": [1, 0, 0, 0], "srow_y": [1, 0, 0, 0], "srow_z": [1, 0, 0, 0]},
    "nothing at all": {"sform_code": 0, "qform_code": 0, "pixdim": [0] * 8},
    "NaN spacing": {"sform_code": 0, "qform_code": 1, "pixdim": [NAN] * 8},
    "negative spacing": {"sform_code": 0, "qform_code": 1, "pixdim": [-1, -1, -2, -3, 0, 0, 0, 0]},
    "a quaternion of no turn": {"sform_code": 0, "qform_code": 1, "quatern_b": 9, "quatern_c": NAN},
    "huge offsets": {"sform_code": 1, "srow_x": [1, 0, 0, 1e38]},
    "denormal": {"sform_code": 1, "srow_x": [1e-40, 0, 0, 0]},
    "no axes": {"dim": [0] * 8},
    "negative axes": {"dim": [3, -3, 4, 5, 1, 1, 1, 1]},
    "negative number of axes": {"dim": [-3, 3, 4, 5, 1, 1, 1, 1]},
    "an axis of none": {"dim": [3, 3, 0, 5, 1, 1, 1, 1]},
    "NaN scaling": {"scl_slope": NAN, "scl_inter": INF},
    "infinite scaling": {"scl_slope": INF},
    "values before the file": {"vox_offset": -1000},
    "values nowhere": {"vox_offset": NAN},
}


@pytest.mark.parametrize("name", PLACES)
def test_volumes_that_are_nowhere(
    tmp_path: Path, harmless: Harmless, seeds: dict[str, Seed], name: str
) -> None:
    (tmp_path / "a.nii").write_bytes(nifti(seeds["volumes/a.nii"], **PLACES[name]))
    harmless(tmp_path / "a.nii", "volumes.nifti")


@pytest.mark.parametrize("target", ["scans.npy", "signals.npy"])
@pytest.mark.parametrize("array", [np.float64(3), np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((1,) * 30), np.full((9, 3), np.nan), np.array([], "U1"), np.array(["a"], "S0"), np.zeros(3, "V0"), np.zeros((2, 2, 2, 2)), np.array([1 + 2j]), np.zeros(4, "M8[D]")], ids=str)  # fmt: skip
def test_arrays_without_points(tmp_path: Path, harmless: Harmless, array: Any, target: str) -> None:
    np.save(tmp_path / "a.npy", array)
    harmless(tmp_path / "a.npy", target)


def test_names_that_stand_twice(tmp_path: Path, harmless: Harmless) -> None:
    import warnings

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in range(2):
            archive.writestr("points.npy", npy_header((3, 3), values=bytes([n]) * 36))
    for target in ("scans.npy", "checkpoints.npz"):
        (tmp_path / "a.npz").write_bytes(out.getvalue())
        harmless(tmp_path / "a.npz", target)
    two = others.GRAPHML.replace('id="b"', 'id="a"').replace('target="b"', 'target="a"')
    (tmp_path / "a.graphml").write_text(two.replace("<key", '<key id="d0" for="edge"/><key', 1))
    harmless(tmp_path / "a.graphml", "graphs.graphml")
    (tmp_path / "a.csv").write_text("x,x,x\n1,2,3\n")
    harmless(tmp_path / "a.csv", "signals.csv", outcome="opened")
    text = "NRRD0004\ntype: uchar\ntype: float\ndimension: 3\nsizes: 2 2 2\nsizes: 9 9 9\nencoding: raw\n\n12345678"
    (tmp_path / "a.nrrd").write_text(text)
    harmless(tmp_path / "a.nrrd", "volumes.nrrd")
    (tmp_path / "a.mrk.json").write_text(json.dumps({"markups": []})[:-1] + ', "markups": 3}')
    harmless(tmp_path / "a.mrk.json", "markups.slicer", outcome="refused")
