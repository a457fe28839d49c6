"""Two volumes in one slice: sampling, intensities, what the pixels show."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.viewports import mixing
from app.viewports.colors import table
from app.viewports.mixing import Mix
from app.viewports.state import ResolvedSlice, ViewIntent, resolve
from core.data import Transforms, Volume
from tests.app.viewports.conftest import axis_orders, head, make_item, vtk_objects
from tests.app.viewports.test_grid import drag, pixels

SIZE = (300, 260)
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def rotation(degrees: tuple[float, float, float]) -> np.ndarray:
    out = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.eye(3)
        a, b = [k for k in range(3) if k != axis]
        turn[a, a], turn[a, b], turn[b, a], turn[b, b] = c, -s, s, c
        out = out @ turn
    return out


def field(
    shape: tuple[int, int, int], affine: np.ndarray, slope: tuple[float, float, float], start: float
) -> Volume:
    """f(world) = slope · world + start, which trilinear interpolation hits exactly."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    world = grid @ affine[:3, :3].T + affine[:3, 3]
    return Volume(world @ np.array(slope) + start, affine)


def slice_of(items: tuple[Any, ...], mix: Mix, kind: str = "axial", **intent: Any) -> ResolvedSlice:
    state = resolve(ViewIntent(kind, mix=mix, **intent), items, SIZE)  # type: ignore[arg-type]
    assert isinstance(state, ResolvedSlice)
    return state


def values_of(state: ResolvedSlice, first: Any, second: Any, *, exact: bool = True) -> tuple[Any, Any, Any]:
    placement, nu, nv = mixing.pixel_grid(state, first, second, exact=exact)
    return placement, mixing.sampled(first, placement, nu, nv), mixing.sampled(second, placement, nu, nv)


def test_a_volume_and_itself_in_any_axis_order_differ_by_nothing() -> None:
    first = make_item(head(), "a")
    for name, volume in axis_orders(head()):
        second = make_item(volume, "b")
        for kind in ("axial", "coronal", "sagittal"):
            state = slice_of((first, second), Mix("a", "b", "difference"), kind, cursor=(24.0, 10.0, -9.0))
            _, a, b = values_of(state, first, second)
            assert a.shape == b.shape and np.isfinite(b).all(), (name, kind)
            assert (a - b == 0).all() and a.max() == 255, (name, kind)


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(*[st.floats(-40, 40)] * 3),
    st.tuples(*[st.floats(0.7, 3.0)] * 3),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.sampled_from(["axial", "coronal", "sagittal"]),
)
def test_the_second_is_sampled_right_whatever_its_grid_orientation_and_affine(angles, spacing, shift, kind):
    slope, other = (0.3, -1.1, 2.0), (-0.7, 0.4, 0.9)
    first = make_item(
        field((15, 17, 13), np.diag([2.0, 2, 3, 1]) - np.outer([14, 16, 18, 0], [0, 0, 0, 1]), slope, 5.0),
        "a",
    )
    affine = np.eye(4)
    affine[:3, :3] = rotation(angles) @ np.diag(spacing)
    affine[:3, 3] = np.array(shift) - affine[:3, :3] @ np.array([12, 11, 9])
    second = make_item(field((24, 22, 18), affine, other, -3.0), "b")
    state = slice_of((first, second), Mix("a", "b", "difference"), kind, cursor=(1.0, 2.0, -2.0), active="a")
    placement, a, b = values_of(state, first, second)
    nu, nv = a.shape
    world = (
        placement[:3, 3]
        + np.arange(nu)[:, None, None] * placement[:3, 0]
        + np.arange(nv)[None, :, None] * placement[:3, 1]
    )
    index = (world - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    inside = ((index >= 0) & (index <= np.array([23, 21, 17]))).all(axis=-1)
    beyond = ((index < -0.501) | (index > np.array([23.501, 21.501, 17.501]))).any(axis=-1)
    assert np.allclose(a, world @ np.array(slope) + 5.0, atol=1e-9)
    assert np.allclose(b[inside], (world @ np.array(other) - 3.0)[inside], atol=1e-9)
    assert np.isnan(b[beyond]).all() and inside.any()
    assert np.isnan(mixing.difference(a, b, mixing.Scaling())[beyond]).all()


def test_an_oblique_first_volume_and_one_beyond_its_planes() -> None:
    affine = np.eye(4)
    affine[:3, :3] = rotation((20, 10, 5)) * 2.0
    affine[:3, 3] = -affine[:3, :3] @ np.array([8, 8, 8])
    tilted = make_item(field((17, 17, 17), affine, (1, 2, 3), 0.0), "a")
    level = make_item(
        field(
            (30, 30, 30), np.diag([1.0, 1, 1, 1]) - np.outer([15, 15, 15, 0], [0, 0, 0, 1]), (1, 2, 3), 0.0
        ),
        "b",
    )
    state = slice_of((tilted, level), Mix("a", "b", "difference"), cursor=(0, 0, 3.0), active="b")
    _, a, b = values_of(state, tilted, level)
    both = np.isfinite(a) & np.isfinite(b)
    # Within the centres both are exact; in the outer half voxel the border value holds.
    assert both.sum() > 200 and np.median(np.abs((a - b)[both])) < 1e-9
    far = slice_of((tilted, level), Mix("a", "b", "difference"), cursor=(0, 0, 14.0), active="b")
    moved = make_item(
        tilted.data, "a", transform=np.diag([1.0, 1, 1, 1]) + np.outer([0, 0, 90, 0], [0, 0, 0, 1])
    )
    assert np.isnan(values_of(far, moved, level)[1]).all()
    low = make_item(field((9, 9, 3), np.eye(4), (1, 0, 0), 0.0), "a")
    above = slice_of((low, level), Mix("a", "b", "blend"), cursor=(0, 0, 9.0), active="b")
    _, a, b = values_of(above, low, level, exact=False)
    assert np.isnan(a).all() and np.isfinite(b).any()


def test_a_missing_neighbour_without_a_share_spoils_nothing() -> None:
    array = np.arange(27.0).reshape(3, 3, 3)
    array[1, 1, 2] = np.nan
    at = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 1.5], [1.0, 1.0, 1.0 + 1e-9]]).T
    found = mixing.interpolated(array, at)
    assert found[0] == 12.5 and np.isnan(found[1]) and found[2] == 13.0
    assert mixing.interpolated(array, np.array([[-0.4], [0], [0]]))[0] == 0.0
    assert np.isnan(mixing.interpolated(array, np.array([[-0.6], [0], [0]]))[0])
    assert mixing.interpolated(array, np.array([[0.6], [0], [0]]), smooth=False)[0] == 9.0
    whole = np.array([[[3]], [[200]]], dtype=np.uint8)
    assert mixing.interpolated(whole, np.array([[0.5], [0], [0]]))[0] == 101.5


@settings(deadline=None, max_examples=30)
@given(st.floats(0.2, 8.0), st.floats(-300, 300))
def test_a_linear_fit_takes_scanners_apart(factor, shift):
    rng = np.random.default_rng(3)
    array = rng.gamma(4.0, 60.0, (20, 21, 22)) + 10
    first = make_item(Volume(array, np.eye(4)), "a")
    second = make_item(Volume((array - shift) / factor, np.eye(4)), "b")
    scale = mixing.scaling(first, second, "fit")
    assert scale.factor == pytest.approx(factor, rel=1e-6) and "fitted" in scale.words
    state = slice_of((first, second), Mix("a", "b", "difference", match="fit"))
    _, a, b = values_of(state, first, second)
    assert np.abs(mixing.difference(a, b, scale)).max() < 1e-6 * np.abs(array).max()


def test_scaling_by_windows_and_the_limit_of_colours() -> None:
    first = make_item(Volume(np.full((6, 6, 6), 150.0), np.eye(4)), "a", window=100.0, level=150.0)
    second = make_item(Volume(np.full((6, 6, 6), 15.0), np.eye(4)), "b", window=10.0, level=15.0)
    scale = mixing.scaling(first, second, "window")
    assert scale.factor == pytest.approx(10) and scale.shift == pytest.approx(0, abs=1e-9)
    assert mixing.difference_limit(first, second, mixing.Scaling()) == pytest.approx(135)
    same = mixing.difference_limit(first, second, scale)  # nothing but nothing: no colour may shout
    assert 0 < same < 10
    assert mixing.linear_fit(np.array([5.0, 7]), np.array([2.0, 2])) == (1.0, 4.0)


def test_colours_of_a_blend_and_of_what_only_one_covers() -> None:
    first = np.zeros((1, 3, 4), dtype=np.uint8)
    second = np.zeros((1, 3, 4), dtype=np.uint8)
    first[0, :2] = (100, 0, 0, 255)
    second[0, 1:] = (0, 200, 0, 255)
    out = mixing.mixed(first, second, 0.25)
    assert out[0].tolist() == [[100, 0, 0, 255], [75, 50, 0, 255], [0, 200, 0, 255]]
    nothing = mixing.mixed(np.zeros((1, 1, 4), np.uint8), np.zeros((1, 1, 4), np.uint8), 0.5)
    assert nothing[0, 0, 3] == 0


def solid(value: float, name: str, shift: float = 0.0) -> Any:
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = (-40 + shift, -40, -40)
    return make_item(
        Volume(np.full((41, 41, 41), value, np.float32), affine), name, window=255.0, level=127.5
    )


def picture(view: Any, items: Any, mix: Mix, **intent: Any) -> tuple[Any, Any, ResolvedSlice]:
    state = slice_of(items, mix, crosshair=False, cursor=(0.0, 0.0, 0.0), **intent)
    rgb, notes, _ = view.render(state)
    assert not notes.problems
    return rgb[..., :3].astype(int), notes, state


def test_a_curtain_and_a_checkerboard_are_where_they_say(view: Any) -> None:
    window = view()
    items = (solid(60, "a"), solid(200, "b"))
    for amount in (0.3, 0.5, 0.61):
        rgb, notes, state = picture(window, items, Mix("a", "b", "curtain", amount))
        edge, row = round(amount * SIZE[0]), rgb[SIZE[1] // 2, :, 0]
        assert abs(row[edge - 8] - 60) < 3 and abs(row[edge + 8] - 200) < 3, amount
        assert notes.drawings[-1].name == "curtain"
        assert state.to_screen(notes.drawings[-1].segments[0])[0, 0] == pytest.approx(amount * SIZE[0])
    rgb, _, _ = picture(window, items, Mix("a", "b", "curtain", 0.4, upright=False))
    column, edge = rgb[:, SIZE[0] // 2, 0], round(0.4 * SIZE[1])
    assert abs(column[edge - 8] - 60) < 3 and abs(column[edge + 8] - 200) < 3
    rgb, _, state = picture(window, items, Mix("a", "b", "checker", tile=20.0))
    for x, y in ((-30, -30), (-10, -30), (10, 10), (30, 10), (-30, 10)):
        at = state.to_screen(np.array([[x, y, 0.0]]))[0]
        odd = (np.floor(np.dot((x, y, 0), state.right) / 20) + np.floor(np.dot((x, y, 0), state.up) / 20)) % 2
        assert abs(rgb[round(at[1]), round(at[0]), 0] - (200 if odd else 60)) < 4, (x, y)


def test_a_blend_shows_each_by_its_share_and_alone_where_it_is_alone(view: Any) -> None:
    rgb, notes, state = picture(
        view(), (solid(60, "a"), solid(200, "b", 40.0)), Mix("a", "b", "blend", 0.25), active="a", zoom=0.6
    )
    values = []
    for x in (-20.0, 20.0, 60.0):
        at = state.to_screen(np.array([[x, 0, 0.0]]))[0]
        values.append(int(rgb[round(at[1]), round(at[0]), 0]))
    assert values == pytest.approx([60, 95, 200], abs=2)
    assert notes.infos == ["25 % of B", "B: b", "A: a"] and set(notes.windows) == {"a", "b"}


def test_a_difference_is_coloured_about_zero_with_a_legend_and_transparent_beyond(view: Any) -> None:
    window = view()
    first, second = solid(100, "a"), solid(60, "b", 40.0)
    rgb, notes, state = picture(window, (first, second), Mix("a", "b", "difference", limit=40.0), active="a")
    legend = notes.legends[-1]
    assert (legend.title, legend.low, legend.high) == ("A − B", -40, 40) and notes.infos[
        0
    ] == "A − B, values as they are"
    at = state.to_screen(np.array([[20.0, 0, 0], [-20.0, 0, 0]]))
    assert rgb[round(at[0, 1]), round(at[0, 0])] == pytest.approx(table("activation")[255], abs=2)
    assert rgb[round(at[1, 1]), round(at[1, 0])].max() == 0
    rgb, _, _ = picture(window, (first, solid(100, "b")), Mix("a", "b", "difference", limit=40.0), active="a")
    assert rgb[130, 150] == pytest.approx(table("activation")[127], abs=4)


def test_a_third_scan_does_not_cover_what_is_compared_but_overlays_do(view: Any) -> None:
    window, mix = view(), Mix("a", "b", "blend", 0.5)
    pair = (solid(100, "a"), solid(100, "b"))
    alone = picture(window, pair, mix, active="a")[0]
    third = replace(solid(255, "c"), display=replace(solid(255, "c").display, colormap="hot"))
    assert np.array_equal(picture(window, (*pair, third), mix, active="a")[0], alone)
    for change in ({"opacity": 0.5}, {"colormap": "labels"}):
        over = replace(third, display=replace(third.display, **change))
        assert not np.array_equal(picture(window, (*pair, over), mix, active="a")[0], alone), change


def test_what_cannot_be_mixed_is_shown_as_ever() -> None:
    a = make_item(head(), "a")
    label = make_item(Volume(np.ones((4, 4, 4), np.uint8), np.eye(4), transforms=Transforms.LABEL), "b")
    assert slice_of((a, label), Mix("a", "b", "difference")).mix is None
    assert slice_of((a, label), Mix("a", "b", "blend")).mix is not None
    assert slice_of((a,), Mix("a", "gone", "blend")).mix is None
    hidden = make_item(head(), "b", visible=False)
    assert slice_of((a, hidden), Mix("a", "b", "blend")).mix is None
    assert "no difference" in mixing.why_no_mix(a.data, label.data, "difference")
    colours = Volume(np.zeros((4, 4, 4, 3), np.uint8), np.eye(4), last_axis="channel", rgb=True)
    c = make_item(colours, "c")
    state = slice_of((a, c), Mix("a", "c", "blend"))
    placement, nu, nv = mixing.pixel_grid(state, a, c, exact=False)
    assert mixing.colored(c, mixing.sampled(c, placement, nu, nv)).shape == (nu, nv, 4)


def test_plain_mixes_and_damage() -> None:
    mix = Mix("a", "b", "curtain", 0.3, 12.0, False, "fit", 7.0)
    assert mixing.mix_from_plain(json.loads(json.dumps(mixing.mix_to_plain(mix)))) == mix
    assert mixing.mix_from_plain(None) is None and mixing.mix_to_plain(None) is None
    good = mixing.mix_to_plain(mix)
    assert good is not None
    for key, value in (
        ("mode", "stir"),
        ("amount", "x"),
        ("amount", float("nan")),
        ("first", 3),
        ("match", None),
        ("limit", -1),
        ("upright", 2),
        ("tile", True),
    ):
        assert mixing.mix_from_plain({**good, key: value}) is None, key
    assert mixing.mix_from_plain({"mode": "blend"}) is None
    assert mix.changed(amount=4).amount == 1 and mix.changed(tile=0).tile == 0.1


def test_the_edge_is_dragged_and_everything_else_stays_the_views_own(grid: Any) -> None:
    grid.set_items((solid(60, "a"), solid(200, "b")))
    told = []
    grid.mixChanged.connect(told.append)
    grid.set_mix(Mix("a", "b", "curtain", 0.5))
    assert grid.wait(20)
    view = grid.views["axial"]
    before, middle = grid.cursor_position, view.width() / 2
    drag(view, LEFT, (middle, 60), (middle + 30, 60), (middle + 60, 90))
    assert grid.cursor_position == before
    assert grid.mix.amount == pytest.approx((middle + 60) / view.width(), abs=1e-3)
    assert grid.wait(20)
    row = pixels(view.grab())[60, :, 0]
    assert row[round(middle) + 45] == pytest.approx(60, abs=4)
    drag(view, LEFT, (middle - 40, 60), (middle - 50, 60))  # not on the edge: the crosshair
    assert grid.cursor_position != before
    QTest.mousePress(view, LEFT, NONE, QPoint(round(grid.mix.amount * view.width()), 60))
    QTest.mouseMove(view, QPoint(20, 60))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, LEFT, NONE, QPoint(20, 60))
    assert grid.mix.amount == pytest.approx((middle + 60) / view.width(), abs=1e-3)
    saved = json.loads(json.dumps(grid.view_state()))
    grid.set_mix(None)
    grid.set_mix(None)
    assert told[-1] is None and len([t for t in told if t is None]) == 1
    grid.set_view_state(saved)
    assert grid.mix.mode == "curtain"
    grid.set_view_state({"mix": 4})
    assert grid.mix is None


def test_a_mix_that_goes_leaves_no_vtk_object(grid: Any) -> None:
    grid.set_items((solid(60, "a"), solid(200, "b")))
    assert grid.wait(20)
    before = vtk_objects()
    grid.set_mix(Mix("a", "b"))
    assert grid.wait(20)
    grid.set_mix(None)
    assert grid.wait(20)
    assert vtk_objects() <= before


def test_a_drag_that_began_elsewhere_leaves_the_curtain_alone(grid: Any) -> None:
    grid.set_items((solid(60, "a"), solid(200, "b")))
    grid.set_mix(Mix("a", "b", "curtain", 0.5))
    assert grid.wait(20)
    view = grid.views["axial"]
    words = view.overlay.words_box(view.frame.state).center().toPoint()
    for button, place in ((LEFT, words), (Qt.MouseButton.BackButton, QPoint(40, 60))):
        drag(view, button, (place.x(), place.y()), (place.x() - 30, place.y()), (60, 60))
        assert grid.mix.amount == 0.5


def test_what_a_display_hides_is_hidden_in_a_mix_and_its_colours_are_explained(view: Any) -> None:
    items = (
        solid(60, "a"),
        make_item(solid(200, "b").data, "b", window=255.0, level=127.5, colormap="viridis", floor=220.0),
    )
    shot, notes, _ = picture(view(), items, Mix("a", "b", "blend", 1.0))
    middle = shot[SIZE[1] // 2, SIZE[0] // 2]
    np.testing.assert_allclose(middle, 60, atol=3)
    assert [(entry.title, entry.colormap, entry.floor) for entry in notes.legends] == [
        ("b", "viridis", 220.0)
    ]


def test_a_fit_is_made_once_for_all_slices(view: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = mixing._levels
    monkeypatch.setattr(mixing, "_levels", lambda item: (asked.append(item.id), real(item))[1])
    items = (make_item(head(), "a"), make_item(head(), "b"))
    window, mix = view(), Mix("a", "b", "difference", match="fit")
    for height in (0.0, 6.0, 12.0):
        window.render(slice_of(items, mix, cursor=(0, 0, height)))
    assert sorted(asked) == ["a", "b"]
