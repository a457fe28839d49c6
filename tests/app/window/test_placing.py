"""Moving items by hand and by the result of an alignment; always edits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from scipy.spatial.transform import Rotation

from app.window.placement_dialog import PlacementDialog
from app.window.placing import matrix_from, parts_of
from core.data import Mesh
from core.display import default_display
from core.document import Item

angles = st.tuples(*[st.floats(-179, 179)] * 3)
numbers = st.tuples(*[st.floats(-100, 100)] * 3)


@settings(deadline=None, max_examples=80)
@given(angles, numbers, numbers, st.sampled_from([np.eye(3), np.diag([-1.0, 1, 1]), np.diag([2.0, 2, 0.5])]))
def test_a_transform_is_what_its_parts_make(turn, shift, centre, rest):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() @ rest
    matrix[:3, 3] = shift
    parts = parts_of(matrix, centre)
    assert np.abs(matrix_from(*parts, centre) - matrix).max() < 1e-6
    if np.array_equal(rest, np.eye(3)):
        moved = matrix[:3, :3] @ centre + matrix[:3, 3]
        assert np.allclose(parts[0], moved - np.array(centre)) and np.abs(parts[2] - np.eye(3)).max() < 1e-9


def test_turning_about_z_by_a_right_angle() -> None:
    made = matrix_from([0, 0, 0], [0, 0, 90], np.eye(3), [1, 0, 0])
    assert made @ [2, 0, 0, 1] == pytest.approx([1, 1, 0, 1])
    gimbal = matrix_from([0, 0, 0], [10, 90, 20], np.eye(3), [0, 0, 0])
    assert np.allclose(matrix_from(*parts_of(gimbal, [0, 0, 0]), [0, 0, 0]), gimbal)


def sheet(name: str, points: Any = ((0, 0, 0), (30, 0, 0), (0, 30, 10))) -> Item:
    data = Mesh(np.array(points, dtype=float), np.array([[0, 1, 2]]), unit="mm")
    return Item(name=name, id=name, data=data, display=default_display(data))


def dialog_of(window: Any) -> PlacementDialog:
    window.commands["data.move"].trigger()
    return next(d for d in window.findChildren(PlacementDialog) if d.isVisible())


def test_an_item_is_moved_in_one_dialog(window: Any) -> None:
    window.workbench.document.add(sheet("a"), sheet("b"))
    for id in ("a", "a", "b", "a"):
        window.workbench.select(id)
        window.placing.ask()
    shown = sorted(d.windowTitle() for d in window.findChildren(PlacementDialog) if d.isVisible())
    assert shown == ["Move a", "Move b"]


def test_nudging_is_one_edit_that_undo_takes_back(window: Any) -> None:
    document = window.workbench.document
    document.add(sheet("a"))
    window.workbench.select("a")
    dialog = dialog_of(window)
    dialog.shifts[0].setFocus()
    for _ in range(3):
        QTest.keyClick(dialog.shifts[0], Qt.Key.Key_Up)
    assert document["a"].transform[:3, 3] == pytest.approx([3, 0, 0])
    dialog.turns[2].setText("90")
    dialog.turns[2].committed.emit()
    centre = np.array([15.0, 15, 5])
    assert document["a"].transform @ [*centre, 1] == pytest.approx([18, 15, 5, 1])
    assert document["a"].transform @ [*(centre + np.eye(3)[0]), 1] == pytest.approx([18, 16, 5, 1])
    document.undo()
    assert np.array_equal(document["a"].transform, np.eye(4))  # all of one gesture
    assert dialog.shifts[0].text() == "0" and dialog.turns[2].text() == "0"
    document.redo()
    assert dialog.turns[2].text() == "90"
    dialog.turns[0].setText("x")
    dialog.turns[0].committed.emit()
    assert dialog.turns[0].property("invalid") and dialog.turns[2].text() == "90"
    window.commands["data.reset-transform"].trigger()
    assert np.array_equal(document["a"].transform, np.eye(4)) and dialog.turns[2].text() == "0"
    assert not window.commands["data.reset-transform"].isEnabled()
    document.remove("a")
    assert not dialog.isVisible()
    assert not window.commands["data.move"].isEnabled()


def test_an_alignment_is_applied_to_the_item_in_one_edit(window: Any, helper: Any) -> None:
    ball = trimesh.creation.box((20, 30, 44))
    ball.vertices[0] += [4, 3, 2]
    base = Mesh(np.asarray(ball.vertices) + 5, np.asarray(ball.faces, dtype=np.int32), unit="mm")
    turn = Rotation.from_euler("xyz", (20, 30, 40), degrees=True).as_matrix()
    fixed = replace(sheet("fixed"), data=base)
    lifted = np.eye(4)
    lifted[:3, 3] = [0, 0, 50]
    moving = replace(sheet("moving"), data=replace(base, points=base.points @ turn + [9, 8, 7]))
    document = window.workbench.document
    document.add(replace(fixed, transform=lifted), moving)
    window.workbench.load_descriptions()
    helper.idle(window)
    assert not window.commands["data.apply-alignment"].isEnabled()
    description = window.workbench.descriptions["scans.register"]
    window.workbench.run(description, ["fixed", "moving"], {"samples": 300})
    helper.idle(window)
    group = next(i for i in document if i.record is not None)
    copy = next(i for i in document.children(group.id) if isinstance(i.data, Mesh))
    placed = copy.data.points @ copy.transform[:3, :3].T + copy.transform[:3, 3]
    assert (
        np.abs(placed - (base.points + np.array([0.0, 0, 50]))).max() < 1e-6
    )  # where the fixed one lies, not its file
    assert not document["moving"].display.visible and document["fixed"].display.visible, (
        "the copy is seen instead"
    )
    document.undo()
    assert document["moving"].display.visible and group.id not in document
    document.redo()
    window.workbench.select(group.id)
    window.commands["data.apply-alignment"].trigger()
    item = document["moving"]
    assert item.display.visible
    there = item.data.points @ item.transform[:3, :3].T + item.transform[:3, 3]
    assert np.abs(there - (base.points + np.array([0.0, 0, 50]))).max() < 1e-6
    assert not document[copy.id].display.visible and document.undo_label == "Align moving"
    document.undo()
    assert np.array_equal(document["moving"].transform, np.eye(4)) and document[copy.id].display.visible


def test_what_was_moved_is_measured_where_it_lies(window: Any, helper: Any) -> None:
    """Two copies of a box, one shifted by its transform: an analysis of both must see the shift."""
    solid = trimesh.creation.box((10, 10, 10))
    base = Mesh(np.asarray(solid.vertices), np.asarray(solid.faces, dtype=np.int32), unit="mm")
    document = window.workbench.document
    both = np.eye(4)
    both[:3, 3] = [0, 0, 100]
    document.add(
        replace(sheet("a"), data=base, transform=both), replace(sheet("b"), data=base, transform=both)
    )
    window.workbench.load_descriptions()
    helper.idle(window)
    description = window.workbench.descriptions["scans.distance"]

    def largest() -> float:
        window.workbench.run(description, ["a", "b"], {})
        helper.idle(window)
        return [i for i in document if i.record is not None][-1].metadata["values"]["largest"]

    assert largest() == 0
    shifted = both.copy()
    shifted[:3, 3] += [3, 0, 0]
    document.set_transform("b", shifted)
    assert largest() == pytest.approx(3)
    record = [i for i in document if i.record is not None][-1].record
    assert not record["inputs"][1].get("path")


def test_an_object_that_was_moved_before_is_aligned_from_there(window: Any, helper: Any) -> None:
    ball = trimesh.creation.box((20, 30, 44))
    ball.vertices[0] += [4, 3, 2]
    base = Mesh(np.asarray(ball.vertices) + 5, np.asarray(ball.faces, dtype=np.int32), unit="mm")
    place = np.eye(4)
    place[:3, :3] = Rotation.from_euler("xyz", (10, -20, 5), degrees=True).as_matrix()
    place[:3, 3] = [5, 6, 7]
    document = window.workbench.document
    document.add(replace(sheet("fixed"), data=base), replace(sheet("moving"), data=base, transform=place))
    window.workbench.load_descriptions()
    helper.idle(window)
    description = window.workbench.descriptions["scans.register"]
    window.workbench.run(description, ["fixed", "moving"], {"samples": 300, "start": "as placed"})
    helper.idle(window)
    window.workbench.select(next(i.id for i in document if i.record is not None))
    for _ in range(2):  # twice is once: it says where the item belongs, not how far to go
        window.commands["data.apply-alignment"].trigger()
        item = document["moving"]
        there = item.data.points @ item.transform[:3, :3].T + item.transform[:3, 3]
        assert np.abs(there - base.points).max() < 1e-6
