"""The display panel on 3-D looks: presets, opacity curve, level, colours, glyphs; each drag is one edit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.forms.color_button import ColorButton
from app.forms.opacity_curve import OpacityCurve
from core.data import Attribute, Domain, Graph, Mesh, PointCloud, Transforms, Volume
from core.display import VALUES, default_display
from core.document import Item, new_id

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier
RAMP = Volume(np.linspace(0, 100, 6**3).reshape(6, 6, 6).astype(np.float32), np.eye(4))


def show(panel: Any, data: Any, **display: Any) -> Any:
    """Open and select; a function that gives the display as it is now."""
    item = Item(new_id(), "thing", data, display=default_display(data, display))
    panel.workbench.document.add(item)
    panel.workbench.select(item.id)
    panel.resize(320, 900)
    panel.show()
    return lambda: panel.workbench.document[item.id].display


def choose(box: Any, value: str) -> None:
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


@pytest.fixture
def editor(qtbot: Any) -> Any:
    made = OpacityCurve("Opacity")
    qtbot.addWidget(made)
    made.resize(300, 120)
    made.set_distribution(np.arange(10.0), 0.0, 100.0)
    made.set_curve(((20.0, 0.0), (80.0, 1.0)))
    made.show()
    made.told = []
    made.moved.connect(lambda curve, key: made.told.append((curve, key)))
    return made


def point(editor: Any, corner: tuple[float, float]) -> QPoint:
    return editor.place_of(corner).toPoint()


def test_a_click_adds_a_corner_and_a_drag_moves_it_in_one_gesture(editor: Any) -> None:
    QTest.mousePress(editor, LEFT, NONE, point(editor, (50, 0.2)))
    assert len(editor.curve) == 3 and editor.curve[1] == pytest.approx((50, 0.2), abs=1)
    QTest.mouseMove(editor, point(editor, (60, 0.7)))
    QTest.mouseMove(editor, point(editor, (65, 0.9)))
    QTest.mouseRelease(editor, LEFT, NONE, point(editor, (65, 0.9)))
    assert editor.curve[1] == pytest.approx((65, 0.9), abs=0.7)
    assert len({key for _, key in editor.told}) == 1 and editor.told[-1][0] == editor.curve
    # past its neighbour it does not go
    QTest.mousePress(editor, LEFT, NONE, point(editor, editor.curve[1]))
    QTest.mouseMove(editor, point(editor, (95, 0.5)))
    QTest.mouseRelease(editor, LEFT, NONE, point(editor, (95, 0.5)))
    assert editor.curve[1][0] == 80.0 and len({key for _, key in editor.told}) == 2


def test_corners_go_by_right_click_and_delete_but_two_stay(editor: Any) -> None:
    editor.set_curve(((20.0, 0.0), (40.0, 0.5), (60.0, 0.6), (80.0, 1.0)))
    QTest.mouseClick(editor, RIGHT, NONE, point(editor, (60, 0.6)))
    assert [v for v, _ in editor.curve] == [20, 40, 80]
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Home)
    QTest.keyClick(editor, Qt.Key.Key_PageUp)
    assert editor.chosen == 1 and "point 2 of 3" in editor.accessibleDescription()
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert [v for v, _ in editor.curve] == [20, 80]
    for _ in range(3):
        QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert len(editor.curve) == 2


def test_the_keyboard_moves_and_adds_corners(editor: Any) -> None:
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Home)
    QTest.keyClick(editor, Qt.Key.Key_Right)
    QTest.keyClick(editor, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert editor.curve[0] == pytest.approx((21, 0.05))
    QTest.keyClick(editor, Qt.Key.Key_Insert)
    assert len(editor.curve) == 3 and editor.curve[1] == pytest.approx((50.5, 0.525), abs=0.01)
    QTest.mousePress(editor, LEFT, NONE, point(editor, editor.curve[1]))
    QTest.mouseMove(editor, point(editor, (30, 0.1)))
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert editor.curve[1] == pytest.approx((50.5, 0.525), abs=0.01)


def test_what_is_painted_is_the_curve(editor: Any) -> None:
    before = editor.grab().toImage()
    editor.set_curve(((20.0, 1.0), (80.0, 1.0)))
    after = editor.grab().toImage()
    place = point(editor, (50, 1.0))
    assert QColor(after.pixel(place)) != QColor(before.pixel(place))


def test_the_opacity_curve_of_a_volume_is_one_edit_a_drag(panel: Any, qtbot: Any) -> None:
    display = show(panel, RAMP, render="volume")
    document = panel.workbench.document
    editor = panel.field("opacity_curve")
    qtbot.waitUntil(lambda: editor.ready, timeout=10_000)
    assert display().opacity_curve is None and panel.field("preset").currentData() == "auto"
    start = editor.curve
    QTest.mousePress(editor, LEFT, NONE, point(editor, start[1]))
    for value in (0.5, 0.6, 0.7):
        QTest.mouseMove(editor, point(editor, (start[1][0], value)))
    QTest.mouseRelease(editor, LEFT, NONE, point(editor, (start[1][0], 0.7)))
    assert display().opacity_curve[1][1] == pytest.approx(0.7, abs=0.02)
    assert panel.field("preset").currentText() == "Edited curve"
    assert document.undo_label == "Opacity curve"
    document.undo()
    assert display().opacity_curve is None and editor.curve == start
    choose(panel.field("preset"), "soft")
    assert display().preset == "soft" and editor.curve != start
    choose(panel.field("preset"), "@edited")
    assert display().opacity_curve == editor.curve
    choose(panel.field("preset"), "mip")
    assert display().opacity_curve is None and display().preset == "mip"


def test_ct_presets_come_with_the_unit(panel: Any) -> None:
    show(panel, Volume(RAMP.array * 20 - 1000, np.eye(4), value_unit="HU"), render="volume")
    box = panel.field("preset")
    assert box.findData("ct-bone") >= 0
    show(panel, RAMP, render="volume")
    assert panel.field("preset").findData("ct-bone") < 0


def test_the_level_of_a_surface_by_slider_field_and_back_to_automatic(panel: Any, qtbot: Any) -> None:
    display = show(panel, RAMP)
    assert not panel.field("surface_level").isVisible() and panel.field("opacity_curve").isVisible()
    choose(panel.field("render"), "surface")
    slider = panel.field("level_slider")
    assert panel.field("surface_level").isVisible() and not panel.field("opacity_curve").isVisible()
    qtbot.waitUntil(lambda: slider.ready, timeout=10_000)
    assert slider.low == pytest.approx(50, abs=3)  # Otsu's, of a ramp
    middle = slider.height() // 2
    QTest.mousePress(slider, LEFT, NONE, QPoint(round(slider.x_of(slider.low)), middle))
    QTest.mouseMove(slider, QPoint(round(slider.x_of(70)), middle))
    QTest.mouseMove(slider, QPoint(round(slider.x_of(80)), middle))
    QTest.mouseRelease(slider, LEFT, NONE, QPoint(round(slider.x_of(80)), middle))
    assert display().surface_level == pytest.approx(80, abs=1)
    panel.workbench.document.undo()
    assert display().surface_level is None and slider.low == pytest.approx(50, abs=3)
    field = panel.field("surface_level")
    field.setText("33")
    field.editingFinished.emit()
    assert display().surface_level == 33 and slider.low == 33
    QTest.mouseDClick(slider, LEFT, NONE, QPoint(round(slider.x_of(33)), middle))
    assert display().surface_level is None


def test_make_a_mesh_asks_for_the_analysis(panel: Any) -> None:
    asked: list[str] = []
    panel.fields.request = asked.append
    show(panel, RAMP, render="surface")
    row = panel.field("make_surface")
    from PySide6.QtWidgets import QPushButton

    row.findChild(QPushButton).click()
    assert asked == ["volumes.isosurface"]


def test_one_colour_is_chosen_in_a_dialog_live_and_cancel_takes_it_back(panel: Any, qtbot: Any) -> None:
    points = np.eye(3)
    display = show(panel, Mesh(points, np.array([[0, 1, 2]])))
    button = panel.field("color")
    assert isinstance(button, ColorButton) and button.color == display().color
    button.click()
    dialog = button.dialog
    dialog.setCurrentColor(QColor(255, 0, 0))
    dialog.setCurrentColor(QColor(0, 255, 0))
    assert display().color == (0.0, 1.0, 0.0) and button.text() == "#00FF00"
    dialog.accept()
    panel.workbench.document.undo()
    assert display().color == default_display(Mesh(points, np.array([[0, 1, 2]]))).color
    button.click()
    button.dialog.setCurrentColor(QColor(0, 0, 255))
    button.dialog.reject()
    assert display().color == default_display(Mesh(points, np.array([[0, 1, 2]]))).color
    assert button.dialog is None


def test_glyphs_are_offered_where_there_are_vectors(panel: Any) -> None:
    attributes = {
        "v": Attribute(np.eye(3), Transforms.VECTOR),
        "T": Attribute(np.stack([np.eye(3)] * 3), Transforms.TENSOR),
        "q": Attribute(np.arange(3.0), Transforms.SCALAR),
    }
    display = show(panel, PointCloud(np.eye(3), attributes))
    assert not panel.field("glyph_limit").isVisible()
    choose(panel.field("glyph"), "v")
    assert display().glyph == "v" and panel.field("glyph_limit").isVisible()
    assert not panel.field("glyph_shape").isVisible()
    choose(panel.field("glyph"), "T")
    assert panel.field("glyph_shape").isVisible()
    limit = panel.field("glyph_limit")
    for text, expected in (("500", 500), ("0", 500), ("many", 500)):
        limit.setText(text)
        limit.editingFinished.emit()
        assert display().glyph_limit == expected and bool(limit.property("invalid")) == (text != "500")
    choose(panel.field("glyph_color_by"), "q")
    assert display().glyph_color_by == "q"
    names = [panel.field("color_by").itemData(k) for k in range(panel.field("color_by").count())]
    assert {"v", "v@x", "v@y", "v@z", "T", "T@trace", "q"} <= set(names)
    vectors = Volume(np.zeros((3, 3, 3, 3)) + 1.0, np.eye(4), "channel", Transforms.VECTOR)
    display = show(panel, vectors)
    choose(panel.field("glyph"), VALUES)
    assert display().glyph == VALUES
    show(panel, PointCloud(np.eye(3), {"q": attributes["q"]}))
    assert "glyph" not in panel.fields.fields


def test_graphs_offer_their_edges(panel: Any) -> None:
    graph = Graph(
        3,
        [[0, 1], [1, 2]],
        positions=np.eye(3),
        attributes={"w": Attribute(np.arange(2.0), Transforms.SCALAR, Domain.EDGE)},
    )
    display = show(panel, graph)
    choose(panel.field("color_by"), "w")
    assert display().color_by == "w" and isinstance(panel.field("color"), QWidget)
    assert "representation" not in panel.fields.fields
