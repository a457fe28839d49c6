"""Threads for what drawing and picking need but must not wait for: search trees, contours, glyphs. No Qt."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

log = logging.getLogger(__name__)
_pool: list[ThreadPoolExecutor] = []


def submit(work: Callable[[], Any]) -> Future[Any]:
    """Run `work` in a thread; it must not touch a widget or a VTK object that is being drawn."""
    if not _pool:
        _pool.append(ThreadPoolExecutor(max_workers=2, thread_name_prefix="viewport-background"))
    return _pool[0].submit(work)


class Latest:
    """The newest of a row of computations: what was asked for before the last wish is skipped or forgotten."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._future: Future[Any] | None = None
        self._error = ""

    def want(self, key: Hashable, work: Callable[[], Any]) -> None:
        """Ask for the result of `work` unless it is what was asked for last, by its `key`."""
        if key == self._key:
            return
        self._key, self._error = key, ""
        if self._future is not None:
            self._future.cancel()
        self._future = submit(work)

    def take(self, wait: bool = False) -> Any:
        """A finished result, once; None if there is none (yet). Raises what `work` raised, until another is wanted."""
        if self._error:
            raise RuntimeError(self._error)
        future = self._future
        if future is None or not (wait or future.done()):
            return None
        self._future = None
        try:
            return future.result()
        except Exception as error:
            # The words alone: an error holds on to the data that it was raised about.
            self._error = str(error) or type(error).__name__
            raise

    @property
    def pending(self) -> bool:
        """Whether a result is still to come."""
        return self._future is not None

    @property
    def ready(self) -> bool:
        """Whether `take` would give one (or raise)."""
        return self._future is not None and self._future.done()

    def forget(self) -> None:
        """Nothing is wanted any more."""
        self._key, self._error = None, ""
        if self._future is not None:
            self._future.cancel()
            self._future = None
