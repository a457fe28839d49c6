"""SIGKILL of whole programs: offscreen windows with workers, killed while they edit, save and recover."""

from __future__ import annotations

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

from tests.core.journal.test_killed import ROOT, TENTH, Killer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Programs(Killer):
    """Kills programs instead of bare journals; what they leave is looked at in the same way."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        super().__init__(folder)
        self.files = files
        self.environment = os.environ | {
            "QT_QPA_PLATFORM": "offscreen",
            "EQUISCOPE_VIEWPORT": "image",
            "EQUISCOPE_STATE": str(self.journals.parent),
            "EQUISCOPE_CONFIG": str(folder / "config"),
        }
        self.environment.pop("EQUISCOPE_TEST", None)

    def round(self, rng: random.Random) -> None:
        self.counts["rounds"] += 1
        arguments = [str(rng.randrange(1 << 30)), str(self.session), *map(str, self.files)]
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.app.window.recovery_victim", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.environment,
        )
        assert program.stdout is not None and program.stderr is not None
        killed: list[float] = []
        timer = threading.Timer(60, program.kill)
        timer.start()
        edits, acknowledged, state = self._listen(program, rng, killed)
        timer.cancel()
        said = program.stderr.read()  # until the workers have gone as well
        program.stderr.close()
        program.stdout.close()
        assert program.wait() == -signal.SIGKILL and killed, said
        self.counts[state] += state != "edits"
        self.acknowledged = max(self.acknowledged, acknowledged)
        self._send("check", self.journals, self.session)
        (answer,) = (words for words in self._lines() if words[0] == "C")
        found, problems = answer[1], " ".join(answer[2:])
        assert problems == "[]", problems
        assert found in self.digests, "what is on disk was never a state of the document"
        number = self.digests[found]
        assert number >= self.acknowledged, "what had been acknowledged is missing"
        missing = [killed[0] - when for n, when in edits.items() if n > number]
        if missing:
            self.lost.append(max(missing))
            self.counts["late"] += max(missing) > TENTH

    def _listen(
        self, program: subprocess.Popen[str], rng: random.Random, killed: list[float]
    ) -> tuple[dict[int, float], int, str]:
        """Note what it says, and kill it a random while after it has begun."""
        edits: dict[int, float] = {}
        base, acknowledged, state = self.first, 0, "in recovery"
        timer: threading.Timer | None = None

        def kill() -> None:
            program.kill()
            killed.append(time.monotonic())

        for words in self._words(program):
            if timer is None:
                timer = threading.Timer(rng.choice([0.1, 1.0, 2.0]) * rng.random(), kill)
                timer.start()
            if words[0] == "E":
                number = base + int(words[1])
                edits[number] = float(words[2])
                self.digests[words[3]] = self.first = number
                self.counts["edits"] += 1
            elif words[0] == "A" and base + int(words[1]) in edits:
                acknowledged = base + int(words[1])
                self.lags.append(float(words[2]) - edits[acknowledged])
            elif words[0] in "PRS":
                state = {"P": "in recovery", "R": "edits", "S": "in a save"}[words[0]]
        if timer is not None:
            timer.join()
        return edits, acknowledged, state

    @staticmethod
    def _words(program: subprocess.Popen[str]) -> Iterator[list[str]]:
        assert program.stdout is not None
        for line in program.stdout:
            yield line.rstrip("\n").split(" ", 3)


def kill_programs(folder: Path, files: list[Path], rounds: int, seed: int) -> Programs:
    programs = Programs(folder, files)
    try:
        rng = random.Random(seed)
        for _ in range(rounds):
            programs.round(rng)
    finally:
        print(f"programs: {programs.report()}")
        programs.close()
    return programs


@pytest.mark.timeout(300)
def test_three_programs_killed(
    tmp_path: Path, files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print()
        killed = kill_programs(tmp_path, [files["mesh"], files["table"]], 3, 1)
    assert killed.counts["rounds"] == 3 and killed.counts["edits"] > 5


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_fifty_programs_killed(
    tmp_path: Path, files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print()
        killed = kill_programs(tmp_path, [files["mesh"], files["table"]], 50, 2)
    assert killed.counts["in a save"] + killed.counts["in recovery"] > 5
