"""Error cards: at the bottom of the centre, never in the way, the same one once with a count."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.forms.widgets import Card, button, label
from app.theme import Metrics, current_theme
from app.window.icons import icon, pixmap
from app.window.workbench import Problem
from core.records import without_home

MOST = 4
"""Cards shown at once; the oldest goes."""
BURST, SECONDS = MOST - 1, 2.0
"""So many new cards within so many seconds are answered; what comes beyond that shares one card. All of them fit beside
that card: of a folder of damaged files no name goes unseen and uncounted."""
LONGEST = 20_000
"""Characters of details that one card collects."""


class ProblemCard(Card):
    """One problem: a sentence, copy, details, close."""

    def __init__(self, problem: Problem, stack: CardStack) -> None:
        super().__init__("error" if problem.level == "error" else "card")
        self.setAutoFillBackground(True)
        self.problem = problem
        self.count = 1
        self._wait = 0.1
        self._collects = False
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.timeout.connect(self._show_count)
        m = Metrics.of(self.font())
        theme = current_theme()
        row = QHBoxLayout()
        row.setSpacing(m.px(10))
        mark = QLabel()
        tone = {"error": theme.bad, "warn": theme.warn}.get(problem.level, theme.accent)
        name = "error" if problem.level == "error" else "warning" if problem.level == "warn" else "result"
        mark.setPixmap(pixmap(name, tone, m.px(16), self.devicePixelRatioF()))
        self.text = label(problem.text, wrap=True, selectable=True)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.number = label("", "key")
        self.number.hide()
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.text, 1)
        row.addWidget(self.number, 0, Qt.AlignmentFlag.AlignVCenter)
        self.copy_button = button("Copy", self.copy, "link", "Copy the message and its details")
        self.details_button = button("Details", self._flip, "link")
        self.details_button.setVisible(bool(problem.details))
        self._stack = stack
        close = self.close_button = QToolButton()
        close.setIcon(icon("close", size=m.px(16)))
        close.setIconSize(QSize(m.px(16), m.px(16)))
        close.setAccessibleName("Close this message")
        close.setToolTip("Close (Escape)")
        close.clicked.connect(lambda: stack.remove(self))
        if not problem.choices:
            row.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignVCenter)
            row.addWidget(self.details_button, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignVCenter)
        self.column.addLayout(row)
        if problem.choices:
            line = QHBoxLayout()
            line.setContentsMargins(m.px(26), 0, 0, 0)
            for words, action in problem.choices:
                line.addWidget(button(words, partial(self._choose, action)))
            line.addStretch(1)
            self.column.addLayout(line)
        self.details = QPlainTextEdit(problem.details)
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName("Details")
        self.details.setProperty("role", "code")
        self.details.setFixedHeight(m.px(140))
        self.details.hide()
        self.column.addWidget(self.details)
        level = {"error": "Error", "warn": "Warning"}.get(problem.level, "Note")
        self.setAccessibleName(f"{level}: {problem.text}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._stack.remove(self)
        else:
            super().keyPressEvent(event)

    def _choose(self, action: Callable[[], None]) -> None:
        self._stack.remove(self)
        action()

    def _flip(self) -> None:
        self.details.setVisible(self.details.isHidden())
        self.details_button.setText("Details" if self.details.isHidden() else "Less")

    def copy(self) -> None:
        """The message and its details to the clipboard."""
        text = self.problem.text + (f"\n\n{self.problem.details}" if self.problem.details else "")
        QGuiApplication.clipboard().setText(without_home(text))

    def again(self) -> None:
        """The same problem once more."""
        self.count += 1
        if self.count <= 3:
            self._show_count()
        elif not self._late.isActive():
            # A fault in painting comes again with every picture of this very number: each time it waits twice as
            # long, so that no fault keeps the window busy with itself.
            self._late.start(round(1000 * self._wait))
            self._wait = min(2 * self._wait, 60.0)

    def _show_count(self) -> None:
        if self._collects:
            self._show_collected()
            return
        self.number.setText(f"{self.count} ×")
        self.number.setAccessibleName(f"{self.count} times")
        self.number.show()

    def add(self, problem: Problem) -> None:
        """One more problem on a card that collects them."""
        self.count += 1
        more = f"{problem.text}\n{problem.details}".strip()
        details = f"{self.problem.details}\n\n{more}".strip()[:LONGEST]
        text = (
            "A further problem came at once; the log has it."
            if self.count == 1
            else f"{self.count} further problems came at once; the log has them all."
        )
        self.problem = replace(self.problem, text=text, details=details)
        self._collects = True
        if not self._late.isActive():
            self._late.start(200)

    def _show_collected(self) -> None:
        self.text.setText(self.problem.text)
        self.setAccessibleName(self.problem.text)
        self.details.setPlainText(self.problem.details)
        self.number.hide()


class CardStack(QWidget):
    """The cards over the lower edge of `host`."""

    changed = Signal()
    """A card came or went."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(Metrics.of(self.font()).px(8))
        self.cards: list[ProblemCard] = []
        self._made: collections.deque[float] = collections.deque(maxlen=BURST)
        self._collector: ProblemCard | None = None
        host.installEventFilter(self)
        self.hide()

    def show_problem(self, problem: Problem) -> ProblemCard:
        """A new card, or one more on the card that says the same."""
        for card in self.cards:
            if (card.problem.text, card.problem.level) == (problem.text, problem.level):
                card.again()
                return card
        now = time.monotonic()
        if len(self._made) == BURST and now - self._made[0] < SECONDS and not problem.choices:
            if self._collector not in self.cards:
                self._collector = self._put(Problem("A further problem came at once.", "", problem.level))
                self._collector.count = 0
                self._collector.details_button.show()
            assert self._collector is not None
            self._collector.add(problem)
            return self._collector
        self._made.append(now)
        return self._put(problem)

    def withdraw(self, problem: Problem) -> None:
        """Take the card away that says this, if there is one."""
        for card in [c for c in self.cards if c.problem.text == problem.text]:
            self.remove(card)

    def _put(self, problem: Problem) -> ProblemCard:
        card = ProblemCard(problem, self)
        self.cards.append(card)
        self._column.addWidget(card)
        while len(self.cards) > MOST:
            self.remove(next(c for c in self.cards if c is not self._collector))
        self.show()
        self.raise_()
        self._place()
        self.changed.emit()
        return card

    def why_none(self) -> str:
        """Why there is no card to go to, "" if there is one."""
        return "" if self.cards else "there is no message"

    def focus(self) -> None:
        """Give the keyboard to the newest card."""
        if self.cards:
            self.cards[-1].close_button.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def clear(self) -> None:
        """Take all cards away."""
        self._made.clear()
        for card in list(self.cards):
            self.remove(card)

    def remove(self, card: ProblemCard) -> None:
        """Take a card away."""
        if card in self.cards:
            held = card.isAncestorOf(self.window().focusWidget() or self)
            self.cards.remove(card)
            self._column.removeWidget(card)
            if held:  # the keyboard goes on to the next card, or back to the centre
                if self.cards:
                    self.focus()
                else:
                    self._host.setFocus()
            card.hide()
            card.deleteLater()
        self.setVisible(bool(self.cards))
        self._place()
        self.changed.emit()

    def _place(self) -> None:
        m = Metrics.of(self.font())
        width = min(m.px(680), self._host.width() - m.px(32))
        if width <= 0:
            return
        self.setFixedWidth(width)
        self._column.activate()
        height = max(self._column.totalHeightForWidth(width), self._column.totalMinimumSize().height())
        height = min(height, self._host.height() - m.px(24))
        self.setFixedHeight(max(height, 0))
        self.move((self._host.width() - width) // 2, self._host.height() - height - m.px(16))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._host and event.type() == QEvent.Type.Resize and self.cards:
            self._place()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and self.cards:
            self._place()
        return super().event(event)
