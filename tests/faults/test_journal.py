"""The journal on a disk that loses what was not flushed, that refuses, and whose bits turn."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import Markup, Mesh, content_hash
from core.display import default_display
from core.document import Document, Item
from core.errors import ReadError
from core.jobs import Job
from core.journal import Base, Journal, State, crashed, load, replay
from core.journal import _writer as writer
from core.plugins import PluginHost
from core.session import load as load_session
from core.session import save
from tests.conftest import Tried
from tests.faults.disk import Crash, Disk, Refusing
from tests.faults.test_lost_writes import found, root

HOST = PluginHost(folders=[])
__all__ = ["found", "root"]


def mesh(id: str, n: int = 4) -> Item:
    points = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
    data = Mesh(points, np.array([[0, 1, 2]], np.int32))
    return Item(id, f"mesh {n}", data, display=default_display(data))


def line(id: str, *points: float) -> Item:
    data = Markup("line", [[0, 0, 0], [1, 2, 3], *([p, 0, 0] for p in points)])
    return Item(id, f"line {id}", data, display=default_display(data))


class Window:
    """A document, its journal, and every state that was put into it."""

    def __init__(self, parent: Path, **how: Any) -> None:
        self.parent = parent
        self.journal = Journal(parent, **how)
        self.document = Document()
        self.base: Base | None = None
        self.states: list[list[str]] = [[]]
        self.journal.start()

    def put(self, *, settle: bool = True) -> None:
        self.states.append(hashes(self.document))
        number = len(self.states) - 1
        clean = self.document.is_clean
        self.journal.put(State(tuple(self.document), number, number, clean, "edit", self.base))
        if settle:
            assert self.journal.settle(), self.journal.trouble

    def steps(self) -> list[Callable[[], object]]:
        """Changes of every sort: small and large data, new generations, removal, order."""
        d = self.document
        return [
            lambda: d.add(line("a"), Item("g", "group")),
            lambda: d.rename("a", "ü"),
            lambda: d.add(mesh("m", 4000)),
            lambda: d.set_transform("m", np.diag([1.0, 2, 3, 1])),
            lambda: d.move("a", "g", 0),
            lambda: d.set_data("a", line("a", *range(1500)).data),
            lambda: d.add(line("b"), mesh("k", 5000)),
            lambda: d.remove("m"),
            lambda: d.set_data("a", line("a", 5.0).data),
            lambda: d.undo(),
        ]


def hashes(items: Any) -> list[str]:
    return [content_hash(replace(i, source=None, edited=False)) for i in items]


def recovered(parent: Path) -> list[list[str]]:
    """What the next start can offer, without anything missing."""
    out = []
    for one in crashed(parent):
        assert not one.fault, one
        session = load(one.path, job=Job(), host=HOST)
        assert all("end of the journal" in p for p in session.problems), session.problems
        out.append(hashes(session.items))
    return out


def check(crash: Crash, parent: Path, states: list[list[str]]) -> None:
    """No acknowledged state is missing, and nothing is offered that never was."""
    last = max((n for n in crash.acks if isinstance(n, int)), default=0)
    offered = recovered(parent)
    assert len(offered) <= 1, crash
    if not offered:
        assert last == 0, f"state {last} is lost: {crash}"
    else:
        assert offered[0] in states[last:], f"older than state {last}, or never there: {crash}"


def crash_everywhere(root: Path, found: Callable[[Crash], Path], limit: int, most: int) -> int:
    with Disk(root) as disk:
        window = Window(root / "recovery", limit=limit)
        for number, step in enumerate(window.steps(), 1):
            step()
            window.put()
            disk.ack(number)
        assert window.journal.close(remove=False, timeout=20)
    count = 0
    for crash in disk.crashes(most=most):
        check(crash, found(crash) / "recovery", window.states)
        count += 1
    return count


LIMITS = pytest.mark.parametrize("limit", [1 << 20, 2000], ids=["one generation", "many generations"])


@LIMITS
def test_no_flushed_state_is_lost(
    root: Path, found: Callable[[Crash], Path], limit: int, tried: Tried
) -> None:
    count = crash_everywhere(root, found, limit, 5)
    tried("states of a disk after a crash, journal", count)
    assert count > 300


@LIMITS
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_flushed_state_is_lost_in_thousands(
    root: Path, found: Callable[[Crash], Path], limit: int, tried: Tried
) -> None:
    tried("states of a disk after a crash, journal", crash_everywhere(root, found, limit, 200))


def test_with_a_session_saved_in_between(root: Path, found: Callable[[Crash], Path], tried: Tried) -> None:
    """Data that the session holds are only named: both together give back every edit."""
    with Disk(root) as disk:
        window = Window(root / "recovery")
        for number, step in enumerate(window.steps(), 1):
            step()
            window.put()
            disk.ack(number)
            if number in (3, 7):
                folder = save(list(window.document), {}, root / "s", job=Job())
                window.document.mark_clean()
                window.base = Base(folder, tuple(window.document))
                disk.ack(("saved", number))
                window.put()
                window.states.pop()
        assert window.journal.close(remove=False, timeout=20)
    count = 0
    for crash in disk.crashes(most=6, torn=False):
        place = found(crash)
        last = max((n for n in crash.acks if isinstance(n, int)), default=0)
        saved = max((n[1] for n in crash.acks if not isinstance(n, int)), default=0)
        offered = []
        for one in crashed(place / "recovery"):
            MOVED[str(root)] = str(place)
            session = load(one.path, job=Job(), host=HOST)
            assert all("end of the journal" in p for p in session.problems), (session.problems, crash)
            offered.append(hashes(session.items))
        if (place / "s.equiscope").exists() or (place / "s.equiscope.bak").exists() or saved:
            session = load_session(place / "s.equiscope", job=Job(), host=HOST)
            offered.append(hashes(session.items))
        assert last == 0 or any(o in window.states[last:] for o in offered), f"state {last} is lost: {crash}"
        count += 1
    tried("states of a disk after a crash, journal", count)


MOVED: dict[str, str] = {}
"""The journal names its session by an absolute path, and the copy of the disk lies elsewhere."""


@pytest.fixture(autouse=True)
def sessions_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.journal import _read

    replay = _read.replay

    def moved(folder: Path) -> Any:
        out = replay(folder)
        for old, new in MOVED.items():
            if out.session.startswith(old):
                out = replace(out, session=new + out.session[len(old) :])
        return out

    MOVED.clear()
    monkeypatch.setattr(_read, "replay", moved)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EIO], ids=lambda e: errno.errorcode[e])
def test_refused_at_any_moment_nothing_flushed_is_lost(
    root: Path, error: int, tried: Tried, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY", 0.01)
    monkeypatch.setattr(writer, "GAP", 0.0)
    for number in range(0, 400, 9):
        home = root / str(number)
        home.mkdir()
        with Refusing(home, number, error) as disk:
            window = Window(home / "recovery", limit=2000)
            flushed = 0
            for step in window.steps():
                step()
                window.put(settle=False)
                window.journal.settle(0.3 if not disk.refused else 0.02)
                if not window.journal.trouble and not disk.refused:
                    flushed = len(window.states) - 1
            over = not disk.refused
        tried("refused writes", 1 if not over else 0)
        if not over:
            offered = recovered_of(home / "recovery", window)
            assert any(o in window.states[flushed:] for o in offered) or not flushed, number
            # The disk takes something again: all that is open comes onto it.
            window.put(settle=False)
            assert window.journal.settle(10), window.journal.trouble
        assert window.journal.close(remove=False, timeout=20)
        assert window.states[-1] in recovered(home / "recovery"), number
        if over:
            break
    assert over and number > 30


def recovered_of(parent: Path, window: Window) -> list[list[str]]:
    """As if the window had died now."""
    out = []
    for folder in parent.iterdir() if parent.exists() else ():
        if not folder.name.startswith("."):
            try:
                out.append(hashes(load(folder, job=Job(), host=HOST).items))
            except ReadError:
                continue
    return out


# -- bits that turn --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[str]]]:
    """A crashed window's folder with one generation, and its states."""
    window = Window(tmp_path_factory.mktemp("bits") / "recovery")
    for step in window.steps():
        step()
        window.put()
    assert window.journal.close(remove=False, timeout=20)
    (folder,) = [p for p in window.parent.iterdir() if not p.name.startswith(".")]
    return folder, window.states


DAMAGE = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 1 << 20), st.just(0)),
    st.tuples(st.just("flip"), st.integers(0, 1 << 20), st.integers(0, 7)),
    st.tuples(st.just("zeros"), st.integers(0, 1 << 20), st.integers(1, 5000)),
    st.tuples(st.just("noise"), st.integers(0, 1 << 20), st.integers(1, 5000)),
    st.tuples(st.just("twice"), st.integers(0, 1 << 20), st.integers(1, 5000)),
)


def damaged(content: bytes, damage: tuple[str, int, int]) -> bytes:
    how, at, much = damage
    at %= len(content)
    if how == "cut":
        return content[:at]
    if how == "flip":
        return content[:at] + bytes([content[at] ^ 1 << much]) + content[at + 1 :]
    if how == "zeros":
        return content[:at] + bytes(much) + content[at + much :]
    if how == "noise":
        return content[:at] + np.random.default_rng(much).bytes(much) + content[at + much :]
    return content[: at + much] + content[at:]


def opens(folder: Path, states: list[list[str]]) -> bool:
    """Whether something comes back; it must be a state that was, or be refused or told in a sentence."""
    one = next(iter(crashed(folder.parent)), None)
    if one is None or one.fault:
        return False
    session = load(folder, job=Job(), host=HOST)
    assert all("\n" not in p and p.endswith(".") for p in session.problems)
    if not [p for p in session.problems if "end of the journal" not in p]:
        assert hashes(session.items) in states, "something that never was"
    return True


def trial(folder: Path, states: list[list[str]], name: str, damage: tuple[str, int, int]) -> bool:
    path = folder / name
    good = path.read_bytes()
    try:
        path.write_bytes(damaged(good, damage))
        return opens(folder, states)
    finally:
        path.write_bytes(good)


def property_of(rounds: int, journal: tuple[Path, list[list[str]]]) -> tuple[int, int]:
    folder, states = journal
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert len(names) > 3
    log = next(n for n in names if n.endswith(".log"))
    counts = [0, 0]

    @settings(max_examples=rounds, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from([log, log, *names]), DAMAGE)
    def never_wrong(name: str, damage: tuple[str, int, int]) -> None:
        if (folder / name).stat().st_size:
            counts[0] += 1
            counts[1] += trial(folder, states, name, damage)

    never_wrong()
    return counts[0], counts[1]


def test_damage_gives_a_state_that_was_or_a_sentence(
    journal: tuple[Path, list[list[str]]], tried: Tried
) -> None:
    total, opened = property_of(200, journal)
    assert opened > total // 2
    tried("damaged journals", total)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_damage_twenty_thousand_times(journal: tuple[Path, list[list[str]]], tried: Tried) -> None:
    tried("damaged journals", property_of(20_000, journal)[0])


def last_record(journal: tuple[Path, list[list[str]]], bits: int) -> int:
    """Cut the last record at every byte and turn `bits` bits in each: it is left out, the one before stands."""
    folder, states = journal
    (log,) = folder.glob("*.log")
    content = log.read_bytes()
    start, count = content.rindex(b"\xe5rec"), 0
    for at in range(start, len(content)):
        for damage in (("cut", at, 0), *(("flip", at, (at + bit) % 8) for bit in range(bits))):
            log.write_bytes(damaged(content, damage))
            found = replay(folder)
            assert found.last["number"] == len(states) - 2 and found.behind == log.stat().st_size - start
            count += 1
            if at % 40 == 0:
                assert hashes(load(folder, job=Job(), host=HOST).items) == states[-2]
    log.write_bytes(content)
    assert hashes(load(folder, job=Job(), host=HOST).items) == states[-1]
    return count


def test_the_last_record_damaged_at_every_byte(journal: tuple[Path, list[list[str]]], tried: Tried) -> None:
    tried("damaged journals", last_record(journal, 1))


@pytest.mark.soak
def test_the_last_record_damaged_at_every_bit(journal: tuple[Path, list[list[str]]], tried: Tried) -> None:
    tried("damaged journals", last_record(journal, 8))
