"""`python -m tests.gallery.thumbnails`: the small pictures of the samples on the start page, drawn by the program."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from tests.gallery.__main__ import Studio

FOLDER = Path(__file__).resolve().parents[2] / "resources" / "thumbnails"
SIZE = (288, 180)
"""Twice the size at which they are shown at 100 %."""
LAYOUTS = {"volumes": "axial", "scans": "3d"}


def thumbnail(studio: Studio, id: str) -> None:
    """Open a sample and save what the views show, small, without letters and markers at the rim."""
    studio.open(f"sample:{id}")
    window = studio.window
    centre = window.centre
    if centre.shown_grid is None:
        return  # tables and weights say nothing at this size: the page draws an icon
    layout = LAYOUTS.get(id.partition(".")[0], "3d")
    centre.choose_layout(layout)
    window.view.set_crosshair(False)
    studio.wait()
    keep(centre.image(QSize(SIZE[0] * 3, SIZE[1] * 3)), id, 0.66 if layout == "3d" else 0.8)


def comparison(studio: Studio) -> None:
    """What comparing two models shows: the plot of a run."""
    studio.open("sample:checkpoints.cnn-pair")
    studio.run("checkpoints.compare")
    curve = next(i for i in studio.workbench.document if type(i.data).__name__ == "Curve")
    view = studio.window.centre.view_of(curve)
    studio.workbench.select(curve.id)
    studio.wait()
    view.resize(SIZE[0] * 3 // 2, SIZE[1] * 3 // 2)
    QApplication.processEvents()
    keep(view.grab().toImage(), "compare", 1.0)


def keep(picture: QImage, name: str, share: float) -> None:
    """Save the middle of a picture in few colours."""
    path = FOLDER / f"{name}.png"
    picture.save(str(path))
    with Image.open(path) as opened:
        whole = opened.convert("RGB")
    width, height = round(whole.width * share), round(whole.height * share)
    left, top = (whole.width - width) // 2, (whole.height - height) // 2
    whole = whole.crop((left, top, left + width, top + height))
    whole.resize(SIZE, Image.Resampling.LANCZOS).quantize(64).save(path, optimize=True)
    print(path.name, path.stat().st_size)


def main(arguments: list[str]) -> int:
    """Make all of them, or those that are named."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as settings:
        studio = Studio(FOLDER, Path(settings) / "settings.json")
        try:
            for sample in studio.workbench.host.samples:
                if not arguments or sample.id in arguments:
                    thumbnail(studio, sample.id)
            if not arguments or "compare" in arguments:
                comparison(studio)
        finally:
            studio.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
