"""Asking where to write: the ending that belongs there, and nothing that is there already without a question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.window.dialogs import ask_to_replace
from core.document import Item
from core.opening import SAMPLE


def ask_save(
    parent: QWidget,
    title: str,
    start: Path,
    filters: Sequence[str],
    *,
    endings: Sequence[Sequence[str]] = (),
) -> tuple[Path, int] | None:
    """(where to write, which of the filters was chosen); None if the user changes her mind.

    `endings`: for each filter the endings (".png") that suit it. A name without one of the chosen filter's, or of any
    other's, gets the first of the chosen filter's. The dialog has asked about the name that was typed; about one that
    became another this asks.
    """
    typed, chosen = QFileDialog.getSaveFileName(parent, title, str(start), ";;".join(filters))
    if not typed:
        return None
    number = filters.index(chosen) if chosen in filters else 0
    path = Path(typed)
    known = [e.lower() for several in endings for e in several]
    if known and not any(path.name.lower().endswith(e) and path.name.lower() != e for e in known):
        path = path.with_name(path.name + endings[number][0])
        if path.exists() and not ask_to_replace(path.name, parent):
            return None
    return path, number


def is_original(path: Path, items: Iterable[Item]) -> bool:
    """Whether an open item was read from this file: an original is never written to."""
    for item in items:
        if item.source is None or item.source.path.startswith(SAMPLE):
            continue
        try:
            if path.exists() and path.samefile(item.source.path):
                return True
        except OSError:
            continue
    return False
