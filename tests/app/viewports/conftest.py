"""A small lop-sided "head", scene items, and views that are always given back."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest

from app.viewports.state import SceneItem
from core.data import Volume
from core.display import default_display

MARKER = np.array([24.0, 10.0, -9.0])
"""World position of the bright spot: right, anterior, inferior."""
HEAD = np.array(
    [[2.0, 0, 0, -36.0], [0, 2.5, 0, -45.0], [0, 0, 3.0, -30.0], [0, 0, 0, 1.0]],
)


def make_item(data: Any, item_id: str = "a", transform: Any = None, **hints: Any) -> SceneItem:
    """A scene item with the default display, changed by `hints`."""
    matrix = np.eye(4) if transform is None else np.asarray(transform, dtype=float)
    return SceneItem(item_id, item_id, data, matrix, default_display(data, hints))


def head(affine: Any = None) -> Volume:
    """An ellipsoid of value 100 with a spot of 255 at `MARKER` (world, for the default affine)."""
    shape = (37, 37, 21)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    world = grid @ HEAD[:3, :3].T + HEAD[:3, 3]
    array = np.zeros(shape, dtype=np.float32)
    array[((world / [34, 42, 27]) ** 2).sum(axis=-1) < 1] = 100
    array[np.linalg.norm(world - MARKER, axis=-1) < 5] = 255
    return Volume(array, HEAD if affine is None else affine)


def axis_orders(volume: Volume) -> list[tuple[str, Volume]]:
    """The same volume in all 48 orders and directions of its axes, each with its matching affine."""
    out = []
    for order in permutations(range(3)):
        for flips in product((1, -1), repeat=3):
            to_old = np.zeros((4, 4))
            to_old[3, 3] = 1
            array = volume.array.transpose(order)
            for new, old in enumerate(order):
                to_old[old, new] = flips[new]
                if flips[new] < 0:
                    to_old[old, 3] = volume.array.shape[old] - 1
            array = array[tuple(slice(None, None, f) for f in flips)]
            name = "".join("ijk"[o] for o in order) + "".join("+" if f > 0 else "-" for f in flips)
            out.append((name, Volume(array, volume.affine @ to_old)))
    return out


@pytest.fixture
def view() -> Iterator[Callable[[], Any]]:
    """`view()` gives an off-screen view; all are released at the end."""
    from app.viewports.offscreen import OffscreenView

    made: list[Any] = []

    def make() -> Any:
        made.append(OffscreenView())
        return made[-1]

    yield make
    for one in made:
        one.release()


@pytest.fixture
def grid(qtbot: Any) -> Iterator[Any]:
    """A grid with the image backend, shown and later shut down."""
    from app.theme import DARK
    from app.viewports import ViewportGrid

    made = ViewportGrid(backend="image", theme=DARK)
    made.resize(520, 480)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.shutdown()


def vtk_objects() -> int:
    """How many VTK objects Python holds, of the kinds that must not outlive a view."""
    from vtkmodules.vtkRenderingCore import vtkProp, vtkRenderer, vtkRenderWindow

    gc.collect()
    return sum(issubclass(type(o), (vtkProp, vtkRenderer, vtkRenderWindow)) for o in gc.get_objects())
