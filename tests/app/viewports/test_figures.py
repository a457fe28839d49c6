"""Colours, statistics and cuts: pure functions."""

from __future__ import annotations

import numpy as np
import pytest

from app.viewports.colors import category, color_scale, colorize, overlay_alpha, rgba_of, table
from app.viewports.cuts import clipped, draw_markup, mesh_cut
from app.viewports.legends import tick_text
from app.viewports.overlay import nice_length
from app.viewports.stats import finite_range, otsu, plain_values, volume_stats, window_of
from core.data import Markup, Mesh, Volume
from tests.app.viewports.conftest import make_item


def test_automatic_window_is_the_percentiles_of_what_is_not_zero():
    rng = np.random.default_rng(1)
    array = np.zeros((30, 30, 30), dtype=np.float32)
    array[5:25, 5:25, 5:25] = rng.uniform(100, 200, (20, 20, 20))
    array[0, 0, 0], array[0, 0, 1] = np.nan, np.inf
    low, high = window_of(Volume(array, np.eye(4)), make_item(Volume(array, np.eye(4))).display)
    assert low == pytest.approx(102, abs=1) and high == pytest.approx(199.5, abs=1)


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 3, 3)), np.full((3, 3, 3), 7.0), np.full((3, 3, 3), -2), np.full((3, 3, 3), np.nan)],
    ids=["zero", "constant", "negative", "nan"],
)
def test_dull_volumes_have_a_window_too(array):
    stats = volume_stats(Volume(array, np.eye(4)))
    assert np.isfinite([stats.low, stats.high, stats.threshold]).all() and stats.high > stats.low


@pytest.mark.parametrize("dtype", ["u1", "?", "<i2", ">i2", ">f4", "f2", "i8", "u4", "c8"])
def test_every_number_type_becomes_colours(dtype):
    array = np.arange(27).reshape(3, 3, 3).astype(dtype)
    volume = Volume(array, np.eye(4))
    low, high = window_of(volume, make_item(volume).display)
    rgba = colorize(array[1], low, high)
    assert rgba.shape == (3, 3, 4) and rgba.dtype == np.uint8
    assert rgba[2, 2, 0] >= rgba[0, 0, 0]


def test_not_a_number_is_transparent_and_labels_keep_their_colour():
    rgba = colorize(np.array([0.0, 5.0, np.nan, np.inf]), 0, 5)
    assert rgba[:, 3].tolist() == [255, 255, 0, 0] and rgba[1, 0] == 255
    labels = colorize(np.array([0, 1, 2, 1]), 0, 2, label=True)
    assert labels[:, 3].tolist() == [0, 255, 255, 255]
    assert (labels[1] == labels[3]).all() and (labels[1, :3] == category(np.array(1))).all()
    assert len({tuple(c) for c in category(np.arange(1, 17))}) == 16


def test_overlays_let_the_scan_through_where_they_say_nothing():
    assert overlay_alpha("diverging")[127] < 0.1 and overlay_alpha("diverging")[[0, 255]].min() == 1
    assert overlay_alpha("viridis")[0] == 0 and overlay_alpha("viridis")[128] == 1
    assert overlay_alpha("gray").min() == 1


def test_maps_are_monotone_in_lightness_and_unknown_names_are_gray():
    weights = np.array([0.2126, 0.7152, 0.0722])
    for name in ("viridis", "cividis", "magma", "gray"):
        light = (table(name) / 255.0) ** 2.2 @ weights
        assert (np.diff(light) > -2e-3).all() and light[-1] > light[0]
    assert (table("no such map") == table("gray")).all()


def test_stored_colours_are_scaled_by_their_type():
    assert color_scale(np.array([[0.2, 1.0, 0.5]])) == (0, 1)
    assert color_scale(np.array([[0, 200, 5]])) == (0, 255)
    assert color_scale(np.array([[0, 60000, 5]], dtype=np.uint16)) == (0, 65535)
    assert rgba_of(np.array([[0.0, 0.5, 1.0]]), 0, 1).tolist() == [[0, 127, 255, 255]]


def test_vectors_are_coloured_by_length_and_otsu_parts_two_heaps():
    values = plain_values(np.array([[3.0, 4, 0], [0, 0, np.nan]]))
    assert values[0] == 5 and np.isnan(values[1])
    assert finite_range(np.array([np.nan, np.nan])) == (0, 1) and finite_range(np.array([2.0])) == (1.5, 2.5)
    rng = np.random.default_rng(0)
    assert 3 < otsu(np.concatenate([rng.normal(0, 1, 500), rng.normal(10, 1, 500)])) < 7


def test_a_plane_cuts_a_cube_in_a_closed_square():
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    faces = [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
    ]
    faces += [[1, 5, 7], [1, 7, 3]]
    cube = Mesh(corners, np.array(faces))
    shift = np.eye(4)
    shift[:3, 3] = (10, 0, 0)
    segments = mesh_cut(cube, shift, ((10, 0, 0.3), (0, 0, 1)))
    assert np.allclose(segments[..., 2], 0.3)
    assert np.linalg.norm(segments[:, 0] - segments[:, 1], axis=1).sum() == pytest.approx(4)
    ends, counts = np.unique(np.round(segments.reshape(-1, 3), 9), axis=0, return_counts=True)
    assert (counts == 2).all() and ends[:, 0].min() == 10
    assert len(mesh_cut(cube, shift, ((0, 0, 2.0), (0, 0, 1)))) == 0


def test_markups_meet_the_slice_where_they_should():
    plane = ((0, 0, 0), (0, 0, 1))
    points = make_item(Markup("points", [[0, 0, 0.4], [5, 0, 3]], labels=("here", "above")))
    (drawing,) = draw_markup(points, plane, 1.0)
    assert len(drawing.dots) == 1 and drawing.item == points.id
    sheet = make_item(Markup("plane", [[1, 2, 0]], axes=[[0, 0, 1], [1, 0, 0], [0, 1, 0]], size=[10, 8, 0]))
    (drawing,) = draw_markup(sheet, plane, 1.0)
    (segment,) = drawing.segments
    assert np.allclose(segment[:, 0], 1) and sorted(segment[:, 1].round(6)) == [-3, 7]
    line = np.array([[[0, 0, -2], [0, 0, 2.0]], [[1, 1, 0.1], [3, 1, 0.1]], [[0, 0, 5], [1, 0, 5.0]]])
    kept = clipped(line, plane, 0.5)
    assert len(kept) == 2 and np.allclose(kept[0, :, 2], (-0.5, 0.5)) and np.allclose(kept[1], line[1])
    box = make_item(Markup("box", [[0, 0, 0]], size=[2, 4, 6]))
    (drawing,) = draw_markup(box, plane, 1.0)
    assert np.linalg.norm(drawing.segments[:, 0] - drawing.segments[:, 1], axis=1).sum() == pytest.approx(12)


def test_numbers_on_scales_are_round_and_readable():
    assert [nice_length(v) for v in (0.7, 1, 13, 32, 4e-4)] == [1, 1, 20, 50, pytest.approx(5e-4)]
    assert nice_length(float("nan")) == 1
    assert (tick_text(0.5, 1), tick_text(-1234.5, 5000), tick_text(1e-17, 1)) == ("0.50", "−1234", "0")
    assert tick_text(2e7, 3e7) == "2.00e+07"
