"""Cases on a cluster of dask.distributed. dask is imported only here, and only when it is asked for."""

from __future__ import annotations

import logging
import queue
import re
import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from core.batch._executor import Fatal, Outcome, Report
from core.batch._remote import marker, run_case
from core.errors import UserError, printable
from core.records import versions

AHEAD = 32
"""Cases handed to the scheduler beyond twice the workers' threads, so that a cluster that grows sees what waits."""
DEATHS = 2
"""So many workers must have died while they ran a case before it is to blame."""
AGAIN = 20
"""How often a case is handed out anew that was not to blame."""
LOOK = 1.0
"""Seconds between two looks at who runs what."""
PATIENCE = 15
"""Seconds to wait for a scheduler to answer."""


class DaskExecutor:
    """Runs each case as a task of the scheduler at `address`.

    A worker that dies leaves its cases to the others; a case whose workers die again and again (the scheduler's
    `allowed-failures`) is a failure like any other.

    Raises
    ------
    UserError : dask is not installed. Fatal : no scheduler answers.
    """

    def __init__(self, address: str, *, threads: int, folder: Path) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UserError("This needs dask: pip install 'equiscope[cluster]'") from None
        _hush()
        self.where = "dask"
        self._address = address
        self._threads = threads
        self._folder = str(folder.absolute())
        self._expected = versions()
        self._token = uuid.uuid4().hex
        _knock(address)
        kind: Any = Client
        self._client: Any = kind.__new__(kind)
        try:
            self._client.__init__(address, timeout=PATIENCE, set_as_default=False, name="equiscope-batch")
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            self._client.status = "closed"  # else it waits half a minute, when it is collected, for nobody
            raise _nobody(address, error) from None
        self._over: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._futures: dict[int, Any] = {}
        self._cases: dict[int, tuple[dict[str, Any], int]] = {}
        self._begun: set[int] = set()
        self._looked = 0.0
        self._stopping = False
        self.slots = 1
        self.remarks: list[str] = []
        self._said: set[str] = set()
        self._look()

    # -- what the driver asks --------------------------------------------------------------------------------

    def room(self) -> int:
        """Twice the cluster's threads and some more."""
        return 2 * self.slots + AHEAD

    def start(self, number: int, case: Mapping[str, Any]) -> None:
        """Take a case."""
        self._cases[number] = (dict(case), 0)
        self._submit(number)

    def _submit(self, number: int) -> None:
        case, again = self._cases[number]
        try:
            future = self._client.submit(
                run_case,
                case,
                self._threads,
                self._expected,
                self._folder,
                key=f"equiscope_case-{self._token}{number:08x}{again:02x}",
                pure=False,
                retries=0,
                priority=-number,
            )
        except Exception as error:
            raise self._lost(error) from error
        self._futures[number] = future
        future.add_done_callback(lambda f: self._over.put((number, f)))

    def poll(self, timeout: float) -> list[Report]:
        """See `Executor`."""
        out: list[Report] = []
        try:
            found = self._over.get(timeout=timeout)
            while True:
                out += self._report(*found)
                found = self._over.get_nowait()
        except queue.Empty:
            pass
        if time.monotonic() - self._looked > LOOK:
            out += self._look()
        return out

    def cancel(self) -> None:
        """Nobody wants the cases any more: those that wait never begin, those that run are ended by their workers."""
        self._stopping = True
        try:
            self._client.cancel(list(self._futures.values()), force=True)
        except Exception as error:
            logging.getLogger("equiscope.batch").info("cancelling failed: %s", error)

    def close(self) -> None:
        """See `Executor`."""
        if self._futures and not self._stopping:
            self.cancel()
        self._futures.clear()
        for case, _ in self._cases.values():
            marker(case["out"]).unlink(missing_ok=True)
        try:
            self._client.close(timeout=5)
        except Exception as error:
            logging.getLogger("equiscope.batch").info("closing failed: %s", error)

    # -- inside ----------------------------------------------------------------------------------------------

    def _look(self) -> list[Report]:
        """How many threads there are now, and which cases have begun."""
        self._looked = time.monotonic()
        if self._client.status in ("closed", "closing"):
            raise self._lost(None)
        try:
            self.slots = max(1, sum(self._client.nthreads().values()))
            going = {k for keys in self._client.processing().values() for k in keys}
        except Exception as error:
            raise self._lost(error) from error
        out = []
        for number, future in self._futures.items():
            if number not in self._begun and future.key in going:
                self._begun.add(number)
                out.append(Report(number))
        return out

    def _report(self, number: int, future: Any) -> list[Report]:
        if number not in self._futures or self._futures[number] is not future:
            return []
        del self._futures[number]
        self._begun.discard(number)
        died = 0
        if future.status == "error" and type(future.exception()).__name__ == "KilledWorker":
            died = self._deaths(number)
            if died < DEATHS and self._cases[number][1] < AGAIN and not self._stopping:
                # It only waited on workers that others have killed.
                case, again = self._cases[number]
                self._cases[number] = (case, again + 1)
                self._submit(number)
                return []
        marker(self._cases.pop(number)[0]["out"]).unlink(missing_ok=True)
        if self._stopping and future.status != "finished":
            return [Report(number, Outcome(stopped=True))]
        if future.status == "finished":
            said = future.result()
            if "refused" in said:
                raise Fatal(f"{said['refused']}.")
            self._compare(said.pop("differ"))
            return [Report(number, msgspec.convert(said, Outcome))]
        if future.status != "error":  # cancelled or lost: by a scheduler that has gone, or by somebody else
            raise self._lost(None)
        return [Report(number, self._failure(future.exception(), died))]

    def _deaths(self, number: int) -> int:
        """How many workers have died while they ran a case; those that had merely taken it do not count."""
        try:
            return marker(self._cases[number][0]["out"]).stat().st_size
        except OSError:
            return 0

    def _failure(self, error: BaseException, died: int) -> Outcome:
        names = [getattr(e, "name", None) or str(e) for e in _chain(error)]
        if any(isinstance(e, ImportError) for e in _chain(error)) and any("core" in str(n) for n in names):
            raise Fatal(
                f"The cluster at {self._address} cannot import Equiscope; "
                "install it in the environment of the scheduler and of the workers."
            ) from None
        if type(error).__name__ == "KilledWorker":
            times = max(died, 1)
            # The scheduler has tried it elsewhere already, so the driver need not.
            text = (
                f"Its worker died {times} times, most likely for want of memory; give the workers more of it."
            )
            return Outcome(error=text, kind="KilledWorker")
        reason = next(iter(str(error).strip().splitlines()), "no message")
        return Outcome(
            error=f"The cluster could not run it ({type(error).__name__}: {reason[:200]}).",
            kind=type(error).__name__,
            details="".join(getattr(error, "__notes__", [])),
        )

    def _compare(self, differ: Mapping[str, str]) -> None:
        for name, words in differ.items():
            if name not in self._said:
                self._said.add(name)
                self.remarks.append(f"a worker has {name} {words}; each record says which ran")

    def _lost(self, error: Exception | None) -> Fatal:
        reason = f" ({type(error).__name__})" if error is not None else ""
        return Fatal(
            f"The scheduler at {self._address} is gone{reason}; start it and run the same command again."
        )


def _knock(address: str) -> None:
    """Raise `Fatal` unless something listens there; dask itself would try for a long time."""
    found = re.fullmatch(r"(?:[a-z]+://)?\[?([^/\[\]]+)\]?:(\d{1,5})", address)
    if found is None or not 0 < int(found[2]) < 65536:
        raise Fatal(f"{printable(address)} is no address of a scheduler; it looks like tcp://HOST:8786.")
    try:
        socket.create_connection((found[1], int(found[2])), timeout=PATIENCE).close()
    except OSError as error:
        raise _nobody(address, error) from None


def _nobody(address: str, error: Exception) -> Fatal:
    reason = getattr(error, "strerror", None) or next(
        iter(str(error).strip().splitlines()), type(error).__name__
    )
    return Fatal(f"No scheduler answers at {address} ({reason[:160]}); check that it runs.")


def _chain(error: BaseException | None) -> list[BaseException]:
    out: list[BaseException] = []
    while error is not None and len(out) < 10:
        out.append(error)
        error = error.__cause__ or error.__context__
    return out


def _hush() -> None:
    """What happens to a cluster is told in our sentences, not in tracebacks of its client's log."""
    for name in (
        "distributed",
        "distributed.client",
        "distributed.core",
        "distributed.comm",
        "tornado.application",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)
