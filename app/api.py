"""What a plugin's panel may use of the window. Everything else is private and may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.theme import Theme, current_theme
from app.window.workbench import Problem, Workbench
from core.document import Document, Edit, Item
from core.jobs import JobFailed


class PanelApi:
    """Handed to the function that a manifest's `[[panels]]` names; the function returns a widget.

    A panel reads the document, changes it by edits, has work done by jobs and listens. It never blocks: whatever
    takes longer than a frame is a job.
    """

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench

    @property
    def document(self) -> Document:
        """What is open. Read it here, change it with `apply`."""
        return self._workbench.document

    @property
    def selected(self) -> Item | None:
        """The current item."""
        return self._workbench.current

    @property
    def theme(self) -> Theme:
        """The colours of now."""
        return current_theme()

    def select(self, id: str | None) -> None:
        """Make an item the current one."""
        self._workbench.select(id)

    def apply(self, edit: Edit) -> None:
        """Change the document; the user can undo it."""
        self._workbench.document.apply(edit)

    def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        title: str,
        done: Callable[[Any], None],
        failed: Callable[[JobFailed], None] | None = None,
    ) -> None:
        """Have a task of `core.tasks` done by a worker; `done` gets its value on Qt's thread."""
        self._workbench.submit(task, payload, title=title, on_done=done, on_failed=failed)

    def run(
        self,
        analysis: str,
        inputs: Sequence[str],
        values: Mapping[str, Any],
        *,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        """Run an analysis on open items; its result is added to the document.

        Raises
        ------
        KeyError : there is no such analysis, or the descriptions have not come yet.
        """
        self._workbench.run(self._workbench.descriptions[analysis], inputs, values, seed=seed, device=device)

    def open(self, paths: Sequence[str]) -> None:
        """Open files as if they had been dropped on the window."""
        self._workbench.open_paths(paths)

    def tell(self, text: str, *, level: str = "info") -> None:
        """A card with one sentence; `level` "info", "warn" or "error"."""
        self._workbench.problem.emit(Problem(text, level=level))

    def on_changed(self, listener: Callable[[Any], None]) -> None:
        """Call `listener` with every `core.document.Change` (None: all is new)."""
        self._workbench.changed.connect(listener)

    def on_selected(self, listener: Callable[[Any], None]) -> None:
        """Call `listener` with the id of the current item, or None."""
        self._workbench.selection_changed.connect(listener)
