"""Sessions: what was saved comes back; missing and changed files are told; a failed save loses nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data import Markup, PointCloud, content_hash
from core.display import MarkupDisplay, PointsDisplay
from core.document import Document, Item
from core.errors import ReadError, WriteError
from core.exports import write_object
from core.jobs import Job
from core.opening import items_of, open_path
from core.plugins import PluginHost
from core.results import Number
from core.session import FORMAT, load, save


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
    assert "clöud.ply" in text and json.loads(text)["format"] == FORMAT
    assert sorted(p.name for p in (folder / "data").iterdir()) == ["c.npz"], "data of files is not copied"


def test_markups_keep_everything_and_those_of_older_sessions_open(tmp_path: Path, host: PluginHost) -> None:
    curve = Markup("closed_curve", [[1, 2, 3], [4, 5, 6], [7, 8, 1]], labels=("a", "", "c"), smooth=True)
    display = MarkupDisplay(locked=True, measurements=False, size=11.0)
    angle = Markup("angle", np.eye(3), measurements={"angle": 60.0})
    folder = save(
        [Item("k", "k", curve, transform=np.diag([2, 1, 1, 1]), display=display), Item("w", "w", angle)],
        {},
        tmp_path / "s",
        job=Job(),
    )
    k, w = load(folder, job=Job(), host=host).items
    assert k.data.smooth and k.data.labels == ("a", "", "c") and k.display == display  # type: ignore[union-attr]
    np.testing.assert_array_equal(k.data.points, curve.points)  # type: ignore[union-attr]
    assert w.data.kind == "angle" and dict(w.data.measurements) == {"angle": 60.0}  # type: ignore[union-attr]
    path = folder / "session.json"
    tree = path.read_text()
    for name in ("smooth", "locked", "measurements"):
        assert f'"{name}"' in tree
    plain = json.loads(tree)

    def forget(node: object) -> None:
        """As it was before there were such fields."""
        if isinstance(node, dict):
            for name in ("smooth", "locked"):
                node.pop(name, None)
            for value in node.values():
                forget(value)
        elif isinstance(node, list):
            for value in node:
                forget(value)

    forget(plain)
    path.write_text(json.dumps(plain))
    k, w = load(folder, job=Job(), host=host).items
    assert k.data.smooth is False and k.display.locked is False  # type: ignore[union-attr]


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
    assert set(session.changed) == {items[0].id}
    path.unlink()
    session = load(folder, job=Job(), host=host)
    assert "is not where it was" in session.problems[0] and len(session.problems) == 1
    assert [i.id for i in session.items] == [i.id for i in items]
    missing = session.items[0]
    assert missing.data is None and missing.missing is not None and missing.missing.kind == "pointcloud"
    assert missing.display == items[0].display and session.items[1].parent == missing.id
    np.testing.assert_array_equal(missing.transform, items[0].transform)


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
    [
        ("{", "cannot be read"),
        ('{"format": 99, "items": []}', "newer version"),
        ("[]", "cannot be read"),
        ('{"format": 0, "items": []}', "cannot be read"),
        ('{"format": 1, "items": null}', "cannot be read"),
        ('{"format": 1, "items": [], "layout": [1]}', "cannot be read"),
        ("[" * 100_000, "cannot be read"),
    ],
    ids=str.__len__,
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


def broken(folder: Path, change: str) -> None:
    """Damage the first entry of a session that has one large array."""
    tree = json.loads((folder / "session.json").read_text())
    entry = tree["items"][0]
    npz = folder / "data" / "c.npz"
    if change == "truncated":
        npz.write_bytes(npz.read_bytes()[:500])
    elif change == "packed":
        np.savez_compressed(npz, **{"0": np.zeros((100_000, 3)), "1": np.eye(4)})
    elif change == "array":
        entry["item"]["data"]["points"] = {"$array": 99}
    elif change == "string":
        tree["items"][0] = "nothing"
    elif change == "type":
        entry["item"]["$type"] = "AddItems"
    elif change == "dtype":
        entry["arrays"]["1"] = {"dtype": "V99999999999999", "values": [0], "shape": [1]}
    elif change == "id":
        entry["item"]["id"] = "../../elsewhere"
    elif change == "twice":
        tree["items"].insert(0, entry)
    (folder / "session.json").write_text(json.dumps(tree))


@pytest.mark.parametrize("change", ["truncated", "packed", "array", "string", "type", "dtype", "id", "twice"])
def test_a_damaged_entry_is_told_and_costs_no_other(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost, change: str
) -> None:
    folder = save([items[4], replace(items[2], parent=None)], {}, tmp_path / "s", job=Job())
    broken(folder, change)
    session = load(folder, job=Job(), host=host)
    assert len(session.problems) == 1 and "left out" in session.problems[0]
    assert "\n" not in session.problems[0]
    assert [i.id for i in session.items] == (["c", "m"] if change == "twice" else ["m"])


def test_a_child_above_its_parent_and_a_circle_of_parents_open(tmp_path: Path, host: PluginHost) -> None:
    markup = Markup("points", [[1, 2, 3]])
    document = Document()
    document.add(Item("p", "parent"), Item("q", "other"), Item("k", "child", markup, "p"))
    document.move("k", "p", 0)
    assert [i.id for i in document] == ["k", "p", "q"]
    session = load(save(list(document), {}, tmp_path / "s", job=Job()), job=Job(), host=host)
    again = Document()
    again.add(*session.items)
    assert [(i.id, i.parent) for i in again] == [("k", "p"), ("p", None), ("q", None)]

    circle = (Item("a", "a", None, "b"), Item("b", "b", None, "a"), Item("d", "d", None, "d"))
    session = load(save(circle, {}, tmp_path / "t", job=Job()), job=Job(), host=host)
    again = Document()
    again.add(*session.items)
    for item in again:
        again.move(item.id, None, 0)  # walks up; would not come back from a circle


def test_a_parent_that_is_no_name_is_none(tmp_path: Path, host: PluginHost) -> None:
    folder = save([Item("p", "alone", Markup("points", [[1, 2, 3]]))], {}, tmp_path / "s", job=Job())
    tree = json.loads((folder / "session.json").read_text())
    tree["items"][0]["item"]["parent"] = {"no": "name"}
    (folder / "session.json").write_text(json.dumps(tree))
    session = load(folder, job=Job(), host=host)
    assert all(i.parent is None for i in session.items)


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_data_whose_file_is_gone_or_changed_is_saved(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost, fate: str
) -> None:
    path = tmp_path / "data" / "clöud.ply"
    if fate == "gone":
        path.unlink()
    else:
        write_object(PointCloud(np.zeros((3, 3), np.float32)), path, host=host, job=Job())
    session = load(save(items[:1], {}, tmp_path / "s", job=Job()), job=Job(), host=host)
    assert session.problems == () and len(session.items[0].data.points) == 40
    assert session.items[0].source is not None


def test_what_lies_in_the_folder_of_a_session_survives_saving(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost
) -> None:
    folder = save([items[4]], {}, tmp_path / "s", job=Job())
    (folder / "notes.txt").write_text("precious")
    (folder / "data" / "mine.npz").write_bytes(b"precious too")
    write_object(PointCloud(np.ones((7, 3))), folder / "inside.ply", host=host, job=Job())
    (inside,) = items_of(open_path(folder / "inside.ply", job=Job(), host=host))
    for _ in range(2):
        save([inside], {}, folder, job=Job())
    assert (folder / "notes.txt").read_text() == "precious"
    assert (folder / "data" / "mine.npz").read_bytes() == b"precious too"
    assert not (folder / "data" / "c.npz").exists()
    session = load(folder, job=Job(), host=host)
    assert session.problems == () and len(session.items[0].data.points) == 7


def test_a_link_to_a_session_is_followed(items: tuple[Item, ...], tmp_path: Path, host: PluginHost) -> None:
    (tmp_path / "far").mkdir()
    real = save([items[4]], {}, tmp_path / "far" / "s", job=Job())
    link = tmp_path / "link.equiscope"
    link.symlink_to(real)
    for _ in range(2):
        save(items[:1], {}, link, job=Job())
    assert link.is_symlink() and len(load(real, job=Job(), host=host).items) == 1


def test_a_swap_that_fails_puts_the_old_one_back(
    items: tuple[Item, ...], tmp_path: Path, host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    folder = save([items[4]], {}, tmp_path / "s", job=Job())
    rename = os.rename

    def refuse(a: Path, b: Path) -> None:
        if str(a).endswith(".draft"):
            raise OSError(5, "Input/output error")
        rename(a, b)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(WriteError, match="Input/output error"):
        save([], {}, folder, job=Job())
    assert folder.is_dir() and len(load(folder, job=Job(), host=host).items) == 1


def test_names_that_are_no_unicode(tmp_path: Path, host: PluginHost) -> None:
    item = Item("n", "b\udcffd", Markup("points", [[1, 2, 3]], labels=("\udcff",)))
    session = load(save([item], {}, tmp_path / "s", job=Job()), job=Job(), host=host)
    assert session.items[0].name == item.name and session.items[0].data.labels == ("\udcff",)


def test_a_checkpoint_may_move_and_a_changed_weight_is_seen(tmp_path: Path, host: PluginHost) -> None:
    from core.checkpoints import write_safetensors

    path = tmp_path / "a" / "w.safetensors"
    path.parent.mkdir()
    write_safetensors(path, {"w": np.ones(3, np.float32)}, {})
    items = items_of(open_path(path, job=Job(), host=host))
    save(items, {}, tmp_path / "a" / "s", job=Job())
    shutil.move(tmp_path / "a", tmp_path / "b")
    folder = tmp_path / "b" / "s.equiscope"
    assert load(folder, job=Job(), host=host).problems == ()
    write_safetensors(tmp_path / "b" / "w.safetensors", {"w": np.zeros(3, np.float32)}, {})
    assert "has changed" in load(folder, job=Job(), host=host).problems[0]


def test_samples_come_back(tmp_path: Path, host: PluginHost) -> None:
    free = [s for s in host.samples if not host.missing(s)]
    if not free:
        pytest.skip("no sample is installed")
    items = items_of(open_path(f"sample:{free[-1].id}", job=Job(), host=host))
    session = load(save(items, {}, tmp_path / "s", job=Job()), job=Job(), host=host)
    assert session.problems == () and [i.id for i in session.items] == [i.id for i in items]
    assert list((tmp_path / "s.equiscope" / "data").iterdir()) == []
