"""VTK, GIFTI and FreeSurfer files made here: spaces, overlays, strips and grids."""

from __future__ import annotations

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest
from nibabel.gifti import GiftiCoordSystem, GiftiDataArray, GiftiImage

from core.data import PointCloud
from core.errors import ReadError
from core.jobs import Job
from plugins.scans import freesurfer, gifti, vtkfiles
from tests.plugins.scans.helpers import CUBE, QUADS, area, one, opened, volume
from tests.plugins.scans.test_surfaces import TRIANGLES, is_cube

HEAD = "# vtk DataFile Version {version}\n{comment}\n{mode}\nDATASET {kind}\n"


def legacy(mode="ASCII", comment="made here", extra=b"", cells=None) -> bytes:
    head = HEAD.format(version="3.0", comment=comment, mode=mode, kind="POLYDATA").encode()
    flat = [v for q in QUADS for v in (4, *q)]
    if mode == "ASCII":
        points = " ".join(f"{v:g}" for v in CUBE.ravel()).encode()
        polygons = cells or " ".join(map(str, flat)).encode()
    else:
        points, polygons = CUBE.astype(">f4").tobytes(), np.array(flat, ">i4").tobytes()
    return head + b"POINTS 8 float\n" + points + b"\nPOLYGONS 6 30\n" + polygons + b"\n" + extra


@pytest.mark.parametrize("mode", ["ASCII", "BINARY"])
def test_vtk_legacy(tmp_path, mode):
    path = tmp_path / "cube.vtk"
    path.write_bytes(legacy(mode))
    data = one(path)
    is_cube(data)
    assert data.space == ""


def test_vtk_space_comment_and_vectors(tmp_path):
    extra = (
        b"POINT_DATA 8\nVECTORS flow float\n"
        + b"1 2 3\n" * 8
        + b"CELL_DATA 6\nSCALARS part int 1\nLOOKUP_TABLE default\n0 1 2 3 4 5\n"
    )
    path = tmp_path / "cube.vtk"
    path.write_bytes(legacy(comment="3D Slicer output. SPACE=LPS", extra=extra))
    data = one(path)
    is_cube(data)
    assert (data.space, data.unit) == ("RAS", "mm")
    assert data.points.min(axis=0).tolist() == [-1, -1, 0]
    flow = data.attributes["flow"]
    assert str(flow.transforms) == "vector" and flow.values[0].tolist() == [-1, -2, 3]
    part = data.attributes["part"]
    assert str(part.transforms) == "label" and part.values.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_vtk_strips_turn_every_second_triangle(tmp_path):
    path = tmp_path / "strip.vtk"
    head = HEAD.format(version="3.0", comment="x", mode="ASCII", kind="POLYDATA")
    path.write_text(
        head + "POINTS 5 float\n0 0 0 1 0 0 0 1 0 1 1 0 0 2 0\nTRIANGLE_STRIPS 1 6\n5 0 1 2 3 4\n"
    )
    data = one(path)
    assert data.faces.tolist() == [[0, 1, 2], [2, 1, 3], [2, 3, 4]]
    a, b, c = (data.points[data.faces[:, i]] for i in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_vtk_grid_gives_its_outer_surface(tmp_path):
    """Two hexahedra side by side: ten outer squares of the eleven."""
    points = np.array([[x, y, z] for x in (0, 1, 2) for y in (0, 1) for z in (0, 1)], float)
    corner = lambda x: [4 * x, 4 * x + 4, 4 * x + 6, 4 * x + 2, 4 * x + 1, 4 * x + 5, 4 * x + 7, 4 * x + 3]  # noqa: E731
    path = tmp_path / "grid.vtk"
    head = HEAD.format(version="3.0", comment="x", mode="ASCII", kind="UNSTRUCTURED_GRID")
    path.write_text(
        head
        + "POINTS 12 float\n"
        + " ".join(f"{v:g}" for v in points.ravel())
        + f"\nCELLS 2 18\n8 {' '.join(map(str, corner(0)))}\n8 {' '.join(map(str, corner(1)))}\nCELL_TYPES 2\n12 12\n"
    )
    (loaded,) = opened(path)
    assert len(loaded.data.faces) == 20
    assert area(loaded.data) == pytest.approx(10)
    assert volume(loaded.data) == pytest.approx(2)
    assert any("outer surface" in w for w in loaded.warnings)


@pytest.mark.parametrize(
    "content",
    [
        legacy(cells=b"4 0 1 3 99 " + b"4 0 1 2 3 " * 5),
        legacy(cells=b"4 0 1 3 -2 " + b"4 0 1 2 3 " * 5),
        legacy()[:150],
        legacy("BINARY")[:180],
        legacy().replace(b"POINTS 8", b"POINTS 800000000000"),
        legacy().replace(b"POLYGONS 6 30", b"POLYGONS 6 -30"),
        legacy(extra=b"POINT_DATA 8\nFIELD f 1\na 3 99999999999 float\n"),
        legacy().replace(b"POLYDATA", b"STRUCTURED_POINTS"),
        b"# vtk DataFile Version 3.0\n",
        b'<?xml version="1.0"?><VTKFile type="PolyData"><PolyData><Piece NumberOfPoints="99999999999999"',
        b'<?xml version="1.0"?><VTKFile type="ImageData"></VTKFile>',
        b'<?xml version="1.0"?><VTKFile type="PolyData"><PolyData></VTKFile>',
    ],
)
def test_vtk_refusals_are_silent(tmp_path, content, capfd):
    path = tmp_path / "bad.vtk"
    path.write_bytes(content)
    with pytest.raises(ReadError):
        vtkfiles.read(path, job=Job())
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def gii(path, matrix=None, spaces=(1, 1), arrays=(), points=CUBE, triangles=TRIANGLES):
    made = []
    if points is not None:
        system = GiftiCoordSystem(spaces[0], spaces[1], np.eye(4) if matrix is None else matrix)
        made.append(
            GiftiDataArray(points, "NIFTI_INTENT_POINTSET", coordsys=system, datatype="NIFTI_TYPE_FLOAT32")
        )
        made.append(GiftiDataArray(triangles, "NIFTI_INTENT_TRIANGLE", datatype="NIFTI_TYPE_INT32"))
    made += [GiftiDataArray(np.float32(v), i, datatype="NIFTI_TYPE_FLOAT32") for v, i in arrays]
    raw = GiftiImage(darrays=made).to_bytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


@pytest.mark.parametrize("name", ["lh.pial.gii", "sub-1_hemi-L_pial.surf.gii", "pial_left.gii.gz"])
def test_gifti_surface(tmp_path, name):
    gii(tmp_path / name)
    data = one(tmp_path / name)
    is_cube(data)
    assert (data.space, data.unit) == ("RAS", "mm")


def test_gifti_coordinate_system(tmp_path):
    matrix = np.array([[0, -1, 0, 3], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float)
    path = tmp_path / "lh.white.gii"
    gii(path, matrix, (0, 1))
    data = one(path)
    assert np.allclose(data.points, CUBE @ matrix[:3, :3].T + matrix[:3, 3])
    gii(path, matrix, (1, 3))  # from the scanner to Talairach: the subject's own space stays
    assert np.array_equal(one(path).points, CUBE)


@pytest.mark.parametrize(
    ("surface", "overlay"),
    [
        ("lh.pial.gii", "lh.thickness.gii"),
        ("sub-1_hemi-L_pial.surf.gii", "sub-1_hemi-L_thickness.shape.gii"),
        ("S.L.midthickness.32k_fs_LR.surf.gii", "S.L.thickness.32k_fs_LR.shape.gii"),
        ("pial_left.gii.gz", "thickness_left.gii.gz"),
    ],
)
def test_gifti_overlay_finds_its_surface(tmp_path, surface, overlay):
    gii(tmp_path / surface)
    gii(
        tmp_path
        / surface.replace("lh", "rh").replace("-L", "-R").replace(".L.", ".R.").replace("left", "right")
    )
    gii(tmp_path / overlay, points=None, arrays=[(np.arange(8), "NIFTI_INTENT_SHAPE")])
    (loaded,) = opened(tmp_path / overlay)
    is_cube(loaded.data)
    assert loaded.metadata["surface"] == surface
    assert loaded.data.attributes["thickness"].values.tolist() == list(range(8))
    assert loaded.display["color_by"] == "thickness"


def test_gifti_overlay_without_or_with_another_surface(tmp_path):
    path = tmp_path / "lh.sulc.gii"
    gii(path, points=None, arrays=[(np.arange(8), "NIFTI_INTENT_SHAPE")])
    with pytest.raises(ReadError, match="no surface with as many points"):
        opened(path)
    other = tmp_path / "anything.gii"
    gii(other, points=CUBE[:4], triangles=np.array([[0, 1, 2]], np.int32))
    with pytest.raises(ReadError, match=r"has 8 values, but anything\.gii has 4"):
        gifti.read(path, surface=other, job=Job())
    gii(other)
    is_cube(gifti.read(path, surface=other, job=Job())[0].data)


def test_gifti_time_series_and_labels(tmp_path):
    gii(tmp_path / "lh.pial.gii")
    path = tmp_path / "lh.bold.func.gii"
    gii(path, points=None, arrays=[(np.arange(8) + t, "NIFTI_INTENT_TIME_SERIES") for t in range(5)])
    (loaded,) = opened(path)
    assert loaded.data.attributes["bold"].values.shape == (8, 5)
    assert loaded.metadata["time_steps"] == 5


def volume_info(c_ras, x=(-1, 0, 0), y=(0, 0, -1), z=(0, 1, 0)) -> dict:
    return {
        "head": np.array([2, 0, 20], np.int32),
        "valid": "1  # volume info valid",
        "filename": "/somewhere/private/orig.mgz",
        "volume": np.array([256, 256, 256]),
        "voxelsize": np.array([1.0, 1.0, 1.0]),
        "xras": np.array(x, float),
        "yras": np.array(y, float),
        "zras": np.array(z, float),
        "cras": np.array(c_ras, float),
    }


def test_freesurfer_surface_moves_by_the_centre_of_its_volume(tmp_path):
    path = tmp_path / "lh.pial"
    nib.freesurfer.write_geometry(path, CUBE, TRIANGLES, volume_info=volume_info((5.5, -7, 3)))
    (loaded,) = opened(path)
    is_cube(loaded.data)
    assert np.allclose(loaded.data.points, CUBE + np.float32([5.5, -7, 3]), atol=1e-5)
    assert (loaded.data.space, loaded.data.unit, loaded.name) == ("RAS", "mm", "lh.pial")
    assert loaded.metadata["volume"] == "orig.mgz"
    assert not loaded.warnings


def test_freesurfer_oblique_volume_agrees_with_nibabel(tmp_path):
    """nibabel's MGH header gives both affines of a volume; scanner · inv(surface) is the way between them."""
    a = np.deg2rad(20)
    axes = np.array([[-1, 0, 0], [0, 0, -1], [0, 1, 0]]).T @ np.array(
        [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]
    )
    made = volume_info((4, 5, 6), *axes.T)
    header = nib.freesurfer.mghformat.MGHHeader()
    header.set_data_shape((256, 256, 256))
    header.set_zooms((1, 1, 1))
    header["Mdc"] = axes.T
    header["Pxyz_c"] = (4, 5, 6)
    matrix = header.get_affine() @ np.linalg.inv(header.get_vox2ras_tkr())
    path = tmp_path / "rh.white"
    nib.freesurfer.write_geometry(path, CUBE, TRIANGLES, volume_info=made)
    assert np.allclose(one(path).points, CUBE @ matrix[:3, :3].T + matrix[:3, 3], atol=1e-4)


def test_freesurfer_surface_without_a_volume_says_so(tmp_path):
    path = tmp_path / "lh.inflated"
    nib.freesurfer.write_geometry(path, CUBE, TRIANGLES)
    (loaded,) = opened(path)
    assert np.array_equal(loaded.data.points, CUBE)
    assert any("surface RAS" in w for w in loaded.warnings)


def test_freesurfer_quads(tmp_path):
    path = tmp_path / "lh.orig"
    body = b"\xff\xff\xff" + (8).to_bytes(3, "big") + (6).to_bytes(3, "big")
    body += (CUBE * 100).astype(">i2").tobytes()
    body += b"".join(int(v).to_bytes(3, "big") for q in QUADS for v in q)
    path.write_bytes(body)
    is_cube(one(path))


def test_freesurfer_overlays(tmp_path):
    nib.freesurfer.write_geometry(tmp_path / "lh.pial", CUBE, TRIANGLES, volume_info=volume_info((0, 0, 0)))
    nib.freesurfer.write_morph_data(tmp_path / "lh.thickness", np.arange(8, dtype=np.float32))
    assert one(tmp_path / "lh.thickness").attributes["thickness"].values.tolist() == list(range(8))
    old = (8).to_bytes(3, "big") + (12).to_bytes(3, "big") + (np.arange(8) * 100).astype(">i2").tobytes()
    (tmp_path / "lh.curv").write_bytes(old)
    assert one(tmp_path / "lh.curv").attributes["curv"].values.tolist() == list(range(8))
    table = np.array([[25, 5, 25, 0, 0], [220, 20, 10, 0, 0]], np.int32)
    table[:, 4] = table[:, 0] + table[:, 1] * 256 + table[:, 2] * 65536
    labels = np.array([0, 1, 0, 1, 1, 1, 0, -1])
    nib.freesurfer.write_annot(
        tmp_path / "lh.aparc.annot", labels, table, ["unknown", "insula"], fill_ctab=False
    )
    (loaded,) = opened(tmp_path / "lh.aparc.annot")
    assert loaded.data.attributes["aparc"].values.tolist() == labels.tolist()
    assert str(loaded.data.attributes["aparc"].transforms) == "label"
    assert loaded.metadata["labels"] == ["unknown", "insula"]
    assert loaded.data.attributes["rgb"].values[1].tolist() == [220, 20, 10]
    gii(tmp_path / "rh.pial.gii")
    nib.freesurfer.write_morph_data(tmp_path / "rh.sulc", np.arange(8, dtype=np.float32))
    is_cube(one(tmp_path / "rh.sulc"))


def test_freesurfer_refusals(tmp_path):
    path = tmp_path / "lh.pial"
    nib.freesurfer.write_geometry(path, CUBE, TRIANGLES)
    content = path.read_bytes()
    at = content.index(struct.pack(">ii", 8, 12))
    for bad in (
        content[:at],
        content[: at + 60],
        content[:at] + struct.pack(">ii", 2**30, 12) + content[at + 8 :],
    ):
        path.write_bytes(bad)
        with pytest.raises(ReadError):
            freesurfer.read(path, job=Job())


def test_vtk_points_without_cells_are_a_cloud(tmp_path):
    path = tmp_path / "points.vtk"
    path.write_text(
        HEAD.format(version="3.0", comment="x", mode="ASCII", kind="POLYDATA")
        + "POINTS 2 float\n0 0 0 1 1 1\n"
    )
    assert isinstance(one(path), PointCloud)
