"""Files that name other files, programs or addresses: nothing outside their folder is read, nothing is run."""

from __future__ import annotations

import base64
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.core.checkpoints.builders import Gadget, npy_header
from tests.files import others
from tests.hostile.conftest import Harmless
from tests.plugins.scans.test_anatomy import gii
from tests.plugins.scans.test_surfaces import gltf

PLACES = (
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1:9/x",
    "//127.0.0.1/share/x",
    "sub/../../secret.raw",
    "\\\\server\\share\\x",
    "C:\\secret.raw",
    "/dev/zero",
    "",
    ".",
    "a\0b",
    "x" * 4000,
)


def buffer_at(uri: str) -> bytes:
    tree = json.loads(gltf(binary=False))
    tree["buffers"][0]["uri"] = uri
    return json.dumps(tree).encode()


def metaimage(where: str) -> bytes:
    head = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementSpacing = 1 1 1\nElementType = MET_UCHAR\n"
    return f"{head}ElementDataFile = {where}\n".encode()


def nrrd(where: str) -> bytes:
    head = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n"
    return f"{head}data file: {where}\n".encode()


def shards(where: str) -> bytes:
    return json.dumps({"weight_map": {"a": where}}).encode()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("name", "make", "target"),
    [
        ("a.gltf", buffer_at, "scans.gltf"),
        ("a.mhd", metaimage, "volumes.metaimage"),
        ("a.mhd", lambda p: metaimage(f"LIST\n{p}\n{p}"), "volumes.metaimage"),
        ("a.nhdr", nrrd, "volumes.nrrd"),
        ("a.nhdr", lambda p: nrrd(f"LIST\n{p}\n{p}"), "volumes.nrrd"),
        ("m.safetensors.index.json", shards, "checkpoints.safetensors"),
    ],
)
def test_another_file_is_not_fetched_from_elsewhere(
    tmp_path: Path, harmless: Harmless, name: str, make: Any, target: str, place: str
) -> None:
    (tmp_path / "secret.raw").write_bytes(b"12345678")
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / name).write_bytes(make(place))
    assert harmless(folder / name, target, outcome="refused")


@pytest.mark.parametrize(
    ("name", "content", "target"),
    [
        ("a.gltf", buffer_at("a.gltf"), "scans.gltf"),
        ("a.mhd", metaimage("a.mhd"), "volumes.metaimage"),
        ("a.nhdr", nrrd("a.nhdr"), "volumes.nrrd"),
        ("m.safetensors.index.json", shards("m.safetensors.index.json"), "checkpoints.safetensors"),
    ],
)
def test_a_file_may_name_itself(
    tmp_path: Path, harmless: Harmless, name: str, content: bytes, target: str
) -> None:
    (tmp_path / name).write_bytes(content)
    harmless(tmp_path / name, target)


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "../secret.bin", "&#47;etc&#47;passwd", "..&#x2f;secret.bin"]
)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_gifti_with_its_numbers_elsewhere(tmp_path: Path, harmless: Harmless, place: str, quote: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(96))
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "a.gii"
    gii(path)
    text = path.read_text()
    # A second, harmless name in the usual quotes must not hide the first.
    text = text.replace('ExternalFileName=""', f"ExternalFileName={quote}{place}{quote}", 1)
    text = text.replace('ExternalFileName=""', 'ExternalFileName="fine.bin"', 1)
    text = text.replace('Encoding="GZipBase64Binary"', 'Encoding="ExternalFileBinary"')
    path.write_text(text)
    assert "another folder" in harmless(path, "scans.gifti", outcome="refused")


def test_hdf5_that_leads_elsewhere(tmp_path: Path, harmless: Harmless) -> None:
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.arange(3.0)
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.h5", "a.mnc"):
        with h5py.File(folder / name, "w") as file:
            file["link"] = h5py.ExternalLink("../secret.h5", "/x")
            file.create_dataset("raw", (10,), "u1", external=[("/etc/passwd", 0, 10)])
            layout = h5py.VirtualLayout((3,), "f8")
            layout[:] = h5py.VirtualSource("../secret.h5", "x", (3,))
            file.create_virtual_dataset("virtual", layout)
            file["circle"] = h5py.SoftLink("/circle")
            file["minc-2.0/image/0/image"] = h5py.ExternalLink("../secret.h5", "/x")
    harmless(folder / "a.h5", "checkpoints.hdf5", outcome="opened")
    harmless(folder / "a.mnc", "volumes.minc", outcome="refused")
    from core.checkpoints import open_checkpoint

    assert open_checkpoint(folder / "a.h5").tensors == ()


def test_minc_whose_values_lie_elsewhere(tmp_path: Path, harmless: Harmless) -> None:
    h5py = pytest.importorskip("h5py")
    import shutil

    from tests.files.volumes import FIXTURES

    path = tmp_path / "a.mnc"
    shutil.copy(FIXTURES / "minc2_1_scale.mnc", path)
    harmless(path, "volumes.minc", outcome="opened")
    with h5py.File(path, "r+") as file:
        group = file["minc-2.0/image/0"]
        shape, attributes = group["image"].shape, dict(group["image"].attrs)
        del group["image"]
        size = int(np.prod(shape))
        made = group.create_dataset("image", shape, "u1", external=[("/dev/zero", 0, size)])
        for key, value in attributes.items():
            made.attrs[key] = value
    assert "another file" in harmless(path, "volumes.minc", outcome="refused")


def test_materials_and_textures_are_not_fetched(tmp_path: Path, harmless: Harmless) -> None:
    path = tmp_path / "a.obj"
    path.write_text(
        "mtllib /etc/passwd\nmtllib ../../x.mtl\nmtllib a.obj\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl x\nf 1 2 3\n"
    )
    harmless(path, "scans.obj", outcome="opened")
    path = tmp_path / "a.ply"
    head = "ply\nformat ascii 1.0\ncomment TextureFile /etc/passwd\nelement vertex 1\n"
    path.write_text(head + "property float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n")
    harmless(path, "scans.ply", outcome="opened")


def zipped(members: dict[str, bytes], link: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            if name == link:
                info.external_attr = 0o120777 << 16  # a symbolic link
            archive.writestr(info, content)
    return out.getvalue()


MODEL = (
    b'<model unit="millimeter"><resources><object id="1"><mesh><vertices><vertex x="0" y="0" z="0"/>'
    b'<vertex x="1" y="0" z="0"/><vertex x="0" y="1" z="0"/></vertices><triangles><triangle v1="0" v2="1" v3="2"/>'
    b'</triangles></mesh></object></resources><build><item objectid="1"/></build></model>'
)


@pytest.mark.parametrize(
    "name", ["../../evil", "/tmp/evil", "a/../../evil", "..\\..\\evil", "C:\\evil", "con", "a\nb"]
)
@pytest.mark.parametrize("link", [False, True])
def test_zip_members_with_names_that_climb_out(
    tmp_path: Path, harmless: Harmless, name: str, link: bool
) -> None:
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    array = npy_header((3, 3), values=bytes(36))
    files = {
        "a.3mf": ("scans.threemf", {f"{name}.model": MODEL}),
        "b.npz": ("checkpoints.npz", {f"{name}.npy": array}),
        "c.npz": ("scans.npy", {"points.npy": array, f"{name}.npy": array}),
        "d.pt": (
            "checkpoints.torch",
            {"x/data.pkl": pickle.dumps({"a": 1}), "x/version": b"3\n", name: b"x"},
        ),
    }
    for file, (target, members) in files.items():
        (folder / file).write_bytes(zipped(members, list(members)[-1] if link else ""))
        harmless(folder / file, target)
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(["one", "two", *files])


@pytest.mark.parametrize(
    "target", ["scans.npy", "signals.npy", "checkpoints.npz", "checkpoints.torch", "any"]
)
@pytest.mark.parametrize("kind", ["npy", "npz", "joblib", "pkl"])
def test_pickles_in_arrays_are_not_loaded(tmp_path: Path, harmless: Harmless, kind: str, target: str) -> None:
    trace = tmp_path / "trace"
    array = np.array([Gadget(trace)], dtype=object)
    name = {"npy": "a.npy", "npz": "a.npz", "joblib": "a.joblib", "pkl": "a.pkl"}[kind]
    path = tmp_path / name
    if kind == "npy":
        np.save(path, array, allow_pickle=True)
    elif kind == "npz":
        np.savez(path, points=array)
    else:
        path.write_bytes(pickle.dumps({"w": array} if kind == "joblib" else Gadget(trace)))
    sentence = harmless(path, target, outcome="refused")
    assert not trace.exists()
    if target == "checkpoints.torch" and kind in ("joblib", "pkl"):
        assert "system" in sentence  # what it names is listed


def test_the_gadget_of_these_tests_would_run(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([Gadget(tmp_path / "trace")], dtype=object), allow_pickle=True)
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert (tmp_path / "trace").exists()


def test_a_session_does_not_load_pickles_or_files_elsewhere(tmp_path: Path, harmless: Harmless) -> None:
    folder = others.session(tmp_path)
    (tmp_path / "ring.edgelist").unlink()  # its source is no part of this
    harmless(folder, "session", outcome="opened")
    tree = json.loads((folder / "session.json").read_text())
    (entry,) = [e for e in tree["items"] if "file" in e]
    trace = tmp_path / "trace"
    np.savez(folder / entry["file"], **{"0": np.array([Gadget(trace)], dtype=object)})
    harmless(folder, "session", outcome="opened")  # the rest of it
    assert not trace.exists()
    for place in ("../../../../etc/passwd", "/etc/passwd", "data"):
        entry["file"] = place
        (folder / "session.json").write_text(json.dumps(tree))
        harmless(folder, "session", outcome="opened")
    entry["arrays"] = {"0": {"dtype": "<U400000000", "values": ["x"] * 20, "shape": [20]}}
    (folder / "session.json").write_text(json.dumps(tree))
    harmless(folder, "session", outcome="opened", memory=5e8)


LAUGHS = '<!DOCTYPE r [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
DECLARATIONS = {
    "laughs": LAUGHS + "]>",
    "file": '<!DOCTYPE r [<!ENTITY i SYSTEM "file:///etc/passwd">]>',
    "url": '<!DOCTYPE r [<!ENTITY i SYSTEM "http://127.0.0.1:9/x">]>',
    "parameter": '<!DOCTYPE r [<!ENTITY % i SYSTEM "http://127.0.0.1:9/x"> %i;]>',
    "dtd": '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", DECLARATIONS)
def test_xml_entities(tmp_path: Path, harmless: Harmless, kind: str, encoding: str) -> None:
    declaration = DECLARATIONS[kind]

    def spoiled(text: str, where: str) -> bytes:
        """The declaration before the root element, its entity in an attribute."""
        text = text[text.index("<" + where) :]
        body = f'<?xml version="1.0" encoding="{encoding}"?>{declaration}{text}'
        return body.replace(">", ">&i;", 1).encode(encoding) if False else body.encode(encoding)

    gii(tmp_path / "plain.gii")
    files: dict[str, tuple[str, bytes]] = {
        "a.graphml": ("graphs.graphml", spoiled(others.GRAPHML.replace("red", "&i;"), "graphml")),
        "a.vtu": ("scans.vtk", spoiled(others.VTU.replace('Name="t"', 'Name="&i;"'), "VTKFile")),
        "a.3mf": (
            "scans.threemf",
            zipped({"a.model": spoiled(MODEL.decode().replace('id="1"', 'id="1" name="&i;"'), "model")}),
        ),
    }
    if kind != "dtd":  # GIFTI files do name their DTD, which nobody fetches
        text = (
            (tmp_path / "plain.gii")
            .read_text()
            .replace("<MetaData />", "<MetaData><MD><Name>&i;</Name><Value>x</Value></MD></MetaData>", 1)
        )
        files["a.gii"] = ("scans.gifti", spoiled(text, "GIFTI"))
    for name, (target, content) in files.items():
        (tmp_path / name).write_bytes(content)
        assert harmless(tmp_path / name, target, outcome="refused", memory=1e8)


def test_an_embedded_buffer_may_be_damaged(tmp_path: Path, harmless: Harmless) -> None:
    for uri in (
        "data:,x",
        "data:application/octet-stream;base64,####",
        "data:" + base64.b64encode(b"x" * 10).decode(),
    ):
        (tmp_path / "a.gltf").write_bytes(buffer_at(uri))
        assert harmless(tmp_path / "a.gltf", "scans.gltf", outcome="refused")
    assert struct.calcsize("<I") == 4
