"""A signal as a curve."""

from __future__ import annotations

import numpy as np

from core.data import Signal
from core.results import Curve

CHANNELS = 32
"""Channels drawn at once; more would be a black bar."""


def signal_curve(signal: Signal, name: str = "") -> Curve:
    """The first `CHANNELS` channels over time."""
    times = signal.times if signal.times is not None else np.arange(len(signal.values)) / (signal.rate or 1.0)
    values = np.asarray(signal.values)
    values = np.abs(values) if np.iscomplexobj(values) else values
    ys = {c: values[:, n].astype(np.float64) for n, c in enumerate(signal.channels[:CHANNELS])}
    label = "" if len(ys) > 1 else next(iter(ys), "")
    x_label = "Time" if signal.time_unit == "s" else signal.time_unit.capitalize()
    unit = signal.time_unit if signal.time_unit == "s" else ""
    return Curve(name, times, ys, x_label=x_label, y_label=label, x_unit=unit, y_unit=signal.unit)
