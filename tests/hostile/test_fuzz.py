"""Every reader under damaged files: a few hundred cases each in `make test`, an hour of them in `make soak`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.plugins import PluginHost
from tests.hostile.fuzz import ROOT, Fuzzer, Tally, run

CASES = 30
GROUPS = ("checkpoints", "graphs", "images", "markups", "scans", "signals", "volumes", "own")
OWN = ("session", "record", "settings", "presets")


@pytest.fixture(scope="module")
def fuzzer() -> Iterator[Fuzzer]:
    """The process that opens the files; it has read every sound one when it says that it is ready."""
    made = Fuzzer()
    yield made
    made.close()


def test_every_reader_has_a_sound_file(fuzzer: Fuzzer) -> None:
    readers = {r.id for r in PluginHost(safe=True).readers}
    assert readers <= set(fuzzer.targets)
    assert set(OWN) <= set(fuzzer.targets)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("group", GROUPS)
def test_damaged_files_are_read_or_refused_in_one_sentence(fuzzer: Fuzzer, group: str) -> None:
    """What `tests.hostile.judge` objects to: other exceptions, crashes, hangs, memory, files written, talk."""
    chosen = [
        n for n, t in enumerate(fuzzer.targets) if (t in OWN if group == "own" else t.startswith(f"{group}."))
    ]
    tally = Tally()
    run(fuzzer, ((n, case) for n in chosen for case in range(CASES)), float("inf"), tally, None)
    assert not tally.found, "\n".join(f"{a['done']}: {a['faults']}" for a in tally.found[:10])
    assert sum(c.cases for c in tally.counts.values()) == CASES * len(chosen)
    for target, count in tally.counts.items():  # the damage is neither idle nor deadly
        assert count.refused or target == "settings", target
        assert count.opened, target


def test_a_fault_would_be_found(tmp_path: Path) -> None:
    """The judge means something: it sees a raised error, a written file, talk, and a sentence that names nothing."""
    code = """
import pathlib, sys
from tests.hostile.judge import Judge
place = pathlib.Path(sys.argv[1])
judge = Judge(place)
class Bad:
    id, sniff, read = "bad.bad", "", "bad"
def read(path, *, job):
    if path.name == "raise": raise KeyError("x")
    if path.name == "write": (path.parent / "new").write_text("x")
    if path.name == "talk": print("hello")
    if path.name == "peek": open("/etc/passwd").read()
    if path.name == "mute":
        from core.errors import UserError
        raise UserError("It cannot be done")
    from core.data import Loaded, Table
    return [Loaded("a", Table({"x": [1]}))]
judge._sniff = lambda *_: None
judge.host.get = lambda *_: Bad
judge.host.resolve = lambda _: read
import core.opening
core.opening.describe_reader = lambda *_: None
import core.analyses
core.analyses.validate = core.analyses.call_arguments = lambda *_: {}
for name in ("fine", "raise", "write", "talk", "peek", "mute"):
    judge.lay({name: b"1"})
    print(name, judge.judge("bad.bad", judge.case / name).faults, flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "place")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert said["fine"] == "[]", done.stderr
    assert "KeyError" in said["raise"] and "printed" in said["talk"] and "/etc/passwd" in said["peek"]
    assert "for writing" in said["write"] and "changed files" in said["write"]
    assert "names no file" in said["mute"] and "no end" in said["mute"]


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_an_hour_of_damaged_files(capsys: pytest.CaptureFixture[str]) -> None:
    """EQUISCOPE_FUZZ_SECONDS and EQUISCOPE_FUZZ_PROCESSES change how long and how many; the table says what was tried."""
    seconds = os.environ.get("EQUISCOPE_FUZZ_SECONDS", "3600")
    processes = os.environ.get("EQUISCOPE_FUZZ_PROCESSES", "2")
    command = [sys.executable, "-m", "tests.hostile.fuzz", "--seconds", seconds, "--processes", processes]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    with capsys.disabled():
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stderr[-2000:]
