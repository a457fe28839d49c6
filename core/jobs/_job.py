"""What a running analysis or reader may do to the outside: report, ask whether to stop, draw random numbers."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from core.errors import Cancelled
from core.jobs._segments import Segments

Send = Callable[[dict[str, Any]], None]
_COPIED = 1 << 20
"""Bytes up to which a result is copied on its way to the window: a shared file costs more."""
log = logging.getLogger("equiscope.job")


class Job:
    """Handed to every reader and analysis. It never knows whether a window listens.

    Attributes
    ----------
    device : "cpu" or "cuda:N"; what torch code should run on.
    seed : the seed of this run.
    rng : NumPy generator seeded with `seed`; the only source of randomness an analysis may use
        (torch code seeds a `torch.Generator` with `seed`).
    threads : number of CPU threads this run may use.
    trusted : hashes of models of the user's own that she allows for this run (`core.trust`), beside those that she
        trusts for good. No part of the run's record: a record cannot allow itself anything.
    versions : what the work adds to the versions in the record, e.g. those of another interpreter.
    """

    def __init__(
        self,
        *,
        device: str = "cpu",
        seed: int = 0,
        threads: int = 1,
        send: Send | None = None,
        cancelled: threading.Event | None = None,
        segments: Segments | None = None,
    ) -> None:
        self.device = device
        self.seed = seed
        self.threads = threads
        self.trusted: frozenset[str] = frozenset()
        self.versions: dict[str, str] = {}
        self.rng = np.random.default_rng(seed)
        self._send = send
        self._cancelled = cancelled or threading.Event()
        self._segments = segments if hasattr(os, "posix_fallocate") else None
        self._last_progress = 0.0

    def progress(self, fraction: float, text: str = "") -> None:
        """Report how much is done (0..1) and what is being done. Also a cancellation point.

        At most 20 reports a second are passed on, so tight loops may call it freely.
        """
        self.check()
        now = time.monotonic()
        if now - self._last_progress >= 0.05 or fraction >= 1.0:
            self._last_progress = now
            self._emit({"event": "progress", "fraction": min(1.0, max(0.0, float(fraction))), "text": text})

    def check(self) -> None:
        """Raise `Cancelled` if the user has asked this job to stop. Call it at least every half second."""
        if self._cancelled.is_set():
            raise Cancelled

    def empty(
        self,
        shape: int | tuple[int, ...],
        dtype: DTypeLike = np.float64,
        order: Literal["C", "F"] = "C",
        *,
        reserve: bool = True,
    ) -> NDArray[Any]:
        """Like `numpy.empty`, for a large array that is to be returned: it reaches the window without a copy.

        Without `reserve` nothing is set aside yet: call `reserve(array, bytes)` before its first so many bytes are
        written. For files whose header may lie about their size.

        Raises
        ------
        MemoryError : there is no room.
        """
        kind = np.dtype(dtype)
        extent = (shape,) if isinstance(shape, int) else tuple(shape)
        size = math.prod(extent) * kind.itemsize
        if self._segments is None or size <= _COPIED or kind.hasobject:
            return np.empty(extent, kind, order)
        try:
            return self._segments.room(size, reserve=reserve).view(kind).reshape(extent, order=order)
        except OSError as error:
            raise MemoryError(f"no room for {size} bytes of shared memory") from error

    def reserve(self, array: NDArray[Any], n_bytes: int) -> None:
        """Set memory aside for the first `n_bytes` of an array of `empty`; `MemoryError` where there is none."""
        if self._segments is not None:
            try:
                self._segments.reserve(array, min(n_bytes, array.nbytes))
            except OSError as error:
                raise MemoryError(f"no room for {n_bytes} bytes of shared memory") from error

    def metric(self, name: str, value: float, step: float | None = None) -> None:
        """One point of a live curve (a loss, an error) against `step`."""
        self._emit({"event": "metric", "name": name, "value": float(value), "step": step})

    def log(self, text: str) -> None:
        """A line for the log."""
        log.info("%s", text)
        self._emit({"event": "log", "text": text})

    def preview(self, output: Any) -> None:
        """An unfinished result (`core.results` output) to be shown while the job goes on."""
        self._emit({"event": "preview", "carried": output})

    def _emit(self, message: dict[str, Any]) -> None:
        if self._send is not None:
            self._send(message)
