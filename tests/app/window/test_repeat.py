"""A run repeated from its record: from the result, and from a record.json whose inputs are opened again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

ROOT = Path(__file__).resolve().parents[3]


def ready(make_window: Any, helper: Any, *paths: Path) -> Any:
    window = make_window()
    if paths:
        helper.open(window, *paths)
    window.workbench.load_descriptions()
    helper.idle(window)
    return window


@pytest.fixture
def record(fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path) -> Path:
    """The folder of a run of "Two" on two files, the second of them before the first."""
    second = tmp_path / "second.ply"
    second.write_bytes(files["mesh"].read_bytes())
    window = ready(make_window, helper, files["mesh"], second)
    ids = {i.name: i.id for i in window.workbench.document}
    description = window.workbench.descriptions["fake.two"]
    window.workbench.run(description, [ids["second"], ids["tetra"]], {}, seed=5)
    helper.idle(window)
    window.workbench.export_result(window.results.group, tmp_path / "run")
    helper.idle(window)
    return tmp_path / "run"


def test_a_result_is_repeated_with_its_own_inputs(
    fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    second = tmp_path / "second.ply"
    second.write_bytes(files["mesh"].read_bytes())
    window = ready(make_window, helper, files["mesh"], second)
    ids = [i.id for i in window.workbench.document]
    description = window.workbench.descriptions["fake.two"]
    window.workbench.run(description, ids[::-1], {}, seed=9)
    helper.idle(window)
    window.analysis.choose(None)
    window.results.repeat_wanted.emit(dict(window.workbench.current.record))
    form = window.analysis.form
    assert form.chosen() == ids[::-1] and form.seed_value() == 9


def test_a_record_opens_its_inputs_and_shows_its_form(record: Path, make_window: Any, helper: Any) -> None:
    window = ready(make_window, helper)
    window.repeater.repeat_file(record / "record.json")
    helper.idle(window)
    form = window.analysis.form
    names = [window.workbench.document[i].name for i in form.chosen()]
    assert names == ["second", "tetra"] and form.seed_value() == 5
    assert not window.cards.cards
    form.run_button.click()
    helper.idle(window)
    again = window.workbench.current.record
    before = json.loads((record / "record.json").read_text())
    assert again["outputs"] == before["outputs"] and again["values"] == before["values"]
    window.repeater.repeat_file(record)
    helper.idle(window)
    assert helper.names(window).count("tetra") == 1, "what is open is not opened twice"


def test_an_input_that_is_gone_is_named(record: Path, make_window: Any, helper: Any, tmp_path: Path) -> None:
    (tmp_path / "second.ply").unlink()
    window = ready(make_window, helper)
    window.repeater.repeat_file(record / "record.json")
    helper.idle(window)
    (card,) = window.cards.cards
    assert "second is not open and was not found" in card.problem.text
    form = window.analysis.form
    assert not form.run_button.isEnabled(), "nothing else is taken in its place"
    assert form.reason.text() == "First: choose a mesh first."


@pytest.mark.parametrize(
    ("content", "words"),
    [("{}", "is not a record of a run"), (None, "cannot be read")],
)
def test_what_is_no_record_is_refused(window: Any, tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "record.json"
    if content is not None:
        path.write_text(content)
    window.repeater.repeat_file(path)
    (card,) = window.cards.cards
    assert words in card.problem.text


def test_a_record_of_an_analysis_that_is_not_here(record: Path, make_window: Any, helper: Any) -> None:
    path = record / "record.json"
    plain = json.loads(path.read_text())
    path.write_text(json.dumps({**plain, "analysis": "nobody.knows"}))
    window = ready(make_window, helper)
    window.repeater.repeat_file(path)
    helper.idle(window)
    assert any("nobody.knows is not installed" in c.problem.text for c in window.cards.cards)


def test_a_record_with_odd_values_shows_the_defaults_and_says_so(
    fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    window = ready(make_window, helper, files["mesh"])
    description = window.workbench.descriptions["fake.everything"]
    window.workbench.run(description, [window.workbench.selected], {"rounds": 5})
    helper.idle(window)
    window.workbench.export_result(window.results.group, tmp_path / "run")
    helper.idle(window)
    path = tmp_path / "run" / "record.json"
    plain = json.loads(path.read_text())
    odd = {"rounds": "many", "axis": [1], "method": "magic", "smooth": 3}
    path.write_text(json.dumps({**plain, "parameters": {**plain["parameters"], **odd}}))
    window.repeater.repeat_file(path)
    helper.idle(window)
    values = window.analysis.form.values()
    assert (values["rounds"], values["axis"], values["method"], values["smooth"]) == (
        3,
        [0, 0, 1],
        "fast",
        False,
    )
    (card,) = window.cards.cards
    assert all(word in card.problem.text for word in ("Rounds", "Axis", "Method", "Smooth"))


def test_the_copies_run(window: Any, files: dict[str, Path], helper: Any, tmp_path: Path) -> None:
    """ "Copy as command" and "Copy as Python" do what they say, in a process of their own."""
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    window.commands["analyse.symmetry.reflections"].trigger()
    form = window.analysis.form
    form.set_values({"max_planes": 2, "samples": 1000, "threshold": None}, 3)
    window.commands.refresh()
    window.commands["run.copy-python"].trigger()
    python = QGuiApplication.clipboard().text()
    window.commands["run.copy-command"].trigger()
    command = QGuiApplication.clipboard().text()
    assert command.startswith("equiscope run symmetry.reflections") and command.endswith("--out out")
    import os
    import shlex

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "app", *shlex.split(command)[1:]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    written = json.loads((tmp_path / "out" / "record.json").read_text())
    assert written["seed"] == 3 and written["parameters"]["max_planes"] == 2
    done = subprocess.run(
        [sys.executable, "-c", python],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "'planes'" in done.stdout, done.stderr


def test_what_an_analysis_does_is_told_in_its_own_words(
    window: Any, files: dict[str, Path], helper: Any
) -> None:
    from PySide6.QtWidgets import QApplication, QLabel, QPushButton

    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    window.commands["analyse.symmetry.reflections"].trigger()
    (toggle,) = [b for b in window.analysis.findChildren(QPushButton) if b.text() == "About this analysis"]
    toggle.click()
    QApplication.processEvents()
    words = "\n".join(
        w.text() for w in window.analysis.findChildren(QLabel) if w.isVisibleTo(window.analysis)
    )
    assert "Every mirror plane of an object contains its centroid" in words
    assert "Zabrodsky" in words and words.count("Zabrodsky") == 1
    assert "<b>Minimum score</b>" in words and "From 0 to 1." in words
