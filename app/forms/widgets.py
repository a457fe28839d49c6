"""The few widgets that all panels are made of: headers, cards, two-column grids, number fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.forms.numbers import parse_number
from app.forms.tips import plain_tip
from app.theme import Metrics, color, current_theme, restyle


def label(text: str = "", role: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """A label with a role of the stylesheet; plain text always."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wrap)
    if selectable:
        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return made


def button(
    text: str, clicked: Callable[[], object] | None = None, role: str = "", tip: str = ""
) -> QPushButton:
    """A push button; `role` "primary", "quiet" or "link"."""
    made = QPushButton(text)
    if role:
        made.setProperty("role", role)
    if role == "link":
        made.setCursor(Qt.CursorShape.PointingHandCursor)
    if tip:
        made.setToolTip(plain_tip(tip))
    if clicked is not None:
        made.clicked.connect(lambda _checked=False: clicked())
    return made


class RowButton(QPushButton):
    """A quiet button as wide as its column, its text at the left and cut with "…" where it does not fit."""

    def __init__(self, text: str, clicked: Callable[[], object], tip: str = "") -> None:
        super().__init__()
        self._text, self._tip = text, tip
        self.setProperty("role", "quiet")
        self.setAccessibleName(text)
        self.setStyleSheet("text-align: left;")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda _checked=False: clicked())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.width() - 2 * Metrics.of(self.font()).px(13)
        shown = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideMiddle, room)
        self.setText(shown)
        self.setToolTip(plain_tip(self._tip or (self._text if shown != self._text else "")))


def rule() -> QFrame:
    """A one-pixel line."""
    made = QFrame()
    made.setProperty("role", "line")
    return made


class elided(QLabel):
    """A one-line label that gives way: what does not fit is cut with "…" and stands in the tooltip."""

    def __init__(self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight):
        super().__init__()
        self._mode = mode
        if role:
            self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 4, super().minimumSizeHint().height())

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip("")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        text = self.fontMetrics().elidedText(self.text(), self._mode, self.contentsRect().width())
        tip = plain_tip(self.text()) if text != self.text() else ""
        if tip != self.toolTip():
            self.setToolTip(tip)
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()


class ticker(elided):
    """An `elided` label whose text changes all the time; it takes the room that it is given.

    A QLabel with a new text has the whole window laid out again, docks and all: three milliseconds each time.
    """

    def __init__(self, text: str = "", role: str = ""):
        self._line = text
        super().__init__(text, role)
        QLabel.setText(self, " ")  # what Qt takes the height from
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        return self._line

    def setText(self, text: str) -> None:
        if text != self._line:
            self._line = text
            self.setAccessibleName(text)
            self.update()


class Header(QFrame):
    """A panel's header: a name in bold at the left, what there is to say in muted text at the right."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        m = Metrics.of(self.font())
        row = QHBoxLayout(self)
        row.setContentsMargins(m.px(12), 0, m.px(12), 0)
        row.setSpacing(m.px(8))
        self.title = label(title, "heading")
        self.note = elided("", "small")
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.title)
        row.addWidget(self.note, 1)
        self._row = row

    def sizeHint(self) -> QSize:
        """A dock takes the height of its title from here, not from the minimum."""
        return QSize(super().sizeHint().width(), Metrics.of(self.title.font()).header)

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self.sizeHint().height())

    def add(self, widget: QWidget) -> None:
        """Put a small widget at the right end."""
        self._row.addWidget(widget)

    def set_note(self, text: str) -> None:
        """What stands at the right."""
        self.note.setText(text)


class Card(QFrame):
    """A rounded frame that holds one thing to read."""

    def __init__(self, role: str = "card", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", role)
        m = Metrics.of(self.font())
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(m.px(12), m.px(10), m.px(12), m.px(10))
        self.column.setSpacing(m.px(6))


class ColumnWidget(QWidget):
    """Widgets from top to bottom with the panel's margins, the rest empty."""

    def __init__(self, parent: QWidget | None = None, margin: int = 12, spacing: int = 10) -> None:
        super().__init__(parent)
        m = Metrics.of(self.font())
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(m.px(margin), m.px(margin), m.px(margin), m.px(margin))
        self.column.setSpacing(m.px(spacing))

    def clear(self) -> None:
        """Remove all that is in it."""
        while self.column.count():
            entry = self.column.takeAt(0)
            widget = entry.widget() if entry is not None else None
            if widget is not None:
                widget.hide()
                widget.setParent(None)
                widget.deleteLater()


class FieldGrid(QWidget):
    """Labels muted at the left, fields at the right, on two columns; a reason may stand below a field.

    Where both do not fit beside each other (a narrow dock, large text) every label stands above its field.
    """

    def __init__(self, parent: QWidget | None = None, share: tuple[int, int] = (5, 6)) -> None:
        super().__init__(parent)
        m = Metrics.of(self.font())
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(m.px(8))
        self.grid.setVerticalSpacing(m.px(8))
        self.grid.setColumnStretch(0, share[0])
        self.grid.setColumnStretch(1, share[1])
        self._rows: list[tuple[QLabel | None, QWidget]] = []
        self._row = m.row
        self.stacked = False
        """Whether labels stand above their fields."""

    def add(self, text: str, field: QWidget, tip: str = "") -> QLabel:
        """A row. The label becomes the field's buddy and its name for screen readers."""
        name = elided(text, "muted")
        name.setMinimumHeight(self._row)
        name.setBuddy(field)
        self._rows.append((name, field))
        self._place(len(self._rows) - 1)
        if not field.accessibleName():
            field.setAccessibleName(text)
        if tip:
            field.setToolTip(plain_tip(tip))
            name.setToolTip(plain_tip(tip))
        return name

    def label_of(self, field: QWidget) -> QLabel | None:
        """The label of a field's row; None for one over both columns."""
        return next((name for name, other in self._rows if other is field), None)

    def add_wide(self, widget: QWidget) -> None:
        """A widget over both columns."""
        self._rows.append((None, widget))
        self._place(len(self._rows) - 1)

    # -- beside or above -------------------------------------------------------------------------------------

    def _place(self, place: int) -> None:
        name, field = self._rows[place]
        row = 2 * place
        if name is None:
            self.grid.addWidget(field, row, 0, 1, 2)
        elif self.stacked:
            self.grid.addWidget(name, row, 0, 1, 2, Qt.AlignmentFlag.AlignBottom)
            self.grid.addWidget(field, row + 1, 0, 1, 2)
        else:
            self.grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            self.grid.addWidget(field, row, 1, Qt.AlignmentFlag.AlignVCenter)

    def _shown(self) -> list[tuple[QLabel | None, QWidget]]:
        return [(name, field) for name, field in self._rows if not field.isHidden()]

    def _label_width(self) -> int:
        """What the longest label takes, within reason: a very long one is cut."""
        widths = [name.sizeHint().width() for name, _ in self._shown() if name is not None]
        return min(max(widths, default=0), 18 * self.fontMetrics().averageCharWidth())

    def _field_width(self) -> int:
        return max((_least(field) for name, field in self._shown() if name is not None), default=0)

    def minimumSizeHint(self) -> QSize:
        """As narrow as the widest field alone: a label may go above it."""
        wide = max((_least(field) for name, field in self._shown() if name is None), default=0)
        return QSize(max(self._field_width(), wide), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # another font, a row that comes or goes
            self.fit()
        return super().event(event)

    def fit(self) -> None:
        """Labels beside the fields if both fit, else above them."""
        label = self._label_width()
        stacked = label + self.grid.horizontalSpacing() + self._field_width() > self.width()
        if self.grid.columnMinimumWidth(0) != (0 if stacked else label):
            self.grid.setColumnMinimumWidth(0, 0 if stacked else label)
        if stacked is self.stacked:
            return
        self.stacked = not self.stacked
        for name, field in self._rows:
            if name is not None:
                self.grid.removeWidget(name)
            self.grid.removeWidget(field)
        for place in range(len(self._rows)):
            self._place(place)
        self.updateGeometry()


def _least(widget: QWidget) -> int:
    """The least width at which a widget still shows what it has."""
    return max(widget.minimumSizeHint().width(), widget.minimumWidth())


class Row(QWidget):
    """Small widgets side by side from the left; below each other where they do not fit."""

    def __init__(self, *widgets: QWidget) -> None:
        super().__init__()
        self._widgets = widgets
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(Metrics.of(self.font()).px(8))
        for widget in widgets:
            self._line.addWidget(widget, 0, Qt.AlignmentFlag.AlignLeft)
        self._line.addStretch(1)

    def minimumSizeHint(self) -> QSize:
        """As wide as the widest of them."""
        widths = [w.sizeHint().width() for w in self._widgets if not w.isHidden()]
        return QSize(max(widths, default=0), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        widths = [w.sizeHint().width() for w in self._widgets if not w.isHidden()]
        needed = sum(widths) + self._line.spacing() * max(0, len(widths) - 1)
        way = QBoxLayout.Direction.LeftToRight
        if needed > self.width():
            way = QBoxLayout.Direction.TopToBottom
        if self._line.direction() is not way:
            self._line.setDirection(way)
            self.updateGeometry()


WORD = 20
"""Letters of a word from which on a name is cut rather than wrapped."""


def paragraph(text: str, role: str = "", *, selectable: bool = True) -> QLabel:
    """A wrapped text that never widens what it stands in, however long its words are."""
    made = label(text, role, wrap=True, selectable=selectable)
    made.setMinimumWidth(1)
    if any(len(word) > 2 * WORD for word in text.split()):
        made.setToolTip(plain_tip(text))
    return made


class Readings(QWidget):
    """Names muted at the left, values at the right edge: what is read, not set."""

    def __init__(self, rows: Mapping[str, str] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        m = Metrics.of(self.font())
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(m.px(12))
        self._grid.setVerticalSpacing(m.px(6))
        for name, value in (rows or {}).items():
            self.add(name, value)

    def add(self, name: str, value: str, role: str = "", tip: str = "") -> QLabel:
        """A row; a value that is too long is cut, a short one can be selected."""
        row = self._grid.rowCount()
        short = len(value) <= 24
        shown = (
            label(value, role, selectable=True)
            if short
            else elided(value, role, Qt.TextElideMode.ElideMiddle)
        )
        shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        shown.setAccessibleName(f"{name}: {value}")
        if tip:
            shown.setToolTip(plain_tip(tip))
        self._grid.setColumnStretch(0, 1)
        # A word without a place to break it would make the whole panel as wide as itself.
        long = any(len(word) > WORD for word in name.split())
        head = elided(name, "muted") if long else label(name, "muted", wrap=True)
        self._grid.addWidget(head, row, 0)
        self._grid.addWidget(shown, row, 1)
        if not short:
            self._grid.setColumnStretch(1, 2)
        return shown


class Choice(QComboBox):
    """A box to choose from that leaves the wheel to the panel around it unless it has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    def minimumSizeHint(self) -> QSize:
        """Not as wide as what it says while nothing is chosen."""
        return QSize(self.fontMetrics().averageCharWidth() * 14, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return QSize(self.minimumSizeHint().width(), super().sizeHint().height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class NumberEdit(QLineEdit):
    """A field for a number with its unit inside; empty means None where `optional`.

    Up and Down (and the wheel while it has the focus) step; `changed` is emitted while the user types and steps,
    `committed` when she is done with it.
    """

    changed = Signal()
    committed = Signal()

    def __init__(
        self,
        *,
        integer: bool = False,
        unit: str = "",
        optional: bool = False,
        empty: str = "automatic",
        minimum: float | None = None,
        maximum: float | None = None,
        step: float | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.integer, self.unit, self.optional = integer, unit, optional
        self.minimum, self.maximum, self.step = minimum, maximum, step
        if optional:
            self.setPlaceholderText(empty)
        if unit:
            self.setTextMargins(0, 0, self.fontMetrics().horizontalAdvance(unit) + 6, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.textEdited.connect(lambda _text: self.changed.emit())
        self.editingFinished.connect(self.committed)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 7, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 12, super().sizeHint().height())

    def value(self) -> float | int | None:
        """What is typed; None for an empty optional field.

        Raises
        ------
        ValueError : it is no number (the text says so).
        """
        text = self.text().strip()
        if not text and self.optional:
            return None
        if not text:
            raise ValueError("needs a number")
        try:
            number = parse_number(text)
        except ValueError:
            raise ValueError(f"{text!r} is no number") from None
        return int(number) if self.integer and number == int(number) else number

    def set_value(self, value: float | int | None) -> None:
        """Show a value (None: empty). Emits nothing."""
        text = "" if value is None else (str(int(value)) if self.integer else f"{value:.7g}")
        if text != self.text():
            self.setText(text)
            self.setCursorPosition(0)

    def set_invalid(self, invalid: bool) -> None:
        """Mark the field as wrong."""
        if bool(self.property("invalid")) != invalid:
            self.setProperty("invalid", invalid)
            restyle(self)

    def step_by(self, steps: float) -> None:
        """As the arrow keys do; a hint of `step`, else one in the last shown place."""
        try:
            value = self.value()
        except ValueError:
            return
        size = self.step or (1 if self.integer else self._tick(float(value or 0)))
        number = (value or 0) + steps * size
        if self.minimum is not None:
            number = max(self.minimum, number)
        if self.maximum is not None:
            number = min(self.maximum, number)
        self.set_value(number)
        self.changed.emit()
        self.committed.emit()

    def _tick(self, value: float) -> float:
        if self.minimum is not None and self.maximum is not None:
            return (self.maximum - self.minimum) / 100
        return max(abs(value) / 20, 1e-6) if value else 0.1

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        if event.key() in steps:
            self.step_by(steps[Qt.Key(event.key())])
            event.accept()
            return
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() and event.angleDelta().y():
            self.step_by(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.unit:
            return
        painter = QPainter(self)
        theme = current_theme()
        painter.setPen(color(theme.muted if self.isEnabled() else theme.disabled))
        area = QRect(self.rect()).adjusted(0, 0, -8, 0)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self.unit)
        painter.end()


def scrolled(content: QWidget) -> QScrollArea:
    """`content` in a scroll area that scrolls up and down only."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    # What is in it takes the keyboard, and is scrolled to then.
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area
