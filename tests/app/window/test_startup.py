"""What may be loaded when the empty window shows, and that it comes up and goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FORBIDDEN = (
    *("torch", "scipy", "nibabel", "pydicom", "nrrd", "sklearn", "skimage", "trimesh", "laspy", "h5py"),
    *("networkx", "safetensors", "tifffile", "PIL", "matplotlib", "pandas", "nilearn", "plugins"),
    *("vtk", "vtkmodules", "pyqtgraph"),
)
"""Top-level packages that an empty window must not have loaded: what reads and computes lives in workers, VTK and
pyqtgraph come with the first thing that needs them."""
LATER = ("core.batch", "core.session", "core.journal")
"""Our own that the empty window is painted without."""
NEVER = ("torch", "scipy", "nibabel", "pydicom", "sklearn", "skimage", "trimesh", "plugins")
"""Those that must not be there even when a volume is shown."""

SHOW = """
import json, sys
from PySide6.QtCore import QTimer
from app.window import _run
from app.window.main_window import MainWindow

painted = []

def look(window):
    painted.append(sorted({m.partition(".")[0] for m in sys.modules} | {m for m in sys.modules if m.startswith("core.")}))

original = _run._Starter.painted
def hook(self):
    look(self._window)
    original(self)
_run._Starter.painted = hook
code = _run.run(sys.argv[1:], safe=False, report_startup=False, quit_after_start=True)
after = sorted({m.partition(".")[0] for m in sys.modules})
print(json.dumps({"code": code, "painted": painted[0], "after": after}))
"""


def environment(folder: Path) -> dict[str, str]:
    out = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "QT_QPA_PLATFORM": "offscreen",
        "EQUISCOPE_VIEWPORT": "image",
        "EQUISCOPE_CONFIG": str(folder / "config"),
        "EQUISCOPE_STATE": str(folder / "state"),
        "EQUISCOPE_PLUGINS": str(folder / "none"),
    }
    out.pop("DISPLAY", None)
    return out


def show(folder: Path, *files: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", SHOW, *files],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder),
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    out: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return out


def test_the_empty_window_loads_nothing_heavy(tmp_path: Path) -> None:
    found = show(tmp_path)
    assert found["code"] == 0
    assert not set(FORBIDDEN + LATER) & set(found["painted"])  # type: ignore[call-overload]
    assert "PySide6" in found["painted"]  # type: ignore[operator]


def test_showing_a_volume_loads_no_reader(tmp_path: Path) -> None:
    found = show(tmp_path, "sample:volumes.phantom")
    assert found["code"] == 0
    assert not set(NEVER) & set(found["after"])  # type: ignore[call-overload]
    assert "vtkmodules" in found["after"]  # type: ignore[operator]


def test_the_milestones_come_in_order(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "--report-startup", "--quit-after-start"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path),
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if " ms" in line]
    names = [line.partition(":")[0] for line in lines]
    assert names[:3] == ["imports done", "window constructed", "window painted"]
    assert set(names[3:]) == {"viewports ready", "worker ready"}
    times = [float(line.partition(": ")[2].split()[0]) for line in lines]
    assert times == sorted(times)
    assert "Traceback" not in done.stderr


SAFE = """
import json, os
from app.window import _run

def hook(self):
    window = self._window
    grid = window.centre.ensure_grid()
    print(json.dumps({
        "backend": grid.backend,
        "docks": sorted(window.docks),
        "origins": sorted({p.origin for p in window.workbench.host.plugins}),
        "banner": window.centre.banner.isVisible(),
        "console": window.commands["panel.console"].isEnabled(),
        "workers_safe": os.environ.get("EQUISCOPE_SAFE"),
    }), flush=True)
    window.close()

_run._Starter.painted = hook
raise SystemExit(_run.run([], safe=True, report_startup=False, quit_after_start=True))
"""


def test_safe_mode_leaves_out_all_that_is_not_ours(tmp_path: Path) -> None:
    plugin = tmp_path / "mine" / "someone"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").write_text("")
    (plugin / "plugin.toml").write_text('api = 1\nid = "someone"\ntitle = "Someone\'s"\n')
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.json").write_text('{"viewport": "gl"}')
    env = {**environment(tmp_path), "EQUISCOPE_PLUGINS": str(plugin.parent)}
    del env["EQUISCOPE_VIEWPORT"]
    command = [sys.executable, "-c", SAFE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=200)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["backend"] == "image" and found["origins"] == ["built in"]
    assert "console" not in found["docks"] and not found["console"]
    assert found["banner"] and found["workers_safe"] == "1"


def test_nothing_is_collected_while_the_window_is_loaded() -> None:
    code = (
        "import gc, app.window._plain_imports; seen = []; gc.callbacks.append(lambda phase, info: seen.append(info['generation']));"
        "import app.window._run; assert not seen, seen; assert gc.isenabled();"
        "a = []; a.append(a); del a; assert gc.collect() >= 1 and seen and not gc.get_freeze_count()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_python_imports_by_itself_once_the_window_is_loaded() -> None:
    """PySide6 looks through the source of every module that is imported after it; see `app.window._plain_imports`."""
    code = (
        "import PySide6.QtCore, builtins; assert builtins.__import__ is builtins.__feature_import__;"
        "import app.window._run; assert builtins.__import__ is not builtins.__feature_import__;"
        "from app.window._plain_imports import restore; assert not restore();"
        "from PySide6.QtWidgets import *; import json.tool; QLabel"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
