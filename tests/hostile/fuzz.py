"""The fuzzer seen from outside: `python -m tests.hostile.fuzz --seconds 3600 --processes 2`.

Mutations of every small sound file go through their readers in processes that are watched from here; what a
verdict objects to, a crash or a hang is printed and its files are kept under `--keep`. The last lines are a table:
cases, opened, refused, worst time and worst memory of each reader.
"""

from __future__ import annotations

import argparse
import collections
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HANG = 60.0
"""Wall seconds without an answer after which a case counts as hanging; CPU time has its own, smaller bound."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Count:
    """Of one reader."""

    cases: int = 0
    opened: int = 0
    refused: int = 0
    faults: int = 0
    seconds: float = 0.0
    memory: int = 0

    def add(self, answer: dict[str, Any]) -> None:
        """One more verdict."""
        self.cases += 1
        self.opened += answer["outcome"] == "opened"
        self.refused += answer["outcome"] == "refused"
        self.faults += bool(answer["faults"])
        self.seconds = max(self.seconds, answer["seconds"])
        self.memory = max(self.memory, answer["memory"])


@dataclass
class Tally:
    """Of a whole run: counts by reader and everything that was found."""

    counts: dict[str, Count] = field(default_factory=lambda: collections.defaultdict(Count))
    found: list[dict[str, Any]] = field(default_factory=list)

    def table(self) -> str:
        """As text."""
        lines = [
            f"{'reader':24} {'cases':>8} {'opened':>8} {'refused':>8} {'faults':>7} {'worst s':>8} {'worst MB':>9}"
        ]
        total = Count()
        for name, c in sorted(self.counts.items()):
            lines.append(
                f"{name:24} {c.cases:8} {c.opened:8} {c.refused:8} {c.faults:7} {c.seconds:8.2f} {c.memory / 1e6:9.1f}"
            )
            total.cases, total.opened, total.refused = (
                total.cases + c.cases,
                total.opened + c.opened,
                total.refused + c.refused,
            )
            total.faults += c.faults
            total.seconds, total.memory = max(total.seconds, c.seconds), max(total.memory, c.memory)
        lines.append(
            f"{'all':24} {total.cases:8} {total.opened:8} {total.refused:8} {total.faults:7} {total.seconds:8.2f} {total.memory / 1e6:9.1f}"
        )
        return "\n".join(lines)


class Fuzzer:
    """One worker process, started again whenever it dies."""

    def __init__(self, only: str = "", hang: float = HANG) -> None:
        self.only = only
        self.hang = hang
        self.seeds: list[str] = []
        self.targets: list[str] = []
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.worker", self.only],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, args=(self._process, self._lines), daemon=True).start()
        while True:
            line = self._lines.get(timeout=300)
            if line is None:
                raise RuntimeError("the fuzzer's process does not start")
            said = json.loads(line)
            if "broken" in said:
                raise AssertionError(f"a sound file is refused or misread: {said}")
            if "ready" in said:
                self.seeds, self.targets = said["ready"], said["targets"]
                return

    @staticmethod
    def _listen(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def try_case(self, seed: str, case: int) -> dict[str, Any]:
        """The verdict of one case; a crash and a hang are verdicts too."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"seed": seed, "case": case}) + "\n")
        self._process.stdin.flush()
        while True:
            try:
                line = self._lines.get(timeout=self.hang)
            except queue.Empty:
                self.close()
                self._start()
                return _gone(seed, case, f"hangs for more than {self.hang:g} s")
            if line is None:
                code = self._process.wait()
                self.close()
                self._start()
                return _gone(seed, case, f"ended the process ({code})")
            said: dict[str, Any] = json.loads(line)
            if "done" in said:
                return said

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    pass


def _gone(seed: str, case: int, fault: str) -> dict[str, Any]:
    asked = {"seed": seed, "case": case}
    return {
        "done": asked,
        "outcome": "broken",
        "sentence": "",
        "faults": [fault],
        "seconds": HANG,
        "memory": 0,
    }


def run(
    fuzzer: Fuzzer, cases: Iterator[tuple[int, int]], until: float, tally: Tally, keep: Path | None
) -> None:
    """Cases (index of the seed, number) until they or the time end."""
    for index, number in cases:
        if time.monotonic() > until:
            return
        answer = fuzzer.try_case(fuzzer.seeds[index], number)
        tally.counts[fuzzer.targets[index]].add(answer)
        if answer["faults"]:
            tally.found.append(answer)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                with open(keep / "found.jsonl", "a") as file:
                    file.write(json.dumps(answer) + "\n")


def _endless(seeds: int, start: int, step: int) -> Iterator[tuple[int, int]]:
    number = start
    while True:
        for index in range(seeds):
            yield index, number
        number += step


def main() -> int:
    """The soak: prints the table; 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--first", type=int, default=1000, help="number of the first case (the tests use those below)"
    )
    parser.add_argument("--only", default="", help="only seeds or readers whose name contains this")
    parser.add_argument("--keep", type=Path, default=Path("out/hostile"))
    parser.add_argument("--hang", type=float, default=HANG, help="wall seconds after which a case hangs")
    asked = parser.parse_args()
    tally = Tally()
    until = time.monotonic() + asked.seconds
    fuzzers = [Fuzzer(asked.only, asked.hang) for _ in range(asked.processes)]

    def work(n: int, fuzzer: Fuzzer) -> None:
        cases = _endless(len(fuzzer.seeds), asked.first + n, asked.processes)
        run(fuzzer, cases, until, tally, asked.keep)

    threads = [threading.Thread(target=work, args=(n, f), daemon=True) for n, f in enumerate(fuzzers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for fuzzer in fuzzers:
        fuzzer.close()
    for answer in tally.found[:200]:
        print(answer["done"], answer["faults"])
    print(tally.table())
    return 1 if tally.found else 0


if __name__ == "__main__":
    sys.exit(main())
