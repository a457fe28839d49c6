"""The window: `run_window` shows it, `render_window` makes a picture of files without a screen.

Nothing heavy is imported here or when the empty window shows; tests/app/window/test_startup.py holds the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["render_window", "run_window"]


def run_window(
    files: Sequence[str] = (),
    *,
    safe: bool = False,
    report_startup: bool = False,
    quit_after_start: bool = False,
) -> int:
    """Show the window, open `files` in it and return the program's exit status.

    Parameters
    ----------
    safe : built-in plugins only, and viewports that need no GPU driver.
    report_startup : print the milestones in ms since the process started.
    quit_after_start : end once the window is painted and `files` are shown.
    """
    from app.window._run import run

    return run(list(files), safe=safe, report_startup=report_startup, quit_after_start=quit_after_start)


def render_window(
    files: Sequence[str],
    screenshot: Path,
    size: tuple[int, int] = (1600, 1000),
    layout: str = "four",
    theme: str = "dark",
) -> int:
    """Draw `files` as the window's centre would show them and save a PNG; needs no screen.

    Parameters
    ----------
    size : of the picture, in pixels.
    layout : "four", "axial", "coronal", "sagittal" or "3d".
    theme : "dark" or "light".
    """
    from app.window._render import render

    return render(list(files), Path(screenshot), size, layout, theme)
