"""Sessions of every format that the program has written open, and hold what they held."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.errors import ReadError
from core.jobs import Job
from core.plugins import PluginHost
from core.session import FORMAT, MIGRATIONS, load, migrated, save
from tests.core.golden_sessions.make import ELSEWHERE, HERE, described

FORMATS = list(range(1, FORMAT + 1))


@pytest.fixture(scope="module")
def host() -> PluginHost:
    return PluginHost(folders=[])


def golden(number: int, folder: Path) -> Path:
    """A copy of the golden session of a format, with its files beside it."""
    shutil.copytree(HERE / "data", folder / "data")
    return Path(shutil.copytree(HERE / f"format-{number}.equiscope", folder / f"format-{number}.equiscope"))


def test_every_format_has_a_golden_session_and_a_way_to_the_next() -> None:
    assert sorted(p.name for p in HERE.glob("*.equiscope")) == [f"format-{n}.equiscope" for n in FORMATS]
    assert sorted(MIGRATIONS) == FORMATS[:-1]
    for n in FORMATS:
        tree = json.loads((HERE / f"format-{n}.equiscope" / "session.json").read_text())
        assert tree["format"] == n


@pytest.mark.parametrize("number", FORMATS)
def test_a_golden_session_opens_and_holds_what_it_held(number: int, tmp_path: Path, host: PluginHost) -> None:
    expected = json.loads((HERE / f"format-{number}.json").read_text())
    session = load(golden(number, tmp_path), job=Job(), host=host)
    (problem,) = session.problems
    assert problem.startswith("gone has no data: gone.ply is not where it was")
    assert not session.changed and not session.left_out
    found = {e["id"]: e for e in described(session.items)}
    assert list(found) == [e["id"] for e in expected["items"]]
    for entry in expected["items"]:
        if entry["name"] == "gone":
            assert found[entry["id"]].pop("type") == "NoneType"
            del entry["type"], entry["arrays"]
        assert found[entry["id"]] == entry
    (gone,) = [i for i in session.items if i.missing is not None]
    assert gone.missing is not None and gone.missing.kind == "mesh"
    assert gone.source is not None and gone.source.path == f"{ELSEWHERE}/gone.ply"
    views = dict(expected["layout"]["viewports"])
    views.pop("camera", None)
    shown = dict(session.layout["viewports"])
    shown.pop("camera", None)
    assert shown == views and shown["cameras"]["3d"]["position"] == [100.0, 50.0, 80.0]
    assert session.layout["selected"] == expected["layout"]["selected"]
    assert session.layout["forms"] == expected["layout"].get("forms", {})
    (made,) = [i for i in session.items if i.record is not None]
    path = dict(made.record or {})["inputs"][0]["path"]
    assert path == (str(tmp_path / "data" / "tetra.ply") if number > 1 else "/study/data/tetra.ply")


@pytest.mark.parametrize("number", FORMATS)
def test_a_golden_session_saved_again_is_the_same_in_the_present_format(
    number: int, tmp_path: Path, host: PluginHost
) -> None:
    session = load(golden(number, tmp_path), job=Job(), host=host)
    folder = save(session.items, session.layout, tmp_path / "again", job=Job())
    tree = json.loads((folder / "session.json").read_text())
    assert tree["format"] == FORMAT
    again = load(folder, job=Job(), host=host)
    assert described(again.items) == described(session.items) and again.layout == session.layout
    gone = next(e for e in tree["items"] if e["name"] == "gone")
    old = json.loads((HERE / f"format-{number}.equiscope" / "session.json").read_text())
    before = next(e for e in old["items"] if e["name"] == "gone")
    assert gone["item"]["source"]["path"] == before["item"]["source"]["path"]
    assert {**gone["source"], "kind": ""} == {**before["source"], "kind": ""}


@pytest.mark.parametrize("number", FORMATS[:-1])
def test_migrations_change_nothing_that_they_are_given(number: int) -> None:
    tree: dict[str, Any] = json.loads((HERE / f"format-{number}.equiscope" / "session.json").read_text())
    before = copy.deepcopy(tree)
    out = migrated(tree, FORMAT)
    assert tree == before and out["format"] == FORMAT and migrated(out, FORMAT) == out


def test_a_newer_session_is_refused_in_one_sentence(tmp_path: Path, host: PluginHost) -> None:
    folder = golden(FORMAT, tmp_path)
    path = folder / "session.json"
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}', 1))
    with pytest.raises(ReadError) as caught:
        load(folder, job=Job(), host=host)
    assert str(caught.value) == (
        f"format-{FORMAT}.equiscope was saved by a newer version (session format {FORMAT + 1}); update Equiscope."
    )
