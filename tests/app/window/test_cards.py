"""Cards: the same once with a count, bursts in one, by keyboard; faults of slots and of painting end there."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget

from app.window._safety import Faults
from app.window.cards import BURST, MOST
from app.window.workbench import Problem


def test_the_same_problem_is_one_card_with_a_count(window: Any, qtbot: Any) -> None:
    for _ in range(500):
        window.show_problem(Problem("It broke.", "Traceback…"))
    (card,) = window.cards.cards
    assert card.count == 500
    qtbot.waitUntil(lambda: card.number.text() == "500 ×")
    card.copy_button.click()
    assert QGuiApplication.clipboard().text() == "It broke.\n\nTraceback…"
    qtbot.mouseClick(card.details_button, Qt.MouseButton.LeftButton)
    assert card.details.isVisible() and card.details.toPlainText() == "Traceback…"


def test_a_burst_of_different_problems_shares_a_card(window: Any, qtbot: Any) -> None:
    for n in range(300):
        window.show_problem(Problem(f"Number {n} broke.", f"details {n}"))
    assert len(window.cards.cards) == MOST
    collector = window.cards._collector
    assert collector in window.cards.cards
    assert collector.count == 300 - BURST
    qtbot.waitUntil(lambda: str(300 - BURST) in collector.text.text())
    assert "details 299" in collector.problem.details
    for card in list(window.cards.cards):
        window.cards.remove(card)
    window.cards.clear()
    window.show_problem(Problem("Later.", ""))
    assert [c.problem.text for c in window.cards.cards] == ["Later."]


def test_of_a_folder_of_damaged_files_all_are_shown_or_counted(window: Any, qtbot: Any) -> None:
    for n in range(9):
        window.show_problem(Problem(f"{n}.ply is empty.", level="error"))
    texts = [c.problem.text for c in window.cards.cards if c is not window.cards._collector]
    assert texts == ["0.ply is empty.", "1.ply is empty.", "2.ply is empty."]
    assert window.cards._collector.count + len(texts) == 9


def test_one_problem_too_many_is_one(window: Any, qtbot: Any) -> None:
    for n in range(BURST + 1):
        window.show_problem(Problem(f"Number {n} broke."))
    text = window.cards._collector.text
    qtbot.waitUntil(lambda: text.text() == "A further problem came at once; the log has it.")


def test_cards_by_keyboard(window: Any, qtbot: Any) -> None:
    assert not window.commands["window.messages"].isEnabled()
    window.show_problem(Problem("One.", "more"))
    window.show_problem(Problem("Two.", level="warn"))
    assert window.commands["window.messages"].isEnabled()
    window.commands["window.messages"].trigger()
    focus = window.focusWidget()
    assert window.cards.cards[-1].isAncestorOf(focus)
    qtbot.keyClick(focus, Qt.Key.Key_Escape)
    assert [c.problem.text for c in window.cards.cards] == ["One."]
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
    assert not window.cards.cards and not window.commands["window.close-messages"].isEnabled()


@pytest.fixture
def faults(window: Any) -> Any:
    made = Faults()
    made.fault.connect(window.show_fault)
    restore = made.install()
    yield made
    restore()


class _Broken(QWidget):
    painted = 0

    def paintEvent(self, event: Any) -> None:
        _Broken.painted += 1
        raise ValueError("no paint today")


def test_a_fault_of_painting_is_one_card_and_no_loop(window: Any, qtbot: Any, faults: Any) -> None:
    broken = _Broken(window.centre)
    broken.resize(window.centre.size())
    broken.show()
    window.cards.raise_()
    qtbot.waitUntil(lambda: bool(window.cards.cards))
    qtbot.wait(400)
    (card,) = window.cards.cards
    assert "no paint today" in card.problem.text and "paintEvent" in card.problem.details
    assert _Broken.painted < 40, "each picture of the count would bring the next fault"
    broken.hide()
    broken.deleteLater()


class _Sender(QWidget):
    asked = Signal()


def test_a_fault_of_a_slot_is_one_card(window: Any, qtbot: Any, faults: Any) -> None:
    button = QPushButton(window)
    button.clicked.connect(lambda: {}["nothing"])  # type: ignore[index]
    for _ in range(3):
        button.click()
    qtbot.waitUntil(lambda: bool(window.cards.cards))
    qtbot.waitUntil(lambda: window.cards.cards[0].count == 3)
    assert "KeyError" in window.cards.cards[0].problem.text
    button.deleteLater()


def test_the_same_fault_is_logged_once(window: Any, caplog: Any, faults: Any, qtbot: Any) -> None:
    with caplog.at_level("ERROR", logger="equiscope.window"):
        error = ValueError("again")
        for _ in range(20):
            faults.report(error)
    assert sum("again" in r.getMessage() for r in caplog.records) == 1
    qtbot.waitUntil(lambda: bool(window.cards.cards) and window.cards.cards[0].count == 20)
