"""The menu File: what asks for a path, and what is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog

from app.window.dialogs import ask_to_replace
from app.window.kinds import centre_of, kind_of_item
from app.window.saving import ask_save
from app.window.sessions import SESSION, with_suffix
from app.window.workbench import Problem
from core.document import Item
from core.exports import file_stem
from core.plugins import Reader

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class FileActions:
    """The menu File: what asks for a path, and what is done with it."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._workbench = window.workbench
        self._workbench.sessions.conflict.connect(self._on_conflict)
        self._workbench.sessions.incomplete.connect(self.locate)

    def _folder(self) -> str:
        return str(self._workbench.settings.folder("open-folder"))

    def ask_open(self) -> None:
        patterns = sorted({p for r in self._workbench.host.readers for p in r.patterns})
        filters = [f"All that can be opened ({' '.join(patterns)})"] if patterns else []
        filters += [f"{r.title} ({' '.join(r.patterns)})" for r in self._workbench.host.readers if r.patterns]
        paths, _ = QFileDialog.getOpenFileNames(
            self._window, "Open files", self._folder(), ";;".join([*filters, "All files (*)"])
        )
        if paths:
            self._workbench.settings.set("open-folder", str(Path(paths[0]).parent))
            self._window.open_paths(paths)

    def ask_open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self._window, "Open folder", self._folder())
        if path:
            self._workbench.settings.set("open-folder", str(Path(path).parent))
            self._window.open_paths([path])

    def ask_open_as(self, reader: Reader) -> None:
        title = f"Open as {reader.title}"
        if reader.folders and not reader.patterns:
            path = QFileDialog.getExistingDirectory(self._window, title, self._folder())
            paths = [path] if path else []
        else:
            paths, _ = QFileDialog.getOpenFileNames(self._window, title, self._folder(), "All files (*)")
        if paths:
            self._window.open_paths(paths, reader.id)

    def clear_recent(self) -> None:
        self._workbench.settings.clear_recent()
        self._window.start.refresh()

    def ask_open_session(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self._window, "Open session (a folder NAME.equiscope)", self._folder()
        )
        if path and not path.endswith(".equiscope"):
            self._window.show_problem(
                Problem(f"{Path(path).name} is no session; choose a folder whose name ends in .equiscope.")
            )
        elif path:
            self._window.open_paths([path])

    def save(self) -> None:
        self._window.centre.player.settle()  # the moment that is shown is part of what is saved
        if self._workbench.folder is None:
            self.save_as()
        else:
            self._workbench.save_session(self._workbench.folder, self._window.layout_state())

    def save_as(self) -> None:
        start = self._workbench.folder or Path(self._folder()) / "untitled.equiscope"
        # Sessions are folders, about which the dialog would ask in words for files.
        options = QFileDialog.Option.DontConfirmOverwrite
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save session", str(start), "Equiscope session (*.equiscope)", options=options
        )
        if path and self._may_replace(Path(path)):
            self._window.centre.player.settle()
            self._workbench.save_session(path, self._window.layout_state())
        else:
            self._window.forget_plans()

    def _on_conflict(self, folder: str) -> None:
        """Another window has saved the session meanwhile: never over it in silence."""
        from app.window.dialogs import ask_about_conflict

        # While she is asked the window hears that the save is over, and would forget that it was to close.
        plans = self._window.forget_plans()
        answer = ask_about_conflict(Path(folder).name, self._window)
        if answer == "cancel":
            return
        self._window.plan(plans)
        if answer == "overwrite":
            self._workbench.save_session(folder, self._window.layout_state(), overwrite=True)
        else:
            self.save_as()

    def save_copy(self) -> None:
        """A copy for somebody else: complete in itself, without a word of where files lie on this disk."""
        folder = self._workbench.settings.folder("export-folder")
        start = folder / f"{self._workbench.name} to share{SESSION}"
        path, _ = QFileDialog.getSaveFileName(
            self._window,
            "Save a copy to share (with the data of all files, without paths)",
            str(start),
            "Equiscope session (*.equiscope)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if not path:
            return
        place = with_suffix(path)
        if self._workbench.folder is not None and place == self._workbench.folder:
            text = f"{place.name} is the session that is open; choose another name for the copy."
            self._window.show_problem(Problem(text, level="warn"))
        elif not place.exists() or ask_to_replace(place.name, self._window):
            self._workbench.settings.set("export-folder", str(place.parent))
            self._window.centre.player.settle()
            self._workbench.sessions.share(place, self._window.layout_state())

    def locate(self) -> None:
        """The list of files that are missing or have changed."""
        from app.window.locate_dialog import LocateDialog

        self._window.show_once(LocateDialog, lambda: LocateDialog(self._workbench, self._window))

    def _may_replace(self, path: Path) -> bool:
        """Another session that has this name already is replaced only if the user says so."""
        path = with_suffix(path)
        own = self._workbench.folder
        if not path.exists() or (own is not None and own.exists() and path.samefile(own)):
            return True
        return ask_to_replace(path.name, self._window)

    def why_no_export(self) -> str:
        """Why the current item cannot be exported, "" if it can."""
        item = self._workbench.current
        if item is None:
            return "select an item first"
        if item.missing is not None:
            return "its file is missing; locate it first"
        if item.data is None:
            return "a group holds no data of its own"
        kind = kind_of_item(item)
        if kind == "plot" or self._workbench.host.writers_for(kind):
            return ""
        return f"no plugin writes a {kind}"

    def ask_export(self) -> None:
        from app.window.adopt import plain_data
        from core.data import kind_of

        item = self._workbench.current
        if item is None:
            return
        folder = self._workbench.settings.folder("export-folder")
        data = plain_data(item)
        if centre_of(item) == "plot":
            self._workbench.select(item.id)
            self._export_plot(item, folder)
            return
        writers = [
            w for w in self._workbench.host.writers_for(kind_of(data)) if not self._workbench.host.missing(w)
        ]
        filters = [f"{w.title} ({' '.join(w.patterns)})" for w in writers]
        endings = [[p.lstrip("*") for p in w.patterns] for w in writers]
        start = folder / f"{file_stem(item.name)}{endings[0][0] if endings else ''}"
        chosen = ask_save(self._window, "Export", start, filters, endings=endings)
        if chosen is not None and not self._window.centre.exports.refuses(chosen[0]):
            path, number = chosen
            self._workbench.settings.set("export-folder", str(path.parent))
            named = bool(writers) and writers[number].matches(path.name)
            self._workbench.export(item.id, str(path), writers[number].id if named else None)

    def _export_plot(self, item: Item, folder: Path) -> None:
        exports, view = self._window.centre.exports, self._window.centre.view_of(item)
        start = folder / f"{file_stem(item.name)}.csv"
        filters = ["Numbers (*.csv)", "Picture (*.png)", "Vectors (*.svg)"]
        chosen = ask_save(self._window, "Export plot", start, filters, endings=[[".csv"], [".png"], [".svg"]])
        if chosen is None or exports.refuses(chosen[0]):
            return
        path = chosen[0]
        self._workbench.settings.set("export-folder", str(path.parent))
        if path.suffix.lower() == ".png":
            exports.tell(path, view.save_png(path))  # type: ignore[attr-defined]
        elif path.suffix.lower() == ".svg":
            exports.tell(path, view.save_svg(path))  # type: ignore[attr-defined]
        else:
            exports.write_numbers(item.data, path)

    def ask_screenshot(self) -> None:
        from app.window.screenshot_dialog import ScreenshotDialog

        ScreenshotDialog(self._window).open()

    def copy_screenshot(self, slot: str = "") -> None:
        """One view or all of them, at twice their size, to the clipboard."""
        from app.viewports.photographer import Look
        from app.window.pictures import VIEW, VIEWS, Wish

        def done(picture: QImage) -> None:
            QGuiApplication.clipboard().setImage(picture)
            self._workbench.message.emit("Screenshot copied")

        self._window.pictures.take(Wish(VIEW if slot else VIEWS, Look(), slot), done)
