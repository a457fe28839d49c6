"""Tables: comparisons, figures of what is selected, columns, copies, rows shared with plots, a million rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.plots import TableModel, TableView
from app.plots.rows import RowSelection
from app.plots.table_filter import FilterError, mask
from core.data import Table

COLUMNS: dict[str, Any] = {
    "name": np.array(["Anna", "ben", "Carl", "dora"]),
    "score": np.array([0.95, 0.5, np.nan, 0.99]),
    "max |Δ|": np.array([1, 20, 3, 4]),
    "done": np.array([True, False, True, True]),
}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("score > 0.9", [0, 3]),
        ("score > 0.9 and max |Δ| >= 2", [3]),
        ("score < 0.6 or name = CARL", [1, 2]),
        ("score != 0.5 and done = yes", [0, 2, 3]),
        ("score ≤ 0,95", [0, 1]),
        ("score = nan", [2]),
        ("'max |Δ|' = 20", [1]),
        ("AN", [0, 2]),  # Anna, and Carl's score, which is nan
        ("carl true", [2]),
        ("a > b", []),
        ("done = no", [1]),
    ],
)
def test_words_and_comparisons(text: str, rows: list[int]) -> None:
    found = mask(text, COLUMNS)
    assert found is not None and np.flatnonzero(found).tolist() == rows


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("score > many", "score holds numbers, 'many' is none"),
        ("score >", "score > what?"),
        ("score >= nan", "nothing is more or less than NaN; ask for = or !="),
        ("done = perhaps", "done is yes or no"),
        ("score > 1 and nothing > 2", "no column is called 'nothing'"),
    ],
)
def test_a_comparison_that_makes_no_sense_says_why(text: str, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        mask(text, COLUMNS)
    assert str(caught.value) == reason


def shown(qtbot: Any, table: Table, **options: Any) -> TableView:
    view = TableView(table, **options)
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.show()
    QApplication.processEvents()
    return view


def test_the_filter_field_shows_the_reason_and_keeps_the_rows(qtbot: Any) -> None:
    view = shown(qtbot, Table(COLUMNS))
    qtbot.keyClicks(view.filter, "score > x")
    assert view.filter.property("invalid") is True and "holds numbers" in view.note.text()
    assert view.model.rowCount() == 4
    view.filter.setText("score > 0.9")
    assert not view.filter.property("invalid") and view.model.rowCount() == 2
    QTest.keyClick(view.filter, Qt.Key.Key_Return)
    assert view.view.hasFocus()
    QTest.keyClick(view.view, "/")
    assert view.filter.hasFocus()


def test_the_figures_of_what_is_selected(qtbot: Any) -> None:
    view = shown(qtbot, Table(COLUMNS))
    flags = QItemSelectionModel.SelectionFlag
    for row in range(3):
        view.view.selectionModel().select(view.model.index(row, 2), flags.Select)
    assert view.figures.text() == "3 cells selected   n 3   mean 8   sum 24   min 1   max 20"
    view.view.selectionModel().select(view.model.index(0, 0), flags.ClearAndSelect)
    assert view.figures.text() == "1 cell selected"
    QTest.keyClick(view.view, Qt.Key.Key_Escape)
    assert not view.view.selectionModel().hasSelection() and view.figures.text() == ""


def test_columns_are_hidden_and_stay_out_of_copies(qtbot: Any) -> None:
    view = shown(qtbot, Table(COLUMNS, {"score": "%"}))
    assert view.model.title(1) == "score [%]"
    view.set_column_shown(0, False)
    view.set_column_shown(3, False)
    assert "2 hidden" in view.note.text()
    view.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    view.copy_all()
    assert QGuiApplication.clipboard().text() == "score\tmax |Δ|\n0.5\t20\n0.99\t4\nnan\t3\n0.95\t1"
    assert list(view.exported().columns) == ["score", "max |Δ|"] and view.exported().units == {"score": "%"}
    view.set_column_shown(1, False)
    view.set_column_shown(2, False)
    assert view.shown_columns == [2], "one column stays"
    view.restore_order()
    assert view.model.columns[2][view.model.order].tolist() == [1, 20, 3, 4]


def test_numbers_of_a_column_stand_below_each_other() -> None:
    table = Table({"x": np.array([0.5, 0.9375, 1.0, 0.0, np.nan]), "wide": np.array([1e-9, 1.0, 3, 4, 5])})
    model = TableModel(table, digits=4)
    assert [model.words(r, 0) for r in range(5)] == ["0.500", "0.938", "1.000", "0", "NaN"]
    assert model.words(0, 1) == "1e\u22129"
    model.set_digits(17)
    assert model.words(1, 0) == "0.9375"


def test_a_panel_shows_the_columns_that_fit_and_counts_the_others(qtbot: Any) -> None:
    view = shown(qtbot, Table({f"column {n}": np.arange(3.0) + 0.5 for n in range(9)}), compact=True)
    view.resize(240, 200)
    QApplication.processEvents()
    visible = [n for n in range(9) if not view.view.isColumnHidden(n)]
    assert 1 < len(visible) < 9
    assert sum(view.view.columnWidth(n) for n in visible) <= view.view.viewport().width()
    assert view.more.isVisible() and view.more.text() == f"and {9 - len(visible)} more columns"
    with qtbot.waitSignal(view.more_wanted):
        QTest.mouseClick(view.more, Qt.MouseButton.LeftButton)
    view.resize(1400, 200)
    QApplication.processEvents()
    assert not view.more.isVisible()


def test_rows_are_shared_whatever_their_order(qtbot: Any) -> None:
    rows = RowSelection()
    view = shown(qtbot, Table(COLUMNS), selection=rows)
    view.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    view.view.selectRow(0)
    assert rows.rows.tolist() == [1]
    rows.set([0, 2])
    assert view.selected_rows().tolist() == [2, 3]
    view.filter.setText("carl")
    assert view.selected_rows().tolist() == [0], "what the filter hides stays selected in the plots"
    assert rows.rows.tolist() == [0, 2]
    view.filter.clear()
    assert view.selected_rows().tolist() == [2, 3]
    QTest.keyClick(view.view, Qt.Key.Key_Escape)
    assert not len(rows)


def test_return_leads_to_the_object_of_a_row(qtbot: Any) -> None:
    view = shown(qtbot, Table(COLUMNS), targets=("layer:a", "", "layer:c", "layer:d"))
    view.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)  # ben, dora, Carl, Anna
    view.view.setCurrentIndex(view.model.index(1, 0))
    with qtbot.waitSignal(view.target_wanted) as sent:
        QTest.keyClick(view.view, Qt.Key.Key_Return)
    assert sent.args == ["layer:d"]
    with qtbot.assertNotEmitted(view.target_wanted, wait=50):
        view.view.setCurrentIndex(view.model.index(0, 0))
        QTest.keyClick(view.view, Qt.Key.Key_Return)


def test_a_long_table_is_arranged_on_a_thread_and_the_last_wish_counts(qtbot: Any) -> None:
    n = 120_000
    table = Table({"id": np.arange(n), "x": np.random.default_rng(0).random(n)})
    view = shown(qtbot, table)
    view.model.set_filter("x > 0.5")
    assert view.model.busy and view.model.rowCount() == n
    view.model.set_filter("id < 10")
    qtbot.waitUntil(lambda: not view.model.busy, timeout=10_000)
    assert view.model.rowCount() == 10
    view.model.sort(0, Qt.SortOrder.DescendingOrder)
    qtbot.waitUntil(lambda: not view.model.busy, timeout=10_000)
    assert view.model.words(0, 0) == "9"


def test_a_table_that_grew_keeps_its_order(qtbot: Any) -> None:
    view = shown(qtbot, Table({"x": np.array([1, 3, 2])}))
    view.view.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    view.set_table(Table({"x": np.array([1, 3, 2, 9])}))
    assert [view.model.words(r, 0) for r in range(4)] == ["9", "3", "2", "1"]
    view.set_table(Table({"other": np.array([5.5])}))
    assert view.model.rowCount() == 1 and view.note.text() == "1 row, 1 column"


@pytest.mark.parametrize("keys", ["Ctrl+C", "Ctrl+Ins"])
def test_rows_are_copied_whole_where_no_shortcut_takes_the_key(qtbot: Any, keys: str) -> None:
    """As when the window is not the active one: the key comes to the table itself."""
    view = shown(qtbot, Table({"name": np.array(["", "b"]), "x": np.array([1.0, 2.0])}))
    view.view.selectRow(0)
    QGuiApplication.clipboard().setText("before")
    key = Qt.Key.Key_C if keys == "Ctrl+C" else Qt.Key.Key_Insert
    event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.ControlModifier)
    QApplication.sendEvent(view.view, event)
    assert QGuiApplication.clipboard().text() == "name\tx\n\t1.0"
