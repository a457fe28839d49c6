"""Left is left: one marker in the right hemisphere, in every order that a file can store its axes in."""

from __future__ import annotations

import numpy as np
import pytest

from app.viewports import resolve
from app.viewports.readout import voxel_at
from app.viewports.reduced import reduced
from app.viewports.state import ViewIntent
from tests.app.viewports.conftest import MARKER, axis_orders, head, make_item

SIZE = (150, 130)
WINDOW = {"window": 255.0, "level": 127.5}


def bright_spot(picture):
    """(x, y) logical pixel of the marker in a real picture: the mean of what is nearly white."""
    rows, columns = np.nonzero(picture[..., 0] > 235)
    assert rows.size > 10, "the marker is not in the picture"
    return columns.mean() + 0.5, rows.mean() + 0.5


@pytest.mark.parametrize("convention", ["radiological", "neurological"])
@pytest.mark.parametrize("kind", ["axial", "coronal"])
def test_the_marker_keeps_its_place_letter_and_side_in_all_48_orders(view, kind, convention):
    window = view()
    seen = set()
    for name, volume in axis_orders(head()):
        item = make_item(volume, **WINDOW)
        intent = ViewIntent(kind, cursor=tuple(MARKER), convention=convention)
        state = resolve(intent, (item,), SIZE)
        picture, notes, _ = window.render(state)
        assert not notes.problems
        x, y = bright_spot(picture)
        on_left = x < SIZE[0] / 2
        assert on_left == (convention == "radiological"), name
        assert state.letters[0 if on_left else 1] == "R", name
        assert state.letters[1 if on_left else 0] == "L", name
        world = np.array(state.to_world(x, y))
        assert np.abs(world - MARKER).max() < 1.5, name
        assert y < SIZE[1] / 2 if kind == "axial" else y > SIZE[1] / 2, name  # anterior up; inferior down
        voxel = voxel_at(item, tuple(world))
        assert voxel is not None and volume.array[voxel] == 255, name
        seen.add((state.title, state.letters, state.convention, round(x), round(y)))
    assert len(seen) == 1, "the picture depends on how the file stores its axes"


@pytest.mark.parametrize("nose_left", [True, False])
def test_sagittal_views_turn_the_nose_only_by_their_own_switch(view, nose_left):
    window = view()
    places = set()
    for convention in ("radiological", "neurological"):
        for name, volume in axis_orders(head())[::7]:
            intent = ViewIntent("sagittal", tuple(MARKER), convention=convention, nose_left=nose_left)
            state = resolve(intent, (make_item(volume, **WINDOW),), SIZE)
            x, y = bright_spot(window.render(state)[0])
            assert (x < SIZE[0] / 2) == nose_left, name
            assert state.letters[:2] == (("A", "P") if nose_left else ("P", "A"))
            assert y > SIZE[1] / 2
            places.add((round(x), round(y)))
    assert len(places) == 1


def test_a_mirroring_transform_moves_the_marker_to_the_other_side(view):
    mirror = np.diag([-1.0, 1, 1, 1])
    item = make_item(head(), transform=mirror, **WINDOW)
    state = resolve(ViewIntent("axial", cursor=(-24.0, 10.0, -9.0)), (item,), SIZE)
    x, _ = bright_spot(view().render(state)[0])
    assert x > SIZE[0] / 2 and state.letters[1] == "L"


def test_volume_rendering_meets_one_and_the_same_array_whatever_the_order():
    first = reduced(head(), 0, 10**7)
    for name, volume in axis_orders(head()):
        other = reduced(volume, 0, 10**7)
        assert np.array_equal(first.array, other.array), name
        assert np.allclose(first.placement, other.placement), name
        assert np.linalg.det(other.placement[:3, :3]) > 0


def test_the_3d_view_shows_the_marker_on_its_side_in_all_orders(view):
    from app.viewports.camera import DIRECTIONS, look

    window = view()
    pose = look(np.array([[-40.0, 40], [-45, 45], [-32, 32]]), *DIRECTIONS["A"])
    for name, volume in axis_orders(head())[::5]:
        item = make_item(
            volume, window=20.0, level=180.0, preset="bright"
        )  # only the marker is bright enough to be solid
        picture, notes, _ = window.render(resolve(ViewIntent("3d", camera=pose), (item,), SIZE))
        assert not notes.problems
        rows, columns = np.nonzero(picture[..., 0] > 60)
        # Seen from the front, the patient's right is on the left of the screen; the marker is below the middle.
        assert rows.size and columns.mean() < SIZE[0] / 2 - 10 and rows.mean() > SIZE[1] / 2, name
