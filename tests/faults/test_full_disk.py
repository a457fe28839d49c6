"""A disk that is full or read-only from any moment on: one sentence, what was there is whole, no drafts are left."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.forms.presets import Preset, Presets
from app.movies.encode import encode as make_movie
from core.data import Table
from core.errors import UserError, WriteError
from core.exports import save_table, write_object, write_run
from core.jobs import Job
from core.session import load, save
from core.settings import Settings
from tests.conftest import Tried
from tests.faults.disk import Refusing
from tests.faults.mounts import fill, read_only, small_disk
from tests.faults.test_lost_writes import HOST, cloud, execute_small, hashes, session_items

SENTENCE = re.compile(r"[^\n]+\.")
REFUSALS = [errno.ENOSPC, errno.EROFS]


def frames(count: int = 3) -> Iterator[Any]:
    for k in range(count):
        yield np.full((64, 64, 3), 20 * k, np.uint8)


WORK: dict[str, Callable[[Path], object]] = {
    "ply": lambda root: write_object(cloud(2, 4000), root / "a.ply", host=HOST, job=Job()),
    "vtp": lambda root: write_object(cloud(2, 4000), root / "a.vtp", host=HOST, job=Job()),
    "npz": lambda root: write_object(cloud(2, 4000), root / "a.npz", host=HOST, job=Job()),
    "run": lambda root: write_run(execute_small(), root / "out", host=HOST, job=Job()),
    "table": lambda root: save_table(Table({"a": np.arange(5000)}), root / "a.csv"),
    "gif": lambda root: make_movie(root / "a.gif", frames(), 3, 10.0, {}),
    "pictures": lambda root: make_movie(root / "pictures", frames(), 3, 10.0, {}),
    "presets": lambda root: Presets(Settings(root.parent / "elsewhere.json"), "a.b").write(root / "p.json"),
}


def tree(root: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(root)): None if p.is_dir() else p.read_bytes() for p in sorted(root.rglob("*"))}


@pytest.mark.parametrize("error", REFUSALS, ids=lambda e: errno.errorcode[e])
@pytest.mark.parametrize("name", WORK)
def test_refused_at_any_moment(name: str, error: int, tmp_path: Path, tried: Tried) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    work = WORK[name]
    if name != "pictures":  # they are never written over what is there
        work(root)
    before = tree(root)
    for number in range(1000):
        with Refusing(root, number, error) as disk:
            try:
                work(root)
            except UserError as refusal:
                assert SENTENCE.fullmatch(str(refusal)), refusal
            else:
                if not disk.refused:
                    break
                assert set(disk.refused) <= {"unlink", "rmdir"}, "it was refused and nobody was told"
                continue
        assert disk.refused
        tried("refused writes", 1)
        after = tree(root)
        hidden = {k for k in after if k.startswith(".") or "/." in k}
        if error == errno.ENOSPC:
            assert not hidden, hidden
        if name == "run":  # each file of it is whole; a record comes last
            whole = {k: v for k, v in after.items() if k not in hidden}
            assert set(before) == set(whole) and all(v is None or len(v) for v in whole.values())
        elif disk.refused[0] != "fsync":
            assert {k: v for k, v in after.items() if k not in hidden} == before
        for k in hidden if name != "pictures" else after:
            path = root / k
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
    assert 3 < number < 900


@pytest.mark.parametrize("error", [*REFUSALS, errno.EDQUOT, errno.EIO], ids=lambda e: errno.errorcode[e])
def test_a_session_refused_at_any_moment(error: int, tmp_path: Path, tried: Tried) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    old, new = session_items(root, 1), session_items(root, 2)
    save(old, {}, root / "s", job=Job())
    (root / "s.equiscope" / "notes.txt").write_text("mine")
    for number in range(1000):
        with Refusing(root, number, error) as disk:
            try:
                save(new, {}, root / "s", job=Job())
            except WriteError as refusal:
                assert SENTENCE.fullmatch(str(refusal)), refusal
            else:
                if not disk.refused:
                    break
                # Only what was to go could not be taken away.
                assert set(disk.refused) <= {"unlink", "rmdir"}
                save(old, {}, root / "s", job=Job())
                continue
        tried("refused writes", 1)
        session = load(root / "s.equiscope", job=Job(), host=HOST)
        assert session.problems == () and hashes(session.items) in (hashes(old), hashes(new))
        home = root / "s.equiscope"
        place = home if home.exists() else home.with_name("s.equiscope.bak")
        assert (place / "notes.txt").read_text() == "mine"
        if error in (errno.ENOSPC, errno.EDQUOT):
            assert not [p for p in root.iterdir() if "draft" in p.name]
        save(old, {}, root / "s", job=Job())
    assert 10 < number < 900


@pytest.mark.parametrize("error", REFUSALS, ids=lambda e: errno.errorcode[e])
def test_settings_that_cannot_be_written_hold_while_the_program_runs(
    error: int, tmp_path: Path, tried: Tried
) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    path = root / "settings.json"
    Settings(path).set("theme", "dark")
    kept = path.read_bytes()
    for number in range(100):
        settings = Settings(path)
        with Refusing(root, number, error) as disk:
            settings.set("theme", "light")
            Presets(settings, "a.b").save("p", Preset({"x": 1}))
        assert settings.get("theme") == "light" and Presets(settings, "a.b").names == ["p"]
        if not disk.refused:
            break
        tried("refused writes", 1)
        assert Settings(path).get("theme") in ("dark", "light")
        if error == errno.ENOSPC:
            assert not [p for p in root.iterdir() if p.name.startswith(".equiscope-")]
        for draft in root.glob(".equiscope-*"):
            draft.unlink()
        path.write_bytes(kept)
    assert 4 < number < 90


def test_a_small_disk(tmp_path: Path, tried: Tried) -> None:
    """What writes past Python is tried on a real disk that is full, then on one that is read-only."""
    work = {
        **WORK,
        "ogv": lambda root: make_movie(root / "a.ogv", frames(12), 12, 10.0, {}),
        "webp": lambda root: make_movie(root / "a.webp", frames(), 3, 10.0, {}),
        "session": lambda root: save(session_items(root.parent, 1), {}, root / "s", job=Job()),
    }
    with small_disk(tmp_path / "small") as root:
        for leave in (0, 4096, 12288):
            for name, do in work.items():
                filling = fill(root, leave)
                before = tree(root)
                try:
                    do(root)
                except UserError as refusal:
                    assert SENTENCE.fullmatch(str(refusal)), refusal
                    rest = {k: v for k, v in tree(root).items() if not k.startswith("out")}
                    assert rest == before, name
                    tried("writes to a full disk", 1)
                else:
                    assert leave, f"{name} fits on a full disk"
                filling.unlink()
                for path in sorted(root.rglob("*"), reverse=True):
                    path.rmdir() if path.is_dir() else path.unlink()
        with read_only(root):
            for name, do in work.items():
                with pytest.raises(UserError) as refused:
                    do(root)
                assert SENTENCE.fullmatch(str(refused.value)), name
                tried("writes to a read-only disk", 1)
            settings = Settings(root / "config" / "settings.json")
            settings.set("theme", "light")
            assert settings.get("theme") == "light"
        assert tree(root) == {}
