"""What crashed windows left: one card each, with what can be done about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QLocale, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.forms.widgets import Card, button, label, scrolled
from app.theme import Metrics
from app.window.dialogs import Dialog, ask_to_lose
from app.window.kinds import shortened
from app.window.recovery.picture import NAME, SIZE
from app.window.workbench import SESSION

if TYPE_CHECKING:
    from app.window.recovery.recovery import Recovery
    from core.journal import Crashed

NAMES = 3
"""Names of items that a card tells."""


class RecoveryDialog(Dialog):
    """Not modal: whoever wants to work on at once leaves it, and is asked again at the next start.

    `everything`: also what was skipped, and with a button that deletes.
    """

    def __init__(
        self, recovery: Recovery, found: Sequence[Crashed], everything: bool, parent: QWidget
    ) -> None:
        super().__init__("Recover", parent, 620)
        self._recovery, self._everything = recovery, everything
        self.entries: list[EntryCard] = []
        m = Metrics.of(self.font())
        self.heading = label("", "heading", wrap=True)
        self.column.addWidget(self.heading)
        body = QWidget()
        self._list = QVBoxLayout(body)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(m.px(10))
        for crashed in found:
            entry = EntryCard(crashed, self, first=not self.entries)
            self.entries.append(entry)
            self._list.addWidget(entry)
        self._list.addStretch(1)
        if len(found) > 3:
            self._height = m.px(560)
            self.column.addWidget(scrolled(body), 1)
        else:
            self.column.addWidget(body)
        from core.journal import KEPT_DAYS, recovery_folder

        self.column.addWidget(
            label(
                f"What is skipped stays for {KEPT_DAYS} days under File ▸ Recover… "
                f"(in {recovery_folder()}). Files that were opened are never changed.",
                "small",
                wrap=True,
                selectable=True,
            )
        )
        self._say()
        if self.entries and not everything:
            self.finish(close="Later", role="")
        else:
            self.finish(role="" if self.entries else "primary")
        if self.entries:
            self.entries[0].first.setFocus()

    def _say(self) -> None:
        if not self.entries:
            text = "There is nothing to recover: every window ended as it should."
        elif self._everything:
            text = "These windows ended without saving:"
        elif len(self.entries) == 1:
            text = "Equiscope ended before this was saved:"
        else:
            text = "Equiscope ended before these were saved:"
        self.heading.setText(text)

    # -- what the cards ask for --------------------------------------------------------------------------------

    def recover(self, entry: EntryCard) -> None:
        """Open it; the dialog makes room."""
        recovery = self._recovery
        recovery.recover(entry.crashed)
        self.remove(entry)
        self.close()

    def open_saved(self, entry: EntryCard) -> None:
        """Open the session as it was saved."""
        self._recovery.open_saved(entry.crashed)
        self.remove(entry)
        self.close()

    def skip(self, entry: EntryCard) -> None:
        """Not asked again."""
        fault = self._recovery.skip(entry.crashed)
        if fault:
            entry.say(fault)
        else:
            self.remove(entry)

    def delete(self, entry: EntryCard) -> None:
        """After a question, for good."""
        if not ask_to_delete(entry.title, self):
            return
        if self._recovery.delete(entry.crashed):
            self.remove(entry)
        else:
            entry.say("It cannot be deleted: a window has it open, or its folder may not be written to.")

    def remove(self, entry: EntryCard) -> None:
        """Take a card away; without cards there is nothing to ask any more."""
        self.entries.remove(entry)
        self._list.removeWidget(entry)
        entry.hide()
        entry.deleteLater()
        self._say()
        if self.entries:
            self.entries[0].first.setFocus()
        elif not self._everything:
            self.close()


class EntryCard(Card):
    """One crashed window."""

    def __init__(self, crashed: Crashed, dialog: RecoveryDialog, first: bool) -> None:
        super().__init__()
        self.crashed = crashed
        m = Metrics.of(self.font())
        self.title = title_of(crashed)
        words = details_of(crashed)
        contents = contents_of(crashed) if crashed.session and crashed.names else ""
        column = QVBoxLayout()
        column.setSpacing(m.px(6))
        column.addWidget(label(self.title, "heading", wrap=True))
        if contents:
            column.addWidget(label(contents, wrap=True))
        column.addWidget(label(words, "muted", wrap=True))
        self.warning = label("", "warn", wrap=True)
        self.warning.hide()
        column.addWidget(self.warning)
        if crashed.fault:
            self.say(f"Its journal {crashed.fault}.")
        elif crashed.cut:
            self.say("The end of its journal is damaged; what stands before is complete.")
        row = QHBoxLayout()
        row.setSpacing(m.px(8))
        made = []
        if not crashed.fault:
            made.append(button("Recover", partial(dialog.recover, self), "primary" if first else ""))
        if crashed.session:
            tip = f"{crashed.session}, without what was not saved"
            made.append(button("Open saved", partial(dialog.open_saved, self), tip=tip))
        if not crashed.skipped:
            made.append(button("Skip", partial(dialog.skip, self), tip="Do not ask about it again"))
        if dialog._everything:
            made.append(button("Delete", partial(dialog.delete, self), tip="Remove it from the disk"))
        for each in made:
            each.setAccessibleName(f"{each.text()}: {self.title}")
            row.addWidget(each)
        row.addStretch(1)
        self.buttons = {b.text(): b for b in made}
        self.first = made[0]
        column.addStretch(1)
        column.addLayout(row)
        across = QHBoxLayout()
        across.setSpacing(m.px(14))
        across.addLayout(column, 1)
        self.picture = self._picture(m)
        if self.picture is not None:
            across.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        self.column.addLayout(across)
        self.setAccessibleName(": ".join(filter(None, (self.title, contents, words))))

    def _picture(self, m: Metrics) -> QLabel | None:
        """What the window showed last, if there is a picture of it."""
        pixmap = QPixmap(str(self.crashed.path / NAME))
        if pixmap.isNull():
            return None
        ratio = self.devicePixelRatioF()
        wide, high = round(m.px(SIZE.width()) * 0.75 * ratio), round(m.px(SIZE.height()) * 0.75 * ratio)
        pixmap = pixmap.scaled(
            wide, high, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        pixmap.setDevicePixelRatio(ratio)
        made = QLabel()
        made.setPixmap(pixmap)
        made.setFixedSize(pixmap.deviceIndependentSize().toSize())
        made.setAccessibleName("What it showed last")
        return made

    def say(self, text: str) -> None:
        """Something that is wrong."""
        self.warning.setText(text)
        self.warning.show()


def title_of(crashed: Crashed) -> str:
    """The name of its session, or what it held."""
    if crashed.session:
        return shortened(Path(crashed.session).name.removesuffix(SESSION), 60)
    return contents_of(crashed)


def contents_of(crashed: Crashed) -> str:
    """What it held, by name."""
    names = [shortened(n, 40) for n in crashed.names[:NAMES]]
    more = len(crashed.names) - len(names)
    if more:
        names.append(f"{more} more")
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
    return listed or "A window whose contents cannot be told"


def details_of(crashed: Crashed) -> str:
    """When, and how much is not saved."""
    parts = []
    if crashed.unsaved and not crashed.fault:
        edits = "1 edit" if crashed.unsaved == 1 else f"{crashed.unsaved} edits"
        parts.append(f"{edits} since it was saved" if crashed.session else f"{edits}, never saved")
    if crashed.label:
        parts.append(f"the last: {shortened(crashed.label, 40)}")
    if crashed.time:
        parts.append(when_words(crashed.time))
    if crashed.skipped:
        parts.append("skipped")
    return " · ".join(parts)


def when_words(moment: float, now: float | None = None) -> str:
    """ "5 minutes ago", "today 14:05", or the date."""
    now = time.time() if now is None else now
    ago = now - moment
    if 0 <= ago < 90:
        return "a moment ago" if ago < 45 else "a minute ago"
    if 0 <= ago < 3600:
        return f"{round(ago / 60)} minutes ago"
    then, today = QDateTime.fromSecsSinceEpoch(int(moment)), QDateTime.fromSecsSinceEpoch(int(now))
    clock = QLocale().toString(then.time(), QLocale.FormatType.ShortFormat)
    if then.date() == today.date():
        return f"today {clock}"
    return f"{QLocale().toString(then.date(), QLocale.FormatType.ShortFormat)} {clock}"


def ask_to_delete(name: str, parent: QWidget) -> bool:
    """Whether what was not saved may go for good."""
    detail = "What was not saved of it is lost. Files that were opened stay as they are."
    return ask_to_lose("Delete", f"Delete {shortened(name, 60)}?", detail, "Delete", parent)
