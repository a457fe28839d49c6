"""What the journal writes, what it reads back, and what it makes of damage, full disks and other windows."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import Image, Markup, Mesh, content_hash
from core.display import default_display
from core.document import Document, Item, Source, new_id
from core.errors import ReadError
from core.jobs import Job
from core.journal import (
    KEPT_DAYS,
    Base,
    Home,
    Journal,
    State,
    crashed,
    load,
    open_elsewhere,
    remove,
    replay,
    skip,
    take,
    tidy,
)
from core.journal import _entries as entries
from core.journal import _writer as writer
from core.journal._frames import HEADER, frame, read_frames
from core.opening import items_of, open_path
from core.plugins import PluginHost
from core.session import load as load_session
from core.session import save as save_session

HOST = PluginHost()


def mesh(n: int = 4, seed: int = 0) -> Item:
    points = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    data = Mesh(points, np.array([[0, 1, 2]], np.int32))
    return Item(new_id(), f"mesh {seed}", data, display=default_display(data))


def line(name: str = "line") -> Item:
    data = Markup("line", [[0, 0, 0], [1, 2, 3]])
    return Item(new_id(), name, data, display=default_display(data))


class Window:
    """A document and its journal."""

    def __init__(self, parent: Path, **how: Any) -> None:
        self.troubles: list[str] = []
        self.journal = Journal(parent, on_trouble=self.troubles.append, **how)
        self.journal.start()
        self.document = Document()
        self.base: Base | None = None
        self.number = 0

    def put(self, *, settle: bool = True) -> None:
        self.number += 1
        self.journal.put(
            State(tuple(self.document), self.number, self.number, self.document.is_clean, "edit", self.base)
        )
        assert not settle or self.journal.settle()

    def crash(self) -> Path:
        """As if the process had gone: the lock is free, the files stay."""
        folder = self.journal.folder
        assert folder is not None and self.journal.close(remove=False, timeout=20)
        return folder


Make = Callable[..., Window]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Window] = []

    def make(**how: Any) -> Window:
        made.append(Window(tmp_path / "recovery", **how))
        return made[-1]

    yield make
    for window in made:
        assert window.journal.close(remove=True, timeout=20)


def until(done: Callable[[], object]) -> None:
    """Wait for the journal's thread."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.005)


def same(loaded: Any, document: Any) -> None:
    """Whether items came back as they were, in order."""
    assert [(i.id, i.name, i.parent, i.display, i.edited) for i in loaded] == [
        (i.id, i.name, i.parent, i.display, i.edited) for i in document
    ]
    for a, b in zip(loaded, document, strict=True):
        assert content_hash(a.data) == content_hash(b.data)
        np.testing.assert_array_equal(a.transform, b.transform)


def test_every_kind_of_change_comes_back(make: Make, tmp_path: Path) -> None:
    csv = tmp_path / "numbers.csv"
    csv.write_text("a,b\n1,2\n")
    window = make()
    document = window.document
    a, b, group = line("a"), mesh(40_000), Item(new_id(), "group")
    steps: list[Callable[[], object]] = [
        lambda: document.add(group),
        lambda: document.add(replace(a, parent=group.id), b),
        lambda: document.add(*items_of(open_path(csv, job=Job(), host=HOST))),
        lambda: document.rename(a.id, "new\nname é"),
        lambda: document.set_display(b.id, replace(b.display, opacity=0.25)),
        lambda: document.set_transform(b.id, np.diag([2.0, 2.0, 2.0, 1.0])),
        lambda: document.set_data(a.id, Markup("line", [[0, 0, 0], [9, 9, 9]])),
        lambda: document.move(b.id, None, 0),
        lambda: document.remove(group.id),
        lambda: document.undo(),
        lambda: document.undo(),
        lambda: document.redo(),
    ]
    for step in steps:
        step()
        window.put()
        found = load(window.journal.folder, job=Job(), host=HOST)  # type: ignore[arg-type]
        assert not found.problems
        same(found.items, document)
    assert len(list(window.journal.folder.glob("blobs/*"))) == 1, "an array is written once"  # type: ignore[union-attr]


def test_names_that_are_no_unicode_come_back(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"s\xff.equiscope")
    window = make()
    source = Source(os.fsdecode(b"/nowhere/caf\xe9.nii"), "nifti")
    named = replace(line(os.fsdecode(b"caf\xe9")), source=source, edited=True, metadata={"\udce9": "\udce9"})
    window.document.add(named)
    window.base = Base(folder)
    window.put()
    found = load(window.journal.folder, job=Job(), host=HOST)  # type: ignore[arg-type]
    assert not found.problems and not window.troubles
    same(found.items, window.document)
    assert found.items[0].source.path == source.path  # type: ignore[union-attr]
    assert replay(window.journal.folder).session == str(folder)  # type: ignore[arg-type]


def test_data_of_a_file_are_named_and_edited_ones_written(make: Make, tmp_path: Path) -> None:
    csv = tmp_path / "numbers.csv"
    csv.write_text("a,b\n" + "1,2\n" * 9000)
    window = make()
    window.document.add(*items_of(open_path(csv, job=Job(), host=HOST)))
    window.put()
    assert [e["data"] for e in replay(window.journal.folder).entries.values()] == [{"source": True}]  # type: ignore[arg-type]
    (item,) = window.document
    window.document.set_data(item.id, replace(item.data))
    window.put()
    folder = window.crash()
    csv.unlink()
    same(load(folder, job=Job(), host=HOST).items, window.document)


def test_a_file_that_changed_since_it_was_opened_is_not_relied_on(make: Make, tmp_path: Path) -> None:
    csv = tmp_path / "numbers.csv"
    csv.write_text("a,b\n1,2\n")
    window = make()
    items = items_of(open_path(csv, job=Job(), host=HOST))
    csv.write_text("a,b\n1,2\n3,4\n")
    window.document.add(*items)
    window.put()
    same(load(window.crash(), job=Job(), host=HOST).items, window.document)


def test_a_file_that_changes_after_the_crash_is_told(make: Make, tmp_path: Path) -> None:
    csv, other = tmp_path / "numbers.csv", tmp_path / "gone.csv"
    for path in (csv, other):
        path.write_text("a,b\n1,2\n")
    window = make()
    for path in (csv, other):
        window.document.add(*items_of(open_path(path, job=Job(), host=HOST)))
    window.document.add(line())
    window.put()
    folder = window.crash()
    csv.write_text("a,b\n1,2\n3,4\n")
    other.unlink()
    found = load(folder, job=Job(), host=HOST)
    assert [i.name for i in found.items] == ["numbers", "gone", "line"] and not found.left_out
    changed, gone = found.problems
    assert "numbers has changed" in changed and "gone has no data" in gone and "put it back" in gone
    waiting = found.items[1]
    assert waiting.data is None and waiting.missing is not None and waiting.source.path == str(other)
    # It is journalled as one that waits, too, and saved as such.
    second = make()
    second.document = Document(found.items)
    second.put()
    again = load(second.crash(), job=Job(), host=HOST).items[1]
    assert again.missing is not None and again.missing.reason == waiting.missing.reason
    session = save_session(found.items, {}, tmp_path / "work", job=Job())
    other.write_text("a,b\n1,2\n")
    opened = load_session(session, job=Job(), host=HOST)
    assert opened.items[1].data is not None and not opened.problems


def test_a_torn_tail_is_cut_at_every_byte(make: Make, tmp_path: Path) -> None:
    window = make()
    window.document.add(line())
    window.put()
    whole = {}
    for n in range(3):
        window.document.rename(next(iter(window.document)).id, f"name {n}")
        window.put()
        (path,) = window.journal.folder.glob("journal-*.log")  # type: ignore[union-attr]
        whole[path.stat().st_size] = f"name {n}"
    folder = window.crash()
    content = path.read_bytes()
    first = min(whole)
    for end in range(first, len(content) + 1):
        path.write_bytes(content[:end])
        found = replay(folder)
        assert found.entries_in_order[0]["tree"]["name"] == whole[max(s for s in whole if s <= end)]
        assert (found.behind == 0) == (end in whole)
    path.write_bytes(content[: first + 5])
    assert load(folder, job=Job(), host=HOST).problems[0].startswith("The end of the journal was damaged")


def test_damage_anywhere_is_cut_and_said_or_refused(make: Make) -> None:
    window = make()
    window.document.add(line())
    for n in range(4):
        window.document.rename(next(iter(window.document)).id, f"name {n}")
        window.put()
    folder = window.crash()
    (path,) = folder.glob("journal-*.log")
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content), 200):
        broken = bytearray(content)
        broken[place] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(broken))
        try:
            found = load(folder, job=Job(), host=HOST)
        except ReadError:
            assert [c.fault for c in crashed(folder.parent)] == ["has no record that can be read"]
        else:
            assert found.problems and all(i.name.startswith("name") for i in found.items)


def test_a_broken_new_generation_falls_back_on_the_old_one(make: Make) -> None:
    window = make()
    window.document.add(line("kept"))
    window.put()
    folder = window.crash()
    (folder / "journal-000009.log").write_bytes(HEADER + frame({"kind": "begin"})[:-1])
    (folder / "journal-000010.part").write_bytes(b"half")
    found = load(folder, job=Job(), host=HOST)
    assert [i.name for i in found.items] == ["kept"] and found.problems


def test_generations_replace_each_other_and_drop_what_is_not_needed(make: Make) -> None:
    window = make(limit=1)
    first, second = mesh(20_000, 1), mesh(20_000, 2)
    window.document.add(first)
    window.put()
    window.document.add(second)
    window.put()
    window.document.remove(first.id)
    for n in range(30):
        window.document.rename(second.id, f"name {n}")
        window.put()
    folder = window.journal.folder
    assert folder is not None
    (path,) = folder.glob("journal-*")
    assert path.name > "journal-000002.log"
    assert len(list(folder.glob("blobs/*"))) == 1
    same(load(window.crash(), job=Job(), host=HOST).items, window.document)


def test_large_data_hold_nothing_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "AT_ONCE", 100_000)
    monkeypatch.setattr(entries, "SLICE", 1 << 18)
    flushed: list[int] = []
    window = make()
    window.document.add(line("small"))
    window.put()
    real = entries.flush

    def slow(handle: int) -> None:
        time.sleep(0.02)
        flushed.append(window.number)
        real(handle)

    monkeypatch.setattr(entries, "flush", slow)
    pixels = np.asfortranarray(np.random.default_rng(0).normal(size=(700, 600, 3)))
    window.document.add(Item(new_id(), "large", Image(pixels)))
    window.put(settle=False)
    while not flushed:
        time.sleep(0.005)
    small = next(iter(window.document))
    window.document.rename(small.id, "renamed meanwhile")
    window.put(settle=False)
    end = time.monotonic() + 20
    while True:  # the name is there before the array
        found = replay(window.journal.folder)  # type: ignore[arg-type]
        if found.entries[small.id]["tree"]["name"] == "renamed meanwhile":
            break
        assert time.monotonic() < end
        time.sleep(0.005)
    assert len(found.entries) == 1
    assert window.journal.settle(30) and len(flushed) > 20
    found2 = load(window.crash(), job=Job(), host=HOST)
    assert not found2.problems
    same(found2.items, window.document)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_very_large_array_waits_for_a_quiet_moment(
    make: Make, monkeypatch: pytest.MonkeyPatch, order: Any
) -> None:
    monkeypatch.setattr(writer, "AT_ONCE", 100_000)
    monkeypatch.setattr(writer, "LARGE", 1_000_000)
    monkeypatch.setattr(writer, "QUIET", 3600.0)
    monkeypatch.setattr(writer, "LATEST", 7200.0)
    monkeypatch.setattr(entries, "SLICE", 1 << 18)
    told: list[tuple[int, bool]] = []
    window = make(on_written=lambda number, everything: told.append((number, everything)))
    window.document.add(line("small"))
    window.put()
    pixels = np.random.default_rng(0).normal(size=(700, 600, 3)).astype(order=order, dtype=np.float64)
    window.document.add(Item(new_id(), "large", Image(pixels)))
    small = next(iter(window.document))
    for name in ("renamed", "and again"):
        window.document.rename(small.id, name)
        window.put(settle=False)
        wanted = (window.number, False)  # its own edit is there, the state as a whole is not
        until(lambda wanted=wanted: wanted in told)  # type: ignore[misc]
    folder = window.journal.folder
    assert folder is not None
    found = replay(folder)
    assert [e["tree"]["name"] for e in found.entries.values()] == ["and again"]
    assert not list(folder.glob("blobs/*")) and not any(whole for n, whole in told if n > 1)
    # A smaller one does not wait, though one that does is before it.
    window.document.add(mesh(20_000, 1))
    window.put(settle=False)
    until(lambda: len(replay(folder).entries) == 2)
    assert len(list(folder.glob("blobs/*"))) == 1
    # Whoever has to know that all is there need not wait for quiet.
    assert window.journal.settle(30) and told[-1] == (window.number, True)
    found2 = load(window.crash(), job=Job(), host=HOST)
    assert not found2.problems
    same(found2.items, window.document)


def test_changes_without_a_pause_do_not_keep_a_large_array_for_ever(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "AT_ONCE", 1000)
    monkeypatch.setattr(writer, "LARGE", 1000)
    monkeypatch.setattr(writer, "QUIET", 3600.0)
    monkeypatch.setattr(writer, "LATEST", 0.2)
    window = make()
    small = line("small")
    window.document.add(small)
    window.put()
    large = mesh(100_000)
    window.document.add(large)
    end = time.monotonic() + 20
    folder = window.journal.folder
    assert folder is not None
    while large.id not in replay(folder).entries:
        assert time.monotonic() < end
        window.document.rename(small.id, f"name {window.number}")
        window.put(settle=False)
        time.sleep(0.002)


def test_a_large_array_is_written_when_nothing_changes_any_more(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "AT_ONCE", 1000)
    monkeypatch.setattr(writer, "LARGE", 1000)
    monkeypatch.setattr(writer, "QUIET", 0.1)
    told: list[tuple[int, bool]] = []
    window = make(on_written=lambda number, everything: told.append((number, everything)))
    window.document.add(mesh(100_000))
    window.put(settle=False)
    until(lambda: (window.number, True) in told)
    assert (window.number, False) in told


def test_an_item_that_is_closed_while_it_is_written_is_forgotten(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "AT_ONCE", 1000)
    monkeypatch.setattr(entries, "SLICE", 1 << 16)
    window = make()
    for n in range(6):
        window.document.add(mesh(100_000, n))
        window.put(settle=False)
        time.sleep(0.02)
        window.document.undo()
        window.put(settle=False)
    assert window.journal.settle(30)
    assert not load(window.crash(), job=Job(), host=HOST).items


def test_a_saved_session_keeps_what_it_holds(make: Make, tmp_path: Path) -> None:
    window = make()
    window.document.add(mesh(30_000, 1), mesh(30_000, 2))
    window.put()
    one, two = window.document
    folder = save_session(list(window.document), {}, tmp_path / "work", job=Job())
    window.base = Base(folder, window.document)
    window.document.mark_clean()
    window.put()
    assert not list(window.journal.folder.glob("blobs/*"))  # type: ignore[union-attr]
    window.document.rename(one.id, "later")
    window.document.set_data(two.id, mesh(30_000, 3).data)
    window.put()
    home = window.crash()
    same(load(home, job=Job(), host=HOST).items, window.document)
    # Somebody saves over it: the copy before it holds the data still.
    save_session([line("another's")], {}, folder, job=Job())
    same(load(home, job=Job(), host=HOST).items, window.document)
    save_session([line("another's")], {}, folder, job=Job())
    found = load(home, job=Job(), host=HOST)
    assert [i.name for i in found.items] == [two.name]
    assert "later is left out" in found.problems[0] and "saved again since" in found.problems[0]


def test_a_full_disk_is_told_once_and_got_over(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY", 0.02)
    window = make()
    window.document.add(line("first"))
    window.put()
    real = writer.flush
    full = [True]

    def flush(handle: int) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(writer, "flush", flush)
    for n in range(5):
        window.document.add(line(f"while full {n}"), mesh(20_000, n))
        window.put(settle=False)
        time.sleep(0.05)
    assert not window.journal.settle(0.2)
    assert window.troubles == ["there is no room left on the disk"]
    assert len(replay(window.journal.folder).entries) >= 1  # type: ignore[arg-type]
    full[0] = False
    assert window.journal.settle(20)
    assert window.troubles[-1] == "" and len(window.troubles) == 2
    same(load(window.crash(), job=Job(), host=HOST).items, window.document)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs to mount a tmpfs")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        monkeypatch.setattr(writer, "RETRY", 0.02)
        window = Window(small / "recovery")
        window.document.add(line("before"))
        window.put()
        (small / "filler").write_bytes(b"x" * (900 << 10))
        big = mesh(60_000, 1)
        window.document.add(big)
        window.put(settle=False)
        end = time.monotonic() + 20
        while not window.troubles:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert window.troubles == ["there is no room left on the disk"]
        assert [e["tree"]["name"] for e in replay(window.journal.folder).entries.values()] == ["before"]  # type: ignore[arg-type]
        (small / "filler").unlink()
        assert window.journal.settle(20) and window.troubles[-1] == ""
        same(load(window.crash(), job=Job(), host=HOST).items, window.document)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_folder_that_is_removed_is_made_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setattr(writer, "RETRY", 0.02)
    window = make()
    window.document.add(line("first"), mesh(20_000))
    window.put()
    assert window.journal.folder is not None
    shutil.rmtree(window.journal.folder.parent)
    window.document.add(line("second"))
    window.put(settle=False)
    end = time.monotonic() + 20
    while not (len(window.troubles) == 2 and window.journal.settle(1)):
        assert time.monotonic() < end
    same(load(window.crash(), job=Job(), host=HOST).items, window.document)


def test_nothing_is_held_alive(make: Make) -> None:
    import gc
    import weakref

    window = make()
    item = mesh(20_000)
    window.document.add(item)
    window.put()
    ref = weakref.ref(item.data)
    del item
    window.document = Document()
    window.put()
    gc.collect()
    assert ref() is None


def test_what_cannot_be_written_leaves_the_others(make: Make) -> None:
    window = make()
    window.journal.put(State((line("kept"), Item(new_id(), "odd", object())), 1, 1, False))
    assert window.journal.settle()
    assert [i.name for i in load(window.crash(), job=Job(), host=HOST).items] == ["kept"]


def test_a_damaged_array_leaves_the_others(make: Make) -> None:
    window = make()
    window.document.add(mesh(20_000), line("kept"))
    window.put()
    folder = window.crash()
    (blob,) = folder.glob("blobs/*")
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(bytes(content))
    found = load(folder, job=Job(), host=HOST)
    assert [i.name for i in found.items] == ["kept"]
    assert "mesh 0 is left out" in found.problems[0] and "damaged" in found.problems[0]


def test_a_record_names_no_file_elsewhere(make: Make, tmp_path: Path) -> None:
    window = make()
    window.document.add(mesh(20_000))
    window.put()
    folder = window.crash()
    (path,) = folder.glob("journal-*.log")
    records, _ = read_frames(path)
    np.save(tmp_path / "secret.npy", np.zeros((20_000, 3), np.float32))
    for record in records:
        for entry in record["set"].values():
            entry["data"]["arrays"][0]["blob"] = "../../../secret.npy"
    path.write_bytes(HEADER + b"".join(frame(r) for r in records))
    found = load(folder, job=Job(), host=HOST)
    assert not found.items and "outside" in found.problems[0]


# -- folders -----------------------------------------------------------------------------------------------------


def test_a_live_window_is_left_alone(make: Make, tmp_path: Path) -> None:
    window = make()
    window.document.add(line())
    window.put()
    folder = window.journal.folder
    assert folder is not None
    assert not crashed(folder.parent)
    assert take(folder, patience=0.0) is None and not remove(folder) and folder.exists()
    window.crash()
    assert [c.path for c in crashed(folder.parent)] == [folder]
    taken = take(folder)
    assert taken is not None
    assert not crashed(folder.parent) and take(folder, patience=0.0) is None
    taken.release()
    assert remove(folder) and not crashed(folder.parent)


def test_what_was_saved_is_not_offered(make: Make, tmp_path: Path) -> None:
    window = make()
    window.document.add(line())
    window.document.mark_clean()
    window.base = Base(tmp_path / "work.equiscope", window.document)
    window.put()
    folder = window.crash()
    assert not crashed(folder.parent)
    tidy(folder.parent, now=time.time() + 3600)
    assert not folder.exists()


def test_skipped_stays_for_a_while(make: Make) -> None:
    window = make()
    window.document.add(line())
    window.put()
    folder = window.crash()
    tidy(folder.parent, now=time.time() + 400 * 86400)
    assert folder.exists(), "nobody has been asked yet"
    skip(folder)
    assert [c.skipped for c in crashed(folder.parent)] == [True]
    tidy(folder.parent, now=time.time() + (KEPT_DAYS - 1) * 86400)
    assert folder.exists()
    tidy(folder.parent, now=time.time() + (KEPT_DAYS + 1) * 86400)
    assert not folder.exists()


def test_another_window_that_has_the_session_is_found(make: Make, tmp_path: Path) -> None:
    session = save_session([line()], {}, tmp_path / "work", job=Job())
    window, other = make(), make()
    window.base = Base(session, ())
    window.put()
    other.put()
    parent, own, others = tmp_path / "recovery", window.journal.folder, other.journal.folder
    assert open_elsewhere(parent, session, [others])
    assert not open_elsewhere(parent, session, [own])
    assert not open_elsewhere(parent, tmp_path / "another.equiscope", [others])
    window.crash()
    assert not open_elsewhere(parent, session, [others])


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_others_on_the_machine_cannot_look_into_it(make: Make) -> None:
    window = make()
    window.put()
    folder = window.journal.folder
    assert folder is not None
    assert [p.stat().st_mode & 0o077 for p in (folder, folder.parent)] == [0, 0]


def test_half_made_folders_go(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    (tmp_path / ".new-half").mkdir()
    (tmp_path / ".gone-half").mkdir()
    tidy(tmp_path)
    assert (tmp_path / ".new-half").exists()
    tidy(tmp_path, now=time.time() + 7200)
    assert sorted(p.name for p in tmp_path.iterdir()) == [home.path.name]
    home.remove()
    assert not list(tmp_path.iterdir())


def test_a_window_that_died_before_its_first_record_is_nothing(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    (home.path / "journal-000001.part").write_bytes(HEADER)
    home.release()
    assert not crashed(tmp_path)
    tidy(tmp_path, now=time.time() + 3600)
    assert not home.path.exists()
