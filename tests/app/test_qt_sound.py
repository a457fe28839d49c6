"""Watches the Qt binding itself: PySide6 6.12.0 drops a reference to None at every void-returning call."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_void_calls_do_not_eat_references_to_none(qtbot: QtBot) -> None:
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(500):
        thing.setObjectName("x")
    assert sys.getrefcount(None) - before > -50, "this PySide6 corrupts memory; install one below 6.12"


def test_the_version_is_one_that_is_known_to_work() -> None:
    import PySide6

    version = tuple(int(p) for p in PySide6.__version__.split(".")[:3])
    assert version not in {(6, 9, 1), (6, 9, 2)}
    if sys.version_info < (3, 12):
        assert version < (6, 12)
