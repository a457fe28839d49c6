"""Sessions: what was saved comes back; missing and changed files are told; a failed save loses nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data import Markup, PointCloud, content_hash
from core.display import PointsDisplay
from core.document import Item
from core.errors import ReadError, WriteError
from core.exports import write_object
from core.jobs import Job
from core.opening import items_of, open_path
from core.plugins import PluginHost
from core.results import Number
from core.session import load, save


@pytest.fixture(scope="module")
def host() -> PluginHost:
    return PluginHost(folders=[])


@pytest.fixture
def items(tmp_path: Path, host: PluginHost) -> tuple[Item, ...]:
    path = tmp_path / "data" / "clöud.ply"
    path.parent.mkdir()
    write_object(
        PointCloud(np.random.default_rng(0).random((40, 3)).astype(np.float32)), path, host=host, job=Job()
    )
    (source,) = items_of(open_path(path, job=Job(), host=host))
    return (
        replace(source, display=PointsDisplay(size=7.0), transform=np.diag([1, 2, 3, 1])),
        Item("g", "result", None, source.id, record={"analysis": "x.y", "seed": 1}),
        Item("m", "plane", Markup("plane", [[1, 2, 3]], size=np.array([1.0, 1.0, 0.0])), "g"),
        Item("n", "number", Number("n", float("nan"), "mm"), "g"),
        Item("c", "made here", PointCloud(np.random.default_rng(1).random((500, 3)))),
    )


def hashes(items: tuple[Item, ...]) -> list[str]:
    # The hash of the source file is filled in by saving; everything else must be the same.
    return [
        content_hash(replace(i, source=replace(i.source, sha256="") if i.source else None)) for i in items
    ]


def test_round_trip(items: tuple[Item, ...], tmp_path: Path, host: PluginHost) -> None:
    folder = save(items, {"camera": [1, 2.5]}, tmp_path / "study", job=Job())
    assert folder.name == "study.equiscope"
    session = load(folder, job=Job(), host=host)
    assert session.problems == () and session.layout == {"camera": [1, 2.5]}
    assert hashes(session.items) == hashes(items)
    text = (folder / "session.json").read_text()
    assert "clöud.ply" in text and json.loads(text)["format"] == 1
    assert sorted(p.name for p in (folder / "data").iterdir()) == ["c.npz"], "data of files is not copied"


def test_a_moved_session_finds_its_files_by_the_relative_path(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost
) -> None:
    save(items, {}, tmp_path / "data" / "s", job=Job())
    shutil.move(tmp_path / "data", tmp_path / "elsewhere")
    session = load(tmp_path / "elsewhere" / "s.equiscope", job=Job(), host=host)
    assert session.problems == ()
    assert session.items[0].source is not None and "elsewhere" in session.items[0].source.path


def test_missing_and_changed_files_are_told_and_the_rest_opens(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost
) -> None:
    folder = save(items, {}, tmp_path / "s", job=Job())
    path = tmp_path / "data" / "clöud.ply"
    write_object(PointCloud(np.zeros((3, 3), np.float32)), path, host=host, job=Job())
    session = load(folder, job=Job(), host=host)
    assert len(session.items) == 5 and "has changed" in session.problems[0]
    path.unlink()
    session = load(folder, job=Job(), host=host)
    assert "is not where it was" in session.problems[0]
    assert [i.id for i in session.items] == ["g", "m", "n", "c"] and session.items[0].parent is None


def test_edited_data_is_saved_even_if_it_came_from_a_file(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost
) -> None:
    changed = replace(items[0], data=PointCloud(np.zeros((2, 3))), edited=True)
    folder = save([changed], {}, tmp_path / "s", job=Job())
    assert len(load(folder, job=Job(), host=host).items[0].data.points) == 2


def test_saving_again_keeps_the_last_good_one(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost
) -> None:
    folder = save(items, {}, tmp_path / "s", job=Job())
    save(items[:1], {}, folder, job=Job())
    assert len(load(folder, job=Job(), host=host).items) == 1
    assert len(load(tmp_path / "s.equiscope.bak", job=Job(), host=host).items) == 5
    shutil.rmtree(folder)
    assert len(load(folder, job=Job(), host=host).items) == 5, "a save cut off between its renames"


def test_a_save_that_fails_leaves_what_was_there(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(items[:1], {}, tmp_path / "s", job=Job())

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(WriteError, match="No space left"):
        save(items, {}, folder, job=Job())
    assert len(load(folder, job=Job(), host=host).items) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "s.equiscope"]


def test_a_folder_that_is_no_session_is_never_replaced(tmp_path: Path, host: PluginHost) -> None:
    (tmp_path / "s.equiscope").mkdir()
    (tmp_path / "s.equiscope" / "precious").write_text("data")
    with pytest.raises(WriteError, match="is no session"):
        save([], {}, tmp_path / "s", job=Job())
    with pytest.raises(ReadError, match="is no session"):
        load(tmp_path / "s.equiscope", job=Job(), host=host)


@pytest.mark.parametrize(
    ("content", "text"),
    [("{", "cannot be read"), ('{"format": 99, "items": []}', "newer version"), ("[]", "cannot be read")],
)
def test_damaged_and_newer_sessions(tmp_path: Path, host: PluginHost, content: str, text: str) -> None:
    folder = tmp_path / "s.equiscope"
    folder.mkdir()
    (folder / "session.json").write_text(content)
    with pytest.raises(ReadError, match=text):
        load(folder, job=Job(), host=host)


def test_a_session_cannot_reach_outside_its_folder(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost
) -> None:
    folder = save([items[4]], {}, tmp_path / "s", job=Job())
    shutil.copy(folder / "data" / "c.npz", tmp_path / "outside.npz")
    tree = json.loads((folder / "session.json").read_text())
    tree["items"][0]["file"] = "../outside.npz"
    (folder / "session.json").write_text(json.dumps(tree))
    session = load(folder, job=Job(), host=host)
    assert session.items == () and "outside itself" in session.problems[0]
