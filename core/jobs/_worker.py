"""The worker process: `main()` with the folder of segments as the only argument.

Messages are length-prefixed MessagePack on standard input and output; arrays travel as segments. Everything
the work prints goes to standard error, which the parent keeps as the job's log.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import signal
import struct
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from core.drafts import keep_notes
from core.errors import Cancelled, UserError
from core.heap import trim, tune

END = "\0job over\0"
"""Written to standard error after a job, so that the parent knows when it has read all that the job printed."""
IDLE = 0.5
"""Seconds after which a worker without a job gives its free memory back, and gets ready for the first file."""
_LENGTH = struct.Struct("<Q")


def pack(message: Any) -> bytes:
    """One message as the bytes that `read_frame` reads."""
    try:
        body = msgspec.msgpack.encode(message)
    except UnicodeEncodeError:  # a text about a file whose name is no Unicode
        body = msgspec.msgpack.encode(_speakable(message))
    return _LENGTH.pack(len(body)) + body


def _speakable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {k: _speakable(v) for k, v in value.items()}
    return [_speakable(v) for v in value] if isinstance(value, list) else value


def send_frame(stream: BinaryIO, message: Any) -> None:
    """Write one message."""
    stream.write(pack(message))
    stream.flush()


def read_frame(stream: BinaryIO) -> Any:
    """The next message. Raises `EOFError` when the other side is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return msgspec.msgpack.decode(body)


def failure(error: BaseException) -> dict[str, Any]:
    """An exception as the message that the parent turns into `JobFailed`."""
    details = "".join(traceback.format_exception(error))
    kind = type(error).__name__
    if isinstance(error, UserError):
        data = getattr(error, "candidates", None) or getattr(error, "data", None)
        return {
            "event": "failed",
            "message": str(error),
            "details": details,
            "refusal": True,
            "kind": kind,
            "data": data,
        }
    if isinstance(error, MemoryError):
        text = "There is not enough memory for this; close other data or choose a smaller input."
        return {
            "event": "failed",
            "message": text,
            "details": details,
            "refusal": True,
            "kind": kind,
            "data": None,
        }
    reason = next(iter(str(error).strip().splitlines()), "no message")
    text = f"The work broke off with an internal error ({kind}: {reason})."
    return {
        "event": "failed",
        "message": text,
        "details": details,
        "refusal": False,
        "kind": kind,
        "data": None,
    }


class Worker:
    """Runs one job after another until the parent says stop or goes away."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO, folder: Path) -> None:
        from core.jobs._segments import Segments

        self._in = stdin
        self._out = stdout
        self._segments = Segments(folder)
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._current = ""
        self._next: dict[str, Any] | None = None
        self._wake = threading.Condition()

    def _send(self, job: str, message: dict[str, Any]) -> None:
        from core.data import encode

        message = {**message, "job": job}
        if "carried" in message:
            tree, arrays = encode(message["carried"])
            message["carried"] = {"tree": tree, **self._segments.write(arrays)}
        with self._lock:
            send_frame(self._out, message)

    def _listen(self) -> None:
        try:
            while True:
                message = read_frame(self._in)
                with self._wake:
                    if message["do"] == "run":
                        self._current = message["job"]
                        self._cancelled.clear()
                        self._next = message
                        self._wake.notify()
                    elif message["do"] == "cancel" and message["job"] == self._current:
                        self._cancelled.set()
        except (EOFError, OSError):
            # The parent is gone; whatever runs here, or was forked here, has no one to report to.
            if os.name == "posix" and os.getpgrp() == os.getpid():
                os.killpg(0, signal.SIGKILL)
            os._exit(0)

    def run(self) -> None:
        """Serve until the process ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        with self._lock:
            send_frame(self._out, {"event": "ready", "pid": os.getpid()})
        ready = False
        while True:
            with self._wake:
                idle = self._next is None and not self._wake.wait(IDLE)
            if idle and not ready:
                ready = True
                _get_ready()
            if idle:
                self._tidy()
            with self._wake:
                while self._next is None:
                    self._wake.wait()
                message, self._next = self._next, None
            self._work(message)
            del message

    @staticmethod
    def _tidy() -> None:
        """Nothing has come for a while: what the last job left goes back to the system."""
        gc.collect()
        trim()

    def _work(self, message: dict[str, Any]) -> None:
        from core.data import decode
        from core.jobs._job import Job
        from core.jobs._tasks import call

        name = message["job"]
        self._send(name, {"event": "begun"})
        try:
            payload = decode(
                message["payload"]["tree"], self._segments.read(message["payload"], pass_on=False)
            )
            job = Job(
                device=message["device"],
                seed=message["seed"],
                threads=message["threads"],
                send=lambda m: self._send(name, m),
                cancelled=self._cancelled,
                segments=self._segments,
            )
            value = call(message["task"], job, payload)
            _end_of_talk()
            self._send(name, {"event": "done", "carried": value})
        except Cancelled:
            _end_of_talk()
            self._send(name, {"event": "cancelled"})
        except BaseException as error:  # whatever the work raises is its error, not this loop's
            _end_of_talk()
            self._send(name, failure(error))


def _get_ready() -> None:
    """Load what the first file is likely to need while nobody waits for anything."""
    from core.lean import load_nibabel

    with contextlib.suppress(Exception):  # not installed: the reader will say so
        load_nibabel()


def _end_of_talk() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # the work may have closed anything
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.write(2, f"{END}\n".encode())


def main() -> None:
    """Entry point of the worker process."""
    stdin = os.fdopen(os.dup(0), "rb")
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    faulthandler.enable()
    tune()
    keep_notes(Path(sys.argv[1]))
    Worker(stdin, stdout, Path(sys.argv[1])).run()
