"""Opens any file or folder in a process of its own and says the judge's verdict: time and memory are that file's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Wall seconds after which an opening hangs."""


class Opener:
    """One process that opens what it is told, kept warm between files."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lines: Queue[str | None] = Queue()

    def open(self, target: str, path: Path) -> dict[str, Any]:
        """The verdict on `path` (see `Verdict`); `target` is a reader's id, "any" lets the program choose."""
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps({"target": target, "path": os.fsencode(path).hex()}) + "\n")
        process.stdin.flush()
        try:
            line = self._lines.get(timeout=PATIENCE)
        except Empty:
            self.close()
            return {"outcome": "hangs", "faults": ["hangs"], "sentence": "", "seconds": PATIENCE, "memory": 0}
        if line is None:
            code = process.wait()
            self.close()
            return {
                "outcome": "died",
                "faults": [f"died ({code})"],
                "sentence": "",
                "seconds": 0.0,
                "memory": 0,
            }
        verdict: dict[str, Any] = json.loads(line)
        return verdict

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.opener"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        self._lines = Queue()
        threading.Thread(target=self._listen, args=(self._process, self._lines), daemon=True).start()
        return self._process

    @staticmethod
    def _listen(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    pass
        self._process = None


def main() -> None:
    """Serve until the input ends."""
    from tests.hostile.judge import Judge

    out = os.fdopen(os.dup(1), "w", buffering=1)
    with tempfile.TemporaryDirectory(prefix="hostile-") as place:
        judge = Judge(Path(place), ceiling=8 << 30)
        for line in sys.stdin:
            asked = json.loads(line)
            path = Path(os.fsdecode(bytes.fromhex(asked["path"])))
            judge.case = path if path.is_dir() else path.parent
            print(json.dumps(judge.judge(asked["target"], path).plain()), file=out)


if __name__ == "__main__":
    main()
