"""`equiscope batch` as a user types it: killed, stopped, resumed, and what it says."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli import _jobs, run
from core.batch import DONE, FAILED, holder, read_manifest, read_progress

Make = Callable[..., list[Path]]


def until(ready: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def states(out: Path) -> dict[str, str]:
    return {n: s.state for n, s in read_progress(out).cases.items()}


def lines_of(out: Path) -> list[dict[str, Any]]:
    found = []
    for line in (out / "done.jsonl").read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def test_the_same_numbers_and_hashes_as_run(make_cases: Make, equiscope: Any, tmp_path: Path) -> None:
    files = make_cases("work", "work", "refuse", "work")
    out = tmp_path / "out"
    options = ("--factor", "2", "--seed", "5", "--threads", "1")
    done = equiscope("batch", "cohort.measure", "in", "--out", out, *options, "--workers", "2", code=1)
    assert "Measure: 3 of 4 cases done" in done.stdout and "c3" in done.stdout.splitlines()[0]
    assert "c3: This one has no middle; choose another." in done.stderr
    assert "1 of 4 cases failed" in done.stderr.splitlines()[-1]
    equiscope("run", "cohort.measure", files[1], "--out", tmp_path / "alone", *options)
    ours, alone = (json.loads((f / "record.json").read_text()) for f in (out / "c2", tmp_path / "alone"))
    for key in ("outputs", "values", "parameters", "seed", "threads", "device", "versions"):
        assert ours[key] == alone[key], key
    assert (out / "c2" / "result.json").read_bytes() == (tmp_path / "alone" / "result.json").read_bytes()
    assert "the same" in equiscope("replay", out / "c2").stdout
    # Once more, from what is in the folder: nothing is left to do but the one that failed.
    files[2].write_text("work 3.0\n")
    again = equiscope("batch", "--resume", "out", "--retry-failed", "--json")
    assert json.loads(again.stdout)["done"] == 4 and json.loads(again.stdout)["failed"] == 0
    assert json.loads((out / "c3" / "record.json").read_text())["seed"] == 5


def test_killed_at_any_moment_it_goes_on_from_there(make_cases: Make, equiscope: Any, tmp_path: Path) -> None:
    """SIGKILL of the driver, again and again; nothing that was done is done twice, nothing is half there."""
    make_cases(*(["work"] * 11), "refuse")
    out = tmp_path / "out"
    rng = random.Random(20261124)
    command = ("batch", "cohort.measure", "in", "--out", "out", "--workers", "2", "--wait", "0.15")
    kills = 0
    settled: set[str] = set()
    while kills < 5:
        driver = equiscope(*command, wait=False)
        until(lambda driver=driver: driver.poll() is not None or holder(out) is not None)  # type: ignore[misc]
        time.sleep(rng.uniform(0.0, 0.7))
        driver.kill()
        driver.communicate()
        kills += 1
        assert holder(out) is None  # the lock goes with its holder
        now = {n for n, s in states(out).items() if s in (DONE, FAILED)}
        assert settled <= now
        settled = now
        for name in settled - {"c12"}:
            assert json.loads((out / name / "result.json").read_text())["draw"]
            assert read_progress(out).cases[name].record
    equiscope(*command, code=1)
    found = Counter(states(out).values())
    assert found == {DONE: 11, FAILED: 1}
    ends = Counter(line["case"] for line in lines_of(out) if line.get("state") in (DONE, FAILED))
    assert set(ends.values()) == {1}, "a case that was done was done again"
    assert {p.name for p in out.iterdir() if p.is_dir()} == {f"c{n}" for n in range(1, 12)}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_it_cleanly(
    make_cases: Make, equiscope: Any, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    files = make_cases("work", "forever", "work")
    out, log = tmp_path / "out", tmp_path / "log"
    command = ("batch", "cohort.measure", "in", "--out", "out", "--workers", "1", "--log", log)
    driver = equiscope(*command, wait=False)
    until(lambda: states(out).get("c1") == DONE and log.exists() and "tick" in log.read_text())
    driver.send_signal(number)
    said = driver.communicate(timeout=30)[1]
    assert driver.returncode == code and "Traceback" not in said
    assert "stopped; 2 cases are left; run the same command again to go on" in said
    size = log.stat().st_size
    assert sorted(p.name for p in out.iterdir() if not p.name.startswith(".")) == [
        "batch.json",
        "c1",
        "done.jsonl",
        "summary.csv",
    ]
    time.sleep(0.3)
    assert log.stat().st_size == size  # the case that ran has stopped, too
    files[1].write_text("work 1.0\n")
    assert "3 of 3" in equiscope(*command).stdout


def test_wrong_use_and_refusals_are_one_line(
    make_cases: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_cases("work")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    for arguments, code, words in (
        (("in", "--out", "o", "--factor", "500"), 2, "at most 100"),
        (("--out", "o"), 2, "name inputs"),
        (("in", "--out", "o", "--same", "table"), 2, "--same is NAME=INPUT"),
        (("empty", "--out", "o"), 1, "holds no file that anything here opens"),
        (("in", "--out", "file"), 1, "file is no folder; choose another folder"),
        (("in", "--out", "full"), 1, "full holds other files and no batch"),
        (("in", "--out", "o", "--dask", "nowhere"), 1, "nowhere is no address of a scheduler"),
    ):
        assert run(["batch", "cohort.measure", *arguments]) == code
        said = capfd.readouterr().err
        assert words in said and len(said.splitlines()) == 1, said
    assert run(["batch", "cohort.measur", "in", "--out", "o"]) == 2
    assert "There is no analysis" in capfd.readouterr().err
    assert run(["batch", "--resume", "empty"]) == 1
    assert "holds no batch" in capfd.readouterr().err
    _jobs.close()
    assert sorted(p.name for p in (tmp_path / "full").iterdir()) == ["mine.txt"]


def test_pairs_with_parameters_from_a_list(make_cases: Make, equiscope: Any, tmp_path: Path) -> None:
    make_cases("work", "work")
    (tmp_path / "pairs.csv").write_text(
        "first,second,weight\nin/c2.case,in/c1.case,2\nin/c2.case,in/c1.case,\n"
    )
    equiscope("batch", "cohort.pair", "--inputs", "pairs.csv", "--out", "out", "--workers", "1")
    cases = read_manifest(tmp_path / "out").cases
    assert [c.name for c in cases] == ["c2--c1", "c2--c1-2"]
    results = [json.loads((tmp_path / "out" / c.name / "result.json").read_text()) for c in cases]
    assert results[0]["difference"] == 2 * results[1]["difference"] != 0
