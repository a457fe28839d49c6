"""What the fuzzer found, each as the few bytes that it takes: read or refused in one sentence ever since."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.core.checkpoints.builders import npy_header
from tests.files import others
from tests.files.scans import made
from tests.hostile.conftest import Harmless
from tests.hostile.test_references import buffer_at, zipped
from tests.plugins.scans.test_anatomy import gii, legacy
from tests.plugins.scans.test_clouds import pcd


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    import zlib

    size = len(body) if length is None else length
    return struct.pack(">I", size) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_gifti_of_endless_axes(tmp_path: Path, harmless: Harmless) -> None:
    path = tmp_path / "a.gii"
    gii(path)
    path.write_text(path.read_text().replace('Dimensionality="2"', 'Dimensionality="9223372036854775807"', 1))
    assert "axes" in harmless(path, "scans.gifti", outcome="refused")


def test_headers_of_arrays_that_are_no_python(tmp_path: Path, harmless: Harmless) -> None:
    for text in (
        b"{'descr': 10**9+1, ",
        b"{'descr': '<f8', 'shape': (10**9, 3)}",
        b"'''",
        b"(((((",
        b"{" * 200,
    ):
        header = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text + b"\n"
        (tmp_path / "a.npy").write_bytes(header + bytes(99))
        (tmp_path / "a.npz").write_bytes(zipped({"points.npy": header + bytes(99)}))
        for name, target in (
            ("a.npy", "scans.npy"),
            ("a.npy", "signals.npy"),
            ("a.npz", "scans.npy"),
            ("a.npz", "checkpoints.npz"),
        ):
            assert "object at" not in harmless(tmp_path / name, target, outcome="refused")


def test_zip_members_packed_as_damaged_lzma(tmp_path: Path, harmless: Harmless) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("points.npy", npy_header((30, 3), values=bytes(360)))
    content = bytearray(out.getvalue())
    content[45:70] = b"\xff" * 25
    (tmp_path / "a.npz").write_bytes(content)
    for target in ("scans.npy", "checkpoints.npz"):
        assert harmless(tmp_path / "a.npz", target, outcome="refused")


@pytest.mark.parametrize(
    ("name", "target", "text"),
    [
        ("a.csv", "signals.csv", "name;x;y\nb;1.5;2\na;3,5;nan\nc;2.5;1\n"),
        ("a.tsv", "signals.csv", "time\tv\n0\t1\ninf\t2\ninf\t3\n"),
        ("b.tsv", "signals.csv", "time" + "A" * 5000 + "\tv\n0\t1\n1\t2\n"),
        ("a.edgelist", "graphs.edges", "1 2\n" + "3" * 5000 + " 1\n"),
        ("a.xyz", "scans.xyz", "x y z " + "A" * 5000 + "\n0.5 0 0 1\n1.5 0 0 1\n"),
        ("c.graphml", "graphs.graphml", others.GRAPHML.replace(">3<", f">{'9' * 400}<")),
        ("d.graphml", "graphs.graphml", others.GRAPHML.replace('attr.type="double"', "")),
    ],
)
def test_texts_that_open(tmp_path: Path, harmless: Harmless, name: str, target: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    harmless(tmp_path / name, target, outcome="opened")


@pytest.mark.parametrize(
    ("name", "target", "content"),
    [
        ("a.vtk", "scans.vtk", legacy().replace(b"POLYDATA", b"POL\x01\x02")),
        ("b.vtk", "scans.vtk", legacy().replace(b"POLYDATA", b"A" * 5000)),
        ("a.pcd", "scans.pcd", pcd("binary")[0].replace(b"TYPE F", b"TYPE \x06")),
        ("a.mha", "volumes.metaimage", b"ObjectType = Image\nDimSize = 2 2 2\nElementType = MET_\x00\nElementDataFile = LOCAL\n"),
        ("b.mha", "volumes.metaimage", b"DimSize = 2 2 2\nElementType = MET_CHAR\nElementDataFile = \x01\x19\xff\n"),
        ("a.vtu", "scans.vtk", others.VTU.replace("LittleEndian", "Little\u202eEndian").encode()),
        ("a.gltf", "scans.gltf", buffer_at("a").replace(b'"2.0"', json.dumps(list(range(300))).encode())),
        ("a.safetensors", "checkpoints.safetensors", struct.pack("<Q", 5065) + b'{"w":{"dtype":"F32","shape":[' + b"9," * 2500 + b'9],"data_offsets":[0,4]}}    '),
        ("m.safetensors.index.json", "checkpoints.safetensors", json.dumps({"weight_map": {"a": "m" * 5000}}).encode()),
        ("presets.json", "presets", json.dumps({"format": "equiscope-presets", "analysis": "\0" + "A" * 5000}).encode()),
    ],
)  # fmt: skip
def test_sentences_that_quoted_too_much(
    tmp_path: Path, harmless: Harmless, name: str, target: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert harmless(tmp_path / name, target, outcome="refused")


def test_a_field_with_an_endless_name(tmp_path: Path, harmless: Harmless) -> None:
    path = tmp_path / "a.pcd"
    head = f"VERSION .7\nFIELDS x y z {'A' * 6000}\nSIZE 4 4 4 4\nTYPE F F F F\nCOUNT 1 1 1 1\nWIDTH 2\nHEIGHT 1\n"
    path.write_text(head + "VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 2\nDATA ascii\n0 0 0 1\n1 0 0 2\n")
    harmless(path, "scans.pcd", outcome="opened")


@pytest.mark.parametrize("about", [3, 2.5, "x", [1], None, True])
def test_shards_whose_metadata_is_no_dictionary(tmp_path: Path, harmless: Harmless, about: object) -> None:
    from core.checkpoints import write_safetensors

    write_safetensors(tmp_path / "one.safetensors", {"a": np.ones(3)}, {"config": {"a": 1}})
    path = tmp_path / "m.safetensors.index.json"
    path.write_text(json.dumps({"metadata": about, "weight_map": {"a": "one.safetensors"}}))
    harmless(path, "checkpoints.safetensors", outcome="opened")


def test_settings_nested_too_deep_are_put_aside(tmp_path: Path) -> None:
    from core.settings import Settings

    path = tmp_path / "settings.json"
    path.write_text("[" * 100_000)
    settings = Settings(path)
    assert settings.get("theme") is None and path.with_suffix(".json.broken").exists()
    path.write_text("[" * 100_000)
    settings.set("theme", "dark")
    assert Settings(path).get("theme") == "dark"


def test_names_out_of_files_are_one_short_line(tmp_path: Path) -> None:
    from core.data import Loaded, Table
    from core.opening import Opened, items_of

    name, remark = "a\nb\0\u202e<b>" + "x" * 5000, "It says \x1b[31m" + "y" * 5000
    (item,) = items_of(Opened("/x/y.csv", "r", (Loaded(name, Table({"a": [1]}), (remark,)),)))
    assert item.name.isprintable() and len(item.name) <= 200 and item.name.startswith("a\\nb")
    assert item.warnings[0].isprintable() and len(item.warnings[0]) <= 600
    (nameless,) = items_of(Opened("/x/y.csv", "r", (Loaded(" \n", Table({"a": [1]})),)))
    assert nameless.name


def test_planes_beyond_all_numbers(tmp_path: Path, harmless: Harmless) -> None:
    others.markups(tmp_path)
    path = tmp_path / "plane.mrk.json"
    tree = json.loads(path.read_text())
    tree["markups"][0]["baseToNode"] = [1e308] * 15 + [1]
    tree["markups"][0]["objectToBase"] = [1e308] * 15 + [1]
    path.write_text(json.dumps(tree))
    harmless(path, "markups.slicer")
    curve = tmp_path / "curve.mrk.json"
    tree = json.loads(curve.read_text())
    tree["markups"][0]["controlPoints"][0]["position"] = [1e308, 0, 0]
    tree["markups"][0]["coordinateUnits"] = "m"
    curve.write_text(json.dumps(tree))
    assert harmless(curve, "markups.slicer", outcome="refused")


def test_laz_layers_that_claim_gigabytes(tmp_path: Path, harmless: Harmless) -> None:
    """lazrs takes memory for the lengths that stand behind the first point of a piece, unseen."""
    _, path = made(tmp_path, "laz")
    harmless(path, "scans.las", outcome="opened")
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[96:100], "little")
    at = content.index(struct.pack("<I", 50), start)  # the number of points of the piece, then the layers
    content[at + 4 : at + 8] = b"\x00\x00\x00\x80"
    path.write_bytes(content)
    assert "claim" in harmless(path, "scans.las", outcome="refused", memory=3e8)


def test_vtk_blocks_that_claim_all_memory(tmp_path: Path, harmless: Harmless) -> None:
    """VTK's own reader ended the process here."""
    for header in (struct.pack("<III", 0x7FFFFFFF, 0x7FFFFFFF, 0), struct.pack("<IIII", 1, 0xFFFFFFFF, 0, 8)):
        values = base64.b64encode(header + bytes(8)).decode()
        path = tmp_path / "a.vtp"
        path.write_text(
            '<VTKFile type="PolyData" byte_order="LittleEndian" compressor="vtkZLibDataCompressor"><PolyData>'
            '<Piece NumberOfPoints="8"><Points><DataArray type="Float32" NumberOfComponents="3" format="binary">'
            f"{values}</DataArray></Points></Piece></PolyData></VTKFile>"
        )
        assert harmless(path, "scans.vtk", outcome="refused", memory=1e8)
    ends = others.VTU.replace(">4</DataArray>", ">4611686018427387904</DataArray>")
    (tmp_path / "a.vtu").write_text(ends)
    assert harmless(tmp_path / "a.vtu", "scans.vtk", outcome="refused", memory=1e8)


def test_a_png_part_that_claims_gigabytes(tmp_path: Path, harmless: Harmless) -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 7, 16, 0, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", bytes(200), 0xFFFFFF80)
    (tmp_path / "a.png").write_bytes(content)
    assert harmless(tmp_path / "a.png", "images.picture", outcome="refused")


def test_a_fax_of_eight_bits(tmp_path: Path, harmless: Harmless) -> None:
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8))
    tag = struct.pack("<HHIHH", 259, 3, 1, 1, 0)
    content = path.read_bytes()
    assert tag in content
    path.write_bytes(content.replace(tag, struct.pack("<HHIHH", 259, 3, 1, 4, 0)))
    assert "fax" in harmless(path, "images.tiff", outcome="refused")


def test_a_word_of_an_nrrd_header_that_does_not_print(tmp_path: Path, harmless: Harmless) -> None:
    """What is written out is longer than what the file holds: the sentence is cut after that."""
    path = tmp_path / "a.nrrd"
    head = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: gz" + bytes(300) + b"\n\n"
    path.write_bytes(head + bytes(8))
    assert len(harmless(path, "volumes.nrrd", outcome="refused")) < 600
