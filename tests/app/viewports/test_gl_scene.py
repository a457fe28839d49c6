"""3-D views in a real window, gl backend: what comes bit by bit ends as what is drawn at once off screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QSize

from app.viewports.clip import ClipPlane
from core.data import Attribute, PointCloud, Transforms, Volume
from tests.app.viewports.conftest import make_item
from tests.app.viewports.test_gl import pytestmark, window  # noqa: F401  a fixture, and the need of a display
from tests.app.viewports.test_grid import pixels


def test_points_contours_cuts_and_glyphs_end_as_off_screen(window: Any) -> None:  # noqa: F811
    _, grid = window
    grid.set_layout("3d")
    view = grid.views["3d"]
    rng = np.random.default_rng(0)
    points = rng.normal(size=(150_000, 3)).astype(np.float32)
    points *= 8 / np.linalg.norm(points, axis=1, keepdims=True)
    axis = np.linspace(-9.5, 9.5, 64, dtype=np.float32)
    far = np.sqrt(axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2)
    affine = np.diag([19 / 63] * 3 + [1.0])
    affine[:3, 3] = -9.5
    volume = Volume(12 - far, affine, unit="")
    few = PointCloud(points[:300], {"v": Attribute(points[:300], Transforms.VECTOR)})
    scenes = {
        "cloud": make_item(PointCloud(points)),
        "surface": make_item(volume, render="surface", surface_level=5.0),
        "volume": make_item(volume, render="volume"),
        "glyphs": make_item(few, glyph="v"),
    }
    for name, item in scenes.items():
        for clip in (None, ClipPlane((0, 0, 0), (1, 0, 0))):
            grid.set_items((item,))
            grid.set_clip(clip, view)
            assert grid.wait(60) and not view.frame.notes.unfinished and not view.frame.notes.problems
            shown = pixels(view.grab())
            drawn = pixels(grid.grab_image(QSize(grid.width(), grid.height())))
            assert shown.shape == drawn.shape
            assert (np.abs(shown.astype(int) - drawn).max(axis=-1) > 40).mean() < 0.01, (name, clip)
            assert (shown.max(axis=-1) > 90).mean() > 0.01, name
