"""Markups in real windows with the gl backend: `xvfb-run -a pytest -m gl` with QT_QPA_PLATFORM=xcb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import trimesh
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from app.theme import DARK
from app.viewports import ViewportGrid, prepare_surface_format, search
from app.viewports.markup_tools import Snapping
from core.data import Markup, Mesh
from tests.app.viewports import test_gl
from tests.app.viewports.conftest import head
from tests.app.viewports.markup_host import Host, at, drag
from tests.app.viewports.test_grid import pixels

pytestmark = test_gl.pytestmark
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def host(qtbot: Any) -> Iterator[Host]:
    prepare_surface_format()
    made = QMainWindow()
    grid = ViewportGrid(backend="gl", theme=DARK)
    made.setCentralWidget(grid)
    made.resize(520, 480)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield Host(grid)
    grid.shutdown()


def test_a_line_is_clicked_and_dragged_in_a_slice(host: Host) -> None:
    host.open(head(), render="off")
    assert host.grid.wait(30) and host.grid.backend == "gl"
    view = host.grid.views["axial"]
    host.place("line")
    places = [QPointF(90, 90), QPointF(150, 120)]
    for place in places:
        QTest.mouseMove(view, place.toPoint())
        QTest.mouseClick(view, LEFT, Qt.KeyboardModifier.NoModifier, place.toPoint())
    wanted = np.array([view.frame.state.to_world(p.x(), p.y()) for p in places])
    np.testing.assert_allclose(host.markup().points, wanted)
    assert host.grid.wait(30)
    before = pixels(view.grab())
    drag(view, places[1], QPointF(150, 60))
    np.testing.assert_allclose(host.markup().points[1], view.frame.state.to_world(150, 60), atol=1e-9)
    assert host.grid.wait(30)
    assert np.abs(pixels(view.grab()).astype(float) - before).max() > 60
    host.document.undo()
    np.testing.assert_allclose(host.markup().points, wanted)


def test_a_point_is_placed_on_a_surface_and_dragged_over_it(host: Host) -> None:
    host.grid.set_layout("3d")
    ball = trimesh.creation.icosphere(4, radius=20.0)
    mesh = Mesh(np.asarray(ball.vertices), np.asarray(ball.faces))
    host.open(mesh)
    search.face_tree(mesh, True)
    assert host.grid.wait(30)
    view = host.grid.views["3d"]
    host.snapping = Snapping(objects=True)
    host.place("points")
    middle = QPointF(view.width() / 2, view.height() / 2).toPoint()
    QTest.mouseClick(view, LEFT, Qt.KeyboardModifier.NoModifier, middle)
    first = host.markup()
    assert isinstance(first, Markup) and np.linalg.norm(first.points[0]) == pytest.approx(20, rel=0.005)
    assert host.grid.wait(30)
    start = at(view, first.points[0])
    drag(view, start, start + QPointF(35, -25))
    moved = host.markup().points[0]
    assert np.linalg.norm(moved) == pytest.approx(20, rel=0.005)
    assert np.linalg.norm(moved - first.points[0]) > 2
    assert host.grid.wait(30)
