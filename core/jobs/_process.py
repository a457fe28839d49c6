"""One worker process seen from its parent: starting, feeding, cancelling, killing and burying it."""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from core.data import decode, encode
from core.drafts import remove_drafts
from core.jobs._events import JobFailed, LogLine, State
from core.jobs._handle import Handle, event_of, job_failed
from core.jobs._segments import Segments, take_over
from core.jobs._worker import END, failure, pack, read_frame

GRACE = 0.6
"""Seconds between asking a job to stop and ending its process."""

log = logging.getLogger("equiscope.jobs")


class Owner(Protocol):
    """What a process needs of its runner."""

    lock: threading.RLock
    folder: Path
    segments: Segments
    threads: int
    environment: dict[str, str]
    closed: bool

    def dispatch(self) -> None:
        """Give waiting requests to free processes."""

    def gone(self, process: Process) -> None:
        """The process is dead."""

    def end(self, process: Process, request: Request) -> None:
        """Kill the process if it still has this request."""

    def again(self, request: Request) -> bool:
        """Queue a request once more that its process never began."""


class Request:
    """One try of a job. `begun`: its process has taken it; `dropped`: nothing will be read of it any more."""

    def __init__(
        self,
        handle: Handle,
        task: str,
        payload: dict[str, Any],
        device: str,
        seed: int,
        urgent: bool = False,
    ) -> None:
        self.handle = handle
        self.task = task
        self.payload = payload
        self.device = device
        self.seed = seed
        self.urgent = urgent
        self.sent: dict[str, Any] = {}
        self.begun = False
        self.retried = False
        self.dropped = False

    def drop(self) -> None:
        """Forget the payload and remove the segments that no process has taken."""
        self.dropped = True
        self.payload = {}
        take_over(self.sent)


class Process:
    """One worker process with the two threads that read what it says."""

    def __init__(self, runner: Owner) -> None:
        self.runner = runner
        self.request: Request | None = None
        self.doomed = False
        self.taken = 0
        """Bytes for which it was ended: more than the machine had left."""
        self._sending = threading.Lock()
        self._heard = threading.Event()
        self._errors: collections.deque[str] = collections.deque(maxlen=400)
        threads = str(runner.threads)
        environment = {
            **os.environ,
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            **runner.environment,
        }
        root = str(Path(__file__).resolve().parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (root, environment.get("PYTHONPATH")) if p)
        self.popen = subprocess.Popen(
            # -P: the current folder is the user's data, and no place to import modules from.
            [sys.executable, "-P", "-c", "from core.jobs._worker import main; main()", str(runner.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            # A group of its own: Ctrl+C in a terminal is for the parent alone, and a kill takes along what it forked.
            process_group=0 if os.name == "posix" else None,
        )
        if os.name == "posix":
            threading.Thread(target=self._bury, daemon=True, name="worker-end").start()
        self._stderr = threading.Thread(target=self._read_errors, daemon=True, name="worker-stderr")
        self._reader = threading.Thread(target=self._read, daemon=True, name="worker-stdout")
        self._stderr.start()
        self._reader.start()

    def start(self, request: Request) -> None:
        self.request = request
        self._errors.clear()
        request.handle.started = time.time()
        # Encoding copies arrays that are not shared yet, and the pipe may block: not on the caller's thread.
        threading.Thread(target=self._send_request, args=(request,), daemon=True, name="worker-stdin").start()

    def _send_request(self, request: Request) -> None:
        if not request.handle._turn(State.RUNNING):
            self._over(request, State.CANCELLED)
            return
        try:
            tree, arrays = encode(request.payload)
            request.sent = self.runner.segments.write(arrays)
            frame = pack(
                {
                    "do": "run",
                    "job": request.handle.id,
                    "task": request.task,
                    "payload": {"tree": tree, **request.sent},
                    "device": request.device,
                    "seed": request.seed,
                    "threads": self.runner.threads,
                }
            )
        except Exception as error:
            self._over(request, State.FAILED, error=job_failed(failure(error)))
            return
        if request.dropped:  # it ended while the segments were being written
            request.drop()
            return
        with self._sending:
            if request.handle.state is State.RUNNING:
                self._write(frame)
                return
        self._over(request, State.CANCELLED)

    def _write(self, frame: bytes) -> None:
        assert self.popen.stdin is not None
        # The reader thread sees the death and reports it; a closed pipe is a ValueError.
        with contextlib.suppress(OSError, ValueError):
            self.popen.stdin.write(frame)
            self.popen.stdin.flush()

    def cancel(self, request: Request) -> None:
        if request.handle.state is State.CANCELLING or not request.handle._turn(State.CANCELLING):
            return

        def ask() -> None:
            if self._sending.acquire(
                timeout=GRACE
            ):  # after the request itself, which may still be on its way
                try:
                    self._write(pack({"do": "cancel", "job": request.handle.id}))
                finally:
                    self._sending.release()
            if not request.handle._over.wait(GRACE):
                self.runner.end(self, request)

        threading.Thread(target=ask, daemon=True, name="worker-cancel").start()

    def kill(self) -> None:
        self.doomed = True
        with contextlib.suppress(OSError):
            if self.popen.poll() is not None:
                return
            if os.name == "posix":
                os.killpg(self.popen.pid, signal.SIGKILL)
            else:
                self.popen.kill()

    def _bury(self) -> None:
        """Once the process is dead, end what it forked: such children hold its pipes open."""
        with contextlib.suppress(OSError, AttributeError):  # AttributeError: no waitid on this system
            os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOWAIT)
            os.killpg(self.popen.pid, signal.SIGKILL)

    def join(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(5)
        if threading.current_thread() is not self._reader:
            self._reader.join(5)
        self._stderr.join(5)

    def _over(
        self, request: Request, state: State, value: Any = None, error: JobFailed | None = None
    ) -> None:
        with self.runner.lock:
            if self.request is request:
                self.request = None
        request.handle._turn(state, value, error)
        request.drop()
        self.runner.dispatch()

    def _read(self) -> None:
        stream = self.popen.stdout
        assert stream is not None
        try:
            while True:
                message = read_frame(stream)  # type: ignore[arg-type]
                try:
                    self._handle(message)
                except Exception as error:  # what cannot be understood fails the job, never this thread
                    log.exception("a message of a worker cannot be understood")
                    take_over(message.get("carried") or {})
                    if self.request is not None:
                        self._over(self.request, State.FAILED, error=job_failed(failure(error)))
        except (EOFError, OSError):
            pass
        except Exception:  # no frame at all: from here on nothing it says can be trusted
            log.exception("a worker broke the protocol")
            self.kill()
        self.runner.segments.sweep(self.popen.pid)
        stream.close()
        self.popen.wait()
        remove_drafts(self.runner.folder, self.popen.pid)
        self._stderr.join(2)
        assert self.popen.stdin is not None
        with contextlib.suppress(OSError):  # what was not sent cannot be flushed any more
            self.popen.stdin.close()
        request = self.request
        if request is not None and not request.begun and self.runner.again(request):
            request.drop()
            request = None
        self.runner.gone(self)
        if request is None:
            return
        if request.handle.state is State.CANCELLING or self.runner.closed:
            self._over(request, State.CANCELLED)
        else:
            details = "\n".join(self._errors)
            text = _too_much(self.taken) if self.taken else _death(self.popen.returncode)
            self._over(request, State.FAILED, error=JobFailed(text, details, kind="WorkerDied"))

    def _handle(self, message: dict[str, Any]) -> None:
        request = self.request
        if message["event"] == "ready":
            return
        if request is None or message["job"] != request.handle.id:
            take_over(message.get("carried") or {})
            return
        kind = message["event"]
        if kind in ("done", "cancelled", "failed"):  # first what it printed, which comes by another pipe
            self._heard.wait(0.2)
            self._heard.clear()
        if kind == "begun":
            request.begun = True
        elif kind == "done":
            body = message["carried"]
            value = decode(body["tree"], self.runner.segments.read(body, pass_on=True))
            self._over(request, State.DONE, value)
        elif kind == "cancelled":
            self._over(request, State.CANCELLED)
        elif kind == "failed":
            if request.handle.state is State.CANCELLING:
                self._over(request, State.CANCELLED)
            else:
                self._over(request, State.FAILED, error=job_failed(message))
        else:
            body = message.get("carried")
            output = decode(body["tree"], self.runner.segments.read(body, pass_on=True)) if body else None
            request.handle._emit(event_of(message, output))

    def _read_errors(self) -> None:
        stream = self.popen.stderr
        assert stream is not None
        with contextlib.suppress(ValueError, OSError):
            for raw in stream:
                self._said(raw.decode(errors="replace").rstrip("\n"))
        stream.close()

    def _said(self, line: str) -> None:
        # A function of its own, so that no local of a waiting thread keeps a finished job and its data alive.
        if line.endswith(END):
            line = line.removesuffix(END)
            if line:
                self._said(line)
            self._heard.set()
            return
        self._errors.append(line)
        request = self.request
        if request is not None:
            request.handle._emit(LogLine(line))
        else:
            log.debug("worker: %s", line)


def _too_much(taken: int) -> str:
    return (
        f"The job was stopped because it took {taken / 1e9:.1f} GB, all the memory that this machine has left; nothing "
        "that is open is lost: close other data or choose a smaller input."
    )


def _death(code: int) -> str:
    if code == -signal.SIGKILL:
        return "The job's process was killed, most likely for want of memory; nothing that is open is lost: close other data or choose a smaller input."
    if code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            return f"The job's process crashed ({name}); nothing that is open is lost: the log says where it happened."
    return f"The job's process ended unexpectedly (exit {code}); nothing that is open is lost: the log says more."
