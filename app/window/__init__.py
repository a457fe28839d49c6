"""The window: `run_window` shows it, `render_window` and `show` make pictures without a screen.

Nothing heavy is imported here or when the empty window shows; tests/app/window/test_startup.py holds the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["render_window", "run_window", "show"]


def run_window(
    files: Sequence[str] = (),
    *,
    safe: bool = False,
    report_startup: bool = False,
    quit_after_start: bool = False,
    theme: str | None = None,
) -> int:
    """Show the window, open `files` in it and return the program's exit status.

    Parameters
    ----------
    safe : built-in plugins only, and viewports that need no GPU driver.
    report_startup : print the milestones in ms since the process started.
    quit_after_start : end once the window is painted and `files` are shown.
    theme : "dark" or "light", for this run; None = what the user chose last.
    """
    from app.window._run import run

    return run(
        list(files),
        safe=safe,
        report_startup=report_startup,
        quit_after_start=quit_after_start,
        theme=theme,
    )


def render_window(
    files: Sequence[str], screenshot: Path, *, size: tuple[int, int] = (1600, 1000), theme: str | None = None
) -> int:
    """Open `files` in a window that nobody sees and save a picture of all of it as PNG.

    Returns 0, or 1 after one readable line on standard error for each file that could not be opened; a picture
    is written as long as something could be.
    """
    from app.window._render import render_window as render

    return render(list(files), Path(screenshot), size, theme)


def show(
    files: Sequence[str],
    screenshot: Path | None,
    *,
    size: tuple[int, int] = (1200, 900),
    layout: str | None = None,
    theme: str | None = "dark",
    reading: Mapping[str, Any] | None = None,
    movies: Mapping[str, Path] | None = None,
    frames: int | None = None,
    seconds: float | None = None,
) -> int:
    """Draw `files` as the window's centre would show them and save a PNG, or movies; needs no screen.

    Parameters
    ----------
    size : of the picture, in pixels.
    layout : "four", "axial", "coronal", "sagittal" or "3d"; None = what fits the data.
    reading : `reader`, `kind` and `options` for all the files, as for `core.opening.open_path`.
    movies : "turntable", "time" or "sweep" -> the file to write; its suffix says how.
    frames, seconds : of each movie; None = what suits it.

    Returns as `render_window`.
    """
    from app.window._render import show as render

    picture = Path(screenshot) if screenshot is not None else None
    films = dict(movies or {})
    return render(list(files), picture, size, layout, theme, dict(reading or {}), films, frames, seconds)
