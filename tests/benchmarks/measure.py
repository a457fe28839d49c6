"""What the benchmarks share: running a program and reading its CPU, wall time and peak memory; tables."""

from __future__ import annotations

import compileall
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Usage:
    """One run of a program: wall and CPU seconds (with its children), peak resident memory in MiB."""

    wall: float
    cpu: float
    memory: float
    output: str


def run(
    arguments: Sequence[str], environment: dict[str, str] | None = None, *, without: Sequence[str] = ()
) -> Usage:
    """Run a program to its end; `without` names variables that it must not inherit.

    Every program runs from compiled modules, as it does for a user: whoever forbids Python to write them would measure
    the compiler on our side alone, since what pip installs is compiled already.

    Raises `RuntimeError` with its complaint if it fails."""
    inherited = {k: v for k, v in os.environ.items() if k not in (*without, "PYTHONDONTWRITEBYTECODE")}
    _compile()
    wall = time.perf_counter()
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env={**inherited, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments}: exit {process.returncode}\n{output}")
    return Usage(time.perf_counter() - wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


@cache
def _compile() -> None:
    """Our modules as byte code, once a run of the benchmarks."""
    for folder in ("app", "core", "plugins", "resources", "tests/benchmarks"):
        compileall.compile_dir(ROOT / folder, quiet=2)


def interleaved(programs: dict[str, Callable[[], Usage]], rounds: int = 5) -> dict[str, list[Usage]]:
    """Each program once a round, in turn, so that a busy moment of the machine hits all of them."""
    out: dict[str, list[Usage]] = {name: [] for name in programs}
    for program in programs.values():  # caches warm
        program()
    for _ in range(rounds):
        for name, program in programs.items():
            out[name].append(program())
    return out


def median(runs: Sequence[Usage], what: str) -> float:
    """The median of one figure."""
    return statistics.median(getattr(u, what) for u in runs)


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def machine_line() -> str:
    """The machine, in one line, and how busy it is."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            cpu = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = os.getloadavg()[0]
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    memory = "" if limit == resource.RLIM_INFINITY else f", address space {limit / 2**30:.0f} GiB"
    return f"{cpu}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, load {load:.1f}{memory}"
