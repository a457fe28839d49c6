"""Screenshots and movies as a user makes them: size, words, metadata, cancel, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog

from app.movies.plan import Plan
from app.viewports.photographer import Look
from app.window.main_window import MainWindow
from app.window.pictures import VIEW, VIEWS, WINDOW, Wish
from core.data import Mesh, Volume
from core.display import default_display
from core.document import Item, new_id
from core.jobs import State
from tests.app.window.test_player import add, film


def block() -> Volume:
    array = np.zeros((20, 20, 20), dtype=np.uint8)
    array[5:15, 5:15, 5:15] = 200
    return Volume(array, np.diag([2.0, 2.0, 2.0, 1.0]))


def tetra() -> Mesh:
    points = np.array([[0.0, 0, 0], [30, 0, 0], [0, 30, 0], [0, 0, 30]])
    return Mesh(points, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))


def take(window: MainWindow, qtbot: Any, wish: Wish) -> QImage:
    got: list[QImage] = []
    window.pictures.take(wish, got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=30_000)
    return got[0]


def array(picture: QImage) -> np.ndarray:
    plain = picture.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 4 * plain.width()].reshape(plain.height(), plain.width(), 4).astype(int)


def bar_length(pixels: np.ndarray) -> int:
    """Of the scale bar in the lower left corner: the longest run of one gray in one row."""
    rows = pixels[-pixels.shape[0] // 8 :, : pixels.shape[1] // 2, :3]
    best = 0
    for row in rows:
        gray = (np.abs(row - row.mean(axis=1, keepdims=True)).max(axis=1) < 16) & (row[:, 0] > 70)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], gray.astype(int), [0]])))
        best = max([best, *(edges[1::2] - edges[::2])])
    return best


def test_twice_the_pixels_and_the_same_scale_bar(window, qtbot):
    add(window, block())
    grid = window.centre.grid
    one, two = (take(window, qtbot, Wish(VIEW, Look(s, frozenset({"scale"})), "axial")) for s in (1.0, 2.0))
    size = grid.views["axial"].size()
    assert (one.width(), one.height()) == (size.width(), size.height())
    assert (two.width(), two.height()) == (2 * size.width(), 2 * size.height())
    small, large = bar_length(array(one)), bar_length(array(two))
    assert small > 20 and abs(large - 2 * small) <= 4, "the same length of the world"
    # The block too: and sharper than an enlarged picture, whose edges would be twice as wide.
    blocks = [(array(p)[..., 0] > 100).sum() for p in (one, two)]
    assert blocks[1] == pytest.approx(4 * blocks[0], rel=0.03)


def test_all_views_and_the_window(window, qtbot):
    add(window, block())
    grid = window.centre.grid
    picture = take(window, qtbot, Wish(VIEWS, Look(2.0)))
    assert (picture.width(), picture.height()) == (2 * grid.width(), 2 * grid.height())
    whole = take(window, qtbot, Wish(WINDOW, Look(2.0)))
    assert (whole.width(), whole.height()) == (2 * window.width(), 2 * window.height())
    corner = grid.mapTo(window, grid.rect().topLeft())
    x, y = 2 * corner.x(), 2 * corner.y()
    part = array(whole)[y : y + picture.height(), x : x + picture.width()]
    assert np.abs(part - array(picture))[..., :3].mean() < 0.5, "the views are drawn at the picture's scale"
    assert array(whole)[..., 3].min() == 255


def test_words_can_be_left_out(window, qtbot):
    add(window, block())
    bare = array(take(window, qtbot, Wish(VIEW, Look(1.0, frozenset()), "axial")))
    full = array(take(window, qtbot, Wish(VIEW, Look(1.0), "axial")))
    assert bare[:30, :150, :3].max() == 0 < full[:30, :150, :3].max()
    assert (np.ptp(bare[..., :3], axis=-1)).max() == 0, "no crosshair, no stripe"


def test_backgrounds_of_3d_views(window, qtbot):
    add(window, tetra())
    clear = array(take(window, qtbot, Wish(VIEW, Look(1.0, frozenset(), "clear"), "3d")))
    white = array(take(window, qtbot, Wish(VIEW, Look(1.0, frozenset(), "white"), "3d")))
    theme = array(take(window, qtbot, Wish(VIEW, Look(1.0, frozenset()), "3d")))
    inside = clear[..., 3] == 255
    assert clear[5, 5, 3] == 0 and inside.sum() > 2000
    assert white[5, 5].tolist() == [255, 255, 255, 255]
    assert theme[5, 5, 3] == 255 and theme[5, 5, :3].max() < 100
    assert np.abs(clear[inside] - theme[inside]).mean() < 2, "the object looks the same"
    # The views on the screen are as they were.
    window.centre.grid.wait()
    assert window.centre.grid.views["3d"].intent.background != ("#ffffff", "#ffffff")


def test_a_saved_picture_says_where_it_comes_from(window, qtbot, tmp_path, monkeypatch):
    (id,) = add(window, film())
    window.workbench.document.rename(id, "Herz ä")
    window.centre.player.seek(3)
    path = tmp_path / "shot.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))
    window.commands["file.screenshot"].trigger()
    dialog = window.findChild(_dialog_class())
    dialog.fields.scale.setCurrentIndex(0)
    dialog.save_button.click()
    qtbot.waitUntil(path.exists, timeout=30_000)
    qtbot.waitUntil(lambda: not any(t.is_alive() for t in window.pictures._threads), timeout=10_000)
    with Image.open(path) as picture:
        text = picture.info
        assert picture.size == (window.centre.grid.width(), window.centre.grid.height())
    assert text["Software"].startswith("Equiscope ") and text["Title"] == "untitled"
    assert "Herz ä" in text["Description"] and "Axial" in text["Description"]
    assert "4 of 8" in text["Description"] and str(tmp_path) not in str(text)
    window.centre.player.settle()


def _dialog_class() -> Any:
    from app.window.screenshot_dialog import ScreenshotDialog

    return ScreenshotDialog


def test_a_folder_that_cannot_be_written_is_one_card(window, qtbot, tmp_path):
    add(window, block())
    said: list[Any] = []
    window.workbench.problem.connect(said.append)
    shown: list[Any] = []
    window.pictures.written.connect(lambda name, problem: shown.append((name, problem)))
    picture = take(window, qtbot, Wish(VIEW, Look(1.0), "axial"))
    window.pictures.save(picture, tmp_path / "no" / "x.png")
    qtbot.waitUntil(lambda: bool(shown), timeout=10_000)
    assert "x.png cannot be written" in shown[0][1]


def test_copying_one_view_puts_it_on_the_clipboard(window, qtbot):
    add(window, block())
    QGuiApplication.clipboard().clear()
    window.files.copy_screenshot("coronal")
    qtbot.waitUntil(lambda: not QGuiApplication.clipboard().image().isNull(), timeout=30_000)
    size = window.centre.grid.views["coronal"].size()
    assert QGuiApplication.clipboard().image().width() == 2 * size.width()
    QGuiApplication.clipboard().clear()


def test_pictures_of_what_has_no_views(window, helper, files, qtbot):
    helper.open(window, files["table"])
    window.commands["file.screenshot"].trigger()
    dialog = window.findChild(_dialog_class())
    assert [dialog.fields.what.itemText(k) for k in range(dialog.fields.what.count())] == [
        "What is shown",
        "The whole window",
    ]
    picture = take(window, qtbot, dialog.wish())
    assert picture.width() == 2 * window.centre.stack.width()
    dialog.close()
    assert not window.commands["file.movie"].isEnabled()


# -- movies ---------------------------------------------------------------------------------------------------


def made(window: MainWindow, qtbot: Any, plan: Plan, path: Path, look: Look | None = None) -> Any:
    task = window.movies.make(plan, look or Look(1.0), path)
    assert task is not None
    qtbot.waitUntil(lambda: task.task.over, timeout=60_000)
    return task.task


def test_a_turntable_turns_and_the_views_stay(window, qtbot, tmp_path):
    add(window, tetra())
    grid = window.centre.grid
    grid.wait()
    before = grid.views["3d"].resolved()
    task = made(window, qtbot, Plan("turntable", 4, 1.0, "3d"), tmp_path / "t", Look(1.0, frozenset()))
    assert task.state is State.DONE
    assert window.jobs.row_of(task) is not None, "the jobs panel has seen it"
    names = sorted((tmp_path / "t").iterdir())
    assert len(names) == 4
    pictures = [np.asarray(Image.open(n).convert("RGB")).astype(int) for n in names]
    assert grid.views["3d"].resolved() == before
    # Frame k is what the view shows from a camera that is turned by k quarters.
    from app.viewports.camera import orbited

    for k in (0, 1, 3):
        pose = orbited(before.camera, (0.0, 0.0, 1.0), 90.0 * k)
        grid.views["3d"].set_intent(camera=pose)
        still = array(take(window, qtbot, Wish(VIEW, Look(1.0, frozenset()), "3d")))[..., :3]
        assert np.abs(still - pictures[k]).mean() < 0.5, k
    assert np.abs(pictures[0] - pictures[1]).mean() > 1


def test_a_time_movie_shows_every_moment(window, qtbot, tmp_path):
    (id,) = add(window, film(5))
    document = window.workbench.document
    document.set_display(id, replace(document[id].display, window=60.0, level=30.0))
    path = tmp_path / "t.gif"
    task = made(window, qtbot, Plan("time", 5, 1.0, "axial"), path, Look(1.0, frozenset()))
    assert task.state is State.DONE
    with Image.open(path) as picture:
        assert picture.n_frames == 5
        values = []
        for k in range(5):
            picture.seek(k)
            pixels = np.asarray(picture.convert("RGB"))
            values.append(int(pixels[pixels.shape[0] // 2, pixels.shape[1] // 2, 0]))
    assert values == pytest.approx([255 * 10 * (k + 1) / 60 for k in range(5)], abs=6)
    assert window.centre.player.number == 0, "the window has stayed where it was"


def test_cancelling_leaves_nothing(window, qtbot, tmp_path):
    add(window, tetra())
    task = window.movies.make(Plan("turntable", 500, 5.0, "3d"), Look(1.0), tmp_path / "t.gif")
    assert window.movies.why_not() and not window.commands["file.movie"].isEnabled()
    qtbot.waitUntil(lambda: task.task.progress.fraction > 0, timeout=30_000)
    row = window.jobs.row_of(task.task)
    row.cancel.click()
    qtbot.waitUntil(lambda: task.task.over, timeout=30_000)
    assert task.task.state is State.CANCELLED
    assert not list(tmp_path.glob("*.gif")) and not list(tmp_path.glob(".equiscope*"))
    assert window.commands["file.movie"].isEnabled()


def test_a_new_session_and_closing_cancel(make_window, qtbot, tmp_path):
    window = make_window()
    add(window, tetra())
    task = window.movies.make(Plan("turntable", 500, 5.0, "3d"), Look(1.0), tmp_path / "a.gif")
    window.workbench.new_session()
    qtbot.waitUntil(lambda: task.task.over, timeout=30_000)
    assert task.task.state is State.CANCELLED
    add(window, tetra())
    window.movies.make(Plan("turntable", 500, 5.0, "3d"), Look(1.0), tmp_path / "b.gif")
    qtbot.wait(100)
    window._closing = True
    window.close()
    assert window.movies.maker is None
    assert not list(tmp_path.glob("*.gif")) and not list(tmp_path.glob(".equiscope*"))


def test_what_cannot_be_written_is_a_sentence(window, qtbot, tmp_path):
    add(window, tetra())
    problems: list[Any] = []
    window.workbench.problem.connect(problems.append)
    task = made(window, qtbot, Plan("turntable", 2, 1.0, "3d"), tmp_path / "no" / "t.gif")
    assert task.state is State.FAILED
    assert len(problems) == 1 and problems[0].text.startswith("t.gif cannot be written")


def test_the_movie_dialog_offers_what_there_is(window, qtbot, tmp_path, monkeypatch):
    add(window, film(6))
    window.commands["file.movie"].trigger()
    from app.window.movie_dialog import MovieDialog

    dialog = window.findChild(MovieDialog)
    kinds = [dialog.kind.itemData(k) for k in range(dialog.kind.count())]
    assert kinds == ["turntable", "time", "sweep"] and dialog.kind.currentData() == "time"
    assert dialog.frames.value() == 6 and dialog.seconds.value() == 3.0
    dialog.kind.setCurrentIndex(0)
    assert dialog.fields.what.currentText() == "3-D" and dialog.frames.value() == 72
    dialog.frames.set_value(1000)
    dialog.frames.committed.emit()
    assert not dialog.make_button.isEnabled() and "frames a second" in dialog.note.text()
    dialog.frames.set_value(3)
    dialog.seconds.set_value(0.5)
    dialog.frames.committed.emit()
    assert dialog.make_button.isEnabled() and "pixels, 6 frames a second" in dialog.note.text()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / "turn"), ""))
    dialog.make_button.click()
    qtbot.waitUntil(lambda: window.movies.maker is None, timeout=60_000)
    with Image.open(tmp_path / "turn.gif") as picture:
        assert picture.n_frames == 3


def test_a_mesh_alone_offers_no_time(window, qtbot):
    item = Item(new_id(), "mesh", tetra(), display=default_display(tetra()))
    window.workbench.document.add(item)
    window.commands["file.movie"].trigger()
    from app.window.movie_dialog import MovieDialog

    dialog = window.findChild(MovieDialog)
    assert dialog.kind.findData("time") < 0
    dialog.close()
