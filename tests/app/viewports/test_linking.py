"""Views that are linked: camera, crosshair, zoom and pan, colours."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app.viewports.linking import LINKS
from app.viewports.shared_colors import ranged
from core.data import Attribute, Mesh, Transforms, Volume
from core.markups import rotation_about
from tests.app.viewports.conftest import MARKER, head, make_item
from tests.app.viewports.test_grid import drag, pixels, wheel

CTRL = Qt.KeyboardModifier.ControlModifier


def other_head(scale: float = 2.0) -> Volume:
    """The head with other values, on a coarser grid with its axes in another order."""
    coarse = head().array[::2, ::2].transpose(2, 0, 1) * scale
    affine = head().affine @ np.diag([2.0, 2, 1, 1])
    return Volume(np.ascontiguousarray(coarse), affine[:, [2, 0, 1, 3]])


@pytest.fixture
def two(grid: Any) -> Any:
    """Two heads, a view each."""
    grid.set_items((make_item(head(), "a", window=200.0, level=100.0), make_item(other_head(), "b")))
    grid.set_layout("compare-axial-2")
    grid.set_only("axial", frozenset({"a"}))
    grid.set_only("axial-2", frozenset({"b"}))
    assert grid.wait(20)
    return grid


def test_zoom_and_pan_go_together_and_show_the_same_place(two: Any) -> None:
    first, second = two.views["axial"], two.views["axial-2"]
    assert first.state.scale == pytest.approx(second.state.scale, rel=0.01)  # a pixel wider
    wheel(first, 3, CTRL, at=(90.0, 200.0))
    drag(second, Qt.MouseButton.MiddleButton, (100, 100), (130, 90))
    assert first.intent.zoom == second.intent.zoom > 1.4 and first.intent.pan == second.intent.pan != (0, 0)
    here, there = first.resolved(), second.resolved()
    for x, y in ((10, 20), (200, 300)):
        assert here.to_world(x, y)[:2] == pytest.approx(there.to_world(x, y)[:2], abs=0.8)
    two.links.set(two.links.on - {"zoom"})
    wheel(first, 2, CTRL)
    assert first.intent.zoom != second.intent.zoom
    two.links.set(frozenset(LINKS))  # linked anew: they follow the first
    assert first.intent.zoom == second.intent.zoom


def test_a_flipped_view_pans_to_the_same_side_of_the_patient(two: Any) -> None:
    first, second = two.views["axial"], two.views["axial-2"]
    second.set_intent(convention="neurological")
    wheel(first, 3, CTRL, at=(90.0, 200.0))
    middle = (first.width() / 2, first.height() / 2)
    assert first.resolved().to_world(*middle)[:2] == pytest.approx(
        second.resolved().to_world(*middle)[:2], abs=0.2
    )


def test_slices_are_linked_until_they_are_not(two: Any) -> None:
    first, second = two.views["axial"], two.views["axial-2"]
    wheel(first, 2)
    assert second.resolved().cursor == first.resolved().cursor
    two.links.set(two.links.on - {"slice"})
    before = second.resolved().cursor
    told = []
    two.cursorMoved.connect(lambda point, text: told.append(point))
    wheel(first, 2)
    assert second.resolved().cursor == before != first.resolved().cursor
    assert told[-1] == first.resolved().cursor == two.cursor_position
    two.set_items(two.items)  # any edit of the document
    assert second.resolved().cursor == before
    two.links.set(two.links.on | {"slice"})
    assert second.resolved().cursor == first.resolved().cursor


@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (0.3, 1.0, 0.2)])
def test_linked_slices_of_a_turned_volume_are_one_plane_in_space(
    grid: Any, axis: tuple[float, float, float]
) -> None:
    """A head that lies turned must look turned beside the other one: neither its own axes nor another scale."""
    turn = np.eye(4)
    turn[:3, :3] = rotation_about(np.array(axis), np.radians(9))
    grid.set_items((make_item(head(), "a"), make_item(head(), "b", turn)))
    grid.set_layout("compare-axial-2")
    grid.set_only("axial", frozenset({"a"}))
    grid.set_only("axial-2", frozenset({"b"}))
    grid.set_cursor((4.0, 3.0, -6.0))
    assert grid.wait(20)
    first, second = grid.views["axial"], grid.views["axial-2"]
    here, there = first.resolved(), second.resolved(first.size())
    assert np.allclose(here.frame(), there.frame(), atol=1e-9)
    assert there.scale == pytest.approx(here.scale, rel=1e-9)
    marks = np.array([[20.0, 10.0, -6.0], [-14.0, 2.0, -6.0]])
    # Voxel planes of the first one; the second lies on the plane through the crosshair.
    assert np.allclose(here.to_screen(marks)[:, :2], there.to_screen(marks)[:, :2], atol=1e-6)
    # The same shape, turned: its bright spot is seen where it lies now.
    spot = turn[:3, :3] @ MARKER
    grid.set_cursor((float(spot[0]), float(spot[1]), float(spot[2])))
    assert grid.wait(20)
    x, y, height = second.state.to_screen(spot)[0]
    assert abs(height) < 1.6
    picture = pixels(second.grab_picture(second.size(), 1.0))
    assert picture[round(y) - 2, round(x) - 2].max() > 200  # beside the crosshair
    grid.links.set(grid.links.on - {"slice"})
    assert not np.allclose(second.resolved().frame(), first.resolved().frame(), atol=1e-3)


def test_cameras_turn_together_live(two: Any) -> None:
    two.set_layout("compare-3d-2")
    two.set_only("3d", frozenset({"a"}))
    two.set_only("3d-2", frozenset({"b"}))
    assert two.wait(20)
    first, second = two.views["3d"], two.views["3d-2"]
    assert first.state.camera.position == pytest.approx(second.state.camera.position, rel=0.01)
    mouse_down = (100, 100)
    drag(first, Qt.MouseButton.LeftButton, mouse_down, (160, 120))
    assert second.intent.interactive and second.intent.camera == first.intent.camera is not None
    assert two.wait(20)
    assert second.frame.state.camera == first.frame.state.camera and not second.frame.state.interactive
    two.links.set(two.links.on - {"camera"})
    drag(first, Qt.MouseButton.LeftButton, mouse_down, (60, 120))
    assert second.intent.camera != first.intent.camera


def test_one_window_for_all_is_shown_and_said_and_no_display_is_touched(two: Any) -> None:
    notes = [two.views[s].frame.notes for s in ("axial", "axial-2")]
    assert notes[0].windows["a"] == pytest.approx((200, 100)) == notes[1].windows["b"]
    assert [n.legends[0].title for n in notes] == ["Window · linked"] * 2
    assert (notes[1].legends[0].low, notes[1].legends[0].high) == pytest.approx((0, 200))
    assert two.items[1].display.window is None
    asked = []
    two.displayChanged.connect(lambda id, display, key: asked.append((id, display)))
    drag(two.views["axial-2"], Qt.MouseButton.RightButton, (100, 100), (130, 100))
    assert asked[-1][0] == "a" and asked[-1][1].window > 200  # the one whose window all show
    # Another window for the second, in its panel: from now on that one counts.
    two.set_items((two.items[0], make_item(two.items[1].data, "b", window=500.0, level=0.0)))
    assert two.wait(20)
    assert two.views["axial"].frame.notes.windows["a"] == pytest.approx((500, 0))
    two.links.set(two.links.on - {"colour"})
    assert two.wait(20)
    assert two.views["axial"].frame.notes.windows["a"] == pytest.approx((200, 100))
    assert not two.views["axial"].frame.notes.legends


def test_linked_windows_make_equal_values_look_equal(two: Any) -> None:
    """The second head is twice as bright: with one window for both it looks so, with its own it does not."""
    two.set_crosshair(False)
    two.set_items((make_item(head(), "a", window=510.0, level=255.0), two.items[1]))
    assert two.wait(20)
    centres = []
    for slot in ("axial", "axial-2"):
        view = two.views[slot]
        at = view.mapTo(two, QPointF(view.width() / 2, view.height() / 2 + 20)).toPoint()
        centres.append(pixels(two.grab())[at.y(), at.x(), 0])
    assert centres[1] == pytest.approx(2 * centres[0], abs=3) and centres[0] == pytest.approx(50, abs=2)


def sheet(values: list[float], name: str = "depth", unit: str = "mm") -> Mesh:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    attribute = Attribute(np.array(values), Transforms.SCALAR, unit=unit)
    return Mesh(points, np.array([[0, 1, 2]]), attributes={name: attribute})


def test_attributes_of_one_name_take_one_range() -> None:
    a = make_item(sheet([0, 1, 2]), "a", color_by="depth")
    b = make_item(sheet([5, 6, 9]), "b", color_by="depth")
    c = make_item(sheet([100, 200, 300], unit="s"), "c", color_by="depth")
    plain = make_item(sheet([0, 1, 2]), "d")
    found = ranged((a, c, plain), (a, b, c, plain))
    assert [i.display.range for i in found] == [(0.0, 9.0), (100.0, 300.0), None]
    fixed = make_item(sheet([0, 1, 2]), "b", color_by="depth", range=(1.0, 3.0))
    assert ranged((a,), (a, fixed))[0].display.range == (1.0, 3.0)
    assert ranged((a,), ()) == (a,)


def test_surfaces_in_linked_views_say_their_common_range(grid: Any) -> None:
    grid.set_items(
        (
            make_item(sheet([0, 1, 2]), "a", color_by="depth"),
            make_item(sheet([5, 6, 9]), "b", color_by="depth"),
        )
    )
    grid.set_layout("compare-3d-2")
    grid.set_only("3d", frozenset({"a"}))
    grid.set_only("3d-2", frozenset({"b"}))
    assert grid.wait(20)
    for slot in ("3d", "3d-2"):
        legend = grid.views[slot].frame.notes.legends[0]
        assert (legend.title, legend.low, legend.high) == ("depth · linked", 0, 9)
    grid.links.set(frozenset())
    assert grid.wait(20)
    assert grid.views["3d"].frame.notes.legends[0].high == 2


def test_linked_cameras_agree_on_what_is_up(grid: Any) -> None:
    """One file says that y is up, the other says nothing: beside each other they must not lie crosswise."""
    grid.set_items((make_item(sheet([0, 1, 2]), "a", up="y"), make_item(sheet([5, 6, 9]), "b")))
    grid.set_layout("compare-3d-2")
    grid.set_only("3d", frozenset({"a"}))
    grid.set_only("3d-2", frozenset({"b"}))
    first, second = (grid.views[s].resolved().camera for s in ("3d", "3d-2"))
    assert np.allclose(first.frame(), second.frame())
    grid.reset_views()
    assert np.allclose(grid.views["3d-2"].resolved().camera.frame(), first.frame())
    grid.links.set(frozenset())
    assert not np.allclose(grid.views["3d-2"].resolved().camera.frame(), first.frame())


def test_links_are_remembered_and_nonsense_is_refused(two: Any) -> None:
    two.links.set(frozenset({"zoom"}))
    saved = json.loads(json.dumps(two.view_state()))
    two.links.set(frozenset(LINKS))
    two.set_view_state(saved)
    assert two.links.on == {"zoom"}
    two.set_view_state({"links": 3})
    two.set_view_state({"links": ["zoom", "colour", "x"]})
    assert two.links.on == {"zoom", "colour"}
    with pytest.raises(ValueError, match="cannot be linked"):
        two.links.set(frozenset({"mood"}))


def test_one_set_of_views_is_as_it_was(grid: Any) -> None:
    """Links are between objects: two volumes over each other keep their own windows."""
    grid.set_items((make_item(head(), "a", window=200.0, level=100.0), make_item(other_head(3.0), "b")))
    assert grid.wait(20)
    view = grid.views["axial"]
    assert view.intent.lead is None and view.intent.field is None and not view.intent.peers
    assert view.frame.notes.windows["b"] != view.frame.notes.windows["a"]
