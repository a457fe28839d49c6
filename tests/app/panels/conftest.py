"""A display panel on a session of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.panels.display import DisplayPanel
from app.window.workbench import Workbench
from core.jobs import InlineRunner
from core.plugins import PluginHost
from core.settings import Settings


@pytest.fixture
def panel(qtbot: Any, tmp_path: Any) -> Iterator[DisplayPanel]:
    """Not shown; its `workbench` has no plugins."""
    workbench = Workbench(InlineRunner(), PluginHost(folders=[]), Settings(tmp_path / "s.json"))
    made = DisplayPanel(workbench)
    made.workbench = workbench  # type: ignore[attr-defined]
    qtbot.addWidget(made)
    yield made
    workbench.close()
