"""Lengths, angles, areas and changes of markups against what geometry says in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import markups
from core.data import Markup, MarkupKind, decode, encode

RNG = np.random.default_rng(4)


def rotation() -> np.ndarray:
    q, _ = np.linalg.qr(RNG.standard_normal((3, 3)))
    return q * np.sign(np.linalg.det(q))


def placed(linear: np.ndarray, shift: tuple[float, float, float] = (3.0, -2.0, 7.0)) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, shift
    return matrix


def test_a_line_has_its_length_also_where_the_item_is_stretched():
    line = Markup("line", [[1, 2, 3], [4, 6, 3]])
    assert markups.measure(line) == {"length": 5.0}
    assert markups.measure(line, placed(np.diag([2.0, 1.0, 1.0])))["length"] == pytest.approx(np.sqrt(52))


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 30.0, 90.0, 135.0, 180.0 - 1e-6, 180.0])
def test_angles_are_exact_at_their_ends_too(degrees):
    turn = rotation()
    arm = turn @ [5 * np.cos(np.radians(degrees)), 5 * np.sin(np.radians(degrees)), 0]
    corner = np.array([2.0, -1.0, 4.0])
    found = markups.measure(Markup("angle", [corner + turn[:, 0] * 3, corner, corner + arm]))["angle"]
    assert found == pytest.approx(degrees, abs=1e-9)


def test_an_angle_without_an_arm_is_not_stored():
    assert np.isnan(markups.measure(Markup("angle", [[0, 0, 0], [0, 0, 0], [1, 0, 0]]))["angle"])
    assert dict(markups.changed(Markup("angle", [[0, 0, 0], [0, 0, 0], [1, 0, 0]])).measurements) == {}


def test_a_closed_curve_has_length_area_and_how_flat_it_is():
    square = np.array([[0, 0, 0], [10, 0, 0], [10, 4, 0], [0, 4, 0]]) @ rotation().T + [5, 5, 5]
    found = markups.measure(Markup("closed_curve", square))
    assert found["length"] == pytest.approx(28) and found["area"] == pytest.approx(40)
    assert found["flatness"] == pytest.approx(0, abs=1e-12)
    bent = Markup("closed_curve", [[1, 1, 0.5], [-1, 1, -0.5], [-1, -1, 0.5], [1, -1, -0.5]])
    # The best plane of a saddle is z = 0: the square's projection, half a unit from it.
    assert markups.measure(bent)["area"] == pytest.approx(4)
    assert markups.measure(bent)["flatness"] == pytest.approx(0.5)


def test_a_smooth_curve_goes_through_its_points_and_comes_near_a_circle():
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = Markup("closed_curve", np.stack([7 * np.cos(t), 7 * np.sin(t), 0 * t], axis=1), smooth=True)
    line = markups.path(ring)
    for point in ring.points:
        assert np.linalg.norm(line - point, axis=1).min() < 1e-9
    found = markups.measure(ring)
    assert found["length"] == pytest.approx(2 * np.pi * 7, rel=1e-3)
    assert found["area"] == pytest.approx(np.pi * 49, rel=1e-3)
    straight = markups.measure(Markup("closed_curve", ring.points))["length"]
    assert straight == pytest.approx(48 * 2 * 7 * np.sin(np.pi / 48))


def test_a_smooth_curve_through_points_in_a_row_is_straight():
    row = Markup("curve", [[0, 0, 0], [1, 1, 0], [4, 4, 0], [5, 5, 0]], smooth=True)
    assert markups.measure(row)["length"] == pytest.approx(5 * np.sqrt(2))
    line = markups.path(row)
    np.testing.assert_allclose(line[:, 0], line[:, 1], atol=1e-12)


def test_points_in_one_place_leave_a_smooth_curve_finite():
    curve = Markup("curve", [[0, 0, 0], [1, 0, 0], [1, 0, 0], [2, 1, 0]], smooth=True)
    assert np.isfinite(markups.path(curve)).all()


def test_every_part_of_a_path_belongs_to_the_piece_it_lies_in():
    for smooth in (False, True):
        curve = Markup("curve", RNG.standard_normal((5, 3)), smooth=smooth)
        line = markups.path(curve)
        for k, point in enumerate(curve.points[:-1]):
            begin = int(np.argmin(np.linalg.norm(line - point, axis=1)))
            assert markups.piece_of(curve, begin) == k


def test_a_box_has_extents_and_volume_where_it_stands():
    box = Markup("box", [[1, 2, 3]], axes=rotation(), size=[2, 3, 4])
    found = markups.measure(box)
    assert (found["width"], found["height"], found["depth"]) == pytest.approx((2, 3, 4))
    assert found["volume"] == pytest.approx(24)
    assert markups.measure(box, placed(2 * rotation()))["volume"] == pytest.approx(24 * 8)


def test_the_equation_of_a_plane_holds_for_its_points_in_a_sheared_and_mirrored_item():
    plane = Markup("plane", [[1, 2, 3]], axes=rotation(), size=[10, 6, 0])
    matrix = placed(np.array([[-1.0, 0.3, 0], [0, 2.0, 0.4], [0, 0, 1.0]]))
    normal, offset = markups.plane_equation(plane, matrix)
    for u, v in RNG.standard_normal((5, 2)):
        local = plane.points[0] + plane.axes @ [u, v, 0]
        assert normal @ (matrix[:3, :3] @ local + matrix[:3, 3]) == pytest.approx(offset)


def test_two_clicks_in_a_slice_make_the_plane_that_stands_on_their_line():
    turn = rotation()
    a, b, toward = np.array([1.0, 2, 3]), np.array([1.0, 2, 3]) + 8 * turn[:, 0], turn[:, 2]
    plane = markups.plane_through(a, b, toward)
    np.testing.assert_allclose(plane.points[0], (a + b) / 2)
    normal = plane.axes[:, 2]
    assert abs(normal @ toward) < 1e-12 and abs(normal @ (b - a)) < 1e-12
    np.testing.assert_allclose(plane.size, [8, 8, 0])
    assert markups.plane_through(a, a, toward) is None


def test_three_points_make_the_plane_through_them_and_it_holds_them():
    points = RNG.standard_normal((3, 3)) * 10
    plane = markups.plane_of_three(*points)
    normal, offset = markups.plane_equation(plane)
    np.testing.assert_allclose(points @ normal, offset)
    local = (points - plane.points[0]) @ plane.axes
    assert (np.abs(local[:, :2]) <= plane.size[:2] / 2 + 1e-9).all()
    assert markups.plane_of_three([0, 0, 0], [1, 1, 1], [2, 2, 2]) is None


def test_two_corners_make_a_box_and_a_flat_one_gets_the_smaller_extent():
    axes = rotation()
    box = markups.box_between(np.zeros(3), axes @ [4, 6, 0], axes)
    np.testing.assert_allclose(box.size, [4, 6, 4])
    np.testing.assert_allclose(box.points[0], axes @ [2, 3, 0], atol=1e-12)
    np.testing.assert_allclose(markups.box_between([0, 0, 0], [1, -2, 3], np.eye(3)).size, [1, 2, 3])
    assert markups.box_between([0, 0, 0], [1, 0, 0], np.eye(3)) is None


def test_angles_between_lines_and_planes():
    line = Markup("line", [[0, 0, 0], [1, 0, 0]])
    slanted = Markup("line", [[0, 0, 0], [-1, -1, 0]])
    floor = Markup("plane", [[0, 0, 0]], size=[1, 1, 0])
    assert markups.angle_between(line, slanted) == pytest.approx(45)
    assert markups.angle_between(line, floor) == pytest.approx(0)
    assert markups.angle_between(Markup("line", [[0, 0, 0], [0, 1, 1]]), floor) == pytest.approx(45)
    turned = markups.turned(floor, markups.rotation_about([1, 0, 0], np.radians(20)), np.zeros(3))
    assert markups.angle_between(floor, turned) == pytest.approx(20)
    assert np.isnan(markups.angle_between(line, Markup("points", [[0, 0, 0]])))


def test_a_face_that_is_drawn_out_leaves_the_opposite_one_where_it_was():
    box = Markup("box", [[1, 2, 3]], axes=rotation(), size=[2, 3, 4])
    for axis in range(3):
        for side in (1, -1):
            grown = markups.resized(box, axis, side, 1.5)
            face = box.points[0] - side * box.axes[:, axis] * box.size[axis] / 2
            after = grown.points[0] - side * grown.axes[:, axis] * grown.size[axis] / 2
            np.testing.assert_allclose(after, face)
            assert grown.size[axis] == pytest.approx(box.size[axis] + 1.5)
    assert markups.resized(box, 0, 1, -99).size[0] > 0


def test_points_come_and_go_with_their_names_and_figures():
    curve = Markup("curve", [[0, 0, 0], [4, 0, 0]], labels=("a", "b"))
    more = markups.inserted(curve, 1, np.array([2.0, 1.5, 0]), "m")
    assert more.labels == ("a", "m", "b") and more.measurements["length"] == pytest.approx(5)
    less = markups.without_point(more, 1)
    assert less.labels == ("a", "b") and less.measurements["length"] == pytest.approx(4)
    assert markups.free_label(Markup("points", np.zeros((2, 3)), labels=("P1", "P3"))) == "P2"


def test_what_an_analysis_measured_is_dropped_when_the_plane_is_moved():
    plane = Markup("plane", [[0, 0, 0]], size=[4, 2, 0], measurements={"score": 0.9})
    assert dict(markups.shifted(plane, np.ones(3)).measurements) == {"width": 4.0, "height": 2.0}


def test_many_small_turns_keep_the_right_angles():
    plane = Markup("plane", [[1, 2, 3]], axes=rotation(), size=[4, 2, 0])
    start = np.array(plane.axes)
    for _ in range(720):
        plane = markups.turned(plane, markups.rotation_about([1, 2, -1], np.radians(0.5)), np.zeros(3))
    np.testing.assert_allclose(plane.axes.T @ plane.axes, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(plane.axes, start, atol=1e-9)
    np.testing.assert_allclose(plane.points[0], [1, 2, 3], atol=1e-9)


def test_the_smallest_rotation_takes_one_direction_to_the_other():
    for a, b in ([[1, 0, 0], [0, 1, 0]], [[1, 2, 3], [-1, -2, -3]], [[1, 0, 0], [1, 1e-9, 0]]):
        turn = markups.rotation_between(a, b)
        np.testing.assert_allclose(turn @ a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-9)
        assert np.linalg.det(turn) == pytest.approx(1)


def test_a_straight_markup_is_hashed_as_before_curves_could_be_smooth() -> None:
    straight = Markup(MarkupKind.CURVE, np.eye(3))
    tree, _ = encode(straight)
    assert "smooth" not in tree
    tree, arrays = encode(replace(straight, smooth=True))
    assert tree["smooth"] is True and decode(tree, arrays).smooth
