"""Plots, tables and objects of one result: a click leads to the object, a selection is seen everywhere."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication

from app.plots import FigureView, TableView
from core.document import Item

WORK = """
import time
import numpy as np
from core import targets
from core.data import Checkpoint, Markup, Mesh, Table
from core.jobs import Job
from core.results import Curve, Heatmap, Histogram, Layer, Number, Result, ResultTable, Scatter, Text


def linked(shape: Mesh, *, job: Job) -> Result:
    \"\"\"Points with a table.\"\"\"
    x = np.arange(4.0)
    ways = (targets.layer("Mark"), targets.point(0, 2), targets.place(1, 2, 3), "")
    return Result({"n": 4}, (
        Layer("Mark", Markup("points", [[0.25, 0.5, 0.75]])),
        ResultTable("Rows", Table({"x": x, "y": x**2}), ways),
        Scatter("Points", x, x**2, targets=ways, table="Rows"),
        Histogram("Sizes", np.array([0.0, 2.0, 10.0]), np.array([2, 2]), table="Rows", column="y"),
        Curve("Line", x[::-1], {"y": x}, table="Rows", rows=[3, 2, 1, 0]),
        Number("One", 1.5, "mm", 0.25),
        Number("Two", 2.0),
    ))


def live(shape: Mesh, *, seconds: float = 60.0, job: Job) -> Result:
    \"\"\"Show what there is while it goes on.\"\"\"
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        n += 1
        job.progress(min(0.9, n / 1000), f"Round {n}")
        job.metric("loss", 1.0 / n, n)
        job.metric("score", 1.0 - 1.0 / n, n)
        if n % 5 == 1:
            x = np.arange(n + 1.0)
            job.preview(Curve("Growing", x, {"y": x}))
            job.preview(Number("So far", n / 2, "mm", 0.5))
            job.preview(Text("Words", f"Round {n}"))
            job.preview(ResultTable("Rows so far", Table({"n": x})))
            job.preview(Layer("Draft", Markup("points", [[0.0, 0.0, float(n)]])))
        time.sleep(0.01)
    return Result({}, (Number("Rounds", n),))
"""


@pytest.fixture
def linking_plugin(tmp_path: Path) -> Iterator[Path]:
    """A plugin whose results know their objects, and whose runs show what they do."""
    import sys

    from core import tasks

    folder = tmp_path / "plugins" / "eqlinks"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "work.py").write_text(WORK)
    entry = """
        [[analyses]]
        id = "links.{name}"
        title = "{title}…"
        menu = "Links"
        function = "eqlinks.work:{name}"
        inputs = [["mesh"]]
        """
    parts = [textwrap.dedent(entry).format(name=n, title=n.capitalize()) for n in ("linked", "live")]
    (folder / "plugin.toml").write_text("\n".join(['api = 1\nid = "links"\ntitle = "Links"', *parts]))
    tasks.host.cache_clear()
    yield folder
    tasks.host.cache_clear()
    sys.path[:] = [p for p in sys.path if p != str(folder.parent)]
    for name in [m for m in sys.modules if m.partition(".")[0] == "eqlinks"]:
        del sys.modules[name]


@pytest.fixture
def linked(linking_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any) -> Any:
    """A window with the result of "Linked"."""
    window = make_window()
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    description = window.workbench.descriptions["links.linked"]
    window.workbench.run(description, [window.workbench.selected], {})
    helper.idle(window)
    return window


def items(window: Any) -> dict[str, Item]:
    return {i.name: i for i in window.workbench.document}


def test_a_point_leads_to_its_layer_and_the_crosshair_goes_there(linked: Any) -> None:
    document = linked.workbench.document
    mark = items(linked)["Mark"]
    document.rename(mark.id, "Renamed")
    from dataclasses import replace

    document.set_display(mark.id, replace(mark.display, visible=False))
    linked.workbench.go_to(items(linked)["Points"].id, "layer:Mark")
    assert linked.workbench.selected == mark.id, "found by what it was, not by its name"
    assert document[mark.id].display.visible
    assert np.allclose(linked.centre.grid.cursor_position, (0.25, 0.5, 0.75))
    assert document.undo_label.startswith("Show"), "showing it can be undone"


def test_a_point_of_the_input_and_a_place(linked: Any) -> None:
    scatter = items(linked)["Points"]
    linked.workbench.go_to(scatter.id, scatter.data.targets[1])
    assert linked.workbench.current.name == "tetra"
    assert np.allclose(linked.centre.grid.cursor_position, (0, 1, 0))
    linked.workbench.go_to(scatter.id, scatter.data.targets[2])
    assert np.allclose(linked.centre.grid.cursor_position, (1, 2, 3))


def test_what_is_not_open_any_more_is_said(linked: Any, qtbot: Any) -> None:
    scatter = items(linked)["Points"]
    linked.workbench.document.remove(items(linked)["Mark"].id)
    with qtbot.waitSignal(linked.workbench.message) as said:
        linked.workbench.go_to(scatter.id, "layer:Mark")
    assert "not open" in said.args[0]


def test_one_selection_in_panel_and_centre(linked: Any) -> None:
    views = {v.output.name: v for v in linked.results.findChildren(FigureView)}
    (table,) = linked.results.findChildren(TableView)
    linked.workbench.select(items(linked)["Points"].id)
    large = linked.centre.figure
    assert large is not None and large.selection is views["Points"].selection is table.selection
    assert large.selection is not None
    table.view.selectRow(2)
    assert large.selection.rows.tolist() == [2]
    assert len(large.drawing._chosen.data) == 1
    assert views["Line"].drawing._marked.getData()[1].tolist() == [1.0], (
        "row 2 is the second sample of the line"
    )
    assert views["Sizes"].drawing._chosen.opts["y1"].tolist() == [0.0, 1.0]
    linked.commands.refresh()
    assert linked.commands["plot.clear-rows"].isEnabled()
    linked.commands["plot.clear-rows"].trigger()
    assert not table.selected_rows().size


def test_a_click_in_the_small_table_leads_on_and_the_result_stays(linked: Any, qtbot: Any) -> None:
    (table,) = linked.results.findChildren(TableView)
    table.view.clicked.emit(table.model.index(0, 0))
    qtbot.waitUntil(lambda: linked.workbench.current.name == "Mark")
    assert linked.results.group == items(linked)["Linked of tetra"].id


def test_commands_on_the_large_plot(linked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = linked.commands
    linked.workbench.select(items(linked)["tetra"].id)
    commands.refresh()
    assert commands["plot.svg"].toolTip() == "No plot is shown large"
    linked.workbench.select(items(linked)["Points"].id)
    commands.refresh()
    commands["plot.log-x"].trigger()
    assert linked.centre.figure.log_x
    commands.refresh()
    assert commands["plot.log-x"].isChecked()
    commands["plot.cursor-x2"].trigger()
    assert linked.centre.figure.cursors.mode == "x2"
    from PySide6.QtWidgets import QFileDialog

    for kind in ("png", "svg", "csv"):
        path = str(tmp_path / f"plot.{kind}")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, path=path, **_k: (path, ""))
        commands[f"plot.{kind}"].trigger()
        assert Path(path).stat().st_size > 20
    assert (tmp_path / "plot.csv").read_text().splitlines()[0] == "x,y"
    linked.workbench.select(items(linked)["Rows"].id)
    commands.refresh()
    assert commands["plot.csv"].isEnabled() and not commands["plot.png"].isEnabled()
    commands["plot.csv"].trigger()
    assert len((tmp_path / "plot.csv").read_text().splitlines()) == 5


def test_numbers_are_copied_and_the_whole_result_is_written(linked: Any, helper: Any, tmp_path: Path) -> None:
    import json

    linked.results.copy_numbers()
    assert QGuiApplication.clipboard().text() == "name\tvalue\terror\tunit\nOne\t1.5\t0.25\tmm\nTwo\t2.0\t\t"
    folder = tmp_path / "out"
    linked.workbench.export_result(linked.results.group, folder)
    helper.idle(linked)
    assert not linked.cards.cards
    names = {p.name for p in folder.iterdir()}
    assert {"record.json", "result.json", "Rows.csv", "Points.csv", "Sizes.csv", "Line.csv"} <= names
    assert any(n.startswith("Mark.") for n in names)
    result = json.loads((folder / "result.json").read_text())
    assert result["n"] == 4 and result["numbers"]["One"] == {"value": 1.5, "unit": "mm", "error": 0.25}
    record = json.loads((folder / "record.json").read_text())
    assert record["analysis"] == "links.linked"


def test_previews_are_shown_while_the_job_runs_and_change_no_document(
    linking_plugin: Path, worker_window: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    window = worker_window
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    edits = len(window.workbench.document._done)
    description = window.workbench.descriptions["links.live"]
    task = window.workbench.run(description, [window.workbench.selected], {"seconds": 60.0})
    running = window.results.running
    qtbot.waitUntil(lambda: len(running._cards) == 4, timeout=20_000)
    figure = next(c.view for c in running._cards.values() if isinstance(c.view, FigureView))
    samples = len(figure.output.x)
    qtbot.waitUntil(lambda: len(figure.output.x) > samples, timeout=10_000)
    words = [c.view.text() for c in running._cards.values() if hasattr(c.view, "text")]
    assert any("± 0.50 mm" in w for w in words) and any(w.startswith("Round") for w in words)
    qtbot.waitUntil(
        lambda: any(i.id.startswith("preview:") for i in window.centre.grid.items), timeout=10_000
    )
    assert len(window.workbench.document._done) == edits and helper.names(window) == ["tetra"]

    row = window.jobs.row_of(task)
    row._curves["loss"].clicked.emit()
    live = window.centre.stack.currentWidget()
    assert set(live.figure.drawing.names) == {"loss", "score"}
    drawn = len(live.figure.output.series["loss"][0])
    qtbot.waitUntil(lambda: len(live.figure.output.series["loss"][0]) > drawn, timeout=10_000)
    widget = live.figure._widget
    live.figure.set_log(y=True)
    live.smooth.setValue(100)
    qtbot.waitUntil(lambda: live.figure.log_y and not live._timer.isActive(), timeout=10_000)
    assert live.figure._widget is widget, "the curves grow in place"
    assert window.centre.figure is live.figure
    live.closed.emit()
    assert window.centre.shown_grid is not None

    task.cancel()
    helper.idle(window, 15_000)
    assert not running._cards and not running.isVisible()
    qtbot.waitUntil(lambda: not any(i.id.startswith("preview:") for i in window.centre.grid.items))
    assert helper.names(window) == ["tetra"]


def test_after_the_run_its_course_is_among_the_results(
    linking_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any
) -> None:
    window = make_window()
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    description = window.workbench.descriptions["links.live"]
    window.workbench.run(description, [window.workbench.selected], {"seconds": 0.2})
    helper.idle(window)
    course = items(window)["Course of the run"].data
    assert set(course.ys) == {"loss", "score"} and course.x[0] == 1.0
    assert np.allclose(course.ys["loss"], 1 / course.x)
    window.items.undo()
    assert helper.names(window) == ["tetra"], "the course goes with the result it belongs to"
