"""A window's journal, and what windows before it left behind when they crashed.

Nothing of `core.journal` is imported before `start`, which the program calls once the window is painted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.window.kinds import shortened
from app.window.workbench import SESSION, Problem
from core.document import Change, Item

if TYPE_CHECKING:
    from app.window.cards import ProblemCard
    from app.window.main_window import MainWindow
    from app.window.recovery.dialog import RecoveryDialog
    from core.journal import Base, Crashed, Home, Journal

LAYOUT_SECONDS = 2.0
"""Between two looks at views and docks, whose changes are no edits."""
PICTURE_SECONDS = 10.0
"""Between two little pictures, at least."""
CLOSING_SECONDS = 1.0
"""How long closing waits for the journal's thread."""
PATIENCE = 0.03
"""Seconds that the window waits for another one, which looks at a crashed window's folder just now."""
log = logging.getLogger("equiscope.window")


class Recovery(QObject):
    """Listens to a window's workbench and hands every state to its journal."""

    _trouble = Signal(str)
    _written = Signal(int, bool)
    _found = Signal(object, bool)
    _elsewhere = Signal(str)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._workbench = window.workbench
        self.journal: Journal | None = None
        self.dialog: RecoveryDialog | None = None
        self._number = self._unsaved = 0
        self._label = self._merge_key = self._origin = ""
        self._base: Base | None = None
        self._layout: dict[str, Any] = {}
        self._card: ProblemCard | None = None
        self._adopting: Path | None = None
        self._pictured, self._pictured_at = 0, -PICTURE_SECONDS
        self._taken: list[tuple[Home, int, bool]] = []
        """Folders of crashed windows whose contents are open here: each with the state that has to be on disk before
        it may go, and whether all of it came back."""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look_at_layout)
        self._trouble.connect(self._on_trouble)
        self._written.connect(self._on_written)
        self._found.connect(self._on_found)
        self._elsewhere.connect(self._on_elsewhere)
        self._workbench.edited.connect(self._on_edit)
        self._workbench.rebased.connect(self._on_rebased)
        self._workbench.clean_changed.connect(self._on_clean)

    def start(self) -> None:
        """Begin to journal."""
        from core.journal import Journal, recovery_folder

        if self.journal is not None:
            return
        self.journal = Journal(
            recovery_folder(), on_trouble=self._trouble.emit, on_written=self._written.emit
        )
        self.journal.start()
        self._put()
        self._timer.start(round(1000 * LAYOUT_SECONDS))

    def look(self) -> None:
        """Offer what crashed windows left, if they left something that the user has not skipped."""
        self._search(False)

    def close(self) -> None:
        """The window closes: what was to be saved is, and what is left the user does not want."""
        self._timer.stop()
        if self.dialog is not None:
            self.dialog.close()
        journal, self.journal = self.journal, None
        if journal is not None:
            folder = journal.folder
            if not journal.close(remove=True, timeout=CLOSING_SECONDS):
                log.warning("the journal's thread is still busy while the window closes")
                if (
                    folder is not None
                ):  # the program may end before it is removed: nobody is asked about it then
                    self._keep(folder)
            for taken, _, whole in self._taken:
                # What was recovered and is on disk nowhere else is offered again.
                if self._workbench.document.is_clean and whole:
                    taken.remove()
                else:
                    taken.release()
            self._taken.clear()

    # -- to the journal ----------------------------------------------------------------------------------------

    def _on_edit(self, change: Change) -> None:
        edit = change.edit
        if change.direction != "apply":
            self._merge_key = ""
            self._unsaved += 1
        elif not edit.merge_key or edit.merge_key != self._merge_key:
            self._merge_key = edit.merge_key
            self._unsaved += 1
        self._label, self._origin = edit.label, ""
        self._put()

    def _on_rebased(self, items: Sequence[Item], folder: Path | None) -> None:
        """What is open belongs to another folder now, or that folder was saved anew."""
        from core.journal import Base

        if folder is not None:
            self._warn_if_elsewhere(folder)
        # A saved session holds other data than what was recovered: all of that goes into this journal.
        held = items if self._adopting is None else ()
        self._base = Base(folder, held) if folder is not None else None
        self._unsaved = 0
        self._label = self._merge_key = self._origin = ""
        if self._adopting is None:
            self._put()
        QTimer.singleShot(0, self, self._tell_again)

    def _tell_again(self) -> None:
        """Another session takes the cards away, and not the trouble."""
        if self.journal is not None and self.journal.trouble:
            self._on_trouble(self.journal.trouble)

    def _on_clean(self, clean: bool) -> None:
        if clean:
            self._unsaved = 0
            self._merge_key = ""
            self._put()

    def _put(self) -> None:
        if self.journal is None:
            return
        from core.journal import State

        self._number += 1
        document = self._workbench.document
        self.journal.put(
            State(
                tuple(document),
                self._number,
                self._unsaved,
                document.is_clean,
                self._label,
                self._base,
                self._layout,
                self._origin,
            )
        )

    def _look_at_layout(self) -> None:
        if self.journal is None or not len(self._workbench.document):
            return
        layout = self._window.layout_state()
        if layout != self._layout:
            self._layout = layout
            self._put()
        self._take_picture()

    def _take_picture(self) -> None:
        """Of what is shown now, if something has changed since the last one."""
        grid, now = self._window.centre.shown_grid, time.monotonic()
        folder = self.journal.folder if self.journal is not None else None
        if grid is None or folder is None or self._pictured == self._number:
            return
        if now - self._pictured_at < PICTURE_SECONDS:
            return
        from app.window.recovery import picture

        pieces = picture.pieces_of(grid)
        if pieces:
            self._pictured, self._pictured_at = self._number, now
            self._background(partial(picture.write, pieces, grid.size(), folder / picture.NAME))

    def _on_trouble(self, reason: str) -> None:
        from core.journal import recovery_folder

        stack = self._window.cards
        if self._card is not None:
            stack.remove(self._card)
            self._card = None
        if self.journal is None:
            return
        if not reason:
            self._workbench.message.emit("Edits are kept for a recovery again")
            return
        text = (
            f"Edits are not kept for a recovery: {reason} ({recovery_folder()}). Save the session often; "
            "journalling goes on by itself once the folder can be written to."
        )
        choices = (("Save session", self._window.files.save),)
        self._card = stack.show_problem(Problem(text, level="warn", choices=choices))

    # -- one session in two windows ------------------------------------------------------------------------------

    def _warn_if_elsewhere(self, folder: Path) -> None:
        from core.journal import open_elsewhere, recovery_folder

        own = {home.path for home, _, _ in self._taken}
        if self._adopting is not None:
            own.add(self._adopting)
        if self.journal is not None and self.journal.folder is not None:
            own.add(self.journal.folder)

        def work() -> None:
            if open_elsewhere(recovery_folder(), folder, own):
                self._elsewhere.emit(folder.name.removesuffix(SESSION))

        self._background(work)

    def _on_elsewhere(self, name: str) -> None:
        text = (
            f"{shortened(name)} is open in another window as well; the one that saves last has the last word."
        )
        self._window.show_problem(Problem(text, level="info"))

    # -- from crashed windows ------------------------------------------------------------------------------------

    def show_all(self) -> None:
        """The command Recover…: also what was skipped."""
        self._search(True)

    def _search(self, everything: bool) -> None:
        from core.journal import crashed, recovery_folder, tidy

        def work() -> None:
            parent = recovery_folder()
            tidy(parent)
            self._found.emit(crashed(parent), everything)

        self._background(work)

    def _on_found(self, found: list[Crashed], everything: bool) -> None:
        from app.window.recovery.dialog import RecoveryDialog

        wanted = found if everything else [c for c in found if not c.skipped]
        taken = {home.path for home, _, _ in self._taken}
        wanted = [c for c in wanted if c.path not in taken]
        if not wanted and not everything:
            return
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = RecoveryDialog(self, wanted, everything, self._window)
        self.dialog.finished.connect(self._forget_dialog)
        self.dialog.show()

    def _forget_dialog(self, _result: int) -> None:
        self.dialog = None

    def recover(self, crashed: Crashed, done: Callable[[], None] = lambda: None) -> None:
        """Open what a crashed window had, after asking about what is open here."""
        self._window.when_saved(partial(self._recover, crashed, done))

    def _recover(self, crashed: Crashed, done: Callable[[], None]) -> None:
        from core.journal import take

        home = take(crashed.path, patience=PATIENCE)
        if home is None:
            text = "That was recovered in another window, or is not there any more."
            self._window.show_problem(Problem(text, level="warn"))
            done()
            return
        kept = [home]

        def recovered(loaded: Any) -> None:
            kept.clear()
            self._adopt(crashed, home, loaded)
            done()

        def over() -> None:
            if kept:  # failed or cancelled: it is offered again
                home.release()

        self._workbench.submit(
            "open_recovered",
            {"folder": str(crashed.path)},
            title="Recover",
            on_done=recovered,
            on_over=over,
            urgent=True,
        )

    def _adopt(self, crashed: Crashed, home: Home, loaded: Any) -> None:
        self._adopting = home.path
        try:
            self._workbench.adopt(loaded, Path(crashed.session) if crashed.session else None)
        finally:
            self._adopting = None
        self._unsaved, self._label = crashed.unsaved, crashed.label
        self._origin = "" if loaded.left_out else home.path.name
        self._put()
        whole = not loaded.left_out
        if not whole:
            self._keep(home.path)
        self._taken.append((home, self._number, whole))
        if self.journal is None:
            self.start()

    @staticmethod
    def _keep(folder: Path) -> None:
        """Ask nobody about it by itself: what did not come back whole, since a missing file may be put back."""
        from core.journal import skip

        try:
            skip(folder)
        except OSError:
            log.warning("a journal could not be marked as skipped")

    def _on_written(self, number: int, everything: bool) -> None:
        """The journal has this state on disk; what it was recovered from may go."""
        if not everything:
            return
        for entry in [t for t in self._taken if t[1] <= number]:
            self._taken.remove(entry)
            home, _, whole = entry
            if whole:
                self._background(home.remove)
            else:
                home.release()

    def skip(self, crashed: Crashed) -> str:
        """Do not offer this one again; what went wrong, "" if nothing."""
        from core.journal import skip

        try:
            skip(crashed.path)
        except OSError as error:
            return f"That cannot be remembered ({error.strerror or error})."
        return ""

    def open_saved(self, crashed: Crashed) -> None:
        """Open the session as it was saved instead, after asking about what is open here."""

        def opening() -> None:
            self.skip(crashed)
            self._workbench.open_paths([crashed.session])

        self._window.when_saved(opening)

    def delete(self, crashed: Crashed) -> bool:
        """Take it away for good; whether it has gone."""
        from core.journal import take

        home = take(crashed.path, patience=PATIENCE)
        if home is None:
            return not crashed.path.exists()
        hidden = home.hide()
        self._background(home.remove)
        return hidden

    @staticmethod
    def _background(work: Callable[[], object]) -> None:
        threading.Thread(target=_quietly, args=(work,), name="recovery", daemon=True).start()


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    except RuntimeError:  # the window has gone meanwhile, and its signals with it
        return
    except OSError as error:  # nothing that is done here is worth more than a line
        log.warning("%s", error)
