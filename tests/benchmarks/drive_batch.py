"""What a short script does instead of `equiscope batch`: a loop in one process, or a map on dask. No manifest, no isolation.

python -m tests.benchmarks.drive_batch loop IN OUT
python -m tests.benchmarks.drive_batch dask IN OUT ADDRESS
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ANALYSIS = "symmetry.reflections"


def one(path: str, out: str) -> None:
    """One case in this process, on one thread."""
    from core import tasks
    from core.jobs import Job

    tasks.run_files(Job(threads=1), ANALYSIS, [path], {}, out)


def main(kind: str, folder: str, out: str, address: str = "") -> None:
    """All files of a folder; prints the cases a second between the first that is done and the last."""
    paths = sorted(Path(folder).iterdir())
    ends: list[float] = []
    if kind == "loop":
        for path in paths:
            one(str(path), f"{out}/{path.stem}")
            ends.append(time.time())
    else:
        from distributed import Client, as_completed

        with Client(address) as client:
            futures = [client.submit(one, str(p), f"{out}/{p.stem}", pure=False) for p in paths]
            ends = [time.time() for _ in as_completed(futures)]
    print(f"cases a second: {(len(ends) - 1) / (max(ends) - min(ends)):.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
