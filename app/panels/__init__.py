"""The docks: data tree, display, analysis, results, jobs, log, console."""

from app.panels.analysis import AnalysisPanel
from app.panels.batch import BatchPanel
from app.panels.console import ConsolePanel
from app.panels.data_tree import DataPanel
from app.panels.display import DisplayPanel
from app.panels.dock import Panel, make_dock
from app.panels.jobs import JobsPanel
from app.panels.log import LogPanel
from app.panels.results import ResultsPanel

__all__ = [
    "AnalysisPanel",
    "BatchPanel",
    "ConsolePanel",
    "DataPanel",
    "DisplayPanel",
    "JobsPanel",
    "LogPanel",
    "Panel",
    "ResultsPanel",
    "make_dock",
]
