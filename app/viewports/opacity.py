"""Opacity curves of volume rendering: the presets, and what an edited curve comes to. NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports.colors import is_diverging
from app.viewports.stats import VolumeStats, volume_stats, window_of

Array = NDArray[Any]
Curve = tuple[tuple[float, float], ...]
"""(value, opacity) corners with rising values; constant beyond both ends."""

PRESETS: dict[str, str] = {
    "auto": "Surface",
    "soft": "Soft tissue",
    "bright": "Bright parts",
    "shell": "Glass",
    "mip": "Brightest (MIP)",
}
"""What `VolumeDisplay.preset` may say, in words."""
CT_PRESETS: dict[str, str] = {
    "ct-bone": "CT bone",
    "ct-vessels": "CT contrast and bone",
    "ct-soft": "CT soft tissue",
    "ct-skin": "CT skin",
    "ct-lung": "CT lung",
}
"""Further ones for values in Hounsfield units."""
_CT: dict[str, Curve] = {
    "ct-bone": ((150.0, 0.0), (350.0, 0.5), (1200.0, 0.95)),
    "ct-vessels": ((120.0, 0.0), (200.0, 0.25), (320.0, 0.6), (1200.0, 0.9)),
    "ct-soft": ((-60.0, 0.0), (30.0, 0.12), (120.0, 0.35), (400.0, 0.85)),
    "ct-skin": ((-450.0, 0.0), (-250.0, 0.6), (200.0, 0.85), (1200.0, 0.95)),
    "ct-lung": ((-950.0, 0.0), (-850.0, 0.18), (-600.0, 0.12), (-400.0, 0.0), (200.0, 0.0), (600.0, 0.4)),
}


def presets_for(unit: str) -> dict[str, str]:
    """The presets that make sense for values of a unit, in words."""
    hounsfield = unit.strip().lower() in ("hu", "hounsfield", "hounsfield units")
    return {**PRESETS, **CT_PRESETS} if hounsfield else dict(PRESETS)


def opacity_points(stats: VolumeStats, window: tuple[float, float], preset: str) -> list[tuple[float, float]]:
    """(value, opacity) corners of a preset.

    "auto": nothing below the threshold that parts object and background, then quickly solid, so that the first
    thing one sees is the object's surface with its folds; the window then changes colours only, so that
    looking for contrast in a slice never dissolves the object. "soft": rises over the whole window. "bright": only
    the top third. "shell": a thin haze at the object's border, so that one sees through it. "mip": a ramp, for the
    largest value of each ray.
    """
    low, high = window
    width = high - low
    if preset in _CT:
        return list(_CT[preset])
    if preset == "soft":
        return [(low + 0.15 * width, 0.0), (high, 0.35)]
    if preset == "bright":
        return [(low + 0.62 * width, 0.0), (low + 0.8 * width, 0.7), (high, 0.95)]
    if preset == "mip":
        return [(low, 0.0), (low + 0.1 * width, 0.15), (high, 1.0)]
    start, width = stats.threshold, stats.high - stats.low
    if preset == "shell":
        return [
            (start - 0.14 * width, 0.0),
            (start - 0.02 * width, 0.16),
            (start + 0.12 * width, 0.02),
            (stats.high - 0.15 * width, 0.03),
            (stats.high + 0.1 * width, 0.25),
        ]
    return [(start - 0.12 * width, 0.0), (start, 0.12), (start + 0.14 * width, 0.85), (start + width, 0.95)]


def preset_curve(volume: Any, display: Any) -> Curve:
    """The corners that the display's preset gives for a volume."""
    window = window_of(volume, display)
    if is_diverging(display.colormap) and display.preset == "auto":
        middle, half = sum(window) / 2, (window[1] - window[0]) / 2
        corners = [(-1.0, 0.8), (-0.35, 0.0), (0.35, 0.0), (1.0, 0.8)]
        return tuple((middle + half * t, a) for t, a in corners)
    points = opacity_points(volume_stats(volume, display.index), window, display.preset)
    return tuple((float(v), float(a)) for v, a in points)


def curve_of(volume: Any, display: Any) -> Curve:
    """The corners in force: the edited ones, else those of the preset."""
    edited = clean(getattr(display, "opacity_curve", None))
    return preset_curve(volume, display) if edited is None else edited


def clean(curve: Any) -> Curve | None:
    """A usable curve from what a file or another program gave: finite, sorted by value, opacity 0..1; else None."""
    if curve is None:
        return None
    try:
        points = [(float(v), float(a)) for v, a in curve]
    except (TypeError, ValueError):
        return None
    if len(points) < 2 or not np.isfinite(points).all():
        return None
    return tuple((v, min(max(a, 0.0), 1.0)) for v, a in sorted(points, key=lambda p: p[0]))


def evaluate(curve: Curve, values: Array) -> Array:
    """Opacity (0..1) of `values`; nothing where they are not finite."""
    places, heights = np.array(curve, dtype=np.float64).T
    found = np.interp(values, places, heights)
    return np.where(np.isfinite(values), found, 0.0)


def histogram(volume: Any, index: int = 0, bins: int = 128) -> tuple[Array, float, float]:
    """((bins,) heights 0..1 on a log scale, lowest, highest value) of a sample of the shown frame."""
    from app.viewports.stats import frame_of, subsample

    values = subsample(frame_of(volume, index), 120_000)
    stats = volume_stats(volume, index)
    low, high = min(stats.minimum, stats.low), max(stats.maximum, stats.high)
    if not high > low:
        high = low + 1.0
    counts, _ = np.histogram(values, bins=bins, range=(low, high))
    heights = np.log1p(counts)
    return heights / max(float(heights.max()), 1e-12), low, high
