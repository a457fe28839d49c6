"""Our end of the bridge: a user's model in a process of its own, started, fed, listened to and ended here.

What had to be seen to:

1. Nothing of ours is on the child's path, and no environment variable of ours leads it there.
2. Compiled files beside her sources (`__pycache__`) could hold other code than the sources that were hashed: Python is
   told to look for them in an empty folder.
3. A cancelled or broken call leaves half a frame on the socket: the process ends with it, and all that it started.
4. If our own process is killed, nobody is left to end the child; a guard process of ours does (`_guard`).
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.bridge import child
from core.bridge._guard import VARIABLE, end_all
from core.errors import UserError

Array = NDArray[Any]
POLL = 50
"""Milliseconds between two looks whether the user has cancelled."""
START = 60.0
"""Seconds within which an interpreter has to start and import NumPy."""
LINE = 2000
"""Characters of a printed line that are kept."""
LINES = 5000
"""Printed lines that are passed on; a model that prints without end fills no log."""
LAST = 12
OURS = ["app", "core", "plugins", "resources"]
"""Our packages, which her code never means."""
_VARIABLES = (
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "PYTHONSAFEPATH",
    "PYTHONINSPECT",
    "__PYVENV_LAUNCHER__",
)


class ModelError(UserError):
    """A model that did not do what it was asked to: it raised, crashed, or returned something else than arrays."""


class _Channel(child.Channel):
    """Our end of the socket: while the other side is slow, look whether the user has cancelled or time is up."""

    def __init__(self, sock: socket.socket, check: Callable[[], None]) -> None:
        super().__init__(sock)
        self.check = check
        self.deadline: float | None = None

    def pause(self) -> None:
        self.check()

    def wait(self, write: bool) -> None:
        self.check()
        while not self.poll(write, POLL):
            self.check()
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise TimeoutError


class Bridge:
    """One model in one process; a context manager that ends the process.

    Parameters
    ----------
    python : the interpreter; None = the one that we run in.
    folder : where the process works; None = a temporary folder.
    log : called with every line that the model prints, on a thread of the bridge's.
    check : called every few hundredths of a second while the model is at work; what it raises ends the process
        and comes out of the call (`Job.check`).

    Attributes
    ----------
    versions : "python", "numpy" and (once a model of torch's is loaded) "torch" of the interpreter.

    Raises
    ------
    UserError : the interpreter does not start, or has no NumPy.
    """

    def __init__(
        self,
        python: Path | None = None,
        *,
        folder: Path | None = None,
        log: Callable[[str], None] = lambda _line: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        if os.name != "posix":
            raise UserError("Running a model of your own needs Linux or macOS.")
        self._log = log
        self.check = check
        self._other = python is not None
        self._python = str(python) if python is not None else sys.executable
        self.versions: dict[str, str] = {}
        self._roots: list[str] = []
        self._token = secrets.token_hex(16)
        self._last: collections.deque[str] = collections.deque(maxlen=200)
        self._closed = False
        # The file is run from a private folder, so that nothing else of ours lies beside it.
        self._room = Path(tempfile.mkdtemp(prefix="equiscope-bridge-"))
        ours, theirs = socket.socketpair()
        try:
            self._start(theirs, folder)
        except OSError as error:
            ours.close()
            shutil.rmtree(self._room, ignore_errors=True)
            raise UserError(f"{self._python} cannot be started ({error.strerror or error}).") from None
        finally:
            theirs.close()
        self._channel = _Channel(ours, check)
        self._reader = threading.Thread(target=self._read_lines, daemon=True, name="bridge-output")
        self._reader.start()
        ready, _ = self._answer("ready", f"{self._python} did not start within {START:g} s.", START)
        self.versions = {k: str(ready.get(k, ""))[:40] for k in ("python", "numpy")}

    def _start(self, theirs: socket.socket, folder: Path | None) -> None:
        program = self._room / "equiscope_bridge.py"
        shutil.copyfile(child.__file__, program)
        compiled = self._room / "compiled"
        compiled.mkdir()
        self._popen = subprocess.Popen(
            [self._python, "-B", "-X", f"pycache_prefix={compiled}", str(program), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs.fileno(),),
            cwd=folder or self._room,
            env=self._environment(),
            start_new_session=True,
        )
        try:
            self._guard = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    str(Path(__file__).with_name("_guard.py")),
                    self._token,
                    str(self._room),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            self._popen.kill()
            self._popen.wait()
            self._popen.stdout.close()  # type: ignore[union-attr]
            raise

    def _environment(self) -> dict[str, str]:
        root = Path(__file__).resolve().parents[2]
        environment = {k: v for k, v in os.environ.items() if k not in _VARIABLES}
        paths = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
        hers = [p for p in paths if Path(p).resolve() != root]
        if hers:
            environment["PYTHONPATH"] = os.pathsep.join(hers)
        return {**environment, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", VARIABLE: self._token}

    # -- what it is for --------------------------------------------------------------------------------------

    def load(self, message: Mapping[str, Any], data: bytes | None = None) -> str:
        """Import or read the model; `message` as `core.bridge.inspect` makes it. Returns the model's own name.

        Raises
        ------
        ModelError : it cannot be loaded.
        """
        self._roots = [str(p) for p in message.get("roots", ())]
        arrays = [] if data is None else [np.frombuffer(data, np.uint8)]
        ours = {} if self._other else {"hide": OURS, "home": str(Path(__file__).resolve().parents[2])}
        answer, _ = self._ask({**message, **ours, "do": "load"}, arrays, "loaded", None)
        if answer.get("torch"):
            self.versions["torch"] = str(answer["torch"])[:40]
        return str(answer.get("name", ""))[:200]

    def call(self, arrays: Sequence[Array], *, limit: float | None = None) -> dict[str, Array]:
        """Call the model once; what it returned by name ("" where it returned one unnamed array).

        Parameters
        ----------
        limit : seconds after which it is ended; None = no limit.

        Raises
        ------
        ModelError : it raised, crashed, took too long, or returned no arrays of plain numbers.
        """
        return self.map([arrays], limit=limit)[0]

    def map(self, calls: Sequence[Sequence[Array]], *, limit: float | None = None) -> list[dict[str, Array]]:
        """Call the model on several inputs with one message; `limit` is for all of them together."""
        flat = [a for arrays in calls for a in arrays]
        answer, made = self._ask({"do": "call", "per": [len(c) for c in calls]}, flat, "done", limit)
        names = answer.get("names")
        if (
            not isinstance(names, list)
            or len(names) != len(calls)
            or not all(isinstance(ks, list) and all(isinstance(k, str) for k in ks) for ks in names)
            or sum(len(ks) for ks in names) != len(made)
        ):
            self._broken("it answered something else than was asked")
        out: list[dict[str, Array]] = []
        start = 0
        for keys in names or ():
            out.append(dict(zip(keys, made[start : start + len(keys)], strict=True)))
            start += len(keys)
        return out

    # -- inside ----------------------------------------------------------------------------------------------

    def _ask(
        self, message: dict[str, Any], arrays: Sequence[Any], event: str, limit: float | None
    ) -> tuple[dict[str, Any], list[Any]]:
        if self._closed:
            raise ModelError("The model's process has ended; run it again.")
        late = f"The model took longer than {limit:g} s and was ended." if limit else ""
        return self._answer(event, late, limit, message, arrays)

    def _answer(
        self,
        event: str,
        late: str,
        limit: float | None,
        message: dict[str, Any] | None = None,
        arrays: Sequence[Any] = (),
    ) -> tuple[dict[str, Any], list[Any]]:
        """Send a message, if there is one, and take the answer. Whatever goes wrong but the model's own errors ends
        the process: the socket may hold half a frame."""
        self._channel.deadline = time.monotonic() + limit if limit is not None else None
        try:
            if message is not None:
                self._channel.send(message, arrays)
            answer, made = self._channel.receive()
        except child.Gone:
            raise self._death() from None
        except child.Broken as error:
            self._broken(str(error))
        except TimeoutError:
            self.close()
            raise ModelError(late) from None
        except MemoryError:
            self.close()
            raise
        except TypeError:  # of an array that cannot be sent: nothing was written yet
            raise
        except BaseException:
            self.close()
            raise
        if answer.get("event") == "failed":
            raise self._failure(answer)
        if answer.get("event") != event:
            self._broken("it answered something else than was asked")
        return answer, made

    def _broken(self, reason: str) -> Any:
        self.close()
        raise ModelError(f"The model's process did not speak as it should ({reason}); it was ended.")

    def _failure(self, answer: Mapping[str, Any]) -> Exception:
        kind, text, where = (_line(answer.get(k, "")) for k in ("kind", "message", "where"))
        trace = str(answer.get("traceback", ""))
        if kind == "Refusal":
            return ModelError(text)
        for line in trace.splitlines()[-LAST * 4 :]:
            self._log(line[:LINE])
        if kind in ("MemoryError", "OutOfMemoryError"):
            return ModelError("The model ran out of memory; choose a smaller input or close other data.")
        place = f" ({where})" if where else ""
        if kind == "SystemExit":
            return ModelError(f"The model stopped{place}: {text}.")
        said = f"{kind}: {text}" if text else kind
        return ModelError(f"The model raised {said.rstrip('.')}{place}.")

    def _death(self) -> Exception:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(2)
        code = self._popen.poll()
        self.close()
        lines = [line for line in self._last if line.strip()]
        if code == child.NO_NUMPY and not self.versions:
            return UserError(
                f"{self._python} has no NumPy; install it there (pip install numpy) or choose another interpreter."
            )
        if not self.versions:
            words = f": {lines[-1][:300].rstrip('.')}" if lines else ""
            return UserError(f"{self._python} is no Python that can run models (exit {code}){words}.")
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            what = (
                "was killed, most likely for want of memory"
                if code == -signal.SIGKILL
                else f"crashed ({name}){_where(lines, self._roots)}"
            )
        else:
            what = f"ended by itself (exit {code})"
        said = [line for line in lines if not _of_faulthandler(line)]
        tail = f"; its last words: {' / '.join(said[-3:])[:300].rstrip('.')}" if said else ""
        return ModelError(f"The model's process {what}{tail}.")

    def _read_lines(self) -> None:
        stream = self._popen.stdout
        assert stream is not None
        count, rest = 0, b""
        with contextlib.suppress(OSError, ValueError):
            while True:
                chunk = os.read(stream.fileno(), 1 << 16)
                pieces = (rest + chunk).split(b"\n")
                rest = pieces.pop()[-4 * LINE :] if chunk else b""
                if not chunk and pieces[-1:] == [b""]:
                    pieces.pop()
                for raw in pieces:
                    line = raw[: 4 * LINE].decode(errors="replace").rstrip("\r")[:LINE]
                    self._last.append(line)
                    count += 1
                    if count <= LINES:
                        self._log(line)
                    elif count == LINES + 1:
                        self._log(f"(the model prints more than {LINES} lines; the rest is not kept)")
                if not chunk:
                    break
        stream.close()

    def close(self) -> None:
        """End the process and everything that it has started; harmless twice. Takes a few hundredths of a second."""
        if self._closed:
            return
        self._closed = True
        self._channel.sock.close()
        if self._popen.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        end_all(self._token)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(2)
        self._reader.join(1)
        guard = self._guard
        guard.kill()
        guard.wait()
        assert guard.stdin is not None
        guard.stdin.close()
        shutil.rmtree(self._room, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process id of the interpreter."""
        return self._popen.pid

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _line(value: Any) -> str:
    """What the other side says of itself, as one line that can be shown."""
    return "".join(c if c.isprintable() else " " for c in str(value)[:500]).strip()


_FRAME = re.compile(r'\s*File "(.+)", line (\d+) in (.+)')


def _of_faulthandler(line: str) -> bool:
    return bool(_FRAME.match(line)) or line.startswith(
        (
            "Fatal Python error",
            "Current thread",
            "Thread 0x",
            "Extension modules",
            "  ...",
            "  <no Python frame>",
        )
    )


def _where(lines: Sequence[str], roots: Sequence[str]) -> str:
    """The line that a crash was in, from what faulthandler printed: the innermost of the user's own files."""
    frames = [found for found in map(_FRAME.match, lines) if found]
    hers = [f for f in frames if any(f[1].startswith(os.path.join(root, "")) for root in roots)]
    for found in hers or frames:
        return f" in {Path(found[1]).name}, line {found[2]} ({found[3]})"
    return ""
