"""What is kept between pictures, told apart by what it belongs to, and let go in time."""

from __future__ import annotations

import gc
import json
import threading
import time
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QSize

from app.viewports.identity import serial
from app.viewports.planes import tilt_of, turn
from app.viewports.service import RenderService
from app.viewports.state import ViewIntent, resolve
from app.viewports.stats import frame_of
from core.data import Markup, Mesh, Trajectory, Volume
from tests.app.viewports.conftest import head, make_item
from tests.app.viewports.test_scenes import SIZE, draw, sphere

TILT = tilt_of(turn((1.0, 0, 0), 20.0))


def another_at(address: int, make: Any) -> Any:
    """An object that has the `id` of one that is gone."""
    gc.collect()
    kept = []
    for k in range(20_000):
        made = make()
        if id(made) == address:
            return made
        if k % 50 == 49:
            kept.append(made)
    pytest.skip("this memory does not come back")


def test_a_number_is_never_given_twice_though_an_id_is() -> None:
    first = Markup("points", [[0.0, 0, 0]])
    number, address = serial(first), id(first)
    assert serial(first) == number
    del first
    second = another_at(address, lambda: Markup("points", [[9.0, 0, 0]]))
    assert serial(second) != number


def test_a_markup_in_the_place_of_another_in_memory_is_drawn_where_it_is(view: Any) -> None:
    window = view()
    volume = make_item(head())

    def drawn(markup: Markup) -> Any:
        _, notes, _ = draw(window, [volume, make_item(markup, "m")], "axial", cursor=(0, 0, 0))
        window._last = None  # as when the picture after it could not be kept
        return notes.drawings[0].dots

    first = Markup("points", [[0.0, 0, 0]])
    np.testing.assert_allclose(drawn(first), [[0, 0, 0]])
    address, gone = id(first), weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
    second = another_at(address, lambda: Markup("points", [[9.0, 0, 0]]))
    np.testing.assert_allclose(drawn(second), [[9, 0, 0]])


@pytest.mark.parametrize("what", ["markup", "mesh", "trajectory"])
def test_what_is_painted_over_a_slice_needs_no_new_picture(view: Any, what: str) -> None:
    window, volume = view(), make_item(head())
    if what == "markup":
        one, two = (make_item(Markup("points", [[x, 0, 0.0]]), "m") for x in (0.0, 9.0))
    elif what == "mesh":
        one = make_item(Mesh(*sphere(20.0)), "m")
        two = replace(one, display=replace(one.display, color=(1.0, 0.0, 0.0)))
    else:
        path = np.array([[[0.0, 0, 0]], [[9.0, 0, 0]]])
        one = make_item(Trajectory(path, np.array([0.0, 1.0])), "m")
        two = replace(one, display=replace(one.display, index=1))
    first = resolve(ViewIntent("axial", cursor=(0, 0, 0)), (volume, one), SIZE)
    second = resolve(ViewIntent("axial", cursor=(0, 0, 0)), (volume, two), SIZE)
    before, notes, _ = window.render(first)
    count = len(notes.drawings)
    assert count
    after, later, _ = window.render(second)
    assert after is before, "the picture below stays"
    fresh = view().render(second)[1]
    assert len(later.drawings) == len(fresh.drawings) == count == len(notes.drawings)
    for a, b in zip(later.drawings, fresh.drawings, strict=True):
        np.testing.assert_array_equal(a.dots, b.dots)
        np.testing.assert_array_equal(a.segments, b.segments)
        assert a.color == b.color
    assert later.windows == fresh.windows and later.legends == fresh.legends
    darker = replace(volume, display=replace(volume.display, window=900.0, level=450.0))
    third = resolve(ViewIntent("axial", cursor=(0, 0, 0)), (darker, two), SIZE)
    assert window.render(third)[0].mean() < before.mean()


def test_the_values_of_before_do_not_stay_for_a_tilt_that_is_over(view: Any) -> None:
    window = view()
    old = head()
    owner = old.array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    gone = weakref.ref(owner)
    del owner
    draw(window, [make_item(old)], "axial", tilt=TILT)
    draw(window, [make_item(old)], "axial")
    del old
    draw(window, [make_item(Volume(np.full((9, 9, 9), 7, np.uint8), np.diag([8.0, 8, 8, 1])))], "axial")
    gc.collect()
    assert gone() is None


def test_a_picture_of_a_part_is_a_part_of_the_picture() -> None:
    rng = np.random.default_rng(0)
    for made in (
        Volume(rng.normal(size=(5, 6, 7, 3)), np.eye(4), transforms="vector", last_axis="channel"),
        Volume(rng.normal(size=(5, 6, 7, 4)), np.eye(4), last_axis="time"),
        Volume(rng.normal(size=(5, 6, 7)), np.eye(4)),
    ):
        whole = frame_of(made, 2)
        every = slice(None)
        np.testing.assert_allclose(frame_of(made, 2, (every, 3, every)), whole[:, 3], rtol=1e-6)
        np.testing.assert_allclose(frame_of(made, 2, (every, every, slice(1, 3))), whole[..., 1:3], rtol=1e-6)


def test_a_view_that_closes_does_not_wait_for_the_picture_that_is_being_drawn(qapp: Any) -> None:
    service = RenderService(sync=False)
    begun, go_on = threading.Event(), threading.Event()
    told: list[Any] = []

    def slow(view: int, state: Any) -> None:
        begun.set()
        go_on.wait(30)

    state = resolve(ViewIntent("axial"), (make_item(head()),), SIZE)
    service._callbacks[1] = told.append
    service._slots[1] = state
    service._draw = slow  # type: ignore[method-assign, assignment]
    service._start()
    assert begun.wait(30)
    service.leave(1)
    assert not go_on.is_set(), "it came back although the thread was still at it"
    go_on.set()
    service.close()
    qapp.processEvents()
    assert not told and not service._callbacks


def test_a_frame_that_comes_after_a_view_was_forgotten_is_not_kept(grid: Any) -> None:
    grid.set_items((make_item(head()),))
    assert grid.wait(30)
    canvas = grid.views["axial"].canvas
    frame = canvas._frame
    canvas.forget()
    canvas._accept(frame)
    assert canvas._frame is None


def test_pictures_of_hidden_views_keep_nothing_open(grid: Any) -> None:
    volume = head()
    gone = weakref.ref(volume)
    grid.hide()
    grid.set_items((make_item(volume),))
    assert not grid.grab_image(QSize(300, 300)).isNull()
    grid.set_items(())
    del volume
    assert grid.wait(30)
    grid.views["axial"].canvas._held[0].draw(
        0, resolve(ViewIntent("axial"), (), SIZE)
    )  # the thread has been round
    gc.collect()
    assert gone() is None


DAMAGED: list[Any] = [
    None,
    [1, 2],
    "text",
    {"slices": {"axial": {"zoom": 2.0, "pan": 5}}},
    {"slices": {"axial": {"zoom": 10**400, "pan": [0, 0]}}},
    {"slices": {"axial": {"zoom": 1e250, "pan": [1e250, 0]}}},
    {"slices": {"axial": {"slab": {"mode": [], "thickness": 3}}}},
    {"slices": {"axial": {"slab": {"mode": {}, "thickness": 3}}}},
    {"slices": {"axial": {"convention": []}}},
    {"mix": {"first": "a", "second": "b", "mode": []}},
    {"mix": {"first": "a", "second": "b", "match": {}}},
    {"mix": {"first": "a", "second": "b", "amount": 10**400}},
    {"tilt": [1e200] * 9},
    {"tilt": [10**400] * 9},
    {"clip": {"3d": {"origin": [10**400, 0, 0], "normal": [0, 0, 1]}}},
    {"cameras": {"3d": {"position": [0, 0, 10**400], "focal": [0, 0, 0], "up": [0, 1, 0]}}},
    {"cameras": {"3d": {"position": [0, 0, 9], "focal": [0, 0, 0], "up": [0, 0, 0], "angle": 0}}},
    {"cursor": [10**400, 0, 0]},
    {"cursor": [1e300, 0, 0]},
    {"shares": {"four": {"": [10**400, 1]}}},
    {"layout": ["four"]},
]


@pytest.mark.parametrize("state", DAMAGED, ids=lambda s: json.dumps(s)[:40])
def test_no_damage_of_a_session_stops_the_views(grid: Any, state: Any) -> None:
    grid.set_items((make_item(head()),))
    grid.set_view_state(state)
    assert grid.wait(30)
    for one in grid.views.values():
        assert not one.frame.notes.problems
        assert np.isfinite(
            one.resolved().frame() if one.intent.kind != "3d" else one.resolved().camera.frame()
        ).all()
    back = json.loads(json.dumps(grid.view_state()))
    assert back["slices"]["axial"]["zoom"] <= 200 and back["mix"] is None


def test_3d_is_drawn_once_slices_have_been_shown(
    qapp: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the hand waits for is taken over first, but a window that is busy for long holds up nothing."""
    from app.viewports import service as services

    monkeypatch.setattr(services, "_UNSEEN", 30.0)
    service = RenderService(sync=False)
    order: list[str] = []
    drawn: list[str] = []

    def quick(view: int, state: Any) -> services.Frame:
        drawn.append(state.kind)
        return services.Frame(state)

    service._draw = quick  # type: ignore[method-assign]
    items = (make_item(head()),)
    try:
        for number, kind in enumerate(("3d", "axial", "coronal")):
            state = resolve(ViewIntent(kind), items, SIZE)  # type: ignore[arg-type]
            service.request(number, state, lambda frame: order.append(frame.state.kind))
        service._call()
        end = time.monotonic() + 0.5
        while len(drawn) < 2 and time.monotonic() < end:
            time.sleep(0.005)  # the window is busy
        time.sleep(0.05)
        assert sorted(drawn) == ["axial", "coronal"], "3-D waits until they are shown"
        qtbot.waitUntil(lambda: len(order) == 3)
        assert order[-1] == drawn[-1] == "3d"
        monkeypatch.setattr(services, "_UNSEEN", 0.01)
        service._unseen.add(7)  # a picture that nobody ever takes
        service.request(0, resolve(ViewIntent("3d"), items, SIZE), lambda frame: order.append("again"))
        qtbot.waitUntil(lambda: order[-1] == "again")
    finally:
        service.close()
