"""The display panel of moving points: what it offers, and that each change is an edit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.forms.widgets import NumberEdit
from app.panels.display import DisplayPanel
from app.window.workbench import Workbench
from core.data import Attribute, Trajectory, Transforms
from core.display import default_display
from core.document import Item
from core.jobs import InlineRunner
from core.plugins import PluginHost
from core.settings import Settings


@pytest.fixture
def panel(qtbot: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel on one trajectory."""
    monkeypatch.setenv("EQUISCOPE_CONFIG", str(tmp_path))
    workbench = Workbench(InlineRunner(), PluginHost(), Settings())
    made = DisplayPanel(workbench)
    qtbot.addWidget(made)
    made.show()
    heat = Attribute(np.array([[0.0, 5, 9], [1, 2, 3]]), Transforms.SCALAR)
    data = Trajectory(np.ones((3, 2, 3)), np.arange(3.0), {"heat": heat}, "mm", "ms")
    workbench.document.add(Item("a", "run", data, display=default_display(data)))
    workbench.select("a")
    made.field("color_by")  # the first item's fields come when somebody asks for them
    yield made
    workbench.close()


def typed(qtbot: Any, field: Any, text: str) -> None:
    assert isinstance(field, NumberEdit)
    field.setText(text)
    field.committed.emit()


def test_fields_of_a_trajectory(panel, qtbot):
    document = panel._workbench.document
    choice = panel.field("color_by")
    words = [choice.itemText(k) for k in range(choice.count())]
    assert words == ["One colour", "heat", "speed", "x", "y", "z"]
    assert panel.field("color").isVisible() and not panel.field("radius").isVisible()
    choice.setCurrentIndex(1)
    choice.activated.emit(1)
    assert document["a"].display.color_by == "heat"
    assert not panel.field("color").isVisible() and panel.field("range_low").isEnabled()
    typed(qtbot, panel.field("range_low"), "2")
    assert document["a"].display.range == (2.0, 9.0), "the largest value at any time"
    shape = panel.field("shape")
    shape.setCurrentIndex(1)
    shape.activated.emit(1)
    assert panel.field("radius").isVisible() and not panel.field("size").isVisible()
    typed(qtbot, panel.field("radius"), "0.5")
    assert document["a"].display.radius == 0.5
    document.undo()
    assert document["a"].display.radius is None and panel.field("radius").text() == ""


def test_trails(panel, qtbot):
    document = panel._workbench.document
    typed(qtbot, panel.field("trail"), "4.5")
    assert document["a"].display.trail == 4.5
    panel.field("fade").click()
    assert document["a"].display.fade is False
    panel.field("trails").click()
    assert document["a"].display.trails is False and not panel.field("trail").isVisible()
    document.undo()
    assert panel.field("trail").isVisible()
    typed(qtbot, panel.field("trail"), "")
    assert document["a"].display.trail is None
    typed(qtbot, panel.field("trail"), "-1")
    assert document["a"].display.trail is None, "a trail has no negative length"


def test_the_default_is_right_for_moving_points():
    data = Trajectory(np.ones((3, 2, 3)), np.arange(3.0))
    display = default_display(data, {"trail": 2.0, "nonsense": 1})
    assert type(display).__name__ == "TrajectoryDisplay" and display.trails and display.trail == 2.0
