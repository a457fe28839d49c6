"""What the bridge to a user's model costs: starting it, a call, large arrays, and ending it.

The peer is what a short script would do: a spawned `multiprocessing` process that is sent pickled arrays over a pipe.
It offers neither another interpreter nor any safety; both sides return the array that they are given.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.bridge import Bridge, Reference, inspect

SMALL = np.random.default_rng(0).random((1000, 3))
LARGE = np.random.default_rng(0).random(25_000_000)


def serve(end: Any) -> None:
    """The peer's other side."""
    while True:
        array = end.recv()
        if array is None:
            return
        end.send(array)


def seconds(call: Callable[[], object], times: int) -> float:
    """Median of several runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> dict[str, Any]:
    """Print the table; returns the numbers in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.py").write_text("def same(x):\n    return x\n")
        found = inspect(Reference(f"{folder}/net.py:same"))
        start = time.perf_counter()
        bridge = Bridge(found.python, folder=found.folder)
        bridge.load(found.message)
        bridge.call([SMALL])
        ours = {"start": time.perf_counter() - start}
        ours["small call"] = seconds(lambda: bridge.call([SMALL]), 1000)
        ours["200 MB there and back"] = seconds(lambda: bridge.call([LARGE]), 7)
        start = time.perf_counter()
        bridge.close()
        ours["end"] = time.perf_counter() - start
    context = multiprocessing.get_context("spawn")
    end, other = context.Pipe()
    start = time.perf_counter()
    process = context.Process(target=serve, args=(other,), daemon=True)
    process.start()

    def ask(array: Any) -> Any:
        end.send(array)
        return end.recv()

    ask(SMALL)
    peer = {"start": time.perf_counter() - start}
    peer["small call"] = seconds(lambda: ask(SMALL), 1000)
    peer["200 MB there and back"] = seconds(lambda: ask(LARGE), 7)
    start = time.perf_counter()
    end.send(None)
    process.join()
    peer["end"] = time.perf_counter() - start
    print("| | bridge | multiprocessing |\n|---|---|---|")
    for name in ours:
        print(f"| {name} | {1e3 * ours[name]:.3g} ms | {1e3 * peer[name]:.3g} ms |")
    rate = 2 * LARGE.nbytes / ours["200 MB there and back"] / 1e9
    print(
        f"\nLarge arrays: {rate:.2g} GB/s (peer {2 * LARGE.nbytes / peer['200 MB there and back'] / 1e9:.2g})"
    )
    return {"bridge": ours, "multiprocessing": peer}
