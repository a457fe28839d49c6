"""The row above compared views: what of each object is shown, what is linked, the way back."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.forms.tips import plain_tip
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
    """Small controls from left to right, in as many rows as a narrow centre needs; the last one at the right."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "strip")
        self.setAccessibleName(name)
        self._parts: list[QWidget | int] = []
        self._last: QWidget | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def add(self, widget: QWidget) -> None:
        """Append a control."""
        widget.setParent(self)
        self._parts.append(widget)

    def gap(self, design: int) -> None:
        """Append some room."""
        self._parts.append(design)

    def end_with(self, widget: QWidget) -> None:
        """The control at the right end."""
        widget.setParent(self)
        self._last = widget

    def switch(self, text: str, tip: str, name: str) -> QToolButton:
        """A small switch with words."""
        made = QToolButton()
        made.setText(text)
        made.setCheckable(True)
        made.setToolTip(plain_tip(tip))
        made.setAccessibleName(name)
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.add(made)
        return made

    def arrange(self) -> None:
        """Place everything that is not hidden; closer together where that saves a row."""
        m = Metrics.of(self.font())
        row = m.row + m.px(8)
        places = self._places(m, m.px(6))
        if places and places[-1][2]:
            closer = self._places(m, m.px(1))
            places = closer if closer[-1][2] < places[-1][2] else places
        for part, x, n, wide in places:
            self._put(part, x, n * row, wide, row)
        tall = row * (1 + places[-1][2]) if places else row
        if self.height() != tall:
            self.setFixedHeight(tall)

    def _places(self, m: Metrics, space: int) -> list[tuple[QWidget, int, int, int]]:
        """Each control with its left end, its row and its width; the one at the right end is the last."""
        left, right = m.px(12), self._room() - m.px(8)
        x, row = left, 0
        out = []
        for part in self._parts:
            if isinstance(part, int):
                x += m.px(part) if x > left else 0
                continue
            if part.isHidden():
                continue
            wide = min(self._width_of(part), max(right - left, 1))
            if x > left and x + wide > right:
                x, row = left, row + 1
            out.append((part, x, row, wide))
            x += wide + space
        if self._last is not None:  # also while hidden: the views keep their size when it comes
            wide = min(self._width_of(self._last), max(right - left, 1))
            row += x > left and x + wide > right
            out.append((self._last, right - wide, row, wide))
        return out

    def _room(self) -> int:
        """The width there is; before it has got any, what it will get: with Qt's first guess it would push the views
        away for a moment."""
        above = self.parentWidget()
        return (
            self.width()
            if above is None or self.testAttribute(Qt.WidgetAttribute.WA_Resized)
            else above.width()
        )

    @staticmethod
    def _width_of(widget: QWidget) -> int:
        widget.ensurePolished()
        wanted = max(widget.sizeHint().width(), widget.minimumWidth())
        return min(wanted, widget.maximumWidth())

    @staticmethod
    def _put(widget: QWidget, x: int, top: int, wide: int, row: int) -> None:
        tall = min(widget.sizeHint().height(), row - 4)
        widget.setGeometry(x, top + (row - tall) // 2, wide, tall)

    def minimumSizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(0, self.height())

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(200, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other rows for another width."""
        super().resizeEvent(event)
        self.arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Sizes follow the font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.arrange()


class CompareStrip(Strip):
    """Made with the first comparison."""

    def __init__(self, comparing: Comparing, parent: QWidget | None = None) -> None:
        super().__init__("Comparison", parent)
        self._comparing = comparing
        self.add(label("Compare", "heading"))
        self.what = QComboBox()
        self.what.setAccessibleName("What of each object is shown")
        for value, words in WHAT.items():
            self.what.addItem(words, value)
        self.what.activated.connect(lambda _index: comparing.set_what(self.what.currentData()))
        self.add(self.what)
        self.gap(10)
        self.mark = QLabel()
        self.mark.setToolTip("What the views share")
        self.add(self.mark)
        self.switches: dict[str, QToolButton] = {}
        from app.viewports.linking import LINKS

        for name, words in WORDS.items():
            tip = f"{LINKS[name]}: the same in all views"
            made = self.switch(words, tip, f"Link {LINKS[name][:1].lower()}{LINKS[name][1:]}")
            made.clicked.connect(lambda _on, name=name: comparing.toggle_link(name))
            self.switches[name] = made
        self.end: QPushButton = button("End comparison", comparing.end, "quiet")
        self.end_with(self.end)
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
        self.arrange()
