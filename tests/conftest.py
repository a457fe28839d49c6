"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests unless they are asked for by mark, and GPU tests where there is none."""
    soak = "soak" in (config.getoption("-m") or "")
    for item in items:
        if item.get_closest_marker("soak") and not soak:
            item.add_marker(pytest.mark.skip(reason="long: runs in `make soak`"))


Tried = Callable[[str, int], None]
_TRIED = "tried: "


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """Counts what a test has broken: `tried("kills of a worker", 12)`; the sums stand at the end of the run."""

    def count(what: str, number: int) -> None:
        record_property(_TRIED + what, number)

    return count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was tried by breaking it, in numbers (also from the processes of xdist)."""
    sums: dict[str, int] = {}
    for report in terminalreporter.stats.get("passed", []):
        for key, value in report.user_properties:
            if key.startswith(_TRIED):
                sums[key.removeprefix(_TRIED)] = sums.get(key.removeprefix(_TRIED), 0) + int(value)
    if sums:
        words = "; ".join(f"{n} {what}" for what, n in sorted(sums.items()))
        terminalreporter.write_line(f"Tested by breaking: {words}.")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; a test that asks for it is skipped where it is not there."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("../shared/data is not here")
    return folder
