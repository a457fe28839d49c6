"""`python -m tests.gallery FOLDER [DATA]`: the pictures of the README, drawn by the program itself.

Every picture shows a sample that ships with the program or its libraries; with DATA (a folder of real data, see
its SOURCES.md) the checkpoint and the scan are real ones.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["EQUISCOPE_VIEWPORT"] = "image"
os.environ["EQUISCOPE_TEST"] = "1"

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication

from app.theme import THEMES, apply_theme
from app.window._render import wait_until_idle
from app.window._run import application
from app.window.main_window import MainWindow
from app.window.workbench import Workbench
from core.jobs import WorkerRunner
from core.plugins import PluginHost
from core.settings import Settings
from tests.gallery.scenes import SCENES

SIZE = QSize(1600, 1000)


class Studio:
    """One window for all the pictures."""

    def __init__(self, folder: Path, settings: Path) -> None:
        self.folder = folder
        self.qt = application(["gallery"])
        apply_theme(self.qt, THEMES["dark"])
        self.workbench = Workbench(WorkerRunner(workers=1), PluginHost(safe=True), Settings(settings))
        self.window = MainWindow(self.workbench, ask=False)
        self.workbench.setParent(self.window)
        self.window.show()
        self.window.resize(SIZE)
        self.window.reset_layout()
        self.workbench.load_descriptions()
        self.wait()

    def wait(self) -> None:
        """Until all is done and drawn."""
        wait_until_idle(self.workbench)
        for _ in range(30):
            QApplication.processEvents()
        grid = self.window.centre.grid
        if grid is not None and self.window.centre.stack.currentWidget() is grid:
            grid.wait(120)
        QApplication.processEvents()

    def shoot(self, name: str) -> None:
        """Save what the window shows now."""
        self.wait()
        path = self.folder / f"{name}.png"
        if not self.window.grab().save(str(path), "PNG"):
            raise SystemExit(f"{path} cannot be written")
        print(path)

    def open(self, path: str) -> None:
        """Open one thing in an empty window."""
        self.workbench.new_session()
        self.window.analysis.choose(None)
        self.window.open_paths([path])
        self.wait()
        for card in self.window.cards.cards:
            raise SystemExit(card.problem.text)

    def run(self, id: str, **values: object) -> None:
        """Run an analysis from its form."""
        self.window.choose_analysis(self.window.menus.analyses[id])
        form = self.window.analysis.form
        assert form is not None, f"no form for {id}"
        form.set_values(values)
        form.run_button.click()
        self.wait()

    def close(self) -> None:
        """End the workers."""
        self.window.close()
        self.qt.processEvents()


def brain(studio: Studio, data: Path | None) -> None:
    studio.open("sample:volumes.mni152")
    studio.run("symmetry.reflections")
    studio.shoot("brain-dark")
    studio.window.view.set_theme("light")
    studio.shoot("brain-light")
    studio.window.view.set_theme("dark")


def surface(studio: Studio, data: Path | None) -> None:
    studio.open("sample:scans.fsaverage5")
    studio.shoot("pial")


def scan(studio: Studio, data: Path | None) -> None:
    studio.open(str(data / "meshes" / "spot.obj") if data else "sample:scans.ring")
    studio.run("symmetry.reflections")
    studio.shoot("mirror-planes")


def checkpoint(studio: Studio, data: Path | None) -> None:
    real = data / "checkpoints" / "resnet_cifar10" / "resnet20-12fca82f.th" if data else None
    studio.open(str(real) if real else "sample:checkpoints.cnn-pair")
    view = studio.window.centre.stack.currentWidget()
    name = next(t.name for t in view.checkpoint.tensors if len(t.shape) >= 2)  # type: ignore[attr-defined]
    view.select(name)  # type: ignore[attr-defined]
    view.read(name)  # type: ignore[attr-defined]
    studio.wait()
    studio.shoot("checkpoint")


def start(studio: Studio, data: Path | None) -> None:
    studio.workbench.new_session()
    studio.window.files.clear_recent()
    studio.shoot("start")


PICTURES: tuple[Callable[[Studio, Path | None], None], ...] = (brain, surface, scan, checkpoint, start)


def main(arguments: list[str]) -> int:
    """Make all the pictures."""
    if not 1 <= len(arguments) <= 2:
        print("usage: python -m tests.gallery FOLDER [DATA]", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(arguments[1]).resolve() if len(arguments) == 2 else None
    with tempfile.TemporaryDirectory() as settings:
        studio = Studio(folder, Path(settings) / "settings.json")
        try:
            for picture in PICTURES:
                picture(studio, data)
            for scene in SCENES:
                scene(studio)
        finally:
            studio.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
