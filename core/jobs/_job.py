"""What a running analysis or reader may do to the outside: report, ask whether to stop, draw random numbers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from core.errors import Cancelled

Send = Callable[[dict[str, Any]], None]
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
    """

    def __init__(
        self,
        *,
        device: str = "cpu",
        seed: int = 0,
        threads: int = 1,
        send: Send | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self.device = device
        self.seed = seed
        self.threads = threads
        self.rng = np.random.default_rng(seed)
        self._send = send
        self._cancelled = cancelled or threading.Event()
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
