"""What is written comes back the same; a failed write leaves the old file as it was."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from core import files
from core.data import Attribute, Domain, Mesh, PointCloud, Transforms
from core.errors import WriteError
from core.jobs import Job
from plugins.scans import samples, writers
from tests.plugins.scans.helpers import CUBE, MANIFEST, function, one
from tests.plugins.scans.test_surfaces import TRIANGLES


def rich(kind: type, dtype=np.float64):
    """An object with an attribute of every sort."""
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(8, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    attributes = {
        "normals": Attribute(normals.astype(np.float32), Transforms.VECTOR, direction=True),
        "rgb": Attribute(rng.integers(0, 256, (8, 3)).astype(np.uint8), Transforms.SCALAR),
        "quality": Attribute(rng.random(8), Transforms.SCALAR),
        "label": Attribute(np.arange(8, dtype=np.int32) - 2, Transforms.LABEL),
        "flow": Attribute(rng.normal(size=(8, 3)).astype(np.float32), Transforms.VECTOR),
        "spin": Attribute(rng.normal(size=(8, 3)), Transforms.AXIAL_VECTOR),
        "odd": Attribute(rng.normal(size=8), Transforms.PSEUDOSCALAR),
        "features": Attribute(rng.normal(size=(8, 5)), Transforms.UNKNOWN),
    }
    points = CUBE.astype(dtype) + rng.random((8, 3)).astype(dtype)
    if kind is PointCloud:
        return PointCloud(points, attributes, "mm", "RAS")
    attributes["group"] = Attribute(np.arange(12, dtype=np.int32) % 3, Transforms.LABEL, Domain.FACE)
    return Mesh(points, TRIANGLES, attributes, "mm", "RAS")


def write(data, path):
    writer = next(w for w in MANIFEST.writers if path.suffix == w.patterns[0][1:])
    function(writer.write)(data, path, job=Job(), metadata={})
    return one(path)


def same(a, b, kinds=True):
    assert type(a) is type(b)
    assert np.array_equal(a.points, b.points) and a.points.dtype == b.points.dtype
    assert (a.unit, a.space) == (b.unit, b.space)
    if isinstance(a, Mesh):
        assert np.array_equal(a.faces, b.faces)
    assert set(a.attributes) == set(b.attributes)
    for name, x in a.attributes.items():
        y = b.attributes[name]
        assert np.array_equal(x.values, y.values), name
        assert x.values.dtype == y.values.dtype and x.domain == y.domain, name
        if kinds:
            assert (x.transforms, x.direction) == (y.transforms, y.direction), name


@pytest.mark.parametrize("kind", [Mesh, PointCloud])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("suffix", ["ply", "npz"])
def test_round_trip_of_everything(tmp_path, kind, dtype, suffix):
    data = rich(kind, dtype)
    same(data, write(data, tmp_path / f"a.{suffix}"))


@pytest.mark.parametrize("kind", [Mesh, PointCloud])
def test_vtp_round_trip(tmp_path, kind):
    data = rich(kind)
    back = write(data, tmp_path / "a.vtp")
    same(data, back, kinds=False)
    # VTK marks normals and one vector; what it cannot say comes back as unknown, never as something else.
    got = {n: str(a.transforms) for n, a in back.attributes.items()}
    assert got["normals"] == got["flow"] == "vector"
    assert got["spin"] == got["features"] == "unknown"
    assert got["label"] == "label"


def test_npz_keeps_spherical_harmonics_and_tensors(tmp_path):
    data = PointCloud(
        CUBE,
        {
            "d": Attribute(np.ones((8, 5)), Transforms.SPHERICAL_HARMONICS, degree=2),
            "t": Attribute(np.ones((8, 3, 3)), Transforms.TENSOR),
            "o": Attribute(np.arange(4.0), Transforms.UNKNOWN, Domain.OBJECT),
        },
    )
    back = write(data, tmp_path / "a.npz")
    same(data, back)
    assert back.attributes["d"].degree == 2


def test_stl_and_obj(tmp_path):
    data = rich(Mesh, np.float32)
    back = write(data, tmp_path / "a.stl")
    assert np.array_equal(back.points[back.faces], data.points[data.faces])
    back = write(data, tmp_path / "a.obj")
    assert np.array_equal(back.points.astype(np.float32), data.points) and np.array_equal(
        back.faces, data.faces
    )
    assert np.array_equal(back.attributes["rgb"].values, data.attributes["rgb"].values)
    assert np.allclose(back.attributes["normals"].values, data.attributes["normals"].values, atol=1e-6)
    cloud = write(rich(PointCloud), tmp_path / "b.obj")
    assert isinstance(cloud, PointCloud)


@pytest.mark.parametrize("suffix", ["ply", "stl", "obj"])
def test_another_library_reads_what_is_written(tmp_path, suffix):
    surface = samples.ring(job=Job())[0].data
    write(surface, tmp_path / f"ring.{suffix}")
    other = trimesh.load(tmp_path / f"ring.{suffix}", process=False)
    assert len(other.faces) == len(surface.faces)
    assert other.area == pytest.approx(
        trimesh.Trimesh(surface.points, surface.faces, process=False).area, rel=1e-5
    )


@pytest.mark.parametrize("suffix", ["ply", "stl", "obj", "npz", "vtp"])
def test_a_failed_write_changes_nothing(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(WriteError, match="No space left"):
        write(rich(Mesh), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_into_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(WriteError, match="cannot be written"):
        writers.write_ply(rich(Mesh), tmp_path / "none" / "a.ply", job=Job(), metadata={})
