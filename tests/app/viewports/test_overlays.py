"""Volumes over volumes: who lies on top, what is hidden, outlines of labels along voxel edges, colour maps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QFont, QImage, QPainter

from app.theme import DARK
from app.viewports.colors import COLORMAPS, colorize, is_diverging, table
from app.viewports.legends import paint_legends
from app.viewports.mixing import Mix
from app.viewports.notes import Legend
from app.viewports.outlines import bands, edges_of
from app.viewports.overlay import Overlay
from app.viewports.state import ViewIntent, resolve
from app.viewports.stats import rounded_window, window_of
from core.data import Transforms, Volume
from core.display import VolumeDisplay
from tests.app.viewports.conftest import make_item
from tests.app.viewports.test_grid import pixels
from tests.app.viewports.test_planes import ODD

SIZE = (140, 120)
FULL = {"window": 255.0, "level": 127.5, "interpolate": False}


def flat(value: float, dz: float = 0.0, dtype: Any = np.uint8) -> Volume:
    affine = np.eye(4)
    affine[2, 3] = dz
    return Volume(np.full((20, 20, 20), value, dtype), affine)


@pytest.mark.parametrize("dz", [-0.45, 0.0, 0.45])
def test_an_overlay_lies_on_top_wherever_its_voxels_have_their_middle(view: Any, dz: float) -> None:
    below, over = make_item(flat(100), "a", **FULL), make_item(flat(200, dz), "b", colormap="hot", **FULL)
    window = view()
    for items in ((below, over), (over, below)):
        picture = window.render(resolve(ViewIntent("axial", active="a"), items, SIZE))[0]
        assert np.ptp(picture[60, 70, :3].astype(int)) > 60, "colours, not the gray below"


def test_values_outside_the_window_or_near_zero_let_the_scan_show_through(view: Any) -> None:
    values = np.zeros((20, 20, 20), np.float32)
    values[:5], values[5:10], values[10:15], values[15:] = -4, 1, 4, 12
    window = view()

    def colored(**hints: Any) -> list[bool]:
        over = make_item(
            Volume(values, np.eye(4)),
            "b",
            colormap="activation",
            window=16.0,
            level=0.0,
            interpolate=False,
            **hints,
        )
        state = resolve(
            ViewIntent("axial", active="a", convention="neurological"),
            (make_item(flat(100), "a", **FULL), over),
            SIZE,
        )
        places = state.to_screen(np.array([[x, 9.6, 9] for x in (2, 7, 12, 17)]))[:, :2].astype(int)
        picture = window.render(state)[0][..., :3].astype(int)
        return [bool(np.ptp(picture[y, x]) > 25) for x, y in places]

    assert colored() == [True, True, True, True]
    assert colored(hide="above") == [True, True, True, False]
    assert colored(floor=2.0) == [True, False, True, True]
    assert colored(floor=2.0, hide="outside") == [True, False, True, False]


def test_a_diverging_map_has_its_neutral_colour_at_zero() -> None:
    values = np.linspace(-2, 6, 1000).reshape(10, 10, 10)
    volume = Volume(values, np.eye(4))
    low, high = window_of(volume, VolumeDisplay(colormap="diverging"))
    assert low == -high and high > 5
    assert window_of(volume, VolumeDisplay(colormap="viridis"))[0] != pytest.approx(low)
    assert window_of(volume, VolumeDisplay(colormap="diverging", window=2.0, level=3.0)) == (2.0, 4.0)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", ">u2", "i4", "f4", "f8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_number_type_gets_the_colours_of_its_values(dtype: str, order: Any) -> None:
    rng = np.random.default_rng(0)
    raw = rng.integers(-100 if np.dtype(dtype).kind in "if" else 0, 120, (90, 70))
    values = np.asarray(raw.astype(dtype), order=order)
    got = colorize(values, -20, 80, "viridis", hide="below", floor=3.0)
    real = values.astype(float)
    want = table("viridis")[np.clip((real + 20) * 2.55, 0, 255).astype(np.float32).astype(np.uint8)]
    assert got.flags.c_contiguous and np.abs(got[..., :3].astype(int) - want).max() <= 6
    assert np.array_equal(got[..., 3] > 0, (real >= -20) & (np.abs(real) >= 3))
    labels = colorize(values, 0, 1, label=True)
    assert np.array_equal(labels[..., 3] > 0, real != 0)
    assert (labels[real == 5] == colorize(np.array([5]), 0, 1, label=True)[0]).all()


def test_colour_maps_turned_round_and_their_order() -> None:
    for name in COLORMAPS:
        if name != "labels":
            assert np.array_equal(table(name + "_r"), table(name)[::-1]), name
    weights = np.array([0.2126, 0.7152, 0.0722])
    for name in ("viridis", "cividis", "magma", "inferno", "plasma", "hot", "gray"):
        light = (table(name) / 255.0) ** 2.2 @ weights
        assert (np.diff(light) > -2e-3).all() and light[-1] > light[0] + 0.4, name
    phase = table("phase").astype(int)
    assert np.abs(phase[0] - phase[-1]).max() <= 3, "it closes"
    assert is_diverging("activation_r") and not is_diverging("hot")
    assert table("activation")[128].max() < 30 and np.ptp(table("activation")[250].astype(int)) > 100


# -- outlines -------------------------------------------------------------------------------------------------


def inner_border(labels: Any, zoom: int, width: int) -> Any:
    """What lies within `width` of another label, each label voxel being `zoom` wide; by trying all neighbours."""
    big = np.kron(labels, np.ones((zoom, zoom), int))
    padded = np.pad(big, width, constant_values=-1)
    near = np.zeros(big.shape, bool)
    for du in range(-width, width + 1):
        for dv in range(-width, width + 1):
            part = padded[width + du :, width + dv :][: big.shape[0], : big.shape[1]]
            near |= part != big
    return np.where(near, big, 0)


@pytest.mark.parametrize("seed", range(6))
def test_bands_cover_the_inside_of_every_edge_once_and_nothing_else(seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 2 + seed, (7, 9))
    edges = edges_of(labels if seed % 2 else labels.astype(np.float32))
    zoom, width = 10, 2
    painted = np.zeros((70, 90), int)
    times = np.zeros_like(painted)
    for corners, label in zip(bands(edges, (width / zoom, width / zoom)), edges.label, strict=True):
        (u0, v0), (u1, v1) = (
            np.round((e + 0.5) * zoom).astype(int) for e in (corners.min(0), corners.max(0))
        )
        painted[u0:u1, v0:v1] = label
        times[u0:u1, v0:v1] += 1
    assert np.array_equal(painted, inner_border(labels, zoom, width)) and times.max() == 1


def test_edges_of_nothing_are_none() -> None:
    assert not len(edges_of(np.zeros((4, 5), int)).label)
    assert not len(edges_of(np.full((4, 5), np.nan)).label)
    assert len(edges_of(np.ones((4, 5), int)).label) == 4, "one run a side"


@pytest.mark.parametrize("zoom", [1.0, 4.0])
def test_outlines_are_as_wide_as_asked_at_every_zoom_and_leave_the_inside_open(
    view: Any, zoom: float
) -> None:
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[6:14, 6:14] = 3
    mask = Volume(labels, np.eye(4), transforms=Transforms.LABEL)
    over = make_item(mask, "b", outline=2.0)
    state = resolve(
        ViewIntent("axial", (9.5, 9.5, 9), active="a", zoom=zoom),
        (make_item(flat(100), "a", **FULL), over),
        SIZE,
    )
    picture, notes, _ = view().render(state)
    assert not notes.problems
    colored = np.ptp(picture[..., :3].astype(int), axis=2) > 60
    x, y, _ = state.to_screen(np.array([9.5, 9.5, 9]))[0]
    row = np.flatnonzero(colored[int(y)])
    sides = state.to_screen(np.array([[5.5, 9.5, 9], [13.5, 9.5, 9]]))[:, 0]
    inside = [s for s in sides if 0 <= s <= SIZE[0]]
    assert len(row) == 2 * len(inside) or zoom > 1
    for side in inside:
        assert (np.abs(row + 0.5 - side) <= 2.1).sum() == 2, "two pixels, on the voxel's edge"
    assert not colored[int(y), int(x)]


def test_outlines_also_of_tilted_labels_and_back_to_filled(view: Any) -> None:
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:15, 5:15, 5:15] = 2
    mask = Volume(labels, np.eye(4), transforms=Transforms.LABEL)
    window = view()

    def part(**wish: Any) -> float:
        item = make_item(mask, "b", outline=wish.pop("outline"))
        picture, notes, _ = window.render(resolve(ViewIntent("axial", (9, 9, 9), **wish), (item,), SIZE))
        assert not notes.problems
        return float((picture[..., :3].max(axis=2) > 60).mean())

    filled, lines = part(outline=0.0, tilt=ODD), part(outline=1.5, tilt=ODD)
    assert 0.01 < lines < 0.4 * filled
    assert part(outline=0.0, tilt=ODD) == filled


def test_a_scan_that_comes_after_its_labels_is_seen_through_them(view: Any) -> None:
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[6:14, 6:14] = 3
    over = make_item(Volume(labels, np.eye(4), transforms=Transforms.LABEL), "b", opacity=0.5)
    scan = make_item(flat(100), "a", **FULL)
    other = replace(scan, id="c")

    def inside(window: Any, *items: Any, mix: Mix | None = None) -> list[int]:
        intent = ViewIntent("axial", (9.5, 9.5, 9), active="a", crosshair=False, mix=mix)
        state = resolve(intent, items, SIZE)
        x, y, _ = state.to_screen(np.array([9.5, 9.5, 9.0]))[0]
        picture, notes, _ = window.render(state)
        assert not notes.problems
        return [int(c) for c in picture[int(y), int(x), :3]]

    expected = inside(view(), scan, over)
    assert expected[0] == pytest.approx(50, abs=2), "half of the scan, half of a green without red"
    late = view()
    inside(late, over)
    assert inside(late, scan, over) == expected, "the labels were there first"
    assert inside(late, scan, other, over, mix=Mix("a", "c", "blend", 0.5)) == pytest.approx(expected, abs=1)
    assert inside(late, scan, over) == expected, "after a comparison"


# -- legends --------------------------------------------------------------------------------------------------


def test_legends_stand_beside_each_other_below_the_letter(qtbot: Any) -> None:
    overlay = Overlay(DARK, QFont())
    state = resolve(ViewIntent("axial"), (make_item(flat(1)),), (420, 380))

    def drawn(*legends: Legend) -> Any:
        image = QImage(420, 380, QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        paint_legends(overlay, painter, state, list(legends))
        painter.end()
        return pixels(image).max(axis=2) > 0

    one = drawn(Legend("a statistic with a very long name indeed, longer than the view", "z", "hot", 2.3, 8))
    two = drawn(Legend("a", "", "hot", 2.3, 8), Legend("b", "", "viridis", 0, 1))
    letter = slice(380 // 2 - 8, 380 // 2 + 8)
    for mask in (one, two):
        assert mask.any() and not mask[letter].any() and not mask[380 - 24 :].any()
    assert (
        np.flatnonzero(two.any(axis=0)).min()
        < np.flatnonzero(drawn(Legend("a", "", "hot", 2.3, 8)).any(axis=0)).min() - 20
    )
    bar = (slice(380 - 140, 380 - 40), slice(420 - 20, 420 - 13))
    whole, holed = (
        drawn(Legend("a", "", "activation_r", -8, 8)),
        drawn(Legend("a", "", "activation_r", -8, 8, "", 4.0)),
    )
    assert holed[bar].sum() < whole[bar].sum()


@pytest.mark.parametrize("width", [110, 150, 200, 300, 600])
def test_in_no_width_do_title_words_and_the_upper_letter_stand_on_each_other(qtbot: Any, width: int) -> None:
    """Each is painted alone; no pixel belongs to two of them."""
    overlay = Overlay(DARK, QFont())
    whole = resolve(ViewIntent("axial", tilt=ODD), (make_item(flat(1)),), (width, 300))

    def ink(**parts: Any) -> Any:
        image = QImage(width, 300, QImage.Format.Format_RGB32)
        image.fill(0xFF808080)
        painter = QPainter(image)
        state = replace(whole, **parts)
        if "letters" in parts:
            overlay._title(painter, replace(whole, letters=("", "", "", "")))
            overlay._corner(painter, whole, whole.convention)
        else:
            overlay._letters(painter, state)
        painter.end()
        return (pixels(image) != 0x80).any(axis=2)

    letters, words = ink(), ink(letters=())
    assert letters.any() and words.any() and not (letters & words).any()


def test_a_narrow_window_far_from_zero_is_not_rounded_away() -> None:
    assert rounded_window(50.1234567, 30013.28172) == (50.12, 30013.28)
    assert rounded_window(1e-7 / 3, 0.5) == (3.333e-8, 0.5)
    assert rounded_window(123456.0, 7.0) == (123500.0, 0.0)
