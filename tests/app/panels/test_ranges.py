"""The range slider, its histogram, colour maps with swatches, and what the display panel does with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.forms.range_slider import RangeSlider
from app.panels.display.ranges import swatch
from app.viewports.distributions import BINS, distribution_of
from app.viewports.stats import volume_stats
from core.data import Attribute, Mesh, Transforms, Volume
from core.display import default_display
from core.document import Item, new_id
from tests.app.viewports.test_grid import pixels

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(panel: Any) -> Any:
    panel.resize(300, 600)
    panel.show()
    return panel


def show(panel: Any, data: Any, **hints: Any) -> str:
    item = Item(new_id(), "x", data, display=default_display(data, hints))
    panel.workbench.document.add(item)
    panel.workbench.select(item.id)
    return item.id


def ready(qtbot: Any, panel: Any, name: str) -> RangeSlider:
    slider: RangeSlider = panel.field(name)
    qtbot.waitUntil(lambda: slider.ready, timeout=5000)
    return slider


def send(slider: RangeSlider, kind: Any, x: float) -> None:
    place = QPointF(x, slider.height() / 2)
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else LEFT
    event = QMouseEvent(kind, place, slider.mapToGlobal(place), LEFT, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(slider, event)


def drag(slider: RangeSlider, *stops: float) -> None:
    send(slider, QEvent.Type.MouseButtonPress, stops[0])
    for stop in stops[1:]:
        send(slider, QEvent.Type.MouseMove, stop)
    send(slider, QEvent.Type.MouseButtonRelease, stops[-1])


def brain() -> Volume:
    rng = np.random.default_rng(0)
    array = rng.normal(400, 60, (24, 24, 24)).astype(np.float32)
    array[:8] = 0
    return Volume(array, np.eye(4))


def test_a_drag_of_a_handle_is_one_edit_of_the_window(panel: Any, qtbot: Any) -> None:
    volume = brain()
    id = show(panel, volume)
    document = panel.workbench.document
    slider = ready(qtbot, panel, "window_slider")
    stats = volume_stats(volume)
    assert (slider.low, slider.high) == pytest.approx((stats.low, stats.high))
    edits = len(document._done)
    x = slider.x_of(slider.high)
    drag(slider, x, x - 10, x - 25, x - 40)
    display = document[id].display
    assert len(document._done) == edits + 1
    low, high = display.level - display.window / 2, display.level + display.window / 2
    assert low == pytest.approx(stats.low, abs=0.1) and high < stats.high - 1
    assert slider.x_of(high) == pytest.approx(x - 40, abs=1)
    assert float(panel.field("window").text().replace(",", "")) == display.window
    x = slider.x_of(slider.low)
    drag(slider, x, x + 15)
    assert len(document._done) == edits + 2, "another drag is another edit"
    document.undo()
    document.undo()
    assert document[id].display.window is None
    assert (slider.low, slider.high) == pytest.approx((stats.low, stats.high))


def test_what_lies_between_moves_both_and_a_typed_number_moves_the_handles(panel: Any, qtbot: Any) -> None:
    id = show(panel, brain(), window=100.0, level=300.0)
    slider = ready(qtbot, panel, "window_slider")
    assert (slider.low, slider.high) == (250.0, 350.0)
    middle = (slider.x_of(250) + slider.x_of(350)) / 2
    drag(slider, middle, middle + 20)
    display = panel.workbench.document[id].display
    assert display.window == pytest.approx(100) and display.level > 310
    field = panel.field("level")
    field.setText("5000")
    field.editingFinished.emit()
    assert (slider.low, slider.high) == (4950.0, 5050.0), "beyond the data: the slider makes room"
    assert slider.x_of(5050) < slider.width()
    QTest.mouseDClick(slider, LEFT)
    assert panel.workbench.document[id].display.window is None


def test_the_slider_by_keys(panel: Any, qtbot: Any) -> None:
    id = show(panel, brain(), window=100.0, level=300.0)
    slider = ready(qtbot, panel, "window_slider")
    slider.setFocus()
    document = panel.workbench.document
    edits = len(document._done)
    width = slider.ends[1] - slider.ends[0]
    QTest.keyClick(slider, Qt.Key.Key_Right)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert document[id].display.level == pytest.approx(300 + 0.02 * width, rel=1e-3)
    assert document[id].display.window == pytest.approx(100, rel=1e-3)
    QTest.keyClick(slider, Qt.Key.Key_Up)
    QTest.keyClick(slider, Qt.Key.Key_PageUp)
    assert document[id].display.window == pytest.approx(100 + 0.1 * width, rel=1e-3)
    assert len(document._done) == edits + 1
    assert slider.accessibleName() and "to" in slider.accessibleDescription()


def test_handles_never_cross_and_escape_takes_the_drag_back(qtbot: Any) -> None:
    slider = RangeSlider("test")
    slider.resize(200, 60)
    qtbot.addWidget(slider)
    seen: list[tuple[float, float]] = []
    slider.moved.connect(lambda low, high, key: seen.append((low, high)))
    slider.set_distribution(np.ones(10), 0, 10)
    send(slider, QEvent.Type.MouseButtonPress, 50)
    assert not seen, "without a range there is nothing to move"
    slider.set_range(2, 8)
    drag(slider, slider.x_of(2), slider.x_of(2) + 300)
    assert seen[-1][0] < seen[-1][1] == 8
    slider.set_range(2, 8)
    send(slider, QEvent.Type.MouseButtonPress, slider.x_of(8))
    send(slider, QEvent.Type.MouseMove, slider.x_of(5))
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    send(slider, QEvent.Type.MouseMove, slider.x_of(3))
    assert seen[-1] == (2, 8)


def test_the_histogram_is_seen_and_brighter_between_the_handles(qtbot: Any) -> None:
    slider = RangeSlider("test")
    slider.resize(200, 60)
    qtbot.addWidget(slider)
    slider.set_distribution(np.ones(10), 0, 10)
    slider.set_range(4, 6)
    image = pixels(slider.grab())
    row = image[30].mean(axis=1)
    inside, outside = row[round(slider.x_of(5))], row[round(slider.x_of(1))]
    assert inside > outside + 20


def test_far_outliers_do_not_squeeze_the_rest() -> None:
    rng = np.random.default_rng(0)
    values = np.append(rng.normal(100, 5, 50_000), [1e6, np.nan, np.inf])
    found = distribution_of(values)
    assert found.maximum == 1e6 and found.high < 200 and found.counts.sum() > 49_900
    assert distribution_of(np.full(9, np.nan)).counts.sum() == 0
    same = distribution_of(np.full(9, 7.0))
    assert same.low < 7 < same.high and same.counts.sum() == 9 and len(same.counts) == BINS


@pytest.mark.parametrize("top", [2, 100, 250, 1000, 4095])
def test_the_histogram_of_whole_numbers_is_no_comb(top: int) -> None:
    found = distribution_of(np.tile(np.arange(top), 400_000 // top))
    inner = found.counts[1:-1]
    assert not inner.size or inner.max() < 1.2 * inner.min()
    assert found.low < 0 and found.high >= top - 1 and len(found.counts) < 2.1 * BINS


def test_the_range_of_an_attribute_by_the_slider(panel: Any, qtbot: Any) -> None:
    values = Attribute(np.linspace(-1, 3, 300), Transforms.SCALAR)
    mesh = Mesh(
        np.random.default_rng(0).normal(size=(300, 3)), np.arange(300).reshape(-1, 3), {"height": values}
    )
    id = show(panel, mesh, color_by="height")
    slider = ready(qtbot, panel, "range_slider")
    assert (slider.low, slider.high) == pytest.approx((-1, 3))
    document = panel.workbench.document
    edits = len(document._done)
    x = slider.x_of(-1)
    drag(slider, x, x + 10, x + 40)
    low, high = document[id].display.range
    assert low > -0.7 and high == pytest.approx(3) and len(document._done) == edits + 1
    box = panel.field("color_by")
    box.setCurrentIndex(0)
    box.activated.emit(0)
    assert slider.isHidden(), "one colour has no range"


def test_a_map_can_be_turned_round(panel: Any) -> None:
    id = show(panel, brain())
    document = panel.workbench.document
    box = panel.field("colormap")
    box.setCurrentIndex(box.findData("hot"))
    box.activated.emit(box.currentIndex())
    panel.field("inverted").click()
    assert document[id].display.colormap == "hot_r"
    assert box.currentData() == "hot" and panel.field("inverted").isChecked()
    document.undo()
    assert document[id].display.colormap == "hot" and not panel.field("inverted").isChecked()


def test_labels_offer_outlines_and_no_window(panel: Any) -> None:
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[2:4] = 2
    id = show(panel, Volume(labels, np.eye(4), transforms=Transforms.LABEL))
    assert panel.field("window").isHidden() and panel.field("window_slider").isHidden()
    box = panel.field("labels_as")
    assert not box.isHidden() and panel.field("outline").isHidden()
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert panel.workbench.document[id].display.outline == 2.0
    assert not panel.field("outline").isHidden()
    box.setCurrentIndex(0)
    box.activated.emit(0)
    assert panel.workbench.document[id].display.outline == 0.0
    show(panel, brain())
    assert not panel.field("window").isHidden() and panel.field("labels_as").isHidden()


def test_what_is_hidden_is_chosen_in_the_panel(panel: Any) -> None:
    id = show(panel, brain())
    box = panel.field("hide")
    box.setCurrentIndex(box.findData("below"))
    box.activated.emit(box.currentIndex())
    panel.field("floor").setText("2.5")
    panel.field("floor").editingFinished.emit()
    display = panel.workbench.document[id].display
    assert (display.hide, display.floor) == ("below", 2.5)


def test_swatches_show_the_colours(qapp: Any) -> None:
    size = QSize(44, 12)
    image = pixels(swatch("gray", size).pixmap(size))
    assert image[6, 4].max() < 60 and image[6, 40].min() > 200
    other = pixels(swatch("labels", size).pixmap(size))
    assert len(np.unique(other[6, 2:-2], axis=0)) >= 8


def test_closing_the_item_while_its_histogram_is_made(panel: Any, qtbot: Any) -> None:
    id = show(panel, brain())
    panel.workbench.document.remove(id)
    other = show(panel, brain(), window=50.0, level=100.0)
    slider = ready(qtbot, panel, "window_slider")
    assert (slider.low, slider.high) == (75.0, 125.0) and other in panel.workbench.document


def test_colours_and_one_colour_have_no_map_and_no_range(panel: Any) -> None:
    from core.data import PointCloud

    points = np.arange(12.0).reshape(4, 3)
    attributes = {
        "rgb": Attribute(np.zeros((4, 3), np.uint8), Transforms.SCALAR),
        "q": Attribute(np.arange(4.0), Transforms.SCALAR),
    }
    show(panel, PointCloud(points, attributes), color_by="rgb")
    box = panel.field("color_by")

    def rows() -> list[bool]:
        found = [panel.field(n) for n in ("colormap", "inverted", "range_slider", "range_low", "color")]
        found[3] = found[3].parentWidget()
        return [not each.isHidden() for each in found]

    assert rows() == [False] * 5
    for value, expected in (("q", [True] * 4 + [False]), ("", [False] * 4 + [True])):
        box.setCurrentIndex(box.findData(value))
        box.activated.emit(box.currentIndex())
        assert rows() == expected


def test_a_hand_that_rests_in_a_drag_makes_no_second_edit_and_the_next_drag_is_another(
    panel: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("core.document._document.time.monotonic", lambda: now[0])
    rng = np.random.default_rng(0)
    id = show(panel, Volume(rng.integers(0, 100, (8, 8, 8)).astype(np.int16), np.eye(4)))
    other = show(panel, Volume(rng.integers(0, 100, (8, 8, 8)).astype(np.int16), np.eye(4)))
    document = panel.workbench.document

    def drag() -> Any:
        panel.workbench.select(other)  # the slider is made anew, perhaps where the one before lay in memory
        panel.workbench.select(id)
        before = document[id].display
        slider = ready(qtbot, panel, "window_slider")
        at = slider.x_of(slider.high)
        send(slider, QEvent.Type.MouseButtonPress, at)
        for step in (1, 2, 3):
            now[0] += 5.0
            send(slider, QEvent.Type.MouseMove, at - 4.0 * step)
        send(slider, QEvent.Type.MouseButtonRelease, at - 12.0)
        return before

    first, second = drag(), drag()
    assert second != first and document[id].display != second
    document.undo()
    assert document[id].display == second
    document.undo()
    assert document[id].display == first
    # Steps by key after a drag are not part of it.
    document.redo()
    slider = ready(qtbot, panel, "window_slider")
    at = slider.x_of(slider.high)
    for kind, x in (("Press", at), ("Release", at - 6)):
        if kind == "Release":
            send(slider, QEvent.Type.MouseMove, x)
        send(slider, getattr(QEvent.Type, f"MouseButton{kind}"), x)
    dragged = document[id].display
    QTest.keyClick(slider, Qt.Key.Key_Left)
    assert document[id].display != dragged
    document.undo()
    assert document[id].display == dragged


def test_a_drag_over_time_points_is_one_edit_however_long_it_takes(
    panel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("core.document._document.time.monotonic", lambda: now[0])
    id = show(panel, Volume(np.arange(4 * 4 * 4 * 9).reshape(4, 4, 4, 9).astype(np.int16), np.eye(4), "time"))
    slider, document = panel.field("index"), panel.workbench.document
    slider.setSliderDown(True)
    for value in (2, 4, 7):
        now[0] += 3.0
        slider.setValue(value)
    slider.setSliderDown(False)
    assert document[id].display.index == 7
    document.undo()
    assert document[id].display.index == 0
