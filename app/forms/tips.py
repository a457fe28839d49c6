"""Tooltips say what a file says, letter for letter."""

from __future__ import annotations

import html

from PySide6.QtGui import Qt


def plain_tip(text: str) -> str:
    """`text` for `setToolTip` and `ToolTipRole`, which show HTML as soon as something looks like it.

    A file called `<b>x.nii` or a column with a link to a picture must be read as it is spelt.
    """
    if not Qt.mightBeRichText(text):  # type: ignore[attr-defined]
        return text
    return f'<p style="white-space: pre-wrap">{html.escape(text)}</p>'
