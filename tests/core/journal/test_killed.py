"""SIGKILL at random moments during edits, saves, checkpoints and recovery: what is on disk opens, and little is lost.

The victims are processes of their own without a window (`victim.py`); `tests/app/window/test_recovery_killed.py` does
the same to a whole program.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.journal.victim import digest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
ROOT = Path(__file__).resolve().parents[3]
TENTH = 0.1


class Killer:
    """Starts victims, kills them, and compares what they did with what is found afterwards."""

    def __init__(self, folder: Path) -> None:
        self.journals, self.session = folder / "recovery", folder / "work.equiscope"
        self.file = folder / "numbers.csv"
        self.file.write_text("name,x\na,1\nb,2\n")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.core.journal.victim", str(self.file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.digests = {digest(()): 0}
        """Of all states so far by number; numbers go on from victim to victim."""
        self.first = 0
        self.acknowledged = 0
        self.counts = {
            "rounds": 0,
            "edits": 0,
            "in a save": 0,
            "in recovery": 0,
            "before an edit": 0,
            "late": 0,
        }
        self.lags: list[float] = []
        self.lost: list[float] = []
        """Seconds that the oldest missing edit was old at the kill."""

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def _send(self, *words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def _lines(self) -> Iterator[list[str]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            words = line.rstrip("\n").split(" ", 3)
            assert words[0] != "F", json.loads(line[2:])
            if words[0] == "X":
                return
            yield words

    def round(self, rng: random.Random) -> None:
        """One victim: born, killed, and what it left looked at by a fresh process."""
        self.counts["rounds"] += 1
        self._send("edit", rng.randrange(1 << 30), self.journals, self.session, self.file)
        edits: dict[int, float] = {}
        state, base, killed = "in recovery", self.first, [0.0]
        acknowledged, pid = 0, 0
        timer: threading.Timer | None = None
        # From birth, which catches recoveries, or from the first edit.
        wanted = {"P"} if rng.random() < 0.35 else {"P", "R"}

        def kill() -> None:
            os.kill(pid, signal.SIGKILL)
            killed[0] = time.monotonic()

        for words in self._lines():
            if words[0] == "P":
                pid = int(words[1])
            wanted.discard(words[0])
            if not wanted and timer is None:
                timer = threading.Timer(rng.choice([0.05, 0.3, 0.6]) * rng.random() + 0.005, kill)
                timer.start()
            if words[0] == "E":
                number = base + int(words[1])
                edits[number] = float(words[2])
                self.digests[words[3]] = number
                self.first = number
                self.counts["edits"] += 1
            elif words[0] == "A":
                acknowledged = max(acknowledged, base + int(words[1]) if int(words[1]) else 0)
                if base + int(words[1]) in edits:
                    self.lags.append(float(words[2]) - edits[base + int(words[1])])
            elif words[0] in "STR":
                state = "in a save" if words[0] == "S" else "edits"
        assert timer is not None
        timer.join()
        if state != "edits":
            self.counts[state] += 1
        self.counts["before an edit"] += not edits
        self.acknowledged = max(self.acknowledged, acknowledged)
        self._send("check", self.journals, self.session)
        (answer,) = (words for words in self._lines() if words[0] == "C")
        found, problems = answer[1], " ".join(answer[2:])
        assert found != "unreadable", problems
        assert problems == "[]"
        assert found in self.digests, "what is on disk was never a state of the document"
        number = self.digests[found]
        assert number >= self.acknowledged, "what had been acknowledged is missing"
        missing = [killed[0] - when for n, when in edits.items() if n > number]
        if missing:
            self.lost.append(max(missing))
            self.counts["late"] += max(missing) > TENTH

    def report(self) -> str:
        """The counts, in words."""
        lags = sorted(self.lags) or [0.0]
        at = lambda q: f"{1000 * lags[min(len(lags) - 1, int(q * len(lags)))]:.0f}"  # noqa: E731
        counts = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        return (
            f"{counts}; ms from an edit to its acknowledgement: median {at(0.5)}, 95 % {at(0.95)}, 99 % {at(0.99)}, "
            f"most {1000 * lags[-1]:.0f}; oldest missing edit {1000 * max(self.lost, default=0):.0f} ms"
        )


def kill_often(folder: Path, rounds: int, seed: int) -> Killer:
    killer = Killer(folder)
    try:
        rng = random.Random(seed)
        for _ in range(rounds):
            killer.round(rng)
    finally:
        print(killer.report())
        killer.close()
    return killer


def test_twenty_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print()
        killer = kill_often(tmp_path, 20, 4)
    assert killer.counts["rounds"] == 20 and killer.counts["edits"] > 100


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_thousand_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print()
        killer = kill_often(tmp_path, 1000, 5)
    assert (
        killer.counts["rounds"] == 1000
        and killer.counts["in a save"] > 20
        and killer.counts["in recovery"] > 20
    )
