"""Sessions and the disk: missing files found again, drafts, a save by somebody else, copies to be shared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data import Markup, Mesh, PointCloud, content_hash
from core.display import PointsDisplay
from core.document import Item
from core.errors import WriteError
from core.exports import write_object
from core.jobs import Job
from core.opening import items_of, open_path
from core.plugins import PluginHost
from core.session import (
    SessionChanged,
    as_located,
    find_files,
    load,
    locate,
    save,
    stamp,
    still_missing,
)
from core.session import _disk as disk
from core.session._locate import Wanted


@pytest.fixture(scope="module")
def host() -> PluginHost:
    return PluginHost(folders=[])


def cloud(path: Path, seed: int, host: PluginHost, count: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    points = np.random.default_rng(seed).random((count, 3)).astype(np.float32)
    write_object(PointCloud(points), path, host=host, job=Job())
    return path


def opened(host: PluginHost, *paths: Path) -> list[Item]:
    return [i for p in paths for i in items_of(open_path(p, job=Job(), host=host))]


@pytest.fixture
def study(tmp_path: Path, host: PluginHost) -> list[Item]:
    """Three files in two folders, one with a markup below it, as a session at tmp_path/work.equiscope."""
    root = tmp_path / "study"
    paths = [cloud(root / n, s, host) for s, n in enumerate(("sub-1/t1.ply", "sub-2/t1.ply", "sub-2/t2.ply"))]
    items = opened(host, *paths)
    items[1] = replace(items[1], display=PointsDisplay(size=9.0), transform=np.diag([2.0, 1, 1, 1]))
    items.append(Item("m", "marks", Markup("points", [[1, 2, 3]]), items[1].id))
    save(items, {}, tmp_path / "work", job=Job())
    return items


def test_what_is_missing_is_kept_through_any_number_of_saves(
    study: list[Item], tmp_path: Path, host: PluginHost
) -> None:
    folder = tmp_path / "work.equiscope"
    before = {
        e["id"]: e["source"]
        for e in json.loads((folder / "session.json").read_text())["items"]
        if "source" in e
    }
    shutil.move(tmp_path / "study", tmp_path / "away")
    for number in range(3):
        session = load(folder, job=Job(), host=host)
        assert len(still_missing(session.items)) == 3 and len(session.problems) == 3
        assert session.items[1].display == PointsDisplay(size=9.0)
        assert session.items[3].parent == session.items[1].id
        folder = (
            save(session.items, {}, tmp_path / "deeper" / f"n{number}" if number else folder, job=Job())
            if number == 0
            else folder
        )
    tree = json.loads((folder / "session.json").read_text())
    assert {e["id"]: e["source"] for e in tree["items"] if "source" in e} == before
    shutil.move(tmp_path / "away", tmp_path / "study")
    again = load(folder, job=Job(), host=host)
    assert not again.problems
    assert [content_hash(i.data) for i in again.items] == [content_hash(i.data) for i in study]


def test_saved_elsewhere_the_relative_path_begins_there(
    study: list[Item], tmp_path: Path, host: PluginHost
) -> None:
    shutil.move(tmp_path / "study", tmp_path / "away")
    session = load(tmp_path / "work.equiscope", job=Job(), host=host)
    (tmp_path / "a" / "b").mkdir(parents=True)
    other = save(session.items, {}, tmp_path / "a" / "b" / "other", job=Job())
    shutil.move(tmp_path / "away", tmp_path / "study")
    assert not load(other, job=Job(), host=host).problems


@pytest.mark.parametrize("how", ["file", "folder", "renamed"])
def test_showing_one_finds_the_others(study: list[Item], tmp_path: Path, host: PluginHost, how: str) -> None:
    shutil.move(tmp_path / "study", tmp_path / "far" / "there" / "study2")
    far = tmp_path / "far" / "there" / "study2"
    if how == "renamed":
        (far / "sub-2" / "t2.ply").rename(far / "sub-2" / "other-name.ply")
    session = load(tmp_path / "work.equiscope", job=Job(), host=host)
    missing = still_missing(session.items)
    place, chosen = (far / "sub-1" / "t1.ply", missing[0].id) if how == "file" else (tmp_path / "far", "")
    found = locate(missing, place, chosen=chosen, job=Job(), host=host)
    assert [(f.id, f.same, f.problem) for f in found] == [(i.id, True, "") for i in missing]
    assert [content_hash(f.data) for f in found] == [content_hash(i.data) for i in study[:3]], (
        "of two t1 the right one"
    )
    item = as_located(missing[1], found[1])
    assert item.missing is None and item.display == PointsDisplay(size=9.0) and item.transform[0, 0] == 2.0


def test_another_file_is_told_as_such_and_a_broken_one_too(
    study: list[Item], tmp_path: Path, host: PluginHost
) -> None:
    shutil.rmtree(tmp_path / "study")
    other = cloud(tmp_path / "new" / "t1.ply", 77, host)
    session = load(tmp_path / "work.equiscope", job=Job(), host=host)
    missing = still_missing(session.items)
    (found,) = locate(missing[:1], other, chosen=missing[0].id, job=Job(), host=host)
    assert not found.same and not found.problem and len(found.data.points) == 40
    other.write_bytes(b"ply\nnonsense")
    (found,) = locate(missing[:1], other, chosen=missing[0].id, job=Job(), host=host)
    assert found.data is None and found.problem.endswith(".")
    assert locate(missing, tmp_path / "new" / "nowhere", job=Job(), host=host) == []


def test_names_of_moved_files(tmp_path: Path) -> None:
    for name in ("b/x/one.nii", "b/x/two.nii", "b/y/one.nii"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    wanted = [
        Wanted("/a/x/one.nii", 11),
        Wanted("/a/x/two.nii", 11),
        Wanted("/a/y/one.nii", 11),
        Wanted("/a/z/no.nii", 5),
    ]
    now = {
        k: str(v.relative_to(tmp_path))
        for k, v in find_files(wanted, tmp_path / "b/x/one.nii", chosen="/a/x/one.nii", job=Job()).items()
    }
    assert now == {
        "/a/x/one.nii": "b/x/one.nii",
        "/a/x/two.nii": "b/x/two.nii",
        "/a/y/one.nii": "b/y/one.nii",
    }
    by_folder = find_files(wanted, tmp_path, job=Job())
    assert {k: str(v.relative_to(tmp_path)) for k, v in by_folder.items()}["/a/y/one.nii"] in (
        "b/y/one.nii",
        "b/x/one.nii",
    )
    (tmp_path / "scans").mkdir()
    folder = find_files([Wanted("/a/dicom")], tmp_path / "scans", chosen="/a/dicom", job=Job())
    assert folder == {"/a/dicom": tmp_path / "scans"}


def test_somebody_elses_save_is_not_overwritten(study: list[Item], tmp_path: Path, host: PluginHost) -> None:
    folder = tmp_path / "work.equiscope"
    mine = load(folder, job=Job(), host=host)
    assert mine.stamp == stamp(folder)
    save(study[:1], {}, folder, job=Job(), expected=mine.stamp)
    with pytest.raises(SessionChanged, match="was saved by somebody else"):
        save(study, {}, folder, job=Job(), expected=mine.stamp)
    assert len(load(folder, job=Job(), host=host).items) == 1
    save(study, {}, folder, job=Job())
    assert len(load(folder, job=Job(), host=host).items) == 4


def test_drafts_of_processes_that_have_gone_are_cleared(study: list[Item], tmp_path: Path) -> None:
    over = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    dead = int(over.stdout)
    names = {
        f".work.equiscope.{dead}.draft": False,
        f".work.equiscope.{dead}-{disk._machine()}.draft": False,
        f".work.equiscope.{dead}-00000000.draft": True,  # another machine's, on a shared disk
        f".work.equiscope.{os.getppid()}-{disk._machine()}.draft": True,
        f".other.equiscope.{dead}.draft": True,
    }
    for name in names:
        (tmp_path / name / "data").mkdir(parents=True)
        (tmp_path / name / "data" / "x.npz").write_bytes(b"1")
    save(study, {}, tmp_path / "work", job=Job())
    assert {n: (tmp_path / n).exists() for n in names} == names


@pytest.mark.parametrize("exchanges", [True, False])
def test_there_is_a_session_in_its_place_at_every_moment(
    study: list[Item], tmp_path: Path, host: PluginHost, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    folder = tmp_path / "work.equiscope"
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    if exchanges and not disk.exchange(one, other):
        pytest.skip("this file system cannot exchange folders")
    if not exchanges:
        monkeypatch.setattr(disk, "exchange", lambda one, other: False)
    seen = []
    rename = os.rename

    def watched(a: Path, b: Path) -> None:
        rename(a, b)
        if folder in (a, b) or str(b).endswith(".bak"):
            seen.append(folder.is_dir())

    monkeypatch.setattr(os, "rename", watched)
    save(study[:1], {}, folder, job=Job())
    assert seen == ([True] if exchanges else [True, False, True])
    assert len(load(folder, job=Job(), host=host).items) == 1
    assert len(load(tmp_path / "work.equiscope.bak", job=Job(), host=host).items) == 4


def test_an_exchange_that_cannot_put_the_old_one_aside_is_taken_back(
    study: list[Item], tmp_path: Path, host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work.equiscope"

    def refuse(a: Path, b: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(WriteError, match="Input/output"):
        save(study[:1], {}, folder, job=Job())
    assert len(load(folder, job=Job(), host=host).items) == 4


def test_what_could_not_be_read_is_kept_for_good(study: list[Item], tmp_path: Path, host: PluginHost) -> None:
    folder = tmp_path / "work.equiscope"
    tree = json.loads((folder / "session.json").read_text())
    tree["items"][3]["item"]["data"]["$type"] = "Unheard"
    (folder / "session.json").write_text(json.dumps(tree))
    session = load(folder, job=Job(), host=host)
    assert session.left_out == 1
    save(session.items, {}, folder, job=Job(), keep=True)
    save(session.items, {}, folder, job=Job())
    kept = tmp_path / "work before repair.equiscope"
    assert "Unheard" in (kept / "session.json").read_text()


def test_a_copy_to_share_is_complete_and_tells_no_path(
    study: list[Item], tmp_path: Path, host: PluginHost
) -> None:
    record = {"analysis": "a.b", "inputs": [{"name": "t1", "path": study[0].source.path}]}  # type: ignore[union-attr]
    items = [*study, Item("r", "result", record=record)]
    copy = save(items, {}, tmp_path / "copy", job=Job(), embed=True)
    text = (copy / "session.json").read_text()
    assert str(tmp_path) not in text and "study" not in text and "~" not in text
    shutil.rmtree(tmp_path / "study")
    session = load(copy, job=Job(), host=host)
    assert not session.problems
    assert [content_hash(i.data) for i in session.items] == [content_hash(i.data) for i in items]


def test_paths_of_a_session(tmp_path: Path, host: PluginHost, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / "somebody"
    monkeypatch.setenv("HOME", str(home))
    inside = cloud(home / "data" / "a.ply", 1, host)
    outside = cloud(tmp_path / "disk" / "b.ply", 2, host)
    items = opened(host, inside, outside)
    (home / "work").mkdir()
    for place, told in (
        (home / "s", ["../data/a.ply", str(outside)]),
        (home / "work" / "s", ["~/data/a.ply", str(outside)]),
        (tmp_path / "disk" / "s", ["~/data/a.ply", "../b.ply"]),
    ):
        folder = save(items, {}, place, job=Job())
        tree = json.loads((folder / "session.json").read_text())
        assert [e["item"]["source"]["path"] for e in tree["items"]] == told
        session = load(folder, job=Job(), host=host)
        assert not session.problems
        assert [i.source.path for i in session.items if i.source] == [str(inside), str(outside)]


def test_paths_that_were_typed_name_nobody(
    tmp_path: Path, host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "somebody"
    monkeypatch.setenv("HOME", str(home))
    model = f"{home}/nets/net.py:predict"
    record = {"analysis": "a.b", "parameters": {"model": model, "name": "/s", "n": 3, "v": [1.0, "x"]}}
    layout = {"forms": {"typed": {"a.b": {"values": {"model": model, "name": "plain"}}}}}
    items = [Item("r", "r", record=record)]
    folder = save(items, layout, tmp_path / "own", job=Job())
    tree = json.loads((folder / "session.json").read_text())
    assert tree["layout"]["forms"]["typed"]["a.b"]["values"] == {
        "model": "~/nets/net.py:predict",
        "name": "plain",
    }
    (item,) = load(folder, job=Job(), host=host).items
    told = {"model": "~/nets/net.py:predict", "name": "/s", "n": 3, "v": [1.0, "x"]}
    assert dict(item.record or {})["parameters"] == told
    folder = save(items, layout, tmp_path / "shared", job=Job(), embed=True)
    text = (folder / "session.json").read_text()
    assert "net.py:predict" in text and "nets" not in text and "somebody" not in text


def test_an_item_alone_goes_through_json(tmp_path: Path, host: PluginHost) -> None:
    from core.session import decode_item, encode_item

    (tmp_path / "data").mkdir()
    mesh = Mesh(np.random.default_rng(0).random((100, 3)), np.array([[0, 1, 2]]))
    entry = json.loads(json.dumps(encode_item(Item("a", "a", mesh), tmp_path, tmp_path)))
    item = decode_item(entry, tmp_path, job=Job(), host=host)
    assert content_hash(item.data) == content_hash(mesh)


def test_a_place_on_windows_stays_one_and_its_file_is_found_by_name(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("it is a place of this system")
    host = PluginHost()
    csv = tmp_path / "numbers.csv"
    csv.write_text("a,b\n1,2\n")
    (item,) = items_of(open_path(csv, job=Job(), host=host))
    folder = save([item], {}, tmp_path / "one", job=Job())
    told = json.loads((folder / "session.json").read_text())
    there = "D:\\Anna\\data\\numbers.csv"
    told["items"][0]["item"]["source"]["path"], told["items"][0]["source"]["relative"] = there, ""
    (folder / "session.json").write_text(json.dumps(told))
    (tmp_path / "new").mkdir()
    now = csv.rename(tmp_path / "new" / "numbers.csv")
    now.write_text("a,b\n1,3\n")  # another size and hash: only its name leads there
    found = load(folder, job=Job(), host=host)
    assert found.items[0].missing is not None and found.items[0].source.path == there
    again = save(found.items, {}, tmp_path / "else" / "two", job=Job())
    assert json.loads((again / "session.json").read_text())["items"][0]["item"]["source"]["path"] == there
    shared = save(found.items, {}, tmp_path / "shared", job=Job(), embed=True)
    assert "Anna" not in (shared / "session.json").read_text()
    (located,) = locate(found.items, now.parent, job=Job(), host=host)
    assert located.path == str(now) and not located.same
