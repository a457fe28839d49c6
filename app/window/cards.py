"""Error cards: at the bottom of the centre, never in the way, the same one once with a count."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
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

MOST = 4
"""Cards shown at once; the oldest goes."""


class ProblemCard(Card):
    """One problem: a sentence, copy, details, close."""

    def __init__(self, problem: Problem, stack: CardStack) -> None:
        super().__init__("error" if problem.level == "error" else "card")
        self.setAutoFillBackground(True)
        self.problem = problem
        self.count = 1
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
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setAccessibleName("Close this message")
        close.setToolTip("Close")
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
                line.addWidget(button(words, partial(self._choose, stack, action)))
            line.addStretch(1)
            self.column.addLayout(line)
        self.details = QPlainTextEdit(problem.details)
        self.details.setReadOnly(True)
        self.details.setFixedHeight(m.px(140))
        self.details.hide()
        self.column.addWidget(self.details)
        self.setAccessibleName(problem.text)

    def _choose(self, stack: CardStack, action: Callable[[], None]) -> None:
        stack.remove(self)
        action()

    def _flip(self) -> None:
        self.details.setVisible(self.details.isHidden())
        self.details_button.setText("Details" if self.details.isHidden() else "Less")

    def copy(self) -> None:
        """The message and its details to the clipboard."""
        text = self.problem.text + (f"\n\n{self.problem.details}" if self.problem.details else "")
        QGuiApplication.clipboard().setText(text)

    def again(self) -> None:
        """The same problem once more."""
        self.count += 1
        self.number.setText(f"{self.count} ×")
        self.number.show()


class CardStack(QWidget):
    """The cards over the lower edge of `host`."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(Metrics.of(self.font()).px(8))
        self.cards: list[ProblemCard] = []
        host.installEventFilter(self)
        self.hide()

    def show_problem(self, problem: Problem) -> ProblemCard:
        """A new card, or one more on the card that says the same."""
        for card in self.cards:
            if (card.problem.text, card.problem.level) == (problem.text, problem.level):
                card.again()
                self._place()
                return card
        card = ProblemCard(problem, self)
        self.cards.append(card)
        self._column.addWidget(card)
        while len(self.cards) > MOST:
            self.remove(self.cards[0])
        self.show()
        self.raise_()
        self._place()
        return card

    def clear(self) -> None:
        """Take all cards away."""
        for card in list(self.cards):
            self.remove(card)

    def remove(self, card: ProblemCard) -> None:
        """Take a card away."""
        if card in self.cards:
            self.cards.remove(card)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.setVisible(bool(self.cards))
        self._place()

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
