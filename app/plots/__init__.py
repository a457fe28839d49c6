"""Plots, tables and trees: how what has no place in space is shown.

Everything is imported on first use, pyqtgraph with `FigureView` alone; the tables, the checkpoint tree and the spark line are plain Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "CheckpointView": "checkpoint",
    "FigureView": "figure",
    "GraphView": "graph",
    "SparkLine": "spark",
    "TableModel": "table",
    "TableView": "table",
    "signal_curve": "signal",
}

__all__ = [
    "CheckpointView",
    "FigureView",
    "GraphView",
    "SparkLine",
    "TableModel",
    "TableView",
    "signal_curve",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"app.plots.{_HOMES[name]}"), name)
    raise AttributeError(name)
