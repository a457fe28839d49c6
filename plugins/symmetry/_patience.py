"""Long steps that cannot be interrupted (building a tree of millions of points), and a user who may not want to wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def patiently(work: Callable[[], T], check: Callable[[], None], interval: float = 0.05) -> T:
    """What `work` returns or raises, asking `check` meanwhile; if that raises, the rest of `work` is abandoned.

    `work` runs on a thread of its own, and goes on in the background until its next own check when abandoned: it
    must touch nothing that others use.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # handed to the caller below
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True, name="preparing")
    thread.start()
    while thread.is_alive():
        thread.join(interval)
        check()
    if failed:
        raise failed[0]
    return done[0]
