"""The menu File: opening, samples, sessions, export, screenshots."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add
    standard = QKeySequence.StandardKey
    add("file.open", "&Open files…", w.files.ask_open, group="File", shortcut=standard.Open)
    add(
        "file.open-folder",
        "Open &folder…",
        w.files.ask_open_folder,
        group="File",
        shortcut="Ctrl+Shift+O",
    )
    add(
        "file.annotate",
        "Try: &annotate a brain",
        w.begin.annotate,
        group="File",
        words="sample start begin midline markup",
        why_not=w.begin.why_no_annotation,
    )
    add(
        "file.compare-models",
        "Try: &compare two models",
        w.begin.compare,
        group="File",
        words="sample start begin checkpoints networks",
        why_not=w.begin.why_no_comparison,
    )
    add("file.open-session", "Open sess&ion…", w.files.ask_open_session, group="File")
    add(
        "file.save",
        "&Save session",
        w.files.save,
        group="File",
        shortcut=standard.Save,
        why_not=menus.nothing_open,
    )
    add(
        "file.save-as",
        "Save session &as…",
        w.files.save_as,
        group="File",
        shortcut="Ctrl+Shift+S",
        why_not=menus.nothing_open,
    )
    add(
        "file.recover",
        "&Recover…",
        w.recovery.show_all,
        group="File",
        words="crash unsaved lost journal autosave restore backup",
    )
    add(
        "file.share",
        "Save a copy to s&hare…",
        w.files.save_copy,
        group="File",
        words="session export send privacy anonymous paths embed pack",
        why_not=menus.nothing_open,
    )
    add("file.new", "&New session", w.new_session, group="File", shortcut=standard.New, words="close all")
    add(
        "file.export",
        "&Export item…",
        w.files.ask_export,
        group="File",
        shortcut="Ctrl+E",
        words="write save",
        why_not=w.files.why_no_export,
    )
    add(
        "file.screenshot",
        "S&creenshot…",
        w.files.ask_screenshot,
        group="File",
        shortcut="Ctrl+Shift+P",
        why_not=menus.nothing_open,
    )
    add(
        "file.copy-screenshot",
        "Copy screenshot",
        w.files.copy_screenshot,
        group="File",
        why_not=menus.nothing_open,
    )
    add(
        "file.movie",
        "&Movie…",
        w.movies.ask,
        group="File",
        words="turntable animation gif video time sweep film record",
        why_not=w.movies.why_not,
    )
    add("file.quit", "&Quit", w.close, group="File", shortcut=standard.Quit)
    menus.put("File", "file.open", "file.open-folder")
    open_as = menus.menus["File"].addMenu("Open as")
    open_as.setToolTipsVisible(True)
    for reader in w.workbench.host.readers:
        id = f"open-as.{reader.id}"
        add(
            id,
            f"{reader.title}…",
            partial(w.files.ask_open_as, reader),
            group="Open as",
            words=reader.kind,
        )
        menus.commands.set_reason(id, w.workbench.host.missing(reader))
        open_as.addAction(menus.commands[id])
    menus.recent = menus.menus["File"].addMenu("Recent")
    menus.recent.aboutToShow.connect(menus.refresh_recent)
    samples = menus.menus["File"].addMenu("Samples")
    samples.setToolTipsVisible(True)
    for sample in w.workbench.host.samples:
        id = f"sample.{sample.id}"
        add(
            id,
            sample.title,
            partial(w.workbench.open_sample, sample),
            group="Samples",
            words="sample example",
        )
        menus.commands.set_reason(id, w.workbench.host.missing(sample))
        samples.addAction(menus.commands[id])
    samples.setEnabled(bool(w.workbench.host.samples))
    samples.addSeparator()
    for id in ("file.annotate", "file.compare-models"):
        samples.addAction(menus.commands[id])
    menus.put(
        "File",
        *("-", "file.new", "file.open-session", "file.save", "file.save-as", "file.share"),
        "file.recover",
        *("-", "file.export", "file.screenshot", "file.copy-screenshot", "file.movie", "-", "file.quit"),
    )
    menus.refresh_recent()
