"""Every command once: the menus, the shortcuts and the command search all come from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.forms.tips import plain_tip


class Commands(QObject):
    """Named actions. A command that cannot be used says why (`set_reason`)."""

    added = Signal(str)
    removed = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._actions: dict[str, QAction] = {}
        self._reasons: dict[str, Callable[[], str]] = {}
        self._checks: dict[str, Callable[[], bool]] = {}
        self._tips: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._stale = False

    def add(
        self,
        id: str,
        title: str,
        run: Callable[[], object],
        *,
        group: str,
        shortcut: str | QKeySequence.StandardKey | Sequence[str] | None = None,
        checked: bool | Callable[[], bool] | None = None,
        words: str = "",
        tip: str = "",
        why_not: Callable[[], str] | None = None,
    ) -> QAction:
        """A command. `group` is where the search says it is; `words` are further ones to find it by.

        `shortcut` (one, or several of which menus show the first) is the default: `Shortcuts` may set others.
        `why_not` is asked again by every `refresh`: the reason for which the command cannot be used now, "" if it
        can. `checked` makes it a switch; a function is asked again likewise.
        """
        action = QAction(title, self)
        action.setObjectName(id)
        action.setData((group, words))
        if shortcut is not None:
            several = isinstance(shortcut, Sequence) and not isinstance(shortcut, str)
            action.setShortcuts([QKeySequence(s) for s in (shortcut if several else (shortcut,))])  # type: ignore[union-attr,arg-type]
        if checked is not None:
            action.setCheckable(True)
            if callable(checked):
                self._checks[id] = checked
            else:
                action.setChecked(checked)
        if why_not is not None:
            self._reasons[id] = why_not
        self._tips[id] = tip
        action.setToolTip(plain_tip(tip))
        action.setStatusTip(tip)
        action.triggered.connect(lambda _checked=False: run())
        self._actions[id] = action
        self._window.addAction(action)
        self.added.emit(id)
        return action

    def remove(self, id: str) -> None:
        """Forget a command (a recent file that has gone from the list)."""
        action = self._actions.pop(id, None)
        self._reasons.pop(id, None)
        self._checks.pop(id, None)
        self._tips.pop(id, None)
        self._said.pop(id, None)
        if action is not None:
            self._window.removeAction(action)
            action.deleteLater()
            self.removed.emit(id)

    def __getitem__(self, id: str) -> QAction:
        self.settle()
        return self._actions[id]

    def action(self, id: str) -> QAction:
        """The same for who sets it: what `refresh` has put off stays put off."""
        return self._actions[id]

    def __contains__(self, id: str) -> bool:
        return id in self._actions

    def get(self, id: str) -> QAction | None:
        """The action of a command, None if there is none of that name."""
        self.settle()
        return self._actions.get(id)

    def __iter__(self) -> Iterator[QAction]:
        self.settle()
        return iter(list(self._actions.values()))

    def set_reason(self, id: str, reason: str) -> None:
        """Enable a command, or grey it with the reason ("" = it can be used); its own tip comes back then."""
        action = self._actions[id]
        if self._said.get(id) == reason and action.isEnabled() == (not reason):
            return  # as for nearly all of them, each time that they are all asked
        self._said[id] = reason
        action.setEnabled(not reason)
        tip = reason[:1].upper() + reason[1:] if reason else self._tips[id]
        action.setToolTip(plain_tip(tip))
        action.setStatusTip(tip)

    def refresh(self) -> None:
        """Ask every command that has a `why_not` or a `checked` function again: before the next event, or as soon as
        anybody looks at one. An edit is told of in several ways, and each of them asks for this."""
        if not self._stale:
            self._stale = True
            QTimer.singleShot(0, self, self.settle)

    def settle(self) -> None:
        """Do now what `refresh` has put off."""
        if not self._stale:
            return
        self._stale = False
        for id, why_not in self._reasons.items():
            self.set_reason(id, why_not())
        for id, checked in self._checks.items():
            action, on = self._actions[id], checked()
            if action.isChecked() != on:
                action.setChecked(on)

    @staticmethod
    def group(action: QAction) -> str:
        """Where a command is found."""
        return str((action.data() or ("", ""))[0])

    @staticmethod
    def title(action: QAction) -> str:
        """Its name without mnemonics."""
        return action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")


def score(query: str, title: str, words: str) -> int:
    """How well a command answers a query: 0 = not at all. All words of the query must be there."""
    query, title, words = query.lower().strip(), title.lower(), words.lower()
    if not query:
        return 1
    if title.startswith(query):
        return 1000 - len(title)
    total = 0
    for part in query.split():
        if any(w.startswith(part) for w in title.split()):
            total += 100
        elif part in title:
            total += 60
        elif part in words:
            total += 30
        elif len(part) > 2 and _in_order(part, title):
            total += 5
        else:
            return 0
    return total


def _in_order(letters: str, text: str) -> bool:
    place = -1
    for letter in letters:
        place = text.find(letter, place + 1)
        if place < 0:
            return False
    return True
