"""What the preferences mean where they take effect, apart from the dialog that shows them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from core.display import PointsDisplay, SurfaceDisplay, VolumeDisplay
from core.document import Item
from core.settings import Settings

WORKERS = 2
"""Jobs that run at once where the user chose nothing."""
UNDO, LEAST_UNDO, MOST_UNDO = 200, 10, 100_000
"""Edits that can be taken back where the user chose nothing, and the bounds of the choice."""
MOST_UNDO_MEMORY = 1_000_000
"""Megabytes."""
BACKENDS = {"auto": "Choose by itself", "gl": "OpenGL (gl)", "image": "Without GPU driver (image)"}
VARIABLE = "EQUISCOPE_VIEWPORT"


def wanted_backend(settings: Settings) -> str:
    """What to ask `choose_backend` for: the setting, unless the environment (or safe mode, by it) says otherwise."""
    return "auto" if os.environ.get(VARIABLE) else settings.choice("viewport", tuple(BACKENDS))


def undo_limit(settings: Settings) -> int:
    """How many edits can be taken back."""
    return int(settings.number("undo-limit", UNDO, LEAST_UNDO, MOST_UNDO))


def undo_memory(settings: Settings) -> int | None:
    """Bytes that undo may hold beside what is open; None for the default of `core.document`."""
    megabytes = int(settings.number("undo-memory", 0, 0, MOST_UNDO_MEMORY))
    return megabytes * 1_000_000 if megabytes else None


def with_defaults(items: Iterable[Item], settings: Settings) -> tuple[Item, ...]:
    """Items just read or made, shown as the user likes it: what a reader or an analysis chose itself stays."""
    return tuple(_with_default(item, settings) for item in items)


def _with_default(item: Item, settings: Settings) -> Item:
    shown = item.display
    if isinstance(shown, VolumeDisplay):
        if shown.colormap == "gray":
            shown = replace(shown, colormap=str(settings.get("volume-map") or "gray"))
        if shown.interpolate:
            shown = replace(shown, interpolate=settings.flag("interpolate", True))
    elif isinstance(shown, (SurfaceDisplay, PointsDisplay)) and shown.colormap == "viridis":
        shown = replace(shown, colormap=str(settings.get("value-map") or "viridis"))
    return item if shown == item.display else replace(item, display=shown)
