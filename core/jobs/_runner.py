"""Runners: the same jobs in warm worker processes, or in this process."""

from __future__ import annotations

import atexit
import collections
import contextlib
import itertools
import os
import shutil
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from core.drafts import keep_notes, notes_folder, remove_drafts
from core.errors import Cancelled
from core.jobs import _memory
from core.jobs._events import JobFailed, State
from core.jobs._handle import Handle, Listener, event_of, job_failed
from core.jobs._job import Job
from core.jobs._process import Process, Request
from core.jobs._segments import Segments, make_folder
from core.jobs._worker import failure


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
        urgent: bool = False,
        listener: Listener | None = None,
    ) -> Handle:
        """Start a task as soon as possible; returns at once. An `urgent` one waits for no other that is not."""

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
        urgent: bool = False,
        listener: Listener | None = None,
    ) -> Handle:
        from core.jobs._tasks import call

        handle = Handle(f"inline-{next(self._ids)}", title or task, task)
        if listener is not None:
            handle._listeners.append(listener)
        cancelled = threading.Event()
        handle._cancel = cancelled.set

        def send(message: dict[str, Any]) -> None:
            handle._emit(event_of(message, message.get("carried")))

        job = Job(device=device, seed=seed, threads=self._threads, send=send, cancelled=cancelled)
        handle.started = time.time()
        handle._turn(State.RUNNING)
        try:
            value = call(task, job, dict(payload))
        except Cancelled:
            handle._turn(State.CANCELLED)
        except Exception as error:
            handle._turn(State.FAILED, error=job_failed(failure(error)))
        else:
            handle._turn(State.DONE, value)
        return handle

    def close(self) -> None:
        """Nothing to end."""


class WorkerRunner:
    """Runs jobs in warm worker processes.

    Parameters
    ----------
    workers : how many jobs may run at once; an urgent one may be one more.
    threads : CPU threads each job may use.
    environment : extra environment variables of the workers.
    """

    def __init__(
        self, *, workers: int = 2, threads: int | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._limit = workers
        self.threads = threads or default_threads()
        self.environment = dict(environment or {})
        self.folder = make_folder()
        keep_notes(self.folder)
        self.segments = Segments(self.folder)
        self.lock = threading.RLock()
        self._queue: collections.deque[Request] = collections.deque()
        self._processes: list[Process] = []
        self._ids = itertools.count(1)
        self.closed = False
        self._watcher: threading.Thread | None = None
        _raise_file_limit()
        atexit.register(self.close)

    def warm(self) -> None:
        """Start a worker now, so that the first job finds one."""
        with self.lock, contextlib.suppress(OSError):  # the first job will say what is wrong
            if not self._processes and not self.closed:
                self._processes.append(Process(self))

    def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        title: str = "",
        device: str = "cpu",
        seed: int = 0,
        urgent: bool = False,
        listener: Listener | None = None,
    ) -> Handle:
        handle = Handle(f"job-{next(self._ids)}", title or task, task)
        if listener is not None:
            handle._listeners.append(listener)
        request = Request(handle, task, dict(payload), device, seed, urgent)
        with self.lock:
            if self.closed:
                raise RuntimeError("the runner is closed")
            handle._cancel = lambda: self._cancel(handle)
            # Urgent ones keep their order: of two that save, the later must be the last.
            last = max((n for n, r in enumerate(self._queue) if r.urgent), default=-1)
            place = last + 1 if urgent else len(self._queue)
            self._queue.insert(place, request)
        self.dispatch()
        return handle

    def pids(self) -> list[int]:
        """The process ids of the living workers."""
        with self.lock:
            return [p.popen.pid for p in self._processes if p.popen.poll() is None]

    def close(self) -> None:
        """Cancel everything, end the workers and remove the segments' folder."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            waiting = list(self._queue)
            self._queue.clear()
            processes = list(self._processes)
        for request in waiting:
            request.handle._turn(State.CANCELLED)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        remove_drafts(self.folder)
        if notes_folder() == self.folder:
            keep_notes(None)
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(Exception):
            atexit.unregister(self.close)

    # -- inside ----------------------------------------------------------------------------------------------

    def dispatch(self) -> None:
        with self.lock:
            refused: tuple[Request, OSError] | None = None
            while self._queue and not self.closed:
                limit = self._limit + self._queue[0].urgent
                if sum(p.request is not None for p in self._processes) >= limit:
                    break
                process = next((p for p in self._processes if p.request is None and not p.doomed), None)
                if process is None and len(self._processes) < limit:
                    try:
                        process = Process(self)
                    except OSError as trouble:
                        if not self._processes:  # else one of those will come to it
                            refused = self._queue.popleft(), trouble
                        break
                    self._processes.append(process)
                if process is None:
                    break
                process.start(self._queue.popleft())
                if self._watcher is None and os.name == "posix":
                    self._watcher = threading.Thread(target=self._watch, daemon=True, name="jobs-memory")
                    self._watcher.start()
        if refused is not None:
            request, error = refused
            text = f"No process can be started for this ({error.strerror or error}); close other programs and try again."
            request.handle._turn(State.FAILED, error=JobFailed(text, kind="NoProcess"))
            self.dispatch()

    def _watch(self) -> None:
        """While anything runs: end the worker that takes the last of the machine's memory."""
        while (pause := self._look_at_memory()) is not None:
            time.sleep(pause)

    def _look_at_memory(self) -> float | None:
        # A function of its own, so that no local of a waiting thread keeps a finished job and its data alive.
        with self.lock:
            busy = [p for p in self._processes if p.request is not None and not p.doomed]
            if not busy or self.closed:
                self._watcher = None
                return None
            there, kept = _memory.left(), _memory.reserve()
            if there is None or there >= 6 * kept:
                return 0.3
            if there < kept:
                taken, process = max(((_memory.resident(p.popen.pid), p) for p in busy), key=lambda t: t[0])
                # A worker that holds little is not to blame; ending it would help nobody.
                if taken > max(there, kept):
                    process.taken = taken
                    process.kill()
            # Memory goes at some gigabytes a second: the less there is, the oftener one has to look.
            return 0.05

    def _cancel(self, handle: Handle) -> None:
        with self.lock:
            waiting = next((r for r in self._queue if r.handle is handle), None)
            if waiting is not None:
                self._queue.remove(waiting)
            process = next((p for p in self._processes if p.request and p.request.handle is handle), None)
            request = process.request if process is not None else None
        if waiting is not None:
            handle._turn(State.CANCELLED)
        elif process is not None and request is not None:
            process.cancel(request)

    def end(self, process: Process, request: Request) -> None:
        """End a process that still has `request`; never one that has gone on to another job meanwhile."""
        with self.lock:
            if process.request is request:
                process.kill()

    def gone(self, process: Process) -> None:
        with self.lock:
            if process in self._processes:
                self._processes.remove(process)
        self.dispatch()

    def again(self, request: Request) -> bool:
        """Queue a request once more whose process was found dead before it began; not twice."""
        with self.lock:
            if request.retried or self.closed or request.handle.state is not State.RUNNING:
                return False
            fresh = Request(
                request.handle, request.task, request.payload, request.device, request.seed, request.urgent
            )
            fresh.retried = True
            self._queue.appendleft(fresh)
        return True


def _raise_file_limit() -> None:
    """Let this process hold as many files as it may: each large array that is open keeps one descriptor."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def default_threads() -> int:
    """CPU threads a job may use: the cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
