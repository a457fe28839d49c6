"""Slabs and tilted slices, against what plain NumPy says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt

from app.viewports.planes import Slab, matrix_of, slab_from_plain, tilt_from_plain, tilt_of, turn
from app.viewports.projections import projected
from app.viewports.readout import voxel_at
from app.viewports.state import ViewIntent, resolve
from core.data import Volume
from tests.app.viewports.conftest import HEAD, MARKER, axis_orders, head, make_item
from tests.app.viewports.test_grid import FULL, drag, mouse
from tests.app.viewports.test_sides import bright_spot
from tests.app.viewports.test_state import tilted

LEFT, ALT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier
SIZE = (150, 130)
ODD = tilt_of(turn((1, 2, -1), 33.0))
"""A rotation about no axis of anything."""


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_projections_leave_out_what_is_not_a_number(order: Any, axis: int) -> None:
    values = np.random.default_rng(0).normal(size=(7, 8, 9)).astype(np.float32)
    values[values > 1] = np.nan
    values[tuple(slice(None) if a == axis else 3 for a in range(3))] = np.nan
    values = np.asarray(values, order=order)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        wanted = {m: getattr(np, f"nan{m}")(values, axis=axis) for m in ("max", "min", "mean")}
    for mode, want in wanted.items():
        got = projected(values, axis, mode)
        assert np.isnan(got[3, 3]) and np.allclose(got, want, equal_nan=True, atol=1e-6), mode
    whole = np.asarray(np.random.default_rng(1).integers(0, 60000, (7, 8, 9)), dtype=np.uint16, order=order)
    assert np.array_equal(projected(whole, axis, "max"), whole.max(axis=axis))
    assert projected(whole, axis, "min").dtype == np.uint16
    assert np.allclose(projected(whole, axis, "mean"), whole.mean(axis=axis))


def shades(view: Any, state: Any, points: Any) -> Any:
    """Gray of the picture at world points."""
    picture, notes, _ = view.render(state)
    assert not notes.problems
    places = np.floor(state.to_screen(points)[:, :2]).astype(int)
    return picture[places[:, 1], places[:, 0], 0].astype(int)


@pytest.mark.parametrize("mode", ["max", "min", "mean"])
def test_a_slab_shows_the_projection_over_its_thickness(view: Any, mode: str) -> None:
    array = np.random.default_rng(2).integers(0, 256, (9, 8, 15)).astype(np.uint8)
    item = make_item(Volume(array, np.diag([4.0, 4, 2, 1])), interpolate=False, **FULL)
    state = resolve(ViewIntent("axial", (16, 16, 14), slab=Slab(mode, 8.0)), (item,), SIZE)
    assert (
        state.title
        == f"Axial · 8 of 15 · {'MIP' if mode == 'max' else 'MinIP' if mode == 'min' else 'Mean'} 8 mm"
    )
    want = getattr(array[:, :, 5:10].astype(float), mode)(axis=2)  # centres up to 4 mm away: 2 to either side
    voxels = np.argwhere(np.ones((9, 8)))
    points = np.column_stack([voxels * 4.0, np.full(len(voxels), 14.0)])
    got = shades(view(), state, points)
    assert np.abs(got - want[voxels[:, 0], voxels[:, 1]]).max() <= 1.5


def test_a_slab_ends_with_the_volume_and_classes_are_not_projected(view: Any) -> None:
    array = np.zeros((9, 8, 15), np.uint8)
    array[4, 4, 0], array[6, 4, 14] = 250, 250
    slab = Slab("max", 10.0)
    item = make_item(Volume(array, np.diag([4.0, 4, 2, 1])), interpolate=False, **FULL)
    state = resolve(ViewIntent("axial", (0, 0, 2), slab=slab), (item,), SIZE)
    points = np.array([[16.0, 16, 2], [24, 16, 2]])
    assert shades(view(), state, points).tolist() == [250, 0]
    classes = make_item(Volume(array // 250, np.diag([4.0, 4, 2, 1])), colormap="labels", interpolate=False)
    state = resolve(ViewIntent("axial", (0, 0, 2), slab=slab), (classes,), SIZE)
    assert shades(view(), state, points).tolist() == [0, 0]


@pytest.mark.parametrize("affine", [HEAD, tilted(19)], ids=["straight", "oblique"])
@pytest.mark.parametrize(
    ("kind", "axis", "other"), [("axial", 0, "coronal"), ("axial", 1, "sagittal"), ("coronal", 2, "sagittal")]
)
def test_a_quarter_turn_gives_another_of_the_three_planes(
    view: Any, kind: str, axis: int, other: str, affine: Any
) -> None:
    item = make_item(head(affine), **FULL)
    way = affine[:3, axis] / np.linalg.norm(affine[:3, axis])
    cursor = tuple((affine @ [20, 19, 9, 1])[:3])
    straight = resolve(ViewIntent(other, cursor), (item,), SIZE)
    quarter = resolve(ViewIntent(kind, cursor, tilt=tilt_of(turn(way, 90))), (item,), SIZE)
    assert abs(np.dot(straight.toward, quarter.toward)) == pytest.approx(1)
    assert (quarter.axis, quarter.index, quarter.count) == (straight.axis, straight.index, straight.count)
    assert quarter.oblique and "oblique 90.0°" in quarter.title and f"{quarter.position} of" in quarter.title
    assert np.linalg.norm(quarter.step) == pytest.approx(np.linalg.norm(straight.step))
    rng = np.random.default_rng(0)
    points = np.array(
        [straight.to_world(*(rng.random(2) * SIZE * 0.3 + np.array(SIZE) * 0.35)) for _ in range(300)]
    )
    inside = np.array(
        [
            (quarter.to_screen(p)[0, :2] > 1).all()
            and (quarter.to_screen(p)[0, :2] < np.array(SIZE) - 1).all()
            for p in points
        ]
    )
    window = view()
    a, b = shades(window, straight, points[inside]), shades(window, quarter, points[inside])
    assert inside.sum() > 100 and np.mean(np.abs(a - b) > 40) < 0.1, "but for rims a pixel wide"


@pytest.mark.parametrize("convention", ["radiological", "neurological"])
@pytest.mark.parametrize("kind", ["axial", "coronal", "sagittal"])
def test_under_any_rotation_the_marker_lies_where_its_world_position_says(
    view: Any, kind: str, convention: str
) -> None:
    window = view()
    for name, volume in axis_orders(head())[::9]:
        item = make_item(volume, **FULL)
        intent = ViewIntent(
            kind, tuple(MARKER), convention=convention, tilt=ODD, nose_left=convention == "radiological"
        )
        state = resolve(intent, (item,), SIZE)
        frame = state.frame()
        assert np.allclose(frame @ frame.T, np.eye(3)) and np.linalg.det(frame) == pytest.approx(1)
        assert state.count == 0 and state.to_screen(MARKER)[0, 2] == pytest.approx(0, abs=1e-9)
        picture, notes, _ = window.render(state)
        assert not notes.problems, name
        assert np.linalg.norm(np.subtract(bright_spot(picture), state.to_screen(MARKER)[0, :2])) < 1.5, name
        voxel = voxel_at(item, state.to_world(*state.to_screen(MARKER)[0, :2]))
        assert voxel is not None and volume.array[voxel] == 255


def test_an_oblique_slab_finds_what_lies_beside_the_plane(view: Any) -> None:
    item = make_item(head(), **FULL)
    normal = np.array(resolve(ViewIntent("axial", tuple(MARKER), tilt=ODD), (item,), SIZE).toward)
    beside = tuple(MARKER + 12 * normal)
    bare = resolve(ViewIntent("axial", beside, tilt=ODD), (item,), SIZE)
    slab = resolve(ViewIntent("axial", beside, tilt=ODD, slab=Slab("max", 26.0)), (item,), SIZE)
    thin = resolve(ViewIntent("axial", beside, tilt=ODD, slab=Slab("max", 8.0)), (item,), SIZE)
    window = view()
    assert shades(window, bare, MARKER)[0] < 150 and shades(window, thin, MARKER)[0] < 150
    assert shades(window, slab, MARKER)[0] > 235
    mean = resolve(ViewIntent("axial", beside, tilt=ODD, slab=Slab("mean", 26.0)), (item,), SIZE)
    assert 90 < shades(window, mean, MARKER)[0] < 200


def test_steps_follow_the_normal_and_end_at_the_volume() -> None:
    item = make_item(head())
    state = resolve(ViewIntent("coronal", (0, 0, 0), tilt=ODD), (item,), SIZE)
    step = np.subtract(state.stepped(1), state.cursor)
    assert abs(step @ state.toward) == pytest.approx(np.linalg.norm(step))
    end = resolve(ViewIntent("coronal", state.stepped(1000), tilt=ODD), (item,), SIZE)
    assert end.stepped(5) == pytest.approx(end.cursor)
    assert np.linalg.norm(np.subtract(end.stepped(-1), end.cursor)) == pytest.approx(np.linalg.norm(step))


def test_the_middle_slice_of_an_odd_stack_steps_the_right_way_in_every_order() -> None:
    for name, volume in axis_orders(head()):
        state = resolve(ViewIntent("axial", (0, 0, 0)), (make_item(volume),), SIZE)
        assert state.position == 11 and np.subtract(state.stepped(1), state.cursor)[2] > 2.9, name


def test_letters_lines_and_words_tell_of_the_tilt(grid: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    grid.turn_planes(grid.views["axial"], 25)
    axial, coronal = (grid.views[k].resolved() for k in ("axial", "coronal"))
    assert axial.title == "Axial · 11 of 21" and not axial.oblique, "it turns the others, not itself"
    assert coronal.title == "Coronal · oblique 25.0°" and len(coronal.letters[0]) == 2
    kinds = {kind: np.degrees(np.arctan2(-dy, dx)) % 180 for kind, dx, dy in axial.lines}
    assert kinds["coronal"] == pytest.approx(25) and kinds["sagittal"] == pytest.approx(115)
    assert grid.wait(20)


def test_the_end_of_a_line_turns_the_planes_about_the_crosshair(grid: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    grid.set_cursor((6.0, 8.0, -3.0))
    assert grid.wait(20)
    view = grid.views["axial"]
    before = {
        k: v.resolved().to_screen(np.array(grid.cursor_position))[0]
        for k, v in grid.views.items()
        if k != "3d"
    }
    mouse(view, QEvent.Type.MouseMove, 70, 60, Qt.MouseButton.NoButton)
    ends = view.overlay.line_ends(view.frame.state)
    kind, end = next((k, p) for k, p in ends if k == "coronal" and p.x() > before["axial"][0])
    center = QPointF(*before["axial"][:2])
    arm = end - center
    target = center + QPointF(
        arm.x() * np.cos(0.35) + arm.y() * np.sin(0.35), arm.y() * np.cos(0.35) - arm.x() * np.sin(0.35)
    )
    cursor = grid.cursor_position
    drag(view, LEFT, (end.x(), end.y()), (end.x(), end.y() - 8), (target.x(), target.y()))
    assert grid.cursor_position == cursor and kind == "coronal"
    found = grid.views["coronal"].resolved()
    assert found.oblique and np.degrees(0.35) == pytest.approx(
        float(found.title.split("oblique ")[1][:-1]), abs=0.3
    )
    for k, place in before.items():
        now = grid.views[k].resolved().to_screen(np.array(cursor))[0]
        assert now[:2] == pytest.approx(place[:2], abs=1e-6), k
    assert grid.wait(20)
    state = grid.view_state()
    grid.reset_views()
    assert grid.tilt is None
    grid.set_view_state(state)
    assert np.allclose(matrix_of(grid.tilt), matrix_of(state["tilt"]))
    grid.set_tilt(None)
    assert grid.views["coronal"].resolved().title == "Coronal · 22 of 37"
    assert grid.views["coronal"].intent.pan == pytest.approx((0, 0), abs=1e-6)


def test_a_click_on_the_end_of_a_line_still_puts_the_crosshair_and_escape_takes_a_turn_back(
    grid: Any, qtbot: Any
) -> None:
    grid.set_items((make_item(head(), **FULL),))
    assert grid.wait(20)
    view = grid.views["axial"]
    mouse(view, QEvent.Type.MouseMove, 70, 60, Qt.MouseButton.NoButton)
    end = view.overlay.line_ends(view.frame.state)[0][1]
    want = view.world_at(end)
    drag(view, LEFT, (end.x(), end.y()))
    assert grid.tilt is None and grid.cursor_position == pytest.approx(want)
    grid.set_cursor((0, 0, 0))
    mouse(view, QEvent.Type.MouseButtonPress, end.x(), end.y())
    mouse(view, QEvent.Type.MouseMove, end.x() + 20, end.y())
    assert grid.tilt is not None
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert grid.tilt is None
    mouse(view, QEvent.Type.MouseButtonRelease, end.x() + 20, end.y())
    assert grid.tilt is None


def test_keys_turn_by_degrees(grid: Any, qtbot: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    cursor = grid.cursor_position
    view = grid.views["sagittal"]
    qtbot.keyClick(view, Qt.Key.Key_Left, ALT | Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(view, Qt.Key.Key_Left, ALT)
    assert "oblique 11.0°" in grid.views["axial"].resolved().title
    qtbot.keyClick(view, Qt.Key.Key_Right, ALT)
    assert "oblique 10.0°" in grid.views["axial"].resolved().title and grid.cursor_position == cursor


def test_a_slab_in_one_view_or_in_all_is_remembered(grid: Any) -> None:
    grid.set_items((make_item(head(), **FULL),))
    grid.set_slab(Slab("mean", 12.0), grid.views["coronal"])
    assert "Mean 12 mm" in grid.views["coronal"].resolved().title
    assert "Mean" not in grid.views["axial"].resolved().title
    state = grid.view_state()
    grid.set_slab(Slab("max", 7.0))
    assert all("MIP 7 mm" in grid.views[k].resolved().title for k in ("axial", "coronal", "sagittal"))
    grid.set_view_state(state)
    assert grid.views["axial"].intent.slab is None and grid.views["coronal"].intent.slab == Slab("mean", 12.0)
    assert grid.wait(20)


def test_nonsense_in_a_session_is_no_slab_and_no_tilt() -> None:
    for bad in (
        None,
        3,
        {},
        {"mode": "sum", "thickness": 3},
        {"mode": "max", "thickness": -1},
        {"mode": "max", "thickness": "x"},
        {"mode": "max", "thickness": True},
        {"mode": "max", "thickness": float("nan")},
    ):
        assert slab_from_plain(bad) is None
    for bad in (
        None,
        [],
        [1] * 9,
        ["x"] * 9,
        np.diag([1, 1, -1]).reshape(-1).tolist(),
        [float("nan")] * 9,
        4,
    ):
        assert tilt_from_plain(bad) is None
    assert tilt_from_plain(np.eye(3).reshape(-1).tolist()) is None, "the identity is no tilt"


def test_a_thick_oblique_slab_comes_in_parts_that_end_where_it_comes_at_once(
    view: Any, monkeypatch: Any
) -> None:
    from app.viewports import sampling

    monkeypatch.setattr(sampling, "_AT_ONCE", 4000)
    monkeypatch.setattr(sampling, "_PATIENCE", 0.0)
    item = make_item(head(), **FULL)
    for mode in ("max", "mean"):
        wish = {"tilt": ODD, "slab": Slab(mode, 40.0)}
        whole = resolve(ViewIntent("axial", tuple(MARKER), **wish), (item,), SIZE)
        parts = resolve(ViewIntent("axial", tuple(MARKER), progressive=True, **wish), (item,), SIZE)
        want, notes, _ = view().render(whole)
        assert not notes.unfinished
        window, seen = view(), []
        for _ in range(100):
            picture, notes, _ = window.render(parts)
            seen.append(picture.copy())
            if not notes.unfinished:
                break
        assert len(seen) > 3 and not np.array_equal(seen[0], seen[-1])
        assert np.array_equal(seen[-1], want)
        # Another plane in the middle of it begins anew.
        window.render(resolve(ViewIntent("axial", (0, 0, 0), progressive=True, **wish), (item,), SIZE))
        for _ in range(100):
            picture, notes, _ = window.render(parts)
            if not notes.unfinished:
                break
        assert np.array_equal(picture, want)


def test_a_view_waits_until_its_slab_is_complete(grid: Any, monkeypatch: Any) -> None:
    from app.viewports import sampling

    monkeypatch.setattr(sampling, "_AT_ONCE", 4000)
    monkeypatch.setattr(sampling, "_PATIENCE", 0.0)
    grid.set_items((make_item(head(), **FULL),))
    grid.set_tilt(matrix_of(ODD))
    grid.set_slab(Slab("max", 50.0))
    assert grid.wait(20) and not grid.views["axial"].frame.notes.unfinished


def test_the_planes_of_a_slab_are_taken_from_the_middle_outwards() -> None:
    from app.viewports.sampling import _outwards

    runs = _outwards(-7, 9, 4)
    assert sorted(k for a, b in runs for k in range(a, b + 1)) == list(range(-7, 10))
    assert runs[0][0] <= 0 <= runs[0][1] and all(b - a < 4 for a, b in runs)
