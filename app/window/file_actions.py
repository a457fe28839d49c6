"""The menu File: what asks for a path, and what is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog

from app.window.kinds import centre_of, kind_of_item
from app.window.workbench import Problem
from core.plugins import Reader

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class FileActions:
    """The menu File: what asks for a path, and what is done with it."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._workbench = window.workbench

    def _folder(self) -> str:
        return str(self._workbench.settings.get("open-folder", str(Path.home())))

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
        options = QFileDialog.Option.DontConfirmOverwrite
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save session", str(start), "Equiscope session (*.equiscope)", options=options
        )
        if path:
            self._window.centre.player.settle()
            self._workbench.save_session(path, self._window.layout_state())
        else:
            self._window.forget_plans()

    def why_no_export(self) -> str:
        """Why the current item cannot be exported, "" if it can."""
        item = self._workbench.current
        if item is None:
            return "select an item first"
        if item.data is None:
            return "a group holds no data of its own"
        kind = kind_of_item(item)
        if kind == "plot" or self._workbench.host.writers_for(kind):
            return ""
        return f"no plugin writes a {kind}"

    def ask_export(self) -> None:
        from app.window.adopt import plain_data
        from core.data import kind_of
        from core.exports import file_stem

        item = self._workbench.current
        if item is None:
            return
        folder = self._workbench.settings.get("export-folder", str(Path.home()))
        data = plain_data(item)
        if centre_of(item) == "plot":
            self._workbench.select(item.id)
            path, _ = QFileDialog.getSaveFileName(
                self._window,
                "Export plot",
                str(Path(folder) / f"{file_stem(item.name)}.csv"),
                "Table (*.csv);;Picture (*.png)",
            )
            if path.endswith(".png"):
                self._window.centre.view_of(item).save_png(Path(path))  # type: ignore[attr-defined]
            elif path:
                self._window.centre.exports.write_numbers(item.data, Path(path))
            return
        writers = [
            w for w in self._workbench.host.writers_for(kind_of(data)) if not self._workbench.host.missing(w)
        ]
        filters = [f"{w.title} ({' '.join(w.patterns)})" for w in writers]
        suffix = writers[0].patterns[0].lstrip("*") if writers else ""
        path, chosen = QFileDialog.getSaveFileName(
            self._window, "Export", str(Path(folder) / f"{file_stem(item.name)}{suffix}"), ";;".join(filters)
        )
        if path:
            self._workbench.settings.set("export-folder", str(Path(path).parent))
            writer = writers[filters.index(chosen)] if chosen in filters else None
            if writer is not None and not writer.matches(Path(path).name) and not Path(path).suffix:
                path += writer.patterns[0].lstrip("*")
            named = writer is not None and writer.matches(Path(path).name)
            self._workbench.export(item.id, path, writer.id if writer is not None and named else None)

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
