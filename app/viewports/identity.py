"""Which object it is: numbers for the keys of what is kept. `id` is given to another object once the first is gone."""

from __future__ import annotations

from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

_numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_next = count(1)


def serial(data: Any) -> int:
    """A number that this object has for as long as it lives, and no other one ever. Thread-safe."""
    found = _numbers.get(data)
    # Of two threads that ask first at the same time, both get what the dictionary kept.
    return _numbers.setdefault(data, next(_next)) if found is None else found
