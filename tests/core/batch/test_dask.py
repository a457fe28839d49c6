"""A batch on a real scheduler with workers in processes of their own, some of which are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.batch import Batch, Count, Fatal, Found, LocalExecutor, Settings, read_progress
from core.batch._dask import DaskExecutor
from core.batch._remote import run_case
from core.jobs import WorkerRunner
from core.records import versions

Make = Callable[..., list[Path]]
ROOT = Path(__file__).resolve().parents[3]
PLAIN = {"factor": 1.0, "wait": 0.0, "log": ""}


class Cluster:
    """A scheduler and its workers, started as a user would start them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self._started: list[subprocess.Popen[bytes]] = []
        self._logs: list[Any] = []
        self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file)
        )
        self.workers: list[subprocess.Popen[bytes]] = []

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
            "DASK_TEMPORARY_DIRECTORY": str(self.folder),
        }
        log = open(self.folder / f"log{len(self._started)}", "wb")
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", *arguments]
        made = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.folder)
        self._started.append(made)
        self._logs.append(log)
        return made

    def add(self, count: int = 1) -> None:
        """Start workers with one thread each."""
        options = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--scheduler-file", str(self.file))
        self.workers += [self._start("dask_worker", *options) for _ in range(count)]

    @property
    def address(self) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                return str(json.loads(self.file.read_text())["address"])
            except (OSError, ValueError):
                time.sleep(0.05)
        raise AssertionError("no scheduler came up")

    @property
    def alive(self) -> list[subprocess.Popen[bytes]]:
        return [w for w in self.workers if w.poll() is None]

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
        for log in self._logs:
            log.close()


@pytest.fixture(scope="module")
def cluster(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers at first."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.add(2)
    yield made
    made.close()


def go(
    out: Path, files: list[Path], make: Callable[[Path], Any], tell: Callable[[Any], None], **parameters: Any
) -> Count:
    with Batch(out) as batch:
        asked, _ = batch.ask(
            Settings("cohort.measure", "Measure", {**PLAIN, **parameters}), [Found((str(f),)) for f in files]
        )
        chosen, _ = batch.choose(asked)
        executor = make(out)
        try:
            return batch.run(asked, chosen, executor, stop=threading.Event(), tell=tell)
        finally:
            executor.close()


def test_a_worker_killed_half_way_costs_nothing(cluster: Cluster, make_cases: Make, tmp_path: Path) -> None:
    files = make_cases(*(["work"] * 8), "refuse")
    killed: list[int] = []
    told: list[Any] = []

    def tell(what: Any) -> None:
        told.append(what)
        if isinstance(what, Count) and what.done >= 3 and not killed:
            assert len(cluster.alive) == 2
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    def on_dask(out: Path) -> DaskExecutor:
        executor = DaskExecutor(cluster.address, threads=1, folder=out)
        end = time.monotonic() + 60
        while executor.slots < 2 and time.monotonic() < end:
            executor._look()
            time.sleep(0.05)
        assert executor.slots == 2
        return executor

    count = go(tmp_path / "dask", files, on_dask, tell, wait=0.3)
    assert killed and (count.done, count.failed) == (8, 1)
    assert not [t for t in told if isinstance(t, str)], told
    assert any(t.running for t in told if isinstance(t, Count))
    progress = read_progress(tmp_path / "dask")
    assert progress.cases["c9"].error == "This one has no middle; choose another."
    # The same as on this machine, to the last bit.
    runner = WorkerRunner(workers=2, threads=1)
    go(tmp_path / "local", files, lambda _out: LocalExecutor(runner, 2), lambda _what: None, wait=0.3)
    for n in range(1, 9):
        ours, theirs = (
            json.loads((tmp_path / f / f"c{n}" / "record.json").read_text()) for f in ("local", "dask")
        )
        for record in (ours, theirs):
            del record["started"], record["seconds"]
        assert ours == theirs
    assert sorted(p.name for p in (tmp_path / "dask").iterdir() if p.is_dir()) == [
        f"c{n}" for n in range(1, 9)
    ]


def test_a_case_that_kills_its_workers_fails_alone(
    cluster: Cluster, make_cases: Make, tmp_path: Path
) -> None:
    cluster.add(3 - len(cluster.alive))
    files = make_cases("work", "kill-parent", "work", "die", "work")
    told: list[Any] = []
    count = go(
        tmp_path / "out",
        files,
        lambda out: DaskExecutor(cluster.address, threads=1, folder=out),
        told.append,
        log=str(tmp_path / "log"),
    )
    progress = read_progress(tmp_path / "out")
    assert (count.done, count.failed) == (3, 2)
    assert progress.cases["c2"].error.startswith("Its worker died 2 times, most likely for want of memory")
    # A crash of the analysis alone is not the death of the worker.
    assert progress.cases["c4"].error.startswith(
        "Its process was killed, most likely for want of memory, 2 times"
    )
    assert Counter((tmp_path / "log").read_text().split())["kill-parent"] == 2
    assert len(cluster.alive) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_case_runs_on_that_nobody_waits_for(
    cluster: Cluster, make_cases: Make, equiscope: Any, tmp_path: Path, how: signal.Signals
) -> None:
    if not cluster.alive:
        cluster.add()
    make_cases("work", "forever", "work")
    log = tmp_path / "log"
    command = ("batch", "cohort.measure", "in", "--out", "out", "--dask", cluster.address, "--log", log)
    driver = equiscope(*command, wait=False)
    end = time.monotonic() + 60
    while not (log.exists() and "tick" in log.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    driver.send_signal(how)
    said = driver.communicate(timeout=30)[1]
    if how is signal.SIGINT:
        assert driver.returncode == 130 and "stopped; 2 cases are left" in said and "Traceback" not in said
    still = -1
    while still != log.stat().st_size and time.monotonic() < end:
        still = log.stat().st_size
        time.sleep(1.0)
    assert still == log.stat().st_size
    if how is signal.SIGINT:
        return
    (tmp_path / "in" / "c2.case").write_text("work 1.0\n")
    done = equiscope(*command)
    assert "3 of 3 cases done" in done.stdout and not done.stderr


def test_a_worker_that_will_not_do_refuses_and_says_why(make_cases: Make, tmp_path: Path) -> None:
    file = make_cases("work")[0]
    case = {"analysis": "cohort.measure", "paths": [str(file)], "parameters": {}, "out": str(tmp_path / "o")}
    other = {**versions(), "equiscope": "9.9"}
    assert "and this is 9.9; install the same version" in run_case(case, 1, other, str(tmp_path))["refused"]
    blind = run_case(case, 1, versions(), str(tmp_path / "elsewhere"))
    assert "does not see the folder elsewhere" in blind["refused"] and "share" in blind["refused"]
    ran = run_case({**case, "device": "cpu", "seed": 0}, 1, {**versions(), "numpy": "0.1"}, str(tmp_path))
    assert not ran["error"] and ran["record"] and list(ran["differ"]) == ["numpy"]


def test_without_dask_or_a_scheduler_it_says_what_to_do(tmp_path: Path, plugin: Path) -> None:
    with pytest.raises(Fatal, match=r"No scheduler answers at tcp://127\.0\.0\.1:9 \(Connection refused\)"):
        DaskExecutor("tcp://127.0.0.1:9", threads=1, folder=tmp_path)
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from pathlib import Path; from core.batch._dask import DaskExecutor\n"
        "DaskExecutor('tcp://127.0.0.1:9', threads=1, folder=Path('.'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "UserError: This needs dask: pip install 'equiscope[cluster]'" in done.stderr
