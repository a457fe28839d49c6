"""Files that change, vanish or are replaced while they are read, open, saved by name, and reopened."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import PointCloud
from core.errors import ReadError
from core.exports import write_object
from core.jobs import Job
from core.opening import items_of, open_path, read_again
from core.plugins import PluginHost
from core.session import load, save
from tests.conftest import Tried

HOST = PluginHost(folders=[])
POINTS = np.random.default_rng(0).random((50, 3)).astype(np.float32)


def write(path: Path, points: Any) -> None:
    write_object(PointCloud(points), path, host=HOST, job=Job())


def other(path: Path) -> None:
    write(path, np.zeros((3, 3), np.float32))


def as_before(path: Path, content: bytes) -> None:
    """Other content in place, with the size and the times that the file had."""
    info = path.stat()
    assert len(content) == info.st_size
    path.write_bytes(content)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def same_size(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-40:] = bytes(40)
    path.write_bytes(bytes(content))


def same_size_and_time(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-40:] = bytes(40)
    as_before(path, bytes(content))


def replaced(path: Path) -> None:
    """As `rsync --times` and `cp -p` do it."""
    copy = path.with_name("copy")
    shutil.copy2(path, copy)
    same_size_and_time(copy)
    os.replace(copy, path)


def truncated(path: Path) -> None:
    os.truncate(path, 100)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def vanished(path: Path) -> None:
    path.unlink()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


FATES = (
    *(other, same_size, same_size_and_time, replaced, truncated, emptied, vanished, a_folder),
    a_link_to_itself,
)
fates = pytest.mark.parametrize("fate", FATES, ids=lambda f: f.__name__)


@fates
def test_what_is_open_is_saved_whatever_became_of_its_file(
    fate: Callable[[Path], None], tmp_path: Path, tried: Tried
) -> None:
    path = tmp_path / "cloud.ply"
    write(path, POINTS)
    items = items_of(open_path(path, job=Job(), host=HOST))
    fate(path)
    for _ in range(2):  # and again, from what was reopened
        folder = save(items, {}, tmp_path / "s", job=Job())
        session = load(folder, job=Job(), host=HOST)
        assert session.problems == ()
        np.testing.assert_array_equal(session.items[0].data.points, POINTS)  # type: ignore[union-attr]
        items = session.items
    tried("files changed or gone, between opening and saving", 1)


def test_a_file_with_other_permissions_is_still_that_file(tmp_path: Path) -> None:
    path = tmp_path / "cloud.ply"
    write(path, POINTS)
    items = items_of(open_path(path, job=Job(), host=HOST))
    path.chmod(0o600)
    folder = save(items, {}, tmp_path / "s", job=Job())
    assert not list((folder / "data").iterdir()), "its data need not be copied"
    assert load(folder, job=Job(), host=HOST).problems == ()


@fates
def test_what_a_session_names_is_told_if_it_is_not_what_it_was(
    fate: Callable[[Path], None], tmp_path: Path, tried: Tried
) -> None:
    path = tmp_path / "cloud.ply"
    write(path, POINTS)
    (item,) = items_of(open_path(path, job=Job(), host=HOST))
    more = replace(item, id="more", source=None, name="kept")
    folder = save([item, more], {}, tmp_path / "s", job=Job())
    fate(path)
    session = load(folder, job=Job(), host=HOST)
    (problem,) = session.problems
    assert "cloud" in problem and "\n" not in problem and problem.endswith(".")
    kept = next(i for i in session.items if i.id == "more")
    np.testing.assert_array_equal(kept.data.points, POINTS)  # type: ignore[union-attr]
    tried("files changed or gone, between saving and reopening", 1)


@pytest.mark.parametrize("when", ["before", "after"])
@fates
def test_a_file_that_changes_while_it_is_read(
    fate: Callable[[Path], None], when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    path = tmp_path / "cloud.ply"
    write(path, POINTS)
    resolve = PluginHost.resolve

    def meddling(self: PluginHost, reference: str) -> Any:
        found = resolve(self, reference)
        if "read" not in reference:
            return found

        def read(*arguments: Any, **named: Any) -> Any:
            if when == "before":
                fate(path)
            out = found(*arguments, **named)
            if when == "after":
                fate(path)
            return out

        return read

    (reader,) = [r for r in HOST.readers_for(path.name) if r.matches(path.name)]
    assert "read" in reader.read
    with monkeypatch.context() as patch:
        patch.setattr(PluginHost, "resolve", meddling)
        patch.setattr("core.opening.describe_reader", lambda _host, r: _described(resolve, r))
        try:
            items = items_of(open_path(path, job=Job(), host=HOST))
        except ReadError as error:
            assert when == "before" and "\n" not in str(error) and str(error).endswith(".")
            items = ()
    tried("files changed or gone, while being read", 1)
    if not items:
        return
    assert "changed while it was read" in items[0].warnings[0]
    seen = np.array(items[0].data.points)  # type: ignore[union-attr]
    session = load(save(items, {}, tmp_path / "s", job=Job()), job=Job(), host=HOST)
    assert session.problems == ()
    np.testing.assert_array_equal(session.items[0].data.points, seen)  # type: ignore[union-attr]


def _described(resolve: Any, reader: Any) -> Any:
    from core.analyses import describe

    return describe(resolve(HOST, reader.read), id=reader.id, title=reader.title)


def test_a_folder_in_which_a_slice_is_another_is_saved_with_its_data(tmp_path: Path, tried: Tried) -> None:
    folder = dicom_folder(tmp_path / "series")
    items = items_of(open_path(folder, job=Job(), host=HOST))
    seen = np.array(items[0].data.array)  # type: ignore[union-attr]
    one = sorted(folder.iterdir())[1]
    content = bytearray(one.read_bytes())
    content[-20:] = bytes(20)
    as_before(one, bytes(content))
    session = load(save(items, {}, tmp_path / "s", job=Job()), job=Job(), host=HOST)
    assert session.problems == ()
    np.testing.assert_array_equal(session.items[0].data.array, seen)  # type: ignore[union-attr]
    tried("files changed or gone, between opening and saving", 1)


def dicom_folder(folder: Path) -> Path:
    """Four slices of 8 by 8."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

    folder.mkdir()
    series = generate_uid()
    for k in range(4):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        made = FileDataset(str(folder / f"{k}.dcm"), {}, file_meta=meta, preamble=bytes(128))
        made.SOPClassUID, made.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        made.SeriesInstanceUID, made.StudyInstanceUID = series, series
        made.Modality, made.InstanceNumber = "MR", k + 1
        made.Rows = made.Columns = 8
        made.PixelSpacing, made.SliceThickness = [1.0, 1.0], 1.0
        made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        made.ImagePositionPatient = [0, 0, float(k)]
        made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
        made.BitsAllocated = made.BitsStored = 16
        made.HighBit, made.PixelRepresentation = 15, 0
        made.PixelData = (np.arange(64, dtype=np.uint16) + 100 * k).tobytes()
        made.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    return folder


@pytest.mark.parametrize(
    "fate", [other, same_size, truncated, vanished, a_link_to_itself], ids=lambda f: f.__name__
)
def test_undo_brings_back_no_other_file(fate: Callable[[Path], None], tmp_path: Path, tried: Tried) -> None:
    path = tmp_path / "cloud.ply"
    write(path, POINTS)
    (item,) = items_of(open_path(path, job=Job(), host=HOST))
    assert item.source is not None
    (data,) = read_again([item.source], job=Job(), host=HOST)
    np.testing.assert_array_equal(data.points, POINTS)
    fate(path)
    with pytest.raises(
        ReadError, match=r"is not the file any more that was open; open it again|does not exist"
    ) as refused:
        read_again([item.source], job=Job(), host=HOST)
    assert "\n" not in str(refused.value)
    tried("files changed or gone, between closing and undo", 1)
