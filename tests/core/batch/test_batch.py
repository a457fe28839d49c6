"""A batch in this process: the same as single runs, resumed, changed, refused, and whole whatever happens."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import tasks
from core.batch import (
    Batch,
    Case,
    Count,
    Ended,
    Follower,
    Found,
    LocalExecutor,
    Settings,
    holder,
    read_manifest,
)
from core.errors import UserError, WriteError
from core.jobs import InlineRunner, Job, WorkerRunner

Make = Callable[..., list[Path]]
PLAIN = {"factor": 1.0, "wait": 0.0, "log": ""}


def settings(**parameters: Any) -> Settings:
    return Settings("cohort.measure", "Measure", {**PLAIN, **parameters}, seed=7, default_threads=1)


def go(
    out: Path,
    files: list[Path],
    *,
    tell: Callable[[Any], None] = lambda _what: None,
    stop: threading.Event | None = None,
    retry_failed: bool = False,
    runner: Any = None,
    workers: int = 1,
    **parameters: Any,
) -> tuple[Count, list[str], list[str]]:
    """Run a batch: the count, the cases that were run now, and the remarks."""
    found = [Found((str(f),)) for f in files]
    with Batch(out) as batch:
        asked, remarks = batch.ask(settings(**parameters), found)
        chosen, more = batch.choose(asked, retry_failed=retry_failed)
        executor = LocalExecutor(runner or InlineRunner(threads=1), workers)
        try:
            count = batch.run(asked, chosen, executor, stop=stop or threading.Event(), tell=tell)
        finally:
            executor.close()
    return count, [c.name for c in chosen], remarks + more


def rows(out: Path) -> dict[str, dict[str, str]]:
    with open(out / "summary.csv", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def files_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_each_case_is_what_a_single_run_writes(make_cases: Make, tmp_path: Path) -> None:
    files = make_cases("work", "work", "work")
    runner = WorkerRunner(workers=2, threads=1)
    count, _, _ = go(tmp_path / "out", files, runner=runner, workers=2, factor=2.0)
    assert (count.done, count.failed, count.total) == (3, 0, 3)
    for path in files:
        alone = tmp_path / "alone" / path.stem
        job = Job(seed=7, threads=1)
        tasks.run_files(job, "cohort.measure", [str(path)], {"factor": 2.0}, str(alone))
        ours = tmp_path / "out" / path.stem
        assert files_in(ours) == files_in(alone)
        for name in files_in(alone):
            one, other = (alone / name).read_bytes(), (ours / name).read_bytes()
            if name != "record.json":
                assert one == other, name
                continue
            a, b = json.loads(one), json.loads(other)
            for record, folder in ((a, alone), (b, ours)):
                del record["started"], record["seconds"]
                # Relative to the folder of the case, not to that of its draft.
                assert (folder / record["inputs"][0].pop("path")).resolve() == path.resolve()
            assert a == b
        assert tasks.replay(Job(seed=7, threads=1), str(ours))["differences"] == []


def test_failures_have_reasons_and_stop_nothing(make_cases: Make, tmp_path: Path) -> None:
    files = make_cases("work", "refuse", "", "break", "memory", "work")
    files.append(tmp_path / "in" / "gone.case")
    told: list[Any] = []
    count, _, _ = go(tmp_path / "out", files, tell=told.append)
    assert (count.done, count.failed) == (2, 5)
    found = rows(tmp_path / "out")
    assert found["c2"]["error"] == "This one has no middle; choose another."
    assert found["c3"]["error"].startswith("c3.case is empty")
    assert found["c4"]["error"] == "The work broke off with an internal error (RuntimeError: boom)."
    assert found["c5"]["error"].startswith("There is not enough memory for it; run fewer cases at once")
    assert found["gone"]["error"] == "gone.case does not exist; check the path."
    assert found["c1"]["state"] == "done" and float(found["c1"]["mean"]) == 1.25
    assert float(found["c1"]["Mean (mm)"]) == 1.25 and found["c1"]["nested.pair.1"] == "2.5"
    ended = {w.case.name: w for w in told if isinstance(w, Ended)}
    assert "boom" in ended["c4"].details and not ended["c2"].details  # what is no refusal is worth a log
    assert files_in(tmp_path / "out") == sorted(
        [".lock", "batch.json", "done.jsonl", "summary.csv"]
        + [f"c{n}/{f}" for n in (1, 6) for f in ("Values.csv", "record.json", "result.json")]
    )


def test_a_crash_is_begun_once_more_and_then_is_a_failure(make_cases: Make, tmp_path: Path) -> None:
    files = make_cases("die", "die-once", "work")
    log = tmp_path / "log"
    told: list[Any] = []
    runner = WorkerRunner(workers=1, threads=1)
    count, _, _ = go(tmp_path / "out", files, runner=runner, log=str(log), tell=told.append)
    assert (count.done, count.failed) == (2, 1)
    # After all the others, when there may be more memory.
    assert log.read_text().split() == ["die", "die-once", "work", "die", "die-once"]
    assert "c2: Its process was killed, most likely for want of memory. It is run once more." in told
    words = "Its process was killed, most likely for want of memory, 2 times; run it with fewer workers"
    assert rows(tmp_path / "out")["c1"]["error"].startswith(words)


def test_the_same_command_again_does_what_is_missing(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work", "refuse", "work"), tmp_path / "out"
    go(out, files[:2])
    lines = (out / "done.jsonl").read_text()
    count, ran, remarks = go(out, files)
    assert (
        ran == ["c3"] and remarks == ["1 new case"] and (count.done, count.failed, count.total) == (2, 1, 3)
    )
    assert (out / "done.jsonl").read_text().startswith(lines)  # appended to, never changed
    count, ran, remarks = go(out, files[:1])
    assert (
        ran == []
        and count == Count(1, 1, 0, 0, 0.0)
        and remarks == ["2 cases of an earlier command stay as they are"]
    )
    # A case whose folder somebody has removed or changed is not done any more.
    (out / "c1" / "record.json").write_text("{}")
    assert go(out, files)[1] == ["c1"]
    assert json.loads((out / "c1" / "record.json").read_text())["seed"] == 7


def test_retry_failed_runs_these_and_no_others(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work", "refuse", "refuse", "work"), tmp_path / "out"
    go(out, files[:3])
    count, ran, remarks = go(out, files, retry_failed=True)
    assert ran == ["c2", "c3"] and count.failed == 2 and count.waiting == 1
    assert "1 case did not run yet; run without --retry-failed for these" in remarks


def test_an_input_that_has_changed_is_run_again_and_named(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work", "refuse", "work"), tmp_path / "out"
    go(out, files)
    os.utime(files[0], (1, 1))  # merely touched: its contents are what counts
    assert go(out, files)[1] == []
    files[1].write_text("work 5.0\n")
    files[2].write_text("refuse 5.0\n")
    count, ran, remarks = go(out, files)
    assert ran == ["c2", "c3"] and (count.done, count.failed) == (2, 1)
    assert remarks == ["the inputs of c2, c3 have changed since: run again"]
    assert not (out / "c3").exists()  # what its earlier contents gave is not the result of these
    files[0].write_text("work 9.0\n")
    assert go(out, files)[1] == ["c1"] and rows(out)["c1"]["mean"] == "9.0"


def test_another_batch_in_the_folder_is_refused(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work"), tmp_path / "out"
    go(out, files)
    before = (out / "batch.json").read_bytes()
    with pytest.raises(UserError, match=r"The batch in out has factor 1\.0, not 3\.0: run it as it began"):
        go(out, files, factor=3.0)
    with (
        Batch(out) as batch,
        pytest.raises(UserError, match=r"the analysis cohort\.measure, not cohort\.pair"),
    ):
        batch.ask(Settings("cohort.pair", "Pair", {}), [])
    with Batch(out) as batch, pytest.raises(UserError, match=r"seed 7, not 8; 1 threads a case, not 2"):
        batch.ask(Settings("cohort.measure", "Measure", PLAIN, seed=8, threads=2), [])
    assert (out / "batch.json").read_bytes() == before


def test_a_folder_that_will_not_do_is_refused(make_cases: Make, tmp_path: Path) -> None:
    files = make_cases("work")
    with pytest.raises(UserError, match="in holds other files and no batch"):
        Batch(tmp_path / "in")
    with pytest.raises(WriteError, match=r"c1\.case is no folder; choose another folder"):
        Batch(files[0])
    with pytest.raises(WriteError, match=r"below cannot be written to|below is no folder"):
        Batch(files[0] / "below")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "batch.json").write_text('{"analysis": 3}')
    with pytest.raises(UserError, match=r"batch\.json in out is damaged"):
        Batch(tmp_path / "out")
    (tmp_path / "out" / "batch.json").write_text('{"format": 99}')
    with pytest.raises(UserError, match="newer version"):
        Batch(tmp_path / "out")


def test_two_drivers_at_once_do_not_meet(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work"), tmp_path / "out"
    with Batch(out) as batch:
        batch.ask(settings(), [Found((str(files[0]),))])
        assert holder(out) == {"pid": os.getpid(), "host": os.uname().nodename}
        with pytest.raises(UserError, match=f"is being run by process {os.getpid()} on"):
            Batch(out)
    assert holder(out) is None
    assert go(out, files)[0].done == 1


def test_stopping_leaves_a_whole_batch(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work", "forever", "work"), tmp_path / "out"
    stop = threading.Event()

    def tell(what: Any) -> None:
        if isinstance(what, Count) and what.done == 1 and what.running:
            stop.set()

    count, _, _ = go(out, files, runner=WorkerRunner(workers=1, threads=1), stop=stop, tell=tell)
    assert (count.done, count.failed, count.waiting) == (1, 0, 2)
    assert sorted(p.name for p in out.iterdir()) == [".lock", "batch.json", "c1", "done.jsonl", "summary.csv"]
    assert rows(out)["c2"]["state"] == "waiting"
    files[1].write_text("work 1.0\n")
    assert go(out, files)[1] == ["c2", "c3"]


def test_what_a_crash_has_torn_is_done_again(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work", "work", "work"), tmp_path / "out"
    go(out, files)
    lines = (out / "done.jsonl").read_bytes().splitlines(keepends=True)
    last = next(n for n, line in enumerate(lines) if b'"c3"' in line and b'"done"' in line)
    (out / "done.jsonl").write_bytes(b"".join(lines[:last]) + lines[last][:40])
    (out / ".draft-dead-1").mkdir()
    (out / ".draft-dead-1" / "result.json").write_text("{")
    count, ran, _ = go(out, files)
    assert ran == ["c3"] and count.done == 3 and not (out / ".draft-dead-1").exists()
    assert go(out, files)[1] == []


def test_a_full_disk_stops_the_batch_and_fails_no_case(
    make_cases: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.batch import _progress

    files, out = make_cases("work", "work"), tmp_path / "out"
    sync, count = os.fsync, 0

    def full(file: int) -> None:
        nonlocal count
        if os.readlink(f"/proc/self/fd/{file}").endswith("done.jsonl"):
            count += 1
            if count == 2:  # the first is the driver's own line
                raise OSError(28, "No space left on device")
        sync(file)

    monkeypatch.setattr(_progress.os, "fsync", full)
    with pytest.raises(WriteError, match=r"done\.jsonl cannot be written \(No space left on device\)"):
        go(out, files)
    monkeypatch.undo()
    assert go(out, files)[0] == Count(2, 2, 0, 0, 0.0)


def test_the_follower_sees_what_the_driver_does(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work", "refuse", "work"), tmp_path / "out"
    seen: list[tuple[bool, dict[str, str]]] = []
    follower: Follower | None = None

    def tell(what: Any) -> None:
        nonlocal follower
        follower = follower or Follower(out)
        news = follower.look()
        assert not news.problem
        seen.append((news.live, {n: s.state for n, s in news.changed.items()}))

    go(out, files, tell=tell)
    assert seen[0] == (True, {"c1": "waiting", "c2": "waiting", "c3": "waiting"})
    assert any(state.get("c1") == "done" for _, state in seen[1:])
    assert all(len(state) <= 2 for _, state in seen[1:])  # only what is new
    assert follower is not None
    last = follower.look()
    assert not last.live and last.driver.ended == "done" and last.cases is None
    fresh = Follower(out).look()
    assert fresh.cases is not None and [c.name for c in fresh.cases] == ["c1", "c2", "c3"]
    assert {n: s.state for n, s in fresh.changed.items()} == {"c1": "done", "c2": "failed", "c3": "done"}
    assert "holds no batch" in Follower(tmp_path).look().problem


def test_the_manifest_names_inputs_relative_to_itself(make_cases: Make, tmp_path: Path) -> None:
    files, out = make_cases("work"), tmp_path / "out"
    odd = tmp_path / "in" / os.fsdecode(b"\xff\n odd.case")
    odd.write_text("work 2.0\n")
    go(out, [*files, odd])
    raw = json.loads((out / "batch.json").read_text())
    assert (
        raw["cases"][0]["inputs"] == ["../in/c1.case"]
        and str(tmp_path) not in (out / "batch.json").read_text()
    )
    assert str(tmp_path) not in (out / "done.jsonl").read_text()
    assert [c.inputs[0] for c in read_manifest(out).cases] == [str(files[0]), str(odd)]
    moved = tmp_path / "moved"
    os.rename(out, moved)
    assert go(moved, [*files, odd])[1] == []
    assert isinstance(read_manifest(moved).cases[0], Case)


def test_a_case_can_be_read_back(make_cases: Make, tmp_path: Path) -> None:
    from core.batch import read_run
    from core.plugins import PluginHost
    from core.results import Number, ResultTable

    go(tmp_path / "out", make_cases("work"), factor=2.0)
    found = read_run(tmp_path / "out" / "c1", job=Job(), host=PluginHost())
    number, table = found.result.outputs
    assert isinstance(number, Number) and (number.name, number.value, number.unit) == ("Mean", 2.5, "mm")
    assert isinstance(table, ResultTable) and table.table.columns["x"].tolist() == [2.0, 3.0]
    assert found.record["seed"] == 7 and found.result.warnings == ("Mind the gap.",)
    assert found.result.values["mean"] == 2.5 and "numbers" not in found.result.values
    with pytest.raises(UserError, match=r"record\.json cannot be read"):
        read_run(tmp_path / "out", job=Job(), host=PluginHost())
