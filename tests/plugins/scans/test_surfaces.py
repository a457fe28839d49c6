"""Surface formats made here, each with a cube whose counts, area and volume are known."""

from __future__ import annotations

import base64
import json
import struct
import zipfile

import numpy as np
import pytest

from core.data import Mesh, PointCloud
from core.errors import ReadError
from tests.plugins.scans.helpers import CUBE, QUADS, area, one, opened, volume

TRIANGLES = np.array([t for q in QUADS for t in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))], np.int32)


def is_cube(data):
    assert isinstance(data, Mesh)
    assert (len(data.points), len(data.faces)) == (8, 12)
    assert area(data) == pytest.approx(6)
    assert abs(volume(data)) == pytest.approx(1)


def ply(form: str, faces=QUADS, count="uchar", item="int", extra=(), newline="\n") -> bytes:
    """A cube as PLY in any of the three encodings."""
    order = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}[form]
    lines = ["ply", f"format {form} 1.0", "comment made here", "element vertex 8"]
    lines += [f"property float {a}" for a in "xyz"] + [f"property {t} {n}" for n, t, _ in extra]
    lines += [f"element face {len(faces)}", f"property list {count} {item} vertex_indices", "end_header", ""]
    head = newline.join(lines).encode()
    code = {"uchar": "B", "int": "i", "uint": "I", "ushort": "H", "float": "f", "double": "d", "short": "h"}
    body = b""
    rows = [[*p, *(v[i] for _, _, v in extra)] for i, p in enumerate(CUBE.tolist())]
    if form == "ascii":
        text = [" ".join(f"{v:g}" for v in row) for row in rows]
        text += [f"{len(f)} " + " ".join(map(str, f)) for f in faces]
        return head + newline.join(text).encode() + newline.encode()
    for row in rows:
        body += struct.pack(order + "fff" + "".join(code[t] for _, t, _ in extra), *row)
    for f in faces:
        body += struct.pack(order + code[count] + code[item] * len(f), len(f), *f)
    return head + body


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("item", ["int", "uint", "ushort"])
def test_ply_in_every_encoding(tmp_path, form, item):
    path = tmp_path / "cube.ply"
    path.write_bytes(ply(form, item=item))
    is_cube(one(path))


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_ply_with_faces_of_several_sizes_and_attributes(tmp_path, form):
    faces = [*QUADS[:3], *[tuple(t) for t in TRIANGLES[6:].tolist()]]
    extra = [
        *[(n, "uchar", list(range(8))) for n in ("red", "green", "blue")],
        *[(n, "float", [1.0 * (n == "nz")] * 8) for n in ("nx", "ny", "nz")],
        *[(n, "float", [0.5] * 8) for n in ("vx", "vy", "vz")],
        ("quality", "double", [0.25 * i for i in range(8)]),
        ("label", "short", [-1, 0, 1, 2, 3, 4, 5, 6]),
    ]
    path = tmp_path / "mixed.ply"
    path.write_bytes(ply(form, faces, extra=extra))
    data = one(path)
    is_cube(data)
    kinds = {k: (str(a.transforms), a.direction) for k, a in data.attributes.items()}
    assert kinds == {
        "normals": ("vector", True),
        "rgb": ("scalar", False),
        "v": ("unknown", False),  # three components: never taken for scalars
        "quality": ("scalar", False),
        "label": ("label", False),
    }
    assert np.array_equal(
        data.attributes["rgb"].values, np.repeat(np.arange(8, dtype=np.uint8)[:, None], 3, 1)
    )
    assert np.array_equal(data.attributes["quality"].values, 0.25 * np.arange(8))
    assert data.attributes["label"].values.tolist() == [-1, 0, 1, 2, 3, 4, 5, 6]


def test_ply_with_windows_line_ends_and_without_faces(tmp_path):
    path = tmp_path / "a.ply"
    path.write_bytes(ply("ascii", newline="\r\n"))
    is_cube(one(path))
    path.write_bytes(ply("binary_little_endian", newline="\r\n"))
    is_cube(one(path))
    path.write_bytes(ply("ascii", faces=[]))
    assert isinstance(one(path), PointCloud)


def test_ply_strips(tmp_path):
    path = tmp_path / "strip.ply"
    path.write_text(
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
        "0 0 0\n1 0 0\n0 1 0\n1 1 0\n4 0 1 2 3\n"
    )
    data = one(path)
    assert data.faces.tolist() == [[0, 1, 2], [2, 1, 3]]


def stl(soup: np.ndarray, header: bytes = b"") -> bytes:
    out = header.ljust(80) + struct.pack("<I", len(soup))
    for t in soup:
        out += struct.pack("<12fH", *([0.0] * 3), *t.ravel().tolist(), 0)
    return out


def test_stl_binary_even_where_it_begins_with_solid(tmp_path):
    path = tmp_path / "cube.stl"
    for header in (b"", b"solid cube facet normal"):
        path.write_bytes(stl(CUBE[TRIANGLES], header))
        is_cube(one(path))


def test_stl_merges_exactly_and_minus_zero_too(tmp_path):
    soup = CUBE[TRIANGLES].copy()
    soup[0][soup[0] == 0] = -0.0
    path = tmp_path / "cube.stl"
    path.write_bytes(stl(soup))
    is_cube(one(path))
    soup[soup == 1] = np.nextafter(np.float32(1), np.float32(2))
    soup[0][soup[0] > 1] = 1
    path.write_bytes(stl(soup))
    assert len(one(path).points) > 8  # neighbours of the last bit stay apart


def test_stl_ascii(tmp_path):
    text = "solid cube\n"
    for t in CUBE[TRIANGLES]:
        text += "facet normal 0 0 0\n outer loop\n"
        text += "".join(f"  vertex {p[0]:e} {p[1]:e} {p[2]:e}\n" for p in t)
        text += " endloop\nendfacet\n"
    path = tmp_path / "cube.stl"
    path.write_text(text + "endsolid cube\n")
    is_cube(one(path))
    path.write_text(text)
    with pytest.raises(ReadError, match="ends early"):
        opened(path)


def obj(faces: list[str], points=CUBE, before="") -> str:
    return before + "".join(f"v {x:g} {y:g} {z:g}\n" for x, y, z in points) + "\n".join(faces) + "\n"


@pytest.mark.parametrize(
    "corner",
    ["{0}", "{0}/{0}", "{0}//{0}", "{0}/{0}/{0}", "{1}", "{1}//{1}", "{1}/{1}/{1}"],
)
def test_obj_corner_forms_and_negative_indices(tmp_path, corner):
    extra = "".join(f"vt {i / 8} 0\nvn 0 0 1\n" for i in range(8))
    faces = ["f " + " ".join(corner.format(i + 1, i - 8) for i in q) for q in QUADS]
    path = tmp_path / "cube.obj"
    path.write_text(obj(faces, before=extra + "# a comment\n"))
    data = one(path)
    is_cube(data)
    assert np.array_equal(data.faces, TRIANGLES)


def test_obj_negative_indices_count_back_from_their_own_line(tmp_path):
    path = tmp_path / "two.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 0 0 5\nv 1 0 5\nv 0 1 5\nf -3 -2 -1\n")
    assert one(path).faces.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_obj_groups_colours_continuation_and_mixed_faces(tmp_path):
    points = "".join(f"v {x:g} {y:g} {z:g} {x:g} 0.5 0\n" for x, y, z in CUBE)
    faces = "g bottom\nf 1 2 \\\n 4 3\ng rest\n" + "\n".join(
        "f " + " ".join(str(i + 1) for i in t) for t in TRIANGLES[2:]
    )
    path = tmp_path / "cube.obj"
    path.write_text(points + faces)
    (loaded,) = opened(path)
    is_cube(loaded.data)
    assert loaded.metadata["groups"] == ["bottom", "rest"]
    assert loaded.data.attributes["group"].values.tolist() == [0, 0] + [1] * 10
    assert loaded.data.attributes["rgb"].values[7].tolist() == [255, 128, 0]
    assert loaded.display == {"color_by": "rgb", "up": "y"}


def test_obj_without_faces_is_a_cloud_and_weights_are_ignored(tmp_path):
    path = tmp_path / "points.obj"
    path.write_text("v 0 0 0 1.0\nv 1 0 0\nv 0 2 0 1.0\n")
    data = one(path)
    assert isinstance(data, PointCloud)
    assert data.points.tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    assert opened(path)[0].display == {"up": "y"}


@pytest.mark.parametrize("face", ["f 1 2 9", "f 0 1 2", "f -9 1 2", "f 1 2 x", "f / 1 2"])
def test_obj_faces_that_make_no_sense_are_refused(tmp_path, face):
    path = tmp_path / "bad.obj"
    path.write_text(obj([face]))
    with pytest.raises(ReadError):
        opened(path)


@pytest.mark.parametrize(
    "header", ["OFF\n8 6 12\n", "OFF 8 6 12\n", "# hello\nOFF # cube\n\n8 6 12 # sizes\n", "OFF8 6 12\n"]
)
def test_off_headers(tmp_path, header):
    path = tmp_path / "cube.off"
    body = "".join(f"{x:g} {y:g} {z:g}\n" for x, y, z in CUBE)
    path.write_text(header + body + "".join(f"4 {a} {b} {c} {d}\n" for a, b, c, d in QUADS))
    is_cube(one(path))


def test_off_colours_and_normals(tmp_path):
    path = tmp_path / "cube.off"
    body = "".join(f"{x:g} {y:g} {z:g} 0 0 1 255 0 {int(255 * z)} 255\n" for x, y, z in CUBE)
    faces = "".join(f"4 {a} {b} {c} {d} 0.5 0 1\n" for a, b, c, d in QUADS)
    path.write_text("CNOFF\n8 6 0\n" + body + faces)
    data = one(path)
    is_cube(data)
    assert data.attributes["normals"].values.tolist() == [[0, 0, 1]] * 8
    assert data.attributes["rgb"].values[1].tolist() == [255, 0, 255, 255]
    assert data.attributes["face_rgb"].values.tolist() == [[128, 0, 255]] * 12


def gltf(change=None, binary=True) -> bytes:
    """A cube under a parent that moves it by (10, 0, 0) and a node that doubles and mirrors it."""
    normals = np.tile(np.float32([1, 0, 0]), (8, 1))
    blob = CUBE.tobytes() + TRIANGLES.astype("<u2").tobytes() + normals.tobytes()
    scene = {
        "asset": {"version": "2.0", "generator": "test"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {"children": [1], "translation": [10, 0, 0]},
            {"mesh": 0, "scale": [-2, 2, 2], "name": "Cube"},
        ],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 2}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
            {"bufferView": 2, "componentType": 5126, "count": 8, "type": "VEC3"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 96},
            {"buffer": 0, "byteOffset": 96, "byteLength": 72},
            {"buffer": 0, "byteOffset": 168, "byteLength": 96},
        ],
        "buffers": [{"byteLength": len(blob)}],
    }
    if change:
        change(scene)
    if not binary:
        scene["buffers"][0].setdefault(
            "uri", "data:application/octet-stream;base64," + base64.b64encode(blob).decode()
        )
        return json.dumps(scene).encode()
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(blob), b"BIN\0") + blob
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


@pytest.mark.parametrize("binary", [True, False])
def test_gltf_applies_transforms(tmp_path, binary):
    path = tmp_path / ("cube.glb" if binary else "cube.gltf")
    path.write_bytes(gltf(binary=binary))
    data = one(path)
    assert data.unit == "m" and opened(path)[0].display == {"up": "y"}
    assert data.points.min(axis=0).tolist() == [8, 0, 0] and data.points.max(axis=0).tolist() == [10, 2, 2]
    assert np.sign(volume(data)) == np.sign(
        volume(Mesh(CUBE, TRIANGLES))
    )  # mirrored: the winding is turned back
    assert np.allclose(data.attributes["normals"].values, [-1, 0, 0])


def test_gltf_sparse_strips_and_colours(tmp_path):
    def change(scene):
        scene["accessors"][1] = {"componentType": 5123, "bufferView": 1, "count": 4, "type": "SCALAR"}
        scene["meshes"][0]["primitives"][0]["mode"] = 5
        scene["accessors"][0]["sparse"] = {
            "count": 1,
            "indices": {
                "bufferView": 1,
                "byteOffset": 4,
                "componentType": 5123,
            },  # the third index of the list: 3
            "values": {"bufferView": 2},
        }

    path = tmp_path / "strip.glb"
    path.write_bytes(gltf(change))
    data = one(path)
    assert len(data.faces) == 2
    assert data.points[3].tolist() == [8, 0, 0]  # (1, 0, 0), doubled, mirrored and moved


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["nodes"][1].update(children=[0]), "two parents"),
        (lambda s: s["accessors"][0].update(count=9), "beyond its end"),
        (lambda s: s["accessors"][0].update(count=10**15), "more than it has bytes"),
        (lambda s: s["bufferViews"][0].update(byteLength=10**9), "beyond its end"),
        (lambda s: s["buffers"][0].update(uri="../../etc/hosts"), "outside its folder"),
        (lambda s: s["buffers"][0].update(uri="http://a/b"), "outside its folder"),
        (lambda s: s["buffers"][0].update(uri="cube.bin"), "beside it"),
        (lambda s: s.update(extensionsRequired=["KHR_draco_mesh_compression"]), "Draco"),
        (lambda s: s["asset"].update(version="1.0"), "version"),
        (lambda s: s["meshes"][0].update(primitives=[{}]), "cannot be|understood"),
    ],
)
def test_gltf_refusals(tmp_path, change, message):
    path = tmp_path / "cube.glb"
    path.write_bytes(gltf(change))
    with pytest.raises(ReadError, match=message):
        opened(path)


def test_gltf_skin_is_placed_where_its_joints_agree(tmp_path):
    """Both joints move their points by (0, 0, 5): that is where the bind pose lies; the node's scale is void."""
    inverse = np.eye(4, dtype=np.float32)
    inverse[2, 3] = 5
    matrices = np.stack([inverse.T, inverse.T]).tobytes()

    def change(scene):
        scene["nodes"][1]["skin"] = 0
        scene["nodes"] += [{"name": "a"}, {"name": "b"}]
        scene["scenes"][0]["nodes"] += [2, 3]
        scene["skins"] = [{"joints": [2, 3], "inverseBindMatrices": 3}]
        scene["accessors"].append({"bufferView": 3, "componentType": 5126, "count": 2, "type": "MAT4"})
        scene["bufferViews"].append({"buffer": 1, "byteLength": 128})
        uri = "data:application/octet-stream;base64," + base64.b64encode(matrices).decode()
        scene["buffers"].append({"byteLength": 128, "uri": uri})

    path = tmp_path / "skin.glb"
    path.write_bytes(gltf(change))
    (loaded,) = opened(path)
    assert np.array_equal(loaded.data.points, CUBE + np.float32([0, 0, 5]))
    assert loaded.metadata["joints"] == ["a", "b"]
    assert any("bind pose" in w for w in loaded.warnings)


def mujoco(n_normals=0) -> bytes:
    head = struct.pack("<4i", 8, n_normals, 0, 12)
    return head + CUBE.tobytes() + CUBE[:n_normals].tobytes() + TRIANGLES.astype("<i4").tobytes()


def test_mujoco_mesh_and_gmsh(tmp_path):
    path = tmp_path / "cube.msh"
    path.write_bytes(mujoco(8))
    is_cube(one(path))
    path.write_bytes(b"$MeshFormat\n4.1 0 8\n$EndMeshFormat\n")
    with pytest.raises(ReadError, match="Gmsh"):
        opened(path)


def threemf(
    path, items='<item objectid="2" transform="1 0 0 0 1 0 0 0 1 5 0 0"/><item objectid="1"/>', doctype=""
):
    vertices = "".join(f'<vertex x="{x:g}" y="{y:g}" z="{z:g}"/>' for x, y, z in CUBE)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in TRIANGLES)
    text = (
        f'<?xml version="1.0"?>{doctype}<model unit="millimeter" '
        'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources>'
        f'<object id="1"><mesh><vertices>{vertices}</vertices><triangles>{triangles}</triangles></mesh></object>'
        '<object id="2"><components><component objectid="1" transform="2 0 0 0 2 0 0 0 2 0 0 0"/></components></object>'
        f"</resources><build>{items}</build></model>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("3D/3dmodel.model", text)


def test_3mf_components_are_placed(tmp_path):
    path = tmp_path / "cubes.3mf"
    threemf(path)
    data = one(path)
    assert (len(data.points), len(data.faces), data.unit) == (16, 24, "mm")
    assert data.points[:8].min(axis=0).tolist() == [5, 0, 0] and data.points[:8].max(axis=0).tolist() == [
        7,
        2,
        2,
    ]
    assert data.attributes["part"].values.tolist() == [0] * 12 + [1] * 12


def test_3mf_refusals(tmp_path):
    path = tmp_path / "bad.3mf"
    threemf(path, '<item objectid="7"/>')
    with pytest.raises(ReadError, match="does not exist"):
        opened(path)
    threemf(path, doctype='<!DOCTYPE m [<!ENTITY a "b">]>')
    with pytest.raises(ReadError, match="entities"):
        opened(path)


@pytest.mark.parametrize("space", ["auto", "RAS", "LPS"])
def test_space_option_of_every_surface_reader(tmp_path, space):
    files = {"a.ply": ply("ascii"), "a.stl": stl(CUBE[TRIANGLES]), "a.msh": mujoco(), "a.glb": gltf()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        plain = one(tmp_path / name)
        data = one(tmp_path / name, space=space)
        sign = [-1, -1, 1] if space == "LPS" else [1, 1, 1]
        assert np.array_equal(data.points, plain.points * np.float32(sign))
        assert data.space == ("" if space == "auto" else "RAS")
        assert np.sign(volume(data)) == np.sign(volume(plain))
        if "normals" in data.attributes:
            assert np.array_equal(
                data.attributes["normals"].values, plain.attributes["normals"].values * np.float32(sign)
            )
