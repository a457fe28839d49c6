"""The player: what it shows, what it writes into the document, and when it is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.window.main_window import MainWindow
from app.window.player import Player
from core.data import Mesh, Trajectory, Volume
from core.display import default_display
from core.document import Item, new_id


def film(t: int = 8) -> Volume:
    array = np.zeros((10, 10, 10, t), dtype=np.uint8)
    for k in range(t):
        array[2:8, 2:8, 2:8, k] = 10 * (k + 1)
    return Volume(array, np.eye(4), "time", step=0.5)


def run(t: int = 5, step: float = 1.0) -> Trajectory:
    positions = np.zeros((t, 2, 3))
    positions[:, 0, 0] = np.arange(t)
    positions[:, 1, 1] = 4
    return Trajectory(positions, step * np.arange(float(t)))


def add(window: MainWindow, *data: Any) -> list[str]:
    items = [Item(new_id(), f"item {k}", d, display=default_display(d)) for k, d in enumerate(data)]
    window.workbench.document.add(*items)
    window.workbench.select(items[0].id)
    assert window.centre.grid is not None
    window.centre.grid.wait()
    return [i.id for i in items]


def shown(window: MainWindow, id: str) -> int:
    grid = window.centre.grid
    assert grid is not None
    return next(i.display.index for i in grid.items if i.id == id)


def said(window: MainWindow, id: str) -> int:
    return window.workbench.document[id].display.index  # type: ignore[attr-defined]


def test_a_mode_that_is_none_is_the_first(window):
    settings = window.workbench.settings
    settings.set("player-mode", ["loop"])  # somebody has edited the file
    assert Player(window.workbench).mode == "loop"
    settings.set("player-mode", "once")
    assert Player(window.workbench).mode == "once"


def test_the_bar_is_there_only_while_something_changes_with_time(window, qtbot):
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]]))
    add(window, mesh)
    assert window.centre.transport is None
    assert not window.commands["time.play"].isEnabled()
    assert "time" in window.commands["time.play"].toolTip()
    (id,) = add(window, film())
    bar = window.centre.transport
    assert bar.isVisible() and bar.words.text() == "0.0 s · 1 of 8"
    assert window.commands["time.play"].isEnabled()
    document = window.workbench.document
    document.set_display(id, default_display(document[id].data, {"visible": False}))
    assert not bar.isVisible()
    document.undo()
    assert bar.isVisible()
    document.remove(id)
    assert not bar.isVisible()


def test_the_tips_name_the_keys_as_they_are(window):
    add(window, film())
    bar = window.centre.transport
    assert bar.play.toolTip() == "Play  K" and bar.back.toolTip() == "One moment back  ,"
    window.shortcuts.set_keys("time.play", ["Ctrl+Alt+P"])
    window.shortcuts.set_keys("time.back", [])
    assert bar.play.toolTip() == "Play  Ctrl+Alt+P" and bar.back.toolTip() == "One moment back"
    bar.play.click()
    assert bar.play.toolTip() == "Pause  Ctrl+Alt+P" and bar.play.accessibleName() == "Pause"
    bar.play.click()


def test_playing_is_one_edit_however_long(window, qtbot):
    film_id, run_id = add(window, film(), run())
    player, document = window.centre.player, window.workbench.document
    changes: list[Any] = []
    document.changed.connect(changes.append)
    player.play()
    assert player.playing
    for _ in range(13):
        player.advance(0.1)
    assert not changes and said(window, film_id) == 0
    # 1.3 s: the film (every 0.5 s) shows its third frame, the run (every second) the second
    assert shown(window, film_id) == 2 and shown(window, run_id) == 1
    player.pause()
    assert len(changes) == 1 and document.undo_label == "Time"
    assert (said(window, film_id), said(window, run_id)) == (2, 1)
    assert window.centre.grid.moment == {}, "what is shown is what the displays say"
    assert shown(window, film_id) == 2
    document.undo()
    assert (said(window, film_id), said(window, run_id)) == (0, 0)
    assert shown(window, film_id) == 0 and player.number == 0
    document.changed.disconnect(changes.append)


def test_the_clock_moves_the_pictures(window, qtbot):
    (id,) = add(window, film())
    grid, player = window.centre.grid, window.centre.player
    player.set_speed(4)
    QTest.keyClick(grid.views["axial"], Qt.Key.Key_K)
    assert player.playing
    qtbot.waitUntil(lambda: shown(window, id) >= 3, timeout=10_000)
    QTest.keyClick(grid.views["axial"], Qt.Key.Key_K)
    assert not player.playing and said(window, id) == shown(window, id) == player.number
    grid.wait()
    picture = grid.views["axial"].frame.image
    value = picture.pixelColor(picture.width() // 2 + 12, picture.height() // 2 + 12).value()
    still = window.display.field("index").value()
    assert still == player.number and value > 0


def test_modes(window):
    add(window, run(5, 0.25))
    player = window.centre.player
    player.set_mode("once")
    player.play()
    player.advance(9.0)
    assert player.number == 4 and not player.playing
    player.set_mode("bounce")
    player.play()
    seen = []
    for _ in range(9):
        player.advance(0.25)
        seen.append(player.number)
    assert seen == [3, 2, 1, 0, 1, 2, 3, 4, 3]
    player.pause()
    player.set_mode("loop")
    player.seek(3)
    player.play()
    seen = []
    for _ in range(4):
        player.advance(0.25)
        seen.append(player.number)
    assert seen == [4, 0, 1, 2], "the last frame is shown as long as the others"
    player.pause()


def test_dragging_the_slider_is_one_edit(window, qtbot):
    (id,) = add(window, film())
    bar, document = window.centre.transport, window.workbench.document
    bar.slider.setSliderDown(True)
    for k in (2, 4, 6):
        bar.slider.setSliderPosition(k)
        assert shown(window, id) == k and said(window, id) == 0
    assert bar.words.text() == "3.0 s · 7 of 8"
    bar.slider.setSliderDown(False)
    assert said(window, id) == 6
    document.undo()
    assert said(window, id) == 0 and bar.slider.value() == 0
    assert document.undo_label.startswith("Add"), "one step back"


def test_steps_in_a_row_are_one_edit(window, qtbot):
    (id,) = add(window, film())
    view = window.centre.grid.views["axial"]
    view.setFocus()
    for _ in range(3):
        QTest.keyClick(view, Qt.Key.Key_Period)
    QTest.keyClick(view, Qt.Key.Key_Comma)
    assert shown(window, id) == 2
    qtbot.waitUntil(lambda: said(window, id) == 2, timeout=5000)
    window.workbench.document.undo()
    assert said(window, id) == 0


def test_the_panels_slider_stops_the_player(window, qtbot):
    (id,) = add(window, film())
    player = window.centre.player
    player.play()
    player.advance(1.0)
    window.display.field("index").setValue(6)
    assert not player.playing
    assert shown(window, id) == said(window, id) == player.number == 6


def test_the_readout_is_of_the_moment_that_is_shown(window, qtbot):
    add(window, film())
    grid, player = window.centre.grid, window.centre.player
    grid.set_cursor((5.0, 5.0, 5.0))
    texts: list[str] = []
    grid.cursorMoved.connect(lambda _xyz, text: texts.append(text))
    player.seek(4)
    assert "value 50" in grid.readout((5.0, 5.0, 5.0)) and "value 50" in texts[-1]
    player.settle()


def test_a_window_drag_while_playing_keeps_the_time_out_of_the_edit(window):
    (id,) = add(window, film())
    player, grid = window.centre.player, window.centre.grid
    player.play()
    player.advance(1.0)
    grid._window(id, 80.0, 40.0, "drag")
    assert window.workbench.document[id].display.window == 80.0
    assert said(window, id) == 0 and player.playing and shown(window, id) == 2
    player.pause(commit=False)
    assert shown(window, id) == 0


def test_a_session_remembers_the_moment(window, helper, tmp_path):
    helper.open(window)
    add(window, film())
    window.centre.player.seek(5)
    window.workbench.folder = tmp_path / "heart.equiscope"
    window.files.save()
    helper.idle(window)
    window.workbench.new_session()
    assert window.centre.player.timeline is None
    window.open_paths([str(tmp_path / "heart.equiscope")])
    helper.idle(window)
    assert window.centre.player.number == 5
    assert window.centre.transport.words.text() == "2.5 s · 6 of 8"
    assert said(window, next(iter(window.workbench.document)).id) == 5


def test_closing_what_plays_stops_the_player(window):
    (id,) = add(window, film())
    window.centre.player.play()
    window.workbench.document.remove(id)
    assert not window.centre.player.playing
    add(window, film(3))
    window.centre.player.play()
    window.workbench.new_session()
    assert not window.centre.player.playing


def test_a_narrow_bar_keeps_what_matters(window, qtbot):
    add(window, film())
    bar = window.centre.transport
    bar.setParent(None)
    try:
        bar.resize(600, 40)
        bar.show()
        assert bar.speed.isVisible() and bar.mode.isVisible() and "of 8" in bar.words.text()
        bar.resize(250, 40)
        assert not bar.speed.isVisible() and not bar.mode.isVisible()
        assert bar.words.text() == "0.0 s" and bar.words.toolTip() == "0.0 s · 1 of 8"
        assert bar.slider.width() >= 60 and bar.play.isVisible()
    finally:
        bar.hide()
        window.centre.layout().addWidget(bar)


def test_without_a_link_in_time_only_the_current_view_plays(window, qtbot):
    first, second = add(window, film(), film())
    grid, player = window.centre.grid, window.centre.player
    grid.set_layout("compare-axial-2")
    grid.set_only("axial", frozenset({first}))
    grid.set_only("axial-2", frozenset({second}))
    player.seek(3)
    assert shown(window, first) == shown(window, second) == 3
    grid.links.set(grid.links.on - {"time"})
    grid.views["axial-2"].setFocus()
    player.play()
    player.advance(0.5)
    assert shown(window, first) == 3 and shown(window, second) == 4
    player.pause()
    assert (said(window, first), said(window, second)) == (3, 4)


def test_changing_theme_and_text_size_while_playing(window, qtbot):
    (id,) = add(window, film())
    window.centre.player.play()
    window.view.set_theme("light")
    window.view.zoom_text(1)
    window.centre.player.advance(1.0)
    assert window.centre.player.playing and shown(window, id) == 2
    window.view.zoom_text(0)
    window.view.set_theme("dark")
    window.centre.player.pause()
