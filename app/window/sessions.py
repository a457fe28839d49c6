"""Which session is open, as the disk knows it: saving, opening, a save by somebody else, files that are missing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.window.tasks import Task
from core.document import Edit, Item, ReplaceItem, Several
from core.errors import printable
from core.jobs import JobFailed, State

if TYPE_CHECKING:
    from app.window.workbench import Workbench
    from core.session import Located

SESSION = ".equiscope"


class Sessions(QObject):
    """The session of a workbench."""

    conflict = Signal(str)
    """Somebody else has saved the session (a folder) since it was opened or saved here; nothing was written."""
    incomplete = Signal()
    """Files are to be located: a session was opened that lacks some, or the user asks for it."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(workbench)
        self._workbench = workbench
        self.stamp = ""
        """Of the session in its folder when it was opened or saved here last."""
        self.changed: dict[str, str] = {}
        """Of the items whose file is not the one that was saved: the hash of what it held, by id."""
        self._keep = False
        self._saving: Task | None = None
        self._waiting: dict[Path, Callable[[], object]] = {}
        """The saves that were asked for while another was at work, by their folders."""

    def forget(self) -> None:
        """Another session: nothing is known of it yet."""
        self.stamp, self.changed, self._keep = "", {}, False

    def recovered(self, stamp: str, left_out: int = 0) -> None:
        """What is open was recovered: saving it replaces the session in its folder if that still is the one of `stamp`.

        What is there is kept if `left_out` items could not be recovered.
        """
        self.stamp = stamp
        self._keep = left_out > 0

    # -- saving ----------------------------------------------------------------------------------------------

    def save(self, folder: Path, layout: Mapping[str, Any], *, overwrite: bool = False) -> Task:
        """See `Workbench.save_session`. `overwrite`: also what somebody else has saved there meanwhile.

        Of two saves the later begins when the earlier is over; it saves what is open by then.
        """
        w = self._workbench
        folder = with_suffix(folder)
        if self._saving is not None and not self._saving.over:
            # Save after Save as…: what waits saves all that is open by then, under the new name.
            if not self._waiting or folder in self._waiting or folder != w.folder:
                self._waiting[folder] = partial(self.save, folder, layout, overwrite=overwrite)
            return self._saving
        same = w.folder is not None and folder == w.folder
        edits, items = w.edits, list(w.document)
        payload = {
            "items": items,
            "layout": dict(layout),
            "folder": str(folder),
            "expected": self.stamp if same and not overwrite else None,
            "keep": same and self._keep,
            "token": (token := uuid.uuid4().hex),
        }

        def done(saved: Mapping[str, str]) -> None:
            w.folder = folder
            self.stamp, self._keep = saved["stamp"], False
            if w.edits == edits:
                w.document.mark_clean()
            w.rebased.emit(items, folder)
            w.settings.add_recent(str(folder))
            w.session_changed.emit()
            w.message.emit(f"{folder.name} saved")
            w.saved.emit()

        def failed(error: JobFailed) -> None:
            if error.kind == "SessionChanged":
                self.conflict.emit(str(folder))
            else:
                w.show_failure(title, error)

        def over() -> None:
            if self._saving is not None and self._saving.state is not State.DONE and same:
                self._look_after(folder, token)
            if w.session != session:
                self._waiting.clear()
            elif self._waiting:
                self._waiting.pop(next(iter(self._waiting)))()

        title, session = f"Save {folder.name}", w.session
        self._saving = w.submit(
            "save_session",
            payload,
            title=title,
            on_done=done,
            on_failed=failed,
            on_over=over,
            urgent=True,
        )
        return self._saving

    def _look_after(self, folder: Path, token: str) -> None:
        """A save that was ended at its very end stands in its place: it is no save by somebody else."""
        from core.session import stamp, token_of

        if token_of(folder) == token:
            self.stamp, self._keep = stamp(folder), False

    def share(self, folder: Path, layout: Mapping[str, Any]) -> Task:
        """Save a copy that holds the data of all files and no path; the session that is open stays as it is."""
        w, folder = self._workbench, with_suffix(folder)
        payload = {"items": list(w.document), "layout": dict(layout), "folder": str(folder), "embed": True}
        title = f"Save a copy as {folder.name}"
        return w.submit(
            "save_session",
            payload,
            title=title,
            on_done=lambda _saved: w.message.emit(f"{folder.name} saved"),
            urgent=True,
        )

    # -- opening ---------------------------------------------------------------------------------------------

    def open(self, folder: Path, *, backup: bool = False) -> Task:
        """See `Workbench.open_session`. `backup`: what was saved before the last time."""
        w, folder = self._workbench, Path(folder).absolute()
        place = folder.with_name(folder.name + ".bak") if backup else folder

        def done(loaded: Any) -> None:
            from app.window.workbench import Problem

            w.replace_document(loaded.items, folder)
            # A backup was opened: what is in the place of the session is something else.
            self.stamp = loaded.stamp
            self.changed = dict(loaded.changed)
            self._keep = loaded.left_out > 0
            w.settings.add_recent(str(folder))
            w.session_opened.emit(dict(loaded.layout))
            told = {
                f"{i.name} has no data: {i.missing.reason}" for i in loaded.items if i.missing is not None
            }
            changes = {id: w.document[id].name for id in self.changed}
            for text in loaded.problems:
                if text in told:
                    continue  # the dialog lists them
                other = any(text.startswith(f"{name} has changed: ") for name in changes.values())
                choices = (("Locate…", self.incomplete.emit),) if other else ()
                w.problem.emit(Problem(text, level="warn", choices=choices))
            if self._keep:
                text = "What could not be read stays in a folder of its own when the session is saved again."
                w.problem.emit(Problem(text, level="info"))
            if self.missing:
                self.incomplete.emit()

        def failed(error: JobFailed) -> None:
            from app.window.workbench import Problem

            there = place != folder or not folder.with_name(folder.name + ".bak").is_dir()
            if there or not error.refusal:
                w.show_failure(title, error)
            else:
                choices = (("Open the one before", partial(self.open_backup, folder)),)
                w.problem.emit(Problem(str(error), choices=choices))

        title = f"Open {printable(folder.name)}"
        return w.submit("open_session", {"folder": str(place)}, title=title, on_done=done, on_failed=failed)

    def open_backup(self, folder: Path) -> None:
        """Open what was saved before the last time."""
        self.open(folder, backup=True)

    # -- files that are missing ------------------------------------------------------------------------------

    @property
    def missing(self) -> list[Item]:
        """The items whose file is not where it was."""
        without = [i for i in self._workbench.document if i.missing is not None]
        if not without:  # asked for by the state of a command, before the window is painted first
            return []
        from core.session import still_missing

        return still_missing(without)

    @property
    def altered(self) -> list[Item]:
        """The items whose file is not the one that was saved, and that still show what it holds now."""
        found = (self._workbench.document.get(id) for id in self.changed)
        return [i for i in found if i is not None and i.missing is None and not i.edited]

    def why_none_missing(self) -> str:
        """Why no file is to be located, "" if one is."""
        return "" if self.missing or self.altered else "no file is missing"

    def locate(
        self,
        items: Sequence[Item],
        place: Path,
        chosen: str,
        done: Callable[[list[Located]], None],
        failed: Callable[[str], None],
    ) -> Task:
        """Look for the files of `items` at `place`, see `core.session.locate`."""
        from dataclasses import replace

        bare = [replace(i, data=None) for i in items]
        payload = {
            "items": bare,
            "place": str(place),
            "chosen": chosen,
            "contents": {i.id: self.changed[i.id] for i in items if i.id in self.changed},
        }
        return self._workbench.submit(
            "locate_files",
            payload,
            title=f"Locate files in {printable(place.name or str(place))}",
            on_done=done,
            on_failed=lambda error: failed(str(error)),
        )

    def adopt(self, found: Sequence[Located]) -> int:
        """Take what was found, as one edit; returns how many items it gave their data back."""
        from core.session import as_located

        document = self._workbench.document
        edits: list[Edit] = []
        for each in found:
            item = document.get(each.id)
            if item is None or (item.missing is None and item.edited):
                continue  # closed, or worked on since it was looked for
            if not each.problem and each.source is not None:
                edits.append(ReplaceItem(item, as_located(item, each), f"Locate {item.name}"))
        if len(edits) == 1:
            document.apply(edits[0])
        elif edits:
            document.apply(Several(tuple(edits), f"Locate {len(edits)} files"))
        for each in found:
            self.changed.pop(each.id, None)
        return len(edits)


def with_suffix(folder: str | Path) -> Path:
    """The absolute folder of a session, with the ending that all have."""
    folder = Path(folder).absolute()
    return folder if folder.suffix == SESSION else folder.with_name(folder.name + SESSION)
