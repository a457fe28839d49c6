"""`python -m tests.gallery.tour FOLDER`: pictures of every dialog, dock and menu, in both themes, at 100 % and 200 %.

For people to look through before a release: words that are cut, things that overlap, icons that are too small. The
pictures are called WHAT-THEME-SIZE.png; "text" is larger text (Ctrl++), "screen" a screen of twice the pixels.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.gallery.__main__ import Studio  # sets the environment before Qt is imported

from PySide6.QtCore import QEvent  # isort: skip
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget

from app.window.main_window import MainWindow
from app.window.workbench import Problem

PASSES = {"100": ("1", 1.0), "text": ("1", 2.0), "screen": ("2", 1.0)}
"""Screen scale and text scale of each."""


def dialogs(window: MainWindow) -> dict[str, Callable[[], object]]:
    """What opens each dialog."""
    from app.window.shortcuts_dialog import ShortcutsDialog

    def conflict() -> None:
        window.show_shortcuts()
        dialog = window.findChild(ShortcutsDialog)
        assert dialog is not None
        dialog.choose("data.only")
        dialog.replace_button.recorded.emit("Ctrl+H")

    return {
        "shortcuts": conflict,
        "keys": window.show_keys,
        "preferences": window.show_preferences,
        "plugins": window.show_plugins,
        "analyses": lambda: window.show_analyses("symmetry.reflections"),
        "about": window.show_about,
        "memory": window.show_memory,
        "properties": window.items.show_info,
        "layout-name": window.layouts.ask_save,
        "machine": window.show_doctor,
    }


class Tour:
    """One pass: one screen scale and text scale, both themes."""

    def __init__(self, studio: Studio, name: str) -> None:
        self.studio, self.window, self.name = studio, studio.window, name
        self.theme = "dark"
        self.count = 0

    def shoot(self, widget: QWidget, what: str) -> None:
        """Save a picture of a widget as it is now."""
        for _ in range(4):
            QApplication.processEvents()
        path = self.studio.folder / f"{what}-{self.theme}-{self.name}.png"
        if not widget.grab().save(str(path), "PNG"):
            raise SystemExit(f"{path} cannot be written")
        self.count += 1

    def start(self) -> None:
        """The empty window."""
        self.studio.workbench.new_session()
        self.shoot(self.window, "start")

    def work(self) -> None:
        """A volume with a result, then every dock, and messages."""
        self.studio.open("sample:volumes.phantom")
        self.studio.run("symmetry.reflections")
        self.shoot(self.window, "result")
        for name, dock in self.window.docks.items():
            dock.show()
            self.shoot(dock, f"dock-{name}")
        self.window.show_problem(
            Problem("The file head.nii.gz ends before its header says it does.", "Traceback…")
        )
        self.window.show_problem(Problem("The unit is not stated; millimetres are assumed.", level="warn"))
        self.window.show_problem(
            Problem("It can be read in several ways.", level="info", choices=(("Open as table", print),))
        )
        self.shoot(self.window, "all-docks-and-messages")
        self.window.cards.clear()
        self.window.reset_layout()
        self.window.resize(1000, 700)
        self.shoot(self.window, "small")
        self.window.resize(1600, 1000)
        self.window.palette_panel.open()
        self.shoot(self.window, "search")
        self.window.palette_panel.close_palette()

    def menus(self) -> None:
        """Every menu and what opens from it."""
        self.window.commands.refresh()
        for title, menu in self.window.menus.menus.items():
            for words, each in submenus(title, menu):
                each.aboutToShow.emit()
                each.ensurePolished()
                each.adjustSize()
                self.shoot(each, f"menu-{words}")

    def dialogs(self) -> None:
        """Every dialog; the pages of the preferences too."""
        for name, show in dialogs(self.window).items():
            before = list(QApplication.topLevelWidgets())
            show()
            self.studio.wait()
            for dialog in QApplication.topLevelWidgets():
                if dialog in before or not isinstance(dialog, QDialog) or not dialog.isVisible():
                    continue
                pages = getattr(dialog, "list", None) if name == "preferences" else None
                if pages is None:
                    self.shoot(dialog, f"dialog-{name}")
                for row in range(pages.count() if pages is not None else 0):
                    pages.setCurrentRow(row)  # type: ignore[union-attr]
                    self.shoot(dialog, f"dialog-{name}-{row}")
                dialog.close()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def go(self, scale: float) -> None:
        """Everything in both themes."""
        self.window.view.set_text_scale(scale)
        for self.theme in ("dark", "light"):
            self.window.view.set_theme(self.theme)
            for part in (self.start, self.work, self.menus, self.dialogs):
                part()


def submenus(title: str, menu: QMenu) -> Iterator[tuple[str, QMenu]]:
    """A menu and those in it, with names for files."""
    yield title.lower().replace(" ", "-").replace("&", ""), menu
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu) and action.isEnabled():
            yield from submenus(f"{title}-{action.text()}", below)


def run_pass(folder: Path, name: str) -> int:
    """One pass in this process, whose screen scale is set already."""
    with tempfile.TemporaryDirectory() as settings:
        studio = Studio(folder, Path(settings) / "settings.json")
        tour = Tour(studio, name)
        try:
            tour.go(PASSES[name][1])
        finally:
            studio.close()
    print(f"{name}: {tour.count} pictures")
    return 0


def main(arguments: list[str]) -> int:
    """Make all the pictures; each pass in a process of its own, as a screen's scale is fixed at the start."""
    if len(arguments) == 2 and arguments[1] in PASSES:
        return run_pass(Path(arguments[0]), arguments[1])
    if len(arguments) != 1:
        print(f"usage: python -m tests.gallery.tour FOLDER [{'|'.join(PASSES)}]", file=sys.stderr)
        return 2
    folder = Path(arguments[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    code = 0
    for name, (screen, _) in PASSES.items():
        environment = {**os.environ, "QT_SCALE_FACTOR": screen}
        command = [sys.executable, "-m", "tests.gallery.tour", str(folder), name]
        code = subprocess.run(command, env=environment).returncode or code
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
