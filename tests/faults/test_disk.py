"""The layer itself: it finds what is known to be wrong, and nothing in what is known to be right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.disk import Disk


def contents(root: Path, work: Callable[[Path], None], name: str = "f") -> set[bytes | None]:
    """What the file `name` may hold after a power cut at any moment of `work`; None: it is not there."""
    with Disk(root) as disk:
        work(root)
    return {dict(crash.state.tree()).get(name) for crash in disk.crashes()}


def flushed(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def test_a_file_written_in_place_may_be_empty_or_half(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    found = contents(tmp_path, lambda root: (root / "f").write_bytes(b"new words"))
    assert {b"old", b"", b"new words", b"n", b"new word", b"n\0\0\0\0\0\0\0\0"} <= found


def test_a_rename_without_fsync_may_come_before_the_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")

    def work(root: Path) -> None:
        (root / "draft").write_bytes(b"new")
        os.replace(root / "draft", root / "f")

    assert {b"old", b"", b"new"} <= contents(tmp_path, work)


def test_write_flush_fsync_rename_gives_the_old_or_the_new(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")

    def work(root: Path) -> None:
        flushed(root / "draft", b"new")
        (root / "draft").rename(root / "f")

    assert contents(tmp_path, work) == {b"old", b"new"}


def test_an_entry_needs_the_fsync_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for sync, expected in ((False, {None, b"x"}), (True, {b"x"})):
        with Disk(tmp_path) as disk:
            flushed(tmp_path / "d" / f"f{sync}", b"x")
            if sync:
                handle = os.open(tmp_path / "d", os.O_RDONLY)
                os.fsync(handle)
                os.close(handle)
            disk.ack("told")
        after = [c for c in disk.crashes() if c.acks]
        assert {dict(c.state.tree()).get(f"d/f{sync}") for c in after} == expected


@pytest.mark.parametrize(
    "write",
    [
        lambda p: os.close(_write(os.open(p, os.O_WRONLY | os.O_CREAT), b"abc")),
        lambda p: p.write_text("abc"),
        lambda p: shutil.copyfile(_source(p), p),
        lambda p: open(p, "xb", buffering=0).write(b"abc"),
    ],
    ids=["os.write", "text", "sendfile", "unbuffered"],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_way_of_writing_is_seen(tmp_path: Path, write: Callable[[Path], object]) -> None:
    def work(root: Path) -> None:
        write(root / "g")
        os.replace(root / "g", root / "f")

    (tmp_path / "root").mkdir()
    assert {b"", b"abc", None} <= contents(tmp_path / "root", work)


def _write(handle: int, data: bytes) -> int:
    os.write(handle, data)
    return handle


def _source(path: Path) -> Path:
    source = path.parents[1] / "source"
    source.write_bytes(b"abc")
    return source


def test_folders_are_moved_with_what_is_in_them_and_removed_entry_by_entry(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        (tmp_path / "a" / "b").mkdir(parents=True)
        flushed(tmp_path / "a" / "b" / "f", b"x")
        (tmp_path / "a").rename(tmp_path / "c")
        shutil.rmtree(tmp_path / "c")
    trees = {tuple(p for p, _ in c.state.tree()) for c in disk.crashes(most=500)}
    assert ("c", "c/b", "c/b/f") in trees and ("a", "a/b", "a/b/f") in trees and () in trees
    assert not any(p[0] == "a" and "c" in p for p in trees if p), "a rename is whole"
    assert list(tmp_path.iterdir()) == [], "what is watched is done"


def test_appending_may_leave_a_hole(tmp_path: Path) -> None:
    def work(root: Path) -> None:
        for word in (b"one", b"two"):
            with open(root / "f", "ab") as file:
                file.write(word)

    assert {b"one", b"\0\0\0two", b"onetwo", b"onet"} <= contents(tmp_path, work)


def test_a_state_is_made_of_real_files(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with Disk(tmp_path / "root") as disk:
        (tmp_path / "root" / "d").mkdir()
        (tmp_path / "root" / "d" / "f").write_text("x")
        (tmp_path / "root" / "l").symlink_to("d/f")
    last = disk.crashes().__class__ and [c for c in disk.crashes() if len(c.state.tree()) == 3]
    target = tmp_path / "again"
    target.mkdir()
    full = next(c for c in last if dict(c.state.tree())["d/f"] == b"x")
    full.state.write_to(target)
    assert (target / "l").read_text() == "x"
