"""Plots, tables, trees and drawn graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from app.plots import CheckpointView, FigureView, GraphView, SparkLine, TableModel, TableView, signal_curve
from app.plots.checkpoint import tensor_figures, tensor_statistics
from app.plots.colour_bar import ColourBar
from app.plots.figure import same_scale
from app.plots.graph import plane_layout
from app.theme import DARK, LIGHT
from core.data import Checkpoint, Graph, Signal, Table, TensorInfo
from core.results import Curve, Heatmap, Histogram, Scatter

X = np.linspace(0, 10, 50)
OUTPUTS = [
    Curve("Curve", X, {"sine": np.sin(X), "cosine": np.cos(X)}, "Angle", "Value", "rad", "mm"),
    Curve("Log", X + 1, {"y": X + 1}, log_x=True, log_y=True),
    Curve("Gap", X, {"y": np.where(X > 5, np.nan, X)}),
    Curve("Dense", np.arange(5000.0), {"y": np.sin(np.arange(5000.0))}),
    Scatter("Scatter", X, X**2, color=X, labels=tuple(map(str, range(50))), color_label="time"),
    Scatter("Plain", X, -X),
    Heatmap("Heatmap", np.outer(X, X), tuple("abc") * 0, value_label="v", unit="mm"),
    Heatmap("Diverging", np.outer(X, X - 5), diverging=True),
    Heatmap("Flat", np.ones((3, 4)), ("a", "b", "c"), ("w", "x", "y", "z")),
    Heatmap("Empty", np.full((2, 2), np.nan)),
    Histogram("Histogram", np.arange(11.0), np.arange(10), "Value", "mm"),
]


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda o: o.name)
@pytest.mark.parametrize("compact", [False, True])
def test_every_plot_draws_in_both_themes_and_is_saved(
    qtbot: Any, tmp_path: Path, output: Any, compact: bool
) -> None:
    view = FigureView(output, compact=compact)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    pictures = []
    for theme in (DARK, LIGHT):
        view.set_theme(theme)
        view.grab()
        image = view.image(1.0)
        pictures.append(image.pixelColor(2, 2).lightness())
    assert pictures[0] < 100 < pictures[1]
    assert view.save_png(tmp_path / "plot.png")
    assert not view.save_png(tmp_path / "none" / "plot.png")


def test_axes_say_what_they_are_and_in_which_unit(qtbot: Any) -> None:
    view = FigureView(OUTPUTS[0])
    qtbot.addWidget(view)
    assert view.plot.getAxis("bottom").labelText == "Angle [rad]"
    assert view.plot.getAxis("left").labelText == "Value [mm]"


def test_a_diverging_map_is_centred_at_zero(qtbot: Any) -> None:
    view = FigureView(Heatmap("h", np.array([[-1.0, 3.0]]), diverging=True))
    qtbot.addWidget(view)
    image = next(i for i in view.plot.items if type(i).__name__ == "ImageItem")
    assert tuple(image.levels) == (-3.0, 3.0)


def test_a_signal_becomes_a_curve() -> None:
    curve = signal_curve(Signal(np.zeros((10, 2)), rate=5.0, unit="mV"), "s")
    assert list(curve.ys) == ["channel 1", "channel 2"]
    assert curve.x[-1] == pytest.approx(1.8)
    assert (curve.x_unit, curve.y_unit) == ("s", "mV")
    assert len(signal_curve(Signal(np.zeros((4, 100)))).ys) == 32


TABLE = Table(
    {"name": np.array(["b", "a", "c"]), "x": np.array([2.0, np.nan, -1.0]), "n": np.array([1, 20000, 3])},
    {"x": "mm"},
)


def cells(model: TableModel, column: int) -> list[str]:
    return [model.data(model.index(r, column)) for r in range(model.rowCount())]


def test_a_table_sorts_with_nan_last(qtbot: Any) -> None:
    model = TableModel(TABLE)
    model.sort(1, Qt.SortOrder.AscendingOrder)
    assert cells(model, 0) == ["c", "b", "a"]
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert cells(model, 0) == ["b", "c", "a"]
    model.sort(0)
    assert cells(model, 0) == ["a", "b", "c"]
    model.sort(-1)
    assert cells(model, 0) == ["b", "a", "c"]
    assert cells(model, 2) == ["1", "20\u202f000", "3"]
    assert model.headerData(1, Qt.Orientation.Horizontal) == "x [mm]"


def test_a_table_filters_and_copies(qtbot: Any) -> None:
    view = TableView(TABLE)
    qtbot.addWidget(view)
    qtbot.keyClicks(view.filter, "A")
    assert cells(view.model, 0) == ["a"]
    assert view.note.text() == "1 of 3 rows, 3 columns"
    view.copy()
    assert QGuiApplication.clipboard().text() == "name\tx\tn\na\tnan\t20000"
    view.filter.clear()
    assert view.model.rowCount() == 3


def test_a_table_without_rows_shows(qtbot: Any) -> None:
    view = TableView(Table({"x": np.array([])}), compact=True)
    qtbot.addWidget(view)
    assert view.model.rowCount() == 0


def checkpoint() -> Checkpoint:
    tensors = (
        TensorInfo("layer.0.weight", (8, 6), "float32", 192),
        TensorInfo("layer.0.bias", (6,), "float32", 24),
        TensorInfo("layer.1.weight", (3, 3), "float64", 72),
        TensorInfo("step", (), "int64", 8),
    )
    return Checkpoint("/w.npz", "npz", tensors, {"epoch": 3})


def test_a_checkpoint_is_a_tree_that_can_be_searched(qtbot: Any) -> None:
    view = CheckpointView(checkpoint(), lambda names, done, failed: None)
    qtbot.addWidget(view)
    assert view.note.text() == "4 tensors · 64 parameters"
    assert [view.tree.topLevelItem(n).text(0) for n in range(2)] == ["layer", "step"]
    assert view.tree.topLevelItem(0).text(1) == "3 tensors"
    qtbot.keyClicks(view.search, "layer bias")
    assert view.note.text().startswith("1 of 4")
    assert [n for n, leaf in view._leaves.items() if not leaf.isHidden()] == ["layer.0.bias"]
    assert view.tree.topLevelItem(1).isHidden()
    view.copy_names()
    assert QGuiApplication.clipboard().text() == "layer.0.bias\t[6]\tfloat32\t24"
    view.search.clear()
    assert not view.tree.topLevelItem(1).isHidden()


def test_values_are_read_when_asked_for(qtbot: Any) -> None:
    asked: list[list[str]] = []

    def read(names: list[str], done: Any, failed: Any) -> None:
        asked.append(names)
        done({names[0]: np.arange(48.0, dtype=np.float32).reshape(8, 6)})

    view = CheckpointView(checkpoint(), read)
    qtbot.addWidget(view)
    view.select("layer.0.weight")
    assert not asked
    with qtbot.waitSignal(view.tensor_shown):
        view.read_button.click()
    assert asked == [["layer.0.weight"]]
    assert [type(f.output).__name__ for f in view._figures] == ["Histogram", "Heatmap"]


def test_a_tensor_that_cannot_be_read_says_so(qtbot: Any) -> None:
    view = CheckpointView(
        checkpoint(), lambda names, done, failed: failed("The file is gone; open it again.")
    )
    qtbot.addWidget(view)
    view.select("step")
    view.read("step")
    from PySide6.QtWidgets import QLabel

    assert "The file is gone; open it again." in [w.text() for w in view.details.findChildren(QLabel)]


def test_the_figures_of_a_tensor() -> None:
    values = tensor_statistics(np.array([0.0, 2.0, np.nan, -2.0]))
    assert values["Mean"] == "0" and values["Maximum"] == "2" and values["Not finite"] == "1"
    assert tensor_figures("s", np.array(3)) == []
    large = tensor_figures("m", np.random.default_rng(0).normal(size=(2000, 10, 10)))
    assert large[1].values.shape == (500, 100) and large[1].diverging


def test_forces_keep_neighbours_together() -> None:
    ring = np.array([(n, (n + 1) % 12) for n in range(12)])
    places = plane_layout(12, ring)
    assert np.abs(places).max() <= 1 + 1e-9
    joined = np.linalg.norm(places[ring[:, 0]] - places[ring[:, 1]], axis=1)
    across = np.linalg.norm(places - np.roll(places, 6, axis=0), axis=1)
    assert joined.max() < across.min()
    assert np.array_equal(places, plane_layout(12, ring)), "the same graph looks the same again"


@pytest.mark.parametrize("n", [0, 1, 2, 5, 1200])
def test_graphs_of_any_size_draw(qtbot: Any, n: int) -> None:
    edges = np.array([(i, i + 1) for i in range(n - 1)]).reshape(-1, 2)
    view = GraphView(Graph(n, edges, directed=n == 5, node_names=tuple(f"n{i}" for i in range(n))))
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show()
    qtbot.waitUntil(lambda: view.settled)
    assert not view.grab().isNull()


def test_a_spark_line_takes_what_is_not_finite(qtbot: Any) -> None:
    line = SparkLine("Loss")
    qtbot.addWidget(line)
    line.set_points([0, 1, 2], [1.0, float("nan"), 0.5])
    line.resize(100, 60)
    assert not line.grab().isNull()
    assert line.accessibleName() == "Loss: 0.5"


def test_a_colour_bar_of_small_values_names_no_factor(qtbot: Any) -> None:
    small = Scatter("Small", X, X, color=X * 1e-6, color_label="score")
    view = FigureView(small)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.grab()
    (bar,) = [i for i in view._widget.scene().items() if isinstance(i, ColourBar)]
    assert bar.text == "score"
    assert [words for _, words in bar.ticks] == ["0", "5e\u22126", "1e\u22125"]


def test_a_scatter_of_like_axes_keeps_its_shape() -> None:
    round_ = np.linspace(0, 2 * np.pi, 60)
    disc = Scatter("Disc", np.cos(round_), np.sin(round_))
    assert same_scale(disc)
    assert not same_scale(Scatter("Units", np.cos(round_), np.sin(round_), x_unit="mm"))
    assert not same_scale(Scatter("Ranges", X, X**2))
    assert not same_scale(Scatter("Nothing", X * np.nan, X))


def test_from_the_search_the_keyboard_goes_to_the_first_tensor_found(qtbot: Any) -> None:
    tensors = tuple(TensorInfo(n, (2, 2), "float32", 16) for n in ("a.weight", "b.weight", "b.bias"))
    view = CheckpointView(Checkpoint("file", "npz", tensors, {}), lambda *_: None)
    qtbot.addWidget(view)
    view.show()
    view.search.setText("b.")
    qtbot.keyClick(view.search, Qt.Key.Key_Down)
    assert view.tree.currentItem().data(0, Qt.ItemDataRole.UserRole) == "b.weight"


def test_one_row_is_not_rows(qtbot: Any) -> None:
    view = TableView(Table({"a": np.arange(1), "b": np.arange(1)}))
    qtbot.addWidget(view)
    assert view.note.text() == "1 row, 2 columns"
