"""Damaged, lying, empty and misnamed files: one sentence, never a traceback, never a word on the terminal."""

from __future__ import annotations

import resource

import numpy as np
import pytest

from core.data import PointCloud
from core.errors import ReadError
from core.jobs import Job
from tests.files.scans import FORMATS, made
from tests.plugins.scans.helpers import CUBE, MANIFEST, function, opened
from tests.plugins.scans.test_anatomy import legacy
from tests.plugins.scans.test_clouds import pcd
from tests.plugins.scans.test_surfaces import TRIANGLES, ply, stl

READERS = {r.id: r for r in MANIFEST.readers}


@pytest.mark.parametrize("form", FORMATS)
def test_only_read_errors_escape(tmp_path, form, capfd):
    """Seeded cuts, flipped bytes, erased and doubled stretches: the file is read or refused in one sentence."""
    reader, path = made(tmp_path, form)
    read = function(READERS[reader].read)
    assert read(path, job=Job())  # sound at first
    sound = path.read_bytes()
    rng = np.random.default_rng(sum(form.encode()))
    refused = 0
    for trial in range(60):
        damaged = bytearray(sound)
        if trial % 4 == 0:
            del damaged[int(rng.integers(0, len(sound))) :]
        elif trial % 4 == 1:
            for at in rng.integers(0, len(sound), int(rng.integers(1, 9))):
                damaged[at] = int(rng.integers(0, 256))
        elif trial % 4 == 2:
            for at in rng.integers(0, min(len(sound), 300), 3):  # headers matter most
                damaged[at] ^= 1 << int(rng.integers(0, 8))
        else:
            a, b = sorted(rng.integers(0, len(sound), 2))
            damaged[a:b] = damaged[a:b] * 2 if trial % 8 == 3 else b""
        path.write_bytes(bytes(damaged))
        try:
            for loaded in read(path, job=Job()):
                assert np.isfinite(loaded.data.points).all()
        except ReadError as error:
            refused += 1
            assert "\n" not in str(error) and str(error).startswith(path.name) and len(str(error)) < 500
    assert refused > 5
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.parametrize("reader", READERS)
def test_empty_missing_folder_noise_and_nan(tmp_path, reader):
    read = function(READERS[reader].read)
    path = tmp_path / "größe\n1.dat"
    with pytest.raises(ReadError):
        read(path, job=Job())
    path.write_bytes(b"")
    with pytest.raises(ReadError, match="empty"):
        read(path, job=Job())
    with pytest.raises(ReadError):
        read(tmp_path, job=Job())
    for content in (b"Dear reader,\nthis is a letter.\n", bytes(range(256)) * 4, b"\0" * 500, b"\xff" * 500):
        path.write_bytes(content)
        with pytest.raises(ReadError) as caught:
            read(path, job=Job())
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "a.ply",
            b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nend_header\nnan nan nan\nnan 0 0\n",
        ),
        ("a.xyz", b"nan nan nan\nnan 1.5 2\n"),
        ("a.obj", b"v nan 0 0\nv 0 1 0\nv 1 0 0\nf 1 2 3\n"),
    ],
)
def test_nothing_but_nan_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match="finite"):
        opened(tmp_path / name)


def test_nan_points_are_left_out_with_their_faces_and_counted(tmp_path):
    points = CUBE.copy()
    points[7] = np.nan
    path = tmp_path / "a.npz"
    np.savez(path, points=points, faces=TRIANGLES, quality=np.arange(8.0))
    (loaded,) = opened(path)
    kept = ~(TRIANGLES == 7).any(axis=1)
    assert len(loaded.data.points) == 7 and np.array_equal(loaded.data.faces, TRIANGLES[kept])
    assert len(loaded.data.attributes["quality"].values) == 7
    assert any("1 of 8 points" in w for w in loaded.warnings)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ply", ply("binary_little_endian").replace(b"vertex 8", b"vertex 4000000000")),
        ("a.ply", ply("binary_little_endian").replace(b"face 6", b"face 4000000000")),
        ("a.ply", ply("ascii").replace(b"vertex 8", b"vertex 4000000000")),
        ("a.stl", stl(CUBE[TRIANGLES])[:80] + b"\xff\xff\xff\x7f" + stl(CUBE[TRIANGLES])[84:]),
        ("a.off", b"OFF\n4000000000 4000000000 0\n0 0 0\n"),
        (
            "a.pcd",
            pcd("binary")[0]
            .replace(b"WIDTH 40", b"WIDTH 4000000000")
            .replace(b"POINTS 40", b"POINTS 4000000000"),
        ),
        (
            "a.pcd",
            pcd("binary_compressed")[0]
            .replace(b"WIDTH 40", b"WIDTH 40000000")
            .replace(b"POINTS 40", b"POINTS 40000000"),
        ),
        ("a.msh", b"\xff\xff\xff\x7f" * 4 + b"\0" * 100),
        ("lh.pial", b"\xff\xff\xfex\n\n\x7f\xff\xff\xff\x7f\xff\xff\xff" + b"\0" * 100),
        ("lh.a.annot", b"\x7f\xff\xff\xff" + b"\0" * 100),
        ("a.vtk", legacy().replace(b"POINTS 8", b"POINTS 4000000000")),
    ],
)
def test_no_memory_for_a_size_that_only_a_header_claims(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    reader = {"ply": "ply", "stl": "stl", "off": "off", "pcd": "pcd", "msh": "mujoco", "vtk": "vtk"}
    key = reader.get(name.rpartition(".")[2], "freesurfer")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ReadError):
        function(READERS[f"scans.{key}"].read)(tmp_path / name, job=Job())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_clouds_of_nothing_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((0, 3)))
    with pytest.raises(ReadError, match="no points"):
        function(READERS["scans.npy"].read)(path, job=Job())
    assert PointCloud(np.zeros((0, 3))).points.shape == (0, 3)  # the data type itself allows it
