"""A plot under the mouse and the keys: read-outs, cursors, log axes, selections, pictures, cheap updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPolygonF, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton

from app.plots import FigureView
from app.plots.curves import Lines
from app.plots.line import thinned
from app.plots.live import smoothed
from app.plots.rows import RowSelection
from app.theme import DARK, LIGHT
from core.results import Curve, Heatmap, Histogram, Scatter

X = np.linspace(1.0, 10.0, 40)


def shown(qtbot: Any, output: Any, **options: Any) -> FigureView:
    view = FigureView(output, **options)
    qtbot.addWidget(view)
    view.resize(700, 500)
    view.show()
    for _ in range(5):
        QApplication.processEvents()
    view.grab()
    return view


def at(view: FigureView, x: float, y: float) -> QPoint:
    """Where a position of the plot lies on the widget of the plot."""
    scene = view._box.mapViewToScene(QPointF(x, y))
    return view._widget.mapFromScene(scene)


def drag(
    view: FigureView, start: QPoint, end: QPoint, modifiers: Any = Qt.KeyboardModifier.NoModifier
) -> None:
    surface = view._widget.viewport()
    QApplication.sendEvent(surface, _move(surface, start, modifiers, Qt.MouseButton.NoButton))
    QTest.mousePress(surface, Qt.MouseButton.LeftButton, modifiers, start)
    for share in (0.3, 0.6, 1.0):
        where = start + (end - start) * share
        QTest.qWait(12)  # what comes faster is dropped
        event = _move(surface, where, modifiers)
        QApplication.sendEvent(surface, event)
    QTest.mouseRelease(surface, Qt.MouseButton.LeftButton, modifiers, end)
    QApplication.processEvents()


def _double_click(surface: Any, where: QPoint) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    kinds, left, none = QEvent.Type, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    point = QPointF(where)
    for kind in (kinds.MouseButtonPress, kinds.MouseButtonRelease, kinds.MouseButtonDblClick):
        held = none if kind is kinds.MouseButtonRelease else left
        keys = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(
            surface, QMouseEvent(kind, point, surface.mapToGlobal(point), left, held, keys)
        )
    QTest.mouseRelease(surface, left, pos=where)


def _move(surface: Any, where: QPoint, modifiers: Any, held: Any = Qt.MouseButton.LeftButton) -> Any:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    point = QPointF(where)
    return QMouseEvent(
        QEvent.Type.MouseMove, point, surface.mapToGlobal(point), Qt.MouseButton.NoButton, held, modifiers
    )


def test_the_nearest_sample_is_read_with_units_and_error(qtbot: Any) -> None:
    view = shown(qtbot, Curve("c", X, {"a": X**2}, "Time", "Length", "s", "mm", ys_error={"a": X}))
    QTest.mouseMove(view._widget.viewport(), at(view, X[20], X[20] ** 2) + QPoint(2, 2))
    qtbot.waitUntil(view._tip.isVisible)
    assert view._tip.text().startswith("Length 31.533 ± 5.6 mm\nTime 5.6154 s")
    view._leave()
    assert not view._tip.isVisible()


@pytest.mark.parametrize(
    ("output", "place", "words"),
    [
        (
            Heatmap("h", np.arange(6.0).reshape(2, 3), ("up", "down"), value_label="v"),
            (2.5, 1.5),
            "v 5\nrow down",
        ),
        (
            Histogram("h", np.arange(4.0), np.array([1, 2, 5]), "Size", "mm"),
            (2.5, 1),
            "5 (62.5 %)\nSize 2 to 3 mm",
        ),
        (Scatter("s", X, X, labels=tuple(f"p{n}" for n in range(40))), (X[3], X[3]), "p3\nx"),
    ],
    ids=["heat map", "histogram", "scatter"],
)
def test_cells_bins_and_points_are_read(qtbot: Any, output: Any, place: Any, words: str) -> None:
    view = shown(qtbot, output)
    QTest.mouseMove(view._widget.viewport(), at(view, *place))
    qtbot.waitUntil(view._tip.isVisible)
    assert view._tip.text().startswith(words)


def test_log_axes_move_points_and_are_grey_with_a_reason(qtbot: Any) -> None:
    view = shown(qtbot, Curve("c", X, {"a": 10.0**X}, y_label="Size"))
    assert view.tools is not None
    QTest.mouseClick(view.tools.log_y, Qt.MouseButton.LeftButton)
    assert view.log_y and view.tools.log_y.isChecked()
    QApplication.processEvents()
    low, high = view._box.viewRange()[1]
    assert 0 < low < 1.1 and 9.9 < high < 11, "decades, not values"
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Y)
    assert not view.log_y
    below = shown(qtbot, Curve("c", X, {"a": -X}, y_label="Depth"))
    assert below.tools is not None
    assert not below.tools.log_y.isEnabled()
    assert below.tools.log_y.toolTip() == "No value of Depth is above zero"
    below.set_log(y=True)
    assert not below.log_y
    heat = shown(qtbot, Heatmap("h", np.eye(3)))
    assert "do not count" in heat.why_no_log("x")


def test_two_cursors_are_dragged_and_read_the_difference(qtbot: Any) -> None:
    view = shown(qtbot, Curve("c", X, {"a": 2 * X, "b": -X}, "Time", x_unit="s"))
    view.set_cursors("x2")
    view.cursors.values = [3.0, 7.0]
    view.cursors.place()
    QApplication.processEvents()
    assert "B \u2212 A  4 s    a 8    b \u22124" in view.readings.text()
    drag(view, at(view, 7.0, 2.0), at(view, 8.0, 2.0))
    assert view.cursors.values[1] == pytest.approx(8.0, abs=0.05)
    assert view.cursors.values[0] == 3.0
    before = view.cursors.values[1]
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert view.cursors.values[1] < before, "the arrow keys move the cursor that was dragged"
    view.set_log(x=True)
    assert view.cursors._lines[0].value() == pytest.approx(np.log10(3.0))
    view.set_cursors("none")
    assert not view.readings.isVisible()


def test_the_legend_hides_a_curve_and_a_theme_keeps_it_hidden(qtbot: Any) -> None:
    view = shown(qtbot, Curve("c", X, {"one": X, "two": -X}))
    legend: Any = view.drawing._legend  # type: ignore[attr-defined]
    label = legend.items[1][1]
    place = view._widget.mapFromScene(label.mapToScene(label.boundingRect().center()))
    QTest.mouseClick(view._widget.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: not view.drawing.is_shown("two"))
    view.set_shown("two", False)
    view.set_theme(LIGHT)
    assert view.drawing.is_shown("one") and not view.drawing.is_shown("two")
    view.set_theme(DARK)


def test_keys_pan_zoom_and_reset(qtbot: Any) -> None:
    view = shown(qtbot, Curve("c", X, {"a": X}))
    whole = view._box.viewRange()
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view._box.viewRange()[0][0] > whole[0][0]
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert np.ptp(view._box.viewRange()[0]) < np.ptp(whole[0])
    QTest.keyClick(view, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: np.allclose(view._box.viewRange()[0], whole[0]))
    view.zoom(0.5)
    _double_click(view._widget.viewport(), at(view, 5.0, 5.0))
    qtbot.waitUntil(lambda: np.allclose(view._box.viewRange()[0], whole[0]))


def test_a_small_plot_leaves_the_wheel_to_its_panel(qtbot: Any) -> None:
    view = shown(qtbot, Curve("c", X, {"a": X}), compact=True)
    before = view._box.viewRange()

    def wheel(modifiers: Any) -> bool:
        where = QPointF(at(view, 5.0, 5.0))
        event = QWheelEvent(
            where,
            view._widget.viewport().mapToGlobal(where),
            QPoint(),
            QPoint(0, 240),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(view._widget.viewport(), event)
        return bool(event.isAccepted())

    assert not wheel(Qt.KeyboardModifier.NoModifier)
    assert view._box.viewRange() == before
    wheel(Qt.KeyboardModifier.ControlModifier)
    assert view._box.viewRange() != before


@pytest.mark.parametrize(
    ("left", "right", "rows"), [(1.2, 1.8, [1]), (0.5, 2.5, [0, 1, 2]), (3.2, 9.0, [3, 4])]
)
def test_a_value_at_an_edge_belongs_to_the_bin_that_counted_it(
    qtbot: Any, left: float, right: float, rows: list[int]
) -> None:
    values = np.arange(5.0)
    counts, edges = np.histogram(values, bins=np.arange(5.0))
    bars = shown(qtbot, Histogram("h", edges, counts, table="T", column="x"), values=values)
    area = QPolygonF(QRectF(left, 0, right - left, 3))
    assert bars.drawing.inside(area).tolist() == rows


def test_a_rectangle_selects_in_all_plots_and_escape_clears(qtbot: Any) -> None:
    rows = RowSelection()
    scatter = shown(qtbot, Scatter("s", X, X, table="T"), selection=rows)
    curve = shown(qtbot, Curve("c", np.arange(40.0), {"y": X}, table="T"), selection=rows)
    counts, edges = np.histogram(X, bins=9)
    bars = shown(qtbot, Histogram("h", edges, counts, table="T", column="x"), selection=rows, values=X)
    heat = shown(qtbot, Heatmap("m", np.outer(X, X), table="T"), selection=rows)
    drag(scatter, at(scatter, 2.0, 2.0), at(scatter, 4.0, 4.0), Qt.KeyboardModifier.ShiftModifier)
    wanted = np.flatnonzero((X > 2) & (X < 4))
    assert rows.rows.tolist() == wanted.tolist()
    assert len(curve.drawing._marked.data) == len(wanted)  # type: ignore[attr-defined]
    chosen: Any = bars.drawing._chosen  # type: ignore[attr-defined]
    assert chosen.isVisible() and sum(chosen.opts["y1"]) == len(wanted)
    veil: Any = heat.drawing._veil  # type: ignore[attr-defined]
    assert (veil.image[..., 3] == 0).sum() == len(wanted)
    QTest.keyClick(bars, Qt.Key.Key_Escape)
    assert not len(rows)
    assert len(curve.drawing._marked.data) == 0  # type: ignore[attr-defined]


def test_a_lasso_is_not_its_rectangle(qtbot: Any) -> None:
    from PySide6.QtGui import QPolygonF

    rows = RowSelection()
    view = shown(qtbot, Scatter("s", [0.0, 1.0, 0.0], [0.0, 1.0, 1.0], table="T"), selection=rows)
    triangle = QPolygonF([QPointF(-0.5, -0.5), QPointF(1.5, -0.5), QPointF(1.5, 1.6)])
    view._on_area(triangle)
    assert rows.rows.tolist() == [0, 1], "the third point lies in the box around the lasso, not in it"


def test_a_click_on_a_point_names_its_object(qtbot: Any) -> None:
    rows = RowSelection()
    output = Scatter("s", X, X, targets=("",) * 3 + ("layer:A",) + ("",) * 36, table="T")
    view = shown(qtbot, output, selection=rows)
    with qtbot.waitSignal(view.target_wanted) as sent:
        QTest.mouseClick(view._widget.viewport(), Qt.MouseButton.LeftButton, pos=at(view, X[3], X[3]))
    assert sent.args == ["layer:A"]
    assert rows.rows.tolist() == [3]
    shift = Qt.KeyboardModifier.ShiftModifier
    QTest.mouseClick(view._widget.viewport(), Qt.MouseButton.LeftButton, shift, at(view, X[9], X[9]))
    qtbot.waitUntil(lambda: rows.rows.tolist() == [3, 9])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Curve("c", X, {"a": X}), Curve("c", X[:20], {"a": -X[:20]})),
        (Scatter("s", X, X, color=X), Scatter("s", X[:5], X[:5], color=X[:5])),
        (Heatmap("h", np.eye(3)), Heatmap("h", np.ones((3, 3)))),
        (Histogram("h", np.arange(4.0), np.arange(3)), Histogram("h", np.arange(3.0), np.arange(2))),
        (Lines("l", {"a": (X, X)}), Lines("l", {"a": (X[:4], X[:4])})),
    ],
    ids=lambda o: type(o).__name__,
)
def test_newer_values_go_into_the_items_that_are_there(qtbot: Any, before: Any, after: Any) -> None:
    view = shown(qtbot, before)
    widget, drawing = view._widget, view.drawing
    view.set_output(after)
    view.grab()
    assert view._widget is widget and view.drawing is drawing and view.output is after
    if isinstance(after, Curve):
        assert drawing._items["a"].getData()[1].tolist() == (-X[:20]).tolist()  # type: ignore[attr-defined]


def test_another_kind_or_another_curve_is_drawn_anew(qtbot: Any) -> None:
    view = shown(qtbot, Curve("c", X, {"a": X}))
    view.set_output(Curve("c", X, {"a": X, "b": -X}))
    assert view.drawing.names == ("a", "b")
    view.set_output(Heatmap("h", np.eye(3)))
    assert view.tools is not None and not view.tools.log_x.isEnabled()


def test_a_long_line_keeps_its_peaks_and_its_whole_extent(qtbot: Any) -> None:
    x = np.arange(200_000.0)
    y = np.zeros(len(x))
    y[123_456] = 7.0
    at_x, at_y = thinned(x, y, 0.0, x[-1], 500)
    assert len(at_x) < 3000 and at_y.max() == 7.0 and at_x[-1] == x[-1]
    view = shown(qtbot, Curve("c", x, {"a": y}))
    assert len(view.drawing._items["a"].getData()[0]) < 6000  # type: ignore[attr-defined]
    view._box.setRange(xRange=(123_400, 123_500), padding=0)
    QApplication.processEvents()
    assert view.drawing._items["a"].getData()[1].max() == 7.0  # type: ignore[attr-defined]
    view.reset()
    view.grab()
    assert view._box.viewRange()[0][1] >= x[-1], "all in view means all, not the part that was drawn"


def test_svg_holds_vectors_and_png_has_its_scale(qtbot: Any, tmp_path: Path) -> None:
    view = shown(qtbot, Scatter("s", X, X**2, color=X, x_label="Angle", color_label="Score"))
    assert view.save_svg(tmp_path / "s.svg")
    text = (tmp_path / "s.svg").read_text()
    assert text.count("<path") + text.count("<poly") + text.count("<circle") + text.count("<ellipse") > 40
    assert "<image" not in text and "Gradient" in text
    assert "Angle" in text and "Score" in text, "words stay words"
    assert view.save_png(tmp_path / "s.png", 3.0)
    assert QImage(str(tmp_path / "s.png")).width() == 3 * view._widget.width()
    assert not view.save_svg(tmp_path / "none" / "s.svg")
    small = shown(qtbot, Curve("c", X, {"a": X}), compact=True)
    small.resize(200, 120)
    assert small.picture(1.0).width() > 900, "a small plot makes a picture large enough to hand on"
    view.copy_picture()
    assert QGuiApplication.clipboard().image().width() == 2 * view._widget.width()


def test_a_narrow_row_of_tools_keeps_the_rest_in_a_menu(qtbot: Any) -> None:
    view = shown(qtbot, Curve("c", X, {"a": X, "b": X}))
    assert view.tools is not None
    names = [b.text() for b in view.tools.findChildren(QToolButton) if b.isVisible()]
    assert names == ["Log x", "Log y", "Grid", "Cursors", "Curves", "Reset", "Export"]
    view.resize(320, 300)
    QApplication.processEvents()
    visible = [b for b in view.tools.findChildren(QToolButton) if b.isVisible()]
    assert view.tools.more in visible and view.tools.export not in visible
    assert all(b.geometry().right() <= view.tools.width() for b in visible)


def test_smoothing_keeps_gaps_and_the_mean() -> None:
    values = np.sin(np.arange(400.0)) + 2
    values[50] = np.nan
    out = smoothed(values, 1.0)
    assert np.isnan(out[50]) and np.nanstd(out[40:-40]) < 0.2 * np.nanstd(values)
    assert smoothed(values, 0.0) is values


NOTHING = np.zeros(0)
NAN = np.full(4, np.nan)


@pytest.mark.parametrize(
    "output",
    [
        Curve("no samples", NOTHING, {"a": NOTHING}),
        Curve("no lines", NOTHING, {}),
        Curve("no numbers", np.arange(4.0), {"a": NAN}, table="T"),
        Curve("no places", NAN, {"a": np.arange(4.0)}, table="T"),
        Curve("infinite", np.arange(3.0), {"a": np.array([1, np.inf, -np.inf])}),
        Curve("huge", [1.0, 2.0], {"a": [1e300, 1e308]}),
        Curve("long and empty", np.arange(9000.0), {"a": np.full(9000, np.nan)}),
        Lines("nothing yet"),
        Scatter("none", NOTHING, NOTHING, color=NOTHING),
        Scatter("unknown", NAN, NAN, color=NAN, table="T"),
        Scatter("one place", np.ones(3), np.ones(3), color=np.ones(3), table="T"),
        Heatmap("0×0", np.zeros((0, 0)), table="T"),
        Heatmap("0×3", np.zeros((0, 3))),
        Heatmap("too few names", np.zeros((3, 3)), ("a",), ("b", "c"), table="T"),
        Histogram("no bins", np.array([0.0]), NOTHING),
        Histogram("below zero", np.array([-2.0, -1.0, 0.0]), np.array([0, 0])),
    ],
    ids=lambda o: o.name,
)
def test_what_holds_nothing_or_nonsense_breaks_nothing(qtbot: Any, tmp_path: Path, output: Any) -> None:
    rows = RowSelection()
    view = shown(qtbot, output, selection=rows)
    for x, y in ((True, True), (True, False), (False, True), (False, False)):
        view.set_log(x=x, y=y)
        view.grab()
    for mode in ("x2", "y1"):
        view.set_cursors(mode)
        view.cursors.step(5)
    box = view._box.sceneBoundingRect()
    view._on_move(box.center())
    rows.set([0, 1, 2])
    view.grab()
    view.set_theme(LIGHT)
    view.set_output(output)
    view.reset()
    view.zoom(0.5)
    view.pan(0.2, 0.2)
    view.grab()
    assert view.save_svg(tmp_path / "plot.svg")
    view.set_theme(DARK)
