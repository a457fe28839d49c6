"""What makes importing the window quick: to be imported first, and `imported` called last.

PySide6 replaces Python's own `import` to look through the source of each module for its name, so that snake_case
methods could be chosen per module (`from __feature__ import …`), which nothing here does. That took a fifth of all
the time for importing; `restore` takes it back.

Python's collector looks through everything again and again while the modules are loaded, and nothing of them is
rubbish: that took an eighth. It is off until `imported` is called.
"""

from __future__ import annotations

import builtins
import gc

_collecting = gc.isenabled()
gc.disable()

import PySide6.QtCore  # noqa: E402, F401  puts its own there


def restore() -> bool:
    """Whether there was something to take back."""
    original = getattr(builtins, "__orig_import__", None)
    replaced = getattr(builtins, "__feature_import__", None)
    if original is None or builtins.__import__ is not replaced:
        return False
    builtins.__import__ = original
    return True


def imported() -> None:
    """Everything is loaded: the collector is as it was, and takes what there is for old without a look at it."""
    if _collecting:
        gc.freeze()
        gc.unfreeze()
        gc.enable()


restore()
