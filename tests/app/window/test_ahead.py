"""What plots need is loaded in a thread; cards that need it wait and then come."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WAIT = """
import sys, threading, time
from app.window import _ahead
from app.window._ahead import plots_ready
assert "app.plots.figure" not in sys.modules
begun = time.monotonic()
assert not plots_ready(), "nothing was loaded, so nothing can be ready"
assert "load-plots" in {t.name for t in threading.enumerate()}
assert not plots_ready() or not _ahead._begun[0].is_alive()
while not plots_ready():
    time.sleep(0.01)
    assert time.monotonic() < begun + 60
assert all(m in sys.modules for m in _ahead.MODULES)
assert len(_ahead._begun) == 1
print("ready")
"""


def test_plots_are_loaded_in_a_thread(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", WAIT],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "ready"
