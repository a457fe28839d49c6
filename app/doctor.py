"""Looks at the machine: Qt, OpenGL, GPU, versions, missing libraries. No Qt application is made here.

Each probe that loads a large or fragile library runs in a process of its own, so that a crash of it (a broken
GL driver, say) is a finding.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

from core.plugins import Contribution, PluginHost

DEBIAN = (
    "libegl1 libgl1 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 "
    "libxcb-image0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libdbus-1-3 libfontconfig1 xvfb"
)
"""Debian and Ubuntu packages that Qt and VTK want at run time; the Makefile installs the same."""

_GL = """
import json, vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderWindow
w = vtkRenderWindow(); w.SetOffScreenRendering(1); w.SetSize(16, 16); w.Render()
lines = [l.strip() for l in w.ReportCapabilities().splitlines()]
get = lambda k: next((l.partition(':')[2].strip() for l in lines if l.startswith(k)), '')
print(json.dumps({'window': w.GetClassName(), 'renderer': get('OpenGL renderer string'), 'version': get('OpenGL version string')}))
"""
_QT = """
import json, sys
from PySide6.QtWidgets import QApplication
a = QApplication(sys.argv); print(json.dumps({'platform': a.platformName()}))
"""
_TORCH = """
import json, torch
n = torch.cuda.device_count() if torch.cuda.is_available() else 0
print(json.dumps({'version': torch.__version__, 'gpus': [
    [torch.cuda.get_device_name(i), torch.cuda.get_device_properties(i).total_memory] for i in range(n)]}))
"""


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` says what to do about it."""

    name: str
    state: Literal["good", "warn", "bad"]
    text: str
    remedy: str = ""


def examine() -> list[Finding]:
    """All findings, in the order of what matters."""
    return [_qt(), _gl(), _torch(), *_versions(), *_plugins(), _memory(), _screen(), _recovery()]


def _probe(code: str, environment: dict[str, str] | None = None) -> dict[str, object] | str:
    """What a small program printed as JSON, or the last line of its complaint."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **(environment or {})},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0 and done.stdout.strip():
        try:
            found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
        except ValueError:
            return f"said {done.stdout.strip().splitlines()[-1]!r}"
        return found
    lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
    return lines[-1] if lines else f"ended with exit code {done.returncode}"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _install_line() -> str:
    return f"On Debian or Ubuntu: sudo apt-get install {DEBIAN}"


def _qt() -> Finding:
    found = _probe(
        _QT,
        None
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        else {"QT_QPA_PLATFORM": "offscreen"},
    )
    version = _version("PySide6_Essentials")
    if isinstance(found, str):
        remedy = "pip install PySide6_Essentials" if "No module named" in found else _install_line()
        return Finding("Qt", "bad", f"PySide6 {version} does not start: {found}", remedy)
    numbers = [int(n) for n in version.split(".")[:2] if n.isdecimal()]
    if sys.version_info < (3, 12) and numbers >= [6, 12]:
        return Finding(
            "Qt",
            "bad",
            f"PySide6 {version} corrupts memory on Python 3.11",
            'pip install "PySide6_Essentials<6.12"',
        )
    return Finding("Qt", "good", f"PySide6 {version}, platform {found['platform']}")


def _gl() -> Finding:
    environment = None if os.environ.get("DISPLAY") else {"VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow"}
    found = _probe(_GL, environment)
    version = _version("vtk")
    if isinstance(found, str):
        remedy = "pip install vtk" if "No module named" in found else _install_line()
        return Finding("OpenGL", "bad", f"VTK {version} cannot render: {found}", remedy)
    renderer = str(found["renderer"])
    text = f"VTK {version} on {renderer} ({found['version']})"
    if any(s in renderer.lower() for s in ("llvmpipe", "softpipe", "swiftshader")):
        return Finding(
            "OpenGL",
            "warn",
            text,
            "Rendering is in software: right, but slower; a graphics driver would help.",
        )
    return Finding("OpenGL", "good", text)


def _torch() -> Finding:
    found = _probe(_TORCH)
    if isinstance(found, str):
        return Finding("PyTorch", "bad", f"does not load: {found}", "pip install torch")
    gpus = found["gpus"]
    assert isinstance(gpus, list)
    if gpus:
        names = ", ".join(f"{name} ({memory / 2**30:.0f} GiB)" for name, memory in gpus)
        return Finding("PyTorch", "good", f"{found['version']}, GPU: {names}")
    remedy = "The README says how to install a CUDA build." if shutil.which("nvidia-smi") else ""
    return Finding("PyTorch", "warn", f"{found['version']}, no GPU: analyses run on the CPU", remedy)


def _versions() -> list[Finding]:
    names = (
        "numpy",
        "scipy",
        "nibabel",
        "pydicom",
        "laspy",
        "scikit-image",
        "h5py",
    )
    parts = []
    for name in names:
        try:
            parts.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            return [Finding("Libraries", "bad", f"{name} is missing", f"pip install {name}")]
    return [Finding("Libraries", "good", ", ".join(parts))]


def _plugins() -> list[Finding]:
    host = PluginHost()
    out = [
        Finding(f"Plugin {p.title}", "warn", p.error, "See plugins/README.md for the format.")
        for p in host.plugins
        if p.error
    ]
    entries: list[Contribution] = [*host.readers, *host.analyses, *host.samples]
    for c in entries:
        lacking = host.missing(c)
        if lacking:
            out.append(Finding(c.title, "warn", lacking.partition(";")[0], lacking.partition("; ")[2]))
    working = [p for p in host.plugins if not p.error]
    return [Finding("Plugins", "good", ", ".join(p.title for p in working)), *out]


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return Finding("Memory", "good", "unknown")
    if total < 4:
        return Finding("Memory", "warn", f"{total:.1f} GiB", "Large volumes need more; 8 GiB is comfortable.")
    return Finding("Memory", "good", f"{total:.1f} GiB, {os.cpu_count()} cores")


def _screen() -> Finding:
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform in ("win32", "darwin"):
        return Finding(
            "Screen", "good", os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or "native"
        )
    return Finding(
        "Screen",
        "warn",
        "none: `equiscope show` and `equiscope run` work, the window does not",
        "Log in with a desktop, or use xvfb-run.",
    )


def _recovery() -> Finding:
    """Whether edits can be kept for a start after a crash, and where."""
    from core.journal import recovery_folder

    folder = recovery_folder()
    there = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        remedy = "Make it writable, or set EQUISCOPE_STATE to a folder that is."
        return Finding("Recovery", "warn", f"edits cannot be kept in {folder}", remedy)
    free = shutil.disk_usage(there).free / 2**20
    if free < 200:
        remedy = "Make room there, or set EQUISCOPE_STATE to a folder on another disk."
        return Finding("Recovery", "warn", f"only {free:.0f} MiB are free for {folder}", remedy)
    return Finding("Recovery", "good", f"edits are kept in {folder} until they are saved")
