"""What each frame of a movie shows."""

from __future__ import annotations

import numpy as np
import pytest

from app.movies.plan import Plan, moment_number, suggested_frames, swept, turntable_pose
from app.viewports.camera import CameraPose, look
from app.viewports.moments import Timeline
from app.viewports.state import ViewIntent, resolve
from core.data import Mesh, Trajectory
from tests.app.viewports.conftest import head, make_item


@pytest.mark.parametrize("up", ["z", "y"])
def test_frame_k_is_turned_by_k_parts_of_the_circle(up):
    mesh = make_item(Mesh(np.eye(3), np.array([[0, 1, 2]])), up=up)
    pose = CameraPose((3.0, -4.0, 2.0), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0) if up == "z" else (0.0, 1.0, 0.0))
    n = 8
    axis = 2 if up == "z" else 1
    for k in range(n):
        turned = turntable_pose(pose, (mesh,), Plan("turntable", n, 2.0), k)
        a = 2 * np.pi * k / n
        c, s = np.cos(a), np.sin(a)
        rotation = {
            2: np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
            1: np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        }[axis]
        expected = np.array(pose.focal) + rotation @ np.subtract(pose.position, pose.focal)
        assert np.allclose(turned.position, expected) and turned.focal == pose.focal
        assert np.allclose(turned.up, rotation @ pose.up)
        assert turned.position[axis] == pytest.approx(pose.position[axis]), "at the same height"


def test_a_turntable_returns_to_where_it_began():
    pose = look(np.array([[-1.0, 1]] * 3), (0.4, -0.8, 0.3), (0, 0, 1))
    plan = Plan("turntable", 36, 3.0)
    back = turntable_pose(pose, (), plan, 36)
    assert np.allclose(back.position, pose.position) and np.allclose(back.up, pose.up)
    assert plan.fps == 12


def test_a_time_movie_is_even_in_time_and_complete():
    times = np.array([0.0, 1.0, 2.0, 10.0])
    line = Timeline.of([make_item(Trajectory(np.zeros((4, 1, 3)), times))])
    numbers = [moment_number(line, Plan("time", 11, 1.0), k) for k in range(11)]
    assert numbers[0] == 0 and numbers[-1] == 3
    assert numbers[:3] == [0, 1, 2] and numbers == sorted(numbers)
    assert numbers.count(3) == 4, "the later half of the long pause belongs to its end"


def test_a_sweep_goes_through_every_slice():
    items = (make_item(head()),)
    intent = ViewIntent("axial", cursor=(0.0, 0.0, 0.0))
    n = head().array.shape[2]
    plan = Plan("sweep", n, 2.0)
    positions = [
        resolve(swept(intent, items, plan, k), items, (100, 100)).position  # type: ignore[union-attr]
        for k in range(n)
    ]
    assert positions == list(range(1, n + 1))
    assert suggested_frames("sweep", None, [resolve(intent, items, (100, 100))]) == n
    assert suggested_frames("sweep", None, [resolve(intent, (), (100, 100))]) == 100, "nothing counts slices"


def test_a_sweep_without_a_volume_goes_through_the_box():
    points = np.array([[0.0, 0, -5], [1, 0, 0], [0, 1, 15]])
    items = (make_item(Mesh(points, np.array([[0, 1, 2]]))),)
    intent = ViewIntent("axial", cursor=(0.0, 0.0, 0.0))
    plan = Plan("sweep", 5, 1.0)
    heights = [swept(intent, items, plan, k).cursor[2] for k in range(5)]
    assert heights == pytest.approx([-5, 0, 5, 10, 15])
