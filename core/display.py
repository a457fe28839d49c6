"""How objects are shown: user intent, kept apart from what the objects are. Plain frozen values only."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from core.data import Graph, Image, Markup, Mesh, PointCloud, Trajectory, Volume, register


@register
@dataclass(frozen=True)
class Display:
    """What every object has."""

    visible: bool = True
    opacity: float = 1.0


@register
@dataclass(frozen=True)
class VolumeDisplay(Display):
    """Slices and volume rendering. `window`/`level` None = automatic (2nd to 99.5th percentile of non-zero)."""

    window: float | None = None
    level: float | None = None
    colormap: str = "gray"
    interpolate: bool = True
    index: int = 0
    """Which entry of a fourth axis is shown."""
    render: Literal["off", "volume", "surface"] = "volume"
    """In 3-D views."""
    preset: str = "auto"
    """Opacity curve of the volume rendering."""


@register
@dataclass(frozen=True)
class SurfaceDisplay(Display):
    """Meshes, also glyph-free graphs with positions."""

    color: tuple[float, float, float] = (0.78, 0.80, 0.84)
    color_by: str = ""
    """Name of an attribute; "" = `color`."""
    colormap: str = "viridis"
    range: tuple[float, float] | None = None
    """None = the attribute's finite minimum and maximum."""
    representation: Literal["surface", "wireframe", "edges", "points"] = "surface"
    cut: bool = True
    """Show its cut line in slice views."""


@register
@dataclass(frozen=True)
class PointsDisplay(Display):
    """Point clouds and trajectories."""

    color: tuple[float, float, float] = (0.85, 0.86, 0.88)
    color_by: str = ""
    colormap: str = "viridis"
    range: tuple[float, float] | None = None
    size: float = 2.0
    """Pixels at 100 % scale."""


@register
@dataclass(frozen=True)
class MarkupDisplay(Display):
    """Points, lines, curves, planes and boxes."""

    color: tuple[float, float, float] = (0.357, 0.616, 1.0)
    size: float = 8.0
    """Handle size in pixels at 100 % scale."""
    labels: bool = True


def default_display(data: Any, hints: Any = None) -> Display:
    """The display a freshly opened object starts with; `hints` (a mapping) overrides known fields."""
    cls: type[Display] = Display
    if isinstance(data, (Volume, Image)):
        cls = VolumeDisplay
    elif isinstance(data, (Mesh, Graph)):
        cls = SurfaceDisplay
    elif isinstance(data, (PointCloud, Trajectory)):
        cls = PointsDisplay
    elif isinstance(data, Markup):
        cls = MarkupDisplay
    known = {f.name for f in fields(cls)}
    return cls(**{k: v for k, v in dict(hints or {}).items() if k in known})
