"""Slices painted by Qt look as VTK draws them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.viewports.mixing import Mix
from app.viewports.painted import PaintedSlice
from app.viewports.planes import Slab, tilt_of, turn
from app.viewports.sampling import Block
from app.viewports.state import ViewIntent, resolve
from core.data import Volume
from tests.app.viewports.conftest import HEAD, axis_orders, head, make_item

SIZE = (161, 120)


def pixels_of(image: Any) -> np.ndarray:
    """(height, width, 3) of a QImage."""
    from PySide6.QtGui import QImage

    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def both(
    view: Any, items: list[Any], kind: str = "axial", size: Any = SIZE, dpr: float = 1.0, **intent: Any
) -> Any:
    """The same state painted by Qt and drawn by VTK."""
    state = resolve(ViewIntent(kind, **intent), tuple(items), size, dpr)  # type: ignore[arg-type]
    painted = PaintedSlice().render(state)
    assert painted is not None
    drawn, notes, _ = view.render(state)
    assert painted[1].legends == notes.legends and painted[1].windows == notes.windows
    return pixels_of(painted[0]), drawn[..., :3].astype(int)


def assert_same(painted: np.ndarray, drawn: np.ndarray, *, steps: int = 3, odd: float = 0.004) -> None:
    """Equal to `steps` of a colour, but for a share of pixels that lie on an edge, where either may be right."""
    assert painted.shape == drawn.shape
    assert drawn.max() > 60, "nothing is shown"
    apart = np.abs(painted - drawn).max(axis=-1)
    assert (apart > steps).mean() <= odd, f"{(apart > steps).mean():.4f} differ, by {apart.max()} at most"


def overlay(**hints: Any) -> Any:
    """A spot of activation over part of the head, on a grid of its own."""
    array = np.zeros((20, 18, 11), np.float32)
    array[8:14, 6:12, 3:8] = np.linspace(1, 5, 6)[:, None, None]
    affine = np.diag([4.0, 5.0, 6.0, 1.0])
    affine[:3, 3] = -40, -45, -30
    return make_item(Volume(array, affine), "b", **hints)


def labels(**hints: Any) -> Any:
    """Two classes."""
    array = np.zeros((37, 37, 21), np.uint8)
    array[8:20, 10:20, 4:14] = 1
    array[22:30, 14:26, 6:12] = 3
    return make_item(Volume(array, HEAD, transforms="label"), "l", **hints)


@pytest.mark.parametrize("kind", ["axial", "coronal", "sagittal"])
def test_all_orders_of_the_axes_are_painted_alike(view: Any, kind: str) -> None:
    drawer = view()
    for number, (name, volume) in enumerate(axis_orders(head())):
        if number % 5 == 0:
            painted, drawn = both(drawer, [make_item(volume)], kind)
            assert (np.abs(painted - drawn).max(axis=-1) > 3).mean() <= 0.004, name


@pytest.mark.parametrize(
    "intent",
    [
        {},
        {"zoom": 7.3, "pan": (5.0, -8.0)},
        {"zoom": 190.0},
        {"zoom": 0.2},
        {"cursor": (20.0, 11.0, -9.0), "convention": "neurological"},
        {"tilt": tilt_of(turn((0.0, 1.0, 0.0), 20.0))},
        {"slab": Slab("max", 12.0)},
    ],
)
def test_each_way_to_look_is_painted_as_it_is_drawn(view: Any, intent: dict[str, Any]) -> None:
    assert_same(*both(view(), [make_item(head())], **intent))


@pytest.mark.parametrize("dpr", [1.25, 2.0])
def test_a_fine_screen(view: Any, dpr: float) -> None:
    # A size that is a whole number of pixels: else VTK's middle is a part of a pixel beside that of the words.
    painted, drawn = both(view(), [make_item(head())], size=(164, 120), dpr=dpr, zoom=1.7)
    assert painted.shape == (120 * dpr, 164 * dpr, 3)
    assert_same(painted, drawn)


@pytest.mark.parametrize(
    "items",
    [
        lambda: [make_item(head(), interpolate=False)],
        lambda: [make_item(head(), colormap="viridis", window=100.0, level=60.0)],
        lambda: [make_item(head()), overlay(colormap="hot", opacity=0.4, interpolate=False)],
        lambda: [labels(opacity=0.5), make_item(head())],
        lambda: [labels()],
        lambda: [
            make_item(
                Volume(
                    np.stack([head().array, head().array * 0.5, 0 * head().array], axis=-1).astype(np.uint8),
                    HEAD,
                    last_axis="channel",
                    rgb=True,
                )
            )
        ],
        lambda: [
            make_item(head(), transform=[[0.9, -0.4, 0, 3], [0.4, 0.9, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        ],
    ],
)
def test_each_look_is_painted_as_it_is_drawn(view: Any, items: Any) -> None:
    painted, drawn = both(view(), items(), cursor=(0.0, 0.0, -4.0))
    assert_same(painted, drawn, steps=6, odd=0.01)


@pytest.mark.parametrize(
    "items",
    [
        lambda: [make_item(head(), colormap="viridis", hide="below", window=100.0, level=100.0)],
        lambda: [make_item(head()), overlay(colormap="hot")],
    ],
)
def test_where_transparency_is_interpolated_the_edge_alone_differs(view: Any, items: Any) -> None:
    """Qt weighs colours by their opacity; VTK lets the colour of what is hidden tint the edge."""
    painted, drawn = both(view(), items(), cursor=(0.0, 0.0, -4.0))
    assert_same(painted, drawn, steps=64, odd=0.002)
    assert_same(painted, drawn, steps=6, odd=0.04)
    sharp = [replace(i, display=replace(i.display, interpolate=False)) for i in items()]
    assert_same(*both(view(), sharp, cursor=(0.0, 0.0, -4.0)), steps=2, odd=0.01)


@pytest.mark.parametrize("mode", ["blend", "checker", "curtain", "difference"])
def test_mixed_volumes_are_painted_as_they_are_drawn(view: Any, mode: str) -> None:
    items = [make_item(head()), make_item(Volume(np.roll(head().array, 4, axis=0), HEAD), "b")]
    assert_same(*both(view(), items, mix=Mix("a", "b", mode)))  # type: ignore[arg-type]


def test_what_is_not_a_number_is_black_and_infinities_are_transparent(view: Any) -> None:
    array = head().array.copy()
    array[10:20, 10:20] = np.nan
    array[20:24, 20:24] = np.inf
    painted, drawn = both(view(), [make_item(Volume(array, HEAD), interpolate=False)])
    assert_same(painted, drawn, odd=0.01)
    assert painted[60, 80].max() == 0


def test_outlines_are_left_to_vtk_and_nothing_is_kept_for_them() -> None:
    painter = PaintedSlice()

    def state(item: Any) -> Any:
        return resolve(ViewIntent("axial"), (item,), SIZE)

    assert painter.render(state(labels())) is not None
    assert painter.render(state(labels(outline=2.0))) is None
    assert not painter._pictures and painter._last is None
    assert (
        painter.render(state(make_item(head(), outline=2.0))) is not None
    )  # an outline is a thing of labels


def test_a_view_whose_labels_get_outlines_and_lose_them_shows_both(grid: Any) -> None:
    from app.viewports import service

    grid.set_layout("axial")
    shown = {}
    for outline in (0.0, 2.0, 0.0):
        grid.set_items((labels(outline=outline),))
        assert grid.wait(30)
        picture = pixels_of(grid.views["axial"].frame.image)
        shown.setdefault(outline, []).append(picture)
        number = grid.views["axial"].canvas.number
        assert (number in service._shared[0]._views) == (outline > 0)
    assert np.array_equal(*shown[0.0])
    filled, outlined = (np.count_nonzero(shown[o][0].max(axis=-1) > 40) for o in (0.0, 2.0))
    assert 0 < outlined < 0.6 * filled


@pytest.mark.parametrize("dtype", [np.uint8, ">i2", np.float32, np.float64, np.float16])
@pytest.mark.parametrize("order", ["C", "F"])
def test_planes_read_in_blocks_are_the_planes_of_the_volume(
    monkeypatch: pytest.MonkeyPatch, dtype: Any, order: Any
) -> None:
    monkeypatch.setattr("app.viewports.sampling._BLOCK", (0, 10**9))
    array = np.random.default_rng(0).integers(0, 200, (21, 19, 37)).astype(dtype, order=order)
    array.setflags(write=False)
    axis, block = (2 if order == "C" else 0), Block()
    for index in (0, 1, 9, 8, array.shape[axis] - 1, 3):
        plane = block.plane(array, axis, index)
        assert plane is not None and plane.dtype == array.dtype
        assert np.array_equal(plane, np.take(array, index, axis=axis))
    assert block.plane(array, 1, 3) is None, "there the planes do not lie beside each other"


def test_steps_through_a_large_volume_show_its_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    """By blocks or one by one: the same pictures, also after the volume was replaced by another."""
    rng = np.random.default_rng(1)
    volumes = [Volume(rng.integers(0, 255, (180, 190, 24)).astype(np.uint8), np.eye(4)) for _ in range(2)]
    painters = PaintedSlice(), PaintedSlice()
    for volume in volumes:
        for height in (3.0, 4.0, 15.0, 16.0, 23.0):
            item = make_item(volume, window=255.0, level=127.0)
            state = resolve(ViewIntent("axial", cursor=(90.0, 90.0, height)), (item,), SIZE)
            pictures = []
            for painter, bytes in zip(painters, ((0, 10**9), (10**9, 10**9)), strict=True):
                monkeypatch.setattr("app.viewports.sampling._BLOCK", bytes)
                made = painter.render(state)
                assert made is not None
                pictures.append(pixels_of(made[0]))
            assert np.array_equal(*pictures) and pictures[0].max() > 0
