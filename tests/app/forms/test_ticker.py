"""A text that changes all the time asks nobody for another size."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.forms.widgets import elided, ticker


class _Counter(QObject):
    layouts = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.layouts += event.type() == QEvent.Type.LayoutRequest
        return False


def test_a_new_text_shows_and_lays_nothing_out(qtbot: Any) -> None:
    found = {}
    for kind in (elided, ticker):
        window = QWidget()
        qtbot.addWidget(window)
        made = kind("one")
        QHBoxLayout(window).addWidget(made)
        window.resize(200, 60)
        window.show()
        qtbot.wait(20)
        before = window.grab().toImage()
        counter = _Counter()
        window.installEventFilter(counter)
        made.setText("another and longer text")
        qtbot.wait(20)
        assert made.text() == "another and longer text"
        assert window.grab().toImage() != before
        found[kind] = counter.layouts
    assert made.accessibleName() == "another and longer text"
    assert found[elided] > 0, "the test would see it"
    assert found[ticker] == 0
