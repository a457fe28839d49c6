"""The data tree and the menus change the document by edits alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit


@pytest.fixture
def two(window: Any, files: dict[str, Path], helper: Any) -> Any:
    """A window with a mesh and a volume."""
    helper.open(window, files["mesh"], files["volume"])
    return window


def by_name(window: Any, name: str) -> Any:
    return next(i for i in window.workbench.document if i.name == name)


def test_the_eye_hides_and_undo_shows(two: Any, qtbot: Any) -> None:
    tree = two.data.tree
    mesh = by_name(two, "tetra")
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.eye_of(mesh.id))
    assert by_name(two, "tetra").display.visible is False
    assert [i.display.visible for i in two.centre.grid.items] == [False, True]
    two.commands["edit.undo"].trigger()
    assert by_name(two, "tetra").display.visible is True
    two.commands["edit.redo"].trigger()
    assert by_name(two, "tetra").display.visible is False


def test_space_toggles_and_delete_closes(two: Any, qtbot: Any) -> None:
    mesh = by_name(two, "tetra")
    two.workbench.select(mesh.id)
    qtbot.keyClick(two.data.tree, Qt.Key.Key_Space)
    assert not by_name(two, "tetra").display.visible
    qtbot.keyClick(two.data.tree, Qt.Key.Key_Delete)
    assert [i.name for i in two.workbench.document] == ["head"]
    assert two.commands["edit.undo"].text() == "&Undo close tetra"
    assert two.workbench.current.name == "head"
    two.items.undo()
    assert {i.name for i in two.workbench.document} == {"tetra", "head"}


def test_renaming_in_place(two: Any, qtbot: Any) -> None:
    mesh = by_name(two, "tetra")
    two.workbench.select(mesh.id)
    two.commands["edit.rename"].trigger()
    editor = two.data.tree.findChild(QLineEdit)
    editor.setText("my shape")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: two.workbench.document[mesh.id].name == "my shape")
    assert two.data.tree.row_of(mesh.id).text(0) == "my shape"
    two.items.undo()
    assert two.data.tree.row_of(mesh.id).text(0) == "tetra"


def test_selection_goes_both_ways(two: Any) -> None:
    mesh, volume = by_name(two, "tetra"), by_name(two, "head")
    two.data.tree.setCurrentItem(two.data.tree.row_of(mesh.id))
    assert two.workbench.selected == mesh.id
    two.workbench.select(volume.id)
    assert two.data.tree.currentItem() is two.data.tree.row_of(volume.id)
    assert two.display.header.note.text() == "head"


def test_show_only_this(two: Any) -> None:
    two.workbench.select(by_name(two, "head").id)
    two.items.show_only()
    assert not by_name(two, "tetra").display.visible
    assert by_name(two, "head").display.visible
    two.items.show_all()
    assert by_name(two, "tetra").display.visible


def test_moving_below_another_item_is_an_edit(two: Any) -> None:
    mesh, volume = by_name(two, "tetra"), by_name(two, "head")
    two.data._on_moved(mesh.id, volume.id, None, True)
    assert two.workbench.document[mesh.id].parent == volume.id
    assert [i.name for i in two.data._items()] == ["head", "tetra"]
    two.items.undo()
    assert two.workbench.document[mesh.id].parent is None
    two.data._on_moved(volume.id, None, mesh.id, False)
    assert [i.name for i in two.data._items()] == ["head", "tetra"]


def test_a_group_hides_what_is_in_it(two: Any) -> None:
    from core.document import Item, new_id

    group = Item(new_id(), "group")
    two.workbench.document.add(group)
    mesh = by_name(two, "tetra")
    two.data._on_moved(mesh.id, group.id, None, True)
    two.data.toggle(group.id)
    assert {i.name: i.display.visible for i in two.centre.grid.items} == {"tetra": False, "head": True}
    assert by_name(two, "tetra").display.visible, "the item itself was not touched"


def test_what_cannot_be_done_says_why(window: Any) -> None:
    assert not window.commands["edit.rename"].isEnabled()
    assert window.commands["edit.rename"].toolTip() == "Select an item first"
    assert window.commands["edit.undo"].toolTip() == "Nothing to undo"
    assert not window.commands["view.layout-3d"].isEnabled()


def test_window_and_level_dragged_in_a_view_are_one_edit(two: Any) -> None:
    from dataclasses import replace

    volume = by_name(two, "head")
    edits = len(two.workbench.document._done)
    for width in (50.0, 60.0, 70.0):
        shown = replace(two.workbench.document[volume.id].display, window=width, level=20.0)
        two.centre.grid.displayChanged.emit(volume.id, shown, "drag-1")
    assert two.workbench.document[volume.id].display.window == 70.0
    assert len(two.workbench.document._done) == edits + 1
    two.items.undo()
    assert two.workbench.document[volume.id].display.window is None


def test_properties_open_and_close(two: Any, qapp: Any) -> None:
    two.workbench.select(by_name(two, "tetra").id)
    two.items.show_info()
    (dialog,) = [w for w in qapp.topLevelWidgets() if w.isVisible() and w is not two]
    assert "tetra" in dialog.windowTitle()
    dialog.close()


def test_properties_are_words(two: Any) -> None:
    from app.window.properties import plain_properties, property_rows

    volume = property_rows(plain_properties(by_name(two, "head")))
    assert volume["Voxels"] == "12 × 14 × 10"
    assert volume["Voxel size"] == "2 × 2 × 2 mm"
    assert volume["Axes"] == "RAS" and volume["Values"] == "int16"
    mesh = property_rows(plain_properties(by_name(two, "tetra")))
    assert (mesh["Points"], mesh["Faces"]) == ("4", "4")
    assert mesh["Extent along x"] == "0 to 1"
    assert mesh["File"].endswith("tetra.ply")
    assert not any("None" in words or "[" in words for words in (*volume.values(), *mesh.values()))
