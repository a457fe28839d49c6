"""What an analysis does, in its own words: paragraphs, its parameters, and where the method comes from."""

from __future__ import annotations

import html
import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.forms import Card, ColumnWidget, button, label, paragraph
from app.forms.fields import what_is
from core.analyses import Description

_CODE = re.compile(r"`([^`]+)`")


def about_analysis(description: Description) -> QWidget:
    """A link that opens the text below itself."""
    holder = ColumnWidget(margin=0, spacing=6)
    card = Card()
    for words in paragraphs(description):
        card.column.addWidget(_text(words))
    if description.parameters:
        card.column.addWidget(label("Parameters", "heading"))
        for parameter in description.parameters:
            name, _, rest = what_is(parameter).partition("\n")
            words = html.escape(" ".join(rest.split("\n")))
            card.column.addWidget(_text(f"<b>{html.escape(name)}</b>  {words}", ready=True))
    if description.reference:
        card.column.addWidget(label("Reference", "heading"))
        card.column.addWidget(_text(description.reference))
    card.hide()
    toggle = button("About this analysis", role="link")

    def flip() -> None:
        card.setVisible(card.isHidden())
        toggle.setText("About this analysis" if card.isHidden() else "Hide")

    toggle.clicked.connect(flip)
    holder.column.addWidget(toggle, 0, Qt.AlignmentFlag.AlignLeft)
    holder.column.addWidget(card)
    return holder


def paragraphs(description: Description) -> list[str]:
    """The help without its first line, which stands above the form, and without the reference, which has a place."""
    text = description.help.strip()
    rest = text.removeprefix(description.summary).strip()
    found = [" ".join(p.split()) for p in rest.split("\n\n") if p.strip()]
    return [p for p in found if not (description.reference and p.startswith("Reference:"))]


def _text(words: str, ready: bool = False) -> QLabel:
    """A paragraph with room between its lines; `code` in the fixed font."""
    body = words if ready else _CODE.sub(r"<code>\1</code>", html.escape(words, quote=False))
    made = paragraph("")
    made.setTextFormat(Qt.TextFormat.RichText)
    made.setText(f'<p style="line-height: 135%; margin: 0">{body}</p>')
    made.setOpenExternalLinks(False)
    return made
