"""What the pictures of the README show beyond opening a sample: markups, outlines, tilts, comparisons, movement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core import markups
from core.data import Markup, MarkupKind, Transforms, Volume
from core.display import MarkupDisplay, VolumeDisplay
from core.document import Item, new_id

if TYPE_CHECKING:
    from tests.gallery.__main__ import Studio


def annotate(studio: Studio) -> None:
    """A brain with a line, an angle, a closed curve and points; the curve is selected."""
    studio.open("sample:volumes.mni152")
    document, grid = studio.workbench.document, studio.window.centre.grid
    assert grid is not None
    grid.set_cursor((0.0, 8.0, 14.0))
    z = 14.0
    ring = [[-14, 20, z], [-6, 4, z], [-10, -12, z], [-24, -26, z], [-30, -18, z], [-20, -2, z], [-20, 14, z]]
    made = {
        "Distance 1": Markup(MarkupKind.LINE, [[0, 68, z], [0, -98, z]]),
        "Angle 1": Markup(MarkupKind.ANGLE, [[38, 44, z], [4, -8, z], [46, -52, z]]),
        "Closed curve 1": Markup(MarkupKind.CLOSED_CURVE, ring, smooth=True),
        "Points 1": Markup(MarkupKind.POINTS, [[0, 8, z], [22, 8, z]], labels=("AC", "insula")),
    }
    for name, markup in made.items():
        colors = {"Angle 1": (0.9, 0.62, 0.0), "Closed curve 1": (0.34, 0.75, 0.45)}
        display = MarkupDisplay(color=colors.get(name, (0.357, 0.616, 1.0)))
        document.add(Item(new_id(), name, markups.changed(markup), display=display))
    studio.workbench.select(next(i.id for i in document if i.name == "Closed curve 1"))
    studio.shoot("annotate")


def slices(studio: Studio) -> None:
    """Classes as outlines over a brain, planes that tilt about the crosshair."""
    studio.open("sample:volumes.mni152")
    document, grid = studio.workbench.document, studio.window.centre.grid
    assert grid is not None
    brain = next(iter(document))
    values = np.asarray(brain.data.array, dtype=float)
    top = float(values.max())
    classes = np.digitize(values, [0.12 * top, 0.45 * top, 0.72 * top]).astype(np.uint8)
    labels = Volume(classes, brain.data.affine, transforms=Transforms.LABEL)
    display = VolumeDisplay(colormap="labels", outline=1.5, render="off")
    document.add(Item(new_id(), "Bands of intensity", labels, display=display))
    studio.workbench.select(brain.id)
    turn = markups.rotation_about(np.array([0.2, 1.0, 0.1]), np.radians(14))
    grid.set_cursor((12.0, -14.0, 6.0))
    grid.set_tilt(turn)
    studio.shoot("slices")
    grid.set_tilt(None)


def compare(studio: Studio) -> None:
    """A head beside the same one turned by 4°, and what differs."""
    from app.viewports.mixing import Mix

    studio.open("sample:volumes.mni152")
    document, grid = studio.workbench.document, studio.window.centre.grid
    assert grid is not None
    first = next(iter(document))
    turn = np.eye(4)
    turn[:3, :3] = markups.rotation_about(np.array([0.3, 0.2, 1.0]), np.radians(4))
    second = Item(new_id(), "The same, turned by 4°", first.data, transform=turn, display=first.display)
    document.add(second)
    studio.window.comparing.start([first.id, second.id])
    studio.shoot("compare")
    studio.window.comparing.end()
    grid.set_layout("four")
    grid.set_mix(Mix(first.id, second.id, "difference"))
    studio.shoot("difference")
    grid.set_mix(None)


def volume(studio: Studio) -> None:
    """A brain cut open, its opacity curve and presets beside it."""
    from app.viewports.camera import look
    from app.viewports.clip import ClipPlane

    studio.open("sample:volumes.mni152")
    grid = studio.window.centre.grid
    assert grid is not None
    studio.window.centre.choose_layout("3d")
    grid.set_clip(ClipPlane((0.0, 0.0, 18.0), (0.0, 0.0, 1.0)))
    view = grid.views["3d"]
    box = np.array([[-72.0, 72.0], [-104.0, 72.0], [-70.0, 30.0]])
    view.set_intent(camera=look(box, (-0.6, 0.55, 0.9), (0, 0, 1), view.width() / view.height()))
    studio.shoot("volume")
    grid.set_clip(None)


def motion(studio: Studio) -> None:
    """Three bodies on one curve, with trails and the bar of time."""
    studio.open("sample:scans.figure-eight")
    item = next(iter(studio.workbench.document))
    display = item.display
    if hasattr(display, "index"):
        studio.workbench.document.set_display(item.id, replace(display, index=40))  # type: ignore[call-arg]
    studio.shoot("motion")


def plots(studio: Studio) -> None:
    """Two checkpoints compared: the plot, its cursors, the table that shares its rows."""
    studio.open("sample:checkpoints.cnn-pair")
    studio.run("checkpoints.compare")
    item = next(i for i in studio.workbench.document if type(i.data).__name__ in ("Curve", "Scatter"))
    studio.workbench.select(item.id)
    studio.shoot("plots")


SCENES = (annotate, slices, compare, volume, motion, plots)
