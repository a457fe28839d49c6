"""A whole program that edits through its window until it is killed, and says what it did.

    python -m tests.app.window.recovery_victim SEED SESSION FILE…

Lines of standard output as in `tests.core.journal.victim`: `E NUMBER TIME DIGEST`, `A NUMBER TIME`, `R TIME`, `S TIME`.
After a crash it recovers first, as a user would by pressing Recover.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer

from app.window import dialogs
from app.window._run import start
from core.journal import Journal, State
from tests.core.journal.victim import digest, edit, say


def tell(journal: Journal, user: User) -> None:
    """Say what is handed to a journal, and what it has on disk.

    Not of the empty window that waits for an answer: what it has on disk takes no crashed window's place.
    """
    put, written = journal.put, journal._on_written

    def told_put(state: State) -> None:
        if state.items or user.working:
            say("E", state.number, time.monotonic(), digest(state.items))
        put(state)

    def told_written(number: int, everything: bool) -> None:
        say("A", number, time.monotonic())
        written(number, everything)

    journal.put = told_put  # type: ignore[method-assign]
    journal._on_written = told_written


class User:
    """Edits, saves and recovers through a window."""

    def __init__(self, window: Any, seed: int, session: Path, files: list[Path]) -> None:
        self.window, self.rng, self.session, self.files = window, random.Random(seed), session, files
        self.told = self.working = False
        self.others: list[Any] = []

    def step(self) -> None:
        """One thing more, and the next a moment later."""
        window, rng = self.window, self.rng
        recovery = window.recovery
        if recovery.journal is not None and not self.told:
            self.told = True
            tell(recovery.journal, self)
        if not self.told or window.workbench.busy:
            wait = 20
        elif recovery.dialog is not None:
            say("P", time.monotonic())
            self.others = [e.crashed for e in recovery.dialog.entries[1:]]
            recovery.dialog.entries[0].buttons["Recover"].click()
            wait = 20
        elif recovery._taken:
            wait = 20  # not on disk yet
        elif self.others:  # older than what was recovered
            recovery.delete(self.others.pop())
            wait = 0
        else:
            self.working = True
            say("R", time.monotonic())
            wait = rng.randrange(30)
            if rng.random() < 0.04:
                say("S", time.monotonic())
                window.workbench.save_session(self.session, window.layout_state())
            elif rng.random() < 0.03:
                window.view.set_layout(rng.choice(["four", "axial", "3d"]))
            else:
                edit(window.workbench.document, rng, rng.choice(self.files))
        QTimer.singleShot(wait, self.step)


def main() -> None:
    # Killed in the midst of a save, the recovered window does not know what stands there now, and asks.
    dialogs.ask_about_conflict = lambda *_all: "overwrite"  # type: ignore[assignment]
    program = start([], ask=False)
    user = User(program.window, int(sys.argv[1]), Path(sys.argv[2]), [Path(f) for f in sys.argv[3:]])
    looked = program.window.recovery._on_found

    def found(crashed: list[Any], everything: bool) -> None:
        looked(crashed, everything)
        user.step()  # only now: a user does not work while she is about to be asked

    program.window.recovery._found.disconnect()
    program.window.recovery._found.connect(found)
    program.qt.exec()


if __name__ == "__main__":
    main()
