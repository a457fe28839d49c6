"""Runners: the same jobs in warm worker processes, or in this process."""

from __future__ import annotations

import atexit
import collections
import contextlib
import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from core.data import decode, encode
from core.errors import Cancelled
from core.jobs._events import Event, JobFailed, LogLine, Metric, Preview, Progress, State, StateChanged
from core.jobs._job import Job
from core.jobs._segments import Segments, make_folder, take_over
from core.jobs._worker import failure, read_frame, send_frame

GRACE = 0.6
"""Seconds between asking a job to stop and ending its process."""

log = logging.getLogger("equiscope.jobs")
Listener = Callable[["Handle", Event], None]


class Handle:
    """A submitted job. Listeners are called on a thread of the runner's; the window queues them to its own."""

    def __init__(self, id: str, title: str, task: str) -> None:
        self.id = id
        self.title = title
        self.task = task
        self.state = State.QUEUED
        self.progress = Progress(0.0)
        self.submitted = time.time()
        self.started: float | None = None
        self.finished: float | None = None
        self.lines: collections.deque[str] = collections.deque(maxlen=2000)
        self._value: Any = None
        self._error: JobFailed | None = None
        self._over = threading.Event()
        self._listeners: list[Listener] = []
        self._cancel: Callable[[], None] = lambda: None

    def cancel(self) -> None:
        """Ask the job to stop; its process is ended if it has not stopped within `GRACE`. Harmless if it is over."""
        self._cancel()

    def done(self) -> bool:
        """Whether it is over, in whichever way."""
        return self._over.is_set()

    def result(self, timeout: float | None = None) -> Any:
        """What the job returned; waits for it.

        Raises
        ------
        JobFailed : it failed. Cancelled : it was cancelled. TimeoutError : not over in time.
        """
        if not self._over.wait(timeout):
            raise TimeoutError(f"{self.title} is still running")
        if self._error is not None:
            raise self._error
        if self.state is State.CANCELLED:
            raise Cancelled
        return self._value

    @property
    def error(self) -> JobFailed | None:
        """Why it failed, if it did."""
        return self._error

    def _emit(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.progress = event
        elif isinstance(event, LogLine):
            self.lines.append(event.text)
        for listener in list(self._listeners):
            try:
                listener(self, event)
            except Exception:
                log.exception("a listener of job %s failed", self.title)

    def _finish(self, state: State, value: Any = None, error: JobFailed | None = None) -> None:
        self._value, self._error = value, error
        self.finished = time.time()
        self.state = state
        self._over.set()
        self._emit(StateChanged(state))
        # What a job was given and what it returned now belong to those who asked.
        self._listeners.clear()


class Runner(Protocol):
    """Runs tasks of `core.tasks`."""

    def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        title: str = "",
        device: str = "cpu",
        seed: int = 0,
        listener: Listener | None = None,
    ) -> Handle:
        """Start a task as soon as possible; returns at once."""

    def close(self) -> None:
        """Cancel everything and end the workers."""


class InlineRunner:
    """Runs each job to its end inside `submit`: for tests and debugging. No isolation, no copies."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._ids = itertools.count(1)
        self._threads = threads or default_threads()

    def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        title: str = "",
        device: str = "cpu",
        seed: int = 0,
        listener: Listener | None = None,
    ) -> Handle:
        from core.jobs._tasks import call

        handle = Handle(f"inline-{next(self._ids)}", title or task, task)
        if listener is not None:
            handle._listeners.append(listener)
        cancelled = threading.Event()
        handle._cancel = cancelled.set

        def send(message: dict[str, Any]) -> None:
            handle._emit(_event(message, message.get("carried")))

        job = Job(device=device, seed=seed, threads=self._threads, send=send, cancelled=cancelled)
        handle.started = time.time()
        handle.state = State.RUNNING
        handle._emit(StateChanged(State.RUNNING))
        try:
            value = call(task, job, dict(payload))
        except Cancelled:
            handle._finish(State.CANCELLED)
        except Exception as error:
            handle._finish(State.FAILED, error=_failed(failure(error)))
        else:
            handle._finish(State.DONE, value)
        return handle

    def close(self) -> None:
        """Nothing to end."""


class WorkerRunner:
    """Runs jobs in warm worker processes.

    Parameters
    ----------
    workers : how many jobs may run at once.
    threads : CPU threads each job may use.
    environment : extra environment variables of the workers.
    """

    def __init__(
        self, *, workers: int = 2, threads: int | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._limit = workers
        self.threads = threads or default_threads()
        self._environment = dict(environment or {})
        self._folder = make_folder()
        self._segments = Segments(self._folder)
        self._lock = threading.RLock()
        self._queue: collections.deque[_Request] = collections.deque()
        self._processes: list[_Process] = []
        self._ids = itertools.count(1)
        self._closed = False
        atexit.register(self.close)

    def warm(self) -> None:
        """Start a worker now, so that the first job finds one."""
        with self._lock:
            if not self._processes and not self._closed:
                self._processes.append(_Process(self))

    def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        title: str = "",
        device: str = "cpu",
        seed: int = 0,
        listener: Listener | None = None,
    ) -> Handle:
        handle = Handle(f"job-{next(self._ids)}", title or task, task)
        if listener is not None:
            handle._listeners.append(listener)
        request = _Request(handle, task, dict(payload), device, seed)
        handle._cancel = lambda: self._cancel(request)
        with self._lock:
            if self._closed:
                raise RuntimeError("the runner is closed")
            self._queue.append(request)
            self._dispatch()
        return handle

    def pids(self) -> list[int]:
        """The process ids of the living workers."""
        with self._lock:
            return [p.popen.pid for p in self._processes if p.popen.poll() is None]

    def close(self) -> None:
        """Cancel everything, end the workers and remove the segments' folder."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            waiting = list(self._queue)
            self._queue.clear()
            processes = list(self._processes)
        for request in waiting:
            request.handle._finish(State.CANCELLED)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(Exception):
            atexit.unregister(self.close)

    # -- inside ----------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        with self._lock:
            while self._queue and not self._closed:
                process = next((p for p in self._processes if p.request is None), None)
                if process is None and len(self._processes) < self._limit:
                    process = _Process(self)
                    self._processes.append(process)
                if process is None:
                    return
                process.start(self._queue.popleft())

    def _cancel(self, request: _Request) -> None:
        with self._lock:
            if request in self._queue:
                self._queue.remove(request)
                request.handle._finish(State.CANCELLED)
                return
            process = next((p for p in self._processes if p.request is request), None)
        if process is not None:
            process.cancel(request)

    def _gone(self, process: _Process) -> None:
        with self._lock:
            if process in self._processes:
                self._processes.remove(process)
            self._dispatch()


class _Request:
    def __init__(self, handle: Handle, task: str, payload: dict[str, Any], device: str, seed: int) -> None:
        self.handle = handle
        self.task = task
        self.payload = payload
        self.device = device
        self.seed = seed


class _Process:
    """One worker process with the two threads that read what it says."""

    def __init__(self, runner: WorkerRunner) -> None:
        self.runner = runner
        self.request: _Request | None = None
        self._killed = False
        self._errors: collections.deque[str] = collections.deque(maxlen=400)
        threads = str(runner.threads)
        environment = {
            **os.environ,
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            **runner._environment,
        }
        root = str(Path(__file__).resolve().parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (root, environment.get("PYTHONPATH")) if p)
        self.popen = subprocess.Popen(
            [sys.executable, "-c", "from core.jobs._worker import main; main()", str(runner._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        self._stderr = threading.Thread(target=self._read_errors, daemon=True, name="worker-stderr")
        self._reader = threading.Thread(target=self._read, daemon=True, name="worker-stdout")
        self._stderr.start()
        self._reader.start()

    def start(self, request: _Request) -> None:
        self.request = request
        self._errors.clear()
        handle = request.handle
        handle.started = time.time()
        handle.state = State.RUNNING
        # Encoding copies arrays that are not shared yet, and the pipe may block: not on the caller's thread.
        threading.Thread(target=self._send_request, args=(request,), daemon=True, name="worker-stdin").start()

    def _send_request(self, request: _Request) -> None:
        request.handle._emit(StateChanged(State.RUNNING))
        try:
            tree, arrays = encode(request.payload)
            message = {
                "do": "run",
                "job": request.handle.id,
                "task": request.task,
                "payload": {"tree": tree, **self.runner._segments.write(arrays)},
                "device": request.device,
                "seed": request.seed,
                "threads": self.runner.threads,
            }
        except Exception as error:
            self._over(request, State.FAILED, error=_failed(failure(error)))
            return
        assert self.popen.stdin is not None
        with contextlib.suppress(OSError):  # the reader thread sees the death and reports it
            send_frame(self.popen.stdin, message)  # type: ignore[arg-type]

    def cancel(self, request: _Request) -> None:
        request.handle.state = State.CANCELLING
        request.handle._emit(StateChanged(State.CANCELLING))

        def ask() -> None:
            assert self.popen.stdin is not None
            with contextlib.suppress(OSError):
                send_frame(self.popen.stdin, {"do": "cancel", "job": request.handle.id})  # type: ignore[arg-type]
            if not request.handle._over.wait(GRACE) and self.request is request:
                self.kill()

        threading.Thread(target=ask, daemon=True, name="worker-cancel").start()

    def kill(self) -> None:
        self._killed = True
        with contextlib.suppress(OSError):
            self.popen.kill()

    def join(self) -> None:
        self.popen.wait(5)
        if threading.current_thread() is not self._reader:
            self._reader.join(5)
        self._stderr.join(5)

    def _over(
        self, request: _Request, state: State, value: Any = None, error: JobFailed | None = None
    ) -> None:
        with self.runner._lock:
            if self.request is request:
                self.request = None
        request.handle._finish(state, value, error)
        request.payload = {}
        self.runner._dispatch()

    def _read(self) -> None:
        stream = self.popen.stdout
        assert stream is not None
        with contextlib.suppress(EOFError, OSError):
            while True:
                message = read_frame(stream)  # type: ignore[arg-type]
                try:
                    self._handle(message)
                except Exception as error:  # what cannot be understood fails the job, never this thread
                    log.exception("a message of a worker cannot be understood")
                    if self.request is not None:
                        self._over(self.request, State.FAILED, error=_failed(failure(error)))
        stream.close()
        self.popen.wait()
        self._stderr.join(2)
        assert self.popen.stdin is not None
        with contextlib.suppress(OSError):  # what was not sent cannot be flushed any more
            self.popen.stdin.close()
        self.runner._gone(self)
        request = self.request
        if request is None:
            return
        if request.handle.state is State.CANCELLING or self.runner._closed:
            self._over(request, State.CANCELLED)
        else:
            details = "\n".join(self._errors)
            self._over(
                request,
                State.FAILED,
                error=JobFailed(_death(self.popen.returncode), details, kind="WorkerDied"),
            )

    def _handle(self, message: dict[str, Any]) -> None:
        request = self.request
        if message["event"] == "ready":
            return
        if request is None or message["job"] != request.handle.id:
            take_over(message.get("carried") or {})
            return
        kind = message["event"]
        if kind == "done":
            body = message["carried"]
            value = decode(body["tree"], self.runner._segments.read(body, pass_on=True))
            self._over(request, State.DONE, value)
        elif kind == "cancelled":
            self._over(request, State.CANCELLED)
        elif kind == "failed":
            if request.handle.state is State.CANCELLING:
                self._over(request, State.CANCELLED)
            else:
                self._over(request, State.FAILED, error=_failed(message))
        else:
            body = message.get("carried")
            output = decode(body["tree"], self.runner._segments.read(body, pass_on=True)) if body else None
            request.handle._emit(_event(message, output))

    def _read_errors(self) -> None:
        stream = self.popen.stderr
        assert stream is not None
        with contextlib.suppress(ValueError, OSError):
            for raw in stream:
                self._said(raw.decode(errors="replace").rstrip("\n"))
        stream.close()

    def _said(self, line: str) -> None:
        # A function of its own, so that no local of a waiting thread keeps a finished job and its data alive.
        self._errors.append(line)
        request = self.request
        if request is not None:
            request.handle._emit(LogLine(line))
        else:
            log.debug("worker: %s", line)


def _event(message: dict[str, Any], output: Any) -> Event:
    kind = message["event"]
    if kind == "progress":
        return Progress(message["fraction"], message["text"])
    if kind == "metric":
        return Metric(message["name"], message["value"], message["step"])
    if kind == "preview":
        return Preview(output)
    return LogLine(message["text"])


def _failed(message: dict[str, Any]) -> JobFailed:
    return JobFailed(
        message["message"],
        message["details"],
        refusal=message["refusal"],
        kind=message["kind"],
        data=message.get("data"),
    )


def _death(code: int) -> str:
    if code == -signal.SIGKILL:
        return "The job's process was killed, most likely for want of memory; nothing that is open is lost: close other data or choose a smaller input."
    if code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            return f"The job's process crashed ({name}); nothing that is open is lost: the log says where it happened."
    return f"The job's process ended unexpectedly (exit {code}); nothing that is open is lost: the log says more."


def default_threads() -> int:
    """CPU threads a job may use: the cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
