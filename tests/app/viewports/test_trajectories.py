"""Moving points as pixels: they move, their trails fade, and nothing is built anew for it."""

from __future__ import annotations

import numpy as np
import pytest

from app.viewports.camera import look
from app.viewports.state import ViewIntent, resolve
from core.data import Attribute, Trajectory, Transforms
from tests.app.viewports.conftest import make_item

SIZE = (240, 120)
POSE = look(np.array([[-12.0, 12], [-1, 1], [-6, 6]]), (0, -1, 0), (0, 0, 1), 2.0)
PLAIN = {"color": (1.0, 0.2, 0.2), "size": 9.0}


def runner(t=21, attributes=None):
    """One point from x = -10 to 10, one at rest below."""
    positions = np.zeros((t, 2, 3))
    positions[:, 0, 0] = np.linspace(-10, 10, t)
    positions[:, 1, 2] = -4
    return Trajectory(positions, np.arange(float(t)), attributes or {})


def draw(view, data, kind="3d", cursor=None, **display):
    item = make_item(data, "t", **{**PLAIN, **display})
    state = resolve(ViewIntent(kind, camera=POSE, cursor=cursor), (item,), SIZE)
    picture, notes, _ = view.render(state)
    assert not notes.problems
    return picture[..., :3].astype(int), notes, state


def red(picture):
    return picture[..., 0] - picture[..., 2] > 60


def test_the_point_is_where_the_moment_says(view):
    window = view()
    places = []
    for index in (0, 10, 20):
        picture, _, _ = draw(window, runner(), index=index, trails=False)
        rows, columns = np.nonzero(red(picture[:75]))
        places.append(columns.mean())
        assert rows.size > 20
    assert places[0] < 60 and abs(places[1] - 119.5) < 3 and places[2] > 180


@pytest.mark.parametrize("shape", ["points", "spheres"])
def test_a_step_in_time_builds_nothing_anew(view, shape):
    window, film = view(), runner()
    draw(window, film, index=3, shape=shape)
    presenter = window._scene._presenters["t"]
    props = [presenter.prop, *presenter.extra]
    before = red(draw(window, film, index=3, shape=shape)[0])
    after = red(draw(window, film, index=12, shape=shape)[0])
    assert [presenter.prop, *presenter.extra] == props
    assert (before != after).sum() > 20 and after.sum() > 20


def test_trails_fade_towards_their_ends(view):
    faded, _, _ = draw(view(), runner(), index=20)
    row = faded[55:65, :, 0].max(axis=0) - faded[55:65, :, 2].max(axis=0)
    near, far = row[170:190].mean(), row[40:60].mean()
    assert near > far + 40, "the older the fainter"
    plain, _, _ = draw(view(), runner(), index=20, fade=False)
    row = plain[55:65, :, 0].max(axis=0) - plain[55:65, :, 2].max(axis=0)
    assert row[40:60].mean() > far + 40


def test_a_trail_is_as_long_as_asked(view):
    window = view()
    lengths = []
    for trail in (None, 10.0, 4.0):
        picture, _, _ = draw(window, runner(), index=20, fade=False, trail=trail)
        lengths.append(np.ptp(np.nonzero(red(picture[:75]).any(axis=0))[0]))
    assert lengths[0] > 1.7 * lengths[1] > 1.7 * 1.7 * lengths[2] > 0


def test_points_without_a_place_are_left_out(view):
    data = runner()
    positions = data.positions.copy()
    positions[5:15, 0] = np.nan
    picture, _, _ = draw(view(), Trajectory(positions, data.times), index=20, fade=False)
    columns = np.nonzero(red(picture[50:70]).any(axis=0))[0]
    assert columns.min() < 60 and columns.max() > 180
    assert not np.isin(np.arange(105, 115), columns).any(), "the gap is a gap"


def test_colours_by_what_changes(view):
    speed = Attribute(np.stack([np.linspace(0, 1, 21), np.zeros(21)]), Transforms.SCALAR)
    window, data = view(), runner(attributes={"heat": speed})
    cold, notes, _ = draw(window, data, index=0, color_by="heat", trails=False)
    hot, _, _ = draw(window, data, index=20, color_by="heat", trails=False)
    assert notes.legends[0].title == "heat" and (notes.legends[0].low, notes.legends[0].high) == (0, 1)

    def middle(picture):
        bright = picture[40:75].max(axis=-1) > 90
        return picture[40:75][bright].mean(axis=0)

    assert middle(hot)[1] > middle(cold)[1] + 60, "viridis ends in yellow"
    _, notes, _ = draw(window, data, index=1, color_by="@speed")
    assert notes.legends[0].title == "speed"


def test_a_slice_shows_the_points_near_it(view):
    window, data = view(), runner()
    _, notes, state = draw(window, data, "axial", cursor=(0.0, 0.0, 0.0), index=10)
    assert [d.dots.round(6).tolist() for d in notes.drawings] == [[[0.0, 0.0, 0.0]]]
    _, notes, _ = draw(window, data, "axial", cursor=(0.0, 0.0, -4.0), index=10)
    assert [d.dots.round(6).tolist() for d in notes.drawings] == [[[0.0, 0.0, -4.0]]]
    _, notes, _ = draw(window, data, "axial", cursor=(0.0, 0.0, 2.0), index=10)
    assert not notes.drawings
    assert state.kind == "axial"


def test_many_points_and_long_films_are_drawn(view):
    rng = np.random.default_rng(0)
    crowd = Trajectory(rng.normal(0, 3, (2, 60_000, 3)).astype(np.float32), [0.0, 1.0])
    picture, _, _ = draw(view(), crowd, index=1, size=1.0)
    assert red(picture).sum() > 2000
    long = Trajectory(rng.normal(0, 3, (900, 500, 3)).astype(np.float32), np.arange(900.0))
    window = view()
    draw(window, long, index=899)
    trail = window._scene._presenters["t"]._trail
    assert 50_000 < trail.GetNumberOfCells() <= 250_000, "thinned in time, not cut"


def test_the_camera_holds_all_of_the_motion():
    from app.viewports.state import box_of

    box = box_of(make_item(runner()))
    assert box[0].tolist() == [-10, 10]


def test_arrows_keep_their_measure_through_time():
    from app.viewports.glyphs import make_glyphs

    positions = np.zeros((5, 2, 3))
    positions[:, 0, 0] = [0, 1, 3, 6, 10]
    positions[:, 1, 1] = 3
    data = Trajectory(positions, np.arange(5.0))
    made = [make_glyphs(make_item(data, glyph="@velocity", index=k)) for k in (1, 3)]
    lengths = [np.ptp(m.points[:, 0]) for m in made]
    assert lengths[1] == pytest.approx(lengths[0] * 3.5 / 1.5, rel=1e-3), "central differences 1.5 and 3.5"
    assert {(m.legends[0].low, m.legends[0].high) for m in made} == {(0.0, 4.0)}


def test_what_drifts_away_is_fitted_where_it_is():
    from app.viewports.moments import sight_at_moment

    positions = np.zeros((11, 2, 3))
    positions[:, :, 0] = 100 * np.arange(11.0)[:, None]
    positions[:, 1, 1] = 4
    item = make_item(Trajectory(positions, np.arange(11.0)), index=3)
    box = sight_at_moment(item)
    assert box[0].mean() == pytest.approx(300) and np.ptp(box[1]) == pytest.approx(6)
    assert sight_at_moment(make_item(runner(), index=3)) is None, "all of the motion is as good a sight"


def test_trails_are_coarser_while_something_moves_and_whole_at_rest(view):
    rng = np.random.default_rng(0)
    data = Trajectory(rng.normal(0, 3, (101, 1000, 3)).astype(np.float32), np.arange(101.0))
    window = view()
    item = make_item(data, "t", index=100, **PLAIN)
    counts = []
    for interactive in (True, False, True):
        state = resolve(ViewIntent("3d", camera=POSE, interactive=interactive), (item,), SIZE)
        window.render(state)
        counts.append(window._scene._presenters["t"]._trail.GetNumberOfCells())
    assert counts[1] == 100_000
    if window.device.software:
        assert 5_000 < counts[0] <= 30_000 and counts[2] == counts[0]


def test_a_film_in_3d_changes_its_picture_with_the_same_mapper(view):
    from core.data import Volume

    array = np.zeros((24, 24, 24, 3), np.uint8)
    for k in range(3):
        array[4 : 10 + 5 * k, 4:20, 4:20, k] = 200
    film = Volume(array, np.eye(4), "time")
    window, seen, mappers = view(), [], []
    pose = look(np.array([[0.0, 24]] * 3), (0, -1, 0), (0, 0, 1), 2.0)
    for index in (0, 1, 2):
        shown = make_item(film, "v", index=index)
        state = resolve(ViewIntent("3d", camera=pose), (shown,), SIZE)
        picture, notes, _ = window.render(state)
        assert not notes.problems
        seen.append((picture[..., :3].astype(int).max(axis=-1) > 60).sum())
        mappers.append(window._scene._presenters["v"].prop.GetMapper())
    assert seen[0] < seen[1] < seen[2] and mappers[0] is mappers[1] is mappers[2]
