"""Names of gestures, by which edits become one to undo (`core.document.Document.apply`)."""

from __future__ import annotations

from itertools import count

from core.document import ONE_DRAG

_numbers = count(1)
"""Of the whole program: a slider that is made anew must not go on with a drag of the one before."""


def drag(name: str) -> str:
    """For one drag, from the press to the release, however long the hand rests in it."""
    return f"{name}{ONE_DRAG}{next(_numbers)}"


def steps(name: str) -> str:
    """For steps by key that follow each other quickly."""
    return f"{name}:{next(_numbers)}"
