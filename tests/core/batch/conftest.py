"""A plugin whose cases do what a test needs, and a folder of them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import tasks

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = """
api = 1
id = "cohort"
title = "Cohort"

[[readers]]
id = "cohort.case"
title = "Case"
kind = "table"
patterns = ["*.case"]
read = "eqcohort.work:read"

[[readers]]
id = "cohort.other"
title = "Other"
kind = "image"
patterns = ["*.other"]
read = "eqcohort.work:read"

[[analyses]]
id = "cohort.measure"
title = "Measure…"
function = "eqcohort.work:measure"
inputs = [["table"]]

[[analyses]]
id = "cohort.pair"
title = "Pair…"
function = "eqcohort.work:pair"
inputs = [["table"], ["table"]]
"""
WORK = '''
import os
import signal
import time
from pathlib import Path
from typing import Annotated

import numpy as np

from core.analyses import Range
from core.data import Loaded, Table
from core.errors import ReadError, Refused
from core.jobs import Job
from core.results import Number, Result, ResultTable


def read(path, *, job):
    """Lines of "word number"."""
    words = path.read_text().split()
    if not words:
        raise ReadError(path, "is empty", "copy it again")
    return [Loaded(path.stem, Table({"do": np.array(words[::2]), "x": np.array(words[1::2], dtype=float)}))]


def measure(
    table: Table, *, factor: Annotated[float, Range(0, 100)] = 1.0, wait: float = 0.0, log: str = "", job: Job
) -> Result:
    """Measure a case."""
    do = str(table.columns["do"][0])
    if log:
        with open(log, "a") as file:
            file.write(f"{do}\\n")
    if do == "refuse":
        raise Refused("This one has no middle; choose another.")
    if do == "break":
        raise RuntimeError("boom")
    if do == "memory":
        raise MemoryError
    if do == "die" or (do == "die-once" and Path(log).read_text().count("die-once") < 2):
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "kill-parent":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(30)
    end = time.monotonic() + (60.0 if do == "forever" else wait)
    while time.monotonic() < end:
        job.progress(0.5)
        if do == "forever" and log:
            with open(log, "a") as file:
                file.write("tick\\n")
        time.sleep(0.02)
    x = table.columns["x"] * factor
    values = {"mean": float(x.mean()), "draw": float(job.rng.random()), "nested": {"pair": [1, 2.5], "ok": True}}
    return Result(
        values,
        (Number("Mean", float(x.mean()), "mm", 0.1), ResultTable("Values", Table({"x": x}))),
        ("Mind the gap.",),
    )


def pair(first: Table, second: Table, *, weight: float = 1.0, job: Job) -> Result:
    """Compare two cases."""
    return Result({"difference": weight * float(first.columns["x"].mean() - second.columns["x"].mean())})
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of plugins with "cohort" in it; this process and its children see it."""
    folder = tmp_path_factory.mktemp("plugins")
    package = folder / "eqcohort"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "plugin.toml").write_text(textwrap.dedent(MANIFEST))
    (package / "work.py").write_text(WORK)
    before = os.environ.get("EQUISCOPE_PLUGINS")
    os.environ["EQUISCOPE_PLUGINS"] = str(folder)
    tasks.host.cache_clear()
    yield folder
    if before is None:
        del os.environ["EQUISCOPE_PLUGINS"]
    else:
        os.environ["EQUISCOPE_PLUGINS"] = before
    tasks.host.cache_clear()
    sys.path[:] = [p for p in sys.path if p != str(folder)]
    for name in [m for m in sys.modules if m.partition(".")[0] == "eqcohort"]:
        del sys.modules[name]


@pytest.fixture
def make_cases(tmp_path: Path, plugin: Path) -> Callable[..., list[Path]]:
    """Writes NAME.case files whose first word says what is to happen: `make_cases("work", "die")`."""

    def make(*what: str, folder: str = "in") -> list[Path]:
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        out = []
        for number, word in enumerate(what, 1):
            path = place / f"c{number}.case"
            path.write_text(f"{word} {number}.0\nmore {number * number}.5\n" if word else "")
            out.append(path)
        return out

    return make


@pytest.fixture
def equiscope(tmp_path: Path, plugin: Path) -> Callable[..., Any]:
    """Runs a command line to its end, or starts it (`wait=False`)."""

    def run(*arguments: object, code: int | None = 0, wait: bool = True) -> Any:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "app", *map(str, arguments)]
        popen = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
        )
        if not wait:
            return popen
        out, err = popen.communicate(timeout=120)
        assert "Traceback" not in out + err, out + err
        assert code is None or popen.returncode == code, f"{popen.returncode}: {out}{err}"
        return subprocess.CompletedProcess(command, popen.returncode, out, err)

    return run
