"""Which frame of what is shown at which moment."""

from __future__ import annotations

import numpy as np
import pytest

from app.viewports.moments import Timeline
from app.viewports.motion import shades, value_range, velocities
from core.data import Attribute, PointCloud, Trajectory, Transforms, Volume
from core.display import default_display
from tests.app.viewports.conftest import make_item


def film(t=5, step=0.0, n=4):
    return Volume(np.zeros((n, n, n, t), np.uint8), np.eye(4), "time", step=step)


def run(times, unit="s", n=3):
    times = np.asarray(times, dtype=float)
    return Trajectory(np.zeros((len(times), n, 3)) + times[:, None, None], times, time_unit=unit)


def test_what_does_not_change_has_no_timeline():
    items = [make_item(PointCloud(np.zeros((3, 3)))), make_item(run([0.0])), make_item(film(1))]
    assert Timeline.of(items) is None
    assert Timeline.of([make_item(film(4), visible=False)]) is None


def test_times_in_comparable_units_are_linked_by_time():
    seconds, milli = make_item(run([0, 1, 2, 3]), "a"), make_item(run([500, 1500, 2600], "ms"), "b")
    line = Timeline.of([seconds, milli])
    assert line.unit == "s"
    assert line.moments.tolist() == [0, 0.5, 1, 1.5, 2, 2.6, 3]
    assert line.indices(0) == {"a": 0, "b": 0}, "before its first time an object shows its first frame"
    assert line.indices(4) == {"a": 2, "b": 1}, "the nearest"
    assert line.indices(6) == {"a": 3, "b": 2}, "after its last time its last"
    assert line.number_of({"a": 3, "b": 0}) == 6


def test_other_units_are_linked_by_fraction():
    line = Timeline.of([make_item(film(11), "v"), make_item(run([0, 10, 20], "ps"), "t")])
    assert line.unit is None and line.count == 11
    assert [line.indices(k)["t"] for k in (0, 2, 3, 5, 8, 10)] == [0, 0, 1, 1, 2, 2]
    same = Timeline.of([make_item(film(7), "v"), make_item(run(np.arange(7.0) ** 2, ""), "t")])
    assert all(same.indices(k) == {"v": k, "t": k} for k in range(7)), "equal lengths go by number"


def test_words_have_the_digits_that_the_steps_need():
    assert Timeline.of([make_item(run(np.arange(120) * 0.4))]).words(30) == "12.0 s · 31 of 120"
    assert Timeline.of([make_item(run(np.arange(3) * 0.05 - 1))]).words(0) == "−1.00 s · 1 of 3"
    assert Timeline.of([make_item(film(4))]).words(3) == "4 of 4"
    assert Timeline.of([make_item(run([0, 1, 2], ""))]).words(1) == "t 1 · 2 of 3"


@pytest.mark.parametrize(
    ("data", "real", "seconds"),
    [
        (run(np.arange(31) * 0.1), True, 3.0),
        (run(np.arange(2923.0), "d"), False, 20.0),
        (film(8), False, 3.0),
    ],
)
def test_playing_takes_a_time_that_one_can_watch(data, real, seconds):
    line = Timeline.of([make_item(data)])
    assert line.is_real_time is real
    assert line.duration / line.rate == pytest.approx(seconds)


def test_velocities_of_uneven_times_are_exact_for_parabolas():
    times = np.array([0.0, 0.5, 2.0, 2.25])
    positions = np.zeros((4, 1, 3))
    positions[:, 0, 0] = 3 * times**2 - times
    data = Trajectory(positions, times)
    for k in (1, 2):
        assert velocities(data, k)[0, 0] == pytest.approx(6 * times[k] - 1)
    assert velocities(data, 0)[0, 0] == pytest.approx(positions[1, 0, 0] / 0.5)
    assert np.isnan(velocities(Trajectory(positions[:2], [1.0, 1.0]), 0)).all()


def test_attributes_may_change_with_time():
    heat = np.array([[0.0, 1, 2, 3], [3, 2, 1, 0.0]])
    flow = np.zeros((2, 4, 3))
    flow[:, 2, 1] = 5
    data = Trajectory(
        np.zeros((4, 2, 3)),
        np.arange(4.0),
        {
            "heat": Attribute(heat, Transforms.SCALAR),
            "flow": Attribute(flow, Transforms.VECTOR),
            "part": Attribute(np.array([1, 2]), Transforms.LABEL),
        },
    )
    assert value_range(data, "heat") == (0, 3) and value_range(data, "flow") == (0, 5)
    hot = shades(data, default_display(data, {"color_by": "heat"}))
    assert hot.changing and (hot.colors(0)[0] == hot.colors(3)[1]).all()
    assert (hot.colors(0)[0] != hot.colors(3)[0]).any()
    parts = shades(data, default_display(data, {"color_by": "part"}))
    assert not parts.changing and not parts.legend
    assert shades(data, default_display(data, {"color_by": "no such thing"})) is None


def test_the_automatic_window_is_one_for_all_times():
    from app.viewports.stats import window_of

    array = np.zeros((6, 6, 6, 3))
    for k in range(3):
        array[1:5, 1:5, 1:5, k] = 10 * 4**k
    volume = Volume(array, np.eye(4), "time")
    assert len({window_of(volume, default_display(volume, {"index": k})) for k in range(3)}) == 1
