"""Loading ahead what a result will need: on the window's thread pyqtgraph alone would keep it for a third of a second.

Nothing is loaded on suspicion: a run has begun, or a file that is drawn as a plot or a table is being read, and the
worker needs a while.
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
    if _begun or all(m in sys.modules for m in MODULES):
        return
    opened = task.name == "open_path" and any(
        r.kind in PLOTTED for r in workbench.host.readers_for(task.title)
    )
    if task.name == "run" or opened:
        _begin()


def _begin() -> None:
    thread = threading.Thread(target=_load, name="load-plots", daemon=True)
    _begun.append(thread)
    thread.start()


def _load() -> None:
    try:
        for module in MODULES:
            importlib.import_module(module)
    except Exception:
        log.exception("loading plots ahead")  # whoever needs them will say what is wrong
