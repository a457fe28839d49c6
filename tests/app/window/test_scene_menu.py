"""The commands of the 3-D view: projection, clip plane, camera history, presets; and a click that selects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from core.data import Mesh
from core.display import default_display
from core.document import Item
from tests.app.window.test_view_menu import entry


@pytest.fixture
def opened(window: Any, files: dict[str, Path], helper: Any) -> Any:
    """A window with a volume, selected."""
    helper.open(window, files["volume"])
    window.workbench.select(next(iter(window.workbench.document)).id)
    return window


def enabled(window: Any, id: str) -> bool:
    window.commands.refresh()
    return bool(window.commands[id].isEnabled())


def test_without_anything_open_they_say_why(window: Any) -> None:
    for id in ("scene.parallel", "scene.clip", "scene.back", "scene.preset-mip"):
        assert not enabled(window, id) and window.commands[id].toolTip()


def test_projection_and_clip_plane_are_switched_and_shown_as_switched(opened: Any) -> None:
    commands, view = opened.commands, opened.centre.grid.views["3d"]
    commands["scene.parallel"].trigger()
    assert view.intent.parallel and commands["scene.parallel"].isChecked()
    commands["scene.parallel"].trigger()
    assert not view.intent.parallel and not commands["scene.parallel"].isChecked()
    assert not enabled(opened, "scene.clip-flip")
    commands["scene.clip"].trigger()
    plane = view.intent.clip
    assert plane is not None and sorted(np.abs(plane.normal)) == [0, 0, 1]
    # towards the viewer: what is seen first goes first
    assert np.dot(plane.normal, view.resolved().camera.frame()[2]) > 0
    assert enabled(opened, "scene.clip-flip")
    commands["scene.clip-flip"].trigger()
    assert np.allclose(view.intent.clip.normal, -np.array(plane.normal))
    commands["scene.clip-axial"].trigger()
    assert view.intent.clip.follow == "axial" and commands["scene.clip-axial"].isChecked()
    commands["scene.clip-axial"].trigger()
    assert view.intent.clip is None and not commands["scene.clip"].isChecked()
    assert opened.centre.grid.wait(20)


def test_a_right_click_in_3d_offers_them_and_in_a_slice_does_not(opened: Any) -> None:
    grid = opened.centre.grid
    menu = opened.menus.view_menu(grid.views["3d"], QPointF(5, 5))
    assert entry(menu, "Orthographic (no perspective)").isEnabled()
    entry(menu, "Glass").trigger()
    item = opened.workbench.current
    assert item.display.preset == "shell"
    menu.deleteLater()
    menu = opened.menus.view_menu(grid.views["axial"], QPointF(5, 5))
    with pytest.raises(LookupError):
        entry(menu, "Orthographic (no perspective)")
    menu.deleteLater()


def test_presets_are_edits_of_the_selected_volume(opened: Any) -> None:
    document, commands = opened.workbench.document, opened.commands
    commands["scene.render-surface"].trigger()
    assert opened.workbench.current.display.render == "surface"
    commands["scene.preset-mip"].trigger()
    assert opened.workbench.current.display.preset == "mip"
    assert opened.workbench.current.display.render == "volume", "a preset is of the volume rendering"
    opened.commands.refresh()
    assert commands["scene.preset-mip"].isChecked() and not commands["scene.preset-auto"].isChecked()
    document.undo()
    assert opened.workbench.current.display.render == "surface"
    opened.workbench.select(None)
    assert not enabled(opened, "scene.preset-mip")


def test_the_plane_in_numbers(opened: Any, qtbot: Any) -> None:
    from app.window.clip_dialog import ClipDialog

    opened.commands["scene.clip-fields"].trigger()
    dialog = opened.findChild(ClipDialog)
    view = opened.centre.grid.views["3d"]
    assert dialog.isVisible() and view.intent.clip is not None
    words = [w.text() for w in dialog.findChildren(QLabel)]
    assert f"Through ({view.resolved().unit})" in words and "Cuts away towards" in words
    for field, text in zip(dialog.numbers["normal"], ("1", "1", "0"), strict=True):
        field.setText(text)
    dialog.numbers["origin"][0].setText("2.5")
    dialog.numbers["origin"][0].editingFinished.emit()
    assert view.intent.clip.normal == pytest.approx((0.5**0.5, 0.5**0.5, 0))
    assert view.intent.clip.origin[0] == 2.5
    for field in dialog.numbers["normal"]:
        field.setText("0")
    dialog.numbers["normal"][0].editingFinished.emit()
    assert "must not be" in dialog.error.text() and view.intent.clip.normal[0] > 0.7
    dialog.numbers["normal"][0].setText("x")
    dialog.numbers["normal"][0].editingFinished.emit()
    assert "is no number" in dialog.error.text()
    dialog.follow.setCurrentIndex(dialog.follow.findData("coronal"))
    dialog.follow.activated.emit(dialog.follow.currentIndex())
    assert view.intent.clip.follow == "coronal"
    dialog.off.click()
    assert view.intent.clip is None
    qtbot.waitUntil(lambda: opened.findChild(ClipDialog) is None, timeout=5000)
    opened.centre.grid.set_cursor((1.0, 2.0, 3.0))  # nobody is left to be told
    opened.centre.grid.set_clip(None)


def test_a_click_in_3d_selects_and_the_camera_goes_back(window: Any) -> None:
    workbench = window.workbench
    for id, x in (("left", -3.0), ("right", 3.0)):
        points = np.array([[x - 1, 0, -1], [x + 1, 0, -1], [x, 0, 1]])
        data = Mesh(points, np.array([[0, 1, 2]]))
        workbench.document.add(Item(id, id, data, display=default_display(data)))
    grid = window.centre.grid
    assert grid.wait(20)
    grid.look_from("P")
    assert grid.wait(20)
    view = grid.views["3d"]
    hits = {}
    for side in (-1, 1):
        state = view.resolved()
        from app.viewports.camera import project

        x, y, _ = project(state.camera, np.array([[3.0 * side, 0, -0.3]]), state.width, state.height)[0]
        QTest.mouseClick(
            view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(round(x), round(y))
        )
        hits[side] = workbench.selected
    assert hits == {-1: "left", 1: "right"}
    window.commands.refresh()
    assert window.commands["scene.back"].isEnabled()
    window.commands["scene.back"].trigger()
    assert view.intent.camera is None


def test_a_new_session_has_no_clip_plane(opened: Any) -> None:
    opened.commands["scene.clip"].trigger()
    assert opened.centre.grid.views["3d"].intent.clip is not None
    opened.workbench.new_session()
    assert opened.centre.grid.views["3d"].intent.clip is None
