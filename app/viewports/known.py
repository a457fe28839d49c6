"""What was worked out about data objects and costs memory: forgotten once they are closed, though undo may keep them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

K = TypeVar("K")
V = TypeVar("V")
_all: list[Known[Any, Any]] = []


class Known(WeakKeyDictionary[K, V]):
    """By data object; one of these a module, made when it is imported."""

    def __init__(self) -> None:
        super().__init__()
        _all.append(self)


def forget(closed: Iterable[Any]) -> None:
    """Let go of everything about these objects. Shown once more, it is worked out once more."""
    for data in closed:
        for known in _all:
            known.pop(data, None)
