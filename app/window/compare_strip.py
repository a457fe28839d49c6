"""The row above compared views: what of each object is shown, what is linked, the way back."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.forms.widgets import button, label
from app.theme import Metrics, current_theme
from app.window.comparing import Comparing
from app.window.icons import pixmap

WORDS = {"camera": "Camera", "slice": "Slices", "zoom": "Zoom", "time": "Time", "colour": "Colours"}
WHAT = {
    "axial": "Axial",
    "coronal": "Coronal",
    "sagittal": "Sagittal",
    "slices": "Three slices",
    "3d": "3-D",
    "all": "Slices and 3-D",
}


class Strip(QFrame):
    """A row of small controls that never asks for more width than there is."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "strip")
        self.setAccessibleName(name)
        m = Metrics.of(self.font())
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(m.px(12), 0, m.px(8), 0)
        self.row.setSpacing(m.px(6))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Narrow windows cut the row; they do not grow."""
        return QSize(0, super().minimumSizeHint().height())

    def switch(self, text: str, tip: str, name: str) -> QToolButton:
        """A small switch with words."""
        made = QToolButton()
        made.setText(text)
        made.setCheckable(True)
        made.setToolTip(tip)
        made.setAccessibleName(name)
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.row.addWidget(made)
        return made


class CompareStrip(Strip):
    """Made with the first comparison."""

    def __init__(self, comparing: Comparing, parent: QWidget | None = None) -> None:
        super().__init__("Comparison", parent)
        self._comparing = comparing
        self.row.addWidget(label("Compare", "heading"))
        self.what = QComboBox()
        self.what.setAccessibleName("What of each object is shown")
        for value, words in WHAT.items():
            self.what.addItem(words, value)
        self.what.activated.connect(lambda _index: comparing.set_what(self.what.currentData()))
        self.row.addWidget(self.what)
        self.row.addSpacing(Metrics.of(self.font()).px(10))
        self.mark = QLabel()
        self.mark.setToolTip("What the views share")
        self.row.addWidget(self.mark)
        self.switches: dict[str, QToolButton] = {}
        from app.viewports.linking import LINKS

        for name, words in WORDS.items():
            tip = f"{LINKS[name]}: the same in all views"
            made = self.switch(words, tip, f"Link {LINKS[name][:1].lower()}{LINKS[name][1:]}")
            made.clicked.connect(lambda _on, name=name: comparing.toggle_link(name))
            self.switches[name] = made
        self.row.addStretch(1)
        self.end: QPushButton = button("End comparison", comparing.end, "quiet")
        self.row.addWidget(self.end)
        self._color = ""

    def refresh(self) -> None:
        """Show how it is."""
        shown = self._comparing.shown
        if shown is None:
            return
        self.what.setCurrentIndex(max(0, self.what.findData(shown[0])))
        for name, made in self.switches.items():
            made.setChecked(self._comparing.is_linked(name))
        theme = current_theme()
        if theme.accent != self._color:
            self._color = theme.accent
            side = Metrics.of(self.font()).px(16)
            self.mark.setPixmap(pixmap("link", theme.accent, side, self.devicePixelRatioF()))
