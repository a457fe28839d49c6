"""Nothing heavy is imported by importing: not by `core`, and no torch, scikit or VTK by describing plugins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "sklearn", "skimage", "vtkmodules", "PySide6", "pyqtgraph", "matplotlib", "dask")
HEAVY_FOR_CORE = (*HEAVY, "scipy", "nibabel", "trimesh", "pydicom", "h5py", "networkx")


def loaded(code: str, names: tuple[str, ...]) -> list[str]:
    full = f"import sys\n{code}\nprint([m for m in {names!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", full], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found: list[str] = eval(done.stdout.strip().splitlines()[-1], {})
    return found


def modules(package: str) -> list[str]:
    return [
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for p in sorted((ROOT / package).rglob("*.py"))
    ]


@pytest.mark.parametrize("package", ["core"])
def test_importing_all_of_core_imports_no_heavy_library(package: str) -> None:
    assert loaded("\n".join(f"import {m}" for m in modules(package)), HEAVY_FOR_CORE) == []


def test_describing_every_analysis_imports_no_heavy_library() -> None:
    code = "from core.jobs import Job; from core.tasks import describe; assert describe(Job())"
    assert loaded(code, HEAVY) == []


def test_a_worker_that_waits_is_small() -> None:
    assert loaded("import core.jobs._worker, core.tasks", HEAVY_FOR_CORE) == []
