"""Loading ahead what a file or a result will need: pyqtgraph alone would keep the window's thread for a third of a second.

Nothing is loaded on suspicion: a run has begun, or a file is being read, and the worker needs a while.
"""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.tasks import Task
    from app.window.workbench import Workbench

log = logging.getLogger(__name__)
PLOTTED = ("table", "signal", "checkpoint", "graph")
"""Kinds of files whose views come from `app.plots`."""
MODULES = ("app.plots.checkpoint", "app.plots.figure", "app.plots.table")
FIELDS = tuple(f"app.panels.display.{m}" for m in ("volume", "markup", "surface", "points", "trajectory"))
"""The fields of the display of every kind of item."""
OPENING = ("open_path", "open_session")
_fields: list[threading.Thread] = []
_begun: list[threading.Thread] = []


def load_plots_ahead(workbench: Workbench) -> None:
    """From now on `app.plots` is loaded in a thread as soon as it is going to be needed."""
    workbench.task_added.connect(lambda task: _on_task(workbench, task))


def plots_ready() -> bool:
    """Whether a plot can be made without loading anything; if not, a thread begins to load what it needs.

    Whoever asks waits a few turns of the event loop and asks again. Loading that has failed counts as ready: the
    import will then say in the window's thread what is wrong.
    """
    if _begun:
        return not _begun[0].is_alive()
    if all(m in sys.modules for m in MODULES):
        return True
    _begin()
    return False


def quick_turns() -> None:
    """Let threads hand Python's lock over after half a millisecond instead of five.

    Each call into Qt of the window's thread may have to ask for it again; with a thread at work beside it, a panel
    that is filled by twenty calls took a tenth of a second.
    """
    sys.setswitchinterval(0.0005)


def _on_task(workbench: Workbench, task: Task) -> None:
    if task.name in OPENING and not _fields and any(m not in sys.modules for m in FIELDS):
        _fields.append(_load_in_thread("load-fields", FIELDS))
    if _begun or all(m in sys.modules for m in MODULES):
        return
    opened = task.name == "open_path" and any(
        r.kind in PLOTTED for r in workbench.host.readers_for(task.title)
    )
    if task.name == "run" or opened:
        _begin()


def _begin() -> None:
    _begun.append(_load_in_thread("load-plots", MODULES))


def _load_in_thread(name: str, modules: tuple[str, ...]) -> threading.Thread:
    thread = threading.Thread(target=_load, args=(modules,), name=name, daemon=True)
    thread.start()
    return thread


def _load(modules: tuple[str, ...]) -> None:
    try:
        for module in modules:
            importlib.import_module(module)
    except Exception:
        log.exception("loading ahead")  # whoever needs them will say what is wrong
