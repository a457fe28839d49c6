"""The power goes at any moment: what is on disk opens, and is what was saved last or what is being saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from app.forms.presets import Preset, Presets
from app.movies.encode import encode as make_movie
from core.data import Markup, PointCloud, content_hash
from core.document import Item
from core.errors import ReadError
from core.exports import write_object, write_run
from core.jobs import Job
from core.opening import items_of, open_path
from core.plugins import PluginHost
from core.records import Record, machine, now, read_record, versions
from core.results import Layer, Number, Result
from core.running import Finished
from core.session import load, save
from core.settings import Settings
from tests.conftest import Tried
from tests.faults.disk import Crash, Disk

HOST = PluginHost(folders=[])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The disk that is watched."""
    out = tmp_path / "disk"
    out.mkdir()
    return out


@pytest.fixture
def found(tmp_path: Path) -> Callable[[Crash], Path]:
    """Makes the state after a crash in an empty folder."""
    (tmp_path / "found").mkdir()
    count = 0

    def make(crash: Crash) -> Path:
        nonlocal count
        count += 1
        place = tmp_path / "found" / str(count)
        place.mkdir()
        crash.state.write_to(place)
        return place

    return make


# -- sessions --------------------------------------------------------------------------------------------------


def cloud(seed: int, points: int = 40) -> PointCloud:
    return PointCloud(np.random.default_rng(seed).random((points, 3)))


def session_items(root: Path, seed: int) -> tuple[Item, ...]:
    """One from a file, one that lies in the session, one small enough for `session.json`."""
    path = root / "cloud.ply"
    if not path.exists():
        write_object(cloud(9), path, host=HOST, job=Job())
    (source,) = items_of(open_path(path, job=Job(), host=HOST))
    return (
        replace(source, id="s", name=f"source {seed}"),
        Item("c", "made here", cloud(seed)),
        Item("m", "plane", Markup("points", [[float(seed), 2, 3]])),
    )


def hashes(items: Any) -> list[str]:
    return [
        content_hash(
            replace(i, source=replace(i.source, sha256="", path="", mtime=0, stamp="") if i.source else None)
        )
        for i in items
    ]


def crash_in_a_save(root: Path, found: Callable[[Crash], Path], times: int, most: int) -> int:
    """Save `times` sessions over each other, the power going during the last; how many states were opened."""
    versions = [session_items(root, n) for n in range(times)]
    for items in versions[:-1]:
        save(items, {"n": 1}, root / "s", job=Job())
        (root / "s.equiscope" / "notes.txt").write_text("mine")
    with Disk(root) as disk:
        save(versions[-1], {"n": 2}, root / "s", job=Job())
        disk.ack("saved")
    new, old = hashes(versions[-1]), hashes(versions[-2]) if times > 1 else None
    count = 0
    for crash in disk.crashes(most=most):
        count += 1
        folder = found(crash) / "s.equiscope"
        try:
            session = load(folder, job=Job(), host=HOST)
        except ReadError:
            assert old is None and not crash.acks, f"nothing opens: {crash}"
            assert not folder.exists(), f"what is there is no session: {crash}"
            continue
        assert session.problems == (), crash
        there = hashes(session.items)
        assert there == new or (there == old and not crash.acks), crash
        if old is not None and there == new:
            place = folder if (folder / "notes.txt").exists() else folder.with_name("s.equiscope.bak")
            assert (place / "notes.txt").read_text() == "mine", f"what the user put there is lost: {crash}"
    return count


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_session_is_the_old_or_the_new_one(
    root: Path, found: Callable[[Crash], Path], times: int, tried: Tried
) -> None:
    count = crash_in_a_save(root, found, times, 24)
    tried("states of a disk after a crash, sessions", count)
    assert count > 40


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_session_is_the_old_or_the_new_one_in_thousands(
    root: Path, found: Callable[[Crash], Path], tried: Tried
) -> None:
    tried("states of a disk after a crash, sessions", crash_in_a_save(root, found, 3, 2000))


def test_a_session_saved_over_what_a_crash_left_opens(
    root: Path, found: Callable[[Crash], Path], tried: Tried
) -> None:
    versions = [session_items(root, n) for n in range(3)]
    save(versions[0], {}, root / "s", job=Job())
    with Disk(root) as disk:
        save(versions[1], {}, root / "s", job=Job())
    crashes = list(disk.crashes(most=6, torn=False))
    for crash in crashes[:: max(1, len(crashes) // 40)]:
        folder = save(versions[2], {}, found(crash) / "s", job=Job())
        assert hashes(load(folder, job=Job(), host=HOST).items) == hashes(versions[2]), crash
        left = [p.name for p in folder.parent.iterdir() if "draft" in p.name]
        assert len(left) <= 1, left
        tried("states of a disk after a crash, saved over", 1)


# -- settings and what lies in them ------------------------------------------------------------------------------


def settings_work(settings: Settings) -> list[tuple[str, Callable[[], object]]]:
    """Named changes, one after another."""
    presets = Presets(settings, "a.b")
    return [
        ("theme", lambda: settings.set("theme", "light")),
        ("preset", lambda: presets.save("mine", Preset({"x": 2.0}, 3))),
        ("layout", lambda: settings.update("layouts", lambda there: {**(there or {}), "L": "QUJD"})),
        ("keys", lambda: settings.update("shortcuts", lambda there: {**(there or {}), "file.open": "F9"})),
        ("recent", lambda: settings.add_recent("/data/ü.ply")),
        ("forget", lambda: settings.forget("theme")),
    ]


def test_settings_are_the_old_or_the_new_ones(
    root: Path, found: Callable[[Crash], Path], tried: Tried
) -> None:
    path = root / "config" / "settings.json"
    settings = Settings(path)
    settings.set("text-scale", 1.5)
    contents = [json.loads(path.read_text())]
    with Disk(root) as disk:
        for name, change in settings_work(settings):
            change()
            disk.ack(name)
            contents.append(json.loads(path.read_text()))
    count = 0
    for crash in disk.crashes():
        count += 1
        there = Settings(found(crash) / "config" / "settings.json")
        step = len(crash.acks)
        assert there._values in contents[step : step + 2], crash
    tried("states of a disk after a crash, settings", count)
    assert count > 50


def test_first_settings_are_there_or_not(root: Path, found: Callable[[Crash], Path], tried: Tried) -> None:
    with Disk(root) as disk:
        Settings(root / "config" / "settings.json").set("theme", "light")
    for crash in disk.crashes():
        there = found(crash)
        assert Settings(there / "config" / "settings.json").get("theme", "none") in ("none", "light")
        assert not list(there.rglob("*.broken")), crash
        tried("states of a disk after a crash, settings", 1)


# -- exports -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.ply", "a.npz", "a.vtp", "a.obj"])
def test_an_export_is_the_old_or_the_new_one(
    root: Path, found: Callable[[Crash], Path], name: str, tried: Tried
) -> None:
    write_object(cloud(1), root / name, host=HOST, job=Job())
    old = (root / name).read_bytes()
    with Disk(root) as disk:
        write_object(cloud(2), root / name, host=HOST, job=Job())
        disk.ack("written")
    new = (root / name).read_bytes()
    assert new != old
    count = 0
    for crash in disk.crashes():
        count += 1
        there = (found(crash) / name).read_bytes()
        assert there == new or (there == old and not crash.acks), crash
    tried("states of a disk after a crash, exports", count)


def test_a_run_with_a_record_is_complete(root: Path, found: Callable[[Crash], Path], tried: Tried) -> None:
    finished = execute_small()
    with Disk(root) as disk:
        paths = write_run(finished, root / "out", host=HOST, job=Job())
        disk.ack("written")
    names = {p.name for p in paths}
    count = 0
    for crash in disk.crashes():
        count += 1
        folder = found(crash) / "out"
        if (folder / "record.json").exists():
            assert names <= {p.name for p in folder.iterdir()}, crash
            read_record(folder)
        for path in folder.glob("[!.]*"):
            assert path.read_bytes() == (root / "out" / path.name).read_bytes(), crash
    tried("states of a disk after a crash, exports", count)


def execute_small() -> Finished:
    """A run that found a cloud and a number."""
    record = Record("a.b", (), {}, 0, "cpu", 1, versions(), machine(), now(), 0.1, {}, "")
    result = Result({"a": 1}, (Layer("Cloud", cloud(3)), Number("n", 1.0, "mm")))
    return Finished(result, dict(msgspec.to_builtins(record)))


@pytest.mark.parametrize("name", ["m.gif", "m"])
def test_a_movie_is_there_whole_or_not(
    root: Path, found: Callable[[Crash], Path], name: str, tried: Tried
) -> None:
    frames = [np.full((8, 8, 3), 40 * k, np.uint8) for k in range(3)]
    with Disk(root) as disk:
        make_movie(root / name, iter(frames), 3, 10.0, {"Software": "x"})
        disk.ack("written")

    def read(path: Path) -> dict[str, bytes] | bytes:
        return {p.name: p.read_bytes() for p in path.iterdir()} if path.is_dir() else path.read_bytes()

    whole = read(root / name)
    for crash in disk.crashes():
        place = found(crash) / name
        if place.exists():
            assert read(place) == whole, crash
        else:
            assert not crash.acks, crash
        tried("states of a disk after a crash, movies", 1)
