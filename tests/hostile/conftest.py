"""One warm process that opens files for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.opener import Opener

Harmless = Callable[..., str]


@pytest.fixture(scope="module")
def opener() -> Iterator[Opener]:
    """Started with the first file."""
    made = Opener()
    yield made
    made.close()


@pytest.fixture
def harmless(opener: Opener) -> Harmless:
    """`harmless(path, target)`: opens a file, fails unless that does no harm, returns the sentence ("" if it opened)."""

    def check(path: Path, target: str = "any", *, outcome: str = "", memory: float = 2e9) -> str:
        verdict: dict[str, Any] = opener.open(target, path)
        assert verdict["faults"] == [], verdict
        assert verdict["outcome"] in ("opened", "refused"), verdict
        assert not outcome or verdict["outcome"] == outcome, verdict
        assert verdict["memory"] < memory, verdict
        sentence: str = verdict["sentence"]
        return sentence

    return check
