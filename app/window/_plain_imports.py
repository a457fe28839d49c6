"""Python's own `import` again, once PySide6 has been imported. To be imported before everything that comes after it.

PySide6 replaces it to look through the source of each module for its name, so that snake_case methods could be chosen
per module (`from __feature__ import …`), which nothing here does. That took a fifth of all the time for importing.
"""

from __future__ import annotations

import builtins

import PySide6.QtCore  # noqa: F401  puts its own there


def restore() -> bool:
    """Whether there was something to take back."""
    original = getattr(builtins, "__orig_import__", None)
    replaced = getattr(builtins, "__feature_import__", None)
    if original is None or builtins.__import__ is not replaced:
        return False
    builtins.__import__ = original
    return True


restore()
