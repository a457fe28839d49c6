"""Running an analysis from its form: validation, the run, one undoable edit, what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel

from core.plugins import Analysis


def choose(window: Any, id: str) -> Any:
    """The form of an analysis, as from the menu."""
    window.commands[f"analyse.{id}"].trigger()
    assert window.analysis.form is not None
    return window.analysis.form


def test_the_form_follows_the_description(ready: Any) -> None:
    form = choose(ready, "fake.everything")
    assert list(form.fields) == ["level", "rounds", "method", "axis", "smooth", "mode"]
    assert form.values() == {
        "level": None,
        "rounds": 3,
        "method": "fast",
        "axis": [0.0, 0.0, 1.0],
        "smooth": False,
        "mode": "work",
    }
    assert form.chosen() == [ready.workbench.selected]
    assert ready.analysis.header.title.text() == "Everything"


def test_a_wrong_value_says_why_and_stops_the_run(ready: Any, qtbot: Any) -> None:
    form = choose(ready, "fake.everything")
    edit = form.fields["rounds"].edit
    edit.clear()
    qtbot.keyClicks(edit, "11")
    assert not form.run_button.isEnabled()
    assert form.fields["rounds"].reason.text() == "Rounds is at most 10, not 11"
    assert "at most 10" in form.run_button.toolTip()
    edit.clear()
    qtbot.keyClicks(edit, "2.5")
    assert "whole number" in form.fields["rounds"].reason.text()
    qtbot.mouseClick(form.reset_button, Qt.MouseButton.LeftButton)
    assert form.run_button.isEnabled() and form.values()["rounds"] == 3
    assert not form.fields["rounds"].reason.text()


def test_a_run_is_one_edit_with_all_its_results(ready: Any, helper: Any, qtbot: Any) -> None:
    form = choose(ready, "fake.everything")
    edits = len(ready.workbench.document._done)
    qtbot.mouseClick(form.run_button, Qt.MouseButton.LeftButton)
    helper.idle(ready)
    assert not ready.cards.cards
    assert helper.names(ready) == [
        *("tetra", "Everything of tetra", "Plane", "Plane (2)"),
        *("Curve", "Scatter", "Heatmap", "Histogram", "Table", "Course of the run"),
    ]
    group = ready.workbench.current
    assert group.name == "Everything of tetra" and group.record["analysis"] == "fake.everything"
    assert group.record["parameters"]["rounds"] == 3
    assert group.warnings == ("A warning to read.",)
    assert group.metadata["values"] == {"best": 0.5}
    assert len(ready.workbench.document._done) == edits + 1
    assert {i.name for i in ready.centre.grid.items} == {"tetra", "Plane", "Plane (2)"}
    ready.items.undo()
    assert helper.names(ready) == ["tetra"]
    ready.items.redo()
    assert len(helper.names(ready)) == 10


def test_the_results_panel_shows_every_kind(ready: Any, helper: Any, qtbot: Any) -> None:
    from PySide6.QtWidgets import QLabel

    from app.plots import FigureView, TableView

    form = choose(ready, "fake.everything")
    form.run_button.click()
    helper.idle(ready)
    words = [w.text() for w in ready.results.findChildren(QLabel)]
    assert "0.500 ± 0.010 mm" in words
    assert "All is well." in words and "A warning to read." in words
    shown = {type(f.output).__name__ for f in ready.results.findChildren(FigureView)}
    assert shown == {"Curve", "Scatter", "Heatmap", "Histogram"}
    assert len(ready.results.findChildren(TableView)) == 1
    (big,) = [w for w in ready.results.findChildren(QLabel) if w.property("role") == "big"]
    assert big.text() == "0.500 ± 0.010 mm", "the one number is shown large"


def test_plots_and_tables_are_written_as_csv(ready: Any, helper: Any, tmp_path: Path) -> None:
    choose(ready, "fake.everything").run_button.click()
    helper.idle(ready)
    items = {i.name: i for i in ready.workbench.document}
    ready.results.exports.write_numbers(items["Curve"].data, tmp_path / "curve.csv")
    ready.results.exports.write_numbers(items["Table"].data, tmp_path / "table.csv")
    assert len((tmp_path / "curve.csv").read_text().splitlines()) == 21
    assert (tmp_path / "table.csv").read_text().splitlines()[1].startswith("b,1")


def test_a_plot_of_the_tree_fills_the_centre(ready: Any, helper: Any, tmp_path: Path) -> None:
    choose(ready, "fake.everything").run_button.click()
    helper.idle(ready)
    curve = next(i for i in ready.workbench.document if i.name == "Curve")
    ready.workbench.select(curve.id)
    view = ready.centre.stack.currentWidget()
    assert type(view).__name__ == "FigureView"
    assert view.save_png(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_the_run_carries_seed_and_device(ready: Any, helper: Any, qtbot: Any) -> None:
    form = choose(ready, "fake.everything")
    form.seed.set_value(7)
    form.run_button.click()
    helper.idle(ready)
    assert ready.workbench.current.record["seed"] == 7
    assert ready.workbench.current.record["device"] == "cpu"


def test_a_refusal_is_one_sentence_without_traceback(ready: Any, helper: Any) -> None:
    form = choose(ready, "fake.everything")
    form.fields["mode"].set_value("refuse")
    form.run_button.click()
    helper.idle(ready)
    (card,) = ready.cards.cards
    assert card.problem.text == "The shape has no inside; close its holes first."
    assert not card.problem.details
    assert helper.names(ready) == ["tetra"]


def test_a_defect_has_details_to_copy(ready: Any, helper: Any) -> None:
    form = choose(ready, "fake.everything")
    form.fields["mode"].set_value("break")
    form.run_button.click()
    helper.idle(ready)
    (card,) = ready.cards.cards
    assert card.problem.text.startswith("Everything of tetra: ")
    assert "Traceback" in card.problem.details and "Traceback" not in card.problem.text
    card.copy()
    assert "boom" in QGuiApplication.clipboard().text()


def test_copies_repeat_the_run(ready: Any, files: dict[str, Path]) -> None:
    form = choose(ready, "fake.everything")
    form.fields["rounds"].set_value(5)
    form.command_button.click()
    command = QGuiApplication.clipboard().text()
    assert command.startswith("equiscope run fake.everything") and "--rounds 5" in command.replace("=", " ")
    assert str(files["mesh"]) in command
    form.python_button.click()
    assert "rounds=5" in QGuiApplication.clipboard().text()


def test_entries_say_why_they_are_grey(ready: Any) -> None:
    assert ready.commands["analyse.fake.everything"].isEnabled()
    two = ready.commands["analyse.fake.two"]
    assert not two.isEnabled() and two.toolTip() == "Needs another mesh to be open"
    lacking = ready.commands["analyse.fake.lacking"]
    assert not lacking.isEnabled() and "pip install something" in lacking.toolTip()
    isosurface = ready.commands["analyse.volumes.isosurface"]
    assert not isosurface.isEnabled() and "volume" in isosurface.toolTip()


def test_two_inputs_start_different_and_the_order_counts(
    ready: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    other = tmp_path / "other.ply"
    other.write_text(files["mesh"].read_text())
    helper.open(ready, other)
    form = choose(ready, "fake.two")
    assert len(set(form.chosen())) == 2
    form.run_button.click()
    helper.idle(ready)
    assert [e["name"] for e in ready.workbench.current.record["inputs"]] == [
        ready.workbench.document[i].name for i in form.chosen()
    ]


def test_without_an_input_the_form_says_what_to_open(ready: Any) -> None:
    form = choose(ready, "fake.everything")
    ready.items.close_item()
    assert not form.run_button.isEnabled()
    assert form.reason.text() == "Shape: open a mesh or point cloud first."
    ready.items.undo()
    assert form.run_button.isEnabled()


def test_a_run_is_repeated_from_its_record(ready: Any, helper: Any) -> None:
    form = choose(ready, "fake.everything")
    form.fields["rounds"].set_value(9)
    form.seed.set_value(4)
    form.run_button.click()
    helper.idle(ready)
    record = dict(ready.workbench.current.record)
    form.reset()
    ready.results.repeat_wanted.emit(record)
    assert ready.analysis.form.values()["rounds"] == 9
    assert ready.analysis.form.seed.value() == 4


def test_what_returns_after_the_session_was_closed_is_dropped(
    fake_plugin: Path, worker_window: Any, files: dict[str, Path], helper: Any
) -> None:
    window = worker_window
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    description = window.workbench.descriptions["fake.slow"]
    window.workbench.run(description, [window.workbench.selected], {"seconds": 0.3})
    window.workbench.new_session()
    helper.idle(window)
    assert not len(window.workbench.document)
    assert not window.cards.cards


def test_cancel_ends_a_job_and_shows_its_curve(
    fake_plugin: Path, worker_window: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    window = worker_window
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    choose(window, "fake.slow").run_button.click()
    task = window.workbench.tasks[-1]
    qtbot.waitUntil(
        lambda: len(task.curves.get("Time", [[]]).values) > 2 if task.curves else False, timeout=20_000
    )
    row = window.jobs.row_of(task)
    assert "Sleeping" in row.text.text() and "Time" in row._curves
    assert window.jobs.header.note.text() == "1 running"
    row.cancel.click()
    helper.idle(window, 10_000)
    assert task.state == "cancelled"
    assert row.state.text() == "cancelled"
    assert helper.names(window) == ["tetra"]
    assert not window.cards.cards, "what the user asked for is no error"


def test_previews_take_the_place_of_the_hint(
    fake_plugin: Path, worker_window: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    work = fake_plugin / "work.py"
    shown = 'job.preview(Number("Left", end - time.monotonic(), "s"))'
    work.write_text(work.read_text().replace('job.progress(0.5, "Sleeping")', shown))
    window = worker_window
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    hint = window.results._hint
    assert hint.isVisible()
    choose(window, "fake.slow").run_button.click()
    qtbot.waitUntil(lambda: window.results.running.isVisible(), timeout=20_000)
    assert not hint.isVisible()
    window.workbench.tasks[-1].cancel()
    helper.idle(window, 10_000)
    qtbot.waitUntil(lambda: hint.isVisible())


def test_a_worker_that_dies_is_a_card(
    fake_plugin: Path, worker_window: Any, files: dict[str, Path], helper: Any
) -> None:
    window = worker_window
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    form = choose(window, "fake.everything")
    form.fields["mode"].set_value("die")
    form.run_button.click()
    helper.idle(window)
    (card,) = window.cards.cards
    assert "killed" in card.problem.text and "nothing that is open is lost" in card.problem.text
    assert helper.names(window) == ["tetra"]
    form.fields["mode"].set_value("work")
    form._check()
    form.run_button.click()
    helper.idle(window)
    assert len(helper.names(window)) == 10, "the next job finds a new worker"


def test_a_plugins_panel_sees_the_document(ready: Any, files: dict[str, Path], helper: Any) -> None:
    from PySide6.QtWidgets import QLabel

    ready.commands["panel.fake.panel"].trigger()
    words = [w.text() for w in ready.docks["fake.panel"].findChildren(QLabel)]
    assert "1 open" in words
    helper.open(ready, files["table"])
    assert "2 open" in [w.text() for w in ready.docks["fake.panel"].findChildren(QLabel)]


def test_every_analysis_of_every_plugin_has_a_form(window: Any, helper: Any) -> None:
    window.workbench.load_descriptions()
    helper.idle(window)
    host = window.workbench.host
    for analysis in host.analyses:
        if host.missing(analysis):
            continue
        window.analysis.choose(host.get(analysis.id, Analysis))
        form = window.analysis.form
        for field in form.fields.values():
            if field.parameter.required:
                assert form.problem()
                field.set_value("something.py")
        assert set(form.values()) == {p.name for p in form.description.parameters}, analysis.id


def test_a_plot_among_the_results_exports_as_its_table(window: Any, helper: Any, tmp_path: Path) -> None:
    import numpy as np

    from app.window.adopt import plain_data
    from core.data import Table
    from core.document import Item
    from core.results import Curve

    plot = Item("p", "loss", Curve("loss", np.arange(3.0), {"train": np.ones(3)}, "step"))
    window.workbench.document.add(plot)
    assert isinstance(plain_data(plot), Table)
    window.workbench.export("p", str(tmp_path / "loss.csv"))
    helper.idle(window)
    assert (tmp_path / "loss.csv").read_text().splitlines()[0] == "step,train"


def test_the_record_of_a_run_on_edited_data_names_no_file(ready: Any, helper: Any) -> None:
    import numpy as np

    from core.data import Mesh

    document = ready.workbench.document
    (mesh,) = [i for i in document if isinstance(i.data, Mesh)]
    paths = []
    for _ in range(2):
        form = choose(ready, "fake.everything")
        form.run_button.click()
        helper.idle(ready)
        record = next(i.record for i in reversed(list(document)) if i.record is not None)
        paths.append(record["inputs"][0].get("path", ""))
        document.set_data(mesh.id, Mesh(np.asarray(mesh.data.points) * 2, mesh.data.faces))
    assert paths[0].endswith(".ply") and paths[1] == ""


def test_what_is_in_the_views_fits_a_narrow_dock(ready: Any, helper: Any) -> None:
    from app.forms.widgets import Card, elided

    form = choose(ready, "fake.everything")
    form.run_button.click()
    helper.idle(ready)
    cards = [
        c
        for c in ready.results._body.findChildren(Card)
        if any(w.text() == "In the views" for w in c.findChildren(QLabel))
    ]
    assert len(cards) == 1
    kinds = [w for w in cards[0].findChildren(elided) if w.text()]
    assert len(kinds) == 2, "what each of the two planes is"
    for each in kinds:
        each.setText("point cloud · 249 931 points with a very long description")
    assert cards[0].minimumSizeHint().width() < ready.analysis.minimumWidth()


def test_the_keyboard_stays_in_the_panel_when_its_form_goes(ready: Any) -> None:
    form = choose(ready, "fake.everything")
    form.run_button.setFocus()
    ready.analysis.choose(None)
    focus = ready.focusWidget()
    assert focus is ready.analysis or ready.analysis.isAncestorOf(focus)
