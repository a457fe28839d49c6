"""A plugin whose readers and analyses end in every bad way, and what may be left behind by processes."""

from __future__ import annotations

import gc
import os
import textwrap
import time
from pathlib import Path

MODES = ("kill", "segfault", "exit", "abort", "memory", "recursion", "error", "forks", "silent", "noise")


def write_plugin(folder: Path) -> Path:
    """`*.breaks` files are read in the way that stands in them; `break.analysis` does what its parameter says."""
    home = folder / "eqbreak"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text("")
    (home / "plugin.toml").write_text(
        textwrap.dedent(
            """
            api = 1
            id = "break"
            title = "Breaking"

            [[readers]]
            id = "break.read"
            title = "Breaking file"
            kind = "table"
            patterns = ["*.breaks"]
            read = "eqbreak.work:read"

            [[analyses]]
            id = "break.analysis"
            title = "Break"
            menu = "Break"
            function = "eqbreak.work:analysis"
            inputs = [["mesh", "table"]]
            """
        )
    )
    (home / "work.py").write_text(
        textwrap.dedent(
            '''
            import ctypes
            import os
            import signal
            import sys
            import time

            import numpy as np

            from core.data import Loaded, Mesh, Table
            from core.jobs import Job
            from core.results import Number, Result


            def do(how, job):
                job.progress(0.1, "Beginning")
                if how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                elif how == "segfault":
                    ctypes.string_at(0)
                elif how == "exit":
                    os._exit(3)
                elif how == "abort":
                    os.abort()
                elif how == "memory":
                    raise MemoryError
                elif how == "huge":
                    np.ones(1 << 27).sum()
                elif how == "recursion":
                    def deeper():
                        return deeper() + 1
                    deeper()
                elif how == "error":
                    raise ValueError("broken\\nin two lines")
                elif how == "forks":
                    if os.fork() == 0:
                        time.sleep(60)
                        os._exit(0)
                    os.kill(os.getpid(), signal.SIGKILL)
                elif how == "silent":
                    for number in range(3, 30):
                        try:
                            os.close(number)
                        except OSError:
                            pass
                    os._exit(0)
                elif how == "noise":
                    sys.stderr.write("x" * 300_000 + "\\n")
                    os.kill(os.getpid(), signal.SIGBUS)
                elif how == "hang":
                    while True:
                        try:
                            time.sleep(60)
                        except BaseException:
                            pass
                elif how == "slow":
                    for n in range(6000):
                        job.progress(n / 6000, "Working")
                        time.sleep(0.01)


            def read(path, *, job):
                do(open(path).read().strip(), job)
                return [Loaded("fine", Table({"a": np.arange(3.0)}))]


            def analysis(shape: Mesh | Table, *, how: str = "fine", job: Job) -> Result:
                """Break off in some way."""
                do(how, job)
                return Result({"fine": True}, (Number("Fine", 1.0),))
            '''
        )
    )
    return home


_others: set[int] = set()
"""Dead children that other tests of this process have left."""


def begin() -> None:
    """From now on `zombies` are those that come."""
    _others.clear()
    _others.update(zombies())


def zombies() -> list[int]:
    """Dead children of this process that nobody has buried since `begin`."""
    out = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state == "Z" and int(pid) not in _others:
                out.append(int(pid))
    return out


def settled(condition: object, seconds: float = 8.0) -> bool:
    """Wait until `condition()` holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        gc.collect()
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return bool(condition())  # type: ignore[operator]


def alive(pid: int) -> bool:
    """Whether there is such a process, dead ones that nobody has buried included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
