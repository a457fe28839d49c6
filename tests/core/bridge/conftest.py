"""A repository with models of every sort, a bridge into it, and a check that no process stays behind."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.bridge import Bridge, Reference, inspect
from core.bridge._guard import VARIABLE

RUN = f"EQUISCOPE_TEST_RUN={os.getpid()}"
"""What everything that this test process starts inherits; other tests may run beside it."""
os.environ.update([RUN.split("=")])

MODELS = """
import ctypes, os, subprocess, sys, time
import numpy as np

def outward(x):
    return x - x.mean(axis=0)

def broken(x):
    return x - x.mean(axis=0) + np.float64([0.1, 0, 0]) * np.abs(x[:, :1])

def prints(x):
    print("from print", flush=True)
    sys.stdout.write("no end of line")
    sys.stdout.flush()
    os.write(1, b"EQB1 straight to the descriptor\\n")
    os.system("echo from a shell")
    return x

def raises(x):
    raise ValueError("the first line\\nthe second")

def exits(x):
    sys.exit(7)

def vanishes(x):
    print("my last words", flush=True)
    os._exit(9)

def crashes(x):
    ctypes.string_at(0)

def hoards(x):
    raise MemoryError

def sleeps(x):
    time.sleep(3600)

def spins(x):
    while True:
        pass

def holds(x):
    "In C, with the lock of the interpreter held: no thread of the process can do anything."
    return ctypes.PyDLL(None).sleep(3600)

def breeds(x):
    subprocess.Popen(["sleep", "3600"])
    subprocess.Popen(["sleep", "3600"], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(0)
    print("bred", flush=True)
    time.sleep(3600)

def objects(x):
    return {"a": object()}

def nothing(x):
    return None

def words(x):
    return ["a", "b"]

def many(x):
    return {"force": x * 2, "energy": x.sum()}

def pair(x):
    return x, x.sum()

class Scaled:
    def __init__(self):
        self.factor = 3.0
    def __call__(self, x):
        return self.factor * x

def make():
    return Scaled()

constant = 4
"""


@pytest.fixture(autouse=True)
def settings_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No trust of the person who runs the tests."""
    monkeypatch.setenv("EQUISCOPE_CONFIG", str(tmp_path / "config"))


@pytest.fixture(autouse=True)
def no_orphans() -> Iterator[None]:
    """Nothing that a bridge started outlives a test."""
    before = set(relatives())
    yield
    until = time.monotonic() + 3
    while set(relatives()) - before and time.monotonic() < until:
        time.sleep(0.02)
    assert not set(relatives()) - before


def relatives() -> list[int]:
    """All processes that any bridge of ours has started, however far removed."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                environ = Path(f"/proc/{name}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if RUN.encode() in environ and any(e.startswith(f"{VARIABLE}=".encode()) for e in environ):
                found.append(int(name))
    return found


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A folder with `net.py`."""
    folder = tmp_path / "her repo"
    folder.mkdir()
    (folder / "net.py").write_text(textwrap.dedent(MODELS))
    return folder


@pytest.fixture
def open_bridge(repo: Path) -> Iterator[Callable[..., Bridge]]:
    """Starts a bridge to one of the models of the repository, whether anybody trusts it or not."""
    made: list[Bridge] = []

    def start(name: str = "net.py:outward", **arguments: Any) -> Bridge:
        python = arguments.pop("python", None)
        found = inspect(Reference(str(repo / name), python=python))
        bridge = Bridge(found.python, folder=found.folder, **arguments)
        made.append(bridge)
        bridge.load(found.message, found.data)
        return bridge

    yield start
    for bridge in made:
        bridge.close()
