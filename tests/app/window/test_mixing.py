"""Mixing two volumes from the menu, with the row above the slices and with keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.data import Transforms, Volume
from core.display import default_display
from core.document import Item
from tests.app.viewports.conftest import head


def item(name: str, data: Any, **more: Any) -> Item:
    return Item(name=name, data=data, id=name, display=default_display(data), **more)


@pytest.fixture
def two(window: Any) -> Any:
    window.workbench.document.add(
        item("first", head()), item("second", Volume(head().array + 7, head().affine))
    )
    assert window.centre.grid.wait(20)
    return window


def choose(box: Any, value: Any) -> None:
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def test_a_blend_is_started_changed_and_ended(two: Any) -> None:
    window, grid = two, two.centre.grid
    window.workbench.select("second")
    window.commands["view.mix-blend"].trigger()
    mix, strip = grid.mix, window.mixing.strip
    assert (mix.first, mix.second, mix.mode) == ("first", "second", "blend") and strip.isVisible()
    assert window.commands["view.mix-blend"].isChecked() and strip.percent.text() == "50 %"
    strip.slider.setFocus()
    QTest.keyClick(strip.slider, Qt.Key.Key_Right)
    assert grid.mix.amount == pytest.approx(0.51)
    window.commands["view.mix-more"].trigger()
    assert grid.mix.amount == pytest.approx(0.61) and strip.slider.value() == 61
    strip.swap.click()
    assert (grid.mix.first, grid.mix.second) == ("second", "first")
    assert strip.first.currentData() == "second"
    choose(strip.first, "first")  # it was the other one: they change places
    assert (grid.mix.first, grid.mix.second) == ("first", "second")
    assert grid.wait(20) and grid.views["axial"].frame.notes.infos[0] == "61 % of B"
    assert not window.workbench.document.undo_label.startswith("Set")  # no edit: it is how one looks at them
    strip.end.click()
    assert grid.mix is None and not strip.isVisible() and not window.commands["view.mix-blend"].isChecked()


def test_each_way_has_its_own_controls(two: Any) -> None:
    window, grid = two, two.centre.grid
    window.commands["view.mix-difference"].trigger()
    strip = window.mixing.strip
    assert strip.match.isVisible() and strip.limit.isVisible() and not strip.slider.isVisible()
    choose(strip.match, "fit")
    strip.limit.setText("12")
    strip.limit.committed.emit()
    assert (grid.mix.match, grid.mix.limit) == ("fit", 12.0)
    assert grid.wait(20)
    legend = grid.views["axial"].frame.notes.legends[-1]
    assert (legend.low, legend.high) == (-12, 12)
    strip.limit.setText("-3")
    strip.limit.committed.emit()
    assert grid.mix.limit == 12.0 and strip.limit.property("invalid")
    strip.limit.setText("")
    strip.limit.committed.emit()
    assert grid.mix.limit is None
    choose(strip.mode, "checker")
    strip.tile.setText("5")
    strip.tile.committed.emit()
    assert grid.mix.tile == 5 and strip.tile.isVisible() and not strip.match.isVisible()
    window.commands["view.mix-curtain"].trigger()
    assert grid.mix.mode == "curtain" and grid.mix.tile == 5 and strip.upright.isChecked()
    strip.upright.click()
    assert not grid.mix.upright
    assert grid.wait(20) and not grid.views["axial"].frame.notes.problems


def test_what_cannot_be_is_grey_with_the_reason(window: Any) -> None:
    command = window.commands["view.mix-difference"]
    assert not command.isEnabled() and "two volumes" in command.toolTip()
    labels = Volume(np.ones((5, 5, 5), np.uint8), np.eye(4), transforms=Transforms.LABEL)
    window.workbench.document.add(item("first", head()), item("labels", labels))
    assert window.commands["view.mix-blend"].isEnabled() and "no difference" in command.toolTip()
    assert not window.commands["view.mix-more"].isEnabled()
    window.commands["view.mix-blend"].trigger()
    choose(window.mixing.strip.mode, "difference")
    assert window.centre.grid.mix.mode == "blend" and window.mixing.strip.mode.currentData() == "blend"


def test_classes_are_mixed_only_where_there_are_no_two_scans(two: Any) -> None:
    labels = Volume((head().array > 50).astype(np.uint8), head().affine, transforms=Transforms.LABEL)
    two.workbench.document.add(item("labels", labels))
    two.workbench.select("labels")
    assert [i.id for i in two.mixing.pair()] == ["first", "second"]
    two.workbench.document.remove("second")
    assert [i.id for i in two.mixing.pair()] == ["first", "labels"]


def test_closing_one_ends_it_and_hidden_ones_are_shown(two: Any) -> None:
    window, grid, document = two, two.centre.grid, two.workbench.document
    window.data.toggle("second")
    window.centre.choose_layout("3d")
    window.commands["view.mix-blend"].trigger()
    assert document["second"].display.visible and grid.layout_name == "four"
    document.remove("second")
    assert grid.mix is None and not window.mixing.strip.isVisible()
    document.undo()
    window.commands["view.mix-blend"].trigger()
    window.workbench.new_session()
    assert grid.mix is None and not window.mixing.strip.isVisible()


def test_a_mix_is_part_of_a_session(two: Any, tmp_path: Path, helper: Any) -> None:
    window, grid = two, two.centre.grid
    window.commands["view.mix-curtain"].trigger()
    window.mixing.change(amount=0.3)
    window.workbench.save_session(tmp_path / "mix.equiscope", window.layout_state())
    helper.idle(window)
    window.mixing.end()
    window.workbench.open_session(tmp_path / "mix.equiscope")
    helper.idle(window)
    assert grid.mix.mode == "curtain" and grid.mix.amount == 0.3 and window.mixing.strip.isVisible()
